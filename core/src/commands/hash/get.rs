//! Reading hashes: HGET, HMGET, HGETALL, HKEYS, HVALS, HLEN, HEXISTS, HSTRLEN.

use crate::collections::hash::HashSeed;
use crate::collections::listpack::Element;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::resp::Reply;
use crate::value::Hash;

/// HGET key field: the value of a field, or null.
pub const HGET: Command = Command::new("hget", 3, hget)
    .fast()
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("key field", "Returns the value of a field.", "O(1)");

fn hget(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.due_ms();
    let hash = ctx.db.object_and_seed::<Hash>(&args[1])?;
    match hash.and_then(|(hash, seed, _)| hash.get(&args[2], seed, now_ms)) {
        Some(value) => ctx.reply.element(value),
        None => {
            ctx.reply.null();
            ctx.db.expire_fields(&args[1], args.iter_from(2));
        }
    }
    Ok(Flow::Done)
}

/// HMGET key field \[field …\]: the values of fields, null for those that do not exist.
pub const HMGET: Command = Command::new("hmget", -3, hmget)
    .fast()
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("key field [field ...]", "Returns the values of fields.", "O(N) for N fields");

fn hmget(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.due_ms();
    let hash = ctx.db.object_and_seed::<Hash>(&args[1])?;
    ctx.reply.array(args.len() - 2);
    let mut missed = false;
    for name in args.iter_from(2) {
        match hash.as_ref().and_then(|(hash, seed, _)| hash.get(name, seed, now_ms)) {
            Some(value) => ctx.reply.element(value),
            None => {
                missed = true;
                ctx.reply.null();
            }
        }
    }
    if missed {
        ctx.db.expire_fields(&args[1], args.iter_from(2));
    }
    Ok(Flow::Done)
}

/// HGETALL key: every field with its value.
pub const HGETALL: Command = Command::new("hgetall", 2, hgetall)
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output_order"])
    .docs("key", "Returns all fields with their values.", "O(N) for a hash of N fields");

#[cfg_attr(redstart_small, optimize(speed))]
fn hgetall(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.due_ms();
    let Some((hash, seed, _)) = ctx.db.object_and_seed::<Hash>(&args[1])? else {
        ctx.reply.map(0);
        return Ok(Flow::Done);
    };
    ctx.reply.map(hash.live_len(now_ms));
    write_fields(ctx.reply, hash, seed, now_ms);
    Ok(Flow::Done)
}

/// Every field with its value.
#[cfg_attr(redstart_small, optimize(speed))]
pub(super) fn write_fields(reply: &mut Reply, hash: &Hash, seed: &HashSeed, now_ms: i64) {
    reply.bulks(|bulks| {
        hash.each_live(seed, now_ms, |name, value| {
            bulks.element(name);
            bulks.element(value);
        });
    });
}

/// HKEYS key: the names of all fields.
pub const HKEYS: Command = Command::new("hkeys", 2, hkeys)
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output_order"])
    .docs("key", "Returns the names of all fields.", "O(N) for a hash of N fields");

#[cfg_attr(redstart_small, optimize(speed))]
fn hkeys(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.due_ms();
    let Some((hash, seed, _)) = ctx.db.object_and_seed::<Hash>(&args[1])? else {
        ctx.reply.array(0);
        return Ok(Flow::Done);
    };
    ctx.reply.array(hash.live_len(now_ms));
    ctx.reply.bulks(|bulks| hash.each_live(seed, now_ms, |name, _| bulks.element(name)));
    Ok(Flow::Done)
}

/// HVALS key: the values of all fields.
pub const HVALS: Command = Command::new("hvals", 2, hvals)
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output_order"])
    .docs("key", "Returns the values of all fields.", "O(N) for a hash of N fields");

#[cfg_attr(redstart_small, optimize(speed))]
fn hvals(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.due_ms();
    let Some((hash, seed, _)) = ctx.db.object_and_seed::<Hash>(&args[1])? else {
        ctx.reply.array(0);
        return Ok(Flow::Done);
    };
    ctx.reply.array(hash.live_len(now_ms));
    ctx.reply.bulks(|bulks| hash.each_live(seed, now_ms, |_, value| bulks.element(value)));
    Ok(Flow::Done)
}

/// HLEN key: how many fields there are, those included whose time is up and that are not removed yet.
pub const HLEN: Command = Command::new("hlen", 2, hlen)
    .fast()
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("key", "Returns the number of fields.", "O(1)");

fn hlen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let len = ctx.db.object::<Hash>(&args[1])?.map_or(0, Hash::len);
    ctx.reply.len(len);
    Ok(Flow::Done)
}

/// HEXISTS key field: 1 if the field exists.
pub const HEXISTS: Command = Command::new("hexists", 3, hexists)
    .fast()
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("key field", "Tells whether a field exists.", "O(1)");

fn hexists(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.due_ms();
    let hash = ctx.db.object_and_seed::<Hash>(&args[1])?;
    let exists = hash.is_some_and(|(hash, seed, _)| hash.contains(&args[2], seed, now_ms));
    ctx.reply.int(exists.into());
    if !exists {
        ctx.db.expire_fields(&args[1], args.iter_from(2));
    }
    Ok(Flow::Done)
}

/// HSTRLEN key field: the length of a field's value in bytes.
pub const HSTRLEN: Command = Command::new("hstrlen", 3, hstrlen)
    .fast()
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("3.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("key field", "Returns the length of a field's value.", "O(1)");

fn hstrlen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.due_ms();
    let hash = ctx.db.object_and_seed::<Hash>(&args[1])?;
    let value = hash.and_then(|(hash, seed, _)| hash.get(&args[2], seed, now_ms));
    let len = value.map(Element::len);
    ctx.reply.len(len.unwrap_or(0));
    if len.is_none() {
        ctx.db.expire_fields(&args[1], args.iter_from(2));
    }
    Ok(Flow::Done)
}
