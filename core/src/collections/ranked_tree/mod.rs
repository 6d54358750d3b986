//! Order and rank of a large sorted set: a B+tree that counts.
//!
//! ```text
//! inner   score   [ 1.0 | 7.5 | 9.0 ]     the least score below each child
//!         member  [  •  |  •  |  •  ]     and the member that has it
//!         total   [ 28  | 31  | 19  ]     how many members are below each child
//!         child     |     |     |
//!                   v     v     v
//! leaf    [• • • ...]  [• • ...]  [• ...] up to 31 members in order, 256 bytes
//! ```
//!
//! One structure answers both "where is this score" and "who is at this rank". Members are
//! [`ScoredRef`]s, one word each: the dict of the sorted set owns what they point to. Inner nodes
//! repeat the score, so a descent follows a member's pointer only between equal scores.
//!
//! Every change is one walk down that leaves room behind it. Before it enters a full child, an
//! insertion shifts members to a neighbour with room, or splits the child; a removal that meets a
//! poor child merges or evens it with a neighbour. Sharing before splitting keeps leaves about
//! 85% full; a split at either end of the whole tree is uneven, so that members arriving in order
//! fill their leaves.
//!
//! Separators are exact: each is the least member of its child, never one that has been removed.

mod node;

use super::scored::{ScoredRef, order};
use node::{Inner, Kid, Leaf, Place, Separator};

use alloc::boxed::Box;

/// The members of a sorted set in order, with their ranks. Owns none of them.
#[derive(Default)]
pub struct RankedTree {
    root: Root,
}

enum Root {
    Leaf(Box<Leaf>),
    Inner(Box<Inner>),
}

/// A member in a tree, as seen by whoever looks for a bound.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    separator: Separator,
    tree: core::marker::PhantomData<&'a RankedTree>,
}

impl<'a> Entry<'a> {
    fn new(separator: Separator) -> Self {
        Self { separator, tree: core::marker::PhantomData }
    }

    /// The member's score.
    pub fn score(&self) -> f64 {
        self.separator.score
    }

    /// The member's bytes.
    pub fn member(&self) -> &'a [u8] {
        node::member_of(self.separator.member)
    }

    /// The pointer itself, to find the owner again.
    pub fn handle(&self) -> ScoredRef {
        self.separator.member
    }
}

impl Default for Root {
    fn default() -> Self {
        Self::Leaf(Leaf::empty())
    }
}

impl RankedTree {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many members there are.
    pub fn len(&self) -> u64 {
        match &self.root {
            Root::Leaf(leaf) => leaf.total(),
            Root::Inner(inner) => inner.total(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a member that is not yet in the tree.
    ///
    /// # Safety
    /// Until it is removed from the tree, or the tree is dropped or forgotten without another call,
    /// the [`Scored`](super::scored::Scored) behind `member` stays alive and its score unchanged,
    /// except by [`reposition`](Self::reposition).
    pub unsafe fn insert(&mut self, member: ScoredRef) {
        let new = Separator::of(member);
        let full = match &self.root {
            Root::Leaf(leaf) => leaf.is_full(),
            Root::Inner(inner) => inner.is_full(),
        };
        if full {
            self.grow();
        }
        match &mut self.root {
            Root::Leaf(leaf) => leaf.insert(new, Edge::Both),
            Root::Inner(inner) => inner.insert(new, Edge::Both),
        }
    }

    /// The rank of a member in the tree, counted from 0.
    pub fn rank(&self, member: ScoredRef) -> Option<u64> {
        let target = Separator::of(member);
        let mut inner: &Inner = match &self.root {
            Root::Leaf(leaf) => return leaf.position(member).map(|at| at as u64),
            Root::Inner(inner) => inner,
        };
        let mut rank = 0;
        loop {
            let child = inner.child_for(target);
            rank += inner.total_before(child);
            match inner.child(child) {
                node::Child::Leaf(leaf) => return Some(rank + leaf.position(member)? as u64),
                node::Child::Inner(next) => inner = next,
            }
        }
    }

    /// The member at `rank`.
    pub fn at(&self, rank: u64) -> Option<Entry<'_>> {
        let (leaf, start) = self.leaf_at(rank)?;
        Some(Entry::new(Separator::of(leaf[(rank - start) as usize])))
    }

    /// Removes the member at `rank`.
    pub fn remove_at(&mut self, rank: u64) -> Option<ScoredRef> {
        if rank >= self.len() {
            return None;
        }
        self.take(Place::Rank(rank))
    }

    /// Removes a member; false if it is not in the tree.
    pub fn remove(&mut self, member: ScoredRef) -> bool {
        self.take(Place::Member(Separator::of(member))).is_some()
    }

    /// Whether `member` would stay between its neighbours with another score. If so, the tree
    /// takes it as if the member had it already, and the caller must set it before the next call.
    ///
    /// Most updates of a score are small: this spares them a removal and an insertion.
    pub fn reposition(&mut self, member: ScoredRef, score: f64) -> bool {
        let old = Separator::of(member);
        let new = Separator { score, member };
        match &mut self.root {
            Root::Leaf(leaf) => leaf.reposition(old, new),
            Root::Inner(inner) => inner.reposition(old, new),
        }
    }

    /// How many members come before a bound: `before` is true for them and false for the rest.
    pub fn lower_bound(&self, before: impl FnMut(Entry<'_>) -> bool) -> u64 {
        let mut before = before;
        let mut before = |separator| before(Entry::new(separator));
        let mut inner: &Inner = match &self.root {
            Root::Leaf(leaf) => return leaf.lower_bound(&mut before) as u64,
            Root::Inner(inner) => inner,
        };
        let mut rank = 0;
        loop {
            // The bound is in, or right after, the last child whose least member is before it.
            let Some(child) = inner.lower_bound(&mut before).checked_sub(1) else { return rank };
            rank += inner.total_before(child);
            match inner.child(child) {
                node::Child::Leaf(leaf) => return rank + leaf.lower_bound(&mut before) as u64,
                node::Child::Inner(next) => inner = next,
            }
        }
    }

    /// Members from `rank` upwards, or from `rank` downwards to the first.
    pub fn iter_from(&self, rank: u64, direction: Direction) -> Iter<'_> {
        let (leaf, start) = self.leaf_at(rank).unwrap_or((&[], rank));
        Iter { tree: self, leaf, start, at: (rank - start) as usize, direction }
    }

    /// How many bytes of memory the nodes take.
    pub fn memory(&self) -> usize {
        match &self.root {
            Root::Leaf(leaf) => leaf.memory(),
            Root::Inner(inner) => inner.memory(),
        }
    }

    /// Asserts what the module's comment promises. For tests.
    pub fn check(&self) {
        match &self.root {
            Root::Leaf(leaf) => {
                leaf.check();
            }
            Root::Inner(inner) => {
                assert!(inner.len() >= 2, "a root with one child is collapsed");
                inner.check();
            }
        }
        let mut previous: Option<Entry<'_>> = None;
        let mut count = 0;
        for entry in self.iter_from(0, Direction::Up) {
            if let Some(previous) = previous {
                let order =
                    order(previous.score(), previous.member(), entry.score(), entry.member());
                assert!(order.is_lt(), "members are in strict order");
            }
            previous = Some(entry);
            count += 1;
        }
        assert_eq!(count, self.len(), "every member is reached");
    }

    /// The leaf that holds `rank`, and the rank of its first member.
    fn leaf_at(&self, rank: u64) -> Option<(&[ScoredRef], u64)> {
        if rank >= self.len() {
            return None;
        }
        let mut inner: &Inner = match &self.root {
            Root::Leaf(leaf) => return Some((leaf.members(), 0)),
            Root::Inner(inner) => inner,
        };
        let mut rest = rank;
        loop {
            let (child, before) = inner.child_at(rest);
            rest -= before;
            match inner.child(child) {
                node::Child::Leaf(leaf) => return Some((leaf.members(), rank - rest)),
                node::Child::Inner(next) => inner = next,
            }
        }
    }

    fn take(&mut self, place: Place) -> Option<ScoredRef> {
        let removed = match &mut self.root {
            Root::Leaf(leaf) => leaf.remove(place),
            Root::Inner(inner) => inner.remove(place),
        };
        self.shrink();
        Some(removed?.0)
    }

    /// Puts a new root over a full one; the insertion that needs it will split the old root.
    fn grow(&mut self) {
        self.root = Root::Inner(match core::mem::take(&mut self.root) {
            Root::Leaf(leaf) => Inner::over_leaf(leaf),
            Root::Inner(inner) => Inner::over_inner(inner),
        });
    }

    /// Drops a root with a single child in favour of the child.
    fn shrink(&mut self) {
        if let Root::Inner(inner) = &mut self.root
            && inner.len() == 1
        {
            self.root = match inner.take_only_child() {
                node::OwnedChild::Leaf(leaf) => Root::Leaf(leaf),
                node::OwnedChild::Inner(inner) => Root::Inner(inner),
            };
        }
    }
}

/// Which way to go through the order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From low scores to high ones.
    Up,
    /// From high scores to low ones.
    Down,
}

/// Which ends of the whole tree a node lies at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Both,
    First,
    Last,
    Neither,
}

impl Edge {
    fn of_child(self, child: usize, children: usize) -> Self {
        let first = matches!(self, Self::Both | Self::First) && child == 0;
        let last = matches!(self, Self::Both | Self::Last) && child + 1 == children;
        match (first, last) {
            (true, true) => Self::Both,
            (true, false) => Self::First,
            (false, true) => Self::Last,
            (false, false) => Self::Neither,
        }
    }
}

/// Goes through members in order. Within a leaf a step is an index, between leaves a descent.
pub struct Iter<'a> {
    tree: &'a RankedTree,
    leaf: &'a [ScoredRef],
    /// The rank of the leaf's first member.
    start: u64,
    at: usize,
    direction: Direction,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let member = *self.leaf.get(self.at)?;
        match self.direction {
            Direction::Up => {
                self.at += 1;
                if self.at == self.leaf.len() {
                    self.enter(self.start + self.at as u64);
                }
            }
            Direction::Down if self.at > 0 => self.at -= 1,
            Direction::Down => match self.start.checked_sub(1) {
                Some(rank) => self.enter(rank),
                None => self.leaf = &[],
            },
        }
        Some(Entry::new(Separator::of(member)))
    }
}

impl Iter<'_> {
    fn enter(&mut self, rank: u64) {
        (self.leaf, self.start) = self.tree.leaf_at(rank).unwrap_or((&[], rank));
        self.at = (rank - self.start) as usize;
    }
}

#[cfg(test)]
mod tests;
