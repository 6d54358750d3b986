//! Set values.

use super::{Kind, Object};

/// A set.
#[derive(Debug, Default)]
pub struct Set {}

impl Object for Set {
    const KIND: Kind = Kind::Set;
}

impl Set {
    /// How many parts there are to free.
    pub fn free_effort(&self) -> usize {
        1
    }

    /// Frees up to about `budget` parts; how many were freed.
    pub fn free_some(&mut self, _budget: usize) -> usize {
        0
    }
}
