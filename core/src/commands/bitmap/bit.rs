//! One bit: SETBIT, GETBIT.

use super::{bit_offset, change_bits};
use crate::collections::bits;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;

/// SETBIT key offset value: sets or clears a bit; replies what it was.
pub const SETBIT: Command = Command::new("setbit", 4, setbit)
    .denyoom()
    .write()
    .acl(Acl::BITMAP)
    .group(Group::Bitmap)
    .since("2.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs(
        "key offset value:integer",
        "Sets or clears a bit of a string and returns what it was; the string grows as far as needed.",
        "O(1)",
    );

fn setbit(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    let at = bit_offset(&args[2], None, ctx.server.config.proto_max_bulk_len)?;
    let value = match &args[3] {
        b"0" => false,
        b"1" => true,
        _ => return Err(Error::Text("ERR bit is not an integer or out of range")),
    };
    let (old, grows) =
        change_bits(ctx.db, key, at, |bytes, grows| (bits::set_bit(bytes, at, value), grows))?;
    if grows || old != value {
        ctx.db.changed(Class::STRING, "setbit", key);
    }
    ctx.reply.int(old.into());
    Ok(Flow::Done)
}

/// GETBIT key offset: a bit of the string at `key`, 0 past its end.
pub const GETBIT: Command = Command::new("getbit", 3, getbit)
    .fast()
    .readonly()
    .acl(Acl::BITMAP)
    .group(Group::Bitmap)
    .since("2.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs("key offset", "Returns a bit of a string; past its end all bits are 0.", "O(1)");

fn getbit(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let at = bit_offset(&args[2], None, ctx.server.config.proto_max_bulk_len)?;
    let mut buffer = itoa::Buffer::new();
    let bytes = ctx.db.string(&args[1])?.map_or(&b""[..], |value| value.text(&mut buffer));
    ctx.reply.int(bits::bit(bytes, at).into());
    Ok(Flow::Done)
}
