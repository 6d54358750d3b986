//! `--check-rdb`: reads an RDB file through and says what is in it, as redis-check-rdb does.

use core::fmt::Write as _;
use std::io::{self, Read};
use std::path::Path;

use redstart_core::collections::hash::HashSeed;
use redstart_core::persist::rdb::loader::{Item, LoadError, Loader};
use redstart_core::value::Tuning;

use super::seal::{Key, Opened};

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 1 << 20;

/// What was found.
#[derive(Debug, Default)]
struct Found {
    keys: u64,
    expires: u64,
    expired: u64,
}

/// Checks the file that `input` gives; whether it is sound, and the bytes behind its end if there are some.
pub(crate) fn check(
    name: &str,
    input: &mut dyn Read,
    out: &mut dyn io::Write,
) -> io::Result<Option<Rest>> {
    writeln!(out, "[offset 0] Checking RDB file {name}")?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ms = now.unwrap_or_default().as_millis() as i64;
    // Nothing that is read is kept, so that it may be hashed in a known way.
    let tuning = Tuning::new(HashSeed::new([1, 2, 3, 4]));
    let (mut loader, mut found) = (Loader::default(), Found::default());
    let (mut bytes, mut at, mut offset) = (Vec::new(), 0, 0);
    let mut is_end = false;
    // A large value is tried again when there is half as much again of it.
    let mut wanted = 0;
    let fault = loop {
        let mut said = String::new();
        let mut visit = |item: Item<'_>| {
            match item {
                Item::Fact(name, text) => {
                    let (name, text) =
                        (String::from_utf8_lossy(name), String::from_utf8_lossy(text));
                    _ = write!(said, "AUX FIELD {name} = '{text}'");
                }
                Item::Database(index) => _ = write!(said, "Selecting DB ID {index}"),
                Item::Function(_) | Item::Empty(_) => {}
                Item::Key(key) => {
                    found.keys += 1;
                    if let Some(at_ms) = key.entry.expiry_ms() {
                        found.expires += 1;
                        found.expired += u64::from(at_ms < now_ms);
                    }
                }
            }
            Ok(())
        };
        let rest = &bytes[at..];
        let taken = match rest.len() {
            len if len < wanted && !is_end => Ok(0),
            _ => loader.read_one(rest, &tuning, &mut visit),
        };
        match taken {
            Err(error) => break Some(error),
            Ok(0) if is_end => {
                let reason = "unexpected end".into();
                break Some(LoadError { offset: offset + rest.len() as u64, reason });
            }
            Ok(0) => {
                wanted = rest.len() * 3 / 2;
                bytes.drain(..at);
                at = 0;
                let start = bytes.len();
                bytes.resize(start + PIECE_BYTES, 0);
                let len = match input.read(&mut bytes[start..]) {
                    // A sealed one that does not open.
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                        break Some(LoadError { offset, reason: error.to_string() });
                    }
                    read => read?,
                };
                bytes.truncate(start + len);
                is_end = len == 0;
            }
            Ok(taken) => {
                wanted = 0;
                at += taken;
                offset += taken as u64;
                if !said.is_empty() {
                    writeln!(out, "[offset {offset}] {said}")?;
                }
                if loader.is_done() {
                    break None;
                }
            }
        }
    };
    match &fault {
        None => {
            writeln!(out, "[offset {offset}] Checksum OK")?;
            writeln!(out, "[offset {offset}] \\o/ RDB looks OK! \\o/")?;
        }
        Some(error) => {
            writeln!(out, "--- RDB ERROR DETECTED ---")?;
            writeln!(out, "[offset {}] {}", error.offset, words(&error.reason))?;
        }
    }
    writeln!(out, "[info] {} keys read", found.keys)?;
    writeln!(out, "[info] {} expires", found.expires)?;
    writeln!(out, "[info] {} already expired", found.expired)?;
    let rest = Rest { offset, bytes: bytes.split_off(at) };
    Ok(fault.is_none().then_some(rest))
}

/// What stands behind the end of a sound file.
#[derive(Debug)]
pub(crate) struct Rest {
    /// Where it begins.
    pub(crate) offset: u64,
    /// As much of it as was read.
    pub(crate) bytes: Vec<u8>,
}

/// What Redis's tool calls it.
fn words(reason: &str) -> String {
    match reason {
        "wrong checksum" => "RDB CRC error".into(),
        "unexpected end" => "Unexpected EOF reading RDB file".into(),
        "no RDB file: wrong signature" => "Wrong signature trying to load DB from file".into(),
        _ => match reason.strip_prefix("unknown type of a value ") {
            Some(code) => format!("Invalid object type: {code}"),
            None => reason.into(),
        },
    }
}

/// Checks the file at `path`; whether it is sound.
pub(crate) fn check_file(path: &Path, out: &mut dyn io::Write) -> io::Result<bool> {
    let key = Key::from_environment()?;
    let mut file = Opened::new(std::fs::File::open(path)?, key.as_ref())?;
    Ok(check(&path.display().to_string(), &mut file, out)?.is_some())
}
