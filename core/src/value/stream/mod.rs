//! Stream values: entries in the order of their IDs, and the groups that read them.
//!
//! ```text
//! Stream ─▶ log     nodes, in Redis's listpack format, in pages of 128 KB    (node.rs, page.rs, log.rs, cursor.rs)
//!           groups  what each group has read and not acknowledged            (group.rs, sorted.rs)
//! ```
//!
//! The two are apart so that entries can be read while a group notes their delivery: [`Stream::parts_mut`].

mod cursor;
mod exchange;
mod group;
mod id;
mod log;
mod node;
mod page;
mod radix;
mod refs;
mod sorted;

#[cfg(test)]
mod tests;

pub use cursor::Cursor;
pub use group::{Consumer, ConsumerId, Group, Groups, Pending};
pub use id::{ID_TEXT_MAX, Id, IdText};
pub use log::{Keep, Log, NODE_BYTES_MAX, NodeLimits, Trim};
pub use refs::{Refs, Removal};

/// Where a group or a consumer is among the others, while none of them comes or goes.
pub use crate::collections::ordered::Mark;

use super::{Kind, Object, Tuning};
use crate::collections::corrupt::Corrupt;
use crate::collections::hash::HashSeed;
use alloc::boxed::Box;

/// A stream.
#[derive(Debug, Default)]
pub struct Stream {
    // One word, which stands in the key's entry.
    body: Box<Body>,
}

#[derive(Debug, Clone, Default)]
struct Body {
    log: Log,
    groups: Groups,
}

impl Stream {
    /// The entries.
    #[inline]
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.body.log
    }

    /// The entries, to change.
    #[inline]
    pub fn log_mut(&mut self) -> &mut Log {
        &mut self.body.log
    }

    /// The groups.
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.body.groups
    }

    /// The groups, to change.
    pub fn groups_mut(&mut self) -> &mut Groups {
        &mut self.body.groups
    }

    /// Entries and groups at once.
    #[inline]
    pub fn parts_mut(&mut self) -> (&mut Log, &mut Groups) {
        let Body { log, groups } = &mut *self.body;
        (log, groups)
    }

    /// For loading, after the nodes: what the stream remembers of entries that are gone.
    ///
    /// # Errors
    /// The last ID is less than that of an entry.
    pub fn load_history(
        &mut self,
        last_id: Id,
        max_deleted_id: Id,
        added: u64,
    ) -> Result<(), Corrupt> {
        let log = self.log_mut();
        if log.last_id > last_id {
            return Err(Corrupt("stream entries behind its last ID"));
        }
        (log.last_id, log.max_deleted_id, log.added) = (last_id, max_deleted_id, added);
        Ok(())
    }

    /// How many keys and nodes Redis's radix tree over the same nodes has, as XINFO STREAM tells.
    #[must_use]
    pub fn radix_tree(&self) -> (usize, usize) {
        radix::size(self.log().nodes().map(|(id, _)| id))
    }
}

impl Object for Stream {
    const KIND: Kind = Kind::Stream;

    fn duplicate(&self, _seed: &HashSeed) -> Self {
        Self { body: self.body.clone() }
    }

    fn encoding(&self) -> &'static str {
        "stream"
    }

    fn memory(&self) -> usize {
        size_of::<Body>() + self.log().heap_bytes() + self.groups().heap_bytes()
    }

    fn free_effort(&self) -> usize {
        self.log().page_count() + self.groups().parts()
    }

    fn free_some(&mut self, budget: usize) -> usize {
        let pages = self.log_mut().drop_pages(budget);
        pages + self.groups_mut().free_some(budget - pages)
    }
}

impl Tuning {
    /// When a node of a stream is full.
    #[inline]
    #[must_use]
    pub fn stream_limits(&self) -> NodeLimits {
        NodeLimits { bytes: self.stream_node_bytes, entries: self.stream_node_entries }
    }
}
