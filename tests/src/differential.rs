//! The engine next to a real Redis: the same random commands to both, the same replies from both.
//!
//! Left out are commands whose replies chance or the clock decides, and those that Redis 7.0 does not have.
//! A difference is shrunk: commands are left out one by one for as long as it stays. One that two more tries
//! do not show was the clock's doing; it is counted, and too many of them are an error.
//! With `REDSTART_FUZZ_GROUP=list` only commands of that group of the documentation are drawn.

use std::io::{Read, Write};
use std::net::TcpStream;

use redstart_core::command::Flags;

use crate::chance::Chance;
use crate::grammar::{self, Rule};
use crate::live::Server;
use crate::resp::{self, Value};
use crate::script::{EngineHost, Got, Host};

/// Commands of one round: after each round both databases are emptied.
const ROUND: usize = 150;

/// Commands whose replies are not determined by what was said before.
const UNDETERMINED: &[&str] = &[
    "SPOP",
    "SRANDMEMBER",
    "HRANDFIELD",
    "ZRANDMEMBER",
    "RANDOMKEY",
    "SCAN",
    "SSCAN",
    "HSCAN",
    "ZSCAN",
    "TIME",
    "INFO",
    "LOLWUT",
    "OBJECT",
    "CLIENT",
    "HELLO",
    "COMMAND",
    "CONFIG",
    "DEBUG",
    "MEMORY",
    "LATENCY",
    "SLOWLOG",
    "MONITOR",
    "SHUTDOWN",
    "QUIT",
    "RESET",
    "AUTH",
    "PUBSUB",
    "ACL",
    "ROLE",
    "SAVE",
    "BGSAVE",
    "LASTSAVE",
    "WAIT",
    "REPLICAOF",
    "SLAVEOF",
    "CLUSTER",
    "MODULE",
    "FUNCTION",
    "SCRIPT",
    "EVAL",
    "DUMP",
    "MIGRATE",
    "SWAPDB",
    "BGREWRITEAOF",
    "SYNC",
    "PSYNC",
];

/// Commands whose reply is a set: compared sorted, by this many elements at a time.
const UNORDERED: &[(&str, usize)] = &[
    ("SMEMBERS", 1),
    ("SINTER", 1),
    ("SUNION", 1),
    ("SDIFF", 1),
    ("KEYS", 1),
    ("HKEYS", 1),
    ("HVALS", 1),
    ("HGETALL", 2),
];

/// Commands whose replies tell the time, which passes between the two sides.
const CLOCK: &[&str] =
    &["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME"];

/// Commands with an option at their end that Redis 7.0 does not have, and how many words they had there.
const LONGER: &[(&str, usize)] = &[("ZRANK", 3), ("ZREVRANK", 3)];

/// Commands with a word among their arguments that Redis 7.0 does not know.
const NEWER: &[(&str, &[&str])] = &[
    ("BITOP", &["DIFF", "DIFF1", "ANDOR", "ONE"]),
    ("GEOSEARCH", &["BYPOLYGON"]),
    ("GEOSEARCHSTORE", &["BYPOLYGON"]),
    ("SET", &["IFEQ", "IFNE", "IFDEQ", "IFDNE"]),
];

/// Commands of other groups that show and change what a group works on, drawn along with it.
const COMPANIONS: &[(&str, &[&str])] = &[
    ("bitmap", &["GET", "SET", "APPEND", "SETRANGE", "INCRBY", "COPY"]),
    ("hyperloglog", &["GET", "GETRANGE", "STRLEN", "APPEND", "COPY"]),
];

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Commands that both sides answered alike.
    pub commands: usize,
    /// Rounds with a difference that did not come again.
    pub passing: usize,
}

/// Of the rounds at most one in this many may differ once and not again.
const PASSING: usize = 1000;

/// Runs rounds from `seed` on until `enough` says so.
pub fn run(
    server: &Server,
    seed: u64,
    mut enough: impl FnMut(usize) -> bool,
) -> Result<Outcome, String> {
    let mut link = Link::new(server)?;
    let rules: Vec<Rule> =
        grammar::rules().into_iter().filter(|rule| may_run(rule, &mut link)).collect();
    let mut outcome = Outcome::default();
    let mut round = 0;
    while !enough(round) {
        let mut chance = Chance::new(seed.wrapping_add(round as u64));
        let draw = |_| grammar::draw(&rules[chance.below(rules.len())], &mut chance);
        let commands: Vec<_> = (0..ROUND).map(draw).filter(|args| !is_newer(args)).collect();
        let commands = without_queued(commands);
        round += 1;
        if first_difference(&mut link, &commands)?.is_some() {
            let here = seed.wrapping_add(round as u64 - 1);
            let Some(first) = again(&mut link, &commands)? else {
                outcome.passing += 1;
                println!("seed {here}: a difference that did not come again");
                continue;
            };
            let shrunk = shrink(&mut link, &commands[..=first.at])?;
            return Err(describe(here, &mut link, &shrunk)?);
        }
        outcome.commands += commands.len();
    }
    if outcome.passing > 1 + round / PASSING {
        return Err(format!("{} of {round} rounds differed once", outcome.passing));
    }
    Ok(outcome)
}

/// What Redis 7.0 does not have, and what the clock decides: an ID of XADD, how long XREAD waits.
fn is_newer(args: &[Vec<u8>]) -> bool {
    let has = |words: &[&str]| {
        args.iter().any(|arg| words.iter().any(|word| arg.eq_ignore_ascii_case(word.as_bytes())))
    };
    match args[0].to_ascii_uppercase().as_slice() {
        b"XADD" if has(&["*"]) => return true,
        b"XADD" | b"XTRIM" if has(&["KEEPREF", "DELREF", "ACKED"]) => return true,
        b"XREAD" | b"XREADGROUP" if has(&["BLOCK", "+"]) => return true,
        // A window or a copy of an order that chance decides: see `sorts_texts`.
        b"SORT" | b"SORT_RO" if has(&["ALPHA"]) && has(&["LIMIT", "STORE", "GET"]) => return true,
        _ => {}
    }
    let longer = |(name, len): &(&str, usize)| {
        args[0].eq_ignore_ascii_case(name.as_bytes()) && args.len() > *len
    };
    let newer = |(name, words): &(&str, &[&str])| {
        let is_newer = |arg: &Vec<u8>| words.iter().any(|w| arg.eq_ignore_ascii_case(w.as_bytes()));
        args[0].eq_ignore_ascii_case(name.as_bytes()) && args[1..].iter().any(is_newer)
    };
    LONGER.iter().any(longer) || NEWER.iter().any(newer)
}

/// Whether it sorts by texts: elements that compare equal (missing weights, texts up to a zero byte) stay in
/// the order of the table, which is up to chance.
fn sorts_texts(args: &[Vec<u8>]) -> bool {
    let sorts =
        [b"SORT".as_slice(), b"SORT_RO"].iter().any(|name| args[0].eq_ignore_ascii_case(name));
    sorts && args[1..].iter().any(|arg| arg.eq_ignore_ascii_case(b"ALPHA"))
}

/// Leaves out of transactions what is not compared word for word: EXEC's reply does not say whose is which.
fn without_queued(commands: Vec<Vec<Vec<u8>>>) -> Vec<Vec<Vec<u8>>> {
    let mut queueing = false;
    let kept = |args: &Vec<Vec<u8>>| {
        let name = String::from_utf8_lossy(&args[0]).to_uppercase();
        match name.as_str() {
            "MULTI" => queueing = true,
            "EXEC" | "DISCARD" => queueing = false,
            name if queueing => {
                let loose = UNORDERED.iter().any(|(unordered, _)| *unordered == name);
                return !loose && !CLOCK.contains(&name) && !sorts_texts(args);
            }
            _ => {}
        }
        true
    };
    commands.into_iter().filter(kept).collect()
}

/// The difference, if both of two more tries show one.
fn again(link: &mut Link, commands: &[Vec<Vec<u8>>]) -> Result<Option<Difference>, String> {
    Ok(match first_difference(link, commands)? {
        Some(_) => first_difference(link, commands)?,
        None => None,
    })
}

struct Difference {
    at: usize,
    ours: Value,
    theirs: Value,
}

/// Runs commands on an empty database of both sides.
fn first_difference(
    link: &mut Link,
    commands: &[Vec<Vec<u8>>],
) -> Result<Option<Difference>, String> {
    let mut host = EngineHost::new(5);
    host.at_wall_clock();
    host.connect("")?;
    let mut bytes = resp::command(&["RESET"]);
    bytes.extend(resp::command(&["FLUSHALL"]));
    commands.iter().for_each(|args| bytes.extend(resp::command(args)));
    let theirs = link.ask(&bytes, commands.len() + 2)?;
    for (at, (args, theirs)) in commands.iter().zip(theirs.into_iter().skip(2)).enumerate() {
        host.send("", &resp::command(args))?;
        let ours = match host.receive("", true)? {
            Got::Reply(value) => value,
            other => return Err(format!("{} gave {other:?}", show(args))),
        };
        if !alike(args, &ours, &theirs) {
            return Ok(Some(Difference { at, ours, theirs }));
        }
    }
    Ok(None)
}

fn alike(args: &[Vec<u8>], ours: &Value, theirs: &Value) -> bool {
    let name = String::from_utf8_lossy(&args[0]).to_uppercase();
    if CLOCK.contains(&name.as_str()) {
        let most = if name.starts_with('P') || name.starts_with("HP") { 2_000 } else { 2 };
        let near = |ours: &Value, theirs: &Value| match (ours, theirs) {
            (Value::Int(ours), Value::Int(theirs)) => (ours - theirs).abs() <= most,
            _ => ours == theirs,
        };
        if let (Value::Array(ours), Value::Array(theirs)) = (ours, theirs) {
            let all = ours.iter().zip(theirs).all(|(ours, theirs)| near(ours, theirs));
            return ours.len() == theirs.len() && all;
        }
        if let (Value::Int(_), Value::Int(_)) = (ours, theirs) {
            return near(ours, theirs);
        }
    }
    if let (Value::Error(ours), Value::Error(theirs)) = (ours, theirs) {
        // Error texts are UTF-8 here, whatever the client sent to be quoted in them.
        return String::from_utf8_lossy(ours) == String::from_utf8_lossy(theirs);
    }
    if matches!(name.as_str(), "XPENDING" | "XINFO") {
        return alike_but_times(ours, theirs, false);
    }
    if sorts_texts(args) {
        return ours.clone().sorted(1) == theirs.clone().sorted(1);
    }
    match UNORDERED.iter().find(|(unordered, _)| *unordered == name) {
        Some((_, step)) => ours.clone().sorted(*step) == theirs.clone().sorted(*step),
        None => ours == theirs,
    }
}

/// Whether two replies about streams are alike but for the times in them: the idle time of a delivery or a
/// consumer, and what is plainly a time of day.
fn alike_but_times(ours: &Value, theirs: &Value, idle: bool) -> bool {
    match (ours, theirs) {
        (Value::Int(a), Value::Int(b)) => {
            let times = idle || a.min(b) > &1_000_000_000_000;
            a == b || times && (a - b).abs() <= 2_000
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).enumerate().all(|(at, (ours, theirs))| {
                    let is_idle = |at: usize| a.get(at) == Some(&Value::Bulk(b"idle".to_vec()));
                    let delivery = a.len() == 4 && at == 2;
                    let idle = delivery || at.checked_sub(1).is_some_and(is_idle);
                    alike_but_times(ours, theirs, idle)
                })
        }
        _ => ours == theirs,
    }
}

/// Leaves out what the last command's difference does not need.
fn shrink(link: &mut Link, commands: &[Vec<Vec<u8>>]) -> Result<Vec<Vec<Vec<u8>>>, String> {
    let mut kept = commands.to_vec();
    let mut size = kept.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at + size < kept.len() {
            let mut fewer = kept.clone();
            fewer.drain(at..at + size);
            if first_difference(link, &fewer)?
                .is_some_and(|difference| difference.at == fewer.len() - 1)
            {
                kept = fewer;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    Ok(kept)
}

fn describe(seed: u64, link: &mut Link, commands: &[Vec<Vec<u8>>]) -> Result<String, String> {
    let session: Vec<_> = commands.iter().map(|args| format!("> {}", show(args))).collect();
    let Some(difference) = first_difference(link, commands)? else {
        return Err(format!(
            "seed {seed}: a difference that comes and goes:\n{}",
            session.join("\n")
        ));
    };
    Ok(format!(
        "seed {seed}:\n{}\n  ours:    {}\n  Redis's: {}",
        session.join("\n"),
        difference.ours.compact(),
        difference.theirs.compact()
    ))
}

fn show(args: &[Vec<u8>]) -> String {
    let plain = |arg: &&Vec<u8>| {
        !arg.is_empty() && arg.iter().all(|b| b.is_ascii_graphic() && *b != b'"' && *b != b'\'')
    };
    let words = args.iter().map(|arg| {
        if plain(&arg) {
            String::from_utf8_lossy(arg).into_owned()
        } else {
            crate::quote::repr(arg)
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn may_run(rule: &Rule, link: &mut Link) -> bool {
    let name = rule.words[0].as_str();
    let joins = |group: &str| {
        COMPANIONS.iter().any(|(of, commands)| *of == group && commands.contains(&name))
    };
    if std::env::var("REDSTART_FUZZ_GROUP")
        .is_ok_and(|group| rule.command.group.name() != group && !joins(&group))
    {
        return false;
    }
    if rule.words.get(1).is_some_and(|sub| sub == "HELP") {
        return false;
    }
    // These do not block unless they are told to.
    let blocks = rule.command.flags.contains(Flags::BLOCKING) && !name.starts_with("XREAD");
    let out = Flags::PUBSUB | Flags::PROTECTED | Flags::ADMIN;
    if UNDETERMINED.contains(&name) || blocks || rule.command.flags.intersects(out) {
        return false;
    }
    // Redis 7.0 may not have it.
    let info = link.ask(&resp::command(&["COMMAND", "INFO", name]), 1);
    matches!(info.as_deref(), Ok([Value::Array(rows)]) if rows[0] != Value::Nil)
}

/// A connection to the server.
struct Link {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Link {
    fn new(server: &Server) -> Result<Self, String> {
        let stream = server.dial().map_err(|e| e.to_string())?;
        let mut link = Self { stream, buffer: Vec::new() };
        // When keys expire that nobody reads is up to chance; here they expire when they are read.
        link.ask(&resp::command(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]), 1)?;
        Ok(link)
    }

    fn ask(&mut self, bytes: &[u8], replies: usize) -> Result<Vec<Value>, String> {
        let mut stream = self.stream.try_clone().map_err(|e| e.to_string())?;
        std::thread::scope(|scope| {
            // Written aside, so that a reply larger than the socket's buffers stops nobody.
            scope.spawn(move || stream.write_all(bytes));
            let mut values = Vec::new();
            while values.len() < replies {
                if let Some((value, used)) = resp::decode(&self.buffer)? {
                    self.buffer.drain(..used);
                    values.push(value);
                    continue;
                }
                let mut piece = [0; 65536];
                match self.stream.read(&mut piece) {
                    Ok(0) => return Err("the server closed the connection".into()),
                    Ok(n) => self.buffer.extend_from_slice(&piece[..n]),
                    Err(e) => return Err(e.to_string()),
                }
            }
            Ok(values)
        })
    }
}
