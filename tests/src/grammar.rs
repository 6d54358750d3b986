//! Random commands from the engine's own command table.
//!
//! A command declares its arguments in the notation of the command pages
//! (`key [NX|XX] [EX seconds|PX milliseconds] member [member …]`); [`parse`] reads it, [`Writer`] draws
//! arguments that follow it. Names of keys hint at their type, so that most commands find the type they
//! work on and some do not; numbers are mostly small, sometimes at an edge, sometimes no numbers.

use redstart_core::command::{Command, Flags, Group};
use redstart_core::commands::table::TABLE;

use crate::chance::Chance;

/// A piece of the notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A word that stands for itself: `NX`.
    Token(String),
    /// A value: `count`, or `limit:count` with its type.
    Value(String),
    /// One after the other.
    Sequence(Vec<Self>),
    /// One of them.
    Choice(Vec<Self>),
    /// It or nothing.
    Optional(Box<Self>),
    /// Once or more.
    Repeated(Box<Self>),
}

/// Reads the notation.
pub fn parse(syntax: &str) -> Node {
    let spaced = syntax
        .replace("...", " … ")
        .replace('[', " [ ")
        .replace(']', " ] ")
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('|', " | ")
        .replace('…', " … ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let mut items = Vec::new();
    while at < words.len() {
        items.push(item(&words, &mut at));
        // Outside brackets `a|b` binds single words.
        while words.get(at) == Some(&"|") {
            at += 1;
            let right = item(&words, &mut at);
            let left = items.pop().expect("an alternative has a left side");
            items.push(match left {
                Node::Choice(mut all) => {
                    all.push(right);
                    Node::Choice(all)
                }
                left => Node::Choice(vec![left, right]),
            });
        }
        repeat_last(&words, &mut at, &mut items);
    }
    Node::Sequence(items)
}

fn item(words: &[&str], at: &mut usize) -> Node {
    let word = words.get(*at).copied().unwrap_or_default();
    *at += 1;
    match word {
        "[" => {
            let inner = group(words, at, "]");
            Node::Optional(Box::new(inner))
        }
        "(" => group(words, at, ")"),
        word if word.starts_with(|c: char| c.is_ascii_lowercase()) => Node::Value(word.into()),
        word => Node::Token(word.into()),
    }
}

/// What stands between brackets: sequences with `|` between them.
fn group(words: &[&str], at: &mut usize, end: &str) -> Node {
    let mut choices = Vec::new();
    let mut items = Vec::new();
    while *at < words.len() && words[*at] != end {
        if words[*at] == "|" {
            *at += 1;
            choices.push(Node::Sequence(std::mem::take(&mut items)));
            continue;
        }
        items.push(item(words, at));
        if words.get(*at) == Some(&"…") && words.get(*at + 1) == Some(&end) && choices.is_empty()
        {
            // `[score member …]`: all of it may come again.
            *at += 1;
            items = vec![Node::Repeated(Box::new(Node::Sequence(items)))];
        }
        repeat_last(words, at, &mut items);
    }
    *at += 1;
    choices.push(Node::Sequence(items));
    if choices.len() == 1 { choices.remove(0) } else { Node::Choice(choices) }
}

fn repeat_last(words: &[&str], at: &mut usize, items: &mut Vec<Node>) {
    if words.get(*at) == Some(&"…") {
        *at += 1;
        if let Some(last) = items.pop() {
            items.push(Node::Repeated(Box::new(last)));
        }
    }
}

/// A command that can be drawn.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The words it begins with: `["CLIENT", "GETNAME"]`.
    pub words: Vec<String>,
    /// Its declaration.
    pub command: &'static Command,
    syntax: Node,
}

/// Every command and subcommand of the table.
pub fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    for command in TABLE {
        let name = command.name.to_uppercase();
        if command.subcommands.is_empty() {
            rules.push(Rule { words: vec![name], command, syntax: parse(command.syntax) });
            continue;
        }
        for sub in command.subcommands {
            let words = vec![name.clone(), sub.name.to_uppercase()];
            rules.push(Rule { words, command: sub, syntax: parse(sub.syntax) });
        }
    }
    rules
}

/// Draws arguments.
#[derive(Debug)]
pub struct Writer<'a> {
    chance: &'a mut Chance,
    group: Group,
    reads: bool,
    name: &'static str,
    out: Vec<Vec<u8>>,
    /// What a `numkeys` before promised.
    repeats: Option<usize>,
}

/// One command after `rule`, now and then with a mistake in it.
pub fn draw(rule: &Rule, chance: &mut Chance) -> Vec<Vec<u8>> {
    let out = rule.words.iter().map(|word| word.clone().into_bytes()).collect();
    let reads = rule.command.flags.contains(Flags::READONLY);
    let (group, name) = (rule.command.group, rule.command.name);
    let mut writer = Writer { chance, group, reads, name, out, repeats: None };
    writer.write(&rule.syntax);
    let Writer { mut out, chance, .. } = writer;
    if chance.percent(3) {
        match chance.below(3) {
            0 => drop(out.pop()),
            1 => out.push(b"extra".to_vec()),
            _ => {
                let names = rule.words.len();
                if let Some(args) = out.get_mut(names..).filter(|args| !args.is_empty()) {
                    let (a, b) = (chance.below(args.len()), chance.below(args.len()));
                    args.swap(a, b);
                }
            }
        }
        if out.is_empty() {
            out.push(b"PING".to_vec());
        }
    }
    out
}

impl Writer<'_> {
    fn write(&mut self, node: &Node) {
        match node {
            Node::Token(word) => self.out.push(word.clone().into_bytes()),
            Node::Value(name) => {
                let value = self.value(name);
                self.out.push(value);
            }
            Node::Sequence(all) => all.iter().for_each(|node| self.write(node)),
            Node::Choice(all) => {
                let at = self.chance.below(all.len());
                self.write(&all[at]);
            }
            Node::Optional(inner) => {
                // `numkeys key [key …]`: one of them is written already.
                let wanted = match self.repeats.take() {
                    Some(0 | 1) => false,
                    Some(count) => {
                        self.repeats = Some(count - 1);
                        true
                    }
                    None => self.chance.percent(35),
                };
                if wanted {
                    self.write(inner);
                }
            }
            Node::Repeated(inner) => {
                // Registers that matter come with hundreds of elements.
                let many = self.group == Group::HyperLogLog && self.chance.percent(25);
                let most =
                    if many && self.out.len() > 1 && self.out[0] == b"PFADD" { 600 } else { 3 };
                let times = self.repeats.take().unwrap_or_else(|| 1 + self.chance.below(most));
                for _ in 0..times {
                    self.write(inner);
                }
            }
        }
    }

    fn value(&mut self, name: &str) -> Vec<u8> {
        if self.group == Group::Bitmap
            && let Some(value) = self.of_bitmap(name.split(':').next().unwrap_or_default())
        {
            return value.into_bytes();
        }
        if name == "element" && self.group == Group::HyperLogLog {
            return self.chance.below(20_000).to_string().into_bytes();
        }
        let kind = name.split_once(':').map_or(name, |(_, kind)| kind);
        let kind = kind.trim_end_matches(|c: char| c.is_ascii_digit());
        match kind {
            "key" | "sourcekey" | "destkey" | "source" | "destination" | "newkey" | "src"
            | "dst" => self.key(),
            "numkeys" | "numfields" => {
                let count = 1 + self.chance.below(3);
                self.repeats = Some(count);
                if self.chance.percent(95) { count.to_string() } else { self.integer() }
                    .into_bytes()
            }
            "score" | "increment" | "weight" | "min" | "max" | "timeout"
                if self.chance.percent(60) =>
            {
                self.score(kind)
            }
            "min" | "max" => self.chance.pick(&["-", "+", "[m1", "(m5", "[m9", "("]).into(),
            "pattern" | "glob" => {
                self.chance.pick(&["*", "k*", "?[12]", "*2", "[^a]*", "\\*"]).into()
            }
            _ if self.group == Group::Stream && !matches!(kind, "count" | "limit" | "integer") => {
                self.stream_value(kind)
            }
            "cursor" => b"0".to_vec(),
            "longitude" | "latitude" => self
                .chance
                .pick(&[
                    "10", "10.5", "11", "10.001", "-179.9", "179.9", "0", "85", "86", "181", "x",
                ])
                .into(),
            "radius" | "width" | "height" => {
                self.chance.pick(&["0", "1", "100", "2000.5", "30000", "-1", "x"]).into()
            }
            "db" | "index" if self.group != Group::List => {
                self.chance.pick(&["0", "1", "2", "99", "x"]).into()
            }
            "seconds" | "milliseconds" | "unix-time-seconds" | "unix-time-milliseconds" => {
                self.chance.pick(&["100000", "5000000", "99999999999", "0", "-1", "x"]).into()
            }
            "count" | "start" | "stop" | "end" | "index" | "offset" | "rank" | "len"
            | "decrement" | "increment" | "num" | "integer" | "limit" | "maxlen"
            | "min-match-len" => self.integer().into_bytes(),
            _ => self.member(),
        }
    }

    /// A key of the type that the command's group works on, mostly.
    fn key(&mut self) -> Vec<u8> {
        let letter = match self.group {
            _ if self.chance.percent(6) => {
                self.chance.pick(&["s", "l", "t", "z", "h", "p", "none"])
            }
            Group::String if self.reads && self.chance.percent(20) => "p",
            Group::HyperLogLog => "p",
            Group::String | Group::Bitmap => "s",
            Group::List => "l",
            Group::Set => "t",
            Group::SortedSet | Group::Geo => "z",
            Group::Hash => "h",
            // Fewer streams, so that what one command says of a group is more often of use to another.
            Group::Stream => {
                return self.chance.pick(&["x0", "x0", "x0", "x1", "x1", "x2"]).into();
            }
            _ => self.chance.pick(&["s", "l", "t", "z", "h", "p"]),
        };
        format!("{letter}{}", self.chance.below(4)).into_bytes()
    }

    /// What commands on bits take: places within a few hundred bits, fields of all widths, and numbers near
    /// the limits of those widths. No place is so far out that a string of megabytes would come of it.
    fn of_bitmap(&mut self, name: &str) -> Option<String> {
        let text = match name {
            "encoding" => {
                let width = self.chance.below(64) + 1;
                let round = self.chance.pick(&["8", "16", "32", "1", "63", "64", "5"]).to_string();
                let width = if self.chance.percent(50) { width.to_string() } else { round };
                match self.chance.below(40) {
                    0 => self
                        .chance
                        .pick(&["u0", "i65", "u64", "x8", "I8", "", "i", "u08", "8"])
                        .into(),
                    1..20 => format!("u{width}"),
                    _ => format!("i{width}"),
                }
            }
            "offset" => match self.chance.below(40) {
                0 => self.chance.pick(&["-1", "x", "", "#", "#-1", "#x", "##1", "+1"]).into(),
                1 => self.chance.pick(&["4294967296", "9223372036854775807", "#9999999999"]).into(),
                2..12 => format!("#{}", self.chance.below(20)),
                12..20 => self.chance.below(5000).to_string(),
                _ => self.chance.below(100).to_string(),
            },
            "value" | "increment" | "bit" => match self.chance.below(20) {
                0 => self.integer(),
                1..14 if name == "bit" => self.chance.below(2).to_string(),
                1..8 => self.chance.below(2).to_string(),
                _ => {
                    let edge = 1i128 << self.chance.below(65);
                    let near = edge - 2 + self.chance.below(4) as i128;
                    let sign = if self.chance.percent(50) { 1 } else { -1 };
                    (near * sign).to_string()
                }
            },
            "start" | "end" => match self.chance.below(10) {
                0..5 => return None,
                5..7 => format!("-{}", self.chance.below(700)),
                _ => self.chance.below(700).to_string(),
            },
            _ => return None,
        };
        Some(text)
    }

    fn stream_value(&mut self, kind: &str) -> Vec<u8> {
        match kind {
            "id" | "lastid" => self.stream_id(),
            "threshold" if self.chance.percent(50) => self.integer().into_bytes(),
            "threshold" => self.stream_id(),
            "group" => self.chance.pick(&["g", "g", "g", "h", "nogroup"]).into(),
            "consumer" => self.chance.pick(&["c", "c", "d", "e"]).into(),
            "min-idle-time" => self.chance.pick(&["0", "0", "0", "100000", "-1", "x"]).into(),
            "milliseconds" | "unix-time-milliseconds" => {
                self.chance.pick(&["100000", "5000000", "99999999999", "0", "-1", "x"]).into()
            }
            "field" => self.chance.pick(&["a", "a", "b", "7"]).into(),
            _ => self.member(),
        }
    }

    /// An ID as the command takes it, mostly: small numbers that go up, so that others meet them.
    fn stream_id(&mut self) -> Vec<u8> {
        let special = match self.name {
            "xreadgroup" if self.chance.percent(60) => Some(">"),
            "xread" if self.chance.percent(10) => Some("$"),
            "xrange" | "xautoclaim" | "xpending" if self.chance.percent(40) => Some("-"),
            "xrevrange" if self.chance.percent(40) => Some("+"),
            "create" | "setid" | "xread" | "xreadgroup" if self.chance.percent(40) => Some("0"),
            _ => None,
        };
        if let Some(special) = special {
            return special.into();
        }
        let number = |chance: &mut Chance, below| match chance.below(30) {
            0 => "18446744073709551615".to_string(),
            1 => chance.pick(&["x", "", "18446744073709551616", "01", "-1", "*"]).to_string(),
            _ => chance.below(below).to_string(),
        };
        let (ms, seq) = (number(self.chance, 40), number(self.chance, 3));
        let text = match self.chance.below(20) {
            0 => self.chance.pick(&["-", "+", ">", "$", "*"]).to_string(),
            1 => format!("({ms}-{seq}"),
            2..5 => ms,
            5..8 => format!("{ms}-*"),
            _ => format!("{ms}-{seq}"),
        };
        text.into_bytes()
    }

    fn integer(&mut self) -> String {
        match self.chance.below(20) {
            0 => self
                .chance
                .pick(&["9223372036854775807", "-9223372036854775808", "99999999999"])
                .into(),
            1 => self.chance.pick(&["x", "", "1.5", " 1", "+1", "9223372036854775808"]).into(),
            2..6 => format!("-{}", 1 + self.chance.below(5)),
            _ => self.chance.below(8).to_string(),
        }
    }

    fn score(&mut self, kind: &str) -> Vec<u8> {
        let range = matches!(kind, "min" | "max");
        let text = match self.chance.below(16) {
            0 => self.chance.pick(&["inf", "-inf", "+inf"]).to_string(),
            1 => self.chance.pick(&["nan", "x", "", "1e400"]).to_string(),
            2..5 => format!("{}.5", self.chance.below(9)),
            5 => "0.1".to_string(),
            6 => "-3".to_string(),
            7 if range => "(2".to_string(),
            _ => self.chance.below(9).to_string(),
        };
        text.into_bytes()
    }

    fn member(&mut self) -> Vec<u8> {
        match self.chance.below(20) {
            0 => Vec::new(),
            1 => vec![b'x'; 70],
            2 => b"\x00\xff\r\n".to_vec(),
            3..9 => self.chance.below(30).to_string().into_bytes(),
            9 => b"-7".to_vec(),
            10 => b"3.25".to_vec(),
            _ => format!("m{}", self.chance.below(10)).into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(word: &str) -> Node {
        Node::Token(word.into())
    }

    fn value(name: &str) -> Node {
        Node::Value(name.into())
    }

    #[test]
    fn the_notation_of_set_is_read() {
        let Node::Sequence(parts) = parse("key value [NX|XX] [EX seconds|KEEPTTL]") else {
            panic!("a sequence")
        };
        assert_eq!(parts[..2], [value("key"), value("value")]);
        let one = |node| Node::Sequence(vec![node]);
        assert_eq!(
            parts[2],
            Node::Optional(Box::new(Node::Choice(vec![one(token("NX")), one(token("XX"))])))
        );
        let ex = Node::Sequence(vec![token("EX"), value("seconds")]);
        assert_eq!(
            parts[3],
            Node::Optional(Box::new(Node::Choice(vec![ex, one(token("KEEPTTL"))])))
        );
    }

    #[test]
    fn words_may_be_alternatives_without_brackets() {
        let Node::Sequence(parts) = parse("key BEFORE|AFTER pivot") else { panic!("a sequence") };
        assert_eq!(parts[1], Node::Choice(vec![token("BEFORE"), token("AFTER")]));
        assert_eq!(parts.len(), 3);
    }

    #[test]
    fn repetitions_take_the_whole_bracket_or_one_word() {
        let pair = Node::Sequence(vec![value("score"), value("member")]);
        let Node::Sequence(parts) = parse("score member [score member …]") else {
            panic!("a sequence")
        };
        let again = Node::Sequence(vec![Node::Repeated(Box::new(pair))]);
        assert_eq!(parts[2], Node::Optional(Box::new(again)));
        let Node::Sequence(parts) = parse("key...") else { panic!("a sequence") };
        assert_eq!(parts, [Node::Repeated(Box::new(value("key")))]);
    }

    #[test]
    fn every_command_of_the_table_can_be_drawn() {
        let mut chance = Chance::new(1);
        for rule in rules() {
            for _ in 0..20 {
                assert!(!draw(&rule, &mut chance).is_empty(), "{:?}", rule.words);
            }
        }
    }
}
