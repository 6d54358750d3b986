//! Numbers to text and back, as C's `%.14g` and `strtod` do it.
//!
//! The sign of the NaN that `0/0` makes differs between hosts, and the text must not: it is written
//! `-nan`, as on x86. What a script gave a sign itself – `tonumber('nan')`, `-(0/0)` – keeps that,
//! for which [`nan`] marks its payload.

use crate::collections::decimal::{MAX_TEXT, nearest, parse_double, write};
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// Digits that `tostring` shows.
const DIGITS: usize = 14;

/// Appends a number as `tostring` shows it.
pub fn write_number(number: f64, out: &mut Vec<u8>) {
    const WHOLE: f64 = 1e14;
    if number.abs() < WHOLE && number as i64 as f64 == number {
        if number == 0.0 && number.is_sign_negative() {
            out.push(b'-');
        }
        let mut buffer = [0; MAX_TEXT];
        let start = write(number as i64, &mut buffer);
        out.extend_from_slice(&buffer[start..]);
        return;
    }
    if let Some(text) = special(number) {
        out.extend_from_slice(text);
        return;
    }
    let mut text = Small { bytes: [0; 32], len: 0 };
    // Thirteen digits after the first: `-d.ddddddddddddde-308` fits.
    let _ = write!(text, "{number:.13e}");
    let text = &text.bytes[..text.len];
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let at = text.iter().position(|b| *b == b'e').unwrap_or(text.len());
    let exponent = exponent_of(&text[(at + 1).min(text.len())..]);
    let mut digits = [b'0'; DIGITS];
    for (digit, byte) in digits.iter_mut().zip(text[..at].iter().filter(|b| **b != b'.')) {
        *digit = *byte;
    }
    let used = DIGITS - digits.iter().rev().take_while(|b| **b == b'0').count();
    if negative {
        out.push(b'-');
    }
    write_general(&digits[..used.max(1)], exponent, DIGITS as i32, out);
}

/// Appends significant digits as `%g` with this precision lays them out.
pub(super) fn write_general(digits: &[u8], exponent: i32, precision: i32, out: &mut Vec<u8>) {
    if exponent < -4 || exponent >= precision {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        write_exponent(exponent, out);
    } else if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(core::iter::repeat_n(b'0', (-exponent - 1) as usize));
        out.extend_from_slice(digits);
    } else {
        let whole = exponent as usize + 1;
        for at in 0..whole.max(digits.len()) {
            if at == whole {
                out.push(b'.');
            }
            out.push(digits.get(at).copied().unwrap_or(b'0'));
        }
    }
}

/// Appends `e+05`, as C writes an exponent.
pub(super) fn write_exponent(exponent: i32, out: &mut Vec<u8>) {
    out.push(b'e');
    out.push(if exponent < 0 { b'-' } else { b'+' });
    let magnitude = exponent.unsigned_abs();
    if magnitude >= 100 {
        out.push(b'0' + (magnitude / 100) as u8);
    }
    out.push(b'0' + (magnitude / 10 % 10) as u8);
    out.push(b'0' + (magnitude % 10) as u8);
}

/// The bit of a NaN's payload that says that its sign is one to go by.
const SIGNED: u64 = 1;

/// A NaN with this sign.
pub(super) fn nan(negative: bool) -> f64 {
    let number = f64::from_bits(0x7ff8_0000_0000_0000 | SIGNED);
    if negative { -number } else { number }
}

/// Whether a number has a minus sign where PUC Lua on x86 has one.
pub(super) fn is_negative(number: f64) -> bool {
    number.is_sign_negative() || number.is_nan() && number.to_bits() & SIGNED == 0
}

/// The number with the other sign.
#[inline]
pub(super) fn negated(number: f64) -> f64 {
    if number.is_nan() { nan(!is_negative(number)) } else { -number }
}

/// The number without its sign.
pub(super) fn absolute(number: f64) -> f64 {
    if number.is_nan() { nan(false) } else { number.abs() }
}

/// The number whose bits are the same on every host.
pub(super) fn portable(number: f64) -> f64 {
    if number.is_nan() {
        f64::NAN.copysign(if is_negative(number) { -1.0 } else { 1.0 })
    } else {
        number
    }
}

/// The number of these bits, which are from outside.
pub(super) fn from_outside(number: f64) -> f64 {
    if number.is_nan() { nan(number.is_sign_negative()) } else { number }
}

/// What is no finite number.
pub(super) fn special(number: f64) -> Option<&'static [u8]> {
    if number.is_nan() {
        Some(if is_negative(number) { b"-nan" } else { b"nan" })
    } else if number.is_infinite() {
        Some(if number > 0.0 { b"inf" } else { b"-inf" })
    } else {
        None
    }
}

fn exponent_of(text: &[u8]) -> i32 {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let value = digits.iter().fold(0, |value, byte| value * 10 + i32::from(byte - b'0'));
    if negative { -value } else { value }
}

/// A few bytes that formatting writes to.
struct Small {
    bytes: [u8; 32],
    len: usize,
}

impl Write for Small {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let Some(to) = self.bytes.get_mut(self.len..end) else { return Err(fmt::Error) };
        to.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Space as C's `isspace` has it.
#[must_use]
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The number that a string stands for where Lua converts: space around it is fine, a zero byte
/// ends it.
#[must_use]
pub fn parse_number(text: &[u8]) -> Option<f64> {
    // The plain integers that most strings of numbers are.
    if !text.is_empty() && text.len() < 16 && text.iter().all(u8::is_ascii_digit) {
        return Some(text.iter().fold(0i64, |n, b| n * 10 + i64::from(b - b'0')) as f64);
    }
    let text = text.split(|b| *b == 0).next().unwrap_or(text);
    let start = text.iter().position(|b| !is_space(*b))?;
    let end = text.iter().rposition(|b| !is_space(*b))? + 1;
    let text = &text[start..end];
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let magnitude = magnitude(rest)?;
    Some(if negative { negated(magnitude) } else { magnitude })
}

fn magnitude(text: &[u8]) -> Option<f64> {
    match text {
        [b'0', b'x' | b'X', digits @ ..] => {
            let shape = well_formed(digits, u8::is_ascii_hexdigit, b'p')?;
            Some(parse_double(text).unwrap_or(match shape {
                Shape::Zero | Shape::Tiny => 0.0,
                Shape::Other => f64::INFINITY,
            }))
        }
        [b'0'..=b'9' | b'.', ..] => {
            well_formed(text, u8::is_ascii_digit, b'e')?;
            nearest(text)
        }
        _ if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") => {
            Some(f64::INFINITY)
        }
        _ if text.eq_ignore_ascii_case(b"nan") => Some(nan(false)),
        _ => None,
    }
}

enum Shape {
    Zero,
    Tiny,
    Other,
}

/// Checks `digits[.digits][e[sign]digits]`.
fn well_formed(text: &[u8], digit: fn(&u8) -> bool, mark: u8) -> Option<Shape> {
    let at = text.iter().position(|b| b.to_ascii_lowercase() == mark).unwrap_or(text.len());
    let (mantissa, exponent) = text.split_at(at);
    let points = mantissa.iter().filter(|b| **b == b'.').count();
    let digits = mantissa.iter().filter(|b| digit(b)).count();
    if points > 1 || digits == 0 || points + digits != mantissa.len() {
        return None;
    }
    let mut tiny = false;
    if let [_, rest @ ..] = exponent {
        let rest = match rest {
            [sign @ (b'-' | b'+'), rest @ ..] => {
                tiny = *sign == b'-';
                rest
            }
            rest => rest,
        };
        if rest.is_empty() || !rest.iter().all(u8::is_ascii_digit) {
            return None;
        }
    }
    Some(if mantissa.iter().all(|b| matches!(b, b'0' | b'.')) {
        Shape::Zero
    } else if tiny {
        Shape::Tiny
    } else {
        Shape::Other
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: f64) -> alloc::string::String {
        let mut out = Vec::new();
        write_number(number, &mut out);
        alloc::string::String::from_utf8(out).expect("numbers are ASCII")
    }

    #[test]
    fn numbers_have_fourteen_digits() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (100.0, "100"),
            (-7.0, "-7"),
            (99_999_999_999_999.0, "99999999999999"),
            (1e14, "1e+14"),
            (123_456_789_012_345.0, "1.2345678901234e+14"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.33333333333333"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (123.456e-10, "1.23456e-08"),
            (5e-324, "4.9406564584125e-324"),
            (f64::MAX, "1.7976931348623e+308"),
            (3.5, "3.5"),
            (2f64.powi(53), "9.007199254741e+15"),
            (-1.5e300, "-1.5e+300"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "-nan"),
            (nan(false), "nan"),
            (nan(true), "-nan"),
            (negated(f64::NAN), "nan"),
            (negated(negated(f64::NAN)), "-nan"),
            (absolute(nan(true)), "nan"),
            (from_outside(-portable(f64::NAN)), "nan"),
        ] {
            assert_eq!(text(number), expected);
        }
    }

    #[test]
    fn strings_become_numbers_as_in_c() {
        for (from, expected) in [
            ("10", Some(10.0)),
            ("  12  ", Some(12.0)),
            ("0x10", Some(16.0)),
            ("0x1p4", Some(16.0)),
            ("-0xff", Some(-255.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1e2", Some(100.0)),
            ("1\0", Some(1.0)),
            ("1e400", Some(f64::INFINITY)),
            ("inf", Some(f64::INFINITY)),
            ("1e", None),
            (".", None),
            ("", None),
            (" ", None),
            ("12a", None),
            ("0x", None),
            ("1 2", None),
            ("1_000", None),
            ("--1", None),
            ("infin", None),
        ] {
            assert_eq!(parse_number(from.as_bytes()), expected, "{from:?}");
        }
    }
}
