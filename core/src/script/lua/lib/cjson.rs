//! `cjson`: JSON, as the library that Redis has, with its settings, limits and error texts.

use super::format::Spec;
use crate::collections::decimal::parse_double;
use crate::script::lua::Lua;
use crate::script::lua::native::{Call, Flow, Raised};
use crate::script::lua::number::write_number;
use crate::script::lua::value::{TableId, Value};
use alloc::vec::Vec;

/// What scripts can set.
#[derive(Debug, Clone)]
pub struct Config {
    sparse_convert: bool,
    sparse_ratio: i32,
    sparse_safe: i32,
    encode_depth: i32,
    decode_depth: i32,
    precision: i32,
    keep_buffer: bool,
    encode_invalid: Invalid,
    decode_invalid: bool,
}

/// What is written for a number that JSON does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Invalid {
    Refuse,
    Write,
    Null,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_depth: 1000,
            decode_depth: 1000,
            precision: 14,
            keep_buffer: true,
            encode_invalid: Invalid::Refuse,
            decode_invalid: true,
        }
    }
}

/// `cjson.null`.
pub const NULL: Value = Value::Light(0);

/// Makes `cjson` a global.
pub fn open(lua: &mut Lua) {
    let library = lua.library("cjson", FUNCTIONS);
    fields(lua, library);
}

const FUNCTIONS: &[(&str, crate::script::lua::native::NativeFn)] = &[
    ("decode", decode),
    ("decode_invalid_numbers", decode_invalid_numbers),
    ("decode_max_depth", |call| depth(call, |config| &mut config.decode_depth)),
    ("encode", encode),
    ("encode_invalid_numbers", encode_invalid_numbers),
    ("encode_keep_buffer", encode_keep_buffer),
    ("encode_max_depth", |call| depth(call, |config| &mut config.encode_depth)),
    ("encode_number_precision", encode_number_precision),
    ("encode_sparse_array", encode_sparse_array),
    ("new", new),
];

fn fields(lua: &mut Lua, library: TableId) {
    lua.heap_mut().set_field(library, b"null", NULL);
    for (name, text) in [("_NAME", "cjson"), ("_VERSION", "2.1.0")] {
        let text = lua.heap_mut().string(text.as_bytes());
        lua.heap_mut().set_field(library, name.as_bytes(), Value::Str(text));
    }
}

/// Another table of the same functions. Settings are shared: there is one set of them.
fn new(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let lua = call.lua();
    let library = lua.heap_mut().table_with(0, FUNCTIONS.len() + 3);
    lua.register(library, FUNCTIONS);
    fields(lua, library);
    call.give(library)
}

// Settings.

/// Slots for the arguments of a setting, of which there may be so many.
fn arguments(call: &mut Call<'_>, most: usize) -> Result<(), Raised> {
    if call.len() > most {
        return Err(call.arg_error(most + 1, "found too many arguments"));
    }
    call.set_len(most);
    Ok(())
}

fn integer(
    call: &mut Call<'_>,
    n: usize,
    default: i32,
    least: i64,
    most: i64,
) -> Result<i32, Raised> {
    if call.arg(n).is_nil() {
        return Ok(default);
    }
    let value = i64::from(call.check_integer(n)? as i32);
    if (least..=most).contains(&value) {
        return Ok(value as i32);
    }
    let mut text = b"expected integer between ".to_vec();
    write_number(least as f64, &mut text);
    text.extend_from_slice(b" and ");
    write_number(most as f64, &mut text);
    // Whichever argument it is, the library says the first.
    Err(call.arg_error_parts(1, &[&text]))
}

/// `true`, `false`, `"on"`, `"off"`; more words where there are more values.
fn choice(call: &mut Call<'_>, n: usize, default: usize, words: &[&[u8]]) -> Result<usize, Raised> {
    match call.arg(n) {
        Value::Nil => Ok(default),
        Value::Bool(truth) => Ok(usize::from(truth)),
        _ => {
            let word = call.check_str(n)?;
            let found = words.iter().position(|known| *known == call.bytes(word));
            let Some(found) = found else {
                let word = call.bytes(word).to_vec();
                return Err(call.arg_error_parts(n, &[b"invalid option '", &word, b"'"]));
            };
            Ok(found)
        }
    }
}

const SWITCH: &[&[u8]] = &[b"off", b"on"];

fn depth(call: &mut Call<'_>, field: fn(&mut Config) -> &mut i32) -> Result<Flow, Raised> {
    arguments(call, 1)?;
    let now = *field(call.json());
    let depth = integer(call, 1, now, 1, i64::from(i32::MAX))?;
    *field(call.json()) = depth;
    call.give(f64::from(depth))
}

fn encode_number_precision(call: &mut Call<'_>) -> Result<Flow, Raised> {
    arguments(call, 1)?;
    let now = call.json().precision;
    let precision = integer(call, 1, now, 1, 14)?;
    call.json().precision = precision;
    call.give(f64::from(precision))
}

fn encode_keep_buffer(call: &mut Call<'_>) -> Result<Flow, Raised> {
    arguments(call, 1)?;
    let now = usize::from(call.json().keep_buffer);
    let keep = choice(call, 1, now, SWITCH)? == 1;
    call.json().keep_buffer = keep;
    call.give(keep)
}

fn decode_invalid_numbers(call: &mut Call<'_>) -> Result<Flow, Raised> {
    arguments(call, 1)?;
    let now = usize::from(call.json().decode_invalid);
    let allowed = choice(call, 1, now, SWITCH)? == 1;
    call.json().decode_invalid = allowed;
    call.give(allowed)
}

fn encode_invalid_numbers(call: &mut Call<'_>) -> Result<Flow, Raised> {
    arguments(call, 1)?;
    let now = call.json().encode_invalid as usize;
    match choice(call, 1, now, &[b"off", b"on", b"null"])? {
        2 => {
            call.json().encode_invalid = Invalid::Null;
            let text = call.string(b"null")?;
            call.give(text)
        }
        chosen => {
            call.json().encode_invalid = if chosen == 1 { Invalid::Write } else { Invalid::Refuse };
            call.give(chosen == 1)
        }
    }
}

fn encode_sparse_array(call: &mut Call<'_>) -> Result<Flow, Raised> {
    arguments(call, 3)?;
    let now = call.json().clone();
    let convert = choice(call, 1, usize::from(now.sparse_convert), SWITCH)? == 1;
    call.json().sparse_convert = convert;
    let ratio = integer(call, 2, now.sparse_ratio, 0, i64::from(i32::MAX))?;
    call.json().sparse_ratio = ratio;
    let safe = integer(call, 3, now.sparse_safe, 0, i64::from(i32::MAX))?;
    call.json().sparse_safe = safe;
    call.push(convert);
    call.push(f64::from(ratio));
    call.push(f64::from(safe));
    call.give_last(3)
}

// Writing.

/// A table that is being written.
enum Open {
    List { table: TableId, at: usize, len: usize },
    Object { table: TableId, key: Value, first: bool },
}

fn encode(call: &mut Call<'_>) -> Result<Flow, Raised> {
    if call.len() != 1 {
        return Err(call.arg_error(1, "expected 1 argument"));
    }
    let value = call.arg(1);
    let mut out = call.take_buffer();
    write(call, value, &mut out)?;
    let text = call.string(&out);
    call.return_buffer(out);
    call.give(text?)
}

fn write(call: &mut Call<'_>, value: Value, out: &mut Vec<u8>) -> Result<(), Raised> {
    let config = call.json().clone();
    let mut open: Vec<Open> = Vec::new();
    let mut next = Some(value);
    loop {
        if let Some(value) = next.take() {
            call.pay(1);
            if out.len() > 1 << 16 {
                call.reserve(out.len())?;
            }
            match value {
                Value::Table(table) => {
                    if open.len() as i32 >= config.encode_depth {
                        let mut depth = Vec::new();
                        write_number((open.len() + 1) as f64, &mut depth);
                        let text = b"Cannot serialise, excessive nesting (";
                        return Err(call.error_parts(&[text, &depth, b")"]));
                    }
                    open.push(begin(call, &config, table)?);
                    let is_list = matches!(open.last(), Some(Open::List { .. }));
                    out.push(if is_list { b'[' } else { b'{' });
                }
                Value::Str(text) => write_text(call.bytes(text), out),
                Value::Num(number) => number_to(call, &config, number, out)?,
                Value::Bool(true) => out.extend_from_slice(b"true"),
                Value::Bool(false) => out.extend_from_slice(b"false"),
                Value::Nil | Value::Light(0) => out.extend_from_slice(b"null"),
                _ => return Err(refuse(call, value, b"type not supported")),
            }
        }
        match open.last_mut() {
            None => return Ok(()),
            Some(Open::List { table, at, len }) => {
                if at == len {
                    out.push(b']');
                    open.pop();
                    continue;
                }
                if *at > 0 {
                    out.push(b',');
                }
                *at += 1;
                next = Some(call.heap().get(*table, Value::Num(*at as f64)));
            }
            Some(Open::Object { table, key, first }) => {
                let Ok(Some((following, value))) = call.heap().table_at(*table).next(*key) else {
                    out.push(b'}');
                    open.pop();
                    continue;
                };
                *key = following;
                if !core::mem::take(first) {
                    out.push(b',');
                }
                match following {
                    Value::Str(text) => write_text(call.bytes(text), out),
                    Value::Num(number) => {
                        out.push(b'"');
                        number_to(call, &config, number, out)?;
                        out.push(b'"');
                    }
                    _ => {
                        let reason = b"table key must be a number or string";
                        return Err(refuse(call, following, reason));
                    }
                }
                out.push(b':');
                next = Some(value);
            }
        }
    }
}

fn refuse(call: &mut Call<'_>, value: Value, reason: &[u8]) -> Raised {
    let name = value.type_name().as_bytes();
    call.error_parts(&[b"Cannot serialise ", name, b": ", reason])
}

/// A table with positive whole numbers for keys is a list, if few enough are missing between them.
fn begin(call: &mut Call<'_>, config: &Config, table: TableId) -> Result<Open, Raised> {
    let object = Open::Object { table, key: Value::Nil, first: true };
    let (mut most, mut items) = (0i32, 0usize);
    let mut key = Value::Nil;
    while let Ok(Some((following, _))) = call.heap().table_at(table).next(key) {
        key = following;
        match key {
            Value::Num(number) if number >= 1.0 && number == libm::floor(number) => {
                // C's int: what is too big for one becomes the least, and the next key is bigger.
                if number > f64::from(most) {
                    most = if number > f64::from(i32::MAX) { i32::MIN } else { number as i32 };
                }
                items += 1;
            }
            _ => return Ok(object),
        }
    }
    call.pay(items);
    let (ratio, safe) = (i64::from(config.sparse_ratio), config.sparse_safe);
    if ratio > 0 && i64::from(most) > items as i64 * ratio && most > safe {
        if !config.sparse_convert {
            return Err(refuse(call, Value::Table(table), b"excessively sparse array"));
        }
        return Ok(object);
    }
    match usize::try_from(most) {
        Ok(len @ 1..) => Ok(Open::List { table, at: 0, len }),
        _ => Ok(object),
    }
}

fn number_to(
    call: &mut Call<'_>,
    config: &Config,
    number: f64,
    out: &mut Vec<u8>,
) -> Result<(), Raised> {
    if !number.is_finite() {
        match config.encode_invalid {
            Invalid::Refuse => {
                return Err(refuse(call, Value::Num(number), b"must not be NaN or Inf"));
            }
            Invalid::Null => out.extend_from_slice(b"null"),
            Invalid::Write if number.is_nan() => out.extend_from_slice(b"nan"),
            Invalid::Write => write_number(number, out),
        }
        return Ok(());
    }
    if config.precision == 14 {
        write_number(number, out);
    } else {
        let digits = config.precision as u8;
        let text = [b'.', b'0' + digits / 10, b'0' + digits % 10];
        Spec::parse(&text).unwrap_or_default().0.float(number, b'g', out);
    }
    Ok(())
}

fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) =
        rest.iter().position(|b| *b < 0x20 || matches!(b, b'"' | b'\\' | b'/' | 0x7f))
    {
        out.extend_from_slice(&rest[..at]);
        let byte = rest[at];
        match byte {
            b'"' | b'\\' | b'/' => out.extend_from_slice(&[b'\\', byte]),
            8 => out.extend_from_slice(b"\\b"),
            9 => out.extend_from_slice(b"\\t"),
            10 => out.extend_from_slice(b"\\n"),
            12 => out.extend_from_slice(b"\\f"),
            13 => out.extend_from_slice(b"\\r"),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(DIGITS[usize::from(byte >> 4)]);
                out.push(DIGITS[usize::from(byte & 15)]);
            }
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

// Reading.

/// What stands in the text.
#[derive(Clone, Copy, Debug)]
enum Token {
    ObjectBegin,
    ObjectEnd,
    ListBegin,
    ListEnd,
    Colon,
    Comma,
    End,
    /// A string: it is in the scanner's buffer.
    Text,
    Number(f64),
    Bool(bool),
    Null,
    /// None, and why.
    Wrong(&'static str),
}

impl Token {
    fn name(self) -> &'static str {
        match self {
            Self::ObjectBegin => "T_OBJ_BEGIN",
            Self::ObjectEnd => "T_OBJ_END",
            Self::ListBegin => "T_ARR_BEGIN",
            Self::ListEnd => "T_ARR_END",
            Self::Colon => "T_COLON",
            Self::Comma => "T_COMMA",
            Self::End => "T_END",
            Self::Text => "T_STRING",
            Self::Number(_) => "T_NUMBER",
            Self::Bool(_) => "T_BOOLEAN",
            Self::Null => "T_NULL",
            Self::Wrong(reason) => reason,
        }
    }
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// Where the last token began.
    start: usize,
    string: Vec<u8>,
    invalid_numbers: bool,
}

impl Scanner<'_> {
    /// The byte so many after the present one; a zero at the end, as in C.
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn next(&mut self) -> Token {
        while matches!(self.peek(0), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.start = self.at;
        let single = match self.peek(0) {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ListBegin,
            b']' => Token::ListEnd,
            b':' => Token::Colon,
            b',' => Token::Comma,
            // A zero in the text ends it, too.
            0 => return Token::End,
            b'"' => return self.string(),
            b'-' | b'0'..=b'9' => {
                if !self.invalid_numbers && self.is_invalid_number() {
                    return self.wrong("invalid number");
                }
                return self.number();
            }
            _ => {
                let rest = &self.text[self.at..];
                for (word, token) in [
                    (b"true".as_slice(), Token::Bool(true)),
                    (b"false", Token::Bool(false)),
                    (b"null", Token::Null),
                ] {
                    if rest.starts_with(word) {
                        self.at += word.len();
                        return token;
                    }
                }
                if self.invalid_numbers && self.is_invalid_number() {
                    return self.number();
                }
                return self.wrong("invalid token");
            }
        };
        self.at += 1;
        single
    }

    fn wrong(&mut self, reason: &'static str) -> Token {
        self.start = self.at;
        Token::Wrong(reason)
    }

    /// Whether what stands here is a number to C and none to JSON.
    fn is_invalid_number(&self) -> bool {
        if self.peek(0) == b'+' {
            return true;
        }
        let skip = usize::from(self.peek(0) == b'-');
        match (self.peek(skip), self.peek(skip + 1)) {
            (b'0', b'x' | b'X' | b'0'..=b'9') => true,
            (0..=b'9', _) => false,
            _ => {
                let rest = self.text.get(self.at + skip..self.at + skip + 3).unwrap_or(&[]);
                rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"nan")
            }
        }
    }

    fn number(&mut self) -> Token {
        match leading_number(&self.text[self.at..]) {
            Some((number, len)) => {
                self.at += len;
                Token::Number(number)
            }
            None => self.wrong("invalid number"),
        }
    }

    fn string(&mut self) -> Token {
        self.string.clear();
        self.at += 1;
        loop {
            let rest = &self.text[self.at.min(self.text.len())..];
            let plain =
                rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0)).unwrap_or(rest.len());
            self.string.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    return Token::Text;
                }
                b'\\' => {}
                _ => return self.wrong("unexpected end of string"),
            }
            let byte = match self.peek(1) {
                byte @ (b'"' | b'\\' | b'/') => byte,
                b'b' => 8,
                b't' => 9,
                b'n' => 10,
                b'f' => 12,
                b'r' => 13,
                b'u' => match self.unicode() {
                    Some(len) => {
                        self.at += len;
                        continue;
                    }
                    None => return self.wrong("invalid unicode escape code"),
                },
                _ => return self.wrong("invalid escape code"),
            };
            self.string.push(byte);
            self.at += 2;
        }
    }

    /// `\uXXXX`, or two that make a pair; how long that is.
    fn unicode(&mut self) -> Option<usize> {
        let first = self.hex4(2)?;
        let (code, len) = match first {
            0xd800..=0xdbff => {
                if (self.peek(6), self.peek(7)) != (b'\\', b'u') {
                    return None;
                }
                let second = self.hex4(8)?;
                if second & 0xfc00 != 0xdc00 {
                    return None;
                }
                (0x10000 + ((first & 0x3ff) << 10 | second & 0x3ff), 12)
            }
            0xdc00..=0xdfff => return None,
            code => (code, 6),
        };
        let char = char::from_u32(code)?;
        self.string.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        Some(len)
    }

    fn hex4(&self, ahead: usize) -> Option<u32> {
        let digits = self.text.get(self.at + ahead..self.at + ahead + 4)?;
        digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
    }
}

/// The number that a text begins with, as C's `strtod` reads it, and its length.
fn leading_number(text: &[u8]) -> Option<(f64, usize)> {
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let negative = text.first() == Some(&b'-');
    let rest = &text[sign..];
    let starts = |word: &[u8]| rest.get(..word.len()).is_some_and(|r| r.eq_ignore_ascii_case(word));
    let (magnitude, len) = if starts(b"infinity") {
        (f64::INFINITY, 8)
    } else if starts(b"inf") {
        (f64::INFINITY, 3)
    } else if starts(b"nan") {
        (f64::NAN, 3)
    } else if starts(b"0x") && shape(&rest[2..], u8::is_ascii_hexdigit, b'p') > 0 {
        let len = 2 + shape(&rest[2..], u8::is_ascii_hexdigit, b'p');
        (parse_double(&rest[..len]).unwrap_or(f64::INFINITY), len)
    } else {
        let len = shape(rest, u8::is_ascii_digit, b'e');
        (str::from_utf8(&rest[..len]).ok()?.parse().ok()?, len)
    };
    Some((if negative { -magnitude } else { magnitude }, sign + len))
}

/// How long the digits are, with a point and an exponent if they are whole; 0 if there are none.
fn shape(text: &[u8], digit: fn(&u8) -> bool, mark: u8) -> usize {
    let count = |text: &[u8]| text.iter().take_while(|b| digit(b)).count();
    let whole = count(text);
    let mut len = whole;
    let mut digits = whole;
    if text.get(len) == Some(&b'.') {
        let fraction = count(&text[len + 1..]);
        digits += fraction;
        if digits > 0 {
            len += 1 + fraction;
        }
    }
    if digits == 0 {
        return 0;
    }
    if text.get(len).is_some_and(|b| b.to_ascii_lowercase() == mark) {
        let sign = usize::from(matches!(text.get(len + 1), Some(b'-' | b'+')));
        let from = len + 1 + sign;
        let exponent =
            text.get(from..).unwrap_or(&[]).iter().take_while(|b| b.is_ascii_digit()).count();
        if exponent > 0 {
            len = from + exponent;
        }
    }
    len
}

fn decode(call: &mut Call<'_>) -> Result<Flow, Raised> {
    if call.len() != 1 {
        return Err(call.arg_error(1, "expected 1 argument"));
    }
    let text = call.check_str(1)?;
    let mut buffer = call.take_buffer();
    buffer.extend_from_slice(call.bytes(text));
    call.pay(buffer.len() / 4);
    if buffer.len() >= 2 && (buffer[0] == 0 || buffer[1] == 0) {
        return Err(call.error("JSON parser does not support UTF-16 or UTF-32"));
    }
    let result = read(call, &buffer);
    call.return_buffer(buffer);
    call.give(result?)
}

/// A list or an object that is being read.
struct Around {
    table: TableId,
    at: usize,
    key: Option<Value>,
}

fn read(call: &mut Call<'_>, text: &[u8]) -> Result<Value, Raised> {
    let config = call.json().clone();
    let invalid_numbers = config.decode_invalid;
    let mut scanner = Scanner { text, at: 0, start: 0, string: Vec::new(), invalid_numbers };
    let mut open: Vec<Around> = Vec::new();
    let mut token = scanner.next();
    loop {
        // A value begins.
        let mut value = match token {
            Token::Text => Value::Str(call.string(&scanner.string)?),
            Token::Number(number) => Value::Num(number),
            Token::Bool(truth) => Value::Bool(truth),
            Token::Null => NULL,
            Token::ObjectBegin | Token::ListBegin => {
                if open.len() as i32 >= config.decode_depth {
                    return Err(too_deep(call, open.len() + 1, scanner.at));
                }
                call.reserve(64)?;
                let table = call.heap_mut().table();
                let is_list = matches!(token, Token::ListBegin);
                token = scanner.next();
                match (is_list, token) {
                    (true, Token::ListEnd) | (false, Token::ObjectEnd) => Value::Table(table),
                    (true, _) => {
                        open.push(Around { table, at: 0, key: None });
                        continue;
                    }
                    (false, _) => {
                        let key = key(call, &mut scanner, token)?;
                        open.push(Around { table, at: 0, key: Some(key) });
                        token = scanner.next();
                        continue;
                    }
                }
            }
            _ => return Err(unexpected(call, "value", token, scanner.start)),
        };
        // It is put where it belongs, and what that completes, too.
        loop {
            token = scanner.next();
            let Some(around) = open.last_mut() else {
                return match token {
                    Token::End => Ok(value),
                    _ => Err(unexpected(call, "the end", token, scanner.start)),
                };
            };
            around.at += 1;
            let is_list = around.key.is_none();
            let place = around.key.unwrap_or(Value::Num(around.at as f64));
            call.raw_set(around.table, place, value)?;
            match (is_list, token) {
                (_, Token::Comma) => break,
                (true, Token::ListEnd) | (false, Token::ObjectEnd) => {
                    value = Value::Table(around.table);
                    open.pop();
                }
                (true, _) => {
                    return Err(unexpected(call, "comma or array end", token, scanner.start));
                }
                (false, _) => {
                    return Err(unexpected(call, "comma or object end", token, scanner.start));
                }
            }
        }
        token = scanner.next();
        if let Some(around) = open.last_mut()
            && around.key.is_some()
        {
            around.key = Some(key(call, &mut scanner, token)?);
            token = scanner.next();
        }
    }
}

/// A key of an object, with the colon after it.
fn key(call: &mut Call<'_>, scanner: &mut Scanner<'_>, token: Token) -> Result<Value, Raised> {
    let Token::Text = token else {
        return Err(unexpected(call, "object key string", token, scanner.start));
    };
    let key = call.string(&scanner.string)?;
    match scanner.next() {
        Token::Colon => Ok(Value::Str(key)),
        other => Err(unexpected(call, "colon", other, scanner.start)),
    }
}

fn too_deep(call: &mut Call<'_>, depth: usize, at: usize) -> Raised {
    let (mut depth_text, mut at_text) = (Vec::new(), Vec::new());
    write_number(depth as f64, &mut depth_text);
    write_number(at as f64, &mut at_text);
    call.error_parts(&[
        b"Found too many nested data structures (",
        &depth_text,
        b") at character ",
        &at_text,
    ])
}

fn unexpected(call: &mut Call<'_>, expected: &str, token: Token, start: usize) -> Raised {
    let mut at = Vec::new();
    write_number((start + 1) as f64, &mut at);
    call.error_parts(&[
        b"Expected ",
        expected.as_bytes(),
        b" but found ",
        token.name().as_bytes(),
        b" at character ",
        &at,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_where_c_ends_them() {
        for (text, number, len) in [
            ("12", 12.0, 2),
            ("-1.5e3,", -1500.0, 6),
            ("1.", 1.0, 2),
            ("1e", 1.0, 1),
            ("1e+", 1.0, 1),
            ("0x10", 16.0, 4),
            ("0x", 0.0, 1),
            ("0b1", 0.0, 1),
            ("+1", 1.0, 2),
            (".5]", 0.5, 2),
            ("infinit", f64::INFINITY, 3),
            ("Infinity", f64::INFINITY, 8),
            ("1e400", f64::INFINITY, 5),
            ("007", 7.0, 3),
        ] {
            assert_eq!(leading_number(text.as_bytes()), Some((number, len)), "{text}");
        }
        assert_eq!(leading_number(b"-"), None);
        assert_eq!(leading_number(b"."), None);
    }

    #[test]
    fn texts_are_escaped_as_the_library_does() {
        let mut out = Vec::new();
        write_text(b"a/\"\\\x7f\x01\n\xff", &mut out);
        assert_eq!(out, b"\"a\\/\\\"\\\\\\u007f\\u0001\\n\xff\"");
    }
}
