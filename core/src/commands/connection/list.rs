//! CLIENT LIST, INFO, ID: who is connected.

use super::kill::class;
use crate::client::{Client, Clients};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::Error;
use alloc::vec::Vec;

/// CLIENT LIST \[TYPE type\] \[ID id ...\]: a line for every connection.
pub(super) const CLIENT_LIST: Command = Command::new("list", -2, client_list)
    .admin()
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("2.4.0")
    .tips(&["nondeterministic_output"])
    .docs(
        "[TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID client-id:int [client-id:int ...]]",
        "Lists the connections.",
        "O(N) where N is the number of client connections",
    );

fn client_list(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut text = Vec::new();
    ctx.client.argument_bytes = args.iter_from(0).map(<[u8]>::len).sum();
    if args.len() == 4 && args.is(2, "TYPE") {
        let class = class(args.at(3))?;
        describe_all(ctx, &mut text, |client| class == Some(client.class()));
    } else if args.len() > 3 && args.is(2, "ID") {
        let mut ids = Vec::new();
        for i in 3..args.len() {
            ids.push(args.int_in(i, i64::MIN..=i64::MAX, "ERR Invalid client ID")?);
        }
        for id in ids {
            if id == ctx.client.id as i64 {
                describe(&mut text, ctx.client, ctx.reply, &ctx.server.clients);
            } else if let Some(client) =
                u64::try_from(id).ok().and_then(|id| ctx.server.clients.by_id(id))
            {
                describe(&mut text, client, &client.reply, &ctx.server.clients);
            }
        }
    } else if args.len() == 2 {
        describe_all(ctx, &mut text, |_| true);
    } else {
        return Err(Error::Syntax);
    }
    ctx.client.argument_bytes = 0;
    ctx.reply.verbatim(b"txt", &text);
    Ok(Flow::Done)
}

/// CLIENT INFO: the line of this connection.
pub(super) const CLIENT_INFO: Command = Command::new("info", 2, client_info)
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("6.2.0")
    .tips(&["nondeterministic_output"])
    .docs("", "Describes this connection.", "O(1)");

fn client_info(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut text = Vec::new();
    ctx.client.argument_bytes = args.iter_from(0).map(<[u8]>::len).sum();
    describe(&mut text, ctx.client, ctx.reply, &ctx.server.clients);
    ctx.client.argument_bytes = 0;
    ctx.reply.verbatim(b"txt", &text);
    Ok(Flow::Done)
}

/// CLIENT ID: the number of this connection.
pub(super) const CLIENT_ID: Command = Command::new("id", 2, client_id)
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("5.0.0")
    .docs("", "Returns the number of this connection.", "O(1)");

fn client_id(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.int(ctx.client.id as i64);
    Ok(Flow::Done)
}

/// Describes every connection that is wanted, in the order they came.
fn describe_all(ctx: &Ctx<'_>, text: &mut Vec<u8>, wanted: impl Fn(&Client) -> bool) {
    let clients = &ctx.server.clients;
    let mut own = Some(&*ctx.client);
    for client in ctx.server.clients.iter() {
        if own.is_some_and(|own| own.id < client.id)
            && let Some(own) = own.take().filter(|own| wanted(own))
        {
            describe(text, own, ctx.reply, clients);
        }
        if wanted(client) {
            describe(text, client, &client.reply, clients);
        }
    }
    if let Some(own) = own.filter(|own| wanted(own)) {
        describe(text, own, ctx.reply, clients);
    }
}

fn describe(text: &mut Vec<u8>, client: &Client, reply: &crate::resp::Reply, clients: &Clients) {
    text.extend_from_slice(&client.describe(reply, clients));
    text.push(b'\n');
}
