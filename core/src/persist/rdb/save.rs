//! Values as RDB, in the encodings that the wanted version has.

use super::types::{self, NODE_PACKED, NODE_PLAIN};
use super::{TIMED_FIELDS_VERSION, VERSION, Writer, stream};
use crate::collections::hash::HashSeed;
use crate::collections::listpack::{Listpack, SAFE_LEN};
use crate::store::{Db, Entry, Store};
use crate::value::list::NodeView;
use crate::value::sorted_set::Direction;
use crate::value::{FieldTime, Hash, List, Set, SortedSet, Str, Stream, Tuning};

/// How values are written.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// The version whose encodings may be used: 10 or later.
    pub version: u32,
    /// Elements of lists from this length on are nodes of their own, in bytes.
    pub plain_from: usize,
    /// The seed of the tables that are written.
    pub seed: HashSeed,
}

impl Format {
    /// What Redis 7.0 writes and reads.
    pub fn new(tuning: &Tuning) -> Self {
        Self::of_version(VERSION, tuning)
    }

    /// What a version writes.
    pub fn of_version(version: u32, tuning: &Tuning) -> Self {
        let plain_from = match tuning.quicklist_packed_threshold {
            0 => SAFE_LEN,
            bytes => usize::try_from(bytes).unwrap_or(SAFE_LEN),
        };
        Self { version, plain_from, seed: tuning.seed }
    }

    /// What Redis 7.0 reads, or the next version that has all that is there.
    pub fn of_store(store: &Store) -> Self {
        let timed = store.dbs().iter().any(Db::has_timed_fields);
        Self::of_version(if timed { TIMED_FIELDS_VERSION } else { VERSION }, &store.tuning)
    }

    /// The version that an entry needs, this one or a later.
    pub fn version_for(&self, entry: &Entry) -> u32 {
        match entry.as_object::<Hash>().and_then(Hash::next_time) {
            Some(_) => self.version.max(TIMED_FIELDS_VERSION),
            None => self.version,
        }
    }

    /// Appends the type of an entry's value, its key if wanted, as in a file, and the value.
    pub fn write(&self, to: &mut Writer<'_>, entry: &Entry, with_key: bool) {
        let head = |to: &mut Writer<'_>, code| {
            to.byte(code);
            if with_key {
                to.string(entry.key());
            }
        };
        if let Some(text) = entry.as_str() {
            head(to, types::STRING);
            match text {
                Str::Int(value) => to.int(value),
                Str::Bytes(bytes) => to.string(bytes),
            }
        } else if let Some(list) = entry.as_object::<List>() {
            head(to, types::LIST_NODES);
            self.list(to, list);
        } else if let Some(set) = entry.as_object::<Set>() {
            match (set.intset(), set.listpack()) {
                (Some(ints), _) => {
                    head(to, types::SET_INTSET);
                    to.string(ints.as_bytes());
                }
                (None, Some(pack)) if self.version >= 11 => {
                    head(to, types::SET_LISTPACK);
                    to.string(pack.as_bytes());
                }
                _ => {
                    head(to, types::SET);
                    to.length(set.len() as u64);
                    set.iter().for_each(|member| to.element(member));
                }
            }
        } else if let Some(hash) = entry.as_object::<Hash>() {
            // Versions before 12 have no times of fields, but what is written without them is not the value.
            if let Some(first_ms) = hash.next_time() {
                if let Some(pack) = hash.timed_listpack() {
                    head(to, types::HASH_TIMED_LISTPACK);
                    to.time_ms(first_ms);
                    to.string(pack.as_bytes());
                } else {
                    head(to, types::HASH_TIMED);
                    to.time_ms(first_ms);
                    self.timed_fields(to, hash, first_ms);
                }
            } else if let Some(pack) = hash.listpack() {
                head(to, types::HASH_LISTPACK);
                to.string(pack.as_bytes());
            } else {
                head(to, types::HASH);
                to.length(hash.len() as u64);
                for (name, value) in hash.iter() {
                    to.element(name);
                    to.element(value);
                }
            }
        } else if let Some(zset) = entry.as_object::<SortedSet>() {
            if let Some(pack) = zset.listpack() {
                head(to, types::ZSET_LISTPACK);
                to.string(pack.as_bytes());
            } else {
                head(to, types::ZSET);
                to.length(zset.len());
                // From the greatest on: readers that insert in front are the faster for it.
                for (member, score) in zset.iter_from(zset.len() - 1, Direction::Down) {
                    to.element(member);
                    to.double(score);
                }
            }
        } else if let Some(stream) = entry.as_object::<Stream>() {
            let code = stream::code(self.version);
            head(to, code);
            stream::write(to, stream, code);
        }
    }

    /// The fields of a table with their times: 0 is none, 1 the earliest.
    fn timed_fields(&self, to: &mut Writer<'_>, hash: &Hash, first_ms: i64) {
        to.length(hash.len() as u64);
        for (name, value) in hash.iter() {
            to.length(match hash.time(&name.text(), &self.seed) {
                FieldTime::At(at_ms) => (at_ms - first_ms) as u64 + 1,
                FieldTime::Never | FieldTime::Absent => 0,
            });
            to.element(name);
            to.element(value);
        }
    }

    fn list(&self, to: &mut Writer<'_>, list: &List) {
        let nodes = list.nodes();
        to.length(nodes.len() as u64);
        for node in nodes {
            self.node(to, &node);
        }
    }

    /// A node of a list.
    pub(super) fn node(&self, to: &mut Writer<'_>, node: &NodeView<'_>) {
        match *node {
            NodeView::Packed(pack) => {
                to.length(NODE_PACKED);
                to.string(pack.as_bytes());
            }
            NodeView::Plain(text) if text.len() >= self.plain_from => {
                to.length(NODE_PLAIN);
                to.string(text);
            }
            // Here it has a node of its own as soon as it fills one; elsewhere that is a listpack.
            NodeView::Plain(text) => {
                let mut pack = Listpack::new();
                pack.push_back(text);
                to.length(NODE_PACKED);
                to.string(pack.as_bytes());
            }
        }
    }
}
