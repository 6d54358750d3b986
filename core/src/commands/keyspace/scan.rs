//! Looking through the keyspace: KEYS, SCAN, RANDOMKEY, DBSIZE.

use crate::collections::glob;
use crate::collections::listpack::Element;
use crate::command::scan::{ScanKind, ScanOptions, parse_cursor};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::Error;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// KEYS pattern: all keys that match.
pub const KEYS: Command = Command::new("keys", 2, keys)
    .readonly()
    .acl(Acl::DANGEROUS.union(Acl::KEYSPACE))
    .group(Group::Generic)
    .since("1.0.0")
    .tips(&["nondeterministic_output_order", "request_policy:all_shards"])
    .docs(
        "pattern",
        "Returns all keys that match a glob pattern.",
        "O(n) with n the number of keys in the database",
    );

fn keys(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let pattern = &args[1];
    let now_ms = ctx.due_ms();
    let place = ctx.reply.deferred();
    let mut count = 0;
    for entry in ctx.db.db().entries() {
        let key = entry.key();
        if (pattern == b"*" || glob::matches(pattern, key)) && !entry.is_due(now_ms) {
            ctx.reply.bulk(key);
            count += 1;
        }
    }
    ctx.reply.finish_array(place, count);
    Ok(Flow::Done)
}

/// SCAN cursor: the next few keys, and where to go on.
pub const SCAN: Command = Command::new("scan", -2, scan)
    .readonly()
    .touches_arbitrary_keys()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("2.8.0")
    .tips(&["nondeterministic_output", "request_policy:special"])
    .docs(
        "cursor:integer [MATCH pattern] [COUNT count] [TYPE type:string]",
        "Returns some of the keys and a cursor to go on with.",
        "O(1) for a call, O(n) for all of a database of n keys",
    );

fn scan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut cursor = parse_cursor(args, 1)?;
    let options = ScanOptions::parse(args, 2, ScanKind::Keys)?;
    let now_ms = ctx.due_ms();
    let place = ctx.reply.deferred();
    let (mut seen, mut found, mut buckets) = (0, 0, 0);
    let mut expired: Vec<Box<[u8]>> = Vec::new();
    loop {
        let reply = &mut *ctx.reply;
        cursor = ctx.db.db().entries().scan(cursor, |entry| {
            seen += 1;
            let key = entry.key();
            let of_type = options
                .of_type
                .is_none_or(|name| entry.type_().name().as_bytes().eq_ignore_ascii_case(name));
            if !options.matches(Element::Str(key)) || !of_type {
                return;
            }
            if entry.is_due(now_ms) {
                expired.push(Box::from(key));
                return;
            }
            reply.bulk(key);
            found += 1;
        });
        buckets += 1;
        if cursor == 0 || seen >= options.count || buckets >= options.buckets_max() {
            break;
        }
    }
    // Looking one up is what deletes it.
    for key in expired {
        ctx.db.exists(&key);
    }
    // The cursor comes before the keys and is known only now.
    ctx.reply.finish_scan(place, cursor, found);
    Ok(Flow::Done)
}

/// RANDOMKEY: some key.
pub const RANDOMKEY: Command = Command::new("randomkey", 1, randomkey)
    .readonly()
    .touches_arbitrary_keys()
    .acl(Acl::KEYSPACE)
    .group(Group::Generic)
    .since("1.0.0")
    .tips(&["nondeterministic_output", "request_policy:all_shards"])
    .docs("", "Returns some key of the database, or null if it is empty.", "O(1)");

fn randomkey(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    match ctx.db.random_key() {
        Some(key) => ctx.reply.bulk(&key),
        None => ctx.reply.null(),
    }
    Ok(Flow::Done)
}

/// DBSIZE: the number of keys.
pub const DBSIZE: Command = Command::new("dbsize", 1, dbsize)
    .fast()
    .readonly()
    .acl(Acl::KEYSPACE)
    .group(Group::Server)
    .since("1.0.0")
    .tips(&["request_policy:all_shards", "response_policy:agg_sum"])
    .docs("", "Returns the number of keys in the database.", "O(1)");

fn dbsize(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    ctx.reply.len(ctx.db.db().len());
    Ok(Flow::Done)
}
