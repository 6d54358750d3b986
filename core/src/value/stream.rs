//! Stream values.

use super::{Kind, Object};

/// A stream.
#[derive(Debug, Default)]
pub struct Stream {}

impl Object for Stream {
    const KIND: Kind = Kind::Stream;
}

impl Stream {
    /// How many parts there are to free.
    pub fn free_effort(&self) -> usize {
        1
    }

    /// Frees up to about `budget` parts; how many were freed.
    pub fn free_some(&mut self, _budget: usize) -> usize {
        0
    }
}
