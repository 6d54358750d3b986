//! LMOVE, RPOPLPUSH: taking an element from one list and adding it to another, or the same.

use super::{popped, push_event, side};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::List;
use crate::value::list::Side;

pub(super) const KEYS: &[KeySpec] = &[
    KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE)),
    KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT)),
];

/// LMOVE source destination LEFT|RIGHT LEFT|RIGHT: moves an element from an end to an end.
pub const LMOVE: Command = Command::new("lmove", 5, lmove)
    .write()
    .denyoom()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("6.2.0")
    .keys(KEYS)
    .docs(
        "source:key destination:key LEFT|RIGHT LEFT|RIGHT",
        "Takes an element from an end of a list, adds it at an end of another and returns it.",
        "O(1)",
    );

fn lmove(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (from, to) = (side(args, 3)?, side(args, 4)?);
    if !transfer(ctx, args, from, to)? {
        ctx.reply.null();
    }
    Ok(Flow::Done)
}

/// RPOPLPUSH source destination: LMOVE from the tail to the head.
pub const RPOPLPUSH: Command = Command::new("rpoplpush", 3, rpoplpush)
    .write()
    .denyoom()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("1.2.0")
    .keys(KEYS)
    .deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")
    .docs(
        "source:key destination:key",
        "Takes the last element of a list, adds it at the head of another and returns it.",
        "O(1)",
    );

fn rpoplpush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if !transfer(ctx, args, Side::After, Side::Before)? {
        ctx.reply.null();
    }
    Ok(Flow::Done)
}

/// Moves an element from the list at argument 1 to the one at argument 2 and replies it;
/// `false` if there is none.
pub(super) fn transfer(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    from: Side,
    to: Side,
) -> Result<bool, Error> {
    let (source, destination) = (args.at(1), args.at(2));
    let same = source == destination;
    if !same {
        if !ctx.db.check_type::<List>(source)? {
            return Ok(false);
        }
        ctx.db.check_type::<List>(destination)?;
    }
    let Some((list, tuning, _)) = ctx.db.object_and_tuning::<List>(source)? else {
        return Ok(false);
    };
    let limits = tuning.list_limits();
    let mut element_len = 0;
    list.pop(from, |element| {
        element_len = element.len();
        ctx.reply.element(element);
    });
    // The element is in the reply, before its line break: from there it goes to the other list.
    let end = ctx.reply.out.len() - 2;
    let text = &ctx.reply.out[end - element_len..end];
    let emptied = if same {
        list.push(text, to, limits);
        false
    } else {
        let emptied = list.is_empty();
        let (list, ..) = ctx.db.object_or_insert::<List>(destination)?;
        list.push(text, to, limits);
        emptied
    };
    ctx.db.touch_watchers(destination);
    ctx.db.event(Class::LIST, push_event(to), destination);
    popped(ctx.db, source, from, 1, emptied);
    Ok(true)
}
