//! Time passing: timeouts, and background work in bounded steps.

use super::Engine;
use crate::command::tracking;
use crate::server::{Effect, Level, Now};
use crate::store::evict::Room;
use alloc::string::String;
use core::mem::take;

/// How soon background work goes on that is not done: a round takes a millisecond at most, so that it has a
/// quarter of the time, and up to half of it with the greatest `active-expire-effort`.
const SOON_US: u64 = 4_000;
const SOON_US_PER_EFFORT: u64 = 200;
/// Parts that one round of lazy freeing frees.
const FREE_PARTS: usize = 4096;

/// How much of a snapshot that was given up is tidied up in one round: about as long as writing so many bytes takes.
const TIDY_BYTES: usize = 1 << 20;

/// How often connections are looked at that are idle or do not read, in microseconds.
const SWEEP_US: u64 = 1_000_000;
/// The same while one has more to be sent than its soft limit.
const SWEEP_OVER_SOFT_US: u64 = 100_000;

impl Engine {
    /// Time has passed. Early or repeated calls do nothing.
    pub fn timeout(&mut self, now: Now) {
        self.set_now(now);
        if self.is_busy() {
            self.go_on_with_script();
            self.after_input();
            return;
        }
        self.time_out_blocked();
        self.begin_saving();
        self.replicate(now);
        if now.mono_us >= self.next_cron_us
            && self.has_background_work()
            && self.server.persistence.loading.is_none()
        {
            let mut unfinished = false;
            let effort = self.server.config.active_expire_effort.clamp(1, 10);
            if self.server.active_expire {
                let start = (self.server.hooks.stopwatch)();
                unfinished |= self.store.expire_round(effort);
                let nanos = (self.server.hooks.stopwatch)().wrapping_sub(start);
                self.server.stats.expire_nanos += nanos;
                self.server.note_latency("expire-cycle", nanos);
            }
            self.store.stats.lazyfreed += self.store.garbage.step(FREE_PARTS);
            tracking::keep_limit(&mut self.store);
            unfinished |= !self.store.garbage.is_empty();
            if self.store.cut.is_abandoned() {
                self.store.walk_on(TIDY_BYTES, u64::MAX);
                unfinished |= self.store.cut.is_abandoned();
            }
            if self.store.eviction.unfinished && self.server.pause.is_none() {
                let limit = self.server.config.maxmemory;
                let used_memory = self.server.hooks.used_memory;
                self.store.eviction.unfinished = limit > 0;
                if limit > 0 {
                    let start = self.server.watch_start();
                    let room = self.store.make_room(used_memory, limit);
                    self.server.watch_end("eviction-cycle", start);
                    unfinished |= room == Room::Unfinished;
                }
            }
            self.next_cron_us = now.mono_us
                + if unfinished {
                    SOON_US - SOON_US_PER_EFFORT * u64::from(effort)
                } else {
                    1_000_000 / u64::from(self.server.config.hz.max(1))
                };
        }
        if now.mono_us >= self.next_sweep_us && self.has_connections_to_sweep() {
            self.sweep_connections();
            let over = !self.server.clients.over_soft.is_empty();
            self.next_sweep_us = now.mono_us + if over { SWEEP_OVER_SOFT_US } else { SWEEP_US };
        }
        self.after_input();
    }

    /// When [`Engine::timeout`] wants to be called at the latest, on the monotonic clock in microseconds;
    /// `None`: only input can change anything.
    pub fn deadline(&self) -> Option<u64> {
        if self.is_busy() {
            return Some(self.server.now.mono_us);
        }
        let blocked = self.server.deadlines.first().map(|&(deadline_us, _)| deadline_us);
        let pause = self.server.pause.map(|pause| pause.until_us);
        let cron = self.has_background_work().then_some(self.next_cron_us);
        let sweep = self.has_connections_to_sweep().then_some(self.next_sweep_us);
        let replication = self.replication_deadline();
        [blocked, pause, cron, sweep, self.saving_deadline(), replication]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether there is such a time.
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn has_deadline(&self) -> bool {
        self.is_busy()
            || !self.server.deadlines.is_empty()
            || self.server.pause.is_some()
            || self.has_background_work()
            || self.has_connections_to_sweep()
            || self.saving_deadline().is_some()
            || self.replication_deadline().is_some()
    }

    #[cfg_attr(redstart_small, optimize(speed))]
    fn has_background_work(&self) -> bool {
        if self.server.cron_paused {
            return false;
        }
        let paused = self.server.pause.is_some();
        !self.store.garbage.is_empty()
            || self.store.tracking.has_work()
            || self.store.cut.is_abandoned()
            || (!paused && self.store.eviction.unfinished)
            || (!paused && self.server.active_expire && self.store.has_expiries())
    }

    fn has_connections_to_sweep(&self) -> bool {
        !self.server.clients.over_soft.is_empty()
            || (self.server.config.timeout > 0 && !self.server.clients.is_empty())
    }

    /// Kills connections that are idle for longer than `timeout`, or over their soft limit for too long.
    fn sweep_connections(&mut self) {
        let now_ms = self.server.now.unix_ms();
        let timeout = self.server.config.timeout;
        let clients = &mut self.server.clients;
        for conn in take(&mut clients.over_soft) {
            let limits = clients.limits;
            let Some(client) = clients.get_mut(conn) else { continue };
            if client.exceeds(&limits, now_ms) {
                client.killed = true;
                clients.over.push(conn);
            } else if client.over_soft_since_ms.is_some() {
                clients.over_soft.push(conn);
            }
        }
        if timeout == 0 {
            return;
        }
        for id in clients.ids() {
            let Some(client) = clients.by_id_mut(id) else { continue };
            let idle_seconds = (now_ms - client.active_ms).max(0) as u64 / 1000;
            // Those who wait for something that others do are not idle.
            let waits = client.blocked.is_some()
                || client.held
                || client.is_subscriber()
                || client.is_replica();
            if idle_seconds > timeout && !waits && !client.monitor && !client.killed {
                client.killed = true;
                let conn = client.conn;
                clients.told.push(conn);
                let line = String::from("Closing idle client");
                self.server.effects.push_back(Effect::Log(Level::Verbose, line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::server::{Effect, Hooks};
    use crate::{ConnId, Peer};
    use alloc::format;
    use alloc::string::String;
    use core::sync::atomic::{AtomicUsize, Ordering};

    const BIRTH: Now = Now { unix_us: 1_700_000_000_000_000, mono_us: 1 };

    fn after_ms(ms: u64) -> Now {
        Now { unix_us: BIRTH.unix_us + ms * 1000, mono_us: BIRTH.mono_us + ms * 1000 }
    }

    fn ask(engine: &mut Engine, conn: ConnId, now: Now, request: &str) -> String {
        engine.receive(now, conn, format!("{request}\r\n").as_bytes());
        let mut reply = String::new();
        while let Some(effect) = engine.poll() {
            if let Effect::Send(conn) = effect {
                let bytes: alloc::vec::Vec<u8> = engine.outgoing(conn).flatten().copied().collect();
                engine.sent(now, conn, bytes.len());
                reply.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
        reply
    }

    #[test]
    fn keys_that_nobody_asks_for_expire_all_the_same() {
        let mut engine = Engine::new(Config::default(), [7; 32], BIRTH, Hooks::default());
        let conn = engine.connect(BIRTH, Peer::default());
        for i in 0..5000 {
            ask(&mut engine, conn, BIRTH, &format!("SET key:{i} v PX 500"));
        }
        ask(&mut engine, conn, BIRTH, "SET stays v");
        let mut ms = 499;
        engine.timeout(after_ms(ms));
        assert_eq!(ask(&mut engine, conn, after_ms(ms), "DBSIZE"), ":5001\r\n");
        while engine.deadline().is_some() {
            assert!(ms < 2000, "it takes too long");
            ms += 1;
            engine.timeout(after_ms(ms));
        }
        assert_eq!(ask(&mut engine, conn, after_ms(ms), "DBSIZE"), ":1\r\n");
    }

    #[test]
    fn fields_that_nobody_asks_for_expire_all_the_same() {
        for entries in ["0", "512"] {
            let mut engine = Engine::new(Config::default(), [7; 32], BIRTH, Hooks::default());
            let conn = engine.connect(BIRTH, Peer::default());
            let limit = format!("CONFIG SET hash-max-listpack-entries {entries}");
            ask(&mut engine, conn, BIRTH, &limit);
            for i in 0..3000 {
                let (hash, field) = (i % 300, i / 300);
                ask(
                    &mut engine,
                    conn,
                    BIRTH,
                    &format!("HSETEX h{hash} PX 500 FIELDS 1 f{field} v"),
                );
            }
            ask(&mut engine, conn, BIRTH, "HSET h7 stays v");
            ask(&mut engine, conn, BIRTH, "PEXPIRE h8 500");
            let mut ms = 499;
            engine.timeout(after_ms(ms));
            engine.store.check();
            assert_eq!(ask(&mut engine, conn, after_ms(ms), "HLEN h7"), ":11\r\n");
            while engine.deadline().is_some() {
                assert!(ms < 2000, "it takes too long");
                ms += 1;
                engine.timeout(after_ms(ms));
                engine.store.check();
            }
            assert_eq!(ask(&mut engine, conn, after_ms(ms), "DBSIZE"), ":1\r\n");
            assert_eq!(ask(&mut engine, conn, after_ms(ms), "HLEN h7"), ":1\r\n");
            assert_eq!(engine.store.stats.expired_fields + 10, 3000);
        }
    }

    #[test]
    fn the_index_of_fields_that_expire_survives_whatever_is_done_to_keys() {
        let mut engine = Engine::new(Config::default(), [7; 32], BIRTH, Hooks::default());
        let conn = engine.connect(BIRTH, Peer::default());
        ask(&mut engine, conn, BIRTH, "CONFIG SET hash-max-listpack-entries 3");
        let mut rng = crate::rng::Rng::new(11);
        let mut ms = 0;
        for _ in 0..20_000 {
            let key = format!("k{}", rng.below(8));
            let (other, field) = (format!("k{}", rng.below(8)), format!("f{}", rng.below(6)));
            let (span, db) = (rng.below(40), rng.below(3));
            let request = match rng.below(26) {
                0..=2 => format!("HSET {key} {field} v x y"),
                3 => format!("HSETEX {key} PX {span} FIELDS 2 {field} v g w"),
                4 | 5 => format!("HPEXPIRE {key} {span} FIELDS 2 {field} x"),
                6 => format!("HGETEX {key} PX {span} FIELDS 1 {field}"),
                7 => format!("HPERSIST {key} FIELDS 1 {field}"),
                8 => format!("HDEL {key} {field} x"),
                9 => format!("HGETDEL {key} FIELDS 1 {field}"),
                10 => format!("HINCRBY {key} n 1"),
                11 => format!("RENAME {key} {other}"),
                12 => format!("COPY {key} {other} REPLACE"),
                13 => format!("COPY {key} {other} DB {db} REPLACE"),
                14 => format!("MOVE {key} {db}"),
                15 => format!("SWAPDB {db} 1"),
                16 => format!("SELECT {db}"),
                17 => format!("SET {key} v"),
                18 => format!("DEL {key}"),
                19 => format!("PEXPIRE {key} {span}"),
                20 => format!("HRANDFIELD {key} 2"),
                21 => format!("HMGET {key} {field} x g"),
                22 => format!("SINTERSTORE {key} nothing"),
                23 if span == 0 => String::from("FLUSHALL"),
                24 if span == 0 => String::from("FLUSHDB"),
                23 | 24 if span < 3 => {
                    engine.reload(after_ms(ms)).expect("what was saved loads");
                    String::from("PING")
                }
                25 => format!("GETEX {key} PX {span}"),
                _ => {
                    ms += rng.below(10);
                    engine.timeout(after_ms(ms));
                    String::from("PING")
                }
            };
            ask(&mut engine, conn, after_ms(ms), &request);
            engine.store.check();
        }
        for db in 0..3 {
            ask(&mut engine, conn, after_ms(ms), &format!("SELECT {db}"));
            ask(&mut engine, conn, after_ms(ms), "FLUSHDB");
        }
        engine.store.check();
        assert!(engine.store.dbs().iter().all(|db| !db.has_expiries()));
        assert!(engine.store.stats.expired_fields > 100);
    }

    #[test]
    fn a_write_makes_room_or_is_refused() {
        static USED: AtomicUsize = AtomicUsize::new(0);
        let hooks = Hooks { used_memory: || USED.load(Ordering::Relaxed), ..Hooks::default() };
        let mut engine = Engine::new(Config::default(), [7; 32], BIRTH, hooks);
        let conn = engine.connect(BIRTH, Peer::default());
        for i in 0..100 {
            ask(&mut engine, conn, BIRTH, &format!("SET key:{i} v"));
        }
        USED.store(2 << 20, Ordering::Relaxed);
        engine.server.config.set("maxmemory", b"1mb").expect("an amount");
        let refused = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
        assert_eq!(ask(&mut engine, conn, BIRTH, "SET a b"), refused);
        assert_eq!(ask(&mut engine, conn, BIRTH, "GET key:1"), "$1\r\nv\r\n");
        assert_eq!(ask(&mut engine, conn, BIRTH, "DEL key:1"), ":1\r\n");
        engine.server.config.set("maxmemory-policy", b"allkeys-lru").expect("a policy");
        engine.server.config_changed = true;
        engine.apply_config();
        // One round evicts all there is in vain.
        assert_eq!(ask(&mut engine, conn, BIRTH, "SET a b"), refused);
        assert_eq!(ask(&mut engine, conn, BIRTH, "DBSIZE"), ":0\r\n");
        USED.store(1000, Ordering::Relaxed);
        assert_eq!(ask(&mut engine, conn, BIRTH, "SET a b"), "+OK\r\n");
    }

    #[test]
    fn a_lower_limit_is_obeyed_though_nobody_says_anything() {
        let hooks = Hooks { used_memory: || 2 << 20, ..Hooks::default() };
        let mut engine = Engine::new(Config::default(), [7; 32], BIRTH, hooks);
        let conn = engine.connect(BIRTH, Peer::default());
        ask(&mut engine, conn, BIRTH, "SET key v");
        ask(&mut engine, conn, BIRTH, "CONFIG SET maxmemory-policy allkeys-lru");
        assert_eq!(engine.deadline(), None);
        ask(&mut engine, conn, BIRTH, "CONFIG SET maxmemory 1mb");
        assert!(engine.deadline().is_some());
        engine.timeout(after_ms(100));
        assert_eq!(ask(&mut engine, conn, after_ms(100), "DBSIZE"), ":0\r\n");
        assert_eq!(engine.deadline(), None);
    }
}
