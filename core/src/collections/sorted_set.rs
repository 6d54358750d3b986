//! A large sorted set: a dict from member to score, and a tree of the order.
//!
//! ```text
//! dict  hash of the member -> [score, member]   owns each member, once
//! tree  rank, or score and member -> the same   points to them
//! ```
//!
//! The tree follows pointers that the dict owns. This module is what makes that safe: a member is
//! in the tree exactly as long as it is in the dict, and its score changes only together with its
//! place. A member that the dict has and the tree cannot find is a broken invariant and stops the
//! program before anything is freed.
//!
//! Callers bring the seed of the hash, the same for every call on a set.

use super::dict::Dict;
use super::hash::{HashSeed, hash};
use super::ranked_tree::{Direction, Entry, Iter, RankedTree};
use super::scored::{Scored, ScoredRef};
use core::fmt;
use core::ops::Range;

/// Members, each with a score, in order.
#[derive(Default)]
pub struct SortedSet {
    // Declared first, so dropped first: it points into the dict.
    tree: RankedTree,
    dict: Dict<Scored>,
    /// What the members' allocations take.
    bytes: usize,
}

const SAME_MEMBERS: &str = "dict and tree hold the same members";

impl SortedSet {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.dict.len() as u64
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dict.is_empty()
    }

    /// The score of `member`.
    pub fn score(&self, seed: &HashSeed, member: &[u8]) -> Option<f64> {
        Some(self.find(seed, member)?.score())
    }

    /// How many members come before `member` in a direction, and its score.
    pub fn rank(&self, seed: &HashSeed, member: &[u8], direction: Direction) -> Option<(u64, f64)> {
        let scored = self.find(seed, member)?;
        let rank = self.tree.rank(scored.handle()).expect(SAME_MEMBERS);
        let rank = match direction {
            Direction::Up => rank,
            Direction::Down => self.len() - 1 - rank,
        };
        Some((rank, scored.score()))
    }

    /// Gives `member` a score; returns the one it had.
    pub fn insert(&mut self, seed: &HashSeed, member: &[u8], score: f64) -> Option<f64> {
        self.update(seed, member, |_| Some(score))
    }

    /// Gives `member` the score that `change` makes of the one it has, if any; returns the latter.
    ///
    /// `change` may return none to leave everything as it is, but never NaN.
    pub fn update(
        &mut self,
        seed: &HashSeed,
        member: &[u8],
        change: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Option<f64> {
        let hashed = hash(seed, member);
        let Some(mut slot) = self.dict.find_slot(hashed, |scored| scored.member() == member) else {
            if let Some(score) = change(None) {
                assert!(!score.is_nan(), "{NOT_NAN}");
                let scored = Scored::new(score, member);
                self.bytes += scored.memory();
                let handle = scored.handle();
                self.dict.insert_unique(hashed, scored, |scored| hash(seed, scored.member()));
                // SAFETY: the dict owns the member now; nothing here takes one out of the dict and
                // frees it, or changes a score, without taking it out of the tree first.
                unsafe { self.tree.insert(handle) };
            }
            return None;
        };
        let scored = slot.get_mut();
        let old = scored.score();
        if let Some(score) = change(Some(old))
            && score != old
        {
            assert!(!score.is_nan(), "{NOT_NAN}");
            let handle = scored.handle();
            if self.tree.reposition(handle, score) {
                scored.set_score(score);
            } else {
                assert!(self.tree.remove(handle), "{SAME_MEMBERS}");
                scored.set_score(score);
                // SAFETY: as above; the member stayed in the dict.
                unsafe { self.tree.insert(handle) };
            }
        }
        Some(old)
    }

    /// Takes `member` out; returns its score.
    pub fn remove(&mut self, seed: &HashSeed, member: &[u8]) -> Option<f64> {
        let slot = self.dict.find_slot(hash(seed, member), |scored| scored.member() == member)?;
        assert!(self.tree.remove(slot.get().handle()), "{SAME_MEMBERS}");
        let scored = slot.remove(|scored| hash(seed, scored.member()));
        self.bytes -= scored.memory();
        Some(scored.score())
    }

    /// Takes out the member with the lowest or, going down, the highest score.
    pub fn pop(&mut self, seed: &HashSeed, direction: Direction) -> Option<Scored> {
        let rank = match direction {
            Direction::Up => 0,
            Direction::Down => self.len().checked_sub(1)?,
        };
        self.remove_at(seed, rank)
    }

    /// Takes out the members of a range of ranks, and gives each to `f`.
    pub fn remove_range(&mut self, seed: &HashSeed, ranks: Range<u64>, mut f: impl FnMut(Scored)) {
        let end = ranks.end.min(self.len());
        for _ in ranks.start..end {
            f(self.remove_at(seed, ranks.start).expect(SAME_MEMBERS));
        }
    }

    /// The member at a rank, counted from the lowest score.
    #[must_use]
    pub fn at(&self, rank: u64) -> Option<Entry<'_>> {
        self.tree.at(rank)
    }

    /// Members from a rank on, which is counted from the lowest score in either direction.
    #[must_use]
    pub fn iter_from(&self, rank: u64, direction: Direction) -> Iter<'_> {
        self.tree.iter_from(rank, direction)
    }

    /// All members in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        self.iter_from(0, Direction::Up)
    }

    /// The rank of the first member for which `before` is false. It is true for some first members
    /// in order and false for the rest: `|e| e.score() < min` finds where `min` begins.
    ///
    /// What lies between two bounds is counted by subtracting their ranks.
    pub fn lower_bound(&self, before: impl FnMut(Entry<'_>) -> bool) -> u64 {
        self.tree.lower_bound(before)
    }

    /// A member by chance, all with the same probability.
    pub fn random(&self, rng: impl FnMut() -> u64) -> Option<&Scored> {
        self.dict.random(rng)
    }

    /// Visits some members and returns the cursor to go on with; 0 begins and ends. See
    /// [`Dict::scan`].
    pub fn scan(&self, cursor: u64, f: impl FnMut(&Scored)) -> u64 {
        self.dict.scan(cursor, f)
    }

    /// Frees up to `budget` members in no order, for dropping a large set in steps; says how many.
    pub fn free_some(&mut self, budget: usize) -> usize {
        for freed in 0..budget {
            let Some(scored) = self.dict.pop() else { return freed };
            assert!(self.tree.remove(scored.handle()), "{SAME_MEMBERS}");
            self.bytes -= scored.memory();
        }
        budget
    }

    /// How many bytes of memory the set takes, its members included.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.tree.memory() + self.dict.memory() + self.bytes
    }

    /// Asserts what the module's comment promises. For tests.
    pub fn check(&self, seed: &HashSeed) {
        self.tree.check();
        self.dict.check(|scored| hash(seed, scored.member()));
        assert_eq!(self.tree.len(), self.len(), "{SAME_MEMBERS}");
        assert!(self.dict.iter().all(|scored| self.tree.rank(scored.handle()).is_some()));
        assert_eq!(self.dict.iter().map(Scored::memory).sum::<usize>(), self.bytes);
    }

    fn find(&self, seed: &HashSeed, member: &[u8]) -> Option<&Scored> {
        self.dict.find(hash(seed, member), |scored| scored.member() == member)
    }

    fn remove_at(&mut self, seed: &HashSeed, rank: u64) -> Option<Scored> {
        let hashed = hash(seed, self.tree.at(rank)?.member());
        let handle: ScoredRef = self.tree.at(rank)?.handle();
        let slot =
            self.dict.find_slot(hashed, |scored| scored.handle() == handle).expect(SAME_MEMBERS);
        self.tree.remove_at(rank);
        let scored = slot.remove(|scored| hash(seed, scored.member()));
        self.bytes -= scored.memory();
        Some(scored)
    }
}

const NOT_NAN: &str = "commands refuse a score that is not a number";

impl fmt::Debug for SortedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|entry| (entry.member(), entry.score()))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);

    fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed;
        move |limit| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % limit
        }
    }

    fn filled(len: u64) -> SortedSet {
        let mut set = SortedSet::new();
        for i in 0..len {
            set.insert(&SEED, &i.to_le_bytes(), i as f64);
        }
        set
    }

    #[test]
    fn random_changes_match_a_map() {
        let (steps, members) = if cfg!(miri) { (500, 90) } else { (30_000, 2000) };
        let mut below = numbers(7);
        let mut set = SortedSet::new();
        let mut model: BTreeMap<u64, f64> = BTreeMap::new();
        for step in 0..steps {
            let id = below(members);
            let member = id.to_le_bytes();
            match below(8) {
                0..4 => {
                    let score = below(50) as f64;
                    assert_eq!(set.insert(&SEED, &member, score), model.insert(id, score));
                }
                4 => {
                    let old = set.update(&SEED, &member, |old| Some(old? + 0.25));
                    assert_eq!(old, model.get(&id).copied());
                    model.entry(id).and_modify(|score| *score += 0.25);
                }
                5 if step % 5 == 0 => {
                    if let Some(scored) = set.pop(&SEED, Direction::Down) {
                        let id = u64::from_le_bytes(scored.member().try_into().expect("8 bytes"));
                        let highest = model.values().copied().fold(f64::MIN, f64::max);
                        assert_eq!(model.remove(&id), Some(highest));
                    }
                }
                _ => assert_eq!(set.remove(&SEED, &member), model.remove(&id)),
            }
            if step % 500 == 0 {
                set.check(&SEED);
            }
        }
        set.check(&SEED);
        let mut sorted: Vec<(f64, [u8; 8])> =
            model.iter().map(|(id, score)| (*score, id.to_le_bytes())).collect();
        sorted.sort_by(|a, b| a.partial_cmp(b).expect("no NaN"));
        assert!(
            set.iter()
                .map(|e| (e.score(), e.member()))
                .eq(sorted.iter().map(|(s, m)| (*s, &m[..])))
        );
        for (rank, (score, member)) in sorted.iter().enumerate() {
            let (rank, len) = (rank as u64, set.len());
            assert_eq!(set.rank(&SEED, member, Direction::Up), Some((rank, *score)));
            assert_eq!(set.rank(&SEED, member, Direction::Down), Some((len - 1 - rank, *score)));
        }
    }

    #[test]
    fn a_range_of_ranks_is_removed_in_order() {
        let mut set = filled(100);
        let mut removed = Vec::new();
        set.remove_range(&SEED, 40..60, |scored| removed.push(scored.score() as u64));
        assert_eq!(removed, (40..60).collect::<Vec<_>>());
        set.remove_range(&SEED, 75..200, |_| {});
        assert_eq!(set.len(), 75);
        set.check(&SEED);
    }

    #[test]
    fn what_lies_between_bounds_is_counted_by_ranks() {
        let set = filled(100);
        let from = set.lower_bound(|e| e.score() < 10.0);
        let to = set.lower_bound(|e| e.score() <= 19.5);
        assert_eq!((from, to), (10, 20));
        assert_eq!(set.lower_bound(|e| e.score() < 5.0 || e.member() < &[6][..]), 6);
    }

    #[test]
    fn freeing_in_steps_ends_empty() {
        let mut set = filled(100);
        assert_eq!(set.free_some(60), 60);
        set.check(&SEED);
        assert_eq!(set.free_some(60), 40);
        assert_eq!((set.len(), set.bytes), (0, 0));
    }

    #[test]
    fn a_wrong_seed_never_leaves_a_dangling_member() {
        let mut set = filled(100);
        let other = HashSeed::new([9, 9, 9, 9]);
        for i in 0..100u64 {
            set.remove(&other, &i.to_le_bytes());
        }
        assert_eq!(set.iter().count() as u64, set.len());
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_member_of_ten_bytes_takes_at_most_50() {
        let len = if cfg!(miri) { return } else { 100_000 };
        let mut below = numbers(3);
        let mut set = SortedSet::new();
        for i in 0..len {
            let member = alloc::format!("{i:010}");
            set.insert(&SEED, member.as_bytes(), below(1 << 30) as f64);
        }
        let per_member = set.memory() as f64 / f64::from(len);
        assert!(per_member <= 50.0, "{per_member} bytes per member");
    }
}
