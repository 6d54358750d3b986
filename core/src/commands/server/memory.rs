//! MEMORY: what values take, and giving back what is free.
//!
//! STATS, DOCTOR and MALLOC-STATS tell of Redis's own parts and its allocator: they are not here, as INFO
//! says what there is to say.

use crate::command::{Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::commands::help;
use crate::error::Error;

/// MEMORY: the container.
pub const MEMORY: Command = Command::new("memory", -2, memory_help)
    .group(Group::Server)
    .since("4.0.0")
    .subcommands(&[&MEMORY_PURGE, &MEMORY_USAGE, &MEMORY_HELP])
    .docs("", "Answers questions about memory.", "Depends on the subcommand");

/// MEMORY HELP: the subcommands.
const MEMORY_HELP: Command = Command::new("help", 2, memory_help)
    .loading()
    .stale()
    .group(Group::Server)
    .since("4.0.0")
    .docs("", "Lists the subcommands.", "O(1)");

fn memory_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &MEMORY)
}

/// MEMORY PURGE: frees at once what would be freed in steps.
const MEMORY_PURGE: Command = Command::new("purge", 2, memory_purge)
    .group(Group::Server)
    .since("4.0.0")
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
    .docs(
        "",
        "Frees at once what would be freed in steps.",
        "O(n) with n the number of values set aside",
    );

fn memory_purge(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let freed = ctx.db.garbage.step(usize::MAX);
    ctx.db.stats.lazyfreed += freed;
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// MEMORY USAGE key [SAMPLES count]: the bytes that a key takes.
const MEMORY_USAGE: Command = Command::new("usage", -3, memory_usage)
    .readonly()
    .group(Group::Server)
    .since("4.0.0")
    .keys(&[KeySpec::one(2, KeyFlags::RO)])
    .docs(
        "key [SAMPLES count:integer]",
        "Estimates the bytes that a key and its value take.",
        "O(1)",
    );

fn memory_usage(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut index = 3;
    while index < args.len() {
        // Nothing is sampled here, and how many there would be is checked all the same.
        if !args.is(index, "samples") || index + 1 == args.len() {
            return Err(Error::Syntax);
        }
        if args.int(index + 1)? < 0 {
            return Err(Error::Syntax);
        }
        index += 2;
    }
    match ctx.db.peek(&args[2]) {
        Some(entry) => ctx.reply.int(entry.memory() as i64),
        None => ctx.reply.null(),
    }
    Ok(Flow::Done)
}
