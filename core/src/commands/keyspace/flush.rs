//! FLUSHDB and FLUSHALL.
//!
//! Either way the tables are only set aside and freed in steps: a flush takes no longer because there
//! is much to free. SYNC merely frees more before it replies.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::commands::server::persistence;
use crate::error::Error;
use crate::server::SnapshotKind;

/// SYNC frees up to about this many parts before it replies.
const SYNC_PARTS: usize = 16 * 1024;

/// FLUSHDB: empties the current database.
pub const FLUSHDB: Command = Command::new("flushdb", -1, flushdb)
    .write()
    .acl(Acl::DANGEROUS.union(Acl::KEYSPACE))
    .group(Group::Server)
    .since("1.0.0")
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
    .docs(
        "[ASYNC|SYNC]",
        "Removes all keys of the current database.",
        "O(1); the keys are freed afterwards, in steps",
    );

fn flushdb(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let sync = is_sync(args)?;
    let current = ctx.db.current();
    flush(ctx, args, current..current + 1, sync);
    Ok(Flow::Done)
}

/// FLUSHALL: empties all databases.
pub const FLUSHALL: Command = Command::new("flushall", -1, flushall)
    .write()
    .acl(Acl::DANGEROUS.union(Acl::KEYSPACE))
    .group(Group::Server)
    .since("1.0.0")
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
    .docs(
        "[ASYNC|SYNC]",
        "Removes all keys of all databases.",
        "O(1); the keys are freed afterwards, in steps",
    );

fn flushall(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let sync = is_sync(args)?;
    let reached = ctx.db.reached();
    flush(ctx, args, 0..reached, sync);
    // What a snapshot saves would come back; there is one of nothing instead.
    persistence::abort(ctx.db, ctx.server, SnapshotKind::Rdb);
    if !ctx.server.persistence.points.is_empty() && ctx.server.hooks.save.is_some() {
        persistence::save_now(ctx.db, ctx.server);
    }
    Ok(Flow::Done)
}

fn is_sync(args: Args<'_>) -> Result<bool, Error> {
    match args.len() {
        1 => Ok(true),
        2 if args.is(1, "SYNC") => Ok(true),
        2 if args.is(1, "ASYNC") => Ok(false),
        _ => Err(Error::Syntax),
    }
}

#[cfg_attr(redstart_small, optimize(speed))]
fn flush(ctx: &mut Ctx<'_>, args: Args<'_>, dbs: core::ops::Range<usize>, sync: bool) {
    for db in dbs {
        ctx.db.dirty += ctx.db.flush(db);
    }
    ctx.db.tracking.flushed();
    // Even if there was nothing.
    ctx.db.replicate_words(args.iter_from(0));
    if sync {
        ctx.db.stats.lazyfreed += ctx.db.garbage.step(SYNC_PARTS);
    }
    ctx.reply.ok();
}
