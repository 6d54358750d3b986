//! SLOWLOG: the commands that took long.

use crate::command::{Args, Command, Ctx, Flow, Group};
use crate::commands::help;
use crate::error::Error;
use crate::resp::Reply;
use crate::server::SlowLog;

/// SLOWLOG: a container for commands about the slow log.
pub const SLOWLOG: Command = Command::new("slowlog", -2, slowlog_help)
    .group(Group::Server)
    .since("2.2.12")
    .subcommands(&[&SLOWLOG_GET, &SLOWLOG_LEN, &SLOWLOG_RESET, &SLOWLOG_HELP])
    .docs("", "A container for commands about the slow log.", "Depends on the subcommand.");

/// SLOWLOG GET \[count\]: the last slow commands.
const SLOWLOG_GET: Command = Command::new("get", -2, slowlog_get)
    .admin()
    .loading()
    .stale()
    .group(Group::Server)
    .since("2.2.12")
    .tips(&["nondeterministic_output", "request_policy:all_nodes"])
    .docs(
        "[count]",
        "Returns the last commands that took long.",
        "O(n) with n the number of entries",
    );

fn slowlog_get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    const COUNT_USUAL: usize = 10;
    let log = &ctx.server.slow_log;
    let count = match args.len() {
        2 => COUNT_USUAL,
        3 => entry_count(args, log)?,
        _ => {
            return Err(Error::subcommand_syntax(&args[1], "SLOWLOG"));
        }
    };
    reply_entries(ctx.reply, log, count);
    Ok(Flow::Done)
}

/// How many entries of a log the argument after the subcommand asks for.
pub(super) fn entry_count(args: Args<'_>, log: &SlowLog) -> Result<usize, Error> {
    let text = "ERR count should be greater than or equal to -1";
    let count = args.int_in(2, -1..=i64::MAX, text)?;
    Ok(usize::try_from(count).unwrap_or(log.entries.len()))
}

/// The newest `count` entries of a log.
pub(super) fn reply_entries(reply: &mut Reply, log: &SlowLog, count: usize) {
    reply.array(count.min(log.entries.len()));
    for entry in log.entries.iter().take(count) {
        reply.array(6);
        reply.int(entry.id as i64);
        reply.int(entry.unix_seconds);
        reply.int(entry.amount as i64);
        reply.array(entry.args.len());
        for arg in &entry.args {
            reply.bulk(arg);
        }
        reply.bulk(entry.addr.as_bytes());
        reply.bulk(&entry.name);
    }
}

/// SLOWLOG LEN: how many commands the slow log holds.
const SLOWLOG_LEN: Command = Command::new("len", 2, slowlog_len)
    .admin()
    .loading()
    .stale()
    .group(Group::Server)
    .since("2.2.12")
    .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:agg_sum"])
    .docs("", "Returns the length of the slow log.", "O(1)");

fn slowlog_len(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.len(ctx.server.slow_log.entries.len());
    Ok(Flow::Done)
}

/// SLOWLOG RESET: empties the slow log.
const SLOWLOG_RESET: Command = Command::new("reset", 2, slowlog_reset)
    .admin()
    .loading()
    .stale()
    .group(Group::Server)
    .since("2.2.12")
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .docs("", "Empties the slow log.", "O(n) with n the number of entries");

fn slowlog_reset(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    ctx.server.slow_log.entries.clear();
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// SLOWLOG HELP: what the subcommands are.
const SLOWLOG_HELP: Command = Command::new("help", 2, slowlog_help)
    .loading()
    .stale()
    .group(Group::Server)
    .since("6.2.0")
    .docs("", "Prints this help.", "O(1)");

fn slowlog_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &SLOWLOG)
}
