//! Calls of the libraries that Redis gives to scripts, with arguments from choices, as scripts for EVAL.

use super::Choices;

/// Shows a value so that every bit of it counts, tables in the order in which they come.
const SHOW: &str = r#"
local function show(v, depth)
  if type(v) == "number" then return string.format("%.17g", v) end
  if type(v) == "string" then return "'" .. v .. "'" end
  if type(v) == "userdata" then return "null" end
  if type(v) ~= "table" then return tostring(v) end
  if depth > 8 then return "deep" end
  local parts = {}
  for k, e in pairs(v) do parts[#parts + 1] = show(k, depth + 1) .. "=" .. show(e, depth + 1) end
  return "{" .. table.concat(parts, ",") .. "}"
end
local out = {}
local function try(f)
  local function finish(...)
    local parts = {}
    for i = 1, select('#', ...) do parts[i] = show((select(i, ...)), 0) end
    out[#out + 1] = table.concat(parts, " ")
  end
  finish(pcall(f))
end
"#;

/// Expressions, and the script that gives what comes of each.
pub fn script(choices: &mut Choices, count: usize) -> (Vec<String>, String) {
    let calls: Vec<String> = (0..count).map(|_| call(choices)).collect();
    let mut script = String::from(SHOW);
    for call in &calls {
        script.push_str(&format!("try(function() return {call} end)\n"));
    }
    script.push_str("return out");
    (calls, script)
}

fn call(choices: &mut Choices) -> String {
    match choices.below(10) {
        0 | 1 => encode(choices),
        2 | 3 => decode(choices),
        4 => {
            let values: Vec<String> = (0..choices.below(4)).map(|_| value(choices, 3)).collect();
            format!("cmsgpack.pack({})", values.join(","))
        }
        5 => {
            let packed = bytes(choices);
            match choices.below(4) {
                0 => format!("cmsgpack.unpack(cmsgpack.pack({}))", value(choices, 3)),
                1 => format!("cmsgpack.unpack_one({packed},{})", number(choices)),
                2 => format!(
                    "cmsgpack.unpack_limit({packed},{},{})",
                    choices.below(4),
                    choices.below(3)
                ),
                _ => format!("cmsgpack.unpack({packed})"),
            }
        }
        6 | 7 => structs(choices),
        8 => bits(choices),
        _ => {
            let verb = choices.pick(&["d", "s", "g", "f", "x", "q", "c", "i", "u", "o", "e", "y"]);
            let flags = choices.pick(&["", "-", "+", " ", "#", "0", "+-"]);
            let width =
                choices.pick(&["", "5", "10", "99", "100", ".3", ".0", ".20", "7.2", ".99"]);
            format!("string.format('%{flags}{width}{verb}',{})", value(choices, 0))
        }
    }
}

fn number(choices: &mut Choices) -> String {
    match choices.below(3) {
        0 => choices.below(20).to_string(),
        1 => choices
            .pick(&[
                "0",
                "1",
                "-1",
                "127",
                "128",
                "255",
                "256",
                "-32",
                "-33",
                "-128",
                "-129",
                "65535",
                "65536",
                "-32768",
                "-32769",
                "2^31",
                "2^31-1",
                "-2^31",
                "-2^31-1",
                "2^32",
                "2^32-1",
                "2^53",
                "-2^53",
                "1e15",
                "0.1",
                "1.5",
                "-2.5",
                "1e300",
                "1/3",
                "1e-7",
                "2^63",
                "-2^63",
                "3.4e38",
                "1/0",
                "-1/0",
                "16777217",
                "1e14",
                "123456789.123",
            ])
            .to_owned(),
        _ => format!(
            "{}{}.{}",
            choices.pick(&["", "-"]),
            choices.below(100_000),
            choices.below(1000)
        ),
    }
}

fn text(choices: &mut Choices) -> String {
    choices
        .pick(&[
            "''",
            "'a'",
            "'hello'",
            "'\\0'",
            "'a\\0b'",
            "'\\255\\128'",
            "'\"q\"'",
            "'\\\\/'",
            "'\\n\\t\\b\\f\\r'",
            "'\\1\\31\\127'",
            "('x'):rep(31)",
            "('y'):rep(32)",
            "('z'):rep(255)",
            "('z'):rep(256)",
            "'10'",
            "'0x1f'",
            "'\\195\\169'",
            "'key'",
        ])
        .to_owned()
}

fn value(choices: &mut Choices, depth: usize) -> String {
    match choices.below(if depth > 0 { 10 } else { 7 }) {
        0..=2 => number(choices),
        3 | 4 => text(choices),
        5 => choices.pick(&["true", "false", "nil"]).to_owned(),
        6 => choices.pick(&["cjson.null", "'v'", "{}", "print", "redis.call"]).to_owned(),
        _ => {
            let mut fields = Vec::new();
            for _ in 0..choices.below(5) {
                let value = value(choices, depth - 1);
                fields.push(match choices.below(6) {
                    0 => format!("{} = {value}", choices.pick(&["a", "b", "name", "x1"])),
                    1 => format!(
                        "[{}] = {value}",
                        choices
                            .pick(&["1", "2", "3", "12", "0", "-1", "1.5", "'k'", "true", "1e300"])
                    ),
                    _ => value,
                });
            }
            format!("{{{}}}", fields.join(","))
        }
    }
}

fn encode(choices: &mut Choices) -> String {
    match choices.below(8) {
        0 => format!("cjson.decode(cjson.encode({}))", value(choices, 3)),
        1 => {
            let name = choices.pick(&[
                "encode_sparse_array",
                "encode_max_depth",
                "decode_max_depth",
                "encode_number_precision",
                "encode_keep_buffer",
                "encode_invalid_numbers",
                "decode_invalid_numbers",
            ]);
            // Only what is refused, or says what holds: settings last.
            let arguments =
                choices.pick(&["", "'x'", "{}", "-1", "true,-1", "1,2,3,4", "0", "nil,nil,'y'"]);
            format!("cjson.{name}({arguments})")
        }
        _ => format!("cjson.encode({})", value(choices, 3)),
    }
}

fn json(choices: &mut Choices, depth: usize) -> String {
    match choices.below(if depth > 0 { 9 } else { 6 }) {
        0 | 1 => choices
            .pick(&[
                "0",
                "-1",
                "1.5",
                "1e5",
                "1E-2",
                "-0",
                "12345678901234567890",
                "0x10",
                "01",
                "-",
                "1.",
                ".5",
                "+1",
                "1e400",
                "Infinity",
                "-inf",
                "0.1",
            ])
            .to_owned(),
        2 | 3 => format!(
            "\"{}\"",
            choices.pick(&[
                "",
                "a",
                "\\n",
                "\\u0041",
                "\\u00e9",
                "\\ud83d\\ude00",
                "\\ud800",
                "\\x",
                "\\",
                "\t",
                "é",
                "\\u0000",
                "\\/",
                "\\\"",
                "\\uZZZZ"
            ])
        ),
        4 | 5 => choices.pick(&["true", "false", "null", "tru", "nul", "nan", "NULL"]).to_owned(),
        6 | 7 => {
            let items: Vec<String> =
                (0..choices.below(4)).map(|_| json(choices, depth - 1)).collect();
            format!("[{}]", items.join(choices.pick(&[",", ", ", " ,", ",\n", " ", ",,"])))
        }
        _ => {
            let items: Vec<String> = (0..choices.below(4))
                .map(|at| {
                    format!(
                        "\"{}\"{}{}",
                        ["a", "b", "1", "a"][at % 4],
                        choices.pick(&[":", ":", ": ", " : ", ""]),
                        json(choices, depth - 1)
                    )
                })
                .collect();
            format!("{{{}}}", items.join(","))
        }
    }
}

fn decode(choices: &mut Choices) -> String {
    let mut text = json(choices, 3);
    if choices.percent(20) {
        text = super::soup::damage(&text, choices);
    }
    let text = text.replace('\r', "");
    format!("cjson.decode([==[{text}]==])")
}

/// A string of bytes that begin like something packed.
fn bytes(choices: &mut Choices) -> String {
    let mut codes = Vec::new();
    for _ in 0..choices.below(8) {
        codes.push(match choices.below(3) {
            0 => (0xc0 + choices.below(32)).to_string(),
            1 => choices.below(6).to_string(),
            _ => choices
                .pick(&["129", "145", "146", "161", "162", "128", "144", "160", "255", "127"])
                .to_owned(),
        });
    }
    format!("string.char({})", codes.join(","))
}

fn structs(choices: &mut Choices) -> String {
    let mut format = String::new();
    let mut arguments = String::new();
    for _ in 0..1 + choices.below(4) {
        let option = choices.pick(&[
            "b",
            "B",
            "h",
            "H",
            "l",
            "L",
            "T",
            "i",
            "I",
            "f",
            "d",
            "s",
            "x",
            "c",
            "<",
            ">",
            "=",
            "!",
            " ",
            "i1",
            "i2",
            "i3",
            "i4",
            "i8",
            "I2",
            "I8",
            "i16",
            "i32",
            "i33",
            "c0",
            "c3",
            "!2",
            "!4",
            "!8",
            "!16",
            "!3",
            "*",
            "c99999999999",
            "I4c0",
            "bc0",
        ]);
        format.push_str(option);
        if option.contains(['s', 'c']) {
            arguments.push_str(&format!(",{}", text(choices)));
        } else if !option.contains(['x', '<', '>', '=', '!', ' ']) {
            arguments.push_str(&format!(",{}", number(choices)));
        }
    }
    match choices.below(4) {
        0 => format!("struct.size('{format}')"),
        1 => {
            let at = choices.pick(&["", "", ",1", ",2", ",0", ",100"]);
            format!("struct.unpack('{format}',('\\1\\2\\3\\254\\0\\255\\7\\8'):rep(3){at})")
        }
        2 => format!("struct.unpack('{format}',struct.pack('{format}'{arguments}))"),
        _ => format!("struct.pack('{format}'{arguments})"),
    }
}

fn bits(choices: &mut Choices) -> String {
    let name = choices.pick(&[
        "tobit", "bnot", "band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror",
        "bswap", "tohex",
    ]);
    let number = |choices: &mut Choices| match choices.below(8) {
        0 => text(choices),
        _ => self::number(choices),
    };
    let mut arguments = vec![number(choices)];
    for _ in 0..choices.below(3) {
        arguments.push(number(choices));
    }
    format!("bit.{name}({})", arguments.join(","))
}
