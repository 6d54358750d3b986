//! What a host is to do: effects, in the order they come.

use crate::client::ConnId;
use alloc::string::String;

/// Names a piece of work of the host, so that it can report the end of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What a snapshot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotKind {
    /// A file of its own, which replaces the one that `dbfilename` names (BGSAVE).
    Rdb,
    /// The base of an append-only file (BGREWRITEAOF): the bytes of the journal from here on belong to a new
    /// increment.
    AofBase,
}

/// How far a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There is more to write.
    More,
    /// There is more to write, and none of it before [`Engine::deadline`](crate::Engine::deadline).
    Later,
    /// That was all.
    Done,
}

/// How much a line of the log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For developers.
    Debug,
    /// Rarely useful.
    Verbose,
    /// What an operator wants to know.
    Notice,
    /// What an operator has to know.
    Warning,
}

/// Something for the host to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send what `Engine::outgoing` gives for this connection, then tell `Engine::sent`. Not repeated
    /// before that is done: the host sends on as the socket allows. It may be nothing by now, if the
    /// connection is gone or killed.
    Send(ConnId),
    /// Close the connection once what has been handed out for it is sent, then call `Engine::disconnect`.
    Close(ConnId),
    /// Write a line to the log.
    Log(Level, String),
    /// A setting was changed by CONFIG SET; the host applies what concerns it.
    Configure(&'static str),
    /// Begin to write a snapshot: call `Engine::snapshot` between inputs until it is done, write its bytes to
    /// a temporary file, sync it, give it its name, then call `Engine::complete`; that as well when it fails.
    BeginSnapshot(Ticket, SnapshotKind),
    /// The snapshot is not wanted any more: drop the temporary file. `Engine::complete` is not called for it.
    AbortSnapshot(Ticket),
    /// Append all that `Engine::journal` gives to the append-only file, then say `Engine::journal_written`. It
    /// comes before the replies that promise it.
    AppendJournal,
    /// Read the append-only file into the engine, which is empty, in steps between inputs: tell
    /// `Engine::set_loading` how far that is, and `Engine::aof_loaded` how it ended. Only for hosts that have said
    /// `Engine::offer_to_load_aof`.
    LoadAof,
    /// End the process, as SHUTDOWN asks.
    Shutdown,
}
