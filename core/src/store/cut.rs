//! The keyspace as it was at one moment, written down while it changes: snapshots without a fork.
//!
//! Every entry has a bit, its epoch, and so has the store. They are the same while nothing is written.
//! A cut turns the store's over: from then on an entry of the other epoch is one that was there at the cut and
//! is not written yet. Two get there first:
//!
//! ```text
//! the walk      goes over the tables with SCAN's cursor, a bounded step at a time, large values in parts
//! the changes   whoever changes an entry or takes it out has it written before: `preserve!`
//! ```
//!
//! Either way the entry is of the new epoch then, as is whatever is made after the cut. A part of a large
//! value is written from the value as it is; a change to it in between has the rest written at once.
//!
//! Databases go by their number at the cut, wherever SWAPDB has put them since. FLUSHDB hands its table over
//! to the cut, which reads it to its end and then has it freed. When a cut is abandoned, the walk goes
//! on without writing, so that all epochs are the same again before the next one.

use super::access::AccessClock;
use super::entry::EPOCH;
use super::garbage::Garbage;
use super::{Entry, Store};
use crate::collections::dict::Dict;
use crate::collections::hash::{HashSeed, hash};
use crate::collections::sorted_set::SortedSet;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A database as it was at the cut.
#[derive(Debug, Clone, Copy)]
pub struct CutDb {
    /// Its number then.
    pub index: usize,
    /// How many keys it had.
    pub keys: u64,
    /// How many of them had an expiry.
    pub volatile: u64,
}

/// Takes the entries of a cut, each once, in no order worth mentioning.
pub trait Scribe: core::fmt::Debug + Send {
    /// Writes an entry. If the parts of a large one are not complete, it comes behind them.
    fn entry(&mut self, db: &CutDb, entry: &Entry, access: &AccessClock);

    /// Whether an entry is to be written in parts.
    fn is_large(&self, entry: &Entry) -> bool;

    /// Writes the next part of a large entry, about `budget` bytes; whether that was the last. All parts are of
    /// one entry until it was.
    fn part(&mut self, db: &CutDb, entry: &Entry, access: &AccessClock, budget: usize) -> bool;

    /// There are no more entries.
    fn end(&mut self);

    /// How many bytes were written in all.
    fn written(&self) -> u64;

    /// How many bytes can be handed out.
    fn ready(&self) -> usize;

    /// Hands out the next bytes, no more than `most`.
    fn hand_out(&mut self, out: &mut Vec<u8>, most: usize);
}

/// Looking at a bucket takes as long as writing so many bytes.
const BUCKET_BYTES: usize = 64;
/// Looking at an entry that is written already does.
const ENTRY_BYTES: usize = 8;

/// The epoch, and the cut that is being written, if there is one.
#[derive(Debug, Default)]
pub struct Cut {
    /// 0 or [`EPOCH`].
    epoch: u32,
    walk: Option<Box<Walk>>,
}

/// How far a cut is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Keys that are written.
    pub done: u64,
    /// Keys that there are to write.
    pub all: u64,
    /// Bytes of entries that were written before their turn, because of changes.
    pub preserved: u64,
}

/// The way over the databases of a cut.
#[derive(Debug)]
struct Walk {
    dbs: Vec<CutDb>,
    /// Which database of the cut is now where; `None`: nothing of the cut is there any more.
    origins: Vec<Option<usize>>,
    /// Tables of databases that were emptied, by the number at the cut.
    flushed: Vec<(usize, Dict<Entry>)>,
    /// The database that is walked.
    db: usize,
    pen: Pen,
    /// Bytes of entries that were written because of changes.
    preserved: u64,
}

/// The way over one table, and who writes down what there is.
#[derive(Debug)]
struct Pen {
    /// `None` once the cut is abandoned.
    scribe: Option<Box<dyn Scribe>>,
    cursor: u64,
    /// The cursor has come back to where it began.
    around: bool,
    /// Large entries of the last bucket; the last of them is being written.
    large: Vec<Box<[u8]>>,
    /// Entries that are written.
    done: u64,
}

/// What is the same for all tables.
struct View<'a> {
    epoch: u32,
    seed: &'a HashSeed,
    access: &'a AccessClock,
}

/// Has an entry of the current database written that is about to change or to go, if a cut wants it.
macro_rules! preserve {
    ($store:ident, $entry:expr) => {{
        let entry: &mut $crate::store::Entry = $entry;
        if entry.epoch() != $store.cut.epoch() {
            $store.cut.preserve($store.current, entry, &$store.access);
        }
    }};
}
pub(crate) use preserve;

impl Cut {
    /// The epoch of all entries that no cut wants.
    #[inline]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Writes an entry of the database in `place`, if somebody writes; it is of the new epoch then.
    #[cold]
    #[inline(never)]
    pub(super) fn preserve(&mut self, place: usize, entry: &mut Entry, access: &AccessClock) {
        entry.set_epoch(self.epoch);
        let Some(walk) = &mut self.walk else { return };
        let Some(origin) = walk.origins[place] else { return };
        let Some(scribe) = &mut walk.pen.scribe else { return };
        let db = &walk.dbs[origin];
        let large = walk.pen.large.last();
        if origin == walk.db && large.is_some_and(|key| **key == *entry.key()) {
            while !scribe.part(db, entry, access, usize::MAX) {}
            walk.pen.large.pop();
        } else {
            scribe.entry(db, entry, access);
        }
        walk.preserved += entry.memory() as u64;
        walk.pen.done += 1;
    }

    /// Two databases change places.
    pub(super) fn swap(&mut self, a: usize, b: usize) {
        if let Some(walk) = &mut self.walk {
            walk.origins.swap(a, b);
        }
    }

    /// Keeps the table of the database in `place`, which was emptied, if it is still to be walked; gives it back
    /// if not.
    pub(super) fn keep(&mut self, place: usize, table: Dict<Entry>) -> Option<Dict<Entry>> {
        let Some(walk) = &mut self.walk else { return Some(table) };
        match walk.origins[place].take() {
            Some(origin) if origin >= walk.db && walk.pen.scribe.is_some() => {
                walk.flushed.push((origin, table));
                None
            }
            _ => Some(table),
        }
    }

    /// Whether a cut is being written.
    pub fn is_written(&self) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.pen.scribe.is_some())
    }

    /// Whether a cut was abandoned and its walk is not at its end.
    pub fn is_abandoned(&self) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.pen.scribe.is_none())
    }

    /// How far it is.
    pub fn extent(&self) -> Extent {
        self.walk.as_ref().map_or_else(Extent::default, |walk| Extent {
            done: walk.pen.done,
            all: walk.dbs.iter().map(|db| db.keys).sum(),
            preserved: walk.preserved,
        })
    }
}

impl Store {
    /// Cuts: what is there now is written by `scribe`, in steps. One cut at a time.
    pub fn begin_cut(&mut self, scribe: Box<dyn Scribe>) {
        debug_assert!(!self.cut.is_written(), "the cut before was ended or abandoned");
        self.abandon_cut();
        self.walk_on(usize::MAX, u64::MAX);
        self.cut.epoch ^= EPOCH;
        let dbs = self.dbs.iter().enumerate().map(|(index, db)| CutDb {
            index,
            keys: db.len() as u64,
            volatile: db.volatile() as u64,
        });
        let pen =
            Pen { scribe: Some(scribe), cursor: 0, around: false, large: Vec::new(), done: 0 };
        self.cut.walk = Some(Box::new(Walk {
            dbs: dbs.collect(),
            origins: (0..self.dbs.len()).map(Some).collect(),
            flushed: Vec::new(),
            db: 0,
            pen,
            preserved: 0,
        }));
    }

    /// Writes about `budget` more bytes, or `keys` more keys, and hands out what was written, but no more than
    /// twice the budget at once. `true`: that was all.
    pub fn write_cut(&mut self, out: &mut Vec<u8>, budget: usize, keys: u64) -> bool {
        // What was written because of changes goes first.
        let ready = self.cut.ready().unwrap_or(0);
        if ready < budget {
            self.walk_on(budget - ready, keys);
        }
        let Some(walk) = &mut self.cut.walk else { return true };
        let Some(scribe) = &mut walk.pen.scribe else { return true };
        scribe.hand_out(out, budget.saturating_mul(2));
        let done = walk.db == walk.dbs.len() && scribe.ready() == 0;
        if done {
            self.cut.walk = None;
        }
        done
    }

    /// Gives a cut up. The rest of the walk is for [`Store::walk_on`].
    pub fn abandon_cut(&mut self) {
        let Some(walk) = &mut self.cut.walk else { return };
        walk.pen.scribe = None;
        for (_, table) in walk.flushed.drain(..) {
            self.garbage.push_table(table, SortedSet::default());
        }
    }

    /// Walks on for as long as it takes to write about `budget` bytes, or until `keys` keys are written.
    pub fn walk_on(&mut self, budget: usize, keys: u64) {
        let Some(walk) = &mut self.cut.walk else { return };
        let view = View { epoch: self.cut.epoch, seed: &self.tuning.seed, access: &self.access };
        let last = walk.pen.done.saturating_add(keys);
        let mut left = budget;
        while walk.db < walk.dbs.len() && left > 0 && walk.pen.done < last {
            let db = walk.dbs[walk.db];
            let flushed = walk.flushed.iter_mut().find(|(origin, _)| *origin == db.index);
            let place = walk.origins.iter().position(|origin| *origin == Some(db.index));
            let table = match (flushed, place) {
                (Some((_, table)), _) => Some(table),
                (None, Some(place)) => Some(&mut self.dbs[place].entries),
                // It was emptied after the cut was given up.
                (None, None) => None,
            };
            if !table.is_some_and(|table| walk.pen.write_on(&db, table, &view, &mut left)) {
                walk.go_to_next_db(&mut self.garbage);
            }
        }
        if walk.db == walk.dbs.len() && walk.pen.scribe.is_none() {
            self.cut.walk = None;
        }
    }
}

impl Cut {
    /// How many bytes are written and not handed out; `None`: nothing is being written.
    pub fn ready(&self) -> Option<usize> {
        Some(self.walk.as_ref()?.pen.scribe.as_ref()?.ready())
    }
}

impl Walk {
    fn go_to_next_db(&mut self, garbage: &mut Garbage) {
        if let Some(at) = self.flushed.iter().position(|(origin, _)| *origin == self.db) {
            garbage.push_table(self.flushed.swap_remove(at).1, SortedSet::default());
        }
        self.db += 1;
        self.pen.cursor = 0;
        self.pen.around = false;
        if self.db == self.dbs.len()
            && let Some(scribe) = &mut self.pen.scribe
        {
            scribe.end();
        }
    }
}

impl Pen {
    /// Writes the next part of a large entry, or the entries of the next bucket; whether there may be more.
    fn write_on(
        &mut self,
        db: &CutDb,
        table: &mut Dict<Entry>,
        view: &View<'_>,
        left: &mut usize,
    ) -> bool {
        let before = self.written();
        let mut looked = BUCKET_BYTES;
        if let Some(key) = self.large.last() {
            let slot = table.find_slot(hash(view.seed, key), |entry| entry.has_key(key));
            // One that is gone or of the new epoch was changed, and written before.
            let slot = slot.filter(|slot| slot.get().epoch() != view.epoch);
            let done = match (&slot, &mut self.scribe) {
                (Some(slot), Some(scribe)) => scribe.part(db, slot.get(), view.access, *left),
                _ => true,
            };
            if done {
                if let Some(mut slot) = slot {
                    slot.get_mut().set_epoch(view.epoch);
                    self.done += 1;
                }
                self.large.pop();
            }
        } else if self.around {
            return false;
        } else {
            table.prefetch_scan(self.cursor);
            self.cursor = table.scan_mut(self.cursor, |entry| {
                looked += ENTRY_BYTES;
                if entry.epoch() == view.epoch {
                    return;
                }
                if let Some(scribe) = &mut self.scribe {
                    if scribe.is_large(entry) {
                        self.large.push(Box::from(entry.key()));
                        return;
                    }
                    scribe.entry(db, entry, view.access);
                }
                entry.set_epoch(view.epoch);
                self.done += 1;
            });
            self.around = self.cursor == 0;
        }
        let written = (self.written() - before) as usize;
        *left = left.saturating_sub(written.saturating_add(looked));
        true
    }

    fn written(&self) -> u64 {
        self.scribe.as_ref().map_or(0, |scribe| scribe.written())
    }
}
