//! The bytes of one node: a listpack with a master entry and the entries behind it, as Redis lays them out.
//!
//! ```text
//! master   count  deleted  fields  name … name  0
//! entry    flags  ms  seq  value … value                      lp-count     the master's fields
//! entry    flags  ms  seq  fields  name value … name value    lp-count     fields of its own
//! ```
//!
//! `ms` and `seq` are differences to the node's ID, which is that of its first entry.
//! `lp-count` is the number of elements before it in the entry, so that a reader can walk backwards; the
//! master's is 0. Flag 1: deleted; flag 2: the fields are the master's.

use super::id::Id;
use crate::collections::corrupt::Corrupt;
use crate::collections::listpack::entry::{self, END, Encoded};
use crate::collections::listpack::{Element, View};
use alloc::vec::Vec;

pub(super) const DELETED: u8 = 1;
pub(super) const SAME_FIELDS: u8 = 2;

/// Bytes before the first element of a listpack.
pub(super) const HEADER: usize = 6;

/// The count in a listpack's header that says "count them".
const UNKNOWN_LEN: u16 = u16::MAX;

/// What the master entry says.
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
    /// The elements behind the opening, `lp-count` included, in a node of so many fields.
    pub(super) fn rest(&self, master_fields: u32) -> u32 {
        self.fields.map_or(master_fields, |own| own * 2) + 1
    }
}

#[inline]
pub(super) fn int(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    match entry::decode(bytes, at)? {
        (Element::Int(value), size) => Some((value, at + size)),
        (Element::Str(_), _) => None,
    }
}

/// The element at `at` and where the next one is.
#[inline]
pub(super) fn element(bytes: &[u8], at: usize) -> Option<(Element<'_>, usize)> {
    let (element, size) = entry::decode(bytes, at)?;
    Some((element, at + size))
}

/// Where the element behind `count` others is.
#[inline]
pub(super) fn skip(bytes: &[u8], mut at: usize, count: u32) -> Option<usize> {
    for _ in 0..count {
        at += entry::size(bytes, at)?;
    }
    Some(at)
}

#[inline]
pub(super) fn master(bytes: &[u8]) -> Option<Master> {
    let (live, at) = int(bytes, HEADER)?;
    let (deleted, at) = int(bytes, at)?;
    let (fields, fields_at) = int(bytes, at)?;
    Some(Master { live: live as u64, deleted: deleted as u64, fields: fields as u32, fields_at })
}

/// Where the first entry is.
#[inline]
pub(super) fn first_entry(bytes: &[u8], master: &Master) -> Option<usize> {
    skip(bytes, master.fields_at, master.fields + 1)
}

/// Reads the opening of the entry at `at` in the node of ID `head`.
#[inline]
pub(super) fn open(bytes: &[u8], at: usize, head: Id) -> Option<Opening> {
    let (flags, at) = int(bytes, at)?;
    let (ms, at) = int(bytes, at)?;
    let (seq, at) = int(bytes, at)?;
    let id = Id::new(head.ms.wrapping_add(ms as u64), head.seq.wrapping_add(seq as u64));
    let flags = flags as u8;
    if flags & SAME_FIELDS != 0 {
        return Some(Opening { flags, id, fields: None, body_at: at });
    }
    let (fields, at) = int(bytes, at)?;
    Some(Opening { flags, id, fields: Some(fields as u32), body_at: at })
}

/// Where the entry starts that ends at `end`; `None` at the master.
#[inline]
pub(super) fn before(bytes: &[u8], end: usize) -> Option<usize> {
    let mut at = entry::start_before(bytes, end)?;
    let (count, _) = int(bytes, at)?;
    if count <= 0 {
        return None;
    }
    for _ in 0..count {
        at = entry::start_before(bytes, at)?;
    }
    Some(at)
}

/// The ID of the last entry, a deleted one too.
pub(super) fn last_id(bytes: &[u8], head: Id) -> Option<Id> {
    let at = before(bytes, bytes.len() - 1)?;
    Some(open(bytes, at, head)?.id)
}

/// Appends an integer.
#[inline]
fn put_int(out: &mut Vec<u8>, value: i64) {
    if (0..128).contains(&value) {
        out.extend_from_slice(&[value as u8, 1]);
    } else {
        put(out, &Encoded::int(value));
    }
}

#[inline]
fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put(out, &Encoded::text(text));
}

#[inline]
fn put(out: &mut Vec<u8>, encoded: &Encoded<'_>) {
    let at = out.len();
    out.resize(at + encoded.size(), 0);
    encoded.write(&mut out[at..]);
}

/// Starts a node at the end of `out`: the header, which [`seal`] fills in, and the master entry for `texts`,
/// fields and values in turn.
pub(super) fn begin<'t>(
    out: &mut Vec<u8>,
    texts: impl ExactSizeIterator<Item = &'t [u8]> + Clone,
) -> u32 {
    out.extend_from_slice(&[0; HEADER]);
    let fields = texts.len() / 2;
    put_int(out, 1);
    put_int(out, 0);
    put_int(out, fields as i64);
    texts.step_by(2).for_each(|name| put_text(out, name));
    put_int(out, 0);
    fields as u32 + 4
}

/// Writes an entry at the end of `out`, which has no end mark now; how many elements that were.
pub(super) fn put_entry<'t>(
    out: &mut Vec<u8>,
    head: Id,
    id: Id,
    mut texts: impl ExactSizeIterator<Item = &'t [u8]> + Clone,
    same: bool,
) -> u32 {
    let fields = texts.len() / 2;
    put_int(out, if same { i64::from(SAME_FIELDS) } else { 0 });
    put_int(out, id.ms.wrapping_sub(head.ms) as i64);
    put_int(out, id.seq.wrapping_sub(head.seq) as i64);
    let count = if same {
        while let (Some(_), Some(value)) = (texts.next(), texts.next()) {
            put_text(out, value);
        }
        fields + 3
    } else {
        put_int(out, fields as i64);
        texts.for_each(|text| put_text(out, text));
        fields * 2 + 4
    };
    put_int(out, count as i64);
    count as u32 + 1
}

/// Ends the node that starts at `start` of `out` and writes its header: there are `more` elements now.
#[inline]
pub(super) fn seal(out: &mut Vec<u8>, start: usize, more: u32) {
    out.push(END);
    let total = (out.len() - start) as u32;
    let header = &mut out[start..start + HEADER];
    let stated = u16::from_le_bytes([header[4], header[5]]);
    let count = if stated == UNKNOWN_LEN {
        stated
    } else {
        (u32::from(stated) + more).min(u32::from(UNKNOWN_LEN)) as u16
    };
    header[..4].copy_from_slice(&total.to_le_bytes());
    header[4..].copy_from_slice(&count.to_le_bytes());
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

/// Looks at every byte of a node that came from outside: the ID of its last entry and how many there are.
/// Deleted ones do not count, and may be out of order, as XSETID can leave them.
///
/// # Errors
/// Says what is wrong.
pub(super) fn check(bytes: &[u8], head: Id) -> Result<(Option<Id>, u64), Corrupt> {
    View::check(bytes)?;
    let broken = Corrupt("stream node is not sound");
    let stated = |at| match int(bytes, at) {
        Some((value @ 0..=0x7FFF_FFFF, next)) => Ok((value as u64, next)),
        _ => Err(Corrupt("stream node without its counts")),
    };
    let (live, at) = stated(HEADER)?;
    let (deleted, at) = stated(at)?;
    let (fields, fields_at) = stated(at)?;
    let end = bytes.len() - 1;
    if fields > end as u64 {
        return Err(broken);
    }
    let master = Master { live, deleted, fields: fields as u32, fields_at };
    let terminator = skip(bytes, fields_at, master.fields).ok_or(broken)?;
    let Some((0, mut at)) = int(bytes, terminator) else { return Err(broken) };
    let (mut last, mut seen_live, mut seen_deleted) = (None, 0, 0);
    while at < end {
        // The flags are changed in place, so they have to be one byte.
        if bytes[at] > SAME_FIELDS | DELETED {
            return Err(Corrupt("stream entry with unknown flags"));
        }
        let opening = open(bytes, at, head).ok_or(broken)?;
        if opening.flags & DELETED != 0 {
            seen_deleted += 1;
        } else {
            if opening.id < head || last.is_some_and(|last| opening.id <= last) {
                return Err(Corrupt("stream entries out of order"));
            }
            last = Some(opening.id);
            seen_live += 1;
        }
        let own = opening.fields.unwrap_or(0);
        if own as usize > end {
            return Err(broken);
        }
        let lp_count = opening.rest(master.fields) + if opening.fields.is_some() { 3 } else { 2 };
        let count_at =
            skip(bytes, opening.body_at, opening.rest(master.fields) - 1).ok_or(broken)?;
        match int(bytes, count_at) {
            Some((count, next)) if count == i64::from(lp_count) && next <= end => at = next,
            _ => return Err(Corrupt("stream entry with another count than its own")),
        }
    }
    if seen_live + seen_deleted == 0 {
        return Err(Corrupt("empty listpack inside stream"));
    }
    if (seen_live, seen_deleted) != (live, deleted) {
        return Err(Corrupt("stream node with other counts than its own"));
    }
    Ok((last, live))
}
