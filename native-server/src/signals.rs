//! Signals, as bytes of a socket that the event loop watches.
//!
//! The handlers only set a flag and write a byte; the loop does the rest in its own time.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

/// Which signals came.
#[derive(Debug)]
pub(crate) struct Signals {
    wake: UnixStream,
    interrupts: Arc<AtomicUsize>,
    terms: Arc<AtomicUsize>,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// SIGINT: shut down.
    Interrupt,
    /// SIGINT again: at once, whatever is lost.
    InterruptAgain,
    /// SIGTERM: shut down.
    Terminate,
}

impl Signals {
    /// Takes over SIGINT and SIGTERM; SIGHUP and SIGPIPE are ignored from now on.
    pub(crate) fn install() -> io::Result<Self> {
        let (wake, write) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let interrupts = Arc::new(AtomicUsize::new(0));
        let terms = Arc::new(AtomicUsize::new(0));
        // Flags first: handlers run in the order of registration, so that a flag is up when the byte comes.
        signal_hook::flag::register_usize(SIGINT, Arc::clone(&interrupts), 1)?;
        signal_hook::flag::register_usize(SIGTERM, Arc::clone(&terms), 1)?;
        pipe::register(SIGINT, write.try_clone()?)?;
        pipe::register(SIGTERM, write)?;
        // A handler that does nothing is as good as ignoring, and unlike SIG_IGN is not handed down to
        // programs that are started from here. Writing to a closed socket asks for no SIGPIPE anyway.
        let nothing = Arc::new(AtomicUsize::new(0));
        signal_hook::flag::register_usize(signal_hook::consts::SIGHUP, nothing, 1)?;
        Ok(Self { wake, interrupts, terms })
    }

    /// Becomes readable when a signal came.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// Takes what came since the last call.
    pub(crate) fn take(&mut self) -> Option<Ask> {
        let mut bytes = [0; 64];
        let count = self.wake.read(&mut bytes).unwrap_or(0);
        if self.terms.swap(0, Ordering::Relaxed) > 0 {
            Some(Ask::Terminate)
        } else if self.interrupts.swap(0, Ordering::Relaxed) > 0 {
            Some(if count > 1 { Ask::InterruptAgain } else { Ask::Interrupt })
        } else {
            None
        }
    }
}
