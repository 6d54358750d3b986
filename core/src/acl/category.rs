//! The categories of commands, in the order in which ACL CAT lists them.

use alloc::string::String;
use bitflags::bitflags;

bitflags! {
    /// ACL categories.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Category: u32 {
        /// Works on keys of any type.
        const KEYSPACE = 1;
        /// Reads keys.
        const READ = 1 << 1;
        /// Changes keys.
        const WRITE = 1 << 2;
        /// Sets.
        const SET = 1 << 3;
        /// Sorted sets.
        const SORTEDSET = 1 << 4;
        /// Lists.
        const LIST = 1 << 5;
        /// Hashes.
        const HASH = 1 << 6;
        /// Strings.
        const STRING = 1 << 7;
        /// Bitmaps.
        const BITMAP = 1 << 8;
        /// HyperLogLogs.
        const HYPERLOGLOG = 1 << 9;
        /// Geo.
        const GEO = 1 << 10;
        /// Streams.
        const STREAM = 1 << 11;
        /// Pub/sub.
        const PUBSUB = 1 << 12;
        /// For administrators.
        const ADMIN = 1 << 13;
        /// Takes constant or logarithmic time.
        const FAST = 1 << 14;
        /// Everything that is not fast.
        const SLOW = 1 << 15;
        /// May block its client.
        const BLOCKING = 1 << 16;
        /// Can harm the server or its data.
        const DANGEROUS = 1 << 17;
        /// About the connection itself.
        const CONNECTION = 1 << 18;
        /// MULTI and its kin.
        const TRANSACTION = 1 << 19;
        /// Lua.
        const SCRIPTING = 1 << 20;
    }
}

impl Category {
    /// The category of this name, in any case.
    pub fn of_name(name: &[u8]) -> Option<Self> {
        Self::all()
            .iter_names()
            .find(|(own, _)| own.as_bytes().eq_ignore_ascii_case(name))
            .map(|(_, c)| c)
    }

    /// The names of all of these, in lower case.
    pub fn names(self) -> impl Iterator<Item = String> {
        self.iter_names().map(|(name, _)| name.to_ascii_lowercase())
    }
}
