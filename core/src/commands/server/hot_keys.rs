//! HOTKEYS of Redis 8.6: which keys take the most processor time and the most bytes.

use crate::collections::decimal::parse_double;
use crate::command::{Args, Command, Ctx, Flow, Group};
use crate::commands::help;
use crate::error::Error;
use crate::resp::Reply;
use crate::server::hot_keys::Wanted;
use crate::server::{HotKeys, Server};
use alloc::boxed::Box;

/// HOTKEYS: the container.
pub const HOTKEYS: Command = Command::new("hotkeys", -2, hotkeys_help)
    .group(Group::Server)
    .since("8.6.0")
    .subcommands(&[&HOTKEYS_GET, &HOTKEYS_HELP, &HOTKEYS_RESET, &HOTKEYS_START, &HOTKEYS_STOP])
    .docs("", "A container for commands about hot keys.", "Depends on the subcommand.");

/// HOTKEYS START METRICS count …: begins a session.
const HOTKEYS_START: Command = Command::new("start", -2, hotkeys_start)
    .admin()
    .noscript()
    .group(Group::Server)
    .since("8.6.0")
    .tips(&["request_policy:special"])
    .docs(
        "METRICS count [CPU] [NET] [COUNT k:integer] [DURATION seconds] [SAMPLE ratio:integer]",
        "Begins to rank keys by what they take.",
        "O(1)",
    );

fn hotkeys_start(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let wanted = wanted(args)?;
    let now_ms = ctx.now_ms();
    if ctx.server.hot_keys.as_mut().is_some_and(|session| session.is_active(now_ms)) {
        return Err(Error::Text("ERR hotkey tracking session already in progress"));
    }
    let cpu = cpu_millis(ctx.server);
    ctx.server.hot_keys = Some(Box::new(HotKeys::new(wanted, now_ms, cpu)));
    ctx.reply.ok();
    Ok(Flow::Done)
}

fn wanted(args: Args<'_>) -> Result<Wanted, Error> {
    let mut wanted = Wanted { cpu: false, net: false, count: 10, seconds: 0, sample: 1 };
    let mut index = 2;
    while index < args.len() {
        if index + 1 == args.len() {
            return Err(Error::Syntax);
        } else if args.is(index, "metrics") && !wanted.cpu && !wanted.net {
            index += metrics(args, index + 1, &mut wanted)?;
        } else if args.is(index, "count") {
            let text = "ERR COUNT must be between 1 and 64";
            wanted.count = args.int_in(index + 1, 1..=64, text)? as usize;
        } else if args.is(index, "duration") {
            let text = "ERR DURATION must be between 1 and 1000000";
            wanted.seconds = args.int_in(index + 1, 1..=1_000_000, text)? as u64;
        } else if args.is(index, "sample") {
            let text = "ERR SAMPLE ratio must be positive";
            wanted.sample = args.int_in(index + 1, 1..=i64::from(i32::MAX), text)? as u64;
        } else if args.is(index, "slots") {
            return Err(Error::Text("ERR SLOTS parameter cannot be used in non-cluster mode"));
        } else {
            return Err(Error::Syntax);
        }
        index += 2;
    }
    if !wanted.cpu && !wanted.net {
        return Err(Error::Text("ERR METRICS parameter is required"));
    }
    Ok(wanted)
}

/// The metrics behind their number at `at`; how many there are. Those that nobody knows are let pass, as
/// long as there is one that is known: a later version may have more.
fn metrics(args: Args<'_>, at: usize, wanted: &mut Wanted) -> Result<usize, Error> {
    let text = "ERR METRICS count must be positive";
    let count = args.int_in(at, 1..=i64::from(i32::MAX), text)? as usize;
    if count >= args.len() - at {
        return Err(Error::Text(
            "ERR METRICS count does not match number of metric types provided",
        ));
    }
    for index in at + 1..=at + count {
        if args.is(index, "cpu") {
            if core::mem::replace(&mut wanted.cpu, true) {
                return Err(Error::Text("ERR METRICS CPU defined more than once"));
            }
        } else if args.is(index, "net") && core::mem::replace(&mut wanted.net, true) {
            return Err(Error::Text("ERR METRICS NET defined more than once"));
        }
    }
    if !wanted.cpu && !wanted.net {
        return Err(Error::Text("ERR METRICS no valid metrics passed. Supported: CPU, NET"));
    }
    Ok(count)
}

/// The processor time of the process so far, as the host knows it: in the kernel and out of it.
fn cpu_millis(server: &Server) -> [u64; 2] {
    ["used_cpu_sys", "used_cpu_user"].map(|name| {
        let seconds = (server.hooks.info)(name).and_then(|text| parse_double(text.as_bytes()));
        (seconds.unwrap_or_default() * 1000.0) as u64
    })
}

/// HOTKEYS STOP: ends the session; what it found can still be asked for.
const HOTKEYS_STOP: Command = Command::new("stop", 2, hotkeys_stop)
    .admin()
    .noscript()
    .group(Group::Server)
    .since("8.6.0")
    .tips(&["request_policy:special"])
    .docs("", "Ends the session and keeps what it found.", "O(1)");

fn hotkeys_stop(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let (now_ms, cpu) = (ctx.now_ms(), cpu_millis(ctx.server));
    if let Some(session) = &mut ctx.server.hot_keys
        && session.is_active(now_ms)
    {
        (session.stopped_ms, session.cpu_at_end) = (Some(now_ms), Some(cpu));
        ctx.reply.ok();
    } else {
        ctx.reply.null();
    }
    Ok(Flow::Done)
}

/// HOTKEYS RESET: forgets what the session found.
const HOTKEYS_RESET: Command = Command::new("reset", 2, hotkeys_reset)
    .admin()
    .noscript()
    .group(Group::Server)
    .since("8.6.0")
    .tips(&["request_policy:special"])
    .docs("", "Forgets what the last session found.", "O(1)");

fn hotkeys_reset(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.now_ms();
    if ctx.server.hot_keys.as_mut().is_some_and(|session| session.is_active(now_ms)) {
        return Err(Error::Text("ERR hotkey tracking session in progress, stop tracking first"));
    }
    ctx.server.hot_keys = None;
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// HOTKEYS GET: what the session found.
const HOTKEYS_GET: Command = Command::new("get", 2, hotkeys_get)
    .admin()
    .noscript()
    .group(Group::Server)
    .since("8.6.0")
    .tips(&["nondeterministic_output", "request_policy:special", "response_policy:special"])
    .docs("", "Returns the keys that take the most.", "O(n) with n the number of keys returned");

fn hotkeys_get(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let (now_ms, cpu_now) = (ctx.now_ms(), cpu_millis(ctx.server));
    let Some(session) = &mut ctx.server.hot_keys else {
        ctx.reply.null();
        return Ok(Flow::Done);
    };
    let is_active = session.is_active(now_ms);
    let wanted = session.wanted;
    let reply = &mut *ctx.reply;
    // One report per node, and this is one.
    reply.array(1);
    reply.map(7 + 3 * usize::from(wanted.cpu) + 2 * usize::from(wanted.net));
    let field = |reply: &mut Reply, name: &str, value: u64| {
        reply.bulk(name.as_bytes());
        reply.int(value as i64);
    };
    field(reply, "tracking-active", u64::from(is_active));
    field(reply, "sample-ratio", wanted.sample);
    reply.bulk(b"selected-slots");
    reply.array(1);
    reply.array(2);
    reply.int(0);
    reply.int(16383);
    field(reply, "all-commands-all-slots-us", session.nanos / 1000);
    field(reply, "net-bytes-all-commands-all-slots", session.bytes);
    field(reply, "collection-start-time-unix-ms", session.started_ms as u64);
    let end_ms = session.stopped_ms.unwrap_or(now_ms);
    field(reply, "collection-duration-ms", (end_ms - session.started_ms).max(0) as u64);
    if wanted.cpu {
        let [sys, user] = session.cpu_at_end.unwrap_or(cpu_now);
        let [sys_before, user_before] = session.cpu_at_start;
        field(reply, "total-cpu-time-user-ms", user.saturating_sub(user_before));
        field(reply, "total-cpu-time-sys-ms", sys.saturating_sub(sys_before));
    }
    if wanted.net {
        field(reply, "total-net-bytes", session.bytes);
    }
    let list = |reply: &mut Reply, name: &str, top: &[(&[u8], u64)]| {
        reply.bulk(name.as_bytes());
        reply.array(top.len() * 2);
        for &(key, amount) in top {
            reply.bulk(key);
            reply.int(amount as i64);
        }
    };
    if wanted.cpu {
        let mut top = session.by_nanos.top(wanted.count);
        top.iter_mut().for_each(|(_, nanos)| *nanos /= 1000);
        list(reply, "by-cpu-time-us", &top);
    }
    if wanted.net {
        list(reply, "by-net-bytes", &session.by_bytes.top(wanted.count));
    }
    Ok(Flow::Done)
}

/// HOTKEYS HELP: what the subcommands are.
const HOTKEYS_HELP: Command = Command::new("help", 2, hotkeys_help)
    .loading()
    .stale()
    .group(Group::Server)
    .since("8.6.1")
    .docs("", "Prints this help.", "O(1)");

fn hotkeys_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &HOTKEYS)
}
