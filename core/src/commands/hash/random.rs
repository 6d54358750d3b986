//! HRANDFIELD and HSCAN.

use super::get::write_fields;
use crate::collections::listpack::Element;
use crate::collections::ordered;
use crate::command::scan::{ScanKind, ScanOptions, parse_cursor, write_empty_scan};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::resp::Reply;
use crate::value::Hash;

/// HRANDFIELD key \[count \[WITHVALUES\]\]: fields chosen at random.
pub const HRANDFIELD: Command = Command::new("hrandfield", -2, hrandfield)
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("6.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key [count [WITHVALUES]]",
        "Returns fields chosen at random.",
        "O(N) for N returned fields",
    );

fn hrandfield(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.due_ms();
    if args.len() == 2 {
        ctx.db.expire_all_fields_of(&args[1]);
        let hash = ctx.db.object_and_seed::<Hash>(&args[1])?;
        match hash.and_then(|(hash, seed, rng)| hash.random(rng, seed, now_ms)) {
            Some((name, _)) => ctx.reply.element(name),
            None => ctx.reply.null(),
        }
        return Ok(Flow::Done);
    }
    let count = args.signed_count(2)?;
    let with_values = args.len() == 4 && args.is(3, "withvalues");
    if args.len() > 3 && !with_values {
        return Err(Error::Syntax);
    }
    if with_values && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::OutOfRange);
    }
    ctx.db.expire_all_fields_of(&args[1]);
    let bytes_max = ctx.output_bytes_max();
    let Some((hash, seed, rng)) = ctx.db.object_and_seed::<Hash>(&args[1])? else {
        ctx.reply.array(0);
        return Ok(Flow::Done);
    };
    let reply = &mut *ctx.reply;
    let write = |reply: &mut Reply, (name, value): (Element<'_>, Element<'_>)| {
        if with_values && reply.is_resp3() {
            reply.array(2);
        }
        reply.element(name);
        if with_values {
            reply.element(value);
        }
    };
    let flat = if with_values && !reply.is_resp3() { 2 } else { 1 };
    if count < 0 {
        // With repetitions: as many as asked for.
        let wanted = count.unsigned_abs() as usize;
        let place = reply.deferred();
        let mut written = 0;
        while written < wanted && reply.out.len() <= bytes_max {
            let Some(field) = hash.random(rng, seed, now_ms) else { break };
            write(reply, field);
            written += 1;
        }
        reply.finish_array(place, written * flat);
        return Ok(Flow::Done);
    }
    let len = hash.live_len(now_ms);
    let wanted = (count as usize).min(len);
    reply.array(wanted * flat);
    if wanted.saturating_mul(3) > len || hash.is_listpack() {
        // One pass: each field is chosen with the chance that is left for it.
        let (mut left, mut needed) = (len as u64, wanted as u64);
        hash.each_live(seed, now_ms, |name, value| {
            if needed > 0 && rng.below(left) < needed {
                write(reply, (name, value));
                needed -= 1;
            }
            left -= 1;
        });
        return Ok(Flow::Done);
    }
    let mut chosen = ordered::Set::new();
    while chosen.len() < wanted {
        let Some(field) = hash.random(rng, seed, now_ms) else { break };
        if chosen.insert(field.0.to_vec()) {
            write(reply, field);
        }
    }
    Ok(Flow::Done)
}

/// HSCAN key cursor \[MATCH pattern\] \[COUNT count\] \[NOVALUES\]: a step through the fields.
pub const HSCAN: Command = Command::new("hscan", -3, hscan)
    .readonly()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.8.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
        "Iterates over the fields of a hash.",
        "O(1) a call, O(N) for all",
    );

#[cfg_attr(redstart_small, optimize(speed))]
fn hscan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let cursor = parse_cursor(args, 2)?;
    let now_ms = ctx.due_ms();
    let Some((hash, seed, _)) = ctx.db.object_and_seed::<Hash>(&args[1])? else {
        write_empty_scan(ctx.reply);
        return Ok(Flow::Done);
    };
    let options = ScanOptions::parse(args, 3, ScanKind::Fields)?;
    let place = ctx.reply.deferred();
    if hash.is_listpack() && options.pattern.is_none() && !options.no_values {
        write_fields(ctx.reply, hash, seed, now_ms);
        ctx.reply.finish_scan(place, 0, hash.live_len(now_ms) * 2);
        return Ok(Flow::Done);
    }
    let mut found = 0;
    let cursor = ctx.reply.bulks(|bulks| {
        options.walk(cursor, |cursor, seen| {
            hash.scan(cursor, seed, now_ms, |name, value| {
                *seen += 1;
                if options.matches(name) {
                    bulks.element(name);
                    found += 1;
                    if !options.no_values {
                        bulks.element(value);
                        found += 1;
                    }
                }
            })
        })
    });
    ctx.reply.finish_scan(place, cursor, found);
    Ok(Flow::Done)
}
