//! SCRIPT: the scripts that are known, and the one that runs.

use super::run;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::commands::help;
use crate::error::Error;

/// SCRIPT: a container for commands about scripts.
pub const SCRIPT: Command = Command::new("script", -2, script_help)
    .group(Group::Scripting)
    .since("2.6.0")
    .subcommands(&[
        &SCRIPT_DEBUG,
        &SCRIPT_EXISTS,
        &SCRIPT_FLUSH,
        &SCRIPT_HELP,
        &SCRIPT_KILL,
        &SCRIPT_LOAD,
        &SCRIPT_SHOW,
    ])
    .docs("", "A container for commands about scripts.", "Depends on the subcommand.");

/// SCRIPT DEBUG YES|SYNC|NO: Redis's debugger, which is not there.
const SCRIPT_DEBUG: Command = Command::new("debug", 3, script_debug)
    .noscript()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("3.2.0")
    .docs("<YES | SYNC | NO>", "Sets the debug mode of the scripts that follow.", "O(1)");

fn script_debug(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.is(2, "NO") {
        ctx.reply.ok();
        return Ok(Flow::Done);
    }
    if args.is(2, "YES") || args.is(2, "SYNC") {
        return Err(Error::Text("ERR the script debugger is not supported"));
    }
    Err(Error::Text("ERR Use SCRIPT DEBUG YES/SYNC/NO"))
}

/// SCRIPT EXISTS sha1 \[sha1 …\]: which of these scripts are known.
const SCRIPT_EXISTS: Command = Command::new("exists", -3, script_exists)
    .noscript()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("2.6.0")
    .tips(&["request_policy:all_shards", "response_policy:agg_logical_and"])
    .docs(
        "sha1 [sha1 ...]",
        "Tells which scripts are known.",
        "O(N) with N the number of scripts asked for",
    );

fn script_exists(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.array(args.len() - 2);
    for sha in args.iter_from(2) {
        let machine = ctx.server.scripting.machine.as_mut();
        let known = machine.is_some_and(|machine| machine.by_sha(sha).is_some());
        ctx.reply.int(known.into());
    }
    Ok(Flow::Done)
}

/// SCRIPT FLUSH \[ASYNC|SYNC\]: forgets all scripts.
const SCRIPT_FLUSH: Command = Command::new("flush", -2, script_flush)
    .noscript()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("2.6.0")
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .docs("[ASYNC | SYNC]", "Forgets all scripts.", "O(N) with N the number of scripts");

fn script_flush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let known = args.len() == 2 || args.len() == 3 && (args.is(2, "SYNC") || args.is(2, "ASYNC"));
    if !known {
        return Err(Error::Text("ERR SCRIPT FLUSH only support SYNC|ASYNC option"));
    }
    if let Some(machine) = &mut ctx.server.scripting.machine {
        machine.flush();
    }
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// SCRIPT HELP: what there is.
const SCRIPT_HELP: Command = Command::new("help", 2, script_help)
    .loading()
    .stale()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("5.0.0")
    .docs("", "Tells what subcommands there are.", "O(1)");

fn script_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &SCRIPT)
}

/// SCRIPT KILL: ends the script that runs, if it has not written.
const SCRIPT_KILL: Command = Command::new("kill", 2, script_kill)
    .allow_busy()
    .noscript()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("2.6.0")
    .tips(&["request_policy:all_shards", "response_policy:one_succeeded"])
    .docs("", "Ends the script that runs.", "O(1)");

fn script_kill(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    run::kill(ctx, false)
}

/// SCRIPT LOAD script: makes a script known without running it.
const SCRIPT_LOAD: Command = Command::new("load", 3, script_load)
    .noscript()
    .stale()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("2.6.0")
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .docs(
        "script",
        "Makes a script known and replies its SHA1.",
        "O(N) with N the length of the script",
    );

fn script_load(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut machine = run::machine(ctx);
    let result = machine.compile(&args[2], true).map(|script| script.sha);
    ctx.server.scripting.machine = Some(machine);
    ctx.reply.bulk(&result.map_err(Error::Owned)?);
    Ok(Flow::Done)
}

/// SCRIPT SHOW sha1: the text of a script that is known.
const SCRIPT_SHOW: Command = Command::new("show", 3, script_show)
    .noscript()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("8.0.0")
    .docs("sha1", "Replies the text of a script.", "O(1)");

fn script_show(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let machine = ctx.server.scripting.machine.as_mut();
    let Some(script) = machine.and_then(|machine| machine.by_sha(&args[2])) else {
        return Err(Error::Text("NOSCRIPT No matching script. Please use EVAL."));
    };
    ctx.reply.bulk(&script.text);
    Ok(Flow::Done)
}
