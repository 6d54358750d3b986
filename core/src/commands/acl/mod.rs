//! ACL: who may do what. What rules mean is in `crate::acl`, checking requests in `command::permission`.

mod change;
mod file;
mod log;
mod show;
mod users;

pub use change::{hand_out, set_default_password};
pub use file::read_file;

use super::help;
use super::table::AllCommands;
use crate::acl::Rules;
use crate::command::spec::Handler;
use crate::command::{Args, Command, Ctx, Flow, Group};
use crate::config::Config;
use crate::error::Error;

/// ACL: a container for commands about users and what they may do.
pub const ACL: Command = Command::new("acl", -2, acl_help)
    .sentinel()
    .group(Group::Server)
    .since("6.0.0")
    .subcommands(&[
        &show::ACL_CAT,
        &users::ACL_DELUSER,
        &users::ACL_DRYRUN,
        &show::ACL_GENPASS,
        &users::ACL_GETUSER,
        &show::ACL_LIST,
        &file::ACL_LOAD,
        &log::ACL_LOG,
        &file::ACL_SAVE,
        &users::ACL_SETUSER,
        &show::ACL_USERS,
        &show::ACL_WHOAMI,
        &ACL_HELP,
    ])
    .docs(
        "",
        "A container for commands about users and what they may do.",
        "Depends on the subcommand.",
    );

/// What most of the subcommands have in common.
const fn of_acl(name: &'static str, arity: i16, run: Handler) -> Command {
    Command::new(name, arity, run)
        .loading()
        .noscript()
        .sentinel()
        .stale()
        .group(Group::Server)
        .since("6.0.0")
}

/// ACL HELP: what the subcommands are.
const ACL_HELP: Command = Command::new("help", 2, acl_help)
    .loading()
    .sentinel()
    .stale()
    .group(Group::Server)
    .since("6.0.0")
    .docs("", "Prints this help.", "O(1)");

fn acl_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &ACL)
}

/// What applying rules depends on, by these settings.
pub fn rules(config: &Config) -> Rules<'static> {
    let all_channels = config.text("acl-pubsub-default") == b"allchannels";
    Rules { catalog: &AllCommands, all_channels }
}
