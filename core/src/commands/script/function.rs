//! FUNCTION: libraries of functions, to be loaded, shown, carried elsewhere and forgotten.

use super::run;
use crate::collections::glob;
use crate::collections::hash::HashSeed;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::commands::help;
use crate::error::{Error, printable};
use crate::persist::rdb::{VERSION, dump};
use crate::script::library::{self, Library};
use crate::script::{Libraries, Machine, flags};
use crate::server::Server;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// FUNCTION: a container for commands about functions.
pub const FUNCTION: Command = Command::new("function", -2, function_help)
    .group(Group::Scripting)
    .since("7.0.0")
    .subcommands(&[
        &FUNCTION_DELETE,
        &FUNCTION_DUMP,
        &FUNCTION_FLUSH,
        &FUNCTION_HELP,
        &FUNCTION_KILL,
        &FUNCTION_LIST,
        &FUNCTION_LOAD,
        &FUNCTION_RESTORE,
        &FUNCTION_STATS,
    ])
    .docs("", "A container for commands about functions.", "Depends on the subcommand.");

const TO_ALL: &[&str] = &["request_policy:all_shards", "response_policy:all_succeeded"];

fn refused(text: impl AsRef<str>) -> Error {
    Error::Owned("ERR ".to_owned() + text.as_ref())
}

/// Does something with the libraries and their machine. What they log meanwhile is handed to the host.
fn with_libraries<T>(
    server: &mut Server,
    seed: HashSeed,
    act: impl FnOnce(&mut Libraries, &mut Machine, &mut Vec<library::LogLine>) -> T,
) -> T {
    let mut machine = run::function_machine(server, seed);
    let mut log = Vec::new();
    let result = act(&mut server.scripting.libraries, &mut machine, &mut log);
    server.scripting.function_machine = Some(machine);
    for line in log {
        run::write_log(server, line);
    }
    result
}

/// Loads libraries from their texts, all or none. `replace`: they take the place of those of their names.
/// `flush`: of all that were there. Errors are without a code.
pub fn load_all(
    server: &mut Server,
    seed: HashSeed,
    codes: &[impl AsRef<[u8]>],
    replace: bool,
    flush: bool,
) -> Result<(), String> {
    if codes.is_empty() && (!flush || server.scripting.libraries.is_empty()) {
        return Ok(());
    }
    if server.scripting.run.is_some() {
        return Err("a script runs".to_owned());
    }
    with_libraries(server, seed, |libraries, machine, log| {
        let mut new: Vec<Library> = Vec::new();
        for code in codes {
            let library = library::load(machine, code.as_ref(), log)?;
            if new.iter().any(|other| other.name == library.name) {
                return Err(format!("Library '{}' already exists", printable(&library.name, 128)));
            }
            new.push(library);
        }
        if !flush {
            return libraries.join(machine, new, replace);
        }
        let mut fresh = Libraries::default();
        for library in libraries.iter().map(|library| library.name.clone()).collect::<Vec<_>>() {
            libraries.remove(machine, &library);
        }
        fresh.join(machine, new, replace)?;
        *libraries = fresh;
        Ok(())
    })
}

/// FUNCTION LOAD \[REPLACE\] code: makes the functions of a library known.
const FUNCTION_LOAD: Command = Command::new("load", -3, function_load)
    .denyoom()
    .noscript()
    .write()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .tips(TO_ALL)
    .docs(
        "[REPLACE] function-code",
        "Makes the functions of a library known.",
        "O(1) (considering compilation time is redundant)",
    );

fn function_load(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    for place in 2..args.len() - 1 {
        if !args.is(place, "REPLACE") {
            let option = printable(&args[place], 128);
            return Err(refused(format!("Unknown option given: {option}")));
        }
    }
    let (code, replace) = (&args[args.len() - 1], args.len() > 3);
    let seed = ctx.db.tuning.seed;
    let name = with_libraries(ctx.server, seed, |libraries, machine, log| {
        let (name, _) = library::head(code)?;
        if !replace && libraries.get(&name).is_some() {
            return Err(format!("Library '{}' already exists", printable(&name, 128)));
        }
        let library = library::load(machine, code, log)?;
        libraries.join(machine, alloc::vec![library], replace)?;
        Ok(name)
    })
    .map_err(refused)?;
    ctx.db.dirty += 1;
    ctx.reply.bulk(&name);
    Ok(Flow::Done)
}

/// FUNCTION DELETE library: forgets a library.
const FUNCTION_DELETE: Command = Command::new("delete", 3, function_delete)
    .noscript()
    .write()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .tips(TO_ALL)
    .docs("library-name", "Forgets a library and its functions.", "O(1)");

fn function_delete(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let found = !ctx.server.scripting.libraries.is_empty()
        && with_libraries(ctx.server, ctx.db.tuning.seed, |libraries, machine, _| {
            libraries.remove(machine, &args[2])
        });
    if !found {
        return Err(Error::Text("ERR Library not found"));
    }
    ctx.db.dirty += 1;
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// FUNCTION FLUSH \[ASYNC|SYNC\]: forgets all libraries.
const FUNCTION_FLUSH: Command = Command::new("flush", -2, function_flush)
    .noscript()
    .write()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .tips(TO_ALL)
    .docs("[ASYNC | SYNC]", "Forgets all libraries.", "O(N) with N the number of functions");

fn function_flush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.len() > 3 {
        return Err(Error::subcommand_syntax(&args[1], "function"));
    }
    if args.len() == 3 && !args.is(2, "SYNC") && !args.is(2, "ASYNC") {
        return Err(Error::Text("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"));
    }
    // Nothing of the Lua is worth keeping.
    ctx.server.scripting.function_machine = None;
    ctx.server.scripting.libraries = Libraries::default();
    ctx.db.dirty += 1;
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// FUNCTION HELP: what there is.
const FUNCTION_HELP: Command = Command::new("help", 2, function_help)
    .loading()
    .stale()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .docs("", "Tells what subcommands there are.", "O(1)");

fn function_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &FUNCTION)
}

/// FUNCTION KILL: ends the function that runs, if it has not written.
const FUNCTION_KILL: Command = Command::new("kill", 2, function_kill)
    .allow_busy()
    .noscript()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .tips(&["request_policy:all_shards", "response_policy:one_succeeded"])
    .docs("", "Ends the function that runs.", "O(1)");

fn function_kill(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    run::kill(ctx, true)
}

/// FUNCTION LIST \[LIBRARYNAME pattern\] \[WITHCODE\]: the libraries and what is in them.
const FUNCTION_LIST: Command = Command::new("list", -2, function_list)
    .noscript()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .tips(&["nondeterministic_output_order"])
    .docs(
        "[LIBRARYNAME library-name-pattern] [WITHCODE]",
        "Replies the libraries and what is in them.",
        "O(N) with N the number of functions",
    );

fn function_list(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (mut pattern, mut with_code, mut place) = (None, false, 2);
    while place < args.len() {
        if !with_code && args.is(place, "WITHCODE") {
            with_code = true;
        } else if pattern.is_none() && args.is(place, "LIBRARYNAME") {
            place += 1;
            pattern = Some(
                args.get(place).ok_or(Error::Text("ERR library name argument was not given"))?,
            );
        } else {
            let argument = printable(&args[place], 128);
            return Err(refused(format!("Unknown argument {argument}")));
        }
        place += 1;
    }
    let reply = &mut *ctx.reply;
    let (place, mut count) = (reply.deferred(), 0);
    for library in ctx.server.scripting.libraries.iter() {
        let fits = |pattern| glob::matches_in(pattern, &library.name, glob::Case::Ignored);
        if !pattern.is_none_or(fits) {
            continue;
        }
        count += 1;
        reply.map(if with_code { 4 } else { 3 });
        reply.bulk(b"library_name");
        reply.bulk(&library.name);
        reply.bulk(b"engine");
        reply.bulk(b"LUA");
        reply.bulk(b"functions");
        reply.array(library.functions.len());
        for function in &library.functions {
            reply.map(3);
            reply.bulk(b"name");
            reply.bulk(&function.name);
            reply.bulk(b"description");
            reply.bulk_or_null(function.description.as_deref());
            reply.bulk(b"flags");
            let has = |flag: &flags::Flags| !flag.is_empty() && function.flags.contains(*flag);
            reply.set(flags::NAMES.iter().filter(|(_, flag)| has(flag)).count());
            for (name, _) in flags::NAMES.iter().filter(|(_, flag)| has(flag)) {
                reply.simple(name);
            }
        }
        if with_code {
            reply.bulk(b"library_code");
            reply.bulk(&library.code);
        }
    }
    reply.finish_array(place, count);
    Ok(Flow::Done)
}

/// FUNCTION STATS: the function that runs, and how many there are.
const FUNCTION_STATS: Command = Command::new("stats", 2, function_stats)
    .allow_busy()
    .noscript()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
    .docs("", "Replies what function runs and how many there are.", "O(1)");

fn function_stats(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let (reply, scripting) = (&mut *ctx.reply, &ctx.server.scripting);
    if scripting.run.as_ref().is_some_and(|run| !run.is_function) {
        return Err(run::BUSY_SCRIPT);
    }
    reply.map(2);
    reply.bulk(b"running_script");
    match &scripting.run {
        None => reply.null(),
        Some(run) => {
            reply.map(3);
            reply.bulk(b"name");
            reply.bulk(&run.name);
            reply.bulk(b"command");
            let args = run.command.args();
            reply.array(args.len());
            for arg in args.iter_from(0) {
                reply.bulk(arg);
            }
            reply.bulk(b"duration_ms");
            let elapsed_us = ctx.server.now.mono_us.saturating_sub(run.since_us);
            reply.int((elapsed_us / 1000) as i64);
        }
    }
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(b"LUA");
    reply.map(2);
    reply.bulk(b"libraries_count");
    reply.int(scripting.libraries.len() as i64);
    reply.bulk(b"functions_count");
    reply.int(scripting.libraries.functions() as i64);
    Ok(Flow::Done)
}

/// FUNCTION DUMP: all libraries as one payload.
const FUNCTION_DUMP: Command = Command::new("dump", 2, function_dump)
    .noscript()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .docs("", "Replies all libraries as one payload.", "O(N) with N the number of functions");

fn function_dump(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let compress = ctx.server.config.is_on("rdbcompression");
    let codes = ctx.server.scripting.libraries.iter().map(|library| &*library.code);
    ctx.reply.bulk(&dump::write_functions(codes, VERSION, compress));
    Ok(Flow::Done)
}

/// FUNCTION RESTORE payload \[FLUSH|APPEND|REPLACE\]: loads what FUNCTION DUMP gave.
const FUNCTION_RESTORE: Command = Command::new("restore", -3, function_restore)
    .denyoom()
    .noscript()
    .write()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .tips(TO_ALL)
    .docs(
        "serialized-value [FLUSH | APPEND | REPLACE]",
        "Loads the libraries of a payload.",
        "O(N) with N the number of functions of the payload",
    );

fn function_restore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.len() > 4 {
        return Err(Error::subcommand_syntax(&args[1], "function"));
    }
    let given = args.len() == 4;
    let (flush, replace) = (given && args.is(3, "FLUSH"), given && args.is(3, "REPLACE"));
    if given && !flush && !replace && !args.is(3, "APPEND") {
        return Err(Error::Text(
            "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
        ));
    }
    let codes: Vec<Box<[u8]>> =
        dump::read_functions(&args[2], ctx.server.skip_checksum).map_err(|refusal| {
            Error::Text(match refusal {
                dump::FunctionRefusal::Footer => "ERR DUMP payload version or checksum are wrong",
                dump::FunctionRefusal::Type => "ERR given type is not a function",
                dump::FunctionRefusal::Code => "ERR Failed loading library data",
            })
        })?;
    load_all(ctx.server, ctx.db.tuning.seed, &codes, replace, flush).map_err(refused)?;
    ctx.db.dirty += 1;
    ctx.reply.ok();
    Ok(Flow::Done)
}
