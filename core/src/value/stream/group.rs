//! Consumer groups: how far each has read, and what its consumers got and did not acknowledge.
//!
//! ```text
//! group      pending    by ID: when it was delivered, how often, to whom (a number)
//! consumer   pending    the IDs alone
//! ```
//!
//! A consumer's number is its place in a table; it stays the same for as long as the consumer lives.

use super::id::Id;
use super::log::Log;
use super::sorted::{Keyed, Sorted};
use crate::collections::ordered::{self, Mark};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The number of a consumer within its group.
pub type ConsumerId = u32;

/// Nobody: of an entry whose consumer is still to be loaded.
const NOBODY: ConsumerId = u32::MAX;

/// All groups of a stream, by name.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    by_name: ordered::Map<Box<[u8]>, Group>,
}

impl Groups {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The group of this name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&Group> {
        self.by_name.get(name)
    }

    /// The group of this name.
    pub fn get_mut(&mut self, name: &[u8]) -> Option<&mut Group> {
        self.by_name.get_mut(name)
    }

    /// Makes a group; `None` if there is one of this name.
    pub fn create(
        &mut self,
        name: &[u8],
        last_id: Id,
        entries_read: Option<u64>,
    ) -> Option<&mut Group> {
        if self.by_name.contains_key(name) {
            return None;
        }
        let group = Group { last_id, entries_read, ..Group::default() };
        Some(self.by_name.or_insert_with(Box::from(name), || group))
    }

    /// Removes a group; `false` if there is none of this name.
    pub fn destroy(&mut self, name: &[u8]) -> bool {
        self.by_name.remove(name).is_some()
    }

    /// The groups with their names, in the order of these.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Group)> {
        self.by_name.iter().map(|(name, group)| (&name[..], group))
    }

    /// The group at a mark with its name, and the mark of the next.
    #[must_use]
    pub fn at(&self, mark: Mark) -> Option<(&[u8], &Group, Mark)> {
        let (name, group, next) = self.by_name.at(mark)?;
        Some((name, group, next))
    }

    /// Acknowledges `id` in every group: nobody refers to it any more.
    pub fn forget(&mut self, id: Id) {
        self.by_name.values_mut().for_each(|group| _ = group.acknowledge(id));
    }

    /// Whether every group has read `id` and none waits for its acknowledgement.
    #[must_use]
    pub fn are_done_with(&self, id: Id) -> bool {
        self.iter().all(|(_, group)| group.last_id >= id && group.pending.get(id).is_none())
    }

    pub(super) fn parts(&self) -> usize {
        self.iter().map(|(_, group)| group.parts()).sum()
    }

    /// Frees up to about `budget` parts; how many.
    pub(super) fn free_some(&mut self, budget: usize) -> usize {
        let mut freed = 0;
        while freed < budget
            && let Some(group) = self.by_name.first_mut()
        {
            freed += group.free_some(budget - freed);
            if group.parts() <= 1 {
                self.by_name.pop_first();
                freed += 1;
            }
        }
        freed
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.iter().map(|(name, group)| name.len() + size_of::<Group>() + group.heap_bytes()).sum()
    }
}

/// An entry that was delivered and not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// The entry.
    pub id: Id,
    /// When it was last delivered, in Unix milliseconds.
    pub delivered_ms: i64,
    /// How often it was delivered.
    pub count: u64,
    /// To whom.
    pub consumer: ConsumerId,
}

impl Keyed for Pending {
    #[inline]
    fn id(&self) -> Id {
        self.id
    }
}

/// One who reads for a group.
#[derive(Debug, Clone)]
pub struct Consumer {
    /// The name.
    pub name: Box<[u8]>,
    /// When it last asked for anything, in Unix milliseconds.
    pub seen_ms: i64,
    /// When it last got anything, in Unix milliseconds; negative: never.
    pub active_ms: i64,
    pending: Sorted<Id>,
}

impl Consumer {
    /// How many entries it did not acknowledge.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The entries that it did not acknowledge, from `start` on.
    pub fn pending_from(&self, start: Id) -> impl Iterator<Item = Id> {
        self.pending.iter_from(start).copied()
    }
}

/// A consumer group.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// The last entry that was delivered.
    pub last_id: Id,
    /// How many entries were read up to there, as far as that is known.
    pub entries_read: Option<u64>,
    pending: Sorted<Pending>,
    consumers: Vec<Option<Consumer>>,
    by_name: ordered::Map<Box<[u8]>, ConsumerId>,
    free: Vec<ConsumerId>,
}

impl Group {
    /// `id`, which is behind all that was read before, was read.
    #[inline]
    pub fn advance(&mut self, id: Id, log: &Log) {
        self.entries_read = match self.entries_read {
            Some(count) if !log.has_gap_from(id) => Some(count.wrapping_add(1)),
            read if log.added == 0 => read,
            _ => log.added_up_to(id),
        };
        self.last_id = id;
    }

    /// How many entries there are that the group has not read, if that can be told without counting.
    #[must_use]
    pub fn lag(&self, log: &Log) -> Option<i64> {
        if log.added == 0 {
            return Some(0);
        }
        let read = match self.entries_read {
            Some(count) if !log.has_gap_from(self.last_id) => Some(count),
            _ => log.added_up_to(self.last_id),
        };
        read.map(|count| log.added.wrapping_sub(count) as i64)
    }

    /// How many consumers there are.
    #[must_use]
    pub fn consumer_count(&self) -> usize {
        self.by_name.len()
    }

    /// The consumers, in the order of their names.
    pub fn consumers(&self) -> impl Iterator<Item = (ConsumerId, &Consumer)> {
        self.by_name.values().filter_map(|&id| Some((id, self.consumer(id)?)))
    }

    /// The consumer at a mark, and the mark of the next.
    #[must_use]
    pub fn consumer_at(&self, mark: Mark) -> Option<(&Consumer, Mark)> {
        let (_, &id, next) = self.by_name.at(mark)?;
        Some((self.consumer(id)?, next))
    }

    /// The number of the consumer of this name.
    #[must_use]
    pub fn find_consumer(&self, name: &[u8]) -> Option<ConsumerId> {
        self.by_name.get(name).copied()
    }

    /// The consumer of this number.
    #[must_use]
    pub fn consumer(&self, id: ConsumerId) -> Option<&Consumer> {
        self.consumers.get(id as usize)?.as_ref()
    }

    /// The consumer of this number.
    pub fn consumer_mut(&mut self, id: ConsumerId) -> Option<&mut Consumer> {
        self.consumers.get_mut(id as usize)?.as_mut()
    }

    /// Makes a consumer; `None` if there is one of this name.
    pub fn create_consumer(&mut self, name: &[u8], seen_ms: i64) -> Option<ConsumerId> {
        if self.by_name.contains_key(name) {
            return None;
        }
        let consumer =
            Consumer { name: Box::from(name), seen_ms, active_ms: -1, pending: Sorted::default() };
        let id = match self.free.pop() {
            Some(id) => id,
            None => {
                self.consumers.push(None);
                self.consumers.len() as ConsumerId - 1
            }
        };
        self.consumers[id as usize] = Some(consumer);
        self.by_name.insert(Box::from(name), id);
        Some(id)
    }

    /// Removes a consumer with what it did not acknowledge; how much that was.
    pub fn remove_consumer(&mut self, id: ConsumerId) -> usize {
        let Some(consumer) = self.consumers.get_mut(id as usize).and_then(Option::take) else {
            return 0;
        };
        for &pending in consumer.pending.iter() {
            self.pending.remove(pending);
        }
        self.by_name.remove(&consumer.name);
        self.free.push(id);
        consumer.pending.len()
    }

    /// How many entries are not acknowledged.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The entries that are not acknowledged, from `start` on.
    pub fn pending_from(&self, start: Id) -> impl Iterator<Item = &Pending> {
        self.pending.iter_from(start)
    }

    /// The first and the last entry that is not acknowledged.
    #[must_use]
    pub fn pending_ends(&self) -> Option<(Id, Id)> {
        Some((self.pending.first()?.id, self.pending.last()?.id))
    }

    /// The first entry from `start` on that a consumer has not acknowledged.
    #[must_use]
    pub fn next_pending(&self, consumer: ConsumerId, start: Id) -> Option<Id> {
        self.consumer(consumer)?.pending_from(start).next()
    }

    /// The delivery of an entry that is not acknowledged.
    #[must_use]
    pub fn pending(&self, id: Id) -> Option<&Pending> {
        self.pending.get(id)
    }

    /// Delivers an entry for the first time, or to another consumer as if it were.
    #[inline]
    pub fn deliver(&mut self, id: Id, consumer: ConsumerId, now_ms: i64) {
        self.give(Pending { id, delivered_ms: now_ms, count: 1, consumer });
    }

    /// Makes `pending` the delivery of its entry, whatever there was.
    pub fn give(&mut self, pending: Pending) {
        let Pending { id, consumer, .. } = pending;
        if let Err(pending) = self.pending.insert(pending)
            && let Some(old) = self.pending.get_mut(id)
        {
            let before = core::mem::replace(old, pending).consumer;
            if before == consumer {
                return;
            }
            if let Some(before) = self.consumer_mut(before) {
                before.pending.remove(id);
            }
        }
        if let Some(to) = self.consumer_mut(consumer) {
            // An ID is in the list of the consumer that its delivery names and in no other.
            _ = to.pending.insert(id);
        }
    }

    /// An entry was delivered once more to the same consumer.
    pub fn deliver_again(&mut self, id: Id, now_ms: i64) {
        if let Some(pending) = self.pending.get_mut(id) {
            pending.delivered_ms = now_ms;
            pending.count = pending.count.saturating_add(1);
        }
    }

    /// An entry is done with; `false` if nobody waited for that.
    #[inline]
    pub fn acknowledge(&mut self, id: Id) -> bool {
        let Some(pending) = self.pending.remove(id) else { return false };
        if let Some(consumer) = self.consumer_mut(pending.consumer) {
            consumer.pending.remove(id);
        }
        true
    }

    /// For loading: a delivery whose consumer [`Group::assign`] tells later; `false` if there is one already.
    pub fn load_pending(&mut self, id: Id, delivered_ms: i64, count: u64) -> bool {
        self.pending.insert(Pending { id, delivered_ms, count, consumer: NOBODY }).is_ok()
    }

    /// For loading: to whom `id` was delivered; `false` if it was not, or to somebody else.
    pub fn assign(&mut self, id: Id, consumer: ConsumerId) -> bool {
        let Some(Some(to)) = self.consumers.get_mut(consumer as usize) else { return false };
        match self.pending.get_mut(id) {
            Some(pending) if pending.consumer == NOBODY => {
                pending.consumer = consumer;
                to.pending.insert(id).is_ok()
            }
            _ => false,
        }
    }

    /// For loading: whether every delivery has its consumer. A group of which this is not so may not be kept.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.pending.len() == self.consumers().map(|(_, consumer)| consumer.pending.len()).sum()
    }

    fn parts(&self) -> usize {
        let own: usize = self.consumers.iter().flatten().map(|c| 1 + c.pending.chunk_count()).sum();
        1 + self.pending.chunk_count() + own
    }

    fn free_some(&mut self, budget: usize) -> usize {
        let mut freed = self.pending.drop_chunks(budget);
        self.by_name.clear();
        while freed < budget
            && let Some(consumer) = self.consumers.pop()
        {
            freed += 1;
            if let Some(mut consumer) = consumer {
                freed += consumer.pending.drop_chunks(budget - freed.min(budget));
                if consumer.pending.chunk_count() > 0 {
                    self.consumers.push(Some(consumer));
                }
            }
        }
        freed
    }

    fn heap_bytes(&self) -> usize {
        let consumers: usize = self
            .consumers
            .iter()
            .flatten()
            // The name is there twice.
            .map(|consumer| 2 * consumer.name.len() + 32 + consumer.pending.heap_bytes())
            .sum();
        consumers
            + self.pending.heap_bytes()
            + self.consumers.capacity() * size_of::<Option<Consumer>>()
            + self.free.capacity() * size_of::<ConsumerId>()
    }
}
