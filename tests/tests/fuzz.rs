//! The fuzz targets on bytes from a seed: 2 seconds each, or as long as `REDSTART_FUZZ_SECONDS` says.
//!
//! A failure prints the seed of the bytes; `REDSTART_FUZZ_SEED` runs that one again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use redstart_tests::chance::Chance;
use redstart_tests::fuzz::{TARGETS, Target};

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn drive(name: &str) {
    let (_, target): Target =
        *TARGETS.iter().find(|(n, _)| *n == name).expect("a target of that name");
    if let Some(seed) = variable("REDSTART_FUZZ_SEED") {
        return target(&input(seed));
    }
    let end = Instant::now() + Duration::from_secs(variable("REDSTART_FUZZ_SECONDS").unwrap_or(2));
    let mut runs = 0;
    while Instant::now() < end {
        let bytes = input(runs);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&bytes))) {
            eprintln!("{name}: REDSTART_FUZZ_SEED={runs} ({} bytes)", bytes.len());
            std::panic::resume_unwind(panic);
        }
        runs += 1;
    }
    println!("{name}: {runs} runs");
}

/// Bytes of which some are small, some are RESP's own and some repeat: more of them get past the door.
fn input(seed: u64) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    let len = 1 << chance.below(11);
    let mut bytes = chance.bytes(len);
    match chance.below(3) {
        0 => bytes.iter_mut().for_each(|byte| *byte &= 0x0f),
        1 => bytes
            .iter_mut()
            .for_each(|byte| *byte = b"*$123\r\n\r\nGETSETPINGa \"\\"[usize::from(*byte) % 23]),
        _ => {}
    }
    bytes
}

#[test]
fn resp_bytes() {
    drive("resp_bytes");
}

#[test]
fn resp_session() {
    drive("resp_session");
}

#[test]
fn listpack_bytes() {
    drive("listpack_bytes");
}

#[test]
fn listpack_edits() {
    drive("listpack_edits");
}

#[test]
fn rdb_payload() {
    drive("rdb_payload");
}

#[test]
fn rdb_file() {
    drive("rdb_file");
}

#[test]
fn dict_model() {
    drive("dict_model");
}

#[test]
fn lua_source() {
    drive("lua_source");
}

#[test]
fn journal_bytes() {
    drive("journal_bytes");
}

#[test]
fn journal_commands() {
    drive("journal_commands");
}
