//! Hash values: a listpack of fields and values while it is small, a table of fields afterwards.

use super::{Kind, Object, Tuning};
use crate::collections::dict::Dict;
use crate::collections::either::{Either, Large, Which};
use crate::collections::field::Field;
use crate::collections::hash::{HashSeed, hash};
use crate::collections::listpack::{Element, Listpack};
use crate::rng::Rng;

/// A hash.
#[derive(Debug)]
pub struct Hash {
    word: Either<Listpack, Large<Dict<Field>>>,
}

enum Repr<L, T> {
    /// Field, value, field, value, …
    Listpack(L),
    Table(T),
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
    fn repr(&self) -> Repr<&Listpack, &Dict<Field>> {
        match self.word.get() {
            Which::A(pack) => Repr::Listpack(pack),
            Which::B(table) => Repr::Table(table),
        }
    }

    #[inline]
    fn repr_mut(&mut self) -> Repr<&mut Listpack, &mut Dict<Field>> {
        match self.word.get_mut() {
            Which::A(pack) => Repr::Listpack(pack),
            Which::B(table) => Repr::Table(table),
        }
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        match self.repr() {
            Repr::Listpack(pack) => pack.len() as usize / 2,
            Repr::Table(table) => table.len(),
        }
    }

    /// Whether there are no fields; then the key is about to be removed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is a listpack, which SCAN returns whole.
    pub fn is_listpack(&self) -> bool {
        matches!(self.repr(), Repr::Listpack(_))
    }

    /// The value of a field.
    #[inline]
    pub fn get(&self, name: &[u8], seed: &HashSeed) -> Option<Element<'_>> {
        match self.repr() {
            Repr::Listpack(pack) => pack.at(pack.next(pack.find(name, 1)?)?),
            Repr::Table(table) => table
                .find(hash(seed, name), |field| field.name() == name)
                .map(|field| Element::Str(field.value())),
        }
    }

    /// Whether there is such a field.
    pub fn contains(&self, name: &[u8], seed: &HashSeed) -> bool {
        self.get(name, seed).is_some()
    }

    /// Becomes a table if a name or value among `texts` is too long for a listpack. Asked once before
    /// the fields of one command are set, as Redis does.
    pub fn make_room_for<'a>(&mut self, texts: impl Iterator<Item = &'a [u8]>, tuning: &Tuning) {
        let Repr::Listpack(pack) = self.repr() else { return };
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

    /// Sets a field; whether it is new.
    #[inline]
    pub fn insert(&mut self, name: &[u8], value: &[u8], tuning: &Tuning) -> bool {
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
        let Repr::Table(table) = self.repr_mut() else {
            unreachable!("a listpack that has no room has just become a table")
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
        }
    }

    /// Every field with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Element<'_>, Element<'_>)> + '_ {
        let (pack, table) = match self.repr() {
            Repr::Listpack(pack) => (Some(pack), None),
            Repr::Table(table) => (None, Some(table)),
        };
        let mut elements = pack.map(Listpack::iter);
        let pairs = core::iter::from_fn(move || {
            let elements = elements.as_mut()?;
            Some((elements.next()?, elements.next()?))
        });
        let fields = table.into_iter().flat_map(|table| {
            table.iter().map(|f| (Element::Str(f.name()), Element::Str(f.value())))
        });
        pairs.chain(fields)
    }

    /// One step of a SCAN; a listpack is given whole. The next cursor, 0 at the end.
    pub fn scan(&self, cursor: u64, mut f: impl FnMut(Element<'_>, Element<'_>)) -> u64 {
        match self.repr() {
            Repr::Listpack(_) => {
                for (name, value) in self.iter() {
                    f(name, value);
                }
                0
            }
            Repr::Table(table) => table.scan(cursor, |field| {
                f(Element::Str(field.name()), Element::Str(field.value()));
            }),
        }
    }

    /// A field chosen at random, with its value; `None` only if there is none.
    pub fn random(&self, rng: &mut Rng) -> Option<(Element<'_>, Element<'_>)> {
        match self.repr() {
            Repr::Listpack(pack) => {
                let fields = u64::from(pack.len() / 2);
                if fields == 0 {
                    return None;
                }
                self.at(rng.below(fields) as usize)
            }
            Repr::Table(table) => table
                .random(|| rng.next_u64())
                .map(|f| (Element::Str(f.name()), Element::Str(f.value()))),
        }
    }

    /// The field at this place of a listpack, with its value.
    fn at(&self, index: usize) -> Option<(Element<'_>, Element<'_>)> {
        let Repr::Listpack(pack) = self.repr() else { return None };
        let pos = pack.seek(index as i64 * 2)?;
        Some((pack.at(pos)?, pack.at(pack.next(pos)?)?))
    }

    /// The listpack, if it is one: for DUMP and RDB, whose bytes are the same.
    pub fn listpack(&self) -> Option<&Listpack> {
        match self.repr() {
            Repr::Listpack(pack) => Some(pack),
            Repr::Table(_) => None,
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

    /// An empty hash that is a table already, for many fields to come.
    pub fn table() -> Self {
        Self { word: Either::b(Large::new(Dict::new())) }
    }

    #[cold]
    fn become_table(&mut self, seed: &HashSeed) {
        self.word = Either::b(Large::new(self.table_of_fields(seed)));
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
        if let Repr::Listpack(pack) = self.repr() {
            return Self { word: Either::a(pack.clone()) };
        }
        Self { word: Either::b(Large::new(self.table_of_fields(seed))) }
    }

    fn encoding(&self) -> &'static str {
        match self.repr() {
            Repr::Listpack(_) => "listpack",
            Repr::Table(_) => "hashtable",
        }
    }

    fn memory(&self) -> usize {
        match self.repr() {
            Repr::Listpack(pack) => pack.heap_bytes(),
            Repr::Table(table) => {
                // The first few fields stand for all of them.
                let (sum, count) =
                    table.iter().take(64).fold((0, 0), |(s, n), f| (s + f.memory(), n + 1));
                table.memory() + sum.checked_div(count).unwrap_or(0) * table.len()
            }
        }
    }

    fn free_effort(&self) -> usize {
        match self.repr() {
            Repr::Listpack(_) => 1,
            Repr::Table(table) => table.len(),
        }
    }

    fn free_some(&mut self, budget: usize) -> usize {
        let Repr::Table(table) = self.repr_mut() else { return 0 };
        let before = table.len();
        table.pop_some(budget, drop);
        before - table.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::format;
    use alloc::string::String;

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
            assert!(hash.get(name.as_bytes(), &SEED).is_some_and(|v| v.eq_bytes(value.as_bytes())));
        }
        let copy = hash.duplicate(&SEED);
        assert_eq!(copy.iter().count(), model.len());
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
