//! Hash values.

use super::{Kind, Object};

/// A hash.
#[derive(Debug, Default)]
pub struct Hash {}

impl Object for Hash {
    const KIND: Kind = Kind::Hash;
}

impl Hash {
    /// How many parts there are to free.
    pub fn free_effort(&self) -> usize {
        1
    }

    /// Frees up to about `budget` parts; how many were freed.
    pub fn free_some(&mut self, _budget: usize) -> usize {
        0
    }
}
