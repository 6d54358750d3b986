//! ACL SETUSER, GETUSER, DELUSER, DRYRUN: one user.

use super::{change, of_acl, rules};
use crate::acl::rules::{is_user_name, merge_selectors};
use crate::acl::{Selector, User};
use crate::command::{Args, Command, Ctx, Flow, permission};
use crate::commands::table::{self, AllCommands};
use crate::error::{Error, printable};
use crate::resp::Reply;
use alloc::format;
use alloc::vec::Vec;

/// ACL SETUSER username \[rule ...\]: makes or changes a user.
pub(super) const ACL_SETUSER: Command = of_acl("setuser", -3, setuser).admin().docs(
    "username [rule [rule ...]]",
    "Makes a user, or changes what it may do.",
    "O(N) with N the number of rules",
);

fn setuser(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let name = &args[2];
    if !is_user_name(name) {
        return Err(Error::Text("ERR Usernames can't contain spaces or null characters"));
    }
    let merged = merge_selectors(args.iter_from(3)).map_err(|place| {
        Error::Owned(format!(
            "ERR Unmatched parenthesis in acl selector starting at '{}'.",
            printable(&args[3 + place], usize::MAX)
        ))
    })?;
    let rules = rules(&ctx.server.config);
    let mut user = match ctx.server.acl.users.find(name) {
        Some(user) => User::clone(user),
        None => rules.new_user(name),
    };
    for rule in merged {
        rules.apply(&mut user, &rule).map_err(|error| {
            Error::Owned(format!(
                "ERR Error in ACL SETUSER modifier '{}': {}",
                printable(&rule, usize::MAX),
                error.text()
            ))
        })?;
    }
    change::replace(ctx, user);
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// ACL GETUSER username: what a user may do.
pub(super) const ACL_GETUSER: Command = of_acl("getuser", 3, getuser).admin().docs(
    "username",
    "Returns what a user may do.",
    "O(N) with N the number of passwords, commands and patterns of the user",
);

fn getuser(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let Some(user) = ctx.server.acl.users.find(&args[2]) else {
        ctx.reply.null();
        return Ok(Flow::Done);
    };
    let reply = &mut *ctx.reply;
    reply.map(6);
    reply.bulk(b"flags");
    reply.set(user.flags().count());
    user.flags().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"passwords");
    reply.array(user.passwords.len());
    for hash in &user.passwords {
        reply.bulk(crate::acl::password::hex(hash).as_bytes());
    }
    let (own, further) = match user.selectors.split_first() {
        Some((own, further)) => (Some(own), further),
        None => (None, &[][..]),
    };
    if let Some(own) = own {
        describe(reply, own);
    }
    reply.bulk(b"selectors");
    reply.array(further.len());
    for selector in further {
        reply.map(3);
        describe(reply, selector);
    }
    Ok(Flow::Done)
}

/// Three fields of a map.
fn describe(reply: &mut Reply, selector: &Selector) {
    reply.bulk(b"commands");
    reply.bulk(selector.commands.describe(&AllCommands).as_bytes());
    reply.bulk(b"keys");
    reply.bulk(&selector.describe_keys());
    reply.bulk(b"channels");
    reply.bulk(&selector.describe_channels());
}

/// ACL DELUSER username \[username ...\]: removes users and closes their connections.
pub(super) const ACL_DELUSER: Command = of_acl("deluser", -3, deluser).admin().docs(
    "username [username ...]",
    "Removes users, and closes their connections.",
    "O(1) for every user, and O(N) with N the number of client connections",
);

fn deluser(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.iter_from(2).any(change::is_default) {
        return Err(Error::Text("ERR The 'default' user cannot be removed"));
    }
    let users = &mut ctx.server.acl.users;
    let gone: Vec<_> = args.iter_from(2).filter_map(|name| users.remove(name)).collect();
    if !gone.is_empty() {
        change::close_clients(ctx, |name| gone.iter().any(|user| *user.name == *name));
    }
    ctx.reply.len(gone.len());
    Ok(Flow::Done)
}

/// ACL DRYRUN username command \[arg ...\]: whether a user might run a command.
pub(super) const ACL_DRYRUN: Command = of_acl("dryrun", -4, dryrun).admin().since("7.0.0").docs(
    "username command [arg [arg ...]]",
    "Tells whether a user may run a command, without running it.",
    "O(1)",
);

fn dryrun(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let Some(user) = ctx.server.acl.users.find(&args[2]) else {
        let name = printable(&args[2], usize::MAX);
        return Err(Error::Owned(format!("ERR User '{name}' not found")));
    };
    let asked = args.skip(3);
    let resolved = table::resolve_or_whose(&ctx.server.names, asked);
    let (id, command) = resolved.map_err(|(whose, error)| match whose {
        // The number of arguments is wrong.
        Some(_) => error,
        None => {
            let name = printable(&asked[0], usize::MAX);
            Error::Owned(format!("ERR Command '{name}' not found"))
        }
    })?;
    match permission::may(user, id, command, asked) {
        Ok(()) => ctx.reply.ok(),
        Err(denied) => {
            let name = command.full_name(table::container(id));
            ctx.reply.bulk(&denied.dry_run(&name, asked));
        }
    }
    Ok(Flow::Done)
}
