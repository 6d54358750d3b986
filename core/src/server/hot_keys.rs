//! HOTKEYS: which keys take the most processor time and the most bytes, while somebody wants to know.
//!
//! Each of the two rankings is a sketch of fixed size, after Metwally, Agrawal and El Abbadi's Space-Saving:
//! a key that is not in it takes the place of the one with the least, and its count with it. What a key is
//! said to have is never too little, and every key with more than one part in [`SLOTS`] of all is there.

use crate::collections::rank::{self, Ranked};
use crate::rng::Rng;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Keys that a sketch holds.
const SLOTS: usize = 512;

/// The keys with the most of something, more or less.
///
/// Names are told apart by their hashes first, which stand in a row of their own, as the counts do: both are
/// looked through from end to end, which is a few dozen vector instructions.
#[derive(Debug, Default)]
pub struct Sketch {
    hashes: Vec<u64>,
    counts: Vec<u64>,
    keys: Vec<Box<[u8]>>,
}

impl Sketch {
    /// Adds to what a key has.
    pub fn add(&mut self, hash: u64, key: &[u8], amount: u64) {
        let mut from = 0;
        while let Some(offset) = self.hashes[from..].iter().position(|&other| other == hash) {
            let place = from + offset;
            if *self.keys[place] == *key {
                self.counts[place] += amount;
                return;
            }
            from = place + 1;
        }
        if self.keys.len() < SLOTS {
            self.hashes.push(hash);
            self.counts.push(amount);
            self.keys.push(Box::from(key));
            return;
        }
        let least = self.counts.iter().copied().min().unwrap_or_default();
        if let Some(place) = self.counts.iter().position(|&count| count == least) {
            self.hashes[place] = hash;
            self.counts[place] += amount;
            self.keys[place] = Box::from(key);
        }
    }

    /// The `count` keys with the most, most first; of those with as much, the lesser name first.
    pub fn top(&self, count: usize) -> Vec<(&[u8], u64)> {
        let mut order: Vec<Ranked> = self
            .counts
            .iter()
            .zip(0..)
            .map(|(&n, place)| Ranked { key: n as f64, place })
            .collect();
        let of = |ranked: Ranked| {
            let place = ranked.place as usize;
            (&*self.keys[place], self.counts[place])
        };
        rank::sort(&mut order, &mut |a, b| {
            let (a, b) = (of(a), of(b));
            b.1.cmp(&a.1).then(a.0.cmp(b.0))
        });
        order.into_iter().take(count).map(of).collect()
    }
}

/// What HOTKEYS START asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Rank by processor time.
    pub cpu: bool,
    /// Rank by bytes.
    pub net: bool,
    /// So many keys are reported.
    pub count: usize,
    /// It ends by itself after so many seconds; 0: it does not.
    pub seconds: u64,
    /// One command in so many is looked at.
    pub sample: u64,
}

/// A session of HOTKEYS.
#[derive(Debug)]
pub struct HotKeys {
    /// What was asked for.
    pub wanted: Wanted,
    /// When it began, in Unix milliseconds.
    pub started_ms: i64,
    /// When it was stopped, in Unix milliseconds.
    pub stopped_ms: Option<i64>,
    /// The processor time of the process when it began, in the kernel and out of it, in milliseconds.
    pub cpu_at_start: [u64; 2],
    /// The same when it ended.
    pub cpu_at_end: Option<[u64; 2]>,
    /// What all commands took, in nanoseconds.
    pub nanos: u64,
    /// What all commands and their replies were, in bytes.
    pub bytes: u64,
    /// The ranking by nanoseconds.
    pub by_nanos: Sketch,
    /// The ranking by bytes.
    pub by_bytes: Sketch,
    rng: Rng,
}

impl HotKeys {
    /// Begins one.
    pub fn new(wanted: Wanted, now_ms: i64, cpu_at_start: [u64; 2]) -> Self {
        Self {
            wanted,
            started_ms: now_ms,
            stopped_ms: None,
            cpu_at_start,
            cpu_at_end: None,
            nanos: 0,
            bytes: 0,
            by_nanos: Sketch::default(),
            by_bytes: Sketch::default(),
            rng: Rng::new(now_ms as u64),
        }
    }

    /// Whether it goes on at this time; if it has a length and that is over, it was stopped then.
    pub fn is_active(&mut self, now_ms: i64) -> bool {
        let end = self.started_ms.saturating_add((self.wanted.seconds as i64).saturating_mul(1000));
        if self.stopped_ms.is_none() && self.wanted.seconds > 0 && now_ms >= end {
            self.stopped_ms = Some(end);
        }
        self.stopped_ms.is_none()
    }

    /// Counts a command with keys; whether its keys are to be counted as well.
    pub fn count(&mut self, nanos: u64, bytes: u64) -> bool {
        self.nanos += nanos;
        self.bytes += bytes;
        self.wanted.sample <= 1 || self.rng.below(self.wanted.sample) == 0
    }

    /// Counts one of the keys of a command, with its share.
    pub fn count_key(&mut self, hash: u64, key: &[u8], nanos: u64, bytes: u64) {
        if self.wanted.cpu {
            self.by_nanos.add(hash, key, nanos);
        }
        if self.wanted.net {
            self.by_bytes.add(hash, key, bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn frequent_keys_survive_many_rare_ones() {
        let (mut sketch, mut rng) = (Sketch::default(), Rng::new(5));
        for i in 0..100_000u64 {
            let id = if rng.below(4) == 0 { rng.below(20) } else { 1000 + i };
            let key = format!("key:{id}");
            sketch.add(id, key.as_bytes(), 1);
        }
        let top = sketch.top(20);
        assert!(top.iter().all(|(key, _)| key.len() <= "key:19".len()), "{top:?}");
        // Each had about 1250, and is at most one part in SLOTS over that.
        assert!(top.iter().all(|(_, count)| (1000..1250 + 400).contains(count)), "{top:?}");
        assert_eq!(sketch.keys.len(), SLOTS);
    }

    #[test]
    fn keys_whose_hashes_collide_are_told_apart() {
        let mut sketch = Sketch::default();
        for (key, amount) in [(b"a", 1), (b"b", 5), (b"a", 2)] {
            sketch.add(7, key, amount);
        }
        assert_eq!(sketch.top(9), [(&b"b"[..], 5), (&b"a"[..], 3)]);
    }

    #[test]
    fn it_ends_when_its_time_is_over() {
        let wanted = Wanted { cpu: true, net: false, count: 10, seconds: 2, sample: 1 };
        let mut session = HotKeys::new(wanted, 1000, [0; 2]);
        assert!(session.is_active(2999));
        assert!(!session.is_active(5000));
        assert_eq!(session.stopped_ms, Some(3000));
    }
}
