//! Changing sets: SADD, SREM, SMOVE.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::Set;

/// SADD key member \[member …\]: adds members; replies how many are new.
pub const SADD: Command = Command::new("sadd", -3, sadd)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))])
    .docs("key member [member ...]", "Adds members to a set.", "O(N) for N members");

fn sadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    let (set, tuning, _) = ctx.db.object_or_insert::<Set>(key)?;
    let mut added = 0;
    for member in args.iter_from(2) {
        added += u64::from(set.insert(member, tuning));
    }
    if added > 0 {
        ctx.db.changed(Class::SET, "sadd", key);
        ctx.db.dirty += added - 1;
    }
    ctx.reply.int(added as i64);
    Ok(Flow::Done)
}

/// SREM key member \[member …\]: removes members; replies how many there were.
pub const SREM: Command = Command::new("srem", -3, srem)
    .fast()
    .write()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key member [member ...]",
        "Removes members, and the key with the last of them.",
        "O(N) for N members",
    );

fn srem(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    let Some((set, tuning, _)) = ctx.db.object_and_tuning::<Set>(key)? else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    let mut removed = 0;
    for member in args.iter_from(2) {
        removed += u64::from(set.remove(member, &tuning.seed));
        if set.is_empty() {
            break;
        }
    }
    let is_empty = set.is_empty();
    if removed > 0 {
        ctx.db.changed(Class::SET, "srem", key);
        ctx.db.dirty += removed - 1;
        if is_empty {
            ctx.db.remove(key);
            ctx.db.event(Class::GENERIC, "del", key);
        }
    }
    ctx.reply.int(removed as i64);
    Ok(Flow::Done)
}

/// SMOVE source destination member: moves a member from one set to another.
pub const SMOVE: Command = Command::new("smove", 4, smove)
    .fast()
    .write()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT)),
    ])
    .docs("source:key destination:key member", "Moves a member from one set to another.", "O(1)");

fn smove(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (source, destination, member) = (&args[1], &args[2], &args[3]);
    if !ctx.db.check_type::<Set>(source)? {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    }
    ctx.db.check_type::<Set>(destination)?;
    let Some((set, tuning, _)) = ctx.db.object_and_tuning::<Set>(source)? else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    if source == destination {
        let is_member = set.contains(member, &tuning.seed);
        ctx.reply.int(is_member.into());
        return Ok(Flow::Done);
    }
    if !set.remove(member, &tuning.seed) {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    }
    let is_empty = set.is_empty();
    ctx.db.changed(Class::SET, "srem", source);
    if is_empty {
        ctx.db.remove(source);
        ctx.db.event(Class::GENERIC, "del", source);
    }
    let (set, tuning, _) = ctx.db.object_or_insert::<Set>(destination)?;
    if set.insert(member, tuning) {
        ctx.db.changed(Class::SET, "sadd", destination);
    }
    ctx.reply.int(1);
    Ok(Flow::Done)
}
