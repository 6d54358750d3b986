//! The notation in which a command's arguments are declared, and what is read from it.
//!
//! It is the one of the command pages: `key value [NX|XX] [GET] [EX seconds|PX milliseconds|KEEPTTL]`.
//! Upper case is a token, lower case a value, `[…]` optional, `a|b` one of, `(…)` groups without a meaning
//! of its own, `x [x …]` or `x...` one or more. The type of a value follows from its name (`key`, `count`,
//! `score`, `pattern`, …); `name:type` says it where the name does not.
//! COMMAND DOCS, the TypeScript methods, the demo's completion and the fuzzers' grammars read this.
//!
//! ```text
//! alternatives = sequence { "|" sequence }      sequence = { item }
//! item = "[" alternatives "]" | "(" alternatives ")" | "[" { item } "..." "]" | word [ "..." ]
//! ```
//! A token at the start of a sequence, or before a value, belongs to what follows it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// Any bytes.
    String,
    /// A 64-bit integer.
    Integer,
    /// A floating-point number.
    Double,
    /// A key.
    Key,
    /// A glob pattern.
    Pattern,
    /// A time since 1970.
    UnixTime,
    /// Nothing but its token.
    PureToken,
    /// One of its parts.
    OneOf,
    /// All of its parts, in their order.
    Block,
}

impl ArgKind {
    /// The name that COMMAND DOCS gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Key => "key",
            Self::Pattern => "pattern",
            Self::UnixTime => "unix-time",
            Self::PureToken => "pure-token",
            Self::OneOf => "oneof",
            Self::Block => "block",
        }
    }

    /// The type that stands behind a name's colon.
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "string" => Self::String,
            "integer" | "int" => Self::Integer,
            "double" => Self::Double,
            "key" => Self::Key,
            "pattern" => Self::Pattern,
            "unix-time" => Self::UnixTime,
            _ => return None,
        })
    }

    /// The type that a name stands for by itself.
    fn of_name(name: &str) -> Self {
        match name {
            "key" | "source" | "destination" => Self::Key,
            "pattern" => Self::Pattern,
            "count" | "numkeys" | "index" | "start" | "stop" | "end" | "offset" | "seconds"
            | "milliseconds" | "increment" | "decrement" | "bit" | "rank" | "maxlen" => {
                Self::Integer
            }
            "score" | "timeout" | "longitude" | "latitude" | "radius" | "width" | "height"
            | "weight" => Self::Double,
            _ if name.starts_with("unix-time") => Self::UnixTime,
            _ => Self::String,
        }
    }
}

/// An argument of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// Its name, in lower case.
    pub name: String,
    /// What it is.
    pub kind: ArgKind,
    /// The word that stands before it; of a pure token, the word that it is.
    pub token: Option<String>,
    /// It may be left out.
    pub optional: bool,
    /// It may come several times.
    pub multiple: bool,
    /// Then its token comes each time.
    pub multiple_token: bool,
    /// The parts of a block or of one of several.
    pub args: Vec<Self>,
}

impl Arg {
    fn new(name: &str, kind: ArgKind) -> Self {
        Self {
            name: name.into(),
            kind,
            token: None,
            optional: false,
            multiple: false,
            multiple_token: false,
            args: Vec::new(),
        }
    }

    fn token(word: &str) -> Self {
        let name = word.to_ascii_lowercase();
        Self { token: Some(word.into()), ..Self::new(&name, ArgKind::PureToken) }
    }

    fn is_bare_token(&self) -> bool {
        self.kind == ArgKind::PureToken && !self.optional && !self.multiple
    }

    fn value(word: &str) -> Self {
        match word.split_once(':').map(|(name, kind)| (name, ArgKind::of_word(kind))) {
            Some((name, Some(kind))) => Self::new(name, kind),
            _ => Self::new(word, ArgKind::of_name(word)),
        }
    }

    /// Several as one, named after its parts.
    fn group(kind: ArgKind, mut args: Vec<Self>) -> Self {
        if args.len() == 1
            && let Some(only) = args.pop()
        {
            return only;
        }
        let names: Vec<&str> = args.iter().map(|arg| arg.name.as_str()).collect();
        let name = names.join("-");
        Self { args, ..Self::new(&name, kind) }
    }

    /// This argument with a token before it.
    fn behind(self, token: &str) -> Self {
        if self.token.is_none() && !self.optional {
            return Self { token: Some(token.into()), ..self };
        }
        let name = token.to_ascii_lowercase();
        Self { token: Some(token.into()), args: [self].into(), ..Self::new(&name, ArgKind::Block) }
    }
}

/// The arguments that a declaration names, in their order; why it cannot be read, if it cannot.
pub fn parse(syntax: &str) -> Result<Vec<Arg>, &'static str> {
    let words = lex(syntax);
    let mut parser = Parser { words: &words, at: 0 };
    let mut args = parser.alternatives(true)?;
    if parser.at < words.len() {
        return Err("a bracket too many");
    }
    // What stands at the top is a list and no block.
    if let [only] = args.as_mut_slice()
        && only.kind == ArgKind::Block
        && only.token.is_none()
        && !only.multiple
        && !only.optional
    {
        return Ok(core::mem::take(&mut only.args));
    }
    Ok(args)
}

const MORE: &str = "...";

fn lex(syntax: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = syntax.trim_start();
    while !rest.is_empty() {
        let len = if rest.starts_with(MORE) {
            MORE.len()
        } else if rest.starts_with(['[', ']', '(', ')', '|']) {
            1
        } else {
            let end = rest.find([' ', '[', ']', '(', ')', '|']).unwrap_or(rest.len());
            rest[..end].find(MORE).unwrap_or(end)
        };
        words.push(&rest[..len]);
        rest = rest[len..].trim_start();
    }
    words
}

fn is_token(word: &str) -> bool {
    !word.bytes().any(|byte| byte.is_ascii_lowercase())
}

struct Parser<'a> {
    words: &'a [&'a str],
    at: usize,
}

impl Parser<'_> {
    fn next_is(&self, word: &str) -> bool {
        self.words.get(self.at) == Some(&word)
    }

    /// Sequences with `|` between them: one argument per part if there is only one, else one of them.
    fn alternatives(&mut self, top: bool) -> Result<Vec<Arg>, &'static str> {
        let mut choices = alloc::vec![self.sequence()?];
        while self.next_is("|") {
            self.at += 1;
            choices.push(self.sequence()?);
        }
        if let [_] = choices.as_slice() {
            let only = choices.pop().unwrap_or_default();
            return Ok(if top { spread(only) } else { bind(only) });
        }
        let choices = choices.into_iter().map(|c| Arg::group(ArgKind::Block, bind(c))).collect();
        Ok([Arg::group(ArgKind::OneOf, choices)].into())
    }

    fn sequence(&mut self) -> Result<Vec<Arg>, &'static str> {
        let mut args: Vec<Arg> = Vec::new();
        while let Some(&word) = self.words.get(self.at) {
            match word {
                "|" | "]" | ")" => break,
                "[" => {
                    self.at += 1;
                    if let Some(count) = self.repetition() {
                        repeat(&mut args, count)?;
                    } else {
                        let inner = self.alternatives(false)?;
                        let mut arg = Arg::group(ArgKind::Block, inner);
                        arg.optional = true;
                        args.push(arg);
                    }
                    self.close("]")?;
                }
                "(" => {
                    self.at += 1;
                    let inner = self.alternatives(false)?;
                    args.push(Arg::group(ArgKind::Block, inner));
                    self.close(")")?;
                }
                MORE => {
                    self.at += 1;
                    repeat(&mut args, Repetition { args: 1, token: false })?;
                }
                word => {
                    self.at += 1;
                    args.push(if is_token(word) { Arg::token(word) } else { Arg::value(word) });
                }
            }
        }
        Ok(args)
    }

    fn close(&mut self, bracket: &str) -> Result<(), &'static str> {
        if !self.next_is(bracket) {
            return Err("a bracket is not closed");
        }
        self.at += 1;
        Ok(())
    }

    /// Behind an opening bracket: `x y ...` says how much of what stands before may come again.
    fn repetition(&mut self) -> Option<Repetition> {
        let end = self.at + self.words[self.at..].iter().position(|word| *word == "]")?;
        let inner = &self.words[self.at..end];
        let (&last, repeated) = inner.split_last()?;
        if last != MORE || repeated.iter().any(|word| matches!(*word, "[" | "(" | "|")) {
            return None;
        }
        self.at = end;
        let values = repeated.iter().filter(|word| !is_token(word)).count();
        let token = repeated.first().is_some_and(|word| is_token(word));
        Some(Repetition { args: values.max(1), token })
    }
}

struct Repetition {
    args: usize,
    token: bool,
}

/// The last arguments of `args` may come again.
fn repeat(
    args: &mut Vec<Arg>,
    Repetition { args: values, token }: Repetition,
) -> Result<(), &'static str> {
    if token {
        // The token that stands before them comes each time.
        let at = args.iter().rposition(|arg| arg.kind == ArgKind::PureToken);
        let at = at.ok_or("nothing to repeat")?;
        let mut again = Arg::group(ArgKind::Block, bind(args.split_off(at)));
        (again.multiple, again.multiple_token) = (true, true);
        args.push(again);
        return Ok(());
    }
    let at = args.len().checked_sub(values).ok_or("nothing to repeat")?;
    let mut again = Arg::group(ArgKind::Block, args.split_off(at));
    again.multiple = true;
    args.push(again);
    Ok(())
}

/// A sequence in brackets or between bars: a token at its start is that of all the rest.
fn bind(mut args: Vec<Arg>) -> Vec<Arg> {
    if args.len() < 2 || !args[0].is_bare_token() {
        return spread(args);
    }
    let token = args.remove(0).token.unwrap_or_default();
    let rest = spread(args);
    let mut bound = Arg::group(ArgKind::Block, rest).behind(&token);
    if bound.kind == ArgKind::Block || bound.kind == ArgKind::OneOf {
        bound.name = token.to_ascii_lowercase();
    }
    [bound].into()
}

/// A sequence at the top: a token is that of the value behind it.
fn spread(args: Vec<Arg>) -> Vec<Arg> {
    let mut out: Vec<Arg> = Vec::new();
    for arg in args {
        match out.last() {
            Some(before) if before.is_bare_token() && !arg.is_bare_token() && !arg.optional => {
                let token = before.token.clone().unwrap_or_default();
                out.pop();
                out.push(arg.behind(&token));
            }
            _ => out.push(arg),
        }
    }
    out
}

/// The notation of an argument, for people: what it was read from, more or less.
pub fn display(arg: &Arg) -> String {
    let separator = if arg.kind == ArgKind::OneOf { "|" } else { " " };
    let parts = arg.args.iter().map(display).collect::<Vec<_>>().join(separator);
    let body = match (arg.kind, &arg.token) {
        (ArgKind::PureToken, Some(token)) => token.clone(),
        (ArgKind::OneOf, Some(token)) => alloc::format!("{token} ({parts})"),
        (ArgKind::Block, Some(token)) => alloc::format!("{token} {parts}"),
        (ArgKind::OneOf | ArgKind::Block, None) => parts,
        (_, Some(token)) => alloc::format!("{token} {}", arg.name),
        (_, None) => arg.name.to_string(),
    };
    let body = if arg.multiple { alloc::format!("{body} [{body} ...]") } else { body };
    if arg.optional { alloc::format!("[{body}]") } else { body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(syntax: &str) -> Arg {
        let mut args = parse(syntax).expect("it can be read");
        assert_eq!(args.len(), 1, "{args:?}");
        args.pop().expect("one")
    }

    #[test]
    fn options_are_tokens_alone_or_before_a_value() {
        let args =
            parse("key value [NX|XX] [GET] [EX seconds|PX milliseconds|KEEPTTL]").expect("SET");
        assert_eq!((args[0].kind, args[1].kind), (ArgKind::Key, ArgKind::String));
        assert_eq!((args[2].kind, args[2].optional), (ArgKind::OneOf, true));
        assert_eq!(args[2].args[1].token.as_deref(), Some("XX"));
        assert_eq!((args[3].kind, args[3].name.as_str()), (ArgKind::PureToken, "get"));
        let seconds = &args[4].args[0];
        assert_eq!((seconds.name.as_str(), seconds.token.as_deref()), ("seconds", Some("EX")));
        assert_eq!(seconds.kind, ArgKind::Integer);
    }

    #[test]
    fn one_or_more_is_said_by_saying_it_again() {
        let key = one("key [key ...]");
        assert!(key.multiple && !key.optional && key.kind == ArgKind::Key);
        let pair = one("key value [key value ...]");
        assert!(pair.multiple && pair.kind == ArgKind::Block && pair.args.len() == 2);
        let channel = one("[channel [channel ...]]");
        assert!(channel.multiple && channel.optional && channel.kind == ArgKind::String);
        assert!(one("key...").multiple);
    }

    #[test]
    fn a_token_takes_all_that_stands_in_its_brackets() {
        let limit = one("[LIMIT offset count]");
        assert_eq!((limit.kind, limit.token.as_deref()), (ArgKind::Block, Some("LIMIT")));
        assert_eq!((limit.args.len(), limit.optional), (2, true));
        let weights = one("[WEIGHTS weight [weight ...]]");
        assert_eq!((weights.name.as_str(), weights.token.as_deref()), ("weight", Some("WEIGHTS")));
        assert!(weights.multiple && !weights.multiple_token);
        let aggregate = one("[AGGREGATE (SUM|MIN|MAX)]");
        assert_eq!((aggregate.kind, aggregate.name.as_str()), (ArgKind::OneOf, "aggregate"));
        assert_eq!(aggregate.args.len(), 3);
    }

    #[test]
    fn a_token_may_come_each_time() {
        let get = one("[GET pattern [GET pattern ...]]");
        assert!(get.multiple && get.multiple_token && get.optional, "{get:?}");
        assert_eq!((get.kind, get.token.as_deref()), (ArgKind::Pattern, Some("GET")));
    }

    #[test]
    fn a_type_may_stand_behind_the_name() {
        assert_eq!(one("db:integer").kind, ArgKind::Integer);
        assert_eq!(one("newkey:key").name, "newkey");
        assert_eq!(one("ip:port").name, "ip:port");
    }

    #[test]
    fn brackets_match_or_it_is_refused() {
        assert!(["[a", "a]", "(a", "[b ...]", "..."].iter().all(|s| parse(s).is_err()));
        assert_eq!(parse(""), Ok(Vec::new()));
    }
}
