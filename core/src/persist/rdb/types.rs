//! The byte before a value that says how it is written.

pub(super) const STRING: u8 = 0;
pub(super) const LIST: u8 = 1;
pub(super) const SET: u8 = 2;
/// Scores are text.
pub(super) const ZSET_TEXT: u8 = 3;
pub(super) const HASH: u8 = 4;
pub(super) const ZSET: u8 = 5;
pub(super) const MODULE_OLD: u8 = 6;
pub(super) const MODULE: u8 = 7;
pub(super) const HASH_ZIPMAP: u8 = 9;
pub(super) const LIST_ZIPLIST: u8 = 10;
pub(super) const SET_INTSET: u8 = 11;
pub(super) const ZSET_ZIPLIST: u8 = 12;
pub(super) const HASH_ZIPLIST: u8 = 13;
/// Nodes are ziplists.
pub(super) const LIST_QUICKLIST: u8 = 14;
/// The three forms of streams.
pub(super) const STREAM: u8 = 15;
pub(super) const HASH_LISTPACK: u8 = 16;
pub(super) const ZSET_LISTPACK: u8 = 17;
/// Nodes are listpacks or single elements.
pub(super) const LIST_NODES: u8 = 18;
pub(super) const STREAM_2: u8 = 19;
pub(super) const SET_LISTPACK: u8 = 20;
pub(super) const STREAM_3: u8 = 21;
/// Fields with times that are Unix milliseconds; in Valkey the time comes last, in a form of its own.
pub(super) const HASH_TIMES: u8 = 22;
/// The listpack alone.
pub(super) const HASH_TIMED_LISTPACK_BARE: u8 = 23;
/// Times count from the earliest, which comes first.
pub(super) const HASH_TIMED: u8 = 24;
/// The earliest time, and a listpack of names, values and times.
pub(super) const HASH_TIMED_LISTPACK: u8 = 25;

/// What a node of a list holds.
pub(super) const NODE_PLAIN: u64 = 1;
pub(super) const NODE_PACKED: u64 = 2;

/// What a type is called where it is said that a value of it is not sound.
pub fn name(code: u8) -> &'static str {
    match code {
        ZSET_ZIPLIST => "Zset ziplist",
        ZSET_LISTPACK => "Zset listpack",
        HASH_ZIPLIST => "Hash ziplist",
        HASH_LISTPACK | HASH_TIMED_LISTPACK | HASH_TIMED_LISTPACK_BARE => "Hash listpack",
        HASH_ZIPMAP => "Zipmap",
        LIST_ZIPLIST | LIST_QUICKLIST => "List ziplist",
        LIST_NODES => "List listpack",
        SET_INTSET => "Intset",
        SET_LISTPACK => "Set listpack",
        STREAM | STREAM_2 | STREAM_3 => "Stream listpack",
        _ => "Value",
    }
}
