//! Reading and setting fields together with their expiry: HGETEX, HGETDEL, HSETEX.

use super::fields::{
    FieldUnit, NOT_POSITIVE, finish, parse_fields, remove_if_empty, replicate_times,
};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::{Error, printable};
use crate::store::Class;
use crate::value::{FieldTime, Hash, Keep};
use alloc::format;
use alloc::vec::Vec;

/// HGETEX key \[EX … | PERSIST\] FIELDS: the values of fields, which expire another time from then on.
pub const HGETEX: Command = Command::new("hgetex", -5, hgetex)
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("8.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs(
        "key [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|PERSIST] FIELDS numfields field [field ...]",
        "Returns the values of fields, and sets or removes their expiry.",
        "O(N) for N fields",
    );

fn hgetex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    ctx.db.check_type::<Hash>(key)?;
    let persist = args.is(2, "PERSIST");
    let (at_ms, fields) = match FieldUnit::parse(args, 2) {
        Some(unit) => (Some(unit.unix_ms(ctx, args, 3)?), 4),
        None => (None, if persist { 3 } else { 2 }),
    };
    let names = parse_fields(args, fields, NOT_POSITIVE)?;
    let now_ms = ctx.due_ms();
    ctx.db.expire_fields(key, args.iter_from(names));
    ctx.reply.array(args.len() - names);
    let Some((hash, tuning, _)) = ctx.db.object_and_tuning::<Hash>(key)? else {
        return reply_nulls(ctx, args, names);
    };
    let mut changed = Vec::new();
    for name in args.iter_from(names) {
        match hash.get(name, &tuning.seed, now_ms) {
            Some(value) => ctx.reply.element(value),
            None => {
                ctx.reply.null();
                continue;
            }
        }
        let changes = match at_ms {
            Some(at_ms) if at_ms <= now_ms => hash.remove(name, &tuning.seed),
            Some(at_ms) => hash.set_time(name, Some(at_ms), &tuning.seed),
            None if persist && hash.time(name, &tuning.seed) != FieldTime::Never => {
                hash.set_time(name, None, &tuning.seed)
            }
            None => false,
        };
        changed.extend(changes.then_some(name));
    }
    let event = match at_ms {
        Some(at_ms) if at_ms <= now_ms => "hdel",
        Some(_) => "hexpire",
        None => "hpersist",
    };
    finish(ctx, key, event, changed.len() as u64);
    if at_ms.is_some() {
        replicate_times(ctx, key, at_ms.filter(|&at_ms| at_ms > now_ms), &changed);
    } else if !changed.is_empty() {
        let mut count = itoa::Buffer::new();
        let mut words: Vec<&[u8]> = Vec::with_capacity(changed.len() + 4);
        words.extend([b"HPERSIST", key, b"FIELDS", count.format(changed.len()).as_bytes()]);
        words.extend(&changed);
        ctx.replicate(&words);
    }
    Ok(Flow::Done)
}

/// The reply for the fields of a key that does not exist; its length is written already.
fn reply_nulls(ctx: &mut Ctx<'_>, args: Args<'_>, names: usize) -> Result<Flow, Error> {
    for _ in args.iter_from(names) {
        ctx.reply.null();
    }
    Ok(Flow::Done)
}

/// HGETDEL key FIELDS: the values of fields, which are removed.
pub const HGETDEL: Command = Command::new("hgetdel", -5, hgetdel)
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("8.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))])
    .docs(
        "key FIELDS numfields field [field ...]",
        "Returns the values of fields and removes them, and the key with the last of them.",
        "O(N) for N fields",
    );

fn hgetdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    ctx.db.check_type::<Hash>(key)?;
    let names = parse_fields(args, 2, NOT_POSITIVE)?;
    let now_ms = ctx.due_ms();
    ctx.db.expire_fields(key, args.iter_from(names));
    ctx.reply.array(args.len() - names);
    let Some((hash, tuning, _)) = ctx.db.object_and_tuning::<Hash>(key)? else {
        return reply_nulls(ctx, args, names);
    };
    let mut removed = Vec::new();
    for name in args.iter_from(names) {
        match hash.get(name, &tuning.seed, now_ms) {
            Some(value) => {
                ctx.reply.element(value);
                hash.remove(name, &tuning.seed);
                removed.push(name);
            }
            None => ctx.reply.null(),
        }
    }
    finish(ctx, key, "hdel", removed.len() as u64);
    replicate_times(ctx, key, None, &removed);
    Ok(Flow::Done)
}

/// HSETEX key \[FNX | FXX\] \[EX … | KEEPTTL\] FIELDS: sets all fields with an expiry, or none.
pub const HSETEX: Command = Command::new("hsetex", -6, hsetex)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("8.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key [FNX|FXX] [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL] FIELDS numfields field value [field value ...]",
        "Sets fields and their expiry, if a condition holds for all of them.",
        "O(N) for N fields",
    );

/// The options of HSETEX.
#[derive(Debug, Default)]
struct Options {
    fnx: bool,
    fxx: bool,
    keep_ttl: bool,
    at_ms: Option<i64>,
    /// Where the fields begin.
    first: usize,
}

impl Options {
    fn parse(ctx: &Ctx<'_>, args: Args<'_>) -> Result<Self, Error> {
        const ARITY: Error = Error::Arity("hsetex");
        let mut options = Self::default();
        let mut at = 2;
        loop {
            let Some(word) = args.get(at) else { return Err(ARITY) };
            let unit = FieldUnit::parse(args, at);
            let keep_ttl = args.is(at, "KEEPTTL");
            if args.is(at, "FIELDS") {
                if at + 3 >= args.len() {
                    return Err(ARITY);
                }
                let range = 1..=i64::from(i32::MAX);
                let count = args.int_in(at + 1, range, "ERR invalid number of fields")?;
                options.first = at + 2;
                if count * 2 != args.len() as i64 - options.first as i64 {
                    return Err(ARITY);
                }
                return Ok(options);
            } else if args.is(at, "FNX") || args.is(at, "FXX") {
                if options.fnx || options.fxx {
                    return Err(Error::Text(
                        "ERR Only one of FXX or FNX arguments can be specified",
                    ));
                }
                options.fnx = args.is(at, "FNX");
                options.fxx = !options.fnx;
            } else if unit.is_some() || keep_ttl {
                if options.keep_ttl || options.at_ms.is_some() {
                    return Err(Error::Text(
                        "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
                    ));
                }
                options.keep_ttl = keep_ttl;
                if let Some(unit) = unit {
                    at += 1;
                    if at >= args.len() {
                        return Err(ARITY);
                    }
                    options.at_ms = Some(unit.unix_ms(ctx, args, at)?);
                }
            } else {
                return Err(Error::Owned(format!(
                    "ERR unknown argument: {}",
                    printable(word, 128)
                )));
            }
            at += 1;
        }
    }
}

fn hsetex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    let Options { fnx, fxx, keep_ttl, at_ms, first } = Options::parse(ctx, args)?;
    let exists = ctx.db.check_type::<Hash>(key)?;
    let now_ms = ctx.due_ms();
    ctx.db.expire_fields(key, args.iter_from(first).step_by(2));
    if fxx && !exists {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    }
    if (fnx || fxx)
        && let Some((hash, tuning, _)) = ctx.db.object_and_tuning::<Hash>(key)?
        && args
            .iter_from(first)
            .step_by(2)
            .any(|name| hash.contains(name, &tuning.seed, now_ms) == fnx)
    {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    }
    let (hash, tuning, _) = ctx.db.object_or_insert::<Hash>(key)?;
    hash.make_room_for(args.iter_from(first), tuning);
    let keep = if keep_ttl { Keep::Time } else { Keep::Nothing };
    let is_past = at_ms.is_some_and(|at_ms| at_ms <= now_ms);
    for at in (first..args.len()).step_by(2) {
        hash.set(&args[at], &args[at + 1], keep, tuning);
        if at_ms.is_some() && !is_past {
            hash.set_time(&args[at], at_ms, &tuning.seed);
        }
    }
    if is_past {
        for name in args.iter_from(first).step_by(2) {
            hash.remove(name, &tuning.seed);
        }
    }
    ctx.db.index_fields(key);
    ctx.db.changed(Class::HASH, "hset", key);
    ctx.db.dirty += (args.len() - first) as u64 / 2 - 1;
    if at_ms.is_some() {
        ctx.db.event(Class::HASH, if is_past { "hdel" } else { "hexpire" }, key);
    }
    replicate_set(ctx, args, first, at_ms, is_past);
    remove_if_empty(ctx, key);
    ctx.reply.int(1);
    Ok(Flow::Done)
}

/// In the journal, HSETEX sets fields that expire at a moment; those whose time was up are removed.
fn replicate_set(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    first: usize,
    at_ms: Option<i64>,
    is_past: bool,
) {
    let Some(at_ms) = at_ms.filter(|_| ctx.db.is_journaled()) else { return };
    let key = &args[1];
    if is_past {
        let names: Vec<&[u8]> = args.iter_from(first).step_by(2).collect();
        return replicate_times(ctx, key, None, &names);
    }
    let mut moment = itoa::Buffer::new();
    let mut words: Vec<&[u8]> = Vec::with_capacity(args.len() + 2);
    words.extend([&b"HSETEX"[..], key, b"PXAT", moment.format(at_ms).as_bytes(), b"FIELDS"]);
    words.extend(args.iter_from(first - 1));
    ctx.replicate(&words);
}
