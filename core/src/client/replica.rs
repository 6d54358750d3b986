//! A connection as a replica: what it said of itself, and how far it is.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Bytes that the host keeps outside of memory as long as somebody wants them: a file without a name.
pub trait Spool: core::fmt::Debug + Send + Sync {
    /// Takes more of them, or says why those before could not be written.
    fn write(&self, bytes: Vec<u8>) -> Result<(), String>;
    /// How many of them wait to be written. While they are many no more are made, and nothing is read before
    /// there are none; a host that writes at leisure asks for the engine's deadline again when they get fewer.
    fn waiting(&self) -> usize {
        0
    }
    /// Appends `len` of them, from `at` on.
    fn read(&self, at: u64, len: usize, out: &mut Vec<u8>) -> Result<(), String>;
}

/// How far a replica is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stage {
    /// It has only said something of itself (REPLCONF).
    #[default]
    None,
    /// It has asked for the data set, and waits for a snapshot to begin.
    Waiting,
    /// It gets a snapshot as that is made, or waits until it is in the spool.
    Receiving,
    /// It gets a snapshot from the spool.
    Reading,
    /// It gets what changes.
    Online,
}

/// A snapshot that is sent from where the host keeps it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it is.
    pub spool: Arc<dyn Spool>,
    /// How much of it was read.
    pub at: u64,
    /// How long it is.
    pub len: u64,
}

/// A replica, or whoever reads the data set as one.
#[derive(Debug)]
pub struct Replica {
    /// How far it is.
    pub stage: Stage,
    /// It asked with PSYNC, not SYNC: it wants to hear of the history, and says how far it is.
    pub psync: bool,
    /// It finds the end of a snapshot by a mark (`capa eof`).
    pub finds_end: bool,
    /// It wants the snapshot alone.
    pub rdb_only: bool,
    /// It wants the keys.
    pub keys: bool,
    /// It wants the functions.
    pub functions: bool,
    /// The port that it says it has.
    pub port: i64,
    /// The address that it says it has; empty: the connection's.
    pub ip: Vec<u8>,
    /// How much of the stream it has taken in.
    pub acked: u64,
    /// When it last said so, in Unix milliseconds.
    pub acked_ms: i64,
    /// When it last took something that was sent, on the monotonic clock in microseconds.
    pub moved_us: u64,
    /// How much it had been sent when that was looked at.
    pub sent_before: u64,
    /// What changed since the snapshot that it has not got whole.
    pub behind: Vec<u8>,
    /// Where its snapshot is, if that has a length.
    pub source: Option<Source>,
}

impl Default for Replica {
    fn default() -> Self {
        Self {
            stage: Stage::None,
            psync: false,
            finds_end: false,
            rdb_only: false,
            keys: true,
            functions: true,
            port: 0,
            ip: Vec::new(),
            acked: 0,
            acked_ms: 0,
            moved_us: 0,
            sent_before: 0,
            behind: Vec::new(),
            source: None,
        }
    }
}
