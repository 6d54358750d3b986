//! The base of an append-only file as commands (`aof-use-rdb-preamble no`), as Redis writes it.
//!
//! ```text
//! #TS:…                      the second in which it was begun, if annotations are wanted
//! FUNCTION LOAD …            each library
//! SELECT …                   where another database follows
//! SET │ RPUSH │ SADD │ ZADD │ HMSET      up to 64 elements in one command
//! XADD … XSETID … XGROUP … XCLAIM        streams; HPEXPIREAT behind fields that expire
//! PEXPIREAT …                behind the value
//! ```
//!
//! It is another scribe of a [`cut`](crate::store::cut), which the host lends the engine: one that does without
//! such files does without this code. A text that is half written keeps all else waiting; so does any other
//! value, for the order's sake.

use super::rdb::is_large;
use super::spool::Spool;
use crate::collections::decimal::{DOUBLE_LEN, format_double_17g};
use crate::collections::hash::HashSeed;
use crate::collections::listpack::{Element, ElementText};
use crate::store::Entry;
use crate::store::access::AccessClock;
use crate::store::cut::{CutDb, Scribe};
use crate::store::journal::{STAMP, push_line, push_word};
use crate::value::list::NodeView;
use crate::value::sorted_set::Direction;
use crate::value::stream::{Group, ID_TEXT_MAX, Id, Mark};
use crate::value::{FieldTime, Hash, List, Set, SortedSet, Str, Stream};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What a base of commands is begun with.
#[derive(Debug)]
pub struct Beginning<'a> {
    /// The seed of the tables that are written.
    pub seed: HashSeed,
    /// The second in which it is begun, if there are to be annotations.
    pub stamp_s: Option<i64>,
    /// The libraries of functions, by their texts.
    pub libraries: &'a [Box<[u8]>],
}

/// Begins a base of commands.
pub fn scribe(beginning: &Beginning<'_>) -> Box<dyn Scribe> {
    let mut spool = Spool::default();
    if let Some(stamp_s) = beginning.stamp_s {
        push_line(&mut spool.out, STAMP, stamp_s.unsigned_abs());
    }
    for code in beginning.libraries {
        command(&mut spool.out, &[b"FUNCTION", b"LOAD", code]);
    }
    Box::new(Commands {
        spool,
        batch: Batch::default(),
        place: None,
        db: None,
        seed: beginning.seed,
    })
}

/// A base being written.
#[derive(Debug)]
struct Commands {
    spool: Spool,
    batch: Batch,
    /// How far the value is that is half written.
    place: Option<Place>,
    /// The database of the last key.
    db: Option<usize>,
    seed: HashSeed,
}

/// How far a value is written.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// The bytes of a text from here on are next.
    Text(usize),
    /// The nodes of a list from here on.
    Nodes(usize),
    /// The members of a set or the fields of a hash from this cursor on.
    Members(u64),
    /// The members of a sorted set from this rank on.
    Rank(u64),
    /// The entries of a stream from this ID on.
    Entries(Id),
    /// The group at this mark; if there is none, that was all.
    Group(Mark),
    /// The consumer of a group at this mark.
    Consumer(Mark, Mark),
    /// What is pending of a consumer from an ID on.
    Owned(Mark, Mark, Id),
    /// The expiry.
    Expiry,
}

/// A command has up to so many elements.
const ELEMENTS_AT_ONCE: usize = 64;

/// A command that gets longer with each element.
#[derive(Debug, Default)]
struct Batch {
    /// Its words behind the key.
    words: Vec<u8>,
    count: usize,
    elements: usize,
    /// Commands that follow it.
    behind: Vec<u8>,
}

impl Batch {
    fn word(&mut self, word: &[u8]) {
        push_word(&mut self.words, word);
        self.count += 1;
    }

    /// An element is whole: the command ends if it has enough of them.
    fn end_element(&mut self, out: &mut Vec<u8>, name: &[u8], key: &[u8]) {
        self.elements += 1;
        if self.elements == ELEMENTS_AT_ONCE {
            self.end(out, name, key);
        }
    }

    /// Ends the command, if one has begun.
    fn end(&mut self, out: &mut Vec<u8>, name: &[u8], key: &[u8]) {
        if self.count > 0 {
            push_line(out, b"*", 2 + self.count as u64);
            push_word(out, name);
            push_word(out, key);
            out.append(&mut self.words);
            out.append(&mut self.behind);
            (self.count, self.elements) = (0, 0);
        }
    }
}

impl Scribe for Commands {
    fn entry(&mut self, db: &CutDb, entry: &Entry, _access: &AccessClock) {
        let Spool { out, behind, .. } = &mut self.spool;
        let out = if self.place.is_some() { behind } else { out };
        select(out, db, &mut self.db);
        let mut place = begin(out, entry);
        while !write_part(out, &mut self.batch, entry, &self.seed, &mut place, usize::MAX) {}
    }

    fn is_large(&self, entry: &Entry) -> bool {
        is_large(entry)
    }

    fn part(&mut self, db: &CutDb, entry: &Entry, _access: &AccessClock, budget: usize) -> bool {
        let out = &mut self.spool.out;
        let place = self.place.get_or_insert_with(|| {
            select(out, db, &mut self.db);
            begin(out, entry)
        });
        let done = write_part(out, &mut self.batch, entry, &self.seed, place, budget);
        if done {
            self.place = None;
            self.spool.join();
        }
        done
    }

    fn end(&mut self) {
        debug_assert!(self.place.is_none(), "no value is half written");
    }

    fn written(&self) -> u64 {
        self.spool.written()
    }

    fn ready(&self) -> usize {
        self.spool.ready()
    }

    fn hand_out(&mut self, out: &mut Vec<u8>, most: usize) {
        self.spool.hand_out(out, most);
    }
}

/// Names the database of the key that follows, where it is another one than before.
fn select(out: &mut Vec<u8>, db: &CutDb, last: &mut Option<usize>) {
    if *last != Some(db.index) {
        *last = Some(db.index);
        command(out, &[b"SELECT", &number(db.index as u64 as i64)]);
    }
}

/// Begins an entry.
fn begin(out: &mut Vec<u8>, entry: &Entry) -> Place {
    if let Some(text) = entry.as_str() {
        push_line(out, b"*", 3);
        push_word(out, b"SET");
        push_word(out, entry.key());
        push_line(out, b"$", text.len() as u64);
        Place::Text(0)
    } else if entry.as_object::<List>().is_some() {
        Place::Nodes(0)
    } else if entry.as_object::<SortedSet>().is_some() {
        Place::Rank(0)
    } else if entry.as_object::<Stream>().is_some() {
        Place::Entries(Id::MIN)
    } else {
        Place::Members(0)
    }
}

/// Appends about `budget` more bytes of an entry; whether that was all.
fn write_part(
    out: &mut Vec<u8>,
    batch: &mut Batch,
    entry: &Entry,
    seed: &HashSeed,
    place: &mut Place,
    budget: usize,
) -> bool {
    let (key, end) = (entry.key(), out.len().saturating_add(budget));
    loop {
        let is_full = |out: &Vec<u8>, batch: &Batch| out.len() + batch.words.len() >= end;
        *place = match *place {
            Place::Text(at) => text(out, entry, at, budget),
            Place::Nodes(first) => {
                let list = entry.as_object::<List>();
                let mut nodes = list.into_iter().flat_map(|list| list.nodes_from(first));
                let mut at = first;
                let next = loop {
                    match nodes.next() {
                        None => break Place::Expiry,
                        Some(NodeView::Plain(text)) => {
                            batch.word(text);
                            batch.end_element(out, b"RPUSH", key);
                        }
                        Some(NodeView::Packed(pack)) => {
                            for element in pack.iter() {
                                batch.word(&element.text());
                                batch.end_element(out, b"RPUSH", key);
                            }
                        }
                    }
                    at += 1;
                    if is_full(out, batch) {
                        break Place::Nodes(at);
                    }
                };
                batch.end(out, b"RPUSH", key);
                next
            }
            Place::Members(mut cursor) => {
                let is_set = entry.as_object::<Set>().is_some();
                let name: &[u8] = if is_set { b"SADD" } else { b"HMSET" };
                loop {
                    cursor = members(out, batch, entry, seed, cursor, name);
                    if cursor == 0 || is_full(out, batch) {
                        break;
                    }
                }
                batch.end(out, name, key);
                if cursor == 0 { Place::Expiry } else { Place::Members(cursor) }
            }
            Place::Rank(first) => {
                let mut rank = first;
                let zset = entry.as_object::<SortedSet>();
                for (member, score) in
                    zset.into_iter().flat_map(|zset| zset.iter_from(first, Direction::Up))
                {
                    batch.word(format_double_17g(score, &mut [0; DOUBLE_LEN]));
                    batch.word(&member.text());
                    batch.end_element(out, b"ZADD", key);
                    rank += 1;
                    if is_full(out, batch) {
                        break;
                    }
                }
                batch.end(out, b"ZADD", key);
                let is_all = zset.is_none_or(|zset| rank >= zset.len());
                if is_all { Place::Expiry } else { Place::Rank(rank) }
            }
            Place::Expiry => {
                if let Some(expiry_ms) = entry.expiry_ms() {
                    command(out, &[b"PEXPIREAT", key, &number(expiry_ms)]);
                }
                return true;
            }
            Place::Entries(_) | Place::Group(_) | Place::Consumer(..) | Place::Owned(..) => {
                match entry.as_object::<Stream>() {
                    Some(stream) => stream_part(out, key, stream, *place, end),
                    None => Place::Expiry,
                }
            }
        };
        if out.len() >= end {
            return false;
        }
    }
}

/// More of a text.
fn text(out: &mut Vec<u8>, entry: &Entry, at: usize, budget: usize) -> Place {
    match entry.as_str() {
        Some(Str::Int(value)) => out.extend_from_slice(&number(value)),
        Some(Str::Bytes(text)) => {
            let end = at.saturating_add(budget.max(1)).min(text.len());
            out.extend_from_slice(&text[at..end]);
            if end < text.len() {
                return Place::Text(end);
            }
        }
        None => {}
    }
    out.extend_from_slice(b"\r\n");
    Place::Expiry
}

/// More members of a set, or fields of a hash; the next cursor.
fn members(
    out: &mut Vec<u8>,
    batch: &mut Batch,
    entry: &Entry,
    seed: &HashSeed,
    cursor: u64,
    name: &[u8],
) -> u64 {
    let key = entry.key();
    if let Some(set) = entry.as_object::<Set>() {
        return set.scan(cursor, |member| {
            batch.word(&member.text());
            batch.end_element(out, name, key);
        });
    }
    let Some(hash) = entry.as_object::<Hash>() else { return 0 };
    let is_timed = hash.next_time().is_some();
    hash.scan(cursor, seed, i64::MIN, |field, value| {
        let field = field.text();
        batch.word(&field);
        batch.word(&value.text());
        if is_timed && let FieldTime::At(at_ms) = hash.time(&field, seed) {
            let at = number(at_ms);
            command(&mut batch.behind, &[b"HPEXPIREAT", key, &at, b"FIELDS", b"1", &field]);
        }
        batch.end_element(out, name, key);
    })
}

/// More of a stream, until `out` is as long as `end`.
fn stream_part(out: &mut Vec<u8>, key: &[u8], stream: &Stream, place: Place, end: usize) -> Place {
    let log = stream.log();
    match place {
        Place::Entries(from) => {
            let mut entries = log.range(from, Id::MAX);
            while let Some((id, fields)) = entries.next() {
                if out.len() >= end {
                    return Place::Entries(id);
                }
                push_line(out, b"*", 3 + 2 * u64::from(fields));
                push_word(out, b"XADD");
                push_word(out, key);
                push_word(out, &id_text(id));
                while let Some((name, value)) = entries.pair() {
                    push_word(out, &name.text());
                    push_word(out, &value.text());
                }
            }
            if log.is_empty() {
                // Nothing but this makes a stream without entries and without groups.
                command(out, &[b"XADD", key, b"MAXLEN", b"0", b"0-1", b"x", b"y"]);
            }
            command(
                out,
                &[
                    b"XSETID",
                    key,
                    &id_text(log.last_id),
                    b"ENTRIESADDED",
                    &number(log.added as i64),
                    b"MAXDELETEDID",
                    &id_text(log.max_deleted_id),
                ],
            );
            Place::Group(Mark::default())
        }
        Place::Group(mark) => {
            let Some((name, group, _)) = stream.groups().at(mark) else { return Place::Expiry };
            let read = group.entries_read.map_or(-1, |count| count as i64);
            command(
                out,
                &[
                    b"XGROUP",
                    b"CREATE",
                    key,
                    name,
                    &id_text(group.last_id),
                    b"ENTRIESREAD",
                    &number(read),
                ],
            );
            Place::Consumer(mark, Mark::default())
        }
        Place::Consumer(mark, own) => {
            let Some((name, group, next)) = stream.groups().at(mark) else { return Place::Expiry };
            match group.consumer_at(own) {
                None => Place::Group(next),
                Some((consumer, _)) if consumer.pending_len() > 0 => {
                    Place::Owned(mark, own, Id::MIN)
                }
                Some((consumer, next)) => {
                    command(out, &[b"XGROUP", b"CREATECONSUMER", key, name, &consumer.name]);
                    Place::Consumer(mark, next)
                }
            }
        }
        Place::Owned(mark, own, from) => {
            let Some((name, group, _)) = stream.groups().at(mark) else { return Place::Expiry };
            let Some((consumer, next)) = group.consumer_at(own) else { return Place::Expiry };
            for id in consumer.pending_from(from) {
                if out.len() >= end {
                    return Place::Owned(mark, own, id);
                }
                claim(out, key, name, group, &consumer.name, id);
            }
            Place::Consumer(mark, next)
        }
        _ => Place::Expiry,
    }
}

/// An entry that is pending.
fn claim(out: &mut Vec<u8>, key: &[u8], name: &[u8], group: &Group, consumer: &[u8], id: Id) {
    let Some(pending) = group.pending(id) else { return };
    command(
        out,
        &[
            b"XCLAIM",
            key,
            name,
            consumer,
            b"0",
            &id_text(id),
            b"TIME",
            &number(pending.delivered_ms),
            b"RETRYCOUNT",
            &number(pending.count as i64),
            b"JUSTID",
            b"FORCE",
        ],
    );
}

fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    push_line(out, b"*", words.len() as u64);
    for word in words {
        push_word(out, word);
    }
}

/// The digits of a number.
fn number(value: i64) -> ElementText<'static> {
    Element::Int(value).text()
}

fn id_text(id: Id) -> Vec<u8> {
    let mut buffer = [0; ID_TEXT_MAX];
    let start = id.write(&mut buffer);
    buffer[start..].to_vec()
}
