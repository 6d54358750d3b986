//! Random commands of a user who may not touch some keys, or not read them, or not write them: whatever the
//! reply is, nothing of those keys is told or changed.
//!
//! `REDSTART_FUZZ_SECONDS` says how long, `REDSTART_FUZZ_SEED` which round.

use std::time::{Duration, Instant};

use redstart_core::command::Flags;
use redstart_tests::chance::Chance;
use redstart_tests::grammar::{self, Rule};
use redstart_tests::quote::repr;
use redstart_tests::resp::{self, Value};
use redstart_tests::script::{EngineHost, Got, Host};

/// Commands in a round.
const ROUND: usize = 300;
/// The word that only keys hold which may not be read.
const SECRET: &[u8] = b"SECRET";

/// Everything may be done with keys that end with 0; those with 1 may be read, those with 2 written.
const RULES: &[&str] = &["on", "nopass", "+@all", "~?0", "%R~?1", "%W~?2", "&*"];

#[test]
fn what_a_user_may_not_read_is_not_told_and_what_it_may_not_write_is_not_changed() {
    let variable = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let rules: Vec<Rule> = grammar::rules().into_iter().filter(may_run).collect();
    if let Some(seed) = variable("REDSTART_FUZZ_SEED") {
        return round(&rules, seed);
    }
    let end = Instant::now() + Duration::from_secs(variable("REDSTART_FUZZ_SECONDS").unwrap_or(2));
    let mut seed = 0;
    while Instant::now() < end {
        round(&rules, seed);
        seed += 1;
    }
    println!("{seed} rounds of {ROUND} commands");
}

/// Commands that name keys, and those of transactions. Blocking ones would end the round.
fn may_run(rule: &Rule) -> bool {
    let flags = rule.command.flags;
    let of_transactions = ["MULTI", "EXEC", "DISCARD"].contains(&rule.words[0].as_str());
    !flags.intersects(Flags::BLOCKING | Flags::PUBSUB)
        && (of_transactions || !rule.command.keys.is_empty())
}

fn round(rules: &[Rule], seed: u64) {
    let mut chance = Chance::new(seed);
    let mut host = EngineHost::new(seed as u8);
    host.connect("").expect("an engine takes connections");
    host.connect("user").expect("an engine takes connections");
    let mut setuser = vec!["ACL", "SETUSER", "u"];
    setuser.extend(RULES);
    ask(&mut host, "", &words(&setuser));
    ask(&mut host, "user", &words(&["AUTH", "u", "x"]));
    for digit in 0..4 {
        // Keys 2 and 3 may not be read.
        let value = if digit < 2 { "plain" } else { "SECRET" };
        for line in [
            format!("SET s{digit} {value}"),
            format!("RPUSH l{digit} {value} 1"),
            format!("SADD t{digit} {value} 1"),
            format!("ZADD z{digit} 1 {value} 2 1"),
            format!("HSET h{digit} {value} {value} 1 1"),
        ] {
            ask(&mut host, "", &words(&line.split(' ').collect::<Vec<_>>()));
        }
    }
    let mut digests: Vec<&str> = vec!["DEBUG", "DIGEST-VALUE"];
    let untouched: Vec<String> =
        ["s", "l", "t", "z", "h"].iter().flat_map(|t| [format!("{t}1"), format!("{t}3")]).collect();
    digests.extend(untouched.iter().map(String::as_str));
    let before = ask(&mut host, "", &words(&digests));
    for _ in 0..ROUND {
        let args = grammar::draw(&rules[chance.below(rules.len())], &mut chance);
        let reply = ask(&mut host, "user", &args);
        let shown = || args.iter().map(|arg| repr(arg)).collect::<Vec<_>>().join(" ");
        // What the user wrote itself it may hear again.
        let mentioned = args.iter().any(|arg| contains(arg, SECRET));
        let text = reply.compact();
        assert!(
            mentioned || !contains(text.as_bytes(), SECRET),
            "seed {seed}: {} tells {text}",
            shown()
        );
        let after = ask(&mut host, "", &words(&digests));
        assert_eq!(before, after, "seed {seed}: {} changes a key", shown());
    }
}

fn words(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn ask(host: &mut EngineHost, name: &str, args: &[Vec<u8>]) -> Value {
    host.send(name, &resp::command(args)).expect("the connection is there");
    match host.receive(name, true).expect("the reply is whole") {
        Got::Reply(value) => value,
        other => {
            panic!("{} gave {other:?}", args.iter().map(|a| repr(a)).collect::<Vec<_>>().join(" "))
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
