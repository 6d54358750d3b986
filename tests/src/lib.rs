//! Redstart's tests: one corpus of scripts, many oracles.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`resp`] | replies off the wire: decoding, and the two ways of writing one down |
//! | [`script`] | the script format (`tests/scripts/README.md`), its runner and its variants |
//! | [`live`] | a real `redis-server`, started for one test and stopped after it |
//!
//! The task runner behind `cargo verify` and its sisters is `src/bin/task`.

pub mod generated;
pub mod live;
pub mod quote;
pub mod resp;
pub mod script;

use std::path::PathBuf;

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("tests/ lies in the repository's root").to_path_buf()
}
