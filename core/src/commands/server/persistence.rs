//! SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::Error;
use crate::persist::aof::Beginning;
use crate::persist::rdb::background::Background;
use crate::persist::rdb::save::Format;
use crate::persist::rdb::snapshot::{Options, Snapshot};
use crate::server::{Effect, Level, Server, SnapshotKind};
use crate::store::Store;
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
    ctx.server.persistence.saves += 1;
    if !save_now(ctx.db, ctx.server) {
        return Err(FAILED);
    }
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// All that Redis says: the log knows why.
const FAILED: Error = Error::Text("ERR");

const SAVING: Error = Error::Text("ERR Background save already in progress");

/// Saves the data set while everything waits; whether it could. If not, the log says why.
pub fn save_now(db: &mut Store, server: &mut Server) -> bool {
    let libraries = server.scripting.libraries.codes();
    let mut snapshot = Snapshot::new(options(db, server), server.origin(false), libraries);
    let result = match server.hooks.save {
        Some(save) => save(&server.config, &mut |out| snapshot.step(db, out, PIECE_BYTES)),
        None => Err("there is no disk".into()),
    };
    let (level, line) = match &result {
        Ok(()) => {
            let state = &mut server.persistence;
            state.last_save_unix_s = server.now.unix_ms() / 1000;
            state.save.ok = true;
            state.clean = db.dirty;
            (Level::Notice, "DB saved on disk".into())
        }
        Err(error) => (Level::Warning, format!("Write error saving DB on disk: {error}")),
    };
    server.effects.push_back(Effect::Log(level, line));
    result.is_ok()
}

/// A file is handed out in pieces of so many bytes.
const PIECE_BYTES: usize = 256 * 1024;

/// How a file is written that other servers are to read.
pub fn options(db: &Store, server: &Server) -> Options {
    let access = db.eviction.policy.uses_access_clock();
    server.rdb_options(Format::of_store(db), access)
}

/// Begins a snapshot; none may be running.
pub fn start(db: &mut Store, server: &mut Server, kind: SnapshotKind) {
    let libraries = server.scripting.libraries.codes();
    let is_base = kind == SnapshotKind::AofBase;
    let wants_commands = is_base && !server.config.is_on("aof-use-rdb-preamble");
    let scribe = match server.hooks.base_of_commands.filter(|_| wants_commands) {
        Some(begin) => begin(&Beginning {
            seed: db.tuning.seed,
            stamp_s: db.journal.timestamps.then(|| server.now.unix_ms() / 1000),
            libraries: &libraries,
        }),
        None => Box::new(Background::new(options(db, server), server.origin(is_base), &libraries)),
    };
    if is_base {
        db.journal.cut();
    }
    db.begin_cut(scribe);
    server.begin_snapshot(kind, db.dirty);
}

/// Gives a snapshot of this kind up, if one is being written.
pub fn abort(db: &mut Store, server: &mut Server, kind: SnapshotKind) {
    if server.persistence.is_running(kind) {
        db.abandon_cut();
        server.abort_snapshot();
    }
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
    if state.is_busy() || ctx.nested {
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
        start(ctx.db, ctx.server, SnapshotKind::Rdb);
        ctx.reply.simple("Background saving started");
    }
    Ok(Flow::Done)
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
    if state.is_busy() || ctx.nested {
        state.rewrite_scheduled = true;
        // Who asks is not kept waiting because others failed.
        state.rewrite_retry_s = 0;
        state.failed_rewrites = 0;
        ctx.reply.simple("Background append only file rewriting scheduled");
    } else if ctx.server.hooks.save.is_none() {
        return Err(Error::Text(
            "ERR Can't execute an AOF background rewriting. Please check the server logs for more \
             information.",
        ));
    } else {
        start(ctx.db, ctx.server, SnapshotKind::AofBase);
        ctx.reply.simple("Background append only file rewriting started");
    }
    Ok(Flow::Done)
}
