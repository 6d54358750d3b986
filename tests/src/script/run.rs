//! Runs the steps of a script against a host, in one of the variants.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Script};
use crate::resp::{self, Value};

/// Something that speaks RESP: an engine in this process, a server behind a socket.
pub trait Host {
    /// Opens the connection `name`.
    fn connect(&mut self, name: &str) -> Result<(), String>;
    /// Sends bytes on it.
    fn send(&mut self, name: &str, bytes: &[u8]) -> Result<(), String>;
    /// The next reply, if one comes (`patient`) or is there already (not `patient`).
    fn receive(&mut self, name: &str, patient: bool) -> Result<Got, String>;
    /// The client goes away.
    fn disconnect(&mut self, name: &str) -> Result<(), String>;
    /// The data set is written to a file and read back, where that can be asked for.
    fn reload(&mut self) -> Result<(), String> {
        Ok(())
    }
    /// Time passes.
    fn wait(&mut self, us: u64) -> Result<(), String>;
}

/// What a step got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// Nothing (yet).
    Nothing,
    /// A reply.
    Reply(Value),
    /// The end of the connection.
    Closed,
}

/// How inputs are cut before they reach the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// One command, one piece.
    #[default]
    Whole,
    /// Pieces of this many bytes.
    Every(usize),
    /// A command's first n bytes wait for the rest.
    At(usize),
}

/// Sizes at which small encodings give way to large ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// Everything is large at once.
    Min,
    /// Everything stays small.
    Max,
}

/// A way of running a script that must not change its replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// Cutting of inputs.
    pub cut: Cut,
    /// Connections say `HELLO 3` first.
    pub resp3: bool,
    /// With `resp3`: replies keep RESP3's types.
    pub typed: bool,
    /// Each command is wrapped in MULTI and EXEC.
    pub multi: bool,
    /// Encoding limits, set before the first step.
    pub limits: Option<Limits>,
    /// After each step the data set is written and read back.
    pub reload: bool,
}

impl Variant {
    /// The name by which a script can opt out.
    pub fn name(&self) -> &'static str {
        match self {
            Self { reload: true, .. } => "reload",
            Self { multi: true, .. } => "multi",
            Self { limits: Some(_), .. } => "limits",
            Self { resp3: true, .. } => "resp3",
            Self { cut: Cut::Every(_) | Cut::At(_), .. } => "cut",
            Self { .. } => "plain",
        }
    }
}

/// Options with the smallest and the largest value that their encodings know.
const LIMITS: &[(&str, &str, &str)] = &[
    ("hash-max-listpack-entries", "0", "100000"),
    ("hash-max-listpack-value", "1", "100000"),
    ("list-max-listpack-size", "1", "-5"),
    ("set-max-intset-entries", "0", "100000"),
    ("zset-max-listpack-entries", "0", "100000"),
    ("zset-max-listpack-value", "1", "100000"),
];

/// Runs every step and says what each got; an error is a step that could not be taken at all.
pub fn run(script: &Script, host: &mut dyn Host, variant: Variant) -> Result<Vec<Got>, String> {
    let mut session = Session { host, variant, open: BTreeSet::new(), ids: ids_wanted(script) };
    if let Some(limits) = variant.limits {
        session.set_limits(limits)?;
    }
    let mut got = Vec::new();
    for step in &script.steps {
        let at = |e: String| format!("{}.test:{}: {e}", script.name, step.line);
        let wants_reply = !step.expected.is_empty();
        got.push(session.step(&step.action, wants_reply).map_err(at)?);
        if variant.reload {
            session.host.reload().map_err(at)?;
        }
    }
    session.expect_silence().map_err(|e| format!("{}.test: at the end: {e}", script.name))?;
    Ok(got)
}

struct Session<'a> {
    host: &'a mut dyn Host,
    variant: Variant,
    open: BTreeSet<String>,
    /// By `{name}`: the CLIENT ID of connections that the script asks for.
    ids: BTreeMap<String, String>,
}

impl Session<'_> {
    fn step(&mut self, action: &Action, wants_reply: bool) -> Result<Got, String> {
        match action {
            Action::Command(name, args) => {
                self.open(name)?;
                let args: Vec<Vec<u8>> = args.iter().map(|arg| self.with_ids(arg)).collect();
                if self.variant.multi && wants_reply && !runs_outside_multi(&args) {
                    return self.in_multi(name, &args);
                }
                self.send(name, &resp::command(&args))?;
                self.receive(name, wants_reply)
            }
            Action::Raw(name, bytes) => {
                self.open(name)?;
                self.send(name, bytes)?;
                self.receive(name, wants_reply)
            }
            Action::Receive(name) => {
                self.open(name)?;
                self.receive(name, true)
            }
            Action::Disconnect(name) => {
                self.open.remove(name);
                self.host.disconnect(name)?;
                Ok(Got::Nothing)
            }
            Action::Wait(us) => {
                self.host.wait(*us)?;
                Ok(Got::Nothing)
            }
        }
    }

    fn open(&mut self, name: &str) -> Result<(), String> {
        if !self.open.insert(name.to_string()) {
            return Ok(());
        }
        self.host.connect(name)?;
        if self.variant.resp3 {
            self.command(name, &["HELLO", "3"])?;
        }
        let place = format!("{{{name}}}");
        if self.ids.contains_key(&place) {
            let Value::Int(id) = self.command(name, &["CLIENT", "ID"])? else {
                return Err("CLIENT ID gave no number".into());
            };
            self.ids.insert(place, id.to_string());
        }
        Ok(())
    }

    fn with_ids(&self, arg: &[u8]) -> Vec<u8> {
        let id = std::str::from_utf8(arg).ok().and_then(|arg| self.ids.get(arg));
        id.map_or_else(|| arg.to_vec(), |id| id.clone().into_bytes())
    }

    fn send(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        match self.variant.cut {
            Cut::Whole => self.host.send(name, bytes),
            Cut::Every(n) => bytes.chunks(n).try_for_each(|piece| self.host.send(name, piece)),
            Cut::At(n) => {
                let (head, tail) = bytes.split_at(n % bytes.len().max(1));
                if !head.is_empty() {
                    self.host.send(name, head)?;
                }
                self.host.send(name, tail)
            }
        }
    }

    fn receive(&mut self, name: &str, patient: bool) -> Result<Got, String> {
        let got = self.host.receive(name, patient)?;
        if !self.variant.resp3 || self.variant.typed {
            return Ok(got);
        }
        Ok(match got {
            Got::Reply(value) => Got::Reply(value.downgraded()),
            other => other,
        })
    }

    /// Wraps a command in a transaction; its reply is what EXEC says it was, or the refusal to queue it.
    fn in_multi(&mut self, name: &str, args: &[Vec<u8>]) -> Result<Got, String> {
        let begun = self.command(name, &["MULTI"])?;
        self.send(name, &resp::command(args))?;
        let queued = self.receive(name, true)?;
        let executed = self.command(name, &["EXEC"])?;
        match (begun, queued, executed) {
            (Value::Status(_), Got::Reply(Value::Status(s)), Value::Array(mut replies))
                if s == b"QUEUED" && replies.len() == 1 =>
            {
                Ok(Got::Reply(replies.remove(0)))
            }
            (_, refused @ Got::Reply(Value::Error(_)), Value::Error(_)) => Ok(refused),
            other => Err(format!("MULTI, a command and EXEC gave {other:?}")),
        }
    }

    fn command(&mut self, name: &str, args: &[&str]) -> Result<Value, String> {
        self.host.send(name, &resp::command(args))?;
        match self.receive(name, true)? {
            Got::Reply(value) => Ok(value),
            other => Err(format!("{} gave {other:?}", args.join(" "))),
        }
    }

    fn set_limits(&mut self, limits: Limits) -> Result<(), String> {
        self.open("")?;
        for (option, min, max) in LIMITS {
            let value = if limits == Limits::Min { min } else { max };
            let reply = self.command("", &["CONFIG", "SET", option, value])?;
            if reply != Value::Status(b"OK".to_vec()) {
                return Err(format!("CONFIG SET {option} {value}: {}", reply.compact()));
            }
        }
        Ok(())
    }

    /// No reply may be left over: one too many is as wrong as one too few.
    fn expect_silence(&mut self) -> Result<(), String> {
        for name in std::mem::take(&mut self.open) {
            if let Got::Reply(value) = self.host.receive(&name, false)? {
                return Err(format!(
                    "connection {name:?} has a reply that nothing asked for: {}",
                    value.compact()
                ));
            }
        }
        Ok(())
    }
}

/// The arguments of the form `{name}` in a script.
fn ids_wanted(script: &Script) -> BTreeMap<String, String> {
    let args = script.steps.iter().filter_map(|step| match &step.action {
        Action::Command(_, args) => Some(args),
        _ => None,
    });
    let texts = args.flatten().filter_map(|arg| std::str::from_utf8(arg).ok());
    let wanted = texts.filter(|arg| {
        arg.strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .is_some_and(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
    });
    wanted.map(|arg| (arg.to_string(), String::new())).collect()
}

/// Commands that mean something else inside a transaction, or are refused there.
fn runs_outside_multi(args: &[Vec<u8>]) -> bool {
    let name = String::from_utf8_lossy(&args[0]).to_ascii_uppercase();
    matches!(
        name.as_str(),
        "MULTI"
            | "EXEC"
            | "DISCARD"
            | "WATCH"
            | "UNWATCH"
            | "RESET"
            | "QUIT"
            | "HELLO"
            | "AUTH"
            | "SUBSCRIBE"
            | "UNSUBSCRIBE"
            | "PSUBSCRIBE"
            | "PUNSUBSCRIBE"
            | "SSUBSCRIBE"
            | "SUNSUBSCRIBE"
            | "CLIENT"
            | "MONITOR"
    )
}
