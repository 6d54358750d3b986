//! Commands on streams: adding, reading, trimming, and groups of readers.

mod ack;
mod add;
mod claim;
mod delete;
mod group;
mod info;
mod pending;
mod range;
mod read;
mod trim;

pub use ack::{XACK, XACKDEL};
pub use add::XADD;
pub use claim::{XAUTOCLAIM, XCLAIM};
pub use delete::{XDEL, XDELEX, XSETID};
pub use group::XGROUP;
pub use info::XINFO;
pub use pending::XPENDING;
pub use range::{XLEN, XRANGE, XREVRANGE};
pub use read::{XREAD, XREADGROUP};
pub use trim::XTRIM;

use crate::command::{Args, Ctx};
use crate::error::{Error, printable};
use crate::resp::{Bulks, Reply};
use crate::store::Class;
use crate::value::Stream;
use crate::value::stream::{ConsumerId, Cursor, Group, ID_TEXT_MAX, Id, IdText};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

const INVALID_ID: Error = Error::Text("ERR Invalid stream ID specified as stream command argument");

/// An ID; one without a sequence number gets this one.
fn strict_id(text: &[u8], missing_seq: u64) -> Result<Id, Error> {
    match IdText::parse(text) {
        Some(IdText::Full(id)) => Ok(id),
        Some(IdText::Ms(ms)) => Ok(Id::new(ms, missing_seq)),
        Some(IdText::AnySeq(_)) | None => Err(INVALID_ID),
    }
}

/// An end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Start,
    End,
}

/// One end of a range of IDs: an ID, `-` or `+`, or `(` and an ID that is not part of it.
fn bound(text: &[u8], end: End) -> Result<Id, Error> {
    let missing_seq = if end == End::Start { 0 } else { u64::MAX };
    match text {
        b"-" => Ok(Id::MIN),
        b"+" => Ok(Id::MAX),
        [b'(', rest @ ..] if !rest.is_empty() => {
            let id = strict_id(rest, missing_seq)?;
            match end {
                End::Start => id.next().ok_or(Error::Text("ERR invalid start ID for the interval")),
                End::End => id.prev().ok_or(Error::Text("ERR invalid end ID for the interval")),
            }
        }
        text => strict_id(text, missing_seq),
    }
}

/// An ID as a bulk string.
#[inline]
fn write_id(reply: &mut Reply, id: Id) {
    let mut buffer = [0; ID_TEXT_MAX];
    let start = id.write(&mut buffer);
    reply.bulk(&buffer[start..]);
}

/// The entry that `cursor` has just found: its ID and its fields and values.
fn write_entry(reply: &mut Reply, cursor: &mut Cursor<'_>, id: Id, fields: u32) {
    reply.bulks(|bulks| gather_entry(bulks, cursor, id, fields));
}

#[inline]
fn gather_entry(bulks: &mut Bulks<'_>, cursor: &mut Cursor<'_>, id: Id, fields: u32) {
    bulks.array(2);
    let mut buffer = [0; ID_TEXT_MAX];
    let start = id.write(&mut buffer);
    bulks.bulk(&buffer[start..]);
    bulks.array(fields as usize * 2);
    while let Some((name, value)) = cursor.pair() {
        bulks.element(name);
        bulks.element(value);
    }
}

/// Up to `count` entries as an array.
#[cfg_attr(redstart_small, optimize(speed))]
fn write_entries(reply: &mut Reply, mut cursor: Cursor<'_>, count: u64) {
    let place = reply.deferred();
    let len = reply.bulks(|bulks| {
        let mut len = 0;
        while (len as u64) < count
            && let Some((id, fields)) = cursor.next()
        {
            gather_entry(bulks, &mut cursor, id, fields);
            len += 1;
        }
        len
    });
    reply.finish_array(place, len);
}

/// An ID as text.
fn id_text(id: Id) -> Vec<u8> {
    let mut text = [0; ID_TEXT_MAX];
    let start = id.write(&mut text);
    text[start..].to_vec()
}

/// A delivery, as the journal has it.
#[derive(Debug, Clone)]
struct Delivered {
    id: Id,
    /// The consumer that does not get it, where it is another one: the entry was removed.
    from: Option<Box<[u8]>>,
    at_ms: i64,
    count: u64,
    /// The last ID of the group after it.
    last_id: Id,
}

/// In the journal every delivery is an XCLAIM that says what came of it.
fn replicate_deliveries(
    ctx: &mut Ctx<'_>,
    (key, group, consumer): (&[u8], &[u8], &[u8]),
    deliveries: &[Delivered],
) {
    for delivered in deliveries {
        let (id, last_id) = (id_text(delivered.id), id_text(delivered.last_id));
        let (mut at_ms, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
        ctx.replicate(&[
            b"XCLAIM",
            key,
            group,
            delivered.from.as_deref().unwrap_or(consumer),
            b"0",
            &id,
            b"TIME",
            at_ms.format(delivered.at_ms).as_bytes(),
            b"RETRYCOUNT",
            count.format(delivered.count).as_bytes(),
            b"FORCE",
            b"JUSTID",
            b"LASTID",
            &last_id,
        ]);
    }
}

/// In the journal a group has read up to an ID.
fn replicate_last_id(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    group: &[u8],
    last_id: Id,
    entries_read: Option<u64>,
) {
    let id = id_text(last_id);
    let read = entries_read.map_or(-1, |count| count as i64);
    ctx.db.replicate_number(&[b"XGROUP", b"SETID", key, group, &id, b"ENTRIESREAD"], read);
}

/// A change that fails no transaction: most of what happens to groups is none to those who WATCH the key.
fn note(ctx: &mut Ctx<'_>, event: &'static str, key: &[u8]) {
    ctx.db.dirty += 1;
    ctx.db.event(Class::STREAM, event, key);
}

/// The consumer of this name, which has just been seen; made if there is none. Whether it is new.
fn consumer(group: &mut Group, name: &[u8], now_ms: i64) -> (ConsumerId, bool) {
    match group.create_consumer(name, now_ms) {
        Some(id) => (id, true),
        None => {
            let id = group.find_consumer(name).unwrap_or(ConsumerId::MAX);
            if let Some(consumer) = group.consumer_mut(id) {
                consumer.seen_ms = now_ms;
            }
            (id, false)
        }
    }
}

/// The stream at `key` and whether it has this group, for commands that say this if not.
fn stream_with_group<'c>(
    ctx: &'c mut Ctx<'_>,
    key: &[u8],
    group: &[u8],
) -> Result<(&'c mut Stream, &'c mut Reply), Error> {
    match ctx.db.object_mut::<Stream>(key)? {
        Some(stream) if stream.groups().get(group).is_some() => Ok((stream, ctx.reply)),
        _ => Err(Error::Owned(format!(
            "NOGROUP No such key '{}' or consumer group '{}'",
            printable(key, usize::MAX),
            printable(group, usize::MAX)
        ))),
    }
}

fn no_such_group(group: &[u8], key: &[u8]) -> Error {
    Error::Owned(format!(
        "NOGROUP No such consumer group '{}' for key name '{}'",
        printable(group, usize::MAX),
        printable(key, usize::MAX)
    ))
}

/// The IDs behind `IDS numids`, which are all the arguments from there on.
fn counted_ids(args: Args<'_>, at: usize) -> Result<alloc::vec::Vec<Id>, Error> {
    if !args.is(at, "IDS") {
        return Err(Error::Syntax);
    }
    let count =
        args.int_in(at + 1, 1..=i64::MAX, "ERR Number of IDs must be a positive integer")?;
    if count != args.len() as i64 - at as i64 - 2 {
        return Err(Error::Text("ERR The `numids` parameter must match the number of arguments"));
    }
    args.iter_from(at + 2).map(|text| strict_id(text, 0)).collect()
}
