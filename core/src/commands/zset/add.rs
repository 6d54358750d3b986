//! ZADD and ZINCRBY.

use crate::collections::decimal::parse_double;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::SortedSet;
use alloc::vec::Vec;

/// The options of ZADD.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::commands) struct Options {
    pub(in crate::commands) only_new: bool,
    pub(in crate::commands) only_existing: bool,
    only_greater: bool,
    only_less: bool,
    pub(in crate::commands) count_changed: bool,
    increment: bool,
}

/// Where members stand among the arguments.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands) struct Members {
    pub(in crate::commands) first: usize,
    /// From one to the next.
    pub(in crate::commands) step: usize,
}

/// ZADD key \[NX|XX\] \[GT|LT\] \[CH\] \[INCR\] score member \[score member …\]: gives members scores.
pub const ZADD: Command = Command::new("zadd", -4, zadd)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("1.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]",
        "Adds members to a sorted set or changes their scores.",
        "O(log(N)) for each member",
    );

fn zadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    add(ctx, args, 2, Options::default())
}

/// ZINCRBY key increment member: adds to a score.
pub const ZINCRBY: Command = Command::new("zincrby", 4, zincrby)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("1.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs("key increment:double member", "Adds to the score of a member.", "O(log(N))");

fn zincrby(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    add(ctx, args, 2, Options { increment: true, ..Options::default() })
}

fn add(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    mut at: usize,
    mut options: Options,
) -> Result<Flow, Error> {
    if !options.increment {
        while at < args.len() {
            let flag = match () {
                () if args.is(at, "nx") => &mut options.only_new,
                () if args.is(at, "xx") => &mut options.only_existing,
                () if args.is(at, "ch") => &mut options.count_changed,
                () if args.is(at, "incr") => &mut options.increment,
                () if args.is(at, "gt") => &mut options.only_greater,
                () if args.is(at, "lt") => &mut options.only_less,
                () => break,
            };
            *flag = true;
            at += 1;
        }
    }
    let options = options;
    let pairs = args.len() - at.min(args.len());
    if pairs == 0 || pairs % 2 == 1 {
        return Err(Error::Syntax);
    }
    if options.only_new && options.only_existing {
        return Err(Error::Text("ERR XX and NX options at the same time are not compatible"));
    }
    if (options.only_greater && (options.only_new || options.only_less))
        || (options.only_less && options.only_new)
    {
        return Err(Error::Text(
            "ERR GT, LT, and/or NX options at the same time are not compatible",
        ));
    }
    if options.increment && pairs > 2 {
        return Err(Error::Text("ERR INCR option supports a single increment-element pair"));
    }
    let first = parse_double(&args[at]).ok_or(Error::NotFloat)?;
    let mut scores = Vec::new();
    for place in (at + 2..args.len()).step_by(2) {
        scores.push(parse_double(&args[place]).ok_or(Error::NotFloat)?);
    }
    give_scores(ctx, args, options, Members { first: at + 1, step: 2 }, first, &scores)
}

/// Gives the members among the arguments their scores, the first one and the rest, and replies what ZADD
/// does.
pub(in crate::commands) fn give_scores(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    options: Options,
    members: Members,
    first: f64,
    rest: &[f64],
) -> Result<Flow, Error> {
    let key = &args[1];
    if options.only_existing && !ctx.db.check_type::<SortedSet>(key)? {
        if options.increment {
            ctx.reply.null();
        } else {
            ctx.reply.int(0);
        }
        return Ok(Flow::Done);
    }
    let (set, tuning, _) = ctx.db.object_or_insert::<SortedSet>(key)?;
    let (mut added, mut updated) = (0, 0);
    let mut result = None;
    let mut is_nan = false;
    for (index, &score) in core::iter::once(&first).chain(rest).enumerate() {
        let member = &args[members.first + index * members.step];
        set.update(member, tuning, |old| {
            let new = match old {
                None => {
                    if options.only_existing {
                        return None;
                    }
                    added += 1;
                    result = Some(score);
                    return Some(score);
                }
                Some(_) if options.only_new => return None,
                Some(old) if options.increment => old + score,
                Some(_) => score,
            };
            let old = old?;
            if new.is_nan() {
                is_nan = true;
                return None;
            }
            if (options.only_greater && new <= old) || (options.only_less && new >= old) {
                return None;
            }
            result = Some(new);
            updated += u64::from(new != old);
            Some(new)
        });
    }
    if is_nan {
        return Err(Error::Text("ERR resulting score is not a number (NaN)"));
    }
    if added + updated > 0 {
        let event = if options.increment { "zincr" } else { "zadd" };
        ctx.db.changed(Class::ZSET, event, key);
        ctx.db.dirty += added + updated - 1;
    }
    if options.increment {
        match result {
            Some(score) => ctx.reply.double(score),
            None => ctx.reply.null(),
        }
    } else {
        let changed = if options.count_changed { added + updated } else { added };
        ctx.reply.int(changed as i64);
    }
    Ok(Flow::Done)
}
