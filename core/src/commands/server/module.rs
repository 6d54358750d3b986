//! MODULE: there are none, and none can be loaded: a module is machine code for another server.

use crate::command::{Args, Command, Ctx, Flow, Group};
use crate::commands::help;
use crate::error::{Error, printable};
use crate::server::{Effect, Level};
use alloc::format;

/// MODULE: the container.
pub const MODULE: Command = Command::new("module", -2, module_help)
    .group(Group::Server)
    .since("4.0.0")
    .subcommands(&[&MODULE_HELP, &MODULE_LIST, &MODULE_LOAD, &MODULE_LOADEX, &MODULE_UNLOAD])
    .docs("", "A container for commands about modules.", "Depends on the subcommand.");

/// MODULE LIST: the loaded modules.
const MODULE_LIST: Command = Command::new("list", 2, module_list)
    .admin()
    .noscript()
    .group(Group::Server)
    .since("4.0.0")
    .tips(&["nondeterministic_output_order"])
    .docs("", "Returns the loaded modules: none.", "O(1)");

fn module_list(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.array(0);
    Ok(Flow::Done)
}

const fn change(command: Command, since: &'static str) -> Command {
    command.admin().no_async_loading().noscript().protected().group(Group::Server).since(since)
}

/// MODULE LOAD path \[arg …\]: refuses.
const MODULE_LOAD: Command = change(Command::new("load", -3, module_load), "4.0.0").docs(
    "path:string [arg:string [arg:string ...]]",
    "Would load a module; there are none for this server.",
    "O(1)",
);

/// MODULE LOADEX path …: refuses.
const MODULE_LOADEX: Command = change(Command::new("loadex", -3, module_load), "7.0.0").docs(
    "path:string [CONFIG name:string value:string [CONFIG name:string value:string ...]] \
     [ARGS arg:string [arg:string ...]]",
    "Would load a module with settings; there are none for this server.",
    "O(1)",
);

fn module_load(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let line =
        format!("Module {} was not loaded: this server has no modules.", printable(&args[2], 128));
    ctx.server.effects.push_back(Effect::Log(Level::Warning, line));
    Err(Error::Text("ERR Error loading the extension. Please check the server logs."))
}

/// MODULE UNLOAD name: refuses.
const MODULE_UNLOAD: Command = change(Command::new("unload", 3, module_unload), "4.0.0").docs(
    "name:string",
    "Would unload a module.",
    "O(1)",
);

fn module_unload(_ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    Err(Error::Text("ERR Error unloading module: no such module with that name"))
}

/// MODULE HELP: what the subcommands are.
const MODULE_HELP: Command = Command::new("help", 2, module_help)
    .loading()
    .stale()
    .group(Group::Server)
    .since("5.0.0")
    .docs("", "Prints this help.", "O(1)");

fn module_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &MODULE)
}
