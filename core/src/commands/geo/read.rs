//! GEOPOS, GEOHASH and GEODIST: where members are.

use super::geohash::Position;
use super::{sphere, unit, write_distance, write_position};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::value::SortedSet;

const ACCESS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))];

/// GEOPOS key \[member …\]: longitudes and latitudes.
pub const GEOPOS: Command = Command::new("geopos", -2, geopos)
    .readonly()
    .acl(Acl::GEO)
    .group(Group::Geo)
    .since("3.2.0")
    .keys(ACCESS)
    .docs(
        "key [member [member ...]]",
        "Returns the longitudes and latitudes of members.",
        "O(1) for each member",
    );

fn geopos(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let set = ctx.db.object_and_seed::<SortedSet>(&args[1])?;
    ctx.reply.array(args.len() - 2);
    for member in args.iter_from(2) {
        match set.as_ref().and_then(|(set, seed, _)| set.score(member, seed)) {
            Some(score) => write_position(ctx.reply, Position::of_score(score)),
            None => ctx.reply.null_array(),
        }
    }
    Ok(Flow::Done)
}

/// GEOHASH key \[member …\]: geohashes in letters.
pub const GEOHASH: Command = Command::new("geohash", -2, geohash)
    .readonly()
    .acl(Acl::GEO)
    .group(Group::Geo)
    .since("3.2.0")
    .keys(ACCESS)
    .docs(
        "key [member [member ...]]",
        "Returns the geohashes of members as text.",
        "O(1) for each member",
    );

fn geohash(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let set = ctx.db.object_and_seed::<SortedSet>(&args[1])?;
    ctx.reply.array(args.len() - 2);
    for member in args.iter_from(2) {
        match set.as_ref().and_then(|(set, seed, _)| set.score(member, seed)) {
            Some(score) => ctx.reply.bulk(&Position::of_score(score).letters()),
            None => ctx.reply.null(),
        }
    }
    Ok(Flow::Done)
}

/// GEODIST key member member \[unit\]: how far two members are from each other.
pub const GEODIST: Command = Command::new("geodist", -4, geodist)
    .readonly()
    .acl(Acl::GEO)
    .group(Group::Geo)
    .since("3.2.0")
    .keys(ACCESS)
    .docs("key member1 member2 [M|KM|FT|MI]", "Returns the distance between two members.", "O(1)");

fn geodist(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let metres = match args.len() {
        4 => 1.0,
        5 => unit(args, 4)?,
        _ => return Err(Error::Syntax),
    };
    let set = ctx.db.object_and_seed::<SortedSet>(&args[1])?;
    let place = |index: usize| {
        let (set, seed, _) = set.as_ref()?;
        set.score(&args[index], seed).map(Position::of_score)
    };
    match place(2).zip(place(3)) {
        Some((a, b)) => write_distance(ctx.reply, sphere::distance(a, b) / metres),
        None => ctx.reply.null(),
    }
    Ok(Flow::Done)
}
