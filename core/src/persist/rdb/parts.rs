//! A large value in parts, each written from the value as it is, which stays as it is between them.
//!
//! Only what is many elements, or a long text, is worth it; all else is [`Format::write`]'s. A text that is
//! longer than [`COMPRESSED_MAX`] is not compressed: that would have to be done in one go.

use super::save::Format;
use super::types;
use super::{Writer, stream};
use crate::store::Entry;
use crate::value::sorted_set::Direction;
use crate::value::{FieldTime, Hash, List, Set, SortedSet, Str, Stream};

/// Longer texts are written as they are.
pub(super) const COMPRESSED_MAX: usize = 256 * 1024;
/// Values of more elements, or nodes, are written in parts.
const ELEMENTS_AT_ONCE: usize = 64;
/// Nodes of a list take up to 8 KB each.
const NODES_AT_ONCE: usize = 4;

/// How far a value is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// The bytes of a text from here on are next.
    Text(usize),
    /// The nodes of a list from here on.
    Nodes(usize),
    /// The members of a set or the fields of a hash from this cursor on.
    Members(u64),
    /// So many members of a sorted set are left.
    Ranks(u64),
    /// What is next of a stream.
    Stream(u8, stream::Place),
}

/// Whether an entry is to be written in parts.
pub(in crate::persist) fn is_large(entry: &Entry) -> bool {
    if let Some(text) = entry.as_str() {
        return matches!(text, Str::Bytes(bytes) if bytes.len() > COMPRESSED_MAX);
    }
    let most = if entry.as_object::<List>().is_some() { NODES_AT_ONCE } else { ELEMENTS_AT_ONCE };
    crate::store::garbage::effort(entry) > most || entry.as_object::<Stream>().is_some()
}

impl Format {
    /// Appends type, key and how many parts there are of an entry that [`is_large`].
    pub(super) fn begin(&self, to: &mut Writer<'_>, entry: &Entry) -> Place {
        let mut head = |code| {
            to.byte(code);
            to.string(entry.key());
        };
        if let Some(list) = entry.as_object::<List>() {
            head(types::LIST_NODES);
            to.length(list.nodes().len() as u64);
            Place::Nodes(0)
        } else if let Some(set) = entry.as_object::<Set>() {
            head(types::SET);
            to.length(set.len() as u64);
            Place::Members(0)
        } else if let Some(hash) = entry.as_object::<Hash>() {
            match hash.next_time() {
                Some(first_ms) => {
                    head(types::HASH_TIMED);
                    to.time_ms(first_ms);
                }
                None => head(types::HASH),
            }
            to.length(hash.len() as u64);
            Place::Members(0)
        } else if let Some(zset) = entry.as_object::<SortedSet>() {
            head(types::ZSET);
            to.length(zset.len());
            Place::Ranks(zset.len())
        } else if let Some(stream) = entry.as_object::<Stream>() {
            let code = stream::code(self.version);
            head(code);
            Place::Stream(code, stream::begin(to, stream))
        } else {
            head(types::STRING);
            to.length(entry.as_str().map_or(0, Str::len) as u64);
            Place::Text(0)
        }
    }

    /// Appends about `budget` more bytes of an entry; whether that was all.
    pub(super) fn write_part(
        &self,
        to: &mut Writer<'_>,
        entry: &Entry,
        place: &mut Place,
        budget: usize,
    ) -> bool {
        let end = to.out.len().saturating_add(budget);
        match place {
            Place::Text(at) => {
                let Some(Str::Bytes(text)) = entry.as_str() else { return true };
                let part = &text[*at..at.saturating_add(budget.max(1)).min(text.len())];
                to.bytes(part);
                *at += part.len();
                *at == text.len()
            }
            Place::Nodes(at) => {
                let Some(list) = entry.as_object::<List>() else { return true };
                let mut nodes = list.nodes_from(*at);
                while let Some(node) = nodes.next() {
                    self.node(to, &node);
                    *at += 1;
                    if to.out.len() >= end {
                        return nodes.next().is_none();
                    }
                }
                true
            }
            Place::Members(cursor) => loop {
                *cursor = if let Some(set) = entry.as_object::<Set>() {
                    set.scan(*cursor, |member| to.element(member))
                } else if let Some(hash) = entry.as_object::<Hash>() {
                    let first_ms = hash.next_time();
                    hash.scan(*cursor, &self.seed, i64::MIN, |name, value| {
                        if let Some(first_ms) = first_ms {
                            to.length(match hash.time(&name.text(), &self.seed) {
                                FieldTime::At(at_ms) => (at_ms - first_ms) as u64 + 1,
                                FieldTime::Never | FieldTime::Absent => 0,
                            });
                        }
                        to.element(name);
                        to.element(value);
                    })
                } else {
                    0
                };
                if *cursor == 0 {
                    return true;
                }
                if to.out.len() >= end {
                    return false;
                }
            },
            Place::Ranks(left) => {
                let Some(zset) = entry.as_object::<SortedSet>() else { return true };
                let Some(first) = left.checked_sub(1) else { return true };
                for (member, score) in zset.iter_from(first, Direction::Down) {
                    to.element(member);
                    to.double(score);
                    *left -= 1;
                    if to.out.len() >= end {
                        break;
                    }
                }
                *left == 0
            }
            Place::Stream(code, place) => match entry.as_object::<Stream>() {
                Some(stream) => stream::write_part(to, stream, *code, place, budget),
                None => true,
            },
        }
    }
}
