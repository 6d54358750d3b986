//! Redis as one value without I/O: [`Engine`].
//!
//! A host pushes in what happened (bytes of a connection, time passing) and pulls out what is to be
//! done ([`Effect`]s). Native server, WebAssembly package, simulator and fuzzers are hosts of the same
//! engine.
//!
//! # The contract
//!
//! 1. [`Now::mono_us`] never goes back; [`Now::unix_us`] may jump. One call sees one time: every command
//!    in a [`Engine::receive`] has the same clock.
//! 2. Effects are performed in the order in which [`Engine::poll`] gives them.
//! 3. Inputs may be batched before effects are drained; `receive` takes a whole pipeline.
//! 4. Whole commands in the slice run without being copied; only a partial tail is kept.
//! 5. Any byte sequence is safe. Bad input closes a connection, never the engine.
//! 6. The same config, seed and inputs give the same effects and bytes on every target. What
//!    [`Hooks`] return may shape reports and memory limits and nothing else.
//!
//! # Example
//!
//! ```
//! use redstart_core::{Config, Effect, Engine, Hooks, Now, Peer};
//!
//! let now = Now { unix_us: 1_700_000_000_000_000, mono_us: 1 };
//! let mut engine = Engine::new(Config::default(), [7; 32], now, Hooks::default());
//! let conn = engine.connect(now, Peer::default());
//! engine.receive(now, conn, b"SET greeting hello\r\nGET greeting\r\n");
//! let mut sent = Vec::new();
//! while let Some(effect) = engine.poll() {
//!     if let Effect::Send(conn) = effect {
//!         sent = engine.outgoing(conn).flatten().copied().collect();
//!         engine.sent(now, conn, sent.len());
//!     }
//! }
//! assert_eq!(sent, b"+OK\r\n$5\r\nhello\r\n");
//! ```
#![no_std]
#![cfg_attr(redstart_small, feature(optimize_attribute))]

extern crate alloc;

pub mod acl;
pub mod client;
pub mod collections;
pub mod command;
pub mod commands;
pub mod config;
pub mod engine;
pub mod error;
pub mod persist;
pub mod resp;
pub mod rng;
pub mod script;
pub mod server;
pub mod store;
pub mod value;

pub use config::{Config, ConfigError, Loader};
pub use engine::{
    ConnId, Effect, Engine, Fault, Hooks, Level, Now, Peer, Progress, Replay, ReplayError,
    SnapshotKind, Ticket,
};
