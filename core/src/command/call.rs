//! Running one command that was let through: the clock of the statistics, the truncated reply on an error.

use super::{Args, Command, Ctx, Flow};
use crate::error::Error;

/// Runs `command`, whose place in the table is `id`, and writes its reply or its error.
/// `None` when it blocked; the wait is then the caller's to keep.
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
    ctx.server.stats.commands += 1;
    let stats = &mut ctx.server.command_stats[id];
    stats.calls += 1;
    stats.nanos += nanos;
    match result {
        Ok(Flow::Block(wait)) => {
            debug_assert_eq!(reply_start, ctx.reply.out.len(), "a blocked command wrote a reply");
            Ok(Flow::Block(wait))
        }
        Ok(Flow::Done) => Ok(Flow::Done),
        Err(error) => {
            stats.failed += 1;
            ctx.server.stats.error_replies += 1;
            ctx.reply.out.truncate(reply_start);
            ctx.reply.error(&error);
            Err(error)
        }
    }
}
