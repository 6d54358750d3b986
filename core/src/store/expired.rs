//! What follows from a key's expiry that a look-up met: counted, written down, told to those concerned.

use super::garbage::Garbage;
use super::journal::Journal;
use super::tracking::Tracking;
use super::watch::{WaitTable, WatchTable};
use super::{Class, Entry, KeyEvent, StoreStats, fields, is_heavy, is_missed};
use crate::collections::hash::HashSeed;
use crate::collections::sorted_set::SortedSet;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What is told of an expired key, from the parts of a store that are free while one of its tables is not.
pub(super) struct Obituary<'a> {
    pub(super) db: usize,
    pub(super) seed: &'a HashSeed,
    pub(super) field_times: &'a mut SortedSet,
    pub(super) notify: Class,
    pub(super) watch: &'a WatchTable,
    pub(super) tracking: &'a mut Tracking,
    pub(super) wait: &'a WaitTable,
    pub(super) ready: &'a mut Vec<(usize, Box<[u8]>)>,
    pub(super) stats: &'a mut StoreStats,
    pub(super) touched: &'a mut Vec<u64>,
    pub(super) events: &'a mut Vec<KeyEvent>,
    pub(super) garbage: &'a mut Garbage,
    pub(super) journal: &'a mut Journal,
    pub(super) now_ms: i64,
    pub(super) lazily: bool,
}

impl Obituary<'_> {
    /// Counts the key and tells those concerned.
    #[cold]
    pub(super) fn publish(self, entry: Entry) {
        fields::unindex(self.field_times, self.seed, &entry);
        self.journal.removal(self.db, self.now_ms, entry.key(), self.lazily);
        self.stats.expired += 1;
        self.touched.extend(self.watch.watchers_of_live(entry.key()));
        self.tracking.changed(entry.key(), 0);
        if is_missed(&entry, self.wait) {
            self.ready.push((self.db, Box::from(entry.key())));
        }
        if self.notify.intersects(Class::EXPIRED) {
            let key = Box::from(entry.key());
            let event = KeyEvent { class: Class::EXPIRED, event: "expired", db: self.db, key };
            self.events.push(event);
        }
        if is_heavy(&entry) {
            self.garbage.push_entry(entry);
        }
    }
}
