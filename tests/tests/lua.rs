//! The engine's Lua against PUC Lua 5.1: checks with their answers, programs from a seed, scripts that mean harm.

use std::time::{Duration, Instant};

use redstart_core::script::lua::value::Value;
use redstart_core::script::lua::{Lua, Step, lib};
use redstart_core::{Config, ConnId, Effect, Engine, Hooks, Now, Peer};
use redstart_tests::script::BIRTH;
use redstart_tests::{lua, resp, root};

/// Instructions in one slice, and the slices that a script of `tests/lua/hostile` gets.
const SLICE: u64 = 1_000_000;
const SLICES: usize = 20;
const MEMORY: usize = 200 << 20;

/// Checks whose answer is another one here, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("str_rep_huge", "more than a gigabyte is past the cap on memory"),
    ("pattern_deep", "PUC Lua runs out of C's stack and dies; here the pattern is matched"),
    ("gc_finalizer", "__gc is never called: there is no userdata of scripts"),
    ("dump_bytecode", "functions are not dumped, and bytecode is not loaded"),
];

/// 2 seconds, or as long as `REDSTART_FUZZ_SECONDS` says; `REDSTART_FUZZ_SEED` runs one program again, and
/// `REDSTART_LUA_PROGRAMS` a number of them.
#[test]
fn programs_do_what_they_do_in_puc_lua() {
    let Some(reference) = lua::reference() else {
        assert!(
            std::env::var_os("REDSTART_REQUIRE_ORACLE").is_none(),
            "lua5.1 is missing: cargo verify setup"
        );
        println!("left out: lua5.1 is missing (Debian: apt-get install lua5.1)");
        return;
    };
    let variable = |name: &str| -> Option<u64> { std::env::var(name).ok()?.parse().ok() };
    let run =
        |seeds| lua::compare(&reference, seeds).unwrap_or_else(|difference| panic!("{difference}"));
    if let Some(seed) = variable("REDSTART_FUZZ_SEED") {
        return run(seed..seed + 1);
    }
    let programs = variable("REDSTART_LUA_PROGRAMS").unwrap_or(u64::MAX);
    let end = Instant::now() + Duration::from_secs(variable("REDSTART_FUZZ_SECONDS").unwrap_or(2));
    let mut seed = 0;
    while seed < programs && (programs != u64::MAX || Instant::now() < end) {
        run(seed..seed + 500);
        seed += 500;
    }
    println!("{seed} programs alike");
}

fn text_of(lua: &mut Lua, error: Value) -> Vec<u8> {
    match error {
        Value::Str(text) => lua.heap().bytes(text).to_vec(),
        Value::Table(table) => {
            let key = lua.heap_mut().string(b"err");
            let field = lua.heap().get(table, Value::Str(key));
            [b"{err=".as_slice(), &text_of(lua, field), b"}"].concat()
        }
        other => format!("{other:?}").into_bytes(),
    }
}

/// What a check prints, and its error.
fn run_check(source: &str) -> String {
    let mut lua = Lua::new(1 << 30);
    lib::open_all(&mut lua);
    lib::base::open_print(&mut lua);
    // The answers were collected with a `print` written in Lua.
    let print = "local print = print _G.print = function(...) print(...) end";
    let function = lua.load(b"=print", print.as_bytes()).expect("it compiles");
    lua.start(function, &[]);
    assert!(matches!(lua.run(SLICE), Step::Done(_)));
    let mut outcome =
        lua.load(b"=user_script", source.as_bytes()).map(|function| lua.start(function, &[]));
    while outcome.is_ok() {
        match lua.run(SLICE) {
            Step::Done(_) => break,
            Step::Error(error) => outcome = Err(error),
            Step::Suspended => {}
            Step::Host(_) => panic!("no native here asks the host"),
        }
    }
    let mut text = lua.take_printed();
    if let Err(error) = outcome {
        text.extend_from_slice(b"ERR ");
        text.extend_from_slice(&text_of(&mut lua, error));
        text.push(b'\n');
    }
    lua::normal(&text)
}

#[test]
fn checks_have_the_answers_of_puc_lua() {
    let read = |name: &str| {
        std::fs::read_to_string(root().join("tests/lua").join(name)).expect("it is there")
    };
    let (checks, answers) = (read("checks.lua"), read("checks.out"));
    let (checks, answers) = (lua::parts(&checks, "--@ "), lua::parts(&answers, "=== "));
    assert_eq!(checks.len(), answers.len());
    let mut wrong = Vec::new();
    for ((name, check), (_, answer)) in checks.iter().zip(&answers) {
        let got = run_check(check);
        let may_differ = DIFFERENT.iter().any(|(own, _)| own == name);
        if (got == *answer) == may_differ {
            wrong.push(format!("{name}\n{check}--- here\n{got}--- PUC Lua\n{answer}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), checks.len(), wrong.join("\n"));
}

/// Scripts that want to run, grow or nest without end.
fn hostile() -> Vec<(String, Vec<u8>)> {
    let directory = root().join("tests/lua/hostile");
    let mut found: Vec<_> = std::fs::read_dir(directory)
        .expect("the scripts are there")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(path).expect("a script"))
        })
        .collect();
    found.sort();
    assert!(found.len() > 30);
    found
}

#[test]
fn hostile_scripts_stay_within_time_and_memory() {
    for (name, source) in hostile() {
        let mut lua = Lua::new(MEMORY);
        lib::open_all(&mut lua);
        lib::base::open_print(&mut lua);
        let Ok(function) = lua.load(b"=user_script", &source) else { continue };
        lua.start(function, &[]);
        let mut slowest = Duration::ZERO;
        for _ in 0..SLICES {
            let start = Instant::now();
            let step = lua.run(SLICE);
            slowest = slowest.max(start.elapsed());
            assert!(
                lua.heap().used() <= MEMORY + MEMORY / 4,
                "{name}: {} bytes",
                lua.heap().used()
            );
            lua.take_printed();
            if !matches!(step, Step::Suspended) {
                break;
            }
        }
        println!("{name}: a slice took {slowest:?} at most");
        // A slice takes milliseconds; what overdraws its budget without bound takes minutes.
        assert!(slowest < Duration::from_secs(10), "{name}: {slowest:?}");
    }
}

/// An engine with clients.
struct Host {
    engine: Engine,
    now: Now,
    replies: Vec<(ConnId, Vec<u8>)>,
}

impl Host {
    fn connect(&mut self) -> ConnId {
        let peer = Peer { fd: -1, local: true, ..Peer::default() };
        let conn = self.engine.connect(self.now, peer);
        self.replies.push((conn, Vec::new()));
        conn
    }

    fn send(&mut self, conn: ConnId, words: &[&[u8]]) {
        self.engine.receive(self.now, conn, &resp::command(words));
        self.settle();
    }

    /// Time goes on, and whatever waits for it.
    fn pass(&mut self, us: u64) {
        self.now.mono_us += us;
        self.now.unix_us += us;
        self.engine.timeout(self.now);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(effect) = self.engine.poll() {
            if let Effect::Send(conn) = effect {
                let bytes: Vec<u8> = self.engine.outgoing(conn).flatten().copied().collect();
                self.engine.sent(self.now, conn, bytes.len());
                let of = self.replies.iter_mut().find(|(own, _)| *own == conn).expect("a client");
                of.1.extend_from_slice(&bytes);
            }
        }
    }

    fn take(&mut self, conn: ConnId) -> String {
        let of = self.replies.iter_mut().find(|(own, _)| *own == conn).expect("a client");
        String::from_utf8_lossy(&std::mem::take(&mut of.1)).into_owned()
    }
}

#[test]
fn a_server_outlives_hostile_scripts() {
    let mut host = Host {
        engine: Engine::new(Config::default(), [3; 32], BIRTH, Hooks::default()),
        now: BIRTH,
        replies: Vec::new(),
    };
    let (author, other) = (host.connect(), host.connect());
    for (name, source) in hostile() {
        // `print` is for interpreters: what it would show is thrown away here.
        let source = [b"local print = function() end ".as_slice(), &source].concat();
        host.send(author, &[b"EVAL", &source, b"0"]);
        for _ in 0..5 {
            host.pass(1000);
        }
        let done = host.take(author);
        // Busy from now on, if it is not done.
        host.pass(6_000_000);
        host.send(other, &[b"PING"]);
        let ping = host.take(other);
        if done.is_empty() && ping.starts_with("-BUSY") {
            host.send(other, &[b"SCRIPT", b"KILL"]);
            host.pass(1000);
            assert_eq!(host.take(other), "+OK\r\n", "{name}");
            let end = host.take(author);
            assert!(end.starts_with("-ERR Error running script"), "{name}: {end:?}");
            host.send(other, &[b"PING"]);
            assert_eq!(host.take(other), "+PONG\r\n", "{name}");
        } else {
            assert_eq!(ping, "+PONG\r\n", "{name}");
        }
        host.take(author);
        host.send(author, &[b"PING"]);
        assert_eq!(host.take(author), "+PONG\r\n", "{name}");
    }
}
