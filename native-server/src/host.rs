//! What the two event loops share: the engine, the clocks, who is let in, and the effects that are not
//! about a connection.

use core::time::Duration;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use redstart_core::{Config, ConnId, Effect, Engine, Now, SnapshotKind, Ticket};
use rustix::io::Errno;
use rustix::net::{SendFlags, SocketFlags};

use crate::clock::Clock;
use crate::log::Log;
use crate::net::listen;
use crate::persist::disk::Files;
use crate::persist::load::{Loading, Refusal, What};
use crate::persist::manifest::Manifest;
use crate::persist::seal::Key;
use crate::persist::{FileSettings, Line, Persist, Report};
use crate::process::{self, Title};
use crate::settings::{Settings, reason};
use crate::signals::{Ask, Signals};
use crate::{REDIS_VERSION, VERSION, crash, lent};

/// Whether the event loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Stay,
    Leave,
}

/// Everything but the sockets' loop.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) engine: Engine,
    pub(crate) signals: Signals,
    pub(crate) log: Log,
    pub(crate) settings: Settings,
    pub(crate) persist: Persist,
    pub(crate) exit_code: u8,
    title: Title,
    clock: Clock,
    stopping: bool,
    /// What is being loaded.
    loading: Option<Box<Loading<Files>>>,
    /// It is loaded again, for DEBUG LOADAOF.
    reloading: bool,
    /// It could not be loaded: the log says why, and nothing else is to be said.
    pub(crate) failed: bool,
}

impl Host {
    /// Opens what has to be open before connections come. `None`: something is in the way, and the log
    /// says what.
    pub(crate) fn start(
        mut config: Config,
        mut settings: Settings,
        log: Log,
        title: Title,
        config_file: Option<PathBuf>,
        key: Option<Key>,
    ) -> io::Result<Option<Self>> {
        let signals = Signals::install()?;
        let Some(clients) = process::raise_open_files(settings.maxclients, &log) else {
            return Ok(None);
        };
        if clients != settings.maxclients {
            settings.maxclients = clients;
            // It is smaller than what was accepted before.
            let _ = config.set("maxclients", clients.to_string().as_bytes());
        }
        if !lent::open(&settings, &log, config_file) {
            return Ok(None);
        }
        lent::lend_key(key.clone());
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let clock = Clock::new();
        let persist = Persist::new(&config, key)?;
        lent::lend_reports(persist.way_to_report());
        let mut engine = Engine::new(config, seed, clock.now(), lent::hooks());
        if let Err(errors) = engine.load_acl_file() {
            log.warning(format_args!("Aborting Redis startup because of ACL errors: {errors}"));
            return Ok(None);
        }
        Ok(Some(Self {
            engine,
            signals,
            log,
            settings,
            persist,
            exit_code: 0,
            title,
            clock,
            stopping: false,
            loading: None,
            reloading: false,
            failed: false,
        }))
    }

    /// Tells who it is: the log, the pid file, the title.
    pub(crate) fn introduce(&mut self, in_background: bool) {
        let pid = std::process::id();
        if in_background || self.settings.pidfile.is_some() {
            let path = self.settings.pidfile.get_or_insert_with(|| "/var/run/redis.pid".into());
            process::write_pid_file(path, &self.log);
        }
        self.title.show(&self.settings);
        let port = self.settings.port;
        let bits = usize::BITS;
        if self.settings.show_logo || self.log.is_on_a_terminal() {
            self.log.raw(&format!(
                "\n     *\n    ***      Redstart {VERSION} ({bits} bit), Redis {REDIS_VERSION}\n \
                 *********\n   *****     Port: {port}\n  *** ***    PID: {pid}\n *       *\n\n"
            ));
        } else {
            self.log.notice(format_args!("Running mode=standalone, port={port}."));
        }
        self.log.warning("Server initialized");
        for (name, part) in self.engine.config().unheeded().collect::<Vec<_>>() {
            self.log.warning(format_args!("'{name}' has no effect yet: it waits for {part}"));
        }
    }

    /// Begins to load what was saved, and is done with it if it is little. `false`: it cannot be loaded, and the
    /// log says why.
    pub(crate) fn begin_load(&mut self) -> bool {
        let files = FileSettings::new(self.engine.config());
        let what = if files.is_on { What::Aof(files.place) } else { What::Snapshot(files.dump) };
        match Loading::begin(Files, what, files.truncated_is_fine) {
            Ok(mut loading) => {
                loading.key = lent::key();
                self.loading = Some(Box::new(loading));
                self.load()
            }
            Err(Refusal(lines)) => {
                self.tell(lines);
                false
            }
        }
    }

    /// DEBUG LOADAOF: begins to load the append-only file, with all that was journaled so far.
    fn reload_aof(&mut self, now: Now) {
        self.persist.tap.flush(&mut self.engine);
        let files = FileSettings::new(self.engine.config());
        match Loading::begin(Files, What::Aof(files.place), files.truncated_is_fine) {
            Ok(mut loading) => {
                loading.key = lent::key();
                self.loading = Some(Box::new(loading));
                self.reloading = true;
            }
            Err(Refusal(lines)) => self.refuse_reload(now, lines),
        }
    }

    fn refuse_reload(&mut self, now: Now, lines: Vec<Line>) {
        self.tell(lines);
        self.engine.aof_loaded(now, Err("the append-only file cannot be read"));
    }

    /// Loads on for a while; `false`: it cannot, and the log says why.
    #[cold]
    fn load(&mut self) -> bool {
        let Some(mut loading) = self.loading.take() else { return true };
        let config = self.engine.config();
        let piece = config.number("loading-process-events-interval-bytes").max(1) as u64;
        let key_us = config.number("key-load-delay").max(0) as u64;
        let (start, keys) = (loading.done, loading.loaded.keys);
        loading.piece_bytes = piece.min(256 << 10) as usize;
        self.engine.set_loading(self.clock.now(), Some((loading.done, loading.bytes)));
        let result = loop {
            let result = loading.step(&mut self.engine, self.clock.now());
            if !matches!(result, Ok(false)) || loading.done - start >= piece {
                break result;
            }
        };
        self.tell(core::mem::take(&mut loading.log));
        if key_us > 0 {
            let loaded = loading.loaded.keys - keys;
            std::thread::sleep(Duration::from_micros(key_us * loaded));
        }
        let result = result.and_then(|is_done| {
            if !is_done {
                self.loading = Some(loading);
                return Ok(());
            }
            if core::mem::take(&mut self.reloading) {
                self.engine.aof_loaded(self.clock.now(), Ok(()));
                return Ok(());
            }
            self.engine.set_loading(self.clock.now(), None);
            self.engine.set_loaded(loading.loaded.keys, loading.loaded.expired);
            self.engine.forget_changes();
            self.start_aof(loading.manifest)?;
            self.open();
            Ok(())
        });
        match result {
            Ok(()) => true,
            Err(Refusal(lines)) if core::mem::take(&mut self.reloading) => {
                self.refuse_reload(self.clock.now(), lines);
                true
            }
            Err(Refusal(lines)) => {
                self.tell(lines);
                false
            }
        }
    }

    /// All was loaded: the append-only file is written from now on, if it is on.
    fn start_aof(&mut self, manifest: Option<Manifest>) -> Result<(), Refusal> {
        self.engine.offer_to_load_aof();
        lent::lend_tap(Rc::clone(&self.persist.tap));
        // What was journaled while there was nowhere to write it is in the files.
        self.persist.tap.append(&mut self.engine);
        let Some(manifest) = manifest else { return Ok(()) };
        let now = self.clock.now();
        let empty = if self.engine.config().is_on("aof-use-rdb-preamble") {
            self.engine.empty_base(now)
        } else {
            Vec::new()
        };
        let started = self.persist.start(manifest, &empty);
        self.take_reports(now);
        let sizes = started.map_err(Refusal)?;
        self.engine.set_aof_sizes(sizes.base, sizes.all, self.persist.end());
        Ok(())
    }

    fn tell(&self, lines: Vec<Line>) {
        for (level, line) in lines {
            self.log.line(level, line);
        }
    }

    /// Tells that it is ready.
    fn open(&mut self) {
        if self.settings.port != 0 {
            self.log.notice("Ready to accept connections");
        }
        if let Some(path) = &self.settings.unixsocket {
            let path = path.display();
            self.log
                .notice(format_args!("The server is now ready to accept connections at {path}"));
        }
    }

    /// The last thing a server does, while its connections are still there.
    pub(crate) fn leave(&mut self) {
        if self.failed {
            return;
        }
        self.persist.tap.append(&mut self.engine);
        if let Some(result) = self.persist.leave() {
            self.log.notice("Calling fsync() on the AOF file.");
            if let Err(error) = result {
                let reason = reason(&error);
                self.log.warning(format_args!("Fail to fsync the AOF file: {reason}"));
            }
        }
        if let Some(path) = &self.settings.pidfile {
            self.log.notice("Removing the pid file.");
            // Somebody else may have done it.
            let _ = std::fs::remove_file(path);
        }
        if lent::close() {
            self.log.notice("Removing the unix socket file.");
        }
        self.log.warning("Redstart is now ready to exit, bye bye...");
    }

    /// How long the loop may wait for something to happen; `None`: for ever.
    pub(crate) fn patience(&self) -> Option<Duration> {
        if self.persist.is_eager() || self.loading.is_some() {
            return Some(Duration::ZERO);
        }
        let deadline_us = self.engine.deadline()?;
        Some(Duration::from_micros(deadline_us.saturating_sub(self.clock.now().mono_us)))
    }

    /// The time of one turn of the loop.
    #[inline]
    pub(crate) fn begin_turn(&self) -> Now {
        self.clock.now()
    }

    /// What is to be done once in a turn; effects may follow from it.
    /// It has heard so many connections.
    #[inline]
    pub(crate) fn end_turn(&mut self, now: Now, heard: usize) -> Turn {
        self.persist.step(&mut self.engine, self.clock, now, heard);
        let mut now = now;
        if self.loading.is_some() {
            if !self.load() {
                self.failed = true;
                return Turn::Leave;
            }
            // The engine has seen later times meanwhile.
            now = self.clock.now();
        }
        if self.engine.deadline().is_some_and(|deadline_us| deadline_us <= now.mono_us) {
            self.engine.timeout(now);
        }
        if self.stopping { Turn::Leave } else { Turn::Stay }
    }

    /// The next connection of a listener that has some, and its handle unless it was sent away. `flags`
    /// are the socket's. `None`: there is none left.
    pub(crate) fn accept(
        &mut self,
        now: Now,
        listener: RawFd,
        flags: SocketFlags,
    ) -> Option<(OwnedFd, Option<ConnId>)> {
        let (accepted, path) = lent::listener(listener, |listener| {
            (listener.accept(flags), listener.path().map(Path::to_owned))
        })?;
        match accepted {
            Ok(fd) => {
                let id = self.admit(now, &fd, path.as_deref());
                Some((fd, id))
            }
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => None,
            Err(error) => {
                self.log.warning(format_args!(
                    "Accepting client connection: {}",
                    reason(&error.into())
                ));
                None
            }
        }
    }

    fn admit(&mut self, now: Now, fd: &OwnedFd, path: Option<&Path>) -> Option<ConnId> {
        if self.engine.connections() >= self.settings.maxclients {
            // One try: the socket's buffer is empty, and there is nothing to lose.
            let text = b"-ERR max number of clients reached\r\n";
            let _ = rustix::net::send(fd, text, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
            self.engine.turned_away();
            return None;
        }
        let peer = listen::prepare(fd, path, self.settings.tcp_keepalive);
        self.log.verbose(format_args!("Accepted {}", peer.addr));
        Some(self.engine.connect(now, peer))
    }

    /// Signals came.
    #[cold]
    pub(crate) fn take_signals(&mut self, now: Now) {
        match self.signals.take() {
            Some(Ask::Terminate) => {
                self.log.warning("Received SIGTERM scheduling shutdown...");
                self.engine.shut_down(now, "shutdown-on-sigterm");
            }
            Some(Ask::Interrupt) => {
                self.log.warning("Received SIGINT scheduling shutdown...");
                self.engine.shut_down(now, "shutdown-on-sigint");
            }
            Some(Ask::InterruptAgain) => {
                self.log.warning("You insist... exiting now.");
                self.exit_code = 1;
                self.stopping = true;
            }
            None => {}
        }
    }

    fn shut_down(&mut self) {
        self.log.warning("User requested shutdown...");
        self.stopping = true;
    }

    /// Carries out an effect that is not about a connection.
    #[cold]
    pub(crate) fn perform(&mut self, now: Now, effect: Effect) {
        match effect {
            Effect::AppendJournal => self.persist.tap.append(&mut self.engine),
            Effect::BeginSnapshot(ticket, kind) => {
                if let Err(error) = self.persist.begin_snapshot(ticket, kind, self.engine.config())
                {
                    self.end_snapshot(now, ticket, Err(error));
                }
            }
            Effect::AbortSnapshot(ticket) => {
                let pid = std::process::id();
                match self.persist.drop_snapshot(ticket) {
                    Some(SnapshotKind::AofBase) => {
                        self.log.notice(format_args!("Killing running AOF rewrite child: {pid}"));
                    }
                    Some(SnapshotKind::Rdb) => {
                        self.log.notice(format_args!("Killing running RDB child: {pid}"));
                    }
                    None => {}
                }
            }
            Effect::Log(level, message) => self.log.line(level, message),
            Effect::Shutdown => self.shut_down(),
            Effect::LoadAof => self.reload_aof(now),
            // At once: whoever changed it finds it done when the reply comes.
            Effect::Configure(_) => self.apply_settings(now),
            // The loop's own.
            Effect::Send(_) | Effect::Close(_) => {}
        }
    }

    /// The disk's threads have something to say.
    #[cold]
    pub(crate) fn take_reports(&mut self, now: Now) {
        for report in self.persist.reports() {
            match report {
                Report::Log((level, line)) => self.log.line(level, line),
                Report::Synced(offset) => {
                    self.persist.note_synced(offset);
                    self.engine.journal_synced(now, offset);
                }
                Report::Failed(reason) => self.engine.journal_failed(now, reason.as_deref()),
                Report::Fatal(line) => {
                    self.log.warning(line);
                    // Nothing that is in memory only may be promised any more.
                    std::process::exit(1);
                }
                Report::Saved(ticket, outcome) => {
                    if outcome.is_ok() {
                        self.log.notice("DB saved on disk");
                    }
                    self.end_snapshot(now, ticket, outcome);
                }
                Report::Base(ticket, Ok((path, is_rdb))) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    self.log.notice(format_args!(
                        "Successfully created the temporary AOF base file {name}"
                    ));
                    self.persist.adopt_base(ticket, path, is_rdb);
                }
                Report::Base(ticket, Err(error)) => self.end_snapshot(now, ticket, Err(error)),
                Report::Rewritten(ticket, outcome) => {
                    let sizes = outcome.as_ref().ok().copied();
                    self.end_snapshot(now, ticket, outcome.map(|_| ()));
                    if let Some((sizes, offset)) = sizes {
                        self.engine.set_aof_sizes(sizes.base, sizes.all, offset);
                        self.log.notice("Background AOF rewrite finished successfully");
                    }
                }
                Report::Due => {
                    self.log.notice("A snapshot of the schedule is due. Saving...");
                    self.persist.due();
                    self.engine.save_soon(now);
                }
                Report::Room => {}
            }
        }
    }

    /// A snapshot has come to its end.
    fn end_snapshot(&mut self, now: Now, ticket: Ticket, outcome: io::Result<()>) {
        match outcome {
            Ok(()) => {
                self.persist.end_snapshot(ticket);
                self.engine.complete(now, ticket, Ok(()));
            }
            Err(error) => {
                self.persist.drop_snapshot(ticket);
                self.engine.complete(now, ticket, Err(&reason(&error)));
            }
        }
    }

    /// `true`: the TCP listeners are new, and the loop has to watch them.
    #[inline]
    pub(crate) fn settle(&mut self) -> bool {
        lent::take_fresh()
    }

    /// Applies settings that were changed.
    #[cold]
    fn apply_settings(&mut self, now: Now) {
        if let Some(error) = self.persist.configure(self.engine.config()) {
            let reason = reason(&error);
            self.log.warning(format_args!("Fail to fsync the AOF file: {reason}"));
        }
        self.take_reports(now);
        let mut new = Settings::new(self.engine.config());
        new.pidfile.clone_from(&self.settings.pidfile);
        let old = core::mem::replace(&mut self.settings, new);
        let new = &self.settings;
        self.log.level = new.loglevel;
        crash::enable(self.engine.config().is_on("crash-log-enabled"));
        if (new.port, &new.bind, &new.title) != (old.port, &old.bind, &old.title) {
            self.title.show(new);
        }
    }
}
