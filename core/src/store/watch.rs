//! Who watches and who waits for which key: client numbers by key.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

/// WATCHed keys of one database.
#[derive(Debug, Default)]
pub struct WatchTable {
    keys: BTreeMap<Box<[u8]>, Vec<u64>>,
}

impl WatchTable {
    /// Whether nobody watches anything.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Client `id` watches `key`; `false` if it already did.
    pub fn add(&mut self, key: &[u8], id: u64) -> bool {
        let watchers = self.keys.entry(Box::from(key)).or_default();
        if watchers.contains(&id) {
            return false;
        }
        watchers.push(id);
        true
    }

    /// Client `id` no longer watches `key`.
    pub fn remove(&mut self, key: &[u8], id: u64) {
        if let Some(watchers) = self.keys.get_mut(key) {
            watchers.retain(|&other| other != id);
            if watchers.is_empty() {
                self.keys.remove(key);
            }
        }
    }

    /// Those who watch `key`.
    pub fn watchers(&self, key: &[u8]) -> impl Iterator<Item = u64> + '_ {
        self.keys.get(key).into_iter().flatten().copied()
    }

    /// Every watched key with each of its watchers.
    pub fn all(&self) -> Vec<(Box<[u8]>, u64)> {
        self.keys.iter().flat_map(|(key, ids)| ids.iter().map(|id| (key.clone(), *id))).collect()
    }
}

/// Blocked clients of one database, by key, in the order they came.
#[derive(Debug, Default)]
pub struct WaitTable {
    keys: BTreeMap<Box<[u8]>, VecDeque<u64>>,
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
        let waiters = self.keys.entry(Box::from(key)).or_default();
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
