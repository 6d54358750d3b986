//! The tree against a sorted `Vec`, and what its shape promises.

use super::super::scored::Scored;
use super::*;
use alloc::vec::Vec;

/// The same order, kept the slow way; owns the members.
#[derive(Default)]
struct Model {
    sorted: Vec<Scored>,
    tree: RankedTree,
}

impl Model {
    fn insert(&mut self, score: f64, member: &[u8]) {
        let at =
            self.sorted.partition_point(|s| order(s.score(), s.member(), score, member).is_lt());
        let scored = Scored::new(score, member);
        // SAFETY: `sorted` keeps the member until `remove` took it from the tree.
        unsafe { self.tree.insert(scored.handle()) };
        self.sorted.insert(at, scored);
    }

    fn remove(&mut self, at: usize) {
        let member = self.sorted[at].handle();
        assert_eq!(self.tree.rank(member), Some(at as u64));
        if at.is_multiple_of(2) {
            assert!(self.tree.remove(member));
        } else {
            assert!(self.tree.remove_at(at as u64) == Some(member));
        }
        assert!(self.tree.rank(member) != Some(at as u64));
        self.sorted.remove(at);
    }

    fn update(&mut self, at: usize, score: f64) -> bool {
        if !self.tree.reposition(self.sorted[at].handle(), score) {
            return false;
        }
        self.sorted[at].set_score(score);
        true
    }

    fn check(&self) {
        self.tree.check();
        assert_eq!(self.tree.len(), self.sorted.len() as u64);
        let mut tree = self.tree.iter_from(0, Direction::Up);
        assert!(self.sorted.iter().all(|s| tree.next().is_some_and(|e| e.handle() == s.handle())));
    }
}

/// A small generator of repeatable numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn random_changes_match_a_sorted_vec() {
    let (seeds, steps) = if cfg!(miri) { (1, 500) } else { (6, 16_000) };
    for seed in 0..seeds {
        let mut numbers = Numbers(seed);
        let mut model = Model::default();
        // Few scores, so that members decide; then many.
        let scores = if seed % 2 == 0 { 5 } else { 100_000 };
        for step in 0..steps {
            let growing = cfg!(miri) && step < 300 || (step / 5000) % 2 == 0 && !cfg!(miri);
            let len = model.sorted.len() as u64;
            match numbers.below(10) {
                0 if len > 0 => {
                    let at = numbers.below(len) as usize;
                    let score = model.sorted[at].score() + numbers.below(3) as f64 - 1.0;
                    model.update(at, score);
                }
                n if len == 0 || (n < 7) == growing => {
                    let member = numbers.below(1 << 40).to_le_bytes();
                    model.insert(numbers.below(scores) as f64, &member);
                }
                _ => model.remove(numbers.below(len) as usize),
            }
            if step % 97 == 0 {
                model.check();
            }
        }
        model.check();
        while !model.sorted.is_empty() {
            let at = numbers.below(model.sorted.len() as u64) as usize;
            model.remove(at);
        }
        model.check();
    }
}

#[test]
fn rank_and_at_are_inverse() {
    let mut model = Model::default();
    let len = if cfg!(miri) { 150 } else { 5000 };
    for i in 0..len {
        model.insert((i * 7919 % len) as f64, b"m");
    }
    for rank in 0..len {
        let entry = model.tree.at(rank).expect("rank is below len");
        assert_eq!(entry.score(), rank as f64);
        assert_eq!(model.tree.rank(entry.handle()), Some(rank));
    }
    assert!(model.tree.at(len).is_none());
}

#[test]
fn iterates_both_ways_from_any_rank() {
    let mut model = Model::default();
    let len = if cfg!(miri) { 100 } else { 2000 };
    for i in 0..len {
        model.insert(i as f64, b"m");
    }
    for rank in (0..len).step_by(13) {
        let scores = |direction| -> Vec<u64> {
            model.tree.iter_from(rank, direction).map(|e| e.score() as u64).collect()
        };
        assert_eq!(scores(Direction::Up), (rank..len).collect::<Vec<_>>());
        assert_eq!(scores(Direction::Down), (0..=rank).rev().collect::<Vec<_>>());
    }
    assert_eq!(model.tree.iter_from(len, Direction::Up).count(), 0);
    assert_eq!(model.tree.iter_from(len, Direction::Down).count(), 0);
}

#[test]
fn lower_bound_finds_every_score() {
    let mut model = Model::default();
    let len = if cfg!(miri) { 100 } else { 3000 };
    for i in 0..len {
        model.insert((i / 3) as f64, &[i as u8]);
    }
    for bound in 0..=len / 3 {
        let rank = model.tree.lower_bound(|e| e.score() < bound as f64);
        assert_eq!(rank, model.sorted.partition_point(|s| s.score() < bound as f64) as u64);
    }
    assert_eq!(model.tree.lower_bound(|_| true), len);
    assert_eq!(model.tree.lower_bound(|_| false), 0);
}

#[test]
fn members_in_order_fill_their_leaves() {
    let len = if cfg!(miri) { 200 } else { 20_000 };
    for descending in [false, true] {
        let mut model = Model::default();
        for i in 0..len {
            model.insert(if descending { -i as f64 } else { i as f64 }, b"m");
        }
        model.check();
        if !cfg!(miri) {
            let per_member = model.tree.memory() as f64 / len as f64;
            assert!(per_member < 10.0, "{per_member} bytes per member");
        }
    }
}

#[test]
fn removing_from_either_end_empties_the_tree() {
    let len = if cfg!(miri) { 150 } else { 3000 };
    for from_end in [false, true] {
        let mut model = Model::default();
        for i in 0..len {
            model.insert(i as f64, b"m");
        }
        for _ in 0..len {
            model.remove(if from_end { model.sorted.len() - 1 } else { 0 });
        }
        assert!(model.tree.is_empty() && model.tree.remove_at(0).is_none());
        model.check();
    }
}

#[test]
fn a_small_move_needs_no_new_place() {
    let mut model = Model::default();
    for i in 0..100 {
        model.insert(i as f64, b"m");
    }
    assert!(model.update(40, 40.5));
    assert!(!model.update(41, 40.25));
    model.check();
}
