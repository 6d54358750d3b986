//! Who is subscribed to what.
//!
//! Subscribers are handles of connections in the order they came, so that a message goes out without a
//! look-up by number. Channels are found by their hash; patterns, which are all tried for every message,
//! are kept in order.

use super::ConnId;
use crate::collections::hash::{HashSeed, hash};
use crate::collections::ordered;
use crate::resp::Reply;
use alloc::boxed::Box;
use alloc::vec::Vec;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

#[derive(Debug)]
struct Channel {
    name: Box<[u8]>,
    subscribers: Vec<ConnId>,
}

/// The channels that have subscribers.
#[derive(Debug)]
pub struct Channels {
    table: HashTable<Channel>,
    seed: HashSeed,
}

impl Channels {
    /// No channels.
    pub const fn new(seed: HashSeed) -> Self {
        Self { table: HashTable::new(), seed }
    }

    /// Adds a subscriber, which was none before.
    pub fn subscribe(&mut self, name: &[u8], conn: ConnId) {
        let seed = self.seed;
        let found = self.table.entry(
            hash(&seed, name),
            |channel| *channel.name == *name,
            |channel| hash(&seed, &channel.name),
        );
        match found {
            Entry::Occupied(mut channel) => channel.get_mut().subscribers.push(conn),
            Entry::Vacant(place) => {
                place.insert(Channel { name: Box::from(name), subscribers: alloc::vec![conn] });
            }
        }
    }

    /// Removes a subscriber.
    pub fn unsubscribe(&mut self, name: &[u8], conn: ConnId) {
        let found = self.table.find_entry(hash(&self.seed, name), |channel| *channel.name == *name);
        if let Ok(mut channel) = found {
            channel.get_mut().subscribers.retain(|&other| other != conn);
            if channel.get().subscribers.is_empty() {
                channel.remove();
            }
        }
    }

    /// The subscribers of a channel, in the order they came.
    #[inline]
    pub fn subscribers(&self, name: &[u8]) -> &[ConnId] {
        if self.table.is_empty() {
            return &[];
        }
        self.table
            .find(hash(&self.seed, name), |channel| *channel.name == *name)
            .map_or(&[], |channel| &channel.subscribers)
    }

    /// The names, sorted.
    pub fn names(&self) -> Vec<&[u8]> {
        let names: ordered::Set<_> = self.table.iter().map(|channel| &*channel.name).collect();
        names.into_iter().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}

/// Subscribers by channel, shard channel and pattern.
#[derive(Debug)]
pub struct PubSub {
    /// Subscribers by channel.
    pub channels: Channels,
    /// Subscribers by shard channel.
    pub shard_channels: Channels,
    /// Subscribers by pattern, in the order they came.
    pub patterns: ordered::Map<Box<[u8]>, Vec<ConnId>>,
    /// Where messages are put together.
    pub frame: Reply,
}

impl PubSub {
    /// Nobody is subscribed to anything.
    pub fn new(seed: HashSeed) -> Self {
        Self {
            channels: Channels::new(seed),
            shard_channels: Channels::new(seed),
            patterns: ordered::Map::new(),
            frame: Reply::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn conn(index: u32) -> ConnId {
        ConnId { index, generation: 0 }
    }

    #[test]
    fn subscribers_stand_in_the_order_they_came() {
        let mut channels = Channels::new(HashSeed::new([1; 4]));
        for i in [3, 1, 2] {
            channels.subscribe(b"c", conn(i));
        }
        channels.unsubscribe(b"c", conn(1));
        assert_eq!(channels.subscribers(b"c"), [conn(3), conn(2)]);
    }

    #[test]
    fn a_channel_without_subscribers_is_none() {
        let mut channels = Channels::new(HashSeed::new([1; 4]));
        channels.subscribe(b"b", conn(1));
        channels.subscribe(b"a", conn(1));
        assert_eq!(channels.names(), [b"a", b"b"]);
        channels.unsubscribe(b"a", conn(1));
        channels.unsubscribe(b"b", conn(1));
        assert!(channels.is_empty());
    }
}
