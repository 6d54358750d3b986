//! Hash values: a listpack of fields and values while it is small, a table of fields afterwards; and a form
//! of either for fields with an expiry ([`timed`]), which no other hash pays for.
//!
//! A field whose time is up is there until active expiry or a command that names it removes it: [`Hash::len`]
//! and [`Hash::iter`] count it in, what takes the time leaves it out.

mod timed;

pub use timed::{FIELD_TIME_MAX_MS, FieldTime, Keep};

use super::{Kind, Object, Tuning};
use crate::collections::dict::Dict;
use crate::collections::either::{Either, Large, Which};
use crate::collections::field::Field;
use crate::collections::hash::{HashSeed, hash};
use crate::collections::listpack::{Element, Listpack};
use crate::rng::Rng;
use timed::Timed;

/// A hash.
#[derive(Debug)]
pub struct Hash {
    word: Either<Listpack, Either<Large<Dict<Field>>, Large<Timed, 3>>>,
}

enum Repr<L, T, X> {
    /// Field, value, field, value, …
    Listpack(L),
    Table(T),
    /// Some fields have an expiry, or had one.
    Timed(X),
}

impl Default for Hash {
    fn default() -> Self {
        Self { word: Either::a(Listpack::new()) }
    }
}

fn hasher(seed: &HashSeed) -> impl Fn(&Field) -> u64 + '_ {
    move |field| hash(seed, field.name())
}

impl Hash {
    #[inline]
    fn repr(&self) -> Repr<&Listpack, &Dict<Field>, &Timed> {
        match self.word.get() {
            Which::A(pack) => Repr::Listpack(pack),
            Which::B(large) => match large.get() {
                Which::A(table) => Repr::Table(table),
                Which::B(timed) => Repr::Timed(timed),
            },
        }
    }

    #[inline]
    fn repr_mut(&mut self) -> Repr<&mut Listpack, &mut Dict<Field>, &mut Timed> {
        match self.word.get_mut() {
            Which::A(pack) => Repr::Listpack(pack),
            Which::B(large) => match large.get_mut() {
                Which::A(table) => Repr::Table(table),
                Which::B(timed) => Repr::Timed(timed),
            },
        }
    }

    fn of_table(table: Dict<Field>) -> Self {
        Self { word: Either::b(Either::a(Large::new(table))) }
    }

    fn of_timed(timed: Timed) -> Self {
        Self { word: Either::b(Either::b(Large::new(timed))) }
    }

    /// How many fields there are, those that are due included.
    pub fn len(&self) -> usize {
        match self.repr() {
            Repr::Listpack(pack) => pack.len() as usize / 2,
            Repr::Table(table) => table.len(),
            Repr::Timed(timed) => timed.len(),
        }
    }

    /// Whether there are no fields; then the key is about to be removed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is a listpack, which SCAN returns whole.
    pub fn is_listpack(&self) -> bool {
        matches!(self.repr(), Repr::Listpack(_) | Repr::Timed(Timed::Pack(_)))
    }

    /// The value of a field, unless it is due.
    #[inline]
    pub fn get(&self, name: &[u8], seed: &HashSeed, now_ms: i64) -> Option<Element<'_>> {
        match self.repr() {
            Repr::Listpack(pack) => pack.at(pack.next(pack.find(name, 1)?)?),
            Repr::Table(table) => table
                .find(hash(seed, name), |field| field.name() == name)
                .map(|field| Element::Str(field.value())),
            Repr::Timed(timed) => timed.get(name, seed, now_ms),
        }
    }

    /// Whether there is such a field, which is not due.
    pub fn contains(&self, name: &[u8], seed: &HashSeed, now_ms: i64) -> bool {
        self.get(name, seed, now_ms).is_some()
    }

    /// Becomes a table if a name or value among `texts` is too long for a listpack. Asked once before
    /// the fields of one command are set, as Redis does.
    pub fn make_room_for<'a>(&mut self, texts: impl Iterator<Item = &'a [u8]>, tuning: &Tuning) {
        let pack = match self.repr_mut() {
            Repr::Listpack(pack) => pack,
            Repr::Table(_) => return,
            Repr::Timed(timed) => {
                let (longest, sum) = texts.fold((0, 0), |(longest, sum), text| {
                    (text.len().max(longest), sum + text.len() + 22)
                });
                timed.make_room(longest, sum, tuning);
                return;
            }
        };
        let mut sum = 0usize;
        for text in texts {
            if text.len() as u64 > tuning.hash_listpack_value {
                self.become_table(&tuning.seed);
                return;
            }
            sum += text.len() + 11;
        }
        if !pack.fits(sum) {
            self.become_table(&tuning.seed);
        }
    }

    /// Sets a field, which never expires from then on; whether it is new.
    #[inline]
    pub fn insert(&mut self, name: &[u8], value: &[u8], tuning: &Tuning) -> bool {
        self.set(name, value, Keep::Nothing, tuning)
    }

    /// Sets a field, which expires when it did or not at all; whether it is new.
    #[inline]
    pub fn set(&mut self, name: &[u8], value: &[u8], keep: Keep, tuning: &Tuning) -> bool {
        if let Repr::Listpack(pack) = self.repr_mut() {
            let longest = name.len().max(value.len()) as u64;
            if longest <= tuning.hash_listpack_value && pack.fits(name.len() + value.len() + 22) {
                if let Some(pos) = pack.find(name, 1).and_then(|pos| pack.next(pos)) {
                    pack.replace(pos, value);
                    return false;
                }
                pack.extend([name, value].into_iter());
                if u64::from(pack.len() / 2) > tuning.hash_listpack_entries {
                    self.become_table(&tuning.seed);
                }
                return true;
            }
            self.become_table(&tuning.seed);
        }
        let table = match self.repr_mut() {
            Repr::Table(table) => table,
            Repr::Timed(timed) => return timed.insert(name, value, keep, tuning),
            Repr::Listpack(_) => {
                unreachable!("a listpack that has no room has just become a table")
            }
        };
        let hash = hash(&tuning.seed, name);
        if let Some(mut slot) = table.find_slot(hash, |field| field.name() == name) {
            slot.get_mut().set_value(value);
            return false;
        }
        table.insert_unique(hash, Field::new(name, value), hasher(&tuning.seed));
        true
    }

    /// Removes a field; whether there was one.
    pub fn remove(&mut self, name: &[u8], seed: &HashSeed) -> bool {
        match self.repr_mut() {
            Repr::Listpack(pack) => {
                let Some(pos) = pack.find(name, 1) else { return false };
                pack.remove_at(pos, 2);
                true
            }
            Repr::Table(table) => {
                table.remove(hash(seed, name), |field| field.name() == name, hasher(seed)).is_some()
            }
            Repr::Timed(timed) => timed.remove(name, seed),
        }
    }

    /// Whether fields have an expiry, or had one once. Then whoever changes fields tells
    /// [`Store::index_fields`](crate::store::Store::index_fields).
    #[inline]
    pub fn is_timed(&self) -> bool {
        matches!(self.repr(), Repr::Timed(_))
    }

    /// When the next field expires.
    pub fn next_time(&self) -> Option<i64> {
        match self.repr() {
            Repr::Timed(timed) => timed.next_time(),
            _ => None,
        }
    }

    /// How many fields are due and still there.
    pub fn dead(&self, now_ms: i64) -> usize {
        match self.repr() {
            Repr::Timed(timed) => timed.dead(now_ms),
            _ => 0,
        }
    }

    /// How many fields there are that are not due.
    pub fn live_len(&self, now_ms: i64) -> usize {
        self.len() - self.dead(now_ms)
    }

    /// Gives every field that is not due to `f`, with its value.
    #[inline]
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn each_live(
        &self,
        seed: &HashSeed,
        now_ms: i64,
        mut f: impl FnMut(Element<'_>, Element<'_>),
    ) {
        // One loop for each representation: asking which one it is for every field costs as much as the field.
        match self.repr() {
            Repr::Listpack(pack) => {
                let mut elements = pack.iter();
                while let (Some(name), Some(value)) = (elements.next(), elements.next()) {
                    f(name, value);
                }
            }
            Repr::Table(table) => {
                for field in table {
                    f(Element::Str(field.name()), Element::Str(field.value()));
                }
            }
            Repr::Timed(_) => self.live(seed, now_ms).for_each(|(name, value)| f(name, value)),
        }
    }

    /// The fields with an expiry, soonest first.
    pub fn times(&self) -> impl Iterator<Item = (Element<'_>, i64)> + '_ {
        let timed = match self.repr() {
            Repr::Timed(timed) => Some(timed),
            _ => None,
        };
        timed.into_iter().flat_map(Timed::times)
    }

    /// When a field expires, due or not.
    pub fn time(&self, name: &[u8], seed: &HashSeed) -> FieldTime {
        match self.repr() {
            Repr::Timed(timed) => timed.time(name, seed),
            _ if self.contains(name, seed, 0) => FieldTime::Never,
            _ => FieldTime::Absent,
        }
    }

    /// Whether a field is due and still there.
    pub fn is_due(&self, name: &[u8], seed: &HashSeed, now_ms: i64) -> bool {
        matches!(self.time(name, seed), FieldTime::At(at_ms) if at_ms <= now_ms)
    }

    /// Sets or removes the expiry of a field, in Unix milliseconds; `false` if there is no such field.
    pub fn set_time(&mut self, name: &[u8], at_ms: Option<i64>, seed: &HashSeed) -> bool {
        if !self.is_timed() {
            if at_ms.is_none() || !self.contains(name, seed, 0) {
                return self.contains(name, seed, 0);
            }
            self.become_timed();
        }
        let Repr::Timed(timed) = self.repr_mut() else { return false };
        timed.set_time(name, at_ms, seed)
    }

    /// Removes up to `most` fields that are due, soonest first, and tells their names; how many.
    pub fn remove_due(
        &mut self,
        now_ms: i64,
        most: usize,
        seed: &HashSeed,
        gone: &mut dyn FnMut(&[u8]),
    ) -> usize {
        match self.repr_mut() {
            Repr::Timed(timed) => timed.remove_due(now_ms, most, seed, gone),
            _ => 0,
        }
    }

    /// The listpack of fields, values and times, if it is one: what Redis calls `listpackex`.
    pub fn timed_listpack(&self) -> Option<&Listpack> {
        match self.repr() {
            Repr::Timed(Timed::Pack(pack)) => Some(pack),
            _ => None,
        }
    }

    /// Every field with its value that is not due.
    pub fn live<'a>(
        &'a self,
        seed: &'a HashSeed,
        now_ms: i64,
    ) -> impl Iterator<Item = (Element<'a>, Element<'a>)> + 'a {
        let dead = self.dead(now_ms);
        let (skip, table) = match self.repr() {
            Repr::Timed(timed) if dead > 0 && !self.is_listpack() => (0, Some(timed)),
            _ => (dead, None),
        };
        let is_live = move |name: &Element<'_>| {
            table.is_none_or(|timed| !timed.is_dead(&name.text(), now_ms, seed))
        };
        self.iter().skip(skip).filter(move |(name, _)| is_live(name))
    }

    /// Every field with its value, those that are due included.
    pub fn iter(&self) -> impl Iterator<Item = (Element<'_>, Element<'_>)> + '_ {
        let (pack, timed, table) = match self.repr() {
            Repr::Listpack(pack) => (Some(pack), false, None),
            Repr::Table(table) => (None, false, Some(table)),
            Repr::Timed(Timed::Pack(pack)) => (Some(pack), true, None),
            Repr::Timed(Timed::Table { fields, .. }) => (None, true, Some(fields)),
        };
        let mut elements = pack.map(Listpack::iter);
        let pairs = core::iter::from_fn(move || {
            let elements = elements.as_mut()?;
            let pair = (elements.next()?, elements.next()?);
            if timed {
                elements.next();
            }
            Some(pair)
        });
        let fields = table.into_iter().flat_map(|table| {
            table.iter().map(|f| (Element::Str(f.name()), Element::Str(f.value())))
        });
        pairs.chain(fields)
    }

    /// One step of a SCAN over fields that are not due; a listpack is given whole. The next cursor, 0 at the
    /// end.
    pub fn scan(
        &self,
        cursor: u64,
        seed: &HashSeed,
        now_ms: i64,
        mut f: impl FnMut(Element<'_>, Element<'_>),
    ) -> u64 {
        let dead = self.dead(now_ms);
        let (timed, table) = match self.repr() {
            Repr::Table(table) => (None, table),
            Repr::Timed(timed @ Timed::Table { fields, .. }) => {
                ((dead > 0).then_some(timed), fields)
            }
            Repr::Listpack(_) | Repr::Timed(Timed::Pack(_)) => {
                self.each_live(seed, now_ms, f);
                return 0;
            }
        };
        table.scan(cursor, |field| {
            if timed.is_none_or(|timed| !timed.is_dead(field.name(), now_ms, seed)) {
                f(Element::Str(field.name()), Element::Str(field.value()));
            }
        })
    }

    /// A field chosen at random among those that are not due, with its value; `None` only if there is none.
    pub fn random(
        &self,
        rng: &mut Rng,
        seed: &HashSeed,
        now_ms: i64,
    ) -> Option<(Element<'_>, Element<'_>)> {
        let dead = self.dead(now_ms);
        if dead == 0
            && let Repr::Table(table) | Repr::Timed(Timed::Table { fields: table, .. }) =
                self.repr()
        {
            return table
                .random(|| rng.next_u64())
                .map(|field| (Element::Str(field.name()), Element::Str(field.value())));
        }
        let live = (self.len() - dead) as u64;
        if live == 0 {
            return None;
        }
        let index = rng.below(live) as usize;
        let (pack, first, stride) = match self.repr() {
            Repr::Listpack(pack) => (pack, 0, 2),
            Repr::Timed(Timed::Pack(pack)) => (pack, dead, 3),
            // Active expiry leaves few that are due for long: they are not worth more than this.
            _ => {
                return self.iter().filter(|(name, _)| self.is_live(name, seed, now_ms)).nth(index);
            }
        };
        let pos = pack.seek((first + index) as i64 * stride)?;
        Some((pack.at(pos)?, pack.at(pack.next(pos)?)?))
    }

    fn is_live(&self, name: &Element<'_>, seed: &HashSeed, now_ms: i64) -> bool {
        self.contains(&name.text(), seed, now_ms)
    }

    /// The listpack, if it is one: for DUMP and RDB, whose bytes are the same.
    pub fn listpack(&self) -> Option<&Listpack> {
        match self.repr() {
            Repr::Listpack(pack) => Some(pack),
            _ => None,
        }
    }

    /// A hash of the fields and values in a listpack, whose fields differ from each other: from RDB.
    pub fn from_listpack(pack: Listpack, tuning: &Tuning) -> Self {
        let mut hash = Self { word: Either::a(pack) };
        if hash.len() as u64 > tuning.hash_listpack_entries {
            hash.become_table(&tuning.seed);
        }
        hash
    }

    /// A hash of the listpack that [`timed_listpack`](Self::timed_listpack) gives, whose fields differ from
    /// each other and whose times are in order: from RDB.
    pub fn from_timed_listpack(pack: Listpack, tuning: &Tuning) -> Self {
        Self::of_timed(Timed::from_pack(pack, tuning))
    }

    /// An empty hash that is a table already, for many fields to come.
    pub fn table() -> Self {
        Self::of_table(Dict::new())
    }

    #[cold]
    fn become_timed(&mut self) {
        let timed = match self.repr_mut() {
            Repr::Listpack(pairs) => Timed::from_pairs(pairs),
            Repr::Table(table) => Timed::from_table(core::mem::take(table)),
            Repr::Timed(_) => return,
        };
        *self = Self::of_timed(timed);
    }

    #[cold]
    fn become_table(&mut self, seed: &HashSeed) {
        *self = Self::of_table(self.table_of_fields(seed));
    }

    fn table_of_fields(&self, seed: &HashSeed) -> Dict<Field> {
        let mut table = Dict::new();
        for (name, value) in self.iter() {
            let (name, value) = (name.text(), value.text());
            let hash = hash(seed, &name);
            table.insert_unique(hash, Field::new(&name, &value), hasher(seed));
        }
        table
    }

    /// Adds to an integer value in one step, where the field is an integer in a listpack or new: the
    /// fast way of HINCRBY. `None` leaves everything as it is and the slow way to the caller.
    pub fn add_int(&mut self, name: &[u8], by: i64) -> Option<i64> {
        let Repr::Listpack(pack) = self.repr_mut() else { return None };
        let pos = pack.next(pack.find(name, 1)?)?;
        let sum = pack.at(pos)?.as_int()?.checked_add(by)?;
        pack.replace_int(pos, sum);
        Some(sum)
    }
}

impl Object for Hash {
    const KIND: Kind = Kind::Hash;

    fn duplicate(&self, seed: &HashSeed) -> Self {
        match self.repr() {
            Repr::Listpack(pack) => Self { word: Either::a(pack.clone()) },
            Repr::Table(_) => Self::of_table(self.table_of_fields(seed)),
            Repr::Timed(timed) => Self::of_timed(timed.duplicate(seed)),
        }
    }

    fn encoding(&self) -> &'static str {
        match self.repr() {
            Repr::Listpack(_) => "listpack",
            Repr::Timed(Timed::Pack(_)) => "listpackex",
            Repr::Table(_) | Repr::Timed(Timed::Table { .. }) => "hashtable",
        }
    }

    fn memory(&self) -> usize {
        match self.repr() {
            Repr::Listpack(pack) => pack.heap_bytes(),
            Repr::Table(table) => table_memory(table),
            Repr::Timed(timed) => {
                size_of::<Timed>()
                    + match timed {
                        Timed::Pack(pack) => pack.heap_bytes(),
                        Timed::Table { fields, times } => table_memory(fields) + times.memory(),
                    }
            }
        }
    }

    fn free_effort(&self) -> usize {
        match self.repr() {
            Repr::Listpack(_) | Repr::Timed(Timed::Pack(_)) => 1,
            Repr::Table(table) => table.len(),
            Repr::Timed(Timed::Table { fields, times }) => fields.len() + times.len() as usize,
        }
    }

    fn free_some(&mut self, budget: usize) -> usize {
        let (table, freed) = match self.repr_mut() {
            Repr::Listpack(_) | Repr::Timed(Timed::Pack(_)) => return 0,
            Repr::Table(table) => (table, 0),
            Repr::Timed(Timed::Table { fields, times }) => {
                let freed = times.free_some(budget);
                (fields, freed)
            }
        };
        let before = table.len();
        table.pop_some(budget - freed, drop);
        freed + before - table.len()
    }
}

fn table_memory(table: &Dict<Field>) -> usize {
    // The first few fields stand for all of them.
    let (sum, count) = table.iter().take(64).fold((0, 0), |(s, n), f| (s + f.memory(), n + 1));
    table.memory() + sum.checked_div(count).unwrap_or(0) * table.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);

    #[test]
    fn a_hash_agrees_with_a_map_across_its_encodings() {
        let mut tuning = Tuning::new(SEED);
        tuning.hash_listpack_entries = 20;
        let (mut hash, mut model) = (Hash::default(), BTreeMap::<String, String>::new());
        let mut rng = Rng::new(3);
        for step in 0..3000 {
            let name = format!("f{}", rng.below(60));
            if rng.below(3) == 0 {
                assert_eq!(hash.remove(name.as_bytes(), &SEED), model.remove(&name).is_some());
            } else {
                let value = format!("{step}");
                let is_new = hash.insert(name.as_bytes(), value.as_bytes(), &tuning);
                assert_eq!(is_new, model.insert(name, value).is_none());
            }
            assert_eq!(hash.len(), model.len());
        }
        assert_eq!(hash.encoding(), "hashtable");
        for (name, value) in &model {
            assert!(
                hash.get(name.as_bytes(), &SEED, 0).is_some_and(|v| v.eq_bytes(value.as_bytes()))
            );
        }
        let copy = hash.duplicate(&SEED);
        assert_eq!(copy.iter().count(), model.len());
    }

    /// A model of a hash with expiries: value and time of each field.
    type Model = BTreeMap<String, (String, Option<i64>)>;

    fn agree(hash: &Hash, model: &Model, now: i64) {
        if let Repr::Timed(timed) = hash.repr() {
            timed.check(&SEED);
        }
        let due = |time: &Option<i64>| time.is_some_and(|at| at <= now);
        assert_eq!(hash.len(), model.len());
        assert_eq!(hash.dead(now), model.values().filter(|(_, time)| due(time)).count());
        assert_eq!(hash.next_time(), model.values().filter_map(|(_, time)| *time).min());
        let live = model.iter().filter(|(_, (_, time))| !due(time));
        let live: Vec<_> = live.map(|(name, (value, _))| (name.clone(), value.clone())).collect();
        let mut seen: Vec<(String, String)> = Vec::new();
        let text = |element: Element<'_>| String::from_utf8(element.to_vec()).expect("it is text");
        hash.scan(0, &SEED, now, |name, value| seen.push((text(name), text(value))));
        let mut listed: Vec<_> =
            hash.live(&SEED, now).map(|(name, value)| (text(name), text(value))).collect();
        listed.sort();
        assert_eq!(listed, live);
        assert!(seen.iter().all(|field| live.contains(field)));
        for (name, (value, time)) in model {
            let found = hash.get(name.as_bytes(), &SEED, now);
            assert_eq!(found.map(text), (!due(time)).then(|| value.clone()));
            let expected = time.map_or(FieldTime::Never, FieldTime::At);
            assert_eq!(hash.time(name.as_bytes(), &SEED), expected);
        }
        let random = hash.random(&mut Rng::new(now as u64), &SEED, now);
        assert_eq!(random.is_some(), !live.is_empty());
        assert!(random.is_none_or(|(name, value)| live.contains(&(text(name), text(value)))));
    }

    #[test]
    fn fields_with_an_expiry_agree_with_a_model_in_every_encoding() {
        for entries in [0, 12, 512] {
            let mut tuning = Tuning::new(SEED);
            tuning.hash_listpack_entries = entries;
            let (mut hash, mut model, mut now) = (Hash::default(), Model::new(), 1);
            let mut rng = Rng::new(entries);
            for step in 0..4000 {
                let name = format!("f{}", rng.below(40));
                let key = name.as_bytes();
                match rng.below(9) {
                    0 | 1 => {
                        let value = format!("{step}");
                        let new = hash.insert(key, value.as_bytes(), &tuning);
                        assert_eq!(new, model.insert(name, (value, None)).is_none());
                    }
                    2 => {
                        let value = format!("kept {step}");
                        let new = hash.set(key, value.as_bytes(), Keep::Time, &tuning);
                        let time = model.get(&name).and_then(|&(_, time)| time);
                        assert_eq!(new, model.insert(name, (value, time)).is_none());
                    }
                    3..=5 => {
                        let at = now + 1 + rng.below(60) as i64;
                        let is_there = model.get_mut(&name).map(|field| field.1 = Some(at));
                        assert_eq!(hash.set_time(key, Some(at), &SEED), is_there.is_some());
                    }
                    6 => {
                        let is_there = model.get_mut(&name).map(|field| field.1 = None);
                        assert_eq!(hash.set_time(key, None, &SEED), is_there.is_some());
                    }
                    7 => assert_eq!(hash.remove(key, &SEED), model.remove(&name).is_some()),
                    _ => {
                        now += rng.below(20) as i64;
                        agree(&hash, &model, now);
                        let most = rng.below(4) as usize;
                        let removed = hash.remove_due(now, most, &SEED, &mut |_| {});
                        assert_eq!(removed, most.min(hash.dead(now) + removed));
                        model.retain(|name, (_, time)| {
                            let stays = hash.time(name.as_bytes(), &SEED) != FieldTime::Absent;
                            assert!(
                                stays || time.is_some_and(|at| at <= now),
                                "{name} was not due"
                            );
                            stays
                        });
                    }
                }
                agree(&hash, &model, now);
            }
            let copy = hash.duplicate(&SEED);
            agree(&copy, &model, now);
            assert_eq!(copy.encoding(), hash.encoding());
            assert!(hash.is_timed() && hash.memory() > model.len() * 8);
            while hash.free_effort() > 1 {
                assert!(hash.free_some(7) > 0);
            }
        }
    }

    #[test]
    fn times_out_of_range_are_clamped() {
        for entries in [0, 512] {
            let mut tuning = Tuning::new(SEED);
            tuning.hash_listpack_entries = entries;
            let mut hash = Hash::default();
            hash.insert(b"f", b"v", &tuning);
            for (given, kept) in [(i64::MAX, FIELD_TIME_MAX_MS), (i64::MIN, 1), (0, 1)] {
                hash.set_time(b"f", Some(given), &SEED);
                assert_eq!(hash.next_time(), Some(kept));
            }
        }
    }

    #[test]
    fn a_long_value_makes_a_table() {
        let tuning = Tuning::new(SEED);
        let mut hash = Hash::default();
        hash.insert(b"f", &[b'v'; 64], &tuning);
        assert_eq!(hash.encoding(), "listpack");
        hash.insert(b"f", &[b'v'; 65], &tuning);
        assert_eq!(hash.encoding(), "hashtable");
        assert_eq!(hash.len(), 1);
    }

    #[test]
    fn freeing_in_steps_ends() {
        let mut tuning = Tuning::new(SEED);
        tuning.hash_listpack_entries = 0;
        let mut hash = Hash::default();
        for i in 0..1000 {
            hash.insert(format!("{i}").as_bytes(), b"v", &tuning);
        }
        let mut steps = 0;
        while hash.free_effort() > 0 {
            assert!(hash.free_some(100) > 0);
            steps += 1;
        }
        assert!(steps >= 9, "{steps}");
    }
}
