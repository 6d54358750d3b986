//! The entries of a stream in the order of their IDs.
//!
//! ```text
//! full   page │ page │ …        tail   page, whose last node grows
//! ```
//!
//! IDs only grow, so the index over the nodes is the nodes themselves: two binary searches, one over the
//! pages and one over a page's nodes, find the node of an ID.

use super::cursor::Cursor;
use super::exchange;
use super::id::Id;
use super::node::{self, Number};
use super::page::{PAGE, Page};
use crate::collections::corrupt::Corrupt;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// When a node is full.
#[derive(Debug, Clone, Copy)]
pub struct NodeLimits {
    /// `stream-node-max-bytes`; 0: as large as nodes may be.
    pub bytes: u64,
    /// `stream-node-max-entries`; 0: no limit.
    pub entries: u64,
}

/// No node grows past this, and no entry.
pub const NODE_BYTES_MAX: usize = 1 << 30;

/// What trimming leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// So many entries.
    Newest(u64),
    /// The entries from this ID on.
    From(Id),
}

/// How to trim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trim {
    /// What to leave.
    pub keep: Keep,
    /// Whole nodes only.
    pub approx: bool,
    /// No more entries than this; 0: no limit.
    pub limit: u64,
}

/// The entries and what a stream remembers of those that are gone.
#[derive(Debug, Clone, Default)]
pub struct Log {
    // Invariant: no page in `full` is without nodes; nodes are in the order of their IDs.
    full: VecDeque<Page>,
    tail: Page,
    len: u64,
    /// The ID of the first entry; the least ID if there is none.
    first_id: Id,
    /// The greatest ID that was ever added, or set with XSETID.
    pub last_id: Id,
    /// The greatest ID that XDEL removed.
    pub max_deleted_id: Id,
    /// How many entries were ever added.
    pub added: u64,
}

impl Log {
    /// How many entries there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The ID of the first entry; the least ID if there is none.
    #[must_use]
    pub fn first_id(&self) -> Id {
        self.first_id
    }

    #[inline]
    pub(super) fn page(&self, at: usize) -> Option<&Page> {
        match self.full.get(at) {
            Some(page) => Some(page),
            None => (at == self.full.len() && !self.tail.heads().is_empty()).then_some(&self.tail),
        }
    }

    fn page_mut(&mut self, at: usize) -> &mut Page {
        self.full.get_mut(at).unwrap_or(&mut self.tail)
    }

    /// How many pages have nodes.
    pub(super) fn page_count(&self) -> usize {
        self.full.len() + usize::from(!self.tail.heads().is_empty())
    }

    /// The page and the place in it of the last node whose ID is not greater than `id`.
    #[inline]
    pub(super) fn node_of(&self, id: Id) -> Option<(usize, usize)> {
        let starts_by = |page: &Page| page.heads().first().is_some_and(|head| head.id <= id);
        let page = if starts_by(&self.tail) {
            self.full.len()
        } else {
            self.full.partition_point(starts_by).checked_sub(1)?
        };
        let heads = self.page(page)?.heads();
        let node = heads.partition_point(|head| head.id <= id).checked_sub(1)?;
        Some((page, node))
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.full.iter().chain([&self.tail]).map(|page| page.heads().len()).sum()
    }

    /// The nodes with their IDs, in order.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (Id, &[u8])> {
        self.full.iter().chain([&self.tail]).flat_map(|page| {
            page.heads().iter().enumerate().map(|(at, head)| (head.id, page.node(at)))
        })
    }

    /// The IDs of the nodes, and the listpacks that Redis has in their place.
    pub fn listpacks(&self) -> impl Iterator<Item = (Id, Vec<u8>)> {
        self.listpacks_from(0, 0).map(|(_, _, id, listpack)| (id, listpack))
    }

    /// The same from a page and a place in it on, with pages and places, in order.
    pub fn listpacks_from(
        &self,
        page: usize,
        node: usize,
    ) -> impl Iterator<Item = (usize, usize, Id, Vec<u8>)> {
        let pages = (page..self.page_count()).filter_map(|at| Some((at, self.page(at)?)));
        pages.flat_map(move |(number, page_at)| {
            let skipped = if number == page { node } else { 0 };
            let heads = page_at.heads().iter().enumerate().skip(skipped);
            heads.map(move |(at, head)| {
                let mut listpack = Vec::new();
                exchange::to_listpack(page_at.node(at), &mut listpack);
                (number, at, head.id, listpack)
            })
        })
    }

    /// The ID of the last node.
    fn last_head(&self) -> Option<Id> {
        let page = self.page(self.full.len()).or(self.full.back())?;
        page.heads().last().map(|head| head.id)
    }

    /// Appends an entry whose ID is greater than the last; `texts` are its fields and values in turn.
    pub fn append<'t>(
        &mut self,
        id: Id,
        texts: impl ExactSizeIterator<Item = &'t [u8]> + Clone,
        limits: NodeLimits,
    ) {
        debug_assert!(id > self.last_id, "the caller compared the IDs");
        let bytes = texts.clone().map(<[u8]>::len).sum();
        match self.roomy_tail(bytes, limits) {
            Some(master) => self.tail.append(id, texts, bytes, &master),
            None => {
                let last = self.tail.heads().len().checked_sub(1);
                let expected = last.map_or(0, |last| self.tail.node(last).len());
                // The next node will be about as large as the last.
                let expected = expected + expected / 16;
                if expected > 0 && self.tail.len() + expected.max(bytes) > PAGE {
                    self.close_tail();
                }
                self.tail.begin(id, texts, bytes);
            }
        }
        if self.len == 0 {
            self.first_id = id;
        }
        self.len += 1;
        self.added = self.added.saturating_add(1);
        self.last_id = id;
    }

    fn close_tail(&mut self) {
        let mut page = core::mem::take(&mut self.tail);
        page.close();
        if self.full.capacity() == 0 {
            self.full.reserve_exact(1);
        }
        self.full.push_back(page);
    }

    /// The master entry of the last node, if that may take `more` bytes.
    #[inline]
    fn roomy_tail(&self, more: usize, limits: NodeLimits) -> Option<node::Master> {
        let last = self.tail.heads().len().checked_sub(1)?;
        let bytes = self.tail.node(last);
        let max = match limits.bytes {
            0 => NODE_BYTES_MAX,
            max => usize::try_from(max).unwrap_or(NODE_BYTES_MAX).min(NODE_BYTES_MAX),
        };
        let listpack = node::number(bytes, Number::Listpack)? as usize;
        if listpack + more >= max {
            return None;
        }
        let master = node::master(bytes)?;
        (limits.entries == 0 || master.live + master.deleted < limits.entries).then_some(master)
    }

    /// Removes an entry; `false` if there is none of this ID.
    pub fn delete(&mut self, id: Id) -> bool {
        let Some((page, place)) = self.node_of(id) else { return false };
        let found = self.page(page).and_then(|page| {
            let (bytes, head) = (page.node(place), page.heads()[place].id);
            find(bytes, head, id)
        });
        let Some((master, entry_at)) = found else { return false };
        let page_of = self.page_mut(page);
        if master.live <= 1 {
            self.remove_node(page, place);
        } else {
            page_of.mark_deleted(place, entry_at);
            page_of.set_counts(place, master.live - 1, master.deleted + 1);
        }
        self.len -= 1;
        if id == self.first_id {
            self.find_first();
        }
        true
    }

    fn find_first(&mut self) {
        self.first_id = match self.len {
            0 => Id::MIN,
            _ => self.range(Id::MIN, Id::MAX).next().map_or(Id::MIN, |(id, _)| id),
        };
    }

    fn remove_node(&mut self, page: usize, place: usize) {
        let page_of = self.page_mut(page);
        page_of.remove(place);
        if page_of.heads().is_empty() && page < self.full.len() {
            self.full.remove(page);
        }
    }

    /// Removes entries from the front; how many.
    pub fn trim(&mut self, trim: &Trim) -> u64 {
        let mut removed = 0;
        while let Some(first) = self.page(0) {
            if matches!(trim.keep, Keep::Newest(len) if self.len <= len) {
                break;
            }
            let (bytes, head) = (first.node(0), first.heads()[0].id);
            let Some(master) = node::master(bytes) else { break };
            if trim.limit > 0 && removed + master.live > trim.limit {
                break;
            }
            let whole = match trim.keep {
                Keep::Newest(len) => self.len - master.live >= len,
                Keep::From(id) => node::last_id(bytes, head).is_some_and(|last| last < id),
            };
            if whole {
                self.remove_node(0, 0);
                self.len -= master.live;
                removed += master.live;
                continue;
            }
            if !trim.approx {
                removed += self.trim_first_node(&master, trim.keep);
            }
            break;
        }
        if removed > 0 {
            self.find_first();
        }
        removed
    }

    /// Marks entries at the front of the first node as deleted; how many.
    fn trim_first_node(&mut self, master: &node::Master, keep: Keep) -> u64 {
        let len = self.len;
        let first = self.page_mut(0);
        let head = first.heads()[0].id;
        let mut removed = 0;
        let mut at = node::first_entry(first.node(0), master);
        while let Some(entry_at) = at {
            let bytes = first.node(0);
            let Some(opening) = node::open(bytes, entry_at, head) else { break };
            let kept = match keep {
                Keep::Newest(newest) => len - removed <= newest,
                Keep::From(id) => opening.id >= id,
            };
            if kept || removed == master.live {
                break;
            }
            at = node::after(bytes, entry_at, &opening, master.fields)
                .filter(|next| *next < bytes.len());
            if opening.flags & node::DELETED == 0 {
                first.mark_deleted(0, entry_at);
                removed += 1;
            }
        }
        first.set_counts(0, master.live - removed, master.deleted + removed);
        self.len -= removed;
        removed
    }

    /// The entries from `start` to `end`, both included, forwards.
    #[inline]
    #[must_use]
    pub fn range(&self, start: Id, end: Id) -> Cursor<'_> {
        Cursor::forward(self, start, end)
    }

    /// The entries from `end` back to `start`, both included.
    #[must_use]
    pub fn range_back(&self, start: Id, end: Id) -> Cursor<'_> {
        Cursor::backward(self, start, end)
    }

    /// Whether there is an entry of this ID.
    #[must_use]
    pub fn contains(&self, id: Id) -> bool {
        self.range(id, id).next().is_some()
    }

    /// The ID of the last entry there is; the least ID if there is none.
    #[must_use]
    pub fn last_entry_id(&self) -> Id {
        self.range_back(Id::MIN, Id::MAX).next().map_or(Id::MIN, |(id, _)| id)
    }

    /// How many entries were added up to `id`, that one included, if that can be told without counting.
    #[must_use]
    pub fn added_up_to(&self, id: Id) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        if self.len == 0 && id <= self.last_id {
            return Some(self.added);
        }
        if id >= self.last_id {
            return (id == self.last_id).then_some(self.added);
        }
        // What XDEL took out behind the first entry leaves a gap of unknown place.
        if self.max_deleted_id == Id::MIN || self.max_deleted_id < self.first_id {
            let before = self.added.wrapping_sub(self.len);
            if id < self.first_id {
                return Some(before);
            }
            if id == self.first_id {
                return Some(before.wrapping_add(1));
            }
        }
        None
    }

    /// Whether XDEL may have removed an entry at `start` or behind it.
    #[must_use]
    pub fn has_gap_from(&self, start: Id) -> bool {
        // What was removed before the first entry leaves no gap.
        self.len > 0
            && self.max_deleted_id != Id::MIN
            && self.first_id <= self.max_deleted_id
            && start <= self.max_deleted_id
    }

    /// Appends a node that came from outside, after a look at every byte of it.
    ///
    /// # Errors
    /// Says what is wrong with it, or that it is not behind those that are there.
    pub fn push_node(&mut self, head: Id, listpack: &[u8]) -> Result<(), Corrupt> {
        if self.last_head().is_some_and(|before| head <= before.max(self.last_id)) {
            return Err(Corrupt("stream nodes out of order"));
        }
        if !self.tail.heads().is_empty() && self.tail.len() + listpack.len() > PAGE {
            self.close_tail();
        }
        let contents = self.tail.push_listpack(head, listpack)?;
        self.last_id = contents.last.unwrap_or(self.last_id);
        self.len += contents.live;
        if contents.live > 0 && self.len == contents.live {
            self.find_first();
        }
        Ok(())
    }

    /// Frees up to `pages` pages from the front; how many. What is left may be dropped and nothing else.
    pub(super) fn drop_pages(&mut self, pages: usize) -> usize {
        let gone = pages.min(self.full.len());
        self.full.drain(..gone);
        gone
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let pages: usize = self.full.iter().map(Page::heap_bytes).sum();
        pages + self.full.capacity() * size_of::<Page>() + self.tail.heap_bytes()
    }
}

/// The master entry of a node and where the entry of this ID is in it, if there is one and it is not deleted.
fn find(bytes: &[u8], head: Id, id: Id) -> Option<(node::Master, usize)> {
    let master = node::master(bytes)?;
    let mut at = node::first_entry(bytes, &master)?;
    while at < bytes.len() {
        let opening = node::open(bytes, at, head)?;
        // After XSETID an entry may stand behind a deleted one of a greater ID.
        if opening.id >= id && opening.flags & node::DELETED == 0 {
            return (opening.id == id).then_some((master, at));
        }
        at = node::after(bytes, at, &opening, master.fields)?;
    }
    None
}
