//! SPOP and SRANDMEMBER.

use crate::collections::ordered;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::Set;
use alloc::vec::Vec;

/// SPOP key \[count\]: removes members chosen at random and returns them.
pub const SPOP: Command = Command::new("spop", -2, spop)
    .fast()
    .write()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key [count]",
        "Removes members chosen at random and returns them.",
        "O(N) for N removed members",
    );

fn spop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    if args.len() == 2 {
        let Some((set, tuning, rng)) = ctx.db.object_and_tuning::<Set>(key)? else {
            ctx.reply.null();
            return Ok(Flow::Done);
        };
        let member = set.pop_random(rng, &tuning.seed);
        let is_empty = set.is_empty();
        ctx.reply.bulk_or_null(member.as_deref());
        ctx.db.changed(Class::SET, "spop", key);
        ctx.replicate(&[b"SREM", key, member.as_deref().unwrap_or_default()]);
        if is_empty {
            ctx.db.remove(key);
            ctx.db.event(Class::GENERIC, "del", key);
        }
        return Ok(Flow::Done);
    }
    if args.len() > 3 {
        return Err(Error::Syntax);
    }
    let count = args.int_in(2, 0..=i64::MAX, "ERR value is out of range, must be positive")?;
    let journaled = ctx.db.is_journaled();
    let Some((set, tuning, rng)) = ctx.db.object_and_tuning::<Set>(key)? else {
        ctx.reply.set(0);
        return Ok(Flow::Done);
    };
    if count == 0 {
        ctx.reply.set(0);
        return Ok(Flow::Done);
    }
    let wanted = (count as u64).min(set.len() as u64);
    ctx.reply.set(wanted as usize);
    let all = wanted == set.len() as u64;
    let mut gone = Vec::new();
    if all {
        for member in set.iter() {
            ctx.reply.element(member);
        }
    } else {
        for _ in 0..wanted {
            let member = set.pop_random(rng, &tuning.seed);
            ctx.reply.bulk_or_null(member.as_deref());
            gone.extend(member.filter(|_| journaled));
        }
    }
    ctx.db.changed(Class::SET, "spop", key);
    for member in &gone {
        ctx.replicate(&[b"SREM", key, member]);
    }
    ctx.db.dirty += wanted - 1;
    if all {
        ctx.db.remove(key);
        ctx.replicate(&[b"DEL", key]);
        ctx.db.event(Class::GENERIC, "del", key);
    }
    Ok(Flow::Done)
}

/// SRANDMEMBER key \[count\]: members chosen at random.
pub const SRANDMEMBER: Command = Command::new("srandmember", -2, srandmember)
    .readonly()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output"])
    .docs("key [count]", "Returns members chosen at random.", "O(N) for N returned members");

fn srandmember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.len() == 2 {
        let set = ctx.db.object_and_seed::<Set>(&args[1])?;
        match set.and_then(|(set, _, rng)| set.random(rng)) {
            Some(member) => ctx.reply.element(member),
            None => ctx.reply.null(),
        }
        return Ok(Flow::Done);
    }
    if args.len() > 3 {
        return Err(Error::Syntax);
    }
    let count = args.signed_count(2)?;
    let bytes_max = ctx.output_bytes_max();
    let Some((set, _, rng)) = ctx.db.object_and_seed::<Set>(&args[1])? else {
        ctx.reply.array(0);
        return Ok(Flow::Done);
    };
    let reply = &mut *ctx.reply;
    if count < 0 {
        // With repetitions: as many as asked for.
        let wanted = count.unsigned_abs() as usize;
        let place = reply.deferred();
        let mut written = 0;
        while written < wanted && reply.out.len() <= bytes_max {
            let Some(member) = set.random(rng) else { break };
            reply.element(member);
            written += 1;
        }
        reply.finish_array(place, written);
        return Ok(Flow::Done);
    }
    let wanted = (count as usize).min(set.len());
    reply.array(wanted);
    if wanted.saturating_mul(3) > set.len() || set.encoding_is_small() {
        // One pass: each member is chosen with the chance that is left for it.
        let (mut left, mut needed) = (set.len() as u64, wanted as u64);
        for member in set.iter() {
            if needed > 0 && rng.below(left) < needed {
                reply.element(member);
                needed -= 1;
            }
            left -= 1;
        }
        return Ok(Flow::Done);
    }
    let mut chosen = ordered::Set::new();
    while chosen.len() < wanted {
        let Some(member) = set.random(rng) else { break };
        if chosen.insert(member.to_vec()) {
            reply.element(member);
        }
    }
    Ok(Flow::Done)
}
