//! Nodes as the listpacks that Redis keeps, in files and payloads.
//!
//! ```text
//! master   live  deleted  fields  name … name  0
//! entry    flags  ms  seq  value … value                      lp-count     the master's fields
//! entry    flags  ms  seq  fields  name value … name value    lp-count     fields of its own
//! ```
//!
//! `lp-count` is the number of elements before it in the entry; the master's is 0. An element is the same
//! bytes in a node and in its listpack, but for the backlen that only the listpack has.

use super::id::Id;
use super::node::{self, DELETED, HEADER, Number, Opening, SAME_FIELDS};
use crate::collections::corrupt::Corrupt;
use crate::collections::listpack::entry::{self, END, Encoded};
use crate::collections::listpack::{Element, View};
use alloc::vec::Vec;

/// Bytes before the first element of a listpack.
const LISTPACK_HEADER: usize = 6;

/// Writes the listpack of a node to `out`.
pub(super) fn to_listpack(node: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.reserve(node::number(node, Number::Listpack).unwrap_or_default() as usize);
    out.extend_from_slice(&[0; LISTPACK_HEADER]);
    let mut to = Listpack { out, elements: 0 };
    // What was read once from the engine's own bytes is whole.
    let _ = write(node, &mut to);
    let elements = u16::try_from(to.elements).unwrap_or(u16::MAX);
    out.push(END);
    let total = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&total.to_le_bytes());
    out[start + 4..start + 6].copy_from_slice(&elements.to_le_bytes());
}

fn write(node: &[u8], to: &mut Listpack<'_>) -> Option<()> {
    let master = node::master(node)?;
    to.int(master.live as i64);
    to.int(master.deleted as i64);
    let mut at = to.copy(node, HEADER, master.fields + 1)?;
    to.int(0);
    while at < node.len() {
        let opening = node::open(node, at, Id::MIN)?;
        let before = to.elements;
        let elements = opening.rest(master.fields) + if opening.fields.is_some() { 4 } else { 3 };
        let end = to.copy(node, at, elements)?;
        to.int(i64::from(to.elements - before));
        at = node::next(at, end);
    }
    Some(())
}

struct Listpack<'a> {
    out: &'a mut Vec<u8>,
    elements: u32,
}

impl Listpack<'_> {
    fn int(&mut self, value: i64) {
        let encoded = Encoded::int(value);
        encoded.push_body(self.out);
        entry::push_backlen(encoded.body_size(), self.out);
        self.elements += 1;
    }

    /// Copies elements of a node; where the next one is.
    fn copy(&mut self, node: &[u8], mut at: usize, count: u32) -> Option<usize> {
        for _ in 0..count {
            let size = entry::bare_size(node, at)?;
            self.out.extend_from_slice(node.get(at..at + size)?);
            entry::push_backlen(size, self.out);
            at += size;
        }
        self.elements += count;
        Some(at)
    }
}

/// A listpack that came from outside, read element by element.
struct Source<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Source<'_> {
    fn int(&mut self) -> Option<i64> {
        match entry::decode(self.bytes, self.at)? {
            (Element::Int(value), size) => {
                self.at += size;
                Some(value)
            }
            (Element::Str(_), _) => None,
        }
    }

    fn count(&mut self) -> Result<u32, Corrupt> {
        let count = self.int().and_then(|count| u32::try_from(count).ok());
        count
            .filter(|count| *count <= i32::MAX as u32)
            .ok_or(Corrupt("stream node without its counts"))
    }

    /// Copies elements into a node; `false` if there are not so many.
    fn copy(&mut self, out: &mut Vec<u8>, count: u32) -> Option<()> {
        for _ in 0..count {
            let size = entry::bare_size(self.bytes, self.at)?;
            out.extend_from_slice(self.bytes.get(self.at..self.at + size)?);
            self.at += entry::size_with_backlen(size);
        }
        Some(())
    }
}

/// What a listpack from outside holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contents {
    /// The ID of the last entry that is not deleted.
    pub last: Option<Id>,
    /// Entries that are not deleted.
    pub live: u64,
}

/// Appends the node of ID `head` that a listpack from outside stands for, after a look at every byte of it.
/// Deleted entries may be out of order, as XSETID can leave them.
///
/// # Errors
/// Says what is wrong; `out` may then hold a part of it.
pub(super) fn from_listpack(
    listpack: &[u8],
    head: Id,
    out: &mut Vec<u8>,
) -> Result<Contents, Corrupt> {
    View::check(listpack)?;
    let broken = Corrupt("stream node is not sound");
    let end = listpack.len() - 1;
    let mut from = Source { bytes: listpack, at: LISTPACK_HEADER };
    let (live, deleted) = (from.count()?, from.count()?);
    let fields_at = from.at;
    let fields = from.count()?;
    if fields as usize > end {
        return Err(broken);
    }
    let start = out.len();
    out.extend_from_slice(&[0; HEADER]);
    from.at = fields_at;
    from.copy(out, fields + 1).ok_or(broken)?;
    if from.int() != Some(0) {
        return Err(broken);
    }
    let (mut last, mut seen_live, mut seen_deleted) = (None, 0, 0);
    while from.at < end {
        // The flags are changed in place, so they have to be one byte.
        if listpack[from.at] > SAME_FIELDS | DELETED {
            return Err(Corrupt("stream entry with unknown flags"));
        }
        let opening = open(&from, head).ok_or(broken)?;
        if opening.flags & DELETED != 0 {
            seen_deleted += 1;
        } else {
            if opening.id < head || last.is_some_and(|last| opening.id <= last) {
                return Err(Corrupt("stream entries out of order"));
            }
            last = Some(opening.id);
            seen_live += 1;
        }
        if opening.fields.is_some_and(|own| own as usize > end) {
            return Err(broken);
        }
        let elements = opening.rest(fields) + if opening.fields.is_some() { 4 } else { 3 };
        let at = out.len();
        from.copy(out, elements).ok_or(broken)?;
        entry::push_backlen(out.len() - at, out);
        if from.at >= end || from.int() != Some(elements.into()) || from.at > end {
            return Err(Corrupt("stream entry with another count than its own"));
        }
    }
    if seen_live + seen_deleted == 0 {
        return Err(Corrupt("empty listpack inside stream"));
    }
    if (seen_live, seen_deleted) != (live, deleted) {
        return Err(Corrupt("stream node with other counts than its own"));
    }
    let total = (out.len() - start) as u32;
    let node = &mut out[start..];
    node::set_number(node, Number::Total, total);
    node::set_number(node, Number::Listpack, listpack.len() as u32);
    node::set_number(node, Number::Live, live);
    node::set_number(node, Number::Deleted, deleted);
    Ok(Contents { last, live: live.into() })
}

/// The opening of the entry where the source is; where its names and values are is not told.
fn open(from: &Source<'_>, head: Id) -> Option<Opening> {
    let mut from = Source { bytes: from.bytes, at: from.at };
    let flags = from.int()? as u8;
    let (ms, seq) = (from.int()? as u64, from.int()? as u64);
    let id = Id::new(head.ms.wrapping_add(ms), head.seq.wrapping_add(seq));
    let own = flags & SAME_FIELDS == 0;
    let fields = if own { Some(u32::try_from(from.int()?).ok()?) } else { None };
    Some(Opening { flags, id, fields, body_at: from.at })
}
