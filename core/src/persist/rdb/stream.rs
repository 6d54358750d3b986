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
use crate::value::stream::{Group, Id, Mark};

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
    let mut place = begin(to, stream);
    while !write_part(to, stream, code, &mut place, usize::MAX) {}
}

/// How far a stream is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// The nodes from a page and a place in it on are next.
    Nodes(usize, usize),
    /// The group at this mark is next; if there is none, that was all.
    Group(Mark),
    /// What is pending of a group from an ID on.
    Pending(Mark, Id),
    /// The consumer of a group at this mark is next.
    Consumer(Mark, Mark),
    /// What is pending of a consumer from an ID on.
    Owned(Mark, Mark, Id),
}

/// Appends what comes before the nodes.
pub(super) fn begin(to: &mut Writer<'_>, stream: &Stream) -> Place {
    to.length(stream.log().node_count() as u64);
    Place::Nodes(0, 0)
}

/// Appends about `budget` more bytes; whether that was all.
pub(super) fn write_part(
    to: &mut Writer<'_>,
    stream: &Stream,
    code: u8,
    place: &mut Place,
    budget: usize,
) -> bool {
    let end = to.out.len().saturating_add(budget);
    loop {
        *place = match *place {
            Place::Nodes(page, node) => {
                let mut next = None;
                for (page, node, id, listpack) in stream.log().listpacks_from(page, node) {
                    to.string(&id.to_be_bytes());
                    to.string(&listpack);
                    if to.out.len() >= end {
                        next = Some(Place::Nodes(page, node + 1));
                        break;
                    }
                }
                next.unwrap_or_else(|| {
                    write_counts(to, stream);
                    Place::Group(Mark::default())
                })
            }
            Place::Group(mark) => {
                let Some((name, group, _)) = stream.groups().at(mark) else { return true };
                to.string(name);
                write_id(to, group.last_id);
                to.length(group.entries_read.unwrap_or(UNKNOWN));
                to.length(group.pending_len() as u64);
                Place::Pending(mark, Id::MIN)
            }
            Place::Pending(mark, from) => {
                let Some((_, group, _)) = stream.groups().at(mark) else { return true };
                let mut pending = group.pending_from(from);
                let mut next = None;
                while let Some(one) = pending.next() {
                    to.bytes(&one.id.to_be_bytes());
                    to.time_ms(one.delivered_ms);
                    to.length(one.count);
                    if to.out.len() >= end {
                        next = pending.next().map(|one| Place::Pending(mark, one.id));
                        break;
                    }
                }
                next.unwrap_or_else(|| {
                    to.length(group.consumer_count() as u64);
                    Place::Consumer(mark, Mark::default())
                })
            }
            Place::Consumer(mark, own) => {
                let Some((_, group, next)) = stream.groups().at(mark) else { return true };
                match group.consumer_at(own) {
                    Some((consumer, _)) => {
                        to.string(&consumer.name);
                        to.time_ms(consumer.seen_ms);
                        if code == types::STREAM_3 {
                            to.time_ms(consumer.active_ms);
                        }
                        to.length(consumer.pending_len() as u64);
                        Place::Owned(mark, own, Id::MIN)
                    }
                    None => Place::Group(next),
                }
            }
            Place::Owned(mark, own, from) => {
                let Some((_, group, _)) = stream.groups().at(mark) else { return true };
                let Some((consumer, after)) = group.consumer_at(own) else { return true };
                let mut pending = consumer.pending_from(from);
                let mut next = None;
                while let Some(id) = pending.next() {
                    to.bytes(&id.to_be_bytes());
                    if to.out.len() >= end {
                        next = pending.next().map(|id| Place::Owned(mark, own, id));
                        break;
                    }
                }
                next.unwrap_or(Place::Consumer(mark, after))
            }
        };
        if to.out.len() >= end {
            return false;
        }
    }
}

fn write_counts(to: &mut Writer<'_>, stream: &Stream) {
    let log = stream.log();
    to.length(log.len());
    write_id(to, log.last_id);
    write_id(to, log.first_id());
    write_id(to, log.max_deleted_id);
    to.length(log.added);
    to.length(stream.groups().len() as u64);
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
    let id = id.ok_or(Fault::wrong("Duplicate stream consumer detected"))?;
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
