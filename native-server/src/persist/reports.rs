//! What the threads that use the disk tell the thread that runs the engine.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use redstart_core::Ticket;
use rustix::event::{EventfdFlags, eventfd};

use super::aof::{Line, Sizes};

/// Something that has happened to a file.
#[derive(Debug)]
pub(crate) enum Report {
    /// The log has to have this line.
    Log(Line),
    /// The journal is on disk up to this offset.
    Synced(u64),
    /// The journal cannot be written, for this reason; `None`: it can again.
    Failed(Option<String>),
    /// There is no way on: the process has to end, with this line in the log.
    Fatal(String),
    /// A snapshot is on disk under its name, or could not be written.
    Saved(Ticket, io::Result<()>),
    /// A snapshot is on disk under a temporary name: an RDB file or not.
    Base(Ticket, io::Result<(PathBuf, bool)>),
    /// The append-only file has a new base, and these sizes where the journal was at this offset; or it could not
    /// have it.
    Rewritten(Ticket, io::Result<(Sizes, u64)>),
    /// It is time for a snapshot that is to be kept.
    Due,
    /// The thread of a snapshot, for a file or for replicas, has caught up.
    Room,
}

/// Reports on their way.
#[derive(Debug)]
pub(crate) struct Reports {
    waiting: Mutex<Vec<Report>>,
    /// Readable while some are.
    bell: OwnedFd,
}

impl Reports {
    pub(crate) fn new() -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { waiting: Mutex::default(), bell })
    }

    /// Becomes readable when there are reports.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    pub(crate) fn send(&self, report: Report) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(report);
        if waiting.len() == 1 {
            // It is never full: nobody else writes before it is read.
            let _ = rustix::io::write(&self.bell, &[1; 8]);
        }
    }

    pub(crate) fn take(&self) -> Vec<Report> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // There may be nothing to read.
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        core::mem::take(&mut waiting)
    }
}
