//! Parts of strings: APPEND, GETRANGE, SETRANGE, STRLEN.

use crate::collections::decimal;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::{Class, Entry, Expiry};

/// STRLEN key: the length of the string at `key`, 0 if there is none.
pub const STRLEN: Command = Command::new("strlen", 2, strlen)
    .fast()
    .readonly()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("2.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("key", "Returns the length of the string value of a key.", "O(1)");

fn strlen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let len = ctx.db.string(&args[1])?.map_or(0, crate::value::Str::len);
    ctx.reply.len(len);
    Ok(Flow::Done)
}

/// APPEND key value: appends to the string at `key`.
pub const APPEND: Command = Command::new("append", 3, append)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))])
    .docs(
        "key value",
        "Appends to the string value of a key; a missing key counts as empty.",
        "O(1)",
    );

fn append(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (key, tail) = (&args[1], &args[2]);
    let max = ctx.server.config.proto_max_bulk_len;
    let grown = match ctx.db.string_mut(key)? {
        Some(entry) => {
            let len = entry.as_str().map_or(0, crate::value::Str::len);
            check_length(max, len as u64, tail.len())?;
            entry.append(tail)
        }
        None => None,
    };
    let len = grown.unwrap_or_else(|| {
        ctx.db.store_string(key, tail, decimal::parse(tail), Expiry::Clear);
        tail.len()
    });
    ctx.db.changed(Class::STRING, "append", key);
    ctx.reply.len(len);
    Ok(Flow::Done)
}

/// Refuses a string that would be longer than a bulk string may be.
fn check_length(max: u64, len: u64, more: usize) -> Result<(), Error> {
    match len.checked_add(more as u64) {
        Some(total) if total <= max => Ok(()),
        _ => Err(Error::Text("ERR string exceeds maximum allowed size (proto-max-bulk-len)")),
    }
}

/// SETRANGE key offset value: overwrites a part of the string at `key`.
pub const SETRANGE: Command = Command::new("setrange", 4, setrange)
    .denyoom()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("2.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs("key offset value", "Overwrites a part of the string value of a key from an offset on, with zero bytes before it where the string was shorter.", "O(n) with n the length of the value");

fn setrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (key, bytes) = (&args[1], &args[3]);
    let offset = args.int(2)?;
    let offset = u64::try_from(offset).map_err(|_| Error::Text("ERR offset is out of range"))?;
    let max = ctx.server.config.proto_max_bulk_len;
    let Some(entry) = ctx.db.string_mut(key)? else {
        if bytes.is_empty() {
            ctx.reply.int(0);
            return Ok(Flow::Done);
        }
        check_length(max, offset, bytes.len())?;
        // Nobody knows that it will grow: it gets what it needs.
        let mut entry = Entry::zeros(key, offset as usize + bytes.len());
        let len = entry.write_at(offset as usize, bytes).unwrap_or_default();
        ctx.db.insert(entry);
        return written(ctx, key, len);
    };
    if bytes.is_empty() {
        let len = entry.as_str().map_or(0, crate::value::Str::len);
        ctx.reply.len(len);
        return Ok(Flow::Done);
    }
    check_length(max, offset, bytes.len())?;
    let len = entry.write_at(offset as usize, bytes).unwrap_or_default();
    written(ctx, key, len)
}

fn written(ctx: &mut Ctx<'_>, key: &[u8], len: usize) -> Result<Flow, Error> {
    ctx.db.changed(Class::STRING, "setrange", key);
    ctx.reply.len(len);
    Ok(Flow::Done)
}

/// GETRANGE key start end: a part of the string at `key`.
pub const GETRANGE: Command = Command::new("getrange", 4, getrange)
    .readonly()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("2.4.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("key start end", "Returns a part of the string value of a key; both ends are included and count from the end if negative.", "O(n) with n the length of the part");

fn getrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (start, end) = (args.int(2)?, args.int(3)?);
    let mut buffer = itoa::Buffer::new();
    let text = match ctx.db.string(&args[1])? {
        Some(value) => value.text(&mut buffer),
        None => b"",
    };
    ctx.reply.bulk(part(text, start, end));
    Ok(Flow::Done)
}

/// The bytes from `start` to `end`, both included.
fn part(text: &[u8], start: i64, end: i64) -> &[u8] {
    let len = text.len() as i64;
    if start < 0 && end < 0 && start > end {
        return b"";
    }
    let place = |at: i64| if at < 0 { at.saturating_add(len).max(0) } else { at };
    let (start, end) = (place(start), place(end).min(len - 1));
    if len == 0 || start > end { b"" } else { &text[start as usize..=end as usize] }
}

/// SUBSTR key start end: GETRANGE under its old name.
pub const SUBSTR: Command = Command::new("substr", 4, getrange)
    .readonly()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .deprecated("2.0.0", "`GETRANGE`")
    .docs(
        "key start end",
        "Returns a part of the string value of a key.",
        "O(n) with n the length of the part",
    );
