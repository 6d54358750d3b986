//! `cargo bench-instructions`: how many instructions the engine takes per command, counted by callgrind.
//!
//! A count does not depend on what else the machine does, so a change of one percent shows. Each workload of
//! `core/examples/engine_bench.rs` runs with two numbers of commands; the difference is theirs alone.

use super::shell::{self, Run};
use std::path::Path;
use std::process::Command;

const KEYS: &str = "10000";
const FEW: u64 = 32_000;
const MANY: u64 = 96_000;

/// Prints a line for each workload, or for those named.
pub(crate) fn run(only: &[String]) -> Result<(), String> {
    if !shell::has("valgrind") {
        return Err("valgrind is missing: install it (Debian: apt-get install valgrind)".into());
    }
    Run::new("cargo build -q --release -p redstart-core --example engine_bench").ok()?;
    let bench = Path::new("target/release/examples/engine_bench");
    let listed = Command::new(bench).arg("list").output().map_err(|e| e.to_string())?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    println!("instructions per command, pipelines of 16, {KEYS} keys");
    for workload in listed.lines().filter(|w| only.is_empty() || only.iter().any(|o| o == w)) {
        let (few, many) = (count(bench, FEW, workload)?, count(bench, MANY, workload)?);
        println!("{workload:<12} {:>8}", many.saturating_sub(few) / (MANY - FEW));
    }
    Ok(())
}

/// The instructions of a whole run.
fn count(bench: &Path, commands: u64, workload: &str) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(bench)
        .args([KEYS, &commands.to_string(), workload])
        .output()
        .map_err(|e| e.to_string())?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    log.lines()
        .find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
        .ok_or_else(|| format!("callgrind counted nothing:\n{log}"))
}
