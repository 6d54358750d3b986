//! LATENCY: what took longer than `latency-monitor-threshold`, by the kind of thing it was.
//!
//! Durations come from the host's stopwatch, so that nothing but this report depends on them.

use super::Server;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// So many spikes of an event are kept.
const SAMPLES_MAX: usize = 160;

/// A spike: when, and how long it took. There is one per second at most, the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spike {
    /// When it was, in Unix seconds.
    pub unix_seconds: i64,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// The spikes of one kind of thing.
#[derive(Debug, Clone)]
pub struct LatencyEvent {
    /// Its name, such as `command` or `expire-cycle`.
    pub name: &'static str,
    /// The last spikes, oldest first.
    pub spikes: VecDeque<Spike>,
    /// The worst there ever was, in milliseconds.
    pub worst: u64,
}

/// All there is to know about spikes, events in the order in which they first came.
#[derive(Debug, Clone, Default)]
pub struct Latency {
    /// The events that have had a spike.
    pub events: Vec<LatencyEvent>,
}

impl Latency {
    /// The event of this name, if it has had a spike.
    pub fn find(&self, name: &[u8]) -> Option<&LatencyEvent> {
        self.events.iter().find(|event| event.name.as_bytes() == name)
    }

    /// Keeps a spike.
    #[cold]
    pub fn note(&mut self, name: &'static str, unix_seconds: i64, millis: u64) {
        let place = self.events.iter().position(|event| event.name == name).unwrap_or_else(|| {
            self.events.push(LatencyEvent { name, spikes: VecDeque::new(), worst: 0 });
            self.events.len() - 1
        });
        let event = &mut self.events[place];
        event.worst = event.worst.max(millis);
        match event.spikes.back_mut() {
            Some(last) if last.unix_seconds == unix_seconds => {
                last.millis = last.millis.max(millis);
            }
            _ => {
                if event.spikes.len() == SAMPLES_MAX {
                    event.spikes.pop_front();
                }
                event.spikes.push_back(Spike { unix_seconds, millis });
            }
        }
    }
}

impl Server {
    /// The stopwatch where spikes are watched for, before something that is no command.
    #[inline]
    pub fn watch_start(&self) -> Option<u64> {
        (self.config.latency_ns != u64::MAX).then(self.hooks.stopwatch)
    }

    /// What began at `start` is over: keeps it if it took long.
    #[inline]
    pub fn watch_end(&mut self, name: &'static str, start: Option<u64>) {
        if let Some(start) = start {
            self.note_latency(name, (self.hooks.stopwatch)().wrapping_sub(start));
        }
    }

    /// Keeps what took `nanos` nanoseconds if that is long.
    #[inline]
    pub fn note_latency(&mut self, name: &'static str, nanos: u64) {
        if nanos >= self.config.latency_ns {
            self.latency.note(name, self.now.unix_ms() / 1000, nanos / 1_000_000);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_one_spike_and_that_is_its_worst() {
        let mut latency = Latency::default();
        for millis in [5, 9, 7] {
            latency.note("command", 100, millis);
        }
        latency.note("command", 101, 3);
        let event = latency.find(b"command").expect("it had a spike");
        let spikes = event.spikes.iter().map(|s| (s.unix_seconds, s.millis));
        assert!(spikes.eq([(100, 9), (101, 3)]));
        assert_eq!(event.worst, 9);
        assert!(latency.find(b"fork").is_none());
    }

    #[test]
    fn the_oldest_spikes_go_and_the_worst_is_remembered() {
        let mut latency = Latency::default();
        latency.note("command", 0, 1000);
        (1..=SAMPLES_MAX as i64).for_each(|second| latency.note("command", second, 1));
        let event = latency.find(b"command").expect("it had spikes");
        assert_eq!((event.spikes.len(), event.spikes[0].unix_seconds), (SAMPLES_MAX, 1));
        assert_eq!(event.worst, 1000);
    }
}
