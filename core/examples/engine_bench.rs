//! Nanoseconds per command of the engine alone: pipelines of 16 over a keyspace, no sockets.
//!
//! `cargo run --release -p redstart-core --example engine_bench [keys] [commands]`

use redstart_core::{Config, Effect, Engine, Hooks, Now, Peer};
use std::time::Instant;

const NOW: Now = Now { unix_us: 1_700_000_000_000_000, mono_us: 1 };
const PIPELINE: usize = 16;

fn request(args: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend(format!("${}\r\n{arg}\r\n", arg.len()).bytes());
    }
    bytes
}

fn main() {
    let keys: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let count: u64 = std::env::args().nth(2).and_then(|n| n.parse().ok()).unwrap_or(2_000_000);
    let mut engine = Engine::new(Config::default(), [7; 32], NOW, Hooks::default());
    let conn = engine.connect(NOW, Peer::default());
    let mut run = |name: &str, make: &dyn Fn(u64) -> Vec<u8>, count: u64| {
        let mut random = 88_172_645_463_325_252u64;
        let mut batches = Vec::new();
        for _ in 0..(count as usize / PIPELINE).min(2_000) {
            let mut batch = Vec::new();
            for _ in 0..PIPELINE {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                batch.extend(make(random % keys));
            }
            batches.push(batch);
        }
        let start = Instant::now();
        let mut done = 0;
        while done < count {
            for batch in &batches {
                engine.receive(NOW, conn, batch);
                while let Some(effect) = engine.poll() {
                    if let Effect::Send(conn) = effect {
                        let n = engine.outgoing(conn).map(<[u8]>::len).sum();
                        engine.sent(NOW, conn, n);
                    }
                }
                done += PIPELINE as u64;
            }
        }
        let nanos = start.elapsed().as_nanos() as f64 / done as f64;
        println!("{name:<12} {nanos:7.1} ns per command");
    };
    let key = |n: u64| format!("key:{n:012}");
    let value = "0123456789abcdef";
    run("PING", &|_| request(&["PING"]), count);
    run("SET (new)", &|n| request(&["SET", &key(n), value]), keys * 2);
    run("SET", &|n| request(&["SET", &key(n), value]), count);
    run("GET", &|n| request(&["GET", &key(n)]), count);
    run("LPUSH", &|_| request(&["LPUSH", "list", value]), count);
    run("RPUSH", &|_| request(&["RPUSH", "list", value]), count);
    run("LPOP", &|_| request(&["LPOP", "list"]), count);
    run("RPOP", &|_| request(&["RPOP", "list"]), count / 2);
    run("LRANGE 100", &|_| request(&["LRANGE", "list", "0", "99"]), count / 20);
    run("GET (miss)", &|n| request(&["GET", &key(n + keys)]), count);
}
