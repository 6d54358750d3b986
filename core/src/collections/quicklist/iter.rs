//! Walks over a quicklist, from any element towards either end.

use alloc::collections::{VecDeque, vec_deque};
use core::iter::FusedIterator;

use super::node::{Node, NodeIter};
use crate::collections::listpack::Element;

/// Elements towards the last.
#[derive(Clone, Default)]
pub struct Forward<'a> {
    here: NodeIter<'a>,
    nodes: vec_deque::Iter<'a, Node>,
}

impl<'a> Forward<'a> {
    pub(super) fn new(nodes: &'a VecDeque<Node>, place: usize, at: u32) -> Self {
        Self { here: nodes[place].iter_from(at), nodes: nodes.range(place + 1..) }
    }
}

impl<'a> Iterator for Forward<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            if let Some(element) = self.here.next() {
                return Some(element);
            }
            self.here = self.nodes.next()?.iter();
        }
    }
}

impl FusedIterator for Forward<'_> {}

/// Elements towards the first.
#[derive(Clone, Default)]
pub struct Backward<'a> {
    here: NodeIter<'a>,
    nodes: vec_deque::Iter<'a, Node>,
}

impl<'a> Backward<'a> {
    pub(super) fn new(nodes: &'a VecDeque<Node>, place: usize, at: u32) -> Self {
        Self { here: nodes[place].iter_to(at), nodes: nodes.range(..place) }
    }
}

impl<'a> Iterator for Backward<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            if let Some(element) = self.here.next_back() {
                return Some(element);
            }
            self.here = self.nodes.next_back()?.iter();
        }
    }
}

impl FusedIterator for Backward<'_> {}
