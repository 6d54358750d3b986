//! PUBSUB: which channels there are and how many listen.

use crate::client::pubsub::Channels;
use crate::collections::glob;
use crate::command::{Args, Command, Ctx, Flow, Group};
use crate::commands::help;
use crate::error::Error;

/// PUBSUB: the container.
pub const PUBSUB: Command = Command::new("pubsub", -2, pubsub_help)
    .group(Group::Pubsub)
    .since("2.8.0")
    .docs("", "A container for commands about subscriptions.", "Depends on subcommand.")
    .subcommands(&[
        &PUBSUB_CHANNELS,
        &PUBSUB_HELP,
        &PUBSUB_NUMPAT,
        &PUBSUB_NUMSUB,
        &PUBSUB_SHARDCHANNELS,
        &PUBSUB_SHARDNUMSUB,
    ]);

/// PUBSUB CHANNELS [pattern]: the channels that have subscribers.
pub const PUBSUB_CHANNELS: Command = Command::new("channels", -2, |ctx, args| {
    if args.len() > 3 {
        return Err(Error::subcommand_syntax(&args[1], "pubsub"));
    }
    names(ctx, args, false)
})
.loading()
.pubsub()
.stale()
.group(Group::Pubsub)
.since("2.8.0")
.docs(
    "[pattern]",
    "Lists the channels that have subscribers.",
    "O(N) where N is the number of channels",
);

/// PUBSUB SHARDCHANNELS [pattern]: the shard channels that have subscribers.
pub const PUBSUB_SHARDCHANNELS: Command = Command::new("shardchannels", -2, |ctx, args| {
    if args.len() > 3 {
        return Err(Error::subcommand_syntax(&args[1], "pubsub"));
    }
    names(ctx, args, true)
})
.loading()
.pubsub()
.stale()
.group(Group::Pubsub)
.since("7.0.0")
.docs(
    "[pattern]",
    "Lists the shard channels that have subscribers.",
    "O(N) where N is the number of shard channels",
);

fn names(ctx: &mut Ctx<'_>, args: Args<'_>, shard: bool) -> Result<Flow, Error> {
    let channels = of(ctx.server, shard);
    let pattern = args.get(2);
    let place = ctx.reply.deferred();
    let mut count = 0;
    for name in channels.names() {
        if pattern.is_none_or(|pattern| glob::matches(pattern, name)) {
            ctx.reply.bulk(name);
            count += 1;
        }
    }
    ctx.reply.finish_array(place, count);
    Ok(Flow::Done)
}

/// PUBSUB NUMSUB [channel ...]: how many listen to each channel, patterns left aside.
pub const PUBSUB_NUMSUB: Command = Command::new("numsub", -2, |ctx, args| counts(ctx, args, false))
    .loading()
    .pubsub()
    .stale()
    .group(Group::Pubsub)
    .since("2.8.0")
    .docs(
        "[channel [channel ...]]",
        "Counts the subscribers of channels.",
        "O(N) where N is the number of channels",
    );

/// PUBSUB SHARDNUMSUB [shardchannel ...]: how many listen to each shard channel.
pub const PUBSUB_SHARDNUMSUB: Command =
    Command::new("shardnumsub", -2, |ctx, args| counts(ctx, args, true))
        .loading()
        .pubsub()
        .stale()
        .group(Group::Pubsub)
        .since("7.0.0")
        .docs(
            "[shardchannel [shardchannel ...]]",
            "Counts the subscribers of shard channels.",
            "O(N) where N is the number of shard channels",
        );

fn counts(ctx: &mut Ctx<'_>, args: Args<'_>, shard: bool) -> Result<Flow, Error> {
    ctx.reply.array((args.len() - 2) * 2);
    for name in args.iter_from(2) {
        ctx.reply.bulk(name);
        ctx.reply.len(of(ctx.server, shard).subscribers(name).len());
    }
    Ok(Flow::Done)
}

/// PUBSUB NUMPAT: how many patterns somebody is subscribed to.
pub const PUBSUB_NUMPAT: Command = Command::new("numpat", 2, |ctx, _| {
    ctx.reply.len(ctx.server.pubsub.patterns.len());
    Ok(Flow::Done)
})
.loading()
.pubsub()
.stale()
.group(Group::Pubsub)
.since("2.8.0")
.docs("", "Counts the patterns that have subscribers.", "O(1)");

/// PUBSUB HELP.
pub const PUBSUB_HELP: Command = Command::new("help", 2, pubsub_help)
    .loading()
    .stale()
    .group(Group::Pubsub)
    .since("6.2.0")
    .docs("", "Prints this help.", "O(1)");

fn pubsub_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &PUBSUB)
}

fn of(server: &crate::server::Server, shard: bool) -> &Channels {
    if shard { &server.pubsub.shard_channels } else { &server.pubsub.channels }
}
