//! Expressions of the programs: numbers, truths, tables, functions and calls.

use super::generate::{FIELDS, Kind, Writer};

impl Writer<'_> {
    pub(super) fn kinded(&mut self, depth: usize) -> (String, Kind) {
        match self.choices.below(4) {
            0 => (self.number(depth), Kind::Num),
            1 => (self.string(depth), Kind::Str),
            2 => (self.table(depth), Kind::Table),
            _ => (self.function(), Kind::Fun),
        }
    }

    pub(super) fn any(&mut self, depth: usize) -> String {
        match self.choices.below(14) {
            0..=3 => self.number(depth),
            4..=7 => self.string(depth),
            8 => self.boolean(depth),
            9 => self.table(depth),
            10 => "nil".to_owned(),
            11 => self.pick_global().to_owned(),
            12 if depth > 0 => self.call(depth - 1),
            13 if depth > 0 => {
                let (table, key) = (self.table_name(), self.key());
                format!("{table}[{key}]")
            }
            _ => self.choices.pick(&["true", "false", "nil"]).to_owned(),
        }
    }

    pub(super) fn table_name(&mut self) -> &'static str {
        if self.choices.percent(10) {
            return ["G1", "G3", "s", "a"][self.choices.below(4)];
        }
        self.variable(Kind::Table).unwrap_or("t")
    }

    pub(super) fn key(&mut self) -> String {
        match self.choices.below(5) {
            0 | 1 => self
                .choices
                .pick(&["1", "2", "3", "4", "5", "8", "0", "-1", "1.5", "16", "2^53"])
                .to_owned(),
            2 => format!("'{}'", self.choices.pick(FIELDS)),
            3 => format!("K({})", self.any(1)),
            _ => self.variable(Kind::Num).map_or("6".into(), |name| format!("K({name})")),
        }
    }

    pub(super) fn number(&mut self, depth: usize) -> String {
        if self.choices.percent(3) && depth > 0 {
            return self.any(depth - 1);
        }
        if depth == 0 || !self.spend() {
            return self.numeral();
        }
        match self.choices.below(16) {
            0..=2 => self.numeral(),
            3..=5 => self.variable(Kind::Num).map_or_else(|| "7".to_owned(), str::to_owned),
            6..=9 => {
                let (a, b) = (self.number(depth - 1), self.number(depth - 1));
                let op = self.choices.pick(&["+", "-", "*", "/", "%"]);
                let (before, after) = (self.gap(), self.gap());
                if self.choices.percent(50) {
                    format!("({a}{before}{op}{after}{b})")
                } else {
                    format!("{a} {op} {b}")
                }
            }
            10 if self.choices.percent(30) => {
                // Of whole numbers, which come out the same to the last bit everywhere.
                let base = self.choices.pick(&["2", "3", "10", "s", "-2", "nil", "0", "1/0"]);
                let power = self.choices.pick(&["2", "3", "0", "-1", "10", "0.5", "'2'", "{}"]);
                format!("{base} ^ {power}")
            }
            10 => format!("- {}", self.number(depth - 1)),
            11 => {
                let operand = if self.choices.percent(50) {
                    self.table(depth - 1)
                } else {
                    self.string(depth - 1)
                };
                // A literal table after # stands as it is; anything may stand in brackets.
                format!("#({operand})")
            }
            12 => {
                let name = self.choices.pick(&[
                    "floor", "ceil", "abs", "sqrt", "frexp", "modf", "deg", "rad", "log10", "exp",
                    "log", "sin",
                ]);
                format!("math.{name}({})", self.number(depth - 1))
            }
            13 => {
                let name = self.choices.pick(&["max", "min", "fmod", "ldexp"]);
                format!("math.{name}({},{})", self.number(depth - 1), self.number(depth - 1))
            }
            14 => {
                if self.choices.percent(50) {
                    format!("tonumber({})", self.string(depth - 1))
                } else {
                    let base = self.choices.pick(&["10", "16", "2", "36", "8", "1", "37"]);
                    format!("tonumber({},{base})", self.string(depth - 1))
                }
            }
            _ => {
                let (text, pattern) = (self.string(depth - 1), self.pattern());
                match self.choices.below(3) {
                    0 => format!("string.find({text},{pattern})"),
                    1 => format!("string.byte({text},{},{})", self.number(1), self.number(1)),
                    _ => format!(
                        "string.find({text},{pattern},{},{})",
                        self.number(1),
                        self.boolean(0)
                    ),
                }
            }
        }
    }

    pub(super) fn numeral(&mut self) -> String {
        match self.choices.below(3) {
            0 => self.choices.below(10).to_string(),
            1 => self
                .choices
                .pick(&[
                    "1",
                    "0",
                    "-1",
                    "2",
                    "3.5",
                    "0.1",
                    "1e15",
                    "1e14",
                    "123456789012345",
                    "1e308",
                    "1e309",
                    "-0",
                    "2^31",
                    "2^32",
                    "2^53",
                    "0xff",
                    "0xFFFFFFFF",
                    "1/3",
                    "0/0",
                    "1/0",
                    "-1/0",
                    "5e-324",
                    "1e100",
                    "255",
                    "256",
                    "2147483648",
                    "-2147483649",
                    ".5",
                    "3.",
                    "1e-5",
                    "16",
                    "17",
                ])
                .to_owned(),
            _ => {
                let (a, b) = (self.choices.below(2000), self.choices.below(1000));
                format!("{a}.{b}")
            }
        }
    }

    pub(super) fn boolean(&mut self, depth: usize) -> String {
        if depth == 0 || !self.spend() {
            return self.choices.pick(&["true", "false", "nil"]).to_owned();
        }
        match self.choices.below(6) {
            0 | 1 => {
                let op = self.choices.pick(&["<", ">", "<=", ">=", "==", "~="]);
                if self.choices.percent(60) {
                    format!("{} {op} {}", self.number(depth - 1), self.number(depth - 1))
                } else if self.choices.percent(70) {
                    format!("{} {op} {}", self.string(depth - 1), self.string(depth - 1))
                } else {
                    format!("({}) {op} ({})", self.any(depth - 1), self.any(depth - 1))
                }
            }
            2 => format!("not {}", self.any(depth - 1)),
            3 | 4 => {
                let op = self.choices.pick(&["and", "or"]);
                let gap = self.gap();
                format!("({} {op}{gap}{})", self.any(depth - 1), self.any(depth - 1))
            }
            _ => format!("rawequal({},{})", self.any(depth - 1), self.any(depth - 1)),
        }
    }

    pub(super) fn table(&mut self, depth: usize) -> String {
        if let Some(name) = self.variable(Kind::Table)
            && (depth == 0 || self.choices.percent(60) || !self.spend())
        {
            return name.to_owned();
        }
        let mut fields = Vec::new();
        for _ in 0..self.choices.below(6) {
            let value = self.any(depth.saturating_sub(1).min(1));
            fields.push(match self.choices.below(7) {
                0 => format!("{} = {value}", self.choices.pick(FIELDS)),
                1 => format!("[{}] = {value}", self.key()),
                2 => "nil".to_owned(),
                3 if self.functions > 0 && self.choices.percent(20) => "unpack(t)".to_owned(),
                _ => value,
            });
        }
        let separator = if self.choices.percent(8) { ";" } else { "," };
        format!(
            "{{{}{}",
            fields.join(separator),
            if self.choices.percent(10) && !fields.is_empty() { ",}" } else { "}" }
        )
    }

    pub(super) fn function(&mut self) -> String {
        if let Some(name) = self.variable(Kind::Fun)
            && self.choices.percent(40)
        {
            return name.to_owned();
        }
        match self.choices.below(5) {
            0 => "function() tick() return 1, 2 end".to_owned(),
            1 => "function(...) tick() return ... end".to_owned(),
            2 => "function(a, b) tick() return b, a end".to_owned(),
            3 => {
                let name = self.variable(Kind::Num).unwrap_or("G1");
                format!("function(x) tick() {name} = {name} + 1 return {name} end")
            }
            _ => format!("function(a) tick() return {} end", self.any(2)),
        }
    }

    pub(super) fn call(&mut self, depth: usize) -> String {
        let arguments: Vec<String> =
            (0..self.choices.below(4)).map(|_| self.any(depth.min(1))).collect();
        let arguments = arguments.join(",");
        match self.choices.below(12) {
            0..=2 => {
                let name = self.variable(Kind::Fun).unwrap_or("tostring");
                format!("{name}({arguments})")
            }
            3 => format!("{}({arguments})", self.pick_global()),
            4 => format!("t:m({arguments})"),
            5 => format!("t.{}({arguments})", self.choices.pick(FIELDS)),
            6 => format!(
                "select({},{})",
                self.number(1),
                if arguments.is_empty() { "nil" } else { &arguments }
            ),
            7 if self.functions > 1 => format!("coroutine.yield({arguments})"),
            8 => {
                let name = self.choices.pick(&[
                    "rawget",
                    "next",
                    "type",
                    "tostring",
                    "ipairs",
                    "getmetatable",
                    "rawset",
                    "assert",
                    "pcall",
                    "tonumber",
                    "getfenv",
                    "coroutine.running",
                    "coroutine.status",
                ]);
                let first = if self.choices.percent(50) { self.table_name() } else { "nil" };
                if name == "getfenv" {
                    return "type(getfenv(1))".to_owned();
                }
                if name == "coroutine.running" {
                    return "type(coroutine.running())".to_owned();
                }
                format!("{name}({first}{}{arguments})", if arguments.is_empty() { "" } else { "," })
            }
            9 => {
                let name = self.choices.pick(&[
                    "sub", "upper", "len", "rep", "byte", "find", "format", "nothing", "reverse",
                ]);
                let receiver = self.variable(Kind::Str).unwrap_or("s");
                if name == "rep" {
                    format!("{receiver}:rep(2)")
                } else {
                    format!("{receiver}:{name}({arguments})")
                }
            }
            _ => self.string_call(depth),
        }
    }
}
