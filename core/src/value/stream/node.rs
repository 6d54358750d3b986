//! The bytes of one node: what Redis keeps in a listpack, without what it has only to walk backwards.
//!
//! ```text
//! header   total u32 │ listpack u32 │ live u32 │ deleted u32
//! names    fields │ name … name                                    the master's fields
//! entry    flags │ ms │ seq │ value … value                │ back
//! entry    flags │ ms │ seq │ fields │ name value … value   │ back   fields of its own
//! ```
//!
//! Elements are encoded as in a listpack, but have no backlen: one for the whole entry, `back`, lets a reader
//! walk backwards. `ms` and `seq` are differences to the node's ID, which is that of its first entry.
//! Flag 1: deleted; flag 2: the fields are the master's. `listpack` is the length of the listpack that Redis
//! has in the node's place, which decides when it is full; `exchange.rs` turns one into the other.
//! Numbers in the header are little-endian.

use super::id::Id;
use crate::collections::listpack::Element;
use crate::collections::listpack::entry::{self, Encoded};
use alloc::vec::Vec;

pub(super) const DELETED: u8 = 1;
pub(super) const SAME_FIELDS: u8 = 2;

/// Bytes before the number of names.
pub(super) const HEADER: usize = 16;

/// What stands before the entries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Master {
    /// Entries that are not deleted.
    pub live: u64,
    /// Entries that are.
    pub deleted: u64,
    /// How many field names there are.
    pub fields: u32,
    /// Where the first of them is.
    pub fields_at: usize,
}

/// An entry's first elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    pub flags: u8,
    pub id: Id,
    /// Its fields, if it has its own.
    pub fields: Option<u32>,
    /// Where the first name or value is.
    pub body_at: usize,
}

impl Opening {
    /// The names and values behind the opening, in a node of so many fields.
    pub(super) fn rest(&self, master_fields: u32) -> u32 {
        self.fields.map_or(master_fields, |own| own * 2)
    }
}

/// A number of the header.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Total = 0,
    Listpack = 4,
    Live = 8,
    Deleted = 12,
}

#[inline]
pub(super) fn number(bytes: &[u8], which: Number) -> Option<u32> {
    bytes.get(which as usize..)?.first_chunk().map(|le| u32::from_le_bytes(*le))
}

#[inline]
pub(super) fn set_number(bytes: &mut [u8], which: Number, value: u32) {
    let at = which as usize;
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}

#[inline]
#[cfg_attr(redstart_small, optimize(speed))]
fn int(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    match element(bytes, at)? {
        (Element::Int(value), next) => Some((value, next)),
        (Element::Str(_), _) => None,
    }
}

/// The element at `at` and where the next one is.
#[inline]
#[cfg_attr(redstart_small, optimize(speed))]
pub(super) fn element(bytes: &[u8], at: usize) -> Option<(Element<'_>, usize)> {
    let (element, size) = entry::decode_bare(bytes, at)?;
    Some((element, at + size))
}

/// Where the element behind `count` others is.
#[inline]
pub(super) fn skip(bytes: &[u8], mut at: usize, count: u32) -> Option<usize> {
    for _ in 0..count {
        at += entry::bare_size(bytes, at)?;
    }
    Some(at)
}

#[inline]
pub(super) fn master(bytes: &[u8]) -> Option<Master> {
    let live = number(bytes, Number::Live)?.into();
    let deleted = number(bytes, Number::Deleted)?.into();
    let (fields, fields_at) = int(bytes, HEADER)?;
    Some(Master { live, deleted, fields: fields as u32, fields_at })
}

/// Where the first entry is.
#[inline]
pub(super) fn first_entry(bytes: &[u8], master: &Master) -> Option<usize> {
    skip(bytes, master.fields_at, master.fields)
}

/// Reads the opening of the entry at `at` in the node of ID `head`.
#[inline]
#[cfg_attr(redstart_small, optimize(speed))]
pub(super) fn open(bytes: &[u8], at: usize, head: Id) -> Option<Opening> {
    let flags = *bytes.get(at)?;
    let (ms, at) = int(bytes, at + 1)?;
    let (seq, at) = int(bytes, at)?;
    let id = Id::new(head.ms.wrapping_add(ms as u64), head.seq.wrapping_add(seq as u64));
    if flags & SAME_FIELDS != 0 {
        return Some(Opening { flags, id, fields: None, body_at: at });
    }
    let (fields, at) = int(bytes, at)?;
    Some(Opening { flags, id, fields: Some(fields as u32), body_at: at })
}

/// Where the next entry is, if the names and values of the one at `at` end at `body_end`.
#[inline]
pub(super) fn next(at: usize, body_end: usize) -> usize {
    at + entry::size_with_backlen(body_end - at)
}

/// Where the entry behind the one at `at` is.
#[inline]
pub(super) fn after(
    bytes: &[u8],
    at: usize,
    opening: &Opening,
    master_fields: u32,
) -> Option<usize> {
    Some(next(at, skip(bytes, opening.body_at, opening.rest(master_fields))?))
}

/// Where the entry starts that ends at `end`; `None` if `first`, where the first starts, is there.
#[inline]
pub(super) fn before(bytes: &[u8], first: usize, end: usize) -> Option<usize> {
    if end <= first { None } else { entry::start_before(bytes, end) }
}

/// The ID of the last entry, a deleted one too.
pub(super) fn last_id(bytes: &[u8], head: Id) -> Option<Id> {
    // There is one: the last to go takes its node along.
    let at = entry::start_before(bytes, bytes.len())?;
    Some(open(bytes, at, head)?.id)
}

/// Bytes of an integer in a listpack.
#[inline]
fn listpack_int(value: u32) -> usize {
    if value < 128 { 2 } else { Encoded::int(value.into()).size() }
}

/// Appends elements and counts what they would be in a listpack.
struct Out<'a> {
    bytes: &'a mut Vec<u8>,
    listpack: usize,
}

impl Out<'_> {
    #[inline]
    fn int(&mut self, value: i64) {
        if (0..128).contains(&value) {
            self.bytes.push(value as u8);
            self.listpack += 2;
        } else {
            self.put(&Encoded::int(value));
        }
    }

    #[inline]
    fn text(&mut self, text: &[u8]) {
        self.put(&Encoded::text(text));
    }

    #[inline]
    fn put(&mut self, encoded: &Encoded<'_>) {
        encoded.push_body(self.bytes);
        self.listpack += encoded.size();
    }
}

/// What a listpack has besides its elements: its own header, and its end.
pub(super) const LISTPACK_FRAME: usize = 6 + 1;

/// Starts a node at the end of `out`, with the names among `texts`, fields and values in turn.
/// [`put_entry`] makes it whole.
pub(super) fn begin<'t>(out: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'t [u8]> + Clone) {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER]);
    let mut to = Out { bytes: out, listpack: LISTPACK_FRAME };
    to.int((texts.len() / 2) as i64);
    texts.step_by(2).for_each(|name| to.text(name));
    // The counts of entries, of deleted ones, and the end of the names.
    let listpack = to.listpack + 3 * listpack_int(0);
    set_number(&mut out[start..], Number::Listpack, listpack as u32);
}

/// Writes an entry at the end of the node that starts at `start` and ends with `out`.
#[inline]
pub(super) fn put_entry<'t>(
    out: &mut Vec<u8>,
    start: usize,
    head: Id,
    id: Id,
    mut texts: impl ExactSizeIterator<Item = &'t [u8]> + Clone,
    same: bool,
) {
    let at = out.len();
    let mut to = Out { bytes: out, listpack: 0 };
    let fields = texts.len() / 2;
    to.int(if same { i64::from(SAME_FIELDS) } else { 0 });
    to.int(id.ms.wrapping_sub(head.ms) as i64);
    to.int(id.seq.wrapping_sub(head.seq) as i64);
    let elements = if same {
        while let (Some(_), Some(value)) = (texts.next(), texts.next()) {
            to.text(value);
        }
        fields + 3
    } else {
        to.int(fields as i64);
        texts.for_each(|text| to.text(text));
        fields * 2 + 4
    };
    let added = to.listpack + listpack_int(elements as u32);
    entry::push_backlen(out.len() - at, out);
    let total = (out.len() - start) as u32;
    let node = &mut out[start..];
    let live = number(node, Number::Live).unwrap_or_default();
    let listpack = number(node, Number::Listpack).unwrap_or_default();
    set_number(node, Number::Listpack, listpack + added as u32);
    set_number(node, Number::Total, total);
    set_counts(node, live + 1, number(node, Number::Deleted).unwrap_or_default());
}

/// Writes how many entries there are, and how many of them not any more.
#[inline]
pub(super) fn set_counts(node: &mut [u8], live: u32, deleted: u32) {
    let old = [Number::Live, Number::Deleted].map(|which| number(node, which).unwrap_or_default());
    let listpack = number(node, Number::Listpack).unwrap_or_default() as usize;
    let listpack = listpack + listpack_int(live) + listpack_int(deleted)
        - listpack_int(old[0])
        - listpack_int(old[1]);
    set_number(node, Number::Listpack, listpack as u32);
    set_number(node, Number::Live, live);
    set_number(node, Number::Deleted, deleted);
}

/// Whether the names among `texts`, fields and values in turn, are the node's.
#[inline]
pub(super) fn has_fields<'t>(
    bytes: &[u8],
    master: &Master,
    texts: impl ExactSizeIterator<Item = &'t [u8]>,
) -> bool {
    if texts.len() / 2 != master.fields as usize {
        return false;
    }
    let mut at = master.fields_at;
    for name in texts.step_by(2) {
        match element(bytes, at) {
            Some((element, next)) if element.eq_bytes(name) => at = next,
            _ => return false,
        }
    }
    true
}
