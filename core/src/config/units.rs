//! Numbers as redis.conf writes them: amounts of memory with a unit, and plain ones.

use alloc::string::String;
use alloc::vec::Vec;

/// The bytes that `text` stands for: digits and a unit (`k` is 1000, `kb` is 1024; likewise `m`, `g`).
/// An amount that is too large for 64 bits is the largest there is; no digits are 0.
pub fn memory(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let factor: u64 = match text[digits..].to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let number = text[..digits]
        .iter()
        .fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    Some(number.wrapping_mul(factor))
}

/// Octal digits, as file modes are written.
pub fn octal(text: &[u8]) -> Option<i64> {
    let text = core::str::from_utf8(text).ok()?;
    i64::from_str_radix(text, 8).ok()
}

/// Bytes with the largest unit that leaves no remainder, as CONFIG REWRITE writes them.
pub fn with_unit(bytes: u64) -> String {
    let (number, unit) = [(30, "gb"), (20, "mb"), (10, "kb")]
        .into_iter()
        .find(|(shift, _)| bytes != 0 && bytes.trailing_zeros() >= *shift)
        .map_or((bytes, ""), |(shift, unit)| (bytes >> shift, unit));
    alloc::format!("{number}{unit}")
}

/// The bytes in double quotes with escapes, so that a line of redis.conf reads back as the same.
pub fn quoted(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 2);
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => {
                let digits = b"0123456789abcdef";
                let (high, low) = (digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'\\', b'x', high, low]);
            }
        }
    }
    out.push(b'"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_without_b_is_decimal() {
        assert_eq!(memory(b"1k"), Some(1000));
        assert_eq!(memory(b"2Kb"), Some(2048));
        assert_eq!(memory(b"1gb"), Some(1 << 30));
        assert_eq!(memory(b"7b"), Some(7));
        assert_eq!(memory(b""), Some(0));
        assert_eq!(memory(b"99999999999999999999"), Some(u64::MAX));
        assert!([&b"-1"[..], b"1.5g", b" 1", b"1tb", b"x"].iter().all(|t| memory(t).is_none()));
    }

    #[test]
    fn an_amount_is_written_with_its_largest_unit() {
        assert_eq!(with_unit(100 << 20), "100mb");
        assert_eq!(with_unit(1 << 30), "1gb");
        assert_eq!(with_unit(1000), "1000");
        assert_eq!(with_unit(0), "0");
    }

    #[test]
    fn what_is_quoted_reads_back_as_the_same() {
        let bytes = b"a b\"\\\n\x01\xff";
        let words = crate::resp::parse::split_words(&quoted(bytes)).expect("the quotes match");
        assert_eq!(words, [bytes.to_vec()]);
    }
}
