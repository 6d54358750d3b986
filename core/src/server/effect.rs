//! What a host is to do: effects, in the order they come.

use crate::client::ConnId;
use alloc::string::String;

/// Names a piece of work of the host, so that it can report the end of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

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
    /// End the process, as SHUTDOWN asks.
    Shutdown,
}
