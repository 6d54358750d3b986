//! The engine next to a real Redis on random commands: 5 seconds, or as long as `REDSTART_FUZZ_SECONDS` says.

use std::time::{Duration, Instant};

use redstart_tests::differential;
use redstart_tests::live::Server;

#[test]
fn random_commands_get_the_replies_of_redis() {
    let Some(server) = Server::oracle().expect("the oracle is there") else { return };
    let variable = |name: &str| std::env::var(name).ok()?.parse().ok();
    let end = Instant::now() + Duration::from_secs(variable("REDSTART_FUZZ_SECONDS").unwrap_or(5));
    let one = variable("REDSTART_FUZZ_SEED");
    let enough = |rounds| if one.is_some() { rounds > 0 } else { Instant::now() > end };
    let seed = one.unwrap_or(1_000_000);
    match differential::run(&server, seed, enough) {
        Ok(outcome) => println!("seeds from {seed} on: {} commands alike", outcome.commands),
        Err(difference) => panic!("{difference}"),
    }
}
