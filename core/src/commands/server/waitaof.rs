//! WAITAOF.

use crate::client::OnTimeout;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::Error;
use crate::value::Kind;

/// WAITAOF numlocal numreplicas timeout: waits until what the client has written is on disk.
pub const WAITAOF: Command = Command::new("waitaof", 4, waitaof)
    .blocking()
    .acl(Acl::CONNECTION)
    .group(Group::Generic)
    .since("7.2.0")
    .tips(&["request_policy:all_shards", "response_policy:agg_min"])
    .docs(
        "numlocal:integer numreplicas:integer timeout:integer",
        "Waits until what the client has written is in the append-only file on disk, here and on replicas.",
        "O(1)",
    );

fn waitaof(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let wants_local = match args.int(1)? {
        0 => false,
        1 => true,
        _ => return Err(Error::Text("ERR value is out of range, value must between 0 and 1")),
    };
    let out_of_range = "ERR value is out of range, must be positive";
    let wants_replicas = args.int_in(2, 0..=i64::MAX, out_of_range)? > 0;
    let timeout =
        args.int(3).map_err(|_| Error::Text("ERR timeout is not an integer or out of range"))?;
    let Ok(timeout_ms) = u64::try_from(timeout) else {
        return Err(Error::Text("ERR timeout is negative"));
    };
    let journal = &ctx.db.journal;
    if wants_local && !journal.aof {
        return Err(Error::Text(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    let offset = ctx.client.journal_end;
    let is_local = journal.aof && journal.synced >= offset;
    if !wants_replicas && (is_local || !wants_local) {
        ctx.reply.array(2);
        ctx.reply.int(is_local.into());
        ctx.reply.int(0);
        return Ok(Flow::Done);
    }
    let id = ctx.client.id;
    let on_timeout = OnTimeout::Pair(is_local.into(), 0);
    let timeout_us = timeout_ms.saturating_mul(1000);
    let flow = ctx.block(core::iter::empty(), Kind::Inline, timeout_us, on_timeout)?;
    if let Flow::Block(_) = flow {
        ctx.server.disk_waiters.retain(|&(waiter, ..)| waiter != id);
        ctx.server.disk_waiters.push((id, offset, wants_replicas));
    }
    Ok(flow)
}
