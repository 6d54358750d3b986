//! Set values: an intset while all members are integers, a listpack while it is small, a table of
//! members afterwards.

use super::{Kind, Object, Tuning};
use crate::collections::decimal;
use crate::collections::dict::Dict;
use crate::collections::either::{Either, Large, Which};
use crate::collections::hash::{HashSeed, hash};
use crate::collections::intset::Intset;
use crate::collections::listpack::{Element, Listpack};
use crate::collections::thin::ThinBytes;
use crate::rng::Rng;
use alloc::vec::Vec;

/// A set.
#[derive(Debug)]
pub struct Set {
    word: Either<Either<Intset, Listpack>, Large<Dict<ThinBytes>>>,
}

enum Repr<I, L, T> {
    Intset(I),
    Listpack(L),
    Table(T),
}

impl Default for Set {
    fn default() -> Self {
        Self { word: Either::a(Either::a(Intset::new())) }
    }
}

fn hasher(seed: &HashSeed) -> impl Fn(&ThinBytes) -> u64 + '_ {
    move |member| hash(seed, member.as_slice())
}

impl Set {
    #[inline]
    fn repr(&self) -> Repr<&Intset, &Listpack, &Dict<ThinBytes>> {
        match self.word.get() {
            Which::A(small) => match small.get() {
                Which::A(ints) => Repr::Intset(ints),
                Which::B(pack) => Repr::Listpack(pack),
            },
            Which::B(table) => Repr::Table(table),
        }
    }

    #[inline]
    fn repr_mut(&mut self) -> Repr<&mut Intset, &mut Listpack, &mut Dict<ThinBytes>> {
        match self.word.get_mut() {
            Which::A(small) => match small.get_mut() {
                Which::A(ints) => Repr::Intset(ints),
                Which::B(pack) => Repr::Listpack(pack),
            },
            Which::B(table) => Repr::Table(table),
        }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        match self.repr() {
            Repr::Intset(ints) => ints.len() as usize,
            Repr::Listpack(pack) => pack.len() as usize,
            Repr::Table(table) => table.len(),
        }
    }

    /// Whether there are no members; then the key is about to be removed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `member` is in it.
    #[inline]
    pub fn contains(&self, member: &[u8], seed: &HashSeed) -> bool {
        match self.repr() {
            Repr::Intset(ints) => decimal::parse(member).is_some_and(|value| ints.contains(value)),
            Repr::Listpack(pack) => pack.find(member, 0).is_some(),
            Repr::Table(table) => {
                table.find(hash(seed, member), |m| m.as_slice() == member).is_some()
            }
        }
    }

    /// Whether a member of another set is in it.
    #[inline]
    pub fn contains_element(&self, member: Element<'_>, seed: &HashSeed) -> bool {
        if let (Repr::Intset(ints), Element::Int(value)) = (self.repr(), member) {
            return ints.contains(value);
        }
        self.contains(&member.text(), seed)
    }

    /// Adds a member; whether it is new.
    #[inline]
    pub fn insert(&mut self, member: &[u8], tuning: &Tuning) -> bool {
        if let Repr::Intset(ints) = self.repr_mut() {
            if let Some(value) = decimal::parse(member) {
                let is_new = ints.insert(value);
                if is_new && u64::from(ints.len()) > tuning.set_intset_entries {
                    self.leave_intset(&[], tuning);
                }
                return is_new;
            }
            self.leave_intset(member, tuning);
        }
        if let Repr::Listpack(pack) = self.repr_mut() {
            if pack.find(member, 0).is_some() {
                return false;
            }
            if u64::from(pack.len()) < tuning.set_listpack_entries
                && member.len() as u64 <= tuning.set_listpack_value
                && pack.fits(member.len() + 11)
            {
                pack.push_back(member);
                return true;
            }
            self.become_table(&tuning.seed);
        }
        let Repr::Table(table) = self.repr_mut() else {
            unreachable!("what has no room in the small encodings has just become a table")
        };
        let hash = hash(&tuning.seed, member);
        if table.find(hash, |m| m.as_slice() == member).is_some() {
            return false;
        }
        table.insert_unique(hash, ThinBytes::new(member), hasher(&tuning.seed));
        true
    }

    /// Removes a member; whether it was there.
    pub fn remove(&mut self, member: &[u8], seed: &HashSeed) -> bool {
        match self.repr_mut() {
            Repr::Intset(ints) => decimal::parse(member).is_some_and(|value| ints.remove(value)),
            Repr::Listpack(pack) => match pack.find(member, 0) {
                Some(pos) => {
                    pack.remove(pos);
                    true
                }
                None => false,
            },
            Repr::Table(table) => {
                table.remove(hash(seed, member), |m| m.as_slice() == member, hasher(seed)).is_some()
            }
        }
    }

    /// Every member; integers in ascending order while they are an intset.
    pub fn iter(&self) -> impl Iterator<Item = Element<'_>> + '_ {
        let (ints, pack, table) = match self.repr() {
            Repr::Intset(ints) => (Some(ints), None, None),
            Repr::Listpack(pack) => (None, Some(pack), None),
            Repr::Table(table) => (None, None, Some(table)),
        };
        let ints = ints.into_iter().flat_map(|ints| ints.iter().map(Element::Int));
        let elements = pack.into_iter().flat_map(Listpack::iter);
        let members =
            table.into_iter().flat_map(|table| table.iter().map(|m| Element::Str(m.as_slice())));
        ints.chain(elements).chain(members)
    }

    /// Gives `f` every member, in the order of [`Set::iter`], until it returns `false`.
    #[inline]
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn each<'a>(&'a self, mut f: impl FnMut(Element<'a>) -> bool) {
        // One loop for each representation: asking which one it is for every member costs as much as the member.
        let _ = match self.repr() {
            Repr::Intset(ints) => ints.iter().all(|value| f(Element::Int(value))),
            Repr::Listpack(pack) => pack.iter().all(f),
            Repr::Table(table) => table.iter().all(|member| f(Element::Str(member.as_slice()))),
        };
    }

    /// A set of members that differ from each other, in the encoding that adding one by one gives.
    pub fn of_distinct<'a>(
        members: impl ExactSizeIterator<Item = Element<'a>> + Clone,
        tuning: &Tuning,
    ) -> Self {
        let members = members.map(Element::canonical);
        let count = members.len() as u64;
        if count <= tuning.set_intset_entries
            && members.clone().all(|member| member.as_int().is_some())
        {
            let mut ints = Intset::new();
            for value in members.filter_map(Element::as_int) {
                ints.insert(value);
            }
            return Self { word: Either::a(Either::a(ints)) };
        }
        let (longest, sum) = members
            .clone()
            .fold((0, 0), |(longest, sum), m| (m.len().max(longest), sum + m.len() + 11));
        let mut pack = Listpack::new();
        if count <= tuning.set_listpack_entries
            && longest as u64 <= tuning.set_listpack_value
            && pack.fits(sum)
        {
            pack.extend_elements(members);
            return Self { word: Either::a(Either::b(pack)) };
        }
        let mut table = Dict::new();
        for member in members {
            let member = member.text();
            let hash = hash(&tuning.seed, &member);
            table.insert_unique(hash, ThinBytes::new(&member), hasher(&tuning.seed));
        }
        Self { word: Either::b(Large::new(table)) }
    }

    /// One step of a SCAN; the small encodings are given whole. The next cursor, 0 at the end.
    pub fn scan(&self, cursor: u64, mut f: impl FnMut(Element<'_>)) -> u64 {
        match self.repr() {
            Repr::Table(table) => table.scan(cursor, |m| f(Element::Str(m.as_slice()))),
            _ => {
                self.each(|member| {
                    f(member);
                    true
                });
                0
            }
        }
    }

    /// A member chosen at random; `None` only if there is none.
    pub fn random(&self, rng: &mut Rng) -> Option<Element<'_>> {
        match self.repr() {
            Repr::Intset(ints) => {
                let len = ints.len();
                if len == 0 {
                    return None;
                }
                ints.get(rng.below(u64::from(len)) as u32).map(Element::Int)
            }
            Repr::Listpack(pack) => {
                let len = pack.len();
                if len == 0 {
                    return None;
                }
                pack.get(rng.below(u64::from(len)) as i64)
            }
            Repr::Table(table) => {
                table.random(|| rng.next_u64()).map(|m| Element::Str(m.as_slice()))
            }
        }
    }

    /// Removes a member chosen at random and returns its text.
    pub fn pop_random(&mut self, rng: &mut Rng, seed: &HashSeed) -> Option<Vec<u8>> {
        let member = self.random(rng)?.to_vec();
        self.remove(&member, seed);
        Some(member)
    }

    /// Whether it is one of the small encodings, which are cheap to walk and dear to index.
    pub fn encoding_is_small(&self) -> bool {
        !matches!(self.repr(), Repr::Table(_))
    }

    /// The intset, if it is one.
    pub fn intset(&self) -> Option<&Intset> {
        match self.repr() {
            Repr::Intset(ints) => Some(ints),
            _ => None,
        }
    }

    /// The listpack, if it is one.
    pub fn listpack(&self) -> Option<&Listpack> {
        match self.repr() {
            Repr::Listpack(pack) => Some(pack),
            _ => None,
        }
    }

    /// A set of the members of an intset: from RDB.
    pub fn from_intset(ints: Intset, tuning: &Tuning) -> Self {
        let is_long = u64::from(ints.len()) > tuning.set_intset_entries;
        let mut set = Self { word: Either::a(Either::a(ints)) };
        if is_long {
            set.leave_intset(&[], tuning);
        }
        set
    }

    /// A set of the members in a listpack, which differ from each other: from RDB.
    pub fn from_listpack(pack: Listpack, tuning: &Tuning) -> Self {
        let is_long = u64::from(pack.len()) > tuning.set_listpack_entries;
        let mut set = Self { word: Either::a(Either::b(pack)) };
        if is_long {
            set.become_table(&tuning.seed);
        }
        set
    }

    /// An empty set that is a table already, for many members to come.
    pub fn table() -> Self {
        Self { word: Either::b(Large::new(Dict::new())) }
    }

    /// Leaves the intset for a listpack, if `member` has room there, or a table.
    #[cold]
    fn leave_intset(&mut self, member: &[u8], tuning: &Tuning) {
        let Repr::Intset(ints) = self.repr() else { return };
        let small = u64::from(ints.len()) < tuning.set_listpack_entries
            && member.len() as u64 <= tuning.set_listpack_value
            && tuning.set_listpack_value >= decimal::MAX_TEXT as u64;
        if !small {
            self.become_table(&tuning.seed);
            return;
        }
        let mut pack = Listpack::new();
        for value in ints {
            pack.push_back_int(value);
        }
        self.word = Either::a(Either::b(pack));
    }

    #[cold]
    fn become_table(&mut self, seed: &HashSeed) {
        self.word = Either::b(Large::new(self.table_of_members(seed)));
    }

    fn table_of_members(&self, seed: &HashSeed) -> Dict<ThinBytes> {
        let mut table = Dict::new();
        for member in self.iter() {
            let member = member.text();
            table.insert_unique(hash(seed, &member), ThinBytes::new(&member), hasher(seed));
        }
        table
    }
}

impl Object for Set {
    const KIND: Kind = Kind::Set;

    fn duplicate(&self, seed: &HashSeed) -> Self {
        let word = match self.repr() {
            Repr::Intset(ints) => Either::a(Either::a(ints.clone())),
            Repr::Listpack(pack) => Either::a(Either::b(pack.clone())),
            Repr::Table(_) => Either::b(Large::new(self.table_of_members(seed))),
        };
        Self { word }
    }

    fn encoding(&self) -> &'static str {
        match self.repr() {
            Repr::Intset(_) => "intset",
            // Redis 7.0 knows no listpacks of members.
            Repr::Listpack(_) | Repr::Table(_) => "hashtable",
        }
    }

    fn memory(&self) -> usize {
        match self.repr() {
            Repr::Intset(ints) => ints.heap_bytes(),
            Repr::Listpack(pack) => pack.heap_bytes(),
            Repr::Table(table) => {
                // The first few members stand for all of them.
                let (sum, count) =
                    table.iter().take(64).fold((0, 0), |(s, n), m| (s + m.memory(), n + 1));
                table.memory() + sum.checked_div(count).unwrap_or(0) * table.len()
            }
        }
    }

    fn free_effort(&self) -> usize {
        match self.repr() {
            Repr::Table(table) => table.len(),
            _ => 1,
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
    use alloc::collections::BTreeSet;
    use alloc::format;

    const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);

    #[test]
    fn a_set_agrees_with_a_model_across_its_encodings() {
        let mut tuning = Tuning::new(SEED);
        for (ints, entries) in [(10, 20), (0, 0), (512, 128)] {
            tuning.set_intset_entries = ints;
            tuning.set_listpack_entries = entries;
            let (mut set, mut model) = (Set::default(), BTreeSet::new());
            let mut rng = Rng::new(3);
            for step in 0..2000 {
                let n = rng.below(300);
                let member = if step > 500 && n.is_multiple_of(3) {
                    format!("m{n}")
                } else {
                    format!("{n}")
                };
                if rng.below(3) == 0 {
                    assert_eq!(set.remove(member.as_bytes(), &SEED), model.remove(&member));
                } else {
                    assert_eq!(set.insert(member.as_bytes(), &tuning), model.insert(member));
                }
                assert_eq!(set.len(), model.len());
            }
            assert!(model.iter().all(|m| set.contains(m.as_bytes(), &SEED)));
            assert_eq!(set.iter().count(), model.len());
            while let Some(member) = set.pop_random(&mut rng, &SEED) {
                assert!(model.remove(core::str::from_utf8(&member).expect("ASCII members")));
            }
            assert!(model.is_empty());
        }
    }

    #[test]
    fn a_set_of_distinct_members_is_the_one_that_adding_them_makes() {
        let tuning = Tuning::new(SEED);
        let long = "x".repeat(65);
        for (count, other) in
            [(0, ""), (10, ""), (10, "m"), (512, ""), (513, ""), (127, "m"), (128, "m"), (5, &long)]
        {
            let mut texts: Vec<_> = (0..count).map(|n| format!("{}", n * 37 % 1000)).collect();
            texts.extend((!other.is_empty()).then(|| other.into()));
            let members = texts.iter().map(|text| Element::Str(text.as_bytes()));
            let mut one_by_one = Set::default();
            for text in &texts {
                one_by_one.insert(text.as_bytes(), &tuning);
            }
            let at_once = Set::of_distinct(members, &tuning);
            assert_eq!(at_once.encoding_is_small(), one_by_one.encoding_is_small());
            assert_eq!(at_once.intset().is_some(), one_by_one.intset().is_some());
            assert_eq!(at_once.len(), texts.len());
            let mut seen = 0;
            at_once.each(|member| {
                seen += usize::from(one_by_one.contains_element(member, &SEED));
                true
            });
            assert_eq!(seen, texts.len());
        }
    }

    #[test]
    fn the_encoding_follows_the_members() {
        let tuning = Tuning::new(SEED);
        let mut set = Set::default();
        for i in 0..512 {
            set.insert(format!("{i}").as_bytes(), &tuning);
        }
        assert_eq!(set.encoding(), "intset");
        set.insert(b"512", &tuning);
        assert_eq!(set.encoding(), "hashtable");
    }
}
