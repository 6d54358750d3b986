//! What the rules have to know of commands, which they do not know themselves.

use super::Category;
use alloc::string::String;
use core::ops::Range;

/// A command that a rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub id: usize,
    /// Whether it is a subcommand.
    pub is_sub: bool,
    /// Whether it has subcommands.
    pub has_subs: bool,
}

/// All commands and subcommands, by numbers without gaps.
pub trait Catalog {
    /// How many there are; numbers are below.
    fn count(&self) -> usize;
    /// How many of them, the first ones, are no subcommands.
    fn top(&self) -> usize;
    /// The command of this name in any case; a subcommand's is `container|name`.
    fn find(&self, name: &[u8]) -> Option<Found>;
    /// The name in the same form.
    fn name(&self, id: usize) -> String;
    /// The categories of a command.
    fn categories(&self, id: usize) -> Category;
    /// The numbers of a command's subcommands.
    fn subcommands(&self, id: usize) -> Range<usize>;
}
