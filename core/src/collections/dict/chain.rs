//! Whole chains, read for a split or a merge and written anew.

use super::node::{HALF_SLOTS, LINE_SLOTS, Node, Word};
use super::raw::Raw;
use super::tags::Tags;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

/// An entry out of its chain.
pub(super) struct Entry {
    pub(super) word: Word,
    pub(super) tag: u8,
    pub(super) mark: bool,
    pub(super) moves: bool,
}

/// The entries of one chain: on the stack, unless the chain is absurdly long.
pub(super) struct Entries {
    some: [MaybeUninit<Entry>; 32],
    count: usize,
    more: Vec<Entry>,
    pub(super) moving: usize,
}

impl Entries {
    pub(super) const fn new() -> Self {
        Self { some: [const { MaybeUninit::uninit() }; 32], count: 0, more: Vec::new(), moving: 0 }
    }

    /// Reads a chain; `moves` says of each entry whether it is to move.
    ///
    /// # Safety
    /// The chain is alive.
    pub(super) unsafe fn read(&mut self, head: Node, mut moves: impl FnMut(&Word) -> bool) {
        let mut node = head;
        // SAFETY: alive; slots below the number of entries are filled.
        unsafe {
            loop {
                let tags = node.tags();
                for slot in 0..tags.len() {
                    let word = node.word(slot);
                    self.push(Entry {
                        word: word.read(),
                        tag: tags.tag(slot),
                        mark: tags.mark(slot),
                        moves: moves(&*word),
                    });
                }
                if !tags.chained() {
                    return;
                }
                node = node.next();
            }
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.count + self.more.len()
    }

    #[inline]
    fn push(&mut self, entry: Entry) {
        self.moving += usize::from(entry.moves);
        if let Some(free) = self.some.get_mut(self.count) {
            free.write(entry);
            self.count += 1;
        } else {
            self.more.push(entry);
        }
    }

    #[inline]
    pub(super) fn for_each(&self, mut f: impl FnMut(&Entry)) {
        for entry in &self.some[..self.count] {
            // SAFETY: the first `count` were written.
            f(unsafe { entry.assume_init_ref() });
        }
        self.more.iter().for_each(f);
    }
}

/// Fills a chain from an empty head when it is known how many entries there will be.
pub(super) struct Writer {
    node: Node,
    tags: Tags,
    slot: usize,
    left: usize,
}

impl Writer {
    /// # Safety
    /// `head` is an empty line of the table, and `put` is called for each of the entries.
    pub(super) const unsafe fn new(head: Node, entries: usize) -> Self {
        Self { node: head, tags: Tags::EMPTY, slot: 0, left: entries }
    }

    #[inline]
    pub(super) fn put(&mut self, raw: &mut Raw, entry: &Entry) {
        // SAFETY: the node is alive and known to nobody else; its slots from `slot` on are free.
        unsafe {
            if self.slot + 1 == self.node.slots() && self.left > 1 {
                let next = raw.alloc(if self.left <= HALF_SLOTS { HALF_SLOTS } else { LINE_SLOTS });
                self.node.set_tags(self.tags);
                self.node.set_next(next);
                (self.node, self.tags, self.slot) = (next, Tags::EMPTY, 0);
            }
            self.node.word(self.slot).write(entry.word);
            self.tags = self.tags.put(self.slot, entry.tag, entry.mark);
            self.slot += 1;
            self.left -= 1;
            if self.left == 0 {
                self.node.set_tags(self.tags);
            }
        }
    }
}
