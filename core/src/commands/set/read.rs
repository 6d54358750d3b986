//! Reading sets: SISMEMBER, SMISMEMBER, SCARD, SMEMBERS, SSCAN.

use crate::command::scan::{ScanKind, ScanOptions, parse_cursor, write_empty_scan};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::value::Set;

/// SISMEMBER key member: 1 if it is a member.
pub const SISMEMBER: Command = Command::new("sismember", 3, sismember)
    .fast()
    .readonly()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("key member", "Tells whether a set has a member.", "O(1)");

fn sismember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let set = ctx.db.object_and_seed::<Set>(&args[1])?;
    let is_member = set.is_some_and(|(set, seed, _)| set.contains(&args[2], seed));
    ctx.reply.int(is_member.into());
    Ok(Flow::Done)
}

/// SMISMEMBER key member \[member …\]: for each, 1 if it is a member.
pub const SMISMEMBER: Command = Command::new("smismember", -3, smismember)
    .fast()
    .readonly()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("6.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key member [member ...]",
        "Tells which of several a set has as members.",
        "O(N) for N members",
    );

fn smismember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let set = ctx.db.object_and_seed::<Set>(&args[1])?;
    ctx.reply.array(args.len() - 2);
    for member in args.iter_from(2) {
        let is_member = set.as_ref().is_some_and(|(set, seed, _)| set.contains(member, seed));
        ctx.reply.int(is_member.into());
    }
    Ok(Flow::Done)
}

/// SCARD key: how many members there are.
pub const SCARD: Command = Command::new("scard", 2, scard)
    .fast()
    .readonly()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("key", "Returns the number of members.", "O(1)");

fn scard(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let len = ctx.db.object::<Set>(&args[1])?.map_or(0, Set::len);
    ctx.reply.len(len);
    Ok(Flow::Done)
}

/// SMEMBERS key: all members.
pub const SMEMBERS: Command = Command::new("smembers", 2, smembers)
    .readonly()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output_order"])
    .docs("key", "Returns all members.", "O(N) for a set of N members");

#[cfg_attr(redstart_small, optimize(speed))]
fn smembers(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let Some(set) = ctx.db.object::<Set>(&args[1])? else {
        ctx.reply.set(0);
        return Ok(Flow::Done);
    };
    ctx.reply.set(set.len());
    ctx.reply.bulks(|bulks| {
        set.each(|member| {
            bulks.element(member);
            true
        });
    });
    Ok(Flow::Done)
}

/// SSCAN key cursor \[MATCH pattern\] \[COUNT count\]: a step through the members.
pub const SSCAN: Command = Command::new("sscan", -3, sscan)
    .readonly()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("2.8.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key cursor [MATCH pattern] [COUNT count]",
        "Iterates over the members of a set.",
        "O(1) a call, O(N) for all",
    );

#[cfg_attr(redstart_small, optimize(speed))]
fn sscan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let cursor = parse_cursor(args, 2)?;
    let Some(set) = ctx.db.object::<Set>(&args[1])? else {
        write_empty_scan(ctx.reply);
        return Ok(Flow::Done);
    };
    let options = ScanOptions::parse(args, 3, ScanKind::Members)?;
    let place = ctx.reply.deferred();
    let mut found = 0;
    let cursor = ctx.reply.bulks(|bulks| {
        options.walk(cursor, |cursor, seen| {
            set.scan(cursor, |member| {
                *seen += 1;
                if options.matches(member) {
                    bulks.element(member);
                    found += 1;
                }
            })
        })
    });
    ctx.reply.finish_scan(place, cursor, found);
    Ok(Flow::Done)
}
