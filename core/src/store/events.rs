//! Keyspace events: what happened to which key, to be published as notifications.

use alloc::boxed::Box;
use bitflags::bitflags;

bitflags! {
    /// Classes of events, with the letters of `notify-keyspace-events`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Class: u32 {
        /// `K`: publish to `__keyspace@<db>__:<key>`.
        const KEYSPACE = 1;
        /// `E`: publish to `__keyevent@<db>__:<event>`.
        const KEYEVENT = 1 << 1;
        /// `g`: commands on keys of any type.
        const GENERIC = 1 << 2;
        /// `$`: strings.
        const STRING = 1 << 3;
        /// `l`: lists.
        const LIST = 1 << 4;
        /// `s`: sets.
        const SET = 1 << 5;
        /// `h`: hashes.
        const HASH = 1 << 6;
        /// `z`: sorted sets.
        const ZSET = 1 << 7;
        /// `x`: a key expired.
        const EXPIRED = 1 << 8;
        /// `e`: a key was evicted.
        const EVICTED = 1 << 9;
        /// `t`: streams.
        const STREAM = 1 << 10;
        /// `m`: a key was looked for and not found; not in `A`.
        const MISS = 1 << 11;
        /// `d`: modules' keys.
        const MODULE = 1 << 12;
        /// `n`: a key is new; not in `A`.
        const NEW = 1 << 13;
    }
}

impl Class {
    /// `A`: all classes but misses and new keys.
    pub const ALL: Self = Self::GENERIC
        .union(Self::STRING)
        .union(Self::LIST)
        .union(Self::SET)
        .union(Self::HASH)
        .union(Self::ZSET)
        .union(Self::EXPIRED)
        .union(Self::EVICTED)
        .union(Self::STREAM)
        .union(Self::MODULE);
}

/// Something that happened to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEvent {
    /// Its class.
    pub class: Class,
    /// Its name, such as `set` or `expired`.
    pub event: &'static str,
    /// The database.
    pub db: usize,
    /// The key.
    pub key: Box<[u8]>,
}
