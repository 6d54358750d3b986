//! Doubles with a fixed number of digits after the point, as C's `%.4f` and `%.17f`: exact, then rounded
//! half to even, all in integers.

use super::{DOUBLE_LEN, format_double};
use super::{MAX_TEXT, write_unsigned};

/// What becomes of zeros at the end of the digits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zeros {
    /// They stay.
    Kept,
    /// They go, and the point with them where nothing is left after it; minus zero is `0`.
    Trimmed,
}

/// Writes `value` with `decimals` digits after the point, 17 at most. The digits without the point are
/// less than 2^64: 184 is the limit for 17 of them. What is larger, or no number, is written as a score is.
pub fn format_fixed(
    value: f64,
    decimals: u32,
    zeros: Zeros,
    buffer: &mut [u8; DOUBLE_LEN],
) -> &[u8] {
    let unit = 10u64.pow(decimals);
    let Some(scaled) = scaled(value, unit) else { return format_double(value, buffer) };
    let mut digits = [0; MAX_TEXT];
    let mut len = 0;
    let mut push = |bytes: &[u8]| {
        buffer[len..len + bytes.len()].copy_from_slice(bytes);
        len += bytes.len();
    };
    if value.is_sign_negative() && (scaled > 0 || zeros == Zeros::Kept) {
        push(b"-");
    }
    let start = write_unsigned(scaled / unit, &mut digits);
    push(&digits[start..]);
    // A one in front keeps the leading zeros.
    let start = write_unsigned(scaled % unit + unit, &mut digits);
    let mut fraction = &digits[start + 1..];
    if zeros == Zeros::Trimmed {
        let end = fraction.iter().rposition(|&digit| digit != b'0').map_or(0, |last| last + 1);
        fraction = &fraction[..end];
    }
    if !fraction.is_empty() {
        push(b".");
        push(fraction);
    }
    &buffer[..len]
}

/// The magnitude of `value` in parts of which `unit` make one, rounded half to even.
fn scaled(value: f64, unit: u64) -> Option<u64> {
    let bits = value.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    // 53 bits times 57 bits, with this many bits behind the point.
    let product = u128::from(mantissa) * u128::from(unit);
    let behind = 1075 - exponent.max(1);
    if behind <= 0 || exponent == 0x7ff {
        return None;
    }
    if behind > 127 {
        return Some(0);
    }
    let whole = product >> behind;
    let rest = product & ((1 << behind) - 1);
    let half = 1u128 << (behind - 1);
    let up = rest > half || (rest == half && whole & 1 == 1);
    u64::try_from(whole + u128::from(up)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn digits_are_those_of_the_standard_library() {
        let mut rng = crate::rng::Rng::new(3);
        for _ in 0..20_000 {
            let value = (rng.below(1 << 53) as f64 - (1u64 << 52) as f64)
                / (1u64 << rng.below(60).max(45)) as f64;
            let mut buffer = [0; DOUBLE_LEN];
            if value.abs() < 180.0 {
                let text = format_fixed(value, 17, Zeros::Kept, &mut buffer);
                assert_eq!(text, format!("{value:.17}").as_bytes());
            }
            let text = format_fixed(value * 1e5, 4, Zeros::Kept, &mut buffer);
            assert_eq!(text, format!("{:.4}", value * 1e5).as_bytes());
        }
    }

    #[test]
    fn halves_are_rounded_to_even_and_zeros_trimmed() {
        let text = |value, decimals, zeros| {
            alloc::string::String::from_utf8(
                format_fixed(value, decimals, zeros, &mut [0; DOUBLE_LEN]).to_vec(),
            )
            .expect("ASCII")
        };
        assert_eq!(text(0.125, 2, Zeros::Kept), "0.12");
        assert_eq!(text(0.375, 2, Zeros::Kept), "0.38");
        assert_eq!(text(-180.0, 17, Zeros::Trimmed), "-180");
        assert_eq!(text(-0.0, 17, Zeros::Trimmed), "0");
        assert_eq!(text(1.5, 17, Zeros::Trimmed), "1.5");
        assert_eq!(text(5e-324, 4, Zeros::Kept), "0.0000");
        assert_eq!(text(f64::INFINITY, 4, Zeros::Kept), "inf");
        assert_eq!(text(1e300, 4, Zeros::Kept), "1.0000000000000001e+300");
    }
}
