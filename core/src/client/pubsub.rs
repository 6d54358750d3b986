//! Who is subscribed to what, by client number.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};

/// Subscribers by channel, shard channel and pattern.
#[derive(Debug, Default)]
pub struct PubSub {
    /// Subscribers by channel.
    pub channels: BTreeMap<Box<[u8]>, BTreeSet<u64>>,
    /// Subscribers by shard channel.
    pub shard_channels: BTreeMap<Box<[u8]>, BTreeSet<u64>>,
    /// Subscribers by pattern.
    pub patterns: BTreeMap<Box<[u8]>, BTreeSet<u64>>,
}
