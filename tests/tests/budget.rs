//! What the hot paths may cost, counted and not timed: allocations per command, bytes per key.

use redstart_core::{Config, ConnId, Effect, Engine, Hooks, Now, Peer};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting on this thread. Sizes are rounded up to multiples of 8, as the classes
/// of the server's allocator are.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

fn count(allocations: u64, bytes: i64) {
    ALLOCATIONS.set(ALLOCATIONS.get() + allocations);
    BYTES.set(BYTES.get() + bytes);
}

fn rounded(size: usize) -> i64 {
    size.next_multiple_of(8) as i64
}

// SAFETY: everything is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, rounded(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, -rounded(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, rounded(size) - rounded(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

const NOW: Now = Now { unix_us: 1_700_000_000_000_000, mono_us: 1 };

struct Host {
    engine: Engine,
    conn: ConnId,
}

impl Host {
    fn new() -> Self {
        Self::with("")
    }

    fn with(config: &str) -> Self {
        let config = Config::parse_text(config).expect("the settings are right");
        let mut engine = Engine::new(config, [7; 32], NOW, Hooks::default());
        let conn = engine.connect(NOW, Peer::default());
        Self { engine, conn }
    }

    /// One more connection gets the data set, and from now on what changes.
    fn replicate(&mut self) {
        let replica = self.engine.connect(NOW, Peer::default());
        for request in [&b"REPLCONF capa eof\r\n"[..], b"PSYNC ? -1\r\n"] {
            self.engine.receive(NOW, replica, request);
            self.run(b"");
        }
        while self.engine.deadline().is_some_and(|at_us| at_us <= NOW.mono_us) {
            self.engine.timeout(NOW);
            self.run(b"");
        }
        self.engine.receive(NOW, self.conn, b"INFO replication\r\n");
        let info: Vec<u8> = self.engine.outgoing(self.conn).flatten().copied().collect();
        let info = String::from_utf8_lossy(&info);
        assert!(info.contains("state=online"), "{info}");
        self.run(b"");
    }

    /// Sends requests and drops what is replied; the reply's first byte says whether it was an error.
    fn run(&mut self, requests: &[u8]) {
        self.engine.receive(NOW, self.conn, requests);
        while let Some(effect) = self.engine.poll() {
            if effect == Effect::AppendJournal {
                self.engine.journal_written(self.engine.journal().len());
            } else if let Effect::Send(conn) = effect {
                let bytes = self.engine.outgoing(conn).map(<[u8]>::len).sum();
                let first = self.engine.outgoing(conn).next().map(|b| b[0]);
                assert_ne!(first, Some(b'-'), "a request failed");
                self.engine.sent(NOW, conn, bytes);
            }
        }
    }

    /// The allocations of a pipeline of 16 of these requests, once everything is warm.
    fn allocations(&mut self, request: &[u8]) -> u64 {
        let pipeline = request.repeat(16);
        for _ in 0..4 {
            self.run(&pipeline);
        }
        let before = ALLOCATIONS.get();
        self.run(&pipeline);
        ALLOCATIONS.get() - before
    }
}

fn request(args: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend(format!("${}\r\n{arg}\r\n", arg.len()).bytes());
    }
    bytes
}

#[test]
fn reading_and_overwriting_allocate_nothing() {
    let mut host = Host::new();
    let value = "0123456789abcdef";
    host.run(&request(&["SET", "string", value]));
    host.run(&request(&["SET", "number", "10"]));
    host.run(&request(&["HSET", "hash", "field", value]));
    host.run(&request(&["SADD", "set", "member"]));
    host.run(&request(&["ZADD", "zset", "1", "member"]));
    host.run(&request(&["RPUSH", "list", "a", "b", "c"]));
    for args in [
        &["PING"][..],
        &["GET", "string"],
        &["GET", "missing"],
        &["SET", "string", value],
        &["SET", "string", "fedcba9876543210"],
        &["INCR", "number"],
        &["STRLEN", "string"],
        &["EXISTS", "string"],
        &["TTL", "string"],
        &["HGET", "hash", "field"],
        &["HSET", "hash", "field", value],
        &["SISMEMBER", "set", "member"],
        &["SADD", "set", "member"],
        &["ZSCORE", "zset", "member"],
        &["ZADD", "zset", "1", "member"],
        &["LRANGE", "list", "0", "-1"],
        &["LLEN", "list"],
    ] {
        assert_eq!(host.allocations(&request(args)), 0, "{args:?}");
    }
}

#[test]
fn a_write_that_is_journaled_and_replicated_allocates_nothing() {
    for config in ["", "appendonly yes"] {
        let mut host = Host::with(config);
        host.run(&request(&["SET", "other", "value"]));
        host.replicate();
        host.replicate();
        let value = "0123456789abcdef";
        for args in [&["SET", "string", value][..], &["HSET", "hash", "field", value]] {
            assert_eq!(host.allocations(&request(args)), 0, "{args:?} with {config:?}");
        }
    }
}

#[test]
fn a_key_of_16_and_a_value_of_16_bytes_take_at_most_54() {
    let mut host = Host::new();
    // A table that has just doubled has the most room to spare: averaged over a doubling.
    let mut figures = Vec::new();
    let before = BYTES.get();
    let mut inserted = 0;
    for keys in [100_000, 119_000, 141_000, 168_000, 200_000u32] {
        while inserted < keys {
            let key = format!("key:{inserted:012}");
            host.run(&request(&["SET", &key, "0123456789abcdef"]));
            inserted += 1;
        }
        figures.push((BYTES.get() - before) as f64 / f64::from(keys));
    }
    let mean = figures.iter().sum::<f64>() / figures.len() as f64;
    assert!(mean <= 54.0, "{mean:.1} bytes per key: {figures:.1?}");
}

#[test]
fn a_member_of_a_large_sorted_set_takes_at_most_50_bytes() {
    let mut host = Host::new();
    let before = BYTES.get();
    let members = 100_000u32;
    for n in 0..members {
        let member = format!("m{n:09}");
        let score = (n.wrapping_mul(2_654_435_761) % 1_000_000).to_string();
        host.run(&request(&["ZADD", "zset", &score, &member]));
    }
    let each = (BYTES.get() - before) as f64 / f64::from(members);
    assert!(each <= 50.0, "{each:.1} bytes per member");
}

#[test]
fn a_small_object_takes_its_block_its_entry_and_its_place_in_the_table() {
    let texts = |of: fn(u32) -> String, count| (0..count).map(of).collect::<Vec<_>>();
    let pairs =
        |n: u32| if n.is_multiple_of(2) { format!("field{}", n / 2) } else { format!("v{n:07}") };
    let items = |n: u32| format!("item-{n:07}");
    let numbers = |n: u32| (n * 19_999).to_string();
    // What is allowed: the packed block as it is rounded, an entry of 32 bytes, 32 for its place.
    for (command, elements, most) in [
        ("HSET", texts(pairs, 20), 192 + 64),
        ("RPUSH", texts(items, 100), 1408 + 64),
        ("SADD", texts(numbers, 50), 224 + 64),
    ] {
        let mut host = Host::new();
        let before = BYTES.get();
        let keys = 10_000;
        for n in 0..keys {
            let key = format!("k:{n:014}");
            let mut args = vec![command, &key];
            args.extend(elements.iter().map(String::as_str));
            host.run(&request(&args));
        }
        let each = (BYTES.get() - before) / keys;
        assert!(each <= most, "{command}: {each} bytes per key");
    }
}

#[test]
fn a_promised_bulk_costs_nothing_until_it_comes() {
    let mut host = Host::new();
    let before = BYTES.get();
    host.run(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nabc");
    let grown = BYTES.get() - before;
    assert!(grown < 64 * 1024, "{grown} bytes for a header");
}
