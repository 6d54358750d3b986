//! MEMORY: what values take, where the rest of it is, and giving back what is free.

use crate::command::{Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::commands::help;
use crate::error::Error;
use crate::resp::Reply;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// MEMORY: the container.
pub const MEMORY: Command = Command::new("memory", -2, memory_help)
    .group(Group::Server)
    .since("4.0.0")
    .subcommands(&[
        &MEMORY_DOCTOR,
        &MEMORY_MALLOC_STATS,
        &MEMORY_PURGE,
        &MEMORY_STATS,
        &MEMORY_USAGE,
        &MEMORY_HELP,
    ])
    .docs("", "Answers questions about memory.", "Depends on the subcommand");

/// MEMORY HELP: the subcommands.
const MEMORY_HELP: Command = Command::new("help", 2, memory_help)
    .loading()
    .stale()
    .group(Group::Server)
    .since("4.0.0")
    .docs("", "Lists the subcommands.", "O(1)");

fn memory_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &MEMORY)
}

/// MEMORY PURGE: frees at once what would be freed in steps.
const MEMORY_PURGE: Command = Command::new("purge", 2, memory_purge)
    .group(Group::Server)
    .since("4.0.0")
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
    .docs(
        "",
        "Frees at once what would be freed in steps.",
        "O(n) with n the number of values set aside",
    );

fn memory_purge(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let freed = ctx.db.garbage.step(usize::MAX);
    ctx.db.stats.lazyfreed += freed;
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// MEMORY USAGE key [SAMPLES count]: the bytes that a key takes.
const MEMORY_USAGE: Command = Command::new("usage", -3, memory_usage)
    .readonly()
    .group(Group::Server)
    .since("4.0.0")
    .keys(&[KeySpec::one(2, KeyFlags::RO)])
    .docs(
        "key [SAMPLES count:integer]",
        "Estimates the bytes that a key and its value take.",
        "O(1)",
    );

fn memory_usage(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut index = 3;
    while index < args.len() {
        // Nothing is sampled here, and how many there would be is checked all the same.
        if !args.is(index, "samples") || index + 1 == args.len() {
            return Err(Error::Syntax);
        }
        if args.int(index + 1)? < 0 {
            return Err(Error::Syntax);
        }
        index += 2;
    }
    match ctx.db.peek(&args[2]) {
        Some(entry) => ctx.reply.int(entry.memory() as i64),
        None => ctx.reply.null(),
    }
    Ok(Flow::Done)
}

/// Where memory is, in bytes.
pub(super) struct Usage {
    /// All that is in use.
    pub used: u64,
    /// The most that ever was.
    pub peak: u64,
    /// What the process takes of the machine's.
    pub rss: u64,
    /// What was in use before the first client.
    pub startup: u64,
    /// The buffers of clients.
    pub clients: u64,
    /// The tables of keys, by database, where there are any.
    pub tables: Vec<(usize, u64)>,
    /// All but the data: the beginning, clients, tables.
    pub overhead: u64,
    /// The data.
    pub dataset: u64,
}

impl Usage {
    /// As it is now.
    pub(super) fn of(ctx: &mut Ctx<'_>) -> Self {
        let server = &mut *ctx.server;
        let used = (server.hooks.used_memory)();
        server.peak_memory = server.peak_memory.max(used);
        let (used, peak) = (used as u64, server.peak_memory as u64);
        let number = |name: &str| (server.hooks.info)(name).and_then(|text| text.parse().ok());
        let others = server.clients.iter();
        let buffers = others.map(|client| client.query.capacity() + client.reply.out.capacity());
        let clients = (buffers.sum::<usize>() + ctx.reply.out.capacity()) as u64;
        let tables: Vec<(usize, u64)> = (0..ctx.db.count())
            .map(|index| (index, ctx.db.db_at(index)))
            .filter(|(_, db)| !db.is_empty())
            .map(|(index, db)| (index, db.entries().memory() as u64))
            .collect();
        let rss = number("used_memory_rss").unwrap_or(used);
        let startup = number("used_memory_startup").unwrap_or(0);
        let in_tables: u64 = tables.iter().map(|(_, bytes)| bytes).sum();
        let overhead = (startup + clients + in_tables).min(used);
        let dataset = used - overhead;
        Self { used, peak, rss, startup, clients, tables, overhead, dataset }
    }

    /// How much more the machine gave than is in use.
    fn fragmentation(&self) -> f64 {
        self.rss as f64 / self.used.max(1) as f64
    }
}

/// MEMORY STATS: where memory is.
const MEMORY_STATS: Command = Command::new("stats", 2, memory_stats)
    .group(Group::Server)
    .since("4.0.0")
    .tips(REPORT_TIPS)
    .docs("", "Tells where memory is.", "O(1)");

const REPORT_TIPS: &[&str] =
    &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];

fn memory_stats(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let usage = Usage::of(ctx);
    let Usage { used, peak, rss, startup, clients, overhead, dataset, .. } = usage;
    let keys = (0..ctx.db.count()).map(|index| ctx.db.db_at(index).len() as u64).sum::<u64>();
    let lua = ctx.server.scripting.machine.as_deref().map_or(0, |machine| machine.memory() as u64);
    let above_start = used.saturating_sub(startup);
    let percent = |part: u64, all: u64| part as f64 / all.max(1) as f64 * 100.0;
    let reply = &mut *ctx.reply;
    let ints = |reply: &mut Reply, fields: &[(&str, u64)]| {
        for (name, value) in fields {
            reply.bulk(name.as_bytes());
            reply.int(*value as i64);
        }
    };
    let double = |reply: &mut Reply, name: &str, value: f64| {
        reply.bulk(name.as_bytes());
        reply.double(value);
    };
    reply.map(27 + usage.tables.len());
    ints(
        reply,
        &[
            ("peak.allocated", peak),
            ("total.allocated", used),
            ("startup.allocated", startup),
            ("replication.backlog", 0),
            ("clients.slaves", 0),
            ("clients.normal", clients),
            ("cluster.links", 0),
            ("aof.buffer", 0),
            ("lua.caches", lua),
            ("functions.caches", 0),
        ],
    );
    for &(index, bytes) in &usage.tables {
        reply.bulk(format!("db.{index}").as_bytes());
        reply.map(3);
        ints(
            reply,
            &[
                ("overhead.hashtable.main", bytes),
                // Expiries stand in the entries themselves.
                ("overhead.hashtable.expires", 0),
                ("overhead.hashtable.slot-to-keys", 0),
            ],
        );
    }
    ints(
        reply,
        &[
            ("overhead.total", overhead),
            ("keys.count", keys),
            ("keys.bytes-per-key", above_start.checked_div(keys).unwrap_or(0)),
            ("dataset.bytes", dataset),
        ],
    );
    double(reply, "dataset.percentage", percent(dataset, above_start));
    double(reply, "peak.percentage", percent(used, peak));
    // The allocator tells of no arenas: what it holds is what the process has.
    ints(
        reply,
        &[("allocator.allocated", used), ("allocator.active", rss), ("allocator.resident", rss)],
    );
    double(reply, "allocator-fragmentation.ratio", usage.fragmentation());
    ints(reply, &[("allocator-fragmentation.bytes", rss.saturating_sub(used))]);
    double(reply, "allocator-rss.ratio", 1.0);
    ints(reply, &[("allocator-rss.bytes", 0)]);
    double(reply, "rss-overhead.ratio", 1.0);
    ints(reply, &[("rss-overhead.bytes", 0)]);
    double(reply, "fragmentation", usage.fragmentation());
    reply.bulk(b"fragmentation.bytes");
    reply.int(rss as i64 - used as i64);
    Ok(Flow::Done)
}

/// MEMORY DOCTOR: what is unusual about memory.
const MEMORY_DOCTOR: Command = Command::new("doctor", 2, memory_doctor)
    .group(Group::Server)
    .since("4.0.0")
    .tips(REPORT_TIPS)
    .docs("", "Says what is unusual about memory.", "O(1)");

fn memory_doctor(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    /// With less than this in use, every ratio looks bad.
    const LITTLE: u64 = 5 << 20;
    const CLIENT_LARGE: u64 = 200 << 10;
    let usage = Usage::of(ctx);
    let mut report = String::new();
    if usage.used < LITTLE {
        report.push_str("There is too little data to say anything about memory.\n");
    } else {
        if usage.peak > usage.used / 2 * 3 {
            report.push_str(
                " * Peak: there was once half as much again in use as there is now. Allocators keep some \
                 of it, so that the process may look larger than its data. MEMORY PURGE or new data \
                 make it go away.\n",
            );
        }
        if usage.fragmentation() > 1.4 && usage.rss - usage.used > 10 << 20 {
            report.push_str(
                " * Resident set: the process holds 40 % more of the machine's memory than is in use. \
                 After a peak this is normal; otherwise values of many sizes come and go.\n",
            );
        }
        if usage.clients / ctx.server.clients.len().max(1) as u64 > CLIENT_LARGE {
            report.push_str(
                " * Clients: their buffers take more than 200 KB each. A client may not read what it \
                 asked for, or send very large requests: see CLIENT LIST, columns omem and qbuf.\n",
            );
        }
        if report.is_empty() {
            report.push_str("Nothing about memory is unusual.\n");
        }
    }
    ctx.reply.verbatim(b"txt", report.as_bytes());
    Ok(Flow::Done)
}

/// MEMORY MALLOC-STATS: what the allocator says of itself.
const MEMORY_MALLOC_STATS: Command = Command::new("malloc-stats", 2, memory_malloc_stats)
    .group(Group::Server)
    .since("4.0.0")
    .tips(REPORT_TIPS)
    .docs("", "Returns what the allocator says of itself.", "O(1)");

fn memory_malloc_stats(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    match (ctx.server.hooks.info)("malloc_stats") {
        Some(text) => ctx.reply.verbatim(b"txt", text.as_bytes()),
        None => ctx.reply.bulk(b"Stats not supported for the current allocator"),
    }
    Ok(Flow::Done)
}
