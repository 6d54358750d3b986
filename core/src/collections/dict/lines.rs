//! The buckets of a table: an array of lines that grows and shrinks at its end without stalls.
//!
//! Up to [`SEGMENT`] lines are one allocation, which grows by a sixteenth at a time.
//! Beyond that there is a directory of segments, and what is copied at once is a segment at most
//! (and, each time their number doubles, the directory: 8 bytes for 32 KiB of lines).
//! Every capacity is a function of the number of lines, so none is stored.

use super::node::{LINE_ALIGN, LINE_BYTES, Node};
use super::tags::Tags;
use alloc::alloc::{alloc, dealloc, handle_alloc_error, realloc};
use core::{alloc::Layout, ptr::NonNull};

/// Lines of a full segment.
const SEGMENT: u32 = 512;
/// Up to so many lines the last segment is no larger than needed, give or take a [`CHUNK`].
const FINE: u32 = 16 * SEGMENT;
const CHUNK: u32 = 64;

type Directory = NonNull<u8>;

pub(super) struct Lines {
    /// Dangling, or the only segment, or the directory.
    base: NonNull<u8>,
    count: u32,
}

/// Lines allocated where `count` are in use.
fn capacity(count: u32) -> u32 {
    let step = if count <= SEGMENT {
        match count {
            0..16 => 1,
            _ => 1 << (count.ilog2() - 4),
        }
    } else if count <= FINE {
        CHUNK
    } else {
        SEGMENT
    };
    count.next_multiple_of(step)
}

/// Entries of the directory where `count` lines are in use; 0: there is no directory.
fn directory_capacity(count: u32) -> usize {
    match count.div_ceil(SEGMENT) {
        0 | 1 => 0,
        segments => (segments as usize).next_power_of_two().max(4),
    }
}

fn lines_layout(lines: u32) -> Layout {
    Layout::from_size_align(lines as usize * LINE_BYTES, LINE_ALIGN)
        .expect("a segment is far smaller than the address space")
}

fn directory_layout(entries: usize) -> Layout {
    Layout::array::<Directory>(entries).expect("a directory is smaller than what it lists")
}

/// Changes the size of an allocation; a size of zero is no allocation.
///
/// # Safety
/// `old` was allocated here with the layout `from`; both layouts have the same alignment.
unsafe fn resize(old: NonNull<u8>, from: Layout, to: Layout) -> NonNull<u8> {
    // SAFETY: sizes are not zero where it matters, the layout is the one it was allocated with.
    let new = unsafe {
        match (from.size(), to.size()) {
            (0, 0) => return old,
            (0, _) => alloc(to),
            (_, 0) => {
                dealloc(old.as_ptr(), from);
                return NonNull::dangling();
            }
            (_, size) => realloc(old.as_ptr(), from, size),
        }
    };
    NonNull::new(new).unwrap_or_else(|| handle_alloc_error(to))
}

impl Lines {
    pub(super) const fn new() -> Self {
        Self { base: NonNull::dangling(), count: 0 }
    }

    #[inline]
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// # Safety
    /// `index` is less than `count()`.
    #[inline]
    pub(super) unsafe fn line(&self, index: u32) -> Node {
        debug_assert!(index < self.count);
        // SAFETY: segments hold all lines up to `count`; each was allocated before it was counted.
        unsafe {
            let (segment, at) = if self.count <= SEGMENT {
                (self.base, index)
            } else {
                (*self.entry(index / SEGMENT), index % SEGMENT)
            };
            Node::line(segment.add(at as usize * LINE_BYTES))
        }
    }

    /// # Safety
    /// There is a directory and it has this entry.
    #[inline]
    unsafe fn entry(&self, segment: u32) -> *mut NonNull<u8> {
        // SAFETY: by contract.
        unsafe { self.base.cast::<Directory>().as_ptr().add(segment as usize) }
    }

    /// Adds an empty line and returns it.
    pub(super) fn push(&mut self) -> Node {
        let count = self.count.checked_add(1).expect("a table has less than 2^32 buckets");
        self.resize_to(count);
        self.count = count;
        // SAFETY: the line is there now, and all its slots are free.
        unsafe {
            let line = self.line(count - 1);
            line.set_tags(Tags::EMPTY);
            line
        }
    }

    /// Drops the last line, which must be there, and whatever is in it.
    pub(super) fn pop(&mut self) {
        let count = self.count - 1;
        self.resize_to(count);
        self.count = count;
    }

    /// Allocates for `count` lines, one more or one less than now.
    fn resize_to(&mut self, count: u32) {
        let (from, to) = (capacity(self.count), capacity(count));
        if from == to {
            return;
        }
        // SAFETY: the layouts are functions of the number of lines, hence those allocated with.
        // Entries up to the number of segments are written before they are counted on.
        unsafe {
            if from <= SEGMENT && to <= SEGMENT {
                self.base = resize(self.base, lines_layout(from), lines_layout(to));
                return;
            }
            if from < to {
                self.resize_directory(count);
            }
            let segment = (from.max(to) - 1) / SEGMENT;
            let start = segment * SEGMENT;
            let entry = self.entry(segment);
            let old = if from > start { *entry } else { NonNull::dangling() };
            let (from, to) = (from.saturating_sub(start), to.saturating_sub(start));
            entry.write(resize(old, lines_layout(from), lines_layout(to)));
            if from > to {
                self.resize_directory(count);
            }
        }
    }

    /// # Safety
    /// Called where the number of lines is about to become `count`, or just did.
    unsafe fn resize_directory(&mut self, count: u32) {
        let (from, to) = (directory_capacity(self.count), directory_capacity(count));
        if from == to {
            return;
        }
        // SAFETY: `from` is what is allocated; entry 0 exists whenever a directory does.
        unsafe {
            let first = if from == 0 { self.base } else { *self.entry(0) };
            let old = if from == 0 { NonNull::dangling() } else { self.base };
            let new = resize(old, directory_layout(from), directory_layout(to));
            if to == 0 {
                self.base = first;
            } else {
                self.base = new;
                self.entry(0).write(first);
            }
        }
    }

    /// Bytes allocated.
    pub(super) fn memory(&self) -> usize {
        capacity(self.count) as usize * LINE_BYTES
            + directory_capacity(self.count) * size_of::<Directory>()
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let lines = capacity(self.count);
        // SAFETY: the layouts are those allocated with; nothing is used afterwards.
        unsafe {
            if self.count <= SEGMENT {
                resize(self.base, lines_layout(lines), lines_layout(0));
                return;
            }
            for segment in 0..lines.div_ceil(SEGMENT) {
                let size = (lines - segment * SEGMENT).min(SEGMENT);
                resize(*self.entry(segment), lines_layout(size), lines_layout(0));
            }
            let entries = directory_capacity(self.count);
            resize(self.base, directory_layout(entries), directory_layout(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_what_is_in_them_while_their_number_changes() {
        let mut lines = Lines::new();
        let most = if cfg!(miri) { 1200 } else { 40 * SEGMENT };
        let write = |node: Node, i: u32| {
            let tags = Tags::EMPTY.put(0, i as u8 | 1, true).put(1, (i >> 8) as u8 | 1, false);
            // SAFETY: a line of the table; nobody looks at the slots.
            unsafe { node.set_tags(tags) };
        };
        let read = |lines: &Lines, i: u32| {
            // SAFETY: `i` is below the count at each call.
            let tags = unsafe { lines.line(i).tags() };
            assert_eq!((tags.tag(0), tags.tag(1)), (i as u8 | 1, (i >> 8) as u8 | 1));
        };
        for i in 0..most {
            write(lines.push(), i);
            read(&lines, i / 2);
            read(&lines, i);
            assert!(lines.memory() >= lines.count() as usize * LINE_BYTES);
        }
        for i in (0..most).rev() {
            read(&lines, i);
            read(&lines, i / 3);
            lines.pop();
            if i % 700 == 1 {
                write(lines.push(), i);
                lines.pop();
            }
        }
        assert_eq!((lines.count(), lines.memory()), (0, 0));
    }

    #[test]
    fn dropping_frees_every_segment() {
        // Miri and leak checkers see it.
        for count in [0, 1, 9, SEGMENT, SEGMENT + 1, 3 * SEGMENT] {
            let mut lines = Lines::new();
            for _ in 0..count {
                lines.push();
            }
        }
    }

    #[test]
    fn at_most_an_eighth_is_allocated_ahead() {
        for count in 1..FINE {
            let spare = capacity(count) - count;
            assert!(spare * 8 <= count, "{count}: {spare}");
        }
        for count in [SEGMENT, FINE, FINE + 1, 100 * SEGMENT] {
            assert!(capacity(count) - count < SEGMENT);
        }
    }
}
