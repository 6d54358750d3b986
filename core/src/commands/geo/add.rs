//! GEOADD.

use super::geohash::Position;
use super::position;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::commands::zset::{Members, Options, give_scores};
use crate::error::Error;
use alloc::format;
use alloc::vec::Vec;

/// GEOADD key \[NX|XX\] \[CH\] longitude latitude member …: puts members where they are.
pub const GEOADD: Command = Command::new("geoadd", -5, geoadd)
    .denyoom()
    .write()
    .acl(Acl::GEO)
    .group(Group::Geo)
    .since("3.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key [NX|XX] [CH] longitude latitude member [longitude latitude member ...]",
        "Adds members with their positions, or moves them.",
        "O(log(N)) for each member",
    );

fn geoadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut options = Options::default();
    let mut at = 2;
    while at < args.len() {
        let flag = match () {
            () if args.is(at, "nx") => &mut options.only_new,
            () if args.is(at, "xx") => &mut options.only_existing,
            () if args.is(at, "ch") => &mut options.count_changed,
            () => break,
        };
        *flag = true;
        at += 1;
    }
    let rest = args.len() - at;
    if rest == 0 || !rest.is_multiple_of(3) || (options.only_new && options.only_existing) {
        return Err(Error::Syntax);
    }
    let first = position(args, at)?.score();
    let mut scores = Vec::new();
    for place in (at + 3..args.len()).step_by(3) {
        scores.push(position(args, place).map(Position::score)?);
    }
    let dirty = ctx.db.dirty;
    let flow = give_scores(ctx, args, options, Members { first: at + 2, step: 3 }, first, &scores)?;
    if ctx.db.dirty > dirty && ctx.db.is_journaled() {
        scores.insert(0, first);
        replicate(ctx, args, at, &scores);
    }
    Ok(flow)
}

/// In the journal it is a ZADD: other machines may work out the places otherwise.
fn replicate(ctx: &mut Ctx<'_>, args: Args<'_>, at: usize, scores: &[f64]) {
    let texts: Vec<_> = scores.iter().map(|&score| format!("{}", score as u64)).collect();
    let mut words: Vec<&[u8]> = args.iter_from(0).take(at).collect();
    words[0] = b"ZADD";
    for (text, member) in texts.iter().zip(args.iter_from(at + 2).step_by(3)) {
        words.extend([text.as_bytes(), member]);
    }
    ctx.replicate(&words);
}
