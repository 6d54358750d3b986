//! The libraries of scripts next to a real Redis: generated calls through EVAL.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use redstart_tests::live::Server;
use redstart_tests::lua::{Choices, libraries, normal};
use redstart_tests::resp::{self, Value};
use redstart_tests::script::{EngineHost, Got, Host};

/// Calls in one script.
const CALLS: usize = 40;

/// 2 seconds, or as long as `REDSTART_FUZZ_SECONDS` says; `REDSTART_FUZZ_SEED` runs one script again.
#[test]
fn libraries_do_what_they_do_in_redis() {
    let Some(server) = Server::oracle().expect("the oracle is there") else { return };
    let mut stream = server.dial().expect("it listens");
    let mut engine = EngineHost::new(7);
    engine.connect("a").expect("it connects");
    let variable = |name: &str| -> Option<u64> { std::env::var(name).ok()?.parse().ok() };
    let one = variable("REDSTART_FUZZ_SEED");
    let end = Instant::now() + Duration::from_secs(variable("REDSTART_FUZZ_SECONDS").unwrap_or(2));
    let mut seed = one.unwrap_or(0);
    let mut differences = Vec::new();
    loop {
        let (calls, script) = libraries::script(&mut Choices::of(seed), CALLS);
        let command = resp::command(&["EVAL", &script, "0"]);
        stream.write_all(&command).expect("it reads");
        let mut bytes = Vec::new();
        let theirs = loop {
            let mut piece = [0; 1 << 16];
            let count = stream.read(&mut piece).expect("it answers");
            assert!(count > 0, "redis-server hung up on seed {seed}");
            bytes.extend_from_slice(&piece[..count]);
            if let Some((value, _)) = resp::decode(&bytes).expect("RESP") {
                break value;
            }
        };
        engine.send("a", &command).expect("it is sent");
        let Got::Reply(ours) = engine.receive("a", true).expect("RESP") else {
            panic!("no reply to seed {seed}")
        };
        match (&ours, &theirs) {
            (Value::Array(ours), Value::Array(theirs)) => {
                for ((call, ours), theirs) in calls.iter().zip(ours).zip(theirs) {
                    let (ours, theirs) = (shown(ours), shown(theirs));
                    if ours != theirs {
                        differences.push(format!(
                            "REDSTART_FUZZ_SEED={seed}: {call}\n  here  {ours}\n  Redis {theirs}"
                        ));
                    }
                }
            }
            _ if shown(&ours) == shown(&theirs) => {}
            _ => differences.push(format!(
                "REDSTART_FUZZ_SEED={seed}
{}
{}",
                shown(&ours),
                shown(&theirs)
            )),
        }
        seed += 1;
        if one.is_some() || Instant::now() > end || differences.len() >= 40 {
            break;
        }
    }
    println!("{} calls alike", seed * CALLS as u64);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn shown(value: &Value) -> String {
    match value {
        Value::Bulk(text) | Value::Error(text) => normal(text),
        other => format!("{other:?}"),
    }
}
