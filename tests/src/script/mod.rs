//! Scripts: sessions with expected replies, readable without knowing any of this.
//!
//! The format is described in `tests/scripts/README.md`; it is read line by line and compared as text, so
//! that any language can run the same files.
//!
//! ```text
//! parse ─▶ Script { steps } ─▶ run(script, host, variant) ─▶ what every step got ─▶ check(…)
//!                                    ▲
//!                     engine in this process · redis-server over TCP
//! ```

mod check;
mod engine;
mod run;
mod server;

pub use check::{check, check_against, rewrite};
pub use engine::{BIRTH, EngineHost, commands_of, hooks};
pub use run::{Cut, Got, Host, Limits, Variant, run};
pub use server::ServerHost;

use std::path::{Path, PathBuf};

use crate::quote;

/// One script file.
#[derive(Debug)]
pub struct Script {
    /// Path below `tests/scripts`, without the ending: `string/incr`.
    pub name: String,
    /// Where it was read from.
    pub path: PathBuf,
    /// Why a real Redis 7.0 gives other replies throughout, if it does.
    pub differs: Option<String>,
    /// Variants that make no sense for this script, each with the reason.
    pub skips: Vec<(String, String)>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One thing that happens, and what must come of it.
#[derive(Debug)]
pub struct Step {
    /// Line number of the input, from 1.
    pub line: usize,
    /// What is done.
    pub action: Action,
    /// Expected lines; empty: nothing may come.
    pub expected: Vec<String>,
    /// How expected and actual are compared.
    pub compare: Compare,
    /// Why a real Redis 7.0 gives another reply, if it does.
    pub differs: Option<String>,
}

/// What a step does. Connections are named; the one without a name is `""`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `name> CMD args`: send a command and take its reply.
    Command(String, Vec<Vec<u8>>),
    /// `name! "bytes"`: send bytes as they are and take a reply.
    Raw(String, Vec<u8>),
    /// `name< reply`: take one more reply.
    Receive(String),
    /// `name: disconnect`: the client goes away.
    Disconnect(String),
    /// `~ 10ms`: time passes, in microseconds.
    Wait(u64),
}

/// How a reply is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compare {
    /// Elements at the top level have no order, in groups of this many; 0: they have.
    pub unordered_by: usize,
    /// `*` in an expected line stands for anything.
    pub glob: bool,
}

impl Step {
    /// Bytes that the step sends.
    pub fn input_len(&self) -> usize {
        match &self.action {
            Action::Command(_, args) => crate::resp::command(args).len(),
            Action::Raw(_, bytes) => bytes.len(),
            _ => 0,
        }
    }
}

impl Compare {
    /// A reply with its elements sorted, where their order means nothing.
    pub fn sorted(&self, got: &Got) -> Got {
        match got {
            Got::Reply(value) if self.unordered_by > 0 => {
                Got::Reply(value.clone().sorted(self.unordered_by))
            }
            other => other.clone(),
        }
    }
}

impl Script {
    /// Whether the script opts out of a variant.
    pub fn skips(&self, variant: &str) -> bool {
        self.skips.iter().any(|(name, _)| name == variant)
    }

    /// Time that passes in the whole script, in microseconds.
    pub fn wait_us(&self) -> u64 {
        let waits = self.steps.iter().map(|step| match step.action {
            Action::Wait(us) => us,
            _ => 0,
        });
        waits.sum()
    }
}

/// Every script below `tests/scripts`, in order of names.
pub fn load_all() -> Result<Vec<Script>, String> {
    let root = crate::root().join("tests/scripts");
    let mut paths = Vec::new();
    collect(&root, &mut paths).map_err(|e| format!("{}: {e}", root.display()))?;
    paths.sort();
    paths.iter().map(|path| load(&root, path)).collect()
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|ending| ending == "test") {
            into.push(path);
        }
    }
    Ok(())
}

fn load(root: &Path, path: &Path) -> Result<Script, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let relative = path.strip_prefix(root).unwrap_or(path).with_extension("");
    let name = relative.to_string_lossy().replace('\\', "/");
    let mut script = parse(&text).map_err(|e| format!("{name}.test:{e}"))?;
    script.name = name;
    script.path = path.to_path_buf();
    Ok(script)
}

/// Reads a script; errors start with the line number.
pub fn parse(text: &str) -> Result<Script, String> {
    let mut script = Script {
        name: String::new(),
        path: PathBuf::new(),
        differs: None,
        skips: Vec::new(),
        steps: Vec::new(),
    };
    let mut compare = Compare::default();
    let mut differs = None;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let at = |e: String| format!("{number}: {e}");
        if line.trim().is_empty() {
            // A `# redis:` that no command follows at once speaks for the whole script.
            if let Some(reason) = differs.take() {
                script.differs = Some(reason);
            }
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            match directive(comment) {
                Some(("redis", reason)) => differs = Some(reason.to_string()),
                Some(("skip", what)) => script.skips.extend(skips(what).map_err(at)?),
                Some(("order", "any")) => compare.unordered_by = 1,
                Some(("order", "pairs")) => compare.unordered_by = 2,
                Some(("match", "glob")) => compare.glob = true,
                Some((name @ ("order" | "match"), what)) => {
                    return Err(at(format!("{name}: does not know {what:?}")));
                }
                _ => {}
            }
            continue;
        }
        if let Some((action, first_line)) = action(line).map_err(at)? {
            script.steps.push(Step {
                line: number,
                action,
                expected: first_line.into_iter().collect(),
                compare: std::mem::take(&mut compare),
                differs: differs.take(),
            });
        } else {
            let step = script.steps.last_mut().ok_or_else(|| at("a reply to nothing".into()))?;
            if matches!(step.action, Action::Wait(_) | Action::Disconnect(_)) {
                return Err(at("a reply to no command".into()));
            }
            step.expected.push(line.to_string());
        }
    }
    Ok(script)
}

/// `# name: text`, for the names that mean something.
fn directive(comment: &str) -> Option<(&str, &str)> {
    let (name, text) = comment.strip_prefix(' ')?.split_once(':')?;
    matches!(name, "redis" | "skip" | "order" | "match").then(|| (name, text.trim()))
}

/// `multi, limits (reason)`.
fn skips(what: &str) -> Result<Vec<(String, String)>, String> {
    let reason = what.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    let Some(reason) = reason else {
        return Err(
            "skip: wants a reason in brackets, as in `skip: multi (WATCH is the point)`".into()
        );
    };
    let names = what.split('(').next().unwrap_or_default().split(',').map(str::trim);
    names
        .map(|name| match name {
            "cut" | "pipeline" | "resp3" | "multi" | "limits" | "reload" | "redis-resp3" => {
                Ok((name.to_string(), reason.to_string()))
            }
            other => Err(format!("skip: knows no variant {other:?}")),
        })
        .collect()
}

/// An input line and, for `name< reply`, the first expected line.
fn action(line: &str) -> Result<Option<(Action, Option<String>)>, String> {
    if let Some(span) = line.strip_prefix("~ ") {
        return Ok(Some((Action::Wait(duration_us(span.trim())?), None)));
    }
    let name_len =
        line.bytes().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit()).count();
    let (name, rest) = line.split_at(name_len);
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        // `1> "push"` is a reply.
        return Ok(None);
    }
    let name = name.to_string();
    let Some((mark, rest)) = rest.split_at_checked(1) else { return Ok(None) };
    let body = rest.strip_prefix(' ').unwrap_or(rest);
    Ok(match mark {
        ">" if !rest.starts_with('[') => {
            let args = quote::split(body)?;
            if args.is_empty() {
                return Err("a command without words".into());
            }
            Some((Action::Command(name, args), None))
        }
        "!" if rest.starts_with(' ') => {
            let parts = quote::split(body)?;
            Some((Action::Raw(name, parts.concat()), None))
        }
        "<" if rest.starts_with(' ') => Some((Action::Receive(name), Some(body.to_string()))),
        ":" if body == "disconnect" => Some((Action::Disconnect(name), None)),
        _ => None,
    })
}

fn duration_us(span: &str) -> Result<u64, String> {
    let digits = span.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = span.split_at(digits);
    let number: u64 = number.parse().map_err(|_| format!("not a span of time: {span:?}"))?;
    match unit {
        "us" => Ok(number),
        "ms" => Ok(number * 1_000),
        "s" => Ok(number * 1_000_000),
        _ => Err(format!("a span of time ends with us, ms or s: {span:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_becomes_steps() {
        let script = parse(
            "> SET k v\nOK\n~ 10s\nb> BLPOP q 0\n> RPUSH q x\n(integer) 1\nb< [\"q\", \"x\"]\n",
        )
        .expect("well formed");
        let actions: Vec<_> = script.steps.iter().map(|s| (&s.action, s.expected.len())).collect();
        assert_eq!(actions.len(), 5);
        assert_eq!(actions[1].0, &Action::Wait(10_000_000));
        assert_eq!(actions[2].1, 0, "a blocked command has no reply yet");
        assert_eq!(script.steps[4].expected, [r#"["q", "x"]"#]);
    }

    #[test]
    fn a_reason_above_a_command_is_the_commands_and_alone_it_is_the_scripts() {
        let script =
            parse("# redis: all\n\n# redis: one\n> PING\nPONG\n> PING\nPONG\n").expect("ok");
        assert_eq!(script.differs.as_deref(), Some("all"));
        assert_eq!(script.steps[0].differs.as_deref(), Some("one"));
        assert_eq!(script.steps[1].differs, None);
    }

    #[test]
    fn numbered_pushes_and_compact_lists_are_replies() {
        let script =
            parse("> SUBSCRIBE c\n1> \"subscribe\"\n2> \"c\"\n> X\n>[\"a\"]\n").expect("ok");
        assert_eq!(script.steps.len(), 2);
        assert_eq!(script.steps[0].expected.len(), 2);
        assert_eq!(script.steps[1].expected, [">[\"a\"]"]);
    }

    #[test]
    fn mistakes_name_their_line() {
        assert!(parse("\n~ 10\n").expect_err("no unit").starts_with("2: "));
        assert!(parse("# skip: multi\n").expect_err("no reason").starts_with("1: "));
        assert!(parse("OK\n").expect_err("no command").starts_with("1: "));
    }
}
