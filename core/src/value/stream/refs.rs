//! Removing entries with regard to the groups that still refer to them.

use super::id::Id;
use super::log::{Keep, Log, Trim};
use super::node;
use super::{Groups, Stream};
use alloc::vec::Vec;

/// What becomes of the references that groups hold to a removed entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Refs {
    /// They stay (KEEPREF).
    #[default]
    Keep,
    /// They go too (DELREF).
    Delete,
    /// An entry that has any stays (ACKED).
    Acked,
}

/// What came of the removal of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// There is no such entry.
    Missing,
    /// It is gone.
    Done,
    /// It stays, because a group refers to it.
    Referenced,
}

impl Stream {
    /// Removes an entry as XDEL does.
    pub fn remove(&mut self, id: Id, refs: Refs) -> Removal {
        let (log, groups) = self.parts_mut();
        if refs == Refs::Acked && log.contains(id) && !groups.are_done_with(id) {
            return Removal::Referenced;
        }
        if !log.delete(id) {
            return Removal::Missing;
        }
        log.max_deleted_id = log.max_deleted_id.max(id);
        if refs == Refs::Delete {
            groups.forget(id);
        }
        Removal::Done
    }

    /// Removes entries from the front; how many.
    pub fn trim(&mut self, trim: &Trim, refs: Refs) -> u64 {
        let (log, groups) = self.parts_mut();
        if refs == Refs::Keep || groups.is_empty() {
            return log.trim(trim);
        }
        let gone = log.oldest(log.would_trim(trim));
        if refs == Refs::Delete {
            gone.iter().for_each(|&id| groups.forget(id));
            return log.trim(trim);
        }
        remove_acknowledged(log, groups, &gone)
    }
}

fn remove_acknowledged(log: &mut Log, groups: &Groups, ids: &[Id]) -> u64 {
    let mut removed = 0;
    for &id in ids {
        if groups.are_done_with(id) && log.delete(id) {
            // A gap in the middle, as XDEL makes it.
            log.max_deleted_id = log.max_deleted_id.max(id);
            removed += 1;
        }
    }
    removed
}

impl Log {
    /// How many entries [`Log::trim`] would remove.
    fn would_trim(&self, trim: &Trim) -> u64 {
        let mut gone = 0;
        for (head, bytes) in self.nodes() {
            let Some(master) = node::master(bytes) else { break };
            let whole = match trim.keep {
                Keep::Newest(len) if self.len() - gone <= len => break,
                Keep::Newest(len) => self.len() - gone - master.live >= len,
                Keep::From(id) => node::last_id(bytes, head).is_some_and(|last| last < id),
            };
            if trim.limit > 0 && gone + master.live > trim.limit {
                break;
            }
            if whole {
                gone += master.live;
                continue;
            }
            if !trim.approx {
                gone = match trim.keep {
                    Keep::Newest(len) => self.len() - len,
                    Keep::From(id) => {
                        let mut cursor = self.range(Id::MIN, id.prev().unwrap_or(Id::MIN));
                        core::iter::from_fn(|| cursor.next()).count() as u64
                    }
                };
            }
            break;
        }
        gone
    }

    /// The IDs of the first `count` entries.
    fn oldest(&self, count: u64) -> Vec<Id> {
        let mut cursor = self.range(Id::MIN, Id::MAX);
        core::iter::from_fn(|| cursor.next()).map(|(id, _)| id).take(count as usize).collect()
    }
}
