//! LPUSH, RPUSH, LPUSHX, RPUSHX: adding elements at the ends.

use super::push_event;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::List;
use crate::value::list::Side;

const KEYS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))];

/// LPUSH key element [element ...]: adds elements before the first, one after the other.
pub const LPUSH: Command = Command::new("lpush", -3, lpush)
    .write()
    .denyoom()
    .fast()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("1.0.0")
    .keys(KEYS)
    .docs(
        "key element [element ...]",
        "Adds elements at the head of a list, which is made if it does not exist.",
        "O(1) for each element",
    );

fn lpush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    push(ctx, args, Side::Before)
}

/// RPUSH key element [element ...]: adds elements after the last.
pub const RPUSH: Command = Command::new("rpush", -3, rpush)
    .write()
    .denyoom()
    .fast()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("1.0.0")
    .keys(KEYS)
    .docs(
        "key element [element ...]",
        "Adds elements at the tail of a list, which is made if it does not exist.",
        "O(1) for each element",
    );

fn rpush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    push(ctx, args, Side::After)
}

/// LPUSHX key element [element ...]: LPUSH to a list that exists.
pub const LPUSHX: Command = Command::new("lpushx", -3, lpushx)
    .write()
    .denyoom()
    .fast()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("2.2.0")
    .keys(KEYS)
    .docs(
        "key element [element ...]",
        "Adds elements at the head of a list if it exists.",
        "O(1) for each element",
    );

fn lpushx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    push_to_existing(ctx, args, Side::Before)
}

/// RPUSHX key element [element ...]: RPUSH to a list that exists.
pub const RPUSHX: Command = Command::new("rpushx", -3, rpushx)
    .write()
    .denyoom()
    .fast()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("2.2.0")
    .keys(KEYS)
    .docs(
        "key element [element ...]",
        "Adds elements at the tail of a list if it exists.",
        "O(1) for each element",
    );

fn rpushx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    push_to_existing(ctx, args, Side::After)
}

#[inline]
fn push(ctx: &mut Ctx<'_>, args: Args<'_>, side: Side) -> Result<Flow, Error> {
    let key = args.at(1);
    let (list, tuning, _) = ctx.db.object_or_insert::<List>(key)?;
    let limits = tuning.list_limits();
    if args.len() == 3 {
        list.push(args.at(2), side, limits);
    } else {
        list.push_all(args.iter_from(2), side, limits);
    }
    let len = list.len();
    pushed(ctx, args, side, len);
    Ok(Flow::Done)
}

fn push_to_existing(ctx: &mut Ctx<'_>, args: Args<'_>, side: Side) -> Result<Flow, Error> {
    let Some((list, tuning, _)) = ctx.db.object_and_tuning::<List>(args.at(1))? else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    list.push_all(args.iter_from(2), side, tuning.list_limits());
    let len = list.len();
    pushed(ctx, args, side, len);
    Ok(Flow::Done)
}

#[inline]
fn pushed(ctx: &mut Ctx<'_>, args: Args<'_>, side: Side, len: u64) {
    ctx.db.changed(Class::LIST, push_event(side), args.at(1));
    ctx.db.dirty += args.len() as u64 - 3;
    ctx.reply.int(len as i64);
}
