//! Numbers as Redis reads and writes them, byte for byte and the same on every target.
//!
//! This file has 64-bit integers, in the one form Redis stores as a number; [`double`] has scores,
//! [`fixed`] distances and coordinates, and [`extended`] the 80-bit floats in which INCRBYFLOAT and HINCRBYFLOAT calculate.
//!
//! Only the canonical text of an `i64` may become an integer inside a packed structure, because it
//! must come back byte for byte: no plus sign, no leading zero, no "-0", no blanks.

pub mod double;
pub mod extended;
pub mod fixed;

pub use double::{
    DOUBLE_LEN, format_double, format_double_17g, format_double_shortest, nearest, parse_double,
};
pub use extended::Extended;
pub use fixed::{Zeros, format_fixed};

/// The longest text: `-9223372036854775808`.
pub const MAX_TEXT: usize = 20;

/// The integer that `text` is the canonical decimal form of.
#[inline]
#[must_use]
pub fn parse(text: &[u8]) -> Option<i64> {
    let first = *text.first()?;
    // Most text is no number and ends here.
    if first.wrapping_sub(b'0') > 9 && first != b'-' || text.len() > MAX_TEXT {
        return None;
    }
    parse_digits(text, first)
}

fn parse_digits(text: &[u8], first: u8) -> Option<i64> {
    if text == b"0" {
        return Some(0);
    }
    let negative = first == b'-';
    let digits = &text[usize::from(negative)..];
    // 19 digits fit a u64 with room to spare; 20 never fit an i64.
    if digits.len() > 19 || !matches!(digits.first(), Some(b'1'..=b'9')) {
        return None;
    }
    let mut magnitude = 0u64;
    for &digit in digits {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(value);
    }
    if negative {
        (magnitude <= 1 << 63).then(|| (magnitude as i64).wrapping_neg())
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Writes `value` to the end of `buffer` and says where it starts.
#[inline]
pub fn write(value: i64, buffer: &mut [u8; MAX_TEXT]) -> usize {
    let mut start = write_unsigned(value.unsigned_abs(), buffer);
    if value < 0 {
        start -= 1;
        buffer[start] = b'-';
    }
    start
}

/// Writes `value` to the end of `buffer` and says where it starts.
#[inline]
#[cfg_attr(redstart_small, optimize(speed))]
pub fn write_unsigned(value: u64, buffer: &mut [u8; MAX_TEXT]) -> usize {
    const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
        2021222324252627282930313233343536373839\
        4041424344454647484950515253545556575859\
        6061626364656667686970717273747576777879\
        8081828384858687888990919293949596979899";
    let mut start = MAX_TEXT;
    let mut put = |buffer: &mut [u8; MAX_TEXT], pair: usize| {
        start -= 2;
        buffer[start] = PAIRS[2 * pair];
        buffer[start + 1] = PAIRS[2 * pair + 1];
    };
    let mut long = value;
    while long > u64::from(u32::MAX) {
        put(buffer, (long % 100) as usize);
        long /= 100;
    }
    // Divided in half the time.
    let mut rest = long as u32;
    while rest >= 10 {
        put(buffer, (rest % 100) as usize);
        rest /= 100;
    }
    if rest > 0 || start == MAX_TEXT {
        start -= 1;
        buffer[start] = b'0' + rest as u8;
    }
    start
}

/// How many bytes the decimal text of `value` has.
#[inline]
#[must_use]
pub fn text_len(value: i64) -> usize {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(value < 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn only_canonical_text_is_a_number() {
        for text in [
            "",
            "-",
            "+1",
            "00",
            "01",
            "-0",
            "-01",
            " 1",
            "1 ",
            "1a",
            "a",
            "1.0",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "99999999999999999999",
            "123456789012345678901",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn text_and_number_round_trip() {
        let mut values = alloc::vec![0, 7, -7, i64::MIN, i64::MAX, i64::MIN + 1];
        for shift in 0..63 {
            values.extend([1i64 << shift, -(1i64 << shift), (1i64 << shift) - 1]);
        }
        for power in 0..19 {
            values.extend([10i64.pow(power), 10i64.pow(power) - 1, -(10i64.pow(power))]);
        }
        for value in values {
            let mut buffer = [0; MAX_TEXT];
            let start = write(value, &mut buffer);
            assert_eq!(&buffer[start..], value.to_string().as_bytes());
            assert_eq!(parse(&buffer[start..]), Some(value));
            assert_eq!(text_len(value), MAX_TEXT - start);
        }
        let mut buffer = [0; MAX_TEXT];
        assert_eq!(write_unsigned(u64::MAX, &mut buffer), 0);
        assert_eq!(&buffer, b"18446744073709551615");
    }
}
