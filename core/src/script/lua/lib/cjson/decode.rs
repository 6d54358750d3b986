//! `cjson.decode`: tokens of JSON to values, with a stack of the tables that are being filled.

use super::NULL;
use crate::collections::decimal::{nearest, parse_double};
use crate::script::lua::native::{Call, Flow, Raised};
use crate::script::lua::number::{nan, negated, write_number};
use crate::script::lua::value::{TableId, Value};
use alloc::vec::Vec;

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
        (nan(false), 3)
    } else if starts(b"0x") && shape(&rest[2..], u8::is_ascii_hexdigit, b'p') > 0 {
        let len = 2 + shape(&rest[2..], u8::is_ascii_hexdigit, b'p');
        (parse_double(&rest[..len]).unwrap_or(f64::INFINITY), len)
    } else {
        let len = shape(rest, u8::is_ascii_digit, b'e');
        (nearest(&rest[..len])?, len)
    };
    Some((if negative { negated(magnitude) } else { magnitude }, sign + len))
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

/// `cjson.decode(text)`
pub(super) fn decode(call: &mut Call<'_>) -> Result<Flow, Raised> {
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
}
