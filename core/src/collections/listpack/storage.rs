//! Where the bytes of a listpack live: one tight heap block, or a buffer with room at both ends.

use alloc::vec::Vec;

use super::entry::END;
use super::{EMPTY, HEADER, UNKNOWN_LEN};
use crate::collections::block::{Block, PREFIX};
use crate::collections::either::{Handle, LowBits};

/// The bytes of a listpack and the ways to change them.
///
/// An implementation keeps the header's total up to date in `splice` and its count in `add_count`.
pub trait Storage: Clone + sealed::Sealed {
    #[doc(hidden)]
    fn copy_of(listpack: &[u8]) -> Self;
    #[doc(hidden)]
    fn bytes(&self) -> &[u8];
    /// Replaces `old` bytes at `at` by a gap of `new` bytes with any content and returns the gap.
    #[doc(hidden)]
    fn splice(&mut self, at: usize, old: usize, new: usize) -> &mut [u8];
    /// Makes a gap for one more element before the first.
    #[doc(hidden)]
    #[inline]
    fn open_front(&mut self, size: usize) -> &mut [u8] {
        self.add_count(1);
        self.splice(HEADER, 0, size)
    }
    /// Makes a gap for one more element after the last.
    #[doc(hidden)]
    #[inline]
    fn open_back(&mut self, size: usize) -> &mut [u8] {
        self.add_count(1);
        self.splice(self.bytes().len() - 1, 0, size)
    }
    #[doc(hidden)]
    fn add_count(&mut self, change: i64);
    /// The count, if it need not be counted.
    #[doc(hidden)]
    fn known_count(&self) -> Option<u32>;
    #[doc(hidden)]
    fn heap_bytes(&self) -> usize;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Thin {}
    impl Sealed for super::Roomy {}
}

/// One heap block of the listpack's own length behind one pointer.
#[derive(Clone)]
#[repr(transparent)]
pub struct Thin(Block);

// SAFETY: the type is its block, which is one pointer to an allocation aligned to 8.
unsafe impl Handle for Thin {
    const LOW: LowBits = LowBits::of(0);
}

impl Storage for Thin {
    fn copy_of(listpack: &[u8]) -> Self {
        // The block's own length is the listpack's first field.
        Self(Block::with_body(&listpack[PREFIX..]))
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    #[inline]
    fn splice(&mut self, at: usize, old: usize, new: usize) -> &mut [u8] {
        self.0.splice(at, old, new)
    }

    #[inline]
    fn add_count(&mut self, change: i64) {
        let body = self.0.body_mut();
        let stated = u16::from_le_bytes([body[0], body[1]]);
        // A count that is not known stays so, as in Redis.
        if stated != UNKNOWN_LEN {
            let count = (i64::from(stated) + change).clamp(0, i64::from(UNKNOWN_LEN)) as u16;
            body[..2].copy_from_slice(&count.to_le_bytes());
        }
    }

    #[inline]
    fn known_count(&self) -> Option<u32> {
        let bytes = self.bytes();
        let stated = u16::from_le_bytes([bytes[4], bytes[5]]);
        (stated != UNKNOWN_LEN).then_some(u32::from(stated))
    }

    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

/// A buffer with spare room before the header and after the end, for the nodes of long lists:
/// a push or pop at either end moves the six bytes of the header, or nothing.
///
/// ```text
/// buffer   [ spare │ header │ entries │ 0xFF │ spare ]
///            head ─▶                         ◀─ capacity
/// ```
#[derive(Clone)]
pub struct Roomy {
    buffer: Vec<u8>,
    head: u32,
    count: u32,
}

impl Roomy {
    /// An empty listpack with this much room before and after it.
    pub(crate) fn with_room(front: usize, back: usize) -> Self {
        let mut buffer = Vec::with_capacity(front + EMPTY.len() + back);
        buffer.resize(front, 0);
        buffer.extend_from_slice(&EMPTY);
        Self { buffer, head: front as u32, count: 0 }
    }

    /// Gives all room back.
    pub(crate) fn tighten(&mut self) {
        if self.head == 0 {
            self.buffer.shrink_to_fit();
        } else {
            self.rebuild(0, 0);
        }
    }

    fn live(&self) -> usize {
        self.buffer.len() - self.head as usize
    }

    /// Writes the total and the count.
    #[inline]
    fn write_header(&mut self) {
        let total = (self.live() as u32).to_le_bytes();
        let count = (self.count.min(u32::from(UNKNOWN_LEN)) as u16).to_le_bytes();
        let header = [total[0], total[1], total[2], total[3], count[0], count[1]];
        self.buffer[self.head as usize..][..HEADER].copy_from_slice(&header);
    }

    /// Moves to a buffer with this much room before and after.
    fn rebuild(&mut self, front: usize, back: usize) {
        let mut buffer = Vec::with_capacity(front + self.live() + back);
        buffer.resize(front, 0);
        buffer.extend_from_slice(&self.buffer[self.head as usize..]);
        self.buffer = buffer;
        self.head = front as u32;
    }

    /// How much room to take when there is none: small lists stay tight, large ones grow fast.
    fn room(&self) -> usize {
        match self.live() {
            live @ 0..2048 => live / 8 + 16,
            live => live / 2,
        }
    }

    fn grow(&mut self, at: usize, old: usize, by: usize) {
        let live = self.live();
        let near_front = at <= live - at - old;
        if near_front && at == HEADER && (self.head as usize) < by {
            self.rebuild(by + self.room(), 0);
        }
        let head = self.head as usize;
        if near_front && head >= by {
            self.buffer.copy_within(head..head + at, head - by);
            self.head -= by as u32;
            return;
        }
        let end = self.buffer.len();
        if self.buffer.capacity() - end < by {
            self.buffer.reserve_exact(by + self.room());
        }
        self.buffer.resize(end + by, 0);
        self.buffer.copy_within(head + at + old..end, head + at + old + by);
    }

    fn shrink(&mut self, at: usize, old: usize, by: usize) {
        let (head, live) = (self.head as usize, self.live());
        if at <= live - at - old {
            self.buffer.copy_within(head..head + at, head + by);
            self.head += by as u32;
        } else {
            self.buffer.copy_within(head + at + old.., head + at + old - by);
            self.buffer.truncate(head + live - by);
        }
        // What is spare may be as much again as what is used, so that this pays for itself.
        let live = self.live();
        if self.buffer.capacity() > 2 * live + 1024 {
            let room = live / 8;
            self.rebuild(if at == HEADER { 0 } else { room.min(self.head as usize) }, 0);
        }
    }
}

impl Storage for Roomy {
    fn copy_of(listpack: &[u8]) -> Self {
        let mut copy = Self { buffer: listpack.to_vec(), head: 0, count: 0 };
        copy.count = super::View::trusted(listpack).len();
        copy
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.head as usize..]
    }

    #[inline]
    fn splice(&mut self, at: usize, old: usize, new: usize) -> &mut [u8] {
        if new > old {
            self.grow(at, old, new - old);
        } else if new < old {
            self.shrink(at, old, old - new);
        }
        let (head, live) = (self.head as usize, self.live());
        self.buffer[head..head + 4].copy_from_slice(&(live as u32).to_le_bytes());
        &mut self.buffer[head + at..head + at + new]
    }

    #[inline]
    fn open_front(&mut self, size: usize) -> &mut [u8] {
        let head = self.head as usize;
        if head < size {
            self.add_count(1);
            return self.splice(HEADER, 0, size);
        }
        self.head -= size as u32;
        self.count += 1;
        self.write_header();
        &mut self.buffer[head - size + HEADER..head + HEADER]
    }

    #[inline]
    fn open_back(&mut self, size: usize) -> &mut [u8] {
        let end = self.buffer.len();
        if self.buffer.capacity() - end < size {
            self.add_count(1);
            return self.splice(self.live() - 1, 0, size);
        }
        self.buffer.resize(end + size, END);
        self.count += 1;
        self.write_header();
        &mut self.buffer[end - 1..end - 1 + size]
    }

    #[inline]
    fn add_count(&mut self, change: i64) {
        self.count = (i64::from(self.count) + change) as u32;
        let stated = self.count.min(u32::from(UNKNOWN_LEN)) as u16;
        let head = self.head as usize;
        self.buffer[head + 4..head + 6].copy_from_slice(&stated.to_le_bytes());
    }

    #[inline]
    fn known_count(&self) -> Option<u32> {
        Some(self.count)
    }

    fn heap_bytes(&self) -> usize {
        self.buffer.capacity()
    }
}
