//! The engine for JavaScript, 1:1.
//!
//! JavaScript writes a request into [`Engine::input`], calls [`Engine::run`], and reads the reply in
//! place at [`Engine::output`]: no object and no string crosses the border on the way. The clock is
//! an argument. Nothing happens when the module is loaded: no entropy, no clock, no timer, since edge
//! runtimes trap there; the seed is drawn when an engine is made.

mod memory;

use redstart_core as core_engine;
use redstart_core::{Config, ConnId, Effect, Hooks, Now, Peer};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

/// How an engine is to be: the options of `open()`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    /// 32 bytes that hash seeds and chance derive from; drawn from the runtime's entropy if not given.
    seed: Option<Vec<u8>>,
}

/// One engine with its own connection for direct calls, and any number of RESP connections.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine {
    inner: core_engine::Engine,
    direct: ConnId,
    connections: Vec<Option<ConnId>>,
    input: Vec<u8>,
    output: Vec<u8>,
}

fn now(unix_ms: f64, mono_ms: f64) -> Now {
    Now { unix_us: (unix_ms.max(0.0) * 1000.0) as u64, mono_us: (mono_ms.max(0.0) * 1000.0) as u64 }
}

#[wasm_bindgen]
impl Engine {
    /// An empty engine. Times are in milliseconds: since 1970, and of a clock that never goes back.
    ///
    /// # Errors
    /// When an option is unknown, the seed is not 32 bytes, or the runtime gives no entropy.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue, unix_ms: f64, mono_ms: f64) -> Result<Self, JsError> {
        console_error_panic_hook::set_once();
        let options: Options = if options.is_undefined() {
            Options::default()
        } else {
            serde_wasm_bindgen::from_value(options).map_err(|e| JsError::new(&e.to_string()))?
        };
        let mut seed = [0; 32];
        match options.seed {
            Some(bytes) => {
                seed = bytes.try_into().map_err(|_| JsError::new("seed: expected 32 bytes"))?;
            }
            None => getrandom::fill(&mut seed).map_err(|e| JsError::new(&e.to_string()))?,
        }
        let now = now(unix_ms, mono_ms);
        let hooks = Hooks { used_memory: memory::used, ..Hooks::default() };
        let mut inner = core_engine::Engine::new(Config::default(), seed, now, hooks);
        let peer = Peer { addr: "direct:0".into(), local: true, fd: -1, ..Peer::default() };
        let direct = inner.connect(now, peer);
        Ok(Self { inner, direct, connections: Vec::new(), input: Vec::new(), output: Vec::new() })
    }

    /// The address of `bytes` bytes to write a request into. Valid until the next call of any method.
    pub fn input(&mut self, bytes: usize) -> *mut u8 {
        if self.input.len() < bytes {
            self.input.resize(bytes.next_multiple_of(4096), 0);
        }
        self.input.as_mut_ptr()
    }

    /// Runs the requests in the first `bytes` bytes of the input on the direct connection. The replies
    /// are at [`Engine::output`]; how many bytes they take is returned.
    pub fn run(&mut self, bytes: usize, unix_ms: f64, mono_ms: f64) -> usize {
        let now = now(unix_ms, mono_ms);
        self.output.clear();
        self.inner.receive(now, self.direct, &self.input[..bytes]);
        for part in self.inner.outgoing(self.direct) {
            self.output.extend_from_slice(part);
        }
        self.inner.sent(now, self.direct, self.output.len());
        self.output.len()
    }

    /// The address of the last output.
    pub fn output(&self) -> *const u8 {
        self.output.as_ptr()
    }

    /// A new RESP connection; its number.
    pub fn connect(&mut self, unix_ms: f64, mono_ms: f64) -> u32 {
        let peer = Peer { addr: "embedded:0".into(), local: true, fd: -1, ..Peer::default() };
        let conn = self.inner.connect(now(unix_ms, mono_ms), peer);
        let place = self.connections.iter().position(Option::is_none).unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        self.connections[place] = Some(conn);
        place as u32
    }

    /// The first `bytes` bytes of the input, from a connection.
    pub fn receive(&mut self, connection: u32, bytes: usize, unix_ms: f64, mono_ms: f64) {
        if let Some(conn) = self.connection(connection) {
            self.inner.receive(now(unix_ms, mono_ms), conn, &self.input[..bytes]);
        }
    }

    /// A connection is gone.
    pub fn disconnect(&mut self, connection: u32, unix_ms: f64, mono_ms: f64) {
        if let Some(conn) = self.connection(connection) {
            self.inner.disconnect(now(unix_ms, mono_ms), conn);
            self.connections[connection as usize] = None;
        }
    }

    /// The next thing to do: -1 nothing; otherwise the connection's number times 4, plus 0: send it what
    /// [`Engine::output`] now holds ([`Engine::output_bytes`] of it), 1: close it, 2: it is the direct
    /// connection that has something (pushed messages), 3: anything else, which has been dealt with.
    pub fn poll(&mut self, unix_ms: f64, mono_ms: f64) -> i32 {
        let now = now(unix_ms, mono_ms);
        match self.inner.poll() {
            None => -1,
            Some(Effect::Send(conn)) => {
                self.output.clear();
                for part in self.inner.outgoing(conn) {
                    self.output.extend_from_slice(part);
                }
                self.inner.sent(now, conn, self.output.len());
                if conn == self.direct {
                    return 2;
                }
                self.number(conn).map_or(3, |number| number * 4)
            }
            Some(Effect::Close(conn)) => self.number(conn).map_or(3, |number| number * 4 + 1),
            Some(_) => 3,
        }
    }

    /// How many bytes [`Engine::output`] holds.
    pub fn output_bytes(&self) -> usize {
        self.output.len()
    }

    /// Time has passed.
    pub fn timeout(&mut self, unix_ms: f64, mono_ms: f64) {
        self.inner.timeout(now(unix_ms, mono_ms));
    }

    /// When [`Engine::timeout`] wants to be called, in milliseconds of the monotonic clock; -1: never.
    pub fn deadline(&self) -> f64 {
        self.inner.deadline().map_or(-1.0, |us| us as f64 / 1000.0)
    }

    fn connection(&self, number: u32) -> Option<ConnId> {
        self.connections.get(number as usize).copied().flatten()
    }

    fn number(&self, conn: ConnId) -> Option<i32> {
        self.connections.iter().position(|c| *c == Some(conn)).map(|place| place as i32)
    }
}
