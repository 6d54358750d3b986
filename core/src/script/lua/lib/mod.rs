//! The libraries, each in its file; none knows of the others.
//!
//! Each has `pub fn open(lua: &mut Lua)`, which makes its table with `Lua::library` and puts it
//! into the globals. A host opens those that it wants scripts to have.

pub mod bit;
pub mod cjson;
pub mod cmsgpack;
pub mod math;
pub mod string;
pub mod structs;

mod format;
mod pattern;
mod search;
