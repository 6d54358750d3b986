//! What a command is ([`spec`]), what a handler gets ([`Ctx`], [`Args`])
//! and what is checked before it runs ([`gate`]).

pub mod call;
pub mod ctx;
pub mod gate;
pub mod getkeys;
pub mod keys;
pub mod legacy;
pub mod permission;
pub mod scan;
pub mod spec;
pub mod syntax;
pub mod tracking;
pub mod wait;

pub use crate::resp::{Args, Request};
pub use ctx::{Ctx, Flow};
pub use keys::{KeyFlags, KeySpec};
pub use spec::{Acl, Command, Flags, Group};
