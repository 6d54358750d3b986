//! When keys expire: the EXPIRE and TTL families, PERSIST.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::{Error, printable};
use crate::store::Class;
use alloc::format;
use alloc::vec::Vec;

/// EXPIRE key seconds: the key expires after so many seconds.
pub const EXPIRE: Command = Command::new("expire", -3, expire)
    .fast()
    .write()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs("key seconds [NX|XX|GT|LT]", "Sets the expiry of a key in seconds from now.", "O(1)");

fn expire(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.now_ms();
    set(ctx, args, 1000, now_ms)
}

/// PEXPIRE key milliseconds: the key expires after so many milliseconds.
pub const PEXPIRE: Command = Command::new("pexpire", -3, pexpire)
    .fast()
    .write()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("2.6.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key milliseconds [NX|XX|GT|LT]",
        "Sets the expiry of a key in milliseconds from now.",
        "O(1)",
    );

fn pexpire(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.now_ms();
    set(ctx, args, 1, now_ms)
}

/// EXPIREAT key unix-time-seconds: the key expires at a moment.
pub const EXPIREAT: Command = Command::new("expireat", -3, expireat)
    .fast()
    .write()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("1.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key unix-time-seconds [NX|XX|GT|LT]",
        "Sets the expiry of a key to a Unix time in seconds.",
        "O(1)",
    );

fn expireat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    set(ctx, args, 1000, 0)
}

/// PEXPIREAT key unix-time-milliseconds: the key expires at a moment.
pub const PEXPIREAT: Command = Command::new("pexpireat", -3, pexpireat)
    .fast()
    .write()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("2.6.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key unix-time-milliseconds [NX|XX|GT|LT]",
        "Sets the expiry of a key to a Unix time in milliseconds.",
        "O(1)",
    );

fn pexpireat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    set(ctx, args, 1, 0)
}

/// Under which conditions an expiry is set.
#[derive(Debug, Default)]
struct Conditions {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Conditions {
    fn parse(args: Args<'_>) -> Result<Self, Error> {
        let mut conditions = Self::default();
        for (at, word) in args.iter_from(3).enumerate() {
            let at = at + 3;
            if args.is(at, "NX") {
                conditions.nx = true;
            } else if args.is(at, "XX") {
                conditions.xx = true;
            } else if args.is(at, "GT") {
                conditions.gt = true;
            } else if args.is(at, "LT") {
                conditions.lt = true;
            } else {
                return Err(Error::Owned(format!(
                    "ERR Unsupported option {}",
                    printable(word, 128)
                )));
            }
        }
        let Self { nx, xx, gt, lt } = conditions;
        if nx && (xx || gt || lt) {
            return Err(Error::Text(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if gt && lt {
            return Err(Error::Text("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(conditions)
    }

    /// Whether an expiry may become `new`. None counts as one that never comes.
    fn allow(&self, old: Option<i64>, new: i64) -> bool {
        let Self { nx, xx, gt, lt } = *self;
        !(nx && old.is_some()
            || xx && old.is_none()
            || gt && old.is_none_or(|old| new <= old)
            || lt && old.is_some_and(|old| new >= old))
    }
}

/// Sets an expiry of `args[2]` units after `base_ms`.
fn set(ctx: &mut Ctx<'_>, args: Args<'_>, unit: i64, base_ms: i64) -> Result<Flow, Error> {
    let key = &args[1];
    let conditions = Conditions::parse(args)?;
    let at_ms = args
        .int(2)?
        .checked_mul(unit)
        .and_then(|span| span.checked_add(base_ms))
        .ok_or_else(|| Error::invalid_expire(ctx.command.name))?;
    let due_ms = ctx.due_ms();
    let Some(mut slot) = ctx.db.slot(key) else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    if !conditions.allow(slot.get().expiry_ms(), at_ms) {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    }
    if at_ms <= due_ms {
        ctx.db.remove(key);
        ctx.db.changed(Class::GENERIC, "del", key);
        let name: &[u8] = if ctx.db.lazy_expire { b"UNLINK" } else { b"DEL" };
        ctx.replicate(&[name, key]);
    } else {
        slot.set_expiry_ms(Some(at_ms));
        ctx.db.changed(Class::GENERIC, "expire", key);
        if base_ms != 0 || unit != 1 {
            replicate_moment(ctx, args, at_ms);
        }
    }
    ctx.reply.int(1);
    Ok(Flow::Done)
}

/// In the journal it expires at a moment, under the conditions that were given.
fn replicate_moment(ctx: &mut Ctx<'_>, args: Args<'_>, at_ms: i64) {
    if ctx.db.is_journaled() {
        let mut number = itoa::Buffer::new();
        let mut words: Vec<&[u8]> = args.iter_from(0).collect();
        words[0] = b"PEXPIREAT";
        words[2] = number.format(at_ms).as_bytes();
        ctx.replicate(&words);
    }
}

/// PERSIST key: the key no longer expires.
pub const PERSIST: Command = Command::new("persist", 2, persist)
    .fast()
    .write()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("2.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs("key", "Removes the expiry of a key.", "O(1)");

fn persist(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    let done = ctx.db.persist(key);
    if done {
        ctx.db.changed(Class::GENERIC, "persist", key);
    }
    ctx.reply.int(i64::from(done));
    Ok(Flow::Done)
}

/// TTL key: how long the key lives on, in seconds.
pub const TTL: Command = Command::new("ttl", 2, ttl)
    .fast()
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output"])
    .docs("key", "Returns how long a key has until it expires, in seconds; -1 if it does not, -2 if there is no such key.", "O(1)");

fn ttl(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.now_ms();
    reply_expiry(ctx, args, |at_ms| to_seconds((at_ms - now_ms).max(0)))
}

/// PTTL key: how long the key lives on, in milliseconds.
pub const PTTL: Command = Command::new("pttl", 2, pttl)
    .fast()
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("2.6.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output"])
    .docs("key", "Returns how long a key has until it expires, in milliseconds; -1 if it does not, -2 if there is no such key.", "O(1)");

fn pttl(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.now_ms();
    reply_expiry(ctx, args, |at_ms| (at_ms - now_ms).max(0))
}

/// EXPIRETIME key: when the key expires, as a Unix time in seconds.
pub const EXPIRETIME: Command = Command::new("expiretime", 2, expiretime)
    .fast()
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("7.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("key", "Returns the Unix time in seconds at which a key expires; -1 if it does not, -2 if there is no such key.", "O(1)");

fn expiretime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_expiry(ctx, args, to_seconds)
}

/// PEXPIRETIME key: when the key expires, as a Unix time in milliseconds.
pub const PEXPIRETIME: Command = Command::new("pexpiretime", 2, pexpiretime)
    .fast()
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("7.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("key", "Returns the Unix time in milliseconds at which a key expires; -1 if it does not, -2 if there is no such key.", "O(1)");

fn pexpiretime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_expiry(ctx, args, |at_ms| at_ms)
}

/// To the nearest second, without the overflow that adding first would have at the end of time.
fn to_seconds(ms: i64) -> i64 {
    ms / 1000 + i64::from(ms % 1000 >= 500)
}

fn reply_expiry(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    shown: impl FnOnce(i64) -> i64,
) -> Result<Flow, Error> {
    let value = match ctx.db.inspect(&args[1]) {
        None => -2,
        Some(entry) => entry.expiry_ms().map_or(-1, shown),
    };
    ctx.reply.int(value);
    Ok(Flow::Done)
}
