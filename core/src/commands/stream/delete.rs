//! XDEL, XDELEX and XSETID.

use super::{counted_ids, strict_id, trim};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::Stream;
use crate::value::stream::{Id, Refs, Removal};
use alloc::vec::Vec;

/// XDEL key id [id ...]: removes entries.
pub const XDEL: Command = Command::new("xdel", -3, xdel)
    .fast()
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key id [id ...]",
        "Removes entries from a stream and returns how many there were.",
        "O(N) with N IDs",
    );

fn xdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    // Redis looks for the key before it reads the IDs.
    let Some(stream) = ctx.db.object_mut::<Stream>(key)? else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    let ids = || args.iter_from(2).map(|text| strict_id(text, 0));
    for id in ids() {
        id?;
    }
    let removed =
        ids().flatten().filter(|&id| stream.remove(id, Refs::Keep) == Removal::Done).count();
    removed_entries(ctx, key, removed);
    ctx.reply.len(removed);
    Ok(Flow::Done)
}

/// Notes that entries were removed one by one.
pub(super) fn removed_entries(ctx: &mut Ctx<'_>, key: &[u8], count: usize) {
    if count > 0 {
        ctx.db.changed(Class::STREAM, "xdel", key);
        ctx.db.dirty += count as u64 - 1;
    }
}

/// XDELEX key [KEEPREF|DELREF|ACKED] IDS numids id [id ...]: removes entries with regard to groups.
pub const XDELEX: Command = Command::new("xdelex", -5, xdelex)
    .fast()
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("8.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key [KEEPREF|DELREF|ACKED] IDS numids id [id ...]",
        "Removes entries from a stream, with the references of groups or unless there are any, and tells what came of each.",
        "O(N) with N IDs",
    );

fn xdelex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let given = trim::refs(args, 2);
    let ids = counted_ids(args, 2 + usize::from(given.is_some()))?;
    let refs = given.unwrap_or_default();
    let key = &args[1];
    let Some(stream) = ctx.db.object_mut::<Stream>(key)? else {
        write_removals(ctx, ids.iter().map(|_| Removal::Missing));
        return Ok(Flow::Done);
    };
    let removals: Vec<Removal> = ids.iter().map(|&id| stream.remove(id, refs)).collect();
    removed_entries(ctx, key, removals.iter().filter(|&&r| r == Removal::Done).count());
    write_removals(ctx, removals.into_iter());
    Ok(Flow::Done)
}

/// What came of each removal, as a number.
pub(super) fn write_removals(ctx: &mut Ctx<'_>, all: impl ExactSizeIterator<Item = Removal>) {
    ctx.reply.array(all.len());
    for removal in all {
        ctx.reply.int(match removal {
            Removal::Missing => -1,
            Removal::Done => 1,
            Removal::Referenced => 2,
        });
    }
}

/// XSETID key last-id: sets what a stream remembers of its history.
pub const XSETID: Command = Command::new("xsetid", -3, xsetid)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key last-id:id [ENTRIESADDED entries-added:integer] [MAXDELETEDID max-deleted-id:id]",
        "Sets the last ID of a stream, and how many entries were ever added and the greatest ID ever removed.",
        "O(1)",
    );

fn xsetid(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let id = strict_id(args.at(2), 0)?;
    let (mut added, mut max_deleted) = (None, None);
    let mut at = 3;
    while at < args.len() {
        if at + 1 < args.len() && args.is(at, "ENTRIESADDED") {
            let count = args.int(at + 1)?;
            if count < 0 {
                return Err(Error::Text("ERR entries_added must be positive"));
            }
            added = Some(count as u64);
        } else if at + 1 < args.len() && args.is(at, "MAXDELETEDID") {
            let deleted = strict_id(args.at(at + 1), 0)?;
            if id < deleted {
                return Err(Error::Text(
                    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                ));
            }
            max_deleted = Some(deleted);
        } else {
            return Err(Error::Syntax);
        }
        at += 2;
    }
    let key = &args[1];
    let stream = ctx.db.object_mut::<Stream>(key)?.ok_or(Error::NoSuchKey)?;
    let log = stream.log_mut();
    if !log.is_empty() {
        if id < log.last_entry_id() {
            return Err(Error::Text(
                "ERR The ID specified in XSETID is smaller than the target stream top item",
            ));
        }
        if added.is_some_and(|added| added < log.len()) {
            return Err(Error::Text(
                "ERR The entries_added specified in XSETID is smaller than the target stream length",
            ));
        }
    }
    log.last_id = id;
    log.added = added.unwrap_or(log.added);
    if let Some(deleted) = max_deleted.filter(|&deleted| deleted != Id::MIN) {
        log.max_deleted_id = deleted;
    }
    ctx.reply.ok();
    super::note(ctx, "xsetid", key);
    Ok(Flow::Done)
}
