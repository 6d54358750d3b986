//! The access clock of entries: LRU or LFU data in 24 bits.

use super::Entry;
use crate::rng::Rng;

/// How the access clocks of entries are kept.
#[derive(Debug, Clone, Copy)]
pub struct AccessClock {
    /// Count accesses (LFU) and not the time of the last one (LRU).
    pub lfu: bool,
    /// The time: seconds for LRU, minutes for LFU.
    pub clock: u32,
    /// `lfu-log-factor`.
    pub log_factor: u32,
    /// `lfu-decay-time`, in minutes.
    pub decay_minutes: u32,
}

/// The counter that a new entry starts with, so that it is not evicted at once.
const LFU_INITIAL: u32 = 5;

impl Default for AccessClock {
    fn default() -> Self {
        Self { lfu: false, clock: 0, log_factor: 10, decay_minutes: 1 }
    }
}

impl AccessClock {
    /// Sets the time.
    pub fn set_now(&mut self, now_ms: i64) {
        let seconds = (now_ms / 1000) as u32;
        self.clock = if self.lfu { (seconds / 60) & 0xffff } else { seconds & 0x00ff_ffff };
    }

    /// The clock of an entry that is new or was overwritten.
    #[inline]
    pub fn fresh(&self) -> u32 {
        if self.lfu { (self.clock << 8) | LFU_INITIAL } else { self.clock }
    }

    /// Notes an access.
    #[inline]
    pub fn touch(&self, entry: &mut Entry, rng: &mut Rng) {
        if !self.lfu {
            entry.set_access(self.clock);
            return;
        }
        let counter = self.frequency(entry);
        let counter = if counter == 255 {
            255
        } else {
            // A counter of n grows with a chance of 1 in (n - 5) * factor + 1.
            let base =
                u64::from(counter.saturating_sub(LFU_INITIAL)) * u64::from(self.log_factor) + 1;
            counter + u32::from(rng.below(base) == 0)
        };
        entry.set_access((self.clock << 8) | counter);
    }

    /// The LFU counter of an entry after its decay, 0 to 255.
    pub fn frequency(&self, entry: &Entry) -> u32 {
        let access = entry.access();
        let (then, counter) = (access >> 8, access & 0xff);
        if self.decay_minutes == 0 {
            return counter;
        }
        let elapsed = self.clock.wrapping_sub(then) & 0xffff;
        counter.saturating_sub(elapsed / self.decay_minutes)
    }

    /// The clock of an entry with this LFU counter.
    pub fn of_frequency(&self, counter: u32) -> u32 {
        (self.clock << 8) | counter.min(255)
    }

    /// The clock of an entry that was last used so many seconds ago.
    pub fn of_idle(&self, seconds: u64) -> u32 {
        match u32::try_from(seconds).ok().and_then(|seconds| self.clock.checked_sub(seconds)) {
            Some(then) => then,
            // Before the clock began: as long ago as it can say.
            None => (self.clock + 0x007f_ffff) % 0x00ff_ffff,
        }
    }

    /// How long ago the last access was, in seconds.
    pub fn idle_seconds(&self, entry: &Entry) -> u32 {
        self.clock.wrapping_sub(entry.access()) & 0x00ff_ffff
    }
}
