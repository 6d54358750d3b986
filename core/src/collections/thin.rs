//! One-word owning pointers to byte strings.
//!
//! A set of a million members keeps a million byte strings. A `Box<[u8]>` spends a second word on the
//! length in every table slot; `ThinBytes` keeps the length in front of the bytes instead:
//!
//! ```text
//! up to 254 bytes   [len u8][bytes ...]
//! longer            [255][len u32 LE][bytes ...]
//! ```
//!
//! Allocations have alignment 1 and are rounded up to a multiple of 8 bytes, the step of the hosts'
//! size classes, so that a replacement of nearly the same size may reuse the block.
//! The prefix is shared with [`Field`](super::field::Field), which is two such strings in a row.

use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use core::alloc::Layout;
use core::fmt;
use core::ptr::NonNull;

/// An owned byte string behind one pointer.
pub struct ThinBytes {
    block: NonNull<u8>,
}

// SAFETY: the block is owned by this value alone and holds plain bytes.
unsafe impl Send for ThinBytes {}
// SAFETY: a shared reference only reads the block.
unsafe impl Sync for ThinBytes {}

impl ThinBytes {
    /// Copies `bytes` into a new allocation.
    ///
    /// Panics above 4 GiB, which no host lets a client send.
    pub fn new(bytes: &[u8]) -> Self {
        let block = allocate(prefixed_size(bytes.len()), 1);
        // SAFETY: the block was just allocated with the size that `bytes` and its prefix take.
        unsafe { write_prefixed(block.as_ptr(), bytes) };
        Self { block }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `new` wrote a prefix and that many bytes; they live and stay unchanged with `self`.
        unsafe { read_prefixed(self.block.as_ptr()) }
    }

    /// How many bytes of memory the allocation takes.
    pub fn memory(&self) -> usize {
        rounded(prefixed_size(self.as_slice().len()))
    }
}

impl Drop for ThinBytes {
    fn drop(&mut self) {
        let size = prefixed_size(self.as_slice().len());
        // SAFETY: the block came from `allocate` with this size and alignment.
        unsafe { release(self.block, size, 1) };
    }
}

impl fmt::Debug for ThinBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_slice(), f)
    }
}

/// The size that is asked of the allocator for `size` bytes of content.
pub(super) const fn rounded(size: usize) -> usize {
    size.next_multiple_of(8)
}

/// A new block for `size` bytes, which are not yet initialised.
pub(super) fn allocate(size: usize, align: usize) -> NonNull<u8> {
    assert!(size > 0, "a block holds at least its own prefix");
    let layout = Layout::from_size_align(rounded(size), align)
        .expect("a block is far smaller than the address space");
    // SAFETY: the layout's size is not zero.
    let block = unsafe { alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives back what [`allocate`] gave.
///
/// # Safety
/// `block` came from `allocate(same rounded size, same align)` and is not used afterwards.
pub(super) unsafe fn release(block: NonNull<u8>, size: usize, align: usize) {
    // SAFETY: `allocate` checked this very layout; the caller vouches for the block.
    unsafe {
        let layout = Layout::from_size_align_unchecked(rounded(size), align);
        dealloc(block.as_ptr(), layout);
    }
}

const LONG: u8 = 255;

/// Bytes that a string of `len` bytes takes with its length in front.
pub(super) fn prefixed_size(len: usize) -> usize {
    assert!(u32::try_from(len).is_ok(), "a byte string is shorter than 4 GiB");
    len + if len < LONG as usize { 1 } else { 5 }
}

/// Writes `bytes` with their length in front; returns how many bytes that took.
///
/// # Safety
/// `to` is valid for writing `prefixed_size(bytes.len())` bytes and does not overlap `bytes`.
pub(super) unsafe fn write_prefixed(to: *mut u8, bytes: &[u8]) -> usize {
    let size = prefixed_size(bytes.len());
    let header = size - bytes.len();
    // SAFETY: `header + bytes.len()` is the size that the caller vouches for.
    unsafe {
        if header == 1 {
            to.write(bytes.len() as u8);
        } else {
            to.write(LONG);
            let len = (bytes.len() as u32).to_le_bytes();
            to.add(1).copy_from_nonoverlapping(len.as_ptr(), 4);
        }
        to.add(header).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    }
    size
}

/// The byte string that [`write_prefixed`] wrote at `from`.
///
/// # Safety
/// `from` points to such a string, which stays allocated and unchanged for `'a`.
pub(super) unsafe fn read_prefixed<'a>(from: *const u8) -> &'a [u8] {
    // SAFETY: the prefix says how many initialised bytes follow.
    unsafe {
        let first = from.read();
        if first != LONG {
            return core::slice::from_raw_parts(from.add(1), first as usize);
        }
        let len = u32::from_le_bytes(from.add(1).cast::<[u8; 4]>().read());
        core::slice::from_raw_parts(from.add(5), len as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn is_one_word_with_a_niche() {
        assert_eq!(size_of::<Option<ThinBytes>>(), size_of::<usize>());
    }

    #[test]
    fn keeps_bytes_of_every_prefix_length() {
        for len in [0, 1, 7, 8, 253, 254, 255, 256, 70_000] {
            let bytes = vec![0xA5; len];
            assert_eq!(ThinBytes::new(&bytes).as_slice(), bytes);
        }
    }

    #[test]
    fn seven_bytes_fit_in_eight() {
        assert_eq!(ThinBytes::new(b"1234567").memory(), 8);
        assert_eq!(ThinBytes::new(b"12345678").memory(), 16);
    }
}
