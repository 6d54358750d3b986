//! TIME, LOLWUT, ROLE.

use crate::client::replica::Stage;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::Error;

/// TIME: the server's wall clock.
pub const TIME: Command = Command::new("time", 1, time)
    .fast()
    .loading()
    .stale()
    .group(Group::Server)
    .since("2.6.0")
    .tips(&["nondeterministic_output"])
    .docs("", "Returns the server's time as Unix seconds and microseconds.", "O(1)");

fn time(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let unix_us = ctx.server.now.unix_us;
    ctx.reply.array(2);
    ctx.reply.bulk_int((unix_us / 1_000_000) as i64);
    ctx.reply.bulk_int((unix_us % 1_000_000) as i64);
    Ok(Flow::Done)
}

/// LOLWUT: something to look at, with the version.
pub const LOLWUT: Command = Command::new("lolwut", -1, lolwut)
    .fast()
    .readonly()
    .group(Group::Server)
    .since("5.0.0")
    .docs("[VERSION version:integer]", "Shows a drawing and the version.", "O(1)");

fn lolwut(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.is(1, "version") && args.len() >= 3 {
        args.int(2)?;
    }
    let text = alloc::format!("Redis ver. {}\n", super::REDIS_VERSION);
    ctx.reply.verbatim(b"txt", text.as_bytes());
    Ok(Flow::Done)
}

/// ROLE: what the server is to its replicas; a primary, while there is no replication.
pub const ROLE: Command = Command::new("role", 1, role)
    .fast()
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::ADMIN.union(Acl::DANGEROUS))
    .group(Group::Server)
    .since("2.8.12")
    .docs("", "Tells whether the server is a primary, and who its replicas are.", "O(1)");

#[cfg_attr(redstart_small, optimize(speed))]
fn role(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let replicas = ctx.server.replicas_at(Stage::Online);
    ctx.reply.array(3);
    ctx.reply.bulk(b"master");
    ctx.reply.int(ctx.server.replication.offset as i64);
    ctx.reply.array(replicas.len());
    for conn in replicas {
        let Some(client) = ctx.server.clients.get(conn) else { continue };
        let Some(replica) = &client.replica else { continue };
        ctx.reply.array(3);
        ctx.reply.bulk(client.replica_ip());
        ctx.reply.bulk_int(replica.port);
        ctx.reply.bulk_int(replica.acked as i64);
    }
    Ok(Flow::Done)
}
