//! LLEN, LINDEX, LRANGE, LPOS: reading lists.

use super::{place, span};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::value::List;

const ACCESS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))];

/// LLEN key: how many elements there are.
pub const LLEN: Command = Command::new("llen", 2, llen)
    .readonly()
    .fast()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("key", "Returns the length of a list.", "O(1)");

fn llen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let len = ctx.db.object::<List>(args.at(1))?.map_or(0, List::len);
    ctx.reply.int(len as i64);
    Ok(Flow::Done)
}

/// LINDEX key index: one element.
pub const LINDEX: Command = Command::new("lindex", 3, lindex)
    .readonly()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("1.0.0")
    .keys(ACCESS)
    .docs(
        "key index",
        "Returns the element with an index; negative ones count from the last.",
        "O(N) with N elements to the nearer end, far fewer where the list has many nodes",
    );

fn lindex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    // The index is read after the type is known: that is the order of Redis's errors.
    match ctx.db.object::<List>(args.at(1))? {
        None => ctx.reply.null(),
        Some(list) => {
            let index = args.int(2)?;
            match place(index, list.len()).and_then(|place| list.at(place)) {
                Some(element) => ctx.reply.element(element),
                None => ctx.reply.null(),
            }
        }
    }
    Ok(Flow::Done)
}

/// LRANGE key start stop: the elements of a range.
pub const LRANGE: Command = Command::new("lrange", 4, lrange)
    .readonly()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("1.0.0")
    .keys(ACCESS)
    .docs(
        "key start stop",
        "Returns the elements of a range, both ends included.",
        "O(S+N) with S elements from the nearer end to the start and N elements in the range",
    );

#[cfg_attr(redstart_small, optimize(speed))]
fn lrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (start, stop) = (args.int(2)?, args.int(3)?);
    let Some(list) = ctx.db.object::<List>(args.at(1))? else {
        ctx.reply.array(0);
        return Ok(Flow::Done);
    };
    let (start, count) = span(start, stop, list.len());
    ctx.reply.out.reserve((list.element_bytes() + 6).saturating_mul(count as usize).min(1 << 20));
    ctx.reply.array(count as usize);
    ctx.reply.bulks(|bulks| list.each(start, count, |element| bulks.element(element)));
    Ok(Flow::Done)
}

/// LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]: where an element is.
pub const LPOS: Command = Command::new("lpos", -3, lpos)
    .readonly()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("6.0.6")
    .keys(ACCESS)
    .docs(
        "key element [RANK rank] [COUNT num-matches:integer] [MAXLEN len:integer]",
        "Returns the indexes of the elements that are equal to one.",
        "O(N) with N elements compared",
    );

const RANK_IS_ZERO: &str = "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list";

fn lpos(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (mut rank, mut count, mut compared_max) = (1, None, 0);
    let mut at = 3;
    while at < args.len() {
        if at + 1 == args.len() {
            return Err(Error::Syntax);
        }
        if args.is(at, "rank") {
            rank = args.int(at + 1)?;
            if rank == 0 {
                return Err(Error::Text(RANK_IS_ZERO));
            }
        } else if args.is(at, "count") {
            let negative = "ERR COUNT can't be negative";
            count = Some(args.int_in(at + 1, 0..=i64::MAX, negative)? as u64);
        } else if args.is(at, "maxlen") {
            let negative = "ERR MAXLEN can't be negative";
            compared_max = args.int_in(at + 1, 0..=i64::MAX, negative)? as usize;
        } else {
            return Err(Error::Syntax);
        }
        at += 2;
    }
    let Some(list) = ctx.db.object::<List>(args.at(1))? else {
        match count {
            Some(_) => ctx.reply.array(0),
            None => ctx.reply.null(),
        }
        return Ok(Flow::Done);
    };
    if (rank, count, compared_max) == (1, None, 0) {
        match list.position(args.at(2)) {
            Some(at) => ctx.reply.int(at as i64),
            None => ctx.reply.null(),
        }
        return Ok(Flow::Done);
    }
    let from_tail = rank < 0;
    let elements = if from_tail { list.iter_back() } else { list.iter() };
    let text = args.at(2);
    let len = list.len() as i64;
    // The least integer has no opposite, and Redis takes it for any rank before the first.
    let passed_over = if rank == i64::MIN { 0 } else { rank.unsigned_abs() - 1 };
    let passed_over = usize::try_from(passed_over).unwrap_or(usize::MAX);
    let places = elements
        .take(if compared_max == 0 { usize::MAX } else { compared_max })
        .enumerate()
        .filter(|(_, element)| element.eq_bytes(text))
        .skip(passed_over)
        .map(|(at, _)| if from_tail { len - 1 - at as i64 } else { at as i64 });
    reply_places(ctx.reply, places, count);
    Ok(Flow::Done)
}

/// Without a count the first place or null; with one an array of as many (0: all) as there are.
fn reply_places(
    reply: &mut crate::resp::Reply,
    mut places: impl Iterator<Item = i64>,
    count: Option<u64>,
) {
    let Some(count) = count else {
        match places.next() {
            Some(place) => reply.int(place),
            None => reply.null(),
        }
        return;
    };
    let most = if count == 0 { usize::MAX } else { count as usize };
    let array = reply.deferred();
    let mut found = 0;
    for place in places.take(most) {
        reply.int(place);
        found += 1;
    }
    reply.finish_array(array, found);
}
