//! Writing a whole file while the keyspace changes: the scribe of a [`cut`](crate::store::cut).
//!
//! Entries come in any order, so keys of different databases may take turns: the database is named before a
//! key wherever it is another one than before, and its sizes where it is named first.
//! What comes while a large value is half written waits behind it.

use super::crc64::Crc64;
use super::lzf::Lzf;
use super::parts::{Place, is_large};
use super::snapshot::{Options, Origin, before_value, database, head, sizes};
use super::{Writer, opcode};
use crate::persist::spool::Spool;
use crate::store::Entry;
use crate::store::access::AccessClock;
use crate::store::cut::{CutDb, Scribe};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::take;

/// A file being written.
#[derive(Debug)]
pub struct Background {
    options: Options,
    lzf: Lzf,
    crc: Crc64,
    spool: Spool,
    /// How far the large value is that is half written.
    place: Option<Place>,
    /// The database of the last key.
    db: Option<usize>,
    /// Databases that were named.
    named: Vec<usize>,
    /// The checksum is to be written behind all there is.
    ended: bool,
}

impl Background {
    /// A file of which the head is written. The libraries of functions are given by their texts.
    pub fn new(options: Options, origin: Origin, libraries: &[Box<[u8]>]) -> Self {
        let (mut spool, mut lzf) = (Spool::default(), Lzf::default());
        let mut to = Writer { out: &mut spool.out, lzf: options.compress.then_some(&mut lzf) };
        head(&mut to, &options, &origin, libraries);
        Self {
            options,
            lzf,
            crc: Crc64::default(),
            spool,
            place: None,
            db: None,
            named: Vec::new(),
            ended: false,
        }
    }
}

/// Names the database of the key that follows, where it is another one than before.
fn select(to: &mut Writer<'_>, db: &CutDb, last: &mut Option<usize>, named: &mut Vec<usize>) {
    if *last == Some(db.index) {
        return;
    }
    *last = Some(db.index);
    database(to, db.index);
    if !named.contains(&db.index) {
        named.push(db.index);
        sizes(to, db.keys, db.volatile);
    }
}

impl Scribe for Background {
    fn entry(&mut self, db: &CutDb, entry: &Entry, access: &AccessClock) {
        let Spool { out, behind, .. } = &mut self.spool;
        let out = if self.place.is_some() { behind } else { out };
        let mut to = Writer { out, lzf: self.options.compress.then_some(&mut self.lzf) };
        select(&mut to, db, &mut self.db, &mut self.named);
        before_value(&mut to, &self.options, access, entry);
        self.options.format.write(&mut to, entry, true);
    }

    fn is_large(&self, entry: &Entry) -> bool {
        is_large(entry)
    }

    fn part(&mut self, db: &CutDb, entry: &Entry, access: &AccessClock, budget: usize) -> bool {
        let lzf = self.options.compress.then_some(&mut self.lzf);
        let mut to = Writer { out: &mut self.spool.out, lzf };
        let format = &self.options.format;
        let place = self.place.get_or_insert_with(|| {
            select(&mut to, db, &mut self.db, &mut self.named);
            before_value(&mut to, &self.options, access, entry);
            format.begin(&mut to, entry)
        });
        let done = format.write_part(&mut to, entry, place, budget);
        if done {
            self.place = None;
            self.spool.join();
        }
        done
    }

    fn end(&mut self) {
        debug_assert!(self.place.is_none(), "no value is half written");
        self.spool.out.push(opcode::END);
        self.ended = true;
    }

    fn written(&self) -> u64 {
        self.spool.written()
    }

    fn ready(&self) -> usize {
        // The checksum counts before it is there.
        self.spool.ready() + if self.ended { 8 } else { 0 }
    }

    fn hand_out(&mut self, out: &mut Vec<u8>, most: usize) {
        let start = out.len();
        self.spool.hand_out(out, most);
        if self.options.checksum {
            self.crc.update(&out[start..]);
        }
        if self.spool.ready() == 0 && take(&mut self.ended) {
            out.extend_from_slice(&self.crc.value().to_le_bytes());
        }
    }
}
