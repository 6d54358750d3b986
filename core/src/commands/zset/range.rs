//! Ranges of members: ZRANGE with all its forms, and the older commands that are one form each.

use super::bounds::Bounds;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::resp::Reply;
use crate::store::Class;
use crate::value::SortedSet;
use crate::value::sorted_set::Direction;
use alloc::vec::Vec;
use core::ops::Range;

/// What the two bounds of a range are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Place,
    Score,
    Name,
}

/// A parsed range.
#[derive(Debug, Clone, Copy)]
struct Query<'a> {
    bounds: Bounds<'a>,
    direction: Direction,
    offset: i64,
    count: i64,
    with_scores: bool,
}

/// What a command says before its options are read.
#[derive(Debug, Clone, Copy)]
struct Form {
    /// Fixed by the command's name.
    by: Option<By>,
    direction: Option<Direction>,
    /// Where the first bound is.
    at: usize,
    /// Whether the result is stored, and WITHSCORES makes no sense.
    stores: bool,
}

/// ZRANGE key start stop \[BYSCORE|BYLEX\] \[REV\] \[LIMIT offset count\] \[WITHSCORES\]: a range of members.
pub const ZRANGE: Command = Command::new("zrange", -4, zrange)
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("1.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key start:string stop:string [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
        "Returns the members in a range of places, scores or names.",
        "O(log(N)+M) for M returned members",
    );

fn zrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_with(ctx, args, Form { by: None, direction: None, at: 2, stores: false })
}

/// ZREVRANGE key start stop \[WITHSCORES\].
pub const ZREVRANGE: Command = Command::new("zrevrange", -4, zrevrange)
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("1.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key start stop [WITHSCORES]",
        "Returns the members in a range of places, highest score first.",
        "O(log(N)+M) for M returned members",
    );

fn zrevrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let direction = Some(Direction::Down);
    reply_with(ctx, args, Form { by: Some(By::Place), direction, at: 2, stores: false })
}

/// ZRANGEBYSCORE key min max \[WITHSCORES\] \[LIMIT offset count\].
pub const ZRANGEBYSCORE: Command = Command::new("zrangebyscore", -4, zrangebyscore)
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("1.0.5")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key min:double max:double [WITHSCORES] [LIMIT offset count]",
        "Returns the members with scores in a range.",
        "O(log(N)+M) for M returned members",
    );

fn zrangebyscore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let direction = Some(Direction::Up);
    reply_with(ctx, args, Form { by: Some(By::Score), direction, at: 2, stores: false })
}

/// ZREVRANGEBYSCORE key max min \[WITHSCORES\] \[LIMIT offset count\].
pub const ZREVRANGEBYSCORE: Command = Command::new("zrevrangebyscore", -4, zrevrangebyscore)
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("2.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key max:double min:double [WITHSCORES] [LIMIT offset count]",
        "Returns the members with scores in a range, highest first.",
        "O(log(N)+M) for M returned members",
    );

fn zrevrangebyscore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let direction = Some(Direction::Down);
    reply_with(ctx, args, Form { by: Some(By::Score), direction, at: 2, stores: false })
}

/// ZRANGEBYLEX key min max \[LIMIT offset count\].
pub const ZRANGEBYLEX: Command = Command::new("zrangebylex", -4, zrangebylex)
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("2.8.9")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key min:string max:string [LIMIT offset count]",
        "Returns the members in a lexicographic range.",
        "O(log(N)+M) for M returned members",
    );

fn zrangebylex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let direction = Some(Direction::Up);
    reply_with(ctx, args, Form { by: Some(By::Name), direction, at: 2, stores: false })
}

/// ZREVRANGEBYLEX key max min \[LIMIT offset count\].
pub const ZREVRANGEBYLEX: Command = Command::new("zrevrangebylex", -4, zrevrangebylex)
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("2.8.9")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key max:string min:string [LIMIT offset count]",
        "Returns the members in a lexicographic range, last first.",
        "O(log(N)+M) for M returned members",
    );

fn zrevrangebylex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let direction = Some(Direction::Down);
    reply_with(ctx, args, Form { by: Some(By::Name), direction, at: 2, stores: false })
}

/// ZRANGESTORE destination source start stop …: stores a range of members.
pub const ZRANGESTORE: Command = Command::new("zrangestore", -5, zrangestore)
    .denyoom()
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("6.2.0")
    .keys(&[
        KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::one(2, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ])
    .docs(
        "dst:key src:key min:string max:string [BYSCORE|BYLEX] [REV] [LIMIT offset count]",
        "Stores the members in a range of places, scores or names.",
        "O(log(N)+M) for M stored members",
    );

fn zrangestore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let query = parse(args, Form { by: None, direction: None, at: 3, stores: true })?;
    let (destination, source) = (&args[1], &args[2]);
    ctx.db.object::<SortedSet>(source)?;
    let mut members = Vec::new();
    if let Some(set) = ctx.db.shared::<SortedSet>(source) {
        let (from, count) = window(&query, set);
        members.extend(set.iter_from(from, query.direction).take(count));
        if query.direction == Direction::Down {
            members.reverse();
        }
    }
    let len = members.len();
    if len > 0 {
        let result = SortedSet::of_ordered(members.into_iter(), &ctx.db.tuning);
        ctx.db.set_object(destination, result);
        ctx.db.changed(Class::ZSET, "zrangestore", destination);
    } else if ctx.db.remove_live(destination) {
        ctx.db.changed(Class::GENERIC, "del", destination);
    }
    ctx.reply.int(len as i64);
    Ok(Flow::Done)
}

fn parse(args: Args<'_>, form: Form) -> Result<Query<'_>, Error> {
    let (mut by, mut direction) = (form.by, form.direction);
    let (mut limit, mut with_scores): (Option<(i64, i64)>, bool) = (None, false);
    let mut at = form.at + 2;
    while at < args.len() {
        if !form.stores && args.is(at, "withscores") {
            with_scores = true;
        } else if args.is(at, "limit") && at + 2 < args.len() {
            limit = Some((args.int(at + 1)?, args.int(at + 2)?));
            at += 2;
        } else if direction.is_none() && args.is(at, "rev") {
            direction = Some(Direction::Down);
        } else if by.is_none() && args.is(at, "bylex") {
            by = Some(By::Name);
        } else if by.is_none() && args.is(at, "byscore") {
            by = Some(By::Score);
        } else {
            return Err(Error::Syntax);
        }
        at += 1;
    }
    let (by, direction) = (by.unwrap_or(By::Place), direction.unwrap_or(Direction::Up));
    if by == By::Place {
        // A count of -1 is no LIMIT here, as in Redis.
        limit.take_if(|(_, count)| *count == -1);
    }
    if limit.is_some() && by == By::Place {
        return Err(Error::Text(
            "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
        ));
    }
    if with_scores && by == By::Name {
        return Err(Error::Text(
            "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
        ));
    }
    // Downwards, scores and names are given highest first.
    let (low, high) = match direction {
        Direction::Down if by != By::Place => (form.at + 1, form.at),
        _ => (form.at, form.at + 1),
    };
    let bounds = match by {
        By::Place => Bounds::places(args, low, high)?,
        By::Score => Bounds::scores(args, low, high)?,
        By::Name => Bounds::names(args, low, high)?,
    };
    let (offset, count) = limit.unwrap_or((0, -1));
    Ok(Query { bounds, direction, offset, count, with_scores })
}

/// The rank to start from, and how many members follow in the query's direction.
fn window(query: &Query<'_>, set: &SortedSet) -> (u64, usize) {
    let Range { start, end } = query.bounds.ranks(set);
    let len = end - start;
    if query.offset < 0 || query.offset as u64 >= len {
        return (0, 0);
    }
    let offset = query.offset as u64;
    let rest = len - offset;
    let count = if query.count < 0 { rest } else { rest.min(query.count as u64) };
    let from = match (query.direction, query.bounds) {
        (Direction::Up, _) => start + offset,
        // Places are counted from the highest score.
        (Direction::Down, Bounds::Places(..)) => set.len() - 1 - start,
        (Direction::Down, _) => end - 1 - offset,
    };
    (from, count as usize)
}

fn reply_with(ctx: &mut Ctx<'_>, args: Args<'_>, form: Form) -> Result<Flow, Error> {
    let query = parse(args, form)?;
    let Some(set) = ctx.db.object::<SortedSet>(&args[1])? else {
        ctx.reply.array(0);
        return Ok(Flow::Done);
    };
    let (from, count) = window(&query, set);
    let members = set.iter_from(from, query.direction).take(count);
    write_members(ctx.reply, count, query.with_scores, members);
    Ok(Flow::Done)
}

/// Members, with their scores if wanted: pairs in RESP3, flat in RESP2.
pub(super) fn write_members<'a>(
    reply: &mut Reply,
    count: usize,
    with_scores: bool,
    members: impl Iterator<Item = (crate::collections::listpack::Element<'a>, f64)>,
) {
    let flat = with_scores && !reply.is_resp3();
    reply.array(if flat { count * 2 } else { count });
    for (member, score) in members {
        if with_scores && !flat {
            reply.array(2);
        }
        reply.element(member);
        if with_scores {
            reply.double(score);
        }
    }
}
