//! The table without its element type: linear hashing over chains of nodes.
//!
//! Everything here moves words; what needs an element's hash asks a closure for it.
//! A chain is a line, then overflow nodes. All but the last node are full, no overflow node holds
//! fewer than two entries (one would go where the link is), and the last one is a half line if its
//! entries fit.

use super::arena::Arena;
use super::chain::{Entries, Writer};
use super::lines::Lines;
use super::node::{HALF_SLOTS, LINE_SLOTS, Node, Word, prefetch};
use super::tags::Tags;
use alloc::boxed::Box;

/// Entries per bucket, in eighths, above which a bucket is split at an insertion.
/// A bucket yet to be split holds up to twice as many, one just split half as many.
pub(super) const LOAD: usize = 48;
/// Entries per bucket, in eighths, below which two buckets are merged at a removal.
pub(super) const LOAD_LOW: usize = LOAD / 2;

/// The hash of the element in a word.
pub(super) type Hasher<'a> = &'a mut dyn FnMut(&Word) -> u64;

pub(super) struct Raw {
    pub(super) lines: Lines,
    overflow: Option<Box<Overflow>>,
    pub(super) len: usize,
    pub(super) marked: usize,
}

struct Overflow {
    halves: Arena,
    wholes: Arena,
}

impl Overflow {
    const fn arena(&mut self, slots: usize) -> &mut Arena {
        if slots == LINE_SLOTS { &mut self.wholes } else { &mut self.halves }
    }
}

/// Where an entry is: the head of its chain, its node, its slot.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) head: Node,
    pub(super) node: Node,
    pub(super) slot: usize,
}

/// The tag of a hash: its highest byte, but never that of an empty slot.
#[inline]
pub(super) const fn tag(hash: u64) -> u8 {
    let tag = (hash >> 56) as u8;
    if tag == 0 { 1 } else { tag }
}

/// The bucket of a hash among `count` (not 0): its low bits, one fewer for buckets not yet split.
/// It is also the bucket in which a scan's cursor stands.
#[inline]
pub(super) const fn bucket(hash: u64, count: u32) -> u32 {
    let mask = (1u64 << (32 - (count - 1).leading_zeros())) - 1;
    let index = hash & mask;
    (if index >= count as u64 { index & mask >> 1 } else { index }) as u32
}

/// Where a scan goes on after the bucket of `cursor`; 0 at the end.
///
/// Read with its bits reversed, a bucket is an interval of hashes, and the next cursor is where that
/// interval ends: a place that stays a boundary when buckets split, and falls into a larger interval,
/// visited whole, when they merge.
pub(super) const fn next_cursor(cursor: u64, count: u32) -> u64 {
    let level = count.ilog2();
    let split = count - (1 << level);
    let mask = (1u64 << level) - 1;
    let mask = if cursor & mask < split as u64 { mask << 1 | 1 } else { mask };
    (cursor | !mask).reverse_bits().wrapping_add(1).reverse_bits()
}

/// The bucket that a scan comes to about `steps` buckets after that of `cursor`.
#[inline]
pub(super) const fn bucket_ahead(cursor: u64, count: u32, steps: u64) -> u32 {
    let level = 32 - (count - 1).leading_zeros();
    if level == 0 {
        return 0;
    }
    let step = steps << (64 - level);
    bucket(cursor.reverse_bits().wrapping_add(step).reverse_bits(), count)
}

/// The bucket that is split to make bucket `index`.
const fn parent(index: u32) -> u32 {
    index - (1 << index.ilog2())
}

impl Raw {
    pub(super) const fn new() -> Self {
        Self { lines: Lines::new(), overflow: None, len: 0, marked: 0 }
    }

    /// The head of the chain for a hash.
    ///
    /// # Safety
    /// There is at least one bucket.
    #[inline]
    pub(super) unsafe fn head(&self, hash: u64) -> Node {
        // SAFETY: `bucket` is below the count.
        unsafe { self.lines.line(bucket(hash, self.lines.count())) }
    }

    /// The place of the first entry with this hash's tag that is the right one.
    #[inline]
    pub(super) fn find(&self, hash: u64, mut right: impl FnMut(&Word) -> bool) -> Option<Place> {
        if self.lines.count() == 0 {
            return None;
        }
        let tag = tag(hash);
        // SAFETY: nodes of a chain are alive, slots that match a tag are filled.
        unsafe {
            let head = self.head(hash);
            let mut node = head;
            loop {
                let tags = node.tags();
                for slot in tags.matching(tag) {
                    if right(&*node.word(slot)) {
                        return Some(Place { head, node, slot });
                    }
                }
                if !tags.chained() {
                    return None;
                }
                node = node.next();
            }
        }
    }

    /// Makes room for an insertion: splits a bucket if the table is full, and otherwise fetches
    /// what the next split is going to read.
    #[inline]
    pub(super) fn make_room(&mut self, hasher: Hasher<'_>) {
        let room = (self.lines.count() as usize * LOAD).saturating_sub(self.len * 8) / 8;
        match room {
            0 => {
                self.split(hasher);
                self.compact(hasher);
            }
            3..=5 => self.fetch_ahead(room),
            _ => {}
        }
    }

    /// Fetches what the next split will read. An element in memory is several insertions away, hence
    /// in time: the overflow node, then the entries of the line, then those of the overflow node.
    /// The line itself was fetched by the split before.
    fn fetch_ahead(&self, room: usize) {
        // SAFETY: there is a bucket since there is room; its chain is alive.
        unsafe {
            let line = self.lines.line(parent(self.lines.count()));
            if room == 4 {
                prefetch_entries(line);
            } else if line.tags().chained() {
                match room {
                    5 => prefetch(line.next().address().as_ptr()),
                    _ => prefetch_entries(line.next()),
                }
            }
        }
    }

    /// Adds a bucket and moves to it what belongs there.
    fn split(&mut self, hasher: Hasher<'_>) {
        let index = self.lines.count();
        if index == 0 {
            self.lines.push();
            return;
        }
        let bit = 1u64 << index.ilog2();
        let source = parent(index);
        // Nothing is changed until the last call of the hasher, which may panic.
        let mut entries = Entries::new();
        // SAFETY: the source is an older bucket.
        unsafe { entries.read(self.lines.line(source), |word| hasher(word) & bit != 0) };
        self.lines.push();
        // SAFETY: both exist; the lines are looked up again since they may have moved.
        unsafe {
            let (old, new) = (self.lines.line(source), self.lines.line(index));
            self.empty(old);
            let mut old = Writer::new(old, entries.len() - entries.moving);
            let mut new = Writer::new(new, entries.moving);
            entries.for_each(|entry| {
                let chain = if entry.moves { &mut new } else { &mut old };
                chain.put(self, entry);
            });
            let next = self.lines.line(parent(index + 1));
            prefetch(next.address().as_ptr());
        }
    }

    /// After a removal: merges two buckets or frees nodes if much is empty.
    pub(super) fn tidy(&mut self, hasher: Hasher<'_>) {
        if self.len == 0 {
            self.free();
            return;
        }
        if self.len * 8 < self.lines.count() as usize * LOAD_LOW && self.lines.count() > 1 {
            self.merge();
        }
        self.compact(hasher);
    }

    /// Moves what is in the last bucket to where it came from, and drops the bucket.
    pub(super) fn merge(&mut self) {
        let index = self.lines.count() - 1;
        // SAFETY: both buckets exist, for the last one is not the first.
        unsafe {
            let chain = self.lines.line(index);
            let target = self.lines.line(parent(index));
            let mut entries = Entries::new();
            entries.read(chain, |_| false);
            self.empty(chain);
            entries.for_each(|entry| {
                self.append(target, entry.word, entry.tag, entry.mark);
            });
        }
        self.lines.pop();
    }

    /// Forgets the entries of a chain and gives its overflow nodes back.
    ///
    /// # Safety
    /// `head` is a line of the table; the entries are kept elsewhere or were dropped.
    unsafe fn empty(&mut self, head: Node) {
        // SAFETY: each node is alive until released, which is after its link was read.
        unsafe {
            let mut next = if head.tags().chained() { Some(head.next()) } else { None };
            head.set_tags(Tags::EMPTY);
            while let Some(node) = next {
                next = if node.tags().chained() { Some(node.next()) } else { None };
                self.release(node);
            }
        }
    }

    /// # Safety
    /// The node is an overflow node nothing leads to any more.
    unsafe fn release(&mut self, node: Node) {
        let overflow = self.overflow.as_mut().expect("the node came from there");
        // SAFETY: by contract.
        unsafe { overflow.arena(node.slots()).release(node) }
    }

    /// An empty overflow node.
    pub(super) fn alloc(&mut self, slots: usize) -> Node {
        let overflow = self.overflow.get_or_insert_with(|| {
            Box::new(Overflow { halves: Arena::new(HALF_SLOTS), wholes: Arena::new(LINE_SLOTS) })
        });
        overflow.arena(slots).alloc()
    }

    /// Puts an entry at the end of a chain. The caller counts it.
    ///
    /// # Safety
    /// `head` is a line of the table.
    #[inline]
    pub(super) unsafe fn append(&mut self, head: Node, word: Word, tag: u8, mark: bool) -> Place {
        // SAFETY: alive; if there is no link all slots are for entries.
        unsafe {
            let tags = head.tags();
            if tags.chained() || tags.len() == LINE_SLOTS {
                return self.append_overflow(head, word, tag, mark);
            }
            Place { head, node: head, slot: head.push(word, tag, mark) }
        }
    }

    /// # Safety
    /// As for `append`.
    #[inline(never)]
    unsafe fn append_overflow(&mut self, head: Node, word: Word, tag: u8, mark: bool) -> Place {
        // SAFETY: the nodes of the chain are alive, `push` is to nodes that have room.
        unsafe {
            let mut before = None;
            let mut node = head;
            let mut tags = node.tags();
            while tags.chained() {
                before = Some(node);
                node = node.next();
                tags = node.tags();
            }
            if tags.len() == node.slots() {
                let last = node;
                if let Some(before) = before
                    && last.slots() == HALF_SLOTS
                {
                    // A half line that is full becomes a whole one.
                    node = self.alloc(LINE_SLOTS);
                    copy(last, node);
                    before.set_next(node);
                    self.release(last);
                } else {
                    // The last entry makes way for the link.
                    node = self.alloc(HALF_SLOTS);
                    let (word, tag, mark) = last.pop();
                    node.push(word, tag, mark);
                    last.set_next(node);
                }
            }
            let slot = node.push(word, tag, mark);
            Place { head, node, slot }
        }
    }

    /// Takes an entry out of its chain; the last one fills the hole.
    ///
    /// # Safety
    /// The place is that of an entry of the table.
    pub(super) unsafe fn take(&mut self, place: Place) -> Word {
        // SAFETY: the nodes of the chain are alive, the place is filled.
        unsafe {
            let Place { head, node, slot } = place;
            let mut before = head;
            let mut last = head;
            let mut tags = last.tags();
            while tags.chained() {
                before = last;
                last = last.next();
                tags = last.tags();
            }
            let word = node.word(slot).read();
            self.len -= 1;
            self.marked -= usize::from(node.tags().mark(slot));
            let (filler, tag, mark) = last.pop();
            if last != node || last.tags().len() != slot {
                node.word(slot).write(filler);
                node.set_tags(node.tags().put(slot, tag, mark));
            }
            if last != head {
                self.shorten(before, last);
            }
            word
        }
    }

    /// After the last node of a chain lost an entry: it may be too large for the others.
    ///
    /// # Safety
    /// `last` is the last node of a chain, after `before`, and not empty.
    unsafe fn shorten(&mut self, before: Node, last: Node) {
        // SAFETY: both are alive; `before` has its link to spare once `last` is gone.
        unsafe {
            match last.tags().len() {
                1 => {
                    let (word, tag, mark) = last.pop();
                    before.set_tags(before.tags().with_chain(false));
                    before.push(word, tag, mark);
                    self.release(last);
                }
                // Not at the size of a half, lest one entry that comes and goes copy them each time.
                2 if last.slots() == LINE_SLOTS => {
                    let half = self.alloc(HALF_SLOTS);
                    copy(last, half);
                    before.set_next(half);
                    self.release(last);
                }
                _ => {}
            }
        }
    }

    /// If many overflow nodes are free, moves the last ones there: two nodes at most.
    fn compact(&mut self, hasher: Hasher<'_>) {
        let Some(overflow) = &self.overflow else { return };
        if overflow.halves.sparse() {
            self.compact_arena(HALF_SLOTS, hasher);
        } else if overflow.wholes.sparse() {
            self.compact_arena(LINE_SLOTS, hasher);
        }
    }

    #[cold]
    fn compact_arena(&mut self, slots: usize, hasher: Hasher<'_>) {
        for _ in 0..2 {
            let overflow = self.overflow.as_mut().expect("an arena is sparse");
            let arena = overflow.arena(slots);
            if !arena.sparse() {
                return;
            }
            let Some(last) = arena.drop_free_end() else { continue };
            // SAFETY: the node is in use, so it has entries; the chain is alive; after the link is
            // changed nothing leads to the node.
            unsafe {
                let hash = hasher(&*last.word(0));
                let mut before = self.head(hash);
                loop {
                    if !before.tags().chained() {
                        // The hasher does not say what it said at the insertion.
                        debug_assert!(false, "an element's hash has changed");
                        return;
                    }
                    let node = before.next();
                    if node == last {
                        break;
                    }
                    before = node;
                }
                let arena = self.overflow.as_mut().expect("still there").arena(slots);
                let to = arena.alloc();
                debug_assert!(to != last);
                let tags = last.tags();
                copy(last, to);
                if tags.chained() {
                    to.set_next(last.next());
                }
                before.set_next(to);
                arena.drop_used_end();
            }
        }
    }

    /// Takes some entry, the one that is cheapest to take, and the bucket with it if it was the last.
    pub(super) fn pop(&mut self) -> Option<Word> {
        while self.len > 0 {
            // SAFETY: there are entries, hence buckets; the chain is alive.
            unsafe {
                let head = self.lines.line(self.lines.count() - 1);
                let mut node = head;
                while node.tags().chained() {
                    node = node.next();
                }
                if let Some(slot) = node.tags().len().checked_sub(1) {
                    let word = self.take(Place { head, node, slot });
                    if self.len == 0 {
                        self.free();
                    }
                    return Some(word);
                }
            }
            // An empty bucket can go: its hashes then belong to an older one.
            self.lines.pop();
            self.drop_free_ends();
            if let Some(next) = self.lines.count().checked_sub(2) {
                // SAFETY: below the count.
                unsafe { prefetch_entries(self.lines.line(next)) };
            }
        }
        None
    }

    /// Frees all memory of a table without entries.
    fn free(&mut self) {
        debug_assert!(self.len == 0 && self.marked == 0, "entries are not lost");
        self.lines = Lines::new();
        self.overflow = None;
    }

    fn drop_free_ends(&mut self) {
        let Some(overflow) = &mut self.overflow else { return };
        for arena in [&mut overflow.halves, &mut overflow.wholes] {
            while arena.count() > 0 && arena.drop_free_end().is_none() {}
        }
    }

    /// The node at a position among all nodes, for a random choice; `slots` is the sum of their slots.
    pub(super) fn slots(&self) -> u64 {
        let lines = u64::from(self.lines.count()) * LINE_SLOTS as u64;
        self.overflow.as_ref().map_or(lines, |overflow| {
            lines
                + u64::from(overflow.wholes.count()) * LINE_SLOTS as u64
                + u64::from(overflow.halves.count()) * HALF_SLOTS as u64
        })
    }

    /// The slot at a position below `slots()`.
    pub(super) fn slot(&self, position: u64) -> (Node, usize) {
        let index = position / LINE_SLOTS as u64;
        let lines = u64::from(self.lines.count());
        if index < lines {
            // SAFETY: below the count.
            let node = unsafe { self.lines.line(index as u32) };
            return (node, (position % LINE_SLOTS as u64) as usize);
        }
        let overflow = self.overflow.as_ref().expect("the position is not in a line");
        let index = index - lines;
        let wholes = u64::from(overflow.wholes.count());
        if index < wholes {
            let node = overflow.wholes.node(index as u32);
            return (node, (position % LINE_SLOTS as u64) as usize);
        }
        let position = position - (lines + wholes) * LINE_SLOTS as u64;
        let node = overflow.halves.node((position / HALF_SLOTS as u64) as u32);
        (node, (position % HALF_SLOTS as u64) as usize)
    }

    pub(super) fn memory(&self) -> usize {
        self.lines.memory()
            + self.overflow.as_ref().map_or(0, |overflow| {
                size_of::<Overflow>() + overflow.halves.memory() + overflow.wholes.memory()
            })
    }

    /// Overflow nodes in use: halves, wholes.
    pub(super) fn overflow_used(&self) -> (u32, u32) {
        self.overflow.as_ref().map_or((0, 0), |o| (o.halves.used(), o.wholes.used()))
    }

    /// Asserts the invariants.
    pub(super) fn check(&self, hasher: Hasher<'_>) {
        let count = self.lines.count();
        let (mut len, mut marked, mut halves, mut wholes) = (0, 0, 0, 0);
        for index in 0..count {
            // SAFETY: below the count; chains are alive.
            unsafe {
                let mut node = self.lines.line(index);
                loop {
                    let tags = node.tags();
                    let room = node.slots() - usize::from(tags.chained());
                    assert!(tags.len() <= room, "entries keep off the link");
                    assert_eq!(tags.marks() >> tags.len(), 0, "only entries are marked");
                    for slot in 0..tags.len() {
                        let hash = hasher(&*node.word(slot));
                        assert_eq!(tags.tag(slot), tag(hash), "an entry has its hash's tag");
                        assert_eq!(bucket(hash, count), index, "an entry is in its bucket");
                    }
                    len += tags.len();
                    marked += tags.marks().count_ones() as usize;
                    if !tags.chained() {
                        break;
                    }
                    assert_eq!(tags.len(), room, "a node with a link is full");
                    assert_eq!(node.slots(), LINE_SLOTS, "a half line is the last of its chain");
                    node = node.next();
                    assert!(node.tags().len() >= 2, "no node for a single entry");
                    *(if node.slots() == HALF_SLOTS { &mut halves } else { &mut wholes }) += 1;
                }
            }
        }
        assert_eq!((len, marked), (self.len, self.marked), "entries and marks are counted");
        assert_eq!((halves, wholes), self.overflow_used(), "overflow nodes are counted");
        if len == 0 {
            assert_eq!(self.memory(), 0, "an empty table has no memory");
        }
    }
}

/// Copies all entries of a node to an empty one that has the room, but not the link.
///
/// # Safety
/// Both are alive and not the same.
unsafe fn copy(from: Node, to: Node) {
    // SAFETY: by contract; slots below the number of entries are filled.
    unsafe {
        let tags = from.tags();
        let mut copied = Tags::EMPTY;
        for slot in 0..tags.len() {
            to.word(slot).write(from.word(slot).read());
            copied = copied.put(slot, tags.tag(slot), tags.mark(slot));
        }
        to.set_tags(copied);
    }
}

/// # Safety
/// The node is alive.
#[inline]
pub(super) unsafe fn prefetch_entries(node: Node) {
    // SAFETY: slots below the number of entries are filled.
    unsafe {
        for slot in 0..node.tags().len() {
            prefetch(node.word(slot).read().assume_init().cast());
        }
    }
}

/// The same for elements that are read whole, which often lie across two lines, and for the node behind.
///
/// # Safety
/// The node is alive.
#[inline]
pub(super) unsafe fn prefetch_whole_entries(node: Node) {
    // SAFETY: slots below the number of entries are filled; a chained node has one behind it.
    unsafe {
        let tags = node.tags();
        for slot in 0..tags.len() {
            let address: *const u8 = node.word(slot).read().assume_init().cast();
            prefetch(address);
            prefetch(address.wrapping_add(39));
        }
        if tags.chained() {
            prefetch(node.next().address().as_ptr());
        }
    }
}
