//! What is saved, and how that went: the state behind LASTSAVE and INFO persistence.
//!
//! A host writes the files; the engine gives it a [`Ticket`](super::Ticket) for each snapshot and hears of its end.

use super::{Effect, Level, Now, Server, SnapshotKind, Ticket};
use crate::collections::decimal;
use crate::config::words::split;
use crate::error::Error;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// A background save that failed is tried again after so many seconds.
const RETRY_S: i64 = 5;

/// A snapshot that is being written.
#[derive(Debug)]
pub struct Running {
    /// Its name between engine and host.
    pub ticket: Ticket,
    /// What it is for.
    pub kind: SnapshotKind,
    /// Bytes that were written before their turn, once all is handed out.
    pub preserved: u64,
    /// When it began.
    pub since: Now,
    /// The changes that there had been when it began.
    pub dirty: u64,
}

impl Running {
    /// How long it has taken so far.
    pub fn seconds(&self, now: Now) -> i64 {
        (now.mono_us.saturating_sub(self.since.mono_us) / 1_000_000) as i64
    }
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
    /// `save`: so many seconds after the last save, if there were so many changes.
    pub points: Vec<(i64, u64)>,
    /// `stop-writes-on-bgsave-error`.
    pub stop_writes: bool,
    /// `auto-aof-rewrite-percentage`, 0 for never, and `auto-aof-rewrite-min-size`.
    pub auto_rewrite: (u64, u64),
    /// `rdb-key-save-delay`: the microseconds that a key takes, or, negative, the keys that a microsecond is
    /// enough for.
    pub key_delay: i64,
    /// The changes that are saved, of all that there have been.
    pub clean: u64,
    /// The snapshot that is being written.
    pub running: Option<Running>,
    /// Since when one is being written that goes to replicas and no file: `server::replication` has the rest.
    pub feeding: Option<Now>,
    /// A background save is to begin as soon as it can.
    pub save_scheduled: bool,
    /// A rewrite of the append-only file is to begin as soon as it can.
    pub rewrite_scheduled: bool,
    /// The append-only file was turned on and has no base yet: a rewrite that fails is tried again.
    pub needs_base: bool,
    /// When a rewrite that failed may be tried again, in Unix seconds.
    pub rewrite_retry_s: i64,
    /// A signal has asked for the end, in this way; the cron sees to it.
    pub end: Option<Box<[u8]>>,
    /// When all was saved for the last time, in Unix seconds; the birth of the engine before that.
    pub last_save_unix_s: i64,
    /// When a background save was tried for the last time.
    pub last_try_unix_s: i64,
    /// The last background save.
    pub save: Record,
    /// The last rewrite of the append-only file.
    pub rewrite: Record,
    /// Saves that began.
    pub saves: u64,
    /// Bytes that the last background save wrote before their turn, and the last rewrite.
    pub preserved: (u64, u64),
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
    /// The host reads the append-only file again when DEBUG LOADAOF asks for it.
    pub loads_aof: bool,
    /// The number of the client that has asked for it.
    pub aof_wanted_by: Option<u64>,
}

/// What DEBUG LOADAOF says when it cannot be done.
pub const AOF_NOT_LOADED: Error =
    Error::Text("ERR Error trying to load the AOF files, check server logs.");

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
            points: Vec::new(),
            stop_writes: true,
            auto_rewrite: (0, 0),
            key_delay: 0,
            clean: 0,
            running: None,
            feeding: None,
            save_scheduled: false,
            rewrite_scheduled: false,
            needs_base: false,
            end: None,
            rewrite_retry_s: 0,
            last_save_unix_s: now.unix_ms() / 1000,
            last_try_unix_s: 0,
            save: Record::default(),
            rewrite: Record::default(),
            saves: 0,
            preserved: (0, 0),
            rewrites: 0,
            failed_rewrites: 0,
            aof: AofSizes::default(),
            loading: None,
            loaded: (0, 0),
            loads_aof: false,
            aof_wanted_by: None,
        }
    }

    /// What `save` says.
    pub fn set_points(&mut self, words: &[u8]) {
        let mut numbers = split(words).filter_map(decimal::parse);
        self.points.clear();
        while let (Some(seconds), Some(changes)) = (numbers.next(), numbers.next()) {
            self.points.push((seconds, changes.unsigned_abs()));
        }
    }

    /// The changes that are not saved, of `dirty` that there have been.
    pub fn unsaved(&self, dirty: u64) -> u64 {
        dirty.saturating_sub(self.clean)
    }

    /// The first point at which so many unsaved changes are saved: how long after the last save, and for how many.
    fn due_point(&self, unsaved: u64) -> Option<(i64, u64)> {
        let points = self.points.iter().filter(|&&(_, changes)| unsaved >= changes);
        points.copied().min_by_key(|&(seconds, _)| seconds)
    }

    /// From when on all that is not saved is to be saved in the background, in Unix seconds, and by which point.
    pub fn next_save_s(&self, dirty: u64) -> Option<(i64, (i64, u64))> {
        let point = self.due_point(self.unsaved(dirty))?;
        let after_last = self.last_save_unix_s.saturating_add(point.0).saturating_add(1);
        Some((after_last.max(self.retry_s()), point))
    }

    /// From when on another background save may be tried, in Unix seconds.
    pub fn retry_s(&self) -> i64 {
        if self.save.ok { 0 } else { self.last_try_unix_s + RETRY_S + 1 }
    }

    /// How much the append-only file has grown since it was rewritten, in percent, when that is enough for it to be
    /// rewritten; the journal ends at `end`.
    pub fn growth(&self, end: u64) -> Option<u64> {
        let (percent, least) = self.auto_rewrite;
        let size = self.aof.all + end.saturating_sub(self.aof.offset);
        if percent == 0 || size <= least {
            return None;
        }
        let before = self.aof.rewritten.max(1);
        let growth = (size.saturating_mul(100) / before).saturating_sub(100);
        (growth >= percent).then_some(growth)
    }

    /// How many keys may be written in `elapsed_us` microseconds.
    pub fn keys_in(&self, elapsed_us: u64) -> u64 {
        let delay = self.key_delay.unsigned_abs();
        match self.key_delay {
            0 => u64::MAX,
            1.. => elapsed_us / delay,
            _ => elapsed_us.saturating_mul(delay),
        }
    }

    /// Whether a snapshot of this kind is being written. One for replicas is an RDB file like any other.
    pub fn is_running(&self, kind: SnapshotKind) -> bool {
        self.running.as_ref().is_some_and(|running| running.kind == kind)
            || (kind == SnapshotKind::Rdb && self.feeding.is_some())
    }

    /// Whether any is: there is one at a time.
    pub fn is_busy(&self) -> bool {
        self.running.is_some() || self.feeding.is_some()
    }

    /// When the one that is being written began.
    pub fn since(&self) -> Option<Now> {
        self.running.as_ref().map(|running| running.since).or(self.feeding)
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
                state.saves += 1;
                state.last_try_unix_s = self.now.unix_ms() / 1000;
                "Background saving started"
            }
            SnapshotKind::AofBase => {
                state.rewrite_scheduled = false;
                state.rewrites += 1;
                "Background append only file rewriting started"
            }
        };
        state.running = Some(Running { ticket, kind, preserved: 0, since: self.now, dirty });
        self.effects.push_back(Effect::Log(Level::Notice, line.into()));
        // Before what is promised to clients from now on, and after the journal up to here.
        let place = usize::from(matches!(self.effects.front(), Some(Effect::AppendJournal)));
        self.effects.insert(place, Effect::BeginSnapshot(ticket, kind));
    }

    /// Gives a snapshot up that is being written.
    pub fn abort_snapshot(&mut self) {
        if self.persistence.feeding.is_some() {
            self.end_feeding();
        }
        if let Some(running) = self.persistence.running.take() {
            let seconds = running.seconds(self.now);
            match running.kind {
                SnapshotKind::Rdb => self.persistence.save.seconds = seconds,
                SnapshotKind::AofBase => self.persistence.rewrite.seconds = seconds,
            }
            self.effects.push_back(Effect::AbortSnapshot(running.ticket));
        }
    }

    /// The host has written a snapshot, or could not.
    pub fn complete_snapshot(&mut self, running: &Running, outcome: Result<(), &str>) {
        let seconds = running.seconds(self.now);
        let record = Record { ok: outcome.is_ok(), seconds };
        let state = &mut self.persistence;
        let (level, line) = match (running.kind, outcome) {
            (SnapshotKind::Rdb, Ok(())) => {
                state.last_save_unix_s = self.now.unix_ms() / 1000;
                state.clean = running.dirty;
                (Level::Notice, "Background saving terminated with success".into())
            }
            (SnapshotKind::Rdb, Err(error)) => {
                (Level::Warning, format!("Background saving error: {error}"))
            }
            (SnapshotKind::AofBase, Ok(())) => {
                state.failed_rewrites = 0;
                state.needs_base = false;
                (Level::Notice, "Background AOF rewrite terminated with success".into())
            }
            (SnapshotKind::AofBase, Err(error)) => {
                state.failed_rewrites += 1;
                state.rewrite_scheduled |= state.needs_base;
                // Sooner at first, and at last once an hour or so.
                let doubled = state.failed_rewrites.min(10) as u32 - 1;
                state.rewrite_retry_s = self.now.unix_ms() / 1000 + (RETRY_S << doubled);
                (Level::Warning, format!("Background AOF rewrite terminated with error: {error}"))
            }
        };
        match running.kind {
            SnapshotKind::Rdb => (state.save, state.preserved.0) = (record, running.preserved),
            SnapshotKind::AofBase => {
                (state.rewrite, state.preserved.1) = (record, running.preserved);
            }
        }
        self.effects.push_back(Effect::Log(level, line));
    }
}
