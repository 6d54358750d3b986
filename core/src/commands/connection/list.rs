//! CLIENT LIST, INFO, ID: who is connected.

use super::filter::Filter;
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
        "[TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID client-id:int [client-id:int ...]] [USER username] [ADDR ip:port] [LADDR ip:port] [SKIPME (YES|NO)] [MAXAGE maxage:int] [IDLE idle:int] [NAME client-name] [FLAGS flags] [LIB-NAME lib-name] [LIB-VER lib-ver] [DB db-id:int] [CAPA capa] [IP ip]",
        "Lists the connections.",
        "O(N) where N is the number of client connections",
    );

fn client_list(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut text = Vec::new();
    ctx.client.argument_bytes = args.iter_from(0).map(<[u8]>::len).sum();
    let filter = Filter::read(ctx, args, false)?;
    let clients = &ctx.server.clients;
    if let Some(ids) = filter.only_ids() {
        for &id in ids {
            if id == ctx.client.id {
                describe(&mut text, ctx.client, ctx.reply, clients);
            } else if let Some(client) = clients.by_id(id) {
                describe(&mut text, client, &client.reply, clients);
            }
        }
    } else {
        let own = ctx.client.id;
        let skip_me = filter.skip_me == Some(true);
        describe_all(ctx, &mut text, |client| {
            filter.passes(client, clients) && !(skip_me && client.id == own)
        });
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
