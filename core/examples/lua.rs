//! A stand-alone interpreter on the engine's Lua: `lua FILE`, `lua -e CODE`, `lua --checks FILE`.
//!
//! `--checks` runs each part of a file that begins with `--@ name` in a state of its own and shows
//! what it prints, to be compared with what PUC Lua prints. `--slice N` runs in slices of N;
//! `--limit N` stops after N in all, `--memory N` caps memory.

use redstart_core::script::lua::native::{Call, Flow, Raised};
use redstart_core::script::lua::value::Value;
use redstart_core::script::lua::{Lua, Step, lib};
use std::io::Write;
use std::sync::OnceLock;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut options = Options { slice: 1_000_000, limit: u64::MAX, memory: 1 << 30 };
    let mut rest = arguments.as_slice();
    while let [flag, count, tail @ ..] = rest
        && let Some(option) = match flag.as_str() {
            "--slice" => Some(&mut options.slice),
            "--limit" => Some(&mut options.limit),
            "--memory" => Some(&mut options.memory),
            _ => None,
        }
    {
        *option = count.parse().expect("a number");
        rest = tail;
    }
    match rest {
        [flag, path] if flag == "--checks" => checks(path, options),
        [flag, code] if flag == "-e" => run("=(command line)", code.as_bytes(), options),
        [path] => {
            let source = std::fs::read(path).expect("the file can be read");
            run(&format!("@{path}"), &source, options);
        }
        _ => eprintln!("lua [--slice N] FILE | -e CODE | --checks FILE"),
    }
}

#[derive(Clone, Copy)]
struct Options {
    slice: u64,
    limit: u64,
    memory: u64,
}

fn state(options: Options) -> Lua {
    let mut lua = Lua::new(options.memory as usize);
    lib::open_all(&mut lua);
    lib::base::open_print(&mut lua);
    lua.library("os", &[("clock", clock)]);
    lua
}

/// Seconds of processor time, as C's `clock`; where the system does not say, since the first call.
fn clock(call: &mut Call<'_>) -> Result<Flow, Raised> {
    static START: OnceLock<Instant> = OnceLock::new();
    if let Ok(text) = std::fs::read_to_string("/proc/self/schedstat")
        && let Some(Ok(nanoseconds)) = text.split(' ').next().map(str::parse::<f64>)
    {
        return call.give(nanoseconds / 1e9);
    }
    call.give(START.get_or_init(Instant::now).elapsed().as_secs_f64())
}

fn execute(lua: &mut Lua, name: &str, source: &[u8], options: Options) -> Result<(), Value> {
    let function = lua.load(name.as_bytes(), source)?;
    lua.start(function, &[]);
    let mut spent = 0;
    loop {
        let step = lua.run(options.slice);
        std::io::stdout().write_all(&lua.take_printed()).expect("stdout can be written");
        match step {
            Step::Done(_) => return Ok(()),
            Step::Error(error) => return Err(error),
            Step::Suspended => {
                spent += options.slice;
                if spent > options.limit {
                    let text = lua.heap_mut().string(b"stopped: the limit is reached");
                    return Err(Value::Str(text));
                }
            }
            Step::Host(_) => panic!("no native here asks the host"),
        }
    }
}

fn run(name: &str, source: &[u8], options: Options) {
    let mut lua = state(options);
    if let Err(error) = execute(&mut lua, name, source, options) {
        std::io::stdout().flush().expect("stdout can be written");
        eprintln!("lua: {}", String::from_utf8_lossy(&text_of(&lua, error)));
        std::process::exit(1);
    }
}

fn text_of(lua: &Lua, value: Value) -> Vec<u8> {
    match value {
        Value::Str(text) => lua.heap().bytes(text).to_vec(),
        Value::Num(number) => number.to_string().into_bytes(),
        other => format!("(a {} value)", other.type_name()).into_bytes(),
    }
}

fn checks(path: &str, options: Options) {
    let source = std::fs::read(path).expect("the file can be read");
    let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
    for line in source.split_inclusive(|byte| *byte == b'\n') {
        if let Some(name) = line.strip_prefix(b"--@ ") {
            parts.push((String::from_utf8_lossy(name).trim().to_owned(), Vec::new()));
        } else if let Some((_, text)) = parts.last_mut() {
            text.extend_from_slice(line);
        }
    }
    for (name, text) in parts {
        println!("=== {name}");
        let mut lua = state(options);
        let function = lua.load(b"=user_script", &text);
        let outcome = function.and_then(|function| {
            lua.start(function, &[]);
            loop {
                match lua.run(options.slice) {
                    Step::Done(_) => return Ok(()),
                    Step::Error(error) => return Err(error),
                    Step::Suspended => {}
                    Step::Host(_) => panic!("no native here asks the host"),
                }
            }
        });
        print!("{}", shown(&lua.take_printed()));
        if let Err(error) = outcome {
            let mut text = b"ERR ".to_vec();
            if let Value::Table(table) = error {
                let key = lua.heap_mut().string(b"err");
                let field = lua.heap().get(table, Value::Str(key));
                text.extend_from_slice(b"{err=");
                text.extend_from_slice(&text_of(&lua, field));
                text.push(b'}');
            } else {
                text.extend_from_slice(&text_of(&lua, error));
            }
            println!("{}", shown(&text));
        }
    }
}

/// Bytes as the reference's harness wrote them down.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\n' | b'\t' => text.push(char::from(byte)),
            other => text.push_str(&other.escape_ascii().to_string()),
        }
    }
    text
}
