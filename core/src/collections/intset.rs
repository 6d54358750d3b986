//! Redis's intset: a set of integers as one sorted array of the narrowest width that holds them all.
//!
//! ```text
//! [ width 2, 4 or 8 u32 LE │ count u32 LE │ integers of that width LE, ascending ]
//! ```
//!
//! The bytes are exactly those of Redis, so that RDB files and DUMP payloads are copies. As in Redis
//! a wide integer widens the whole set, and its removal does not narrow it again.

use core::fmt;
use core::hint;
use core::iter::FusedIterator;

use crate::collections::block::{Block, MAX_LEN, PREFIX};
use crate::collections::corrupt::Corrupt;
use crate::collections::either::{Handle, LowBits};

/// Bytes of width and count.
const HEADER: usize = 8;

/// A sorted set of integers; the handle is one pointer.
#[derive(Clone)]
#[repr(transparent)]
pub struct Intset(Block<OFFSET>);

/// Where the handle points in its block; not where a listpack's does, so that either may lie in a word.
const OFFSET: usize = 2;

// SAFETY: the type is its block, which is one pointer OFFSET bytes into an allocation aligned to 8.
unsafe impl Handle for Intset {
    const LOW: LowBits = LowBits::of(OFFSET);
}

/// Bytes per integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Two = 2,
    Four = 4,
    Eight = 8,
}

impl Width {
    fn of(value: i64) -> Self {
        if i16::try_from(value).is_ok() {
            Self::Two
        } else if i32::try_from(value).is_ok() {
            Self::Four
        } else {
            Self::Eight
        }
    }

    #[inline]
    fn bytes(self) -> usize {
        self as usize
    }

    #[inline]
    fn read(self, integers: &[u8], index: usize) -> i64 {
        #[inline]
        fn array<const N: usize>(integers: &[u8], index: usize) -> [u8; N] {
            integers.as_chunks::<N>().0[index]
        }
        match self {
            Self::Two => i16::from_le_bytes(array(integers, index)).into(),
            Self::Four => i32::from_le_bytes(array(integers, index)).into(),
            Self::Eight => i64::from_le_bytes(array(integers, index)),
        }
    }

    #[inline]
    fn write(self, integers: &mut [u8], index: usize, value: i64) {
        let bytes = self.bytes();
        integers[index * bytes..][..bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
    }
}

impl Intset {
    /// A set without members.
    #[must_use]
    pub fn new() -> Self {
        Self(Block::with_body(&[Width::Two as u8, 0, 0, 0, 0, 0, 0, 0]))
    }

    /// A copy of a set that came from outside, after a look at every member.
    ///
    /// # Errors
    /// Says what is wrong with `bytes` when they are not one whole set in ascending order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Corrupt> {
        let Some((header, members)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(Corrupt("intset shorter than its header"));
        };
        let [a, b, c, d, e, f, g, h] = *header;
        let width = match u32::from_le_bytes([a, b, c, d]) {
            2 => Width::Two,
            4 => Width::Four,
            8 => Width::Eight,
            _ => return Err(Corrupt("intset of an unknown width")),
        };
        let count = u64::from(u32::from_le_bytes([e, f, g, h]));
        if bytes.len() > MAX_LEN - PREFIX || members.len() as u64 != count * width.bytes() as u64 {
            return Err(Corrupt("intset size differs from its header"));
        }
        if (1..count as usize)
            .any(|index| width.read(members, index - 1) >= width.read(members, index))
        {
            return Err(Corrupt("intset out of order"));
        }
        Ok(Self(Block::with_body(bytes)))
    }

    /// The set in Redis's byte format.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.body()
    }

    /// The length in bytes, header included.
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        self.as_bytes().len()
    }

    /// What the allocator was asked for.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }

    /// How many members there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> u32 {
        let bytes = self.as_bytes();
        u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]])
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn width(&self) -> Width {
        match self.as_bytes()[0] {
            2 => Width::Two,
            4 => Width::Four,
            _ => Width::Eight,
        }
    }

    #[inline]
    fn members(&self) -> &[u8] {
        &self.as_bytes()[HEADER..]
    }

    /// The member with this index in ascending order.
    #[inline]
    #[must_use]
    pub fn get(&self, index: u32) -> Option<i64> {
        (index < self.len()).then(|| self.width().read(self.members(), index as usize))
    }

    /// The smallest member.
    #[must_use]
    pub fn min(&self) -> Option<i64> {
        self.get(0)
    }

    /// The greatest member.
    #[must_use]
    pub fn max(&self) -> Option<i64> {
        self.get(self.len().checked_sub(1)?)
    }

    /// The index of `value`, or the one it would get.
    #[inline]
    fn search(&self, value: i64) -> Result<usize, usize> {
        let (width, members) = (self.width(), self.members());
        let (mut low, mut rest) = (0, self.len() as usize);
        // No branch on the members: which half it is cannot be predicted.
        while rest > 0 {
            let half = rest.div_ceil(2);
            let smaller = width.read(members, low + half - 1) < value;
            low = hint::select_unpredictable(smaller, low + half, low);
            rest -= half;
        }
        let found = low < self.len() as usize && width.read(members, low) == value;
        if found { Ok(low) } else { Err(low) }
    }

    /// Whether `value` is a member.
    #[inline]
    #[must_use]
    pub fn contains(&self, value: i64) -> bool {
        Width::of(value) <= self.width() && self.search(value).is_ok()
    }

    /// Adds `value`; says whether it is new.
    pub fn insert(&mut self, value: i64) -> bool {
        let width = Width::of(value);
        if width > self.width() {
            self.widen(width);
        }
        // Members often come in ascending order.
        let place = match self.max() {
            Some(max) if value <= max => self.search(value),
            _ => Err(self.len() as usize),
        };
        let Err(index) = place else { return false };
        let (width, len) = (self.width(), self.len());
        let at = PREFIX + HEADER + index * width.bytes();
        width.write(self.0.splice(at, 0, width.bytes()), 0, value);
        self.set_len(len + 1);
        true
    }

    /// Removes `value`; says whether it was a member.
    pub fn remove(&mut self, value: i64) -> bool {
        let width = self.width();
        if Width::of(value) > width {
            return false;
        }
        let Ok(index) = self.search(value) else { return false };
        let len = self.len();
        self.0.splice(PREFIX + HEADER + index * width.bytes(), width.bytes(), 0);
        self.set_len(len - 1);
        true
    }

    fn set_len(&mut self, len: u32) {
        self.0.body_mut()[4..HEADER].copy_from_slice(&len.to_le_bytes());
    }

    fn widen(&mut self, width: Width) {
        let (old, len) = (self.width(), self.len() as usize);
        self.0.splice(PREFIX + HEADER + len * old.bytes(), 0, len * (width.bytes() - old.bytes()));
        let (header, members) = self.0.body_mut().split_at_mut(HEADER);
        header[0] = width as u8;
        // From the last to the first: a wide integer covers only places that were read before.
        for index in (0..len).rev() {
            let value = old.read(members, index);
            width.write(members, index, value);
        }
    }

    /// The members in ascending order, from either end.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { width: self.width(), members: self.members() }
    }

    /// Panics when the set is not sound. For tests.
    pub fn check(&self) {
        Self::from_bytes(self.as_bytes()).expect("an intset stays sound");
    }
}

impl Default for Intset {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Intset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a Intset {
    type Item = i64;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Members of an intset in ascending order, from either end.
#[derive(Clone)]
pub struct Iter<'a> {
    width: Width,
    members: &'a [u8],
}

impl Iterator for Iter<'_> {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        let (first, rest) = self.members.split_at_checked(self.width.bytes())?;
        self.members = rest;
        Some(self.width.read(first, 0))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.members.len() / self.width.bytes();
        (len, Some(len))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<i64> {
        let (rest, last) =
            self.members.split_at_checked(self.members.len().checked_sub(self.width.bytes())?)?;
        self.members = rest;
        Some(self.width.read(last, 0))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::listpack::tests::{Dice, unhex};
    use alloc::collections::BTreeSet;
    use alloc::vec;

    #[test]
    fn bytes_are_those_of_redis_at_every_width() {
        let mut set = Intset::new();
        for (values, dump) in [
            (&[1, -5, 300][..], "0200000003000000fbff01002c01"),
            (&[70_000], "0400000004000000fbffffff010000002c01000070110100"),
            (
                &[i64::MIN],
                "08000000050000000000000000000080fbffffffffffffff01000000000000002c010000000000007011010000000000",
            ),
        ] {
            for &value in values {
                assert!(set.insert(value));
                assert!(!set.insert(value));
            }
            assert_eq!(set.as_bytes(), unhex(dump));
            assert_eq!(
                Intset::from_bytes(&unhex(dump)).expect("Redis wrote it").as_bytes(),
                set.as_bytes()
            );
        }
    }

    #[test]
    fn a_set_agrees_with_a_tree() {
        let mut dice = Dice::new(5);
        for round in 0..if cfg!(miri) { 3 } else { 40 } {
            let (mut set, mut model) = (Intset::new(), BTreeSet::new());
            let shift = [58, 50, 40, 20, 0][round % 5];
            for _ in 0..if cfg!(miri) { 40 } else { 400 } {
                let value = dice.next() as i64 >> if dice.below(20) == 0 { shift } else { 57 };
                assert_eq!(set.contains(value), model.contains(&value));
                if dice.below(3) > 0 {
                    assert_eq!(set.insert(value), model.insert(value));
                } else {
                    assert_eq!(set.remove(value), model.remove(&value));
                }
                set.check();
                assert!(set.iter().eq(model.iter().copied()));
                assert!(set.iter().rev().eq(model.iter().rev().copied()));
                assert_eq!((set.min(), set.max()), (model.first().copied(), model.last().copied()));
                assert_eq!(set.len() as usize, model.len());
                let index = dice.below(model.len() + 1);
                assert_eq!(set.get(index as u32), model.iter().nth(index).copied());
            }
        }
    }

    #[test]
    fn bytes_that_are_no_set_are_refused() {
        for bytes in [
            vec![],
            vec![2, 0, 0, 0, 0, 0, 0],
            vec![3, 0, 0, 0, 0, 0, 0, 0],
            vec![2, 0, 0, 0, 1, 0, 0, 0],
            vec![2, 0, 0, 0, 1, 0, 0, 0, 1],
            vec![2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0],
            vec![2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0],
            vec![2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0xFF, 0xFF],
            vec![8, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0],
            vec![4, 0, 0, 0, 0, 0, 0, 0x40],
        ] {
            assert!(Intset::from_bytes(&bytes).is_err(), "{bytes:?}");
        }
        assert!(Intset::from_bytes(&[4, 0, 0, 0, 0, 0, 0, 0]).is_ok_and(|set| set.is_empty()));
    }
}
