//! Redstart's tests: one corpus of scripts, many oracles.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`resp`] | replies off the wire: decoding, and the two ways of writing one down |
//! | [`script`] | the script format (`tests/scripts/README.md`), its runner and its variants |
//! | [`grammar`], [`chance`] | random commands from the engine's own table |
//! | [`differential`] | the same commands to the engine and to Redis |
//! | [`sim`] | clients, clock and cuts from a seed |
//! | [`fuzz`] | fuzz targets, for libFuzzer and for a plain seeded driver |
//! | [`lua`] | programs from a seed, to the engine's Lua and to PUC Lua |
//! | [`generated`] | committed files that are computed |
//! | [`live`] | a real `redis-server`, started for one test and stopped after it |
//!
//! The task runner behind `cargo verify` and its sisters is `src/bin/task`.

pub mod chance;
pub mod differential;
pub mod fuzz;
pub mod generated;
pub mod grammar;
pub mod live;
pub mod lua;
pub mod quote;
pub mod resp;
pub mod script;
pub mod sim;

use std::path::PathBuf;

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("tests/ lies in the repository's root").to_path_buf()
}
