//! The tag bytes, mark bits and chain bit of one node, as a value.
//!
//! Seven slots fit one word:
//! ```text
//! byte 0..7 tags   byte 7: marks of slot 0..7, chain bit on top
//! ```
//! "Byte" means significance, not address, so the host's byte order is of no concern.
//! A tag of zero is an empty slot. Slots are filled from the front without gaps.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = LOW << 7;

/// The high bit of each byte of `word` that equals `tag`, exactly.
#[inline]
const fn equal_bytes(word: u64, tag: u8) -> u64 {
    // The shorter formula with a borrow also reports some bytes above a match. One of those may be
    // an empty slot, whose pointer must not be followed.
    let x = word ^ (LOW * tag as u64);
    !(((x & !HIGH) + !HIGH) | x | !HIGH)
}

/// The number of bytes up to the highest that is not zero.
#[inline]
const fn used_bytes(word: u64) -> usize {
    (71 - word.leading_zeros() as usize) / 8
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(super) struct Tags(u64);

impl Tags {
    pub(super) const SLOTS: usize = 7;
    pub(super) const EMPTY: Self = Self(0);
    const CHAIN: u64 = 1 << 63;
    const TAGS: u64 = u64::MAX >> 8;

    /// The slots with this tag.
    #[inline]
    pub(super) const fn matching(self, tag: u8) -> Slots {
        Slots(equal_bytes(self.0, tag) & Self::TAGS)
    }

    /// The number of entries.
    #[inline]
    pub(super) const fn len(self) -> usize {
        used_bytes(self.0 & Self::TAGS)
    }

    #[inline]
    pub(super) const fn chained(self) -> bool {
        self.0 & Self::CHAIN != 0
    }

    pub(super) const fn with_chain(self, chained: bool) -> Self {
        Self(self.0 & !Self::CHAIN | if chained { Self::CHAIN } else { 0 })
    }

    pub(super) const fn tag(self, slot: usize) -> u8 {
        (self.0 >> (8 * slot)) as u8
    }

    pub(super) const fn mark(self, slot: usize) -> bool {
        self.0 >> (56 + slot) & 1 != 0
    }

    /// The mark bits, slot 0 lowest.
    #[inline]
    pub(super) const fn marks(self) -> u32 {
        (self.0 >> 56) as u32 & 0x7f
    }

    #[inline]
    pub(super) const fn put(self, slot: usize, tag: u8, mark: bool) -> Self {
        let rest = self.0 & !(0xff << (8 * slot)) & !(1 << (56 + slot));
        Self(rest | (tag as u64) << (8 * slot) | (mark as u64) << (56 + slot))
    }
}

/// An iterator over slots of a [`Tags`].
pub(super) struct Slots(u64);

impl Iterator for Slots {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let slot = self.0.trailing_zeros() as usize / 8;
        self.0 &= self.0 - 1;
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    /// Every fill level, with tags that differ by one bit and marks here and there.
    fn samples() -> Vec<Vec<(u8, bool)>> {
        (0..=Tags::SLOTS)
            .flat_map(|len| {
                (1..=8u8).map(move |base| {
                    (0..len as u8)
                        .map(|i| (base ^ 1 << (i % 8) | (i & 1) << 7, i % 3 == base % 3))
                        .map(|(tag, mark)| (tag.max(1), mark))
                        .collect()
                })
            })
            .collect()
    }

    fn build(sample: &[(u8, bool)]) -> Tags {
        let mut tags = Tags::EMPTY;
        for (slot, &(tag, mark)) in sample.iter().enumerate() {
            tags = tags.put(slot, tag, mark);
        }
        tags
    }

    #[test]
    fn what_is_put_is_there() {
        for sample in samples() {
            for chained in [false, true] {
                let tags = build(&sample).with_chain(chained);
                assert_eq!(tags.len(), sample.len());
                assert_eq!(tags.chained(), chained);
                let mut marks = 0;
                for (slot, &(tag, mark)) in sample.iter().enumerate() {
                    assert_eq!((tags.tag(slot), tags.mark(slot)), (tag, mark));
                    marks |= u32::from(mark) << slot;
                }
                assert_eq!(tags.marks(), marks);
                assert_eq!(tags.with_chain(false), build(&sample));
            }
        }
    }

    #[test]
    fn matching_finds_exactly_the_equal_tags() {
        for sample in samples() {
            let tags = build(&sample).with_chain(sample.len() % 2 == 0);
            for tag in 1..=255 {
                let mut found: Vec<usize> = tags.matching(tag).collect();
                found.sort_unstable();
                let model: Vec<usize> = (0..sample.len()).filter(|&i| sample[i].0 == tag).collect();
                assert_eq!(found, model, "{tags:?} {tag}");
            }
        }
    }

    #[test]
    fn clearing_the_last_slot_undoes_putting_it() {
        let mut tags = Tags::EMPTY;
        let mut history = Vec::new();
        for slot in 0..Tags::SLOTS {
            history.push(tags);
            tags = tags.put(slot, 255 - slot as u8, true);
        }
        for (slot, before) in history.into_iter().enumerate().rev() {
            tags = tags.put(slot, 0, false);
            assert_eq!(tags, before);
        }
    }
}
