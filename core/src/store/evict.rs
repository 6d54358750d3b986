//! What is evicted when memory runs out, in each of the eight policies of `maxmemory-policy`.
//!
//! Nobody keeps keys in order of use. As in Redis, each eviction looks at a few keys by chance
//! (`maxmemory-samples`) and remembers the best candidates of earlier looks in a small pool; the best of
//! all goes. Neighbours in the table are keys by chance, so one look is a stretch of buckets; policies
//! on keys with an expiry look at marked slots only.

use super::access::AccessClock;
use super::{Class, Db, Entry, Store};
use crate::rng::Rng;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// `maxmemory-policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Policy {
    VolatileLru,
    VolatileLfu,
    VolatileRandom,
    VolatileTtl,
    AllKeysLru,
    AllKeysLfu,
    AllKeysRandom,
    #[default]
    NoEviction,
}

impl Policy {
    /// The policy of this name in the configuration; an unknown one evicts nothing.
    pub fn of_name(name: &[u8]) -> Self {
        match name {
            b"volatile-lru" => Self::VolatileLru,
            b"volatile-lfu" => Self::VolatileLfu,
            b"volatile-random" => Self::VolatileRandom,
            b"volatile-ttl" => Self::VolatileTtl,
            b"allkeys-lru" => Self::AllKeysLru,
            b"allkeys-lfu" => Self::AllKeysLfu,
            b"allkeys-random" => Self::AllKeysRandom,
            _ => Self::NoEviction,
        }
    }

    /// Whether it counts accesses instead of remembering the last one.
    pub const fn is_lfu(self) -> bool {
        matches!(self, Self::VolatileLfu | Self::AllKeysLfu)
    }

    /// Whether it chooses by the access clock, so that values may not be shared between keys.
    pub const fn uses_access_clock(self) -> bool {
        matches!(self, Self::VolatileLru | Self::VolatileLfu | Self::AllKeysLru | Self::AllKeysLfu)
    }

    const fn is_volatile(self) -> bool {
        matches!(
            self,
            Self::VolatileLru | Self::VolatileLfu | Self::VolatileRandom | Self::VolatileTtl
        )
    }

    const fn is_random(self) -> bool {
        matches!(self, Self::VolatileRandom | Self::AllKeysRandom)
    }

    /// How much an entry deserves to be evicted.
    fn score(self, entry: &Entry, access: &AccessClock) -> u64 {
        match self {
            Self::VolatileLru | Self::AllKeysLru => u64::from(access.idle_seconds(entry)),
            Self::VolatileLfu | Self::AllKeysLfu => u64::from(255 - access.frequency(entry)),
            // The sooner it expires, the sooner it goes.
            _ => u64::MAX - entry.expiry_ms().map_or(u64::MAX, |at_ms| at_ms.max(0) as u64),
        }
    }
}

/// So many candidates are remembered.
const POOL_MAX: usize = 16;
/// Buckets that are looked through for marked slots at first; rarer ones are searched for everywhere.
const BUCKETS_AT_FIRST: usize = 256;
/// Parts of values set aside that are freed before anything more is evicted.
const FREE_PARTS: usize = 256;

/// A key that could be evicted.
#[derive(Debug)]
struct Candidate {
    score: u64,
    db: usize,
    key: Box<[u8]>,
}

/// How keys are evicted, and what is known about candidates.
#[derive(Debug)]
pub struct Eviction {
    /// `maxmemory-policy`.
    pub policy: Policy,
    /// `maxmemory-samples`.
    pub samples: usize,
    /// `maxmemory-eviction-tenacity`, 0 to 100.
    pub tenacity: u32,
    /// Memory is still over the limit, and the last round ended because it was long enough.
    pub unfinished: bool,
    /// The best candidate comes last.
    pool: Vec<Candidate>,
    /// Where the random policies go on.
    next_db: usize,
}

impl Default for Eviction {
    fn default() -> Self {
        Self {
            policy: Policy::NoEviction,
            samples: 5,
            tenacity: 10,
            unfinished: false,
            pool: Vec::new(),
            next_db: 0,
        }
    }
}

/// How making room ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Memory is below the limit.
    Enough,
    /// It is not yet, and there is more to evict: later.
    Unfinished,
    /// It is not, and there is nothing to evict.
    None,
}

impl Eviction {
    /// Sets the policy; candidates of another one are forgotten.
    pub fn set_policy(&mut self, policy: Policy) {
        if self.policy != policy {
            self.policy = policy;
            self.pool.clear();
        }
    }

    /// How many keys one round may evict. Redis measures time: half a millisecond at 10, three minutes at
    /// 99, no limit at 100; a key takes about two microseconds.
    fn round(&self) -> u64 {
        match self.tenacity {
            0 => 1,
            tenacity @ 1..=10 => u64::from(tenacity) * 25,
            tenacity @ 11..=99 => {
                let mut keys: u64 = 250;
                for _ in 10..tenacity {
                    keys = keys * 115 / 100;
                }
                keys
            }
            _ => u64::MAX,
        }
    }

    /// Remembers an entry if it is better than one of those remembered.
    fn offer(&mut self, score: u64, db: usize, entry: &Entry) {
        if self.pool.len() == POOL_MAX {
            if score <= self.pool[0].score {
                return;
            }
            self.pool.remove(0);
        }
        let place = self.pool.partition_point(|other| other.score < score);
        self.pool.insert(place, Candidate { score, db, key: Box::from(entry.key()) });
    }
}

impl Store {
    /// Evicts keys until `used_memory` is within `limit`, or for one round.
    ///
    /// What is to be freed is known from the start: telling those who cache the keys takes memory as well, and
    /// would have more keys evicted, and more told.
    pub fn make_room(&mut self, used_memory: fn() -> usize, limit: u64) -> Room {
        let mut left = self.eviction.round();
        let mut wanted = (used_memory() as u64).saturating_sub(limit);
        let room = loop {
            if wanted == 0 || used_memory() as u64 <= limit {
                break Room::Enough;
            }
            let freed = if !self.garbage.is_empty() {
                // Memory that is given up already comes first.
                let before = used_memory();
                self.stats.lazyfreed += self.garbage.step(FREE_PARTS);
                before.saturating_sub(used_memory())
            } else if self.eviction.policy != Policy::NoEviction
                && let Some(freed) = self.evict_one(used_memory)
            {
                freed
            } else {
                break Room::None;
            };
            wanted = wanted.saturating_sub(freed as u64);
            left -= 1;
            if left == 0 {
                break Room::Unfinished;
            }
        };
        self.eviction.unfinished = room == Room::Unfinished;
        room
    }

    /// Evicts one key; how much that freed at once. `None` if the policy finds none.
    fn evict_one(&mut self, used_memory: fn() -> usize) -> Option<usize> {
        let found = if self.eviction.policy.is_random() { self.any_key() } else { self.best_key() };
        let (db, key) = found?;
        let current = core::mem::replace(&mut self.current, db);
        let before = used_memory();
        self.remove(&key);
        self.journal_removal(&key, self.lazy_eviction);
        self.journal.end_unit();
        let freed = before.saturating_sub(used_memory());
        self.stats.evicted += 1;
        // Nobody changed it, whoever's command needs the room.
        self.tracking.author = 0;
        self.touch_watchers(&key);
        self.event(Class::EVICTED, "evicted", &key);
        self.current = current;
        Some(freed)
    }

    /// A key by chance, from one database after the other.
    fn any_key(&mut self) -> Option<(usize, Box<[u8]>)> {
        let volatile = self.eviction.policy.is_volatile();
        for _ in 0..self.dbs.len() {
            let index = self.eviction.next_db % self.dbs.len();
            self.eviction.next_db = index + 1;
            let (mut chosen, mut seen) = (None, 0);
            sample(&self.dbs[index], volatile, 1, &mut self.rng, |entry, rng| {
                // Several may come from one bucket, and each is as good as the others: the last stands where
                // the newest keys are.
                seen += 1;
                if rng.below(seen) == 0 {
                    chosen = Some(Box::from(entry.key()));
                }
            });
            if let Some(key) = chosen {
                return Some((index, key));
            }
        }
        None
    }

    /// The best candidate of all that were seen.
    fn best_key(&mut self) -> Option<(usize, Box<[u8]>)> {
        let policy = self.eviction.policy;
        let volatile = policy.is_volatile();
        // The keys in the pool may be gone by now; after a look at databases that have keys it holds
        // one that is there.
        for _ in 0..2 {
            for (index, db) in self.dbs.iter().enumerate() {
                let (eviction, access) = (&mut self.eviction, &self.access);
                let samples = eviction.samples;
                sample(db, volatile, samples, &mut self.rng, |entry, _| {
                    eviction.offer(policy.score(entry, access), index, entry);
                });
            }
            while let Some(candidate) = self.eviction.pool.pop() {
                let Some(db) = self.dbs.get_mut(candidate.db) else { continue };
                let hash = crate::collections::hash::hash(&self.tuning.seed, &candidate.key);
                // One that was used since it was seen is no candidate any more.
                let is_still = |entry: &Entry| policy.score(entry, &self.access) >= candidate.score;
                if db
                    .find_slot(hash, &candidate.key)
                    .is_some_and(|slot| (!volatile || slot.mark()) && is_still(slot.get()))
                {
                    return Some((candidate.db, candidate.key));
                }
            }
        }
        None
    }
}

/// Shows about `count` entries by chance, of all or of those with an expiry. One at least, if there is any.
fn sample(
    db: &Db,
    volatile: bool,
    count: usize,
    rng: &mut Rng,
    mut f: impl FnMut(&Entry, &mut Rng),
) {
    let entries = db.entries();
    let at = rng.next_u64();
    if !volatile {
        entries.sample(at, count, |entry| f(entry, rng));
    } else if db.volatile() > 0 {
        let mut seen = 0;
        for limit in [BUCKETS_AT_FIRST, usize::MAX] {
            entries.sample_marked(at, count, limit, |entry| {
                seen += 1;
                f(entry, rng);
            });
            if seen > 0 {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::hash::HashSeed;
    use crate::value::Tuning;
    use alloc::format;
    use core::sync::atomic::{AtomicUsize, Ordering};

    fn store(policy: Policy) -> Store {
        let mut store = Store::new(2, Tuning::new(HashSeed::new([1; 4])), Rng::new(1));
        store.now_ms = 1_000_000;
        store.access.lfu = policy.is_lfu();
        store.access.set_now(store.now_ms);
        store.eviction.set_policy(policy);
        store
    }

    /// Keys 0 to 999, the first of which are the ones to be evicted, in two databases; how many of the
    /// first half are left after 300 evictions.
    fn left_of_first_half(policy: Policy) -> (usize, usize) {
        let mut store = store(policy);
        for i in 0..1000u32 {
            store.select(i as usize % 2);
            let key = format!("key:{i}");
            store.set_string(key.as_bytes(), b"v", false);
            store.set_expiry(key.as_bytes(), Some(2_000_000 + i64::from(i) * 1000));
            if policy.is_lfu() {
                for _ in 0..(i / 20) {
                    store.read(key.as_bytes());
                }
            } else {
                store.now_ms += 1000;
                store.access.set_now(store.now_ms);
            }
        }
        store.now_ms = 1_000_000;
        for _ in 0..300 {
            assert!(store.evict_one(|| 0).is_some());
        }
        let mut left = (0, 0);
        for i in 0..1000u32 {
            store.select(i as usize % 2);
            if store.exists(format!("key:{i}").as_bytes()) {
                if i < 500 {
                    left.0 += 1;
                } else {
                    left.1 += 1;
                }
            }
        }
        assert_eq!(left.0 + left.1, 700);
        assert_eq!(store.stats.evicted, 300);
        left
    }

    #[test]
    fn what_is_evicted_is_mostly_what_the_policy_says() {
        for policy in [Policy::AllKeysLru, Policy::VolatileLru, Policy::VolatileTtl] {
            let (old, new) = left_of_first_half(policy);
            assert!(old < 230 && new > 470, "{policy:?}: {old} {new}");
        }
        for policy in [Policy::AllKeysLfu, Policy::VolatileLfu] {
            let (rare, frequent) = left_of_first_half(policy);
            assert!(rare < 260 && frequent > 440, "{policy:?}: {rare} {frequent}");
        }
        for policy in [Policy::AllKeysRandom, Policy::VolatileRandom] {
            let (a, b) = left_of_first_half(policy);
            assert!((280..420).contains(&a) && (280..420).contains(&b), "{policy:?}: {a} {b}");
        }
    }

    #[test]
    fn volatile_policies_leave_other_keys_alone() {
        for policy in
            [Policy::VolatileLru, Policy::VolatileLfu, Policy::VolatileRandom, Policy::VolatileTtl]
        {
            let mut store = store(policy);
            for i in 0..5000 {
                store.set_string(format!("{i}").as_bytes(), b"v", false);
            }
            for i in 0..10 {
                store.set_expiry(format!("{i}").as_bytes(), Some(5_000_000));
            }
            for _ in 0..10 {
                assert!(store.evict_one(|| 0).is_some());
            }
            assert!(store.evict_one(|| 0).is_none());
            assert_eq!(store.db().len(), 4990);
        }
    }

    #[test]
    fn a_round_is_bounded_by_tenacity() {
        static USED: AtomicUsize = AtomicUsize::new(0);
        USED.store(100, Ordering::Relaxed);
        let used: fn() -> usize = || USED.load(Ordering::Relaxed);
        let mut store = store(Policy::AllKeysRandom);
        for i in 0..1000 {
            store.set_string(format!("{i}").as_bytes(), b"v", false);
        }
        assert_eq!(store.make_room(used, 200), Room::Enough);
        assert_eq!(store.make_room(used, 50), Room::Unfinished);
        assert!(store.eviction.unfinished);
        assert_eq!(store.db().len(), 750);
        store.eviction.tenacity = 100;
        assert_eq!(store.make_room(used, 50), Room::None);
        assert!(store.db().is_empty());
    }
}
