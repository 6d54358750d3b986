//! How full a node may get: `list-max-listpack-size` and the threshold for elements of their own.

/// A node takes no more bytes than this when its limit is a number of elements.
const SAFE_NODE_LEN: usize = 8192;

/// What Redis adds to an element's length when it guesses the entry's.
const ENTRY_GUESS: usize = 8;

/// The limits a list is changed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `list-max-listpack-size`: elements per node if positive (0 counts as 1), or -1 to -5 for
    /// nodes of 4, 8, 16, 32 or 64 KB.
    pub fill: i32,
    /// Elements of this many bytes get a node of their own; 0 takes the bound from `fill`.
    pub packed_threshold: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fill: -2, packed_threshold: 0 }
    }
}

impl Limits {
    /// The most bytes of a node.
    #[inline]
    #[must_use]
    pub fn node_len_max(self) -> usize {
        if self.fill >= 0 { SAFE_NODE_LEN } else { 4096 << (-1 - self.fill.max(-5)) }
    }

    #[inline]
    fn count_max(self) -> u32 {
        if self.fill < 0 { u32::MAX } else { self.fill.max(1) as u32 }
    }

    /// Whether a node of `bytes` with `count` elements is within the limits.
    ///
    /// The value layer asks this to tell when a lone listpack becomes a quicklist.
    #[inline]
    #[must_use]
    pub fn allow(self, bytes: usize, count: u32) -> bool {
        bytes <= self.node_len_max() && count <= self.count_max()
    }

    /// Whether a node of `bytes` with `count` elements may take one more of `more` bytes.
    #[inline]
    #[must_use]
    pub fn allow_push(self, bytes: usize, count: u32, more: usize) -> bool {
        !self.stands_alone(more)
            && count < self.count_max()
            && bytes + more + ENTRY_GUESS <= self.node_len_max()
    }

    /// Whether an element of `len` bytes gets a node of its own.
    #[inline]
    #[must_use]
    pub fn stands_alone(self, len: usize) -> bool {
        if self.packed_threshold > 0 {
            len >= self.packed_threshold as usize
        } else {
            len > self.node_len_max()
        }
    }
}
