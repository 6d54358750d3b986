//! ZRANDMEMBER and ZSCAN.

use super::range::write_members;
use crate::collections::decimal::{DOUBLE_LEN, format_double};
use crate::collections::listpack::Element;
use crate::collections::ordered;
use crate::command::scan::{ScanKind, ScanOptions, parse_cursor, write_empty_scan};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::value::SortedSet;
use alloc::vec::Vec;

/// ZRANDMEMBER key \[count \[WITHSCORES\]\]: members chosen at random.
pub const ZRANDMEMBER: Command = Command::new("zrandmember", -2, zrandmember)
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("6.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key [count [WITHSCORES]]",
        "Returns members chosen at random.",
        "O(N) for N returned members",
    );

fn zrandmember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.len() == 2 {
        let set = ctx.db.object_and_seed::<SortedSet>(&args[1])?;
        match set.and_then(|(set, _, rng)| set.random(rng)) {
            Some((member, _)) => ctx.reply.element(member),
            None => ctx.reply.null(),
        }
        return Ok(Flow::Done);
    }
    let count = args.signed_count(2)?;
    let with_scores = args.len() == 4 && args.is(3, "withscores");
    if args.len() > 3 && !with_scores {
        return Err(Error::Syntax);
    }
    if with_scores && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::OutOfRange);
    }
    let bytes_max = ctx.output_bytes_max();
    let Some((set, _, rng)) = ctx.db.object_and_seed::<SortedSet>(&args[1])? else {
        ctx.reply.array(0);
        return Ok(Flow::Done);
    };
    let reply = &mut *ctx.reply;
    if count < 0 {
        // With repetitions: as many as asked for.
        let wanted = count.unsigned_abs() as usize;
        let nested = with_scores && reply.is_resp3();
        let place = reply.deferred();
        let mut written = 0;
        while written < wanted && reply.out.len() <= bytes_max {
            let Some((member, score)) = set.random(rng) else { break };
            if nested {
                reply.array(2);
            }
            reply.element(member);
            if with_scores {
                reply.double(score);
            }
            written += 1;
        }
        let flat = if with_scores && !nested { 2 } else { 1 };
        reply.finish_array(place, written * flat);
        return Ok(Flow::Done);
    }
    let len = set.len();
    let wanted = (count as u64).min(len);
    let mut chosen: Vec<(Element<'_>, f64)> = Vec::new();
    if wanted.saturating_mul(3) > len || set.is_listpack() {
        // One pass: each member is chosen with the chance that is left for it.
        let (mut left, mut needed) = (len, wanted);
        for member in set.iter() {
            if needed > 0 && rng.below(left) < needed {
                chosen.push(member);
                needed -= 1;
            }
            left -= 1;
        }
    } else {
        let mut names = ordered::Set::new();
        while (chosen.len() as u64) < wanted {
            let Some(member) = set.random(rng) else { break };
            if names.insert(member.0.to_vec()) {
                chosen.push(member);
            }
        }
    }
    write_members(reply, chosen.len(), with_scores, chosen.iter().copied());
    Ok(Flow::Done)
}

/// ZSCAN key cursor \[MATCH pattern\] \[COUNT count\]: a step through the members.
pub const ZSCAN: Command = Command::new("zscan", -3, zscan)
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("2.8.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key cursor [MATCH pattern] [COUNT count]",
        "Iterates over the members of a sorted set with their scores.",
        "O(1) a call, O(N) for all",
    );

#[cfg_attr(redstart_small, optimize(speed))]
fn zscan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let cursor = parse_cursor(args, 2)?;
    let Some(set) = ctx.db.object::<SortedSet>(&args[1])? else {
        write_empty_scan(ctx.reply);
        return Ok(Flow::Done);
    };
    let options = ScanOptions::parse(args, 3, ScanKind::Members)?;
    let place = ctx.reply.deferred();
    let mut found = 0;
    let cursor = ctx.reply.bulks(|bulks| {
        options.walk(cursor, |cursor, seen| {
            set.scan(cursor, |member, score| {
                *seen += 1;
                if options.matches(member) {
                    bulks.element(member);
                    bulks.bulk(format_double(score, &mut [0; DOUBLE_LEN]));
                    found += 2;
                }
            })
        })
    });
    ctx.reply.finish_scan(place, cursor, found);
    Ok(Flow::Done)
}
