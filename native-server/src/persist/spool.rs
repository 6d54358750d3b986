//! A snapshot on its way to replicas that want to know its length first: a file without a name, written by a
//! thread of its own, read by the engine's when all is there.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};

use redstart_core::server::hooks::Spool;

use super::reports::{Report, Reports};
use crate::settings::reason;

/// The thread says so when no more than this waits, from which on the engine makes more (it stops at three
/// megabytes), and when nothing does.
const FEW_BYTES: usize = 1 << 20;

#[derive(Debug)]
struct State {
    file: File,
    /// Bytes that the thread has not written.
    waiting: AtomicUsize,
    /// Why it has given up.
    failure: OnceLock<String>,
}

/// The engine's side.
#[derive(Debug)]
pub(crate) struct SpoolFile {
    state: Arc<State>,
    pieces: Sender<Vec<u8>>,
}

impl SpoolFile {
    /// Makes a file that nobody else finds, and that is gone when nobody has it open, whatever happens.
    pub(crate) fn create(reports: Arc<Reports>) -> io::Result<Self> {
        let path = format!("temp-repl-{}.rdb", std::process::id());
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(true).open(&path)?;
        fs::remove_file(&path)?;
        Self::start(file, reports)
    }

    fn start(file: File, reports: Arc<Reports>) -> io::Result<Self> {
        let (pieces, theirs) = channel();
        let state =
            Arc::new(State { file, waiting: AtomicUsize::new(0), failure: OnceLock::new() });
        let own = Arc::clone(&state);
        let builder = std::thread::Builder::new().name("spool".into());
        builder.spawn(move || own.write_all(&theirs, &reports))?;
        Ok(Self { state, pieces })
    }
}

impl State {
    /// The thread: writes until nobody is left who could give it more.
    fn write_all(&self, pieces: &Receiver<Vec<u8>>, reports: &Reports) {
        for piece in pieces {
            if self.failure.get().is_none()
                && let Err(error) = (&self.file).write_all(&piece)
            {
                // It is the first.
                let _ = self.failure.set(reason(&error));
            }
            // The failure is seen before there is room again.
            let before = self.waiting.fetch_sub(piece.len(), Ordering::Release);
            let left = before - piece.len();
            if left == 0 || (left <= FEW_BYTES && before > FEW_BYTES) {
                reports.send(Report::Room);
            }
        }
    }
}

impl Spool for SpoolFile {
    fn write(&self, bytes: Vec<u8>) -> Result<(), String> {
        if let Some(failure) = self.state.failure.get() {
            return Err(failure.clone());
        }
        if !bytes.is_empty() {
            self.state.waiting.fetch_add(bytes.len(), Ordering::Relaxed);
            self.pieces.send(bytes).map_err(|_| "its thread is gone")?;
        }
        Ok(())
    }

    fn waiting(&self) -> usize {
        self.state.waiting.load(Ordering::Acquire)
    }

    fn read(&self, at: u64, len: usize, out: &mut Vec<u8>) -> Result<(), String> {
        let start = out.len();
        out.resize(start + len, 0);
        self.state.file.read_exact_at(&mut out[start..], at).map_err(|error| reason(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};

    fn path(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("redstart-spool-{name}-{}", std::process::id()))
    }

    /// Waits for the thread, as the event loop does.
    fn settle(spool: &SpoolFile, reports: &Reports) {
        while spool.waiting() > 0 {
            let fd = reports.fd();
            poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).expect("a descriptor");
            reports.take();
        }
    }

    #[test]
    fn what_is_written_at_leisure_is_read() {
        let reports = Arc::new(Reports::new().expect("a descriptor"));
        let path = path("file");
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(true).open(&path);
        fs::remove_file(&path).expect("it is there");
        let spool = SpoolFile::start(file.expect("a new file"), Arc::clone(&reports));
        let spool = spool.expect("a thread");
        for number in 0..200u8 {
            spool.write(vec![number; 20_000]).expect("it is taken");
        }
        settle(&spool, &reports);
        let mut read = Vec::new();
        spool.read(19_999, 20_002, &mut read).expect("it is there");
        assert_eq!((read[0], read[1], read[20_000], read[20_001]), (0, 1, 1, 2));
        assert!(spool.read(3_999_999, 2, &mut read).is_err(), "behind its end");
    }

    #[test]
    fn a_failure_is_told_with_the_next_piece() {
        let reports = Arc::new(Reports::new().expect("a descriptor"));
        let path = path("failure");
        fs::write(&path, "").expect("a new file");
        let read_only = File::open(&path).expect("it is there");
        fs::remove_file(&path).expect("it is there");
        let spool = SpoolFile::start(read_only, Arc::clone(&reports)).expect("a thread");
        spool.write(vec![1; 10]).expect("nobody knows yet");
        settle(&spool, &reports);
        assert_eq!(spool.write(Vec::new()), Err("Bad file descriptor".to_string()));
    }
}
