//! The slowest single SET on the way to ten million keys, through the whole engine.
//!
//! `cargo run --release -p redstart-core --example worst_insert [keys]`
//!
//! A machine that does other work shows its own pauses, so the keys are inserted three times over, and
//! what counts is the slowest SET at the same place in all three runs.

use redstart_core::{Config, Effect, Engine, Hooks, Now, Peer};
use std::time::Instant;

const NOW: Now = Now { unix_us: 1_700_000_000_000_000, mono_us: 1 };

fn main() {
    let keys: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(10_000_000);
    let mut least = vec![u32::MAX; keys];
    for run in 1..=3 {
        let mut engine = Engine::new(Config::default(), [7; 32], NOW, Hooks::default());
        let conn = engine.connect(NOW, Peer::default());
        let mut worst = 0;
        for (n, least) in least.iter_mut().enumerate() {
            let request =
                format!("*3\r\n$3\r\nSET\r\n$16\r\nkey:{n:012}\r\n$16\r\n0123456789abcdef\r\n");
            let start = Instant::now();
            engine.receive(NOW, conn, request.as_bytes());
            while let Some(effect) = engine.poll() {
                if let Effect::Send(conn) = effect {
                    let len = engine.outgoing(conn).map(<[u8]>::len).sum();
                    engine.sent(NOW, conn, len);
                }
            }
            let nanos = u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX);
            worst = worst.max(nanos);
            *least = (*least).min(nanos);
        }
        println!("run {run}: slowest {:.1} us", f64::from(worst) / 1000.0);
    }
    let worst = least.iter().max().copied().unwrap_or_default();
    println!("slowest at the same key in all runs: {:.1} us", f64::from(worst) / 1000.0);
}
