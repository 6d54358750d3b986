//! Removing members: ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX.

use super::bounds::Bounds;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::SortedSet;

/// ZREM key member \[member …\]: removes members; replies how many there were.
pub const ZREM: Command = Command::new("zrem", -3, zrem)
    .fast()
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("1.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key member [member ...]",
        "Removes members, and the key with the last of them.",
        "O(M*log(N)) for M members",
    );

fn zrem(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let Some((set, tuning, _)) = ctx.db.object_and_tuning::<SortedSet>(&args[1])? else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    let mut removed = 0;
    for member in args.iter_from(2) {
        removed += u64::from(set.remove(member, &tuning.seed).is_some());
        if set.is_empty() {
            break;
        }
    }
    let is_empty = set.is_empty();
    finish(ctx, &args[1], "zrem", removed, is_empty)
}

/// ZREMRANGEBYRANK key start stop: removes a range of places.
pub const ZREMRANGEBYRANK: Command = Command::new("zremrangebyrank", 4, zremrangebyrank)
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key start stop",
        "Removes the members in a range of places.",
        "O(log(N)+M) for M removed members",
    );

fn zremrangebyrank(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    remove_range(ctx, args, Bounds::places(args, 2, 3)?, "zremrangebyrank")
}

/// ZREMRANGEBYSCORE key min max: removes a range of scores.
pub const ZREMRANGEBYSCORE: Command = Command::new("zremrangebyscore", 4, zremrangebyscore)
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("1.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key min:double max:double",
        "Removes the members with scores in a range.",
        "O(log(N)+M) for M removed members",
    );

fn zremrangebyscore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    remove_range(ctx, args, Bounds::scores(args, 2, 3)?, "zremrangebyscore")
}

/// ZREMRANGEBYLEX key min max: removes a lexicographic range.
pub const ZREMRANGEBYLEX: Command = Command::new("zremrangebylex", 4, zremrangebylex)
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("2.8.9")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key min:string max:string",
        "Removes the members in a lexicographic range.",
        "O(log(N)+M) for M removed members",
    );

fn zremrangebylex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    remove_range(ctx, args, Bounds::names(args, 2, 3)?, "zremrangebylex")
}

fn remove_range(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    bounds: Bounds<'_>,
    event: &'static str,
) -> Result<Flow, Error> {
    let Some((set, tuning, _)) = ctx.db.object_and_tuning::<SortedSet>(&args[1])? else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    let ranks = bounds.ranks(set);
    let removed = ranks.end - ranks.start;
    let is_empty = removed == set.len();
    // A set that is removed whole is freed in steps, with its key.
    if removed > 0 && !is_empty {
        set.remove_range(ranks, &tuning.seed);
    }
    finish(ctx, &args[1], event, removed, is_empty)
}

/// Notes what was removed, removes an empty set, and replies how many members there were.
fn finish(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    event: &'static str,
    removed: u64,
    is_empty: bool,
) -> Result<Flow, Error> {
    if removed > 0 {
        ctx.db.changed(Class::ZSET, event, key);
        ctx.db.dirty += removed - 1;
        if is_empty {
            ctx.db.remove(key);
            ctx.db.event(Class::GENERIC, "del", key);
        }
    }
    ctx.reply.int(removed as i64);
    Ok(Flow::Done)
}
