//! What concerns all keys of a database at once: SWAPDB and FLUSHDB.

use super::Store;
use super::watch::Standing;
use crate::collections::hash::hash;
use alloc::vec::Vec;

impl Store {
    /// Exchanges the keys of two databases. Those who watch or wait stay with the number of their database
    /// and see the other one's keys from now on.
    pub fn swap(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        self.touch_watchers_of_all(a, Some(b));
        self.touch_watchers_of_all(b, Some(a));
        let (low, high) = (a.min(b), a.max(b));
        self.reached = self.reached.max(high + 1);
        let (left, right) = self.dbs.split_at_mut(high);
        left[low].swap_keys(&mut right[0]);
        self.cut.swap(a, b);
        for db in [a, b] {
            for key in self.dbs[db].waiting_keys() {
                if self.dbs[db].wait.for_keys > 0
                    || self.dbs[db].find(hash(&self.tuning.seed, &key), &key).is_some()
                {
                    self.ready.push((db, key));
                }
            }
        }
    }

    /// Empties database `index`, whose entries are freed in steps; how many there were.
    pub fn flush(&mut self, index: usize) -> u64 {
        let db = &self.dbs[index];
        // Most databases are never used, and FLUSHALL comes between any two tests.
        if db.is_empty()
            && db.with_field_times() == 0
            && db.wait.for_keys == 0
            && db.watch.is_empty()
        {
            return 0;
        }
        self.touch_watchers_of_all(index, None);
        if self.dbs[index].wait.for_keys > 0 {
            self.ready.extend(self.dbs[index].waiting_keys().into_iter().map(|key| (index, key)));
        }
        let (entries, field_times) = self.dbs[index].take_all();
        let count = entries.len() as u64;
        let entries = self.cut.keep(index, entries).unwrap_or_default();
        self.garbage.push_table(entries, field_times);
        count
    }

    /// Database `db` is about to lose all its keys, or to get those of database `replacement` instead: marks
    /// the transactions of those who WATCH one that is there, or that will be there and has not expired.
    pub fn touch_watchers_of_all(&mut self, db: usize, replacement: Option<usize>) {
        if self.dbs[db].watch.is_empty() {
            return;
        }
        let mut watch = core::mem::take(&mut self.dbs[db].watch);
        let becomes = |key: &[u8]| {
            let hash = self.hash(key);
            let is_there = self.dbs[db].find(hash, key).is_some();
            let after = match replacement.and_then(|other| self.dbs[other].find(hash, key)) {
                None => Standing::Absent,
                Some(entry) if entry.is_due(self.now_ms) => Standing::Expired,
                Some(_) => Standing::Live,
            };
            (is_there, after)
        };
        let mut touched = Vec::new();
        watch.replace_all(becomes, |id| touched.push(id));
        self.touched.append(&mut touched);
        self.dbs[db].watch = watch;
    }
}
