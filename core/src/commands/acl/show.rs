//! ACL CAT, LIST, USERS, WHOAMI, GENPASS.

use super::of_acl;
use crate::acl::Category;
use crate::command::{Args, Command, Ctx, Flow};
use crate::commands::table::{self, AllCommands};
use crate::error::{Error, printable};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// ACL CAT \[category\]: the categories, or the commands of one.
pub(super) const ACL_CAT: Command = of_acl("cat", -2, cat).docs(
    "[category]",
    "Returns the categories of commands, or the commands of one.",
    "O(1), as there are so many commands and no more",
);

fn cat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let names: Vec<String> = match args.len() {
        2 => Category::all().names().collect(),
        3 => {
            let Some(category) = Category::of_name(&args[2]) else {
                let name = printable(&args[2], usize::MAX);
                return Err(Error::Owned(format!("ERR Unknown category '{name}'")));
            };
            let all = table::commands().flat_map(|c| core::iter::once(c).chain(c.subcommands()));
            let own = all.filter(|c| c.command.categories().contains(category));
            own.map(|c| c.full_name()).collect()
        }
        _ => return Err(Error::subcommand_syntax(&args[1], "acl")),
    };
    ctx.reply.array(names.len());
    names.iter().for_each(|name| ctx.reply.bulk(name.as_bytes()));
    Ok(Flow::Done)
}

/// ACL LIST: the rules of all users, as lines of a configuration file.
pub(super) const ACL_LIST: Command = of_acl("list", 2, list).admin().docs(
    "",
    "Returns all users with their rules, as lines of a configuration file.",
    "O(N) with N the number of users",
);

fn list(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let users = ctx.server.acl.users.iter();
    ctx.reply.array(users.len());
    users.for_each(|user| ctx.reply.bulk(&user.line(&AllCommands)));
    Ok(Flow::Done)
}

/// ACL USERS: the names of all users.
pub(super) const ACL_USERS: Command = of_acl("users", 2, users).admin().docs(
    "",
    "Returns the names of all users.",
    "O(N) with N the number of users",
);

fn users(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let users = ctx.server.acl.users.iter();
    ctx.reply.array(users.len());
    users.for_each(|user| ctx.reply.bulk(&user.name));
    Ok(Flow::Done)
}

/// ACL WHOAMI: the name of this connection's user.
pub(super) const ACL_WHOAMI: Command =
    of_acl("whoami", 2, whoami).docs("", "Returns the name of this connection's user.", "O(1)");

fn whoami(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.bulk(&ctx.client.user.name);
    Ok(Flow::Done)
}

/// ACL GENPASS \[bits\]: a password that nobody can guess.
pub(super) const ACL_GENPASS: Command = of_acl("genpass", -2, genpass).docs(
    "[bits:int]",
    "Makes a password that nobody can guess, in hexadecimal digits.",
    "O(1)",
);

fn genpass(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    const BITS_MAX: i64 = 4096;
    let bits = match args.len() {
        2 => 256,
        3 => args.int(2)?,
        _ => return Err(Error::subcommand_syntax(&args[1], "acl")),
    };
    if !(1..=BITS_MAX).contains(&bits) {
        return Err(Error::Text(
            "ERR ACL GENPASS argument must be the number of bits for the output password, a positive \
             number up to 4096",
        ));
    }
    let password = ctx.server.acl.generate_password((bits as usize).div_ceil(4));
    ctx.reply.bulk(password.as_bytes());
    Ok(Flow::Done)
}
