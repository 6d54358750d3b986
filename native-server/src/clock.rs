//! The two clocks of an engine, read once per turn of the event loop, and its stopwatch, read once per
//! command.
//!
//! The stopwatch is the processor's own counter where that ticks evenly (x86-64 with an invariant time
//! stamp counter), compared with the monotonic clock at the start: reading it takes a third of the time of
//! reading a clock.

use core::time::Duration;
use std::sync::OnceLock;
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

/// Nanoseconds since some moment.
pub(crate) fn stopwatch() -> fn() -> u64 {
    #[cfg(target_arch = "x86_64")]
    if counter::calibrate() {
        return counter::nanos;
    }
    clock_nanos
}

fn clock_nanos() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

#[cfg(target_arch = "x86_64")]
mod counter {
    use super::{Duration, Instant};
    use core::arch::x86_64::{__cpuid, _rdtsc};
    use core::sync::atomic::{AtomicU64, Ordering};

    /// The leaf of `cpuid` about power management, and its bit that says the counter never changes its pace.
    const POWER: u32 = 0x8000_0007;
    const INVARIANT: u32 = 1 << 8;
    /// Long enough for the clock's own inaccuracy not to matter.
    const CALIBRATION: Duration = Duration::from_millis(1);

    /// Nanoseconds per tick, in 2^-32.
    static PACE: AtomicU64 = AtomicU64::new(0);
    static START: AtomicU64 = AtomicU64::new(0);

    fn ticks() -> u64 {
        // SAFETY: every x86-64 processor has the instruction, and Linux lets programs use it.
        unsafe { _rdtsc() }
    }

    /// Compares the counter with the clock. `false`: there is none to rely on.
    pub(super) fn calibrate() -> bool {
        if __cpuid(0x8000_0000).eax < POWER || __cpuid(POWER).edx & INVARIANT == 0 {
            return false;
        }
        let (start, first) = (Instant::now(), ticks());
        while start.elapsed() < CALIBRATION {
            core::hint::spin_loop();
        }
        let (nanos, ticked) = (start.elapsed().as_nanos(), ticks().wrapping_sub(first));
        if ticked == 0 {
            return false;
        }
        PACE.store(((nanos << 32) / u128::from(ticked)) as u64, Ordering::Relaxed);
        START.store(first, Ordering::Relaxed);
        true
    }

    #[inline]
    pub(super) fn nanos() -> u64 {
        let ticked = ticks().wrapping_sub(START.load(Ordering::Relaxed));
        ((u128::from(ticked) * u128::from(PACE.load(Ordering::Relaxed))) >> 32) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stopwatch_keeps_pace_with_the_clock() {
        let nanos = stopwatch();
        let (clock, before) = (Instant::now(), nanos());
        std::thread::sleep(Duration::from_millis(20));
        let (measured, real) = (nanos() - before, clock.elapsed().as_nanos() as u64);
        assert!(measured.abs_diff(real) < real / 50, "{measured} ns against {real} ns");
    }
}
