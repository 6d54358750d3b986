//! Active expiry: deleting keys that nobody looks up any more.
//!
//! A round looks through stretches of buckets, at marked slots only, and stays with a database for as
//! long as more than a certain part of the keys it meets are due. Work is counted, not timed, so that
//! every host does the same: a round takes about a millisecond at most, and the next one comes soon when
//! this one had more to do.

use super::cut::preserve;
use super::{Store, hasher, is_heavy};
use crate::collections::hash::hash;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Work of one round: looking at a bucket or at an entry takes one unit.
const ROUND_UNITS: usize = 12 * 1024;
/// Deleting a key takes as long as looking at so many.
const DELETE_UNITS: usize = 8;
/// Keys with an expiry that a stretch wants to meet, at the least.
const STRETCH_KEYS: usize = 64;
/// Buckets that a stretch looks through to meet them.
const STRETCH_BUCKETS: usize = 512;

impl Store {
    /// One round over all databases; whether there is more to do at once. `effort` is
    /// `active-expire-effort`, 1 to 10: more of it leaves fewer keys that are due.
    pub fn expire_round(&mut self, effort: u32) -> bool {
        if self.keep_expired || self.loading || !self.has_expiries() {
            return false;
        }
        let current = self.current;
        let stale_percent = 10 - effort.clamp(1, 10) as usize;
        let mut left = ROUND_UNITS;
        self.expire_all_fields(&mut left);
        let (mut met_all, mut due_all) = (0, 0);
        let mut visited = 0;
        while visited < self.dbs.len() && left > 0 {
            let index = self.expire_db % self.dbs.len();
            if self.dbs[index].volatile() == 0 {
                (self.expire_db, visited) = (index + 1, visited + 1);
                continue;
            }
            self.current = index;
            let (met, due, around) = self.expire_stretch(index, effort, &mut left);
            met_all += met;
            due_all += due;
            // Stay while many are due; a database that was seen whole has none that are.
            if around || due * 100 <= met * stale_percent {
                (self.expire_db, visited) = (index + 1, visited + 1);
            }
        }
        self.current = current;
        let stale = if met_all == 0 { 0.0 } else { due_all as f64 / met_all as f64 * 100.0 };
        self.stats.expired_stale_percent = self.stats.expired_stale_percent * 0.95 + stale * 0.05;
        let more = left == 0;
        self.stats.expired_cap_reached += u64::from(more);
        more
    }

    /// Looks through a stretch of buckets: how many keys with an expiry it met, how many of them were due
    /// and are gone, and whether it has been through the whole table by itself.
    fn expire_stretch(
        &mut self,
        index: usize,
        effort: u32,
        left: &mut usize,
    ) -> (usize, usize, bool) {
        let now_ms = self.now_ms;
        let wanted = STRETCH_KEYS + STRETCH_KEYS / 4 * effort as usize;
        let mut due: Vec<Box<[u8]>> = Vec::new();
        let mut met = 0;
        let db = &mut self.dbs[index];
        let all = db.entries().bucket_count();
        let mut cursor = db.expire_cursor;
        let mut buckets = 0;
        while met < wanted && buckets < STRETCH_BUCKETS.min(all) {
            buckets += 1;
            cursor = db.entries().scan_marked(cursor, |entry| {
                met += 1;
                if entry.is_due(now_ms) {
                    due.push(Box::from(entry.key()));
                }
            });
        }
        db.expire_cursor = cursor;
        *left = left.saturating_sub(buckets + met + due.len() * DELETE_UNITS);
        for key in &due {
            let hash = hash(&self.tuning.seed, key);
            if let Some(slot) = self.dbs[index].find_slot(hash, key) {
                let entry = slot.remove(hasher(&self.tuning.seed));
                self.note_expired(entry);
            }
        }
        (met, due.len(), buckets == all)
    }

    /// `entry` of the current database, which had expired, was taken out: counts it and tells those concerned.
    pub(super) fn note_expired(&mut self, mut entry: super::Entry) {
        preserve!(self, &mut entry);
        self.unindex(&entry);
        self.journal_removal(entry.key(), self.lazy_expire);
        // Each goes by itself.
        self.journal.end_unit();
        self.stats.expired += 1;
        self.touched.extend(self.dbs[self.current].watch.watchers_of_live(entry.key()));
        self.tracking.changed(entry.key(), 0);
        self.miss(&entry);
        self.event(super::Class::EXPIRED, "expired", entry.key());
        if is_heavy(&entry) {
            self.garbage.push_entry(entry);
        }
    }

    /// Some key of the current database that has not expired; expired ones that are met are deleted.
    pub fn random_key(&mut self) -> Option<Box<[u8]>> {
        /// So many expired keys in a row are deleted before one of them is given out, as a Redis does that
        /// may not delete: the alternative is to go through all of the database.
        const TRIES: usize = 1000;
        let mut key: Option<Box<[u8]>> = None;
        for _ in 0..TRIES {
            let (entries, rng) = (&self.dbs[self.current].entries, &mut self.rng);
            let entry = entries.random(|| rng.next_u64())?;
            let chosen: Box<[u8]> = Box::from(entry.key());
            if !entry.is_due(self.due_ms()) {
                return Some(chosen);
            }
            self.exists(&chosen);
            key = Some(chosen);
        }
        // Nearly all have expired. One that has not may still be near.
        let now_ms = self.due_ms();
        let mut live = None;
        let at = self.rng.next_u64();
        self.db().entries().sample(at, 1000, |entry| {
            if !entry.is_due(now_ms) {
                live = Some(Box::from(entry.key()));
            }
        });
        live.or(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::hash::HashSeed;
    use crate::rng::Rng;
    use crate::value::Tuning;
    use alloc::format;

    fn store_with(keys: usize, due: usize) -> Store {
        let mut store = Store::new(3, Tuning::new(HashSeed::new([1; 4])), Rng::new(1));
        store.now_ms = 1000;
        store.select(1);
        for i in 0..keys {
            let key = format!("key:{i}");
            store.set_string(key.as_bytes(), b"v", false);
            store.set_expiry(key.as_bytes(), Some(if i < due { 1500 } else { 9000 }));
        }
        store.select(0);
        store.now_ms = 2000;
        store
    }

    #[test]
    fn a_few_keys_are_gone_after_one_round() {
        let mut store = store_with(30, 10);
        assert!(!store.expire_round(1));
        assert_eq!((store.db_at(1).len(), store.stats.expired, store.current()), (20, 10, 0));
    }

    #[test]
    fn many_due_keys_take_several_bounded_rounds() {
        let mut store = store_with(20_000, 20_000);
        let mut rounds = 1;
        while store.expire_round(1) {
            rounds += 1;
        }
        assert!((5..50).contains(&rounds), "{rounds}");
        assert!(store.db_at(1).is_empty());
    }

    #[test]
    fn few_due_keys_are_left_over_for_later() {
        let mut store = store_with(20_000, 1000);
        assert!(!store.expire_round(1));
        for _ in 0..2000 {
            store.expire_round(1);
        }
        assert_eq!(store.db_at(1).len(), 19_000);
    }

    #[test]
    fn a_random_key_is_a_live_one() {
        let mut store = store_with(200, 199);
        store.select(1);
        assert_eq!(store.random_key().as_deref(), Some(&b"key:199"[..]));
        store.now_ms = 10_000;
        assert_eq!(store.random_key(), None);
    }
}
