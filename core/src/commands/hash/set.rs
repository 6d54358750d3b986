//! Changing hashes: HSET, HMSET, HSETNX, HDEL.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::Hash;

/// HSET key field value \[field value …\]: sets fields; replies how many are new.
pub const HSET: Command = Command::new("hset", -4, hset)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs("key field value [field value ...]", "Sets fields of a hash.", "O(N) for N fields");

fn hset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let new = set_fields(ctx, args, "hset")?;
    ctx.reply.len(new);
    Ok(Flow::Done)
}

/// HMSET key field value \[field value …\]: sets fields; replies `OK`.
pub const HMSET: Command = Command::new("hmset", -4, hmset)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs("key field value [field value ...]", "Sets fields of a hash.", "O(N) for N fields");

fn hmset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    set_fields(ctx, args, "hmset")?;
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// Sets the fields among `args`; how many are new.
fn set_fields(ctx: &mut Ctx<'_>, args: Args<'_>, command: &'static str) -> Result<usize, Error> {
    if args.len() % 2 == 1 {
        return Err(Error::Arity(command));
    }
    let key = &args[1];
    ctx.db.expire_fields(key, args.iter_from(2).step_by(2));
    let (hash, tuning, _) = ctx.db.object_or_insert::<Hash>(key)?;
    if args.len() > 4 {
        hash.make_room_for(args.iter_from(2), tuning);
    }
    let mut new = 0;
    for at in (2..args.len()).step_by(2) {
        new += usize::from(hash.insert(&args[at], &args[at + 1], tuning));
    }
    if hash.is_timed() {
        ctx.db.index_fields(key);
    }
    ctx.db.changed(Class::HASH, "hset", key);
    ctx.db.dirty += (args.len() as u64 - 2) / 2 - 1;
    Ok(new)
}

/// HSETNX key field value: sets a field that does not exist.
pub const HSETNX: Command = Command::new("hsetnx", 4, hsetnx)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))])
    .docs("key field value", "Sets a field of a hash if it does not exist.", "O(1)");

fn hsetnx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    let now_ms = ctx.due_ms();
    ctx.db.expire_fields(key, args.iter_from(2).take(1));
    let (hash, tuning, _) = ctx.db.object_or_insert::<Hash>(key)?;
    if hash.contains(&args[2], &tuning.seed, now_ms) {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    }
    hash.insert(&args[2], &args[3], tuning);
    ctx.db.changed(Class::HASH, "hset", key);
    ctx.reply.int(1);
    Ok(Flow::Done)
}

/// HDEL key field \[field …\]: removes fields; replies how many existed.
pub const HDEL: Command = Command::new("hdel", -3, hdel)
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key field [field ...]",
        "Removes fields, and the key with the last of them.",
        "O(N) for N fields",
    );

fn hdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    ctx.db.expire_fields(key, args.iter_from(2));
    let Some((hash, tuning, _)) = ctx.db.object_and_tuning::<Hash>(key)? else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    let mut removed = 0;
    for name in args.iter_from(2) {
        removed += u64::from(hash.remove(name, &tuning.seed));
        if hash.is_empty() {
            break;
        }
    }
    let is_empty = hash.is_empty();
    if removed > 0 {
        if hash.is_timed() {
            ctx.db.index_fields(key);
        }
        ctx.db.changed(Class::HASH, "hdel", key);
        ctx.db.dirty += removed - 1;
        if is_empty {
            ctx.db.remove(key);
            ctx.db.event(Class::GENERIC, "del", key);
        }
    }
    ctx.reply.int(removed as i64);
    Ok(Flow::Done)
}
