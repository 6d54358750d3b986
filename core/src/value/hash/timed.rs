//! The fields of a hash of which some have an expiry.
//!
//! ```text
//! Pack    field, value, time, field, value, time, …   soonest first; 0: none, and those come last
//! Table   fields                                      as in a hash without expiries
//!         times: time and name, in order              of those fields that have one
//! ```
//!
//! Times are Unix milliseconds. The listpack is the one that Redis calls `listpackex`, so that DUMP and RDB
//! copy its bytes. In both forms the next field to expire is found at once, so a reader only asks for the
//! times of fields while some are due and not removed yet.

use super::hasher;
use crate::collections::dict::Dict;
use crate::collections::field::Field;
use crate::collections::hash::{HashSeed, hash};
use crate::collections::listpack::{Element, Listpack, Pos, Side};
use crate::collections::ranked_tree::Direction;
use crate::collections::sorted_set::SortedSet;
use crate::value::Tuning;

/// The latest time of a field: what Redis takes, far below the integers that a double cannot tell apart.
pub const FIELD_TIME_MAX_MS: i64 = (1 << 46) - 1;

/// Elements of a field in a listpack.
const TRIPLE: u32 = 3;

/// When a field expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldTime {
    /// There is no such field.
    Absent,
    /// Never.
    Never,
    /// At this Unix time in milliseconds.
    At(i64),
}

/// What becomes of the expiry of a field that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It stays.
    Time,
    /// The field never expires.
    Nothing,
}

/// Fields, some of them with an expiry.
#[derive(Debug)]
pub(super) enum Timed {
    Pack(Listpack),
    Table { fields: Dict<Field>, times: SortedSet },
}

/// A time as a score. Times are clamped when they are set, so nothing is lost.
fn score(at_ms: i64) -> f64 {
    at_ms as f64
}

/// How the time of a field is written to a listpack.
fn push_triple(pack: &mut Listpack, name: &[u8], value: &[u8], at_ms: i64) {
    let mut buffer = itoa::Buffer::new();
    pack.extend([name, value, buffer.format(at_ms).as_bytes()].into_iter());
}

/// The places of value and time of the field at `pos`.
fn rest(pack: &Listpack, pos: Pos) -> Option<(Pos, Pos)> {
    let value = pack.next(pos)?;
    Some((value, pack.next(value)?))
}

/// The time at `pos`; 0: none.
fn time_at(pack: &Listpack, pos: Pos) -> i64 {
    pack.at(pos).and_then(Element::as_int).unwrap_or(0)
}

impl Timed {
    /// The fields of a listpack of pairs.
    pub(super) fn from_pairs(pairs: &Listpack) -> Self {
        let mut pack = Listpack::new();
        let mut elements = pairs.iter();
        while let (Some(name), Some(value)) = (elements.next(), elements.next()) {
            pack.push_back_element(name);
            pack.push_back_element(value);
            pack.push_back_int(0);
        }
        Self::Pack(pack)
    }

    /// The fields of a listpack of triples.
    pub(super) fn from_pack(pack: Listpack, tuning: &Tuning) -> Self {
        let mut timed = Self::Pack(pack);
        if timed.len() as u64 > tuning.hash_listpack_entries {
            timed.become_table(&tuning.seed);
        }
        timed
    }

    pub(super) fn from_table(fields: Dict<Field>) -> Self {
        Self::Table { fields, times: SortedSet::new() }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Pack(pack) => (pack.len() / TRIPLE) as usize,
            Self::Table { fields, .. } => fields.len(),
        }
    }

    /// When the next field expires.
    pub(super) fn next_time(&self) -> Option<i64> {
        match self {
            Self::Pack(pack) => {
                let (_, time) = rest(pack, pack.first()?)?;
                Some(time_at(pack, time)).filter(|&at_ms| at_ms > 0)
            }
            Self::Table { times, .. } => times.at(0).map(|entry| entry.score() as i64),
        }
    }

    /// How many fields are due and still there. In a listpack they are the first ones.
    pub(super) fn dead(&self, now_ms: i64) -> usize {
        if self.next_time().is_none_or(|at_ms| at_ms > now_ms) {
            return 0;
        }
        match self {
            Self::Pack(_) => self.times().take_while(|&(_, at_ms)| at_ms <= now_ms).count(),
            Self::Table { times, .. } => {
                times.lower_bound(|entry| entry.score() <= score(now_ms)) as usize
            }
        }
    }

    /// Whether this field of a table is due.
    pub(super) fn is_dead(&self, name: &[u8], now_ms: i64, seed: &HashSeed) -> bool {
        matches!(self.time(name, seed), FieldTime::At(at_ms) if at_ms <= now_ms)
    }

    /// The fields with a time, soonest first.
    pub(super) fn times(&self) -> impl Iterator<Item = (Element<'_>, i64)> + '_ {
        let (pack, table) = match self {
            Self::Pack(pack) => (Some(pack), None),
            Self::Table { times, .. } => (None, Some(times)),
        };
        let mut elements = pack.map(Listpack::iter);
        let triples = core::iter::from_fn(move || {
            let elements = elements.as_mut()?;
            let (name, _) = (elements.next()?, elements.next()?);
            let at_ms = elements.next()?.as_int()?;
            (at_ms > 0).then_some((name, at_ms))
        });
        let entries = table.into_iter().flat_map(SortedSet::iter);
        triples.chain(entries.map(|entry| (Element::Str(entry.member()), entry.score() as i64)))
    }

    pub(super) fn time(&self, name: &[u8], seed: &HashSeed) -> FieldTime {
        match self {
            Self::Pack(pack) => match pack.find(name, TRIPLE - 1).and_then(|pos| rest(pack, pos)) {
                None => FieldTime::Absent,
                Some((_, pos)) => match time_at(pack, pos) {
                    0 => FieldTime::Never,
                    at_ms => FieldTime::At(at_ms),
                },
            },
            Self::Table { fields, times } => match times.score(seed, name) {
                Some(score) => FieldTime::At(score as i64),
                None if find(fields, name, seed).is_some() => FieldTime::Never,
                None => FieldTime::Absent,
            },
        }
    }

    /// The value of a field that is not due.
    pub(super) fn get(&self, name: &[u8], seed: &HashSeed, now_ms: i64) -> Option<Element<'_>> {
        match self {
            Self::Pack(pack) => {
                let (value, time) = rest(pack, pack.find(name, TRIPLE - 1)?)?;
                let at_ms = time_at(pack, time);
                if at_ms > 0 && at_ms <= now_ms { None } else { pack.at(value) }
            }
            Self::Table { fields, .. } => {
                let some_due = self.next_time().is_some_and(|at_ms| at_ms <= now_ms);
                if some_due && self.is_dead(name, now_ms, seed) {
                    return None;
                }
                find(fields, name, seed).map(|field| Element::Str(field.value()))
            }
        }
    }

    /// Becomes a table if a text is too long for a listpack, or they are too long together.
    pub(super) fn make_room(&mut self, longest: usize, sum: usize, tuning: &Tuning) {
        let Self::Pack(pack) = self else { return };
        if longest as u64 > tuning.hash_listpack_value || !pack.fits(sum) {
            self.become_table(&tuning.seed);
        }
    }

    /// Sets a field; whether it is new.
    pub(super) fn insert(
        &mut self,
        name: &[u8],
        value: &[u8],
        keep: Keep,
        tuning: &Tuning,
    ) -> bool {
        self.make_room(name.len().max(value.len()), name.len() + value.len() + 33, tuning);
        match self {
            Self::Pack(pack) => {
                let found = pack.find(name, TRIPLE - 1);
                if let Some(pos) = found
                    && let Some((value_pos, time_pos)) = rest(pack, pos)
                {
                    if keep == Keep::Time || time_at(pack, time_pos) == 0 {
                        pack.replace(value_pos, value);
                        return false;
                    }
                    pack.remove_at(pos, TRIPLE);
                }
                push_triple(pack, name, value, 0);
                if u64::from(pack.len() / TRIPLE) > tuning.hash_listpack_entries {
                    self.become_table(&tuning.seed);
                }
                found.is_none()
            }
            Self::Table { fields, times } => {
                let hash = hash(&tuning.seed, name);
                if let Some(mut slot) = fields.find_slot(hash, |field| field.name() == name) {
                    slot.get_mut().set_value(value);
                    if keep == Keep::Nothing && !times.is_empty() {
                        times.remove(&tuning.seed, name);
                    }
                    return false;
                }
                fields.insert_unique(hash, Field::new(name, value), hasher(&tuning.seed));
                true
            }
        }
    }

    /// Sets or removes the time of a field; `false` if there is no such field.
    pub(super) fn set_time(&mut self, name: &[u8], at_ms: Option<i64>, seed: &HashSeed) -> bool {
        let at_ms = at_ms.map(|at_ms| at_ms.clamp(1, FIELD_TIME_MAX_MS));
        match self {
            Self::Pack(pack) => {
                let Some(pos) = pack.find(name, TRIPLE - 1) else { return false };
                let Some((value_pos, time_pos)) = rest(pack, pos) else { return false };
                let (new, old) = (at_ms.unwrap_or(0), time_at(pack, time_pos));
                if new == old {
                    return true;
                }
                let value = pack.at(value_pos).map(Element::to_vec).unwrap_or_default();
                pack.remove_at(pos, TRIPLE);
                match place_for(pack, new) {
                    None => push_triple(pack, name, &value, new),
                    Some(place) => {
                        let name_pos = pack.insert(place, name, Side::Before);
                        let value_pos = pack.insert(name_pos, &value, Side::After);
                        let mut buffer = itoa::Buffer::new();
                        pack.insert(value_pos, buffer.format(new).as_bytes(), Side::After);
                    }
                }
                true
            }
            Self::Table { fields, times } => {
                if find(fields, name, seed).is_none() {
                    return false;
                }
                match at_ms {
                    Some(at_ms) => times.insert(seed, name, score(at_ms)),
                    None => times.remove(seed, name),
                };
                true
            }
        }
    }

    /// Removes a field; whether there was one.
    pub(super) fn remove(&mut self, name: &[u8], seed: &HashSeed) -> bool {
        match self {
            Self::Pack(pack) => {
                let Some(pos) = pack.find(name, TRIPLE - 1) else { return false };
                pack.remove_at(pos, TRIPLE);
                true
            }
            Self::Table { fields, times } => {
                if !times.is_empty() {
                    times.remove(seed, name);
                }
                fields
                    .remove(hash(seed, name), |field| field.name() == name, hasher(seed))
                    .is_some()
            }
        }
    }

    /// Removes up to `most` fields that are due, soonest first, and tells their names; how many.
    pub(super) fn remove_due(
        &mut self,
        now_ms: i64,
        most: usize,
        seed: &HashSeed,
        gone: &mut dyn FnMut(&[u8]),
    ) -> usize {
        let due = self.dead(now_ms).min(most);
        match self {
            Self::Pack(pack) => {
                for name in pack.iter().step_by(TRIPLE as usize).take(due) {
                    gone(&name.text());
                }
                pack.remove_range(0, due as u32 * TRIPLE);
            }
            Self::Table { fields, times } => {
                for _ in 0..due {
                    let Some(scored) = times.pop(seed, Direction::Up) else { break };
                    let name = scored.member();
                    gone(name);
                    fields.remove(hash(seed, name), |field| field.name() == name, hasher(seed));
                }
            }
        }
        due
    }

    #[cold]
    fn become_table(&mut self, seed: &HashSeed) {
        let Self::Pack(pack) = self else { return };
        let (mut fields, mut times) = (Dict::new(), SortedSet::new());
        let mut elements = pack.iter();
        while let (Some(name), Some(value), Some(time)) =
            (elements.next(), elements.next(), elements.next())
        {
            let name = name.text();
            let field = Field::new(&name, &value.text());
            fields.insert_unique(hash(seed, &name), field, hasher(seed));
            if let Some(at_ms) = time.as_int().filter(|&at_ms| at_ms > 0) {
                times.insert(seed, &name, score(at_ms));
            }
        }
        *self = Self::Table { fields, times };
    }

    pub(super) fn duplicate(&self, seed: &HashSeed) -> Self {
        match self {
            Self::Pack(pack) => Self::Pack(pack.clone()),
            Self::Table { fields: old_fields, times: old_times } => {
                let (mut fields, mut times) = (Dict::new(), SortedSet::new());
                for field in old_fields {
                    let copy = Field::new(field.name(), field.value());
                    fields.insert_unique(hash(seed, field.name()), copy, hasher(seed));
                }
                for entry in old_times.iter() {
                    times.insert(seed, entry.member(), entry.score());
                }
                Self::Table { fields, times }
            }
        }
    }

    /// Panics when something is wrong. For tests.
    #[cfg(test)]
    pub(super) fn check(&self, seed: &HashSeed) {
        match self {
            Self::Pack(pack) => {
                pack.check();
                assert_eq!(pack.len() % TRIPLE, 0);
                let all = pack.iter().skip(2).step_by(3).map(|time| match time.as_int() {
                    Some(0) => i64::MAX,
                    time => time.expect("a time is an integer"),
                });
                assert!(all.is_sorted(), "soonest first, those without a time last");
            }
            Self::Table { fields, times } => {
                fields.check(hasher(seed));
                times.check(seed);
                assert!(times.iter().all(|entry| find(fields, entry.member(), seed).is_some()));
            }
        }
    }
}

fn find<'a>(fields: &'a Dict<Field>, name: &[u8], seed: &HashSeed) -> Option<&'a Field> {
    fields.find(hash(seed, name), |field| field.name() == name)
}

/// The first field that comes after one of this time; none: it is the last.
fn place_for(pack: &Listpack, at_ms: i64) -> Option<Pos> {
    if at_ms == 0 {
        return None;
    }
    let mut at = pack.first();
    while let Some(pos) = at {
        let (_, time_pos) = rest(pack, pos)?;
        let time = time_at(pack, time_pos);
        if time == 0 || time >= at_ms {
            return Some(pos);
        }
        at = pack.next(time_pos);
    }
    None
}
