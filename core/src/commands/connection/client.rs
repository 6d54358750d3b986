//! CLIENT: the container, and the subcommands about this connection's name and manners.

use super::kill::CLIENT_KILL;
use super::list::{CLIENT_ID, CLIENT_INFO, CLIENT_LIST};
use super::pause::{CLIENT_PAUSE, CLIENT_UNBLOCK, CLIENT_UNPAUSE};
use super::tracking::{CLIENT_CACHING, CLIENT_GETREDIR, CLIENT_TRACKING, CLIENT_TRACKINGINFO};
use crate::client::ReplyMode;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::commands::help;
use crate::error::{Error, printable};
use alloc::format;

/// CLIENT: the container.
pub const CLIENT: Command = Command::new("client", -2, client_help)
    .sentinel()
    .group(Group::Connection)
    .since("2.4.0")
    .docs("", "A container for commands about connections.", "Depends on subcommand.")
    .subcommands(&[
        &CLIENT_CACHING,
        &CLIENT_CAPA,
        &CLIENT_GETNAME,
        &CLIENT_GETREDIR,
        &CLIENT_HELP,
        &CLIENT_ID,
        &CLIENT_INFO,
        &CLIENT_KILL,
        &CLIENT_LIST,
        &CLIENT_NO_EVICT,
        &CLIENT_NO_TOUCH,
        &CLIENT_PAUSE,
        &CLIENT_REPLY,
        &CLIENT_SETINFO,
        &CLIENT_SETNAME,
        &CLIENT_TRACKING,
        &CLIENT_TRACKINGINFO,
        &CLIENT_UNBLOCK,
        &CLIENT_UNPAUSE,
    ]);

/// CLIENT GETNAME: the name of this connection.
pub(super) const CLIENT_GETNAME: Command = Command::new("getname", 2, client_getname)
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("2.6.9")
    .docs("", "Returns the name of this connection.", "O(1)");

fn client_getname(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let name = &*ctx.client.name;
    ctx.reply.bulk_or_null(Some(name).filter(|name| !name.is_empty()));
    Ok(Flow::Done)
}

/// CLIENT SETNAME connection-name: names this connection; an empty name takes it away.
pub(super) const CLIENT_SETNAME: Command = Command::new("setname", 3, client_setname)
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("2.6.9")
    .docs("connection-name", "Names this connection.", "O(1)");

fn client_setname(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    check_name(&args[2])?;
    ctx.client.name = args[2].to_vec();
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// Names are shown in lines of words: they have no spaces.
pub(super) fn check_name(name: &[u8]) -> Result<(), Error> {
    if is_word(name) {
        return Ok(());
    }
    Err(Error::Text("ERR Client names cannot contain spaces, newlines or special characters."))
}

fn is_word(name: &[u8]) -> bool {
    name.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

/// CLIENT SETINFO LIB-NAME|LIB-VER value: what software the client is.
pub(super) const CLIENT_SETINFO: Command = Command::new("setinfo", 4, client_setinfo)
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("7.2.0")
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .docs("LIB-NAME libname|LIB-VER libver", "Names the client's library or its version.", "O(1)");

fn client_setinfo(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (name, what) = if args.is(2, "LIB-NAME") {
        ("lib-name", &mut ctx.client.lib_name)
    } else if args.is(2, "LIB-VER") {
        ("lib-ver", &mut ctx.client.lib_ver)
    } else {
        return Err(Error::Owned(format!(
            "ERR Unrecognized option '{}'",
            printable(&args[2], 128)
        )));
    };
    if !is_word(&args[3]) {
        return Err(Error::Owned(format!(
            "ERR {name} cannot contain spaces, newlines or special characters."
        )));
    }
    *what = args[3].to_vec();
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// CLIENT REPLY ON|OFF|SKIP: whether commands are answered.
pub(super) const CLIENT_REPLY: Command = Command::new("reply", 3, client_reply)
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("3.2.0")
    .docs("ON|OFF|SKIP", "Says whether this connection wants replies.", "O(1)");

fn client_reply(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.is(2, "ON") {
        ctx.client.reply_mode = ReplyMode::On;
        ctx.reply.ok();
    } else if args.is(2, "OFF") {
        ctx.client.reply_mode = ReplyMode::Off;
    } else if args.is(2, "SKIP") {
        if ctx.client.reply_mode != ReplyMode::Off {
            ctx.client.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(Error::Syntax);
    }
    Ok(Flow::Done)
}

/// CLIENT NO-EVICT ON|OFF: keeps this connection when memory for clients runs out.
pub(super) const CLIENT_NO_EVICT: Command = Command::new("no-evict", 3, client_no_evict)
    .admin()
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("7.0.0")
    .docs("ON|OFF", "Keeps this connection when clients are evicted.", "O(1)");

fn client_no_evict(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    ctx.client.no_evict = on_or_off(args)?;
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// CLIENT CAPA capability ...: what the client can do. Unknown ones are accepted, as later ones will be.
pub(super) const CLIENT_CAPA: Command = Command::new("capa", -3, client_capa)
    .allow_busy()
    .loading()
    .noscript()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("8.0.0")
    .docs("capability [capability ...]", "Says what the client can do.", "O(1)");

fn client_capa(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if (2..args.len()).any(|at| args.is(at, "REDIRECT")) {
        ctx.client.capa_redirect = true;
    }
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// CLIENT NO-TOUCH ON|OFF: this connection's commands leave the access clocks of keys alone.
pub(super) const CLIENT_NO_TOUCH: Command = Command::new("no-touch", 3, client_no_touch)
    .loading()
    .noscript()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("7.2.0")
    .docs("ON|OFF", "Leaves the access clocks of keys alone.", "O(1)");

fn client_no_touch(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    ctx.client.no_touch = on_or_off(args)?;
    ctx.db.no_touch = ctx.client.no_touch;
    ctx.reply.ok();
    Ok(Flow::Done)
}

fn on_or_off(args: Args<'_>) -> Result<bool, Error> {
    if args.is(2, "ON") {
        Ok(true)
    } else if args.is(2, "OFF") {
        Ok(false)
    } else {
        Err(Error::Syntax)
    }
}

/// CLIENT HELP.
pub(super) const CLIENT_HELP: Command = Command::new("help", 2, client_help)
    .loading()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("5.0.0")
    .docs("", "Prints this help.", "O(1)");

fn client_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &CLIENT)
}
