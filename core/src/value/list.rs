//! List values.

use super::{Kind, Object};

/// A list.
#[derive(Debug, Default)]
pub struct List {}

impl Object for List {
    const KIND: Kind = Kind::List;
}

impl List {
    /// How many parts there are to free.
    pub fn free_effort(&self) -> usize {
        1
    }

    /// Frees up to about `budget` parts; how many were freed.
    pub fn free_some(&mut self, _budget: usize) -> usize {
        0
    }
}
