//! PUBLISH, SPUBLISH, and keyspace notifications.
//!
//! A message is put together once, for RESP2, and its bytes are copied to every subscriber; RESP3 differs
//! in the first byte.

use crate::client::{Clients, PubSub, ReplyMode};
use crate::collections::glob;
use crate::command::{Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::resp::Reply;
use crate::server::Server;
use crate::store::{Class, KeyEvent, Store};
use alloc::vec::Vec;
use core::mem::take;

/// PUBLISH channel message: sends a message to the subscribers of a channel and of patterns that match it.
pub const PUBLISH: Command = Command::new("publish", 3, publish_command)
    .fast()
    .loading()
    .may_replicate()
    .pubsub()
    .sentinel()
    .stale()
    .group(Group::Pubsub)
    .since("2.0.0")
    .docs(
        "channel message",
        "Sends a message to everyone subscribed to a channel.",
        "O(N+M) where N is the number of subscribers of the channel and M the number of patterns",
    );

fn publish_command(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let receivers = publish(ctx.server, &args[1], &args[2]);
    own_message_first(ctx);
    ctx.reply.len(receivers);
    Ok(Flow::Done)
}

/// Redis 7.0 lets a client see its own message before the count. Inside EXEC that would put a push into the
/// middle of an array, so there it comes after, as in 7.2; and where no count is wanted it is not lost with it.
fn own_message_first(ctx: &mut Ctx<'_>) {
    let at_once = !ctx.nested && ctx.client.reply_mode == ReplyMode::On;
    if at_once && !ctx.server.clients.stray.is_empty() {
        ctx.server.clients.deliver_stray(ctx.client, ctx.reply);
    }
}

/// SPUBLISH shardchannel message: sends a message to the subscribers of a shard channel.
pub const SPUBLISH: Command = Command::new("spublish", 3, spublish)
    .fast()
    .loading()
    .may_replicate()
    .pubsub()
    .stale()
    .group(Group::Pubsub)
    .since("7.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::NOT_KEY)])
    .docs(
        "shardchannel message",
        "Sends a message to everyone subscribed to a shard channel.",
        "O(N) where N is the number of subscribers of the shard channel",
    );

fn spublish(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let Server { pubsub, clients, .. } = ctx.server;
    let PubSub { shard_channels, frame, .. } = pubsub;
    let subscribers = shard_channels.subscribers(&args[1]);
    if !subscribers.is_empty() {
        message(frame, b"smessage", &args[1], &args[2]);
        for &conn in subscribers {
            clients.tell(conn, &frame.out);
        }
    }
    let receivers = subscribers.len();
    own_message_first(ctx);
    ctx.reply.len(receivers);
    Ok(Flow::Done)
}

/// Sends `text` to the subscribers of `channel`; how many got it. The client whose command runs gets it
/// through `Clients::stray`.
pub fn publish(server: &mut Server, channel: &[u8], text: &[u8]) -> usize {
    let Server { pubsub, clients, .. } = server;
    let PubSub { channels, patterns, frame, .. } = pubsub;
    let subscribers = channels.subscribers(channel);
    let mut receivers = subscribers.len();
    if !subscribers.is_empty() {
        message(frame, b"message", channel, text);
        for &conn in subscribers {
            clients.tell(conn, &frame.out);
        }
    }
    for (pattern, subscribers) in patterns.iter_mut() {
        if glob::matches(pattern, channel) {
            frame.out.clear();
            frame.push(4);
            frame.bulk(b"pmessage");
            frame.bulk(pattern);
            frame.bulk(channel);
            frame.bulk(text);
            tell_all(clients, subscribers, frame);
            receivers += subscribers.len();
        }
    }
    if frame.out.capacity() > 64 * 1024 {
        frame.out = Vec::new();
    }
    receivers
}

fn tell_all(clients: &mut Clients, subscribers: &[crate::client::ConnId], frame: &Reply) {
    for &conn in subscribers {
        clients.tell(conn, &frame.out);
    }
}

fn message(frame: &mut Reply, kind: &[u8], channel: &[u8], text: &[u8]) {
    frame.out.clear();
    frame.push(3);
    frame.bulk(kind);
    frame.bulk(channel);
    frame.bulk(text);
}

/// Publishes what happened to keys since the last time, in that order.
#[cold]
pub fn publish_events(store: &mut Store, server: &mut Server) {
    let (keyspace, keyevent) =
        (store.notify.contains(Class::KEYSPACE), store.notify.contains(Class::KEYEVENT));
    let mut channel = Vec::new();
    for KeyEvent { event, db, key, .. } in take(&mut store.events) {
        let mut buffer = itoa::Buffer::new();
        let db = buffer.format(db).as_bytes();
        if keyspace {
            channel.clear();
            for part in [b"__keyspace@", db, b"__:", &key] {
                channel.extend_from_slice(part);
            }
            publish(server, &channel, event.as_bytes());
        }
        if keyevent {
            channel.clear();
            for part in [b"__keyevent@", db, b"__:", event.as_bytes()] {
                channel.extend_from_slice(part);
            }
            publish(server, &channel, &key);
        }
    }
}
