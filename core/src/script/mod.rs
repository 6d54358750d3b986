//! Scripting: the Lua that EVAL and functions run.
//!
//! [`lua`] is a whole Lua 5.1 and knows nothing of Redis.

pub mod lua;
