//! Time passing: timeouts, and background work in bounded steps.

use super::Engine;
use crate::client::Client;
use crate::server::Now;
use crate::store::evict::Room;

/// How soon background work goes on that is not done: a round takes a millisecond at most, so that it has a
/// quarter of the time, and up to half of it with the greatest `active-expire-effort`.
const SOON_US: u64 = 4_000;
const SOON_US_PER_EFFORT: u64 = 200;
/// Parts that one round of lazy freeing frees.
const FREE_PARTS: usize = 4096;

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
            if self.store.eviction.unfinished {
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
            if self.store_has_news() {
                self.spread_news(&mut Client::default());
            }
        }
        self.after_input();
    }

    /// When [`Engine::timeout`] wants to be called at the latest, on the monotonic clock in microseconds;
    /// `None`: only input can change anything.
    pub fn deadline(&self) -> Option<u64> {
        let blocked = self.server.deadlines.first().map(|&(deadline_us, _)| deadline_us);
        let cron = self.has_background_work().then_some(self.next_cron_us);
        match (blocked, cron) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn has_background_work(&self) -> bool {
        !self.store.garbage.is_empty()
            || self.store.eviction.unfinished
            || self.store.dbs().iter().any(|db| db.volatile() > 0)
    }
}
