//! XLEN, XRANGE and XREVRANGE.

use super::{End, bound, write_entries};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::value::Stream;

/// XLEN key: how many entries there are.
pub const XLEN: Command = Command::new("xlen", 2, xlen)
    .fast()
    .readonly()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("key", "Returns the number of entries of a stream.", "O(1)");

fn xlen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let len = ctx.db.object::<Stream>(&args[1])?.map_or(0, |stream| stream.log().len());
    ctx.reply.int(len as i64);
    Ok(Flow::Done)
}

/// XRANGE key start end [COUNT count]: the entries between two IDs.
pub const XRANGE: Command = Command::new("xrange", -4, xrange)
    .readonly()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key start:id end:id [COUNT count]",
        "Returns the entries of a stream between two IDs.",
        "O(log(M)+N) with M entries and N returned",
    );

fn xrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    range(ctx, args, Direction::Forward)
}

/// XREVRANGE key end start [COUNT count]: the entries between two IDs, the last first.
pub const XREVRANGE: Command = Command::new("xrevrange", -4, xrevrange)
    .readonly()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key end:id start:id [COUNT count]",
        "Returns the entries of a stream between two IDs, the last first.",
        "O(log(M)+N) with M entries and N returned",
    );

fn xrevrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    range(ctx, args, Direction::Back)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Back,
}

#[cfg_attr(redstart_small, optimize(speed))]
fn range(ctx: &mut Ctx<'_>, args: Args<'_>, direction: Direction) -> Result<Flow, Error> {
    let (start_at, end_at) = if direction == Direction::Forward { (2, 3) } else { (3, 2) };
    let start = bound(args.at(start_at), End::Start)?;
    let end = bound(args.at(end_at), End::End)?;
    let mut count = None;
    let mut at = 4;
    while at < args.len() {
        if !args.is(at, "COUNT") || at + 1 == args.len() {
            return Err(Error::Syntax);
        }
        count = Some(args.int(at + 1)?.max(0) as u64);
        at += 2;
    }
    let Some(stream) = ctx.db.object::<Stream>(&args[1])? else {
        ctx.reply.array(0);
        return Ok(Flow::Done);
    };
    if count == Some(0) {
        ctx.reply.null_array();
        return Ok(Flow::Done);
    }
    let log = stream.log();
    let cursor = match direction {
        Direction::Forward => log.range(start, end),
        Direction::Back => log.range_back(start, end),
    };
    write_entries(ctx.reply, cursor, count.unwrap_or(u64::MAX));
    Ok(Flow::Done)
}
