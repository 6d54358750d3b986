//! A stand-alone interpreter on the engine's Lua: `lua FILE`, `lua -e CODE`, `lua --checks FILE`.
//!
//! `--checks` runs each part of a file that begins with `--@ name` in a state of its own and shows
//! what it prints, to be compared with what PUC Lua prints. `--slice N` runs with a budget of N.

use redstart_core::script::lua::value::Value;
use redstart_core::script::lua::{Lua, Step, lib};
use std::io::Write;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut slice = 1_000_000;
    let mut rest = arguments.as_slice();
    if let [flag, count, tail @ ..] = rest
        && flag == "--slice"
    {
        slice = count.parse().expect("a number");
        rest = tail;
    }
    match rest {
        [flag, path] if flag == "--checks" => checks(path, slice),
        [flag, code] if flag == "-e" => run("=(command line)", code.as_bytes(), slice),
        [path] => {
            let source = std::fs::read(path).expect("the file can be read");
            run(&format!("@{path}"), &source, slice);
        }
        _ => eprintln!("lua [--slice N] FILE | -e CODE | --checks FILE"),
    }
}

fn state() -> Lua {
    let mut lua = Lua::new(1 << 30);
    lib::open_all(&mut lua);
    lib::base::open_print(&mut lua);
    lua
}

fn execute(lua: &mut Lua, name: &str, source: &[u8], slice: u64) -> Result<(), Value> {
    let function = lua.load(name.as_bytes(), source)?;
    lua.start(function, &[]);
    loop {
        let step = lua.run(slice);
        std::io::stdout().write_all(&lua.take_printed()).expect("stdout can be written");
        match step {
            Step::Done(_) => return Ok(()),
            Step::Error(error) => return Err(error),
            Step::Suspended => {}
            Step::Host(_) => panic!("no native here asks the host"),
        }
    }
}

fn run(name: &str, source: &[u8], slice: u64) {
    let mut lua = state();
    if let Err(error) = execute(&mut lua, name, source, slice) {
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

fn checks(path: &str, slice: u64) {
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
        let mut lua = state();
        let function = lua.load(b"=user_script", &text);
        let outcome = function.and_then(|function| {
            lua.start(function, &[]);
            loop {
                match lua.run(slice) {
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
