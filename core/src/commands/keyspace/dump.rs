//! A value as bytes, and back: DUMP, RESTORE.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::persist::rdb::dump;
use crate::persist::rdb::name_of_type;
use crate::persist::rdb::save::Format;
use crate::server::{Effect, Level};
use crate::store::Class;
use alloc::format;
use alloc::vec::Vec;

/// DUMP key: the value in a form that RESTORE takes.
pub const DUMP: Command = Command::new("dump", 2, dump)
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("2.6.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output"])
    .docs("key", "Returns a value in a serialized form.", "O(n) with n the bytes of the value");

fn dump(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let format = Format::new(&ctx.db.tuning);
    match ctx.db.read(&args[1]) {
        Some(entry) => {
            let mut payload = Vec::new();
            dump::write(&mut payload, entry, &format, ctx.server.config.is_on("rdbcompression"));
            ctx.reply.bulk(&payload);
        }
        None => ctx.reply.null(),
    }
    Ok(Flow::Done)
}

/// RESTORE key ttl serialized-value: makes a key of what DUMP gave.
pub const RESTORE: Command = Command::new("restore", -4, restore)
    .denyoom()
    .write()
    .acl(Acl::DANGEROUS.union(Acl::KEYSPACE))
    .group(Group::Generic)
    .since("2.6.0")
    .keys(&[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE))])
    .docs(RESTORE_SYNTAX, "Creates a key from a serialized value.", RESTORE_COST);

const RESTORE_SYNTAX: &str = "key ttl:integer serialized-value:string [REPLACE] [ABSTTL] \
    [IDLETIME seconds:integer] [FREQ frequency:integer]";
const RESTORE_COST: &str = "O(n) with n the bytes of the value";

/// RESTORE-ASKING key ttl serialized-value: RESTORE into a slot that is being imported.
pub const RESTORE_ASKING: Command = Command::new("restore-asking", -4, restore)
    .asking()
    .denyoom()
    .write()
    .acl(Acl::DANGEROUS.union(Acl::KEYSPACE))
    .group(Group::Server)
    .since("3.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE))])
    .docs(RESTORE_SYNTAX, "Creates a key of a slot that is being imported.", RESTORE_COST);

/// What stands behind the payload.
#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    idle_seconds: Option<i64>,
    frequency: Option<i64>,
}

fn options(args: Args<'_>) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut at = 4;
    while at < args.len() {
        let has_value = at + 1 < args.len();
        if args.is(at, "REPLACE") {
            options.replace = true;
        } else if args.is(at, "ABSTTL") {
            options.absolute = true;
        } else if args.is(at, "IDLETIME") && has_value && options.frequency.is_none() {
            at += 1;
            let seconds = args.int(at)?;
            if seconds < 0 {
                return Err(Error::Text("ERR Invalid IDLETIME value, must be >= 0"));
            }
            options.idle_seconds = Some(seconds);
        } else if args.is(at, "FREQ") && has_value && options.idle_seconds.is_none() {
            at += 1;
            let frequency = args.int(at)?;
            if !(0..=255).contains(&frequency) {
                return Err(Error::Text("ERR Invalid FREQ value, must be >= 0 and <= 255"));
            }
            options.frequency = Some(frequency);
        } else {
            return Err(Error::Syntax);
        }
        at += 1;
    }
    Ok(options)
}

fn restore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let options = options(args)?;
    let key = &args[1];
    // Redis looks at the key before it reads the other arguments; the order of errors shows it.
    let taken = ctx.db.write(key).is_some();
    if taken && !options.replace {
        return Err(Error::Text("BUSYKEY Target key name already exists."));
    }
    let ttl_ms = args.int(2)?;
    if ttl_ms < 0 {
        return Err(Error::Text("ERR Invalid TTL value, must be >= 0"));
    }
    let skip_checksum = ctx.server.skip_checksum;
    let mut entry = match dump::read(&args[3], key, &ctx.db.tuning, skip_checksum) {
        Ok(entry) => entry,
        Err(dump::Refusal::Footer) => {
            return Err(Error::Text("ERR DUMP payload version or checksum are wrong"));
        }
        Err(dump::Refusal::Value(fault)) => {
            let what = name_of_type(args[3].first().copied().unwrap_or(0));
            let line = format!("RESTORE: {what} integrity check failed: {}", fault.text());
            ctx.server.effects.push_back(Effect::Log(Level::Warning, line));
            return Err(Error::Text("ERR Bad data format"));
        }
    };
    let expiry_ms = match (ttl_ms, options.absolute) {
        (0, _) => None,
        (at_ms, true) => Some(at_ms),
        (ttl_ms, false) => Some(ctx.now_ms().saturating_add(ttl_ms)),
    };
    if taken {
        ctx.db.remove(key);
    }
    ctx.reply.ok();
    if expiry_ms.is_some_and(|at_ms| at_ms <= ctx.due_ms()) {
        if taken {
            ctx.db.changed(Class::GENERIC, "del", key);
            ctx.replicate(&[b"DEL", key]);
        }
        ctx.db.discard(entry);
        return Ok(Flow::Done);
    }
    entry.set_expiry_ms(expiry_ms);
    let access = &ctx.db.access;
    match (options.frequency, options.idle_seconds) {
        (Some(frequency), _) if access.lfu => {
            entry.set_access(access.of_frequency(frequency as u32));
        }
        (_, Some(seconds)) if !access.lfu => entry.set_access(access.of_idle(seconds as u64)),
        _ => entry.set_access(access.fresh()),
    }
    ctx.db.insert(entry);
    ctx.db.changed(Class::GENERIC, "restore", key);
    if let Some(at_ms) = expiry_ms.filter(|_| !options.absolute && ctx.db.is_journaled()) {
        let mut number = itoa::Buffer::new();
        let mut words: Vec<&[u8]> = args.iter_from(0).chain([&b"ABSTTL"[..]]).collect();
        words[2] = number.format(at_ms).as_bytes();
        ctx.replicate(&words);
    }
    Ok(Flow::Done)
}
