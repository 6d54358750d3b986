//! Several sorted sets at once: ZUNION, ZINTER, ZDIFF, their STOREs, ZINTERCARD. Plain sets take part
//! with a score of 1.

use super::range::write_members;
use crate::collections::decimal::parse_double;
use crate::collections::gathered::Gathered;
use crate::collections::hash::HashSeed;
use crate::collections::listpack::Element;
use crate::collections::rank::{self, Ranked};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::{Class, Store};
use crate::value::{Lookup, Set, SortedSet, Source};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// What is done with the sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// How the scores of a member are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            // Infinity and minus infinity make 0, not NaN.
            Self::Sum => zero_if_nan(a + b),
            Self::Min => a.min(b),
            Self::Max => a.max(b),
        }
    }
}

fn zero_if_nan(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// ZUNION numkeys key \[key …\] \[WEIGHTS weight …\] \[AGGREGATE SUM|MIN|MAX\] \[WITHSCORES\].
pub const ZUNION: Command = Command::new("zunion", -3, zunion)
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("6.2.0")
    .keys(&[KeySpec::counted(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("numkeys key [key ...] [WEIGHTS weight:double [weight:double ...]] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]", "Returns the members that any of the sorted sets has.", "O(N)+O(M*log(M)) for N members in all and M returned");

fn zunion(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_with(ctx, Operation::Union, args)
}

/// ZINTER numkeys key \[key …\] \[WEIGHTS weight …\] \[AGGREGATE SUM|MIN|MAX\] \[WITHSCORES\].
pub const ZINTER: Command = Command::new("zinter", -3, zinter)
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("6.2.0")
    .keys(&[KeySpec::counted(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("numkeys key [key ...] [WEIGHTS weight:double [weight:double ...]] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]", "Returns the members that all sorted sets have.", "O(N*K)+O(M*log(M)) for a smallest set of N, K sets and M returned");

fn zinter(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_with(ctx, Operation::Intersection, args)
}

/// ZDIFF numkeys key \[key …\] \[WITHSCORES\]: the members of the first sorted set that no other has.
pub const ZDIFF: Command = Command::new("zdiff", -3, zdiff)
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("6.2.0")
    .keys(&[KeySpec::counted(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "numkeys key [key ...] [WITHSCORES]",
        "Returns the members of the first sorted set that no other has.",
        "O(L + (N-K)log(N)) for L members in all, N in the first and K returned",
    );

fn zdiff(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    reply_with(ctx, Operation::Difference, args)
}

/// ZUNIONSTORE destination numkeys key \[key …\] …: stores what ZUNION returns.
pub const ZUNIONSTORE: Command = Command::new("zunionstore", -4, zunionstore)
    .denyoom()
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)), KeySpec::counted(2, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("destination:key numkeys key [key ...] [WEIGHTS weight:double [weight:double ...]] [AGGREGATE SUM|MIN|MAX]", "Stores the members that any of the sorted sets has.", "O(N)+O(M*log(M)) for N members in all and M stored");

fn zunionstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    store(ctx, Operation::Union, args, "zunionstore")
}

/// ZINTERSTORE destination numkeys key \[key …\] …: stores what ZINTER returns.
pub const ZINTERSTORE: Command = Command::new("zinterstore", -4, zinterstore)
    .denyoom()
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)), KeySpec::counted(2, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("destination:key numkeys key [key ...] [WEIGHTS weight:double [weight:double ...]] [AGGREGATE SUM|MIN|MAX]", "Stores the members that all sorted sets have.", "O(N*K)+O(M*log(M)) for a smallest set of N, K sets and M stored");

fn zinterstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    store(ctx, Operation::Intersection, args, "zinterstore")
}

/// ZDIFFSTORE destination numkeys key \[key …\]: stores what ZDIFF returns.
pub const ZDIFFSTORE: Command = Command::new("zdiffstore", -4, zdiffstore)
    .denyoom()
    .write()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("6.2.0")
    .keys(&[
        KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::counted(2, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ])
    .docs(
        "destination:key numkeys key [key ...]",
        "Stores the members of the first sorted set that no other has.",
        "O(L + (N-K)log(N)) for L members in all, N in the first and K stored",
    );

fn zdiffstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    store(ctx, Operation::Difference, args, "zdiffstore")
}

/// ZINTERCARD numkeys key \[key …\] \[LIMIT limit\]: how many members all sorted sets have.
pub const ZINTERCARD: Command = Command::new("zintercard", -3, zintercard)
    .readonly()
    .acl(Acl::SORTEDSET)
    .group(Group::SortedSet)
    .since("7.0.0")
    .keys(&[KeySpec::counted(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "numkeys key [key ...] [LIMIT limit]",
        "Counts the members that all sorted sets have.",
        "O(N*K) for a smallest set of N and K sets",
    );

fn zintercard(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let keys = parse_keys(ctx, args, 1)?;
    let mut limit = 0;
    let mut at = 2 + keys.len();
    while at < args.len() {
        if !args.is(at, "limit") || at + 1 >= args.len() {
            return Err(Error::Syntax);
        }
        limit = args.int_in(at + 1, 0..=i64::MAX, "ERR LIMIT can't be negative")?;
        at += 2;
    }
    let inputs = inputs(ctx.db, &keys, &[]);
    let mut count = 0;
    intersect(inputs, &ctx.db.tuning.seed, Aggregate::Sum, &mut |_, _| {
        count += 1;
        limit == 0 || count < limit
    });
    ctx.reply.int(count);
    Ok(Flow::Done)
}

/// The keys after the number at argument `at`, each looked up: only sets and sorted sets will do.
fn parse_keys<'a>(ctx: &mut Ctx<'_>, args: Args<'a>, at: usize) -> Result<Vec<&'a [u8]>, Error> {
    let count = args.int(at)?;
    if count < 1 {
        return Err(Error::Owned(alloc::format!(
            "ERR at least 1 input key is needed for '{}' command",
            ctx.command.name
        )));
    }
    if count as u64 > (args.len() - at - 1) as u64 {
        return Err(Error::Syntax);
    }
    let keys: Vec<&[u8]> = args.iter_from(at + 1).take(count as usize).collect();
    for key in &keys {
        if let Some(entry) = ctx.db.read(key)
            && entry.as_object::<Set>().is_none()
            && entry.as_object::<SortedSet>().is_none()
        {
            return Err(Error::WrongType);
        }
    }
    Ok(keys)
}

/// What follows the keys.
#[derive(Debug)]
struct Options {
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
}

fn parse_options(
    args: Args<'_>,
    mut at: usize,
    keys: usize,
    operation: Operation,
    stores: bool,
) -> Result<Options, Error> {
    let mut options =
        Options { weights: Vec::new(), aggregate: Aggregate::Sum, with_scores: false };
    while at < args.len() {
        let left = args.len() - at;
        if operation != Operation::Difference && left > keys && args.is(at, "weights") {
            options.weights.clear();
            for place in at + 1..=at + keys {
                let weight = parse_double(&args[place])
                    .ok_or(Error::Text("ERR weight value is not a float"))?;
                options.weights.push(weight);
            }
            at += keys + 1;
        } else if operation != Operation::Difference && left >= 2 && args.is(at, "aggregate") {
            options.aggregate = match () {
                () if args.is(at + 1, "sum") => Aggregate::Sum,
                () if args.is(at + 1, "min") => Aggregate::Min,
                () if args.is(at + 1, "max") => Aggregate::Max,
                () => return Err(Error::Syntax),
            };
            at += 2;
        } else if !stores && args.is(at, "withscores") {
            options.with_scores = true;
            at += 1;
        } else {
            return Err(Error::Syntax);
        }
    }
    Ok(options)
}

/// A set that takes part, with its weight.
#[derive(Debug, Clone, Copy)]
struct Input<'a> {
    source: Source<'a>,
    weight: f64,
}

impl<'a> Input<'a> {
    fn weigh(&self, score: f64) -> f64 {
        zero_if_nan(score * self.weight)
    }

    /// To look up about as many members as `first` has.
    fn lookup(&self, first: &Self, seed: &'a HashSeed) -> (Lookup<'a>, f64) {
        (Lookup::new(self.source, first.source.members(), seed), self.weight)
    }
}

fn inputs<'a>(db: &'a Store, keys: &[&[u8]], weights: &[f64]) -> Vec<Input<'a>> {
    let source = |key: &[u8]| {
        if let Some(set) = db.shared::<SortedSet>(key) {
            Source::Sorted(set)
        } else {
            db.shared::<Set>(key).map_or(Source::Missing, Source::Set)
        }
    };
    keys.iter()
        .enumerate()
        .map(|(i, key)| Input { source: source(key), weight: *weights.get(i).unwrap_or(&1.0) })
        .collect()
}

/// Gives `f` every member that all sets have with its score, until it returns `false`.
fn intersect<'a>(
    mut inputs: Vec<Input<'a>>,
    seed: &'a HashSeed,
    aggregate: Aggregate,
    f: &mut dyn FnMut(Element<'a>, f64) -> bool,
) {
    rank::sort_by_number(&mut inputs, |input| input.source.members());
    let Some((smallest, others)) = inputs.split_first() else { return };
    let others: Vec<_> = others.iter().map(|other| other.lookup(smallest, seed)).collect();
    smallest.source.each(&mut |member, score| {
        let mut score = smallest.weigh(score);
        for (other, weight) in &others {
            let Some(other) = other.score(member) else { return true };
            score = aggregate.of(score, zero_if_nan(other * weight));
        }
        f(member, score)
    });
}

/// The result, in order.
fn combine<'a>(
    db: &'a Store,
    keys: &[&[u8]],
    operation: Operation,
    options: &Options,
) -> Vec<(Element<'a>, f64)> {
    let mut inputs = inputs(db, keys, &options.weights);
    let (aggregate, seed) = (options.aggregate, &db.tuning.seed);
    let mut result = Vec::new();
    match operation {
        Operation::Intersection => {
            intersect(inputs, seed, aggregate, &mut |member, score| {
                result.push((member, score));
                true
            });
        }
        Operation::Union => {
            rank::sort_by_number(&mut inputs, |input| input.source.members());
            let mut members =
                Gathered::new(inputs.iter().map(|input| input.source.members()).sum(), seed);
            for input in &inputs {
                input.source.each(&mut |member, score| {
                    members.add(member, input.weigh(score), |a, b| aggregate.of(a, b));
                    true
                });
            }
            result.extend(members.iter());
        }
        Operation::Difference => {
            let Some((first, others)) = inputs.split_first() else { return result };
            let others: Vec<_> = others.iter().map(|other| other.lookup(first, seed).0).collect();
            first.source.each(&mut |member, score| {
                if !others.iter().any(|other| other.has(member)) {
                    result.push((member, score));
                }
                true
            });
        }
    }
    in_order(result)
}

/// By score, and by member where that is the same.
fn in_order(members: Vec<(Element<'_>, f64)>) -> Vec<(Element<'_>, f64)> {
    let compare = |a: &(Element<'_>, f64), b: &(Element<'_>, f64)| {
        let by_score = a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal);
        by_score.then_with(|| a.0.text().cmp(&*b.0.text()))
    };
    if members.is_sorted_by(|a, b| compare(a, b).is_lt()) {
        return members;
    }
    let mut order: Vec<Ranked> =
        members.iter().zip(0..).map(|((_, score), place)| Ranked { key: *score, place }).collect();
    let at = |ranked: Ranked| &members[ranked.place as usize];
    rank::sort(&mut order, &mut |a, b| compare(at(a), at(b)));
    order.into_iter().map(|ranked| *at(ranked)).collect()
}

fn reply_with(ctx: &mut Ctx<'_>, operation: Operation, args: Args<'_>) -> Result<Flow, Error> {
    let keys = parse_keys(ctx, args, 1)?;
    let options = parse_options(args, 2 + keys.len(), keys.len(), operation, false)?;
    let result = combine(ctx.db, &keys, operation, &options);
    write_members(ctx.reply, result.len(), options.with_scores, result.into_iter());
    Ok(Flow::Done)
}

fn store(
    ctx: &mut Ctx<'_>,
    operation: Operation,
    args: Args<'_>,
    event: &'static str,
) -> Result<Flow, Error> {
    let destination = &args[1];
    let keys = parse_keys(ctx, args, 2)?;
    let options = parse_options(args, 3 + keys.len(), keys.len(), operation, true)?;
    let result = combine(ctx.db, &keys, operation, &options);
    let len = result.len();
    if len > 0 {
        let result = SortedSet::of_ordered(result.into_iter(), &ctx.db.tuning);
        ctx.db.set_object(destination, result);
        ctx.db.changed(Class::ZSET, event, destination);
    } else if ctx.db.remove_live(destination) {
        ctx.db.changed(Class::GENERIC, "del", destination);
    }
    ctx.reply.int(len as i64);
    Ok(Flow::Done)
}
