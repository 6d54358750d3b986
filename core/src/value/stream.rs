//! Stream values.

use super::{Kind, Object};
use crate::collections::hash::HashSeed;

/// A stream.
#[derive(Debug, Default)]
pub struct Stream {}

impl Object for Stream {
    const KIND: Kind = Kind::Stream;

    fn duplicate(&self, _seed: &HashSeed) -> Self {
        Self::default()
    }

    fn encoding(&self) -> &'static str {
        "stream"
    }

    fn memory(&self) -> usize {
        0
    }

    fn free_effort(&self) -> usize {
        1
    }

    fn free_some(&mut self, _budget: usize) -> usize {
        0
    }
}
