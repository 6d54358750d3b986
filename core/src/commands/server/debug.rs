//! DEBUG: what tests need to look behind the curtain. Behind `enable-debug-command`.

use super::config::rewrite;
use super::digest::Digest;
use super::persistence::save_now;
use crate::client::OnTimeout;
use crate::collections::decimal;
use crate::command::gate::LOADING;
use crate::command::{Args, Command, Ctx, Flow, Group};
use crate::commands::script;
use crate::config::units;
use crate::error::Error;
use crate::persist::rdb::data_set::{self, Conflict, Loaded};
use crate::script::sha1::sha1_hex;
use crate::server::hooks::Load;
use crate::server::persistence::AOF_NOT_LOADED;
use crate::server::{Effect, Level};
use crate::store::{Entry, Store};
use crate::value::{Hash, Kind, List, Set, SortedSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// DEBUG subcommand …: a container in all but name, as in Redis.
pub const DEBUG: Command = Command::new("debug", -2, debug)
    .admin()
    .loading()
    .noscript()
    .protected()
    .stale()
    .group(Group::Server)
    .docs("subcommand [argument ...]", "Looks inside, for tests.", "Depends on the subcommand.");

type Part = fn(&mut Ctx<'_>, Args<'_>) -> Result<Flow, Error>;

/// Name, least and most arguments behind it, function, what HELP says of it.
const PARTS: &[(&str, usize, usize, Part, &str, &str)] = &[
    ("assert", 0, 0, crash, "", "Crashes."),
    (
        "aof-flush-sleep",
        1,
        1,
        aof_flush_sleep,
        "<microseconds>",
        "Waits each time before the append-only file is written.",
    ),
    ("change-repl-id", 0, 0, change_repl_id, "", "Names the history of the data set anew."),
    (
        "config-rewrite-force-all",
        0,
        0,
        |ctx, _| rewrite(ctx, true),
        "",
        "CONFIG REWRITE of all settings.",
    ),
    ("digest", 0, 0, digest, "", "Digest of all databases."),
    (
        "digest-value",
        0,
        usize::MAX,
        digest_value,
        "<key> [<key> ...]",
        "Digests of the values of keys.",
    ),
    ("error", 1, 1, error, "<string>", "Replies an error of this text."),
    ("htstats", 1, 1, table_stats, "<dbid>", "Sizes of the tables of a database."),
    ("htstats-key", 1, 1, table_stats_of_key, "<key>", "Size of the table of a value."),
    ("loadaof", 0, 0, load_aof, "", "Empties the data set and loads the append-only file."),
    ("log", 1, 1, log, "<message>", "Writes to the log."),
    ("object", 1, 1, object, "<key>", "How a value is stored."),
    ("panic", 0, 0, crash, "", "Crashes."),
    ("pause-cron", 1, 1, pause_cron, "<0|1>", "Stops or resumes background work."),
    ("populate", 1, 3, populate, "<count> [<prefix>] [<size>]", "Creates string keys."),
    ("protocol", 1, 1, protocol, "<type>", "Replies a value of a type of the protocol."),
    (
        "quicklist-packed-threshold",
        1,
        1,
        packed_threshold,
        "<size>",
        "From what size on an element of a list has a node of its own; 0: the default.",
    ),
    (
        "reload",
        0,
        3,
        reload,
        "[MERGE] [NOFLUSH] [NOSAVE]",
        "Saves the data set in memory, empties it and loads it again.",
    ),
    (
        "replybuffer",
        2,
        2,
        reply_buffer,
        "PEAK-RESET-TIME <NEVER|RESET|time>|RESIZING <0|1>",
        "Does nothing: reply buffers follow their use.",
    ),
    ("set-active-expire", 1, 1, set_active_expire, "<0|1>", "Stops or resumes active expiry."),
    ("segfault", 0, 0, crash, "", "Crashes."),
    (
        "set-disable-deny-scripts",
        1,
        1,
        scripts_may_all,
        "<0|1>",
        "Lets scripts call commands that are not for them, or not.",
    ),
    (
        "set-skip-checksum-validation",
        1,
        1,
        skip_checksum,
        "<0|1>",
        "Makes RESTORE pass over checksums, or heed them.",
    ),
    ("sleep", 1, 1, sleep, "<seconds>", "Holds up the server."),
    ("help", 0, 0, help, "", "Prints this help."),
];

fn debug(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let count = args.len() - 2;
    match PARTS.iter().find(|part| args.is(1, part.0)) {
        Some(&(_, least, most, run, ..)) if (least..=most).contains(&count) => run(ctx, args),
        _ => Err(Error::subcommand_syntax(&args[1], "debug")),
    }
}

fn help(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.array(PARTS.len() * 2 + 1);
    ctx.reply.simple("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    for (name, _, _, _, syntax, summary) in PARTS {
        ctx.reply.simple(format!("{} {syntax}", name.to_ascii_uppercase()).trim_end());
        ctx.reply.simple(&format!("    {summary}"));
    }
    Ok(Flow::Done)
}

fn done(ctx: &mut Ctx<'_>) -> Result<Flow, Error> {
    ctx.reply.ok();
    Ok(Flow::Done)
}

fn change_repl_id(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<Flow, Error> {
    ctx.server.replication_id = ctx.db.rng.hex_id();
    done(ctx)
}

fn digest(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<Flow, Error> {
    let (mut all, seed) = (Digest::default(), ctx.db.tuning.seed);
    for index in 0..ctx.db.count() {
        let (entries, mut cursor) = (ctx.db.db_at(index).entries(), 0);
        if entries.is_empty() {
            continue;
        }
        all.mix(&(index as u32).to_be_bytes());
        loop {
            cursor = entries.scan(cursor, |entry| all.add(entry, &seed));
            if cursor == 0 {
                break;
            }
        }
    }
    ctx.reply.simple(&all.text());
    Ok(Flow::Done)
}

fn digest_value(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.array(args.len() - 2);
    let seed = ctx.db.tuning.seed;
    for key in args.iter_from(2) {
        let entry = ctx.db.peek(key);
        let digest = entry.map(|entry| Digest::of_value(entry, &seed)).unwrap_or_default();
        ctx.reply.simple(&digest.text());
    }
    Ok(Flow::Done)
}

fn error(_: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    Err(Error::Owned(String::from_utf8_lossy(&args[2]).into_owned()))
}

fn stats_of(size: usize) -> String {
    if size == 0 {
        return "No stats available for empty dictionaries\n".into();
    }
    let table = size.next_power_of_two().max(4);
    format!(
        "Hash table 0 stats (main hash table):\n table size: {table}\n number of elements: {size}\n"
    )
}

fn table_stats(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let index = args.int(2)?;
    let db = usize::try_from(index).ok().filter(|index| *index < ctx.db.count());
    let db = ctx.db.db_at(db.ok_or(Error::Text("ERR Out of range database"))?);
    let text =
        format!("[Dictionary HT]\n{}[Expires HT]\n{}", stats_of(db.len()), stats_of(db.volatile()));
    ctx.reply.verbatim(b"txt", text.as_bytes());
    Ok(Flow::Done)
}

fn table_stats_of_key(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let entry = ctx.db.peek(&args[2]).ok_or(Error::NoSuchKey)?;
    let size = match entry.encoding() {
        "hashtable" => {
            let set = entry.as_object::<Set>().map(Set::len);
            set.or_else(|| entry.as_object::<Hash>().map(Hash::len))
        }
        "skiplist" => entry.as_object::<SortedSet>().map(|zset| zset.len() as usize),
        _ => None,
    };
    let size = size.ok_or(Error::Text(
        "ERR The value stored at the specified key is not represented using an hash table",
    ))?;
    ctx.reply.verbatim(b"txt", stats_of(size).as_bytes());
    Ok(Flow::Done)
}

/// The host does it in steps once the command is over, and the client waits for that. Others hear meanwhile that
/// the server is loading.
fn load_aof(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<Flow, Error> {
    let state = &mut ctx.server.persistence;
    if state.loading.is_some() {
        return Err(LOADING);
    }
    if !state.loads_aof || ctx.nested || ctx.client.peer.synchronous {
        return Err(AOF_NOT_LOADED);
    }
    state.aof_wanted_by = Some(ctx.client.id);
    ctx.server.config_changed = true;
    ctx.block(core::iter::empty(), Kind::List, 0, OnTimeout::Null)
}

fn aof_flush_sleep(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    (ctx.server.hooks.slow_journal)(starts_with_number(&args[2]).max(0) as u64);
    done(ctx)
}

fn reload(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (mut conflict, mut flush, mut save) = (Conflict::Refuse, true, true);
    for at in 2..args.len() {
        if args.is(at, "merge") {
            conflict = Conflict::Replace;
        } else if args.is(at, "noflush") {
            flush = false;
        } else if args.is(at, "nosave") {
            save = false;
        } else {
            return Err(Error::Text(
                "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
            ));
        }
    }
    let loaded = match ctx.server.hooks.load {
        Some(load) => {
            if save && !save_now(ctx.db, ctx.server) {
                return Err(Error::Text("ERR"));
            }
            if flush {
                empty(ctx.db);
            }
            reload_file(ctx, load, conflict)
        }
        // Without a disk, the file is in memory.
        None if save => {
            let options = ctx.server.reload_options(&ctx.db.tuning);
            let origin = ctx.server.origin(false);
            let libraries = ctx.server.scripting.libraries.codes();
            data_set::reload(ctx.db, options, origin, libraries, flush, conflict)
                .map_err(|error| format!("{error}"))
        }
        None => Err("there is no disk".into()),
    };
    let loaded = loaded.and_then(|loaded| {
        let replace = conflict == Conflict::Replace;
        let seed = ctx.db.tuning.seed;
        script::load_all(ctx.server, seed, &loaded.functions, replace, flush)
    });
    ctx.server.persistence.clean = ctx.db.dirty;
    if let Err(error) = loaded {
        ctx.server.effects.push_back(Effect::Log(Level::Warning, format!("DEBUG RELOAD: {error}")));
        return Err(Error::Text("ERR Error trying to load the RDB dump, check server logs."));
    }
    let line = "DB reloaded by DEBUG RELOAD";
    ctx.server.effects.push_back(Effect::Log(Level::Warning, line.into()));
    done(ctx)
}

fn empty(db: &mut Store) {
    for index in 0..db.count() {
        db.flush(index);
    }
}

fn reload_file(ctx: &mut Ctx<'_>, load: Load, conflict: Conflict) -> Result<Loaded, String> {
    let mut file = Vec::new();
    load(&ctx.server.config, &mut |piece| {
        file.extend_from_slice(piece);
        true
    })?;
    data_set::load(ctx.db, &file, conflict).map_err(|error| format!("{error}"))
}

fn log(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let line = format!("DEBUG LOG: {}", String::from_utf8_lossy(&args[2]));
    ctx.server.effects.push_back(Effect::Log(Level::Warning, line));
    done(ctx)
}

fn object(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let access = ctx.db.access;
    let key = &args[2];
    let entry: &Entry = ctx.db.glance(key).ok_or(Error::NoSuchKey)?;
    // Stands for an address: the same for as long as the key is there.
    let at = sha1_hex(key);
    let at = String::from_utf8_lossy(&at[..12]);
    let (lru, idle) = (entry.access(), access.idle_seconds(entry));
    let mut text = format!(
        "Value at:0x{at} refcount:1 encoding:{} serializedlength:{} lru:{lru} lru_seconds_idle:{idle}",
        entry.encoding(),
        entry.memory(),
    );
    if let Some(list) = entry.as_object::<List>() {
        text += &format!(
            " ql_nodes:1 ql_avg_node:{}.00 ql_listpack_max:{} ql_compressed:0 ql_uncompressed_size:{}",
            list.len(),
            ctx.server.config.number("list-max-listpack-size"),
            entry.memory(),
        );
    }
    ctx.reply.simple(&text);
    Ok(Flow::Done)
}

fn pause_cron(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    ctx.server.cron_paused = starts_with_number(&args[2]) != 0;
    done(ctx)
}

fn set_active_expire(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    ctx.server.active_expire = starts_with_number(&args[2]) != 0;
    done(ctx)
}

fn scripts_may_all(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    ctx.server.scripts_may_all = starts_with_number(&args[2]) != 0;
    done(ctx)
}

fn skip_checksum(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    ctx.server.skip_checksum = starts_with_number(&args[2]) != 0;
    done(ctx)
}

/// As C's `atoi`: what is no number is 0.
fn starts_with_number(text: &[u8]) -> i64 {
    decimal::parse(text).unwrap_or_default()
}

/// Keys that one call may make: what a client may ask for is bounded.
const POPULATE_MAX: i64 = i32::MAX as i64;

fn populate(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    const RANGE: &str = "ERR value is out of range, must be positive";
    let count = args.int_in(2, 0..=POPULATE_MAX, RANGE)?;
    let prefix = args.get(3).unwrap_or(b"key");
    let bulk_max = ctx.server.config.proto_max_bulk_len.min(i64::MAX as u64) as i64;
    let size = match args.len() {
        5 => Some(args.int_in(4, 0..=bulk_max, RANGE)? as usize),
        _ => None,
    };
    for number in 0..count {
        let key: Vec<u8> = [prefix, format!(":{number}").as_bytes()].concat();
        if ctx.db.exists(&key) {
            continue;
        }
        let mut value = format!("value:{number}").into_bytes();
        if let Some(size) = size {
            value.resize(size, 0);
        }
        ctx.db.set_string(&key, &value, false);
        ctx.db.touch_watchers(&key);
    }
    done(ctx)
}

fn packed_threshold(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let size = units::memory(&args[2]).filter(|size| *size <= u64::from(u32::MAX)).ok_or(
        Error::Text("ERR argument must be a memory value bigger than 1 and smaller than 4gb"),
    )?;
    ctx.db.tuning.quicklist_packed_threshold = size;
    done(ctx)
}

fn reply_buffer(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if args.is(2, "peak-reset-time") {
        if !args.is(3, "never") && !args.is(3, "reset") {
            args.int(3)?;
        }
    } else if !args.is(2, "resizing") {
        return Err(Error::subcommand_syntax(&args[1], "debug"));
    }
    done(ctx)
}

fn sleep(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let seconds = decimal::parse_double(&args[2]).unwrap_or_default();
    (ctx.server.hooks.sleep)((seconds.clamp(0.0, 1e9) * 1e6) as u64);
    done(ctx)
}

fn crash(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    (ctx.server.hooks.crash)(&args[1]);
    done(ctx)
}

fn protocol(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let name = args[2].to_ascii_lowercase();
    let reply = &mut *ctx.reply;
    match name.as_slice() {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.int(12345),
        b"double" => reply.double_text(b"3.141"),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|n| reply.int(n));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|n| reply.int(n));
        }
        b"map" => {
            reply.map(3);
            for n in 0..3 {
                reply.int(n);
                reply.bool(n == 1);
            }
        }
        b"attrib" => {
            if reply.is_resp3() {
                // The only attribute there is, so it has no method of its own.
                reply.out.extend_from_slice(b"|1\r\n$14\r\nkey-popularity\r\n");
                reply.array(2);
                reply.bulk(b"key:123");
                reply.int(90);
            }
            reply.bulk(b"Some real reply following the attribute");
        }
        b"push" => {
            if !reply.is_resp3() {
                return Err(Error::Text("ERR RESP2 is not supported by this command"));
            }
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.int(42);
            reply.bulk(b"Some real reply following the push reply");
        }
        b"verbatim" => reply.verbatim(b"txt", b"This is a verbatim\nstring"),
        b"true" => reply.bool(true),
        b"false" => reply.bool(false),
        b"bignum" => reply.big_number(b"1234567999999999999999999999999999999"),
        _ => {
            return Err(Error::Text(
                "ERR Wrong protocol type name. Please use one of the following: string|integer|\
                 double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(Flow::Done)
}
