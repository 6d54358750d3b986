//! The unsafe island around io_uring: one ring, the buffers that receives are put into, and one call,
//! [`Ring::turn`], that sends, waits and brings back what happened.
//!
//! Why it is sound:
//! - Bytes to be sent are borrowed for the length of `turn`, and `turn` does not return before the kernel
//!   has reported the end of every send. A send never waits for its socket, so that is at once.
//! - Bytes received lie in buffers that are the kernel's until a completion names one; from then on it is
//!   the [`Completion`]'s alone, which cannot be copied, and [`Completion::open`] gives the buffer back
//!   when it has consumed it.
//! - The memory of the ring and the buffers lives until after the ring's descriptor is closed.

use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU16, Ordering};
use core::time::Duration;
use std::alloc::{alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use io_uring::types::{BufRingEntry, Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use rustix::event::PollFlags;
use rustix::net::SendFlags;

const SQ_ENTRIES: u32 = 512;
const CQ_ENTRIES: u32 = 4096;
/// Buffers that receives are put into; a power of two.
const BUFFERS: u16 = 64;
const BUFFER_BYTES: usize = 16 * 1024;
/// The only group of buffers there is.
const GROUP: u16 = 0;
/// The tag of sends is the caller's; this bit, which a caller's tag leaves free, tells them apart.
const SEND: u64 = 1 << 63;

/// What happened to something that was asked for.
#[derive(Debug)]
pub(crate) struct Completion {
    tag: u64,
    result: i32,
    flags: u32,
}

/// A completion's news.
#[derive(Debug)]
pub(crate) struct News<'a> {
    /// The tag that the request was given.
    pub(crate) tag: u64,
    /// What it gave, or the error number.
    pub(crate) result: Result<u32, rustix::io::Errno>,
    /// What was received.
    pub(crate) bytes: &'a [u8],
    /// Whether the request goes on; if not, it has to be made again.
    pub(crate) goes_on: bool,
}

/// A send of [`Ring::turn`].
#[derive(Debug)]
pub(crate) struct Send<'a> {
    pub(crate) fd: BorrowedFd<'a>,
    pub(crate) bytes: &'a [u8],
    pub(crate) tag: u64,
}

/// How long a turn waits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wait {
    UntilSomethingHappens,
    AtMost(Duration),
}

/// An io_uring with its buffers.
pub(crate) struct Ring {
    // First, so that it is closed before the buffers are freed.
    uring: IoUring,
    buffers: Buffers,
}

impl core::fmt::Debug for Ring {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Ring")
    }
}

impl Ring {
    /// A ring for this thread; an error where the kernel has none, or not with all that is used here.
    pub(crate) fn new() -> io::Result<Self> {
        let uring = IoUring::builder()
            .setup_cqsize(CQ_ENTRIES)
            .setup_single_issuer()
            .setup_coop_taskrun()
            .setup_defer_taskrun()
            .setup_submit_all()
            .build(SQ_ENTRIES)?;
        let mut buffers = Buffers::new();
        // SAFETY: the entries are zeroed memory of the size given, aligned to a page, and are freed after
        // the ring is closed.
        unsafe {
            uring.submitter().register_buf_ring_with_flags(
                buffers.entries.as_ptr() as u64,
                BUFFERS,
                GROUP,
                0,
            )?;
        }
        for buffer in 0..BUFFERS {
            buffers.give_back(buffer);
        }
        buffers.publish();
        Ok(Self { uring, buffers })
    }

    /// Asks for everything that comes in on a socket.
    pub(crate) fn receive(&mut self, fd: BorrowedFd<'_>, tag: u64) {
        let entry = opcode::RecvMulti::new(Fd(fd.as_raw_fd()), GROUP).build().user_data(tag);
        self.push(&entry);
    }

    /// Asks to be told each time a descriptor becomes readable.
    pub(crate) fn readable(&mut self, fd: BorrowedFd<'_>, tag: u64) {
        let mask = u32::from(PollFlags::IN.bits());
        let entry = opcode::PollAdd::new(Fd(fd.as_raw_fd()), mask).multi(true).build();
        self.push(&entry.user_data(tag));
    }

    /// Asks to be told once when a socket can be written to.
    pub(crate) fn writable(&mut self, fd: BorrowedFd<'_>, tag: u64) {
        let mask = u32::from(PollFlags::OUT.bits());
        let entry = opcode::PollAdd::new(Fd(fd.as_raw_fd()), mask).build();
        self.push(&entry.user_data(tag));
    }

    fn push(&mut self, entry: &squeue::Entry) {
        loop {
            // SAFETY: no entry made here points to memory but sends' (see `turn`), and those of `receive`
            // name a group of buffers that outlives the ring.
            if unsafe { self.uring.submission().push(entry) }.is_ok() {
                return;
            }
            // The queue is full: the kernel takes what is in it. Interrupted, it took some.
            let _ = self.uring.submit();
        }
    }

    /// Sends, or waits for something to happen if there is nothing to send: what follows from the end of a
    /// send must not wait for somebody else. Adds all that happened to `happened`; ends of sends come to
    /// `sent`, with the caller's tag.
    pub(crate) fn turn<'a>(
        &mut self,
        sends: impl Iterator<Item = Send<'a>>,
        wait: Wait,
        happened: &mut Vec<Completion>,
        sent: &mut Vec<(u64, Result<u32, rustix::io::Errno>)>,
    ) -> io::Result<()> {
        self.buffers.publish();
        let mut open = 0;
        let flags = (SendFlags::NOSIGNAL | SendFlags::DONTWAIT).bits() as i32;
        for Send { fd, bytes, tag } in sends {
            let len = bytes.len().min(1 << 30) as u32;
            let entry = opcode::Send::new(Fd(fd.as_raw_fd()), bytes.as_ptr(), len)
                .flags(flags)
                .build()
                .user_data(tag | SEND);
            self.push(&entry);
            open += 1;
        }
        let timespec;
        let mut args = SubmitArgs::new();
        if let Wait::AtMost(duration) = wait {
            timespec = Timespec::from(duration);
            args = args.timespec(&timespec);
        }
        loop {
            // What cannot be submitted now is tried again below, as long as sends are open.
            let result = if open > 0 {
                self.uring.submit_and_wait(open)
            } else {
                self.uring.submitter().submit_with_args(1, &args)
            };
            self.collect(&mut open, happened, sent);
            match result {
                Ok(_) => {}
                Err(error) => match error.raw_os_error() {
                    // The time is up; a signal; completions that waited for room in the queue.
                    Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN) => {}
                    _ if open == 0 => return Err(error),
                    // Borrowed bytes are with the kernel, and it does not talk to us any more.
                    _ => {
                        eprintln!("io_uring failed with sends under way: {error}");
                        std::process::abort();
                    }
                },
            }
            if open == 0 {
                return Ok(());
            }
        }
    }

    fn collect(
        &mut self,
        open: &mut usize,
        happened: &mut Vec<Completion>,
        sent: &mut Vec<(u64, Result<u32, rustix::io::Errno>)>,
    ) {
        for entry in self.uring.completion() {
            let tag = entry.user_data();
            if tag & SEND == 0 {
                let (result, flags) = (entry.result(), entry.flags());
                happened.push(Completion { tag, result, flags });
            } else {
                *open -= 1;
                sent.push((tag & !SEND, outcome(entry.result())));
            }
        }
    }
}

impl Completion {
    /// Hands it to `look` and gives its buffer back to the kernel.
    #[inline]
    pub(crate) fn open<R>(self, ring: &mut Ring, look: impl FnOnce(News<'_>) -> R) -> R {
        let Self { tag, result, flags } = self;
        let buffer = cqueue::buffer_select(flags);
        let result = outcome(result);
        let bytes = match (buffer, &result) {
            (Some(buffer), Ok(len)) => ring.buffers.bytes(buffer, *len as usize),
            _ => &[],
        };
        let answer = look(News { tag, result, bytes, goes_on: cqueue::more(flags) });
        if let Some(buffer) = buffer {
            ring.buffers.give_back(buffer);
        }
        answer
    }
}

fn outcome(result: i32) -> Result<u32, rustix::io::Errno> {
    u32::try_from(result).map_err(|_| rustix::io::Errno::from_raw_os_error(-result))
}

/// Buffers, and the ring of those that the kernel may fill.
struct Buffers {
    entries: NonNull<BufRingEntry>,
    memory: NonNull<u8>,
    tail: u16,
}

const ENTRIES_LAYOUT: Layout =
    match Layout::from_size_align(BUFFERS as usize * size_of::<BufRingEntry>(), 4096) {
        Ok(layout) => layout,
        Err(_) => panic!("a power of two"),
    };
const MEMORY_LAYOUT: Layout = match Layout::from_size_align(BUFFERS as usize * BUFFER_BYTES, 4096) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two"),
};

impl Buffers {
    fn new() -> Self {
        let allocate = |layout| {
            // SAFETY: no layout here is of size zero.
            let memory = unsafe { alloc_zeroed(layout) };
            NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
        };
        Self { entries: allocate(ENTRIES_LAYOUT).cast(), memory: allocate(MEMORY_LAYOUT), tail: 0 }
    }

    fn at(&self, buffer: u16) -> *mut u8 {
        assert!(buffer < BUFFERS, "the kernel names one of the buffers it was given");
        // SAFETY: within the allocation, as just seen.
        unsafe { self.memory.as_ptr().add(usize::from(buffer) * BUFFER_BYTES) }
    }

    /// The first `len` bytes of a buffer that is not the kernel's.
    fn bytes(&self, buffer: u16, len: usize) -> &[u8] {
        let len = len.min(BUFFER_BYTES);
        // SAFETY: the buffer is initialised, and only we have it, until `give_back`, which takes `&mut`.
        unsafe { core::slice::from_raw_parts(self.at(buffer), len) }
    }

    /// Puts a buffer where the kernel will find it after [`Buffers::publish`].
    fn give_back(&mut self, buffer: u16) {
        let address = self.at(buffer) as u64;
        // SAFETY: within the allocation; the kernel does not look at this entry before the tail is past it.
        let entry = unsafe { &mut *self.entries.as_ptr().add(usize::from(self.tail % BUFFERS)) };
        entry.set_addr(address);
        entry.set_len(BUFFER_BYTES as u32);
        entry.set_bid(buffer);
        self.tail = self.tail.wrapping_add(1);
    }

    fn publish(&mut self) {
        // SAFETY: the address of the first entry of the ring; the tail lies in that entry's last two
        // bytes, which `give_back` leaves alone.
        let tail = unsafe { BufRingEntry::tail(self.entries.as_ptr()) };
        // SAFETY: valid and aligned for as long as `entries` is, and shared with nobody but the kernel.
        unsafe { AtomicU16::from_ptr(tail.cast_mut()) }.store(self.tail, Ordering::Release);
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        // SAFETY: allocated with these layouts, and the ring is closed.
        unsafe {
            dealloc(self.entries.as_ptr().cast(), ENTRIES_LAYOUT);
            dealloc(self.memory.as_ptr(), MEMORY_LAYOUT);
        }
    }
}
