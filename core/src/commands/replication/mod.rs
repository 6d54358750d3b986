//! SYNC, PSYNC, REPLCONF: the data set through a connection. What follows is `engine::replication`'s.

use crate::client::ReplyMode;
use crate::client::replica::{Replica, Stage};
use crate::command::{Args, Command, Ctx, Flow, Group};
use crate::error::Error;
use crate::resp::parse::split_words;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

/// SYNC: becomes a replica, which gets a snapshot and then each change.
pub const SYNC: Command = Command::new("sync", 1, sync)
    .admin()
    .no_async_loading()
    .no_multi()
    .noscript()
    .group(Group::Server)
    .docs("", "Sends a snapshot of the data set, then each change to it.", "O(N) for N keys");

fn sync(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    ask(ctx, false)
}

/// PSYNC replicationid offset: the same for those who may have been replicas before. There is no backlog to go on
/// from: each time it is a new snapshot.
pub const PSYNC: Command = Command::new("psync", -3, psync)
    .admin()
    .no_async_loading()
    .no_multi()
    .noscript()
    .group(Group::Server)
    .since("2.8.0")
    .docs(
        "replicationid:string offset:integer",
        "Sends a snapshot of the data set, then each change to it, and says which history they are of.",
        "O(N) for N keys",
    );

fn psync(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    args.int(2)?;
    if args.is(3, "failover") {
        return Err(Error::Text("ERR PSYNC FAILOVER replid must match my replid."));
    }
    ask(ctx, true)
}

fn ask(ctx: &mut Ctx<'_>, psync: bool) -> Result<Flow, Error> {
    if ctx.client.peer.synchronous {
        return Err(Error::Text("ERR SYNC and PSYNC need a connection of their own"));
    }
    let replica = ctx.client.replica.get_or_insert_default();
    if replica.stage != Stage::None || ctx.client.monitor {
        return Ok(Flow::Done);
    }
    if ctx.reply.out.len() > ctx.client.sent {
        return Err(Error::Text("ERR SYNC and PSYNC are invalid with pending output"));
    }
    if !replica.finds_end {
        if !(replica.keys && replica.functions) {
            return Err(Error::Text("ERR Filtered replica requires EOF capability"));
        }
        if ctx.server.hooks.spool.is_none() {
            return Err(Error::Text(
                "ERR this server has no disk to find the length of a snapshot: REPLCONF capa eof is needed",
            ));
        }
    }
    replica.stage = Stage::Waiting;
    replica.psync = psync;
    (replica.moved_us, replica.acked_ms) = (ctx.server.now.mono_us, ctx.server.now.unix_ms());
    // What else it says is not answered: replies would stand in the middle of the stream.
    ctx.client.reply_mode = ReplyMode::Off;
    ctx.server.replication.replicas.push(ctx.client.conn);
    Ok(Flow::Done)
}

/// REPLCONF option value …: what a replica says of itself.
pub const REPLCONF: Command = Command::new("replconf", -1, replconf)
    .admin()
    .allow_busy()
    .loading()
    .noscript()
    .stale()
    .group(Group::Server)
    .since("3.0.0")
    .docs("", "Tells what a replica can do, what it wants, and how far it is.", "O(1)");

fn replconf(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.len().is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    let now_ms = ctx.server.now.unix_ms();
    let replica: &mut Replica = ctx.client.replica.get_or_insert_with(Box::default);
    for at in (1..args.len()).step_by(2) {
        let value = args.at(at + 1);
        if args.is(at, "listening-port") {
            replica.port = args.int(at + 1)?;
        } else if args.is(at, "ip-address") {
            if value.len() >= IP_BYTES_MAX {
                return Err(Error::Owned(format!(
                    "ERR REPLCONF ip-address provided by replica instance is too long: {} bytes",
                    value.len()
                )));
            }
            replica.ip = value.into();
        } else if args.is(at, "capa") {
            // Redis compares these letter by letter, whatever their case. It knows of others, which change nothing here.
            replica.finds_end |= args.is(at + 1, "eof");
        } else if args.is(at, "ack") {
            // It never has a reply.
            if replica.stage > Stage::None {
                replica.acked = replica.acked.max(args.int(at + 1).unwrap_or(0).max(0) as u64);
                replica.acked_ms = now_ms;
            }
            return Ok(Flow::Done);
        } else if args.is(at, "getack") {
            return Ok(Flow::Done);
        } else if args.is(at, "rdb-only") {
            replica.rdb_only = match args.int(at + 1)? {
                0 => false,
                1 => true,
                _ => {
                    return Err(Error::Text(
                        "ERR value is out of range, value must between 0 and 1",
                    ));
                }
            };
        } else if args.is(at, "rdb-filter-only") {
            let Some(words) = split_words(value) else {
                return Err(Error::Text("ERR Missing rdb-filter-only values"));
            };
            (replica.keys, replica.functions) = (false, false);
            for word in words {
                if !word.eq_ignore_ascii_case(b"functions") {
                    let word = String::from_utf8_lossy(&word);
                    let text = format!("ERR Unsupported rdb-filter-only option: {word}");
                    return Err(Error::Owned(text));
                }
                replica.functions = true;
            }
        } else {
            let name = String::from_utf8_lossy(args.at(at));
            return Err(Error::Owned(format!("ERR Unrecognized REPLCONF option: {name}")));
        }
    }
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// An address is shorter than this, in bytes.
const IP_BYTES_MAX: usize = 256;
