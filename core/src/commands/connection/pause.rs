//! CLIENT PAUSE, UNPAUSE, UNBLOCK: holding commands back, and ending a client's wait.

use crate::client::Blocked;
use crate::command::ctx::write_timeout;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, wait};
use crate::error::Error;
use crate::resp::Reply;
use crate::server::Pause;

/// CLIENT PAUSE timeout \[WRITE|ALL\]: holds commands back for a time.
pub(super) const CLIENT_PAUSE: Command = Command::new("pause", -3, client_pause)
    .admin()
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("2.9.50")
    .docs(
        "timeout:int [WRITE|ALL]",
        "Holds back all commands of clients, or those that write, for some milliseconds.",
        "O(1)",
    );

fn client_pause(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let all = match args.len() {
        3 => true,
        4 if args.is(3, "WRITE") => false,
        4 if args.is(3, "ALL") => true,
        4 => return Err(Error::Text("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        _ => return Err(Error::subcommand_syntax(&args[1], "client")),
    };
    let Ok(timeout_ms) = args.int(2) else {
        return Err(Error::Text("ERR timeout is not an integer or out of range"));
    };
    let Ok(timeout_ms) = u64::try_from(timeout_ms) else {
        return Err(Error::Text("ERR timeout is negative"));
    };
    // The end must be a moment that Redis could name too.
    if timeout_ms > (i64::MAX - ctx.server.now.unix_ms()) as u64 {
        return Err(Error::Text("ERR timeout is out of range"));
    }
    let until_us = ctx.server.now.mono_us.saturating_add(timeout_ms.saturating_mul(1000));
    let pause = ctx.server.pause.get_or_insert(Pause { until_us, all });
    // Two pauses are as long and as strict as each of them.
    pause.until_us = pause.until_us.max(until_us);
    pause.all |= all;
    ctx.db.keep_expired = true;
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// CLIENT UNPAUSE: lets commands run again.
pub(super) const CLIENT_UNPAUSE: Command = Command::new("unpause", 2, client_unpause)
    .admin()
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("6.2.0")
    .docs(
        "",
        "Lets the commands of paused clients run.",
        "O(N) where N is the number of paused clients",
    );

fn client_unpause(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    wait::end_pause(ctx.db, ctx.server);
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// CLIENT UNBLOCK client-id \[TIMEOUT|ERROR\]: ends the wait of a client as if its time were up, or with an error.
pub(super) const CLIENT_UNBLOCK: Command = Command::new("unblock", -3, client_unblock)
    .admin()
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("5.0.0")
    .docs(
        "client-id:int [TIMEOUT|ERROR]",
        "Ends the wait of a client that a blocking command holds.",
        "O(log N) where N is the number of client connections",
    );

fn client_unblock(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let with_error = match args.len() {
        3 => false,
        4 if args.is(3, "TIMEOUT") => false,
        4 if args.is(3, "ERROR") => true,
        4 => return Err(Error::Text("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
        _ => return Err(Error::subcommand_syntax(&args[1], "client")),
    };
    let id = args.int(2)?;
    let conn = u64::try_from(id).ok().and_then(|id| ctx.server.clients.conn(id));
    let Some(mut client) = conn.and_then(|conn| ctx.server.clients.take(conn)) else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    let is_blocked = client.blocked.is_some();
    if let Some(Blocked { wait, command, .. }) = &client.blocked {
        let on_timeout = wait.on_timeout;
        let mut reply = Reply::new(client.reply.protocol);
        if with_error {
            let error = Error::Text("UNBLOCKED client unblocked via CLIENT UNBLOCK");
            ctx.server.command_stats[*command].failed += 1;
            ctx.server.stats.count_error(&error.text());
            reply.error(&error);
        } else {
            write_timeout(&mut reply, on_timeout);
        }
        wait::give_up(ctx.db, ctx.server, &mut client, &reply);
    }
    let conn = client.conn;
    ctx.server.clients.put_back(client);
    ctx.server.clients.told.push(conn);
    ctx.reply.int(i64::from(is_blocked));
    Ok(Flow::Done)
}
