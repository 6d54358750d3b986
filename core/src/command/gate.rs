//! What is checked before a command runs, in the order in which clients can see it.
//!
//! The order is part of the protocol: of several reasons to refuse, the client hears the first.
//! Unknown name and arity come before this, in `commands::table`, since they need the table.

use super::{Args, Command, Ctx, Flags, permission, tracking};
use crate::config::Gate;
use crate::error::Error;
use crate::script;
use crate::server::Server;
use crate::store::evict::Room;
use crate::store::journal::Journal;
use alloc::format;

/// What happens with a command that may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// It runs now.
    Run,
    /// It is queued for EXEC.
    Queue,
    /// CLIENT PAUSE holds it back.
    Hold,
}

/// Lets a command through, or says why not. `container` is the name of its container, if it has one.
#[inline]
#[cfg_attr(redstart_small, optimize(speed))]
pub fn pass(
    ctx: &mut Ctx<'_>,
    id: usize,
    command: &'static Command,
    container: &'static str,
    args: Args<'_>,
) -> Result<Pass, Error> {
    if command.flags.contains(Flags::PROTECTED) {
        protected(ctx, container)?;
    }
    if !ctx.client.unrestricted {
        restricted(ctx, id, command, container, args)?;
    }
    // In a transaction, what EXEC would run counts for EXEC.
    let mut flags = command.flags;
    let mut queue = false;
    if let Some(transaction) = &ctx.client.transaction {
        if flags.contains(Flags::NO_MULTI) {
            return Err(NO_MULTI);
        }
        queue = !(container.is_empty() && runs_within_multi(command));
        if queue {
            // A queue takes memory too.
            flags |= Flags::DENYOOM;
        } else if command.name == "exec" {
            flags |= Flags::from_bits_truncate(transaction.flags);
        }
    }
    if ctx.server.persistence.loading.is_some() && !command.flags.contains(Flags::LOADING) {
        return Err(LOADING);
    }
    if ctx.server.scripting.run.is_some() && !command.flags.contains(Flags::ALLOW_BUSY) {
        return busy(ctx);
    }
    if ctx.server.config.maxmemory > 0 {
        make_room(ctx, flags)?;
    }
    if ctx.db.tracking.is_on() {
        tracking::before(ctx);
    }
    if (!ctx.server.persistence.save.ok || ctx.db.journal.failure.is_some())
        && (flags.contains(Flags::WRITE) || command.name == "ping")
        && let Some(error) = disk_error(ctx.server, &ctx.db.journal)
    {
        return Err(error);
    }
    if !ctx.reply.is_resp3()
        && ctx.client.is_subscriber()
        && !(container.is_empty() && runs_while_subscribed(command))
    {
        return Err(only_in_subscriber_mode(command, container));
    }
    // A synchronous host has no later time to get the reply at.
    if let Some(pause) = ctx.server.pause
        && !ctx.client.peer.synchronous
        && (pause.all
            || (flags.intersects(Flags::WRITE.union(Flags::MAY_REPLICATE))
                && !only_reads(ctx, command, args)))
    {
        return Ok(Pass::Hold);
    }
    Ok(if queue { Pass::Queue } else { Pass::Run })
}

/// Whether it runs a script that has promised to write nothing.
#[cold]
pub fn only_reads(ctx: &mut Ctx<'_>, command: &Command, args: Args<'_>) -> bool {
    let flags = match (command.name, args.get(1)) {
        ("eval", Some(text)) => {
            script::flags::of_script(text).map_or(script::Flags::empty(), |(flags, _)| flags)
        }
        ("evalsha", Some(sha)) => {
            let machine = ctx.server.scripting.machine.as_mut();
            machine
                .and_then(|machine| machine.by_sha(sha))
                .map_or(script::Flags::empty(), |script| script.flags)
        }
        ("fcall", Some(name)) => {
            let function = ctx.server.scripting.libraries.function(name);
            function.map_or(script::Flags::empty(), |function| function.flags)
        }
        _ => return false,
    };
    flags.contains(script::Flags::NO_WRITES)
}

/// What is heard while files are being read.
pub const LOADING: Error = Error::Text("LOADING Redis is loading the dataset in memory");

const NO_MULTI: Error = Error::Text("ERR Command not allowed inside a transaction");

/// Lets a client through that has not authenticated, or whose user may not do everything.
#[cold]
fn restricted(
    ctx: &mut Ctx<'_>,
    id: usize,
    command: &Command,
    container: &str,
    args: Args<'_>,
) -> Result<(), Error> {
    // While the default user is open everybody is let in, also those who came before it was.
    if !ctx.client.authenticated
        && !command.flags.contains(Flags::NO_AUTH)
        && !ctx.server.acl.users.default_user().is_open()
    {
        return Err(Error::NoAuth);
    }
    if ctx.client.transaction.is_some() && command.flags.contains(Flags::NO_MULTI) {
        return Err(NO_MULTI);
    }
    let context = permission::context(ctx);
    permission::check(ctx, id, command, container, args, context)
        .map_err(|denied| denied.error(&command.full_name(container)))
}

/// A script runs: others wait for it, but not longer than `busy-reply-threshold`.
#[cold]
fn busy(ctx: &Ctx<'_>) -> Result<Pass, Error> {
    let Some(run) = &ctx.server.scripting.run else { return Ok(Pass::Run) };
    let elapsed_us = ctx.server.now.mono_us.saturating_sub(run.since_us);
    if elapsed_us < ctx.server.busy_after_us() && !ctx.client.peer.synchronous {
        return Ok(Pass::Hold);
    }
    Err(busy_error(run.is_function))
}

/// What others hear while a script, or a function, runs for too long.
pub fn busy_error(is_function: bool) -> Error {
    Error::Text(if is_function {
        "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
    } else {
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
    })
}

/// Why nothing may be written: the data set cannot be saved, or not the changes to it.
#[cold]
pub fn disk_error(server: &Server, journal: &Journal) -> Option<Error> {
    let state = &server.persistence;
    if !state.save.ok && state.stop_writes && !state.points.is_empty() {
        return Some(Error::Text(
            "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to \
             persist to disk. Commands that may modify the data set are disabled, because this \
             instance is configured to report errors during writes if RDB snapshotting fails \
             (stop-writes-on-bgsave-error option). Please check the Redis logs for details about \
             the RDB error.",
        ));
    }
    let reason = journal.failure.as_ref().filter(|_| journal.aof)?;
    Some(Error::Owned(format!("MISCONF Errors writing to the AOF file: {reason}")))
}

/// Evicts what `maxmemory` asks for, before any command; refuses those that want memory if it is in vain.
#[cfg_attr(redstart_small, optimize(speed))]
fn make_room(ctx: &mut Ctx<'_>, flags: Flags) -> Result<(), Error> {
    let (used_memory, limit) = (ctx.server.hooks.used_memory, ctx.server.config.maxmemory);
    // CLIENT PAUSE keeps the data set as it is.
    if used_memory() as u64 <= limit || ctx.server.pause.is_some() {
        return Ok(());
    }
    let start = ctx.server.watch_start();
    let room = ctx.db.make_room(used_memory, limit);
    if start.is_some() {
        ctx.server.watch_end("eviction-cycle", start);
        // What the command before it left behind is not this one's to answer for.
        ctx.server.tick = (ctx.server.hooks.stopwatch)();
    }
    if room != Room::None {
        return Ok(());
    }
    if flags.contains(Flags::DENYOOM) { Err(Error::Oom) } else { Ok(()) }
}

fn runs_while_subscribed(command: &Command) -> bool {
    matches!(
        command.name,
        "subscribe"
            | "unsubscribe"
            | "psubscribe"
            | "punsubscribe"
            | "ssubscribe"
            | "sunsubscribe"
            | "ping"
            | "quit"
            | "reset"
    )
}

fn runs_within_multi(command: &Command) -> bool {
    matches!(command.name, "exec" | "discard" | "multi" | "watch" | "quit" | "reset")
}

/// DEBUG and MODULE run where `enable-debug-command` and `enable-module-command` let them.
#[cold]
fn protected(ctx: &Ctx<'_>, container: &str) -> Result<(), Error> {
    let is_module = container == "module";
    let config = &ctx.server.config;
    let is_open = match if is_module { config.module_command } else { config.debug_command } {
        Gate::Yes => true,
        Gate::No => false,
        Gate::Local => ctx.client.peer.local || ctx.client.peer.unix,
    };
    if is_open {
        return Ok(());
    }
    let (name, setting) = if is_module { ("MODULE", "module") } else { ("DEBUG", "debug") };
    Err(Error::Owned(format!(
        "ERR {name} command not allowed. If the enable-{setting}-command option is set to \"local\", you \
         can run it from a local connection, otherwise you need to set this option in the \
         configuration file, and then restart the server."
    )))
}

#[cold]
fn only_in_subscriber_mode(command: &Command, container: &str) -> Error {
    let separator = if container.is_empty() { "" } else { "|" };
    Error::Owned(format!(
        "ERR Can't execute '{container}{separator}{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
        command.name
    ))
}
