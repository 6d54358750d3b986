//! XGROUP: making, changing and removing groups and their consumers.

use super::{no_such_group, note, strict_id};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::commands::help;
use crate::error::Error;
use crate::value::Stream;
use crate::value::stream::{Id, Log};

/// XGROUP: the container.
pub const XGROUP: Command = Command::new("xgroup", -2, xgroup_help)
    .group(Group::Stream)
    .since("5.0.0")
    .subcommands(&[
        &XGROUP_CREATE,
        &XGROUP_CREATECONSUMER,
        &XGROUP_DELCONSUMER,
        &XGROUP_DESTROY,
        &XGROUP_HELP,
        &XGROUP_SETID,
    ])
    .docs("", "Manages the groups that read a stream.", "Depends on the subcommand");

/// XGROUP HELP: the subcommands.
const XGROUP_HELP: Command = Command::new("help", 2, xgroup_help)
    .loading()
    .stale()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .docs("", "Lists the subcommands.", "O(1)");

fn xgroup_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &XGROUP)
}

const KEY_MISSING: Error = Error::Text(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use \
     the MKSTREAM option to create an empty stream automatically.",
);

/// XGROUP CREATE key group id|$: makes a group.
const XGROUP_CREATE: Command = Command::new("create", -5, xgroup_create)
    .denyoom()
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT))])
    .docs(
        "key group id|$ [MKSTREAM] [ENTRIESREAD entries-read:integer]",
        "Makes a group that reads a stream from an ID on.",
        "O(1)",
    );

fn xgroup_create(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut make = false;
    let mut entries_read = None;
    let mut at = 5;
    while at < args.len() {
        if args.is(at, "MKSTREAM") {
            make = true;
        } else if at + 1 < args.len() && args.is(at, "ENTRIESREAD") {
            entries_read = self::entries_read(args, at + 1)?;
            at += 1;
        } else {
            return Err(Error::subcommand_syntax(&args[1], "xgroup"));
        }
        at += 1;
    }
    let (key, name) = (&args[2], &args[3]);
    let exists = ctx.db.check_type::<Stream>(key)?;
    if !exists && !make {
        return Err(KEY_MISSING);
    }
    // The ID is looked at before a stream is made, so that a wrong one makes none.
    let given = given_id(args)?;
    let (stream, _, _) = ctx.db.object_or_insert::<Stream>(key)?;
    let id = given.unwrap_or(stream.log().last_id);
    if stream.groups_mut().create(name, id, entries_read).is_none() {
        return Err(Error::Text("BUSYGROUP Consumer Group name already exists"));
    }
    ctx.reply.ok();
    if !exists {
        ctx.db.touch_watchers(key);
    }
    note(ctx, "xgroup-create", key);
    Ok(Flow::Done)
}

/// The ID at argument 4; `None` for `$`, the stream's last.
fn given_id(args: Args<'_>) -> Result<Option<Id>, Error> {
    match args.at(4) {
        b"$" => Ok(None),
        text => strict_id(text, 0).map(Some),
    }
}

/// How many entries a group has read; `None` for -1, which says that it is not known.
fn entries_read(args: Args<'_>, at: usize) -> Result<Option<u64>, Error> {
    match args.int(at)? {
        -1 => Ok(None),
        count if count >= 0 => Ok(Some(count as u64)),
        _ => Err(Error::Text("ERR value for ENTRIESREAD must be positive or -1")),
    }
}

/// XGROUP SETID key group id|$: sets how far a group has read.
const XGROUP_SETID: Command = Command::new("setid", -5, xgroup_setid)
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .docs(
        "key group id|$ [ENTRIESREAD entries-read:integer]",
        "Sets the ID up to which a group has read.",
        "O(1)",
    );

fn xgroup_setid(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut read = None;
    let mut at = 5;
    while at < args.len() {
        if at + 1 == args.len() || !args.is(at, "ENTRIESREAD") {
            return Err(Error::subcommand_syntax(&args[1], "xgroup"));
        }
        read = entries_read(args, at + 1)?;
        at += 2;
    }
    with_group(ctx, args, |log, group| {
        group.last_id = match args.at(4) {
            // Only here are the ends of a range taken for IDs, as in Redis.
            b"-" => Id::MIN,
            b"+" => Id::MAX,
            _ => given_id(args)?.unwrap_or(log.last_id),
        };
        group.entries_read = read;
        Ok(())
    })?;
    ctx.reply.ok();
    note(ctx, "xgroup-setid", &args[2]);
    Ok(Flow::Done)
}

/// Shows the stream at argument 2 and its group of the name at argument 3.
fn with_group<R>(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    see: impl FnOnce(&Log, &mut crate::value::stream::Group) -> Result<R, Error>,
) -> Result<R, Error> {
    let (key, name) = (&args[2], &args[3]);
    let stream = ctx.db.object_mut::<Stream>(key)?.ok_or(KEY_MISSING)?;
    let (log, groups) = stream.parts_mut();
    let group = groups.get_mut(name).ok_or_else(|| no_such_group(name, key))?;
    see(log, group)
}

/// XGROUP DESTROY key group: removes a group.
const XGROUP_DESTROY: Command = Command::new("destroy", 4, xgroup_destroy)
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key group",
        "Removes a group with its consumers and what they did not acknowledge.",
        "O(N) with N entries that are not acknowledged",
    );

fn xgroup_destroy(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[2];
    let stream = ctx.db.object_mut::<Stream>(key)?.ok_or(KEY_MISSING)?;
    let found = stream.groups_mut().destroy(&args[3]);
    ctx.reply.int(i64::from(found));
    if found {
        note(ctx, "xgroup-destroy", key);
        // Those who wait for it are told.
        ctx.db.signal(key);
    }
    Ok(Flow::Done)
}

/// XGROUP CREATECONSUMER key group consumer: makes a consumer.
const XGROUP_CREATECONSUMER: Command = Command::new("createconsumer", 5, xgroup_createconsumer)
    .denyoom()
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("6.2.0")
    .keys(&[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT))])
    .docs("key group consumer", "Makes a consumer of a group unless there is one.", "O(1)");

fn xgroup_createconsumer(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.now_ms();
    let new =
        with_group(ctx, args, |_, group| Ok(group.create_consumer(&args[4], now_ms).is_some()))?;
    if new {
        note(ctx, "xgroup-createconsumer", &args[2]);
    }
    ctx.reply.int(i64::from(new));
    Ok(Flow::Done)
}

/// XGROUP DELCONSUMER key group consumer: removes a consumer.
const XGROUP_DELCONSUMER: Command = Command::new("delconsumer", 5, xgroup_delconsumer)
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key group consumer",
        "Removes a consumer of a group and returns how many entries it did not acknowledge.",
        "O(N) with N entries that are not acknowledged",
    );

fn xgroup_delconsumer(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let pending = with_group(ctx, args, |_, group| {
        Ok(group.find_consumer(&args[4]).map(|id| group.remove_consumer(id)))
    })?;
    if pending.is_some() {
        note(ctx, "xgroup-delconsumer", &args[2]);
    }
    ctx.reply.len(pending.unwrap_or(0));
    Ok(Flow::Done)
}
