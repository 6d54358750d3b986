//! What was taken out of the keyspace and is freed in small steps, so that no command waits for it.

use super::Entry;
use crate::collections::dict::Dict;
use crate::collections::sorted_set::SortedSet;
use crate::value::{Kind, Object, with_object};
use alloc::vec::Vec;

/// Values of up to this many parts are freed at once.
pub const EFFORT_AT_ONCE: usize = 64;

/// Tables and large values that wait to be freed.
#[derive(Debug, Default)]
pub struct Garbage {
    tables: Vec<Dict<Entry>>,
    /// What said when the fields of the tables' hashes expire.
    indexes: Vec<SortedSet>,
    entries: Vec<Entry>,
}

impl Garbage {
    /// Whether there is nothing left to free.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.entries.is_empty() && self.indexes.is_empty()
    }

    /// How many keys wait to be freed (INFO `lazyfree_pending_objects`).
    pub fn len(&self) -> usize {
        self.tables.iter().map(Dict::len).sum::<usize>() + self.entries.len()
    }

    /// Adds a value.
    pub fn push_entry(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Adds a whole table, with what said when the fields of its hashes expire.
    pub fn push_table(&mut self, table: Dict<Entry>, index: SortedSet) {
        if !table.is_empty() {
            self.tables.push(table);
        }
        if !index.is_empty() {
            self.indexes.push(index);
        }
    }

    /// Frees up to about `budget` parts; the number of keys that are gone.
    pub fn step(&mut self, budget: usize) -> u64 {
        let mut left = budget;
        let mut freed = 0;
        while left > 0 {
            if let Some(entry) = self.entries.last_mut() {
                let done = free_some(entry, &mut left);
                if done {
                    self.entries.pop();
                    freed += 1;
                    left = left.saturating_sub(1);
                }
            } else if let Some(table) = self.tables.last_mut() {
                let mut heavy = Vec::new();
                let mut light = 0;
                let empty = table.pop_some(left.min(64), |entry| {
                    if effort(&entry) > EFFORT_AT_ONCE {
                        heavy.push(entry);
                    } else {
                        light += 1;
                    }
                });
                freed += light;
                left = left.saturating_sub(light as usize + 1);
                self.entries.append(&mut heavy);
                if empty {
                    self.tables.pop();
                }
            } else if let Some(index) = self.indexes.last_mut() {
                left = left.saturating_sub(index.free_some(left) + 1);
                if index.is_empty() {
                    self.indexes.pop();
                }
            } else {
                break;
            }
        }
        freed
    }
}

/// How many parts there are to free.
#[inline]
pub fn effort(entry: &Entry) -> usize {
    match entry.kind() {
        Kind::Inline | Kind::Int | Kind::Vector => 1,
        _ => with_object!(entry.as_object, free_effort()).unwrap_or(1),
    }
}

/// Frees up to `left` parts of the value; whether it may be dropped now.
fn free_some(entry: &mut Entry, left: &mut usize) -> bool {
    let budget = *left;
    let freed = with_object!(entry.as_object_mut, free_some(budget)).unwrap_or(0);
    *left = left.saturating_sub(freed.max(1));
    effort(entry) <= EFFORT_AT_ONCE
}
