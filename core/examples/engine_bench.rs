//! Nanoseconds per command of the engine alone: pipelines of 16 over a keyspace, no sockets.
//!
//! `cargo run --release -p redstart-core --example engine_bench [keys] [commands] [workload,…]`; `list` in place
//! of the keys names the workloads. `cargo bench-instructions` counts their instructions.

use redstart_core::{Config, ConnId, Effect, Engine, Hooks, Now, Peer};
use std::time::Instant;

const NOW: Now = Now { unix_us: 1_700_000_000_000_000, mono_us: 1 };
const PIPELINE: usize = 16;
/// So many pipelines are made, and sent again and again.
const PIPELINES: u64 = 2000;
const VALUE: &str = "0123456789abcdef";

/// What a workload sends, from a random number below the number of keys.
type Make = fn(u64) -> Vec<u8>;

/// In this order: some need what those before them have stored.
const WORKLOADS: &[(&str, Make)] = &[
    ("ping", |_| request(&["PING"])),
    ("set", |n| request(&["SET", &key(n), VALUE])),
    ("get", |n| request(&["GET", &key(n)])),
    ("get-miss", |n| request(&["GET", &key(n + (1 << 40))])),
    ("incr", |n| request(&["INCR", &format!("counter:{n:012}")])),
    ("lpush", |_| request(&["LPUSH", "list", VALUE])),
    ("rpush", |_| request(&["RPUSH", "list", VALUE])),
    ("lpop", |_| request(&["LPOP", "list"])),
    ("lrange-100", |_| request(&["LRANGE", "list", "0", "99"])),
    ("sadd", |n| request(&["SADD", "set", &key(n)])),
    ("hset", |n| request(&["HSET", "hash", &key(n), VALUE])),
    ("hget", |n| request(&["HGET", "hash", &key(n)])),
    ("zadd", |n| request(&["ZADD", "zset", &(n * 7919 % 1_000_000).to_string(), &key(n)])),
    ("zrange-10", |_| request(&["ZRANGE", "zset", "100", "109", "WITHSCORES"])),
    ("smembers-100", |_| request(&["SMEMBERS", "s100"])),
    ("hgetall-100", |_| request(&["HGETALL", "h100"])),
    ("sscan-100", |_| request(&["SSCAN", "s100", "0"])),
    ("hscan-100", |_| request(&["HSCAN", "h100", "0"])),
    ("zscan-100", |_| request(&["ZSCAN", "z100", "0"])),
    ("sunion-100", |_| request(&["SUNION", "s100", "s50"])),
    ("sinter-100", |_| request(&["SINTER", "s100", "s50"])),
    ("sdiff-100", |_| request(&["SDIFF", "s100", "s50"])),
    ("sunionstore", |_| request(&["SUNIONSTORE", "into", "s100", "s50"])),
    ("zdiff-100", |_| request(&["ZDIFF", "2", "z100", "z50"])),
    ("zunion-100", |_| request(&["ZUNION", "2", "z100", "z50"])),
    ("zinterstore", |_| request(&["ZINTERSTORE", "into", "2", "z100", "z50"])),
    ("sinter-10k", |_| request(&["SINTER", "s10k", "other10k"])),
];

fn key(n: u64) -> String {
    format!("key:{n:012}")
}

fn request(args: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend(format!("${}\r\n{arg}\r\n", arg.len()).bytes());
    }
    bytes
}

/// Random numbers below `bound` (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn send(engine: &mut Engine, conn: ConnId, bytes: &[u8]) {
    engine.receive(NOW, conn, bytes);
    while let Some(effect) = engine.poll() {
        if let Effect::Send(conn) = effect {
            let len = engine.outgoing(conn).map(<[u8]>::len).sum();
            engine.sent(NOW, conn, len);
        }
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let first = args.next();
    if first.as_deref() == Some("list") {
        WORKLOADS.iter().for_each(|(name, _)| println!("{name}"));
        return;
    }
    let keys: u64 = first.and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let count: u64 = args.next().and_then(|n| n.parse().ok()).unwrap_or(2_000_000);
    let only = args.next();

    let mut engine = Engine::new(Config::default(), [7; 32], NOW, Hooks::default());
    let conn = engine.connect(NOW, Peer::default());
    for n in 0..keys {
        send(&mut engine, conn, &request(&["SET", &key(n), VALUE]));
        send(&mut engine, conn, &request(&["RPUSH", "list", VALUE]));
        send(&mut engine, conn, &request(&["ZADD", "zset", &n.to_string(), &key(n)]));
        send(&mut engine, conn, &request(&["HSET", "hash", &key(n), VALUE]));
    }
    for n in 0..100 {
        let (member, score) = (format!("member:{n}"), format!("{n}"));
        send(&mut engine, conn, &request(&["SADD", "s100", &member]));
        send(&mut engine, conn, &request(&["HSET", "h100", &member, VALUE]));
        send(&mut engine, conn, &request(&["ZADD", "z100", &score, &member]));
        if n % 2 == 1 {
            send(&mut engine, conn, &request(&["SADD", "s50", &member]));
            send(&mut engine, conn, &request(&["ZADD", "z50", &score, &member]));
        }
    }
    for n in 0..10_000 {
        send(&mut engine, conn, &request(&["SADD", "s10k", &key(n)]));
        send(&mut engine, conn, &request(&["SADD", "other10k", &key(n * 2)]));
    }
    for (name, make) in WORKLOADS {
        if only.as_ref().is_some_and(|only| !only.split(',').any(|only| only == *name)) {
            continue;
        }
        let mut random = Random(88_172_645_463_325_252);
        let pipelines: Vec<Vec<u8>> = (0..PIPELINES)
            .map(|_| (0..PIPELINE).flat_map(|_| make(random.below(keys))).collect())
            .collect();
        let start = Instant::now();
        for pipeline in pipelines.iter().cycle().take(count as usize / PIPELINE) {
            send(&mut engine, conn, pipeline);
        }
        let nanos = start.elapsed().as_nanos() as f64 / count as f64;
        println!("{name:<12} {nanos:7.1} ns per command");
    }
}
