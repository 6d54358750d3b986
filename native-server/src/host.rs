//! What the two event loops share: the engine, the clocks, who is let in, and the effects that are not
//! about a connection.

use core::time::Duration;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use redstart_core::{Config, ConnId, Effect, Engine, Now};
use rustix::io::Errno;
use rustix::net::{SendFlags, SocketFlags};

use crate::clock::Clock;
use crate::log::Log;
use crate::net::listen;
use crate::process::{self, Title};
use crate::settings::{Settings, reason};
use crate::signals::{Ask, Signals};
use crate::{REDIS_VERSION, VERSION, lent};

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
    pub(crate) exit_code: u8,
    title: Title,
    clock: Clock,
    stopping: bool,
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
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let clock = Clock::new();
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
            exit_code: 0,
            title,
            clock,
            stopping: false,
        }))
    }

    /// Tells who it is and that it is ready: the log, the pid file, the title.
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
        if self.settings.port != 0 {
            self.log.notice("Ready to accept connections");
        }
        if let Some(path) = &self.settings.unixsocket {
            let path = path.display();
            self.log
                .notice(format_args!("The server is now ready to accept connections at {path}"));
        }
    }

    /// The last thing a server does.
    pub(crate) fn leave(&mut self) {
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
        let deadline_us = self.engine.deadline()?;
        Some(Duration::from_micros(deadline_us.saturating_sub(self.clock.now().mono_us)))
    }

    /// The time of one turn of the loop.
    #[inline]
    pub(crate) fn begin_turn(&self) -> Now {
        self.clock.now()
    }

    /// What is to be done once in a turn; effects may follow from it.
    #[inline]
    pub(crate) fn end_turn(&mut self, now: Now) -> Turn {
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
    pub(crate) fn take_signals(&mut self) {
        match self.signals.take() {
            Some(Ask::Terminate) => {
                self.log.warning("Received SIGTERM scheduling shutdown...");
                self.shut_down();
            }
            Some(Ask::Interrupt) => {
                self.log.warning("Received SIGINT scheduling shutdown...");
                self.shut_down();
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
    pub(crate) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Log(level, message) => self.log.line(level, message),
            // Nobody keeps it yet.
            Effect::AppendJournal => self.engine.journal_written(self.engine.journal().len()),
            Effect::Shutdown => self.shut_down(),
            // At once: whoever changed it finds it done when the reply comes.
            Effect::Configure(_) => self.apply_settings(),
            // Without a way to save, there is none to begin.
            Effect::BeginSnapshot(..) | Effect::AbortSnapshot(_) => {}
            // The loop's own.
            Effect::Send(_) | Effect::Close(_) => {}
        }
    }

    /// `true`: the TCP listeners are new, and the loop has to watch them.
    #[inline]
    pub(crate) fn settle(&mut self) -> bool {
        lent::take_fresh()
    }

    /// Applies settings that were changed.
    #[cold]
    fn apply_settings(&mut self) {
        let mut new = Settings::new(self.engine.config());
        new.pidfile.clone_from(&self.settings.pidfile);
        let old = core::mem::replace(&mut self.settings, new);
        let new = &self.settings;
        self.log.level = new.loglevel;
        if (new.port, &new.bind, &new.title) != (old.port, &old.bind, &old.title) {
            self.title.show(new);
        }
    }
}
