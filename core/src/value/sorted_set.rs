//! Sorted set values: a listpack of members and scores in order while small, a table with a counted
//! tree afterwards.
//!
//! Ranges are ranges of ranks: [`SortedSet::lower_bound`] turns a bound of any sort into a rank, and the
//! rest follows from two of them.

use super::{Kind, Object, Tuning};
use crate::collections::decimal::{DOUBLE_LEN, format_double, parse_double};
use crate::collections::either::{Either, Large, Which};
use crate::collections::hash::HashSeed;
use crate::collections::listpack::{Element, Iter as Elements, Listpack, Pos, Side};
pub use crate::collections::ranked_tree::Direction;
use crate::collections::ranked_tree::Iter as TreeIter;
use crate::collections::sorted_set::SortedSet as Tree;
use crate::rng::Rng;
use alloc::vec::Vec;
use core::ops::Range;

/// A sorted set.
#[derive(Debug)]
pub struct SortedSet {
    word: Either<Listpack, Large<Tree>>,
}

enum Repr<L, T> {
    /// Member, score, member, score, … in order.
    Listpack(L),
    Tree(T),
}

impl Default for SortedSet {
    fn default() -> Self {
        Self { word: Either::a(Listpack::new()) }
    }
}

/// The score that a listpack holds after a member.
#[inline]
fn score_of(element: Element<'_>) -> f64 {
    match element {
        Element::Int(value) => value as f64,
        Element::Str(text) => parse_double(text).unwrap_or(0.0),
    }
}

/// Whether a score is stored as an integer: whole, and far from where doubles skip integers.
fn whole(score: f64) -> Option<i64> {
    const LIMIT: f64 = (1u64 << 62) as f64;
    let is_whole = score > -LIMIT && score < LIMIT && score as i64 as f64 == score;
    is_whole.then_some(score as i64)
}

impl SortedSet {
    #[inline]
    fn repr(&self) -> Repr<&Listpack, &Tree> {
        match self.word.get() {
            Which::A(pack) => Repr::Listpack(pack),
            Which::B(tree) => Repr::Tree(tree),
        }
    }

    #[inline]
    fn repr_mut(&mut self) -> Repr<&mut Listpack, &mut Tree> {
        match self.word.get_mut() {
            Which::A(pack) => Repr::Listpack(pack),
            Which::B(tree) => Repr::Tree(tree),
        }
    }

    /// How many members there are.
    pub fn len(&self) -> u64 {
        match self.repr() {
            Repr::Listpack(pack) => u64::from(pack.len() / 2),
            Repr::Tree(tree) => tree.len(),
        }
    }

    /// Whether there are no members; then the key is about to be removed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is a listpack, which is cheap to walk and dear to index.
    pub fn is_listpack(&self) -> bool {
        matches!(self.repr(), Repr::Listpack(_))
    }

    /// The listpack, if it is one: for DUMP and RDB, whose bytes are the same.
    pub fn listpack(&self) -> Option<&Listpack> {
        match self.repr() {
            Repr::Listpack(pack) => Some(pack),
            Repr::Tree(_) => None,
        }
    }

    /// The score of a member.
    #[inline]
    pub fn score(&self, member: &[u8], seed: &HashSeed) -> Option<f64> {
        match self.repr() {
            Repr::Listpack(pack) => {
                let pos = pack.next(pack.find(member, 1)?)?;
                pack.at(pos).map(score_of)
            }
            Repr::Tree(tree) => tree.score(seed, member),
        }
    }

    /// How many members come before `member` in a direction, and its score.
    pub fn rank(&self, member: &[u8], direction: Direction, seed: &HashSeed) -> Option<(u64, f64)> {
        match self.repr() {
            Repr::Listpack(_) => {
                let (rank, (_, score)) =
                    self.iter().enumerate().find(|(_, (found, _))| found.eq_bytes(member))?;
                let rank = match direction {
                    Direction::Up => rank as u64,
                    Direction::Down => self.len() - 1 - rank as u64,
                };
                Some((rank, score))
            }
            Repr::Tree(tree) => tree.rank(seed, member, direction),
        }
    }

    /// Gives `member` the score that `change` makes of the one it has, if any; returns the latter.
    /// `change` may return `None` to leave everything as it is, but never NaN.
    #[inline]
    pub fn update(
        &mut self,
        member: &[u8],
        tuning: &Tuning,
        change: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Option<f64> {
        let pack = match self.repr_mut() {
            Repr::Tree(tree) => return tree.update(&tuning.seed, member, change),
            Repr::Listpack(pack) => pack,
        };
        if let Some(pos) = pack.find(member, 1) {
            let old = pack.next(pos).and_then(|p| pack.at(p)).map_or(0.0, score_of);
            if let Some(score) = change(Some(old))
                && score != old
            {
                pack.remove_at(pos, 2);
                insert_in_order(pack, member, score);
            }
            return Some(old);
        }
        let score = change(None)?;
        let has_room = u64::from(pack.len() / 2) < tuning.zset_listpack_entries
            && member.len() as u64 <= tuning.zset_listpack_value
            && pack.fits(member.len() + 64);
        if has_room {
            insert_in_order(pack, member, score);
        } else {
            self.become_tree(&tuning.seed).insert(&tuning.seed, member, score);
        }
        None
    }

    /// Gives `member` a score; returns the one it had.
    pub fn insert(&mut self, member: &[u8], score: f64, tuning: &Tuning) -> Option<f64> {
        self.update(member, tuning, |_| Some(score))
    }

    /// Takes a member out; returns its score.
    pub fn remove(&mut self, member: &[u8], seed: &HashSeed) -> Option<f64> {
        match self.repr_mut() {
            Repr::Listpack(pack) => {
                let pos = pack.find(member, 1)?;
                let score = pack.next(pos).and_then(|p| pack.at(p)).map(score_of);
                pack.remove_at(pos, 2);
                score
            }
            Repr::Tree(tree) => tree.remove(seed, member),
        }
    }

    /// Takes out the members of a range of ranks.
    pub fn remove_range(&mut self, ranks: Range<u64>, seed: &HashSeed) {
        match self.repr_mut() {
            Repr::Listpack(pack) => {
                let count = ranks.end.saturating_sub(ranks.start) * 2;
                pack.remove_range(ranks.start as i64 * 2, count as u32);
            }
            Repr::Tree(tree) => tree.remove_range(seed, ranks, drop),
        }
    }

    /// How many members come before the first for which `before` is false: those for which it is true
    /// come first. What lies between two bounds is between their ranks.
    pub fn lower_bound(&self, mut before: impl FnMut(Element<'_>, f64) -> bool) -> u64 {
        match self.repr() {
            Repr::Listpack(_) => self
                .iter()
                .position(|(member, score)| !before(member, score))
                .map_or(self.len(), |place| place as u64),
            Repr::Tree(tree) => {
                tree.lower_bound(|entry| before(Element::Str(entry.member()), entry.score()))
            }
        }
    }

    /// Members with their scores from a rank on, which is counted from the lowest score in either
    /// direction.
    #[inline]
    pub fn iter_from(&self, rank: u64, direction: Direction) -> Iter<'_> {
        match self.repr() {
            Repr::Listpack(pack) => {
                let at = |place: u64| pack.seek(place as i64);
                let elements = match direction {
                    _ if rank >= self.len() => None,
                    Direction::Up => at(rank * 2).map(|member| pack.iter_from(member)),
                    Direction::Down => at(rank * 2 + 1).map(|score| pack.view().iter_to(score)),
                };
                Iter::Listpack { elements: elements.unwrap_or_default(), direction }
            }
            Repr::Tree(tree) => Iter::Tree(tree.iter_from(rank, direction)),
        }
    }

    /// Copies of up to `count` members from one end on.
    pub fn ends(&self, direction: Direction, count: u64) -> Vec<(Vec<u8>, f64)> {
        let from = match direction {
            Direction::Up => 0,
            Direction::Down => self.len().saturating_sub(1),
        };
        let count = count.min(self.len()) as usize;
        self.iter_from(from, direction).take(count).map(|(m, s)| (m.to_vec(), s)).collect()
    }

    /// All members with their scores, in order.
    pub fn iter(&self) -> Iter<'_> {
        self.iter_from(0, Direction::Up)
    }

    /// A member chosen at random, with its score; `None` only if there is none.
    pub fn random(&self, rng: &mut Rng) -> Option<(Element<'_>, f64)> {
        match self.repr() {
            Repr::Listpack(_) => {
                let len = self.len();
                if len == 0 {
                    return None;
                }
                self.iter_from(rng.below(len), Direction::Up).next()
            }
            Repr::Tree(tree) => {
                tree.random(|| rng.next_u64()).map(|m| (Element::Str(m.member()), m.score()))
            }
        }
    }

    /// One step of a SCAN; a listpack is given whole. The next cursor, 0 at the end.
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn scan(&self, cursor: u64, mut f: impl FnMut(Element<'_>, f64)) -> u64 {
        match self.repr() {
            Repr::Listpack(pack) => {
                let mut elements = pack.iter();
                while let (Some(member), Some(score)) = (elements.next(), elements.next()) {
                    f(member, score_of(score));
                }
                0
            }
            Repr::Tree(tree) => tree.scan(cursor, |m| f(Element::Str(m.member()), m.score())),
        }
    }

    /// A set of the members and scores in a listpack, in order and each member once: from RDB.
    pub fn from_listpack(pack: Listpack, tuning: &Tuning) -> Self {
        let mut zset = Self { word: Either::a(pack) };
        if zset.len() > tuning.zset_listpack_entries {
            zset.become_tree(&tuning.seed);
        }
        zset
    }

    /// An empty set that is a tree already, for many members to come.
    pub fn tree() -> Self {
        Self { word: Either::b(Large::new(Tree::new())) }
    }

    /// A set of members that differ from each other and stand in order: for results of commands.
    pub fn of_ordered<'a>(
        members: impl ExactSizeIterator<Item = (Element<'a>, f64)> + Clone,
        tuning: &Tuning,
    ) -> Self {
        let (longest, sum) = members
            .clone()
            .fold((0, 0), |(longest, sum), (m, _)| (m.len().max(longest), sum + m.len() + 64));
        let mut pack = Listpack::new();
        if members.len() as u64 <= tuning.zset_listpack_entries
            && longest as u64 <= tuning.zset_listpack_value
            && pack.fits(sum)
        {
            if members.clone().all(|(_, score)| whole(score).is_some()) {
                pack.extend_elements(
                    members.flat_map(|(member, score)| {
                        [member.canonical(), Element::Int(score as i64)]
                    }),
                );
            } else {
                for (member, score) in members {
                    pack.push_back_element(member.canonical());
                    push_score(&mut pack, score);
                }
            }
            return Self { word: Either::a(pack) };
        }
        let mut tree = Tree::new();
        for (member, score) in members {
            tree.insert(&tuning.seed, &member.text(), score);
        }
        Self { word: Either::b(Large::new(tree)) }
    }

    #[cold]
    fn become_tree(&mut self, seed: &HashSeed) -> &mut Tree {
        self.word = Either::b(Large::new(self.tree_of_members(seed)));
        match self.repr_mut() {
            Repr::Tree(tree) => tree,
            Repr::Listpack(_) => unreachable!("it has just become a tree"),
        }
    }

    fn tree_of_members(&self, seed: &HashSeed) -> Tree {
        let mut tree = Tree::new();
        for (member, score) in self.iter() {
            tree.insert(seed, &member.text(), score);
        }
        tree
    }
}

fn push_score(pack: &mut Listpack, score: f64) {
    match whole(score) {
        Some(value) => pack.push_back_int(value),
        None => pack.push_back(format_double(score, &mut [0; DOUBLE_LEN])),
    }
}

/// Puts a member that is not there yet where it belongs.
fn insert_in_order(pack: &mut Listpack, member: &[u8], score: f64) {
    let mut entries = pack.entries();
    while let (Some((pos, there)), Some((_, here))) = (entries.next(), entries.next()) {
        let here = score_of(here);
        if here > score || (here == score && *there.text() > *member) {
            insert_pair(pack, pos, member, score);
            return;
        }
    }
    pack.push_back(member);
    push_score(pack, score);
}

fn insert_pair(pack: &mut Listpack, before: Pos, member: &[u8], score: f64) {
    let pos = pack.insert(before, member, Side::Before);
    let mut buffer = [0; DOUBLE_LEN];
    match whole(score) {
        Some(value) => {
            pack.insert(pos, itoa::Buffer::new().format(value).as_bytes(), Side::After);
        }
        None => {
            pack.insert(pos, format_double(score, &mut buffer), Side::After);
        }
    }
}

/// Members with their scores, up or down.
pub enum Iter<'a> {
    /// Of a listpack: what is still to come.
    #[allow(missing_docs)]
    Listpack { elements: Elements<'a>, direction: Direction },
    /// Of a tree.
    Tree(TreeIter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Element<'a>, f64);

    #[inline]
    #[cfg_attr(redstart_small, optimize(speed))]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Tree(iter) => iter.next().map(|e| (Element::Str(e.member()), e.score())),
            Self::Listpack { elements, direction: Direction::Up } => {
                Some((elements.next()?, score_of(elements.next()?)))
            }
            Self::Listpack { elements, direction: Direction::Down } => {
                let score = score_of(elements.next_back()?);
                Some((elements.next_back()?, score))
            }
        }
    }
}

impl Object for SortedSet {
    const KIND: Kind = Kind::SortedSet;

    fn duplicate(&self, seed: &HashSeed) -> Self {
        let word = match self.repr() {
            Repr::Listpack(pack) => Either::a(pack.clone()),
            Repr::Tree(_) => Either::b(Large::new(self.tree_of_members(seed))),
        };
        Self { word }
    }

    fn encoding(&self) -> &'static str {
        match self.repr() {
            Repr::Listpack(_) => "listpack",
            // The name of what Redis has there; clients know no other.
            Repr::Tree(_) => "skiplist",
        }
    }

    fn memory(&self) -> usize {
        match self.repr() {
            Repr::Listpack(pack) => pack.heap_bytes(),
            Repr::Tree(tree) => tree.memory(),
        }
    }

    fn free_effort(&self) -> usize {
        match self.repr() {
            Repr::Listpack(_) => 1,
            Repr::Tree(tree) => tree.len() as usize,
        }
    }

    fn free_some(&mut self, budget: usize) -> usize {
        match self.repr_mut() {
            Repr::Listpack(_) => 0,
            Repr::Tree(tree) => tree.free_some(budget),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);

    #[test]
    fn a_listpack_and_a_tree_agree_on_everything() {
        let (mut small, mut large) = (Tuning::new(SEED), Tuning::new(SEED));
        small.zset_listpack_entries = 1000;
        large.zset_listpack_entries = 0;
        let (mut pack, mut tree) = (SortedSet::default(), SortedSet::default());
        let mut rng = Rng::new(5);
        for _ in 0..2000 {
            let member = format!("m{}", rng.below(80));
            let member = member.as_bytes();
            let score = rng.below(40) as f64 / 4.0 - 3.0;
            if rng.below(4) == 0 {
                assert_eq!(pack.remove(member, &SEED), tree.remove(member, &SEED));
            } else {
                assert_eq!(pack.insert(member, score, &small), tree.insert(member, score, &large));
            }
            assert_eq!(pack.len(), tree.len());
            let bound = rng.below(40) as f64 / 4.0 - 3.0;
            assert_eq!(pack.lower_bound(|_, s| s < bound), tree.lower_bound(|_, s| s < bound));
            for direction in [Direction::Up, Direction::Down] {
                assert_eq!(
                    pack.rank(member, direction, &SEED),
                    tree.rank(member, direction, &SEED)
                );
                assert_eq!(pack.ends(direction, 7), tree.ends(direction, 7));
            }
        }
        assert!(pack.is_listpack() && !tree.is_listpack());
        pack.remove_range(3..9, &SEED);
        tree.remove_range(3..9, &SEED);
        assert_eq!(pack.ends(Direction::Up, 100), tree.ends(Direction::Up, 100));
        let members: Vec<_> = tree.iter().collect();
        for (tuning, is_listpack) in [(&small, true), (&large, false)] {
            let again = SortedSet::of_ordered(members.iter().copied(), tuning);
            assert_eq!(again.is_listpack(), is_listpack);
            assert_eq!(pack.ends(Direction::Down, 100), again.ends(Direction::Down, 100));
        }
    }

    #[test]
    fn scores_survive_a_listpack() {
        let tuning = Tuning::new(SEED);
        let mut set = SortedSet::default();
        for score in [0.1, 1e300, -1.5, f64::INFINITY, f64::NEG_INFINITY, 3.0, 1e17] {
            set.insert(b"m", score, &tuning);
            assert_eq!(set.score(b"m", &SEED), Some(score));
        }
    }
}
