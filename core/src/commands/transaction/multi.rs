//! MULTI, EXEC, DISCARD.

use super::watch::{unwatch_all, watched_expired};
use crate::acl::Context;
use crate::client::Transaction;
use crate::command::call::call;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, permission};
use crate::commands::script::Outcome;
use crate::commands::{connection, pubsub, table};
use crate::error::Error;
use crate::resp::Request;
use alloc::vec::Vec;

/// MULTI: queues the commands that follow until EXEC or DISCARD.
pub const MULTI: Command = Command::new("multi", 1, multi)
    .allow_busy()
    .fast()
    .loading()
    .noscript()
    .stale()
    .acl(Acl::TRANSACTION)
    .group(Group::Transactions)
    .since("1.2.0")
    .docs("", "Starts a transaction.", "O(1)");

fn multi(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    if ctx.client.transaction.is_some() {
        return Err(Error::Text("ERR MULTI calls can not be nested"));
    }
    ctx.client.transaction = Some(Transaction::default());
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// EXEC: runs what MULTI queued; null if a WATCHed key was touched.
pub const EXEC: Command = Command::new("exec", 1, exec)
    .loading()
    .noscript()
    .skip_slowlog()
    .stale()
    .acl(Acl::TRANSACTION)
    .group(Group::Transactions)
    .since("1.2.0")
    .docs("", "Runs all commands of a transaction.", "Depends on commands in the transaction");

fn exec(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let Some(transaction) = &ctx.client.transaction else {
        return Err(Error::Text("ERR EXEC without MULTI"));
    };
    let aborted = transaction.aborted;
    let touched = ctx.client.watch_touched || watched_expired(ctx.db, ctx.client);
    unwatch_all(ctx.db, ctx.client);
    if aborted || touched {
        ctx.client.transaction = None;
        if aborted {
            return Err(Error::Text("EXECABORT Transaction discarded because of previous errors."));
        }
        ctx.reply.null_array();
        return Ok(Flow::Done);
    }
    // The transaction goes on while its commands run: CLIENT INFO shows it.
    let queued = ctx.client.transaction.as_mut().map(|transaction| {
        transaction.running = transaction.queued.len();
        core::mem::take(&mut transaction.queued)
    });
    let queued = queued.unwrap_or_default();
    ctx.reply.array(queued.len());
    Ok(run(ctx, queued))
}

/// Goes on with EXEC after a script in it that took long.
pub fn go_on(ctx: &mut Ctx<'_>) -> Outcome {
    let rest =
        ctx.client.transaction.as_mut().map(|transaction| core::mem::take(&mut transaction.rest));
    match run(ctx, rest.unwrap_or_default()) {
        Flow::Busy => Outcome::Busy,
        _ => Outcome::Done,
    }
}

/// Runs what was queued; a script that takes long leaves the rest for later.
fn run(ctx: &mut Ctx<'_>, queued: Vec<Request>) -> Flow {
    let (command, nested) = (ctx.command, ctx.nested);
    ctx.nested = true;
    let mut queued = queued.into_iter();
    while let Some(request) = queued.next() {
        let args = request.args();
        // What was queued resolves; commands do not disappear.
        let Ok((place, command)) = table::resolve(&ctx.server.names, args) else { continue };
        // The rules may have changed since it was queued.
        if !ctx.client.unrestricted
            && let Err(denied) = permission::check(
                ctx,
                place,
                command,
                table::container(place),
                args,
                Context::Multi,
            )
        {
            let error = denied.since_queued();
            ctx.server.stats.count_error(&error.text());
            ctx.reply.error(&error);
            continue;
        }
        // Errors are among the replies, and a blocking command does not block here.
        let flow = call(ctx, place, command, args);
        if !ctx.server.monitors.is_empty() {
            connection::feed(ctx, command, args);
        }
        if !ctx.db.events.is_empty() {
            pubsub::publish_events(ctx.db, ctx.server);
        }
        if let Ok(Flow::Busy) = flow {
            if let Some(transaction) = &mut ctx.client.transaction {
                transaction.rest = queued.collect();
            }
            (ctx.command, ctx.nested) = (command, nested);
            return Flow::Busy;
        }
    }
    (ctx.command, ctx.nested) = (command, nested);
    ctx.client.transaction = None;
    Flow::Done
}

/// DISCARD: forgets what MULTI queued, and what is WATCHed.
pub const DISCARD: Command = Command::new("discard", 1, discard)
    .allow_busy()
    .fast()
    .loading()
    .noscript()
    .stale()
    .acl(Acl::TRANSACTION)
    .group(Group::Transactions)
    .since("2.0.0")
    .docs("", "Discards a transaction.", "O(N), when N is the number of queued commands");

fn discard(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    if ctx.client.transaction.take().is_none() {
        return Err(Error::Text("ERR DISCARD without MULTI"));
    }
    unwatch_all(ctx.db, ctx.client);
    ctx.reply.ok();
    Ok(Flow::Done)
}
