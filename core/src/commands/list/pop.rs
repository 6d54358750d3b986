//! LPOP, RPOP, LMPOP: taking elements from the ends.

use super::{popped, side};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::value::List;
use crate::value::list::Side;

const KEY_FLAGS: KeyFlags = KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE);

/// LPOP key [count]: takes the first elements.
pub const LPOP: Command = Command::new("lpop", -2, lpop)
    .write()
    .fast()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KEY_FLAGS)])
    .docs(
        "key [count]",
        "Removes the first elements of a list and returns them.",
        "O(N) with N elements returned",
    );

fn lpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    pop(ctx, args, Side::Before)
}

/// RPOP key [count]: takes the last elements.
pub const RPOP: Command = Command::new("rpop", -2, rpop)
    .write()
    .fast()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KEY_FLAGS)])
    .docs(
        "key [count]",
        "Removes the last elements of a list and returns them.",
        "O(N) with N elements returned",
    );

fn rpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    pop(ctx, args, Side::After)
}

#[inline]
fn pop(ctx: &mut Ctx<'_>, args: Args<'_>, side: Side) -> Result<Flow, Error> {
    if args.len() > 2 {
        return pop_count(ctx, args, side);
    }
    let key = args.at(1);
    let Some(list) = ctx.db.object_mut::<List>(key)? else {
        ctx.reply.null();
        return Ok(Flow::Done);
    };
    list.pop(side, |element| ctx.reply.element(element));
    let empty = list.is_empty();
    popped(ctx.db, key, side, 1, empty);
    Ok(Flow::Done)
}

fn pop_count(ctx: &mut Ctx<'_>, args: Args<'_>, side: Side) -> Result<Flow, Error> {
    if args.len() > 3 {
        return Err(Error::Arity(ctx.command.name));
    }
    let out_of_range = "ERR value is out of range, must be positive";
    let count = args.int_in(2, 0..=i64::MAX, out_of_range)? as u64;
    let key = args.at(1);
    let Some(list) = ctx.db.object_mut::<List>(key)? else {
        ctx.reply.null_array();
        return Ok(Flow::Done);
    };
    if count == 0 {
        ctx.reply.array(0);
    } else {
        let count = count.min(list.len());
        ctx.reply.array(count as usize);
        list.pop_many(side, count, |element| ctx.reply.element(element));
        let empty = list.is_empty();
        popped(ctx.db, key, side, count, empty);
    }
    Ok(Flow::Done)
}

/// LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]: takes elements of the first list there is.
pub const LMPOP: Command = Command::new("lmpop", -4, lmpop)
    .write()
    .acl(Acl::LIST)
    .group(Group::List)
    .since("7.0.0")
    .keys(&[KeySpec::counted(1, KEY_FLAGS)])
    .docs(
        "numkeys key [key ...] LEFT|RIGHT [COUNT count]",
        "Removes elements from the first of several lists that is not empty, and returns them.",
        "O(N+M) with N keys and M elements returned",
    );

fn lmpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let wanted = Wanted::parse(args, 1)?;
    if !wanted.take(ctx)? {
        ctx.reply.null_array();
    }
    Ok(Flow::Done)
}

/// The name of the command that pops at this side.
pub(super) fn pop_name(side: Side) -> &'static [u8] {
    match side {
        Side::Before => b"LPOP",
        Side::After => b"RPOP",
    }
}

/// What LMPOP and BLMPOP ask for.
pub(super) struct Wanted<'a> {
    args: Args<'a>,
    first_key: usize,
    keys: usize,
    side: Side,
    count: u64,
}

impl<'a> Wanted<'a> {
    /// Reads the arguments from `numkeys` at `index` on.
    pub(super) fn parse(args: Args<'a>, index: usize) -> Result<Self, Error> {
        let too_few_keys = "ERR numkeys should be greater than 0";
        let keys = args.int_in(index, 1..=i64::MAX, too_few_keys)? as usize;
        let first_key = index + 1;
        let side_at = first_key.saturating_add(keys);
        if side_at >= args.len() {
            return Err(Error::Syntax);
        }
        let side = side(args, side_at)?;
        let count = match args.len() - side_at - 1 {
            0 => 1,
            2 if args.is(side_at + 1, "count") => {
                let too_few = "ERR count should be greater than 0";
                args.int_in(side_at + 2, 1..=i64::MAX, too_few)? as u64
            }
            more => {
                // Redis reads the first COUNT before it sees that there is more behind it.
                if more > 2 && args.is(side_at + 1, "count") {
                    let too_few = "ERR count should be greater than 0";
                    args.int_in(side_at + 2, 1..=i64::MAX, too_few)?;
                }
                return Err(Error::Syntax);
            }
        };
        Ok(Self { args, first_key, keys, side, count })
    }

    /// The keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        self.args.iter_from(self.first_key).take(self.keys)
    }

    /// Takes what there is and replies it; `false` if there is nothing.
    pub(super) fn take(&self, ctx: &mut Ctx<'_>) -> Result<bool, Error> {
        for key in self.keys() {
            let Some(list) = ctx.db.object_mut::<List>(key)? else { continue };
            let count = self.count.min(list.len());
            ctx.reply.array(2);
            ctx.reply.bulk(key);
            ctx.reply.array(count as usize);
            list.pop_many(self.side, count, |element| ctx.reply.element(element));
            let empty = list.is_empty();
            popped(ctx.db, key, self.side, count, empty);
            ctx.db.replicate_number(&[pop_name(self.side), key], count as i64);
            return Ok(true);
        }
        Ok(false)
    }
}
