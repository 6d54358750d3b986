//! Reading entries one by one, straight from the nodes.

use super::id::Id;
use super::log::Log;
use super::node;
use crate::collections::listpack::Element;

/// Walks over the entries of a range of IDs. [`Cursor::next`] gives the ID and the number of fields of the
/// next entry, [`Cursor::pair`] its fields one after the other; what is not read of it is passed over.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    log: &'a Log,
    start: Id,
    end: Id,
    back: bool,
    /// The node that comes after the present one.
    following: Option<(usize, usize)>,
    /// The present node; empty: none.
    bytes: &'a [u8],
    head: Id,
    fields: u32,
    fields_at: usize,
    /// Forwards: the next element. In an entry: its next name or value.
    at: usize,
    /// Elements of the present entry that were not read.
    unread: u32,
    /// Where the present entry starts.
    entry_at: usize,
    /// Where the first entry of the node starts.
    first_at: usize,
    /// Backwards: where the entries end that were not met.
    unmet: usize,
    /// The next name, if the present entry has the node's.
    name_at: usize,
    same: bool,
}

impl<'a> Cursor<'a> {
    fn new(log: &'a Log, start: Id, end: Id, back: bool) -> Self {
        Self {
            log,
            start,
            end,
            back,
            following: None,
            bytes: &[],
            head: Id::MIN,
            fields: 0,
            fields_at: 0,
            at: 0,
            unread: 0,
            entry_at: 0,
            first_at: 0,
            unmet: 0,
            name_at: 0,
            same: false,
        }
    }

    pub(super) fn forward(log: &'a Log, start: Id, end: Id) -> Self {
        let mut cursor = Self::new(log, start, end, false);
        if start <= end {
            cursor.following = Some(log.node_of(start).unwrap_or((0, 0)));
            if cursor.enter().is_some() {
                cursor.seek();
            }
        }
        cursor
    }

    pub(super) fn backward(log: &'a Log, start: Id, end: Id) -> Self {
        let mut cursor = Self::new(log, start, end, true);
        if start <= end {
            cursor.following = log.node_of(end);
            cursor.enter();
        }
        cursor
    }

    /// Goes on to the next node.
    fn enter(&mut self) -> Option<()> {
        self.bytes = &[];
        let (page, place) = self.following.take()?;
        let in_page = self.log.page(page)?;
        let head = in_page.heads().get(place)?.id;
        if head > self.end {
            return None;
        }
        let bytes = in_page.node(place);
        let master = node::master(bytes)?;
        self.following = if self.back {
            match (place.checked_sub(1), page.checked_sub(1)) {
                (Some(place), _) => Some((page, place)),
                (None, Some(page)) => {
                    self.log.page(page).map(|before| (page, before.heads().len() - 1))
                }
                (None, None) => None,
            }
        } else if place + 1 < in_page.heads().len() {
            Some((page, place + 1))
        } else {
            Some((page + 1, 0))
        };
        (self.head, self.fields, self.fields_at) = (head, master.fields, master.fields_at);
        self.unmet = bytes.len();
        self.first_at = node::first_entry(bytes, &master)?;
        self.go_to(self.first_at);
        self.bytes = bytes;
        Some(())
    }

    /// Goes to where an entry starts, of which nothing is read.
    #[inline]
    fn go_to(&mut self, at: usize) {
        (self.at, self.entry_at, self.unread) = (at, at, 0);
    }

    /// Goes near to the first entry of the range in a node where it is nearer to the end.
    #[inline]
    fn seek(&mut self) -> Option<()> {
        if self.start <= self.head {
            return None;
        }
        let last = node::last_id(self.bytes, self.head)?;
        let share = |id: Id| {
            (u128::from(id.ms) << 64 | u128::from(id.seq))
                .saturating_sub(u128::from(self.head.ms) << 64 | u128::from(self.head.seq))
        };
        if share(self.start) < share(last) / 2 {
            return None;
        }
        let mut at = self.bytes.len();
        while let Some(before) = node::before(self.bytes, self.first_at, at) {
            if node::open(self.bytes, before, self.head)?.id < self.start {
                break;
            }
            at = before;
        }
        self.go_to(at);
        Some(())
    }

    /// The next entry: its ID and how many fields it has.
    #[allow(clippy::should_implement_trait, reason = "an entry is read through the cursor itself")]
    #[inline]
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn next(&mut self) -> Option<(Id, u32)> {
        loop {
            if self.bytes.is_empty() {
                return None;
            }
            let entry_at = if self.back {
                let Some(before) = node::before(self.bytes, self.first_at, self.unmet) else {
                    self.enter()?;
                    continue;
                };
                self.unmet = before;
                before
            } else {
                let mut at = node::skip(self.bytes, self.at, self.unread)?;
                if at > self.entry_at {
                    at = node::next(self.entry_at, at);
                }
                if at >= self.bytes.len() {
                    self.enter()?;
                    continue;
                }
                at
            };
            self.entry_at = entry_at;
            let opening = node::open(self.bytes, entry_at, self.head)?;
            self.at = opening.body_at;
            self.unread = opening.rest(self.fields);
            self.same = opening.fields.is_none();
            self.name_at = self.fields_at;
            if opening.flags & node::DELETED != 0 {
                continue;
            }
            let (early, late) = (opening.id < self.start, opening.id > self.end);
            if if self.back { early } else { late } {
                self.bytes = &[];
                return None;
            }
            if !early && !late {
                return Some((opening.id, opening.fields.unwrap_or(self.fields)));
            }
        }
    }

    /// The next field of the present entry and its value.
    #[inline]
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn pair(&mut self) -> Option<(Element<'a>, Element<'a>)> {
        if self.unread == 0 {
            return None;
        }
        let bytes = self.bytes;
        let name = if self.same {
            let (name, next) = node::element(bytes, self.name_at)?;
            self.name_at = next;
            name
        } else {
            let (name, next) = node::element(bytes, self.at)?;
            self.at = next;
            self.unread -= 1;
            name
        };
        let (value, next) = node::element(bytes, self.at)?;
        self.at = next;
        self.unread -= 1;
        Some((name, value))
    }
}
