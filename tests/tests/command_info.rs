//! COMMAND INFO of every command, against a real Redis: arity, flags, categories, keys.

use redstart_core::commands::table;
use redstart_tests::live::Server;
use redstart_tests::resp::{self, Value};
use redstart_tests::script::{EngineHost, Got, Host, ServerHost};

/// Facts in which Redis 7.0 differs, as full name and why.
const DIFFERS: &[(&str, &str)] = &[
    ("zrank", "takes WITHSCORE since 7.2, so any number of arguments from 3 on"),
    ("zrevrank", "takes WITHSCORE since 7.2, so any number of arguments from 3 on"),
];

fn ask(host: &mut dyn Host, args: &[&str]) -> Value {
    host.send("", &resp::command(args)).expect("the connection is open");
    match host.receive("", true).expect("a reply") {
        Got::Reply(value) => value,
        other => panic!("{args:?}: {other:?}"),
    }
}

/// What is compared of a command: no subcommands, which are asked for one by one, and no notes, which are
/// Redis's own sentences.
fn facts(reply: Value) -> String {
    let Value::Array(mut commands) = reply else { return String::from("no array") };
    let Some(Value::Array(mut fields)) = commands.pop() else { return String::from("none") };
    fields.truncate(9);
    if let Some(Value::Array(tips)) = fields.get_mut(7) {
        tips.sort_by_key(Value::compact);
    }
    if let Some(Value::Array(specs)) = fields.get_mut(8) {
        for spec in specs {
            if let Value::Array(parts) = spec
                && parts.first() == Some(&Value::Bulk(b"notes".to_vec()))
            {
                parts.drain(..2);
            }
        }
    }
    fields.iter().map(|field| format!("  {}\n", field.compact())).collect()
}

#[test]
fn every_command_is_described_as_redis_describes_it() {
    let Some(server) = Server::oracle().expect("the oracle starts") else { return };
    let mut redis = ServerHost::new(&server);
    redis.connect("").expect("it listens");
    let mut engine = EngineHost::new(1);
    engine.connect("").expect("an engine takes connections");
    let mut wrong = Vec::new();
    for command in table::commands().flat_map(|c| std::iter::once(c).chain(c.subcommands())) {
        let name = command.full_name();
        if DIFFERS.iter().any(|(differs, _)| *differs == name) {
            continue;
        }
        let theirs = facts(ask(&mut redis, &["COMMAND", "INFO", &name]));
        let ours = facts(ask(&mut engine, &["COMMAND", "INFO", &name]));
        // Commands that are newer have nothing to be compared with.
        if theirs != "none" && ours != theirs {
            wrong.push(format!("{name}\n  ours:\n{ours}  Redis:\n{theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}
