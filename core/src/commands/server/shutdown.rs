//! SHUTDOWN, and how a signal ends the server.

use super::persistence::{abort, save_now};
use crate::command::gate;
use crate::command::{Args, Command, Ctx, Flow, Group};
use crate::config::words::split;
use crate::error::Error;
use crate::server::{Effect, Level, Server, SnapshotKind};
use crate::store::Store;
use alloc::string::String;

/// SHUTDOWN: ends the server.
pub const SHUTDOWN: Command = Command::new("shutdown", -1, shutdown)
    .admin()
    .allow_busy()
    .loading()
    .no_multi()
    .noscript()
    .sentinel()
    .stale()
    .group(Group::Server)
    .since("1.0.0")
    .docs(
        "[NOSAVE|SAVE] [NOW] [FORCE] [ABORT]",
        "Ends the server, after saving if there is something to save for.",
        "O(N) for N keys to be saved",
    );

/// How the server is to end. There are no replicas to wait for, so it ends now either way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish {
    /// Save whatever `save` says, or never.
    save: Option<bool>,
    /// End although saving failed.
    force: bool,
}

impl Wish {
    /// What a setting says: the words of the command, or `default`.
    pub fn of_words(words: &[u8]) -> Self {
        let mut wish = Self::default();
        for word in split(words) {
            match word {
                b"save" => wish.save = Some(true),
                b"nosave" => wish.save = Some(false),
                b"force" => wish.force = true,
                _ => {}
            }
        }
        wish
    }
}

fn shutdown(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (mut save, mut nosave, mut abort, mut force) = (false, false, false, false);
    for index in 1..args.len() {
        if args.is(index, "save") {
            save = true;
        } else if args.is(index, "nosave") {
            nosave = true;
        } else if args.is(index, "abort") {
            abort = true;
        } else if args.is(index, "force") {
            force = true;
        } else if !args.is(index, "now") {
            return Err(Error::Syntax);
        }
    }
    if (save && nosave) || (abort && args.len() > 2) {
        return Err(Error::Syntax);
    }
    if abort {
        if ctx.server.persistence.end.take().is_none() {
            return Err(Error::Text("ERR No shutdown in progress."));
        }
        let line = "Shutdown manually aborted.";
        ctx.server.effects.push_back(Effect::Log(Level::Notice, line.into()));
        ctx.reply.ok();
        return Ok(Flow::Done);
    }
    if let Some(run) = &ctx.server.scripting.run
        && !nosave
    {
        return Err(gate::busy_error(run.is_function));
    }
    let wish = Wish { save: (save || nosave).then_some(save), force };
    if !shut_down(ctx.db, ctx.server, wish) {
        return Err(Error::Text("ERR Errors trying to SHUTDOWN. Check logs."));
    }
    // No reply: the client sees the connection close.
    Ok(Flow::Done)
}

/// Saves if that is wished, or if the settings say when to save and nothing else is wished, and asks the host to
/// end. Whether it did; if not, the log says why.
pub fn shut_down(db: &mut Store, server: &mut Server, wish: Wish) -> bool {
    let log = |server: &mut Server, level, line| {
        server.effects.push_back(Effect::Log(level, String::from(line)));
    };
    if server.persistence.is_running(SnapshotKind::AofBase) {
        log(server, Level::Warning, "There is a child rewriting the AOF. Killing it!");
        abort(db, server, SnapshotKind::AofBase);
    }
    if server.persistence.is_running(SnapshotKind::Rdb) {
        log(server, Level::Warning, "There is a child saving an .rdb. Killing it!");
        abort(db, server, SnapshotKind::Rdb);
    }
    let has_points = !server.persistence.points.is_empty() && server.hooks.save.is_some();
    // What is half read must not take the place of what is read.
    let is_whole = server.persistence.loading.is_none();
    if is_whole && wish.save.unwrap_or(has_points) {
        log(server, Level::Notice, "Saving the final RDB snapshot before exiting.");
        if !save_now(db, server) {
            if !wish.force {
                log(server, Level::Warning, "Error trying to save the DB, can't exit.");
                log(
                    server,
                    Level::Warning,
                    "Errors trying to shut down the server. Check the logs for more information.",
                );
                return false;
            }
            log(server, Level::Warning, "Error trying to save the DB. Exit anyway.");
        }
    }
    server.effects.push_back(Effect::Shutdown);
    true
}
