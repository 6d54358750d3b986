//! Whether keys exist, of what type they are, and removing them.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;

/// DEL key...: removes keys.
pub const DEL: Command = Command::new("del", -2, del)
    .write()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("1.0.0")
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RM.union(KeyFlags::DELETE))])
    .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
    .docs(
        "key [key ...]",
        "Removes keys and returns how many there were.",
        "O(n) with n the number of keys; large values are freed afterwards, in steps",
    );

fn del(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut removed = 0;
    for key in args.iter_from(1) {
        if ctx.db.remove_live(key) {
            ctx.db.changed(Class::GENERIC, "del", key);
            removed += 1;
        }
    }
    ctx.reply.int(removed);
    Ok(Flow::Done)
}

/// UNLINK key...: DEL under another name, since DEL does not wait for a large value to be freed either.
pub const UNLINK: Command = Command::new("unlink", -2, del)
    .fast()
    .write()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("4.0.0")
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RM.union(KeyFlags::DELETE))])
    .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
    .docs(
        "key [key ...]",
        "Removes keys and returns how many there were; their values are freed afterwards.",
        "O(n) with n the number of keys",
    );

/// EXISTS key...: how many of the keys exist; one named twice counts twice.
pub const EXISTS: Command = Command::new("exists", -2, exists)
    .fast()
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("1.0.0")
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RO)])
    .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
    .docs(
        "key [key ...]",
        "Counts how many of the keys exist; a key named twice counts twice.",
        "O(n) with n the number of keys",
    );

fn exists(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let count = args.iter_from(1).filter(|key| ctx.db.inspect(key).is_some()).count();
    ctx.reply.len(count);
    Ok(Flow::Done)
}

/// TOUCH key...: EXISTS that counts as an access to each key.
pub const TOUCH: Command = Command::new("touch", -2, touch)
    .fast()
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("3.2.1")
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RO)])
    .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
    .docs(
        "key [key ...]",
        "Counts how many of the keys exist and notes an access to each.",
        "O(n) with n the number of keys",
    );

fn touch(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    // It touches even for a client that said NO-TOUCH, as the name says.
    let no_touch = core::mem::replace(&mut ctx.db.no_touch, false);
    let count = args.iter_from(1).filter(|key| ctx.db.read(key).is_some()).count();
    ctx.db.no_touch = no_touch;
    ctx.reply.len(count);
    Ok(Flow::Done)
}

/// TYPE key: the type of the value, `none` if there is none.
pub const TYPE: Command = Command::new("type", 2, type_of)
    .fast()
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO)])
    .docs("key", "Returns the type of the value of a key, or `none`.", "O(1)");

fn type_of(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let name = ctx.db.inspect(&args[1]).map_or("none", |entry| entry.type_().name());
    ctx.reply.simple(name);
    Ok(Flow::Done)
}
