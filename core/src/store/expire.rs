//! Active expiry: deleting keys that nobody looks up any more, a bounded stretch of buckets at a time.

use super::{Class, Store};
use alloc::boxed::Box;
use alloc::vec::Vec;

impl Store {
    /// Looks through about `buckets` buckets of each database that has keys with an expiry, and deletes
    /// what is due; how many keys that were. The work is counted, not timed, so that every host does the same.
    pub fn expire_cycle(&mut self, buckets: usize) -> u64 {
        if self.keep_expired {
            return 0;
        }
        let (before, current) = (self.stats.expired, self.current);
        for index in 0..self.dbs.len() {
            if self.dbs[index].volatile() == 0 {
                continue;
            }
            self.current = index;
            self.expire_some(index, buckets);
        }
        self.current = current;
        self.stats.expired - before
    }

    fn expire_some(&mut self, index: usize, buckets: usize) {
        let now_ms = self.now_ms;
        let mut due: Vec<Box<[u8]>> = Vec::new();
        let db = &mut self.dbs[index];
        let mut cursor = db.expire_cursor;
        for _ in 0..buckets {
            cursor = db.entries().scan_marked(cursor, |entry| {
                if entry.expiry_ms().is_some_and(|at_ms| at_ms <= now_ms) {
                    due.push(Box::from(entry.key()));
                }
            });
            if cursor == 0 {
                break;
            }
        }
        db.expire_cursor = cursor;
        for key in due {
            self.remove(&key);
            self.stats.expired += 1;
            self.touch_watchers(&key);
            self.event(Class::EXPIRED, "expired", &key);
        }
    }
}
