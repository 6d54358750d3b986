//! Reading sorted sets: ZSCORE, ZMSCORE, ZCARD, ZRANK, ZREVRANK, ZCOUNT, ZLEXCOUNT.

use super::bounds::Bounds;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::value::SortedSet;
use crate::value::sorted_set::Direction;

/// ZSCORE key member: the score of a member, or null.
pub const ZSCORE: Command = Command::new("zscore", 3, zscore)
    .fast()
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("1.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("key member", "Returns the score of a member.", "O(1)");

fn zscore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let set = ctx.db.object_and_seed::<SortedSet>(&args[1])?;
    match set.and_then(|(set, seed, _)| set.score(&args[2], seed)) {
        Some(score) => ctx.reply.double(score),
        None => ctx.reply.null(),
    }
    Ok(Flow::Done)
}

/// ZMSCORE key member \[member …\]: the scores of members, null for those that do not exist.
pub const ZMSCORE: Command = Command::new("zmscore", -3, zmscore)
    .fast()
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("6.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("key member [member ...]", "Returns the scores of members.", "O(N) for N members");

fn zmscore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let set = ctx.db.object_and_seed::<SortedSet>(&args[1])?;
    ctx.reply.array(args.len() - 2);
    for member in args.iter_from(2) {
        match set.as_ref().and_then(|(set, seed, _)| set.score(member, seed)) {
            Some(score) => ctx.reply.double(score),
            None => ctx.reply.null(),
        }
    }
    Ok(Flow::Done)
}

/// ZCARD key: how many members there are.
pub const ZCARD: Command = Command::new("zcard", 2, zcard)
    .fast()
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("1.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("key", "Returns the number of members.", "O(1)");

fn zcard(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let len = ctx.db.object::<SortedSet>(&args[1])?.map_or(0, SortedSet::len);
    ctx.reply.int(len as i64);
    Ok(Flow::Done)
}

/// ZRANK key member \[WITHSCORE\]: how many members have lower scores.
pub const ZRANK: Command = Command::new("zrank", -3, zrank)
    .fast()
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key member [WITHSCORE]",
        "Returns the place of a member, counted from the lowest score.",
        "O(log(N))",
    );

fn zrank(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    rank(ctx, args, Direction::Up)
}

/// ZREVRANK key member \[WITHSCORE\]: how many members have higher scores.
pub const ZREVRANK: Command = Command::new("zrevrank", -3, zrevrank)
    .fast()
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key member [WITHSCORE]",
        "Returns the place of a member, counted from the highest score.",
        "O(log(N))",
    );

fn zrevrank(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    rank(ctx, args, Direction::Down)
}

fn rank(ctx: &mut Ctx<'_>, args: Args<'_>, direction: Direction) -> Result<Flow, Error> {
    if args.len() > 4 {
        return Err(Error::Arity(ctx.command.name));
    }
    let with_score = args.is(3, "withscore");
    if args.len() > 3 && !with_score {
        return Err(Error::Syntax);
    }
    let set = ctx.db.object_and_seed::<SortedSet>(&args[1])?;
    match set.and_then(|(set, seed, _)| set.rank(&args[2], direction, seed)) {
        Some((rank, score)) => {
            if with_score {
                ctx.reply.array(2);
            }
            ctx.reply.int(rank as i64);
            if with_score {
                ctx.reply.double(score);
            }
        }
        None if with_score => ctx.reply.null_array(),
        None => ctx.reply.null(),
    }
    Ok(Flow::Done)
}

/// ZCOUNT key min max: how many members have scores in a range.
pub const ZCOUNT: Command = Command::new("zcount", 4, zcount)
    .fast()
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("key min:double max:double", "Counts the members with scores in a range.", "O(log(N))");

fn zcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    count(ctx, args, Bounds::scores(args, 2, 3)?)
}

/// ZLEXCOUNT key min max: how many members are in a lexicographic range.
pub const ZLEXCOUNT: Command = Command::new("zlexcount", 4, zlexcount)
    .fast()
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("2.8.9")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("key min:string max:string", "Counts the members in a lexicographic range.", "O(log(N))");

fn zlexcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    count(ctx, args, Bounds::names(args, 2, 3)?)
}

fn count(ctx: &mut Ctx<'_>, args: Args<'_>, bounds: Bounds<'_>) -> Result<Flow, Error> {
    let ranks = ctx.db.object::<SortedSet>(&args[1])?.map_or(0..0, |set| bounds.ranks(set));
    ctx.reply.int((ranks.end - ranks.start) as i64);
    Ok(Flow::Done)
}
