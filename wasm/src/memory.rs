//! The instance's memory: counted, and with a reserve for the day when the runtime gives no more.
//!
//! `maxmemory` asks [`used`]. When the runtime refuses to grow the memory, the reserve is let go, so that
//! the command in progress can end, and [`used`] says that everything is taken: writes are then refused
//! with Redis's -OOM until enough was deleted for the reserve to be back.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};
use std::alloc::System;

/// What one command may still take when the runtime gives no more.
const RESERVE: Layout = match Layout::from_size_align(1 << 20, 8) {
    Ok(layout) => layout,
    Err(_) => unreachable!(),
};

/// What the allocator below keeps for itself per block.
const OVERHEAD: usize = 8;

/// `System`, with its blocks counted and the reserve behind it.
#[derive(Debug)]
pub(crate) struct Counting {
    used: AtomicUsize,
    reserve: AtomicPtr<u8>,
    exhausted: AtomicUsize,
}

impl Counting {
    const fn new() -> Self {
        Self {
            used: AtomicUsize::new(0),
            reserve: AtomicPtr::new(core::ptr::null_mut()),
            exhausted: AtomicUsize::new(0),
        }
    }

    /// Puts the reserve aside if it is not there; whether it is.
    fn keep_reserve(&self) -> bool {
        if self.reserve.load(Relaxed).is_null() {
            // SAFETY: the layout has a size.
            self.reserve.store(unsafe { System.alloc(RESERVE) }, Relaxed);
        }
        !self.reserve.load(Relaxed).is_null()
    }

    /// Lets the reserve go; whether there was one.
    #[cold]
    fn release_reserve(&self) -> bool {
        self.exhausted.store(1, Relaxed);
        let reserve = self.reserve.swap(core::ptr::null_mut(), Relaxed);
        if reserve.is_null() {
            return false;
        }
        // SAFETY: it came from this allocator with this layout, and the swap made us its only holder.
        unsafe { System.dealloc(reserve, RESERVE) };
        true
    }

    fn count(&self, bytes: usize) {
        self.used.fetch_add(bytes + OVERHEAD, Relaxed);
    }

    fn discount(&self, bytes: usize) {
        self.used.fetch_sub(bytes + OVERHEAD, Relaxed);
    }

    fn used(&self) -> usize {
        if self.exhausted.load(Relaxed) != 0 {
            if !self.keep_reserve() {
                return usize::MAX;
            }
            self.exhausted.store(0, Relaxed);
        }
        self.used.load(Relaxed)
    }
}

// SAFETY: every block is `System`'s, asked for and given back with the caller's own layout.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is passed on.
        let mut block = unsafe { System.alloc(layout) };
        if block.is_null() && self.release_reserve() {
            // SAFETY: as above.
            block = unsafe { System.alloc(layout) };
        }
        if !block.is_null() {
            self.count(layout.size());
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.discount(layout.size());
        // SAFETY: the caller's promise that `block` came from here with `layout` is passed on.
        unsafe { System.dealloc(block, layout) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        let mut new = unsafe { System.realloc(block, layout, bytes) };
        if new.is_null() && self.release_reserve() {
            // SAFETY: as above; a failed realloc leaves the block as it was.
            new = unsafe { System.realloc(block, layout, bytes) };
        }
        if !new.is_null() {
            self.discount(layout.size());
            self.count(bytes);
        }
        new
    }
}

#[cfg_attr(target_arch = "wasm32", global_allocator)]
static ALLOCATOR: Counting = Counting::new();

/// Puts the reserve aside.
pub(crate) fn keep_reserve() {
    ALLOCATOR.keep_reserve();
}

/// The bytes that are in use; `usize::MAX` when the runtime has no more to give.
pub(crate) fn used() -> usize {
    ALLOCATOR.used()
}

/// The bytes of the instance's memory: it never shrinks, so this is what counts against a host's limit.
pub(crate) fn grown() -> usize {
    #[cfg(target_arch = "wasm32")]
    {
        core::arch::wasm32::memory_size(0) * 65536
    }
    #[cfg(not(target_arch = "wasm32"))]
    {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_counted_while_they_live() {
        let counting = Counting::new();
        let layout = Layout::from_size_align(100, 8).expect("8 is a power of two");
        // SAFETY: the layout has a size; each block is given back once, with the layout it then has.
        unsafe {
            let block = counting.alloc(layout);
            assert_eq!(counting.used(), 100 + OVERHEAD);
            let block = counting.realloc(block, layout, 300);
            assert_eq!(counting.used(), 300 + OVERHEAD);
            counting.dealloc(block, Layout::from_size_align(300, 8).expect("as above"));
        }
        assert_eq!(counting.used(), 0);
    }

    #[test]
    fn without_its_reserve_all_is_in_use_until_it_is_back() {
        let counting = Counting::new();
        assert!(counting.keep_reserve());
        assert!(counting.release_reserve());
        assert!(!counting.release_reserve());
        assert_eq!(counting.used(), 0, "the reserve could be had again");
        assert!(counting.release_reserve());
    }
}
