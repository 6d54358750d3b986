//! Pages: the nodes of a stream one behind the other in one run of bytes, with a table of where they are.
//!
//! ```text
//! bytes   [ node │ node │ a hole │ node … ]      nodes   (ID, start) in order
//! ```
//!
//! A node on its own would leave room at its end: the allocator's classes and what it has grown ahead.
//! In a page only the last one does. Removed nodes leave holes, which close when they are half of a page.

use super::id::Id;
use super::node;
use crate::collections::listpack::entry::{self, Encoded};
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
        let total = self.bytes[start..].first_chunk().copied().unwrap_or_default();
        (start, start + u32::from_le_bytes(total) as usize)
    }

    /// The listpack of a node.
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
    pub(super) fn push(&mut self, id: Id, listpack: &[u8]) {
        self.reserve(listpack.len());
        self.push_head(id);
        self.bytes.extend_from_slice(listpack);
    }

    /// Appends a node of one entry.
    pub(super) fn begin<'t>(
        &mut self,
        id: Id,
        texts: impl ExactSizeIterator<Item = &'t [u8]> + Clone,
        bytes: usize,
    ) {
        self.reserve(bytes + 64 + texts.len() * 11);
        self.push_head(id);
        let start = self.bytes.len();
        let elements = node::begin(&mut self.bytes, texts.clone());
        let entry = node::put_entry(&mut self.bytes, id, id, texts, true);
        node::seal(&mut self.bytes, start, elements + entry);
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
        let at = self.heads.len() - 1;
        let same = node::has_fields(self.node(at), master, texts.clone());
        self.reserve(bytes + 64 + texts.len() * 11);
        self.set_counts(at, master.live + 1, master.deleted);
        self.bytes.pop();
        let elements = node::put_entry(&mut self.bytes, head, id, texts, same);
        node::seal(&mut self.bytes, start as usize, elements);
    }

    /// Writes the counts of a node into its master entry.
    #[inline]
    pub(super) fn set_counts(&mut self, at: usize, live: u64, deleted: u64) {
        let (start, end) = self.range(at);
        let from = start + node::HEADER;
        let bytes = &mut self.bytes[start..end];
        // Small counts are one byte each.
        if bytes[node::HEADER] < 128 && bytes[node::HEADER + 2] < 128 && live < 128 && deleted < 128
        {
            bytes[node::HEADER] = live as u8;
            bytes[node::HEADER + 2] = deleted as u8;
            return;
        }
        let Some(old) = entry::size(bytes, node::HEADER)
            .and_then(|first| Some(first + entry::size(bytes, node::HEADER + first)?))
        else {
            return;
        };
        let counts = [Encoded::int(live as i64), Encoded::int(deleted as i64)];
        let mut new = [0; 20];
        let first = counts[0].size();
        let size = first + counts[1].size();
        counts[0].write(&mut new[..first]);
        counts[1].write(&mut new[first..size]);
        self.bytes.splice(from..from + old, new[..size].iter().copied());
        if size != old {
            let total = (end - start + size - old) as u32;
            self.bytes[start..start + 4].copy_from_slice(&total.to_le_bytes());
            for head in &mut self.heads {
                if head.start as usize > start {
                    head.start = (head.start as usize + size - old) as u32;
                }
            }
        }
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
