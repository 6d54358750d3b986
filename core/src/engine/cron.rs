//! Time passing: timeouts, and background work in bounded steps.

use super::Engine;
use crate::server::Now;

/// Buckets of each database that one round of active expiry looks through.
const EXPIRE_BUCKETS: usize = 512;
/// Parts that one round of lazy freeing frees.
const FREE_PARTS: usize = 4096;

impl Engine {
    /// Time has passed. Early or repeated calls do nothing.
    pub fn timeout(&mut self, now: Now) {
        self.set_now(now);
        self.time_out_blocked();
        if now.mono_us >= self.next_cron_us && self.has_background_work() {
            self.next_cron_us = now.mono_us + 1_000_000 / u64::from(self.server.config.hz.max(1));
            if self.server.active_expire {
                self.store.expire_cycle(EXPIRE_BUCKETS);
            }
            self.store.stats.lazyfreed += self.store.garbage.step(FREE_PARTS);
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
        !self.store.garbage.is_empty() || self.store.dbs().iter().any(|db| db.volatile() > 0)
    }
}
