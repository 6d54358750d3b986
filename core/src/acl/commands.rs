//! Which commands a selector allows: a bit each, and words that open one that is closed.

use super::{Catalog, Category};
use crate::collections::ordered;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// A set of commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSet {
    bits: Vec<u64>,
    /// `+@all` was the last word about all of them: commands to come are allowed as well.
    open_to_new: bool,
    /// Nothing was taken away since `+@all`.
    all: bool,
    /// First arguments with which a command runs that is not allowed as such: `+select|0`.
    first_args: ordered::Map<usize, Vec<Box<[u8]>>>,
}

impl CommandSet {
    /// No command.
    pub fn none(catalog: &dyn Catalog) -> Self {
        let words = catalog.count().div_ceil(64);
        Self {
            bits: vec![0; words],
            open_to_new: false,
            all: false,
            first_args: ordered::Map::new(),
        }
    }

    /// `+@all` or `-@all`.
    pub fn set_all(&mut self, allow: bool) {
        self.bits.fill(if allow { u64::MAX } else { 0 });
        (self.open_to_new, self.all) = (allow, allow);
        self.first_args.clear();
    }

    /// Whether nothing is forbidden, nor ever was since `+@all`.
    pub fn is_all(&self) -> bool {
        self.all
    }

    /// Whether the command of this number is allowed, whatever its arguments.
    #[inline]
    pub fn has(&self, id: usize) -> bool {
        self.bits.get(id / 64).is_some_and(|word| word >> (id % 64) & 1 != 0)
    }

    /// Whether the command of this number is allowed with this argument behind its name.
    pub fn allows(&self, id: usize, first_arg: Option<&[u8]>) -> bool {
        self.has(id)
            || first_arg.is_some_and(|arg| {
                let words = self.first_args.get(&id).map(Vec::as_slice).unwrap_or_default();
                words.iter().any(|word| word.eq_ignore_ascii_case(arg))
            })
    }

    /// Allows or forbids a command with its subcommands.
    pub fn set(&mut self, catalog: &dyn Catalog, id: usize, allow: bool) {
        self.all &= allow;
        for id in core::iter::once(id).chain(catalog.subcommands(id)) {
            let Some(word) = self.bits.get_mut(id / 64) else { continue };
            let bit = 1 << (id % 64);
            *word = if allow { *word | bit } else { *word & !bit };
            self.first_args.remove(&id);
        }
    }

    /// Allows or forbids all commands of a category, each with its subcommands.
    pub fn set_category(&mut self, catalog: &dyn Catalog, category: Category, allow: bool) {
        for id in (0..catalog.count()).filter(|id| catalog.categories(*id).intersects(category)) {
            self.set(catalog, id, allow);
        }
    }

    /// Lets a command run if its first argument is this.
    pub fn add_first_arg(&mut self, id: usize, arg: &[u8]) {
        let words = self.first_args.or_insert_with(id, Vec::new);
        if !words.iter().any(|word| word.eq_ignore_ascii_case(arg)) {
            words.push(Box::from(arg));
        }
    }

    /// Rules that give this set, starting from nothing: what fits best of the categories, then single
    /// commands where they differ.
    pub fn describe(&self, catalog: &dyn Catalog) -> String {
        let (base, sign) = if self.open_to_new { ("+@all", '-') } else { ("-@all", '+') };
        let mut text = String::from(base);
        let mut made = Self::none(catalog);
        made.set_all(self.open_to_new);
        let mut left = self.clone();
        while let Some((name, category)) = left.best_category(catalog, !self.open_to_new) {
            text.extend([' ', sign, '@']);
            text.push_str(&name.to_ascii_lowercase());
            made.set_category(catalog, category, !self.open_to_new);
            left.set_category(catalog, category, self.open_to_new);
        }
        for id in 0..catalog.top() {
            for id in core::iter::once(id).chain(catalog.subcommands(id)) {
                let allow = self.has(id);
                if made.has(id) != allow {
                    text.extend([' ', if allow { '+' } else { '-' }]);
                    text.push_str(&catalog.name(id));
                    made.set(catalog, id, allow);
                }
                for word in self.first_args.get(&id).into_iter().flatten().filter(|_| !allow) {
                    text.extend([' ', '+']);
                    text.push_str(&catalog.name(id));
                    text.push('|');
                    text.push_str(&String::from_utf8_lossy(word));
                }
            }
        }
        text
    }

    /// The category with the fewest commands that are not as `wanted`, if more of them are; of several,
    /// the one with the most that are.
    fn best_category(
        &self,
        catalog: &dyn Catalog,
        wanted: bool,
    ) -> Option<(&'static str, Category)> {
        let mut best = None;
        let (mut fewest, mut most) = (usize::MAX, 0);
        for (name, category) in Category::all().iter_names() {
            let own =
                (0..catalog.count()).filter(|id| catalog.categories(*id).intersects(category));
            let (same, other): (Vec<_>, Vec<_>) = own.partition(|id| self.has(*id) == wanted);
            let (same, other) = (same.len(), other.len());
            if same > other && (other < fewest || (other == fewest && same > most)) {
                (fewest, most) = (other, same);
                best = Some((name, category));
            }
        }
        best
    }
}
