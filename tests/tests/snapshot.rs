//! Snapshots that are written while the data set changes hold exactly what there was when they began.
//!
//! Random commands run between random steps of a snapshot: tables grow and shrink, large values change while
//! they are half written, databases are emptied and change places, keys expire and are evicted. The file must hold
//! what one holds that was written at once when the snapshot began. `REDSTART_SNAPSHOT_SEEDS=5000` runs more.

use std::cell::Cell;
use std::collections::BTreeMap;

use redstart_core::collections::hash::HashSeed;
use redstart_core::command::Flags;
use redstart_core::persist::rdb::data_set::{self, Conflict};
use redstart_core::persist::rdb::dump;
use redstart_core::persist::rdb::save::Format;
use redstart_core::rng::Rng;
use redstart_core::store::Store;
use redstart_core::value::Tuning;
use redstart_core::{
    Config, ConnId, Effect, Engine, Hooks, Now, Peer, Progress, SnapshotKind, Ticket,
};
use redstart_tests::chance::Chance;
use redstart_tests::grammar::{self, Rule};
use redstart_tests::quote::repr;
use redstart_tests::resp::{self, Value};
use redstart_tests::script::{BIRTH, commands_of, hooks};

const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);

thread_local! {
    static USED: Cell<usize> = const { Cell::new(0) };
}

/// Database, key, expiry and value.
type Row = (usize, Vec<u8>, Option<i64>, Vec<u8>);

/// All that a base of commands holds; values as their commands, an element in each, sorted but for lists.
fn contents_of_commands(file: &[u8]) -> (Vec<Row>, Vec<Vec<u8>>) {
    let mut db = 0;
    let mut keys: BTreeMap<(usize, Vec<u8>), Vec<String>> = BTreeMap::new();
    let mut functions = Vec::new();
    for command in resp::decode_all(file).expect("a base is commands") {
        let Value::Array(words) = command else { panic!("a command is an array: {command:?}") };
        let words: Vec<Vec<u8>> = words
            .into_iter()
            .map(|word| if let Value::Bulk(word) = word { word } else { panic!("{word:?}") })
            .collect();
        let text = |words: &[Vec<u8>]| words.iter().map(|word| repr(word)).collect::<String>();
        let step = match &*String::from_utf8_lossy(&words[0]) {
            "SELECT" => {
                db = String::from_utf8_lossy(&words[1]).parse().expect("a number");
                continue;
            }
            "FUNCTION" => {
                functions.push(words[2].clone());
                continue;
            }
            "RPUSH" | "SADD" => 1,
            "HMSET" | "ZADD" => 2,
            _ => words.len(),
        };
        assert!(step > 2 || words.len() <= 2 + 64 * step, "64 elements at most");
        let key = if words[0] == b"XGROUP" { 2 } else { 1 };
        let lines = keys.entry((db, words[key].clone())).or_default();
        lines.extend(words[2..].chunks(step).map(|part| text(&words[..1]) + &text(part)));
    }
    let rows = keys.into_iter().map(|((db, key), mut lines)| {
        if !lines[0].starts_with("\"RPUSH") {
            lines.sort();
        }
        (db, key, None, lines.concat().into_bytes())
    });
    (rows.collect(), functions)
}

/// The same of what an RDB file holds.
fn as_commands(file: &[u8]) -> Vec<u8> {
    let now = Now { unix_us: 1_000, mono_us: 1_000 };
    let mut engine = Engine::new(Config::default(), [1; 32], now, hooks());
    engine.load_rdb(now, file).expect("the file is sound");
    commands_of(&mut engine, now)
}

/// All that a file holds; values as payloads with their bytes sorted, for the order in a table is a matter of
/// its history.
fn contents(file: &[u8]) -> (Vec<Row>, Vec<Vec<u8>>) {
    let mut store = Store::new(16, Tuning::new(SEED), Rng::new(1));
    let loaded = data_set::load(&mut store, file, Conflict::Refuse).expect("the file is sound");
    assert_eq!(loaded.empty, 0);
    let format = Format::of_version(12, &store.tuning);
    let mut rows = Vec::new();
    for index in 0..store.count() {
        for entry in store.db_at(index).entries() {
            let mut payload = Vec::new();
            dump::write(&mut payload, entry, &format, false);
            let end = payload.len() - 8;
            payload[..end].sort_unstable();
            payload.truncate(end);
            rows.push((index, entry.key().to_vec(), entry.expiry_ms(), payload));
        }
    }
    rows.sort();
    (rows, loaded.functions)
}

/// A snapshot that is being written.
struct Running {
    ticket: Ticket,
    file: Vec<u8>,
    expected: Vec<u8>,
    is_rdb: bool,
}

struct World {
    chance: Chance,
    engine: Engine,
    conns: Vec<ConnId>,
    now: Now,
    rules: Vec<Rule>,
    running: Option<Running>,
    finished: usize,
    of_commands: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut key = [0; 32];
        key.fill_with(|| chance.bits() as u8);
        let hooks = Hooks { used_memory: || USED.get(), ..hooks() };
        USED.set(0);
        let config = Config::parse_text("enable-debug-command yes").expect("a setting");
        let mut engine = Engine::new(config, key, BIRTH, hooks);
        let peer = || Peer { local: true, synchronous: true, ..Peer::default() };
        let conns = (0..3).map(|_| engine.connect(BIRTH, peer())).collect();
        let rules = grammar::rules().into_iter().filter(may_run).collect();
        let (now, running) = (BIRTH, None);
        Self { chance, engine, conns, now, rules, running, finished: 0, of_commands: 0 }
    }

    /// The last connection is ours; commands by chance are said by the others.
    fn ask(&mut self, words: &[&str]) {
        let conn = self.conns[2];
        self.engine.receive(self.now, conn, &resp::command(words));
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(effect) = self.engine.poll() {
            match effect {
                Effect::Send(conn) => {
                    let len = self.engine.outgoing(conn).map(<[u8]>::len).sum();
                    self.engine.sent(self.now, conn, len);
                }
                Effect::BeginSnapshot(ticket, kind) => {
                    assert!(self.running.is_none(), "one snapshot at a time");
                    let expected = self.engine.dump_rdb(self.now);
                    let is_rdb = kind == SnapshotKind::Rdb
                        || self.engine.config().is_on("aof-use-rdb-preamble");
                    self.running = Some(Running { ticket, file: Vec::new(), expected, is_rdb });
                }
                Effect::AbortSnapshot(ticket) => {
                    let running = self.running.take().expect("there is one");
                    assert_eq!(running.ticket, ticket);
                }
                Effect::Close(conn) => {
                    self.engine.disconnect(self.now, conn);
                    let at = self.conns.iter().position(|c| *c == conn).expect("it is known");
                    let peer = Peer { local: true, synchronous: true, ..Peer::default() };
                    self.conns[at] = self.engine.connect(self.now, peer);
                }
                _ => {}
            }
        }
    }

    fn step(&mut self) {
        match self.chance.below(100) {
            0..45 => {
                let rule = &self.rules[self.chance.below(self.rules.len())];
                let args = grammar::draw(rule, &mut self.chance);
                let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
                let conn = self.conns[self.chance.below(2)];
                self.engine.receive(self.now, conn, &resp::command(&args));
                self.settle();
            }
            45..60 => self.change(),
            60..65 => {
                let us = [1, 1_000, 50_000, 2_000_000][self.chance.below(4)];
                self.now.mono_us += us;
                self.now.unix_us += us;
                self.engine.timeout(self.now);
                self.settle();
            }
            65..68 => {
                USED.set(2 << 20);
                self.ask(&["PING"]);
                USED.set(0);
            }
            68..69 => {
                if let Some(running) = self.running.take() {
                    self.engine.complete(self.now, running.ticket, Err("no space left"));
                    self.settle();
                }
            }
            _ if self.running.is_some() => self.write(),
            _ => {
                let commands: [&[&str]; 4] = [
                    &["BGSAVE"],
                    &["BGREWRITEAOF"],
                    &["CONFIG", "SET", "aof-use-rdb-preamble", "no"],
                    &["CONFIG", "SET", "aof-use-rdb-preamble", "yes"],
                ];
                let command = commands[self.chance.below(4)];
                self.ask(command);
            }
        }
    }

    /// A change that the grammar rarely makes.
    fn change(&mut self) {
        let key = format!("large:{}", self.chance.below(6));
        let key = key.as_str();
        let db = self.chance.below(3).to_string();
        let count = [3, 40, 200, 700][self.chance.below(4)];
        let first = self.chance.below(500);
        let texts: Vec<String> = (first..first + count).map(|i| format!("element:{i}")).collect();
        let mut words: Vec<&str> = vec![];
        match self.chance.below(22) {
            0 => {
                words.extend(["RPUSH", key]);
                words.extend(texts.iter().map(String::as_str));
            }
            1 => {
                words.extend(["SADD", key]);
                words.extend(texts.iter().map(String::as_str));
            }
            2 => {
                words.extend(["HSET", key]);
                texts.iter().for_each(|text| words.extend([text.as_str(), "value"]));
            }
            3 => {
                words.extend(["ZADD", key]);
                texts.iter().for_each(|text| words.extend([&text[8..], text.as_str()]));
            }
            4 => {
                self.ask(&["XGROUP", "CREATE", key, "group", "0", "MKSTREAM"]);
                for text in &texts {
                    self.ask(&["XADD", key, "*", "field", text]);
                }
                words.extend(["XREADGROUP", "GROUP", "group", "me", "COUNT", "50"]);
                words.extend(["STREAMS", key, ">"]);
            }
            5 => words.extend(["SETRANGE", key, "300000", "end"]),
            6 => {
                let fields = texts.len().to_string();
                self.ask(&["HSET", key, &texts[0], "1"]);
                let words = ["HPEXPIRE", key, "70000", "FIELDS", &fields];
                let words: Vec<&str> =
                    words.into_iter().chain(texts.iter().map(String::as_str)).collect();
                self.ask(&words);
            }
            7 => {
                let prefix = format!("key{}", self.chance.below(5));
                let count = [10, 300, 3000][self.chance.below(3)].to_string();
                self.ask(&["DEBUG", "POPULATE", &count, &prefix]);
            }
            8 => {
                let prefix = self.chance.below(5);
                words.push("DEL");
                let keys: Vec<String> = (0..1500).map(|i| format!("key{prefix}:{i}")).collect();
                words.extend(keys.iter().map(String::as_str));
                self.ask(&words);
                words = vec![];
            }
            9 => words.extend(["LPOP", key, "5"]),
            10 => words.extend(["SREM", key, &texts[0], &texts[1]]),
            11 => words.extend(["HDEL", key, &texts[0], &texts[1]]),
            12 => words.extend(["ZREM", key, &texts[0], &texts[1]]),
            13 => words.extend(["APPEND", key, "tail"]),
            14 => words.extend(["RENAME", key, "large:0"]),
            15 => words.extend(["MOVE", key, &db]),
            16 => words.extend(["PEXPIRE", key, "1500"]),
            17 => words.extend(["SELECT", &db]),
            18 => words.extend(["SWAPDB", "0", &db]),
            19 if self.chance.percent(30) => words.push("FLUSHDB"),
            20 => words.extend(["COPY", key, "large:1", "REPLACE"]),
            _ => words.extend(["UNLINK", key]),
        }
        if !words.is_empty() {
            self.ask(&words);
        }
    }

    fn write(&mut self) {
        let Some(running) = &mut self.running else { return };
        let budget = [1, 30, 1_000, 16_384][self.chance.below(4)];
        let before = running.file.len();
        let progress = self.engine.snapshot(self.now, running.ticket, &mut running.file, budget);
        assert!(running.file.len() - before <= 2 * budget + 9, "no more than was asked for");
        if progress == Progress::Done
            && let Some(running) = self.running.take()
        {
            self.engine.complete(self.now, running.ticket, Ok(()));
            self.settle();
            let ((rows, functions), (expected_rows, expected_functions)) = if running.is_rdb {
                (contents(&running.file), contents(&running.expected))
            } else {
                self.of_commands += 1;
                let expected = as_commands(&running.expected);
                (contents_of_commands(&running.file), contents_of_commands(&expected))
            };
            for row in &expected_rows {
                assert!(rows.contains(row), "{} is missing or changed", describe(row));
            }
            for row in &rows {
                assert!(expected_rows.contains(row), "{} was not there", describe(row));
            }
            assert_eq!(functions, expected_functions);
            self.finished += 1;
        }
    }
}

fn describe(row: &Row) -> String {
    let (db, key, expiry_ms, payload) = row;
    let key = String::from_utf8_lossy(key);
    format!("{key} of database {db}, {expiry_ms:?}, {} bytes", payload.len())
}

fn may_run(rule: &Rule) -> bool {
    let name = rule.words[0].as_str();
    let out = [
        "QUIT",
        "RESET",
        "HELLO",
        "AUTH",
        "MONITOR",
        "SHUTDOWN",
        "CONFIG",
        "CLIENT",
        "SYNC",
        "PSYNC",
        "ACL",
        "SAVE",
        "FLUSHALL",
        "BGSAVE",
        "BGREWRITEAOF",
    ];
    !out.contains(&name) && !rule.command.flags.contains(Flags::PROTECTED)
}

#[test]
fn a_snapshot_is_the_data_set_at_the_cut() {
    let seeds = std::env::var("REDSTART_SNAPSHOT_SEEDS");
    let seeds = seeds.map_or(60, |text| text.parse().expect("a number of seeds"));
    let first = std::env::var("REDSTART_SNAPSHOT_FIRST");
    let first = first.map_or(0, |text| text.parse().expect("a seed"));
    let (mut finished, mut of_commands) = (0, 0);
    for seed in first..first + seeds {
        let mut world = World::new(seed);
        world.ask(&["CONFIG", "SET", "maxmemory", "1mb", "maxmemory-eviction-tenacity", "0"]);
        let policy = world.chance.pick(&["allkeys-lru", "allkeys-random", "volatile-lfu"]);
        world.ask(&["CONFIG", "SET", "maxmemory-policy", policy]);
        let steps = 200 + world.chance.below(400);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (0..steps).for_each(|_| world.step());
            while world.running.is_some() {
                world.write();
            }
        }));
        assert!(result.is_ok(), "seed {seed}");
        finished += world.finished;
        of_commands += world.of_commands;
    }
    assert!(of_commands as u64 > seeds / 8, "{of_commands} of them were commands");
    assert!(finished as u64 > seeds, "{finished} snapshots of {seeds} seeds were compared");
}
