//! `rename-command`: names that commands go by instead of their own.

use crate::collections::ordered;
use alloc::boxed::Box;

/// Names that differ from the table of commands.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// In lower case, with the place of the command in the table; `None`: no command any more.
    changed: ordered::Map<Box<[u8]>, Option<usize>>,
}

impl Names {
    /// Whether every command goes by its own name.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// What goes by this name, in any case, if that differs from the table: a place, or nothing.
    pub fn find(&self, name: &[u8]) -> Option<Option<usize>> {
        self.changed.get(&*name.to_ascii_lowercase()).copied()
    }

    /// The command at `place`, which went by the name `from`, goes by the name `to`; empty: by none.
    pub fn rename(&mut self, from: &[u8], to: &[u8], place: usize) {
        self.changed.insert(from.to_ascii_lowercase().into(), None);
        if !to.is_empty() {
            self.changed.insert(to.to_ascii_lowercase().into(), Some(place));
        }
    }

    /// Whether the command at `place`, whose own name is `own`, goes by any name.
    pub fn is_reachable(&self, own: &[u8], place: usize) -> bool {
        match self.changed.get(own) {
            None => true,
            Some(_) => self.changed.values().any(|&other| other == Some(place)),
        }
    }
}
