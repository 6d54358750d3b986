//! RDB between the engine and a real Redis: payloads, files, and what becomes of bytes that are wrong.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use redstart_core::persist::rdb::data_set::Loaded;
use redstart_core::persist::rdb::loader::LoadError;
use redstart_tests::chance::Chance;
use redstart_tests::live::{self, Server};
use redstart_tests::resp::{self, Value};
use redstart_tests::script::{EngineHost, Got, Host, ServerHost};

type Args = Vec<Vec<u8>>;

fn args(words: &[&str]) -> Args {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn ask(host: &mut dyn Host, args: &[Vec<u8>]) -> Value {
    host.send("", &resp::command(args)).expect("it takes a command");
    match host.receive("", true).expect("it answers") {
        Got::Reply(value) => value,
        other => panic!("{other:?} to {:?}", String::from_utf8_lossy(&args.concat())),
    }
}

fn engine() -> EngineHost {
    let mut host = EngineHost::new(5);
    // Expiries mean the same to a server, whose clock is this machine's.
    host.at_wall_clock();
    host.connect("").expect("an engine takes connections");
    host
}

/// A text of some sort: small, long, repeating, a number.
fn text(chance: &mut Chance, longest: usize) -> Vec<u8> {
    let len = chance.below(longest + 1);
    match chance.below(8) {
        0 => (chance.below(210) as i64 - 10).to_string().into_bytes(),
        1 => (chance.bits() as i32 >> chance.below(32)).to_string().into_bytes(),
        2 => (chance.bits() as i64 >> chance.below(64)).to_string().into_bytes(),
        3 => vec![b'x'; len],
        4 => chance.bytes(len),
        5 => format!("item-{}", chance.below(1000)).into_bytes(),
        6 => format!("0{}", chance.below(100)).into_bytes(),
        _ => b"some words again, ".iter().copied().cycle().take(len).collect(),
    }
}

fn score(chance: &mut Chance) -> Vec<u8> {
    let number = chance.bits() as i64;
    match chance.below(7) {
        0 => format!("{}", number >> 56),
        1 => format!("{}", number >> chance.below(64)),
        2 => format!("{}", (number >> 50) as f64 / 8.0),
        3 => format!("{:e}", f64::from(number as i32) * 1e-7),
        4 => "inf".into(),
        5 => "-inf".into(),
        _ => "0".into(),
    }
    .into_bytes()
}

/// Commands that make keys of every type and encoding.
fn data_set(chance: &mut Chance) -> Vec<Args> {
    let mut commands = Vec::new();
    for (number, longest) in [0, 5, 12, 20, 21, 22, 44, 45, 100, 5000, 70_000].iter().enumerate() {
        for case in 0..8 {
            let key = format!("string:{number}:{case}").into_bytes();
            commands.push(vec![b"SET".to_vec(), key, text(chance, *longest)]);
        }
    }
    for number in 0..60 {
        let count = [1, 2, 10, 100, 130, 520, 2000][chance.below(7)];
        let longest = [8, 60, 100, 9000][chance.below(4)];
        let count = if longest > 1000 { count.min(20) } else { count };
        let kind = number % 5;
        let name = ["RPUSH", "SADD", "SADD", "HSET", "ZADD"][kind];
        let mut command = args(&[name, &format!("{name}:{number}")]);
        for _ in 0..count {
            match kind {
                2 => {
                    let shift = 64 - [8, 15, 31, 60][count % 4];
                    command.push((chance.bits() as i64 >> shift).to_string().into_bytes());
                }
                3 => {
                    command.push(text(chance, longest));
                    command.push(text(chance, longest));
                }
                4 => {
                    command.push(score(chance));
                    command.push(text(chance, longest));
                }
                _ => command.push(text(chance, longest)),
            }
        }
        let key = String::from_utf8_lossy(&command[1]).into_owned();
        commands.push(command);
        if number % 4 == 0 {
            commands.push(args(&["PEXPIREAT", &key, "4102444800123"]));
        }
    }
    for number in 1..=60 {
        let (key, id) = (format!("stream:{}", number % 3), format!("{}-{number}", number / 4));
        let mut command = args(&["XADD", &key, &id, "name"]);
        command.push(text(chance, 200));
        if number % 5 > 0 {
            command.push(b"other".to_vec());
            command.push(text(chance, 20));
        }
        commands.push(command);
    }
    commands.push(args(&["XDEL", "stream:1", "4-16", "5-22"]));
    commands.push(args(&["XGROUP", "CREATE", "stream:1", "group", "3-13"]));
    commands.push(args(&["XGROUP", "CREATE", "stream:2", "group", "0", "ENTRIESREAD", "0"]));
    commands.push(args(&["XTRIM", "stream:2", "MAXLEN", "7"]));
    commands.push(args(&["SELECT", "3"]));
    commands.push(args(&["SET", "elsewhere", "yes"]));
    commands.push(args(&["SELECT", "0"]));
    commands
}

/// What there is to see of a data set: by key its type, expiry and contents.
fn view(host: &mut dyn Host) -> BTreeMap<Vec<u8>, String> {
    let Value::Array(keys) = ask(host, &args(&["KEYS", "*"])) else { panic!("KEYS gives a list") };
    let mut all = BTreeMap::new();
    for key in keys {
        let Value::Bulk(key) = key else { panic!("a key is a text") };
        let Value::Status(kind) = ask(host, &[b"TYPE".to_vec(), key.clone()]) else {
            panic!("TYPE gives a status")
        };
        let with = |words: &[&str]| {
            let mut command = args(words);
            command.insert(1, key.clone());
            command
        };
        let (command, group) = match kind.as_slice() {
            b"string" => (with(&["GET"]), 0),
            b"list" => (with(&["LRANGE", "0", "-1"]), 0),
            b"set" => (with(&["SMEMBERS"]), 1),
            b"hash" => (with(&["HGETALL"]), 2),
            b"zset" => (with(&["ZRANGE", "0", "-1", "WITHSCORES"]), 0),
            b"stream" => {
                let full = [&b"XINFO"[..], b"STREAM", &key, b"FULL", b"COUNT", b"0"];
                (full.map(<[u8]>::to_vec).to_vec(), 0)
            }
            other => panic!("a {}", String::from_utf8_lossy(other)),
        };
        let mut contents = ask(host, &command);
        if group > 0 {
            contents = contents.sorted(group);
        }
        let expiry = ask(host, &with(&["PEXPIRETIME"]));
        all.insert(key.clone(), format!("{kind:?} {} {}", expiry.compact(), contents.compact()));
    }
    all
}

fn same(ours: &mut dyn Host, theirs: &mut dyn Host) {
    let (our_view, their_view) = (view(ours), view(theirs));
    assert!(our_view.keys().eq(their_view.keys()), "the same keys");
    for (key, value) in &our_view {
        let shown = String::from_utf8_lossy(key);
        assert!(*value == their_view[key], "{shown}: {value:.300}\n{:.300}", their_view[key]);
        let digest = [b"DEBUG".to_vec(), b"DIGEST-VALUE".to_vec(), key.clone()];
        assert_eq!(ask(ours, &digest), ask(theirs, &digest), "{shown}");
    }
    let digest = args(&["DEBUG", "DIGEST"]);
    assert_eq!(ask(ours, &digest), ask(theirs, &digest));
}

fn dump(host: &mut dyn Host, key: &[u8]) -> Vec<u8> {
    match ask(host, &[b"DUMP".to_vec(), key.to_vec()]) {
        Value::Bulk(payload) => payload,
        other => panic!("DUMP gives {other:?}"),
    }
}

#[test]
fn payloads_are_those_of_redis_and_go_both_ways() {
    let Some(server) = Server::oracle().expect("the oracle is there") else { return };
    let (mut ours, mut theirs) = (engine(), ServerHost::new(&server));
    theirs.connect("").expect("it listens");
    for command in data_set(&mut Chance::new(1)) {
        assert_eq!(ask(&mut ours, &command), ask(&mut theirs, &command));
    }
    let keys: Vec<_> = view(&mut ours).into_keys().collect();
    for key in keys {
        let payloads = [dump(&mut ours, &key), dump(&mut theirs, &key)];
        let Value::Bulk(encoding) =
            ask(&mut theirs, &[b"OBJECT".to_vec(), b"ENCODING".to_vec(), key.clone()])
        else {
            panic!("a key has an encoding")
        };
        // A table's order is a matter of chance.
        let shown = String::from_utf8_lossy(&key);
        assert!(encoding == b"hashtable" || payloads[0] == payloads[1], "{shown}");
        let [to_them, to_us] = payloads;
        for (host, payload) in [(&mut ours as &mut dyn Host, to_us), (&mut theirs, to_them)] {
            let copy = [b"copy:", &key[..]].concat();
            let restore = [b"RESTORE".to_vec(), copy, b"0".to_vec(), payload];
            assert_eq!(ask(host, &restore), Value::Status(b"OK".to_vec()), "{shown}");
        }
    }
    same(&mut ours, &mut theirs);
}

/// A folder that goes when it is done with.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("redstart-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind is in the temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_go_both_ways() {
    let oracle = std::env::var_os("REDSTART_ORACLE").map(PathBuf::from);
    let Some(binary) = oracle.or_else(|| live::find("redis-server")) else { return };
    let folder = Folder::new("rdb");
    let file = folder.path().join("ours.rdb");
    for policy in ["noeviction", "allkeys-lru", "allkeys-lfu"] {
        let mut ours = engine();
        ask(&mut ours, &args(&["CONFIG", "SET", "maxmemory-policy", policy]));
        for command in data_set(&mut Chance::new(2)) {
            ask(&mut ours, &command);
        }
        for consumer in ["alice", "bob"] {
            ask(
                &mut ours,
                &args(&[
                    "XREADGROUP",
                    "GROUP",
                    "group",
                    consumer,
                    "COUNT",
                    "3",
                    "STREAMS",
                    "stream:1",
                    ">",
                ]),
            );
        }
        ask(&mut ours, &args(&["XACK", "stream:1", "group", "4-19"]));
        fs::write(&file, ours.dump_rdb()).expect("the folder is writable");
        if let Some(check) = live::find("redis-check-rdb") {
            let checked = Command::new(check).arg(&file).output().expect("it runs");
            assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        }
        let dir = folder.path().to_str().expect("a path of letters");
        let server = Server::start(&binary, &["--dir", dir, "--dbfilename", "ours.rdb"]);
        let server = server.expect("it starts from the file");
        let mut theirs = ServerHost::new(&server);
        theirs.connect("").expect("it listens");
        same(&mut ours, &mut theirs);
        // And back, from what it writes of it.
        assert_eq!(ask(&mut theirs, &args(&["SAVE"])), Value::Status(b"OK".to_vec()));
        let bytes = fs::read(&file).expect("it has written the file");
        let mut back = engine();
        let loaded = back.load_rdb(&bytes).expect("it loads");
        assert_eq!((loaded.expired, loaded.empty), (0, 0));
        same(&mut back, &mut theirs);
    }
}

fn load(bytes: &[u8]) -> Result<Loaded, LoadError> {
    engine().load_rdb(bytes)
}

#[test]
fn a_file_that_is_cut_or_changed_is_refused_with_the_place() {
    let mut host = engine();
    for command in data_set(&mut Chance::new(3)).into_iter().take(60) {
        ask(&mut host, &command);
    }
    let file = host.dump_rdb();
    assert!(load(&file).is_ok());
    for at in (0..file.len()).step_by(97) {
        let cut = load(&file[..at]).expect_err("it has no end");
        assert_eq!((cut.offset, &*cut.reason), (at as u64, "unexpected end of file"));
        let mut bytes = file.clone();
        bytes[at] ^= 0x10;
        let wrong = load(&bytes).expect_err("its checksum is another");
        assert!(wrong.offset <= file.len() as u64);
    }
    let wrong = load(b"REDIS0099").expect_err("an unknown version");
    assert_eq!(wrong.to_string(), "cannot handle version 99 of RDB at offset 9");
}
