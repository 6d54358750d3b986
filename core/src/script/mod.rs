//! Scripting: the Lua that EVAL and functions run.
//!
//! * [`lua`]: a whole Lua 5.1 that knows nothing of Redis
//! * [`machine`]: one of them with Redis's sandbox, its compiled scripts and its libraries of functions
//! * [`sandbox`]: what scripts find there: `redis`, `cjson`, …, and globals that nobody can change
//! * [`convert`]: replies to Lua values and back
//! * [`library`]: libraries of functions
//! * [`flags`]: `#!lua flags=…`
//!
//! Running one, with the commands that it calls, is the business of `commands::script`.

pub mod convert;
pub mod flags;
pub mod library;
pub mod lua;
pub mod machine;
pub mod sandbox;
pub mod sha1;

pub use flags::Flags;
pub use library::Libraries;
pub use machine::{Machine, Scripting};
