//! Counters: of commands, of errors, of bytes, and how long commands take.

use crate::collections::ordered;
use alloc::boxed::Box;

/// What INFO commandstats and latencystats show of one command.
#[derive(Debug, Clone, Default)]
pub struct CommandStats {
    /// How often it ran.
    pub calls: u64,
    /// How long it ran, in nanoseconds.
    pub nanos: u64,
    /// How often it was refused before it ran.
    pub rejected: u64,
    /// How often it ran and failed.
    pub failed: u64,
    /// How long it took, where `latency-tracking` is on and it ran.
    pub latency: Option<Box<Histogram>>,
}

impl CommandStats {
    /// Counts a run of `nanos` nanoseconds.
    #[inline]
    pub fn count(&mut self, nanos: u64, latency: bool) {
        self.calls += 1;
        self.nanos += nanos;
        if latency {
            self.latency.get_or_insert_default().count(nanos);
        }
    }

    /// Whether there is anything to show.
    pub fn is_used(&self) -> bool {
        self.calls + self.rejected + self.failed > 0
    }
}

/// Steps per doubling: a value is known to within a sixteenth.
const STEPS: usize = 16;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Doublings up to [`NANOS_MAX`].
const DOUBLINGS: usize = 27;
/// Longer durations count as this one: a second and a little, as Redis has it.
const NANOS_MAX: u64 = (1 << (DOUBLINGS as u32 + STEP_BITS - 1)) - 1;

/// How often something took how long, from a nanosecond to a second, in steps that grow with the value.
///
/// ```text
/// 0 … 15: one step each · 16 … 31: 16 steps of 1 · 32 … 63: 16 steps of 2 · 64 … 127: 16 of 4 · …
/// ```
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: [u32; STEPS * DOUBLINGS],
    /// How many durations there are in it.
    pub total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; STEPS * DOUBLINGS], total: 0 }
    }
}

impl Histogram {
    /// Adds a duration.
    #[inline]
    pub fn count(&mut self, nanos: u64) {
        let count = &mut self.counts[Self::place(nanos.min(NANOS_MAX))];
        *count = count.saturating_add(1);
        self.total += 1;
        if *count == u32::MAX {
            self.halve();
        }
    }

    /// The shape matters, not the numbers: all are halved before one overflows.
    #[cold]
    fn halve(&mut self) {
        for count in &mut self.counts {
            *count /= 2;
        }
    }

    #[inline]
    fn place(nanos: u64) -> usize {
        let shift = (nanos | (STEPS as u64 - 1)).ilog2() + 1 - STEP_BITS;
        if shift == 0 {
            return nanos as usize;
        }
        // The leading bit is in the doubling; the four behind it choose the step.
        let shift = shift - 1;
        (shift as usize + 1) * STEPS + (nanos >> shift) as usize - STEPS
    }

    /// The longest duration that counts at `place`.
    fn longest(place: usize) -> u64 {
        let (doubling, step) = (place / STEPS, (place % STEPS) as u64);
        if doubling == 0 {
            return step;
        }
        ((step + STEPS as u64 + 1) << (doubling - 1)) - 1
    }

    /// The duration in nanoseconds that `percent` of all do not exceed.
    pub fn percentile(&self, percent: f64) -> u64 {
        let total: u64 = self.counts.iter().map(|&count| u64::from(count)).sum();
        let wanted = ((percent.clamp(0.0, 100.0) / 100.0 * total as f64 + 0.5) as u64).max(1);
        let mut seen = 0;
        for (place, &count) in self.counts.iter().enumerate() {
            seen += u64::from(count);
            if seen >= wanted {
                return Self::longest(place);
            }
        }
        0
    }

    /// The places that have any, as the longest duration of each with its count.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> {
        let counts = self.counts.iter().copied().enumerate();
        counts.filter(|(_, n)| *n > 0).map(|(place, count)| (Self::longest(place), count))
    }
}

/// What INFO stats shows of the server.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Stats {
    pub connections: u64,
    pub rejected_connections: u64,
    /// Connections that were closed because of `maxmemory-clients`.
    pub evicted_clients: u64,
    pub commands: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub reads: u64,
    pub writes: u64,
    /// What active expiry took, in nanoseconds of the stopwatch.
    pub expire_nanos: u64,
    pub error_replies: u64,
    /// Errors by their code, as INFO errorstats shows them.
    pub errors: ordered::Map<Box<str>, u64>,
}

/// The longest code that is told apart.
const CODE_MAX: usize = 32;

impl Stats {
    /// Counts an error reply by its code, the first word of its text.
    #[cold]
    pub fn count_error(&mut self, text: &str) {
        self.error_replies += 1;
        let code = match text.as_bytes().iter().take(CODE_MAX).position(|&byte| byte == b' ') {
            Some(end) => &text[..end],
            None => "ERR",
        };
        match self.errors.get_mut(code) {
            Some(count) => *count += 1,
            None => {
                self.errors.insert(code.into(), 1);
            }
        }
    }
}

/// The counters at some moment.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    mono_us: u64,
    commands: u64,
    bytes_in: u64,
    bytes_out: u64,
}

/// Samples that rates are taken from.
const SAMPLES: usize = 16;
/// Between one sample and the next.
const SAMPLE_US: u64 = 100_000;

/// How much happened lately: the counters at a few moments of the last seconds.
#[derive(Debug, Clone, Default)]
pub struct Rates {
    samples: [Sample; SAMPLES],
    newest: usize,
    next_us: u64,
}

impl Rates {
    /// Takes a sample if it is time.
    #[inline]
    pub fn sample(&mut self, mono_us: u64, stats: &Stats) {
        if mono_us >= self.next_us {
            self.next_us = mono_us + SAMPLE_US;
            self.newest = (self.newest + 1) % SAMPLES;
            self.samples[self.newest] = Sample::of(mono_us, stats);
        }
    }

    /// Commands, bytes in and bytes out per second, over the last one and a half or so.
    pub fn per_second(&self, mono_us: u64, stats: &Stats) -> [u64; 3] {
        const OVER_US: u64 = 1_000_000;
        let now = Sample::of(mono_us, stats);
        // The newest that is old enough; while there is none, the oldest.
        let from = (0..SAMPLES)
            .map(|back| self.samples[(self.newest + SAMPLES - back) % SAMPLES])
            .filter(|sample| sample.mono_us > 0)
            .scan(false, |done, sample| {
                let go_on = !*done;
                *done |= mono_us - sample.mono_us >= OVER_US;
                go_on.then_some(sample)
            })
            .last()
            .unwrap_or(now);
        let elapsed_us = (mono_us - from.mono_us).max(SAMPLE_US);
        let rate = |now: u64, then: u64| now.saturating_sub(then) * 1_000_000 / elapsed_us;
        [
            rate(now.commands, from.commands),
            rate(now.bytes_in, from.bytes_in),
            rate(now.bytes_out, from.bytes_out),
        ]
    }
}

impl Sample {
    fn of(mono_us: u64, stats: &Stats) -> Self {
        let &Stats { commands, bytes_in, bytes_out, .. } = stats;
        Self { mono_us, commands, bytes_in, bytes_out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_a_step_that_is_at_most_a_sixteenth_wide() {
        let mut last = 0;
        for shift in 0..31 {
            for nanos in [1u64 << shift, (1 << shift) + (1 << shift) / 3, (2 << shift) - 1] {
                let nanos = nanos.min(NANOS_MAX);
                let place = Histogram::place(nanos);
                let longest = Histogram::longest(place);
                assert!(longest >= nanos && longest - nanos <= nanos / 16, "{nanos}: {longest}");
                assert!(place == 0 || Histogram::longest(place - 1) < nanos, "{nanos}");
                assert!(place >= last);
                last = place;
            }
        }
        assert_eq!(Histogram::place(NANOS_MAX), STEPS * DOUBLINGS - 1);
    }

    #[test]
    fn percentiles_are_read_from_the_counts() {
        let mut histogram = Histogram::default();
        (0..99).for_each(|_| histogram.count(1000));
        histogram.count(5_000_000_000);
        assert!((1000..1070).contains(&histogram.percentile(50.0)));
        assert!((1000..1070).contains(&histogram.percentile(99.0)));
        assert_eq!(histogram.percentile(100.0), NANOS_MAX);
        assert!((1000..1070).contains(&histogram.percentile(0.0)));
        assert_eq!(histogram.total, 100);
    }

    #[test]
    fn errors_are_counted_by_their_code() {
        let mut stats = Stats::default();
        stats.count_error("WRONGTYPE Operation");
        stats.count_error("ERR one");
        stats.count_error("ERR two");
        stats.count_error("oneword");
        assert_eq!(stats.errors["ERR"], 3);
        assert_eq!(stats.errors["WRONGTYPE"], 1);
        assert_eq!(stats.error_replies, 4);
    }

    #[test]
    fn rates_are_those_of_the_last_second_or_so() {
        let (mut rates, mut stats) = (Rates::default(), Stats::default());
        for tenth in 1..=30 {
            stats.commands += 100;
            rates.sample(tenth * SAMPLE_US, &stats);
        }
        let now = 30 * SAMPLE_US;
        assert_eq!(rates.per_second(now, &stats)[0], 1000);
        assert!(rates.per_second(now + 100_000_000, &stats)[0] < 20);
        assert_eq!(Rates::default().per_second(now, &stats)[0], 0);
    }
}
