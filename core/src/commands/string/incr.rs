//! INCR, DECR and their kin: strings as numbers.

use crate::collections::decimal::Extended;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::{Class, Expiry};
use alloc::vec::Vec;

/// INCR key: adds one to the integer at `key`.
pub const INCR: Command = Command::new("incr", 2, incr)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs("key", "Adds one to the integer value of a key; a missing key counts as 0.", "O(1)");

fn incr(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    add(ctx, &args[1], 1)
}

/// DECR key: subtracts one from the integer at `key`.
pub const DECR: Command = Command::new("decr", 2, decr)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs(
        "key",
        "Subtracts one from the integer value of a key; a missing key counts as 0.",
        "O(1)",
    );

fn decr(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    add(ctx, &args[1], -1)
}

/// INCRBY key increment: adds to the integer at `key`.
pub const INCRBY: Command = Command::new("incrby", 3, incrby)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs(
        "key increment",
        "Adds a number to the integer value of a key; a missing key counts as 0.",
        "O(1)",
    );

fn incrby(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let increment = args.int(2)?;
    add(ctx, &args[1], increment)
}

/// DECRBY key decrement: subtracts from the integer at `key`.
pub const DECRBY: Command = Command::new("decrby", 3, decrby)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs(
        "key decrement",
        "Subtracts a number from the integer value of a key; a missing key counts as 0.",
        "O(1)",
    );

fn decrby(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let increment =
        args.int(2)?.checked_neg().ok_or(Error::Text("ERR decrement would overflow"))?;
    add(ctx, &args[1], increment)
}

#[inline]
fn add(ctx: &mut Ctx<'_>, key: &[u8], increment: i64) -> Result<Flow, Error> {
    let value = ctx.db.update_int(key, |old| {
        old.checked_add(increment).ok_or(Error::Text("ERR increment or decrement would overflow"))
    })?;
    ctx.db.changed(Class::STRING, "incrby", key);
    ctx.reply.int(value);
    Ok(Flow::Done)
}

/// INCRBYFLOAT key increment: adds to the number at `key`.
pub const INCRBYFLOAT: Command = Command::new("incrbyfloat", 3, incrbyfloat)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("2.6.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs(
        "key increment",
        "Adds a floating point number to the numeric value of a key; a missing key counts as 0.",
        "O(1)",
    );

#[cfg_attr(redstart_small, optimize(speed))]
fn incrbyfloat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    let mut buffer = itoa::Buffer::new();
    let text = match ctx.db.string_mut(key)? {
        Some(entry) => entry.as_str().map_or(&b"0"[..], |value| value.text(&mut buffer)),
        None => b"0",
    };
    let old = Extended::parse(text).ok_or(Error::NotFloat)?;
    let increment = Extended::parse(&args[2]).ok_or(Error::NotFloat)?;
    let sum = old + increment;
    if !sum.is_finite() {
        return Err(Error::Text("ERR increment would produce NaN or Infinity"));
    }
    let mut text = Vec::with_capacity(32);
    sum.write(&mut text);
    // Whole results stay text as well: Redis stores what it replies.
    ctx.db.store_string(key, &text, None, Expiry::Keep);
    ctx.db.changed(Class::STRING, "incrbyfloat", key);
    // Other machines may add otherwise.
    ctx.replicate(&[b"SET", key, &text, b"KEEPTTL"]);
    ctx.reply.bulk(&text);
    Ok(Flow::Done)
}
