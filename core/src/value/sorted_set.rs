//! SortedSet values.

use super::{Kind, Object};
use crate::collections::hash::HashSeed;

/// A sorted set.
#[derive(Debug, Default)]
pub struct SortedSet {}

impl Object for SortedSet {
    const KIND: Kind = Kind::SortedSet;

    fn duplicate(&self, _seed: &HashSeed) -> Self {
        Self::default()
    }

    fn encoding(&self) -> &'static str {
        "listpack"
    }

    fn memory(&self) -> usize {
        size_of::<Self>()
    }

    fn free_effort(&self) -> usize {
        1
    }

    fn free_some(&mut self, _budget: usize) -> usize {
        0
    }
}
