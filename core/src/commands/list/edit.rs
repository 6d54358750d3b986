//! LSET, LINSERT, LREM, LTRIM: changing lists in their middle.

use super::{drop_empty, place, span};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::List;
use crate::value::list::Side;

/// LSET key index element: puts another element in the place of one.
pub const LSET: Command = Command::new("lset", 4, lset)
    .write()
    .denyoom()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key index element",
        "Replaces the element with an index; negative ones count from the last.",
        "O(N) with N elements to the nearer end",
    );

fn lset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = args.at(1);
    let Some((list, tuning, _)) = ctx.db.object_and_tuning::<List>(key)? else {
        return Err(Error::NoSuchKey);
    };
    // The index is read after the type is known: that is the order of Redis's errors.
    let place = place(args.int(2)?, list.len()).ok_or(Error::IndexOutOfRange)?;
    list.set(place, args.at(3), tuning.list_limits());
    ctx.db.changed(Class::LIST, "lset", key);
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// LINSERT key BEFORE|AFTER pivot element: adds an element beside another.
pub const LINSERT: Command = Command::new("linsert", 5, linsert)
    .write()
    .denyoom()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("2.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))])
    .docs(
        "key BEFORE|AFTER pivot element",
        "Adds an element before or after the first that is equal to the pivot.",
        "O(N) with N elements before the pivot",
    );

fn linsert(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let side = if args.is(2, "after") {
        Side::After
    } else if args.is(2, "before") {
        Side::Before
    } else {
        return Err(Error::Syntax);
    };
    let key = args.at(1);
    let Some((list, tuning, _)) = ctx.db.object_and_tuning::<List>(key)? else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    if !list.insert_beside(args.at(3), side, args.at(4), tuning.list_limits()) {
        ctx.reply.int(-1);
        return Ok(Flow::Done);
    }
    let len = list.len();
    ctx.db.changed(Class::LIST, "linsert", key);
    ctx.reply.int(len as i64);
    Ok(Flow::Done)
}

/// LREM key count element: removes elements that are equal to one.
pub const LREM: Command = Command::new("lrem", 4, lrem)
    .write()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key count element",
        "Removes so many elements that are equal to one: from the head, with a negative count from the tail, with 0 all.",
        "O(N) with N elements in the list",
    );

fn lrem(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let count = args.int(2)?;
    let key = args.at(1);
    let Some(list) = ctx.db.object_mut::<List>(key)? else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    let most = if count == 0 { u64::MAX } else { count.unsigned_abs() };
    let from = if count < 0 { Side::After } else { Side::Before };
    let removed = list.remove_text(args.at(3), most, from);
    let empty = list.is_empty();
    if removed > 0 {
        ctx.db.changed(Class::LIST, "lrem", key);
        ctx.db.dirty += removed - 1;
        if empty {
            drop_empty(ctx.db, key);
        }
    }
    ctx.reply.int(removed as i64);
    Ok(Flow::Done)
}

/// LTRIM key start stop: keeps a range and removes the rest.
pub const LTRIM: Command = Command::new("ltrim", 4, ltrim)
    .write()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key start stop",
        "Removes the elements outside of a range.",
        "O(N) with N elements removed",
    );

fn ltrim(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (start, stop) = (args.int(2)?, args.int(3)?);
    let key = args.at(1);
    if let Some(list) = ctx.db.object_mut::<List>(key)? {
        let len = list.len();
        let (start, count) = span(start, stop, len);
        if count > 0 {
            list.keep(start, count);
        }
        // Redis tells watchers and listeners even where nothing was cut off, but counts no change then.
        ctx.db.touch_watchers(key);
        ctx.db.event(Class::LIST, "ltrim", key);
        ctx.db.dirty += len - count;
        if count == 0 {
            drop_empty(ctx.db, key);
        }
    }
    ctx.reply.ok();
    Ok(Flow::Done)
}
