//! Fields of hashes that expire: which hashes have some, and what happens when their time is up.
//!
//! Every database has an index of its hashes by the time of their next field to expire. It says the truth
//! at any moment: a hash is in it exactly if one of its fields has an expiry. Entries come and go
//! through few functions of the store, and those keep it so; a handler that changes fields of a hash that
//! [`is_timed`](Hash::is_timed) says so with [`Store::index_fields`].
//!
//! A field that is due is absent for all who read it. It goes when a command names it, or in active
//! expiry, which takes the hashes in the order of the index and counts its work.

use super::cut::preserve;
use super::{Class, Db, Entry, Store, hasher};
use crate::collections::hash::{HashSeed, hash};
use crate::collections::sorted_set::SortedSet;
use crate::value::Hash;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Removing a field takes as long as looking at so many keys.
const FIELD_UNITS: usize = 4;
/// Taking up a hash does.
const HASH_UNITS: usize = 8;

/// An entry comes into a database.
#[inline]
pub(super) fn index(times: &mut SortedSet, seed: &HashSeed, entry: &Entry) {
    if let Some(at_ms) = entry.as_object::<Hash>().and_then(Hash::next_time) {
        times.insert(seed, entry.key(), at_ms as f64);
    }
}

/// An entry has left a database.
#[inline]
pub(super) fn unindex(times: &mut SortedSet, seed: &HashSeed, entry: &Entry) {
    if !times.is_empty() && entry.as_object::<Hash>().is_some_and(Hash::is_timed) {
        times.remove(seed, entry.key());
    }
}

impl Db {
    /// Whether some field has an expiry.
    pub fn has_timed_fields(&self) -> bool {
        !self.field_times.is_empty()
    }

    /// Whether some field is due and not removed yet.
    #[inline]
    fn has_due_fields(&self, now_ms: i64) -> bool {
        !self.field_times.is_empty()
            && self.field_times.at(0).is_some_and(|entry| entry.score() <= now_ms as f64)
    }
}

impl Store {
    /// An entry has left the current database.
    pub(super) fn unindex(&mut self, entry: &Entry) {
        unindex(&mut self.dbs[self.current].field_times, &self.tuning.seed, entry);
    }

    /// The expiries of the fields of the hash at `key` may have changed.
    #[cold]
    pub fn index_fields(&mut self, key: &[u8]) {
        let seed = &self.tuning.seed;
        let Db { entries, field_times, .. } = &mut self.dbs[self.current];
        let entry = entries.find(hash(seed, key), |entry| entry.has_key(key));
        match entry.and_then(Entry::as_object::<Hash>).and_then(Hash::next_time) {
            Some(at_ms) => field_times.insert(seed, key, at_ms as f64),
            None => field_times.remove(seed, key),
        };
    }

    /// Removes those of the fields `names` of the hash at `key` that are due, and the key with the last field.
    /// Handlers say so before they change named fields, or when they miss one.
    #[inline]
    pub fn expire_fields<'a>(&mut self, key: &[u8], names: impl Iterator<Item = &'a [u8]>) {
        if self.db().has_due_fields(self.now_ms) && !self.keep_expired && !self.loading {
            self.remove_due_fields(key, |hash, seed, now_ms, gone| {
                let due = |name: &&[u8]| hash.is_due(name, seed, now_ms);
                let mut due: Vec<_> = names.filter(due).collect();
                due.retain(|name| hash.remove(name, seed));
                due.iter().for_each(|name| gone(name));
                due.len()
            });
        }
    }

    /// Removes all fields of the hash at `key` that are due, and the key with the last field.
    #[inline]
    pub fn expire_all_fields_of(&mut self, key: &[u8]) {
        if self.db().has_due_fields(self.now_ms) && !self.keep_expired && !self.loading {
            self.remove_due_fields(key, |hash, seed, now_ms, gone| {
                hash.remove_due(now_ms, usize::MAX, seed, gone)
            });
        }
    }

    /// Lets `remove` take fields that are due out of the hash at `key`, and tells those concerned if it did.
    /// How many there were.
    fn remove_due_fields(
        &mut self,
        key: &[u8],
        remove: impl FnOnce(&mut Hash, &HashSeed, i64, &mut dyn FnMut(&[u8])) -> usize,
    ) -> usize {
        let (seed, now_ms) = (&self.tuning.seed, self.now_ms);
        let entries = &mut self.dbs[self.current].entries;
        let Some(mut slot) = entries.find_slot(hash(seed, key), |entry| entry.has_key(key)) else {
            return 0;
        };
        preserve!(self, slot.get_mut());
        let Some(hash) = slot.get_mut().as_object_mut::<Hash>() else { return 0 };
        let (journaled, mut gone): (_, Vec<Box<[u8]>>) = (self.journal.on, Vec::new());
        let removed = remove(hash, seed, now_ms, &mut |name| {
            if journaled {
                gone.push(Box::from(name));
            }
        });
        if removed == 0 {
            return 0;
        }
        let is_empty = hash.is_empty();
        self.stats.expired_fields += removed as u64;
        if journaled {
            let names = gone.iter().map(|name| &**name);
            let words: Vec<&[u8]> = [&b"HDEL"[..], key].into_iter().chain(names).collect();
            self.journal.write(self.current, self.now_ms, words.into_iter());
        }
        self.touch_watchers(key);
        self.event(Class::HASH, "hexpired", key);
        if is_empty {
            self.remove(key);
            self.event(Class::GENERIC, "del", key);
        }
        self.index_fields(key);
        removed
    }

    /// Removes fields that are due from all databases for as long as there are units left.
    pub(super) fn expire_all_fields(&mut self, left: &mut usize) {
        let current = self.current;
        for db in 0..self.dbs.len() {
            self.current = db;
            while *left > 0 && self.dbs[db].has_due_fields(self.now_ms) {
                let Some(first) = self.dbs[db].field_times.at(0) else { break };
                let key: Box<[u8]> = Box::from(first.member());
                if self.has_expired(&key) {
                    let hash = hash(&self.tuning.seed, &key);
                    if let Some(slot) = self.dbs[db].find_slot(hash, &key) {
                        let entry = slot.remove(hasher(&self.tuning.seed));
                        self.note_expired(entry);
                    }
                }
                let most = left.div_ceil(FIELD_UNITS);
                let removed = self.remove_due_fields(&key, |hash, seed, now_ms, gone| {
                    hash.remove_due(now_ms, most, seed, gone)
                });
                self.journal.end_unit();
                *left = left.saturating_sub(HASH_UNITS + removed * FIELD_UNITS);
            }
        }
        self.current = current;
    }

    /// Panics when an index of fields' expiries is wrong, or an epoch. For tests.
    pub fn check(&self) {
        let is_quiet = !self.cut.is_written() && !self.cut.is_abandoned();
        assert!(self.dbs[self.reached..].iter().all(Db::is_empty), "a key where nobody was");
        for db in &self.dbs {
            let of_epoch = |entry: &Entry| entry.epoch() == self.cut.epoch();
            assert!(!is_quiet || db.entries.iter().all(of_epoch), "no cut, no other epoch");
            db.field_times.check(&self.tuning.seed);
            let mut indexed = 0;
            for entry in &db.entries {
                let hash = entry.as_object::<Hash>();
                let next = hash.and_then(Hash::next_time).map(|at_ms| at_ms as f64);
                assert_eq!(db.field_times.score(&self.tuning.seed, entry.key()), next);
                indexed += u64::from(next.is_some());
            }
            assert_eq!(db.field_times.len(), indexed, "no key is in the index that is gone");
        }
    }
}
