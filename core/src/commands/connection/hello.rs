//! HELLO: the protocol, the password and the name in one command.

use super::auth::authenticate;
use super::client::check_name;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::{Error, printable};
use crate::resp::Protocol;
use crate::server::version::VERSION;
use alloc::format;

/// HELLO \[protover \[AUTH username password\] \[SETNAME clientname\]\]: switches the protocol and says who is there.
pub const HELLO: Command = Command::new("hello", -1, hello)
    .allow_busy()
    .fast()
    .loading()
    .no_auth()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("6.0.0")
    .docs(
        "[protover:int [AUTH username password] [SETNAME clientname]]",
        "Handshakes with the server.",
        "O(1)",
    );

fn hello(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let protocol = match args.get(1) {
        None => None,
        Some(_) => Some(match args.int(1) {
            Err(_) => {
                return Err(Error::Text("ERR Protocol version is not an integer or out of range"));
            }
            Ok(2) => Protocol::Resp2,
            Ok(3) => Protocol::Resp3,
            Ok(_) => return Err(Error::Text("NOPROTO unsupported protocol version")),
        }),
    };
    let (mut credentials, mut name) = (None, None);
    let mut at = 2;
    while let Some(option) = args.get(at) {
        if args.is(at, "AUTH") && at + 2 < args.len() {
            credentials = Some((args.at(at + 1), args.at(at + 2)));
            at += 3;
        } else if args.is(at, "SETNAME") && at + 1 < args.len() {
            name = Some(args.at(at + 1));
            check_name(args.at(at + 1))?;
            at += 2;
        } else {
            return Err(Error::Owned(format!(
                "ERR Syntax error in HELLO option '{}'",
                printable(option, 128)
            )));
        }
    }
    if let Some((user, password)) = credentials {
        authenticate(ctx, args, user, password)?;
    }
    if !ctx.client.authenticated {
        return Err(Error::Text(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = name {
        ctx.client.name = name.to_vec();
    }
    if let Some(protocol) = protocol {
        ctx.reply.protocol = protocol;
        if let Some(tracker) = ctx.server.clients.trackers.get_mut(&ctx.client.id) {
            tracker.resp3 = protocol == Protocol::Resp3;
        }
    }
    let proto = if ctx.reply.is_resp3() { 3 } else { 2 };
    let id = ctx.client.id as i64;
    let reply = &mut *ctx.reply;
    reply.map(7);
    for (key, value) in [("server", "redis"), ("version", VERSION)] {
        reply.bulk(key.as_bytes());
        reply.bulk(value.as_bytes());
    }
    for (key, value) in [("proto", proto), ("id", id)] {
        reply.bulk(key.as_bytes());
        reply.int(value);
    }
    for (key, value) in [("mode", "standalone"), ("role", "master")] {
        reply.bulk(key.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"modules");
    reply.array(0);
    Ok(Flow::Done)
}
