//! What the two event loops share: the engine, the clocks, who is let in, and the effects that are not
//! about a connection.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use redstart_core::{Config, ConnId, Effect, Engine, Hooks, Now};

use crate::clock::Clock;
use crate::log::{Log, Role};
use crate::net::listen::{self, Listener};
use crate::settings::Settings;
use crate::signals::{Ask, Signals};

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
    pub(crate) listeners: Vec<Listener>,
    pub(crate) signals: Signals,
    pub(crate) log: Log,
    pub(crate) settings: Settings,
    clock: Clock,
    stopping: bool,
    pub(crate) exit_code: u8,
}

impl Host {
    pub(crate) fn new(settings: Settings, log: Log, hooks: Hooks) -> io::Result<Self> {
        let clock = Clock::new();
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::from)?;
        let engine = Engine::new(Config::default(), seed, clock.now(), hooks);
        let signals = Signals::install()?;
        Ok(Self {
            engine,
            listeners: Vec::new(),
            signals,
            log: Log { role: Role::Master, ..log },
            settings,
            clock,
            stopping: false,
            exit_code: 0,
        })
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

    /// A connection from the listener at `place`: its handle, unless it is sent away.
    pub(crate) fn admit(&mut self, now: Now, fd: &OwnedFd, place: usize) -> Option<ConnId> {
        let listener = &self.listeners[place];
        if self.engine.connections() >= self.settings.maxclients {
            // One try: the socket's buffer is empty, and there is nothing to lose.
            let _ = rustix::net::send(
                fd,
                b"-ERR max number of clients reached\r\n",
                rustix::net::SendFlags::NOSIGNAL,
            );
            return None;
        }
        let peer = listen::prepare(fd, listener.path(), self.settings.tcp_keepalive);
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
            Effect::Shutdown => self.shut_down(),
            Effect::Configure(name) => {
                self.log.debug(format_args!("setting {name} changed"));
            }
            // The loop's own.
            Effect::Send(_) | Effect::Close(_) => {}
        }
    }
}
