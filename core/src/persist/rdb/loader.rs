//! Reading a whole file that comes in pieces, cut anywhere.
//!
//! What is whole in a piece is read where it lies; only the rest waits for the next piece. A value of many parts is
//! tried again when half as much again is there, so that its parts are not read over and over.

use super::crc64::Crc64;
use super::load::Source;
use super::{Fault, Reader, VALKEY_VERSION, is_known, opcode};
use crate::store::Entry;
use crate::value::Tuning;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Why a file is not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    /// Where in the file, in bytes from its start.
    pub offset: u64,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}", self.reason, self.offset)
    }
}

impl core::error::Error for LoadError {}

/// What a file consists of.
#[derive(Debug)]
pub enum Item<'a> {
    /// Something about the file: a name and a text.
    Fact(&'a [u8], &'a [u8]),
    /// The keys that follow are in this database.
    Database(u64),
    /// The code of a library of functions.
    Function(&'a [u8]),
    /// A key.
    Key(Keyed),
    /// A key whose value has no members; Redis has none such.
    Empty(&'a [u8]),
}

/// A key with its value and expiry, and what is known of its use.
#[derive(Debug)]
pub struct Keyed {
    /// Key, value and expiry.
    pub entry: Entry,
    /// How long ago it was last used.
    pub idle_seconds: Option<u64>,
    /// Its access counter.
    pub frequency: Option<u8>,
}

/// Takes the items in their order. A refusal ends the loading, with this reason.
pub type Visit<'v> = &'v mut dyn FnMut(Item<'_>) -> Result<(), Cow<'static, str>>;

/// A file being read.
#[derive(Debug, Default)]
pub struct Loader {
    /// What came and is not read yet.
    pending: Vec<u8>,
    /// How much of `pending` it takes for another look to be worth it.
    wanted: u64,
    /// Where in the file the next item starts.
    offset: u64,
    crc: Crc64,
    version: Option<u32>,
    expiry_ms: Option<i64>,
    idle_seconds: Option<u64>,
    frequency: Option<u8>,
    done: bool,
}

/// Module values are made of these, up to the end.
mod module {
    pub(super) const END: u64 = 0;
    pub(super) const SIGNED: u64 = 1;
    pub(super) const UNSIGNED: u64 = 2;
    pub(super) const FLOAT: u64 = 3;
    pub(super) const DOUBLE: u64 = 4;
    pub(super) const STRING: u64 = 5;
}

const MAGIC_LEN: usize = 9;

impl Loader {
    /// Reads on with the next piece; whether the file has ended in it.
    pub fn push(
        &mut self,
        piece: &[u8],
        tuning: &Tuning,
        visit: Visit<'_>,
    ) -> Result<bool, LoadError> {
        if self.pending.is_empty() {
            let used = self.read(piece, tuning, visit)?;
            self.pending.extend_from_slice(&piece[used..]);
        } else {
            self.pending.extend_from_slice(piece);
            if self.pending.len() as u64 >= self.wanted {
                self.read_pending(tuning, visit)?;
            }
        }
        Ok(self.done)
    }

    /// There are no more pieces: reads what waits, and is an error if the file is not whole.
    pub fn finish(&mut self, tuning: &Tuning, visit: Visit<'_>) -> Result<(), LoadError> {
        self.read_pending(tuning, visit)?;
        if self.done {
            return Ok(());
        }
        let offset = self.offset + self.pending.len() as u64;
        Err(LoadError { offset, reason: "unexpected end of file".into() })
    }

    /// What came behind the end of the file: an append-only file may go on there.
    pub fn into_rest(self) -> Vec<u8> {
        self.pending
    }

    fn read_pending(&mut self, tuning: &Tuning, visit: Visit<'_>) -> Result<(), LoadError> {
        let mut pending = core::mem::take(&mut self.pending);
        let used = self.read(&pending, tuning, visit)?;
        pending.drain(..used);
        self.pending = pending;
        Ok(())
    }

    /// Whether the file's end was read.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Reads all that is whole; how many bytes that was.
    fn read(
        &mut self,
        bytes: &[u8],
        tuning: &Tuning,
        visit: Visit<'_>,
    ) -> Result<usize, LoadError> {
        let mut used = 0;
        while !self.done {
            match self.read_one(&bytes[used..], tuning, visit)? {
                0 => break,
                taken => used += taken,
            }
        }
        Ok(used)
    }

    /// Reads one item from the front of `bytes`; how many bytes it takes, 0 if it is not whole. For those who
    /// want to know where each item ends; nothing may have been pushed.
    pub fn read_one(
        &mut self,
        bytes: &[u8],
        tuning: &Tuning,
        visit: Visit<'_>,
    ) -> Result<usize, LoadError> {
        let mut from = Reader::new(bytes);
        match self.item(&mut from, tuning, visit) {
            Ok(()) => {
                let taken = from.at();
                self.crc.update(&bytes[..taken]);
                self.offset += taken as u64;
                Ok(taken)
            }
            Err(Fault::Short(needed)) => {
                self.wanted = needed.max(bytes.len() as u64 * 3 / 2);
                Ok(0)
            }
            Err(fault) => {
                let offset = self.offset + from.at() as u64;
                Err(LoadError { offset, reason: fault.text() })
            }
        }
    }

    /// Reads one item, or nothing.
    fn item(
        &mut self,
        from: &mut Reader<'_>,
        tuning: &Tuning,
        visit: Visit<'_>,
    ) -> Result<(), Fault> {
        let Some(version) = self.version else {
            self.version = Some(version(from)?);
            return Ok(());
        };
        let code = from.byte()?;
        match code {
            opcode::EXPIRY_MS => self.expiry_ms = Some(from.time_ms()?),
            opcode::EXPIRY_S => {
                self.expiry_ms = Some(i64::from(i32::from_le_bytes(from.array()?)) * 1000);
            }
            opcode::FREQUENCY => self.frequency = Some(from.byte()?),
            opcode::IDLE => self.idle_seconds = Some(from.length()?),
            opcode::DATABASE => {
                let index = from.length()?;
                visit(Item::Database(index)).map_err(Fault::Wrong)?;
            }
            opcode::SIZES => {
                from.length()?;
                from.length()?;
            }
            opcode::FACT => {
                let (name, text) = (from.string()?, from.string()?);
                visit(Item::Fact(&name, &text)).map_err(Fault::Wrong)?;
            }
            opcode::FUNCTION => {
                visit(Item::Function(&from.string()?)).map_err(Fault::Wrong)?;
            }
            opcode::FUNCTION_OLD => {
                return Err(Fault::wrong("functions as a release candidate wrote them"));
            }
            opcode::SLOT_SIZES => {
                for _ in 0..3 {
                    from.length()?;
                }
            }
            opcode::SLOT_IMPORT if version >= VALKEY_VERSION => {
                from.string()?;
                for _ in 0..from.length()? {
                    from.length()?;
                    from.length()?;
                }
            }
            opcode::MODULE_DATA => skip_module_data(from)?,
            opcode::END => self.end(version, from)?,
            _ => {
                let key = from.string()?;
                let item = match (Source { version, tuning }).read(from, code, &key) {
                    Ok(mut entry) => {
                        entry.set_expiry_ms(self.expiry_ms);
                        let (idle_seconds, frequency) = (self.idle_seconds, self.frequency);
                        Item::Key(Keyed { entry, idle_seconds, frequency })
                    }
                    Err(Fault::Empty) => Item::Empty(&key),
                    Err(Fault::Wrong(reason)) if super::name_of_type(code) != "Value" => {
                        let what = super::name_of_type(code);
                        let reason = format!("{what} integrity check failed: {reason}");
                        return Err(Fault::Wrong(Cow::Owned(reason)));
                    }
                    Err(fault) => return Err(fault),
                };
                (self.expiry_ms, self.idle_seconds, self.frequency) = (None, None, None);
                visit(item).map_err(Fault::Wrong)?;
            }
        }
        Ok(())
    }

    fn end(&mut self, version: u32, from: &mut Reader<'_>) -> Result<(), Fault> {
        if version >= 5 {
            let stated = from.u64()?;
            // The byte that says it is the end counts.
            self.crc.update(&[opcode::END]);
            if stated != 0 && stated != self.crc.value() {
                return Err(Fault::wrong("wrong checksum"));
            }
        }
        self.done = true;
        Ok(())
    }
}

/// The version of a file, from its first bytes.
fn version(from: &mut Reader<'_>) -> Result<u32, Fault> {
    let magic: [u8; MAGIC_LEN] = from.array()?;
    let digits = magic.strip_prefix(b"REDIS").or_else(|| magic.strip_prefix(b"VALKEY"));
    let version = digits.and_then(|digits| core::str::from_utf8(digits).ok()?.parse().ok());
    match version {
        Some(version) if is_known(version) => Ok(version),
        Some(version) => {
            Err(Fault::Wrong(Cow::Owned(format!("cannot handle version {version} of RDB"))))
        }
        None => Err(Fault::wrong("no RDB file: wrong signature")),
    }
}

fn skip_module_data(from: &mut Reader<'_>) -> Result<(), Fault> {
    // The module, and when in the file it wrote this.
    for _ in 0..3 {
        from.length()?;
    }
    loop {
        match from.length()? {
            module::END => return Ok(()),
            module::SIGNED | module::UNSIGNED => _ = from.length()?,
            module::FLOAT => _ = from.take(4)?,
            module::DOUBLE => _ = from.take(8)?,
            module::STRING => _ = from.string()?,
            _ => return Err(Fault::wrong("unknown part of a module's data")),
        }
    }
}
