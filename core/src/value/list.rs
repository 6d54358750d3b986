//! List values.

use super::{Kind, Object};
use crate::collections::hash::HashSeed;

/// A list.
#[derive(Debug, Default)]
pub struct List {}

impl Object for List {
    const KIND: Kind = Kind::List;

    fn duplicate(&self, _seed: &HashSeed) -> Self {
        Self::default()
    }

    fn encoding(&self) -> &'static str {
        "quicklist"
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
