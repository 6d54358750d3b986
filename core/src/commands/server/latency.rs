//! LATENCY: what took long, and how long commands take.

use crate::collections::ordered;
use crate::command::{Args, Command, Ctx, Flow, Group};
use crate::commands::{help, table};
use crate::error::{Error, printable};
use crate::resp::Reply;
use crate::server::latency::LatencyEvent;
use crate::server::{CommandStats, Histogram};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// LATENCY: the container.
pub const LATENCY: Command = Command::new("latency", -2, latency_help)
    .group(Group::Server)
    .since("2.8.13")
    .subcommands(&[
        &LATENCY_DOCTOR,
        &LATENCY_GRAPH,
        &LATENCY_HELP,
        &LATENCY_HISTOGRAM,
        &LATENCY_HISTORY,
        &LATENCY_LATEST,
        &LATENCY_RESET,
    ])
    .docs("", "A container for commands about what took long.", "Depends on the subcommand.");

const REPORT_TIPS: &[&str] =
    &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

/// What the reports have in common.
const fn report(command: Command, since: &'static str) -> Command {
    command.admin().loading().noscript().stale().group(Group::Server).since(since).tips(REPORT_TIPS)
}

/// LATENCY LATEST: the last and the worst spike of every event.
const LATENCY_LATEST: Command = report(Command::new("latest", 2, latency_latest), "2.8.13").docs(
    "",
    "Returns the last spike of every event, and its worst.",
    "O(1)",
);

fn latency_latest(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let events = &ctx.server.latency.events;
    ctx.reply.array(events.len());
    for event in events {
        let last = event.spikes.back();
        ctx.reply.array(4);
        ctx.reply.bulk(event.name.as_bytes());
        ctx.reply.int(last.map_or(0, |spike| spike.unix_seconds));
        ctx.reply.int(last.map_or(0, |spike| spike.millis as i64));
        ctx.reply.int(event.worst as i64);
    }
    Ok(Flow::Done)
}

/// LATENCY HISTORY event: its spikes.
const LATENCY_HISTORY: Command = report(Command::new("history", 3, latency_history), "2.8.13")
    .docs(
        "event:string",
        "Returns the spikes of an event: when, and how many milliseconds.",
        "O(1)",
    );

fn latency_history(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let Some(event) = ctx.server.latency.find(&args[2]) else {
        ctx.reply.array(0);
        return Ok(Flow::Done);
    };
    ctx.reply.array(event.spikes.len());
    for spike in &event.spikes {
        ctx.reply.array(2);
        ctx.reply.int(spike.unix_seconds);
        ctx.reply.int(spike.millis as i64);
    }
    Ok(Flow::Done)
}

/// LATENCY RESET \[event …\]: forgets the spikes of some events, or of all.
const LATENCY_RESET: Command = Command::new("reset", -2, latency_reset)
    .admin()
    .loading()
    .noscript()
    .stale()
    .group(Group::Server)
    .since("2.8.13")
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .docs("[event:string [event:string ...]]", "Forgets the spikes of events, or all.", "O(1)");

fn latency_reset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let events = &mut ctx.server.latency.events;
    let before = events.len();
    events.retain(|event| {
        args.len() > 2 && !args.iter_from(2).any(|name| name == event.name.as_bytes())
    });
    ctx.reply.len(before - events.len());
    Ok(Flow::Done)
}

/// LATENCY GRAPH event: its spikes as a drawing.
const LATENCY_GRAPH: Command = report(Command::new("graph", 3, latency_graph), "2.8.13").docs(
    "event:string",
    "Draws the spikes of an event.",
    "O(1)",
);

fn latency_graph(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let Some(event) = ctx.server.latency.find(&args[2]) else {
        let name = printable(&args[2], 128);
        return Err(Error::Owned(format!("ERR No samples available for event '{name}'")));
    };
    let drawing = draw(event, ctx.server.now.unix_ms() / 1000);
    ctx.reply.verbatim(b"txt", drawing.as_bytes());
    Ok(Flow::Done)
}

/// Spikes side by side; so many to a line.
const GRAPH_COLUMNS: usize = 80;
const GRAPH_ROWS: usize = 4;
/// The lowest third of a row, the middle one, the upper one.
const LEVELS: [char; 3] = ['_', 'o', '#'];

/// Bars of twelve heights over the times ago, which are written from top to bottom.
fn draw(event: &LatencyEvent, now: i64) -> String {
    let millis = || event.spikes.iter().map(|spike| spike.millis);
    let (low, high) = (millis().min().unwrap_or(0), millis().max().unwrap_or(0));
    let mut out = format!(
        "{} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        event.name,
        event.worst,
        "-".repeat(GRAPH_COLUMNS)
    );
    let steps = LEVELS.len() * GRAPH_ROWS;
    let bars: Vec<(usize, String)> = event
        .spikes
        .iter()
        .map(|spike| {
            let height = (spike.millis - low) as usize * steps / ((high - low) as usize).max(1);
            (height.min(steps - 1), ago((now - spike.unix_seconds).max(0)))
        })
        .collect();
    for (index, bars) in bars.chunks(GRAPH_COLUMNS).enumerate() {
        if index > 0 {
            out.push('\n');
        }
        for row in (0..GRAPH_ROWS).rev() {
            let floor = row * LEVELS.len();
            out.extend(bars.iter().map(|(height, _)| match height.checked_sub(floor) {
                None => ' ',
                Some(over) => LEVELS.get(over).copied().unwrap_or('|'),
            }));
            out.push('\n');
        }
        out.push_str(&" ".repeat(bars.len()));
        out.push('\n');
        let longest = bars.iter().map(|(_, ago)| ago.len()).max().unwrap_or(0);
        for place in 0..longest {
            let letter = |ago: &String| ago.as_bytes().get(place).map_or(' ', |&b| b.into());
            out.extend(bars.iter().map(|(_, ago)| letter(ago)));
            out.push('\n');
        }
    }
    out
}

fn ago(seconds: i64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// LATENCY DOCTOR: what the spikes are like, and what to do about them.
const LATENCY_DOCTOR: Command = report(Command::new("doctor", 2, latency_doctor), "2.8.13").docs(
    "",
    "Says what the spikes are like and what helps.",
    "O(1)",
);

fn latency_doctor(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let (server, now) = (&ctx.server, ctx.server.now.unix_ms() / 1000);
    let events = &server.latency.events;
    let report = if events.is_empty() && server.config.latency_ns == u64::MAX {
        String::from(
            "Latency monitoring is disabled in this instance. CONFIG SET latency-monitor-threshold \
             to a number of milliseconds: whatever takes longer is then kept.\n",
        )
    } else if events.is_empty() {
        String::from("No latency spike was observed so far.\n")
    } else {
        let mut report = String::from("Latency spikes were observed:\n\n");
        for (index, event) in events.iter().enumerate() {
            report.push_str(&format!("{}. {}\n", index + 1, summary(event, now)));
        }
        report.push_str("\nWhat helps:\n\n");
        let advices: ordered::Set<&str> =
            events.iter().flat_map(|event| advice(event.name)).copied().collect();
        advices.iter().for_each(|advice| report.push_str(&format!("- {advice}\n")));
        report
    };
    ctx.reply.verbatim(b"txt", report.as_bytes());
    Ok(Flow::Done)
}

/// How many spikes, how long, how far apart.
fn summary(event: &LatencyEvent, now: i64) -> String {
    let count = event.spikes.len().max(1) as u64;
    let sum: u64 = event.spikes.iter().map(|spike| spike.millis).sum();
    let average = sum / count;
    let off: u64 = event.spikes.iter().map(|spike| spike.millis.abs_diff(average)).sum();
    let since = event.spikes.front().map_or(0, |spike| now - spike.unix_seconds);
    format!(
        "{}: {} latency spikes (average {average}ms, mean deviation {}ms, period {:.2} sec). \
         Worst all time event {}ms.",
        event.name,
        event.spikes.len(),
        off / count,
        since as f64 / count as f64,
        event.worst
    )
}

fn advice(event: &str) -> &'static [&'static str] {
    match event {
        "command" => &[
            "SLOWLOG GET tells which commands were slow, with their arguments.",
            "A command that goes through a large value holds up everybody: use smaller values, or \
             SCAN and its like, which go through them in steps.",
        ],
        "fast-command" => &[
            "A command that takes constant time took long: the machine may have too little processor \
             time or memory for this process. Look for other processes, steal time and swapping.",
        ],
        "expire-cycle" => &[
            "Many keys expire at about the same time: spread their expiries by a random amount, or \
             lower active-expire-effort.",
        ],
        "eviction-cycle" => {
            &["Much is evicted at once: raise maxmemory, or lower maxmemory-eviction-tenacity."]
        }
        _ => &["The log of the server may say what happened then."],
    }
}

/// LATENCY HISTOGRAM \[command …\]: how long commands take.
const LATENCY_HISTOGRAM: Command =
    report(Command::new("histogram", -2, latency_histogram), "7.0.0").docs(
        "[command:string [command:string ...]]",
        "Returns how many calls of commands took how long at most.",
        "O(n) with n the number of commands",
    );

fn latency_histogram(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let names = &ctx.server.names;
    let wanted: Vec<table::Numbered> = if args.len() == 2 {
        table::commands().flat_map(with_subcommands).collect()
    } else {
        let found = args.iter_from(2).filter_map(|name| table::find_full_named(names, name));
        found.flat_map(with_subcommands).collect()
    };
    let place = ctx.reply.deferred();
    let mut pairs = 0;
    for command in wanted {
        let CommandStats { latency: Some(histogram), .. } = &ctx.server.command_stats[command.id]
        else {
            continue;
        };
        ctx.reply.bulk(command.full_name().as_bytes());
        reply_histogram(ctx.reply, histogram);
        pairs += 1;
    }
    ctx.reply.finish_map(place, pairs);
    Ok(Flow::Done)
}

fn with_subcommands(command: table::Numbered) -> impl Iterator<Item = table::Numbered> {
    let subcommands = if command.container.is_none() { Some(command.subcommands()) } else { None };
    core::iter::once(command).chain(subcommands.into_iter().flatten())
}

/// The calls that took up to 1, 2, 4, … microseconds, where that is more than up to the one before.
///
/// The bounds are those of Redis, whose histogram knows two digits: 1024 ns and a little, doubled each time.
fn reply_histogram(reply: &mut Reply, histogram: &Histogram) {
    const BOUND: u64 = 1024 + 7;
    let mut counts: Vec<(u64, u64)> = Vec::new();
    let (mut bound, mut sum) = (BOUND, 0);
    for (nanos, count) in histogram.iter() {
        while nanos > bound {
            // Twice the lower end, twice the width.
            bound = bound * 2 + 1;
        }
        sum += u64::from(count);
        match counts.last_mut() {
            Some((last, so_far)) if *last == bound => *so_far = sum,
            _ => counts.push((bound, sum)),
        }
    }
    reply.map(2);
    reply.bulk(b"calls");
    reply.int(histogram.total as i64);
    reply.bulk(b"histogram_usec");
    reply.map(counts.len());
    for (bound, count) in counts {
        reply.int((bound / 1000) as i64);
        reply.int(count as i64);
    }
}

/// LATENCY HELP: what the subcommands are.
const LATENCY_HELP: Command = Command::new("help", 2, latency_help)
    .loading()
    .stale()
    .group(Group::Server)
    .since("2.8.13")
    .docs("", "Prints this help.", "O(1)");

fn latency_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &LATENCY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Latency;

    fn drawing(spikes: &[(i64, u64)], now: i64) -> String {
        let mut latency = Latency::default();
        spikes.iter().for_each(|&(second, millis)| latency.note("command", second, millis));
        draw(latency.find(b"command").expect("it has spikes"), now)
    }

    #[test]
    fn bars_are_as_high_as_spikes_are_long() {
        let drawing = drawing(&[(58, 33), (59, 60), (60, 90), (62, 1100)], 62);
        let lines: Vec<&str> = drawing.lines().collect();
        assert_eq!(lines[0], "command - high 1100 ms, low 33 ms (all time high 1100 ms)");
        assert_eq!(lines[1].len(), GRAPH_COLUMNS);
        assert_eq!(lines[2..], ["   #", "   |", "   |", "___|", "    ", "4320", "ssss"]);
    }

    #[test]
    fn one_spike_is_a_low_bar_and_minutes_are_told_as_such() {
        let drawing = drawing(&[(0, 7)], 600);
        assert_eq!(drawing.lines().skip(5).collect::<Vec<_>>(), ["_", " ", "1", "0", "m"]);
    }

    #[test]
    fn bounds_are_redis_own() {
        let mut histogram = Histogram::default();
        [500, 1000, 3000, 16_000, 200_000].iter().for_each(|&nanos| histogram.count(nanos));
        let mut reply = Reply::new(crate::resp::Protocol::Resp2);
        reply_histogram(&mut reply, &histogram);
        let text = String::from_utf8_lossy(&reply.out).replace("\r\n", "|");
        let expected = "*4|$5|calls|:5|$14|histogram_usec|*8|:1|:2|:4|:3|:16|:4|:264|:5|";
        assert_eq!(text, expected);
    }
}
