//! The two kinds of node and what passes between neighbours.

use super::super::scored::{ScoredRef, order};
use super::Edge;
use alloc::boxed::Box;
use core::cmp::Ordering;

/// Members in a leaf: with the length, 256 bytes on 64-bit targets.
const LEAF: usize = 31;
/// Children of an inner node.
const INNER: usize = 32;

/// A member and a copy of its score.
#[derive(Clone, Copy)]
pub(super) struct Separator {
    pub(super) score: f64,
    pub(super) member: ScoredRef,
}

impl Separator {
    pub(super) fn of(member: ScoredRef) -> Self {
        // SAFETY: only members in a tree, or about to enter one, get here; `RankedTree::insert`
        // makes its caller promise that they are alive.
        Self { score: unsafe { member.score() }, member }
    }

    fn cmp(self, other: Self) -> Ordering {
        // The bytes are read only on equal scores: `order` would have the compiler read both.
        if self.score != other.score {
            return order(self.score, b"", other.score, b"");
        }
        member_of(self.member).cmp(member_of(other.member))
    }
}

/// The bytes of a member in a tree, for as long as the tree is borrowed.
pub(super) fn member_of<'a>(member: ScoredRef) -> &'a [u8] {
    // SAFETY: as in `Separator::of`; callers tie `'a` to a borrow of the tree or use it at once.
    unsafe { member.member() }
}

/// Which member to remove.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// The one at a rank among those below a node, which has that many.
    Rank(u64),
    /// This one.
    Member(Separator),
}

/// What a node asks of its children, whichever kind they are.
pub(super) trait Kid: Sized {
    const CAPACITY: usize;
    /// A removal does not enter a child with this many or fewer.
    const POOR: usize = Self::CAPACITY / 2 - 2;
    /// Two children with this many together become one. If they have more, evening them out
    /// leaves neither poor.
    const MERGE: usize = 2 * Self::POOR + 1;

    /// A node without anything in it.
    fn empty_like(&self) -> Box<Self>;
    /// Slots in use.
    fn len(&self) -> usize;
    /// Members below.
    fn total(&self) -> u64;
    fn first(&self) -> Separator;
    fn is_full(&self) -> bool {
        self.len() == Self::CAPACITY
    }
    /// Adds a member; the node is not full.
    fn insert(&mut self, new: Separator, edge: Edge);
    /// Takes a member out, if it is there, and says whether it was the first; the node is the root
    /// or not poor.
    fn remove(&mut self, place: Place) -> Option<(ScoredRef, bool)>;
    /// Changes a member's score if that keeps the order within this node.
    fn reposition(&mut self, old: Separator, new: Separator) -> bool;
    /// Moves the last `n` slots to the front of `right`.
    fn give_right(&mut self, right: &mut Self, n: usize);
    /// Moves the first `n` slots of `right` to the end.
    fn take_left(&mut self, right: &mut Self, n: usize);
}

/// A run of members.
pub(super) struct Leaf {
    len: u8,
    members: [ScoredRef; LEAF],
}

impl Leaf {
    pub(super) fn empty() -> Box<Self> {
        Box::new(Self { len: 0, members: [ScoredRef::DANGLING; LEAF] })
    }

    pub(super) fn members(&self) -> &[ScoredRef] {
        &self.members[..self.len as usize]
    }

    /// Finds a member by its pointer, without following any.
    pub(super) fn position(&self, member: ScoredRef) -> Option<usize> {
        // To the end without a branch: a guess where to stop would mostly be wrong.
        let mut found = None;
        for (at, &candidate) in self.members().iter().enumerate() {
            found = if candidate == member { Some(at) } else { found };
        }
        found
    }

    pub(super) fn lower_bound(&self, before: &mut impl FnMut(Separator) -> bool) -> usize {
        self.members().partition_point(|&member| before(Separator::of(member)))
    }

    pub(super) fn memory(&self) -> usize {
        size_of::<Self>()
    }

    pub(super) fn check(&self) {
        assert!(self.len() <= LEAF);
    }
}

impl Kid for Leaf {
    const CAPACITY: usize = LEAF;

    fn empty_like(&self) -> Box<Self> {
        Self::empty()
    }

    fn len(&self) -> usize {
        self.len as usize
    }

    fn total(&self) -> u64 {
        self.len.into()
    }

    fn first(&self) -> Separator {
        Separator::of(self.members()[0])
    }

    fn insert(&mut self, new: Separator, _: Edge) {
        let at = self.lower_bound(&mut |separator| separator.cmp(new).is_lt());
        let len = self.len();
        self.members.copy_within(at..len, at + 1);
        self.members[at] = new.member;
        self.len += 1;
    }

    fn remove(&mut self, place: Place) -> Option<(ScoredRef, bool)> {
        let at = match place {
            Place::Rank(rank) => rank as usize,
            Place::Member(target) => self.position(target.member)?,
        };
        let removed = *self.members().get(at)?;
        let len = self.len();
        self.members.copy_within(at + 1..len, at);
        self.len -= 1;
        Some((removed, at == 0))
    }

    fn reposition(&mut self, old: Separator, new: Separator) -> bool {
        let Some(at) = self.position(old.member) else { return false };
        let members = self.members();
        // A leaf does not know its left neighbour's last member: its own first may only go up.
        let left = at.checked_sub(1).map_or(old, |left| Separator::of(members[left]));
        let after_left = left.cmp(new).is_le();
        let before_right =
            at + 1 == members.len() || new.cmp(Separator::of(members[at + 1])).is_lt();
        after_left && before_right
    }

    fn give_right(&mut self, right: &mut Self, n: usize) {
        let (len, right_len) = (self.len(), right.len());
        right.members.copy_within(..right_len, n);
        right.members[..n].copy_from_slice(&self.members[len - n..len]);
        self.len -= n as u8;
        right.len += n as u8;
    }

    fn take_left(&mut self, right: &mut Self, n: usize) {
        let (len, right_len) = (self.len(), right.len());
        self.members[len..len + n].copy_from_slice(&right.members[..n]);
        right.members.copy_within(n..right_len, 0);
        self.len += n as u8;
        right.len -= n as u8;
    }
}

/// Children, with what a descent wants to know of each.
pub(super) struct Inner {
    len: u8,
    scores: [f64; INNER],
    members: [ScoredRef; INNER],
    totals: [u64; INNER],
    kids: Kids,
}

type Slots<K> = [Option<Box<K>>; INNER];

enum Kids {
    Leaves(Slots<Leaf>),
    Inners(Slots<Inner>),
}

pub(super) enum Child<'a> {
    Leaf(&'a Leaf),
    Inner(&'a Inner),
}

pub(super) enum OwnedChild {
    Leaf(Box<Leaf>),
    Inner(Box<Inner>),
}

const IN_USE: &str = "slots below len hold a child";
const SAME_HEIGHT: &str = "neighbours have the same height";

impl Inner {
    fn empty(kids: Kids) -> Box<Self> {
        Box::new(Self {
            len: 0,
            scores: [0.0; INNER],
            members: [ScoredRef::DANGLING; INNER],
            totals: [0; INNER],
            kids,
        })
    }

    pub(super) fn over_leaf(leaf: Box<Leaf>) -> Box<Self> {
        let mut slots = [const { None }; INNER];
        let (first, total) = (leaf.first(), leaf.total());
        slots[0] = Some(leaf);
        let mut this = Self::empty(Kids::Leaves(slots));
        this.len = 1;
        this.set(0, first, total);
        this
    }

    pub(super) fn over_inner(inner: Box<Self>) -> Box<Self> {
        let mut slots = [const { None }; INNER];
        let (first, total) = (inner.first(), inner.total());
        slots[0] = Some(inner);
        let mut this = Self::empty(Kids::Inners(slots));
        this.len = 1;
        this.set(0, first, total);
        this
    }

    pub(super) fn take_only_child(&mut self) -> OwnedChild {
        self.len = 0;
        match &mut self.kids {
            Kids::Leaves(slots) => OwnedChild::Leaf(slots[0].take().expect(IN_USE)),
            Kids::Inners(slots) => OwnedChild::Inner(slots[0].take().expect(IN_USE)),
        }
    }

    pub(super) fn child(&self, child: usize) -> Child<'_> {
        match &self.kids {
            Kids::Leaves(slots) => Child::Leaf(slots[child].as_ref().expect(IN_USE)),
            Kids::Inners(slots) => Child::Inner(slots[child].as_ref().expect(IN_USE)),
        }
    }

    pub(super) fn total_before(&self, child: usize) -> u64 {
        self.totals[..child].iter().sum()
    }

    /// The child that holds the member at `rank` among those below, and how many come before it.
    pub(super) fn child_at(&self, rank: u64) -> (usize, u64) {
        let mut before = 0;
        for (child, total) in self.totals[..self.len()].iter().enumerate() {
            if rank < before + total {
                return (child, before);
            }
            before += total;
        }
        unreachable!("a descent by rank stays below the total");
    }

    /// The child where `target` is or belongs: the last whose least member is not after it.
    pub(super) fn child_for(&self, target: Separator) -> usize {
        let scores = &self.scores[..self.len()];
        let start = scores.partition_point(|score| *score < target.score);
        let mut end = start;
        if scores.get(start) == Some(&target.score) {
            end += scores[start..].partition_point(|score| *score <= target.score);
            let target = member_of(target.member);
            let ties = &self.members[start..end];
            end = start + ties.partition_point(|&member| member_of(member) <= target);
        }
        end.saturating_sub(1)
    }

    /// The child where a place is, and the place within it.
    fn find(&self, place: Place) -> (usize, Place) {
        match place {
            Place::Rank(rank) => {
                let (child, before) = self.child_at(rank);
                (child, Place::Rank(rank - before))
            }
            Place::Member(target) => (self.child_for(target), place),
        }
    }

    /// How many children have a least member that is before the bound.
    pub(super) fn lower_bound(&self, before: &mut impl FnMut(Separator) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if before(self.separator(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    pub(super) fn memory(&self) -> usize {
        size_of::<Self>()
            + match &self.kids {
                Kids::Leaves(_) => self.len() * size_of::<Leaf>(),
                Kids::Inners(slots) => slots.iter().flatten().map(|inner| inner.memory()).sum(),
            }
    }

    /// Asserts the invariants below this node; returns its height.
    pub(super) fn check(&self) -> usize {
        assert!(self.len() > 0 && self.len() <= INNER);
        let mut height = None;
        for child in 0..INNER {
            let (first, total, below) = match &self.kids {
                Kids::Leaves(slots) if child < self.len() => {
                    let leaf = slots[child].as_ref().expect(IN_USE);
                    assert!(leaf.len() > 0, "leaves are not empty");
                    leaf.check();
                    (leaf.first(), leaf.total(), 0)
                }
                Kids::Inners(slots) if child < self.len() => {
                    let inner = slots[child].as_ref().expect(IN_USE);
                    (inner.first(), inner.total(), inner.check())
                }
                Kids::Leaves(slots) => {
                    assert!(slots[child].is_none());
                    continue;
                }
                Kids::Inners(slots) => {
                    assert!(slots[child].is_none());
                    continue;
                }
            };
            assert!(self.members[child] == first.member, "separators are exact");
            assert!(self.scores[child] == first.score, "separators have the member's score");
            assert_eq!(self.totals[child], total);
            assert!(height.is_none_or(|h| h == below), "all leaves have the same depth");
            height = Some(below);
        }
        height.map_or(0, |below| below + 1)
    }

    fn separator(&self, child: usize) -> Separator {
        Separator { score: self.scores[child], member: self.members[child] }
    }

    fn set(&mut self, child: usize, first: Separator, total: u64) {
        self.scores[child] = first.score;
        self.members[child] = first.member;
        self.totals[child] = total;
    }

    fn parts(&mut self) -> (Meta<'_>, &mut Kids) {
        let Self { len, scores, members, totals, kids } = self;
        (Meta { len, scores, members, totals }, kids)
    }
}

/// All of an inner node but the children, whose type the functions below do not care for.
struct Meta<'a> {
    len: &'a mut u8,
    scores: &'a mut [f64; INNER],
    members: &'a mut [ScoredRef; INNER],
    totals: &'a mut [u64; INNER],
}

impl Meta<'_> {
    fn refresh<K: Kid>(&mut self, slots: &Slots<K>, child: usize) {
        let kid = slots[child].as_ref().expect(IN_USE);
        let first = kid.first();
        self.scores[child] = first.score;
        self.members[child] = first.member;
        self.totals[child] = kid.total();
    }

    /// Opens a slot at `child` for a new kid.
    fn open<K: Kid>(&mut self, slots: &mut Slots<K>, child: usize, kid: Box<K>) {
        let len = *self.len as usize;
        self.scores.copy_within(child..len, child + 1);
        self.members.copy_within(child..len, child + 1);
        self.totals.copy_within(child..len, child + 1);
        slots[child..=len].rotate_right(1);
        slots[child] = Some(kid);
        *self.len += 1;
        self.refresh(slots, child);
    }

    /// Closes the slot at `child`, whose kid is gone.
    fn close<K: Kid>(&mut self, slots: &mut Slots<K>, child: usize) {
        let len = *self.len as usize;
        self.scores.copy_within(child + 1..len, child);
        self.members.copy_within(child + 1..len, child);
        self.totals.copy_within(child + 1..len, child);
        slots[child..len].rotate_left(1);
        *self.len -= 1;
    }

    /// Makes room in a full child before a member enters it.
    fn make_room<K: Kid>(
        &mut self,
        slots: &mut Slots<K>,
        child: usize,
        new: Separator,
        edge: Edge,
    ) {
        let len = *self.len as usize;
        let room = |slots: &Slots<K>, child: usize| {
            K::CAPACITY - slots[child].as_ref().map_or(K::CAPACITY, |kid| kid.len())
        };
        let left = if child > 0 { room(slots, child - 1) } else { 0 };
        let right = if child + 1 < len { room(slots, child + 1) } else { 0 };
        // From a room of 2 on, both have some left afterwards: the member may belong to either.
        if left >= right && left > 1 {
            let (left_kid, kid) = pair(slots, child - 1);
            left_kid.take_left(kid, left.div_ceil(2));
            self.refresh(slots, child - 1);
            self.refresh(slots, child);
            return;
        }
        if right > 1 {
            let (kid, right_kid) = pair(slots, child);
            kid.give_right(right_kid, right.div_ceil(2));
            self.refresh(slots, child + 1);
            self.refresh(slots, child);
            return;
        }
        let kid = slots[child].as_mut().expect(IN_USE);
        let mut new_kid = kid.empty_like();
        let first = matches!(edge, Edge::First | Edge::Both) && new.cmp(kid.first()).is_lt();
        let give = match edge {
            // Members that come in order find full leaves behind them and an empty one ahead.
            Edge::Last | Edge::Both if !first => 1,
            _ if first => K::CAPACITY - 1,
            _ => K::CAPACITY / 2,
        };
        kid.give_right(&mut new_kid, give);
        self.open(slots, child + 1, new_kid);
        self.refresh(slots, child);
    }

    /// Merges a poor child with a neighbour or evens them out, before a member leaves it.
    fn enrich<K: Kid>(&mut self, slots: &mut Slots<K>, child: usize) {
        let len = *self.len as usize;
        if len == 1 {
            return;
        }
        let left = if child > 0 { child - 1 } else { 0 };
        let (left_kid, right_kid) = pair(slots, left);
        let sum = left_kid.len() + right_kid.len();
        if sum <= K::MERGE {
            let n = right_kid.len();
            left_kid.take_left(right_kid, n);
            slots[left + 1] = None;
            self.close(slots, left + 1);
        } else if left_kid.len() < right_kid.len() {
            let n = (right_kid.len() - left_kid.len()) / 2;
            left_kid.take_left(right_kid, n);
            self.refresh(slots, left + 1);
        } else {
            let n = (left_kid.len() - right_kid.len()) / 2;
            left_kid.give_right(right_kid, n);
            self.refresh(slots, left + 1);
        }
        self.refresh(slots, left);
    }
}

fn pair<K>(slots: &mut Slots<K>, left: usize) -> (&mut K, &mut K) {
    let [Some(a), Some(b)] = &mut slots[left..left + 2] else { panic!("{IN_USE}") };
    (a, b)
}

/// Moves the last `n` of `len` children to the front of `right_len` others.
fn kids_right<K>(
    left: &mut Slots<K>,
    len: usize,
    right: &mut Slots<K>,
    right_len: usize,
    n: usize,
) {
    right[..right_len + n].rotate_right(n);
    for (to, from) in right[..n].iter_mut().zip(&mut left[len - n..len]) {
        *to = from.take();
    }
}

/// Moves the first `n` of `right_len` children to the end of `len` others.
fn kids_left<K>(left: &mut Slots<K>, len: usize, right: &mut Slots<K>, right_len: usize, n: usize) {
    for (to, from) in left[len..len + n].iter_mut().zip(&mut right[..n]) {
        *to = from.take();
    }
    right[..right_len].rotate_left(n);
}

impl Kid for Inner {
    const CAPACITY: usize = INNER;

    fn empty_like(&self) -> Box<Self> {
        Self::empty(match self.kids {
            Kids::Leaves(_) => Kids::Leaves([const { None }; INNER]),
            Kids::Inners(_) => Kids::Inners([const { None }; INNER]),
        })
    }

    fn len(&self) -> usize {
        self.len as usize
    }

    fn total(&self) -> u64 {
        self.totals[..self.len as usize].iter().sum()
    }

    fn first(&self) -> Separator {
        self.separator(0)
    }

    fn insert(&mut self, new: Separator, edge: Edge) {
        let mut child = self.child_for(new);
        let full = match self.child(child) {
            Child::Leaf(leaf) => leaf.is_full(),
            Child::Inner(inner) => inner.is_full(),
        };
        if full {
            let edge = edge.of_child(child, self.len());
            match self.parts() {
                (mut meta, Kids::Leaves(slots)) => meta.make_room(slots, child, new, edge),
                (mut meta, Kids::Inners(slots)) => meta.make_room(slots, child, new, edge),
            }
            child = self.child_for(new);
        }
        self.totals[child] += 1;
        if child == 0 && new.cmp(self.first()).is_lt() {
            self.scores[0] = new.score;
            self.members[0] = new.member;
        }
        let edge = edge.of_child(child, self.len());
        match &mut self.kids {
            Kids::Leaves(slots) => slots[child].as_mut().expect(IN_USE).insert(new, edge),
            Kids::Inners(slots) => slots[child].as_mut().expect(IN_USE).insert(new, edge),
        }
    }

    fn remove(&mut self, place: Place) -> Option<(ScoredRef, bool)> {
        let (mut child, mut inside) = self.find(place);
        let poor = match self.child(child) {
            Child::Leaf(leaf) => leaf.len() <= Leaf::POOR,
            Child::Inner(inner) => inner.len() <= Self::POOR,
        };
        if poor {
            match self.parts() {
                (mut meta, Kids::Leaves(slots)) => meta.enrich(slots, child),
                (mut meta, Kids::Inners(slots)) => meta.enrich(slots, child),
            }
            (child, inside) = self.find(place);
        }
        let (removed, was_first, first) = match &mut self.kids {
            Kids::Leaves(slots) => {
                let leaf = slots[child].as_mut().expect(IN_USE);
                let (removed, was_first) = leaf.remove(inside)?;
                (removed, was_first, was_first.then(|| leaf.first()))
            }
            Kids::Inners(slots) => {
                let inner = slots[child].as_mut().expect(IN_USE);
                let (removed, was_first) = inner.remove(inside)?;
                (removed, was_first, was_first.then(|| inner.first()))
            }
        };
        self.totals[child] -= 1;
        if let Some(first) = first {
            self.scores[child] = first.score;
            self.members[child] = first.member;
        }
        Some((removed, was_first && child == 0))
    }

    fn reposition(&mut self, old: Separator, new: Separator) -> bool {
        let child = self.child_for(old);
        if child + 1 < self.len() && new.cmp(self.separator(child + 1)).is_ge() {
            return false;
        }
        let stays = match &mut self.kids {
            Kids::Leaves(slots) => slots[child].as_mut().expect(IN_USE).reposition(old, new),
            Kids::Inners(slots) => slots[child].as_mut().expect(IN_USE).reposition(old, new),
        };
        if stays && self.members[child] == old.member {
            self.scores[child] = new.score;
        }
        stays
    }

    fn give_right(&mut self, right: &mut Self, n: usize) {
        let (len, right_len) = (self.len(), right.len());
        right.scores.copy_within(..right_len, n);
        right.scores[..n].copy_from_slice(&self.scores[len - n..len]);
        right.members.copy_within(..right_len, n);
        right.members[..n].copy_from_slice(&self.members[len - n..len]);
        right.totals.copy_within(..right_len, n);
        right.totals[..n].copy_from_slice(&self.totals[len - n..len]);
        match (&mut self.kids, &mut right.kids) {
            (Kids::Leaves(a), Kids::Leaves(b)) => kids_right(a, len, b, right_len, n),
            (Kids::Inners(a), Kids::Inners(b)) => kids_right(a, len, b, right_len, n),
            _ => unreachable!("{SAME_HEIGHT}"),
        }
        self.len -= n as u8;
        right.len += n as u8;
    }

    fn take_left(&mut self, right: &mut Self, n: usize) {
        let (len, right_len) = (self.len(), right.len());
        self.scores[len..len + n].copy_from_slice(&right.scores[..n]);
        right.scores.copy_within(n..right_len, 0);
        self.members[len..len + n].copy_from_slice(&right.members[..n]);
        right.members.copy_within(n..right_len, 0);
        self.totals[len..len + n].copy_from_slice(&right.totals[..n]);
        right.totals.copy_within(n..right_len, 0);
        match (&mut self.kids, &mut right.kids) {
            (Kids::Leaves(a), Kids::Leaves(b)) => kids_left(a, len, b, right_len, n),
            (Kids::Inners(a), Kids::Inners(b)) => kids_left(a, len, b, right_len, n),
            _ => unreachable!("{SAME_HEIGHT}"),
        }
        self.len += n as u8;
        right.len -= n as u8;
    }
}
