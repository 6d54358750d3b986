//! GET, SET and their kin.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;

/// GET key: the string at `key`, or null.
pub const GET: Command = Command::new("get", 2, get)
    .readonly()
    .fast()
    .acl(Acl::STRING)
    .group(Group::String)
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("key", "Returns the string value of a key.", "O(1)");

fn get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut buffer = itoa::Buffer::new();
    match ctx.db.string(&args[1])? {
        Some(value) => ctx.reply.bulk(value.text(&mut buffer)),
        None => ctx.reply.null(),
    }
    Ok(Flow::Done)
}

/// SET key value: stores a string.
pub const SET: Command = Command::new("set", -3, set)
    .write()
    .denyoom()
    .acl(Acl::STRING)
    .group(Group::String)
    .keys(&[KeySpec::one(
        1,
        KeyFlags::RW
            .union(KeyFlags::ACCESS)
            .union(KeyFlags::UPDATE)
            .union(KeyFlags::VARIABLE_FLAGS),
    )])
    .docs("key value", "Stores a string.", "O(1)");

fn set(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.len() > 3 {
        return Err(Error::Syntax);
    }
    ctx.db.set_string(&args[1], &args[2], false);
    ctx.db.changed(Class::STRING, "set", &args[1]);
    ctx.reply.ok();
    Ok(Flow::Done)
}
