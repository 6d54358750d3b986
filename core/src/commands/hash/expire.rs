//! Expiries of fields: HEXPIRE and its kin, HPERSIST, HTTL and its kin.

use super::fields::{FieldUnit, finish, parse_fields, replicate_times};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::{FieldTime, Hash};
use alloc::vec::Vec;

const NOT_POSITIVE: &str = "ERR Parameter `numFields` should be greater than 0";

const COMPLEXITY: &str = "O(N) for N fields";

/// HEXPIRE key seconds … FIELDS: fields expire after so many seconds.
pub const HEXPIRE: Command = Command::new("hexpire", -6, hexpire)
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("7.4.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key seconds [NX|XX|GT|LT] FIELDS numfields field [field ...]",
        "Sets the expiry of fields in seconds from now.",
        COMPLEXITY,
    );

fn hexpire(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    set(ctx, args, FieldUnit::Seconds)
}

/// HPEXPIRE key milliseconds … FIELDS: fields expire after so many milliseconds.
pub const HPEXPIRE: Command = Command::new("hpexpire", -6, hpexpire)
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("7.4.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key milliseconds [NX|XX|GT|LT] FIELDS numfields field [field ...]",
        "Sets the expiry of fields in milliseconds from now.",
        COMPLEXITY,
    );

fn hpexpire(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    set(ctx, args, FieldUnit::Millis)
}

/// HEXPIREAT key unix-time-seconds … FIELDS: fields expire at a moment.
pub const HEXPIREAT: Command = Command::new("hexpireat", -6, hexpireat)
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("7.4.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key unix-time-seconds [NX|XX|GT|LT] FIELDS numfields field [field ...]",
        "Sets the expiry of fields to a Unix time in seconds.",
        COMPLEXITY,
    );

fn hexpireat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    set(ctx, args, FieldUnit::AtSeconds)
}

/// HPEXPIREAT key unix-time-milliseconds … FIELDS: fields expire at a moment.
pub const HPEXPIREAT: Command = Command::new("hpexpireat", -6, hpexpireat)
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("7.4.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key unix-time-milliseconds [NX|XX|GT|LT] FIELDS numfields field [field ...]",
        "Sets the expiry of fields to a Unix time in milliseconds.",
        COMPLEXITY,
    );

fn hpexpireat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    set(ctx, args, FieldUnit::AtMillis)
}

/// Under which condition an expiry is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Nx,
    Xx,
    Gt,
    Lt,
}

impl Condition {
    fn parse(args: Args<'_>, at: usize) -> Option<Self> {
        let words = [("NX", Self::Nx), ("XX", Self::Xx), ("GT", Self::Gt), ("LT", Self::Lt)];
        words.into_iter().find(|(word, _)| args.is(at, word)).map(|(_, condition)| condition)
    }

    /// Whether an expiry may become `new`. None counts as one that never comes.
    fn allows(self, old: Option<i64>, new: i64) -> bool {
        match self {
            Self::Nx => old.is_none(),
            Self::Xx => old.is_some(),
            Self::Gt => old.is_some_and(|old| new > old),
            Self::Lt => old.is_none_or(|old| new < old),
        }
    }
}

fn set(ctx: &mut Ctx<'_>, args: Args<'_>, unit: FieldUnit) -> Result<Flow, Error> {
    let key = &args[1];
    ctx.db.check_type::<Hash>(key)?;
    let at_ms = unit.unix_ms(ctx, args, 2)?;
    let condition = Condition::parse(args, 3);
    let names = parse_fields(args, if condition.is_some() { 4 } else { 3 }, NOT_POSITIVE)?;
    let now_ms = ctx.due_ms();
    ctx.db.expire_fields(key, args.iter_from(names));
    ctx.reply.array(args.len() - names);
    let Some((hash, tuning, _)) = ctx.db.object_and_tuning::<Hash>(key)? else {
        return reply_absent(ctx, args, names);
    };
    let mut changed = Vec::new();
    for name in args.iter_from(names) {
        let old = match hash.time(name, &tuning.seed) {
            FieldTime::Absent => {
                ctx.reply.int(-2);
                continue;
            }
            FieldTime::Never => None,
            FieldTime::At(old) => Some(old),
        };
        if condition.is_some_and(|condition| !condition.allows(old, at_ms)) {
            ctx.reply.int(0);
            continue;
        }
        changed.push(name);
        if at_ms <= now_ms {
            hash.remove(name, &tuning.seed);
            ctx.reply.int(2);
        } else {
            hash.set_time(name, Some(at_ms), &tuning.seed);
            ctx.reply.int(1);
        }
    }
    let is_past = at_ms <= now_ms;
    finish(ctx, key, if is_past { "hdel" } else { "hexpire" }, changed.len() as u64);
    replicate_times(ctx, key, Some(at_ms).filter(|_| !is_past), &changed);
    Ok(Flow::Done)
}

/// The reply for the fields of a key that does not exist; its length is written already.
fn reply_absent(ctx: &mut Ctx<'_>, args: Args<'_>, names: usize) -> Result<Flow, Error> {
    for _ in args.iter_from(names) {
        ctx.reply.int(-2);
    }
    Ok(Flow::Done)
}

/// HPERSIST key FIELDS: fields no longer expire.
pub const HPERSIST: Command = Command::new("hpersist", -5, hpersist)
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("7.4.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs("key FIELDS numfields field [field ...]", "Removes the expiry of fields.", COMPLEXITY);

fn hpersist(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    ctx.db.check_type::<Hash>(key)?;
    let names = parse_fields(args, 2, super::fields::NOT_POSITIVE)?;
    let now_ms = ctx.due_ms();
    ctx.reply.array(args.len() - names);
    let Some((hash, tuning, _)) = ctx.db.object_and_tuning::<Hash>(key)? else {
        return reply_absent(ctx, args, names);
    };
    let mut changed = false;
    for name in args.iter_from(names) {
        match hash.time(name, &tuning.seed) {
            FieldTime::At(at_ms) if at_ms > now_ms => {
                hash.set_time(name, None, &tuning.seed);
                changed = true;
                ctx.reply.int(1);
            }
            FieldTime::Never => ctx.reply.int(-1),
            FieldTime::At(_) | FieldTime::Absent => ctx.reply.int(-2),
        }
    }
    if changed {
        ctx.db.index_fields(key);
        ctx.db.changed(Class::HASH, "hpersist", key);
    }
    Ok(Flow::Done)
}

/// HTTL key FIELDS: how long fields live on, in seconds.
pub const HTTL: Command = Command::new("httl", -5, httl)
    .fast()
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("7.4.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key FIELDS numfields field [field ...]",
        "Returns how long fields have until they expire, in seconds; -1 if they do not, -2 if there is no such field.",
        COMPLEXITY,
    );

fn httl(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.now_ms();
    reply_times(ctx, args, |at_ms| to_seconds(at_ms - now_ms))
}

/// HPTTL key FIELDS: how long fields live on, in milliseconds.
pub const HPTTL: Command = Command::new("hpttl", -5, hpttl)
    .fast()
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("7.4.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key FIELDS numfields field [field ...]",
        "Returns how long fields have until they expire, in milliseconds; -1 if they do not, -2 if there is no such field.",
        COMPLEXITY,
    );

fn hpttl(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.now_ms();
    reply_times(ctx, args, |at_ms| at_ms - now_ms)
}

/// HEXPIRETIME key FIELDS: when fields expire, as a Unix time in seconds.
pub const HEXPIRETIME: Command = Command::new("hexpiretime", -5, hexpiretime)
    .fast()
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("7.4.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key FIELDS numfields field [field ...]",
        "Returns the Unix time in seconds at which fields expire; -1 if they do not, -2 if there is no such field.",
        COMPLEXITY,
    );

fn hexpiretime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_times(ctx, args, to_seconds)
}

/// HPEXPIRETIME key FIELDS: when fields expire, as a Unix time in milliseconds.
pub const HPEXPIRETIME: Command = Command::new("hpexpiretime", -5, hpexpiretime)
    .fast()
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("7.4.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key FIELDS numfields field [field ...]",
        "Returns the Unix time in milliseconds at which fields expire; -1 if they do not, -2 if there is no such field.",
        COMPLEXITY,
    );

fn hpexpiretime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_times(ctx, args, |at_ms| at_ms)
}

/// To whole seconds, rounded up.
fn to_seconds(ms: i64) -> i64 {
    (ms + 999) / 1000
}

fn reply_times(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    shown: impl Fn(i64) -> i64,
) -> Result<Flow, Error> {
    let now_ms = ctx.due_ms();
    let Some((hash, seed, _)) = ctx.db.object_and_seed::<Hash>(&args[1])? else {
        let names = parse_fields(args, 2, super::fields::NOT_POSITIVE)?;
        ctx.reply.array(args.len() - names);
        return reply_absent(ctx, args, names);
    };
    let names = parse_fields(args, 2, super::fields::NOT_POSITIVE)?;
    ctx.reply.array(args.len() - names);
    for name in args.iter_from(names) {
        ctx.reply.int(match hash.time(name, seed) {
            FieldTime::At(at_ms) if at_ms > now_ms => shown(at_ms),
            FieldTime::Never => -1,
            FieldTime::At(_) | FieldTime::Absent => -2,
        });
    }
    Ok(Flow::Done)
}
