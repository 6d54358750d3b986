//! `cargo bench-peers`: the release server next to Redis, Valkey and a do-nothing responder, as ratios.
//!
//! `tests/bench/peers.py` does the measuring and says how far its figures can be trusted.

use crate::shell::{Run, has};
use crate::smoke;

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    for program in ["python3", "redis-benchmark", "taskset"] {
        if !has(program) {
            return Err(format!("{program} is missing: cargo verify setup"));
        }
    }
    let server = smoke::release_server()?;
    Run::new("python3 tests/bench/peers.py --redstart").arg(server).args(args).ok()
}
