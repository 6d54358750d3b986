//! Running one command that was let through: the clock of the statistics, the truncated reply on an error.

use super::{Args, Command, Ctx, Flags, Flow, getkeys, tracking};
use crate::collections::hash::hash;
use crate::error::Error;
use crate::server::SlowLog;
use crate::server::slow_log::Secrets;

/// Runs `command`, whose place in the table is `id`, and writes its reply or its error.
/// When it blocked, nothing is counted yet and the wait is the caller's to keep.
#[inline]
#[cfg_attr(redstart_small, optimize(speed))]
pub fn call(
    ctx: &mut Ctx<'_>,
    id: usize,
    command: &'static Command,
    args: Args<'_>,
) -> Result<Flow, Error> {
    ctx.command = command;
    let reply_start = ctx.reply.out.len();
    // One reading a command: it starts when the one before it ended.
    let start = ctx.server.tick;
    let dirty = ctx.db.dirty;
    ctx.db.journal.replaced = false;
    let result = (command.run)(ctx, args);
    ctx.server.tick = (ctx.server.hooks.stopwatch)();
    let nanos = ctx.server.tick.wrapping_sub(start);
    if ctx.db.tracking.is_on() {
        tracking::after(ctx, command, args);
    }
    if ctx.db.journal.on {
        write_down(ctx, command, args, dirty);
    }
    match result {
        Ok(Flow::Block(wait)) => {
            debug_assert_eq!(reply_start, ctx.reply.out.len(), "a blocked command wrote a reply");
            // It counts when it is done.
            Ok(Flow::Block(wait))
        }
        Ok(flow) => {
            done(ctx, id, command, args, nanos, reply_start);
            Ok(flow)
        }
        Err(error) => {
            ctx.reply.out.truncate(reply_start);
            ctx.reply.error(&error);
            done(ctx, id, command, args, nanos, reply_start);
            ctx.server.command_stats[id].failed += 1;
            ctx.server.stats.count_error(&error.text());
            Err(error)
        }
    }
}

/// Writes the command to the journal, if it changed something and nothing stands for it there.
#[cold]
#[inline(never)]
fn write_down(ctx: &mut Ctx<'_>, command: &Command, args: Args<'_>, dirty_before: u64) {
    let (db, now_ms) = (ctx.db.current(), ctx.db.now_ms);
    let journal = &mut ctx.db.journal;
    if ctx.db.dirty > dirty_before && !journal.replaced && !journal.muted {
        match args.as_sent() {
            Some(bytes) => journal.copy(db, now_ms, bytes),
            None => journal.write(db, now_ms, args.iter_from(0)),
        }
    }
    // What EXEC or a script has run is written: they are not.
    journal.replaced = true;
    if command.flags.contains(Flags::TOUCHES_ARBITRARY_KEYS) {
        journal.loosen();
    }
}

/// Counts a command that ran; its reply begins at `reply_start`.
#[inline]
fn done(
    ctx: &mut Ctx<'_>,
    id: usize,
    command: &Command,
    args: Args<'_>,
    nanos: u64,
    reply_start: usize,
) {
    let server = &mut *ctx.server;
    server.stats.commands += 1;
    server.command_stats[id].count(nanos, server.config.latency_tracking);
    let reply_bytes = ctx.reply.out.len().saturating_sub(reply_start);
    let config = &server.config;
    if nanos >= config.slow_ns
        || args.bytes() >= config.request_bytes_logged
        || reply_bytes >= config.reply_bytes_logged
        || server.hot_keys.is_some()
    {
        report(ctx, command, args, nanos, reply_bytes);
    }
}

/// Tells those who watch the server of a command that is worth it.
#[cold]
fn report(ctx: &mut Ctx<'_>, command: &Command, args: Args<'_>, nanos: u64, reply_bytes: usize) {
    let server = &mut *ctx.server;
    let event = if command.flags.contains(Flags::FAST) { "fast-command" } else { "command" };
    server.note_latency(event, nanos);
    if command.flags.contains(Flags::SKIP_SLOWLOG) {
        return;
    }
    let (config, client, now_ms) = (&server.config, &*ctx.client, server.now.unix_ms());
    let secrets = Secrets::of(command.name, command.flags.contains(Flags::ADMIN));
    let keep = |log: &mut SlowLog, amount: u64, limit: usize| {
        log.push(args, &secrets, amount, now_ms / 1000, client, limit);
    };
    if nanos >= config.slowlog_slower_ns {
        keep(&mut server.slow_log, nanos / 1000, config.slowlog_len);
    }
    if args.bytes() >= config.request_bytes_logged {
        let limit = config.number("commandlog-large-request-max-len") as usize;
        keep(&mut server.large_requests, args.bytes() as u64, limit);
    }
    if reply_bytes >= config.reply_bytes_logged {
        let limit = config.number("commandlog-large-reply-max-len") as usize;
        keep(&mut server.large_replies, reply_bytes as u64, limit);
    }
    if let Some(hot_keys) = &mut server.hot_keys
        && !command.keys.is_empty()
        && hot_keys.is_active(now_ms)
        && let Some(keys) = getkeys::keys(command, args).filter(|keys| !keys.is_empty())
        && hot_keys.count(nanos, (args.bytes() + reply_bytes) as u64)
    {
        // Nobody can tell which of them took how much.
        let share = keys.len() as u64;
        let bytes = (args.bytes() + reply_bytes) as u64;
        for (place, _) in keys {
            let key = &args[place];
            let hash = hash(&ctx.db.tuning.seed, key);
            hot_keys.count_key(hash, key, nanos / share, bytes / share);
        }
    }
}
