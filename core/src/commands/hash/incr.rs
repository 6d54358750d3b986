//! HINCRBY and HINCRBYFLOAT. Neither changes when a field expires.

use crate::collections::decimal::{self, Extended};
use crate::collections::listpack::Element;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::{Hash, Keep};
use alloc::vec::Vec;

/// HINCRBY key field increment: adds to an integer.
pub const HINCRBY: Command = Command::new("hincrby", 4, hincrby)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs("key field increment", "Adds an integer to the value of a field.", "O(1)");

fn hincrby(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (key, name) = (&args[1], &args[2]);
    let by = args.int(3)?;
    let now_ms = ctx.due_ms();
    ctx.db.expire_fields(key, args.iter_from(2).take(1));
    let (hash, tuning, _) = ctx.db.object_or_insert::<Hash>(key)?;
    let sum = match hash.add_int(name, by) {
        Some(sum) => sum,
        None => {
            let old = match hash.get(name, &tuning.seed, now_ms) {
                None => 0,
                Some(Element::Int(value)) => value,
                Some(Element::Str(text)) => {
                    decimal::parse(text).ok_or(Error::Text("ERR hash value is not an integer"))?
                }
            };
            let sum = old
                .checked_add(by)
                .ok_or(Error::Text("ERR increment or decrement would overflow"))?;
            hash.set(name, itoa::Buffer::new().format(sum).as_bytes(), Keep::Time, tuning);
            sum
        }
    };
    ctx.db.changed(Class::HASH, "hincrby", key);
    ctx.reply.int(sum);
    Ok(Flow::Done)
}

/// HINCRBYFLOAT key field increment: adds to a number.
pub const HINCRBYFLOAT: Command = Command::new("hincrbyfloat", 4, hincrbyfloat)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::HASH)
    .group(Group::Hash)
    .since("2.6.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs(
        "key field increment:double",
        "Adds a floating point number to the value of a field.",
        "O(1)",
    );

#[cfg_attr(redstart_small, optimize(speed))]
fn hincrbyfloat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (key, name) = (&args[1], &args[2]);
    let by = Extended::parse(&args[3]).ok_or(Error::NotFloat)?;
    if !by.is_finite() {
        return Err(Error::Text("ERR value is NaN or Infinity"));
    }
    let now_ms = ctx.due_ms();
    ctx.db.expire_fields(key, args.iter_from(2).take(1));
    let (hash, tuning, _) = ctx.db.object_or_insert::<Hash>(key)?;
    let sum = match hash.get(name, &tuning.seed, now_ms) {
        None => by,
        Some(old) => {
            let old =
                Extended::parse(&old.text()).ok_or(Error::Text("ERR hash value is not a float"))?;
            old + by
        }
    };
    if !sum.is_finite() {
        return Err(Error::Text("ERR increment would produce NaN or Infinity"));
    }
    let mut text = Vec::with_capacity(32);
    sum.write(&mut text);
    hash.set(name, &text, Keep::Time, tuning);
    ctx.db.changed(Class::HASH, "hincrbyfloat", key);
    ctx.replicate(&[b"HSET", key, name, &text]);
    ctx.reply.bulk(&text);
    Ok(Flow::Done)
}
