//! What outlives the process: snapshots and the append-only file.
//!
//! ```text
//! engine's thread     Persist ── bytes, orders ──▶ journal.rs   writes and syncs the append-only file
//!                        │    ── pieces ─────────▶ snapshot.rs  writes an RDB file or a new base
//!                        │    ── pieces ─────────▶ spool.rs     writes a snapshot for replicas
//!                        ◀────── reports.rs ──────────┘
//! ```
//!
//! The engine's thread never waits for the disk, unless a command asks for that (SAVE) or the disk is far behind.
//! With `appendfsync always` replies wait for the sync of what they promise, while the engine goes on with others.

mod aof;
mod check_aof;
mod check_rdb;
mod journal;
mod pace;
mod reports;
mod schedule;
mod snapshot;
mod spool;

pub mod disk;
pub mod load;
pub mod manifest;
pub mod rdb;
pub mod seal;

pub(crate) mod check;

pub use aof::{Aof, Line, Sizes, adopt_old_file};
pub(crate) use journal::{Order, Policy};
pub(crate) use reports::{Report, Reports};
pub(crate) use schedule::Schedule;
pub(crate) use spool::SpoolFile;

use core::cell::{Cell, OnceCell};
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use redstart_core::{Config, Engine, Level, Now, Progress, SnapshotKind, Ticket};

use crate::clock::Clock;
use disk::{Disk, Files};
use journal::Journal;
use manifest::{Manifest, Place};
use pace::Pace;
use schedule::Keeper;
use seal::Key;
use snapshot::{Manner, Writing};

/// Bytes of a snapshot that are made between two looks at the clock.
const SLICE_BYTES: usize = 1 << 10;

/// The settings that are about files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileSettings {
    pub(crate) is_on: bool,
    pub(crate) policy: Policy,
    pub(crate) place: Place,
    pub(crate) dump: PathBuf,
    pub(crate) truncated_is_fine: bool,
    keep_history: bool,
    hold_on_rewrite: bool,
    snapshot_in_steps: bool,
    rewrite_in_steps: bool,
}

impl FileSettings {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            is_on: config.is_on("appendonly"),
            policy: match config.text("appendfsync") {
                b"always" => Policy::Always,
                b"no" => Policy::No,
                _ => Policy::EverySecond,
            },
            place: Place {
                dir: config.string("appenddirname").into(),
                stem: config.string("appendfilename"),
            },
            dump: config.string("dbfilename").into(),
            truncated_is_fine: config.is_on("aof-load-truncated"),
            keep_history: config.is_on("aof-disable-auto-gc"),
            hold_on_rewrite: config.is_on("no-appendfsync-on-rewrite"),
            snapshot_in_steps: config.is_on("rdb-save-incremental-fsync"),
            rewrite_in_steps: config.is_on("aof-rewrite-incremental-fsync"),
        }
    }
}

/// Where the engine's journal flows into that of the disk.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    /// Runs from the first time the append-only file is on, or is rewritten.
    journal: OnceCell<Journal>,
    /// The end of what was handed over of the journal, in bytes since the engine began.
    end: Cell<u64>,
    /// How often the engine has waited for the disk.
    delayed: Cell<u64>,
}

impl Tap {
    /// Hands the engine's journal to its thread.
    #[inline]
    pub(crate) fn append(&self, engine: &mut Engine) {
        let bytes = engine.journal();
        let len = bytes.len();
        if len == 0 {
            return;
        }
        self.end.set(self.end.get() + len as u64);
        if let Some(journal) = self.journal.get()
            && journal.append(bytes)
        {
            self.delayed.set(self.delayed.get() + 1);
        }
        engine.journal_written(len);
    }

    /// All that the engine has written so far is in the files, though not synced.
    pub(crate) fn flush(&self, engine: &mut Engine) {
        self.append(engine);
        if let Some(journal) = self.journal.get() {
            journal.flush();
        }
    }

    /// Makes the journal's thread slow (DEBUG AOF-FLUSH-SLEEP).
    pub(crate) fn slow_down(&self, us: u64) {
        if let Some(journal) = self.journal.get() {
            journal.send(Order::Sleep(us));
        }
    }

    /// How often the engine has waited for the disk.
    pub(crate) fn delayed(&self) -> u64 {
        self.delayed.get()
    }
}

/// The host's side of what is written.
#[derive(Debug)]
pub(crate) struct Persist {
    pub(crate) tap: Rc<Tap>,
    settings: FileSettings,
    /// What RDB files are sealed with.
    key: Option<Key>,
    reports: Arc<Reports>,
    snapshot: Option<Writing>,
    /// The snapshot may not go on before the engine's deadline.
    later: bool,
    pace: Pace,
    /// Keeps the snapshots of the schedule, if there is one.
    keeper: Option<Keeper>,
    /// How much of the journal is known to be on disk, in bytes since the engine began.
    synced: u64,
}

impl Persist {
    pub(crate) fn new(config: &Config, key: Option<Key>) -> io::Result<Self> {
        let reports = Arc::new(Reports::new()?);
        let schedule = Schedule::new(config).map_err(io::Error::other)?;
        let keeper = schedule.map(|schedule| schedule.start(Arc::clone(&reports))).transpose()?;
        Ok(Self {
            key,
            tap: Rc::default(),
            settings: FileSettings::new(config),
            reports,
            snapshot: None,
            later: false,
            pace: Pace::default(),
            keeper,
            synced: 0,
        })
    }

    /// Becomes readable when there are reports.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.reports.fd()
    }

    /// The way to tell what the disk's threads have done.
    pub(crate) fn way_to_report(&self) -> Arc<Reports> {
        Arc::clone(&self.reports)
    }

    pub(crate) fn reports(&self) -> Vec<Report> {
        self.reports.take()
    }

    /// The append-only file was loaded, or there was none: it is appended to from now on. `empty` is its base if
    /// there is nothing.
    pub(crate) fn start(&mut self, manifest: Manifest, empty: &[u8]) -> Result<Sizes, Vec<Line>> {
        let mut aof = Aof::new(Files, self.settings.place.clone(), manifest);
        let sealed = match &self.key {
            // One of commands is empty.
            Some(key) if !empty.is_empty() => key.seal(empty),
            _ => Ok(empty.to_vec()),
        };
        let started = sealed.and_then(|empty| aof.start(&empty));
        let mut lines = core::mem::take(&mut aof.log);
        if let Err(error) = started {
            let error = crate::settings::reason(&error);
            lines.push((Level::Warning, format!("Can't open the append-only file: {error}")));
            return Err(lines);
        }
        for line in lines {
            self.reports.send(Report::Log(line));
        }
        let sizes = aof.sizes();
        self.run(aof).map(|()| sizes).map_err(|error| {
            let error = crate::settings::reason(&error);
            vec![(Level::Warning, format!("Can't start the journal's thread: {error}"))]
        })
    }

    fn run<D: Disk>(&mut self, aof: Aof<D>) -> io::Result<()> {
        let FileSettings { policy, keep_history, .. } = self.settings;
        let (offset, reports) = (self.tap.end.get(), Arc::clone(&self.reports));
        self.synced = offset;
        if self.key.is_some() {
            let line = "The append-only file is encrypted in part: its RDB base is, the commands behind it are not";
            reports.send(Report::Log((Level::Warning, line.into())));
        }
        let journal = Journal::start(aof, policy, keep_history, offset, reports)?;
        // There was none.
        let _ = self.tap.journal.set(journal);
        Ok(())
    }

    /// The journal's thread, which is started if it does not run.
    fn journal(&mut self) -> io::Result<&Journal> {
        if self.tap.journal.get().is_none() {
            let place = self.settings.place.clone();
            // It was off at the start, but may have been on before.
            let manifest = match Files.read(&place.manifest()) {
                Ok(text) => {
                    Manifest::parse(&text).map_err(|fault| io::Error::other(fault.reason))?
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Manifest::default(),
                Err(error) => return Err(error),
            };
            self.run(Aof::new(Files, place, manifest))?;
        }
        self.tap.journal.get().ok_or(io::ErrorKind::NotFound.into())
    }

    /// Where the journal ends.
    #[inline]
    pub(crate) fn end(&self) -> u64 {
        self.tap.end.get()
    }

    /// Replies may be sent that promise the journal up to here: what is on disk with `appendfsync always`, and
    /// everything without.
    #[inline]
    pub(crate) fn promised(&self) -> u64 {
        if self.settings.policy == Policy::Always { self.synced } else { u64::MAX }
    }

    pub(crate) fn note_synced(&mut self, offset: u64) {
        self.synced = self.synced.max(offset);
    }

    /// The engine has begun a snapshot, with these settings.
    pub(crate) fn begin_snapshot(
        &mut self,
        ticket: Ticket,
        kind: SnapshotKind,
        config: &Config,
    ) -> io::Result<()> {
        // What CONFIG SET has changed may be told later than what follows from it.
        let is_on = config.is_on("appendonly");
        let pid = std::process::id();
        let (temporary, name, in_steps) = match kind {
            SnapshotKind::Rdb => {
                let dump = std::path::absolute(&self.settings.dump)?;
                let temporary = dump.with_file_name(format!("temp-bg-{pid}.rdb"));
                if let Some(keeper) = &mut self.keeper {
                    keeper.begun(ticket, &dump);
                }
                (temporary, Some(dump), self.settings.snapshot_in_steps)
            }
            SnapshotKind::AofBase => {
                let temporary = std::path::absolute(format!("temp-rewriteaof-bg-{pid}.aof"))?;
                self.journal()?.send(Order::BeginRewrite(ticket, is_on));
                (temporary, None, self.settings.rewrite_in_steps)
            }
        };
        self.hold(true);
        let reports = Arc::clone(&self.reports);
        let manner = Manner { in_steps, key: self.key.clone() };
        let writing = Writing::start(Files, ticket, kind, temporary, name, manner, reports)?;
        self.snapshot = Some(writing);
        Ok(())
    }

    /// `no-appendfsync-on-rewrite`.
    fn hold(&self, hold: bool) {
        if let Some(journal) =
            self.tap.journal.get().filter(|_| self.settings.hold_on_rewrite || !hold)
        {
            journal.send(Order::Hold(hold));
        }
    }

    /// A snapshot is not wanted any more, or has failed.
    pub(crate) fn drop_snapshot(&mut self, ticket: Ticket) -> Option<SnapshotKind> {
        let writing = self.snapshot.take_if(|writing| writing.ticket == ticket)?;
        self.hold(false);
        if writing.kind == SnapshotKind::AofBase
            && let Some(journal) = self.tap.journal.get()
        {
            journal.send(Order::FailRewrite);
        }
        Some(writing.kind)
    }

    /// A snapshot is on disk; the base of the append-only file needs its name yet.
    pub(crate) fn adopt_base(&mut self, ticket: Ticket, path: PathBuf, is_rdb: bool) {
        if self.snapshot.as_ref().is_some_and(|writing| writing.ticket == ticket)
            && let Some(journal) = self.tap.journal.get()
        {
            journal.send(Order::EndRewrite(ticket, path, is_rdb));
        }
    }

    /// The next snapshot is one of the schedule's.
    pub(crate) fn due(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            keeper.due();
        }
    }

    /// A snapshot is done.
    pub(crate) fn end_snapshot(&mut self, ticket: Ticket) {
        if let Some(keeper) = &mut self.keeper {
            keeper.saved(ticket);
        }
        self.snapshot.take_if(|writing| writing.ticket == ticket);
        self.hold(false);
    }

    /// Makes the next bytes of a snapshot, at the end of a turn that began at `now` and has heard so many.
    #[inline]
    pub(crate) fn step(&mut self, engine: &mut Engine, clock: Clock, now: Now, heard: usize) {
        if self.snapshot.is_some() {
            self.step_now(engine, clock, now, heard);
        }
    }

    #[cold]
    fn step_now(&mut self, engine: &mut Engine, clock: Clock, now: Now, heard: usize) {
        let Some(writing) = &mut self.snapshot else { return };
        let start_us = clock.now().mono_us;
        let taken_us = start_us.saturating_sub(now.mono_us);
        let end_us = start_us + self.pace.allowance_us(now, heard, taken_us);
        while !writing.is_whole && !writing.is_full() {
            let progress = engine.snapshot(now, writing.ticket, &mut writing.piece, SLICE_BYTES);
            writing.is_whole = progress == Progress::Done;
            self.later = progress == Progress::Later;
            writing.made();
            if self.later || clock.now().mono_us >= end_us {
                return;
            }
        }
    }

    /// Whether the loop should come back at once, since there is a snapshot to go on with.
    #[inline]
    pub(crate) fn is_eager(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|w| !w.is_whole && !w.is_full() && !self.later)
    }

    /// Settings were changed.
    pub(crate) fn configure(&mut self, config: &Config) -> Option<io::Error> {
        let new = FileSettings::new(config);
        let old = core::mem::replace(&mut self.settings, new.clone());
        let journal = self.tap.journal.get()?;
        if new.policy != old.policy {
            journal.send(Order::Policy(new.policy));
        }
        if new.keep_history != old.keep_history {
            journal.send(Order::KeepHistory(new.keep_history));
        }
        if old.hold_on_rewrite && !new.hold_on_rewrite {
            journal.send(Order::Hold(false));
        }
        if old.is_on && !new.is_on {
            return journal.close().err();
        }
        None
    }

    /// The last thing: everything is on disk, and no temporary file is left.
    pub(crate) fn leave(&mut self) -> Option<io::Result<()>> {
        if let Some(writing) = self.snapshot.take() {
            let pid = std::process::id();
            let name = match writing.kind {
                SnapshotKind::Rdb => format!("temp-bg-{pid}.rdb"),
                SnapshotKind::AofBase => format!("temp-rewriteaof-bg-{pid}.aof"),
            };
            // Its thread may have been faster, or may not have begun.
            let _ = std::fs::remove_file(name);
        }
        let journal = self.tap.journal.get().filter(|_| self.settings.is_on)?;
        Some(journal.close())
    }
}
