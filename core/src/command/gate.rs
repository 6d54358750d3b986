//! What is checked before a command runs, in the order in which clients can see it.
//!
//! The order is part of the protocol: of several reasons to refuse, the client hears the first.
//! Unknown name and arity come before this, in `commands::table`, since they need the table.

use super::{Args, Command, Ctx, Flags};
use crate::error::Error;
use crate::store::evict::Room;

/// What happens with a command that may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// It runs now.
    Run,
    /// It is queued for EXEC.
    Queue,
}

/// Lets a command through, or says why not.
#[inline]
pub fn pass(ctx: &mut Ctx<'_>, command: &'static Command, _args: Args<'_>) -> Result<Pass, Error> {
    if !ctx.client.authenticated && !command.flags.contains(Flags::NO_AUTH) {
        return Err(Error::NoAuth);
    }
    if ctx.client.transaction.is_some() && command.flags.contains(Flags::NO_MULTI) {
        return Err(Error::Text("ERR Command not allowed inside a transaction"));
    }
    if ctx.server.config.maxmemory > 0 {
        make_room(ctx, command)?;
    }
    if !ctx.reply.is_resp3() && ctx.client.is_subscriber() && !runs_while_subscribed(command) {
        return Err(only_in_subscriber_mode(command));
    }
    if ctx.client.transaction.is_some() && !runs_within_multi(command) {
        return Ok(Pass::Queue);
    }
    Ok(Pass::Run)
}

/// Evicts what `maxmemory` asks for, before any command; refuses those that want memory if it is in vain.
fn make_room(ctx: &mut Ctx<'_>, command: &'static Command) -> Result<(), Error> {
    let (used_memory, limit) = (ctx.server.hooks.used_memory, ctx.server.config.maxmemory);
    if used_memory() as u64 <= limit || ctx.db.make_room(used_memory, limit) != Room::None {
        return Ok(());
    }
    // A queue of commands takes memory as well, whatever they are.
    let queued = ctx.client.transaction.is_some() && !runs_within_multi(command);
    if queued || command.flags.contains(Flags::DENYOOM) { Err(Error::Oom) } else { Ok(()) }
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

#[cold]
fn only_in_subscriber_mode(command: &Command) -> Error {
    Error::Owned(alloc::format!(
        "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
        command.name
    ))
}
