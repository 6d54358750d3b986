//! COMMAND: what commands there are, all of it read from the table.

use crate::collections::glob::{self, Case};
use crate::command::getkeys::keys;
use crate::command::keys::{Begin, Find, KeyFlags, KeySpec};
use crate::command::legacy::KeyRange;
use crate::command::syntax::{self, Arg, ArgKind};
use crate::command::{Acl, Args, Command, Ctx, Flags, Flow, Group};
use crate::commands::help;
use crate::commands::table::{self, Numbered};
use crate::error::Error;
use crate::resp::Reply;
use alloc::string::String;
use alloc::vec::Vec;

/// COMMAND: facts about every command.
pub const COMMAND: Command = of_command("command", -1, command)
    .tips(&["nondeterministic_output_order"])
    .subcommands(&[
        &COMMAND_COUNT,
        &COMMAND_DOCS,
        &COMMAND_GETKEYS,
        &COMMAND_GETKEYSANDFLAGS,
        &COMMAND_HELP,
        &COMMAND_INFO,
        &COMMAND_LIST,
    ])
    .docs("", "Returns facts about every command.", "O(n) with n the number of commands");

const fn of_command(name: &'static str, arity: i16, run: crate::command::spec::Handler) -> Command {
    Command::new(name, arity, run)
        .loading()
        .sentinel()
        .stale()
        .acl(Acl::CONNECTION)
        .group(Group::Server)
        .since("2.8.13")
}

fn command(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let commands: Vec<Numbered> = table::named(&ctx.server.names).collect();
    ctx.reply.array(commands.len());
    commands.into_iter().for_each(|command| describe(ctx.reply, command));
    Ok(Flow::Done)
}

/// COMMAND COUNT: how many commands there are.
const COMMAND_COUNT: Command =
    of_command("count", 2, count).docs("", "Returns the number of commands.", "O(1)");

fn count(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.len(table::named(&ctx.server.names).count());
    Ok(Flow::Done)
}

/// COMMAND INFO \[name …\]: facts about some commands.
const COMMAND_INFO: Command =
    of_command("info", -2, info).tips(&["nondeterministic_output_order"]).docs(
        "[command-name [command-name ...]]",
        "Returns facts about some commands, or all of them.",
        "O(n) with n the number of commands",
    );

fn info(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.len() == 2 {
        return command(ctx, args);
    }
    ctx.reply.array(args.len() - 2);
    for name in args.iter_from(2) {
        match table::find_full_named(&ctx.server.names, name) {
            Some(command) => describe(ctx.reply, command),
            None => ctx.reply.null_array(),
        }
    }
    Ok(Flow::Done)
}

fn describe(reply: &mut Reply, command: Numbered) {
    let spec = command.command;
    let range = KeyRange::of(spec.keys);
    reply.array(10);
    reply.bulk(command.full_name().as_bytes());
    reply.int(i64::from(spec.arity));
    let movable = range.movable.then_some("movablekeys");
    let (early, late): (Vec<&str>, Vec<&str>) =
        flag_names(spec.flags).partition(|name| *name != "allow_busy");
    let names: Vec<&str> = early.into_iter().chain(movable).chain(late).collect();
    statuses(reply, &names);
    reply.int(range.first);
    reply.int(range.last);
    reply.int(range.step);
    let categories: Vec<String> = spec
        .categories()
        .iter_names()
        .map(|(name, _)| alloc::format!("@{}", name.to_ascii_lowercase()))
        .collect();
    statuses(reply, &categories.iter().map(String::as_str).collect::<Vec<_>>());
    reply.set(spec.tips.len());
    spec.tips.iter().for_each(|tip| reply.bulk(tip.as_bytes()));
    reply.set(spec.keys.len());
    spec.keys.iter().for_each(|key| key_spec(reply, key));
    let subcommands = command.subcommands();
    reply.set(subcommands.len());
    subcommands.for_each(|sub| describe(reply, sub));
}

/// The names of flags in Redis's order; those that Redis keeps to itself, or that a
/// later one brought, are not shown.
fn flag_names(flags: Flags) -> impl Iterator<Item = &'static str> {
    const NAMES: [(Flags, &str); 18] = [
        (Flags::WRITE, "write"),
        (Flags::READONLY, "readonly"),
        (Flags::DENYOOM, "denyoom"),
        (Flags::ADMIN, "admin"),
        (Flags::PUBSUB, "pubsub"),
        (Flags::NOSCRIPT, "noscript"),
        (Flags::BLOCKING, "blocking"),
        (Flags::LOADING, "loading"),
        (Flags::STALE, "stale"),
        (Flags::SKIP_MONITOR, "skip_monitor"),
        (Flags::SKIP_SLOWLOG, "skip_slowlog"),
        (Flags::ASKING, "asking"),
        (Flags::FAST, "fast"),
        (Flags::NO_AUTH, "no_auth"),
        (Flags::NO_MANDATORY_KEYS, "no_mandatory_keys"),
        (Flags::NO_ASYNC_LOADING, "no_async_loading"),
        (Flags::NO_MULTI, "no_multi"),
        (Flags::ALLOW_BUSY, "allow_busy"),
    ];
    NAMES.into_iter().filter(move |(flag, _)| flags.contains(*flag)).map(|(_, name)| name)
}

fn key_flag_names(flags: KeyFlags) -> Vec<String> {
    let loud = |name: &str| matches!(name, "RO" | "RW" | "OW" | "RM");
    flags
        .iter_names()
        .map(|(name, _)| if loud(name) { name.into() } else { name.to_ascii_lowercase() })
        .collect()
}

fn statuses(reply: &mut Reply, names: &[&str]) {
    reply.set(names.len());
    names.iter().for_each(|name| reply.simple(name));
}

fn key_statuses(reply: &mut Reply, flags: KeyFlags) {
    let names = key_flag_names(flags);
    statuses(reply, &names.iter().map(String::as_str).collect::<Vec<_>>());
}

fn key_spec(reply: &mut Reply, spec: &KeySpec) {
    let numbers = |reply: &mut Reply, numbers: &[(&str, i16)]| {
        reply.bulk(b"spec");
        reply.map(numbers.len());
        for (name, number) in numbers {
            reply.bulk(name.as_bytes());
            reply.int(i64::from(*number));
        }
    };
    let kind = |reply: &mut Reply, name: &str| {
        reply.map(2);
        reply.bulk(b"type");
        reply.bulk(name.as_bytes());
    };
    reply.map(3);
    reply.bulk(b"flags");
    key_statuses(reply, spec.flags);
    reply.bulk(b"begin_search");
    match spec.begin {
        Begin::Index(index) => {
            kind(reply, "index");
            numbers(reply, &[("index", index)]);
        }
        Begin::Keyword(word, from) => {
            kind(reply, "keyword");
            reply.bulk(b"spec");
            reply.map(2);
            reply.bulk(b"keyword");
            reply.bulk(word.as_bytes());
            reply.bulk(b"startfrom");
            reply.int(i64::from(from));
        }
        Begin::Unknown => {
            kind(reply, "unknown");
            numbers(reply, &[]);
        }
    }
    reply.bulk(b"find_keys");
    match spec.find {
        Find::Range { last, step, limit } => {
            kind(reply, "range");
            numbers(reply, &[("lastkey", last), ("keystep", step), ("limit", limit)]);
        }
        Find::KeyNum { number, first, step } => {
            kind(reply, "keynum");
            numbers(reply, &[("keynumidx", number), ("firstkey", first), ("keystep", step)]);
        }
        Find::Unknown => {
            kind(reply, "unknown");
            numbers(reply, &[]);
        }
    }
}

/// COMMAND LIST: the names of commands.
const COMMAND_LIST: Command =
    of_command("list", -2, list).since("7.0.0").tips(&["nondeterministic_output_order"]).docs(
        "[FILTERBY (MODULE module-name|ACLCAT category|PATTERN pattern)]",
        "Returns the names of the commands, or of those that pass a filter.",
        "O(n) with n the number of commands",
    );

fn list(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.len() != 2 && (args.len() != 5 || !args.is(2, "filterby")) {
        return Err(Error::Syntax);
    }
    let value = args.get(4).unwrap_or_default();
    let passes: &dyn Fn(&Numbered) -> bool = if args.len() == 2 {
        &|_| true
    } else if args.is(3, "module") {
        &|_| false
    } else if args.is(3, "aclcat") {
        let category = Acl::of_name(value);
        &move |command| category.is_some_and(|c| command.command.categories().contains(c))
    } else if args.is(3, "pattern") {
        &|command| glob::matches_in(value, command.full_name().as_bytes(), Case::Ignored)
    } else {
        return Err(Error::Syntax);
    };
    let all =
        table::named(&ctx.server.names).flat_map(|c| core::iter::once(c).chain(c.subcommands()));
    let names: Vec<String> = all.filter(passes).map(|c| c.full_name()).collect();
    ctx.reply.array(names.len());
    names.iter().for_each(|name| ctx.reply.bulk(name.as_bytes()));
    Ok(Flow::Done)
}

/// COMMAND DOCS \[name …\]: what people want to know about commands.
const COMMAND_DOCS: Command =
    of_command("docs", -2, docs).since("7.0.0").tips(&["nondeterministic_output_order"]).docs(
        "[command-name [command-name ...]]",
        "Returns the documentation of some commands, or of all.",
        "O(n) with n the number of commands",
    );

fn docs(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let commands: Vec<Numbered> = if args.len() == 2 {
        table::named(&ctx.server.names).collect()
    } else {
        let names = &ctx.server.names;
        args.iter_from(2).filter_map(|name| table::find_full_named(names, name)).collect()
    };
    ctx.reply.map(commands.len());
    for command in commands {
        document(ctx.reply, command);
    }
    Ok(Flow::Done)
}

fn document(reply: &mut Reply, command: Numbered) {
    let spec = command.command;
    reply.bulk(command.full_name().as_bytes());
    let place = reply.deferred();
    let mut fields = 4;
    let texts = [
        ("summary", spec.summary),
        ("since", spec.since),
        ("group", spec.group.name()),
        ("complexity", spec.complexity),
    ];
    for (name, text) in texts {
        reply.bulk(name.as_bytes());
        reply.bulk(text.as_bytes());
    }
    if let Some((since, instead)) = spec.deprecated {
        fields += 3;
        reply.bulk(b"doc_flags");
        statuses(reply, &["deprecated"]);
        reply.bulk(b"deprecated_since");
        reply.bulk(since.as_bytes());
        reply.bulk(b"replaced_by");
        reply.bulk(instead.as_bytes());
    }
    // A declaration that cannot be read fails a test.
    let arguments = syntax::parse(spec.syntax).unwrap_or_default();
    if !arguments.is_empty() {
        fields += 1;
        reply.bulk(b"arguments");
        let mut keys = 0;
        write_arguments(reply, &arguments, spec.keys.len(), &mut keys);
    }
    let subcommands = command.subcommands();
    if subcommands.len() > 0 {
        fields += 1;
        reply.bulk(b"subcommands");
        reply.map(subcommands.len());
        subcommands.for_each(|sub| document(reply, sub));
    }
    reply.finish_map(place, fields);
}

fn write_arguments(reply: &mut Reply, arguments: &[Arg], specs: usize, keys: &mut usize) {
    reply.array(arguments.len());
    for arg in arguments {
        let place = reply.deferred();
        let mut fields = 2;
        reply.bulk(b"name");
        reply.bulk(arg.name.as_bytes());
        reply.bulk(b"type");
        reply.bulk(arg.kind.name().as_bytes());
        if arg.kind == ArgKind::Key && specs > 0 {
            fields += 1;
            reply.bulk(b"key_spec_index");
            reply.len((*keys).min(specs - 1));
            *keys += 1;
        }
        if let Some(token) = &arg.token {
            fields += 1;
            reply.bulk(b"token");
            reply.bulk(token.as_bytes());
        }
        let flags: Vec<&str> = [
            (arg.optional, "optional"),
            (arg.multiple, "multiple"),
            (arg.multiple_token, "multiple_token"),
        ]
        .into_iter()
        .filter_map(|(is_set, name)| is_set.then_some(name))
        .collect();
        if !flags.is_empty() {
            fields += 1;
            reply.bulk(b"flags");
            statuses(reply, &flags);
        }
        if !arg.args.is_empty() {
            fields += 1;
            reply.bulk(b"arguments");
            write_arguments(reply, &arg.args, specs, keys);
        }
        reply.finish_map(place, fields);
    }
}

/// COMMAND GETKEYS: the keys in a request.
const COMMAND_GETKEYS: Command = of_command("getkeys", -4, getkeys).docs(
    "command [arg [arg ...]]",
    "Returns the keys that a request names.",
    "O(n) with n the number of arguments",
);

fn getkeys(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let keys = keys_of(ctx, args.skip(2))?;
    ctx.reply.array(keys.len());
    for (place, _) in keys {
        ctx.reply.bulk(&args[place + 2]);
    }
    Ok(Flow::Done)
}

/// COMMAND GETKEYSANDFLAGS: the keys in a request and what happens to them.
const COMMAND_GETKEYSANDFLAGS: Command =
    of_command("getkeysandflags", -4, getkeys_and_flags).since("7.0.0").docs(
        "command [arg [arg ...]]",
        "Returns the keys that a request names and what happens to them.",
        "O(n) with n the number of arguments",
    );

fn getkeys_and_flags(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let keys = keys_of(ctx, args.skip(2))?;
    ctx.reply.array(keys.len());
    for (place, flags) in keys {
        ctx.reply.array(2);
        ctx.reply.bulk(&args[place + 2]);
        key_statuses(ctx.reply, flags);
    }
    Ok(Flow::Done)
}

fn keys_of(ctx: &Ctx<'_>, args: Args<'_>) -> Result<Vec<(usize, KeyFlags)>, Error> {
    let Some((_, mut command)) = table::find_named(&ctx.server.names, &args[0]) else {
        return Err(Error::Text("ERR Invalid command specified"));
    };
    if let Some(name) = args.get(1)
        && let Some(sub) =
            command.subcommands.iter().find(|c| c.name.as_bytes().eq_ignore_ascii_case(name))
    {
        command = sub;
    }
    if command.keys.is_empty() {
        return Err(Error::Text("ERR The command has no key arguments"));
    }
    if !command.takes(args.len()) {
        return Err(Error::Text("ERR Invalid number of arguments specified for command"));
    }
    let keys = keys(command, args);
    match keys {
        Some(keys) if !keys.is_empty() => Ok(keys),
        _ if command.flags.contains(Flags::NO_MANDATORY_KEYS) => Ok(Vec::new()),
        _ => Err(Error::Text("ERR Invalid arguments specified for command")),
    }
}

/// COMMAND HELP: what the subcommands are.
const COMMAND_HELP: Command =
    of_command("help", 2, help_).since("5.0.0").docs("", "Prints this help.", "O(1)");

fn help_(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &COMMAND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declaration_of_arguments_can_be_read() {
        for command in table::commands().flat_map(|c| core::iter::once(c).chain(c.subcommands())) {
            let read = syntax::parse(command.command.syntax);
            assert!(read.is_ok(), "{}: {read:?}", command.full_name());
        }
    }
}
