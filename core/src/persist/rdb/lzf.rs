//! LZF, the compression of RDB's strings: runs of literal bytes, and references to bytes before.
//!
//! ```text
//! 000LLLLL  L + 1 literal bytes follow
//! LLLooooo  oooooooo           L + 2 bytes, L of 1 to 6, from the 13 bits of o + 1 bytes before
//! 111ooooo  LLLLLLLL oooooooo  the same with L + 9 bytes
//! ```
//!
//! [`Lzf::compress`] makes the same choices as liblzf does in Redis, so that payloads are the same: the last
//! place where three bytes hashed to the same 16 bits, and none else, is looked at, and behind a reference
//! two places are noted. liblzf has a table of 65536 places; a short input needs one of no more than twice its length, where a
//! place is looked for next to its own if another hash is there.

use alloc::vec::Vec;

const LITERALS_MAX: usize = 1 << 5;
const DISTANCE_MAX: usize = 1 << 13;
const MATCH_MAX: usize = (1 << 8) + (1 << 3);
const HASH_BITS: u32 = 16;
const PLACES_MAX: usize = 1 << HASH_BITS;

/// No reference of three bytes gives more than this.
pub const EXPANSION_MAX: usize = MATCH_MAX / 3;

/// A compressor, with its table for the next input.
#[derive(Debug, Default)]
pub struct Lzf {
    /// Places in the input; 0 where there is none: nothing refers to the first byte.
    places: Vec<u32>,
}

/// The hash of the three bytes at a place, which is two at least before the end.
#[inline]
fn hash_at(input: &[u8], at: usize) -> usize {
    let bytes =
        u32::from(input[at]) << 16 | u32::from(input[at + 1]) << 8 | u32::from(input[at + 2]);
    ((bytes >> (24 - HASH_BITS)).wrapping_sub(bytes.wrapping_mul(5)) & (PLACES_MAX as u32 - 1))
        as usize
}

impl Lzf {
    /// Notes the place and gives the one before it with the same hash; 0 if there is none.
    #[inline]
    fn note(&mut self, input: &[u8], at: usize) -> usize {
        let hash = hash_at(input, at);
        let mask = self.places.len() - 1;
        let mut slot = hash & mask;
        loop {
            let there = self.places[slot];
            let found = there as usize;
            if there == 0 || mask + 1 == PLACES_MAX || hash_at(input, found) == hash {
                self.places[slot] = at as u32;
                return found;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Appends the input in fewer than `most` bytes or so to `out`; `false`, and nothing, if it takes more.
    pub fn compress(&mut self, input: &[u8], most: usize, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let places = input.len().saturating_mul(2).checked_next_power_of_two();
        let places = places.unwrap_or(PLACES_MAX).min(PLACES_MAX);
        let done =
            u32::try_from(input.len()).is_ok() && self.try_compress(input, most, out, places);
        if !done {
            out.truncate(start);
        }
        done
    }

    fn try_compress(
        &mut self,
        input: &[u8],
        most: usize,
        out: &mut Vec<u8>,
        places: usize,
    ) -> bool {
        let start = out.len();
        let end = input.len();
        self.places.clear();
        self.places.resize(places, 0);
        // The byte that says how many literals follow stands before them; it is taken back if there are none.
        let mut run = Run { at: start, len: 0 };
        out.push(0);
        let mut at = 0;
        while at + 2 < end {
            let before = self.note(input, at);
            let is_match = before > 0
                && at - before <= DISTANCE_MAX
                && input[before..before + 3] == input[at..at + 3];
            if !is_match {
                if out.len() - start >= most {
                    return false;
                }
                run.literal(input[at], out);
                at += 1;
                continue;
            }
            let spare = usize::from(run.len == 0);
            if out.len() - start + 4 - spare >= most {
                return false;
            }
            run.close(out);
            let longest = (end - at - 2).min(MATCH_MAX);
            let mut len = 3;
            // The original looks sixteen bytes far without asking for the bound, where there is room.
            let bound = if longest > 16 { longest.max(19) } else { longest };
            while len < bound && input[before + len] == input[at + len] {
                len += 1;
            }
            let distance = at - before - 1;
            let more = len - 2;
            let high = (distance >> 8) as u8;
            if more < 7 {
                out.push(high + ((more as u8) << 5));
            } else {
                out.push(high + (7 << 5));
                out.push((more - 7) as u8);
            }
            out.push(distance as u8);
            run = Run { at: out.len(), len: 0 };
            out.push(0);
            at += len;
            if at + 2 >= end {
                break;
            }
            self.note(input, at - 2);
            self.note(input, at - 1);
        }
        if out.len() - start + 3 > most {
            return false;
        }
        for &byte in &input[at..] {
            run.literal(byte, out);
        }
        run.close(out);
        true
    }
}

/// Literals being written.
struct Run {
    /// Where their count goes.
    at: usize,
    len: usize,
}

impl Run {
    fn literal(&mut self, byte: u8, out: &mut Vec<u8>) {
        out.push(byte);
        self.len += 1;
        if self.len == LITERALS_MAX {
            self.close(out);
            *self = Self { at: out.len(), len: 0 };
            out.push(0);
        }
    }

    /// Writes the count, or takes its place back.
    fn close(&self, out: &mut Vec<u8>) {
        match self.len {
            0 => out.truncate(self.at),
            len => out[self.at] = len as u8 - 1,
        }
    }
}

/// The `len` bytes that `input` stands for; `None` if it does not.
pub fn decompress(input: &[u8], len: usize) -> Option<Vec<u8>> {
    // What is claimed is reserved only as far as such an input can reach.
    if len > input.len().saturating_mul(EXPANSION_MAX) {
        return None;
    }
    let mut out = Vec::with_capacity(len);
    let mut rest = input;
    while let [head, tail @ ..] = rest {
        rest = tail;
        if usize::from(*head) < LITERALS_MAX {
            let (literals, tail) = rest.split_at_checked(usize::from(*head) + 1)?;
            out.extend_from_slice(literals);
            rest = tail;
        } else {
            let mut count = usize::from(*head >> 5) + 2;
            if count == 9 {
                let (more, tail) = rest.split_first()?;
                count += usize::from(*more);
                rest = tail;
            }
            let (low, tail) = rest.split_first()?;
            rest = tail;
            let distance = (usize::from(*head & 0x1f) << 8 | usize::from(*low)) + 1;
            let from = out.len().checked_sub(distance)?;
            if out.len() + count > len {
                return None;
            }
            if distance >= count {
                out.extend_from_within(from..from + count);
            } else {
                // The bytes referred to are only just being written.
                for place in from..from + count {
                    out.push(out[place]);
                }
            }
        }
        if out.len() > len {
            return None;
        }
    }
    (out.len() == len).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use alloc::vec;

    fn round(input: &[u8]) -> Option<usize> {
        let mut out = b"before".to_vec();
        let done = Lzf::default().compress(input, input.len().saturating_sub(4), &mut out);
        assert!(out.starts_with(b"before"));
        if !done {
            assert_eq!(out, b"before");
            return None;
        }
        assert_eq!(decompress(&out[6..], input.len()).as_deref(), Some(input));
        Some(out.len() - 6)
    }

    #[test]
    fn what_repeats_gets_short_and_comes_back() {
        assert_eq!(round(&[b'a'; 100]), Some(9));
        assert_eq!(round(b"abcdefghijklmnopqrstuvwxyz"), None);
        for len in [5, 20, 33, 264, 265, 266, 300, 8192, 8300, 70_000] {
            assert!(round(&vec![0; len]).is_some_and(|short| short < len) || len < 20, "{len}");
            let text: Vec<u8> =
                b"some words that are said again ".iter().copied().cycle().take(len).collect();
            round(&text);
        }
    }

    #[test]
    fn any_bytes_come_back() {
        let mut rng = Rng::new(11);
        for letters in [2, 3, 20, 256] {
            for _ in 0..300 {
                let len = rng.below(3000) as usize;
                let input: Vec<u8> = (0..len).map(|_| rng.below(letters) as u8).collect();
                round(&input);
            }
            let input: Vec<u8> = (0..100_000).map(|_| rng.below(letters) as u8).collect();
            round(&input);
        }
    }

    #[test]
    fn the_size_of_the_table_changes_nothing() {
        // A table of all places and one of a few make the same choices.
        let mut rng = Rng::new(5);
        for _ in 0..50 {
            let len = 20 + rng.below(2000) as usize;
            let input: Vec<u8> = (0..len).map(|_| rng.below(4) as u8).collect();
            let (mut few, mut all) = (Vec::new(), Vec::new());
            assert!(Lzf::default().compress(&input, len, &mut few));
            assert!(Lzf::default().try_compress(&input, len, &mut all, PLACES_MAX));
            assert_eq!(few, all);
        }
    }

    #[test]
    fn claims_are_refused() {
        assert_eq!(decompress(&[0x20, 0], 3), None);
        assert_eq!(decompress(&[0, b'a', 0xe0, 255, 0], 265), Some(vec![b'a'; 265]));
        assert_eq!(decompress(&[0, b'a', 0xe0, 255, 0], 264), None);
        assert_eq!(decompress(&[0, b'a', 0xe0, 255, 0], 266), None);
        assert_eq!(decompress(&[0, b'a', 0xe0, 255, 1], 265), None);
        assert_eq!(decompress(&[31, b'a'], 32), None);
        assert_eq!(decompress(&[0, b'a', 0xe0], 10), None);
        assert_eq!(decompress(&[1, 2, 3], usize::MAX), None);
        assert_eq!(decompress(&[], 0), Some(vec![]));
    }
}
