//! The host that is an engine in this process, with a clock that only the script moves.

use std::collections::BTreeMap;

use redstart_core::persist::rdb::data_set::Loaded;
use redstart_core::persist::rdb::loader::LoadError;
use redstart_core::{Config, ConnId, Effect, Engine, Hooks, Now, Peer, Progress, Replay};

use super::run::{Got, Host};
use crate::resp;

/// Moment at which every engine of the tests is born: 2026-01-01, noon.
pub const BIRTH: Now = Now { unix_us: 1_767_268_800_000_000, mono_us: 1_000_000 };

/// Runs scripts in an engine.
#[derive(Debug)]
pub struct EngineHost {
    engine: Engine,
    now: Now,
    connections: BTreeMap<String, Connection>,
    /// What went in and came out, a line each, for the engine in WebAssembly to do the same.
    tape: Option<String>,
    /// The append-only file.
    journal: Vec<u8>,
}

#[derive(Debug)]
struct Connection {
    id: ConnId,
    received: Vec<u8>,
    closed: bool,
}

/// The default configuration with DEBUG open, as the real server of the tests has it.
fn config() -> Config {
    let mut config = Config::default();
    config.set("enable-debug-command", b"yes").expect("yes is one of its values");
    config
}

impl EngineHost {
    /// An engine with the default configuration and a seed.
    pub fn new(seed: u8) -> Self {
        Self::of(seed, config())
    }

    /// An engine with a configuration and a seed.
    pub fn of(seed: u8, config: Config) -> Self {
        let engine = Engine::new(config, [seed; 32], BIRTH, Hooks::default());
        Self { engine, now: BIRTH, connections: BTreeMap::new(), tape: None, journal: Vec::new() }
    }

    /// An engine that keeps a journal.
    pub fn journaling(seed: u8) -> Self {
        let mut config = config();
        config.set("appendonly", b"yes").expect("yes is one of its values");
        let engine = Engine::new(config, [seed; 32], BIRTH, hooks());
        Self { engine, ..Self::new(seed) }
    }

    /// Reads a journal that another engine has written, at that engine's time.
    pub fn replay(&mut self, other: &Self) -> Result<(), String> {
        self.now = other.now;
        let mut replay = Replay::new();
        let read = self.engine.replay(self.now, &mut replay, &other.journal);
        let read = read.map_err(|e| format!("replay: {e:?}"))?;
        if read < other.journal.len() || replay.is_in_transaction() {
            return Err(format!("replay: ends at {read} of {}", other.journal.len()));
        }
        self.settle()
    }

    /// Sets the wall clock to this machine's, to compare times with another server's.
    pub fn at_wall_clock(&mut self) {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        self.now.unix_us = u64::try_from(since.as_micros()).unwrap_or(self.now.unix_us);
    }

    /// The data set as the base of an append-only file that is commands, in an engine that has read it.
    pub fn through_a_base(&mut self, seed: u8) -> Result<Self, String> {
        let mut other = Self::new(seed);
        other.now = self.now;
        let base = commands_of(&mut self.engine, self.now);
        let read = other.engine.replay(self.now, &mut Replay::new(), &base);
        if read != Ok(base.len()) {
            return Err(format!("the base: {read:?} of {}", base.len()));
        }
        other.settle().map(|()| other)
    }

    /// The engine, to look into.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The append-only file so far.
    pub fn journal(&self) -> &[u8] {
        &self.journal
    }

    /// The data set as a file.
    pub fn dump_rdb(&mut self) -> Vec<u8> {
        self.engine.dump_rdb(self.now)
    }

    /// Adds the keys of a file.
    pub fn load_rdb(&mut self, bytes: &[u8]) -> Result<Loaded, LoadError> {
        self.engine.load_rdb(self.now, bytes)
    }

    /// Starts to record.
    #[must_use]
    pub fn recording(mut self) -> Self {
        self.tape = Some(String::new());
        self
    }

    /// What was recorded: `connect NAME ADDRESS`, `in NAME HEX`, `out NAME HEX`, `close NAME`,
    /// `disconnect NAME`, `time UNIX_US MONO_US`.
    pub fn tape(&self) -> &str {
        self.tape.as_deref().unwrap_or_default()
    }

    fn record(&mut self, line: impl FnOnce() -> String) {
        if let Some(tape) = &mut self.tape {
            tape.push_str(&line());
            tape.push('\n');
        }
    }

    /// Carries out what the engine asks for.
    fn settle(&mut self) -> Result<(), String> {
        while let Some(effect) = self.engine.poll() {
            match effect {
                Effect::Send(id) => {
                    let bytes: Vec<u8> = self.engine.outgoing(id).flatten().copied().collect();
                    self.engine.sent(self.now, id, bytes.len());
                    let found = self.connections.iter_mut().find(|(_, c)| c.id == id);
                    if let Some((name, connection)) = found {
                        connection.received.extend_from_slice(&bytes);
                        let name = name.clone();
                        self.record(|| format!("out {name:?} {}", hex(&bytes)));
                    }
                }
                Effect::Close(id) => {
                    let found = self.connections.iter_mut().find(|(_, c)| c.id == id);
                    if let Some((name, connection)) = found {
                        connection.closed = true;
                        let name = name.clone();
                        self.record(|| format!("close {name:?}"));
                    }
                    self.engine.disconnect(self.now, id);
                }
                Effect::AppendJournal => {
                    self.journal.extend_from_slice(self.engine.journal());
                    self.engine.journal_written(self.engine.journal().len());
                }
                Effect::Shutdown => return Err("the engine asks to shut down".into()),
                _ => {}
            }
        }
        Ok(())
    }

    fn connection(&mut self, name: &str) -> Result<&mut Connection, String> {
        self.connections.get_mut(name).ok_or_else(|| format!("no connection {name:?}"))
    }
}

impl Host for EngineHost {
    fn connect(&mut self, name: &str) -> Result<(), String> {
        let number = self.connections.len() + 1;
        let peer = Peer {
            addr: format!("127.0.0.1:{}", 50_000 + number),
            laddr: "127.0.0.1:6379".into(),
            fd: -1,
            local: true,
            ..Peer::default()
        };
        let addr = peer.addr.clone();
        let id = self.engine.connect(self.now, peer);
        self.record(|| format!("connect {name:?} {addr}"));
        self.connections
            .insert(name.into(), Connection { id, received: Vec::new(), closed: false });
        self.settle()
    }

    fn send(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let now = self.now;
        let connection = self.connection(name)?;
        if connection.closed {
            return Ok(());
        }
        let id = connection.id;
        self.record(|| format!("in {name:?} {}", hex(bytes)));
        self.engine.receive(now, id, bytes);
        self.settle()
    }

    fn receive(&mut self, name: &str, _patient: bool) -> Result<Got, String> {
        let connection = self.connection(name)?;
        if let Some((value, used)) = resp::decode(&connection.received)? {
            connection.received.drain(..used);
            return Ok(Got::Reply(value));
        }
        if !connection.received.is_empty() {
            return Err(format!("half a reply: {}", crate::quote::repr(&connection.received)));
        }
        Ok(if connection.closed { Got::Closed } else { Got::Nothing })
    }

    fn disconnect(&mut self, name: &str) -> Result<(), String> {
        let now = self.now;
        let id = self.connection(name)?.id;
        self.record(|| format!("disconnect {name:?}"));
        self.engine.disconnect(now, id);
        self.connections.remove(name);
        self.settle()
    }

    fn reload(&mut self) -> Result<(), String> {
        let loaded = self.engine.reload(self.now).map_err(|e| format!("reload: {e}"))?;
        if loaded.empty > 0 {
            return Err("reload: a collection without members".into());
        }
        self.settle()
    }

    fn wait(&mut self, us: u64) -> Result<(), String> {
        let end = Now { unix_us: self.now.unix_us + us, mono_us: self.now.mono_us + us };
        // A deadline that does not move on would keep a host busy for ever.
        for _ in 0..1_000_000 {
            let Some(deadline) = self.engine.deadline().filter(|at| *at <= end.mono_us) else {
                self.now = end;
                self.record(|| format!("time {} {}", end.unix_us, end.mono_us));
                self.engine.timeout(end);
                return self.settle();
            };
            let passed = deadline.saturating_sub(self.now.mono_us);
            self.now.mono_us += passed;
            self.now.unix_us += passed;
            let now = self.now;
            self.record(|| format!("time {} {}", now.unix_us, now.mono_us));
            self.engine.timeout(self.now);
            self.settle()?;
        }
        Err("the engine's deadline stands still".into())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Those of a host that has a disk and can write bases of commands.
pub fn hooks() -> Hooks {
    Hooks {
        save: Some(|_, _| Ok(())),
        base_of_commands: Some(redstart_core::persist::aof::scribe),
        ..Hooks::default()
    }
}

/// The data set of an engine with these [`hooks`] as commands.
pub fn commands_of(engine: &mut Engine, now: Now) -> Vec<u8> {
    let conn = engine.connect(now, Peer { local: true, synchronous: true, ..Peer::default() });
    let mut base = Vec::new();
    for line in ["CONFIG SET aof-use-rdb-preamble no", "BGREWRITEAOF"] {
        engine.receive(now, conn, format!("{line}\r\n").as_bytes());
        while let Some(effect) = engine.poll() {
            if let Effect::BeginSnapshot(ticket, _) = effect {
                while engine.snapshot(now, ticket, &mut base, 16_384) != Progress::Done {}
                engine.complete(now, ticket, Ok(()));
            }
        }
    }
    engine.disconnect(now, conn);
    base
}
