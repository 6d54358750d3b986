//! Writing a whole file, in steps.
//!
//! ```text
//! [ REDIS │ version, 4 digits │ facts about the writer │ library … │ database … │ 0xff │ CRC-64 of all before ]
//! library  = [ 0xf5 text ]
//! database = [ 0xfe number │ 0xfb keys, keys that expire │ key … ]
//! key      = [ 0xfc expiry in ms, if any │ 0xf8 idle seconds or 0xf9 access counter, if kept │ type │ key │ value ]
//! ```
//!
//! The keyspace must stay as it is from the first step to the last. [`background`](super::background) writes one
//! that changes.

use super::crc64::Crc64;
use super::lzf::Lzf;
use super::save::Format;
use super::{Writer, opcode};
use crate::store::access::AccessClock;
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
                    head(&mut to, &self.options, &self.origin, &self.libraries);
                    Next::Database(0)
                }
                Next::Database(index) if index < store.count() => {
                    let db = store.db_at(index);
                    if db.is_empty() {
                        Next::Database(index + 1)
                    } else {
                        database(&mut to, index);
                        sizes(&mut to, db.len() as u64, db.volatile() as u64);
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
                    let entries = store.db_at(index).entries();
                    entries.prefetch_scan(cursor);
                    let cursor = entries.scan(cursor, |entry| {
                        before_value(&mut to, options, &store.access, entry);
                        options.format.write(&mut to, entry, true);
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

/// What a file begins with.
pub(super) fn head(
    to: &mut Writer<'_>,
    options: &Options,
    origin: &Origin,
    libraries: &[Box<[u8]>],
) {
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
    for code in libraries {
        to.byte(opcode::FUNCTION);
        to.string(code);
    }
}

/// The keys that follow are in this database.
pub(super) fn database(to: &mut Writer<'_>, index: usize) {
    to.byte(opcode::DATABASE);
    to.length(index as u64);
}

/// How many keys the database has, and how many of them expire.
pub(super) fn sizes(to: &mut Writer<'_>, keys: u64, volatile: u64) {
    to.byte(opcode::SIZES);
    to.length(keys);
    to.length(volatile);
}

/// What comes before the type, key and value of an entry: its expiry, its use.
pub(super) fn before_value(
    to: &mut Writer<'_>,
    options: &Options,
    access: &AccessClock,
    entry: &Entry,
) {
    if let Some(expiry_ms) = entry.expiry_ms() {
        to.byte(opcode::EXPIRY_MS);
        to.time_ms(expiry_ms);
    }
    if options.access && access.lfu {
        to.byte(opcode::FREQUENCY);
        to.byte(access.frequency(entry).min(255) as u8);
    } else if options.access {
        to.byte(opcode::IDLE);
        to.length(access.idle_seconds(entry).into());
    }
}
