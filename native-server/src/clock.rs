//! The two clocks of an engine, read once per turn of the event loop, and its stopwatch.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use redstart_core::Now;

/// Where the monotonic clock of this process starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// Both clocks now. The monotonic one begins at 1 µs, so that 0 stays free for "never".
    #[inline]
    pub(crate) fn now(self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            unix_us: unix.as_micros() as u64,
            mono_us: self.start.elapsed().as_micros() as u64 + 1,
        }
    }
}
