//! The wire: requests in ([`parse`], [`args`]), replies out ([`reply`]).
//!
//! Nothing here knows what a command means. RESP2 and RESP3 differ only in [`reply`].

pub mod args;
pub mod parse;
pub mod reply;

pub use args::{Args, Request};
pub use parse::{Limits, Parser, ProtocolError, Span, Step};
pub use reply::{Bulks, Protocol, Reply};
