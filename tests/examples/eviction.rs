//! How good evictions are: a Zipf trace of a cache (look up, and write what is not there) against each of the
//! eight policies, in the engine and in a real Redis that hold the same number of keys.
//!
//! `cargo run --release -p redstart-tests --example eviction [commands, in thousands; 300 if not given]`
//!
//! Both are filled with as many keys as the cache is to hold, and what that takes becomes `maxmemory`: they are
//! compared by what they keep, not by how much of it fits. The engine's clock runs as fast as Redis's did.
//! Times to live are by chance and say nothing of how popular a key is: what is close to volatile-ttl has fewer
//! hits, not more. In the second half other keys are the popular ones, so that a policy has something to forget.

use redstart_core::{Config, ConnId, Effect, Engine, Hooks, Now, Peer};
use redstart_tests::live::Server;
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const KEYS: u64 = 50_000;
const HELD: u64 = 10_000;
/// How long a trace takes where it matters when a key was used last.
const LRU_SECONDS: f64 = 15.0;
/// Commands that are on their way at the same time.
const BATCH: usize = 200;
const VALUE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const POLICIES: [&str; 8] = [
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "noeviction",
];

static USED: AtomicUsize = AtomicUsize::new(0);
/// What of it is this program's and not the engine's.
static OWN: AtomicUsize = AtomicUsize::new(0);

fn engine_uses() -> usize {
    USED.load(Ordering::Relaxed) - OWN.load(Ordering::Relaxed)
}

/// The system's allocator, counting.
struct Counting;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        USED.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Something that takes commands and says which of them found a key.
trait Host {
    /// Runs commands; for each whether its reply was a string.
    fn run(&mut self, commands: &[String]) -> Vec<bool>;
    /// How many keys there are.
    fn held(&mut self) -> u64;
    /// Bytes in use.
    fn used(&mut self) -> u64;
    /// So much of its trace, in seconds, went by: a host whose time is not the world's sets its clock.
    fn passed(&mut self, seconds: f64);
}

struct Live {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Live {
    fn line(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                return self.buffer.drain(..=end).collect();
            }
            let mut part = [0; 64 * 1024];
            let len = self.stream.read(&mut part).expect("Redis answers");
            assert!(len > 0, "Redis hung up");
            self.buffer.extend_from_slice(&part[..len]);
        }
    }

    /// A reply; the text of a string.
    fn reply(&mut self) -> Option<String> {
        let line = self.line();
        let len: i64 = match line[0] {
            b'$' => String::from_utf8_lossy(&line[1..]).trim().parse().expect("a length"),
            _ => return None,
        };
        if len < 0 {
            return None;
        }
        let mut text = Vec::new();
        while text.len() < len as usize + 2 {
            text.extend(self.line());
        }
        Some(String::from_utf8_lossy(&text).into_owned())
    }
}

impl Host for Live {
    fn run(&mut self, commands: &[String]) -> Vec<bool> {
        self.stream.write_all((commands.join("\r\n") + "\r\n").as_bytes()).expect("Redis reads");
        commands.iter().map(|_| self.reply().is_some()).collect()
    }

    fn held(&mut self) -> u64 {
        self.stream.write_all(b"DBSIZE\r\n").expect("Redis reads");
        number(&String::from_utf8_lossy(&self.line()))
    }

    fn used(&mut self) -> u64 {
        self.stream.write_all(b"INFO memory\r\n").expect("Redis reads");
        let text = self.reply().expect("INFO is a string");
        let line = text.lines().find_map(|line| line.strip_prefix("used_memory:"));
        line.and_then(|digits| digits.parse().ok()).expect("there is a number")
    }

    fn passed(&mut self, _: f64) {}
}

fn number(line: &str) -> u64 {
    line.trim().strip_prefix(':').and_then(|digits| digits.parse().ok()).expect("a number")
}

struct Ours {
    engine: Engine,
    conn: ConnId,
    start: Now,
    now: Now,
    /// What it used when it was last asked.
    used: usize,
}

impl Ours {
    fn new() -> Self {
        let hooks = Hooks { used_memory: engine_uses, ..Hooks::default() };
        let start = Now { unix_us: 1_700_000_000_000_000, mono_us: 1 };
        let before = USED.load(Ordering::Relaxed);
        let mut engine = Engine::new(Config::default(), [7; 32], start, hooks);
        let conn = engine.connect(start, Peer::default());
        let used = USED.load(Ordering::Relaxed) - before;
        Self { engine, conn, start, now: start, used }
    }

    /// Sends commands; what comes back.
    fn ask(&mut self, commands: &[String]) -> String {
        let request = commands.join("\r\n") + "\r\n";
        let engine = &mut self.engine;
        let mut out = Vec::with_capacity(request.len() * 16);
        // From here on only the engine allocates.
        let before = USED.load(Ordering::Relaxed) - self.used;
        OWN.store(before, Ordering::Relaxed);
        engine.receive(self.now, self.conn, request.as_bytes());
        while let Some(effect) = engine.poll() {
            if let Effect::Send(conn) = effect {
                let len = out.len();
                engine.outgoing(conn).for_each(|part| out.extend_from_slice(part));
                let len = out.len() - len;
                engine.sent(self.now, conn, len);
            }
        }
        self.used = engine_uses();
        String::from_utf8_lossy(&out).into_owned()
    }
}

impl Host for Ours {
    fn run(&mut self, commands: &[String]) -> Vec<bool> {
        let text = self.ask(commands);
        let mut lines = text.lines();
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            let is_string = line.starts_with('$') && line != "$-1";
            if is_string {
                lines.next();
            }
            found.push(is_string);
        }
        assert_eq!(found.len(), commands.len(), "every command has a reply");
        found
    }

    fn held(&mut self) -> u64 {
        number(&self.ask(&["DBSIZE".into()]))
    }

    fn used(&mut self) -> u64 {
        self.used as u64
    }

    fn passed(&mut self, seconds: f64) {
        let us = (seconds * 1e6) as u64;
        self.now = Now { unix_us: self.start.unix_us + us, mono_us: self.start.mono_us + us };
        let before = USED.load(Ordering::Relaxed) - self.used;
        OWN.store(before, Ordering::Relaxed);
        self.engine.timeout(self.now);
        self.used = engine_uses();
    }
}

/// A small generator: the same trace for both.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Keys by Zipf's law with exponent 1, and when each of them would expire if it was written.
fn trace(commands: usize) -> Vec<(u64, u64)> {
    let mut sums: Vec<f64> = Vec::new();
    let mut sum = 0.0;
    for rank in 1..=KEYS {
        sum += 1.0 / rank as f64;
        sums.push(sum);
    }
    let mut chance = Chance(1);
    let mut key = |index: usize| {
        let at = chance.unit() * sum;
        let rank = sums.partition_point(|&so_far| so_far < at) as u64;
        let moved = if index * 2 < commands { 0 } else { KEYS / 2 };
        // Popular keys are not neighbours.
        ((rank + moved) % KEYS * 7919 % KEYS, 1000 + chance.next() % 100_000)
    };
    (0..commands).map(&mut key).collect()
}

/// Plays the trace; the part of the look-ups that found something, in percent, and how long it took.
fn play(host: &mut dyn Host, policy: &str, trace: &[(u64, u64)], pace: Option<f64>) -> (f64, f64) {
    let write = |key: u64, seconds: u64| match policy.starts_with("volatile") {
        true => format!("SET key:{key:08} {VALUE} EX {seconds}"),
        false => format!("SET key:{key:08} {VALUE}"),
    };
    host.run(&["CONFIG SET maxmemory 0".into(), "FLUSHALL".into()]);
    let first: Vec<String> = (0..HELD).map(|key| write(key, 500_000 + key)).collect();
    for part in first.chunks(BATCH) {
        host.run(part);
    }
    // Its buffers are as large as they will be.
    let gets = |part: &[u64]| -> Vec<String> {
        part.iter().map(|key| format!("GET key:{key:08}")).collect()
    };
    host.run(&gets(&(0..BATCH as u64).collect::<Vec<_>>()));
    let limit = host.used();
    host.run(&[
        format!("CONFIG SET maxmemory-policy {policy}"),
        format!("CONFIG SET maxmemory {limit}"),
    ]);
    let (start, mut hits) = (Instant::now(), 0);
    for (index, part) in trace.chunks(BATCH).enumerate() {
        if let Some(pace) = pace {
            host.passed(pace * (index * BATCH) as f64 / trace.len() as f64);
        }
        let found = host.run(&gets(&part.iter().map(|(key, _)| *key).collect::<Vec<_>>()));
        hits += found.iter().filter(|found| **found).count();
        let missed = part.iter().zip(&found).filter(|(_, found)| !**found);
        let sets: Vec<String> = missed.map(|((key, seconds), _)| write(*key, *seconds)).collect();
        if !sets.is_empty() {
            host.run(&sets);
        }
        if pace.is_none() && policy.ends_with("lru") {
            // Both know seconds: some have to pass.
            let due = LRU_SECONDS * ((index + 1) * BATCH) as f64 / trace.len() as f64;
            let early = due - start.elapsed().as_secs_f64();
            std::thread::sleep(std::time::Duration::from_secs_f64(early.max(0.0)));
        }
    }
    (hits as f64 * 100.0 / trace.len() as f64, start.elapsed().as_secs_f64())
}

fn main() {
    let thousands = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(300);
    let trace = trace(thousands * 1000);
    println!("{KEYS} keys, about {HELD} held, {} look-ups; hits in percent", trace.len());
    println!(
        "{:<16} {:>8} {:>8} {:>8} {:>10} {:>10}",
        "policy", "Redis", "engine", "more", "its keys", "our keys"
    );
    for policy in POLICIES {
        let Ok(Some(server)) = Server::oracle() else {
            println!("there is no Redis to compare with");
            return;
        };
        let mut live = Live { stream: server.dial().expect("it listens"), buffer: Vec::new() };
        let mut engine = Ours::new();
        let (theirs, seconds) = play(&mut live, policy, &trace, None);
        let (ours, _) = play(&mut engine, policy, &trace, Some(seconds));
        let (held, kept) = (live.held(), engine.held());
        println!(
            "{policy:<16} {theirs:>8.2} {ours:>8.2} {:>+8.2} {held:>10} {kept:>10}",
            ours - theirs
        );
    }
}
