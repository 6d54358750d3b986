//! GEOSEARCH and GEOSEARCHSTORE, and the older GEORADIUS family: members within a shape.
//!
//! A search reads at most nine ranges of scores, those of the cells around its centre. Members stay where
//! they are until they are replied: what is kept of one that is found are its place and its distance.

use super::geohash::Position;
use super::sphere::{Region, Shape};
use super::{position, unit, write_distance, write_position};
use crate::collections::decimal::parse_double;
use crate::collections::listpack::Element;
use crate::collections::rank::{self, Ranked};
use crate::command::keys::{Begin, Find};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::{Error, printable};
use crate::resp::Reply;
use crate::store::{Class, Store};
use crate::value::SortedSet;
use crate::value::sorted_set::Direction;
use alloc::format;
use alloc::vec::Vec;
use core::cmp::Ordering;

const ACCESS: KeySpec = KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS));

/// The key behind a word, looked for from an argument on.
const fn stored(word: &'static str, from: i16) -> KeySpec {
    KeySpec::custom(
        KeyFlags::OW.union(KeyFlags::UPDATE),
        Begin::Keyword(word, from),
        Find::Range { last: 0, step: 1, limit: 0 },
    )
}

/// GEOSEARCH key from by …: the members within a circle, a box or a polygon.
pub const GEOSEARCH: Command = Command::new("geosearch", -7, geosearch)
    .readonly()
    .acl(Acl::GEO)
    .group(Group::Geo)
    .since("6.2.0")
    .keys(&[ACCESS])
    .docs(
        "key [FROMMEMBER member|FROMLONLAT longitude latitude] (BYRADIUS radius (M|KM|FT|MI)|BYBOX width height (M|KM|FT|MI)|BYPOLYGON num-vertices:integer longitude latitude [longitude latitude ...]) [ASC|DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
        "Returns the members within a circle, a box or a polygon.",
        "O(N+log(M)) for N members in the cells around the shape, of M",
    );

fn geosearch(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    search(ctx, args, Form::Search)
}

/// GEOSEARCHSTORE destination source from by …: stores the members within a shape.
pub const GEOSEARCHSTORE: Command = Command::new("geosearchstore", -8, geosearchstore)
    .denyoom()
    .write()
    .acl(Acl::GEO)
    .group(Group::Geo)
    .since("6.2.0")
    .keys(&[
        KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::one(2, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ])
    .docs(
        "destination source [FROMMEMBER member|FROMLONLAT longitude latitude] (BYRADIUS radius (M|KM|FT|MI)|BYBOX width height (M|KM|FT|MI)|BYPOLYGON num-vertices:integer longitude latitude [longitude latitude ...]) [ASC|DESC] [COUNT count [ANY]] [STOREDIST]",
        "Stores the members within a circle, a box or a polygon.",
        "O(N+log(M)) for N members in the cells around the shape, of M",
    );

fn geosearchstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    search(ctx, args, Form::SearchStore)
}

/// GEORADIUS key longitude latitude radius unit …: the members within a circle.
pub const GEORADIUS: Command = Command::new("georadius", -6, georadius)
    .denyoom()
    .write()
    .acl(Acl::GEO)
    .group(Group::Geo)
    .since("3.2.0")
    .keys(&[ACCESS, stored("STORE", 6), stored("STOREDIST", 6)])
    .deprecated("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")
    .docs(
        "key longitude latitude radius (M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC] [STORE key|STOREDIST key]",
        "Returns or stores the members within a circle around a position.",
        "O(N+log(M)) for N members in the cells around the circle, of M",
    );

fn georadius(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    search(ctx, args, Form::Around { stores: true })
}

/// GEORADIUS_RO key longitude latitude radius unit …: GEORADIUS that stores nothing.
pub const GEORADIUS_RO: Command = Command::new("georadius_ro", -6, georadius_ro)
    .readonly()
    .acl(Acl::GEO)
    .group(Group::Geo)
    .since("3.2.10")
    .keys(&[ACCESS])
    .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")
    .docs(
        "key longitude latitude radius (M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC]",
        "Returns the members within a circle around a position.",
        "O(N+log(M)) for N members in the cells around the circle, of M",
    );

fn georadius_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    search(ctx, args, Form::Around { stores: false })
}

/// GEORADIUSBYMEMBER key member radius unit …: the members within a circle around one of them.
pub const GEORADIUSBYMEMBER: Command = Command::new("georadiusbymember", -5, georadiusbymember)
    .denyoom()
    .write()
    .acl(Acl::GEO)
    .group(Group::Geo)
    .since("3.2.0")
    .keys(&[ACCESS, stored("STORE", 5), stored("STOREDIST", 5)])
    .deprecated(
        "6.2.0",
        "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    )
    .docs(
        "key member radius (M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC] [STORE key|STOREDIST key]",
        "Returns or stores the members within a circle around one of them.",
        "O(N+log(M)) for N members in the cells around the circle, of M",
    );

fn georadiusbymember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    search(ctx, args, Form::AroundMember { stores: true })
}

/// GEORADIUSBYMEMBER_RO key member radius unit …: GEORADIUSBYMEMBER that stores nothing.
pub const GEORADIUSBYMEMBER_RO: Command =
    Command::new("georadiusbymember_ro", -5, georadiusbymember_ro)
        .readonly()
        .acl(Acl::GEO)
        .group(Group::Geo)
        .since("3.2.10")
        .keys(&[ACCESS])
        .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")
        .docs(
            "key member radius (M|KM|FT|MI) [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC]",
            "Returns the members within a circle around one of them.",
            "O(N+log(M)) for N members in the cells around the circle, of M",
        );

fn georadiusbymember_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    search(ctx, args, Form::AroundMember { stores: false })
}

/// Which command it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Search,
    SearchStore,
    Around { stores: bool },
    AroundMember { stores: bool },
}

/// What a command asks for.
#[derive(Debug, Default)]
struct Query<'a> {
    /// `None` where it depends on a key that does not exist.
    center: Option<Position>,
    shape: Option<Shape>,
    /// Metres in the unit of the shape.
    unit: f64,
    with_distance: bool,
    with_hash: bool,
    with_position: bool,
    /// 0: all.
    count: u64,
    any: bool,
    order: Option<Direction>,
    store: Option<&'a [u8]>,
    store_distance: bool,
}

/// A member that was found.
#[derive(Debug, Clone, Copy)]
struct Hit<'a> {
    member: Element<'a>,
    score: f64,
    /// From the centre, in metres, if anybody wants it.
    distance: f64,
}

fn search(ctx: &mut Ctx<'_>, args: Args<'_>, form: Form) -> Result<Flow, Error> {
    let source = &args[if form == Form::SearchStore { 2 } else { 1 }];
    // Redis looks at the key before the arguments: a member may be the centre.
    ctx.db.object::<SortedSet>(source)?;
    let query = parse(ctx.db, args, form, source)?;
    let (Some(set), Some(center), Some(shape)) =
        (ctx.db.shared::<SortedSet>(source), query.center, &query.shape)
    else {
        match query.store {
            Some(destination) => store(ctx, destination, form, SortedSet::default()),
            None => ctx.reply.array(0),
        }
        return Ok(Flow::Done);
    };
    // Without an order, the nearest are meant by a count of any but ANY.
    let nearest = (query.count > 0 && !query.any).then_some(Direction::Up);
    let order = query.order.or(nearest);
    let wants_distance = query.with_distance || query.store_distance || order.is_some();
    let region = Region::new(center, shape.clone());
    let hits = find(set, &region, if query.any { query.count } else { 0 }, wants_distance);
    let count = if query.count == 0 { hits.len() as u64 } else { query.count };
    let count = count.min(hits.len() as u64) as usize;
    let places = order.map(|direction| places_in_order(&hits, direction, count));
    let chosen = (0..count).map(|at| match &places {
        Some(places) => hits[places[at].place as usize],
        None => hits[at],
    });
    match query.store {
        None => write_hits(ctx.reply, &query, count, chosen),
        Some(destination) => {
            let mut result = SortedSet::default();
            for hit in chosen {
                let score =
                    if query.store_distance { hit.distance / query.unit } else { hit.score };
                result.insert(&hit.member.text(), score, &ctx.db.tuning);
            }
            store(ctx, destination, form, result);
        }
    }
    Ok(Flow::Done)
}

/// The members in a region, up to `limit` of them (0: all), in the order of the cells.
fn find<'a>(set: &'a SortedSet, region: &Region, limit: u64, wants_distance: bool) -> Vec<Hit<'a>> {
    let mut hits = Vec::new();
    let is_enough = |hits: &Vec<Hit<'_>>| limit > 0 && hits.len() as u64 >= limit;
    let mut before = None;
    for (index, cell) in region.cells().enumerate() {
        // The largest cells meet on the far side, where neighbours are one and the same.
        if before == Some(cell) {
            continue;
        }
        if is_enough(&hits) {
            break;
        }
        let scores = cell.scores();
        let from = set.lower_bound(|_, score| score < scores.start);
        for (member, score) in set.iter_from(from, Direction::Up) {
            if score >= scores.end {
                break;
            }
            let place = Position::of_score(score);
            if let Some(distance) = region.distance_within(place, wants_distance) {
                hits.push(Hit { member, score, distance });
                if is_enough(&hits) {
                    break;
                }
            }
        }
        before = (index > 0).then_some(cell);
    }
    hits
}

/// The places of hits by their distance; the first `count` are as they should be.
fn places_in_order(hits: &[Hit<'_>], direction: Direction, count: usize) -> Vec<Ranked> {
    let ranked =
        |(place, hit): (usize, &Hit<'_>)| Ranked { key: hit.distance, place: place as u32 };
    let mut places: Vec<Ranked> = hits.iter().enumerate().map(ranked).collect();
    let mut compare = |a: Ranked, b: Ranked| -> Ordering {
        match direction {
            Direction::Up => a.key.total_cmp(&b.key),
            Direction::Down => b.key.total_cmp(&a.key),
        }
    };
    if count == places.len() {
        rank::sort(&mut places, &mut compare);
    } else {
        rank::sort_window(&mut places, 0, count - 1, &mut compare);
    }
    places
}

fn write_hits<'a>(
    reply: &mut Reply,
    query: &Query<'_>,
    count: usize,
    hits: impl Iterator<Item = Hit<'a>>,
) {
    let options = [query.with_distance, query.with_hash, query.with_position];
    let extras = options.into_iter().filter(|with| *with).count();
    reply.array(count);
    for hit in hits {
        if extras > 0 {
            reply.array(1 + extras);
        }
        reply.element(hit.member);
        if query.with_distance {
            write_distance(reply, hit.distance / query.unit);
        }
        if query.with_hash {
            reply.int(hit.score as i64);
        }
        if query.with_position {
            write_position(reply, Position::of_score(hit.score));
        }
    }
}

/// Stores what was found, and replies how many that are.
fn store(ctx: &mut Ctx<'_>, destination: &[u8], form: Form, result: SortedSet) {
    let len = result.len();
    if len > 0 {
        let event = if form == Form::SearchStore { "geosearchstore" } else { "georadiusstore" };
        ctx.db.set_object(destination, result);
        ctx.db.changed(Class::ZSET, event, destination);
        ctx.db.dirty += len - 1;
    } else if ctx.db.remove_live(destination) {
        ctx.db.changed(Class::GENERIC, "del", destination);
    }
    ctx.reply.int(len as i64);
}

fn parse<'a>(db: &Store, args: Args<'a>, form: Form, source: &[u8]) -> Result<Query<'a>, Error> {
    let set = db.shared::<SortedSet>(source);
    // `None` where there is no key: then the arguments are read for their mistakes alone.
    let place_of = |index: usize| -> Result<Option<Position>, Error> {
        let Some(set) = set else { return Ok(None) };
        let score = set.score(&args[index], &db.tuning.seed);
        let score = score.ok_or(Error::Text("ERR could not decode requested zset member"))?;
        Ok(Some(Position::of_score(score)))
    };
    let mut query = Query { unit: 1.0, ..Query::default() };
    let (is_search, may_store) = match form {
        Form::Search | Form::SearchStore => (true, false),
        Form::Around { stores } | Form::AroundMember { stores } => (false, stores),
    };
    let mut at = match form {
        Form::Search => 2,
        Form::SearchStore => {
            query.store = Some(args.at(1));
            3
        }
        Form::Around { .. } => {
            query.center = Some(position(args, 2)?);
            circle(&mut query, args, 4)?;
            6
        }
        Form::AroundMember { .. } => {
            query.center = place_of(2)?;
            if query.center.is_some() {
                circle(&mut query, args, 3)?;
            }
            5
        }
    };
    let (mut from_member, mut from_position) = (false, false);
    while at < args.len() {
        let rest = args.len() - at - 1;
        let (is_box, is_circle, is_polygon) = (
            matches!(query.shape, Some(Shape::Box { .. })),
            matches!(query.shape, Some(Shape::Circle { .. })),
            matches!(query.shape, Some(Shape::Polygon(_))),
        );
        if args.is(at, "withdist") {
            query.with_distance = true;
        } else if args.is(at, "withhash") {
            query.with_hash = true;
        } else if args.is(at, "withcoord") {
            query.with_position = true;
        } else if args.is(at, "any") {
            query.any = true;
        } else if args.is(at, "asc") {
            query.order = Some(Direction::Up);
        } else if args.is(at, "desc") {
            query.order = Some(Direction::Down);
        } else if args.is(at, "count") && rest >= 1 {
            let count = args.int(at + 1)?;
            query.count = u64::try_from(count).unwrap_or(0);
            if query.count == 0 {
                return Err(Error::Text("ERR COUNT must be > 0"));
            }
            at += 1;
        } else if may_store && rest >= 1 && (args.is(at, "store") || args.is(at, "storedist")) {
            query.store = Some(args.at(at + 1));
            query.store_distance = args.is(at, "storedist");
            at += 1;
        } else if !is_search {
            return Err(Error::Syntax);
        } else if args.is(at, "frommember") && rest >= 1 && !from_position && !is_polygon {
            query.center = place_of(at + 1)?;
            from_member = true;
            at += 1;
        } else if args.is(at, "fromlonlat") && rest >= 2 && !from_member && !is_polygon {
            query.center = Some(position(args, at + 1)?);
            from_position = true;
            at += 2;
        } else if args.is(at, "byradius") && rest >= 2 && !is_box && !is_polygon {
            circle(&mut query, args, at + 1)?;
            at += 2;
        } else if args.is(at, "bybox") && rest >= 3 && !is_circle && !is_polygon {
            bounding_box(&mut query, args, at + 1)?;
            at += 3;
        } else if args.is(at, "bypolygon")
            && rest >= 1
            && query.shape.is_none()
            && !from_member
            && !from_position
        {
            at += polygon(&mut query, args, at + 1)?;
        } else if args.is(at, "storedist") && form == Form::SearchStore {
            query.store_distance = true;
        } else {
            return Err(Error::Syntax);
        }
        at += 1;
    }
    if query.store.is_some() && (query.with_distance || query.with_hash || query.with_position) {
        return Err(Error::Text(if form == Form::SearchStore {
            "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
        } else {
            "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
        }));
    }
    let is_polygon = matches!(query.shape, Some(Shape::Polygon(_)));
    if is_search && !(from_member || from_position || is_polygon) {
        return Err(one_of(args, "FROMMEMBER or FROMLONLAT"));
    }
    if is_search && query.shape.is_none() {
        return Err(one_of(args, "BYRADIUS and BYBOX"));
    }
    if query.any && query.count == 0 {
        return Err(Error::Text("ERR the ANY argument requires COUNT argument"));
    }
    Ok(query)
}

fn one_of(args: Args<'_>, words: &str) -> Error {
    let name = printable(&args[0], 128);
    Error::Owned(format!("ERR exactly one of {words} can be specified for {name}"))
}

/// Reads a radius and its unit.
fn circle(query: &mut Query<'_>, args: Args<'_>, index: usize) -> Result<(), Error> {
    let radius = parse_double(&args[index]).ok_or(Error::Text("ERR need numeric radius"))?;
    if radius < 0.0 {
        return Err(Error::Text("ERR radius cannot be negative"));
    }
    query.unit = unit(args, index + 1)?;
    query.shape = Some(Shape::Circle { radius: radius * query.unit });
    Ok(())
}

/// Reads a width, a height and their unit.
fn bounding_box(query: &mut Query<'_>, args: Args<'_>, index: usize) -> Result<(), Error> {
    let width = parse_double(&args[index]).ok_or(Error::Text("ERR need numeric width"))?;
    let height = parse_double(&args[index + 1]).ok_or(Error::Text("ERR need numeric height"))?;
    if width < 0.0 || height < 0.0 {
        return Err(Error::Text("ERR height or width cannot be negative"));
    }
    query.unit = unit(args, index + 2)?;
    query.shape = Some(Shape::Box { width: width * query.unit, height: height * query.unit });
    Ok(())
}

/// Reads a number of vertices and as many positions; how many arguments that are.
fn polygon(query: &mut Query<'_>, args: Args<'_>, index: usize) -> Result<usize, Error> {
    let count = args.int_in(
        index,
        i64::from(i32::MIN)..=i64::from(i32::MAX),
        "ERR invalid number of vertices",
    )?;
    // What is too short for its own number is told so too.
    let count = usize::try_from(count).unwrap_or(0);
    if count < 3 || (args.len() - index - 1) / 2 < count {
        return Err(Error::Text("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"));
    }
    let vertices: Result<Vec<_>, _> =
        (0..count).map(|vertex| position(args, index + 1 + vertex * 2)).collect();
    query.shape = Some(Shape::Polygon(vertices?));
    // The centre is the polygon's own.
    query.center = Some(Position { longitude: 0.0, latitude: 0.0 });
    Ok(1 + count * 2)
}
