//! A member of a sorted set and its score in one allocation behind one pointer.
//!
//! ```text
//! [score f64][length u32][member ...]      rounded up to a multiple of 8 bytes
//! ```
//!
//! A large sorted set has every member once: its dict owns [`Scored`], its tree keeps a
//! [`ScoredRef`], a copy of the same pointer that owns nothing. Following such a copy is unsafe,
//! because only the set as a whole knows that the member is still in the dict.

use super::thin::{allocate, release, rounded};
use core::cmp::Ordering;
use core::fmt;
use core::ptr::NonNull;

/// A member with its score, owned.
pub struct Scored {
    block: NonNull<Header>,
}

/// The pointer of a [`Scored`], without owning it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ScoredRef {
    block: NonNull<Header>,
}

#[repr(C)]
struct Header {
    score: f64,
    len: u32,
}

// The bytes follow `len` at once, in what would be the header's padding.
const MEMBER: usize = core::mem::offset_of!(Header, len) + 4;

// SAFETY: the block is owned by this value alone and holds plain data.
unsafe impl Send for Scored {}
// SAFETY: a shared reference only reads the block.
unsafe impl Sync for Scored {}
// SAFETY: whoever follows the pointer vouches for it, on whichever thread.
unsafe impl Send for ScoredRef {}
// SAFETY: as for `Send`.
unsafe impl Sync for ScoredRef {}

impl Scored {
    /// Copies `member` into a new allocation.
    ///
    /// Panics above 4 GiB, which no host lets a client send.
    pub fn new(score: f64, member: &[u8]) -> Self {
        let len = u32::try_from(member.len()).expect("a member is shorter than 4 GiB");
        let block = allocate(size(member.len()), align_of::<Header>());
        // SAFETY: the block has the header's alignment and `size` bytes: the two fields and the
        // member right after them. It is written field by field because it may be shorter than
        // `Header` with its padding.
        unsafe {
            let header = block.cast::<Header>().as_ptr();
            (&raw mut (*header).score).write(score);
            (&raw mut (*header).len).write(len);
            let to = block.as_ptr().add(MEMBER);
            to.copy_from_nonoverlapping(member.as_ptr(), member.len());
        }
        Self { block: block.cast() }
    }

    /// The score.
    pub fn score(&self) -> f64 {
        // SAFETY: the block lives as long as `self`, and `score` is written only through `&mut`.
        unsafe { self.handle().score() }
    }

    /// The member's bytes.
    pub fn member(&self) -> &[u8] {
        // SAFETY: the block lives as long as `self`; the member never changes.
        unsafe { self.handle().member() }
    }

    /// Changes the score; a tree that holds this member must not notice, see
    /// [`RankedTree::insert`](super::ranked_tree::RankedTree::insert).
    pub fn set_score(&mut self, score: f64) {
        // SAFETY: the block lives as long as `self`, which is borrowed mutably.
        unsafe { (&raw mut (*self.block.as_ptr()).score).write(score) };
    }

    /// A copy of the pointer.
    pub fn handle(&self) -> ScoredRef {
        ScoredRef { block: self.block }
    }

    /// How many bytes of memory the allocation takes.
    pub fn memory(&self) -> usize {
        rounded(size(self.member().len()))
    }
}

impl Drop for Scored {
    fn drop(&mut self) {
        let size = size(self.member().len());
        // SAFETY: the block came from `allocate` with this size and alignment.
        unsafe { release(self.block.cast(), size, align_of::<Header>()) };
    }
}

impl fmt::Debug for Scored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scored").field(&self.score()).field(&self.member()).finish()
    }
}

impl ScoredRef {
    /// Fills unused slots of a node; points nowhere.
    pub(super) const DANGLING: Self = Self { block: NonNull::dangling() };

    /// The score.
    ///
    /// # Safety
    /// The [`Scored`] that this was copied from is alive and not being changed.
    pub unsafe fn score(self) -> f64 {
        // SAFETY: `Scored::new` wrote the field; the caller vouches for the rest.
        unsafe { (&raw const (*self.block.as_ptr()).score).read() }
    }

    /// The member's bytes.
    ///
    /// # Safety
    /// The [`Scored`] that this was copied from is alive, and stays so for `'a`.
    pub unsafe fn member<'a>(self) -> &'a [u8] {
        // SAFETY: `Scored::new` wrote `len`, and `len` bytes behind it; they never change.
        unsafe {
            let len = (&raw const (*self.block.as_ptr()).len).read();
            let bytes = self.block.as_ptr().cast_const().cast::<u8>().add(MEMBER);
            core::slice::from_raw_parts(bytes, len as usize)
        }
    }
}

/// Orders members as a sorted set does: by score, and bytewise among equal scores.
///
/// Zero equals negative zero. Scores are never NaN: commands refuse it.
pub fn order(score: f64, member: &[u8], other_score: f64, other_member: &[u8]) -> Ordering {
    if score < other_score {
        Ordering::Less
    } else if score > other_score {
        Ordering::Greater
    } else {
        member.cmp(other_member)
    }
}

fn size(len: usize) -> usize {
    // The block covers a whole header even for a member that would fit in its padding.
    (MEMBER + len).max(size_of::<Header>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn is_one_word_with_a_niche() {
        assert_eq!(size_of::<Option<Scored>>(), size_of::<usize>());
    }

    #[test]
    fn keeps_score_and_member() {
        for len in [0, 1, 4, 5, 300] {
            let mut scored = Scored::new(1.5, &vec![b'm'; len]);
            scored.set_score(-2.5);
            assert_eq!((scored.score(), scored.member()), (-2.5, &vec![b'm'; len][..]));
        }
    }

    #[test]
    fn a_member_of_ten_bytes_takes_24() {
        assert_eq!(Scored::new(0.0, b"0123456789").memory(), 24);
    }

    #[test]
    fn zeros_are_equal_in_order() {
        assert_eq!(order(-0.0, b"b", 0.0, b"a"), Ordering::Greater);
        assert_eq!(order(0.0, b"a", -0.0, b"ab"), Ordering::Less);
    }
}
