//! XINFO: what there is to say about a stream besides its entries.

use super::{no_such_group, write_entries, write_entry, write_id};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::commands::help;
use crate::error::Error;
use crate::resp::Reply;
use crate::value::Stream;
use crate::value::stream::{self, Id, Log};

const KEYS: &[KeySpec] = &[KeySpec::one(2, KeyFlags::RO.union(KeyFlags::ACCESS))];

/// XINFO: the container.
pub const XINFO: Command = Command::new("xinfo", -2, xinfo_help)
    .group(Group::Stream)
    .since("5.0.0")
    .subcommands(&[&XINFO_CONSUMERS, &XINFO_GROUPS, &XINFO_HELP, &XINFO_STREAM])
    .docs("", "Answers questions about a stream and its groups.", "Depends on the subcommand");

/// XINFO HELP: the subcommands.
const XINFO_HELP: Command = Command::new("help", 2, xinfo_help)
    .loading()
    .stale()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .docs("", "Lists the subcommands.", "O(1)");

fn xinfo_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &XINFO)
}

/// XINFO STREAM key [FULL [COUNT count]]: a stream.
const XINFO_STREAM: Command = Command::new("stream", -3, xinfo_stream)
    .readonly()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(KEYS)
    .docs("key [FULL [COUNT count]]", "Returns facts about a stream.", "O(1)");

fn xinfo_stream(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    // Redis looks for the key before it reads the options.
    let Some(stream) = ctx.db.object::<Stream>(&args[2])? else { return Err(Error::NoSuchKey) };
    let full = args.len() > 3;
    let mut count = 10;
    if full {
        let known = args.is(3, "FULL") && matches!(args.len(), 4 | 6);
        if !known || args.len() == 6 && !args.is(4, "COUNT") {
            return Err(Error::subcommand_syntax(&args[1], "xinfo"));
        }
        if args.len() == 6 {
            count = args.int(5)?;
            if count < 0 {
                count = 10;
            }
        }
    }
    let log = stream.log();
    let reply = &mut *ctx.reply;
    reply.map(if full { 9 } else { 10 });
    let (keys, nodes) = stream.radix_tree();
    reply.bulk(b"length");
    reply.int(log.len() as i64);
    reply.bulk(b"radix-tree-keys");
    reply.len(keys);
    reply.bulk(b"radix-tree-nodes");
    reply.len(nodes);
    reply.bulk(b"last-generated-id");
    write_id(reply, log.last_id);
    reply.bulk(b"max-deleted-entry-id");
    write_id(reply, log.max_deleted_id);
    reply.bulk(b"entries-added");
    reply.int(log.added as i64);
    reply.bulk(b"recorded-first-entry-id");
    write_id(reply, log.first_id());
    if full {
        write_full(reply, stream, if count == 0 { u64::MAX } else { count as u64 });
        return Ok(Flow::Done);
    }
    reply.bulk(b"groups");
    reply.len(stream.groups().len());
    for (name, mut cursor) in [
        (&b"first-entry"[..], log.range(Id::MIN, Id::MAX)),
        (b"last-entry", log.range_back(Id::MIN, Id::MAX)),
    ] {
        reply.bulk(name);
        match cursor.next() {
            Some((id, fields)) => write_entry(reply, &mut cursor, id, fields),
            None => reply.null(),
        }
    }
    Ok(Flow::Done)
}

/// The entries, the groups, their consumers: up to `count` of each kind of list.
fn write_full(reply: &mut Reply, stream: &Stream, count: u64) {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    reply.bulk(b"entries");
    write_entries(reply, stream.log().range(Id::MIN, Id::MAX), count);
    reply.bulk(b"groups");
    reply.array(stream.groups().len());
    for (name, group) in stream.groups().iter() {
        reply.map(7);
        reply.bulk(b"name");
        reply.bulk(name);
        reply.bulk(b"last-delivered-id");
        write_id(reply, group.last_id);
        write_progress(reply, stream.log(), group);
        reply.bulk(b"pel-count");
        reply.len(group.pending_len());
        reply.bulk(b"pending");
        reply.array(group.pending_len().min(most));
        for pending in group.pending_from(Id::MIN).take(most) {
            reply.array(4);
            write_id(reply, pending.id);
            reply.bulk(group.consumer(pending.consumer).map_or(b"", |consumer| &consumer.name));
            reply.int(pending.delivered_ms);
            reply.int(pending.count as i64);
        }
        reply.bulk(b"consumers");
        reply.array(group.consumer_count());
        for (_, consumer) in group.consumers() {
            reply.map(4);
            reply.bulk(b"name");
            reply.bulk(&consumer.name);
            reply.bulk(b"seen-time");
            reply.int(consumer.seen_ms);
            reply.bulk(b"pel-count");
            reply.len(consumer.pending_len());
            reply.bulk(b"pending");
            reply.array(consumer.pending_len().min(most));
            for id in consumer.pending_from(Id::MIN).take(most) {
                let pending = group.pending(id);
                reply.array(3);
                write_id(reply, id);
                reply.int(pending.map_or(0, |pending| pending.delivered_ms));
                reply.int(pending.map_or(0, |pending| pending.count as i64));
            }
        }
    }
}

/// How many entries a group has read, and how many are still before it.
fn write_progress(reply: &mut Reply, log: &Log, group: &stream::Group) {
    reply.bulk(b"entries-read");
    match group.entries_read {
        Some(count) => reply.int(count as i64),
        None => reply.null(),
    }
    reply.bulk(b"lag");
    match group.lag(log) {
        Some(lag) => reply.int(lag),
        None => reply.null(),
    }
}

/// XINFO GROUPS key: its groups.
const XINFO_GROUPS: Command = Command::new("groups", 3, xinfo_groups)
    .readonly()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(KEYS)
    .docs("key", "Returns facts about the groups of a stream.", "O(1)");

fn xinfo_groups(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let Some(stream) = ctx.db.object::<Stream>(&args[2])? else { return Err(Error::NoSuchKey) };
    let reply = &mut *ctx.reply;
    reply.array(stream.groups().len());
    for (name, group) in stream.groups().iter() {
        reply.map(6);
        reply.bulk(b"name");
        reply.bulk(name);
        reply.bulk(b"consumers");
        reply.len(group.consumer_count());
        reply.bulk(b"pending");
        reply.len(group.pending_len());
        reply.bulk(b"last-delivered-id");
        write_id(reply, group.last_id);
        write_progress(reply, stream.log(), group);
    }
    Ok(Flow::Done)
}

/// XINFO CONSUMERS key group: those who read for a group.
const XINFO_CONSUMERS: Command = Command::new("consumers", 4, xinfo_consumers)
    .readonly()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(KEYS)
    .tips(&["nondeterministic_output"])
    .docs("key group", "Returns facts about the consumers of a group.", "O(1)");

fn xinfo_consumers(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.now_ms();
    let (key, name) = (&args[2], &args[3]);
    let Some(stream) = ctx.db.object::<Stream>(key)? else { return Err(Error::NoSuchKey) };
    let group = stream.groups().get(name).ok_or_else(|| no_such_group(name, key))?;
    let reply = &mut *ctx.reply;
    reply.array(group.consumer_count());
    for (_, consumer) in group.consumers() {
        reply.map(3);
        reply.bulk(b"name");
        reply.bulk(&consumer.name);
        reply.bulk(b"pending");
        reply.len(consumer.pending_len());
        reply.bulk(b"idle");
        reply.int(now_ms.saturating_sub(consumer.seen_ms).max(0));
    }
    Ok(Flow::Done)
}
