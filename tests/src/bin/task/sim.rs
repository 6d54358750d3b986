//! `cargo sim [SEED | SECONDS s] `: the simulator, on one seed or on new ones for some time.

use std::time::{Duration, Instant};

use redstart_tests::sim;

const STEPS: usize = 2_000;

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let number = |text: &str| {
        text.parse::<u64>().map_err(|_| "usage: cargo sim [SEED | SECONDSs]".to_string())
    };
    match args {
        [seconds] if seconds.ends_with('s') => for_seconds(number(seconds.trim_end_matches('s'))?),
        [seed] => one(number(seed)?),
        [] => for_seconds(20),
        _ => Err("usage: cargo sim [SEED | SECONDSs]".into()),
    }
}

fn one(seed: u64) -> Result<(), String> {
    let first = sim::run(seed, STEPS)?;
    let second = sim::run(seed, STEPS)?;
    if first != second {
        return Err(format!("seed {seed}: two runs differ: {first:?}, {second:?}"));
    }
    println!(
        "seed {seed}: {} commands, {} replies, trace {:016x}",
        first.commands, first.replies, first.trace
    );
    Ok(())
}

fn for_seconds(seconds: u64) -> Result<(), String> {
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut seed, mut commands, mut replies) = (0, 0, 0);
    while Instant::now() < end {
        let outcome = sim::run(seed, STEPS)?;
        if seed % 10 == 0 && sim::run(seed, STEPS)? != outcome {
            return Err(format!("seed {seed}: two runs differ"));
        }
        seed += 1;
        commands += outcome.commands;
        replies += outcome.replies;
    }
    println!(
        "{seed} seeds, {commands} commands, {replies} replies: none lost, doubled or out of order"
    );
    Ok(())
}
