//! The engine for JavaScript, 1:1.
//!
//! JavaScript writes a request into [`Engine::input`], calls [`call`], and reads the reply in
//! place at [`Engine::output`]: no object and no string crosses the border on the way. The clock is
//! an argument. Nothing happens when the module is loaded: no entropy, no clock, no timer, since edge
//! runtimes trap there; the seed is drawn when an engine is made.
//!
//! One module instance holds one engine. A trap (there is no unwinding) leaves its memory in an unknown
//! state, so the JavaScript side drops the instance with everything in it; other engines have their own.

#![cfg_attr(redstart_small, feature(optimize_attribute))]

mod memory;

use redstart_core as core_engine;
use redstart_core::{Config, ConnId, Effect, Hooks, Level, Now, Peer, Progress, Replay, Ticket};
use std::collections::VecDeque;
use wasm_bindgen::prelude::*;

/// [`Engine::poll`]: send the output to the connection.
const SEND: i32 = 0;
/// Close the connection, then call [`Engine::disconnect`].
const CLOSE: i32 = 1;
/// The output is for the direct connection: pushed messages.
const PUSH: i32 = 2;
/// Nothing to do for the host.
const DONE: i32 = 3;
/// The output is a line for the log.
const LOG: i32 = 4;
/// A client has ended the engine (SHUTDOWN).
const SHUTDOWN: i32 = 5;
/// The output is to be appended to the journal.
const JOURNAL: i32 = 6;
/// What [`Engine::poll`] returns is the connection's number times this, plus one of the above.
const KINDS: i32 = 8;

/// The number of the direct connection in [`call`].
const DIRECT: u32 = u32::MAX;
/// What [`Engine::call`] returns is the length of the reply times this, plus what of the following is so.
const CALLED: i32 = 8;
/// [`Engine::poll`] has something to tell.
const HAS_EVENTS: i32 = 1;
/// [`Engine::output`] is at another address than before.
const MOVED: i32 = 2;
/// There is a time at which [`Engine::timeout`] wants to be called.
const HAS_DEADLINE: i32 = 4;

/// One engine with its own connection for direct calls, and any number of RESP connections.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine {
    inner: core_engine::Engine,
    /// Opened by the first direct call, and anew when it was closed.
    direct: Option<ConnId>,
    connections: Vec<Option<ConnId>>,
    /// What [`Engine::call`] came across and [`Engine::poll`] has yet to tell.
    effects: VecDeque<Effect>,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Where [`Engine::call`] has said last that the output is.
    output_told: usize,
    /// The journal that is being read.
    replay: Replay,
    /// The base that is being written.
    base: Option<Ticket>,
}

/// `maxmemory` unless told otherwise: a 32-bit memory ends at 4 GiB, and writes are to be refused before.
const MAXMEMORY: &[u8] = b"3gb";

/// Settings of redis.conf: names and values, each with a NUL byte behind it.
fn read_config(settings: &str) -> Result<Config, String> {
    let mut config = Config::default();
    let mut texts = settings.split_terminator('\0');
    let given = core::iter::from_fn(|| Some((texts.next()?, texts.next()?.as_bytes())));
    for (name, value) in [("maxmemory", MAXMEMORY)].into_iter().chain(given) {
        if let Err(reason) = config.set(name, value) {
            return Err(format!("config: {name}: {reason}"));
        }
    }
    Ok(config)
}

fn now(unix_ms: f64, mono_ms: f64) -> Now {
    Now { unix_us: (unix_ms.max(0.0) * 1000.0) as u64, mono_us: (mono_ms.max(0.0) * 1000.0) as u64 }
}

#[wasm_bindgen]
impl Engine {
    /// An empty engine. `seed` is 32 bytes that hash seeds and chance derive from; `config` settings of
    /// redis.conf as names and values, each with a NUL byte behind it. Times are in milliseconds: since
    /// 1970, and of a clock that never goes back.
    ///
    /// # Errors
    /// When a setting is unknown or wrong, or the seed has another length.
    #[wasm_bindgen(constructor)]
    pub fn new(seed: &[u8], config: &str, unix_ms: f64, mono_ms: f64) -> Result<Self, JsError> {
        memory::keep_reserve();
        let config = read_config(config).map_err(|reason| JsError::new(&reason))?;
        let seed = seed.try_into().map_err(|_| JsError::new("seed: expected 32 bytes"))?;
        let now = now(unix_ms, mono_ms);
        let hooks = Hooks { used_memory: memory::used, ..Hooks::default() };
        let inner = core_engine::Engine::new(config, seed, now, hooks);
        Ok(Self {
            inner,
            direct: None,
            connections: Vec::new(),
            effects: VecDeque::new(),
            input: Vec::new(),
            output: Vec::new(),
            output_told: 0,
            replay: Replay::new(),
            base: None,
        })
    }

    /// The address of `bytes` bytes to write a request into. Valid until it is called again.
    pub fn input(&mut self, bytes: usize) -> *mut u8 {
        if self.input.len() < bytes {
            // Nothing of the old content is needed, so it is not copied.
            self.input = Vec::new();
            self.input.resize(bytes.next_multiple_of(4096), 0);
        } else if self.input.len() > LARGE && bytes <= LARGE {
            self.input.truncate(LARGE);
            self.input.shrink_to_fit();
        }
        self.input.as_mut_ptr()
    }

    /// The engine's own address, for [`call`], as long as it lives.
    pub fn address(&mut self) -> *mut u8 {
        core::ptr::from_mut(self).cast()
    }

    /// The address of the last output.
    pub fn output(&self) -> *const u8 {
        self.output.as_ptr()
    }

    /// How many bytes the last output has.
    pub fn output_bytes(&self) -> usize {
        self.output.len()
    }

    /// A new RESP connection; its number. The address is what CLIENT LIST shows.
    pub fn connect(&mut self, address: String, unix_ms: f64, mono_ms: f64) -> u32 {
        let laddr = "127.0.0.1:6379".into();
        let peer = Peer { addr: address, laddr, local: true, fd: -1, ..Peer::default() };
        let conn = self.inner.connect(now(unix_ms, mono_ms), peer);
        let place = self.connections.iter().position(Option::is_none).unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        self.connections[place] = Some(conn);
        place as u32
    }

    /// A connection is gone.
    pub fn disconnect(&mut self, connection: u32, unix_ms: f64, mono_ms: f64) {
        if let Some(conn) = self.connection(connection) {
            self.inner.disconnect(now(unix_ms, mono_ms), conn);
            self.connections[connection as usize] = None;
        }
    }

    /// The next thing to do; -1: nothing. Otherwise eight times a connection's number plus 0: send the
    /// output to it, 1: close it. Or 2: the output is pushed to the direct connection, 3: it has been
    /// dealt with, 4: the output is a line for the log, 5: a client has ended the engine, 6: the output is to
    /// be appended to the journal, and comes before the replies that promise it.
    pub fn poll(&mut self, unix_ms: f64, mono_ms: f64) -> i32 {
        let now = now(unix_ms, mono_ms);
        let Some(effect) = self.effects.pop_front().or_else(|| self.inner.poll()) else {
            return -1;
        };
        self.clear_output();
        match effect {
            Effect::Send(conn) => {
                self.take_output(now, conn);
                if Some(conn) == self.direct { PUSH } else { self.number(conn, SEND) }
            }
            Effect::Close(conn) if Some(conn) == self.direct => {
                self.disconnect_direct(now);
                DONE
            }
            Effect::Close(conn) => self.number(conn, CLOSE),
            Effect::Log(level, line) => {
                self.output.push(match level {
                    Level::Debug => b'.',
                    Level::Verbose => b'-',
                    Level::Notice => b'*',
                    Level::Warning => b'#',
                });
                self.output.extend_from_slice(line.as_bytes());
                LOG
            }
            Effect::AppendJournal => {
                self.output.extend_from_slice(self.inner.journal());
                self.inner.journal_written(self.output.len());
                JOURNAL
            }
            Effect::Shutdown => SHUTDOWN,
            Effect::AbortSnapshot(_) => {
                self.base = None;
                DONE
            }
            _ => DONE,
        }
    }

    /// Time has passed.
    pub fn timeout(&mut self, unix_ms: f64, mono_ms: f64) {
        self.inner.timeout(now(unix_ms, mono_ms));
    }

    /// When [`Engine::timeout`] wants to be called, in milliseconds of the monotonic clock; -1: never.
    pub fn deadline(&self) -> f64 {
        self.inner.deadline().map_or(-1.0, |us| us as f64 / 1000.0)
    }

    /// The bytes that the engine holds.
    pub fn used_memory(&self) -> usize {
        memory::used()
    }

    /// The bytes of the instance's memory, which never shrinks.
    pub fn wasm_memory(&self) -> usize {
        memory::grown()
    }

    /// How many connections there are, the direct one included.
    pub fn connections(&self) -> usize {
        self.inner.connections()
    }

    /// Writes the data set and the functions into the output, as an RDB file; how many bytes it takes.
    pub fn dump(&mut self, unix_ms: f64, mono_ms: f64) -> usize {
        self.output = self.inner.dump_rdb(now(unix_ms, mono_ms));
        self.output.len()
    }

    /// Begins the base of an append-only file: what [`Engine::poll`] tells of the journal from now on goes behind it,
    /// and it has told all of the journal before. `false` while another is being written.
    pub fn begin_base(&mut self, unix_ms: f64, mono_ms: f64) -> bool {
        self.base = self.inner.begin_base(now(unix_ms, mono_ms));
        self.base.is_some()
    }

    /// Writes the base's next piece into the output, about `budget` bytes. 1: there is more, 2: that was the last,
    /// 0: the base was given up.
    pub fn base_piece(&mut self, budget: usize, unix_ms: f64, mono_ms: f64) -> i32 {
        self.clear_output();
        let Some(ticket) = self.base else { return 0 };
        let now = now(unix_ms, mono_ms);
        match self.inner.snapshot(now, ticket, &mut self.output, budget) {
            Progress::Done => 2,
            _ => 1,
        }
    }

    /// The base is stored, or it could not be.
    pub fn end_base(&mut self, is_stored: bool, unix_ms: f64, mono_ms: f64) {
        if let Some(ticket) = self.base.take() {
            let outcome = if is_stored { Ok(()) } else { Err("the storage failed") };
            self.inner.complete(now(unix_ms, mono_ms), ticket, outcome);
        }
    }

    /// Runs the commands of a journal that are whole in the first `bytes` bytes of the input; how many bytes
    /// they took. The rest comes again, with what follows.
    ///
    /// # Errors
    /// What is no command, and where it begins.
    pub fn replay(&mut self, bytes: usize, unix_ms: f64, mono_ms: f64) -> Result<usize, JsError> {
        let now = now(unix_ms, mono_ms);
        let journal = &self.input[..bytes.min(self.input.len())];
        self.inner.replay(now, &mut self.replay, journal).map_err(|error| {
            JsError::new(&format!("no command at offset {} of the journal", error.offset))
        })
    }

    /// The journal cannot be written, for this reason, and writes are refused; or it can again, if empty.
    pub fn journal_failed(&mut self, reason: &str, unix_ms: f64, mono_ms: f64) {
        let reason = Some(reason).filter(|reason| !reason.is_empty());
        self.inner.journal_failed(now(unix_ms, mono_ms), reason);
    }

    /// Adds what is in the RDB file in the first `bytes` bytes of the input.
    ///
    /// # Errors
    /// What is wrong with the file and where, or that a key is there already. What was added before stays.
    pub fn load(&mut self, bytes: usize, unix_ms: f64, mono_ms: f64) -> Result<(), JsError> {
        let file = &self.input[..bytes.min(self.input.len())];
        match self.inner.load_rdb(now(unix_ms, mono_ms), file) {
            Ok(_) => Ok(()),
            Err(error) => Err(JsError::new(&error.to_string())),
        }
    }

    /// How often something has changed: it is another number than before when something is to be saved.
    pub fn changes(&self) -> f64 {
        self.inner.changes() as f64
    }

    /// [`call`].
    #[cfg_attr(redstart_small, optimize(speed))]
    fn call(
        &mut self,
        connection: u32,
        bytes: usize,
        unix_ms: f64,
        mono_ms: f64,
        wants_deadline: bool,
    ) -> i32 {
        let time = now(unix_ms, mono_ms);
        if connection == DIRECT {
            self.call_direct(time, bytes);
        } else {
            self.receive(time, connection, bytes);
        }
        let mut code = match i32::try_from(self.output.len()) {
            Ok(bytes) if bytes < i32::MAX / CALLED => bytes * CALLED,
            // The host asks where it is and how long.
            _ => {
                self.output_told = 0;
                return -1;
            }
        };
        if !self.effects.is_empty() {
            code |= HAS_EVENTS;
        }
        let output = self.output.as_ptr().addr();
        if output != self.output_told {
            self.output_told = output;
            code |= MOVED;
        }
        if wants_deadline && self.inner.has_deadline() {
            code |= HAS_DEADLINE;
        }
        code
    }

    /// Runs what is in the input on the direct connection, and puts the replies into the output.
    #[inline]
    fn call_direct(&mut self, now: Now, bytes: usize) {
        let called = match (self.direct, self.input.get(..bytes)) {
            (Some(direct), Some(request)) if self.output.capacity() <= LARGE => {
                self.inner.call(now, direct, request, &mut self.output)
            }
            _ => false,
        };
        if !called {
            self.run(now, bytes);
        }
        while let Some(effect) = self.inner.poll() {
            self.keep_effect(now, effect);
        }
    }

    /// What is not one whole request.
    #[inline(never)]
    fn run(&mut self, now: Now, bytes: usize) {
        let direct = match self.direct {
            Some(direct) => direct,
            None => self.connect_direct(now),
        };
        let request = &self.input[..bytes.min(self.input.len())];
        self.inner.receive(now, direct, request);
        self.clear_output();
        self.take_output(now, direct);
    }

    /// Gives what is in the input to a connection. If there is nothing else to do than to send what that one gets,
    /// it is in the output; otherwise [`Engine::poll`] tells of it in its turn.
    #[inline(never)]
    fn receive(&mut self, now: Now, connection: u32, bytes: usize) {
        self.clear_output();
        let Some(conn) = self.connection(connection) else { return };
        let request = &self.input[..bytes.min(self.input.len())];
        self.inner.receive(now, conn, request);
        self.drain_effects();
        let first = self.effects.front();
        if self.effects.len() == 1 && matches!(first, Some(Effect::Send(to)) if *to == conn) {
            self.effects.clear();
            self.take_output(now, conn);
            // Whoever has got all may be closed.
            self.drain_effects();
        }
    }

    fn drain_effects(&mut self) {
        while let Some(effect) = self.inner.poll() {
            self.effects.push_back(effect);
        }
    }

    /// Does what concerns the direct connection, and keeps the rest for [`Engine::poll`].
    #[inline(never)]
    fn keep_effect(&mut self, now: Now, effect: Effect) {
        match effect {
            Effect::Send(conn) if Some(conn) == self.direct => self.take_output(now, conn),
            Effect::Close(conn) if Some(conn) == self.direct => self.disconnect_direct(now),
            effect => self.effects.push_back(effect),
        }
    }

    fn connection(&self, number: u32) -> Option<ConnId> {
        self.connections.get(number as usize).copied().flatten()
    }

    fn number(&self, conn: ConnId, kind: i32) -> i32 {
        let place = self.connections.iter().position(|c| *c == Some(conn));
        place.map_or(DONE, |place| place as i32 * KINDS + kind)
    }

    fn clear_output(&mut self) {
        self.output.clear();
        self.output.shrink_to(LARGE);
    }

    /// Appends what is to be sent to `conn` to the output.
    fn take_output(&mut self, now: Now, conn: ConnId) {
        let before = self.output.len();
        for part in self.inner.outgoing(conn) {
            self.output.extend_from_slice(part);
        }
        self.inner.sent(now, conn, self.output.len() - before);
    }

    /// The connection of the direct calls. It speaks RESP3, so that replies say what they are.
    #[cold]
    fn connect_direct(&mut self, now: Now) -> ConnId {
        let addr = "direct:0".into();
        let peer = Peer { addr, local: true, synchronous: true, fd: -1, ..Peer::default() };
        let conn = self.inner.connect(now, peer);
        self.inner.receive(now, conn, b"HELLO 3\r\n");
        let bytes = self.inner.outgoing(conn).map(<[u8]>::len).sum();
        self.inner.sent(now, conn, bytes);
        self.direct = Some(conn);
        conn
    }

    /// The direct connection was closed (QUIT, CLIENT KILL): the next call opens another.
    #[cold]
    fn disconnect_direct(&mut self, now: Now) {
        if let Some(conn) = self.direct.take() {
            self.inner.disconnect(now, conn);
        }
    }
}

/// Gives the first `bytes` bytes of the input to a connection, or with the number -1 to the direct one, without what
/// the bindings check: that takes as long as a short command. The replies are at [`Engine::output`]; those of a
/// connection only if there is nothing else to do first, and otherwise [`Engine::poll`] tells of them in their turn.
///
/// Returned is eight times the reply's length, plus 1 if [`Engine::poll`] has something to tell, 2 if the output is at
/// another address than before, and 4 if there is a time at which [`Engine::timeout`] wants to be called, which only
/// those get who want it. -1: the output is very long, and all of that may be so.
///
/// # Safety
/// The address is what [`Engine::address`] has given, the engine was not freed, and no other call is in progress.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call(
    engine: *mut Engine,
    connection: u32,
    bytes: usize,
    unix_ms: f64,
    mono_ms: f64,
    wants_deadline: bool,
) -> i32 {
    // SAFETY: the caller's promise. The engine never calls its host, so that calls do not overlap.
    unsafe { &mut *engine }.call(connection, bytes, unix_ms, mono_ms, wants_deadline)
}

/// A buffer that was larger for once is cut back to this.
const LARGE: usize = 1 << 20;
