//! PING, ECHO, QUIT.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::Error;

/// PING \[message\]: `PONG`, or the message back.
pub const PING: Command = Command::new("ping", -1, ping)
    .fast()
    .sentinel()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .docs("[message]", "Replies PONG, or the message.", "O(1)")
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]);

fn ping(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.len() > 2 {
        return Err(Error::Arity("ping"));
    }
    if ctx.client.is_subscriber() && !ctx.reply.is_resp3() {
        ctx.reply.array(2);
        ctx.reply.bulk(b"pong");
        ctx.reply.bulk(args.get(1).unwrap_or_default());
    } else if let Some(message) = args.get(1) {
        ctx.reply.bulk(message);
    } else {
        ctx.reply.simple("PONG");
    }
    Ok(Flow::Done)
}

/// ECHO message: the message back.
pub const ECHO: Command = Command::new("echo", 2, echo)
    .fast()
    .loading()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .docs("message", "Replies the message.", "O(1)");

fn echo(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.bulk(&args[1]);
    Ok(Flow::Done)
}

/// QUIT: `OK`, then the connection is closed.
pub const QUIT: Command = Command::new("quit", -1, quit)
    .allow_busy()
    .noscript()
    .loading()
    .stale()
    .fast()
    .no_auth()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .docs("", "Closes the connection.", "O(1)")
    .deprecated("7.2.0", "just closing the connection");

fn quit(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.ok();
    ctx.client.closing = true;
    Ok(Flow::Done)
}
