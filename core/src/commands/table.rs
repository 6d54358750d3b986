//! THE table: every command there is, one row each, and finding one by its name.
//!
//! Whatever knows the set of commands is computed from here.

use super::replication;
use super::{
    acl, bitmap, cluster, connection, geo, hash, hyperloglog, keyspace, list, pubsub, script,
    server, set, stream, string, transaction, zset,
};
use crate::acl::{Catalog, Category, Found};
use crate::command::{Args, Command};
use crate::error::{Error, printable};
use crate::server::Names;
use alloc::format;
use alloc::string::String;
use core::ops::Range;

/// Every top-level command.
pub static TABLE: &[&Command] = &[
    // access control
    &acl::ACL,
    // bitmap
    &bitmap::BITCOUNT,
    &bitmap::BITFIELD,
    &bitmap::BITFIELD_RO,
    &bitmap::BITOP,
    &bitmap::BITPOS,
    &bitmap::GETBIT,
    &bitmap::SETBIT,
    // cluster
    &cluster::ASKING,
    &cluster::CLUSTER,
    &cluster::READONLY,
    &cluster::READWRITE,
    // connection
    &connection::AUTH,
    &connection::CLIENT,
    &connection::ECHO,
    &connection::HELLO,
    &connection::PING,
    &connection::QUIT,
    &connection::RESET,
    &connection::SELECT,
    // geo
    &geo::GEOADD,
    &geo::GEODIST,
    &geo::GEOHASH,
    &geo::GEOPOS,
    &geo::GEORADIUS,
    &geo::GEORADIUS_RO,
    &geo::GEORADIUSBYMEMBER,
    &geo::GEORADIUSBYMEMBER_RO,
    &geo::GEOSEARCH,
    &geo::GEOSEARCHSTORE,
    // hash
    &hash::HDEL,
    &hash::HEXISTS,
    &hash::HEXPIRE,
    &hash::HEXPIREAT,
    &hash::HEXPIRETIME,
    &hash::HGET,
    &hash::HGETALL,
    &hash::HGETDEL,
    &hash::HGETEX,
    &hash::HINCRBY,
    &hash::HINCRBYFLOAT,
    &hash::HKEYS,
    &hash::HLEN,
    &hash::HMGET,
    &hash::HMSET,
    &hash::HPERSIST,
    &hash::HPEXPIRE,
    &hash::HPEXPIREAT,
    &hash::HPEXPIRETIME,
    &hash::HPTTL,
    &hash::HRANDFIELD,
    &hash::HSCAN,
    &hash::HSET,
    &hash::HSETEX,
    &hash::HSETNX,
    &hash::HSTRLEN,
    &hash::HTTL,
    &hash::HVALS,
    // hyperloglog
    &hyperloglog::PFADD,
    &hyperloglog::PFCOUNT,
    &hyperloglog::PFDEBUG,
    &hyperloglog::PFMERGE,
    &hyperloglog::PFSELFTEST,
    // list
    &list::BLMOVE,
    &list::BLMPOP,
    &list::BLPOP,
    &list::BRPOP,
    &list::BRPOPLPUSH,
    &list::LINDEX,
    &list::LINSERT,
    &list::LLEN,
    &list::LMOVE,
    &list::LMPOP,
    &list::LPOP,
    &list::LPOS,
    &list::LPUSH,
    &list::LPUSHX,
    &list::LRANGE,
    &list::LREM,
    &list::LSET,
    &list::LTRIM,
    &list::RPOP,
    &list::RPOPLPUSH,
    &list::RPUSH,
    &list::RPUSHX,
    // pubsub
    &pubsub::PSUBSCRIBE,
    &pubsub::PUBLISH,
    &pubsub::PUBSUB,
    &pubsub::PUNSUBSCRIBE,
    &pubsub::SPUBLISH,
    &pubsub::SSUBSCRIBE,
    &pubsub::SUBSCRIBE,
    &pubsub::SUNSUBSCRIBE,
    &pubsub::UNSUBSCRIBE,
    // replication
    &replication::PSYNC,
    &replication::REPLCONF,
    &replication::SYNC,
    // scripting
    &script::EVAL,
    &script::EVALSHA,
    &script::EVALSHA_RO,
    &script::EVAL_RO,
    &script::FCALL,
    &script::FCALL_RO,
    &script::FUNCTION,
    &script::SCRIPT,
    // server
    &connection::MONITOR,
    &server::BGREWRITEAOF,
    &server::BGSAVE,
    &server::COMMAND,
    &server::COMMANDLOG,
    &server::CONFIG,
    &server::DEBUG,
    &server::HOTKEYS,
    &server::INFO,
    &server::LASTSAVE,
    &server::LATENCY,
    &server::LOLWUT,
    &server::MEMORY,
    &server::MODULE,
    &server::ROLE,
    &server::SAVE,
    &server::SHUTDOWN,
    &server::SLOWLOG,
    &server::TIME,
    &server::WAITAOF,
    // set
    &set::SADD,
    &set::SCARD,
    &set::SDIFF,
    &set::SDIFFSTORE,
    &set::SINTER,
    &set::SINTERCARD,
    &set::SINTERSTORE,
    &set::SISMEMBER,
    &set::SMEMBERS,
    &set::SMISMEMBER,
    &set::SMOVE,
    &set::SPOP,
    &set::SRANDMEMBER,
    &set::SREM,
    &set::SSCAN,
    &set::SUNION,
    &set::SUNIONSTORE,
    // keyspace
    &keyspace::COPY,
    &keyspace::DBSIZE,
    &keyspace::DEL,
    &keyspace::DUMP,
    &keyspace::EXISTS,
    &keyspace::EXPIRE,
    &keyspace::EXPIREAT,
    &keyspace::EXPIRETIME,
    &keyspace::FLUSHALL,
    &keyspace::FLUSHDB,
    &keyspace::KEYS,
    &keyspace::MOVE,
    &keyspace::OBJECT,
    &keyspace::PERSIST,
    &keyspace::PEXPIRE,
    &keyspace::PEXPIREAT,
    &keyspace::PEXPIRETIME,
    &keyspace::PTTL,
    &keyspace::RANDOMKEY,
    &keyspace::RENAME,
    &keyspace::RENAMENX,
    &keyspace::RESTORE,
    &keyspace::RESTORE_ASKING,
    &keyspace::SCAN,
    &keyspace::SORT,
    &keyspace::SORT_RO,
    &keyspace::SWAPDB,
    &keyspace::TOUCH,
    &keyspace::TTL,
    &keyspace::TYPE,
    &keyspace::UNLINK,
    // sorted set
    &zset::BZMPOP,
    &zset::BZPOPMAX,
    &zset::BZPOPMIN,
    &zset::ZADD,
    &zset::ZCARD,
    &zset::ZCOUNT,
    &zset::ZDIFF,
    &zset::ZDIFFSTORE,
    &zset::ZINCRBY,
    &zset::ZINTER,
    &zset::ZINTERCARD,
    &zset::ZINTERSTORE,
    &zset::ZLEXCOUNT,
    &zset::ZMPOP,
    &zset::ZMSCORE,
    &zset::ZPOPMAX,
    &zset::ZPOPMIN,
    &zset::ZRANDMEMBER,
    &zset::ZRANGE,
    &zset::ZRANGEBYLEX,
    &zset::ZRANGEBYSCORE,
    &zset::ZRANGESTORE,
    &zset::ZRANK,
    &zset::ZREM,
    &zset::ZREMRANGEBYLEX,
    &zset::ZREMRANGEBYRANK,
    &zset::ZREMRANGEBYSCORE,
    &zset::ZREVRANGE,
    &zset::ZREVRANGEBYLEX,
    &zset::ZREVRANGEBYSCORE,
    &zset::ZREVRANK,
    &zset::ZSCAN,
    &zset::ZSCORE,
    &zset::ZUNION,
    &zset::ZUNIONSTORE,
    // stream
    &stream::XACK,
    &stream::XACKDEL,
    &stream::XADD,
    &stream::XAUTOCLAIM,
    &stream::XCLAIM,
    &stream::XDEL,
    &stream::XDELEX,
    &stream::XGROUP,
    &stream::XINFO,
    &stream::XLEN,
    &stream::XPENDING,
    &stream::XRANGE,
    &stream::XREAD,
    &stream::XREADGROUP,
    &stream::XREVRANGE,
    &stream::XSETID,
    &stream::XTRIM,
    // string
    &string::APPEND,
    &string::DECR,
    &string::DECRBY,
    &string::DELEX,
    &string::DELIFEQ,
    &string::DIGEST,
    &string::GET,
    &string::GETDEL,
    &string::GETEX,
    &string::GETRANGE,
    &string::GETSET,
    &string::INCR,
    &string::INCRBY,
    &string::INCRBYFLOAT,
    &string::INCREX,
    &string::LCS,
    &string::MGET,
    &string::MSET,
    &string::MSETEX,
    &string::MSETNX,
    &string::PSETEX,
    &string::SET,
    &string::SETEX,
    &string::SETNX,
    &string::SETRANGE,
    &string::STRLEN,
    &string::SUBSTR,
    // transaction
    &transaction::DISCARD,
    &transaction::EXEC,
    &transaction::MULTI,
    &transaction::UNWATCH,
    &transaction::WATCH,
];

const SLOTS: usize = 2048;
const NAME_BYTES_MAX: usize = 32;

/// A name as three words: its first and last eight bytes in lower case, which overlap or are padded in
/// short names, and its length. Up to 8 letters the words say it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Packed {
    first: u64,
    last: u64,
    len: usize,
}

const LOWER: u64 = 0x2020_2020_2020_2020;

#[inline]
const fn pack(name: &[u8]) -> Packed {
    let len = name.len();
    let (first, last) = if let Some((first, last)) = ends::<8>(name) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let Some((first, last)) = ends::<4>(name) {
        (u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last) as u64)
    } else if len > 0 {
        (name[0] as u64 | (name[len / 2] as u64) << 8, name[len - 1] as u64)
    } else {
        (0, 0)
    };
    Packed { first: first | LOWER, last: last | LOWER, len }
}

/// The first `N` bytes and the last, which may overlap.
#[inline]
const fn ends<const N: usize>(name: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
    match (name.first_chunk(), name.last_chunk()) {
        (Some(first), Some(last)) => Some((first, last)),
        _ => None,
    }
}

#[inline]
const fn slot(packed: Packed) -> usize {
    let mixed = (packed.first ^ packed.last.rotate_left(29) ^ packed.len as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as usize % SLOTS
}

/// The places of the commands by the hash of their names, plus one; 0: none. Open addressing.
static LOOKUP: [u16; SLOTS] = build();
static NAMES: [Packed; TABLE.len()] = {
    let mut names = [Packed { first: 0, last: 0, len: 0 }; TABLE.len()];
    let mut place = 0;
    while place < TABLE.len() {
        names[place] = pack(TABLE[place].name.as_bytes());
        place += 1;
    }
    names
};

/// Whether the words of a name say it all: it is short and of letters alone.
static IS_TOLD: [bool; TABLE.len()] = {
    let mut told = [false; TABLE.len()];
    let mut place = 0;
    while place < TABLE.len() {
        let name = TABLE[place].name.as_bytes();
        let mut at = 0;
        while at < name.len() && name[at].is_ascii_lowercase() {
            at += 1;
        }
        told[place] = at == name.len() && at <= 8;
        place += 1;
    }
    told
};

const fn build() -> [u16; SLOTS] {
    let mut slots = [0; SLOTS];
    let mut place = 0;
    while place < TABLE.len() {
        let mut at = slot(pack(TABLE[place].name.as_bytes()));
        while slots[at] != 0 {
            at = (at + 1) % SLOTS;
        }
        slots[at] = place as u16 + 1;
        place += 1;
    }
    slots
}

/// The place and the command of this name, in any case.
#[inline]
#[cfg_attr(redstart_small, optimize(speed))]
pub fn find(name: &[u8]) -> Option<(usize, &'static Command)> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let packed = pack(name);
    let mut at = slot(packed);
    loop {
        let place = LOOKUP[at].checked_sub(1)? as usize;
        if NAMES[place] == packed {
            let command = TABLE[place];
            if IS_TOLD[place] || command.name.as_bytes().eq_ignore_ascii_case(name) {
                return Some((place, command));
            }
        }
        at = (at + 1) % SLOTS;
    }
}

/// The number of the first subcommand of each container. Commands at the top level are numbered by their
/// place in the table, their subcommands follow, container by container.
static SUBCOMMANDS_FROM: [u16; TABLE.len()] = {
    let mut from = [0; TABLE.len()];
    let (mut place, mut next) = (0, TABLE.len());
    while place < TABLE.len() {
        from[place] = next as u16;
        next += TABLE[place].subcommands.len();
        place += 1;
    }
    from
};

/// How many commands and subcommands there are: their numbers are below.
pub const fn count() -> usize {
    let last = TABLE.len() - 1;
    SUBCOMMANDS_FROM[last] as usize + TABLE[last].subcommands.len()
}

/// The name of the container of the subcommand of this number; empty for a command at the top level.
#[inline]
pub fn container(id: usize) -> &'static str {
    if id < TABLE.len() {
        return "";
    }
    TABLE[container_place(id)].name
}

/// The place of the container of the subcommand of this number.
fn container_place(id: usize) -> usize {
    // The last container whose subcommands begin at or before it; commands without any begin there too.
    SUBCOMMANDS_FROM.partition_point(|&from| usize::from(from) <= id) - 1
}

/// What the rules of access control know of the table.
#[derive(Debug, Clone, Copy)]
pub struct AllCommands;

impl AllCommands {
    fn of(id: usize) -> &'static Command {
        match TABLE.get(id) {
            Some(command) => command,
            None => {
                let place = container_place(id);
                TABLE[place].subcommands[id - usize::from(SUBCOMMANDS_FROM[place])]
            }
        }
    }
}

impl Catalog for AllCommands {
    fn count(&self) -> usize {
        count()
    }

    fn top(&self) -> usize {
        TABLE.len()
    }

    fn find(&self, name: &[u8]) -> Option<Found> {
        let found = find_full(name)?;
        let has_subs = !found.command.subcommands.is_empty();
        Some(Found { id: found.id, is_sub: found.container.is_some(), has_subs })
    }

    fn name(&self, id: usize) -> String {
        Self::of(id).full_name(container(id))
    }

    fn categories(&self, id: usize) -> Category {
        Self::of(id).categories()
    }

    fn subcommands(&self, id: usize) -> Range<usize> {
        match TABLE.get(id) {
            Some(command) => {
                let from = usize::from(SUBCOMMANDS_FROM[id]);
                from..from + command.subcommands.len()
            }
            None => 0..0,
        }
    }
}

/// A command or subcommand with its number in the statistics.
#[derive(Debug, Clone, Copy)]
pub struct Numbered {
    /// Its number.
    pub id: usize,
    /// The container of a subcommand.
    pub container: Option<&'static Command>,
    /// The command itself.
    pub command: &'static Command,
}

impl Numbered {
    /// Its name, with its container's before it: `config|get`.
    pub fn full_name(&self) -> String {
        match self.container {
            Some(container) => self.command.full_name(container.name),
            None => self.command.name.into(),
        }
    }

    /// Its subcommands.
    pub fn subcommands(self) -> impl ExactSizeIterator<Item = Self> {
        let from = if self.container.is_none() { SUBCOMMANDS_FROM[self.id] } else { 0 };
        self.command.subcommands.iter().enumerate().map(move |(index, &command)| Self {
            id: from as usize + index,
            container: Some(self.command),
            command,
        })
    }
}

/// Every top-level command.
pub fn commands() -> impl ExactSizeIterator<Item = Numbered> {
    TABLE.iter().enumerate().map(|(id, &command)| Numbered { id, container: None, command })
}

/// The command or subcommand of this full name, in any case.
pub fn find_full(name: &[u8]) -> Option<Numbered> {
    find_full_named(&Names::default(), name)
}

/// The command that `args` call with its number, or why there is none: unknown name, unknown subcommand,
/// arity.
#[inline]
pub fn resolve(names: &Names, args: Args<'_>) -> Result<(usize, &'static Command), Error> {
    resolve_or_whose(names, args).map_err(|(_, error)| error)
}

/// The place and the command that goes by this name, in any case.
#[inline]
pub fn find_named(names: &Names, name: &[u8]) -> Option<(usize, &'static Command)> {
    if names.is_empty() { find(name) } else { find_renamed(names, name) }
}

#[cold]
fn find_renamed(names: &Names, name: &[u8]) -> Option<(usize, &'static Command)> {
    match names.find(name) {
        Some(place) => place.map(|place| (place, TABLE[place])),
        None => find(name),
    }
}

/// The command or subcommand that goes by this full name, in any case.
pub fn find_full_named(names: &Names, name: &[u8]) -> Option<Numbered> {
    let mut words = name.splitn(2, |&byte| byte == b'|');
    let (id, command) = find_named(names, words.next()?)?;
    let found = Numbered { id, container: None, command };
    match words.next() {
        None => Some(found),
        Some(sub) => {
            found.subcommands().find(|s| s.command.name.as_bytes().eq_ignore_ascii_case(sub))
        }
    }
}

/// Every top-level command that goes by some name.
pub fn named(names: &Names) -> impl Iterator<Item = Numbered> {
    commands().filter(|command| names.is_reachable(command.command.name.as_bytes(), command.id))
}

/// As [`resolve`]; a wrong arity comes with the number of the command it was meant for.
#[inline]
#[cfg_attr(redstart_small, optimize(speed))]
pub fn resolve_or_whose(
    names: &Names,
    args: Args<'_>,
) -> Result<(usize, &'static Command), (Option<usize>, Error)> {
    let Some((place, command)) = find_named(names, &args[0]) else {
        return Err((None, unknown(args)));
    };
    if !command.subcommands.is_empty()
        && let Some(name) = args.get(1)
    {
        let Some(index) =
            command.subcommands.iter().position(|c| c.name.as_bytes().eq_ignore_ascii_case(name))
        else {
            return Err((None, Error::unknown_subcommand(name, &printable(&args[0], 128))));
        };
        let (id, sub) = (SUBCOMMANDS_FROM[place] as usize + index, command.subcommands[index]);
        return if sub.takes(args.len()) {
            Ok((id, sub))
        } else {
            Err((
                Some(id),
                Error::Owned(format!(
                    "ERR wrong number of arguments for '{}' command",
                    sub.full_name(command.name)
                )),
            ))
        };
    }
    if command.takes(args.len()) {
        Ok((place, command))
    } else {
        Err((Some(place), Error::Arity(command.name)))
    }
}

#[cold]
fn unknown(args: Args<'_>) -> Error {
    let mut words = String::new();
    for arg in args.iter_from(1) {
        if words.len() >= 128 {
            break;
        }
        words.push_str(&format!("'{}' ", printable(arg, 128 - words.len())));
    }
    Error::Owned(format!(
        "ERR unknown command '{}', with args beginning with: {words}",
        printable(&args[0], 128)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_own_bytes_alone() {
        assert!(find(b"SORT_RO").is_some());
        assert!(find(b"SORT\x7fRO").is_none());
    }

    #[test]
    fn every_command_is_found_in_any_case() {
        for (place, command) in TABLE.iter().enumerate() {
            assert_eq!(find(command.name.as_bytes()).map(|f| f.0), Some(place));
            let upper = command.name.to_ascii_uppercase();
            assert_eq!(find(upper.as_bytes()).map(|f| f.0), Some(place));
            assert!(command.name.len() <= NAME_BYTES_MAX);
        }
        assert!(find(b"nosuchcommand").is_none());
        assert!(find(b"").is_none());
    }
}
