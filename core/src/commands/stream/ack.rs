//! XACK and XACKDEL.

use super::delete::{removed_entries, write_removals};
use super::{counted_ids, strict_id, trim};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::value::Stream;
use crate::value::stream::{Id, Refs, Removal};
use alloc::vec::Vec;

/// XACK key group id [id ...]: entries are done with.
pub const XACK: Command = Command::new("xack", -4, xack)
    .fast()
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key group id [id ...]",
        "Acknowledges entries that were delivered to a group, and returns how many waited for it.",
        "O(N) with N IDs",
    );

fn xack(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut acknowledged = 0;
    if let Some(stream) = ctx.db.object_mut::<Stream>(&args[1])?
        && let Some(group) = stream.groups_mut().get_mut(&args[2])
    {
        let ids = || args.iter_from(3).map(|text| strict_id(text, 0));
        for id in ids() {
            id?;
        }
        acknowledged = ids().flatten().filter(|&id| group.acknowledge(id)).count();
    }
    ctx.db.dirty += acknowledged as u64;
    ctx.reply.len(acknowledged);
    Ok(Flow::Done)
}

/// XACKDEL key group [KEEPREF|DELREF|ACKED] IDS numids id [id ...]: entries are done with and removed.
pub const XACKDEL: Command = Command::new("xackdel", -6, xackdel)
    .fast()
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("8.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE).union(KeyFlags::DELETE))])
    .docs(
        "key group [KEEPREF|DELREF|ACKED] IDS numids id [id ...]",
        "Acknowledges entries that were delivered to a group and removes them, with the references of other groups or unless there are any.",
        "O(N) with N IDs",
    );

fn xackdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let given = trim::refs(args, 3);
    let ids = counted_ids(args, 3 + usize::from(given.is_some()))?;
    let refs = given.unwrap_or_default();
    let (key, group) = (&args[1], &args[2]);
    let Some(stream) = ctx.db.object_mut::<Stream>(key)? else {
        write_removals(ctx, ids.iter().map(|_| Removal::Missing));
        return Ok(Flow::Done);
    };
    let outcomes: Vec<(Removal, bool)> =
        ids.iter().map(|&id| acknowledge_and_remove(stream, group, id, refs)).collect();
    let removed = outcomes.iter().filter(|(_, removed)| *removed).count();
    let changed = outcomes.iter().filter(|(outcome, _)| *outcome != Removal::Missing).count();
    removed_entries(ctx, key, removed);
    ctx.db.dirty += (changed - removed) as u64;
    write_removals(ctx, outcomes.into_iter().map(|(outcome, _)| outcome));
    Ok(Flow::Done)
}

/// What is told of one entry, and whether it was removed.
fn acknowledge_and_remove(
    stream: &mut Stream,
    group: &[u8],
    id: Id,
    refs: Refs,
) -> (Removal, bool) {
    let Some(group) = stream.groups_mut().get_mut(group) else { return (Removal::Missing, false) };
    if !group.acknowledge(id) {
        return (Removal::Missing, false);
    }
    match stream.remove(id, refs) {
        Removal::Done => (Removal::Done, true),
        // What was acknowledged had gone before: there is nothing left of it either way.
        Removal::Missing => (Removal::Done, false),
        Removal::Referenced => (Removal::Referenced, false),
    }
}
