//! The append-only file, over the corpus of scripts: it says what Redis's says, and reading it gives the data set
//! that the script left.
//!
//! `REDSTART_SCRIPTS=list/ cargo test -p redstart-tests --test journal` runs those whose names start so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use redstart_tests::chance::Chance;
use redstart_tests::grammar;
use redstart_tests::live::Server;
use redstart_tests::quote::repr;
use redstart_tests::resp::{self, Value};
use redstart_tests::script::{self, EngineHost, Got, Host, Script, ServerHost, Variant};

/// Scripts that sleep longer than this are not run in real time.
const LONGEST: Duration = Duration::from_secs(3);

/// Scripts whose journal is another one than Redis's, and why.
const DIFFERS: &[(&str, &str)] = &[
    ("acl/blocked", "who waits is served although the right is gone"),
    ("connection/pause", "what expires in the end does so when the script is over"),
];

/// Scripts whose data set is not what a base of commands says, in Redis neither, and why.
const LOST_IN_BASES: &[(&str, &str)] = &[(
    "stream/refs",
    "XCLAIM takes no entry that is gone, so that one that is still pending is not",
)];

/// Scripts whose data set is not what their journal says, in Redis neither, and why.
const LOSES: &[(&str, &str)] = &[
    ("bitmap/bitfield", "a key that an overflow leaves behind is written down nowhere"),
    ("bitmap/events", "the same"),
    ("hyperloglog/sparse", "settings are in no journal, and this one shapes the value"),
    ("server/debug", "DEBUG POPULATE is not written down"),
];

fn is_among(list: &[(&str, &str)], script: &Script) -> bool {
    list.iter().any(|(name, _)| script.name == *name)
}

fn scripts() -> Vec<Script> {
    let prefix = std::env::var("REDSTART_SCRIPTS").unwrap_or_default();
    let all = script::load_all().expect("every script parses");
    all.into_iter().filter(|script| script.name.starts_with(&prefix)).collect()
}

/// The commands of an append-only file, a line each, in small letters.
fn commands(bytes: &[u8]) -> Vec<String> {
    let values = resp::decode_all(bytes).expect("a journal is made of commands");
    let mut lines = Vec::new();
    for value in values {
        let Value::Array(words) = value else { panic!("a command is an array: {value:?}") };
        let words: Vec<String> = words.iter().map(word).collect();
        lines.push(words.join(" "));
    }
    lines
}

/// One word of a command; what is a time of today is the same as any other.
fn word(value: &Value) -> String {
    let Value::Bulk(bytes) = value else { panic!("a word is a string: {value:?}") };
    let text = repr(bytes).to_ascii_lowercase();
    let digits = text.trim_matches('"').split('-').next().unwrap_or_default();
    let is_time = digits.len() == 13
        && (digits.starts_with("17") || digits.starts_with("18"))
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_time {
        return text;
    }
    if text.contains('-') { "TIME-N".into() } else { "TIME".into() }
}

/// Runs `one` for every script, several at a time, and panics with all that it finds.
fn for_all(scripts: &[Script], one: impl Fn(&Script) -> Vec<String> + Sync) {
    let queue: Mutex<VecDeque<&Script>> = Mutex::new(scripts.iter().collect());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no panic while locked").pop_front();
                    let Some(script) = next else { return };
                    let found = one(script);
                    wrong.lock().expect("no panic while locked").extend(found);
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic while locked");
    assert!(wrong.is_empty(), "{} differences\n\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_journal_is_what_redis_writes() {
    let scripts: Vec<Script> = scripts()
        .into_iter()
        .filter(|script| {
            script.differs.is_none()
                && script.wait_us() <= LONGEST.as_micros() as u64
                && !is_among(DIFFERS, script)
        })
        .collect();
    let ran = Mutex::new(BTreeSet::new());
    let compare = |script: &Script| {
        compare(script, || {
            ran.lock().expect("no panic while locked").insert(script.name.clone());
        })
    };
    for_all(&scripts, |script| {
        // Time passes in jumps on a busy machine: what differs must differ again.
        for _ in 0..2 {
            match compare(script) {
                Ok(None) => return Vec::new(),
                Ok(Some(_)) => {}
                Err(e) => return vec![format!("{}: {e}", script.name)],
            }
        }
        compare(script).unwrap_or_else(Some).into_iter().collect()
    });
    let ran = ran.lock().expect("no panic while locked").len();
    println!("the journals of {ran} scripts of {} compared", scripts.len());
    // Some cannot be run to their end with an append-only file.
    let oracle = Server::oracle().expect("the oracle is there").is_some();
    assert!(!oracle || ran * 20 >= scripts.len() * 19, "{ran} of {} ran", scripts.len());
}

/// Where the journals of a script differ first.
fn compare(script: &Script, ran: impl FnOnce()) -> Result<Option<String>, String> {
    let arguments = ["--appendonly", "yes", "--aof-use-rdb-preamble", "no"];
    let Some(server) = Server::oracle_with(&arguments)? else { return Ok(None) };
    if script::run(script, &mut ServerHost::new(&server), Variant::default()).is_err() {
        return Ok(None);
    }
    // It is written before the replies are, and DEL of what expires soon after.
    let path = server.dir().join("appendonlydir/appendonly.aof.1.incr.aof");
    let theirs = commands(&std::fs::read(path).map_err(|e| e.to_string())?);
    let mut host = EngineHost::journaling(7);
    host.at_wall_clock();
    if script::run(script, &mut host, Variant::default()).is_err() {
        return Ok(None);
    }
    ran();
    let ours = commands(host.journal());
    // Nobody knows just when Redis deletes what has expired.
    let expires = theirs.iter().any(|line| line.contains("TIME"));
    if expires && lasting(&ours) == lasting(&theirs) {
        return Ok(None);
    }
    let same = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours == theirs).count();
    if same == ours.len() && same == theirs.len() {
        return Ok(None);
    }
    let from = |lines: &[String]| {
        let lines = lines.iter().skip(same.saturating_sub(2)).take(8);
        lines.map(|line| format!("    {line:.160}\n")).collect::<String>()
    };
    Ok(Some(format!("{}\n  ours\n{}  Redis's\n{}", script.name, from(&ours), from(&theirs))))
}

/// The commands without those that an expiry may have brought.
fn lasting(lines: &[String]) -> Vec<&String> {
    let removes = |line: &str| {
        (line.starts_with("\"del\"") || line.starts_with("\"unlink\""))
            && line.split(' ').count() == 2
    };
    let frames = |line: &str| line == "\"multi\"" || line == "\"exec\"";
    lines.iter().filter(|line| !removes(line) && !frames(line)).collect()
}

#[test]
fn reading_the_journal_gives_the_same_data_set() {
    let mut scripts = scripts();
    scripts.retain(|script| !is_among(LOSES, script));
    for_all(&scripts, |script| {
        let mut host = EngineHost::journaling(7);
        if script::run(script, &mut host, Variant::default()).is_err() {
            return Vec::new();
        }
        let mut other = EngineHost::new(8);
        match other.replay(&host) {
            Err(e) => vec![format!("{}: {e}", script.name)],
            Ok(()) => {
                let (before, after) = (contents(&mut host), contents(&mut other));
                differences(&script.name, &before, &after)
            }
        }
    });
}

#[test]
fn reading_a_base_of_commands_gives_the_same_data_set() {
    let mut scripts = scripts();
    scripts.retain(|script| !is_among(LOST_IN_BASES, script));
    for_all(&scripts, |script| {
        let mut host = EngineHost::journaling(7);
        if script::run(script, &mut host, Variant::default()).is_err() {
            return Vec::new();
        }
        match host.through_a_base(8) {
            Err(e) => vec![format!("{}: {e}", script.name)],
            Ok(mut other) => {
                let (before, after) = (contents(&mut host), contents(&mut other));
                differences(&script.name, &before, &after)
            }
        }
    });
}

/// Commands that change what no journal has, or that stop the engine.
const LEFT_OUT: &[&str] =
    &["ACL", "AUTH", "CLIENT", "CONFIG", "DEBUG", "MONITOR", "PFDEBUG", "SHUTDOWN"];

#[test]
fn reading_the_journal_of_drawn_commands_gives_the_same_data_set() {
    let rules = grammar::rules();
    let rules: Vec<_> =
        rules.iter().filter(|rule| !LEFT_OUT.contains(&rule.words[0].as_str())).collect();
    let first = std::env::var("REDSTART_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = first.map_or(0..300, |seed: u64| seed..seed + 1);
    let mut wrong = Vec::new();
    for seed in seeds {
        let mut chance = Chance::new(seed);
        let mut host = EngineHost::journaling(7);
        let mut commands = Vec::new();
        host.connect("0").expect("a new connection");
        let mut name = String::from("0");
        for number in 1..60 {
            let rule = &rules[chance.below(rules.len())];
            let command = grammar::draw(rule, &mut chance);
            // See bitmap/bitfield above.
            if rule.words[0] == "BITFIELD" && command.iter().any(|word| word == b"FAIL") {
                continue;
            }
            host.send(&name, &resp::command(&command)).expect("the engine takes it");
            let reply = host.receive(&name, false).expect("a reply");
            let words = command.iter().map(|word| repr(word)).collect::<Vec<_>>();
            commands.push(words.join(" "));
            // What waits, or sees what others do, is of no use any more.
            if !matches!(reply, Got::Reply(_)) {
                name = number.to_string();
                host.connect(&name).expect("a new connection");
            }
            if chance.percent(10) {
                host.wait(chance.bits() % 3_000_000).expect("time passes");
            }
        }
        let mut other = EngineHost::new(8);
        let found = match other.replay(&host) {
            Err(e) => vec![e],
            Ok(()) => {
                let (before, after) = (contents(&mut host), contents(&mut other));
                differences(&seed.to_string(), &before, &after)
            }
        };
        if first.is_some() && !found.is_empty() {
            let text = String::from_utf8_lossy(host.journal()).replace("\r\n", " ");
            println!("{}\n{text}", commands.join("\n"));
        }
        wrong.extend(found);
    }
    assert!(wrong.is_empty(), "{} differences\n\n{}", wrong.len(), wrong.join("\n"));
}

fn differences(
    name: &str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<String> {
    let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
    let wrong = keys.filter(|key| before.get(*key) != after.get(*key));
    wrong
        .map(|key| format!("{name}: {key}: {:?} became {:?}", before.get(key), after.get(key)))
        .collect()
}

/// Everything in an engine, by database and key.
fn contents(host: &mut EngineHost) -> BTreeMap<String, String> {
    host.connect("reader").expect("a new connection");
    let mut all = BTreeMap::new();
    ask(host, &[b"MULTI"]);
    ask(host, &[b"DISCARD"]);
    for db in 0..16 {
        if ask(host, &[b"SELECT", format!("{db}").as_bytes()]) != Value::Status(b"OK".to_vec()) {
            break;
        }
        let Value::Array(keys) = ask(host, &[b"KEYS", b"*"]) else { continue };
        for key in keys {
            let Value::Bulk(key) = key else { continue };
            let digest = ask(host, &[b"DEBUG", b"DIGEST-VALUE", &key]).compact();
            let expiry = ask(host, &[b"PEXPIRETIME", &key]).compact();
            let groups = match ask(host, &[b"XINFO", b"GROUPS", &key]) {
                Value::Array(groups) => groups.iter().map(group).collect::<String>(),
                _ => String::new(),
            };
            let times = match ask(host, &[b"HKEYS", &key]) {
                Value::Array(fields) => times(host, &key, fields),
                _ => String::new(),
            };
            let text = format!("{digest} {expiry} {groups} {times}");
            all.insert(format!("{db} {}", repr(&key)), text);
        }
    }
    let libraries = ask(host, &[b"FUNCTION", b"LIST", b"WITHCODE"]);
    all.insert("functions".into(), libraries.sorted(1).compact());
    all
}

/// A group without what XCLAIM does not say: consumers that have nothing, and how many entries were read.
fn group(group: &Value) -> String {
    let Value::Array(facts) = group else { return String::new() };
    let known = facts.chunks(2).filter(|fact| {
        matches!(&fact[0], Value::Bulk(name) if [&b"name"[..], b"pending", b"last-delivered-id"].contains(&&name[..]))
    });
    known.map(|fact| fact[1].compact()).collect::<Vec<_>>().join("/")
}

fn times(host: &mut EngineHost, key: &[u8], mut fields: Vec<Value>) -> String {
    fields.sort_by_key(Value::compact);
    let mut text = String::new();
    for field in fields {
        let Value::Bulk(field) = field else { continue };
        let time = ask(host, &[b"HPEXPIRETIME", key, b"FIELDS", b"1", &field]);
        text.push_str(&format!("{} {};", repr(&field), time.compact()));
    }
    text
}

fn ask(host: &mut EngineHost, request: &[&[u8]]) -> Value {
    host.send("reader", &resp::command(request)).expect("the engine takes it");
    match host.receive("reader", false) {
        Ok(Got::Reply(value)) => value,
        other => panic!("{request:?} gives {other:?}"),
    }
}
