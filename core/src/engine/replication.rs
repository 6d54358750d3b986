//! The data set on its way to those who asked for it through a connection (SYNC, PSYNC): a snapshot of one
//! moment, then, unless that is all they want, each change to it.
//!
//! ```text
//! Waiting ──a snapshot begins──▶ Receiving ──────────────────────────▶ Online
//!                                    └──it has a length──▶ Reading ──────┘
//! ```
//!
//! The snapshot is a cut like that of BGSAVE, of which there is one at a time: all who have asked when it begins
//! share it, others wait for the next. Its pieces are made only while the outboxes of all who receive it have
//! room, so that one who reads slowly costs no memory but that of entries written before their turn; those count
//! against the limit of the class. Who takes nothing for `repl-timeout` is given up.
//!
//! `$EOF:<mark>` goes before a snapshot whose length nobody knows yet. Who does not know that form gets
//! `$<length>`: the snapshot goes to a spool of the host first (a file without a name), since memory for all of
//! it cannot be counted on and nothing but having written it tells its length. The host may write at leisure: no
//! more is made while much waits, and nothing is sent before all is there.
//!
//! The changes are the journal's. What they cost is a copy for each replica.

use super::{ConnId, Engine, Level, Now};
use crate::client::replica::{Replica, Source, Stage};
use crate::commands::server::persistence;
use crate::persist::rdb::background::Background;
use crate::persist::rdb::data_set;
use crate::rng::Rng;
use crate::server::replication::Sink;
use crate::store::Store;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// About so many bytes of a snapshot are made at once.
const STEP_BYTES: usize = 16 << 10;
/// When so many wait to be sent to a replica, it gets no more of its snapshot.
const ROOM_BYTES: usize = 256 << 10;
/// When so many wait to be written to the spool, no more are made.
const SPOOL_BYTES: usize = 3 << 20;
/// How often replicas hear that all is well.
const TICK_US: u64 = 1_000_000;

impl Engine {
    /// When replicas want something done, on the monotonic clock.
    pub(super) fn replication_deadline(&self) -> Option<u64> {
        let state = &self.server.replication;
        if state.replicas.is_empty() && state.sink.is_none() {
            return None;
        }
        let wants = |conn: &ConnId| match self.server.stage(*conn) {
            Some(Stage::Waiting) => self.may_begin(),
            Some(Stage::Reading) => self.has_room(*conn),
            _ => false,
        };
        let is_busy = state.replicas.iter().any(wants) || (state.sink.is_some() && self.may_feed());
        Some(if is_busy { self.server.now.mono_us } else { state.next_tick_us })
    }

    /// Does what there is to do for replicas.
    pub(super) fn replicate(&mut self, now: Now) {
        let state = &self.server.replication;
        if state.replicas.is_empty() && state.sink.is_none() {
            return;
        }
        let waiting = self.server.replicas_at(Stage::Waiting);
        if !waiting.is_empty() && self.may_begin() {
            self.begin_feeding(&waiting);
        }
        if self.server.replication.sink.is_some() && self.may_feed() {
            self.feed();
        }
        for conn in self.server.replicas_at(Stage::Reading) {
            self.read_on(conn);
        }
        if now.mono_us >= self.server.replication.next_tick_us {
            self.server.replication.next_tick_us = now.mono_us + TICK_US;
            self.tick_replicas(now);
        }
        let replicas = &self.server.replication.replicas;
        let is_fed = |conn: &ConnId| {
            let replica = self.server.clients.get(*conn).and_then(|client| client.replica.as_ref());
            replica.is_some_and(|replica| replica.stage > Stage::Waiting && !replica.rdb_only)
        };
        if self.store.journal.fed && !replicas.iter().any(is_fed) {
            self.store.journal.stop_feeding();
        }
    }

    fn may_begin(&self) -> bool {
        let state = &self.server.persistence;
        !state.is_busy() && state.loading.is_none() && !self.server.cron_paused
    }

    /// Whether more of the snapshot can be made, or it is to be given up: there is room for it, or nobody there to
    /// wait for. When all is made, whether all is in the spool.
    fn may_feed(&self) -> bool {
        self.is_over()
            || match &self.server.replication.sink {
                Some(Sink::Sockets(_)) => self
                    .server
                    .replicas_at(Stage::Receiving)
                    .into_iter()
                    .all(|conn| self.has_room(conn)),
                Some(Sink::Spool(spool, _)) => {
                    spool.waiting() <= if self.store.cut.is_written() { SPOOL_BYTES } else { 0 }
                }
                None => true,
            }
    }

    /// Whether what is changed before its turn in the snapshot has grown over the limit for replicas.
    fn is_over(&self) -> bool {
        let limit = self.server.clients.limits.classes[1].hard;
        limit > 0 && self.store.cut.ready().unwrap_or(0) as u64 > limit
    }

    fn has_room(&self, conn: ConnId) -> bool {
        self.server.clients.get(conn).is_none_or(|client| client.output_bytes() < ROOM_BYTES)
    }

    fn replica_mut(&mut self, conn: ConnId) -> Option<&mut Replica> {
        self.server.clients.get_mut(conn)?.replica.as_deref_mut()
    }

    /// Begins the snapshot that those who wait share, if they want the same form of it.
    fn begin_feeding(&mut self, waiting: &[ConnId]) {
        let diskless = self.server.config.is_on("repl-diskless-sync");
        let spool = self.server.hooks.spool;
        let by_mark = |replica: &Replica| replica.finds_end && (diskless || spool.is_none());
        let (mut form, mut joined) = (None, Vec::new());
        for &conn in waiting {
            let Some(replica) = self.replica_mut(conn) else { continue };
            if !replica.keys {
                self.send_functions(conn);
            } else if *form.get_or_insert_with(|| by_mark(replica)) == by_mark(replica) {
                joined.push(conn);
            }
        }
        let Some(form) = form else { return };
        let sink = if form {
            Sink::Sockets(self.store.rng.hex_id())
        } else {
            match spool.map_or(Err("there is no disk".into()), |spool| spool(&self.server.config)) {
                Ok(spool) => Sink::Spool(spool, 0),
                Err(error) => {
                    let line = format!("Can't keep a snapshot for replicas: {error}");
                    self.server.log(Level::Warning, line);
                    joined.iter().for_each(|conn| self.server.drop_replica(*conn));
                    return;
                }
            }
        };
        let head = match &sink {
            Sink::Sockets(mark) => format!("$EOF:{mark}\r\n"),
            Sink::Spool(..) => "".into(),
        };
        let line = match &sink {
            Sink::Sockets(_) => "Starting BGSAVE for SYNC with target: replicas sockets",
            Sink::Spool(..) => "Starting BGSAVE for SYNC with target: disk",
        };
        self.server.log(Level::Notice, line);
        for conn in joined {
            self.join(conn, head.as_bytes());
        }
        let libraries = self.server.scripting.libraries.codes();
        let options = persistence::options(&self.store, &self.server);
        let scribe = Background::new(options, self.server.origin(false), &libraries);
        self.store.begin_cut(Box::new(scribe));
        self.server.persistence.feeding = Some(self.server.now);
        self.server.replication.sink = Some(sink);
    }

    /// The snapshot of a replica is of this moment: what changes from now on comes behind it.
    fn join(&mut self, conn: ConnId, head: &[u8]) {
        let (offset, now) = (self.server.replication.offset, self.server.now);
        let id = self.server.replication_id.clone();
        let Some(replica) = self.replica_mut(conn) else { return };
        replica.stage = Stage::Receiving;
        (replica.moved_us, replica.acked_ms) = (now.mono_us, now.unix_ms());
        let (psync, rdb_only) = (replica.psync, replica.rdb_only);
        if !rdb_only {
            self.store.journal.feed();
        }
        if psync {
            let line = format!("+FULLRESYNC {id} {offset}\r\n");
            self.server.clients.tell_line(conn, line.as_bytes());
        }
        self.server.clients.tell_line(conn, head);
    }

    /// A snapshot without keys needs no cut.
    fn send_functions(&mut self, conn: ConnId) {
        let mark = self.store.rng.hex_id();
        self.join(conn, format!("$EOF:{mark}\r\n").as_bytes());
        let wants = self.replica_mut(conn).is_some_and(|replica| replica.functions);
        let libraries = if wants { self.server.scripting.libraries.codes() } else { Vec::new() };
        let options = persistence::options(&self.store, &self.server);
        let empty = Store::new(1, self.store.tuning.clone(), Rng::new(0));
        let mut file = data_set::save(&empty, options, self.server.origin(false), libraries);
        file.extend_from_slice(mark.as_bytes());
        self.server.clients.tell_line(conn, &file);
        self.put_online(conn);
    }

    /// Makes the next piece of the snapshot.
    fn feed(&mut self) {
        let receiving = self.server.replicas_at(Stage::Receiving);
        let is_over = self.is_over();
        if receiving.is_empty() || is_over {
            let line = if is_over {
                "A snapshot for replicas was given up: they read too slowly for what is changed meanwhile."
            } else {
                "Nobody is left who wants the snapshot for replicas."
            };
            self.server.log(Level::Warning, line);
            self.give_up_feeding();
            return;
        }
        let (mut piece, mut is_kept) = (Vec::new(), true);
        let done = self.store.write_cut(&mut piece, STEP_BYTES, u64::MAX);
        match &mut self.server.replication.sink {
            Some(Sink::Sockets(mark)) => {
                if done {
                    piece.extend_from_slice(mark.as_bytes());
                }
                for conn in &receiving {
                    self.server.clients.tell_line(*conn, &piece);
                }
            }
            Some(Sink::Spool(spool, len)) => {
                *len += piece.len() as u64;
                let mut kept = spool.write(piece);
                is_kept = spool.waiting() == 0;
                if is_kept && kept.is_ok() {
                    // The last piece may have failed by now, which the next one is told.
                    kept = spool.write(Vec::new());
                }
                if let Err(error) = kept {
                    let line = format!("Write error keeping a snapshot for replicas: {error}");
                    self.server.log(Level::Warning, line);
                    self.give_up_feeding();
                    return;
                }
            }
            None => {}
        }
        if done && is_kept {
            self.complete_feeding(&receiving);
        }
    }

    /// The snapshot is made.
    fn complete_feeding(&mut self, receiving: &[ConnId]) {
        self.server.log(Level::Notice, "Background RDB transfer terminated with success");
        let sink = self.server.replication.sink.take();
        for &conn in receiving {
            if let Some(Sink::Spool(spool, len)) = &sink {
                let source = Source { spool: spool.clone(), at: 0, len: *len };
                if let Some(replica) = self.replica_mut(conn) {
                    replica.source = Some(source);
                    replica.stage = Stage::Reading;
                }
                self.server.clients.tell_line(conn, format!("${len}\r\n").as_bytes());
            } else {
                self.put_online(conn);
            }
        }
        self.server.end_feeding();
    }

    fn give_up_feeding(&mut self) {
        self.store.abandon_cut();
        self.server.end_feeding();
    }

    /// Sends more of a snapshot that the host keeps.
    fn read_on(&mut self, conn: ConnId) {
        if !self.has_room(conn) {
            return;
        }
        let Some(replica) = self.replica_mut(conn) else { return };
        let Some(source) = &mut replica.source else { return };
        let len = (source.len - source.at).min(ROOM_BYTES as u64) as usize;
        let mut piece = Vec::new();
        let result = source.spool.read(source.at, len, &mut piece);
        source.at += len as u64;
        let done = source.at == source.len;
        if result.is_err() || piece.len() != len {
            self.server.log(Level::Warning, "Read error sending a snapshot to a replica.");
            return self.server.drop_replica(conn);
        }
        self.server.clients.tell_line(conn, &piece);
        if done {
            self.put_online(conn);
        }
    }

    /// A replica was given the whole snapshot.
    fn put_online(&mut self, conn: ConnId) {
        let Some(replica) = self.replica_mut(conn) else { return };
        replica.stage = Stage::Online;
        replica.source = None;
        let behind = core::mem::take(&mut replica.behind);
        if replica.rdb_only {
            if let Some(client) = self.server.clients.get_mut(conn) {
                client.closing = true;
                self.server.clients.told.push(conn);
            }
        } else if !behind.is_empty() {
            self.server.clients.tell_line(conn, &behind);
        }
    }

    /// A unit of the journal has ended: it goes to all who want what changes. That costs a copy for each of them
    /// and no memory but that of their outboxes.
    #[cold]
    pub(super) fn feed_replicas(&mut self) {
        self.server.send_to_replicas(self.store.journal.feedable());
        self.store.journal.pass_fed();
    }

    /// Once a second: those who wait hear that they are not forgotten, those who hang are let go.
    fn tick_replicas(&mut self, now: Now) {
        let state = &mut self.server.replication;
        state.ticks += 1;
        let period = self.server.config.number("repl-ping-replica-period").max(1) as u64;
        if state.ticks.is_multiple_of(period) && self.store.journal.fed {
            self.server.send_to_replicas(b"*1\r\n$4\r\nPING\r\n");
        }
        let timeout_s = self.server.config.number("repl-timeout").max(1) as u64;
        let is_spooled = matches!(self.server.replication.sink, Some(Sink::Spool(..)));
        for conn in self.server.replication.replicas.clone() {
            let Some(client) = self.server.clients.get_mut(conn) else { continue };
            let (pending, bytes_out) = (client.output_bytes(), client.bytes_out);
            let Some(replica) = client.replica.as_deref_mut() else { continue };
            // Redis counts what was heard of one that is online, here as there, if it says anything.
            let silent_ms = now.unix_ms() - replica.acked_ms;
            let is_silent = replica.psync
                && replica.stage == Stage::Online
                && silent_ms > timeout_s as i64 * 1000;
            if pending < ROOM_BYTES || replica.sent_before != bytes_out {
                (replica.moved_us, replica.sent_before) = (now.mono_us, bytes_out);
            }
            let is_stuck = now.mono_us.saturating_sub(replica.moved_us) > timeout_s * 1_000_000;
            let waits = replica.stage == Stage::Waiting
                || (replica.stage == Stage::Receiving && is_spooled);
            if is_silent || is_stuck {
                self.server.log(Level::Warning, "Disconnecting timedout replica");
                self.server.drop_replica(conn);
            } else if waits && pending == 0 {
                self.server.clients.tell_line(conn, b"\n");
            }
        }
    }
}
