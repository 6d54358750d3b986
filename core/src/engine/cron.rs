//! Time passing: timeouts, and background work in bounded steps.

use super::Engine;
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

/// How often connections are looked at that are idle or do not read, in microseconds.
const SWEEP_US: u64 = 1_000_000;

impl Engine {
    /// Time has passed. Early or repeated calls do nothing.
    pub fn timeout(&mut self, now: Now) {
        self.set_now(now);
        self.time_out_blocked();
        if now.mono_us >= self.next_cron_us && self.has_background_work() {
            let mut unfinished = false;
            let effort = self.server.config.active_expire_effort.clamp(1, 10);
            if self.server.active_expire {
                unfinished |= self.store.expire_round(effort);
            }
            self.store.stats.lazyfreed += self.store.garbage.step(FREE_PARTS);
            unfinished |= !self.store.garbage.is_empty();
            if self.store.eviction.unfinished && self.server.pause.is_none() {
                let limit = self.server.config.maxmemory;
                let used_memory = self.server.hooks.used_memory;
                self.store.eviction.unfinished = limit > 0;
                if limit > 0 {
                    let room = self.store.make_room(used_memory, limit);
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
            self.next_sweep_us = now.mono_us + SWEEP_US;
            self.sweep_connections();
        }
        self.after_input();
    }

    /// When [`Engine::timeout`] wants to be called at the latest, on the monotonic clock in microseconds;
    /// `None`: only input can change anything.
    pub fn deadline(&self) -> Option<u64> {
        let blocked = self.server.deadlines.first().map(|&(deadline_us, _)| deadline_us);
        let pause = self.server.pause.map(|pause| pause.until_us);
        let cron = self.has_background_work().then_some(self.next_cron_us);
        let sweep = self.has_connections_to_sweep().then_some(self.next_sweep_us);
        [blocked, pause, cron, sweep].into_iter().flatten().min()
    }

    fn has_background_work(&self) -> bool {
        let paused = self.server.pause.is_some();
        !self.store.garbage.is_empty()
            || (!paused && self.store.eviction.unfinished)
            || (!paused
                && self.server.active_expire
                && self.store.dbs().iter().any(|db| db.volatile() > 0))
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
            let waits = client.blocked.is_some() || client.held || client.is_subscriber();
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
