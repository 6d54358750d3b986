//! SELECT and RESET: the state of a connection, and letting go of all of it.

use crate::client::{Client, ReplyMode};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, tracking, wait};
use crate::commands::{pubsub, transaction};
use crate::error::Error;
use crate::resp::Protocol;
use crate::server::Server;
use crate::store::Store;

/// SELECT index: the database that the next commands work on.
pub const SELECT: Command = Command::new("select", 2, select)
    .fast()
    .loading()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .docs("index", "Changes the selected database.", "O(1)");

fn select(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let index = args.int(1)?;
    if i32::try_from(index).is_err() {
        return Err(Error::Text(
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        ));
    }
    let Some(index) = usize::try_from(index).ok().filter(|&index| index < ctx.db.count()) else {
        return Err(Error::Text("ERR DB index is out of range"));
    };
    ctx.client.db = index;
    ctx.db.select(index);
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// RESET: the connection is as new; it has to authenticate again.
pub const RESET: Command = Command::new("reset", 1, reset)
    .allow_busy()
    .fast()
    .loading()
    .no_auth()
    .noscript()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("6.2.0")
    .docs("", "Resets the connection.", "O(1)");

fn reset(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    release(ctx.db, ctx.server, ctx.client);
    let client = &mut *ctx.client;
    client.db = 0;
    client.name.clear();
    let default = ctx.server.acl.users.default_user();
    client.set_user(default, default.is_open());
    client.reply_mode = ReplyMode::On;
    client.no_evict = false;
    client.no_touch = false;
    ctx.db.no_touch = false;
    ctx.db.select(0);
    ctx.reply.protocol = Protocol::Resp2;
    ctx.reply.simple("RESET");
    Ok(Flow::Done)
}

/// Lets go of what a connection holds: its wait, its transaction, watched keys, subscriptions, what it caches,
/// MONITOR.
pub fn release(store: &mut Store, server: &mut Server, client: &mut Client) {
    wait::end(store, server, client);
    if client.held {
        client.held = false;
        server.held.retain(|&id| id != client.id);
        server.blocked_clients = server.blocked_clients.saturating_sub(1);
    }
    client.transaction = None;
    transaction::unwatch_all(store, client);
    pubsub::leave_all(server, client);
    tracking::end(store, server, client);
    if client.replica.is_some() {
        server.leave_replication(client);
    }
    if client.monitor {
        client.monitor = false;
        server.monitors.retain(|&conn| conn != client.conn);
    }
}
