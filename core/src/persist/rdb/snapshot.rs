//! Writing a whole file, in steps.
//!
//! ```text
//! [ REDIS │ version, 4 digits │ facts about the writer │ library … │ database … │ 0xff │ CRC-64 of all before ]
//! library  = [ 0xf5 text ]
//! database = [ 0xfe number │ 0xfb keys, keys that expire │ key … ]
//! key      = [ 0xfc expiry in ms, if any │ 0xf8 idle seconds or 0xf9 access counter, if kept │ type │ key │ value ]
//! ```
//!
//! The keyspace must stay as it is from the first step to the last.

use super::crc64::Crc64;
use super::lzf::Lzf;
use super::save::Format;
use super::{Writer, opcode};
use crate::store::{Entry, Store};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// What a file says of the time and place it was written.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The version of Redis that it is compatible with.
    pub redis_version: &'static str,
    /// Seconds since 1970.
    pub unix_s: i64,
    /// Bytes of memory in use.
    pub used_memory: u64,
    /// Whether an append-only file starts with it.
    pub aof_base: bool,
}

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The encodings of values, and the version of the file.
    pub format: Format,
    /// `rdbcompression`.
    pub compress: bool,
    /// `rdbchecksum`: without it the checksum is 0, which nobody checks.
    pub checksum: bool,
    /// Whether access clocks are kept with the keys.
    pub access: bool,
}

/// A file being written.
#[derive(Debug)]
pub struct Snapshot {
    options: Options,
    origin: Origin,
    libraries: Vec<Box<[u8]>>,
    next: Next,
    crc: Crc64,
    lzf: Lzf,
}

/// What comes next.
#[derive(Debug, Clone, Copy)]
enum Next {
    Head,
    Database(usize),
    /// Keys of a database, from a cursor on.
    Keys(usize, u64),
    Done,
}

impl Snapshot {
    /// A file of which nothing is written yet. The libraries of functions are given by their texts.
    pub fn new(options: Options, origin: Origin, libraries: Vec<Box<[u8]>>) -> Self {
        let (crc, lzf) = (Crc64::default(), Lzf::default());
        Self { options, origin, libraries, next: Next::Head, crc, lzf }
    }

    /// Appends about `budget` more bytes, or one key that is larger; whether that was the last of the file.
    pub fn step(&mut self, store: &Store, out: &mut Vec<u8>, budget: usize) -> bool {
        let start = out.len();
        let mut summed = start;
        while !matches!(self.next, Next::Done) && out.len() - start < budget {
            let lzf = self.options.compress.then_some(&mut self.lzf);
            let mut to = Writer { out, lzf };
            self.next = match self.next {
                Next::Head => {
                    head(&mut to, &self.options, &self.origin);
                    for code in core::mem::take(&mut self.libraries) {
                        to.byte(opcode::FUNCTION);
                        to.string(&code);
                    }
                    Next::Database(0)
                }
                Next::Database(index) if index < store.count() => {
                    let db = store.db_at(index);
                    if db.is_empty() {
                        Next::Database(index + 1)
                    } else {
                        to.byte(opcode::DATABASE);
                        to.length(index as u64);
                        to.byte(opcode::SIZES);
                        to.length(db.len() as u64);
                        to.length(db.volatile() as u64);
                        Next::Keys(index, 0)
                    }
                }
                Next::Database(_) | Next::Done => {
                    to.byte(opcode::END);
                    if self.options.checksum {
                        self.crc.update(&out[summed..]);
                    }
                    out.extend_from_slice(&self.crc.value().to_le_bytes());
                    summed = out.len();
                    Next::Done
                }
                Next::Keys(index, cursor) => {
                    let options = &self.options;
                    let cursor = store.db_at(index).entries().scan(cursor, |entry| {
                        key(&mut to, options, store, entry);
                    });
                    if cursor == 0 { Next::Database(index + 1) } else { Next::Keys(index, cursor) }
                }
            };
        }
        if self.options.checksum {
            self.crc.update(&out[summed..]);
        }
        matches!(self.next, Next::Done)
    }

    /// Appends all that is left.
    pub fn finish(mut self, store: &Store, out: &mut Vec<u8>) {
        while !self.step(store, out, usize::MAX) {}
    }
}

fn head(to: &mut Writer<'_>, options: &Options, origin: &Origin) {
    to.bytes(format!("REDIS{:04}", options.format.version).as_bytes());
    let mut fact = |name: &str| {
        to.byte(opcode::FACT);
        to.string(name.as_bytes());
        match name {
            "redis-ver" => to.string(origin.redis_version.as_bytes()),
            "redis-bits" => to.int(64),
            "ctime" => to.int(origin.unix_s),
            "used-mem" => to.int(origin.used_memory.min(i64::MAX as u64) as i64),
            _ => to.int(origin.aof_base.into()),
        }
    };
    ["redis-ver", "redis-bits", "ctime", "used-mem", "aof-base"].iter().for_each(|name| fact(name));
}

fn key(to: &mut Writer<'_>, options: &Options, store: &Store, entry: &Entry) {
    if let Some(expiry_ms) = entry.expiry_ms() {
        to.byte(opcode::EXPIRY_MS);
        to.time_ms(expiry_ms);
    }
    if options.access && store.access.lfu {
        to.byte(opcode::FREQUENCY);
        to.byte(store.access.frequency(entry).min(255) as u8);
    } else if options.access {
        to.byte(opcode::IDLE);
        to.length(store.access.idle_seconds(entry).into());
    }
    options.format.write(to, entry, true);
}
