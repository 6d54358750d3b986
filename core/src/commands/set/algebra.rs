//! Several sets at once: SINTER, SUNION, SDIFF, their STOREs, SINTERCARD.

use crate::collections::hash::HashSeed;
use crate::collections::listpack::Element;
use crate::collections::rank;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::{Class, Store};
use crate::value::{Set, Tuning};
use alloc::vec::Vec;

/// What is done with the sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Intersection,
    Union,
    Difference,
}

/// SINTER key \[key …\]: the members that all sets have.
pub const SINTER: Command = Command::new("sinter", -2, sinter)
    .readonly()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output_order"])
    .docs(
        "key [key ...]",
        "Returns the members that all sets have.",
        "O(N*M) for a smallest set of N members and M sets",
    );

fn sinter(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_with(ctx, Operation::Intersection, args.skip(1))
}

/// SUNION key \[key …\]: the members that any set has.
pub const SUNION: Command = Command::new("sunion", -2, sunion)
    .readonly()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output_order"])
    .docs(
        "key [key ...]",
        "Returns the members that any of the sets has.",
        "O(N) for N members in all sets",
    );

fn sunion(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_with(ctx, Operation::Union, args.skip(1))
}

/// SDIFF key \[key …\]: the members of the first set that no other has.
pub const SDIFF: Command = Command::new("sdiff", -2, sdiff)
    .readonly()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output_order"])
    .docs(
        "key [key ...]",
        "Returns the members of the first set that no other has.",
        "O(N) for N members in all sets",
    );

fn sdiff(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_with(ctx, Operation::Difference, args.skip(1))
}

/// SINTERSTORE destination key \[key …\]: stores the members that all sets have.
pub const SINTERSTORE: Command = Command::new("sinterstore", -3, sinterstore)
    .denyoom()
    .write()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ])
    .docs(
        "destination:key key [key ...]",
        "Stores the members that all sets have.",
        "O(N*M) for a smallest set of N members and M sets",
    );

fn sinterstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    store(ctx, Operation::Intersection, args, "sinterstore")
}

/// SUNIONSTORE destination key \[key …\]: stores the members that any set has.
pub const SUNIONSTORE: Command = Command::new("sunionstore", -3, sunionstore)
    .denyoom()
    .write()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[
        KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ])
    .docs(
        "destination:key key [key ...]",
        "Stores the members that any of the sets has.",
        "O(N) for N members in all sets",
    );

fn sunionstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    store(ctx, Operation::Union, args, "sunionstore")
}

/// SDIFFSTORE destination key \[key …\]: stores the members of the first set that no other has.
pub const SDIFFSTORE: Command = Command::new("sdiffstore", -3, sdiffstore)
    .denyoom()
    .write()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("1.0.0")
    .keys(&[
        KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ])
    .docs(
        "destination:key key [key ...]",
        "Stores the members of the first set that no other has.",
        "O(N) for N members in all sets",
    );

fn sdiffstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    store(ctx, Operation::Difference, args, "sdiffstore")
}

/// SINTERCARD numkeys key \[key …\] \[LIMIT limit\]: how many members all sets have.
pub const SINTERCARD: Command = Command::new("sintercard", -3, sintercard)
    .readonly()
    .acl(Acl::SET)
    .group(Group::Set)
    .since("7.0.0")
    .keys(&[KeySpec::counted(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "numkeys key [key ...] [LIMIT limit]",
        "Counts the members that all sets have.",
        "O(N*M) for a smallest set of N members and M sets",
    );

fn sintercard(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let numkeys = args.int_in(1, 1..=i64::MAX, "ERR numkeys should be greater than 0")? as usize;
    if numkeys > args.len() - 2 {
        return Err(Error::Text("ERR Number of keys can't be greater than number of args"));
    }
    let mut limit = 0;
    let mut at = 2 + numkeys;
    while at < args.len() {
        if !args.is(at, "limit") || at + 1 >= args.len() {
            return Err(Error::Syntax);
        }
        limit = args.int_in(at + 1, 0..=i64::MAX, "ERR LIMIT can't be negative")?;
        at += 2;
    }
    let keys: Vec<&[u8]> = args.iter_from(2).take(numkeys).collect();
    check(ctx.db, keys.iter().copied())?;
    let mut count = 0;
    intersect(ctx.db, &keys, |_| {
        count += 1;
        limit == 0 || count < limit
    });
    ctx.reply.int(count);
    Ok(Flow::Done)
}

/// Looks every key up: wrong types are refused before anything is replied.
fn check<'k>(db: &mut Store, keys: impl Iterator<Item = &'k [u8]>) -> Result<(), Error> {
    for key in keys {
        db.object::<Set>(key)?;
    }
    Ok(())
}

fn reply_with(ctx: &mut Ctx<'_>, operation: Operation, keys: Args<'_>) -> Result<Flow, Error> {
    check(ctx.db, keys.iter_from(0))?;
    let keys: Vec<&[u8]> = keys.iter_from(0).collect();
    let place = ctx.reply.deferred();
    let mut count = 0;
    let reply = &mut *ctx.reply;
    let mut write = |member: Element<'_>| {
        reply.element(member);
        count += 1;
        true
    };
    match operation {
        Operation::Intersection => intersect(ctx.db, &keys, write),
        Operation::Difference => subtract(ctx.db, &keys, |member| {
            write(member);
        }),
        Operation::Union => {
            for member in unite(ctx.db, &keys, &ctx.db.tuning).iter() {
                write(member);
            }
        }
    }
    ctx.reply.finish_set(place, count);
    Ok(Flow::Done)
}

fn store(
    ctx: &mut Ctx<'_>,
    operation: Operation,
    args: Args<'_>,
    event: &'static str,
) -> Result<Flow, Error> {
    let destination = &args[1];
    check(ctx.db, args.iter_from(2))?;
    let keys: Vec<&[u8]> = args.iter_from(2).collect();
    let tuning = &ctx.db.tuning;
    let mut result = Set::default();
    match operation {
        Operation::Intersection => intersect(ctx.db, &keys, |member| {
            result.insert(&member.text(), tuning);
            true
        }),
        Operation::Difference => subtract(ctx.db, &keys, |member| {
            result.insert(&member.text(), tuning);
        }),
        Operation::Union => result = unite(ctx.db, &keys, tuning),
    }
    let len = result.len();
    if len > 0 {
        ctx.db.set_object(destination, result);
        ctx.db.changed(Class::SET, event, destination);
    } else if ctx.db.remove_live(destination) {
        ctx.db.changed(Class::GENERIC, "del", destination);
    }
    ctx.reply.len(len);
    Ok(Flow::Done)
}

/// Gives `f` every member that all sets have, until it returns `false`.
fn intersect(db: &Store, keys: &[&[u8]], mut f: impl FnMut(Element<'_>) -> bool) {
    let seed: &HashSeed = &db.tuning.seed;
    let mut sets = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(set) = db.shared::<Set>(key) else { return };
        sets.push(set);
    }
    rank::sort_by_number(&mut sets, |set| set.len() as u64);
    let Some((smallest, others)) = sets.split_first() else { return };
    for member in smallest.iter() {
        let in_all = others
            .iter()
            .all(|set| core::ptr::eq(*set, *smallest) || set.contains_element(member, seed));
        if in_all && !f(member) {
            return;
        }
    }
}

/// Gives `f` every member of the first set that no other has.
fn subtract(db: &Store, keys: &[&[u8]], mut f: impl FnMut(Element<'_>)) {
    let seed = &db.tuning.seed;
    let Some((first, others)) = keys.split_first() else { return };
    let Some(first) = db.shared::<Set>(first) else { return };
    let mut others: Vec<&Set> = others.iter().filter_map(|key| db.shared::<Set>(key)).collect();
    if others.iter().any(|other| core::ptr::eq(*other, first)) {
        return;
    }
    // The largest sets are the likeliest to have a member.
    rank::sort_by_number(&mut others, |set| (1 << 52) - set.len() as u64);
    for member in first.iter() {
        if !others.iter().any(|set| set.contains_element(member, seed)) {
            f(member);
        }
    }
}

/// All members of all sets.
fn unite(db: &Store, keys: &[&[u8]], tuning: &Tuning) -> Set {
    let mut result = Set::default();
    for key in keys {
        if let Some(set) = db.shared::<Set>(key) {
            for member in set.iter() {
                result.insert(&member.text(), tuning);
            }
        }
    }
    result
}
