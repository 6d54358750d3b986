//! One node of a chain: tags, then pointer-sized slots: seven (a line) or three.
//!
//! ```text
//! 64-bit, 64 bytes   tags(8) slot slot slot slot slot slot slot
//! 64-bit, 32 bytes   tags(8) slot slot slot
//! 32-bit, 40 bytes   tags(8) slot slot slot slot slot slot slot, 4 unused
//! 32-bit, 24 bytes   tags(8) slot slot slot, 4 unused
//! ```
//! The number of slots is the same everywhere, since the order in which clients see keys follows from it.
//! A node whose chain bit is set keeps the link to the next node in its last slot; its other slots
//! are then full. Links are addresses; their lowest bit says that the next node is a whole line.

use super::tags::Tags;
use core::{mem::MaybeUninit, ptr::NonNull};

/// A slot's content: an owning handle of the table's user, not looked into here.
/// `MaybeUninit` keeps whatever provenance its bytes have.
pub(super) type Word = MaybeUninit<*mut ()>;

/// Slots of a whole line.
pub(super) const LINE_SLOTS: usize = Tags::SLOTS;
/// Slots of the smaller node.
pub(super) const HALF_SLOTS: usize = 3;
/// Bytes of a whole line.
pub(super) const LINE_BYTES: usize = bytes(LINE_SLOTS);
/// Bytes of the smaller node.
pub(super) const HALF_BYTES: usize = bytes(HALF_SLOTS);
/// How lines are aligned: to cache lines where they are as long as one.
pub(super) const LINE_ALIGN: usize = if LINE_BYTES == 64 { 64 } else { align_of::<Tags>() };

const fn bytes(slots: usize) -> usize {
    (size_of::<Tags>() + slots * size_of::<Word>()).next_multiple_of(align_of::<Tags>())
}

const _: () =
    assert!(align_of::<Tags>() >= align_of::<Word>() && LINE_BYTES.is_multiple_of(LINE_ALIGN));

/// Where a node is and how many slots it has: a raw pointer with the size at hand.
///
/// Every method that reads or writes needs the node to be alive (its memory allocated and its tags
/// written) and, for writes, nobody else to be looking at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Node {
    tags: NonNull<Tags>,
    slots: usize,
}

impl Node {
    #[inline]
    pub(super) const fn line(at: NonNull<u8>) -> Self {
        Self { tags: at.cast(), slots: LINE_SLOTS }
    }

    #[inline]
    pub(super) const fn new(at: NonNull<u8>, slots: usize) -> Self {
        Self { tags: at.cast(), slots }
    }

    #[inline]
    pub(super) const fn address(self) -> NonNull<u8> {
        self.tags.cast()
    }

    #[inline]
    pub(super) const fn slots(self) -> usize {
        self.slots
    }

    /// # Safety
    /// The node is alive.
    #[inline]
    pub(super) const unsafe fn tags(self) -> Tags {
        // SAFETY: alive, so readable.
        unsafe { self.tags.read() }
    }

    /// # Safety
    /// The node's memory is allocated; the slots the tags speak of are filled.
    #[inline]
    pub(super) const unsafe fn set_tags(self, tags: Tags) {
        // SAFETY: allocated, so writable.
        unsafe { self.tags.write(tags) }
    }

    /// # Safety
    /// The node is alive and has this slot.
    #[inline]
    pub(super) const unsafe fn word(self, slot: usize) -> *mut Word {
        debug_assert!(slot < self.slots);
        // SAFETY: the slots follow the tags, within the node.
        unsafe { self.tags.as_ptr().add(1).cast::<Word>().add(slot) }
    }

    /// The next node of the chain.
    ///
    /// # Safety
    /// The node is alive and chained.
    #[inline]
    pub(super) unsafe fn next(self) -> Self {
        // SAFETY: a chained node has a link in its last slot.
        let link = unsafe { self.word(self.slots - 1).read().assume_init() }.cast::<u8>();
        let whole = link.addr() & 1 != 0;
        let at = link.map_addr(|address| address & !1);
        // SAFETY: links are made from nodes, which are not null.
        let at = unsafe { NonNull::new_unchecked(at) };
        Self::new(at, if whole { LINE_SLOTS } else { HALF_SLOTS })
    }

    /// Makes `next` the next node of the chain.
    ///
    /// # Safety
    /// The node is alive and its last slot holds no entry.
    pub(super) unsafe fn set_next(self, next: Self) {
        let whole = usize::from(next.slots == LINE_SLOTS);
        let link = next.address().as_ptr().map_addr(|address| address | whole);
        // SAFETY: alive by contract.
        unsafe {
            self.word(self.slots - 1).write(Word::new(link.cast()));
            self.set_tags(self.tags().with_chain(true));
        }
    }

    /// Adds an entry after the others; says in which slot.
    ///
    /// # Safety
    /// The node is alive, not chained, and has a free slot.
    #[inline]
    pub(super) unsafe fn push(self, word: Word, tag: u8, mark: bool) -> usize {
        // SAFETY: by contract.
        unsafe {
            let tags = self.tags();
            let slot = tags.len();
            self.word(slot).write(word);
            self.set_tags(tags.put(slot, tag, mark));
            slot
        }
    }

    /// Takes the last entry out.
    ///
    /// # Safety
    /// The node is alive and not empty.
    pub(super) unsafe fn pop(self) -> (Word, u8, bool) {
        // SAFETY: by contract.
        unsafe {
            let tags = self.tags();
            let slot = tags.len() - 1;
            self.set_tags(tags.put(slot, 0, false));
            (self.word(slot).read(), tags.tag(slot), tags.mark(slot))
        }
    }
}

/// Asks the processor to fetch the cache line at `address`, which may be any address at all.
#[inline]
pub(super) fn prefetch(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch never faults; SSE is part of x86-64.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: a prefetch never faults and changes no register or memory.
    unsafe {
        core::arch::asm!("prfm pldl1keep, [{}]", in(reg) address,
            options(nostack, readonly, preserves_flags));
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = address;
}
