//! The libraries, each in its file; none knows of the others.
//!
//! Each has `pub fn open(lua: &mut Lua)`, which makes its table with `Lua::library` and puts it
//! into the globals. A host opens those that it wants scripts to have.

pub mod base;
pub mod bit;
pub mod cjson;
pub mod cmsgpack;
pub mod coroutine;
pub mod math;
pub mod string;
pub mod structs;
pub mod table;

mod format;
mod pattern;
mod search;

use super::Lua;

/// Opens the libraries of Lua itself.
pub fn open_all(lua: &mut Lua) {
    base::open(lua);
    table::open(lua);
    coroutine::open(lua);
    string::open(lua);
    math::open(lua);
}
