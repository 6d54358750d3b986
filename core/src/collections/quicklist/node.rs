//! One node of a quicklist: a listpack, or one element too large for one.

use alloc::boxed::Box;

use super::Limits;
use crate::collections::listpack::{self, Element, RoomyListpack, Side};

#[derive(Clone)]
pub(super) enum Node {
    Packed(RoomyListpack),
    Plain(Box<[u8]>),
}

impl Node {
    /// A node with one element.
    pub(super) fn one(text: &[u8], limits: Limits) -> Self {
        if limits.stands_alone(text.len()) {
            return Self::Plain(text.into());
        }
        let mut pack = RoomyListpack::new();
        pack.push_back(text);
        Self::Packed(pack)
    }

    #[inline]
    pub(super) fn len(&self) -> u32 {
        match self {
            Self::Packed(pack) => pack.len(),
            Self::Plain(_) => 1,
        }
    }

    /// Whether the last element was removed: the list must drop the node.
    pub(super) fn is_spent(&self) -> bool {
        match self {
            Self::Packed(pack) => pack.is_empty(),
            // An empty element is never too large for a listpack.
            Self::Plain(text) => text.is_empty(),
        }
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<Element<'_>> {
        match self {
            Self::Packed(pack) => pack.get(i64::from(index)),
            Self::Plain(text) => (index == 0).then_some(Element::Str(text)),
        }
    }

    /// Whether an element of `more` bytes may join.
    #[inline]
    pub(super) fn takes(&self, more: usize, limits: Limits) -> bool {
        match self {
            Self::Packed(pack) => limits.allow_push(pack.bytes_len(), pack.len(), more),
            Self::Plain(_) => false,
        }
    }

    /// Bytes of the elements as they are stored.
    pub(super) fn bytes_len(&self) -> usize {
        match self {
            Self::Packed(pack) => pack.bytes_len(),
            Self::Plain(text) => text.len(),
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Packed(pack) => pack.heap_bytes(),
            Self::Plain(text) => text.len(),
        }
    }

    /// Gives spare room back: the node is no longer at an end.
    pub(super) fn tighten(&mut self) {
        if let Self::Packed(pack) = self {
            pack.tighten();
        }
    }

    /// Puts an element where it becomes the one with this index. The node takes it.
    pub(super) fn insert(&mut self, index: u32, text: &[u8]) {
        let Self::Packed(pack) = self else {
            debug_assert!(false, "only packed nodes take elements");
            return;
        };
        match pack.seek(i64::from(index)) {
            Some(pos) => _ = pack.insert(pos, text, Side::Before),
            None => pack.push_back(text),
        }
    }

    /// Removes `count` elements from `index` on, but not all there are.
    pub(super) fn remove(&mut self, index: u32, count: u32) {
        if let Self::Packed(pack) = self {
            pack.remove_range(i64::from(index), count);
        }
    }

    /// Keeps the first `index` elements, at least one, and returns the others, at least one.
    pub(super) fn split_off(&mut self, index: u32) -> Self {
        match self {
            Self::Packed(pack) => Self::Packed(pack.split_off(index)),
            Self::Plain(_) => unreachable!("a node of one element has no inside to split at"),
        }
    }

    /// Takes over the elements of the node behind it, if the limits allow.
    pub(super) fn merge(&mut self, next: &Self, limits: Limits) -> bool {
        let (Self::Packed(pack), Self::Packed(next)) = (self, next) else { return false };
        let fits = limits.allow(pack.bytes_len() + next.bytes_len() - 7, pack.len() + next.len());
        if fits {
            pack.concat(next.view());
        }
        fits
    }

    /// Removes up to `most` elements that are `text`, from the front or the back.
    pub(super) fn remove_text(&mut self, text: &[u8], most: u64, from: Side) -> u64 {
        let pack = match self {
            Self::Packed(pack) => pack,
            Self::Plain(own) => {
                let same = most > 0 && **own == *text;
                if same {
                    *own = Box::default();
                }
                return u64::from(same);
            }
        };
        pack.remove_text(text, most, from)
    }

    #[inline]
    pub(super) fn iter(&self) -> NodeIter<'_> {
        match self {
            Self::Packed(pack) => NodeIter::Packed(pack.iter()),
            Self::Plain(text) => NodeIter::Plain(Some(text)),
        }
    }

    /// The elements from this index to the last.
    pub(super) fn iter_from(&self, index: u32) -> NodeIter<'_> {
        match self {
            Self::Packed(pack) => NodeIter::Packed(match pack.seek(i64::from(index)) {
                Some(pos) => pack.iter_from(pos),
                None => listpack::Iter::default(),
            }),
            Self::Plain(text) => NodeIter::Plain((index == 0).then_some(text)),
        }
    }

    /// The elements from the first to this index.
    pub(super) fn iter_to(&self, index: u32) -> NodeIter<'_> {
        match self {
            Self::Packed(pack) => NodeIter::Packed(match pack.seek(i64::from(index)) {
                Some(pos) => pack.view().iter_to(pos),
                None => pack.iter(),
            }),
            Self::Plain(text) => NodeIter::Plain(Some(text)),
        }
    }
}

#[derive(Clone)]
pub(super) enum NodeIter<'a> {
    Packed(listpack::Iter<'a>),
    Plain(Option<&'a [u8]>),
}

impl<'a> Iterator for NodeIter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            Self::Packed(pack) => pack.next(),
            Self::Plain(text) => text.take().map(Element::Str),
        }
    }
}

impl DoubleEndedIterator for NodeIter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Self::Packed(pack) => pack.next_back(),
            Self::Plain(text) => text.take().map(Element::Str),
        }
    }
}

impl Default for NodeIter<'_> {
    fn default() -> Self {
        Self::Plain(None)
    }
}
