//! COMMANDLOG of Valkey: SLOWLOG's list, and two more: of large requests and of large replies.

use super::slowlog::{entry_count, reply_entries};
use crate::command::{Args, Command, Ctx, Flow, Group};
use crate::commands::help;
use crate::error::Error;
use crate::server::{Server, SlowLog};

/// COMMANDLOG: the container.
pub const COMMANDLOG: Command = Command::new("commandlog", -2, commandlog_help)
    .group(Group::Server)
    .since("8.1.0")
    .subcommands(&[&COMMANDLOG_GET, &COMMANDLOG_LEN, &COMMANDLOG_RESET, &COMMANDLOG_HELP])
    .docs("", "A container for commands about the logs of commands.", "Depends on the subcommand.");

/// COMMANDLOG GET count type: the newest entries of a log.
const COMMANDLOG_GET: Command = Command::new("get", 4, commandlog_get)
    .admin()
    .loading()
    .stale()
    .group(Group::Server)
    .since("8.1.0")
    .tips(&["nondeterministic_output", "request_policy:all_nodes"])
    .docs(
        "count SLOW|LARGE-REQUEST|LARGE-REPLY",
        "Returns the last commands that took long, were large, or had a large reply.",
        "O(n) with n the number of entries",
    );

fn commandlog_get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let log = log(ctx.server, args, 3)?;
    let count = entry_count(args, log)?;
    reply_entries(ctx.reply, log, count);
    Ok(Flow::Done)
}

/// COMMANDLOG LEN type: how many commands a log holds.
const COMMANDLOG_LEN: Command = Command::new("len", 3, commandlog_len)
    .admin()
    .loading()
    .stale()
    .group(Group::Server)
    .since("8.1.0")
    .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:agg_sum"])
    .docs("SLOW|LARGE-REQUEST|LARGE-REPLY", "Returns the length of a log.", "O(1)");

fn commandlog_len(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let len = log(ctx.server, args, 2)?.entries.len();
    ctx.reply.len(len);
    Ok(Flow::Done)
}

/// COMMANDLOG RESET type: empties a log.
const COMMANDLOG_RESET: Command = Command::new("reset", 3, commandlog_reset)
    .admin()
    .loading()
    .stale()
    .group(Group::Server)
    .since("8.1.0")
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .docs("SLOW|LARGE-REQUEST|LARGE-REPLY", "Empties a log.", "O(n) with n the number of entries");

fn commandlog_reset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    log(ctx.server, args, 2)?.entries.clear();
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// COMMANDLOG HELP: what the subcommands are.
const COMMANDLOG_HELP: Command = Command::new("help", 2, commandlog_help)
    .loading()
    .stale()
    .group(Group::Server)
    .since("8.1.0")
    .docs("", "Prints this help.", "O(1)");

fn commandlog_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &COMMANDLOG)
}

/// The log that the argument at `index` names.
fn log<'s>(server: &'s mut Server, args: Args<'_>, index: usize) -> Result<&'s mut SlowLog, Error> {
    if args.is(index, "slow") {
        Ok(&mut server.slow_log)
    } else if args.is(index, "large-request") {
        Ok(&mut server.large_requests)
    } else if args.is(index, "large-reply") {
        Ok(&mut server.large_replies)
    } else {
        Err(Error::Text(
            "ERR type should be one of the following: slow, large-request, large-reply",
        ))
    }
}
