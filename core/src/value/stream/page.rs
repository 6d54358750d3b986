//! Pages: the nodes of a stream one behind the other in one run of bytes, with a table of where they are.
//!
//! ```text
//! bytes   [ node │ node │ a hole │ node … ]      nodes   (ID, start) in order
//! ```
//!
//! A node on its own would leave room at its end: the allocator's classes and what it has grown ahead.
//! In a page only the last one does. Removed nodes leave holes, which close when they are half of a page.

use super::exchange;
use super::id::Id;
use super::node::{self, Number};
use crate::collections::corrupt::Corrupt;
use alloc::vec::Vec;

/// Bytes after which a page is full.
pub(super) const PAGE: usize = 128 * 1024;

/// Where a node is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub id: Id,
    start: u32,
}

/// Some nodes of a stream.
#[derive(Debug, Default)]
pub(super) struct Page {
    bytes: Vec<u8>,
    heads: Vec<Head>,
    /// Bytes in holes.
    dead: u32,
}

/// How much to allocate for `len` bytes: a short stream is tight, the page of a long one doubles, and what is
/// past its end there is little of.
fn capacity(len: usize) -> usize {
    if len <= 4096 {
        (len + len / 8).next_multiple_of(32)
    } else if len <= PAGE {
        len.next_power_of_two()
    } else if len <= 2 * PAGE {
        len + 4096
    } else {
        len + len / 8
    }
}

impl Clone for Page {
    fn clone(&self) -> Self {
        // A copy has no holes.
        let mut copy = Self::default();
        copy.bytes.reserve_exact(capacity(self.bytes.len() - self.dead as usize));
        copy.heads.reserve_exact(self.heads.len());
        for at in 0..self.heads.len() {
            copy.push(self.heads[at].id, self.node(at));
        }
        copy
    }
}

impl Page {
    #[inline]
    pub(super) fn heads(&self) -> &[Head] {
        &self.heads
    }

    #[inline]
    fn range(&self, at: usize) -> (usize, usize) {
        let start = self.heads[at].start as usize;
        let total = node::number(&self.bytes[start..], Number::Total).unwrap_or_default();
        (start, start + total as usize)
    }

    /// The bytes of a node.
    #[inline]
    pub(super) fn node(&self, at: usize) -> &[u8] {
        let (start, end) = self.range(at);
        &self.bytes[start..end]
    }

    /// Makes room for `more` bytes.
    #[inline]
    fn reserve(&mut self, more: usize) {
        let len = self.bytes.len() + more;
        if len > self.bytes.capacity() {
            self.bytes.reserve_exact(capacity(len) - self.bytes.len());
        }
    }

    fn push_head(&mut self, id: Id) {
        if self.heads.is_empty() {
            self.heads.reserve_exact(1);
        }
        self.heads.push(Head { id, start: self.bytes.len() as u32 });
    }

    /// Appends a whole node.
    pub(super) fn push(&mut self, id: Id, node: &[u8]) {
        self.reserve(node.len());
        self.push_head(id);
        self.bytes.extend_from_slice(node);
    }

    /// Appends the node that a listpack from outside stands for.
    pub(super) fn push_listpack(
        &mut self,
        id: Id,
        listpack: &[u8],
    ) -> Result<exchange::Contents, Corrupt> {
        // What is left out of it is more than what is added, but where there is next to nothing in it.
        self.reserve(listpack.len() + node::HEADER);
        let len = self.bytes.len();
        self.push_head(id);
        let contents = exchange::from_listpack(listpack, id, &mut self.bytes);
        if contents.is_err() {
            self.bytes.truncate(len);
            self.heads.pop();
        }
        contents
    }

    /// Appends a node of one entry.
    pub(super) fn begin<'t>(
        &mut self,
        id: Id,
        texts: impl ExactSizeIterator<Item = &'t [u8]> + Clone,
        bytes: usize,
    ) {
        self.reserve(bytes + 64 + texts.len() * 9);
        self.push_head(id);
        let start = self.bytes.len();
        node::begin(&mut self.bytes, texts.clone());
        node::put_entry(&mut self.bytes, start, id, id, texts, true);
    }

    /// Appends an entry to the last node, whose master entry is `master`.
    #[inline]
    pub(super) fn append<'t>(
        &mut self,
        id: Id,
        texts: impl ExactSizeIterator<Item = &'t [u8]> + Clone,
        bytes: usize,
        master: &node::Master,
    ) {
        let Some(&Head { id: head, start }) = self.heads.last() else { return };
        let same = node::has_fields(&self.bytes[start as usize..], master, texts.clone());
        self.reserve(bytes + 48 + texts.len() * 9);
        node::put_entry(&mut self.bytes, start as usize, head, id, texts, same);
    }

    /// Writes the counts of a node.
    #[inline]
    pub(super) fn set_counts(&mut self, at: usize, live: u64, deleted: u64) {
        let (start, end) = self.range(at);
        node::set_counts(&mut self.bytes[start..end], live as u32, deleted as u32);
    }

    /// Marks the entry at `entry_at` of a node as deleted. The counts are the caller's.
    #[inline]
    pub(super) fn mark_deleted(&mut self, at: usize, entry_at: usize) {
        let (start, _) = self.range(at);
        self.bytes[start + entry_at] |= node::DELETED;
    }

    /// Removes a node.
    pub(super) fn remove(&mut self, at: usize) {
        let (start, end) = self.range(at);
        self.heads.remove(at);
        if self.heads.is_empty() {
            *self = Self::default();
        } else if end == self.bytes.len() {
            self.bytes.truncate(start);
        } else {
            self.dead += (end - start) as u32;
            if self.dead as usize > (self.bytes.len() / 2).max(2048) {
                *self = self.clone();
            }
        }
    }

    /// Gives back what was allocated ahead: nothing is appended any more.
    pub(super) fn close(&mut self) {
        if self.bytes.capacity() - self.bytes.len() > PAGE / 16 {
            self.bytes.shrink_to_fit();
        }
    }

    /// The bytes of its nodes and holes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.heads.capacity() * size_of::<Head>()
    }
}
