//! SORT and SORT_RO: the elements of a list, set or sorted set in another order, or what other keys say of
//! them.
//!
//! The elements are copied into one buffer, because the look-ups of BY and GET may delete expired keys.
//! What is sorted are small records of a number and a place in that buffer.

use crate::collections::decimal::{self, parse_double};
use crate::collections::listpack::Element;
use crate::collections::rank::{self, Ranked};
use crate::command::keys::{Begin, Find};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec, permission};
use crate::commands::table;
use crate::error::Error;
use crate::store::{Class, Entry, Store};
use crate::value::list::Side;
use crate::value::sorted_set::Direction;
use crate::value::{Hash, List, Set, SortedSet, Type};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

const SORTS: Acl = Acl::DANGEROUS.union(Acl::LIST).union(Acl::SET).union(Acl::SORTEDSET);
const KEY: KeySpec = KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS));
/// The keys of BY and GET, which depend on the elements.
const PATTERNS: KeySpec =
    KeySpec::custom(KeyFlags::RO.union(KeyFlags::ACCESS), Begin::Unknown, Find::Unknown);
const STORED: KeySpec =
    KeySpec::custom(KeyFlags::OW.union(KeyFlags::UPDATE), Begin::Unknown, Find::Unknown);

/// SORT key …: elements in order, replied or stored.
pub const SORT: Command = Command::new("sort", -2, sort)
    .denyoom()
    .write()
    .acl(SORTS)
    .group(Group::Generic)
    .since("1.0.0")
    .keys(&[KEY, PATTERNS, STORED])
    .docs(
        "key [BY by-pattern:pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC|DESC] [ALPHA] [STORE destination]",
        "Sorts the elements of a list, a set or a sorted set, and returns or stores them.",
        "O(N+M*log(M)) for N elements, of which M are returned",
    );

fn sort(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    run(ctx, args, true)
}

/// SORT_RO key …: SORT that stores nothing.
pub const SORT_RO: Command = Command::new("sort_ro", -2, sort_ro)
    .readonly()
    .acl(SORTS)
    .group(Group::Generic)
    .since("7.0.0")
    .keys(&[KEY, PATTERNS])
    .docs(
        "key [BY by-pattern:pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC|DESC] [ALPHA]",
        "Returns the elements of a list, a set or a sorted set in order.",
        "O(N+M*log(M)) for N elements, of which M are returned",
    );

fn sort_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    run(ctx, args, false)
}

/// What a command asks for.
#[derive(Debug, Default)]
struct Query<'a> {
    descending: bool,
    alpha: bool,
    /// Where to begin and how many; `None`: all.
    limit: Option<(i64, i64)>,
    by: Option<&'a [u8]>,
    get: Vec<Pattern<'a>>,
    store: Option<&'a [u8]>,
}

/// The name of a key, and maybe of a hash's field, that depends on an element.
#[derive(Debug, Clone, Copy)]
enum Pattern<'a> {
    /// `#`: the element itself.
    Itself,
    /// No `*`: there is no such value.
    Nothing,
    /// The element between two parts of a key's name.
    #[allow(missing_docs)]
    Key { before: &'a [u8], after: &'a [u8], field: Option<&'a [u8]> },
}

impl<'a> Pattern<'a> {
    fn new(text: &'a [u8]) -> Self {
        if text == b"#" {
            return Self::Itself;
        }
        let Some(star) = text.iter().position(|&byte| byte == b'*') else { return Self::Nothing };
        let (before, rest) = (&text[..star], &text[star + 1..]);
        // An arrow with nothing behind it is part of the key's name.
        match rest.windows(2).position(|pair| pair == b"->") {
            Some(arrow) if arrow + 2 < rest.len() => {
                Self::Key { before, after: &rest[..arrow], field: Some(&rest[arrow + 2..]) }
            }
            _ => Self::Key { before, after: rest, field: None },
        }
    }
}

/// Texts one behind the other.
#[derive(Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn at(&self, place: u32) -> &[u8] {
        let place = place as usize;
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.bytes[start..self.ends[place]]
    }
}

/// Whether the client may have keys read whose names its command does not say: for BY and GET with a
/// pattern. What else refuses them, such as a cluster, belongs here.
fn may_read_all_keys(ctx: &Ctx<'_>, args: Args<'_>) -> bool {
    ctx.client.unrestricted
        || table::find(ctx.command.name.as_bytes()).is_some_and(|(id, command)| {
            permission::may_and_reads_all_keys(&ctx.client.user, id, command, args)
        })
}

fn parse<'a>(ctx: &Ctx<'_>, args: Args<'a>, may_store: bool) -> Result<Query<'a>, Error> {
    let mut query = Query::default();
    let mut at = 2;
    while at < args.len() {
        let rest = args.len() - at - 1;
        if args.is(at, "asc") {
            query.descending = false;
        } else if args.is(at, "desc") {
            query.descending = true;
        } else if args.is(at, "alpha") {
            query.alpha = true;
        } else if args.is(at, "limit") && rest >= 2 {
            query.limit = Some((args.int(at + 1)?, args.int(at + 2)?));
            at += 2;
        } else if may_store && args.is(at, "store") && rest >= 1 {
            query.store = Some(args.at(at + 1));
            at += 1;
        } else if args.is(at, "by") && rest >= 1 {
            let pattern = args.at(at + 1);
            if pattern.contains(&b'*') && !may_read_all_keys(ctx, args) {
                return Err(Error::Text(
                    "ERR BY option of SORT denied due to insufficient ACL permissions.",
                ));
            }
            query.by = Some(pattern);
            at += 1;
        } else if args.is(at, "get") && rest >= 1 {
            if !may_read_all_keys(ctx, args) {
                return Err(Error::Text(
                    "ERR GET option of SORT denied due to insufficient ACL permissions.",
                ));
            }
            query.get.push(Pattern::new(args.at(at + 1)));
            at += 1;
        } else {
            return Err(Error::Syntax);
        }
        at += 1;
    }
    Ok(query)
}

fn run(ctx: &mut Ctx<'_>, args: Args<'_>, may_store: bool) -> Result<Flow, Error> {
    let mut query = parse(ctx, args, may_store)?;
    let key = &args[1];
    let kind = ctx.db.read(key).map(|entry| entry.kind().type_());
    // BY without a star asks for no order.
    let mut sorts = query.by.is_none_or(|pattern| pattern.contains(&b'*'));
    let calling = ctx.server.scripting.calling;
    if kind == Some(Type::Set) && !sorts && (query.store.is_some() || calling) {
        // What is stored, and what scripts see, does not depend on the order in a table.
        (sorts, query.alpha, query.by) = (true, true, None);
    }
    let len = match kind {
        None => 0,
        Some(Type::List) => ctx.db.shared::<List>(key).map_or(0, List::len),
        Some(Type::Set) => ctx.db.shared::<Set>(key).map_or(0, |set| set.len() as u64),
        Some(Type::SortedSet) => ctx.db.shared::<SortedSet>(key).map_or(0, SortedSet::len),
        Some(_) => return Err(Error::WrongType),
    };
    let window = window(query.limit, len);
    let (elements, window) = if sorts || kind == Some(Type::Set) {
        (load(ctx.db, key, 0..len, Direction::Up), window)
    } else {
        // The native order: only what is asked for is read.
        let direction = if query.descending { Direction::Down } else { Direction::Up };
        let count = window.end - window.start;
        (load(ctx.db, key, window, direction), 0..count)
    };
    let mut order: Vec<Ranked> =
        (0..elements.len() as u32).map(|place| Ranked { key: 0.0, place }).collect();
    if sorts {
        put_in_order(ctx, &query, &elements, &mut order, &window)?;
    }
    let chosen = &order[window.start as usize..window.end as usize];
    match query.store {
        Some(destination) => store(ctx, destination, &query, &elements, chosen),
        None => reply(ctx, &query, &elements, chosen),
    }
    Ok(Flow::Done)
}

/// The places that are asked for of `len`.
fn window(limit: Option<(i64, i64)>, len: u64) -> Range<u64> {
    let Some((offset, count)) = limit else { return 0..len };
    let start = u64::try_from(offset).unwrap_or(0).min(len);
    let end = u64::try_from(count).map_or(len, |count| start.saturating_add(count).min(len));
    start..end
}

/// Copies of some elements, counted from one end.
fn load(db: &Store, key: &[u8], places: Range<u64>, direction: Direction) -> Texts {
    let mut texts = Texts::default();
    let count = places.end - places.start;
    let push = |texts: &mut Texts, element: Element<'_>| texts.push(&element.text());
    if let Some(list) = db.shared::<List>(key) {
        match direction {
            Direction::Up => list.each(places.start, count, |element| push(&mut texts, element)),
            Direction::Down => list
                .iter_back()
                .skip(places.start as usize)
                .take(count as usize)
                .for_each(|element| push(&mut texts, element)),
        }
    } else if let Some(set) = db.shared::<Set>(key) {
        set.iter().for_each(|element| push(&mut texts, element));
    } else if let Some(zset) = db.shared::<SortedSet>(key)
        && count > 0
    {
        let from = match direction {
            Direction::Up => places.start,
            Direction::Down => zset.len() - 1 - places.start,
        };
        zset.iter_from(from, direction)
            .take(count as usize)
            .for_each(|(element, _)| push(&mut texts, element));
    }
    texts
}

/// Sorts `order` as the query wants it.
fn put_in_order(
    ctx: &mut Ctx<'_>,
    query: &Query<'_>,
    elements: &Texts,
    order: &mut [Ranked],
    window: &Range<u64>,
) -> Result<(), Error> {
    // Of BY: what the elements are compared by. Where there is nothing, the number is 0.
    let mut weights = Texts::default();
    let mut missing = Vec::new();
    if let Some(pattern) = query.by.map(Pattern::new) {
        let (mut name, mut value) = (Vec::new(), Vec::new());
        for item in &mut *order {
            let found = look_up(ctx.db, pattern, elements.at(item.place), &mut name, &mut value);
            if query.alpha {
                missing.push(!found);
                weights.push(if found { &value } else { b"" });
            } else if found {
                item.key = number(&value)?;
            }
        }
    } else if !query.alpha {
        for item in &mut *order {
            item.key = number(elements.at(item.place))?;
        }
    }
    // Redis compares what is not to be stored as C strings, which end at a zero byte.
    let to_zero = |text: &'_ [u8]| -> usize {
        let end = if query.store.is_some() { None } else { text.iter().position(|&b| b == 0) };
        end.unwrap_or(text.len())
    };
    let collate = |a: &[u8], b: &[u8]| a[..to_zero(a)].cmp(&b[..to_zero(b)]);
    let ascending = |a: Ranked, b: Ranked| -> Ordering {
        if !query.alpha {
            // Equal numbers are told apart by their texts.
            let by_number = a.key.partial_cmp(&b.key).unwrap_or(Ordering::Equal);
            return by_number.then_with(|| elements.at(a.place).cmp(elements.at(b.place)));
        }
        if query.by.is_none() {
            return collate(elements.at(a.place), elements.at(b.place));
        }
        match (missing[a.place as usize], missing[b.place as usize]) {
            (false, false) => collate(weights.at(a.place), weights.at(b.place)),
            (a, b) => b.cmp(&a),
        }
    };
    let mut compare = |a: Ranked, b: Ranked| {
        let order = ascending(a, b);
        if query.descending { order.reverse() } else { order }
    };
    let is_part = window.start != 0 || window.end != order.len() as u64;
    if query.by.is_some() && is_part {
        if window.start < window.end {
            let (first, last) = (window.start as usize, window.end as usize - 1);
            rank::sort_window(order, first, last, &mut compare);
        }
    } else {
        rank::sort(order, &mut compare);
    }
    Ok(())
}

/// A text as a number in the way of C's `strtod`: to a zero byte, blanks before it, nothing is 0.
fn number(text: &[u8]) -> Result<f64, Error> {
    if let Some(value) = decimal::parse(text) {
        return Ok(value as f64);
    }
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Ok(0.0);
    }
    let blanks = text.iter().take_while(|&&byte| matches!(byte, b' ' | 9..=13)).count();
    parse_double(&text[blanks..])
        .ok_or(Error::Text("ERR One or more scores can't be converted into double"))
}

/// Puts what a pattern says of an element into `value`; whether there is anything. `name` is for scratch.
fn look_up(
    db: &mut Store,
    pattern: Pattern<'_>,
    element: &[u8],
    name: &mut Vec<u8>,
    value: &mut Vec<u8>,
) -> bool {
    value.clear();
    let (before, after, field) = match pattern {
        Pattern::Itself => {
            value.extend_from_slice(element);
            return true;
        }
        Pattern::Nothing => return false,
        Pattern::Key { before, after, field } => (before, after, field),
    };
    name.clear();
    for part in [before, element, after] {
        name.extend_from_slice(part);
    }
    let Some(field) = field else {
        let Some(text) = db.read(name).and_then(Entry::as_str) else { return false };
        value.extend_from_slice(text.text(&mut itoa::Buffer::new()));
        return true;
    };
    let now_ms = db.due_ms();
    let Ok(Some((hash, seed, _))) = db.object_and_seed::<Hash>(name) else { return false };
    let Some(found) = hash.get(field, seed, now_ms) else { return false };
    value.extend_from_slice(&found.text());
    true
}

fn reply(ctx: &mut Ctx<'_>, query: &Query<'_>, elements: &Texts, chosen: &[Ranked]) {
    ctx.reply.array(chosen.len() * query.get.len().max(1));
    let (mut name, mut value) = (Vec::new(), Vec::new());
    for item in chosen {
        let element = elements.at(item.place);
        if query.get.is_empty() {
            ctx.reply.bulk(element);
        }
        for pattern in &query.get {
            let found = look_up(ctx.db, *pattern, element, &mut name, &mut value);
            ctx.reply.bulk_or_null(found.then_some(value.as_slice()));
        }
    }
}

/// Stores what would have been replied as a list; what is missing is an empty element.
fn store(
    ctx: &mut Ctx<'_>,
    destination: &[u8],
    query: &Query<'_>,
    elements: &Texts,
    chosen: &[Ranked],
) {
    let limits = ctx.db.tuning.list_limits();
    let mut list = List::default();
    let (mut name, mut value) = (Vec::new(), Vec::new());
    for item in chosen {
        let element = elements.at(item.place);
        if query.get.is_empty() {
            list.push(element, Side::After, limits);
        }
        for pattern in &query.get {
            look_up(ctx.db, *pattern, element, &mut name, &mut value);
            list.push(&value, Side::After, limits);
        }
    }
    let len = list.len();
    if len > 0 {
        ctx.db.set_object(destination, list);
        ctx.db.changed(Class::LIST, "sortstore", destination);
        ctx.db.dirty += len - 1;
    } else if ctx.db.remove_live(destination) {
        ctx.db.changed(Class::GENERIC, "del", destination);
    }
    ctx.reply.int(len as i64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_a_place_for_the_element_and_maybe_a_field() {
        let parts = |text: &'static str| match Pattern::new(text.as_bytes()) {
            Pattern::Key { before, after, field } => Some((before, after, field)),
            _ => None,
        };
        assert_eq!(parts("a*b"), Some((&b"a"[..], &b"b"[..], None)));
        assert_eq!(parts("a*b->f"), Some((&b"a"[..], &b"b"[..], Some(&b"f"[..]))));
        assert_eq!(parts("a*->"), Some((&b"a"[..], &b"->"[..], None)));
        assert_eq!(parts("a->f*"), Some((&b"a->f"[..], &b""[..], None)));
        assert!(matches!(Pattern::new(b"#"), Pattern::Itself));
        assert!(matches!(Pattern::new(b"a->b"), Pattern::Nothing));
    }

    #[test]
    fn a_limit_is_cut_to_what_there_is() {
        assert_eq!(window(None, 5), 0..5);
        assert_eq!(window(Some((-3, 2)), 5), 0..2);
        assert_eq!(window(Some((3, 9)), 5), 3..5);
        assert_eq!(window(Some((3, -9)), 5), 3..5);
        assert_eq!(window(Some((9, 1)), 5), 5..5);
        assert_eq!(window(Some((2, i64::MAX)), 5), 2..5);
    }

    #[test]
    fn numbers_are_what_strtod_reads() {
        assert_eq!(number(b""), Ok(0.0));
        assert_eq!(number(b" \t1.5"), Ok(1.5));
        assert_eq!(number(b"2\0x"), Ok(2.0));
        for text in [&b" "[..], b"1 ", b"x", b"nan", b"1e400"] {
            assert!(number(text).is_err());
        }
    }
}
