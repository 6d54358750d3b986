//! ACL LOG: what was refused lately.

use super::of_acl;
use crate::command::{Args, Command, Ctx, Flow};
use crate::error::Error;

/// ACL LOG \[count|RESET\]: the last refusals, or forgets them.
pub(super) const ACL_LOG: Command = of_acl("log", -2, log).admin().docs(
    "[count:int|RESET]",
    "Returns what was refused to users lately, or forgets it.",
    "O(N) with N the number of entries",
);

fn log(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    const COUNT_USUAL: usize = 10;
    let count = match args.len() {
        2 => COUNT_USUAL,
        3 if args.is(2, "reset") => {
            ctx.server.acl.log.entries.clear();
            ctx.reply.ok();
            return Ok(Flow::Done);
        }
        3 => usize::try_from(args.int(2)?).unwrap_or(0),
        _ => return Err(Error::subcommand_syntax(&args[1], "acl")),
    };
    let now_ms = ctx.server.now.unix_ms();
    let entries = &ctx.server.acl.log.entries;
    let reply = &mut *ctx.reply;
    reply.array(count.min(entries.len()));
    for entry in entries.iter().take(count) {
        reply.map(7);
        reply.bulk(b"count");
        reply.int(entry.count as i64);
        for (field, value) in [
            (&b"reason"[..], entry.reason.name().as_bytes()),
            (b"context", entry.context.name().as_bytes()),
            (b"object", &entry.object),
            (b"username", &entry.username),
        ] {
            reply.bulk(field);
            reply.bulk(value);
        }
        reply.bulk(b"age-seconds");
        reply.double((now_ms - entry.unix_ms) as f64 / 1000.0);
        reply.bulk(b"client-info");
        reply.bulk(&entry.client);
    }
    Ok(Flow::Done)
}
