//! GET, SET and their kin.

use super::expiry::{Allowed, Options, When};
use crate::collections::decimal;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::{Class, Expiry};
use crate::value::Str;
use alloc::vec::Vec;

/// GET key: the string at `key`, or null.
pub const GET: Command = Command::new("get", 2, get)
    .fast()
    .readonly()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("key", "Returns the string value of a key.", "O(1)");

#[cfg_attr(redstart_small, optimize(speed))]
fn get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_string(ctx, &args[1])?;
    Ok(Flow::Done)
}

/// Replies the string at `key`, or null; whether there is one.
#[inline]
fn reply_string(ctx: &mut Ctx<'_>, key: &[u8]) -> Result<bool, Error> {
    match ctx.db.string(key)? {
        Some(Str::Bytes(bytes)) => ctx.reply.bulk(bytes),
        Some(Str::Int(value)) => ctx.reply.bulk_int(value),
        None => {
            ctx.reply.null();
            return Ok(false);
        }
    }
    Ok(true)
}

/// SET key value with conditions and an expiry: stores a string whatever was there.
pub const SET: Command = Command::new("set", -3, set)
    .denyoom()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE).union(KeyFlags::VARIABLE_FLAGS))])
    .docs("key value [NX|XX|IFEQ ifeq-value|IFNE ifne-value|IFDEQ ifdeq-digest|IFDNE ifdne-digest] [GET] [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL]", "Stores a string under a key, whatever it held before.", "O(1)");

fn set(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.len() > 3 {
        return set_with_options(ctx, args);
    }
    ctx.db.set_string(&args[1], &args[2], false);
    ctx.db.changed(Class::STRING, "set", &args[1]);
    ctx.reply.ok();
    Ok(Flow::Done)
}

fn set_with_options(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let options = Options::parse(args, 3, Allowed::Set)?;
    let expiry = match options.when {
        Some(when) => Expiry::At(when.unix_ms(ctx)?),
        None if options.keep_ttl => Expiry::Keep,
        None => Expiry::Clear,
    };
    let (key, value) = (&args[1], &args[2]);
    let found = if options.get {
        reply_string(ctx, key)?
    } else {
        (options.nx || options.xx) && ctx.db.write(key).is_some()
    };
    if options.nx && found || options.xx && !found {
        if !options.get {
            ctx.reply.null();
        }
        return Ok(Flow::Done);
    }
    if let Some(test) = options.test {
        let old = ctx.db.string_mut(key)?.and_then(|entry| entry.as_str());
        if !test.holds(old)? {
            if !options.get {
                ctx.reply.null();
            }
            return Ok(Flow::Done);
        }
    }
    store(ctx, key, value, expiry);
    if options.get && !matches!(expiry, Expiry::At(_)) && options.test.is_none() {
        // Nobody reads the reply.
        let keeps = |place: usize| place < 3 || !args.is(place, "GET");
        let words: Vec<&[u8]> =
            (0..args.len()).filter(|&place| keeps(place)).map(|place| args.at(place)).collect();
        ctx.replicate(&words);
    }
    if !options.get {
        ctx.reply.ok();
    }
    Ok(Flow::Done)
}

/// Stores a string and notes what SET notes.
pub(super) fn store(ctx: &mut Ctx<'_>, key: &[u8], value: &[u8], expiry: Expiry) {
    ctx.db.store_string(key, value, decimal::parse(value), expiry);
    ctx.db.changed(Class::STRING, "set", key);
    if let Expiry::At(at_ms) = expiry {
        ctx.db.event(Class::GENERIC, "expire", key);
        ctx.db.replicate_number(&[b"SET", key, value, b"PXAT"], at_ms);
    }
}

/// SETNX key value: stores a string unless the key exists.
pub const SETNX: Command = Command::new("setnx", 3, setnx)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::INSERT))])
    .deprecated("2.6.12", "`SET` with the `NX` argument")
    .docs("key value", "Stores a string unless the key exists.", "O(1)");

fn setnx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let free = ctx.db.write(&args[1]).is_none();
    if free {
        store(ctx, &args[1], &args[2], Expiry::Clear);
    }
    ctx.reply.int(i64::from(free));
    Ok(Flow::Done)
}

/// SETEX key seconds value: stores a string that expires.
pub const SETEX: Command = Command::new("setex", 4, setex)
    .denyoom()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE))])
    .deprecated("2.6.12", "`SET` with the `EX` argument")
    .docs("key seconds value", "Stores a string that expires after a number of seconds.", "O(1)");

fn setex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    set_expiring(ctx, args, When::Seconds(args.at(2)))
}

/// PSETEX key milliseconds value: stores a string that expires.
pub const PSETEX: Command = Command::new("psetex", 4, psetex)
    .denyoom()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("2.6.0")
    .keys(&[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE))])
    .deprecated("2.6.12", "`SET` with the `PX` argument")
    .docs(
        "key milliseconds value",
        "Stores a string that expires after a number of milliseconds.",
        "O(1)",
    );

fn psetex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    set_expiring(ctx, args, When::Millis(args.at(2)))
}

fn set_expiring(ctx: &mut Ctx<'_>, args: Args<'_>, when: When<'_>) -> Result<Flow, Error> {
    let at_ms = when.unix_ms(ctx)?;
    store(ctx, &args[1], &args[3], Expiry::At(at_ms));
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// GETSET key value: stores a string and replies the one that was there.
pub const GETSET: Command = Command::new("getset", 3, getset)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .deprecated("6.2.0", "`SET` with the `GET` argument")
    .docs("key value", "Stores a string and returns the one that was there.", "O(1)");

fn getset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_string(ctx, &args[1])?;
    store(ctx, &args[1], &args[2], Expiry::Clear);
    ctx.replicate(&[b"SET", &args[1], &args[2]]);
    Ok(Flow::Done)
}

/// GETDEL key: the string at `key`, which is removed.
pub const GETDEL: Command = Command::new("getdel", 2, getdel)
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("6.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))])
    .docs("key", "Returns the string value of a key and removes the key.", "O(1)");

fn getdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    if reply_string(ctx, key)? {
        ctx.db.remove(key);
        ctx.db.changed(Class::GENERIC, "del", key);
        ctx.replicate(&[b"DEL", key]);
    }
    Ok(Flow::Done)
}

/// GETEX key with an expiry: the string at `key`, whose expiry is set or removed.
pub const GETEX: Command = Command::new("getex", -2, getex)
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("6.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs("key [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|PERSIST]", "Returns the string value of a key and sets or removes its expiry.", "O(1)");

fn getex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let options = Options::parse(args, 2, Allowed::GetEx)?;
    let key = &args[1];
    // Redis replies null for a missing key before it reads the number of the expiry.
    if !reply_string(ctx, key)? {
        return Ok(Flow::Done);
    }
    if let Some(when) = options.when {
        let at_ms = when.unix_ms(ctx)?;
        if when.is_absolute() && at_ms <= ctx.due_ms() {
            ctx.db.remove(key);
            ctx.db.changed(Class::GENERIC, "del", key);
            ctx.replicate(&[b"DEL", key]);
        } else {
            ctx.db.set_expiry(key, Some(at_ms));
            ctx.db.changed(Class::GENERIC, "expire", key);
            ctx.db.replicate_number(&[b"PEXPIREAT", key], at_ms);
        }
    } else if options.persist && ctx.db.persist(key) {
        ctx.db.changed(Class::GENERIC, "persist", key);
        ctx.replicate(&[b"PERSIST", key]);
    }
    Ok(Flow::Done)
}
