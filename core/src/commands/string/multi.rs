//! Several strings at once: MGET, MSET, MSETNX, MSETEX.

use super::expiry::{Allowed, Options};
use super::get_set::store;
use crate::collections::decimal;
use crate::command::keys::{Begin, Find};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::{Class, Entry, Expiry};
use crate::value::Str;

/// MGET key...: the strings at the keys; null where there is none.
pub const MGET: Command = Command::new("mget", -2, mget)
    .fast()
    .readonly()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("1.0.0")
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["request_policy:multi_shard"])
    .docs(
        "key [key ...]",
        "Returns the string values of several keys.",
        "O(n) with n the number of keys",
    );

#[cfg_attr(redstart_small, optimize(speed))]
fn mget(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.array(args.len() - 1);
    ctx.db.prefetch_all(args.iter_from(1));
    for key in args.iter_from(1) {
        match ctx.db.read(key).and_then(Entry::as_str) {
            Some(Str::Bytes(bytes)) => ctx.reply.bulk(bytes),
            Some(Str::Int(value)) => ctx.reply.bulk_int(value),
            None => ctx.reply.null(),
        }
    }
    Ok(Flow::Done)
}

/// MSET key value...: stores several strings.
pub const MSET: Command = Command::new("mset", -3, mset)
    .denyoom()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("1.0.1")
    .keys(&[KeySpec::range(1, -1, 2, KeyFlags::OW.union(KeyFlags::UPDATE))])
    .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
    .docs("key value [key value ...]", "Stores several strings.", "O(n) with n the number of keys");

fn mset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    check_pairs(ctx, args)?;
    store_all(ctx, args);
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// MSETNX key value...: stores several strings if none of the keys exists.
pub const MSETNX: Command = Command::new("msetnx", -3, msetnx)
    .denyoom()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("1.0.1")
    .keys(&[KeySpec::range(1, -1, 2, KeyFlags::OW.union(KeyFlags::INSERT))])
    .tips(&["request_policy:multi_shard", "response_policy:agg_min"])
    .docs(
        "key value [key value ...]",
        "Stores several strings if none of the keys exists.",
        "O(n) with n the number of keys",
    );

#[cfg_attr(redstart_small, optimize(speed))]
fn msetnx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    check_pairs(ctx, args)?;
    let free = args.iter_from(1).step_by(2).all(|key| ctx.db.write(key).is_none());
    if free {
        store_all(ctx, args);
    }
    ctx.reply.int(i64::from(free));
    Ok(Flow::Done)
}

/// MSETEX numkeys key value … \[NX|XX\] \[expiry\]: stores several strings that expire together.
pub const MSETEX: Command = Command::new("msetex", -4, msetex)
    .denyoom()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("8.4.0")
    .keys(&[KeySpec::custom(
        KeyFlags::OW.union(KeyFlags::UPDATE),
        Begin::Index(1),
        Find::KeyNum { number: 0, first: 1, step: 2 },
    )])
    .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
    .docs(
        "numkeys key value [key value ...] [NX|XX] [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL]",
        "Stores several strings with one expiry if all or none of the keys exist.",
        "O(n) with n the number of keys",
    );

fn msetex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let count =
        args.int_in(1, 1..=i64::from(i32::MAX), "ERR invalid numkeys value or out of range")?
            as usize;
    if (args.len() - 2) / 2 < count {
        return Err(Error::Syntax);
    }
    let options = Options::parse(args, 2 + count * 2, Allowed::MSetEx)?;
    let expiry = match options.when {
        Some(when) => Expiry::At(when.unix_ms(ctx)?),
        None if options.keep_ttl => Expiry::Keep,
        None => Expiry::Clear,
    };
    let keys = || args.iter_from(2).step_by(2).take(count);
    let refused = options.nx && keys().any(|key| ctx.db.write(key).is_some())
        || options.xx && keys().any(|key| ctx.db.write(key).is_none());
    if !refused {
        for (key, value) in keys().zip(args.iter_from(3).step_by(2)) {
            store(ctx, key, value, expiry);
        }
    }
    ctx.reply.int(i64::from(!refused));
    Ok(Flow::Done)
}

fn check_pairs(ctx: &Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.len().is_multiple_of(2) { Err(Error::Arity(ctx.command.name)) } else { Ok(()) }
}

#[cfg_attr(redstart_small, optimize(speed))]
fn store_all(ctx: &mut Ctx<'_>, args: Args<'_>) {
    ctx.db.prefetch_all(args.iter_from(1).step_by(2));
    let mut words = args.iter_from(1);
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        ctx.db.store_string(key, value, decimal::parse(value), Expiry::Clear);
        ctx.db.changed(Class::STRING, "set", key);
    }
}
