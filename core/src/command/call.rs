//! Running one command that was let through: the clock of the statistics, the truncated reply on an error.

use super::{Args, Command, Ctx, Flags, Flow, tracking};
use crate::error::Error;
use crate::server::slow_log::Secrets;

/// Runs `command`, whose place in the table is `id`, and writes its reply or its error.
/// When it blocked, nothing is counted yet and the wait is the caller's to keep.
#[inline]
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
    let result = (command.run)(ctx, args);
    ctx.server.tick = (ctx.server.hooks.stopwatch)();
    let nanos = ctx.server.tick.wrapping_sub(start);
    if ctx.db.tracking.is_on() {
        tracking::after(ctx, command, args);
    }
    match result {
        Ok(Flow::Block(wait)) => {
            debug_assert_eq!(reply_start, ctx.reply.out.len(), "a blocked command wrote a reply");
            // It counts when it is done.
            Ok(Flow::Block(wait))
        }
        Ok(flow) => {
            done(ctx, id, command, args, nanos);
            Ok(flow)
        }
        Err(error) => {
            done(ctx, id, command, args, nanos);
            ctx.server.command_stats[id].failed += 1;
            ctx.server.stats.count_error(&error.text());
            ctx.reply.out.truncate(reply_start);
            ctx.reply.error(&error);
            Err(error)
        }
    }
}

/// Counts a command that ran.
#[inline]
fn done(ctx: &mut Ctx<'_>, id: usize, command: &Command, args: Args<'_>, nanos: u64) {
    let server = &mut *ctx.server;
    server.stats.commands += 1;
    server.command_stats[id].count(nanos, server.config.latency_tracking);
    if nanos >= server.config.slowlog_slower_ns && !command.flags.contains(Flags::SKIP_SLOWLOG) {
        let limit = server.config.slowlog_len;
        let secrets = Secrets::of(command.name, command.flags.contains(Flags::ADMIN));
        let unix_seconds = server.now.unix_ms() / 1000;
        server.slow_log.push(args, &secrets, nanos / 1000, unix_seconds, ctx.client, limit);
    }
}
