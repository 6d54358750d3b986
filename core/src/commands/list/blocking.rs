//! BLPOP, BRPOP, BLMOVE, BRPOPLPUSH, BLMPOP: the commands that wait for an element.
//!
//! Each does what its kin without the B does if there is an element, and waits for a list otherwise.

use super::pop::{Wanted, pop_name};
use super::transfer::{KEYS as TRANSFER_KEYS, transfer};
use super::{popped, side};
use crate::client::OnTimeout;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::value::list::Side;
use crate::value::{Kind, List};

const KEY_FLAGS: KeyFlags = KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE);

/// BLPOP key [key ...] timeout: takes the first element of the first list there is, or waits for one.
pub const BLPOP: Command = Command::new("blpop", -3, blpop)
    .write()
    .noscript()
    .blocking()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("2.0.0")
    .keys(&[KeySpec::range(1, -2, 1, KEY_FLAGS)])
    .docs(
        "key [key ...] timeout",
        "Removes the first element of one of several lists and returns it; waits while there is none.",
        "O(N) with N keys",
    );

fn blpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    pop_or_wait(ctx, args, Side::Before)
}

/// BRPOP key [key ...] timeout: takes the last element of the first list there is, or waits for one.
pub const BRPOP: Command = Command::new("brpop", -3, brpop)
    .write()
    .noscript()
    .blocking()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("2.0.0")
    .keys(&[KeySpec::range(1, -2, 1, KEY_FLAGS)])
    .docs(
        "key [key ...] timeout",
        "Removes the last element of one of several lists and returns it; waits while there is none.",
        "O(N) with N keys",
    );

fn brpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    pop_or_wait(ctx, args, Side::After)
}

fn pop_or_wait(ctx: &mut Ctx<'_>, args: Args<'_>, side: Side) -> Result<Flow, Error> {
    let keys = args.len() - 2;
    let timeout_us = args.timeout_us(keys + 1)?;
    for key in args.iter_from(1).take(keys) {
        let Some(list) = ctx.db.object_mut::<List>(key)? else { continue };
        ctx.reply.array(2);
        ctx.reply.bulk(key);
        list.pop(side, |element| ctx.reply.element(element));
        let empty = list.is_empty();
        popped(ctx.db, key, side, 1, empty);
        ctx.replicate(&[pop_name(side), key]);
        return Ok(Flow::Done);
    }
    ctx.block(args.iter_from(1).take(keys), Kind::List, timeout_us, OnTimeout::NullArray)
}

/// BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout: LMOVE, which waits for an element.
pub const BLMOVE: Command = Command::new("blmove", 6, blmove)
    .write()
    .denyoom()
    .noscript()
    .blocking()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("6.2.0")
    .keys(TRANSFER_KEYS)
    .docs(
        "source:key destination:key LEFT|RIGHT LEFT|RIGHT timeout",
        "Moves an element from an end of a list to an end of another and returns it; waits while there is none.",
        "O(1)",
    );

fn blmove(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (from, to) = (side(args, 3)?, side(args, 4)?);
    transfer_or_wait(ctx, args, from, to, 5)
}

/// BRPOPLPUSH source destination timeout: RPOPLPUSH, which waits for an element.
pub const BRPOPLPUSH: Command = Command::new("brpoplpush", 4, brpoplpush)
    .write()
    .denyoom()
    .noscript()
    .blocking()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("2.2.0")
    .keys(TRANSFER_KEYS)
    .deprecated("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")
    .docs(
        "source:key destination:key timeout",
        "Moves the last element of a list to the head of another and returns it; waits while there is none.",
        "O(1)",
    );

fn brpoplpush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    transfer_or_wait(ctx, args, Side::After, Side::Before, 3)
}

fn transfer_or_wait(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    from: Side,
    to: Side,
    timeout_at: usize,
) -> Result<Flow, Error> {
    let timeout_us = args.timeout_us(timeout_at)?;
    if transfer(ctx, args, from, to)? {
        if timeout_at == 3 {
            ctx.replicate(&[b"RPOPLPUSH", &args[1], &args[2]]);
        } else {
            ctx.replicate(&[b"LMOVE", &args[1], &args[2], &args[3], &args[4]]);
        }
        return Ok(Flow::Done);
    }
    if ctx.nested {
        // In a transaction it is a null like LMOVE's; who waited in vain gets a null array.
        ctx.reply.null();
        return Ok(Flow::Done);
    }
    ctx.block(args.iter_from(1).take(1), Kind::List, timeout_us, OnTimeout::NullArray)
}

/// BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]: LMPOP, which waits for elements.
pub const BLMPOP: Command = Command::new("blmpop", -5, blmpop)
    .write()
    .blocking()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("7.0.0")
    .keys(&[KeySpec::counted(2, KEY_FLAGS)])
    .docs(
        "timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]",
        "Removes elements from the first of several lists that is not empty, and returns them; waits while there is none.",
        "O(N+M) with N keys and M elements returned",
    );

fn blmpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let wanted = Wanted::parse(args, 2)?;
    let timeout_us = args.timeout_us(1)?;
    if wanted.take(ctx)? {
        return Ok(Flow::Done);
    }
    ctx.block(wanted.keys(), Kind::List, timeout_us, OnTimeout::NullArray)
}
