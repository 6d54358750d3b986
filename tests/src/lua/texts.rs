//! Strings of the programs: literals, patterns, formats, and calls that make strings.

use super::generate::{Kind, Writer};

impl Writer<'_> {
    pub(super) fn string(&mut self, depth: usize) -> String {
        if self.choices.percent(3) && depth > 0 {
            return self.any(depth - 1);
        }
        if depth == 0 || !self.spend() {
            return self.literal();
        }
        match self.choices.below(8) {
            0 | 1 => self.literal(),
            2 | 3 => self.variable(Kind::Str).unwrap_or("s").to_owned(),
            4 => {
                let (a, b) = (self.string(depth - 1), self.any(depth - 1));
                let gap = self.gap();
                format!("{a}..{gap}({b})")
            }
            _ => self.string_call(depth),
        }
    }

    pub(super) fn string_call(&mut self, depth: usize) -> String {
        let depth = depth.saturating_sub(1);
        let text = self.string(depth);
        match self.choices.below(14) {
            0 => format!("tostring(K({}))", self.any(depth)),
            1 => format!("string.sub({text},{},{})", self.number(1), self.number(1)),
            2 => {
                let count = self
                    .choices
                    .pick(&["2", "0", "-1", "3", "1.5", "'2'", "nil", "2^32", "-2^31", "0/0"]);
                format!("string.rep({text},{count})")
            }
            3 => {
                let name = self.choices.pick(&["upper", "lower", "reverse", "len"]);
                format!("string.{name}({text})")
            }
            4 => {
                let count = self.choices.below(3);
                let codes: Vec<String> = (0..count)
                    .map(|_| {
                        self.choices
                            .pick(&["65", "0", "255", "256", "-1", "10", "1.9", "'66'"])
                            .to_owned()
                    })
                    .collect();
                format!("string.char({})", codes.join(","))
            }
            5..=7 => self.format(),
            8..=10 => {
                let pattern = self.pattern();
                let replacement = match self.choices.below(7) {
                    0 | 1 => format!(
                        "'{}'",
                        self.choices.pick(&["-", "%0", "%1", "<%0>", "%%", "%2%1", "%", "%9", ""])
                    ),
                    2 => "function(a, b) tick() print(a, b) return b end".to_owned(),
                    3 => "{a = 1, b = 'B', ab = false, [1] = 'one'}".to_owned(),
                    4 => "string.upper".to_owned(),
                    5 => self.any(1),
                    _ => "t".to_owned(),
                };
                let most = if self.choices.percent(25) {
                    format!(",{}", self.number(1))
                } else {
                    String::new()
                };
                let call = format!("string.gsub({text},{pattern},{replacement}{most})");
                if self.choices.percent(50) { format!("({call})") } else { call }
            }
            11 => {
                let pattern = self.pattern();
                format!("string.match({text},{pattern})")
            }
            12 => {
                let table = self.table(depth);
                format!("table.concat({table},{text})")
            }
            _ => format!("type({})", self.any(depth)),
        }
    }

    pub(super) fn literal(&mut self) -> String {
        let text = self.choices.pick(&[
            "",
            "a",
            "ab",
            "abc",
            "hello world",
            "aXbXc",
            "10",
            "0x10",
            " 12 ",
            "1e2",
            "key=value",
            "(a(b)c)d",
            "\\0",
            "a\\0b",
            "\\255\\200",
            "\\n",
            "a.b.c",
            "THE (quick) fox",
            "%d",
            "nan",
            "inf",
            "a,b,,c",
            "-5",
            "0x",
            "12abc",
            "\\t x \\t",
            "aaaaaaaaaa",
            "]]",
            "\\\"quoted\\\"",
            "a\\\nb",
            "1e",
            "zz",
            "-0",
        ]);
        match self.choices.below(4) {
            0 | 1 => format!("'{text}'"),
            2 => format!("\"{text}\""),
            _ => format!("[==[{text}]==]"),
        }
    }

    /// A pattern, quoted.
    pub(super) fn pattern(&mut self) -> String {
        const CLASSES: &[&str] = &[
            ".", "%a", "%d", "%s", "%w", "%l", "%u", "%p", "%x", "%c", "%z", "%A", "%D", "%S",
            "%W", "%.", "%%", "a", "b", "x", " ", "[abc]", "[^a]", "[a-c]", "[%a_]", "[^%s]",
            "[]a]", "[^]]", "[a-]", "[%]]", "[a-%d]", "[--b]",
        ];
        let mut out = String::from("'");
        if self.choices.percent(15) {
            out.push('^');
        }
        let mut open = 0;
        for _ in 0..1 + self.choices.below(4) {
            match self.choices.below(16) {
                0..=8 => {
                    out.push_str(self.choices.pick(CLASSES));
                    out.push_str(self.choices.pick(&["", "", "*", "+", "-", "?"]));
                }
                9 | 10 => {
                    out.push('(');
                    open += 1;
                }
                11 | 12 if open > 0 => {
                    out.push(')');
                    open -= 1;
                }
                11 => out.push_str("()"),
                12 => out.push_str("%b()"),
                13 => {
                    out.push_str(
                        self.choices.pick(&["%f[%a]", "%f[^a]", "%f[%z]", "%bxy", "%baa"]),
                    );
                }
                14 => out.push_str(self.choices.pick(&["%1", "%2", "$", "%1*", "()"])),
                _ => out.push_str(
                    self.choices
                        .pick(&["[", "%", "%f", "%b", ")", "(", "[a", "[^", "[%", "%0", "*", "^"]),
                ),
            }
        }
        if open > 0 && self.choices.percent(90) {
            out.push_str(&")".repeat(open));
        }
        if self.choices.percent(15) {
            out.push('$');
        }
        if out.ends_with('\\') {
            out.pop();
        }
        out + "'"
    }

    pub(super) fn format(&mut self) -> String {
        let mut text = String::new();
        let mut arguments = String::new();
        for _ in 0..1 + self.choices.below(2) {
            text.push_str(self.choices.pick(&["", "x", " ", "%%"]));
            let verb = self.choices.pick(&[
                "d", "s", "g", "f", "x", "q", "c", "i", "u", "o", "e", "E", "G", "X", "y", "",
            ]);
            let flags = self
                .choices
                .pick(&["", "", "", "-", "+", " ", "#", "0", "+-", "00000", "-0", "+ "]);
            let width = self.choices.pick(&["", "", "", "5", "10", "1", "99", "100", "20"]);
            let precision =
                self.choices.pick(&["", "", "", ".0", ".3", ".", ".14", ".99", ".100", ".1"]);
            text.push_str(&format!("%{flags}{width}{precision}{verb}"));
            let argument = match verb {
                "s" | "q" => self.any(1),
                "c" => self.choices.pick(&["65", "0", "255", "256", "-1", "1e10"]).to_owned(),
                "d" | "i" | "x" | "X" | "o" | "u" => self
                    .choices
                    .pick(&[
                        "1", "0", "-1", "42", "3.7", "-3.7", "2^31", "2^53", "'10'", "-2^53",
                        "0xff", "2^40",
                    ])
                    .to_owned(),
                _ => self.number(1),
            };
            if !self.choices.percent(3) {
                arguments.push(',');
                arguments.push_str(&argument);
            }
        }
        format!("string.format('{text}'{arguments})")
    }
}
