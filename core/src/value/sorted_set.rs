//! SortedSet values.

use super::{Kind, Object};

/// A sorted set.
#[derive(Debug, Default)]
pub struct SortedSet {}

impl Object for SortedSet {
    const KIND: Kind = Kind::SortedSet;
}

impl SortedSet {
    /// How many parts there are to free.
    pub fn free_effort(&self) -> usize {
        1
    }

    /// Frees up to about `budget` parts; how many were freed.
    pub fn free_some(&mut self, _budget: usize) -> usize {
        0
    }
}
