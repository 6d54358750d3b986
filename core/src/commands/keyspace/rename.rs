//! Keys that get another name or another database: RENAME, COPY, MOVE, SWAPDB.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;

/// RENAME key newkey: gives a key another name, in place of whatever has it.
pub const RENAME: Command = Command::new("rename", 3, rename)
    .write()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("1.0.0")
    .keys(&[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::OW.union(KeyFlags::UPDATE)),
    ])
    .docs("key newkey:key", "Gives a key another name and overwrites what has that name.", "O(1)");

fn rename(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    give_name(ctx, args, false)?;
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// RENAMENX key newkey: RENAME unless the new name is taken.
pub const RENAMENX: Command = Command::new("renamenx", 3, renamenx)
    .fast()
    .write()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("1.0.0")
    .keys(&[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::OW.union(KeyFlags::INSERT)),
    ])
    .docs("key newkey:key", "Gives a key another name unless it is taken.", "O(1)");

fn renamenx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let done = give_name(ctx, args, true)?;
    ctx.reply.int(i64::from(done));
    Ok(Flow::Done)
}

fn give_name(ctx: &mut Ctx<'_>, args: Args<'_>, if_free: bool) -> Result<bool, Error> {
    let (from, to) = (&args[1], &args[2]);
    if ctx.db.write(from).is_none() {
        return Err(Error::NoSuchKey);
    }
    if from == to || if_free && ctx.db.write(to).is_some() {
        return Ok(false);
    }
    let Some(entry) = ctx.db.take(from) else { return Err(Error::NoSuchKey) };
    ctx.db.remove_live(to);
    ctx.db.insert(entry.with_key(to));
    ctx.db.touch_watchers(to);
    ctx.db.changed(Class::GENERIC, "rename_from", from);
    ctx.db.event(Class::GENERIC, "rename_to", to);
    Ok(true)
}

/// COPY source destination: copies a value under another key or into another database.
pub const COPY: Command = Command::new("copy", -3, copy)
    .denyoom()
    .write()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("6.2.0")
    .keys(&[
        KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS)),
        KeySpec::one(2, KeyFlags::OW.union(KeyFlags::UPDATE)),
    ])
    .docs(
        "source:key destination:key [DB destination-db:integer] [REPLACE]",
        "Copies the value of a key, with its expiry, to another key.",
        "O(n) with n the number of elements; O(1) for strings",
    );

fn copy(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (from, to) = (&args[1], &args[2]);
    let (source, mut target, mut replace) = (ctx.db.current(), ctx.db.current(), false);
    let mut at = 3;
    while at < args.len() {
        if args.is(at, "REPLACE") {
            replace = true;
        } else if args.is(at, "DB") && at + 1 < args.len() {
            target = database(ctx, args, at + 1)?;
            at += 1;
        } else {
            return Err(Error::Syntax);
        }
        at += 1;
    }
    if source == target && from == to {
        return Err(SAME);
    }
    let seed = ctx.db.tuning.seed;
    let Some(entry) = ctx.db.read(from).map(|entry| entry.duplicate(to, &seed)) else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    ctx.db.select(target);
    let taken = ctx.db.write(to).is_some();
    let done = !taken || replace;
    if done {
        if taken {
            ctx.db.remove(to);
        }
        ctx.db.insert(entry);
        ctx.db.changed(Class::GENERIC, "copy_to", to);
    } else {
        ctx.db.discard(entry);
    }
    ctx.db.select(source);
    ctx.reply.int(i64::from(done));
    Ok(Flow::Done)
}

const SAME: Error = Error::Text("ERR source and destination objects are the same");
const NO_SUCH_DB: Error = Error::Text("ERR DB index is out of range");

/// The database whose number is the argument at `index`.
fn database(ctx: &Ctx<'_>, args: Args<'_>, index: usize) -> Result<usize, Error> {
    let Ok(number) = i32::try_from(args.int(index)?) else {
        return Err(Error::Text(
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        ));
    };
    usize::try_from(number).ok().filter(|&db| db < ctx.db.count()).ok_or(NO_SUCH_DB)
}

/// MOVE key db: moves a key to another database, unless it exists there.
pub const MOVE: Command = Command::new("move", 3, move_key)
    .fast()
    .write()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("1.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs("key db:integer", "Moves a key to another database unless it exists there.", "O(1)");

fn move_key(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    let target = database(ctx, args, 2)?;
    let source = ctx.db.current();
    if source == target {
        return Err(SAME);
    }
    let exists = ctx.db.write(key).is_some();
    ctx.db.select(target);
    let taken = exists && ctx.db.write(key).is_some();
    ctx.db.select(source);
    let moved = if exists && !taken { ctx.db.take(key) } else { None };
    let done = moved.is_some();
    if let Some(entry) = moved {
        ctx.db.insert_into(target, entry);
        ctx.db.select(target);
        ctx.db.touch_watchers(key);
        ctx.db.select(source);
        ctx.db.changed(Class::GENERIC, "move_from", key);
        ctx.db.select(target);
        ctx.db.event(Class::GENERIC, "move_to", key);
        ctx.db.select(source);
    }
    ctx.reply.int(i64::from(done));
    Ok(Flow::Done)
}

/// SWAPDB index1 index2: exchanges two databases.
pub const SWAPDB: Command = Command::new("swapdb", 3, swapdb)
    .fast()
    .write()
    .acl(Acl::DANGEROUS.union(Acl::KEYSPACE))
    .group(Group::Server)
    .since("4.0.0")
    .docs(
        "index1:integer index2:integer",
        "Exchanges two databases for all clients.",
        "O(n) with n the number of clients that watch or wait for keys",
    );

fn swapdb(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let number = |index: usize, otherwise| {
        let range = i64::from(i32::MIN)..=i64::from(i32::MAX);
        args.int_in(index, range, otherwise)
    };
    let a = number(1, "ERR invalid first DB index")?;
    let b = number(2, "ERR invalid second DB index")?;
    let count = ctx.db.count() as i64;
    if !(0..count).contains(&a) || !(0..count).contains(&b) {
        return Err(NO_SUCH_DB);
    }
    ctx.db.swap(a as usize, b as usize);
    ctx.db.dirty += 1;
    ctx.reply.ok();
    Ok(Flow::Done)
}
