//! Overflow nodes of one size: allocated in segments that never move, given back when few are used.
//!
//! Free nodes form a doubly linked list, so that the last node of the arena can leave the list when
//! the arena shrinks. A node in use always has entries; a free one has empty tags.

use super::node::{HALF_BYTES, LINE_ALIGN, LINE_BYTES, LINE_SLOTS, Node};
use super::tags::Tags;
use alloc::{
    alloc::{alloc, dealloc, handle_alloc_error},
    vec::Vec,
};
use core::{
    alloc::Layout,
    ptr::{self, NonNull},
};

/// Nodes of the largest segments: four of 4 nodes come first, then four of 8, and so on up to this.
const SEGMENT: u32 = 256;
/// Nodes before the first of the largest segments.
const GROWING: u32 = 4 * (SEGMENT - 4);

pub(super) struct Arena {
    segments: Vec<NonNull<u8>>,
    /// Nodes in use or free: all before this index.
    count: u32,
    free: u32,
    first_free: *mut Links,
    /// Slots of a node: what tells the two sizes apart.
    slots: usize,
}

/// What a free node holds after its tags.
#[repr(C)]
struct Links {
    tags: Tags,
    next: *mut Self,
    previous: *mut Self,
}

/// The segment of a node and the index of the segment's first node.
const fn place(index: u32) -> (usize, u32) {
    if index >= GROWING {
        let large = (index - GROWING) / SEGMENT;
        return ((4 * (SEGMENT / 4).ilog2() + large) as usize, GROWING + large * SEGMENT);
    }
    // The sizes before group g add up to 16 × (2^g - 1).
    let group = (index / 16 + 1).ilog2();
    let (start, size) = (16 * ((1 << group) - 1), 4 << group);
    let segment = (index - start) / size;
    ((4 * group + segment) as usize, start + segment * size)
}

const fn segment_size(segment: usize) -> u32 {
    let group = segment / 4;
    if group < (SEGMENT / 4).ilog2() as usize { 4 << group } else { SEGMENT }
}

impl Arena {
    pub(super) const fn new(slots: usize) -> Self {
        Self { segments: Vec::new(), count: 0, free: 0, first_free: ptr::null_mut(), slots }
    }

    const fn bytes(&self) -> usize {
        if self.slots == LINE_SLOTS { LINE_BYTES } else { HALF_BYTES }
    }

    fn layout(&self, segment: usize) -> Layout {
        Layout::from_size_align(segment_size(segment) as usize * self.bytes(), LINE_ALIGN)
            .expect("a segment is small")
    }

    /// Nodes in use or free.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    pub(super) const fn used(&self) -> u32 {
        self.count - self.free
    }

    /// The node at `index`, which is less than `count()`; it may be a free one.
    pub(super) fn node(&self, index: u32) -> Node {
        assert!(index < self.count, "a node of the arena");
        let (segment, start) = place(index);
        // SAFETY: the segment has at least as many nodes as its share of `count`.
        let at = unsafe { self.segments[segment].add((index - start) as usize * self.bytes()) };
        Node::new(at, self.slots)
    }

    /// An empty node.
    pub(super) fn alloc(&mut self) -> Node {
        let node = if let Some(first) = NonNull::new(self.first_free) {
            // SAFETY: what is on the list is a free node of this arena.
            unsafe { self.unlink(first) };
            Node::new(first.cast(), self.slots)
        } else {
            let (segment, _) = place(self.count);
            if segment == self.segments.len() {
                let layout = self.layout(segment);
                // SAFETY: the layout's size is not zero.
                let at = unsafe { alloc(layout) };
                self.segments.push(NonNull::new(at).unwrap_or_else(|| handle_alloc_error(layout)));
            }
            self.count += 1;
            self.node(self.count - 1)
        };
        // SAFETY: allocated just now, or free.
        unsafe { node.set_tags(Tags::EMPTY) };
        node
    }

    /// Takes a node back.
    ///
    /// # Safety
    /// The node is one of this arena, in use, and nothing leads to it any more.
    pub(super) unsafe fn release(&mut self, node: Node) {
        let links = node.address().cast::<Links>().as_ptr();
        // SAFETY: the node is the arena's alone now; `Links` fits into it.
        unsafe {
            links.write(Links {
                tags: Tags::EMPTY,
                next: self.first_free,
                previous: ptr::null_mut(),
            });
            if !self.first_free.is_null() {
                (*self.first_free).previous = links;
            }
        }
        self.first_free = links;
        self.free += 1;
    }

    /// # Safety
    /// The node is on the list.
    unsafe fn unlink(&mut self, node: NonNull<Links>) {
        // SAFETY: neighbours on the list are free nodes too.
        unsafe {
            let Links { next, previous, .. } = node.read();
            if previous.is_null() {
                self.first_free = next;
            } else {
                (*previous).next = next;
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
        }
        self.free -= 1;
    }

    /// Whether so many nodes are free that the last ones should move there.
    #[inline]
    pub(super) const fn sparse(&self) -> bool {
        self.free > 2 + self.count / 8
    }

    /// The last node, if it is in use. If it is free it is dropped instead.
    pub(super) fn drop_free_end(&mut self) -> Option<Node> {
        let last = self.node(self.count.checked_sub(1)?);
        // SAFETY: nodes below `count` are alive.
        if unsafe { last.tags() } != Tags::EMPTY {
            return Some(last);
        }
        // SAFETY: a node with empty tags is on the list.
        unsafe { self.unlink(last.address().cast()) };
        self.drop_end();
        None
    }

    /// Drops the last node, which is in use.
    ///
    /// # Safety
    /// Nothing leads to it any more.
    pub(super) unsafe fn drop_used_end(&mut self) {
        self.drop_end();
    }

    fn drop_end(&mut self) {
        self.count -= 1;
        // An empty segment stays until the one before is half empty, lest a node that comes and goes
        // cost an allocation each time.
        let (segment, start) = place(self.count);
        if self.count <= start + segment_size(segment) / 2 && self.segments.len() > segment + 1
            || self.count == 0
        {
            let last = self.segments.len() - 1;
            let layout = self.layout(last);
            let at = self.segments.pop().expect("a node was in it");
            // SAFETY: allocated with this layout; no node of it is counted.
            unsafe { dealloc(at.as_ptr(), layout) };
        }
    }

    /// Bytes allocated.
    pub(super) fn memory(&self) -> usize {
        (0..self.segments.len()).map(|segment| self.layout(segment).size()).sum::<usize>()
            + self.segments.capacity() * size_of::<NonNull<u8>>()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for (segment, at) in self.segments.iter().enumerate() {
            // SAFETY: allocated with this layout; the table that used it is gone.
            unsafe { dealloc(at.as_ptr(), self.layout(segment)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::dict::node::{HALF_SLOTS, Word};
    use alloc::vec::Vec;

    #[test]
    fn places_are_consecutive() {
        let (mut segment, mut start) = (0, 0);
        for index in 0..5000 {
            if index == start + segment_size(segment) {
                segment += 1;
                start = index;
            }
            assert_eq!(place(index), (segment, start), "{index}");
        }
        assert_eq!(segment_size(place(5000).0), SEGMENT);
        assert_eq!(segment_size(place(GROWING - 1).0), SEGMENT / 2);
    }

    #[test]
    fn freed_nodes_are_reused_and_the_end_shrinks() {
        for slots in [HALF_SLOTS, LINE_SLOTS] {
            let mut arena = Arena::new(slots);
            let nodes: Vec<Node> = (0..700u32)
                .map(|i| {
                    let node = arena.alloc();
                    // SAFETY: the node is fresh.
                    unsafe { node.push(Word::uninit(), i as u8 | 1, false) };
                    node
                })
                .collect();
            let full = arena.memory();
            for node in nodes.iter().skip(3).step_by(2) {
                // SAFETY: in use and known to nobody else.
                unsafe { arena.release(*node) };
            }
            assert_eq!(arena.count() - arena.used(), 349);
            assert!(arena.sparse());
            assert!(arena.drop_free_end().is_none());
            assert_eq!(arena.drop_free_end(), Some(nodes[698]));
            assert_eq!(arena.alloc(), nodes[697], "the one released last but the dropped one");
            // SAFETY: each is in use and known to nobody else.
            unsafe {
                nodes[697].push(Word::uninit(), 1, false);
                for i in (0..=698).rev().filter(|i| i % 2 == 0 || *i == 697 || *i == 1) {
                    arena.release(nodes[i]);
                }
            }
            assert_eq!((arena.used(), arena.count()), (0, 699));
            while arena.count() > 0 {
                assert!(arena.drop_free_end().is_none());
            }
            assert!(arena.memory() < full / 4);
            arena.alloc();
        }
    }
}
