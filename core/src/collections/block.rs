//! One heap block behind one pointer: the storage of listpacks and intsets.
//!
//! ```text
//! ptr ─▶ [ length u32 LE │ body … │ unused, less than an eighth ]
//! ```
//!
//! The block's first four bytes hold its length, those four included, which is how a listpack starts
//! anyway. The capacity is a function of the length, so it needs no place: a key pays eight bytes for
//! the handle and nothing else. Growth goes through `realloc`, which can often grow in place.
//!
//! The handle points `OFFSET` bytes into the block. That costs nothing, and tells handles of different
//! types apart when they share a word: see [`either`](super::either).
//!
//! This file is the only place under `collections` where listpacks and intsets need `unsafe`.
//! Safe code can change the body but not the length, on which the soundness rests.

use alloc::alloc::{alloc, dealloc, handle_alloc_error, realloc};
use core::alloc::Layout;
use core::ptr::NonNull;

/// Bytes of the length at the start.
pub(crate) const PREFIX: usize = 4;

/// The longest block. Its capacity still fits the address space of wasm32, and callers refuse
/// to grow long before.
pub(crate) const MAX_LEN: usize = 0x7000_0000;

const ALIGN: usize = 8;

/// An owned, growable run of bytes that knows its length.
#[repr(transparent)]
pub(crate) struct Block<const OFFSET: usize = 0> {
    // Invariant: points OFFSET bytes, fewer than ALIGN, into an allocation of `layout(len)` bytes aligned to `ALIGN`, where `len` is the
    // little-endian u32 at its start, `PREFIX <= len <= MAX_LEN`, and its first `len` bytes are initialised.
    ptr: NonNull<u8>,
}

// SAFETY: a block owns its bytes alone and has no interior mutability.
unsafe impl<const OFFSET: usize> Send for Block<OFFSET> {}
// SAFETY: as above; shared access only reads.
unsafe impl<const OFFSET: usize> Sync for Block<OFFSET> {}

/// What a block of `len` bytes allocates: a multiple of eight, and above 128 bytes in steps of an
/// eighth to a sixteenth of the length, so that most pushes find room.
#[inline]
fn capacity(len: usize) -> usize {
    let step = ((1usize << len.ilog2()) / 8).max(8);
    len.next_multiple_of(step)
}

#[inline]
fn layout(len: usize) -> Layout {
    assert!(
        (PREFIX..=MAX_LEN).contains(&len),
        "a packed block outgrew its limit: the caller did not ask `fits`"
    );
    Layout::from_size_align(capacity(len), ALIGN)
        .expect("MAX_LEN keeps capacities below isize::MAX")
}

impl<const OFFSET: usize> Block<OFFSET> {
    /// The handle of an allocation that already is as the invariant says.
    ///
    /// # Safety
    /// `start` is what the invariant says of the allocation, and nobody else owns it.
    #[inline]
    unsafe fn at(start: NonNull<u8>) -> Self {
        const { assert!(OFFSET < PREFIX, "the handle points into every block") };
        // SAFETY: a block has at least PREFIX bytes.
        Self { ptr: unsafe { start.add(OFFSET) } }
    }

    /// Where the block starts.
    #[inline]
    fn start(&self) -> NonNull<u8> {
        // SAFETY: by the invariant the handle points OFFSET bytes into the allocation.
        unsafe { self.ptr.sub(OFFSET) }
    }

    /// A block of `body_len` zeros after its prefix.
    pub(crate) fn zeroed(body_len: usize) -> Self {
        let len = PREFIX + body_len;
        let layout = layout(len);
        // SAFETY: `layout` has a size of at least PREFIX, never zero.
        let Some(start) = NonNull::new(unsafe { alloc(layout) }) else {
            handle_alloc_error(layout)
        };
        // SAFETY: the allocation has at least `len` bytes, of which the prefix is the first four; once
        // they are written it is as the invariant says.
        unsafe {
            start.cast::<[u8; PREFIX]>().write((len as u32).to_le_bytes());
            start.add(PREFIX).write_bytes(0, body_len);
            Self::at(start)
        }
    }

    /// A block with a copy of `body` after its prefix.
    pub(crate) fn with_body(body: &[u8]) -> Self {
        let mut block = Self::zeroed(body.len());
        block.body_mut().copy_from_slice(body);
        block
    }

    /// The length in bytes, prefix included.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        // SAFETY: by the invariant the first four bytes are initialised.
        u32::from_le_bytes(unsafe { self.start().cast::<[u8; PREFIX]>().read() }) as usize
    }

    /// Every byte, prefix included.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: by the invariant `len` bytes are allocated and initialised, and `self` is borrowed.
        unsafe { core::slice::from_raw_parts(self.start().as_ptr(), self.len()) }
    }

    /// The bytes after the prefix.
    #[inline]
    pub(crate) fn body(&self) -> &[u8] {
        &self.bytes()[PREFIX..]
    }

    /// The bytes after the prefix, to change.
    #[inline]
    pub(crate) fn body_mut(&mut self) -> &mut [u8] {
        // SAFETY: by the invariant the bytes from PREFIX to `len` are allocated and initialised;
        // `self` is borrowed mutably; the length is left out of the slice.
        unsafe {
            core::slice::from_raw_parts_mut(self.start().add(PREFIX).as_ptr(), self.len() - PREFIX)
        }
    }

    /// What the allocator was asked for.
    pub(crate) fn heap_bytes(&self) -> usize {
        capacity(self.len())
    }

    /// Makes the block `len` bytes long, prefix included; new bytes are zero.
    fn resize(&mut self, len: usize) {
        let old_len = self.len();
        let (old, new) = (layout(old_len), layout(len));
        if old.size() != new.size() {
            // SAFETY: by the invariant the block was allocated with `old`; the new size is not zero and
            // `layout` kept it below isize::MAX.
            let grown = unsafe { realloc(self.start().as_ptr(), old, new.size()) };
            let Some(start) = NonNull::new(grown) else { handle_alloc_error(new) };
            // SAFETY: the new allocation has PREFIX bytes or more.
            self.ptr = unsafe { start.add(OFFSET) };
        }
        // SAFETY: the allocation now has at least `len` bytes; those before `old_len` are initialised,
        // the rest are here, and only then the length says so.
        unsafe {
            if len > old_len {
                self.start().add(old_len).write_bytes(0, len - old_len);
            }
            self.start().cast::<[u8; PREFIX]>().write((len as u32).to_le_bytes());
        }
    }

    /// Replaces `old` bytes at `at` (counted from the block's start) by a gap of `new` bytes with
    /// any content, and returns the gap.
    #[inline]
    pub(crate) fn splice(&mut self, at: usize, old: usize, new: usize) -> &mut [u8] {
        let len = self.len();
        let at = at - PREFIX;
        if new > old {
            self.resize(len + (new - old));
            self.body_mut().copy_within(at + old..len - PREFIX, at + new);
        } else if new < old {
            self.body_mut().copy_within(at + old.., at + new);
            self.resize(len - (old - new));
        }
        &mut self.body_mut()[at..at + new]
    }
}

impl<const OFFSET: usize> Drop for Block<OFFSET> {
    fn drop(&mut self) {
        // SAFETY: by the invariant the block was allocated with this layout, and nobody uses it after.
        unsafe { dealloc(self.start().as_ptr(), layout(self.len())) }
    }
}

impl<const OFFSET: usize> Clone for Block<OFFSET> {
    fn clone(&self) -> Self {
        Self::with_body(self.body())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn capacity_wastes_under_an_eighth_and_never_shrinks_with_length() {
        let mut last = 0;
        for len in PREFIX..if cfg!(miri) { 700 } else { 70_000 } {
            let capacity = capacity(len);
            assert!(capacity >= len && capacity >= last && capacity.is_multiple_of(8));
            assert!(capacity - len < (len / 8).max(8));
            last = capacity;
        }
    }

    #[test]
    fn splices_do_what_a_vec_does() {
        let mut block = Block::<2>::zeroed(0);
        let mut model: Vec<u8> = Vec::new();
        let mut seed = 1u32;
        let mut below = |bound: usize| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as usize % bound
        };
        for round in 0..if cfg!(miri) { 60 } else { 2000 } {
            let at = below(model.len() + 1);
            let old = below((model.len() - at).min(40) + 1);
            let new = below(40);
            block.splice(PREFIX + at, old, new).fill(round as u8);
            model.splice(at..at + old, core::iter::repeat_n(round as u8, new));
            assert_eq!(block.body(), &model[..]);
            assert_eq!(block.len(), model.len() + PREFIX);
            assert_eq!(block.clone().bytes(), block.bytes());
        }
    }

    #[test]
    fn the_handle_is_one_pointer_and_so_is_its_option() {
        assert_eq!(size_of::<Option<Block<2>>>(), size_of::<usize>());
    }
}
