//! Streams as RDB.
//!
//! ```text
//! nodes      count, then ID (16 bytes as a string) and listpack of each
//! counts     entries, last ID; from the second form on: first ID, greatest deleted ID, entries ever added
//! groups     count, then of each: name, last ID; from the second form on: entries read, -1 if unknown
//!   pending    count, then of each: ID (16 bytes), time of delivery, number of deliveries
//!   consumers  count, then of each: name, time seen; in the third form: time active
//!     pending    count, then the IDs (16 bytes) alone
//! ```
//!
//! IDs outside of nodes and lists are two lengths; times are 8 bytes of milliseconds.

use super::{Fault, Reader, Writer, types};
use crate::value::Stream;
use crate::value::stream::{Group, Id};

/// What a group writes that does not know how many entries it has read.
const UNKNOWN: u64 = u64::MAX;

/// The first version with the third form.
const THIRD_FORM_VERSION: u32 = 11;

/// The type of streams in a version.
pub(super) const fn code(version: u32) -> u8 {
    if version >= THIRD_FORM_VERSION { types::STREAM_3 } else { types::STREAM_2 }
}

/// Appends a stream in the form of a type.
pub(super) fn write(to: &mut Writer<'_>, stream: &Stream, code: u8) {
    let log = stream.log();
    to.length(log.node_count() as u64);
    for (id, listpack) in log.listpacks() {
        to.string(&id.to_be_bytes());
        to.string(&listpack);
    }
    to.length(log.len());
    write_id(to, log.last_id);
    write_id(to, log.first_id());
    write_id(to, log.max_deleted_id);
    to.length(log.added);
    to.length(stream.groups().len() as u64);
    for (name, group) in stream.groups().iter() {
        to.string(name);
        write_id(to, group.last_id);
        to.length(group.entries_read.unwrap_or(UNKNOWN));
        to.length(group.pending_len() as u64);
        for pending in group.pending_from(Id::MIN) {
            to.bytes(&pending.id.to_be_bytes());
            to.time_ms(pending.delivered_ms);
            to.length(pending.count);
        }
        to.length(group.consumer_count() as u64);
        for (_, consumer) in group.consumers() {
            to.string(&consumer.name);
            to.time_ms(consumer.seen_ms);
            if code == types::STREAM_3 {
                to.time_ms(consumer.active_ms);
            }
            to.length(consumer.pending_len() as u64);
            consumer.pending_from(Id::MIN).for_each(|id| to.bytes(&id.to_be_bytes()));
        }
    }
}

fn write_id(to: &mut Writer<'_>, id: Id) {
    to.length(id.ms);
    to.length(id.seq);
}

/// Reads a stream in the form of a type.
pub(super) fn read(from: &mut Reader<'_>, code: u8) -> Result<Stream, Fault> {
    let mut stream = Stream::default();
    for _ in 0..from.length()? {
        let head = from.string()?;
        let head =
            <[u8; 16]>::try_from(&*head).map_err(|_| Fault::wrong("stream node without its ID"))?;
        stream.log_mut().push_node(Id::from_be_bytes(head), &from.string()?)?;
    }
    let len = from.length()?;
    if len != stream.log().len() {
        return Err(Fault::wrong("stream of another length than its nodes"));
    }
    let last_id = read_id(from)?;
    let (max_deleted_id, added) = match code {
        types::STREAM => (Id::MIN, len),
        _ => {
            // The first ID is that of the first entry, which is there.
            read_id(from)?;
            (read_id(from)?, from.length()?)
        }
    };
    stream.load_history(last_id, max_deleted_id, added)?;
    for _ in 0..from.length()? {
        read_group(from, &mut stream, code)?;
    }
    Ok(stream)
}

fn read_id(from: &mut Reader<'_>) -> Result<Id, Fault> {
    Ok(Id::new(from.length()?, from.length()?))
}

fn read_group(from: &mut Reader<'_>, stream: &mut Stream, code: u8) -> Result<(), Fault> {
    let name = from.string()?;
    let last_id = read_id(from)?;
    let entries_read = match code {
        types::STREAM => stream.log().added_up_to(last_id),
        _ => Some(from.length()?).filter(|count| *count != UNKNOWN),
    };
    let group = stream.groups_mut().create(&name, last_id, entries_read);
    let group = group.ok_or(Fault::wrong("a group of a stream comes twice"))?;
    for _ in 0..from.length()? {
        let id = Id::from_be_bytes(from.array()?);
        let delivered_ms = from.time_ms()?;
        if !group.load_pending(id, delivered_ms, from.length()?) {
            return Err(Fault::wrong("a pending entry of a group comes twice"));
        }
    }
    for _ in 0..from.length()? {
        read_consumer(from, group, code)?;
    }
    if !group.is_whole() {
        return Err(Fault::wrong("a pending entry of a group without its consumer"));
    }
    Ok(())
}

fn read_consumer(from: &mut Reader<'_>, group: &mut Group, code: u8) -> Result<(), Fault> {
    let name = from.string()?;
    let seen_ms = from.time_ms()?;
    let active_ms = if code == types::STREAM_3 { from.time_ms()? } else { seen_ms };
    let id = group.create_consumer(&name, seen_ms);
    let id = id.ok_or(Fault::wrong("a consumer of a group comes twice"))?;
    if let Some(consumer) = group.consumer_mut(id) {
        consumer.active_ms = active_ms;
    }
    for _ in 0..from.length()? {
        if !group.assign(Id::from_be_bytes(from.array()?), id) {
            return Err(Fault::wrong(
                "an entry that is a consumer's and not pending, or another's",
            ));
        }
    }
    Ok(())
}
