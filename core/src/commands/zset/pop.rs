//! Taking members from either end: ZPOPMIN, ZPOPMAX, ZMPOP, and those that wait: BZPOPMIN, BZPOPMAX, BZMPOP.

use crate::client::OnTimeout;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::{Class, Store};
use crate::value::sorted_set::Direction;
use crate::value::{Kind, SortedSet};
use alloc::vec::Vec;

/// ZPOPMIN key \[count\]: removes and returns the members with the lowest scores.
pub const ZPOPMIN: Command = Command::new("zpopmin", -2, zpopmin)
    .fast()
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("5.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))])
    .docs(
        "key [count]",
        "Removes and returns the members with the lowest scores.",
        "O(log(N)*M) for M removed members",
    );

fn zpopmin(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    pop_one_key(ctx, args, Direction::Up)
}

/// ZPOPMAX key \[count\]: removes and returns the members with the highest scores.
pub const ZPOPMAX: Command = Command::new("zpopmax", -2, zpopmax)
    .fast()
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("5.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))])
    .docs(
        "key [count]",
        "Removes and returns the members with the highest scores.",
        "O(log(N)*M) for M removed members",
    );

fn zpopmax(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    pop_one_key(ctx, args, Direction::Down)
}

fn pop_one_key(ctx: &mut Ctx<'_>, args: Args<'_>, direction: Direction) -> Result<Flow, Error> {
    if args.len() > 3 {
        return Err(Error::Syntax);
    }
    let has_count = args.len() == 3;
    let count = if has_count {
        args.int_in(2, 0..=i64::MAX, "ERR value is out of range, must be positive")? as u64
    } else {
        1
    };
    let popped = pop(ctx.db, &args[1], direction, count)?;
    // With a count RESP3 has pairs; without, and in RESP2, members and scores alternate.
    let nested = has_count && ctx.reply.is_resp3();
    ctx.reply.array(if nested { popped.len() } else { popped.len() * 2 });
    for (member, score) in &popped {
        if nested {
            ctx.reply.array(2);
        }
        ctx.reply.bulk(member);
        ctx.reply.double(*score);
    }
    Ok(Flow::Done)
}

/// Takes up to `count` members from an end of the set at `key`, and the key with the last of them.
fn pop(
    db: &mut Store,
    key: &[u8],
    direction: Direction,
    count: u64,
) -> Result<Vec<(Vec<u8>, f64)>, Error> {
    let Some((set, tuning, _)) = db.object_and_tuning::<SortedSet>(key)? else {
        return Ok(Vec::new());
    };
    let popped = set.ends(direction, count);
    let (len, taken) = (set.len(), popped.len() as u64);
    if taken == 0 {
        return Ok(popped);
    }
    if taken < len {
        let ranks = match direction {
            Direction::Up => 0..taken,
            Direction::Down => len - taken..len,
        };
        set.remove_range(ranks, &tuning.seed);
    }
    let event = match direction {
        Direction::Up => "zpopmin",
        Direction::Down => "zpopmax",
    };
    db.changed(Class::ZSET, event, key);
    db.dirty += taken - 1;
    if taken == len {
        db.remove(key);
        db.event(Class::GENERIC, "del", key);
    }
    Ok(popped)
}

/// BZPOPMIN key \[key …\] timeout: ZPOPMIN, which waits for a member.
pub const BZPOPMIN: Command = Command::new("bzpopmin", -3, bzpopmin)
    .blocking()
    .fast()
    .noscript()
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("5.0.0")
    .keys(&[KeySpec::range(1, -2, 1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))])
    .docs(
        "key [key ...] timeout:double",
        "Removes and returns the member with the lowest score, or waits for one.",
        "O(log(N))",
    );

fn bzpopmin(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    pop_or_wait(ctx, args, Direction::Up)
}

/// BZPOPMAX key \[key …\] timeout: ZPOPMAX, which waits for a member.
pub const BZPOPMAX: Command = Command::new("bzpopmax", -3, bzpopmax)
    .blocking()
    .fast()
    .noscript()
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("5.0.0")
    .keys(&[KeySpec::range(1, -2, 1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))])
    .docs(
        "key [key ...] timeout:double",
        "Removes and returns the member with the highest score, or waits for one.",
        "O(log(N))",
    );

fn bzpopmax(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    pop_or_wait(ctx, args, Direction::Down)
}

fn pop_or_wait(ctx: &mut Ctx<'_>, args: Args<'_>, direction: Direction) -> Result<Flow, Error> {
    let keys = args.len() - 2;
    let timeout_us = args.timeout_us(args.len() - 1)?;
    for key in args.iter_from(1).take(keys) {
        if let Some((member, score)) = pop(ctx.db, key, direction, 1)?.first() {
            ctx.reply.array(3);
            ctx.reply.bulk(key);
            ctx.reply.bulk(member);
            ctx.reply.double(*score);
            ctx.replicate(&[pop_name(direction), key]);
            return Ok(Flow::Done);
        }
    }
    ctx.block(args.iter_from(1).take(keys), Kind::SortedSet, timeout_us, OnTimeout::NullArray)
}

/// The name of the command that pops from this end.
fn pop_name(direction: Direction) -> &'static [u8] {
    match direction {
        Direction::Up => b"ZPOPMIN",
        Direction::Down => b"ZPOPMAX",
    }
}

/// What ZMPOP and BZMPOP take from where.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    first_key: usize,
    keys: usize,
    direction: Direction,
    count: u64,
}

/// Reads `numkeys key [key …] MIN|MAX [COUNT count]` from argument `at` on.
fn parse_wanted(args: Args<'_>, at: usize) -> Result<Wanted, Error> {
    let keys = args.int_in(at, 1..=i64::MAX, "ERR numkeys should be greater than 0")? as usize;
    let where_at =
        keys.checked_add(at + 1).filter(|&place| place < args.len()).ok_or(Error::Syntax)?;
    let direction = if args.is(where_at, "min") {
        Direction::Up
    } else if args.is(where_at, "max") {
        Direction::Down
    } else {
        return Err(Error::Syntax);
    };
    let mut count = None;
    let mut option = where_at + 1;
    while option < args.len() {
        if count.is_some() || !args.is(option, "count") || option + 1 >= args.len() {
            return Err(Error::Syntax);
        }
        let text = "ERR count should be greater than 0";
        count = Some(args.int_in(option + 1, 1..=i64::MAX, text)? as u64);
        option += 2;
    }
    Ok(Wanted { first_key: at + 1, keys, direction, count: count.unwrap_or(1) })
}

/// Pops from the first set there is and replies; `false` if there is none.
fn pop_first(ctx: &mut Ctx<'_>, args: Args<'_>, wanted: Wanted) -> Result<bool, Error> {
    for key in args.iter_from(wanted.first_key).take(wanted.keys) {
        let popped = pop(ctx.db, key, wanted.direction, wanted.count)?;
        if popped.is_empty() {
            continue;
        }
        ctx.db.replicate_number(&[pop_name(wanted.direction), key], popped.len() as i64);
        ctx.reply.array(2);
        ctx.reply.bulk(key);
        ctx.reply.array(popped.len());
        for (member, score) in &popped {
            ctx.reply.array(2);
            ctx.reply.bulk(member);
            ctx.reply.double(*score);
        }
        return Ok(true);
    }
    Ok(false)
}

/// ZMPOP numkeys key \[key …\] MIN|MAX \[COUNT count\]: pops from the first sorted set there is.
pub const ZMPOP: Command = Command::new("zmpop", -4, zmpop)
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("7.0.0")
    .keys(&[KeySpec::counted(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))])
    .docs(
        "numkeys key [key ...] MIN|MAX [COUNT count]",
        "Removes and returns members of the first of several sorted sets that exists.",
        "O(K)+O(M*log(N)) for K keys and M removed members",
    );

fn zmpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let wanted = parse_wanted(args, 1)?;
    if !pop_first(ctx, args, wanted)? {
        ctx.reply.null_array();
    }
    Ok(Flow::Done)
}

/// BZMPOP timeout numkeys key \[key …\] MIN|MAX \[COUNT count\]: ZMPOP, which waits for a member.
pub const BZMPOP: Command = Command::new("bzmpop", -5, bzmpop)
    .blocking()
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("7.0.0")
    .keys(&[KeySpec::counted(2, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))])
    .docs("timeout:double numkeys key [key ...] MIN|MAX [COUNT count]", "Removes and returns members of the first of several sorted sets that exists, or waits for one.", "O(K)+O(M*log(N)) for K keys and M removed members");

fn bzmpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let timeout_us = args.timeout_us(1)?;
    let wanted = parse_wanted(args, 2)?;
    if pop_first(ctx, args, wanted)? {
        return Ok(Flow::Done);
    }
    let keys = args.iter_from(wanted.first_key).take(wanted.keys);
    ctx.block(keys, Kind::SortedSet, timeout_us, OnTimeout::NullArray)
}
