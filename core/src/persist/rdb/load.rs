//! Values from RDB, of every type that any version wrote, checked through and through.

use super::old;
use super::types::{self, NODE_PACKED, NODE_PLAIN};
use super::{Fault, Reader, VALKEY_VERSION, stream};
use crate::collections::decimal::{self, parse_double};
use crate::collections::hash::{HashSeed, hash};
use crate::collections::intset::Intset;
use crate::collections::listpack::{Element, Listpack, View};
use crate::collections::quicklist::Quicklist;
use crate::collections::scored;
use crate::store::Entry;
use crate::value::hash::FIELD_TIME_MAX_MS;
use crate::value::{Hash, List, Set, SortedSet, Tuning};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::cmp::Ordering;

const DUPLICATE: Fault = Fault::wrong("a member or field comes twice");
const ODD: Fault = Fault::wrong("a pair without its second half");
const NOT_A_TIME: Fault = Fault::wrong("a field has no such time");
const NOT_A_SCORE: Fault = Fault::wrong("score is no number");

/// What is needed to make values of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Source<'t> {
    /// The version of the file or payload.
    pub version: u32,
    /// The limits that decide on encodings.
    pub tuning: &'t Tuning,
}

impl Source<'_> {
    /// Reads the value of a type and makes it the entry of a key.
    pub fn read(&self, from: &mut Reader<'_>, code: u8, key: &[u8]) -> Result<Entry, Fault> {
        match code {
            types::STRING => Ok(string(key, from.string()?)),
            types::LIST | types::LIST_ZIPLIST | types::LIST_QUICKLIST | types::LIST_NODES => {
                let list = self.list(from, code)?;
                if list.is_empty() {
                    return Err(Fault::Empty);
                }
                Ok(Entry::object(key, List::from_quicklist(list)))
            }
            types::SET | types::SET_INTSET | types::SET_LISTPACK => {
                let set = self.set(from, code)?;
                if set.is_empty() {
                    return Err(Fault::Empty);
                }
                Ok(Entry::object(key, set))
            }
            types::HASH | types::HASH_ZIPMAP | types::HASH_ZIPLIST | types::HASH_LISTPACK => {
                let hash = self.hash(from, code)?;
                if hash.is_empty() {
                    return Err(Fault::Empty);
                }
                Ok(Entry::object(key, hash))
            }
            types::HASH_TIMES
            | types::HASH_TIMED_LISTPACK_BARE
            | types::HASH_TIMED
            | types::HASH_TIMED_LISTPACK => {
                let hash = self.timed_hash(from, code)?;
                if hash.is_empty() {
                    return Err(Fault::Empty);
                }
                Ok(Entry::object(key, hash))
            }
            types::ZSET_TEXT | types::ZSET | types::ZSET_ZIPLIST | types::ZSET_LISTPACK => {
                let zset = self.sorted_set(from, code)?;
                if zset.is_empty() {
                    return Err(Fault::Empty);
                }
                Ok(Entry::object(key, zset))
            }
            types::STREAM | types::STREAM_2 | types::STREAM_3 => {
                Ok(Entry::object(key, stream::read(from, code)?))
            }
            types::MODULE_OLD | types::MODULE => {
                Err(Fault::wrong("a value of a module, of which there are none"))
            }
            _ => Err(Fault::unknown("type of a value", code)),
        }
    }

    fn list(&self, from: &mut Reader<'_>, code: u8) -> Result<Quicklist, Fault> {
        let limits = self.tuning.list_limits();
        let mut list = Quicklist::new();
        if code == types::LIST_ZIPLIST {
            list.push_packed_node(old::ziplist(&from.string()?)?.view());
            return Ok(list);
        }
        for _ in 0..from.length()? {
            match code {
                types::LIST => list.push_back(&from.string()?, limits),
                types::LIST_QUICKLIST => {
                    list.push_packed_node(old::ziplist(&from.string()?)?.view());
                }
                _ => match from.length()? {
                    NODE_PLAIN => match &*from.string()? {
                        [] => return Err(Fault::wrong("a node of a list without bytes")),
                        text => list.push_plain_node(text),
                    },
                    NODE_PACKED => {
                        let bytes = from.string()?;
                        let pack = View::check(&bytes)?;
                        match pack.get(0) {
                            Some(Element::Str(text))
                                if pack.len() == 1 && limits.stands_alone(text.len()) =>
                            {
                                list.push_plain_node(text);
                            }
                            _ => list.push_packed_node(pack),
                        }
                    }
                    _ => return Err(Fault::wrong("unknown kind of node in a list")),
                },
            }
        }
        Ok(list)
    }

    fn set(&self, from: &mut Reader<'_>, code: u8) -> Result<Set, Fault> {
        match code {
            types::SET_INTSET => {
                Ok(Set::from_intset(Intset::from_bytes(&from.string()?)?, self.tuning))
            }
            types::SET_LISTPACK => {
                let pack = Listpack::from_bytes(&from.string()?)?;
                self.check_distinct(pack.iter())?;
                Ok(Set::from_listpack(pack, self.tuning))
            }
            _ => {
                let len = from.length()?;
                let most = self.tuning.set_intset_entries.max(self.tuning.set_listpack_entries);
                let mut set = if len > most { Set::table() } else { Set::default() };
                for _ in 0..len {
                    if !set.insert(&from.string()?, self.tuning) {
                        return Err(DUPLICATE);
                    }
                }
                Ok(set)
            }
        }
    }

    fn hash(&self, from: &mut Reader<'_>, code: u8) -> Result<Hash, Fault> {
        let tuning = self.tuning;
        let (pack, is_long) = match code {
            types::HASH => {
                let len = from.length()?;
                let is_long = len > tuning.hash_listpack_entries;
                let mut hash = if is_long { Hash::table() } else { Hash::default() };
                for _ in 0..len {
                    let (name, value) = (from.string()?, from.string()?);
                    if !hash.insert(&name, &value, tuning) {
                        return Err(DUPLICATE);
                    }
                }
                return Ok(hash);
            }
            types::HASH_ZIPMAP => old::zipmap(&from.string()?, tuning.hash_listpack_value)?,
            types::HASH_ZIPLIST => (old::ziplist(&from.string()?)?, false),
            _ => (Listpack::from_bytes(&from.string()?)?, false),
        };
        if pack.len() % 2 != 0 {
            return Err(ODD);
        }
        self.check_distinct(pack.iter().step_by(2))?;
        if !is_long {
            return Ok(Hash::from_listpack(pack, tuning));
        }
        let mut hash = Hash::table();
        let mut elements = pack.iter();
        while let (Some(name), Some(value)) = (elements.next(), elements.next()) {
            hash.insert(&name.text(), &value.text(), tuning);
        }
        Ok(hash)
    }

    /// A hash of which fields expire.
    fn timed_hash(&self, from: &mut Reader<'_>, code: u8) -> Result<Hash, Fault> {
        let tuning = self.tuning;
        let first_ms = match code {
            types::HASH_TIMED | types::HASH_TIMED_LISTPACK => from.time_ms()?,
            // The time of a field is given as the difference to this one, plus one.
            _ => 1,
        };
        if matches!(code, types::HASH_TIMED_LISTPACK | types::HASH_TIMED_LISTPACK_BARE) {
            let pack = Listpack::from_bytes(&from.string()?)?;
            if pack.len() % 3 != 0 {
                return Err(ODD);
            }
            check_times(&pack)?;
            self.check_distinct(pack.iter().step_by(3))?;
            return Ok(Hash::from_timed_listpack(pack, tuning));
        }
        let is_valkey = self.version == VALKEY_VERSION;
        let len = from.length()?;
        let is_long = len > tuning.hash_listpack_entries;
        let mut hash = if is_long { Hash::table() } else { Hash::default() };
        for _ in 0..len {
            let ttl = if is_valkey { 0 } else { from.length()? };
            let (name, value) = (from.string()?, from.string()?);
            let at_ms = match (is_valkey, ttl) {
                (true, _) => Some(from.time_ms()?).filter(|&at_ms| at_ms != -1),
                (false, 0) => None,
                (false, ttl) => {
                    let at_ms = i64::try_from(ttl - 1).ok().and_then(|ms| first_ms.checked_add(ms));
                    Some(at_ms.ok_or(NOT_A_TIME)?)
                }
            };
            if !hash.insert(&name, &value, tuning) {
                return Err(DUPLICATE);
            }
            if let Some(at_ms) = at_ms {
                if !is_time(at_ms) {
                    return Err(NOT_A_TIME);
                }
                hash.set_time(&name, Some(at_ms), &tuning.seed);
            }
        }
        Ok(hash)
    }

    fn sorted_set(&self, from: &mut Reader<'_>, code: u8) -> Result<SortedSet, Fault> {
        let tuning = self.tuning;
        let pack = match code {
            types::ZSET_ZIPLIST => old::ziplist(&from.string()?)?,
            types::ZSET_LISTPACK => Listpack::from_bytes(&from.string()?)?,
            _ => {
                let len = from.length()?;
                let is_long = len > tuning.zset_listpack_entries;
                let mut zset = if is_long { SortedSet::tree() } else { SortedSet::default() };
                for _ in 0..len {
                    let member = from.string()?;
                    let score =
                        if code == types::ZSET { from.double()? } else { from.double_text()? };
                    if score.is_nan() {
                        return Err(NOT_A_SCORE);
                    }
                    if zset.insert(&member, score, tuning).is_some() {
                        return Err(DUPLICATE);
                    }
                }
                return Ok(zset);
            }
        };
        if pack.len() % 2 != 0 {
            return Err(ODD);
        }
        self.check_distinct(pack.iter().step_by(2))?;
        check_order(&pack)?;
        Ok(SortedSet::from_listpack(pack, tuning))
    }

    /// Checks that no element comes twice.
    fn check_distinct<'e>(
        &self,
        elements: impl Iterator<Item = Element<'e>> + Clone,
    ) -> Result<(), Fault> {
        // Quicker than a set, where another sort may be downloaded for it.
        if cfg!(not(target_arch = "wasm32")) {
            let seed: &HashSeed = &self.tuning.seed;
            let mut hashes: Vec<u64> =
                elements.clone().map(|element| hash(seed, &element.text())).collect();
            hashes.sort_unstable();
            if hashes.windows(2).all(|pair| pair[0] != pair[1]) {
                return Ok(());
            }
        }
        // Two are the same, or it is a chance of 1 in 2^64.
        let mut set = Set::table();
        for element in elements {
            if !set.insert(&element.text(), self.tuning) {
                return Err(DUPLICATE);
            }
        }
        Ok(())
    }
}

/// The entry of a string, which may be an integer.
fn string(key: &[u8], text: Cow<'_, [u8]>) -> Entry {
    match (decimal::parse(&text), text) {
        (Some(value), _) => Entry::int(key, value),
        (None, Cow::Owned(text)) if text.len() > crate::store::entry::INLINE_BYTES_MAX => {
            Entry::vector(key, text)
        }
        (None, text) => Entry::string(key, &text),
    }
}

/// Whether a field can have this time. Those that Valkey takes and Redis does not are among them: they are
/// far enough to be cut.
fn is_time(at_ms: i64) -> bool {
    at_ms > 0
}

/// Checks that the times in a listpack of names, values and times are in order, with those of no time last.
fn check_times(pack: &Listpack) -> Result<(), Fault> {
    let mut last = 1;
    for time in pack.iter().skip(2).step_by(3) {
        let at_ms = match time {
            Element::Int(0) => i64::MAX,
            Element::Int(at_ms) if (last..=FIELD_TIME_MAX_MS).contains(&at_ms) => at_ms,
            _ => return Err(NOT_A_TIME),
        };
        last = at_ms;
    }
    Ok(())
}

/// Checks that a sorted set's listpack has scores, in order.
fn check_order(pack: &Listpack) -> Result<(), Fault> {
    let mut elements = pack.iter();
    let mut before: Option<(Element<'_>, f64)> = None;
    while let (Some(member), Some(score)) = (elements.next(), elements.next()) {
        let score = match score {
            Element::Int(value) => value as f64,
            Element::Str(text) => parse_double(text).filter(|s| !s.is_nan()).ok_or(NOT_A_SCORE)?,
        };
        if let Some((last, last_score)) = before
            && scored::order(last_score, &last.text(), score, &member.text()) != Ordering::Less
        {
            return Err(Fault::wrong("sorted set out of order"));
        }
        before = Some((member, score));
    }
    Ok(())
}
