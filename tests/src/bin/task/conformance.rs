//! `cargo conformance`: Redis 7.0's own Tcl suite in drop-in mode against the release server.
//!
//! The suite itself is fetched from Debian's source package when it runs and is no part of this project;
//! `tests/conformance/suite.py` drives it. What counts: of the cases that Redis itself passes
//! (`baseline.json`) and that `skips.toml` does not leave to a later release, how many pass here.

use crate::shell::{Run, has};
use crate::smoke;

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    for program in ["tclsh", "dpkg-source", "ps", "redis-cli"] {
        if !has(program) {
            return Err(format!("{program} is missing: cargo verify setup"));
        }
    }
    // A `--server PATH` runs the suite against another binary: against Redis itself, for one.
    let (server, units) = match args {
        [flag, path, units @ ..] if flag == "--server" => (path.into(), units),
        units => (smoke::release_server()?, units),
    };
    Run::new("python3 tests/conformance/suite.py --server").arg(server).args(units).ok()
}
