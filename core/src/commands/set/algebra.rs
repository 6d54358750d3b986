//! Several sets at once: SINTER, SUNION, SDIFF, their STOREs, SINTERCARD.

use crate::collections::gathered::Gathered;
use crate::collections::listpack::Element;
use crate::collections::rank;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::{Class, Store};
use crate::value::{Lookup, Set, Source, Tuning};
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
    intersect(ctx.db, &keys, &mut |_| {
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
    let reply = &mut *ctx.reply;
    match operation {
        Operation::Union => {
            let members = unite(ctx.db, &keys);
            reply.set(members.len());
            match ordered(&members, &ctx.db.tuning) {
                Some(set) => set.each(|member| {
                    reply.element(member);
                    true
                }),
                None => reply.bulks(|bulks| members.iter().for_each(|(m, _)| bulks.element(m))),
            }
        }
        Operation::Intersection | Operation::Difference => {
            let place = reply.deferred();
            let mut count = 0;
            reply.bulks(|bulks| {
                select(ctx.db, &keys, operation, &mut |member| {
                    bulks.element(member);
                    count += 1;
                    true
                });
            });
            reply.finish_set(place, count);
        }
    }
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
    let result = if operation == Operation::Union {
        Set::of_distinct(unite(ctx.db, &keys).iter().map(|(member, _)| member), tuning)
    } else {
        let mut members = Vec::new();
        select(ctx.db, &keys, operation, &mut |member| {
            members.push(member);
            true
        });
        Set::of_distinct(members.iter().copied(), tuning)
    };
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

/// What is done with each member; `false` ends it.
type Each<'a, 'f> = &'f mut dyn FnMut(Element<'a>) -> bool;

/// Gives `f` those members of one of the sets that the others have, or do not have.
fn select<'a>(db: &'a Store, keys: &[&[u8]], operation: Operation, f: Each<'a, '_>) {
    if operation == Operation::Difference {
        subtract(db, keys, f);
    } else {
        intersect(db, keys, f);
    }
}

/// Gives `f` every member that all sets have, until it returns `false`.
fn intersect<'a>(db: &'a Store, keys: &[&[u8]], f: Each<'a, '_>) {
    let mut sets = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(set) = db.shared::<Set>(key) else { return };
        sets.push(set);
    }
    rank::sort_by_number(&mut sets, |set| set.len() as u64);
    let Some((smallest, others)) = sets.split_first() else { return };
    let others: Vec<Lookup<'_>> = others
        .iter()
        .filter(|set| !core::ptr::eq(**set, *smallest))
        .map(|set| Lookup::new(Source::Set(set), smallest.len() as u64, &db.tuning.seed))
        .collect();
    smallest.each(|member| !others.iter().all(|other| other.has(member)) || f(member));
}

/// Gives `f` every member of the first set that no other has.
fn subtract<'a>(db: &'a Store, keys: &[&[u8]], f: Each<'a, '_>) {
    let Some((first, others)) = keys.split_first() else { return };
    let Some(first) = db.shared::<Set>(first) else { return };
    let mut others: Vec<&Set> = others.iter().filter_map(|key| db.shared::<Set>(key)).collect();
    if others.iter().any(|other| core::ptr::eq(*other, first)) {
        return;
    }
    // The largest sets are the likeliest to have a member.
    rank::sort_by_number(&mut others, |set| (1 << 52) - set.len() as u64);
    let others: Vec<Lookup<'_>> = others
        .iter()
        .map(|set| Lookup::new(Source::Set(set), first.len() as u64, &db.tuning.seed))
        .collect();
    first.each(|member| others.iter().any(|other| other.has(member)) || f(member));
}

/// All members of all sets.
fn unite<'a>(db: &'a Store, keys: &[&[u8]]) -> Gathered<'a> {
    let sets: Vec<&Set> = keys.iter().filter_map(|key| db.shared::<Set>(key)).collect();
    let expected = sets.iter().map(|set| set.len() as u64).sum();
    let mut members = Gathered::new(expected, &db.tuning.seed);
    for set in sets {
        set.each(|member| {
            members.add(member, 1.0, |old, _| old);
            true
        });
    }
    members
}

/// The members as an intset, if that is what a set of them is: Redis replies in its order.
fn ordered(members: &Gathered<'_>, tuning: &Tuning) -> Option<Set> {
    let is_intset = members.len() as u64 <= tuning.set_intset_entries
        && members.iter().all(|(member, _)| member.as_int().is_some());
    is_intset.then(|| Set::of_distinct(members.iter().map(|(member, _)| member), tuning))
}
