//! A thousand losses of power: an engine and its append-only file on a disk that tears, reorders and forgets what
//! was not synced. Whatever happens, what is there afterwards is the beginning of what was done, and all of it that
//! was promised.

#[path = "crash/disk.rs"]
mod disk;

use std::path::{Path, PathBuf};

use disk::{Chance, Fragile};
use redstart_core::{
    Config, ConnId, Effect, Engine, Hooks, Now, Peer, Progress, SnapshotKind, Ticket,
};
use redstart_server::persist::Aof;
use redstart_server::persist::disk::Disk;
use redstart_server::persist::load::{Loading, What};
use redstart_server::persist::manifest::{Manifest, Place};
use redstart_server::persist::rdb::NewFile;

const SECOND_US: u64 = 1_000_000;

/// When the engine's journal is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Always,
    EverySecond,
}

/// What was done so far, over all lives.
#[derive(Debug, Default)]
struct History {
    /// The digest of the data set after each unit; the first is the empty one's.
    digests: Vec<String>,
    /// Units that must be there after a crash.
    promised: usize,
}

/// One life of a server, from a start to a crash.
struct Life<'h> {
    engine: Engine,
    conn: ConnId,
    now: Now,
    disk: Fragile,
    aof: Aof<Fragile>,
    chance: Chance,
    policy: Policy,
    history: &'h mut History,
    /// Units whose journal was appended.
    appended: usize,
    /// When the last sync was, and the units appended by then.
    synced_us: u64,
    rewrite: Option<(Ticket, NewFile<Fragile>)>,
}

fn place() -> Place {
    Place { dir: PathBuf::from("appendonlydir"), stem: "appendonly.aof".into() }
}

fn engine(now: Now, seed: u64) -> Engine {
    let mut config = Config::default();
    for (name, value) in [("appendonly", "yes"), ("enable-debug-command", "yes"), ("save", "")] {
        config.set(name, value.as_bytes()).expect(name);
    }
    let hooks = Hooks { save: Some(|_, _| Err("not here".into())), ..Hooks::default() };
    Engine::new(config, [seed as u8; 32], now, hooks)
}

/// Loads what is on the disk.
fn load(engine: &mut Engine, disk: &Fragile, now: Now) -> Result<Manifest, String> {
    let mut loading = Loading::begin(disk.clone(), What::Aof(place()), true)
        .map_err(|refusal| format!("{refusal:?}"))?;
    loop {
        match loading.step(engine, now) {
            Ok(true) => return Ok(loading.manifest.expect("it was an append-only file")),
            Ok(false) => {}
            Err(refusal) => return Err(format!("{refusal:?} after {:?}", loading.log)),
        }
    }
}

impl Life<'_> {
    /// Runs a command and returns its reply; the effects wait.
    fn ask(&mut self, line: &str) -> String {
        let mut text = line.to_string();
        text.push_str("\r\n");
        self.engine.receive(self.now, self.conn, text.as_bytes());
        self.reply()
    }

    fn reply(&mut self) -> String {
        let bytes: Vec<u8> = self.engine.outgoing(self.conn).flatten().copied().collect();
        self.engine.sent(self.now, self.conn, bytes.len());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn digest(&mut self) -> String {
        self.ask("DEBUG DIGEST")
    }

    /// One unit that leaves a mark, so that it is known how many are there.
    fn unit(&mut self) -> bool {
        let number = self.history.digests.len();
        let (a, b) = (self.chance.below(20), self.chance.below(1000));
        let change = match self.chance.below(12) {
            0 => format!("SET s{a} {}", "v".repeat(b as usize + 1)),
            1 => format!("INCRBY n{a} {b}"),
            2 => format!("LPUSH l{a} {b} x"),
            3 => format!("SADD t{a} {b}"),
            4 => format!("HSET h{a} f{b} v"),
            5 => format!("ZADD z{a} {b} m{b}"),
            6 => format!("SREM t{a} {b}"),
            7 => format!("DEL s{a}"),
            8 => format!("APPEND s{a} {b}"),
            9 => format!("XADD x{a} {number}-1 f {b}"),
            10 => "FLUSHDB".to_string(),
            _ => format!("EXPIRE s{a} 100000"),
        };
        let select = self.chance.below(2);
        self.ask("MULTI");
        if change == "FLUSHDB" {
            self.ask(&format!("SELECT {}", 1 - select));
        } else {
            self.ask(&format!("SELECT {select}"));
        }
        self.ask(if change == "FLUSHDB" { "SET s v" } else { &change });
        self.ask("SELECT 2");
        self.ask(&format!("RPUSH log {number}"));
        let reply = self.ask("EXEC");
        assert!(reply.starts_with('*'), "{reply}");
        let digest = self.digest();
        self.history.digests.push(digest);
        self.carry_out()
    }

    /// Performs the effects; `false`: the power has gone.
    fn carry_out(&mut self) -> bool {
        while let Some(effect) = self.engine.poll() {
            match effect {
                Effect::AppendJournal => {
                    let bytes = self.engine.journal().to_vec();
                    self.engine.journal_written(bytes.len());
                    let mut result = self.aof.append(&bytes);
                    // A disk that is full for a while.
                    while result.is_err() && !self.disk.is_dead() {
                        result = self.aof.retry();
                    }
                    if self.disk.is_dead() {
                        return false;
                    }
                    self.appended = self.history.digests.len() - 1;
                }
                Effect::BeginSnapshot(ticket, SnapshotKind::AofBase)
                    if self.begin_rewrite(ticket).is_err() && self.disk.is_dead() =>
                {
                    return false;
                }
                _ => {}
            }
        }
        let due = match self.policy {
            Policy::Always => true,
            Policy::EverySecond => self.now.mono_us >= self.synced_us + SECOND_US,
        };
        if due {
            self.synced_us = self.now.mono_us;
            if self.aof.sync().is_err() {
                return false;
            }
            self.history.promised = self.appended;
        }
        true
    }

    fn begin_rewrite(&mut self, ticket: Ticket) -> std::io::Result<()> {
        let path = PathBuf::from("temp-rewriteaof-bg.aof");
        let begun =
            self.aof.begin_rewrite(true).and_then(|()| NewFile::create(self.disk.clone(), path));
        match begun {
            Ok(file) => {
                self.rewrite = Some((ticket, file));
                Ok(())
            }
            Err(error) => {
                self.aof.fail_rewrite();
                self.engine.complete(self.now, ticket, Err("failed"));
                Err(error)
            }
        }
    }

    /// A step of the rewrite that runs; `false`: the power has gone.
    fn step(&mut self) -> bool {
        let Some((ticket, mut file)) = self.rewrite.take() else { return true };
        let mut piece = Vec::new();
        let progress = self.engine.snapshot(self.now, ticket, &mut piece, 500);
        let result = file.write(&piece).and_then(|()| match progress {
            Progress::Done => {
                file.sync()?;
                self.aof.end_rewrite(file.path(), true, false)?;
                Ok(true)
            }
            Progress::More | Progress::Later => Ok(false),
        });
        match result {
            Ok(true) => self.engine.complete(self.now, ticket, Ok(())),
            Ok(false) => self.rewrite = Some((ticket, file)),
            Err(_) => {
                file.remove();
                self.aof.fail_rewrite();
                self.engine.complete(self.now, ticket, Err("failed"));
            }
        }
        !self.disk.is_dead()
    }
}

/// Many lives of one server.
fn survive(seed: u64) {
    let mut chance = Chance::new(seed + 1);
    let policy = if chance.one_in(2) { Policy::Always } else { Policy::EverySecond };
    let faults = if chance.one_in(3) { 12 } else { 0 };
    let disk = Fragile::new(seed + 77, faults);
    let mut now = Now { unix_us: 1_700_000_000_000_000, mono_us: 1 };
    let mut history = History::default();
    for life in 0..4 {
        disk.restart();
        now.mono_us += 1;
        let mut engine = engine(now, seed);
        let manifest = load(&mut engine, &disk, now).unwrap_or_else(|error| {
            panic!("seed {seed} life {life}: {error} {:?}", disk.listing())
        });
        let mut aof = Aof::new(disk.clone(), place(), manifest);
        let empty = engine.empty_base(now);
        let conn = engine.connect(now, Peer::default());
        if life > 0 {
            disk.light_fuse(chance.below(20));
        }
        let started = aof.start(&empty);
        let mut life = Life {
            engine,
            conn,
            now,
            disk: disk.clone(),
            aof,
            chance: chance.clone(),
            policy,
            history: &mut history,
            appended: 0,
            synced_us: now.mono_us,
            rewrite: None,
        };
        // What is there is the beginning of what was done, with all that was promised.
        let digest = life.digest();
        life.ask("SELECT 2");
        let count: usize =
            life.ask("LLEN log").trim().trim_start_matches(':').parse().expect("a number");
        if life.history.digests.is_empty() {
            life.history.digests.push(digest.clone());
        }
        assert!(
            count >= life.history.promised && count < life.history.digests.len(),
            "seed {seed} {policy:?}: {count} units, {} promised, {} done",
            life.history.promised,
            life.history.digests.len() - 1
        );
        assert_eq!(
            digest, life.history.digests[count],
            "seed {seed} {policy:?}: after unit {count}"
        );
        life.history.digests.truncate(count + 1);
        // It was read from the disk, so that is where it is.
        life.history.promised = count;
        life.appended = count;
        life.carry_out();
        if started.is_err() {
            assert!(disk.is_dead() || faults > 0, "seed {seed}: {started:?}");
            chance.below(2);
            continue;
        }
        disk.light_fuse(20 + chance.below(300));
        let mut is_up = true;
        while is_up {
            life.now.mono_us += life.chance.below(SECOND_US / 8);
            life.now.unix_us = 1_700_000_000_000_000 + life.now.mono_us;
            is_up = if life.rewrite.is_none() && life.chance.one_in(15) {
                life.ask("BGREWRITEAOF");
                life.carry_out()
            } else if life.rewrite.is_some() && life.chance.one_in(2) {
                life.step()
            } else {
                life.unit()
            };
        }
        assert!(disk.is_dead(), "seed {seed}: only the power ends a life");
        now = life.now;
        chance.below(2);
    }
}

#[test]
fn what_survives_is_a_beginning_with_all_that_was_promised() {
    for seed in 0..334 {
        survive(seed);
    }
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    for seed in 0..200 {
        let disk = Fragile::new(seed, 0);
        let name = Path::new("dump.rdb");
        for (round, text) in ["first", "the second, which is longer"].iter().enumerate() {
            if round == 1 {
                disk.light_fuse(seed % 8);
            }
            let written =
                NewFile::create(disk.clone(), "temp-1.rdb".into()).and_then(|mut file| {
                    file.write(text.as_bytes())?;
                    file.finish(name)
                });
            assert_eq!(written.is_err(), disk.is_dead(), "seed {seed}");
            if written.is_ok() {
                disk.restart();
                assert_eq!(disk.read(name).expect("it was synced"), text.as_bytes());
            }
        }
        disk.restart();
        let there = disk.read(name).expect("one of them is there");
        assert!(there == b"first" || there == b"the second, which is longer", "seed {seed}");
    }
}
