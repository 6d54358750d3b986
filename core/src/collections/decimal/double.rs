//! Doubles: scores, distances, and arguments that are one.
//!
//! The standard library parses them with correct rounding and prints them with 17 digits or the fewest; whole
//! numbers, which most scores are, take the path of integers. So no crate is needed. In WebAssembly, where its
//! tables are much to download, [`nearest`] goes another way to the same double.

use super::extended::{self, Binary, hexadecimal};
use super::{MAX_TEXT, write};
use core::fmt::{self, Write};
use core::ops::Range;

/// Room for any double in either format.
pub const DOUBLE_LEN: usize = 32;

/// Writes `value` as replies show it.
///
/// This is [`format_double_17g`], as in Redis up to 7.0, which is what its test suite and the
/// servers that ours is compared with say.
pub fn format_double(value: f64, buffer: &mut [u8; DOUBLE_LEN]) -> &[u8] {
    format_double_17g(value, buffer)
}

/// Writes `value` with 17 significant digits and no trailing zeros, as C's `%.17g`.
///
/// Redis up to 7.0: 3.1 is `3.1000000000000001`, ten to the 17th is `1e+17`.
#[cfg_attr(redstart_small, optimize(speed))]
pub fn format_double_17g(value: f64, buffer: &mut [u8; DOUBLE_LEN]) -> &[u8] {
    // Of the whole numbers, those with more than 17 digits have an exponent.
    if let Some(text) = special_or_whole(value, 1e17, buffer) {
        return &buffer[text];
    }
    let mut decimal = Decimal::new(format_args!("{value:.16e}"));
    decimal.trim_zeros();
    let mut out = Cursor::new(buffer);
    if value < 0.0 {
        out.push(b'-');
    }
    if (-4..17).contains(&decimal.exponent) {
        decimal.write_plain(&mut out);
    } else {
        decimal.write_scientific(2, &mut out);
    }
    out.finish()
}

/// Writes `value` with the fewest digits that read back as the same double.
///
/// Redis from 7.2 on: 3.1 is `3.1`; whole numbers up to 2^62 are plain; an exponent appears when
/// plain digits would need more than 6 padding zeros, and has no padding itself: `1e-7`.
pub fn format_double_shortest(value: f64, buffer: &mut [u8; DOUBLE_LEN]) -> &[u8] {
    const WHOLE: f64 = (1u64 << 62) as f64;
    if let Some(text) = special_or_whole(value, WHOLE.next_up(), buffer) {
        return &buffer[text];
    }
    let decimal = Decimal::new(format_args!("{value:e}"));
    let mut out = Cursor::new(buffer);
    if value < 0.0 {
        out.push(b'-');
    }
    let digits = decimal.len as i32;
    // How many zeros follow the last digit, or, negated, how many digits follow the point.
    let zeros = decimal.exponent + 1 - digits;
    let magnitude = decimal.exponent.abs();
    if (zeros >= 0 && magnitude < digits + 7) || (zeros < 0 && (zeros > -7 || magnitude < 4)) {
        decimal.write_plain(&mut out);
    } else {
        decimal.write_scientific(1, &mut out);
    }
    out.finish()
}

/// Reads what C's `strtod` reads to the end: decimal, hexadecimal, `inf` or `infinity` in any case.
///
/// Not a number, space around it, and a magnitude above or below every double, are refused.
pub fn parse_double(text: &[u8]) -> Option<f64> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let magnitude = match rest {
        [b'0'..=b'9' | b'.', ..] => match rest {
            [b'0', b'x' | b'X', digits @ ..] => match hexadecimal(digits)? {
                Some(binary) => to_double(binary)?,
                None => 0.0,
            },
            _ => decimal(rest)?,
        },
        _ if is_infinity(rest) => f64::INFINITY,
        _ => return None,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Whether `word` spells infinity, without a sign.
pub(super) fn is_infinity(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity")
}

/// The double nearest to a decimal number without its sign: 0 where it is too small, infinity where too large.
/// `None` if it is none.
pub fn nearest(text: &[u8]) -> Option<f64> {
    if cfg!(target_arch = "wasm32") { exact(text) } else { str::from_utf8(text).ok()?.parse().ok() }
}

/// More digits of a number than this only say on which side of a double it is: what lies in the middle between
/// two doubles has 767.
const DIGITS_MAX: usize = 800;

/// The same as the standard library's, without its tables, which are 2 % of the module.
fn exact(text: &[u8]) -> Option<f64> {
    let (mut digits, mut power) = extended::digits(text)?;
    let magnitude = power + digits.len() as i64;
    if digits.is_empty() || magnitude < -330 {
        return Some(0.0);
    } else if magnitude > 310 {
        return Some(f64::INFINITY);
    }
    if digits.len() <= 15 && (-22..=22).contains(&power) {
        // Both are exact, so one operation is rounded once.
        let whole = digits.iter().fold(0u64, |whole, digit| whole * 10 + u64::from(*digit));
        let ten = (0..power.unsigned_abs()).fold(1.0, |ten, _| ten * 10.0);
        return Some(if power < 0 { whole as f64 / ten } else { whole as f64 * ten });
    }
    if digits.len() > DIGITS_MAX {
        power += (digits.len() - DIGITS_MAX - 1) as i64;
        digits.truncate(DIGITS_MAX);
        // The last one was not 0.
        digits.push(1);
    }
    Some(rounded(extended::scale(&digits, power)))
}

fn decimal(text: &[u8]) -> Option<f64> {
    let value = nearest(text)?;
    let mantissa = text.split(|b| matches!(b, b'e' | b'E')).next().unwrap_or(text);
    let underflow = value == 0.0 && mantissa.iter().any(|b| matches!(b, b'1'..=b'9'));
    (value.is_finite() && !underflow).then_some(value)
}

fn to_double(binary: Binary) -> Option<f64> {
    Some(rounded(binary)).filter(|value| *value != 0.0 && value.is_finite())
}

/// The double nearest to a number.
fn rounded(binary: Binary) -> f64 {
    let (mantissa, exponent) = binary.round(53, -1074);
    let width = 64 - mantissa.leading_zeros() as i64;
    if mantissa == 0 {
        return 0.0;
    } else if width + exponent > 1024 {
        return f64::INFINITY;
    }
    // Put the leading bit at bit 52, or lower where the exponent cannot go.
    let shift = (53 - width).min(exponent + 1074);
    let mantissa = mantissa << shift;
    let biased = if mantissa >> 52 == 0 { 0 } else { (exponent - shift + 1075) as u64 };
    f64::from_bits(biased << 52 | mantissa & ((1 << 52) - 1))
}

/// Writes what needs no digits after the point, somewhere in the buffer.
#[cfg_attr(redstart_small, optimize(speed))]
fn special_or_whole(value: f64, limit: f64, buffer: &mut [u8; DOUBLE_LEN]) -> Option<Range<usize>> {
    let text: &[u8] = if value == 0.0 {
        if value.is_sign_negative() { b"-0" } else { b"0" }
    } else if value.abs() < limit && value as i64 as f64 == value {
        let start = write(value as i64, buffer.first_chunk_mut()?);
        return Some(start..MAX_TEXT);
    } else if value.is_finite() {
        return None;
    } else if value.is_nan() {
        b"nan"
    } else if value < 0.0 {
        b"-inf"
    } else {
        b"inf"
    };
    buffer[..text.len()].copy_from_slice(text);
    Some(0..text.len())
}

/// The digits of a finite value, without sign: `d.ddd * 10^exponent`.
struct Decimal {
    digits: [u8; 17],
    len: usize,
    exponent: i32,
}

impl Decimal {
    /// Takes apart what `core` prints with `{:e}`, which has the shape `-d.ddde-x`.
    fn new(scientific: fmt::Arguments<'_>) -> Self {
        let mut buffer = [0; DOUBLE_LEN];
        let mut cursor = Cursor::new(&mut buffer);
        cursor.write_fmt(scientific).expect("17 digits, a sign and an exponent fit");
        let mut this = Self { digits: [0; 17], len: 0, exponent: 0 };
        let mut bytes = cursor.finish().iter();
        for &byte in bytes.by_ref().take_while(|&&b| b != b'e') {
            if byte.is_ascii_digit() {
                this.digits[this.len] = byte;
                this.len += 1;
            }
        }
        let exponent = bytes.as_slice();
        let negative = exponent.first() == Some(&b'-');
        for byte in exponent.iter().filter(|b| b.is_ascii_digit()) {
            this.exponent = this.exponent * 10 + i32::from(byte - b'0');
        }
        if negative {
            this.exponent = -this.exponent;
        }
        this
    }

    fn digits(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    fn trim_zeros(&mut self) {
        while self.len > 1 && self.digits[self.len - 1] == b'0' {
            self.len -= 1;
        }
    }

    fn write_plain(&self, out: &mut Cursor<'_>) {
        let digits = self.digits();
        if self.exponent < 0 {
            out.extend(b"0.");
            (1..-self.exponent).for_each(|_| out.push(b'0'));
            out.extend(digits);
            return;
        }
        let before_point = self.exponent as usize + 1;
        if let Some((whole, fraction)) = digits.split_at_checked(before_point) {
            out.extend(whole);
            if !fraction.is_empty() {
                out.push(b'.');
                out.extend(fraction);
            }
        } else {
            out.extend(digits);
            (digits.len()..before_point).for_each(|_| out.push(b'0'));
        }
    }

    fn write_scientific(&self, exponent_digits: usize, out: &mut Cursor<'_>) {
        let digits = self.digits();
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend(&digits[1..]);
        }
        out.extend(if self.exponent < 0 { b"e-" } else { b"e+" });
        let mut buffer = [0; MAX_TEXT];
        let start = write(self.exponent.abs().into(), &mut buffer);
        let exponent = &buffer[start..];
        (exponent.len()..exponent_digits).for_each(|_| out.push(b'0'));
        out.extend(exponent);
    }
}

/// Writes into a buffer from its start.
struct Cursor<'a> {
    buffer: &'a mut [u8; DOUBLE_LEN],
    len: usize,
}

impl<'a> Cursor<'a> {
    fn new(buffer: &'a mut [u8; DOUBLE_LEN]) -> Self {
        Self { buffer, len: 0 }
    }

    fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.buffer[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn finish(self) -> &'a [u8] {
        &self.buffer[..self.len]
    }
}

impl fmt::Write for Cursor<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() > DOUBLE_LEN - self.len {
            return Err(fmt::Error);
        }
        self.extend(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    fn text(value: f64, format: impl Fn(f64, &mut [u8; DOUBLE_LEN]) -> &[u8]) -> String {
        String::from_utf8(format(value, &mut [0; DOUBLE_LEN]).to_vec()).expect("ASCII")
    }

    /// The value, as Redis 7.0.15 shows it, and as 7.2 does.
    const CASES: &[(f64, &str, &str)] = &[
        (0.0, "0", "0"),
        (-0.0, "-0", "-0"),
        (3.0, "3", "3"),
        (3.1, "3.1000000000000001", "3.1"),
        (-0.1, "-0.10000000000000001", "-0.1"),
        (0.5, "0.5", "0.5"),
        (1e16, "10000000000000000", "10000000000000000"),
        (1e17, "1e+17", "100000000000000000"),
        (123456789012345678.0, "1.2345678901234568e+17", "123456789012345680"),
        (4611686018427387904.0, "4.6116860184273879e+18", "4611686018427387904"),
        (1e21, "1e+21", "1e+21"),
        (1.2345e20, "1.2345e+20", "1.2345e+20"),
        (1.5e300, "1.5000000000000001e+300", "1.5e+300"),
        (-1e100, "-1e+100", "-1e+100"),
        (0.0001, "0.0001", "0.0001"),
        (0.00001, "1.0000000000000001e-05", "0.00001"),
        (0.000001, "9.9999999999999995e-07", "0.000001"),
        (1e-7, "9.9999999999999995e-08", "1e-7"),
        (1.5e-7, "1.4999999999999999e-07", "1.5e-7"),
        (5e-324, "4.9406564584124654e-324", "5e-324"),
        (f64::MAX, "1.7976931348623157e+308", "1.7976931348623157e+308"),
        (f64::INFINITY, "inf", "inf"),
        (f64::NEG_INFINITY, "-inf", "-inf"),
    ];

    #[test]
    fn replies_look_as_in_redis_7_0() {
        for &(value, seventeen, _) in CASES {
            assert_eq!(text(value, format_double_17g), seventeen);
        }
    }

    #[test]
    fn shortest_replies_look_as_in_redis_7_2() {
        for &(value, _, shortest) in CASES {
            assert_eq!(text(value, format_double_shortest), shortest);
        }
    }

    #[test]
    fn both_formats_read_back_as_the_same_double() {
        let mut bits = 0x9E37_79B9_7F4A_7C15u64;
        for _ in 0..if cfg!(miri) { 20 } else { 20_000 } {
            bits = bits.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let value = f64::from_bits(bits);
            if value.is_finite() {
                for format in [format_double_17g, format_double_shortest] {
                    assert_eq!(parse_double(text(value, format).as_bytes()), Some(value));
                }
            }
        }
    }

    #[test]
    fn reads_what_strtod_reads() {
        for (text, value) in [
            ("1.", 1.0),
            (".5", 0.5),
            ("+1", 1.0),
            ("-1e2", -100.0),
            ("1E+2", 100.0),
            ("INF", f64::INFINITY),
            ("-iNfinitY", f64::NEG_INFINITY),
            ("+inf", f64::INFINITY),
            ("0x10", 16.0),
            ("0X1P3", 8.0),
            ("-0x.8p1", -1.0),
            ("0x1.", 1.0),
            ("0x1.8", 1.5),
            ("0x0", 0.0),
            ("0x0p99999", 0.0),
            ("0e99999", 0.0),
            ("1e-310", 1e-310),
            ("0x1p-1074", 5e-324),
            ("0x1.8p-1074", 1e-323),
            ("0x1p-1022", f64::MIN_POSITIVE),
            ("0x1.fffffffffffff7p0", 1.9999999999999998),
            ("0x1.fffffffffffff8p0", 2.0),
            ("0x1.00000000000008p0", 1.0),
            ("0x1.000000000000080000000000000000000000000000000001p0", 1.0000000000000002),
            ("0x1.fffffffffffffp1023", f64::MAX),
        ] {
            assert_eq!(parse_double(text.as_bytes()), Some(value), "{text}");
        }
    }

    #[test]
    fn there_are_two_ways_to_the_same_double() {
        let mut rng = Rng::new(3);
        let mut texts: Vec<String> = [
            "0",
            "0.0",
            ".5",
            "5.",
            "1e23",
            "9007199254740993",
            "4.9e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "2.2250738585072011e-308",
            "1.7976931348623157e308",
            "1.7976931348623158e308",
            "1.7976931348623159e308",
            "1e400",
            "1e-400",
            "0.1e-5000",
            "1e99999999999",
        ]
        .map(String::from)
        .into();
        // A half way between two doubles, and next to it far behind the point.
        let half = "9007199254740993.0";
        for tail in ["", "1"] {
            texts.push([half, &"0".repeat(900), tail].concat());
        }
        for _ in 0..if cfg!(miri) { 50 } else { 20_000 } {
            let digit = |rng: &mut Rng| char::from(b'0' + rng.below(10) as u8);
            let mut text: String = (0..=rng.below(20)).map(|_| digit(&mut rng)).collect();
            if rng.below(2) == 0 {
                text.push('.');
                (0..=rng.below(20)).for_each(|_| text.push(digit(&mut rng)));
            }
            if rng.below(2) == 0 {
                text.push_str(&format!("e{}", rng.below(700) as i64 - 360));
            }
            texts.push(text);
            // What is printed for any double, too.
            texts.push(format!("{:.17e}", f64::from_bits(rng.next_u64() >> 1)).replace("NaN", "1"));
        }
        for text in texts {
            if text != "inf" {
                let theirs: f64 = text.parse().expect("a number");
                assert_eq!(
                    exact(text.as_bytes()).map(f64::to_bits),
                    Some(theirs.to_bits()),
                    "{text}"
                );
            }
        }
        for text in ["", ".", "e5", "1e", "1e+", "1.2.3", "0x1", "1 ", "inf"] {
            assert_eq!(exact(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn refuses_what_redis_refuses() {
        for text in [
            "",
            " 1",
            "1 ",
            "nan",
            "-nan",
            "nan(1)",
            "1e400",
            "-1e400",
            "1e-400",
            "0x",
            "0x.",
            "1e",
            "1e+",
            ".",
            "+",
            "-",
            "1d",
            "0x1p",
            "0x1p+",
            "0x1p2000",
            "0x1p-2000",
            "0x1p-1075",
            "1_0",
            "infin",
            "infinityy",
            "1\0",
            "++1",
            "e5",
            "0x1g",
            "0x1.fffffffffffff8p1023",
            "1.2.3",
        ] {
            assert_eq!(parse_double(text.as_bytes()), None, "{text:?}");
        }
    }
}
