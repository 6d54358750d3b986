//! What is saved, and how that went: the state behind LASTSAVE and INFO persistence.
//!
//! A host writes the files; the engine gives it a [`Ticket`](super::Ticket) for each snapshot and hears of its end.

use super::{Effect, Level, Now, Server, SnapshotKind, Ticket};
use alloc::format;

/// A snapshot that is being written.
#[derive(Debug)]
pub struct Running {
    /// Its name between engine and host.
    pub ticket: Ticket,
    /// What it is for.
    pub kind: SnapshotKind,
    /// When it began.
    pub since: Now,
    /// Changes that were not saved when it began, and are when it is done.
    pub dirty: u64,
}

/// How the last one of a kind went.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    /// Whether it succeeded; true before there was one.
    pub ok: bool,
    /// How long it took, in seconds; -1 before there was one.
    pub seconds: i64,
}

impl Default for Record {
    fn default() -> Self {
        Self { ok: true, seconds: -1 }
    }
}

/// What is saved, and how that went.
#[derive(Debug)]
pub struct Persistence {
    /// The last ticket that was given out.
    tickets: u64,
    /// The snapshot that is being written.
    pub running: Option<Running>,
    /// A background save is to begin as soon as it can.
    pub save_scheduled: bool,
    /// A rewrite of the append-only file is to begin as soon as it can.
    pub rewrite_scheduled: bool,
    /// When all was saved for the last time, in Unix seconds; the birth of the engine before that.
    pub last_save_unix_s: i64,
    /// When a background save was tried for the last time.
    pub last_try_unix_s: i64,
    /// The last background save.
    pub save: Record,
    /// The last rewrite of the append-only file.
    pub rewrite: Record,
    /// Saves that succeeded.
    pub saves: u64,
    /// Rewrites that began.
    pub rewrites: u64,
    /// Rewrites that failed since one succeeded.
    pub failed_rewrites: u64,
    /// What the host said last of the append-only file's size.
    pub aof: AofSizes,
    /// Files that are being read, while they are.
    pub loading: Option<Loading>,
    /// Keys that were taken from RDB files when they were loaded, and keys that were not since their time was up.
    pub loaded: (u64, u64),
    /// DEBUG LOADAOF has asked for the file.
    pub wants_aof: bool,
}

/// How large the append-only file was, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AofSizes {
    /// Its base.
    pub base: u64,
    /// All of it, before the journal's byte at `offset`.
    pub all: u64,
    /// Where the journal was then, in bytes since the engine began.
    pub offset: u64,
    /// How large it was after the last rewrite, or at the start.
    pub rewritten: u64,
}

/// How far the reading of files has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loading {
    /// When it began.
    pub since: Now,
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes that were read.
    pub done: u64,
}

impl Persistence {
    /// Nothing was saved yet.
    pub fn new(now: Now) -> Self {
        Self {
            tickets: 0,
            running: None,
            save_scheduled: false,
            rewrite_scheduled: false,
            last_save_unix_s: now.unix_ms() / 1000,
            last_try_unix_s: 0,
            save: Record::default(),
            rewrite: Record::default(),
            saves: 0,
            rewrites: 0,
            failed_rewrites: 0,
            aof: AofSizes::default(),
            loading: None,
            loaded: (0, 0),
            wants_aof: false,
        }
    }

    /// Whether a snapshot of this kind is being written.
    pub fn is_running(&self, kind: SnapshotKind) -> bool {
        self.running.as_ref().is_some_and(|running| running.kind == kind)
    }
}

impl Server {
    /// Notes that a snapshot begins; none may be running.
    pub fn begin_snapshot(&mut self, kind: SnapshotKind, dirty: u64) {
        let state = &mut self.persistence;
        debug_assert!(state.running.is_none(), "one snapshot at a time");
        state.tickets += 1;
        let ticket = Ticket(state.tickets);
        let line = match kind {
            SnapshotKind::Rdb => {
                state.save_scheduled = false;
                state.last_try_unix_s = self.now.unix_ms() / 1000;
                "Background saving started"
            }
            SnapshotKind::AofBase => {
                state.rewrite_scheduled = false;
                state.rewrites += 1;
                "Background append only file rewriting started"
            }
        };
        state.running = Some(Running { ticket, kind, since: self.now, dirty });
        self.effects.push_back(Effect::Log(Level::Notice, line.into()));
        // Before what is promised to clients from now on, and after the journal up to here.
        let place = usize::from(matches!(self.effects.front(), Some(Effect::AppendJournal)));
        self.effects.insert(place, Effect::BeginSnapshot(ticket, kind));
    }

    /// The host has written a snapshot, or could not; the changes that are saved now.
    pub fn complete_snapshot(&mut self, running: &Running, outcome: Result<(), &str>) -> u64 {
        let seconds = (self.now.mono_us.saturating_sub(running.since.mono_us) / 1_000_000) as i64;
        let record = Record { ok: outcome.is_ok(), seconds };
        let state = &mut self.persistence;
        let (level, line) = match (running.kind, outcome) {
            (SnapshotKind::Rdb, Ok(())) => {
                state.last_save_unix_s = self.now.unix_ms() / 1000;
                state.saves += 1;
                (Level::Notice, "Background saving terminated with success".into())
            }
            (SnapshotKind::Rdb, Err(error)) => {
                (Level::Warning, format!("Background saving error: {error}"))
            }
            (SnapshotKind::AofBase, Ok(())) => {
                state.failed_rewrites = 0;
                (Level::Notice, "Background AOF rewrite terminated with success".into())
            }
            (SnapshotKind::AofBase, Err(error)) => {
                state.failed_rewrites += 1;
                (Level::Warning, format!("Background AOF rewrite terminated with error: {error}"))
            }
        };
        match running.kind {
            SnapshotKind::Rdb => state.save = record,
            SnapshotKind::AofBase => state.rewrite = record,
        }
        self.effects.push_back(Effect::Log(level, line));
        if running.kind == SnapshotKind::Rdb && outcome.is_ok() { running.dirty } else { 0 }
    }
}
