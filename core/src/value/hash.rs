//! Hash values.

use super::{Kind, Object};

/// A hash.
#[derive(Debug, Default)]
pub struct Hash {}

impl Object for Hash {
    const KIND: Kind = Kind::Hash;

    fn duplicate(&self) -> Self {
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
