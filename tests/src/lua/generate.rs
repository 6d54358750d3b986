//! Programs out of choices: they end, and print what they compute.
//!
//! Every loop and every function ticks, and too many ticks are an error; strings that go into variables are cut.
//! So a program ends soon whatever it does, and errors it makes itself are as welcome as results.

use super::Choices;
use super::soup;

/// Writes a program.
pub(super) fn program(choices: &mut Choices) -> String {
    let damaged = choices.percent(12);
    let mut writer =
        Writer { choices, out: String::new(), locals: Vec::new(), fuel: 0, loops: 0, functions: 0 };
    writer.fuel = 20 + 20 * writer.choices.below(6) as i32;
    for name in ["s", "t"] {
        let value = if name == "s" { writer.string(1) } else { writer.table(1) };
        writer.line(&format!("local {name} = {value}"));
        writer.locals.push((name, if name == "s" { Kind::Str } else { Kind::Table }));
    }
    let count = 1 + writer.choices.below(8);
    for _ in 0..count {
        writer.statement(3);
    }
    let out = writer.out;
    if damaged { format!("--[[compile]]{}", soup::damage(&out, choices)) } else { out }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Num,
    Str,
    Table,
    Fun,
}

pub(super) struct Writer<'a> {
    pub(super) choices: &'a mut Choices,
    pub(super) out: String,
    pub(super) locals: Vec<(&'static str, Kind)>,
    pub(super) fuel: i32,
    pub(super) loops: usize,
    pub(super) functions: usize,
}

const NAMES: &[&str] = &["a", "b", "c", "d", "e", "f", "g", "h"];
pub(super) const GLOBALS: &[&str] = &["G1", "G2", "G3", "undefined"];
pub(super) const FIELDS: &[&str] = &["x", "y", "z", "n", "name", "__index"];

impl Writer<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push_str(match self.choices.below(12) {
            10 => ";\n",
            11 => " ",
            _ => "\n",
        });
    }

    fn name(&mut self) -> &'static str {
        NAMES[self.choices.below(NAMES.len())]
    }

    /// A place between tokens where a line may end.
    pub(super) fn gap(&mut self) -> &'static str {
        if self.choices.percent(4) { "\n" } else { " " }
    }

    pub(super) fn spend(&mut self) -> bool {
        self.fuel -= 1;
        self.fuel > 0
    }

    pub(super) fn variable(&mut self, kind: Kind) -> Option<&'static str> {
        let of_kind: Vec<_> = self.locals.iter().filter(|(_, own)| *own == kind).collect();
        match of_kind.len() {
            0 => None,
            count => {
                let at = self.choices.below(count);
                Some(of_kind[count - 1 - at].0)
            }
        }
    }

    // Statements.

    fn block(&mut self, depth: usize) {
        let locals = self.locals.len();
        let count = 1 + self.choices.below(3);
        for _ in 0..count {
            self.statement(depth);
        }
        self.locals.truncate(locals);
    }

    fn statement(&mut self, depth: usize) {
        if !self.spend() || depth == 0 {
            let value = self.any(1);
            return self.line(&format!("print({value})"));
        }
        match self.choices.below(24) {
            0..=2 => self.print(),
            3..=5 => self.local(),
            6..=8 => self.assign(),
            9 => {
                let condition = self.any(2);
                self.line(&format!("if {condition} then"));
                self.block(depth - 1);
                if self.choices.percent(30) {
                    let condition = self.boolean(2);
                    self.line(&format!("elseif {condition} then"));
                    self.block(depth - 1);
                }
                if self.choices.percent(50) {
                    self.line("else");
                    self.block(depth - 1);
                }
                self.line("end");
            }
            10..=12 => self.repeated(depth),
            13 => {
                self.line("do");
                self.block(depth - 1);
                self.line("end");
            }
            14 | 15 => {
                let name = self.name();
                let recursive = self.choices.percent(50);
                if recursive {
                    self.out.push_str("local function ");
                    self.locals.push((name, Kind::Fun));
                } else if self.choices.percent(50) {
                    self.out.push_str(
                        ["function G1", "function t.m", "function t:m"][self.choices.below(3)],
                    );
                    return self.body(depth - 1, false);
                } else {
                    self.out.push_str("local ");
                    self.out.push_str(name);
                    self.out.push_str(" = function");
                }
                if recursive {
                    self.out.push_str(name);
                }
                self.body(depth - 1, true);
                if !recursive {
                    self.locals.push((name, Kind::Fun));
                }
            }
            16..=18 => self.protected(depth),
            19 => self.table_call(),
            20 => self.coroutine(depth),
            21 => self.metatable(),
            22 => {
                let call = self.call(2);
                self.line(&call);
            }
            _ => {
                let text = match self.choices.below(6) {
                    0 => {
                        let (value, level) = (self.any(1), self.choices.below(4));
                        format!("error({value}, {level})")
                    }
                    1 => {
                        let (value, text) = (self.any(1), self.any(1));
                        format!("assert({value}, {text})")
                    }
                    2 => {
                        let code = soup::soup(self.choices, 6).replace(']', "");
                        format!("print(loadstring([==[{code}]==], '=x'))")
                    }
                    3 => format!("t = {}", self.table(2)),
                    4 => format!("s = {}", self.string(2)),
                    _ => format!(
                        "setfenv(1, setmetatable({{}}, {{__index = getfenv(1)}})) G1 = {}",
                        self.any(1)
                    ),
                };
                self.line(&text);
            }
        }
    }

    fn print(&mut self) {
        let count = 1 + self.choices.below(3);
        let values: Vec<String> = (0..count).map(|_| self.any(3)).collect();
        let text = format!("print({})", values.join(","));
        self.line(&text);
    }

    fn local(&mut self) {
        let (value, kind) = self.kinded(3);
        let name = self.name();
        if self.choices.percent(25) {
            let second = self.name();
            let other =
                if self.choices.percent(50) { format!(",{}", self.any(2)) } else { String::new() };
            self.line(&format!("local {name},{second} = {value}{other}"));
        } else {
            self.line(&format!("local {name} = {value}"));
        }
        self.locals.push((name, kind));
    }

    fn target(&mut self) -> String {
        match self.choices.below(6) {
            0 => self.variable(Kind::Num).unwrap_or("G1").to_owned(),
            1 => self.pick_global().to_owned(),
            2 => {
                let field = self.choices.pick(FIELDS);
                format!("t.{field}")
            }
            3 | 4 => {
                let (table, key) = (self.table_name(), self.key());
                format!("{table}[{key}]")
            }
            _ => self.variable(Kind::Str).unwrap_or("s").to_owned(),
        }
    }

    pub(super) fn pick_global(&mut self) -> &'static str {
        GLOBALS[self.choices.below(GLOBALS.len())]
    }

    fn assign(&mut self) {
        let target = self.target();
        let value = if self.choices.percent(30) { self.number(3) } else { self.any(3) };
        if self.choices.percent(20) {
            let (second, other) = (self.target(), self.any(2));
            self.line(&format!("{target},{second} = cut({value}),cut({other})"));
        } else {
            self.line(&format!("{target} = cut({value})"));
        }
    }

    fn repeated(&mut self, depth: usize) {
        if self.loops >= 3 {
            return self.print();
        }
        self.loops += 1;
        let locals = self.locals.len();
        let mut end = "end".to_owned();
        let name = self.name();
        match self.choices.below(8) {
            0 | 1 => {
                let to = 1 + self.choices.below(5);
                self.out.push_str(&format!("for {name} = 1,{to} do tick()\n"));
                self.locals.push((name, Kind::Num));
            }
            2 => {
                let (from, to, step) = (self.number(2), self.number(2), self.number(1));
                self.out.push_str(&format!("for {name} = {from},{to},{step} do tick()\n"));
                self.locals.push((name, Kind::Num));
            }
            3 | 4 => {
                let table = self.table(2);
                let each = self.choices.pick(&["pairs(", "ipairs(", "next,("]);
                self.out.push_str(&format!("for k,v in {each}{table}) do tick()\n"));
                self.line("print(k,v)");
                self.locals.push(("k", Kind::Num));
                self.locals.push(("v", Kind::Num));
            }
            5 => {
                let (text, pattern) = (self.string(2), self.pattern());
                self.out
                    .push_str(&format!("for k,v in string.gmatch({text},{pattern}) do tick()\n"));
                self.line("print(k,v)");
                self.locals.push(("k", Kind::Str));
            }
            6 => {
                let count = 1 + self.choices.below(5);
                self.out.push_str(&format!(
                    "local {name} = 0 while {name} < {count} do tick() {name} = {name} + 1\n"
                ));
                self.locals.push((name, Kind::Num));
            }
            _ => {
                let condition = self.boolean(2);
                self.out.push_str("repeat tick()\n");
                end = format!("until {condition}");
            }
        }
        self.block(depth - 1);
        if self.choices.percent(20) {
            let condition = self.boolean(1);
            self.line(&format!("if {condition} then break end"));
        }
        self.locals.truncate(locals);
        self.line(&end);
        self.loops -= 1;
    }

    fn protected(&mut self, depth: usize) {
        let head = self.choices.pick(&[
            "print(pcall(function",
            "print(xpcall(function",
            "print(select('#', pcall(function",
        ]);
        self.out.push_str(head);
        self.body(depth - 1, true);
        let end = match head {
            "print(pcall(function" => {
                if self.choices.percent(30) {
                    format!(",{}))", self.any(2))
                } else {
                    "))".into()
                }
            }
            "print(xpcall(function" => {
                let handler = self.choices.pick(&[
                    "function(e) return e, 1 end",
                    "print",
                    "nil",
                    "function(e) error(e) end",
                    "function(e) return G1.x end",
                ]);
                format!(",{handler}))")
            }
            _ => ")))".into(),
        };
        self.line(&end);
    }

    /// Parameters and a function's body up to its `end`.
    fn body(&mut self, depth: usize, own_line: bool) {
        let locals = self.locals.len();
        let loops = std::mem::replace(&mut self.loops, self.functions.min(2));
        self.functions += 1;
        let parameters =
            self.choices.pick(&["(a, b)", "()", "(a)", "(...)", "(a, ...)", "(self, c)"]);
        self.out.push_str(parameters);
        self.out.push_str(" tick()\n");
        for name in ["a", "b", "c"] {
            if parameters.contains(name) {
                self.locals.push((name, if name == "b" { Kind::Str } else { Kind::Num }));
            }
        }
        if parameters.contains("...") {
            let text = self.choices.pick(&[
                "local b, c = ...",
                "print(select('#', ...))",
                "print(...)",
                "local d = {...}",
                "print((...))",
                "print(select(2, ...))",
            ]);
            self.line(text);
        }
        if depth > 0 {
            self.block(depth);
        }
        if self.choices.percent(70) {
            let value = match self.choices.below(6) {
                0 => self.call(2),
                1 => format!("{},{}", self.any(2), self.any(2)),
                _ => self.any(3),
            };
            self.line(&format!("return {value}"));
        }
        self.functions -= 1;
        self.loops = loops;
        self.locals.truncate(locals);
        self.out.push_str("end");
        if own_line {
            self.out.push('\n');
        } else {
            self.line("");
        }
    }

    fn table_call(&mut self) {
        let table = self.table_name();
        let text = match self.choices.below(10) {
            0 => format!("table.insert({table},cut({}))", self.any(2)),
            1 => {
                let place = self
                    .choices
                    .pick(&["1", "0", "-1", "3", "7", "2.5", "'2'", "nil", "100", "'x'"]);
                format!("table.insert({table},{place},cut({}))", self.any(2))
            }
            2 => format!("print(table.remove({table}))"),
            3 => format!("print(table.remove({table},{}))", self.number(1)),
            4..=6 => {
                let comparator = self.choices.pick(&[
                    "function(a,b) return tostring(a) < tostring(b) end",
                    "function(a,b) return a < b end",
                    "function(a,b) return a > b end",
                    "function(a,b) return a <= b end",
                    "function(a,b) tick() return true end",
                    "function(a,b) return false end",
                    "function(a,b) G2 = (G2 or 0) * 5 % 7 + 1 return G2 > 3 end",
                    "function(a,b) return (a * 7) % 5 < (b * 7) % 5 end",
                    "nil",
                ]);
                let values: Vec<String> = (0..self.choices.below(14))
                    .map(|_| self.choices.below(9).to_string())
                    .collect();
                let values = values.join(",");
                format!(
                    "do local l = {{{values}}} print(pcall(table.sort,l,{comparator})) print(unpack(l)) end"
                )
            }
            7 => format!(
                "print(table.concat({table},{},{},{}))",
                self.string(1),
                self.number(1),
                self.number(1)
            ),
            8 => {
                format!("print(#{table}, table.getn({table}), table.maxn({table}), next({table}))")
            }
            _ => format!(
                "print(unpack({table},{},{}))",
                self.choices.below(4),
                self.choices.below(6)
            ),
        };
        self.line(&text);
    }

    fn coroutine(&mut self, depth: usize) {
        let name = self.name();
        let wrapped = self.choices.percent(40);
        let make = if wrapped { "wrap" } else { "create" };
        self.out.push_str(&format!("local {name} = coroutine.{make}(function"));
        self.functions += 1;
        self.body(depth.min(2) - 1, true);
        self.functions -= 1;
        self.line(")");
        for _ in 0..1 + self.choices.below(3) {
            let value = self.any(1);
            let text = if wrapped {
                format!("print({name}({value}))")
            } else {
                format!("print(coroutine.resume({name},{value})) print(coroutine.status({name}))")
            };
            self.line(&text);
        }
    }

    fn metatable(&mut self) {
        const EVENTS: &[&str] = &[
            "__index",
            "__newindex",
            "__call",
            "__add",
            "__sub",
            "__mul",
            "__div",
            "__mod",
            "__pow",
            "__unm",
            "__len",
            "__eq",
            "__lt",
            "__le",
            "__concat",
            "__tostring",
            "__metatable",
            "__mode",
        ];
        let mut fields = String::new();
        for _ in 0..1 + self.choices.below(4) {
            let event = self.choices.pick(EVENTS);
            let value = match self.choices.below(4) {
                0 => "function(a, b) tick() return b end".to_owned(),
                1 => "function(a, b, c) tick() print(type(a), type(b), type(c)) return a end"
                    .to_owned(),
                2 => format!("function(a, b) tick() return {} end", self.any(2)),
                _ if event.ends_with("index") => "{x = 1, y = 'why', 10, 20}".to_owned(),
                _ => self.any(1),
            };
            fields.push_str(&format!("{event} = {value}, "));
        }
        let target = self.choices.pick(&["t", "G3", "{}"]);
        let text = if target == "{}" {
            format!("G3 = setmetatable({{1,2}}, {{{fields}}})")
        } else {
            format!("print(type(setmetatable({target}, {{{fields}}})))")
        };
        self.line(&text);
    }
}
