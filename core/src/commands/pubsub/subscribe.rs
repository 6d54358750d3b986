//! SUBSCRIBE and its kin: joining and leaving channels, patterns and shard channels.

use crate::client::{Client, ConnId};
use crate::collections::ordered;
use crate::command::{Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::server::Server;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// SUBSCRIBE channel [channel ...]: messages to these channels come from now on.
pub const SUBSCRIBE: Command =
    Command::new("subscribe", -2, |ctx, args| join(ctx, args, Kind::Channel))
        .loading()
        .noscript()
        .pubsub()
        .sentinel()
        .stale()
        .group(Group::Pubsub)
        .since("2.0.0")
        .docs(
            "channel [channel ...]",
            "Listens for messages to channels.",
            "O(N) where N is the number of channels",
        );

/// UNSUBSCRIBE [channel ...]: leaves these channels, or all.
pub const UNSUBSCRIBE: Command =
    Command::new("unsubscribe", -1, |ctx, args| leave(ctx, args, Kind::Channel))
        .loading()
        .noscript()
        .pubsub()
        .sentinel()
        .stale()
        .group(Group::Pubsub)
        .since("2.0.0")
        .docs(
            "[channel [channel ...]]",
            "Stops listening for messages to channels.",
            "O(N) where N is the number of channels",
        );

/// PSUBSCRIBE pattern [pattern ...]: messages to channels that match come from now on.
pub const PSUBSCRIBE: Command =
    Command::new("psubscribe", -2, |ctx, args| join(ctx, args, Kind::Pattern))
        .loading()
        .noscript()
        .pubsub()
        .sentinel()
        .stale()
        .group(Group::Pubsub)
        .since("2.0.0")
        .docs(
            "pattern [pattern ...]",
            "Listens for messages to channels that match patterns.",
            "O(N) where N is the number of patterns",
        );

/// PUNSUBSCRIBE [pattern ...]: leaves these patterns, or all.
pub const PUNSUBSCRIBE: Command =
    Command::new("punsubscribe", -1, |ctx, args| leave(ctx, args, Kind::Pattern))
        .loading()
        .noscript()
        .pubsub()
        .sentinel()
        .stale()
        .group(Group::Pubsub)
        .since("2.0.0")
        .docs(
            "[pattern [pattern ...]]",
            "Stops listening for messages to channels that match patterns.",
            "O(N) where N is the number of patterns",
        );

/// SSUBSCRIBE shardchannel [shardchannel ...]: messages to these shard channels come from now on.
pub const SSUBSCRIBE: Command =
    Command::new("ssubscribe", -2, |ctx, args| join(ctx, args, Kind::Shard))
        .loading()
        .noscript()
        .pubsub()
        .stale()
        .group(Group::Pubsub)
        .since("7.0.0")
        .keys(&[KeySpec::range(1, -1, 1, KeyFlags::NOT_KEY)])
        .docs(
            "shardchannel [shardchannel ...]",
            "Listens for messages to shard channels.",
            "O(N) where N is the number of shard channels",
        );

/// SUNSUBSCRIBE [shardchannel ...]: leaves these shard channels, or all.
pub const SUNSUBSCRIBE: Command =
    Command::new("sunsubscribe", -1, |ctx, args| leave(ctx, args, Kind::Shard))
        .loading()
        .noscript()
        .pubsub()
        .stale()
        .group(Group::Pubsub)
        .since("7.0.0")
        .keys(&[KeySpec::range(1, -1, 1, KeyFlags::NOT_KEY)])
        .docs(
            "[shardchannel [shardchannel ...]]",
            "Stops listening for messages to shard channels.",
            "O(N) where N is the number of shard channels",
        );

/// What a client can be subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Channel,
    Pattern,
    Shard,
}

impl Kind {
    const fn joined(self) -> &'static [u8] {
        match self {
            Self::Channel => b"subscribe",
            Self::Pattern => b"psubscribe",
            Self::Shard => b"ssubscribe",
        }
    }

    const fn left(self) -> &'static [u8] {
        match self {
            Self::Channel => b"unsubscribe",
            Self::Pattern => b"punsubscribe",
            Self::Shard => b"sunsubscribe",
        }
    }

    fn of(self, client: &mut Client) -> &mut ordered::Set<Box<[u8]>> {
        match self {
            Self::Channel => &mut client.channels,
            Self::Pattern => &mut client.patterns,
            Self::Shard => &mut client.shard_channels,
        }
    }

    /// The number that confirmations give: shard channels are counted by themselves.
    fn count(self, client: &Client) -> usize {
        if self == Self::Shard { client.shard_channels.len() } else { client.subscriptions() }
    }

    fn add(self, server: &mut Server, name: &[u8], conn: ConnId) {
        let pubsub = &mut server.pubsub;
        match self {
            Self::Channel => pubsub.channels.subscribe(name, conn),
            Self::Shard => pubsub.shard_channels.subscribe(name, conn),
            Self::Pattern => pubsub.patterns.or_insert_with(Box::from(name), Vec::new).push(conn),
        }
    }

    fn remove(self, server: &mut Server, name: &[u8], conn: ConnId) {
        let pubsub = &mut server.pubsub;
        match self {
            Self::Channel => pubsub.channels.unsubscribe(name, conn),
            Self::Shard => pubsub.shard_channels.unsubscribe(name, conn),
            Self::Pattern => {
                if let Some(subscribers) = pubsub.patterns.get_mut(name) {
                    subscribers.retain(|&other| other != conn);
                    if subscribers.is_empty() {
                        pubsub.patterns.remove(name);
                    }
                }
            }
        }
    }
}

fn join(ctx: &mut Ctx<'_>, args: Args<'_>, kind: Kind) -> Result<Flow, Error> {
    for name in args.iter_from(1) {
        if kind.of(ctx.client).insert(Box::from(name)) {
            kind.add(ctx.server, name, ctx.client.conn);
        }
        confirm(ctx, kind, kind.joined(), Some(name));
    }
    Ok(Flow::Done)
}

fn leave(ctx: &mut Ctx<'_>, args: Args<'_>, kind: Kind) -> Result<Flow, Error> {
    if args.len() == 1 {
        let names: Vec<_> = kind.of(ctx.client).iter().cloned().collect();
        for name in &names {
            leave_one(ctx, kind, name);
        }
        if names.is_empty() {
            confirm(ctx, kind, kind.left(), None);
        }
        return Ok(Flow::Done);
    }
    for name in args.iter_from(1) {
        leave_one(ctx, kind, name);
    }
    Ok(Flow::Done)
}

fn leave_one(ctx: &mut Ctx<'_>, kind: Kind, name: &[u8]) {
    if kind.of(ctx.client).remove(name) {
        kind.remove(ctx.server, name, ctx.client.conn);
    }
    confirm(ctx, kind, kind.left(), Some(name));
}

fn confirm(ctx: &mut Ctx<'_>, kind: Kind, what: &[u8], name: Option<&[u8]>) {
    ctx.reply.push(3);
    ctx.reply.bulk(what);
    ctx.reply.bulk_or_null(name);
    let count = kind.count(ctx.client);
    ctx.reply.len(count);
}

/// Ends every subscription of a client without telling it.
pub fn leave_all(server: &mut Server, client: &mut Client) {
    for kind in [Kind::Channel, Kind::Pattern, Kind::Shard] {
        for name in core::mem::take(kind.of(client)) {
            kind.remove(server, &name, client.conn);
        }
    }
}
