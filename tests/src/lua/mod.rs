//! The engine's Lua next to PUC Lua 5.1 on programs from a seed.
//!
//! [`program`] writes programs out of choices; [`compare`] runs many of them in one `lua5.1` and each in a state
//! of its own here, and finds the first whose output or error text differs; [`shrink`] makes its choices fewer.

mod expressions;
mod generate;
pub mod libraries;
mod soup;
mod texts;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use redstart_core::script::lua::value::Value;
use redstart_core::script::lua::{Lua, Step, lib};

use crate::chance::Chance;

/// What both sides load before a program: it runs one, and gives what the program printed and its error.
const PRELUDE: &str = include_str!("prelude.lua");

/// How `lua5.1` gets its programs, and gives what came of them: each with its length in front.
const SERVE: &str = r#"
while true do
  local head = io.read("*l")
  if not head then break end
  local source = io.read(tonumber(head)) or ""
  local text = RUN(source)
  io.write(#text, "\n", text)
  io.flush()
end
"#;

/// Memory that `lua5.1` may take, in KiB.
const REFERENCE_MEMORY: &str = "2000000";

/// Instructions in which every program ends.
const MOST_SPENT: u64 = 50_000_000;

/// What choices are drawn from: a seed at first, then what was drawn, with changes.
#[derive(Debug, Clone)]
pub struct Choices {
    chance: Option<Chance>,
    drawn: Vec<u32>,
    at: usize,
}

impl Choices {
    /// Choices of a seed.
    pub fn of(seed: u64) -> Self {
        Self { chance: Some(Chance::new(seed)), drawn: Vec::new(), at: 0 }
    }

    /// These choices, and the first of all after them.
    fn again(drawn: Vec<u32>) -> Self {
        Self { chance: None, drawn, at: 0 }
    }

    /// A number below `n`; 0 is the plainest choice.
    pub fn below(&mut self, n: usize) -> usize {
        let raw = match (self.drawn.get(self.at), &mut self.chance) {
            (Some(raw), _) => *raw,
            (None, Some(chance)) => {
                let raw = chance.bits() as u32;
                self.drawn.push(raw);
                raw
            }
            (None, None) => 0,
        };
        self.at += 1;
        raw as usize % n
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    /// One of these.
    pub fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// The program of some choices. One in eight is damaged, to be compiled and not run.
pub fn program(choices: &mut Choices) -> String {
    generate::program(choices)
}

/// A difference, made small.
#[derive(Debug)]
pub struct Difference {
    /// The seed of the program before it was shrunk.
    pub seed: u64,
    /// The program.
    pub program: String,
    /// What came of it here.
    pub ours: String,
    /// What comes of it in PUC Lua.
    pub reference: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "REDSTART_FUZZ_SEED={}\n{}", self.seed, self.program)?;
        writeln!(f, "--- here\n{}\n--- lua5.1\n{}", self.ours, self.reference)
    }
}

/// Where PUC Lua 5.1 is.
pub fn reference() -> Option<PathBuf> {
    crate::live::find("lua5.1")
}

/// Compares the programs of these seeds.
pub fn compare(reference: &Path, seeds: std::ops::Range<u64>) -> Result<(), Box<Difference>> {
    let programs: Vec<String> = seeds.clone().map(|seed| program(&mut Choices::of(seed))).collect();
    let expected = run_reference(reference, &programs);
    for ((seed, program), expected) in seeds.zip(&programs).zip(&expected) {
        if differs(reference, program, seed, expected) {
            let mut again = Choices::of(seed);
            let _ = self::program(&mut again);
            return Err(Box::new(shrink(reference, seed, again.drawn)));
        }
    }
    Ok(())
}

/// Whether what a program does here is not what was expected. Addresses are not compared, also where a program
/// takes them apart: then what `tostring` says has none.
fn differs(reference: &Path, program: &str, seed: u64, expected: &str) -> bool {
    if run_here(program, seed) == expected {
        return false;
    }
    let program = format!("--[[no addresses]] {program}");
    run_here(&program, seed) != run_reference(reference, std::slice::from_ref(&program))[0]
}

/// Makes the choices of a program that differs fewer and smaller, as long as it differs.
fn shrink(reference: &Path, seed: u64, mut best: Vec<u32>) -> Difference {
    let first = |candidates: &[Vec<u32>]| -> Option<usize> {
        let programs: Vec<String> =
            candidates.iter().map(|drawn| program(&mut Choices::again(drawn.clone()))).collect();
        let expected = run_reference(reference, &programs);
        programs
            .iter()
            .zip(expected)
            .position(|(text, expected)| differs(reference, text, seed, &expected))
    };
    for _ in 0..200 {
        let mut candidates = Vec::new();
        let mut size = best.len() / 2;
        while size > 0 {
            for start in (0..best.len()).step_by(size) {
                let mut fewer = best.clone();
                fewer.drain(start..best.len().min(start + size));
                candidates.push(fewer);
            }
            size /= 2;
        }
        for at in 0..best.len() {
            if best[at] != 0 {
                let mut smaller = best.clone();
                smaller[at] = 0;
                candidates.push(smaller);
            }
        }
        match candidates.chunks(100).find_map(|some| first(some).map(|at| some[at].clone())) {
            Some(smaller) => best = smaller,
            None => break,
        }
    }
    let program = program(&mut Choices::again(best));
    let reference = run_reference(reference, std::slice::from_ref(&program)).remove(0);
    let ours = run_here(&program, seed);
    Difference { seed, program, ours, reference }
}

/// What comes of programs in PUC Lua.
pub fn run_reference(lua: &Path, programs: &[String]) -> Vec<String> {
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -v $0; ulimit -t 10; exec \"$@\"", REFERENCE_MEMORY])
        .arg(lua)
        .args(["-e", &format!("local loadstring = loadstring RUN = assert(loadstring([====[{PRELUDE} return RUN]====], '=prelude'))()")])
        .args(["-e", SERVE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("lua5.1 starts");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let mut stdout = child.stdout.take().expect("stdout is a pipe");
    let mut text = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for program in programs {
                let head = format!("{}\n", program.len());
                if stdin.write_all(head.as_bytes()).is_err()
                    || stdin.write_all(program.as_bytes()).is_err()
                {
                    return;
                }
            }
        });
        stdout.read_to_end(&mut text).expect("lua5.1 answers");
    });
    let status = child.wait().expect("lua5.1 ends");
    let mut rest = text.as_slice();
    let mut found = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let len: usize = String::from_utf8_lossy(&rest[..end]).parse().expect("a length");
        found.push(normal(&rest[end + 1..end + 1 + len]));
        rest = &rest[end + 1 + len..];
    }
    let next = programs.get(found.len());
    assert!(next.is_none(), "lua5.1 ended with {status} in:\n{}", next.unwrap_or(&String::new()));
    found
}

/// What comes of a program here, in slices whose length comes from the seed.
pub fn run_here(program: &str, seed: u64) -> String {
    let mut lua = Lua::new(256 << 20);
    lib::open_all(&mut lua);
    let globals = lua.globals();
    let source = lua.heap_mut().string(program.as_bytes());
    lua.heap_mut().set_field(globals, b"SOURCE", Value::Str(source));
    let main = format!("{PRELUDE} return RUN(SOURCE)");
    let function = lua.load(b"=prelude", main.as_bytes()).expect("the prelude compiles");
    lua.start(function, &[]);
    let slice = [1_000_000, 37, 1000][(seed % 3) as usize];
    for _ in 0..MOST_SPENT / slice {
        match lua.run(slice) {
            Step::Done(values) => {
                let Some(Value::Str(text)) = values.first() else { return "no text".into() };
                return normal(lua.heap().bytes(*text));
            }
            Step::Error(Value::Str(text)) => {
                return format!("error outside: {}", normal(lua.heap().bytes(text)));
            }
            Step::Error(error) => return format!("error outside: {error:?}"),
            Step::Suspended => {}
            Step::Host(_) => return "a native asked the host".into(),
        }
    }
    "it does not end".into()
}

/// A script for EVAL that does with its argument what both sides do with a program.
pub fn as_script() -> String {
    format!("{PRELUDE} return RUN(ARGV[1])")
}

/// The parts of a file, each under a line of its own with this mark and a name.
pub fn parts<'a>(text: &'a str, mark: &str) -> Vec<(&'a str, String)> {
    let mut parts: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix(mark) {
            parts.push((name, String::new()));
        } else if let Some((_, text)) = parts.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    parts
}

/// Bytes as text, without what may differ: addresses.
pub fn normal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\n' | b'\t' => text.push(char::from(byte)),
            other => text.push_str(&other.escape_ascii().to_string()),
        }
    }
    let mut rest = text.as_str();
    let mut out = String::new();
    while let Some(at) = rest.find(": 0x") {
        out.push_str(&rest[..at + 4]);
        rest = rest[at + 4..].trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    out + rest
}
