//! The snapshot's thread: writes a file whose bytes the engine's thread makes between two turns of its loop.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use redstart_core::{SnapshotKind, Ticket};

use super::disk::Disk;
use super::rdb::NewFile;
use super::reports::{Report, Reports};
use super::seal::Key;

/// When more bytes than this wait for the disk, no more are made until half of them are written.
const WAITING_BYTES_MAX: usize = 3 << 20;
/// Pieces of at least this size go to the thread. The system does not interrupt a write, and whoever has the
/// same processor waits for it: this is 25 microseconds.
///
/// The thread has the priority of all others. With a lower one it is not interrupted either once it runs, but runs
/// for longer, since it is behind: that took the slowest requests from 0.3 to 1 ms. Running only when
/// nobody else wants to, it takes seconds instead of tenths of one where the processors are busy.
const PIECE_BYTES: usize = 64 << 10;
/// They are a little longer.
const PIECE_ROOM: usize = PIECE_BYTES + PIECE_BYTES / 8;

/// How a file is written.
#[derive(Debug)]
pub(crate) struct Manner {
    /// It is synced as it grows.
    pub(crate) in_steps: bool,
    /// An RDB file is sealed with it.
    pub(crate) key: Option<Key>,
}

enum Job {
    Piece(Vec<u8>),
    Finish,
}

/// A snapshot on its way to the disk. Dropped before its end, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) ticket: Ticket,
    pub(crate) kind: SnapshotKind,
    /// All was handed over.
    pub(crate) is_whole: bool,
    /// The bytes made since the last piece went.
    pub(crate) piece: Vec<u8>,
    jobs: Sender<Job>,
    /// Pieces that were written, whose memory is used again.
    emptied: Receiver<Vec<u8>>,
    /// Bytes that wait for the disk.
    waiting: Arc<AtomicUsize>,
}

impl Writing {
    /// Starts a thread that writes to `temporary`, which becomes `name` if that is given.
    pub(crate) fn start<D: Disk>(
        disk: D,
        ticket: Ticket,
        kind: SnapshotKind,
        temporary: PathBuf,
        name: Option<PathBuf>,
        manner: Manner,
        reports: Arc<Reports>,
    ) -> io::Result<Self> {
        let (jobs, theirs) = channel();
        let (empty, emptied) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let inbox = Inbox { jobs: theirs, empty, waiting: Arc::clone(&waiting) };
        std::thread::Builder::new().name("snapshot".into()).spawn(move || {
            let is_rdb = kind == SnapshotKind::Rdb;
            let written = write(disk, temporary, name, &manner, &inbox, &reports);
            match written.transpose() {
                None => {}
                Some(result) if is_rdb => reports.send(Report::Saved(ticket, result.map(|_| ()))),
                Some(result) => reports.send(Report::Base(ticket, result)),
            }
        })?;
        let piece = Vec::with_capacity(PIECE_ROOM);
        Ok(Self { ticket, kind, is_whole: false, piece, jobs, emptied, waiting })
    }

    /// Whether the disk is too far behind for more.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > WAITING_BYTES_MAX
    }

    /// More was added to the piece.
    pub(crate) fn made(&mut self) {
        if self.piece.len() >= PIECE_BYTES || self.is_whole {
            let next = match self.emptied.try_recv() {
                Ok(piece) => piece,
                Err(_) if self.is_whole => Vec::new(),
                Err(_) => Vec::with_capacity(PIECE_ROOM),
            };
            let piece = core::mem::replace(&mut self.piece, next);
            self.waiting.fetch_add(piece.len(), Ordering::Relaxed);
            // A thread that has failed takes nothing more, and has said so.
            let _ = self.jobs.send(Job::Piece(piece));
        }
        if self.is_whole {
            let _ = self.jobs.send(Job::Finish);
        }
    }
}

/// The thread's side.
struct Inbox {
    jobs: Receiver<Job>,
    empty: Sender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
}

/// Writes what comes; `None`: it is not wanted any more.
fn write<D: Disk>(
    disk: D,
    temporary: PathBuf,
    name: Option<PathBuf>,
    manner: &Manner,
    inbox: &Inbox,
    reports: &Reports,
) -> io::Result<Option<(PathBuf, bool)>> {
    let mut file = NewFile::create(disk, temporary)?;
    file.in_steps = manner.in_steps;
    let mut is_rdb = None;
    for job in &inbox.jobs {
        let result = match job {
            Job::Piece(mut piece) => {
                let mut sealing = Ok(());
                if is_rdb.is_none() {
                    let starts = piece.starts_with(b"REDIS");
                    is_rdb = Some(starts);
                    if let Some(key) = manner.key.as_ref().filter(|_| starts) {
                        sealing = file.seal(key);
                    }
                }
                let result = sealing.and_then(|()| file.write(&piece));
                let before = inbox.waiting.fetch_sub(piece.len(), Ordering::Relaxed);
                let half = WAITING_BYTES_MAX / 2;
                if before > half && before - piece.len() <= half {
                    reports.send(Report::Room);
                }
                piece.clear();
                // All may be made.
                let _ = inbox.empty.send(piece);
                result
            }
            Job::Finish => {
                let path = file.path().to_owned();
                let is_rdb = is_rdb == Some(true);
                return match name {
                    Some(name) => file.finish(&name),
                    None => file.sync(),
                }
                .map(|()| Some((path, is_rdb)));
            }
        };
        if let Err(error) = result {
            file.remove();
            return Err(error);
        }
    }
    file.remove();
    Ok(None)
}
