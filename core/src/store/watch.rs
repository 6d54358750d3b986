//! Who watches and who waits for which key: client numbers by key.

use crate::collections::ordered;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Who watches a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Watcher {
    id: u64,
    /// The key's time was up already: for this watcher it is not there, and its deletion is no change.
    expired: bool,
}

/// What a key is to those who look it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not there.
    Absent,
    /// There, though its time is up.
    Expired,
    /// There.
    Live,
}

/// WATCHed keys of one database.
#[derive(Debug, Default)]
pub struct WatchTable {
    keys: ordered::Map<Box<[u8]>, Vec<Watcher>>,
}

impl WatchTable {
    /// Whether nobody watches anything.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Client `id` watches `key`, which has `expired` already or not; `false` if it already did.
    pub fn add(&mut self, key: &[u8], id: u64, expired: bool) -> bool {
        let watchers = self.keys.or_insert_with(Box::from(key), Default::default);
        if watchers.iter().any(|watcher| watcher.id == id) {
            return false;
        }
        watchers.push(Watcher { id, expired });
        true
    }

    /// Client `id` no longer watches `key`.
    pub fn remove(&mut self, key: &[u8], id: u64) {
        if let Some(watchers) = self.keys.get_mut(key) {
            watchers.retain(|watcher| watcher.id != id);
            if watchers.is_empty() {
                self.keys.remove(key);
            }
        }
    }

    /// Those who watch `key`.
    pub fn watchers(&self, key: &[u8]) -> impl Iterator<Item = u64> + '_ {
        self.keys.get(key).into_iter().flatten().map(|watcher| watcher.id)
    }

    /// Those who watch `key` and to whom its expiry is a change.
    pub fn watchers_of_live(&self, key: &[u8]) -> impl Iterator<Item = u64> + '_ {
        let watchers = self.keys.get(key).into_iter().flatten();
        watchers.filter(|watcher| !watcher.expired).map(|watcher| watcher.id)
    }

    /// The watchers of each key to whom it is a change that something else takes its place: `becomes` says
    /// whether the key is there before, and what it is then. Remembers what has expired by then.
    pub fn replace_all(
        &mut self,
        becomes: impl Fn(&[u8]) -> (bool, Standing),
        mut touch: impl FnMut(u64),
    ) {
        for (key, watchers) in self.keys.iter_mut() {
            let (is_there, after) = becomes(key);
            for watcher in watchers {
                let was_there = is_there && !watcher.expired;
                watcher.expired = !was_there && after == Standing::Expired;
                if was_there || after == Standing::Live {
                    touch(watcher.id);
                }
            }
        }
    }
}

/// Blocked clients of one database, by key, in the order they came.
#[derive(Debug, Default)]
pub struct WaitTable {
    keys: ordered::Map<Box<[u8]>, VecDeque<u64>>,
    /// How many of them wait for their keys to be there at all, and are told when one goes.
    pub for_keys: usize,
}

impl WaitTable {
    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether anybody waits for `key`.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.keys.contains_key(key)
    }

    /// Client `id` waits for `key`, behind those who came before.
    pub fn add(&mut self, key: &[u8], id: u64) {
        let waiters = self.keys.or_insert_with(Box::from(key), Default::default);
        if !waiters.contains(&id) {
            waiters.push_back(id);
        }
    }

    /// Client `id` no longer waits for `key`.
    pub fn remove(&mut self, key: &[u8], id: u64) {
        if let Some(waiters) = self.keys.get_mut(key) {
            waiters.retain(|&other| other != id);
            if waiters.is_empty() {
                self.keys.remove(key);
            }
        }
    }

    /// The one who waits for `key` behind `place` others.
    pub fn waiter(&self, key: &[u8], place: usize) -> Option<u64> {
        self.keys.get(key)?.get(place).copied()
    }

    /// Every key that is waited for.
    pub fn keys(&self) -> Vec<Box<[u8]>> {
        self.keys.keys().cloned().collect()
    }
}
