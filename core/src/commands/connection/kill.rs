//! CLIENT KILL: closing connections.

use super::filter::Filter;
use super::release;
use crate::client::{Client, ConnId};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::Error;
use crate::server::Server;
use crate::store::Store;
use alloc::vec::Vec;

/// CLIENT KILL ip:port | filter value ...: closes connections.
pub(super) const CLIENT_KILL: Command = Command::new("kill", -3, client_kill)
    .admin()
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("2.4.0")
    .docs(
        "ip:port|([ID client-id:int [client-id:int ...]]|[TYPE (NORMAL|MASTER|SLAVE|REPLICA|PUBSUB)]|[USER username]|[ADDR ip:port]|[LADDR ip:port]|[SKIPME (YES|NO)]|[MAXAGE maxage:int]|[IDLE idle:int]|[NAME client-name]|[FLAGS flags]|[LIB-NAME lib-name]|[LIB-VER lib-ver]|[DB db-id:int]|[CAPA capa]|[IP ip] [...])",
        "Closes the connections that pass every filter.",
        "O(N) where N is the number of client connections",
    );

fn client_kill(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let old_form = args.len() == 3;
    let filter =
        if old_form { Filter::of_addr(args.at(2)) } else { Filter::read(ctx, args, true)? };
    let passes = |client: &Client| filter.passes(client, &ctx.server.clients);
    let mut killed = 0;
    let victims: Vec<_> =
        ctx.server.clients.iter().filter(|c| passes(c)).map(|c| (c.id, c.conn)).collect();
    for (id, conn) in victims {
        if old_form && killed > 0 {
            break;
        }
        kill_now(ctx.db, ctx.server, id, conn);
        killed += 1;
    }
    let done = old_form && killed > 0;
    let spare_me = filter.skip_me.unwrap_or(true);
    if !spare_me && !done && filter.passes(ctx.client, &ctx.server.clients) {
        // It still gets the reply.
        ctx.client.closing = true;
        killed += 1;
    }
    if !old_form {
        ctx.reply.int(killed);
    } else if killed > 0 {
        ctx.reply.ok();
    } else {
        return Err(Error::Text("ERR No such client"));
    }
    Ok(Flow::Done)
}

/// Closes a connection whose command does not run; what it was not sent yet is lost.
pub fn kill_now(db: &mut Store, server: &mut Server, id: u64, conn: ConnId) {
    let Some(mut client) = server.clients.take(conn) else { return };
    release(db, server, &mut client);
    client.killed = true;
    server.clients.put_back(client);
    server.clients.forget(id);
    server.clients.told.push(conn);
}
