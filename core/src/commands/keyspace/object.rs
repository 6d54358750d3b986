//! OBJECT: what there is to say about a value besides the value.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::commands::help;
use crate::error::Error;
use crate::value::Str;

/// OBJECT: the container.
pub const OBJECT: Command = Command::new("object", -2, object_help)
    .group(Group::Generic)
    .since("2.2.3")
    .subcommands(&[
        &OBJECT_ENCODING,
        &OBJECT_FREQ,
        &OBJECT_IDLETIME,
        &OBJECT_REFCOUNT,
        &OBJECT_HELP,
    ])
    .docs("", "Answers questions about how a value is stored.", "Depends on the subcommand");

/// OBJECT HELP: the subcommands.
const OBJECT_HELP: Command = Command::new("help", 2, object_help)
    .loading()
    .stale()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("6.2.0")
    .docs("", "Lists the subcommands.", "O(1)");

fn object_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &OBJECT)
}

/// OBJECT ENCODING key: how the value is stored.
const OBJECT_ENCODING: Command = Command::new("encoding", 3, object_encoding)
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("2.2.3")
    .keys(&[KeySpec::one(2, KeyFlags::RO)])
    .tips(&["nondeterministic_output"])
    .docs("key", "Returns the name of the encoding of a value.", "O(1)");

fn object_encoding(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    match ctx.db.inspect(&args[2]) {
        Some(entry) => ctx.reply.bulk(entry.encoding().as_bytes()),
        None => ctx.reply.null(),
    }
    Ok(Flow::Done)
}

/// OBJECT REFCOUNT key: how often the value is referred to.
const OBJECT_REFCOUNT: Command = Command::new("refcount", 3, object_refcount)
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("2.2.3")
    .keys(&[KeySpec::one(2, KeyFlags::RO)])
    .tips(&["nondeterministic_output"])
    .docs("key", "Returns how often a value is referred to: 1, or many for a small integer that all keys share.", "O(1)");

fn object_refcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    // Nothing is shared here; Redis's number for its shared integers is kept for those who ask.
    let shares = ctx.server.config.maxmemory == 0 || !ctx.db.eviction.policy.uses_access_clock();
    let key = &args[2];
    match ctx.db.inspect(key) {
        Some(entry) => {
            let small = matches!(entry.as_str(), Some(Str::Int(0..10_000)));
            ctx.reply.int(if small && shares { i64::from(i32::MAX) } else { 1 });
        }
        None => ctx.reply.null(),
    }
    Ok(Flow::Done)
}

/// OBJECT IDLETIME key: how long ago the value was last used.
const OBJECT_IDLETIME: Command = Command::new("idletime", 3, object_idletime)
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("2.2.3")
    .keys(&[KeySpec::one(2, KeyFlags::RO)])
    .tips(&["nondeterministic_output"])
    .docs("key", "Returns how many seconds ago a value was last used.", "O(1)");

fn object_idletime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let access = ctx.db.access;
    let Some(entry) = ctx.db.inspect(&args[2]) else {
        ctx.reply.null();
        return Ok(Flow::Done);
    };
    if access.lfu {
        return Err(Error::Text(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    ctx.reply.int(i64::from(access.idle_seconds(entry)));
    Ok(Flow::Done)
}

/// OBJECT FREQ key: how often the value has been used lately.
const OBJECT_FREQ: Command = Command::new("freq", 3, object_freq)
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("4.0.0")
    .keys(&[KeySpec::one(2, KeyFlags::RO)])
    .tips(&["nondeterministic_output"])
    .docs("key", "Returns the access counter of a value, which grows with the logarithm of the number of accesses.", "O(1)");

fn object_freq(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let access = ctx.db.access;
    let Some(entry) = ctx.db.inspect(&args[2]) else {
        ctx.reply.null();
        return Ok(Flow::Done);
    };
    if !access.lfu {
        return Err(Error::Text(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    ctx.reply.int(i64::from(access.frequency(entry)));
    Ok(Flow::Done)
}
