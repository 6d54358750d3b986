//! A long list: a sequence of nodes, each a listpack or one large element.
//!
//! ```text
//! nodes   [ listpack ][ listpack ][ large element ][ listpack ]
//! ```
//!
//! The nodes stand in a ring buffer, so that an index finds its node by a walk over their counts from
//! the nearer end without touching the elements. The listpacks have room at both ends, so that a push
//! or pop there moves no element; nodes that are no longer at an end give the room back.
//!
//! Nodes fill up as Redis's do (see [`Limits`]). `list-compress-depth` is accepted by the server and
//! does nothing: packing inner nodes with LZF would save memory for time on every read of them.
//!
//! Invariant: no node is without elements.

mod iter;
mod limits;
mod node;

#[cfg(test)]
mod tests;

use alloc::collections::VecDeque;
use core::fmt;

pub use iter::{Backward, Forward};
pub use limits::Limits;

use crate::collections::listpack::{Element, Listpack, RoomyListpack, Side, View};
use node::Node;

/// Room for the elements to come in a node that starts behind others: it will likely fill up.
const FRESH_ROOM: usize = 1024;

/// A list of any length.
#[derive(Clone, Default)]
pub struct Quicklist {
    nodes: VecDeque<Node>,
    len: u64,
}

/// A node as it is saved.
#[derive(Clone, Copy)]
pub enum NodeView<'a> {
    /// Elements in a listpack.
    Packed(View<'a>),
    /// One large element.
    Plain(&'a [u8]),
}

impl fmt::Debug for Quicklist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} elements in {} nodes", self.len(), self.node_count())
    }
}

impl Quicklist {
    /// A list without elements.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A list of one node, which is this listpack, however long.
    #[must_use]
    pub fn from_listpack(pack: &Listpack) -> Self {
        let mut list = Self { nodes: VecDeque::with_capacity(1), len: 0 };
        list.push_packed_node(pack.view());
        list
    }

    /// The list as one listpack, if it is one node that holds one, or nothing at all.
    #[must_use]
    pub fn to_listpack(&self) -> Option<Listpack> {
        match (self.nodes.len(), self.nodes.front()) {
            (0, _) => Some(Listpack::new()),
            (1, Some(Node::Packed(pack))) => Some(Listpack::from_view(pack.view())),
            _ => None,
        }
    }

    /// The bytes of the one listpack the list consists of, to decide whether to make it one.
    #[must_use]
    pub fn lone_listpack(&self) -> Option<View<'_>> {
        match (self.nodes.len(), self.nodes.front()) {
            (1, Some(Node::Packed(pack))) => Some(pack.view()),
            _ => None,
        }
    }

    /// How many elements there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many nodes there are.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes in order, to save them.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeView<'_>> {
        self.nodes_from(0)
    }

    /// The same from the node of this number on.
    pub fn nodes_from(&self, first: usize) -> impl ExactSizeIterator<Item = NodeView<'_>> {
        let first = first.min(self.nodes.len());
        self.nodes.range(first..).map(|node| match node {
            Node::Packed(pack) => NodeView::Packed(pack.view()),
            Node::Plain(text) => NodeView::Plain(text),
        })
    }

    /// Adds a saved listpack after the last node. One without elements adds nothing.
    pub fn push_packed_node(&mut self, pack: View<'_>) {
        if !pack.is_empty() {
            self.len += u64::from(pack.len());
            self.nodes.push_back(Node::Packed(RoomyListpack::from_view(pack)));
        }
    }

    /// Adds a saved large element after the last node. One without bytes joins a listpack.
    pub fn push_plain_node(&mut self, text: &[u8]) {
        if text.is_empty() {
            self.push_back(text, Limits::default());
        } else {
            self.len += 1;
            self.nodes.push_back(Node::Plain(text.into()));
        }
    }

    /// About how many bytes an element takes, going by the nodes at the ends.
    #[must_use]
    pub fn element_bytes(&self) -> usize {
        let ends = self.nodes.front().into_iter().chain(self.nodes.back());
        ends.map(|node| node.bytes_len() / node.len().max(1) as usize).max().unwrap_or(0)
    }

    /// What the allocator was asked for, all nodes together.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let ring = self.nodes.capacity() * size_of::<Node>();
        self.nodes.iter().fold(ring, |sum, node| sum + node.heap_bytes())
    }

    /// Adds an element after the last.
    #[inline]
    pub fn push_back(&mut self, text: &[u8], limits: Limits) {
        self.len += 1;
        match self.nodes.back_mut() {
            Some(Node::Packed(pack))
                if limits.allow_push(pack.bytes_len(), pack.len(), text.len()) =>
            {
                pack.push_back(text);
            }
            _ => self.push_node(text, Side::After, limits),
        }
    }

    /// Adds an element before the first.
    #[inline]
    pub fn push_front(&mut self, text: &[u8], limits: Limits) {
        self.len += 1;
        match self.nodes.front_mut() {
            Some(Node::Packed(pack))
                if limits.allow_push(pack.bytes_len(), pack.len(), text.len()) =>
            {
                pack.push_front(text);
            }
            _ => self.push_node(text, Side::Before, limits),
        }
    }

    #[cold]
    fn push_node(&mut self, text: &[u8], side: Side, limits: Limits) {
        let old = match side {
            Side::Before => self.nodes.front_mut(),
            Side::After => self.nodes.back_mut(),
        };
        let room = if old.is_some() && !(0..64).contains(&limits.fill) { FRESH_ROOM } else { 0 };
        if let Some(old) = old {
            old.tighten();
        }
        let node = if limits.stands_alone(text.len()) || room == 0 {
            Node::one(text, limits)
        } else {
            let (front, back) = match side {
                Side::Before => (room, text.len() + 16),
                Side::After => (0, text.len() + room),
            };
            let mut pack = RoomyListpack::with_room(front, back);
            pack.push_back(text);
            Node::Packed(pack)
        };
        match side {
            Side::Before => self.nodes.push_front(node),
            Side::After => self.nodes.push_back(node),
        }
    }

    /// Removes the first element after `take` saw it.
    #[inline]
    pub fn pop_front<R>(&mut self, take: impl FnOnce(Element<'_>) -> R) -> Option<R> {
        let taken = match self.nodes.front_mut()? {
            Node::Packed(pack) if pack.len() > 1 => {
                let first = pack.first()?;
                let taken = take(pack.at(first)?);
                pack.remove(first);
                taken
            }
            last => {
                let taken = take(last.get(0)?);
                self.nodes.pop_front();
                self.tighten_ring();
                taken
            }
        };
        self.len -= 1;
        Some(taken)
    }

    /// Removes the last element after `take` saw it.
    #[inline]
    pub fn pop_back<R>(&mut self, take: impl FnOnce(Element<'_>) -> R) -> Option<R> {
        let taken = match self.nodes.back_mut()? {
            Node::Packed(pack) if pack.len() > 1 => {
                let last = pack.last()?;
                let taken = take(pack.at(last)?);
                pack.remove(last);
                taken
            }
            last => {
                let taken = take(last.get(0)?);
                self.nodes.pop_back();
                self.tighten_ring();
                taken
            }
        };
        self.len -= 1;
        Some(taken)
    }

    /// Gives most of the ring buffer back once a long list has become short.
    fn tighten_ring(&mut self) {
        if self.nodes.capacity() > 64 && self.nodes.capacity() / 8 > self.nodes.len() {
            self.nodes.shrink_to(self.nodes.len() * 2);
        }
    }

    /// The node of the element with this index, and its index there.
    #[inline]
    fn locate(&self, index: u64) -> Option<(usize, u32)> {
        if index >= self.len {
            return None;
        }
        if index <= self.len / 2 {
            let mut rest = index;
            for (place, node) in self.nodes.iter().enumerate() {
                let len = u64::from(node.len());
                if rest < len {
                    return Some((place, rest as u32));
                }
                rest -= len;
            }
        } else {
            let mut behind = self.len - index;
            for (place, node) in self.nodes.iter().enumerate().rev() {
                let len = u64::from(node.len());
                if behind <= len {
                    return Some((place, (len - behind) as u32));
                }
                behind -= len;
            }
        }
        None
    }

    /// The element with this index.
    #[must_use]
    pub fn get(&self, index: u64) -> Option<Element<'_>> {
        let (place, at) = self.locate(index)?;
        self.nodes[place].get(at)
    }

    /// Puts another element in the place of the one with this index; says whether there is one.
    pub fn set(&mut self, index: u64, text: &[u8], limits: Limits) -> bool {
        let Some((place, at)) = self.locate(index) else { return false };
        let node = &mut self.nodes[place];
        if let Node::Packed(pack) = node
            && let Some(pos) = pack.seek(i64::from(at))
        {
            let old = pack.at(pos).map_or(0, Element::len);
            let bytes = (pack.bytes_len() - old.min(pack.bytes_len())) + text.len() + 16;
            if !limits.stands_alone(text.len()) && (pack.len() == 1 || limits.allow(bytes, 1)) {
                pack.replace(pos, text);
                return true;
            }
        }
        if node.len() == 1 {
            *node = Node::one(text, limits);
        } else {
            self.remove(index, 1);
            self.insert(index, text, limits);
        }
        true
    }

    /// Adds an element that gets this index; one past the last adds it there.
    pub fn insert(&mut self, index: u64, text: &[u8], limits: Limits) {
        if index == 0 {
            return self.push_front(text, limits);
        }
        let Some((place, at)) = self.locate(index) else { return self.push_back(text, limits) };
        self.len += 1;
        let more = text.len();
        if self.nodes[place].takes(more, limits) {
            self.nodes[place].insert(at, text);
        } else if at > 0 {
            let tail = self.nodes[place].split_off(at);
            self.nodes.insert(place + 1, tail);
            if self.nodes[place].takes(more, limits) {
                let end = self.nodes[place].len();
                self.nodes[place].insert(end, text);
            } else if self.nodes[place + 1].takes(more, limits) {
                self.nodes[place + 1].insert(0, text);
            } else {
                self.nodes.insert(place + 1, Node::one(text, limits));
                self.merge_with_next(place + 1, limits);
            }
            self.merge_with_next(place + 1, limits);
            self.merge_with_next(place, limits);
        } else if self.nodes[place - 1].takes(more, limits) {
            let end = self.nodes[place - 1].len();
            self.nodes[place - 1].insert(end, text);
        } else {
            self.nodes.insert(place, Node::one(text, limits));
        }
    }

    fn merge_with_next(&mut self, place: usize, limits: Limits) {
        if place + 1 < self.nodes.len()
            && let Some(next) = self.nodes.remove(place + 1)
            && !self.nodes[place].merge(&next, limits)
        {
            self.nodes.insert(place + 1, next);
        }
    }

    /// The index of the first element that is `text`.
    #[must_use]
    pub fn position(&self, text: &[u8]) -> Option<u64> {
        let mut before = 0;
        for node in &self.nodes {
            if let Some(at) = node.iter().position(|element| element.eq_bytes(text)) {
                return Some(before + at as u64);
            }
            before += u64::from(node.len());
        }
        None
    }

    /// Removes up to `most` elements that are `text`, searching from the first (`Before`) or from the
    /// last (`After`), and says how many there were.
    pub fn remove_text(&mut self, text: &[u8], most: u64, from: Side) -> u64 {
        let mut removed = 0;
        let mut visit = |node: &mut Node| {
            if removed < most {
                removed += node.remove_text(text, most - removed, from);
            }
        };
        match from {
            Side::Before => self.nodes.iter_mut().for_each(&mut visit),
            Side::After => self.nodes.iter_mut().rev().for_each(&mut visit),
        }
        if removed > 0 {
            self.nodes.retain(|node| !node.is_spent());
            self.len -= removed;
        }
        removed
    }

    /// Removes up to `count` elements from this index on and says how many there were.
    pub fn remove(&mut self, index: u64, count: u64) -> u64 {
        let Some((mut place, at)) = self.locate(index) else { return 0 };
        let removed = count.min(self.len - index);
        let mut rest = removed;
        if at > 0 {
            let here = rest.min(u64::from(self.nodes[place].len() - at));
            self.nodes[place].remove(at, here as u32);
            rest -= here;
            place += 1;
        }
        let mut end = place;
        while rest > 0 && end < self.nodes.len() && u64::from(self.nodes[end].len()) <= rest {
            rest -= u64::from(self.nodes[end].len());
            end += 1;
        }
        self.nodes.drain(place..end);
        if rest > 0 {
            self.nodes[place].remove(0, rest as u32);
        }
        self.len -= removed;
        removed
    }

    /// Removes up to `count` nodes from the end and says how many there were. For freeing in steps.
    pub fn drop_nodes(&mut self, count: usize) -> usize {
        let kept = self.nodes.len().saturating_sub(count);
        let dropped = self.nodes.drain(kept..).map(|node| u64::from(node.len()));
        let count = dropped.len();
        self.len -= dropped.sum::<u64>();
        count
    }

    /// Keeps `count` elements from this index on and removes the others.
    pub fn keep(&mut self, index: u64, count: u64) {
        self.remove(index.saturating_add(count), u64::MAX);
        self.remove(0, index);
    }

    /// The elements from the first to the last.
    #[must_use]
    pub fn iter(&self) -> Forward<'_> {
        self.iter_from(0)
    }

    /// The elements from this index to the last.
    #[must_use]
    pub fn iter_from(&self, index: u64) -> Forward<'_> {
        match self.locate(index) {
            Some((place, at)) => Forward::new(&self.nodes, place, at),
            None => Forward::default(),
        }
    }

    /// Shows `count` elements from this index on to `see`: what an iterator would give, a node at a time.
    #[inline]
    pub fn each(&self, index: u64, count: u64, mut see: impl FnMut(Element<'_>)) {
        let Some((place, at)) = self.locate(index) else { return };
        let (mut at, mut left) = (at, count.min(self.len - index));
        for node in self.nodes.range(place..) {
            let here = left.min(u64::from(node.len() - at));
            match node {
                Node::Packed(pack) => {
                    if let Some(pos) = pack.seek(i64::from(at)) {
                        pack.iter_from(pos).take(here as usize).for_each(&mut see);
                    }
                }
                Node::Plain(text) => see(Element::Str(text)),
            }
            left -= here;
            if left == 0 {
                return;
            }
            at = 0;
        }
    }

    /// The elements from this index to the first.
    #[must_use]
    pub fn iter_back_from(&self, index: u64) -> Backward<'_> {
        match self.locate(index) {
            Some((place, at)) => Backward::new(&self.nodes, place, at),
            None => Backward::default(),
        }
    }

    /// Panics when the list is not sound. For tests.
    pub fn check(&self) {
        let mut len = 0;
        for node in &self.nodes {
            assert!(!node.is_spent(), "a node has elements");
            if let Node::Packed(pack) = node {
                pack.check();
            }
            len += u64::from(node.len());
        }
        assert_eq!(len, self.len, "a list knows its length");
    }
}

impl<'a> IntoIterator for &'a Quicklist {
    type Item = Element<'a>;
    type IntoIter = Forward<'a>;

    fn into_iter(self) -> Forward<'a> {
        self.iter()
    }
}
