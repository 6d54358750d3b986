//! SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::Error;
use crate::persist::rdb::background::Background;
use crate::persist::rdb::save::Format;
use crate::persist::rdb::snapshot::{Options, Snapshot};
use crate::server::{Effect, Level, SnapshotKind};
use alloc::boxed::Box;
use alloc::format;

/// SAVE: writes the data set to its file while everything waits.
pub const SAVE: Command = Command::new("save", 1, save)
    .admin()
    .no_async_loading()
    .no_multi()
    .noscript()
    .group(Group::Server)
    .docs("", "Saves the data set while everything waits.", "O(N) for N keys");

fn save(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    if ctx.server.persistence.is_running(SnapshotKind::Rdb) {
        return Err(SAVING);
    }
    if !save_now(ctx) {
        return Err(FAILED);
    }
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// All that Redis says: the log knows why.
const FAILED: Error = Error::Text("ERR");

const SAVING: Error = Error::Text("ERR Background save already in progress");

/// Saves the data set while everything waits; whether it could. If not, the log says why.
pub fn save_now(ctx: &mut Ctx<'_>) -> bool {
    let libraries = ctx.server.scripting.libraries.codes();
    let mut snapshot = Snapshot::new(options(ctx), ctx.server.origin(false), libraries);
    let store = &*ctx.db;
    let result = match ctx.server.hooks.save {
        Some(save) => save(&ctx.server.config, &mut |out| snapshot.step(store, out, PIECE_BYTES)),
        None => Err("there is no disk".into()),
    };
    let state = &mut ctx.server.persistence;
    let (level, line) = match &result {
        Ok(()) => {
            state.last_save_unix_s = ctx.server.now.unix_ms() / 1000;
            state.save.ok = true;
            state.saves += 1;
            ctx.db.dirty = 0;
            (Level::Notice, "DB saved on disk".into())
        }
        Err(error) => (Level::Warning, format!("Write error saving DB on disk: {error}")),
    };
    ctx.server.effects.push_back(Effect::Log(level, line));
    result.is_ok()
}

/// A file is handed out in pieces of so many bytes.
const PIECE_BYTES: usize = 256 * 1024;

fn options(ctx: &Ctx<'_>) -> Options {
    let access = ctx.db.eviction.policy.uses_access_clock();
    ctx.server.rdb_options(Format::of_store(ctx.db), access)
}

/// BGSAVE \[SCHEDULE\]: saves the data set in the background.
pub const BGSAVE: Command = Command::new("bgsave", -1, bgsave)
    .admin()
    .no_async_loading()
    .noscript()
    .group(Group::Server)
    .docs("[SCHEDULE]", "Saves the data set in the background.", "O(1)");

fn bgsave(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let schedule = match args.len() {
        1 => false,
        2 if args.is(1, "schedule") => true,
        _ => return Err(Error::Syntax),
    };
    let state = &mut ctx.server.persistence;
    if state.is_running(SnapshotKind::Rdb) {
        return Err(SAVING);
    }
    if state.running.is_some() || ctx.nested {
        if !schedule && !ctx.nested {
            return Err(Error::Text(
                "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE \
                 SCHEDULE in order to schedule a BGSAVE whenever possible.",
            ));
        }
        state.save_scheduled = true;
        ctx.reply.simple("Background saving scheduled");
    } else if ctx.server.hooks.save.is_none() {
        return Err(FAILED);
    } else {
        start(ctx, SnapshotKind::Rdb);
        ctx.reply.simple("Background saving started");
    }
    Ok(Flow::Done)
}

fn start(ctx: &mut Ctx<'_>, kind: SnapshotKind) {
    let libraries = ctx.server.scripting.libraries.codes();
    let origin = ctx.server.origin(kind == SnapshotKind::AofBase);
    let scribe = Background::new(options(ctx), origin, &libraries);
    if kind == SnapshotKind::AofBase {
        ctx.db.journal.cut();
    }
    ctx.db.begin_cut(Box::new(scribe));
    ctx.server.begin_snapshot(kind, ctx.db.dirty);
}

/// LASTSAVE: when the data set was saved for the last time.
pub const LASTSAVE: Command = Command::new("lastsave", 1, lastsave)
    .fast()
    .loading()
    .stale()
    .acl(Acl::ADMIN.union(Acl::DANGEROUS))
    .group(Group::Server)
    .tips(&["nondeterministic_output"])
    .docs("", "Returns the Unix time of the last successful save, in seconds.", "O(1)");

fn lastsave(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.int(ctx.server.persistence.last_save_unix_s);
    Ok(Flow::Done)
}

/// BGREWRITEAOF: writes the append-only file anew, as short as the data set allows.
pub const BGREWRITEAOF: Command = Command::new("bgrewriteaof", 1, bgrewriteaof)
    .admin()
    .no_async_loading()
    .noscript()
    .group(Group::Server)
    .docs("", "Rewrites the append-only file in the background.", "O(1)");

fn bgrewriteaof(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let state = &mut ctx.server.persistence;
    if state.is_running(SnapshotKind::AofBase) {
        return Err(Error::Text("ERR Background append only file rewriting already in progress"));
    }
    if state.running.is_some() || ctx.nested {
        state.rewrite_scheduled = true;
        state.failed_rewrites = 0;
        ctx.reply.simple("Background append only file rewriting scheduled");
    } else if ctx.server.hooks.save.is_none() {
        return Err(Error::Text(
            "ERR Can't execute an AOF background rewriting. Please check the server logs for more \
             information.",
        ));
    } else {
        start(ctx, SnapshotKind::AofBase);
        ctx.reply.simple("Background append only file rewriting started");
    }
    Ok(Flow::Done)
}
