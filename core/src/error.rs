//! Every error text that a client can see, once.
//!
//! A client's mistake is a value. The texts are Redis's own, byte for byte: clients match on them.

use alloc::{borrow::Cow, format, string::String};
use core::fmt;

/// Why a command was refused. Its text, without the leading `-`, is [`Error::text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The key holds a value of another type.
    WrongType,
    /// An option is unknown, doubled or out of place.
    Syntax,
    /// An argument should be a 64-bit signed integer.
    NotInteger,
    /// An argument should be a double.
    NotFloat,
    /// An integer argument lies outside of what the command takes.
    OutOfRange,
    /// A count whose negation is no 64-bit integer.
    CountOutOfRange,
    /// The key does not exist and the command needs it.
    NoSuchKey,
    /// An index lies outside of the list.
    IndexOutOfRange,
    /// The wrong number of arguments for the command of this (lower-case) name.
    Arity(&'static str),
    /// A write needs memory that `maxmemory` does not leave.
    Oom,
    /// A client that has not authenticated asks for something.
    NoAuth,
    /// A fixed text with its code, such as `ERR value is too long`.
    Text(&'static str),
    /// A text made for the occasion, with its code.
    Owned(String),
}

impl Error {
    /// The text after the `-`: an upper-case code, a space, a sentence.
    pub fn text(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            Self::Syntax => "ERR syntax error",
            Self::NotInteger => "ERR value is not an integer or out of range",
            Self::NotFloat => "ERR value is not a valid float",
            Self::OutOfRange => "ERR value is out of range",
            Self::CountOutOfRange => {
                "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
            }
            Self::NoSuchKey => "ERR no such key",
            Self::IndexOutOfRange => "ERR index out of range",
            Self::Oom => "OOM command not allowed when used memory > 'maxmemory'.",
            Self::NoAuth => "NOAUTH Authentication required.",
            Self::Text(text) => text,
            Self::Arity(name) => {
                return Cow::Owned(format!("ERR wrong number of arguments for '{name}' command"));
            }
            Self::Owned(text) => return Cow::Owned(text.clone()),
        })
    }

    /// The expiry given to the command of this name lies outside of what a timestamp can hold.
    pub fn invalid_expire(command: &str) -> Self {
        Self::Owned(format!("ERR invalid expire time in '{command}' command"))
    }

    /// The subcommand of a container got arguments that it does not take.
    pub fn subcommand_syntax(subcommand: &[u8], container: &str) -> Self {
        Self::Owned(format!(
            "ERR unknown subcommand or wrong number of arguments for '{}'. Try {} HELP.",
            printable(subcommand, 128),
            container.to_ascii_uppercase()
        ))
    }

    /// The container command has no such subcommand.
    pub fn unknown_subcommand(subcommand: &[u8], container: &str) -> Self {
        Self::Owned(format!(
            "ERR unknown subcommand '{}'. Try {} HELP.",
            printable(subcommand, 128),
            container.to_ascii_uppercase()
        ))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// At most `max` bytes from a client as text that can stand in an error line; like Redis's, it ends at a
/// zero byte.
pub fn printable(bytes: &[u8], max: usize) -> String {
    let len = bytes.iter().take(max).position(|&b| b == 0).unwrap_or(bytes.len().min(max));
    let cut = &bytes[..len];
    String::from_utf8_lossy(cut).replace(['\r', '\n'], " ")
}
