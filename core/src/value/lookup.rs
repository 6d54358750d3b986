//! A set or sorted set that takes part in an operation on several: walked, or asked for members.

use super::{Set, SortedSet};
use crate::collections::gathered::Gathered;
use crate::collections::hash::HashSeed;
use crate::collections::listpack::Element;

/// What is at a key that takes part.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// Nothing: no members.
    Missing,
    /// A set, whose members have a score of 1.
    Set(&'a Set),
    /// A sorted set.
    Sorted(&'a SortedSet),
}

impl<'a> Source<'a> {
    /// How many members there are.
    pub fn members(self) -> u64 {
        match self {
            Self::Missing => 0,
            Self::Set(set) => set.len() as u64,
            Self::Sorted(set) => set.len(),
        }
    }

    /// Gives `f` every member with its score, until it returns `false`.
    pub fn each(self, f: &mut dyn FnMut(Element<'a>, f64) -> bool) {
        match self {
            Self::Missing => {}
            Self::Set(set) => set.each(|member| f(member, 1.0)),
            Self::Sorted(set) => {
                for (member, score) in set.iter() {
                    if !f(member, score) {
                        return;
                    }
                }
            }
        }
    }

    /// Whether every look at it compares with one member after the other.
    fn is_listpack(self) -> bool {
        match self {
            Self::Missing => false,
            Self::Set(set) => set.listpack().is_some(),
            Self::Sorted(set) => set.is_listpack(),
        }
    }
}

/// A source to look members up in, many times.
#[derive(Debug)]
pub struct Lookup<'a> {
    source: Source<'a>,
    /// The members, where a look at the source itself takes long.
    gathered: Option<Gathered<'a>>,
    seed: &'a HashSeed,
}

/// Fewer members, or fewer looks at them, are not worth gathering.
const WORTH: u64 = 12;

impl<'a> Lookup<'a> {
    /// `looks`: about how many there will be.
    pub fn new(source: Source<'a>, looks: u64, seed: &'a HashSeed) -> Self {
        let is_worth = looks.min(source.members()) >= WORTH && source.is_listpack();
        let gathered = is_worth.then(|| {
            let mut gathered = Gathered::new(source.members(), seed);
            source.each(&mut |member, score| {
                gathered.add(member, score, |_, score| score);
                true
            });
            gathered
        });
        Self { source, gathered, seed }
    }

    /// The score of a member, if it is there.
    #[inline]
    pub fn score(&self, member: Element<'_>) -> Option<f64> {
        if let Some(gathered) = &self.gathered {
            return gathered.number(member);
        }
        match self.source {
            Source::Missing => None,
            Source::Set(set) => set.contains_element(member, self.seed).then_some(1.0),
            Source::Sorted(set) => set.score(&member.text(), self.seed),
        }
    }

    /// Whether a member is there.
    #[inline]
    pub fn has(&self, member: Element<'_>) -> bool {
        self.score(member).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Tuning;
    use alloc::format;

    const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);

    #[test]
    fn members_are_found_whether_they_were_gathered_or_not() {
        let tuning = Tuning::new(SEED);
        for len in [3, 100, 1000] {
            let (mut set, mut sorted) = (Set::default(), SortedSet::default());
            for n in 0..len {
                let member = if n % 3 == 0 { format!("{n}") } else { format!("m{n}") };
                set.insert(member.as_bytes(), &tuning);
                sorted.insert(member.as_bytes(), f64::from(n), &tuning);
            }
            for looks in [1, 1000] {
                let of_set = Lookup::new(Source::Set(&set), looks, &SEED);
                let of_sorted = Lookup::new(Source::Sorted(&sorted), looks, &SEED);
                assert_eq!(of_set.gathered.is_some(), len == 100 && looks > 1);
                assert!(of_set.has(Element::Int(0)) && of_set.has(Element::Str(b"m1")));
                assert!(!of_set.has(Element::Int(1)) && !of_set.has(Element::Str(b"m0")));
                assert_eq!(of_sorted.score(Element::Str(b"m2")), Some(2.0));
                assert_eq!(of_sorted.score(Element::Int(1)), None);
            }
        }
        assert!(!Lookup::new(Source::Missing, 1000, &SEED).has(Element::Int(0)));
    }
}
