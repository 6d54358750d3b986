//! What there is, against a real Redis: every command with its arity, flags, categories and keys; every field
//! of INFO; every setting.

use redstart_core::commands::table;
use redstart_tests::live::Server;
use redstart_tests::resp::{self, Value};
use redstart_tests::script::{EngineHost, Got, Host, ServerHost};

/// Facts in which Redis 7.0 differs, as full name and why.
const DIFFERS: &[(&str, &str)] = &[
    ("zrank", "takes WITHSCORE since 7.2, so any number of arguments from 3 on"),
    ("zrevrank", "takes WITHSCORE since 7.2, so any number of arguments from 3 on"),
];

/// Commands of Redis 7.0 that are not there, and why; of a container, all its subcommands.
const ABSENT: &[(&str, &str)] = &[
    ("failover", REPLICATION),
    ("replicaof", REPLICATION),
    ("slaveof", REPLICATION),
    ("wait", REPLICATION),
    ("migrate", "it sends keys to another server, which the cluster needs first"),
];
const REPLICATION: &str = "replication comes with a later release";

/// Fields of INFO that Redis 7.0 does not have.
const OWN_FIELDS: &[&str] = &["evicted_scripts", "redstart_version", "expired_subkeys"];

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
    let (mut redis, mut engine) = hosts(&server);
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

fn hosts(server: &Server) -> (ServerHost<'_>, EngineHost) {
    let mut redis = ServerHost::new(server);
    redis.connect("").expect("it listens");
    let mut engine = EngineHost::new(1);
    engine.connect("").expect("an engine takes connections");
    (redis, engine)
}

fn texts(reply: Value) -> Vec<String> {
    let Value::Array(items) = reply else { panic!("{reply:?} is no array") };
    let text = |item| match item {
        Value::Bulk(bytes) => String::from_utf8(bytes).expect("it is UTF-8"),
        other => panic!("{other:?} is no string"),
    };
    items.into_iter().map(text).collect()
}

#[test]
fn no_command_is_missing_but_those_that_wait_for_a_part() {
    let Some(server) = Server::oracle().expect("the oracle starts") else { return };
    let (mut redis, mut engine) = hosts(&server);
    let theirs = texts(ask(&mut redis, &["COMMAND", "LIST"]));
    let ours = texts(ask(&mut engine, &["COMMAND", "LIST"]));
    let is_absent = |name: &str| {
        let name = name.split('|').next().unwrap_or(name);
        ABSENT.iter().any(|(absent, _)| *absent == name)
    };
    let missing: Vec<_> =
        theirs.iter().filter(|name| !ours.contains(name) && !is_absent(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let there: Vec<_> = ours.iter().filter(|name| is_absent(name)).collect();
    assert!(there.is_empty(), "take them out of ABSENT: {there:?}");
}

#[test]
fn info_has_every_field_of_redis_in_its_order() {
    let Some(server) = Server::oracle().expect("the oracle starts") else { return };
    let (mut redis, mut engine) = hosts(&server);
    let fields = |host: &mut dyn Host| -> Vec<String> {
        let Value::Bulk(text) = ask(host, &["INFO", "everything"]) else {
            panic!("INFO is a text")
        };
        let text = String::from_utf8(text).expect("it is UTF-8");
        // Fields named after a command, an error or a database come and go.
        let varies =
            |name: &str| name.starts_with("cmdstat_") || name.starts_with("latency_percentiles_");
        let names = text.lines().map(|line| line.split(':').next().unwrap_or(line).to_string());
        names.filter(|name| !varies(name)).collect()
    };
    let theirs = fields(&mut redis);
    let mut ours = fields(&mut engine);
    ours.retain(|name| !OWN_FIELDS.contains(&name.as_str()));
    assert_eq!(ours, theirs);
}

#[test]
fn every_setting_is_known() {
    let Some(server) = Server::oracle().expect("the oracle starts") else { return };
    let (mut redis, mut engine) = hosts(&server);
    let names = |host: &mut dyn Host| -> Vec<String> {
        texts(ask(host, &["CONFIG", "GET", "*"])).into_iter().step_by(2).collect()
    };
    let ours = names(&mut engine);
    let missing: Vec<String> =
        names(&mut redis).into_iter().filter(|name| !ours.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
