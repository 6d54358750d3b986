//! `string.format`, one directive at a time, with C's `printf` as the measure.

use crate::script::lua::number::is_negative;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// A directive without its letter: `%-08.3`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

impl Spec {
    /// Reads a directive after its `%`; what it says and how many bytes before its letter there are.
    pub(crate) fn parse(text: &[u8]) -> Result<(Self, usize), &'static str> {
        let mut spec = Self::default();
        let mut at = 0;
        while let Some(flag @ (b'-' | b'+' | b' ' | b'#' | b'0')) = text.get(at) {
            match flag {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                _ => spec.zero = true,
            }
            at += 1;
        }
        if at > 5 {
            return Err("invalid format (repeated flags)");
        }
        let two_digits = |at: &mut usize| {
            let mut value = 0;
            for _ in 0..2 {
                let Some(digit @ b'0'..=b'9') = text.get(*at) else { break };
                value = value * 10 + usize::from(digit - b'0');
                *at += 1;
            }
            value
        };
        spec.width = two_digits(&mut at);
        if text.get(at) == Some(&b'.') {
            at += 1;
            spec.precision = Some(two_digits(&mut at));
        }
        if text.get(at).is_some_and(u8::is_ascii_digit) {
            return Err("invalid format (width or precision too long)");
        }
        Ok((spec, at))
    }

    /// Whether it has a precision.
    pub(crate) fn has_precision(&self) -> bool {
        self.precision.is_some()
    }

    /// `%c`: one byte.
    pub(crate) fn byte(&self, byte: u8, out: &mut Vec<u8>) {
        self.pad(&[], &[byte], false, out);
    }

    /// `%s`: bytes, of which a precision takes the first.
    pub(crate) fn bytes(&self, text: &[u8], out: &mut Vec<u8>) {
        let text = &text[..self.precision.unwrap_or(text.len()).min(text.len())];
        self.pad(&[], text, false, out);
    }

    /// `%d` and `%i`.
    pub(crate) fn signed(&self, value: i64, out: &mut Vec<u8>) {
        let sign = self.sign(value < 0);
        self.integer(sign, value.unsigned_abs(), 10, false, out);
    }

    /// `%u`, `%o`, `%x` and `%X`.
    pub(crate) fn unsigned(&self, value: u64, letter: u8, out: &mut Vec<u8>) {
        let (radix, prefix): (u64, &[u8]) = match letter {
            b'o' => (8, b""),
            b'x' if self.alternate && value != 0 => (16, b"0x"),
            b'X' if self.alternate && value != 0 => (16, b"0X"),
            b'x' | b'X' => (16, b""),
            _ => (10, b""),
        };
        self.integer(prefix, value, radix, letter == b'X', out);
    }

    fn integer(&self, prefix: &[u8], value: u64, radix: u64, upper: bool, out: &mut Vec<u8>) {
        let mut buffer = [0; 24];
        let mut start = buffer.len();
        let mut rest = value;
        while rest > 0 {
            start -= 1;
            let digits: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
            buffer[start] = digits[(rest % radix) as usize];
            rest /= radix;
        }
        // A precision of none means one digit; with `%.0d` nothing is the number 0.
        let mut least = self.precision.unwrap_or(1);
        if radix == 8 && self.alternate {
            least = least.max(buffer.len() - start + 1);
        }
        let mut digits = Vec::with_capacity(buffer.len());
        digits.resize(least.saturating_sub(buffer.len() - start), b'0');
        digits.extend_from_slice(&buffer[start..]);
        self.pad(prefix, &digits, self.precision.is_none(), out);
    }

    /// `%e`, `%f`, `%g` and their capitals.
    pub(crate) fn float(&self, value: f64, letter: u8, out: &mut Vec<u8>) {
        let upper = letter.is_ascii_uppercase();
        let sign = self.sign(is_negative(value));
        let mut text = String::new();
        let magnitude = value.abs();
        if !value.is_finite() {
            let word: &[u8] = match (value.is_nan(), upper) {
                (true, false) => b"nan",
                (true, true) => b"NAN",
                (false, false) => b"inf",
                (false, true) => b"INF",
            };
            self.pad(sign, word, false, out);
            return;
        }
        let precision = self.precision.unwrap_or(6);
        match letter.to_ascii_lowercase() {
            b'f' => plain(magnitude, precision, self.alternate, &mut text),
            b'e' => scientific(magnitude, precision, self.alternate, &mut text),
            _ => general(magnitude, precision.max(1), self.alternate, &mut text),
        }
        if upper {
            text.make_ascii_uppercase();
        }
        self.pad(sign, text.as_bytes(), true, out);
    }

    fn sign(&self, negative: bool) -> &'static [u8] {
        match (negative, self.plus, self.space) {
            (true, _, _) => b"-",
            (_, true, _) => b"+",
            (_, _, true) => b" ",
            _ => b"",
        }
    }

    /// Writes `prefix` and `body` in the width; zeros go between the two.
    fn pad(&self, prefix: &[u8], body: &[u8], zeros: bool, out: &mut Vec<u8>) {
        let missing = self.width.saturating_sub(prefix.len() + body.len());
        let zeros = zeros && self.zero && !self.left;
        if !zeros && !self.left {
            out.resize(out.len() + missing, b' ');
        }
        out.extend_from_slice(prefix);
        if zeros {
            out.resize(out.len() + missing, b'0');
        }
        out.extend_from_slice(body);
        if self.left {
            out.resize(out.len() + missing, b' ');
        }
    }
}

fn plain(magnitude: f64, precision: usize, alternate: bool, text: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(text, "{magnitude:.precision$}");
    if alternate && precision == 0 {
        text.push('.');
    }
}

/// Digits and a decimal exponent of at least two digits, as C writes it.
fn scientific(magnitude: f64, precision: usize, alternate: bool, text: &mut String) {
    let start = text.len();
    let _ = write!(text, "{magnitude:.precision$e}");
    let mark = text[start..].find('e').map_or(text.len(), |at| start + at);
    let exponent: i32 = text.get(mark + 1..).and_then(|e| e.parse().ok()).unwrap_or(0);
    text.truncate(mark);
    if alternate && precision == 0 {
        text.push('.');
    }
    write_exponent(exponent, text);
}

fn write_exponent(exponent: i32, text: &mut String) {
    let _ = write!(text, "e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
}

/// `%g`: the shorter of both, with `digits` significant digits and no zeros at the end.
fn general(magnitude: f64, digits: usize, alternate: bool, text: &mut String) {
    let places = digits - 1;
    let mut digits_text = String::new();
    let _ = write!(digits_text, "{magnitude:.places$e}");
    let (mantissa, exponent) = digits_text.split_once('e').unwrap_or((&digits_text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &mut String| {
        if !alternate && text.contains('.') {
            text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
        }
    };
    if exponent < -4 || exponent >= digits as i32 {
        text.push_str(mantissa);
        if alternate && places == 0 {
            text.push('.');
        }
        trim(text);
        write_exponent(exponent, text);
    } else {
        // The exponent is at most `places`, so the difference is no less than 0.
        plain(magnitude, (places as i32 - exponent) as usize, alternate, text);
        trim(text);
    }
}

/// `%q`: the text in double quotes, so that Lua reads it back.
pub(crate) fn quote(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' | b'\n' => out.extend_from_slice(&[b'\\', byte]),
            b'\r' => out.extend_from_slice(b"\\r"),
            0 => out.extend_from_slice(b"\\000"),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// A number as C turns it into a `long` on the machines that PUC Lua is measured on.
pub(crate) fn to_long(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) { value as i64 } else { i64::MIN }
}

/// A number as C turns it into an `unsigned long` there: negative ones wrap.
pub(crate) fn to_unsigned_long(value: f64) -> u64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if value >= LIMIT { (to_long(value - LIMIT) as u64) ^ (1 << 63) } else { to_long(value) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::lua::number::nan;

    fn format(directive: &str, write: impl Fn(Spec, u8, &mut Vec<u8>)) -> String {
        let text = directive.strip_prefix('%').expect("a directive").as_bytes();
        let (spec, at) = Spec::parse(text).expect("it is well formed");
        let mut out = Vec::new();
        write(spec, text[at], &mut out);
        String::from_utf8(out).expect("text")
    }

    fn float(directive: &str, value: f64) -> String {
        format(directive, |spec, letter, out| spec.float(value, letter, out))
    }

    fn signed(directive: &str, value: i64) -> String {
        format(directive, |spec, _, out| spec.signed(value, out))
    }

    fn unsigned(directive: &str, value: u64) -> String {
        format(directive, |spec, letter, out| spec.unsigned(value, letter, out))
    }

    #[test]
    fn floats_are_printed_as_c_prints_them() {
        for (directive, value, text) in [
            ("%.14g", 2.75, "2.75"),
            ("%.14g", 1e15, "1e+15"),
            ("%.14g", 100_000_000_000_000.0, "1e+14"),
            ("%.14g", 99_999_999_999_999.0, "99999999999999"),
            ("%.14g", 0.1, "0.1"),
            ("%.14g", 1e-5, "1e-05"),
            ("%.17g", 0.1, "0.10000000000000001"),
            ("%g", 0.0, "0"),
            ("%g", -0.0, "-0"),
            ("%g", 123_456_789.0, "1.23457e+08"),
            ("%#g", 1.0, "1.00000"),
            ("%g", 1e300, "1e+300"),
            ("%.3f", 2.0005, "2.001"),
            ("%.0f", 0.5, "0"),
            ("%.0f", 2.5, "2"),
            ("%#.0f", 1.0, "1."),
            ("%5.1f", -2.25, " -2.2"),
            ("%08.3f", -3.24159, "-003.242"),
            ("%-8.2f|", 1.5, "1.50    "),
            ("%+e", 12345.678, "+1.234568e+04"),
            ("%.0e", 15.0, "2e+01"),
            ("%E", 1e-7, "1.000000E-07"),
            ("%G", 1e-10, "1E-10"),
            ("%f", f64::INFINITY, "inf"),
            ("%05g", f64::NEG_INFINITY, " -inf"),
            ("%+5.1f", f64::INFINITY, " +inf"),
            ("%-10f|", f64::NEG_INFINITY, "-inf      "),
            ("% e", nan(false), " nan"),
            ("%+-E", nan(false), "+NAN"),
            ("%010f", nan(false), "       nan"),
            ("%+g", f64::NAN, "-nan"),
            ("% g", 1.0, " 1"),
            ("%.20f", 0.1, "0.10000000000000000555"),
        ] {
            assert_eq!(float(directive, value), text, "{directive} of {value}");
        }
    }

    #[test]
    fn integers_are_printed_as_c_prints_them() {
        assert_eq!(signed("%d", i64::MIN), "-9223372036854775808");
        assert_eq!(signed("%5d", 42), "   42");
        assert_eq!(signed("%-5d", 42), "42   ");
        assert_eq!(signed("%05d", -42), "-0042");
        assert_eq!(signed("%+d", 7), "+7");
        assert_eq!(signed("%.3d", 7), "007");
        assert_eq!(signed("%05.3d", 7), "  007");
        assert_eq!(signed("%.0d", 0), "");
        assert_eq!(signed("%d", 0), "0");
        assert_eq!(unsigned("%x", 255), "ff");
        assert_eq!(unsigned("%#X", 255), "0XFF");
        assert_eq!(unsigned("%#x", 0), "0");
        assert_eq!(unsigned("%08x", 255), "000000ff");
        assert_eq!(unsigned("%#o", 8), "010");
        assert_eq!(unsigned("%#o", 0), "0");
        assert_eq!(unsigned("%u", u64::MAX), "18446744073709551615");
    }

    #[test]
    fn texts_are_cut_and_padded() {
        let text = |directive, text: &'static [u8]| {
            format(directive, move |spec, _, out| spec.bytes(text, out))
        };
        assert_eq!(text("%s", b"abc"), "abc");
        assert_eq!(text("%5s", b"abc"), "  abc");
        assert_eq!(text("%-5s", b"abc"), "abc  ");
        assert_eq!(text("%.2s", b"abc"), "ab");
        assert_eq!(text("%5.1s", b"abc"), "    a");
        let mut out = Vec::new();
        quote(b"a\"b\\c\nd\re\0f", &mut out);
        assert_eq!(out, b"\"a\\\"b\\\\c\\\nd\\re\\000f\"");
    }

    #[test]
    fn directives_too_long_are_refused() {
        assert_eq!(Spec::parse(b"------d"), Err("invalid format (repeated flags)"));
        let long = Err("invalid format (width or precision too long)");
        assert_eq!(Spec::parse(b"100d"), long);
        assert_eq!(Spec::parse(b".123f"), long);
    }

    #[test]
    fn numbers_outside_the_integers_become_what_the_machine_makes_of_them() {
        assert_eq!(to_long(-1.9), -1);
        assert_eq!(to_long(1e300), i64::MIN);
        assert_eq!(to_long(f64::NAN), i64::MIN);
        assert_eq!(to_unsigned_long(-1.0), u64::MAX);
        assert_eq!(to_unsigned_long(9_223_372_036_854_775_808.0), 1 << 63);
        assert_eq!(to_unsigned_long(18_446_744_073_709_549_568.0), 18_446_744_073_709_549_568);
    }
}
