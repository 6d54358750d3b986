//! Commands on lists.
//!
//! Elements go straight from the listpacks into the reply, and from there to the other list where one
//! is moved: no command here copies an element into a buffer of its own.

mod blocking;
mod edit;
mod pop;
mod push;
mod range;
mod transfer;

pub use blocking::{BLMOVE, BLMPOP, BLPOP, BRPOP, BRPOPLPUSH};
pub use edit::{LINSERT, LREM, LSET, LTRIM};
pub use pop::{LMPOP, LPOP, RPOP};
pub use push::{LPUSH, LPUSHX, RPUSH, RPUSHX};
pub use range::{LINDEX, LLEN, LPOS, LRANGE};
pub use transfer::{LMOVE, RPOPLPUSH};

use crate::command::Args;
use crate::error::Error;
use crate::store::{Class, Store};
use crate::value::list::Side;

/// The end of a list that the argument at `index` names.
fn side(args: Args<'_>, index: usize) -> Result<Side, Error> {
    if args.is(index, "left") {
        Ok(Side::Before)
    } else if args.is(index, "right") {
        Ok(Side::After)
    } else {
        Err(Error::Syntax)
    }
}

const fn push_event(side: Side) -> &'static str {
    match side {
        Side::Before => "lpush",
        Side::After => "rpush",
    }
}

const fn pop_event(side: Side) -> &'static str {
    match side {
        Side::Before => "lpop",
        Side::After => "rpop",
    }
}

/// Notes that `count` elements were taken from `key`, which is removed if it is `empty` now.
#[inline]
fn popped(db: &mut Store, key: &[u8], side: Side, count: u64, empty: bool) {
    db.changed(Class::LIST, pop_event(side), key);
    db.dirty += count - 1;
    if empty {
        drop_empty(db, key);
    }
}

/// Removes the key of a list that has lost its last element.
fn drop_empty(db: &mut Store, key: &[u8]) {
    db.remove(key);
    db.event(Class::GENERIC, "del", key);
}

/// Where the elements from `start` to `end` are, that one included, and how many: negative indexes
/// count from the last, which is -1, and what lies outside of the list is cut off.
fn span(start: i64, end: i64, len: u64) -> (u64, u64) {
    let len = len as i64;
    let start = if start < 0 { (start + len).max(0) } else { start };
    let end = if end < 0 { end + len } else { end.min(len - 1) };
    if start > end || start >= len { (0, 0) } else { (start as u64, (end - start + 1) as u64) }
}

/// The place of the element with this index in a list of `len`; negative ones count from the last.
fn place(index: i64, len: u64) -> Option<u64> {
    let index = if index < 0 { index + len as i64 } else { index };
    u64::try_from(index).ok().filter(|&index| index < len)
}
