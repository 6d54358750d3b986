//! Client-side caching: which clients have read which key, and whose prefixes are broadcast.
//!
//! As everywhere in the store, clients are numbers. A key that changes leaves the table together with
//! those who have read it, and both wait among the news until whoever knows clients sends them out
//! (`command::tracking`). Keys are remembered by name alone, whatever their database, as in Redis; numbers
//! of clients that are gone stay until their key changes.

use crate::collections::dict::Dict;
use crate::collections::hash::{HashSeed, hash};
use crate::collections::ordered;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::take;

/// Keys of a table that was emptied which are freed at once; the others go with the commands that follow.
const FREED_AT_ONCE: usize = 64;
/// So many keys more than the last time are given up when a look at the limit finds the table over it again.
const EFFORT: usize = 100;

/// A key and the clients that have read it, by number.
#[derive(Debug)]
struct Tracked {
    key: Box<[u8]>,
    readers: Vec<u64>,
}

/// A prefix whose keys are broadcast.
#[derive(Debug, Default)]
struct Prefix {
    clients: ordered::Set<u64>,
    /// What changed since the last broadcast, and who changed it last.
    changed: ordered::Map<Box<[u8]>, u64>,
}

/// What those who cache have to hear.
#[derive(Debug)]
pub enum Stale {
    /// A key that these clients have read.
    Key(Box<[u8]>, Vec<u64>),
    /// All that anybody has read.
    Everything,
}

/// What is to be broadcast: the keys of one prefix, with those who changed them, and who is to hear of them.
#[derive(Debug)]
pub struct Broadcast {
    /// Keys in order, each with the number of the client that changed it; 0: nobody did.
    pub keys: ordered::Map<Box<[u8]>, u64>,
    /// Who listens.
    pub clients: Vec<u64>,
}

/// The keys that clients cache.
#[derive(Debug)]
pub struct Tracking {
    on: bool,
    seed: HashSeed,
    keys: Dict<Box<Tracked>>,
    items: u64,
    prefixes: ordered::Map<Box<[u8]>, Prefix>,
    /// Whether a prefix has something to broadcast.
    to_broadcast: bool,
    /// Tables of before a flush, which are freed in steps.
    discarded: Vec<Dict<Box<Tracked>>>,
    /// How many looks in a row found the table over its limit.
    looks: usize,
    /// `tracking-table-max-keys`; 0: no limit.
    pub keys_max: usize,
    /// The client whose command runs: what is changed is changed by it.
    pub author: u64,
    /// What is to be told, in the order it happened.
    pub news: Vec<Stale>,
}

fn hasher(seed: &HashSeed) -> impl Fn(&Box<Tracked>) -> u64 + '_ {
    move |tracked| hash(seed, &tracked.key)
}

impl Tracking {
    /// Nobody caches anything.
    pub const fn new(seed: HashSeed) -> Self {
        Self {
            on: false,
            seed,
            keys: Dict::new(),
            items: 0,
            prefixes: ordered::Map::new(),
            to_broadcast: false,
            discarded: Vec::new(),
            looks: 0,
            keys_max: 0,
            author: 0,
            news: Vec::new(),
        }
    }

    /// Whether there is anything to do for anybody: while there is not, this test is all that a command costs.
    #[inline]
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// There are clients that track, or none any more.
    pub fn set_on(&mut self, on: bool) {
        // What they have read is forgotten key by key, as each changes.
        self.on = on || !self.keys.is_empty() || !self.discarded.is_empty();
    }

    /// How many keys are remembered.
    pub const fn keys(&self) -> usize {
        self.keys.len()
    }

    /// How many pairs of a key and a client that has read it.
    pub const fn items(&self) -> u64 {
        self.items
    }

    /// How many prefixes are broadcast.
    pub fn prefixes(&self) -> usize {
        self.prefixes.len()
    }

    /// Client `id` has read `key`.
    pub fn remember(&mut self, key: &[u8], id: u64) {
        let (mut slot, _) = self.keys.find_or_insert(
            hash(&self.seed, key),
            |tracked| *tracked.key == *key,
            || Box::new(Tracked { key: Box::from(key), readers: Vec::with_capacity(1) }),
            hasher(&self.seed),
        );
        let readers = &mut slot.get_mut().readers;
        if let Err(place) = readers.binary_search(&id) {
            readers.insert(place, id);
            self.items += 1;
        }
    }

    /// Client `id` wants to hear of every key with this prefix.
    pub fn listen(&mut self, prefix: &[u8], id: u64) {
        self.prefixes.or_insert_with(Box::from(prefix), Prefix::default).clients.insert(id);
    }

    /// Client `id` no longer does.
    pub fn stop_listening(&mut self, prefix: &[u8], id: u64) {
        if let Some(state) = self.prefixes.get_mut(prefix) {
            state.clients.remove(&id);
            if state.clients.is_empty() {
                self.prefixes.remove(prefix);
            }
        }
    }

    /// `author` (0: nobody) changed `key`.
    #[inline]
    pub fn changed(&mut self, key: &[u8], author: u64) {
        if self.on {
            self.note_change(key, author);
        }
    }

    #[cold]
    fn note_change(&mut self, key: &[u8], author: u64) {
        for (prefix, state) in self.prefixes.iter_mut() {
            if key.starts_with(prefix) {
                state.changed.insert(Box::from(key), author);
                self.to_broadcast = true;
            }
        }
        self.forget(key);
    }

    /// Takes `key` out of the table; those who have read it are to hear of it.
    fn forget(&mut self, key: &[u8]) {
        let found = self.keys.remove(
            hash(&self.seed, key),
            |tracked| *tracked.key == *key,
            hasher(&self.seed),
        );
        if let Some(tracked) = found {
            let Tracked { key, readers } = *tracked;
            self.items -= readers.len() as u64;
            self.news.push(Stale::Key(key, readers));
        }
    }

    /// All keys of a database, or of all of them, are gone.
    pub fn flushed(&mut self) {
        if !self.on {
            return;
        }
        self.items = 0;
        self.discarded.push(take(&mut self.keys));
        self.free_some();
        self.news.push(Stale::Everything);
    }

    /// Frees a part of what was flushed.
    fn free_some(&mut self) {
        if let Some(table) = self.discarded.last_mut()
            && table.pop_some(FREED_AT_ONCE, drop)
        {
            self.discarded.pop();
        }
    }

    /// Whether [`Tracking::keep_limit`] has anything to do.
    pub fn has_work(&self) -> bool {
        !self.discarded.is_empty() || (self.keys_max > 0 && self.keys.len() > self.keys_max)
    }

    /// Gives up keys by chance while there are more than `tracking-table-max-keys`, and more of them each
    /// time that was not enough. `chance` gives uniform numbers.
    pub fn keep_limit(&mut self, mut chance: impl FnMut() -> u64) {
        self.free_some();
        let over = self.keys_max > 0 && self.keys.len() > self.keys_max;
        if !over {
            self.looks = 0;
            return;
        }
        for _ in 0..EFFORT * (self.looks + 1) {
            let Some(tracked) = self.keys.random(&mut chance) else { break };
            let key = tracked.key.clone();
            self.forget(&key);
            if self.keys.len() <= self.keys_max {
                self.looks = 0;
                return;
            }
        }
        self.looks += 1;
    }

    /// Whether there is something to broadcast.
    #[inline]
    pub const fn has_broadcast(&self) -> bool {
        self.to_broadcast
    }

    /// What is to be broadcast, prefix by prefix.
    pub fn take_broadcasts(&mut self) -> Vec<Broadcast> {
        self.to_broadcast = false;
        let changed = self.prefixes.values_mut().filter(|state| !state.changed.is_empty());
        changed
            .map(|state| Broadcast {
                keys: take(&mut state.changed),
                clients: state.clients.iter().copied().collect(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracking() -> Tracking {
        let mut tracking = Tracking::new(HashSeed::new([1; 4]));
        tracking.set_on(true);
        tracking
    }

    #[test]
    fn a_key_is_forgotten_when_it_changes() {
        let mut tracking = tracking();
        for id in [7, 3, 7] {
            tracking.remember(b"a", id);
        }
        tracking.remember(b"b", 3);
        assert_eq!((tracking.keys(), tracking.items()), (2, 3));
        tracking.changed(b"a", 1);
        tracking.changed(b"a", 1);
        tracking.changed(b"c", 1);
        assert_eq!((tracking.keys(), tracking.items()), (1, 1));
        let news = take(&mut tracking.news);
        assert!(matches!(&news[..], [Stale::Key(key, ids)] if **key == *b"a" && *ids == [3, 7]));
    }

    #[test]
    fn a_broadcast_has_each_key_once_and_who_changed_it_last() {
        let mut tracking = tracking();
        tracking.listen(b"a", 1);
        tracking.listen(b"", 2);
        for (key, author) in [(b"ab", 5), (b"aa", 5), (b"ab", 6), (b"xx", 7)] {
            tracking.changed(key, author);
        }
        let broadcasts = tracking.take_broadcasts();
        assert_eq!(broadcasts.len(), 2);
        assert_eq!(broadcasts[0].clients, [2]);
        assert_eq!(broadcasts[1].clients, [1]);
        let keys: Vec<_> = broadcasts[1].keys.iter().map(|(key, id)| (&**key, *id)).collect();
        assert_eq!(keys, [(&b"aa"[..], 5), (&b"ab"[..], 6)]);
        assert!(!tracking.has_broadcast());
        tracking.stop_listening(b"a", 1);
        assert_eq!(tracking.prefixes(), 1);
    }

    #[test]
    fn a_table_over_its_limit_is_brought_below_it_with_growing_effort() {
        let mut tracking = tracking();
        tracking.keys_max = 1;
        for i in 0..250u32 {
            tracking.remember(&i.to_le_bytes(), 1);
        }
        let mut rng = crate::rng::Rng::new(1);
        tracking.keep_limit(|| rng.next_u64());
        assert_eq!(tracking.keys(), 150);
        tracking.keep_limit(|| rng.next_u64());
        assert_eq!(tracking.keys(), 1);
        assert_eq!(tracking.news.len(), 249);
        assert!(!tracking.has_work());
    }

    #[test]
    fn a_flushed_table_is_freed_in_steps() {
        let mut tracking = tracking();
        for i in 0..1000u32 {
            tracking.remember(&i.to_le_bytes(), 1);
        }
        tracking.flushed();
        assert_eq!((tracking.keys(), tracking.items()), (0, 0));
        tracking.set_on(false);
        assert!(tracking.is_on() && tracking.has_work());
        while tracking.has_work() {
            tracking.keep_limit(|| 0);
        }
        tracking.set_on(false);
        assert!(!tracking.is_on());
        assert!(matches!(&tracking.news[..], [Stale::Everything]));
    }
}
