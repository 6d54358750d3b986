//! One database: its table of entries, its watched keys, its waiters.

use super::Entry;
use super::watch::{WaitTable, WatchTable};
use crate::collections::dict::{Dict, SlotMut};
use crate::collections::hash::{HashSeed, hash};
use crate::collections::sorted_set::SortedSet;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// One database. Slots of entries with an expiry are marked, so that active expiry reads no others.
#[derive(Debug, Default)]
pub struct Db {
    pub(super) entries: Dict<Entry>,
    /// The hashes with a field that expires, by the time of the next one: see [`fields`](super::fields).
    pub(super) field_times: SortedSet,
    /// Where active expiry goes on.
    pub expire_cursor: u64,
    /// Who WATCHes what.
    pub watch: WatchTable,
    /// Who waits for what.
    pub wait: WaitTable,
}

/// The hash of an entry in its table.
pub(super) fn hasher(seed: &HashSeed) -> impl Fn(&Entry) -> u64 + '_ {
    move |entry| hash(seed, entry.key())
}

impl Db {
    /// How many keys, expired ones that were not met yet included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many keys have an expiry.
    #[inline]
    pub fn volatile(&self) -> usize {
        self.entries.marked()
    }

    /// How many keys are hashes with a field that expires.
    #[inline]
    pub fn with_field_times(&self) -> usize {
        self.field_times.len() as usize
    }

    /// Whether a key or a field of a hash has an expiry.
    #[inline]
    pub fn has_expiries(&self) -> bool {
        self.volatile() > 0 || !self.field_times.is_empty()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The table, for iterating.
    pub fn entries(&self) -> &Dict<Entry> {
        &self.entries
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<&Entry> {
        self.entries.find(hash, |entry| entry.has_key(key))
    }

    #[inline]
    pub(super) fn find_slot(&mut self, hash: u64, key: &[u8]) -> Option<SlotMut<'_, Entry>> {
        self.entries.find_slot(hash, |entry| entry.has_key(key))
    }

    /// Empties the database; the entries are the caller's, and what says when their fields expire.
    pub fn take_all(&mut self) -> (Dict<Entry>, SortedSet) {
        self.expire_cursor = 0;
        (core::mem::take(&mut self.entries), core::mem::take(&mut self.field_times))
    }

    pub(super) fn swap_keys(&mut self, other: &mut Self) {
        core::mem::swap(&mut self.entries, &mut other.entries);
        core::mem::swap(&mut self.field_times, &mut other.field_times);
        core::mem::swap(&mut self.expire_cursor, &mut other.expire_cursor);
    }

    #[inline]
    pub(super) fn prefetch_bucket(&self, hash: u64) {
        self.entries.prefetch_bucket(hash);
    }

    /// Brings the entry that hashes to `hash`, whose bucket is in the cache by now, into the cache.
    #[inline]
    pub fn prefetch_entry(&self, hash: u64) {
        self.entries.prefetch_entry(hash);
    }

    /// Whether anybody waits for a key.
    pub fn has_waiters(&self) -> bool {
        !self.wait.is_empty()
    }

    /// Whether anybody waits for `key`.
    pub fn is_waited_for(&self, key: &[u8]) -> bool {
        !self.wait.is_empty() && self.wait.contains(key)
    }

    pub(super) fn waiting_keys(&self) -> Vec<Box<[u8]>> {
        self.wait.keys()
    }
}
