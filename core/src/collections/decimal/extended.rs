//! The x87's 80-bit floats in software: 64 bits of mantissa, 15 of exponent.
//!
//! INCRBYFLOAT and HINCRBYFLOAT read both numbers as `long double`, add, and print 17 digits after
//! the point. What a `long double` is depends on the machine, and clients see the difference: in
//! plain doubles 3.1 would be printed as `3.10000000000000009`.
//! Here the three steps are those of x86-64, done with integers, the same on every target.
//!
//! Each step is exact until one rounding to nearest, ties to even. Numbers of up to 19 digits and
//! results below 2^63 take paths in 128-bit integers; the rest uses a small big integer.

mod big;

use super::double::is_infinity;
use super::{MAX_TEXT, write_unsigned};
use alloc::vec::Vec;
use big::Big;
use core::cmp::Ordering;

/// A `long double`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Extended {
    negative: bool,
    /// The highest bit is set, unless the value is zero.
    mantissa: u64,
    /// The value is `mantissa * 2^exponent`, or not finite if this is `NOT_FINITE`.
    exponent: i32,
}

const NOT_FINITE: i32 = i32::MAX;
/// The weight of the last bit of the smallest number.
const LEAST: i64 = -16445;
/// Numbers from 2 to this power on are infinite.
const LIMIT: i64 = 16384;
/// The parts of one that are printed, at most.
const UNITS: u64 = 100_000_000_000_000_000;
/// Redis copies the text into a buffer of 5 KiB with a final zero.
const TEXT_LIMIT: usize = 5 * 1024;

impl Extended {
    const INFINITE: Self = Self { negative: false, mantissa: 1 << 63, exponent: NOT_FINITE };
    const ZERO: Self = Self { negative: false, mantissa: 0, exponent: 0 };
    /// The largest number that is finite.
    pub const MAX: Self = Self { negative: false, mantissa: u64::MAX, exponent: LIMIT as i32 - 64 };

    /// Reads what C's `strtold` reads to the end: decimal, hexadecimal or infinity.
    ///
    /// Not a number, space around it, a magnitude above or below every long double, and texts of
    /// 5 KiB are refused.
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() >= TEXT_LIMIT {
            return None;
        }
        let (negative, rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let magnitude = match rest {
            [b'0', b'x' | b'X', digits @ ..] => match hexadecimal(digits)? {
                Some(binary) => Self::rounded(binary)?,
                None => Self::ZERO,
            },
            [b'0'..=b'9' | b'.', ..] => match decimal(rest)? {
                Some(binary) => Self::rounded(binary)?,
                None => Self::ZERO,
            },
            _ if is_infinity(rest) => Self::INFINITE,
            _ => return None,
        };
        Some(Self { negative, ..magnitude })
    }

    /// False for infinities, and for the difference of two.
    pub fn is_finite(self) -> bool {
        self.exponent != NOT_FINITE
    }

    /// Appends `%.17Lf` without trailing zeros, as Redis stores and replies it. Minus zero is `0`.
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn write(self, out: &mut Vec<u8>) {
        if !self.is_finite() {
            out.extend_from_slice(if self.negative { b"-inf" } else { b"inf" });
            return;
        }
        if self.exponent > 0 {
            if self.negative {
                out.push(b'-');
            }
            let mut whole = Big::from(u128::from(self.mantissa));
            whole.shift_left(self.exponent as usize);
            whole.write(out);
            return;
        }
        let (whole, units) = self.split();
        if whole == 0 && units == 0 {
            out.push(b'0');
            return;
        }
        if self.negative {
            out.push(b'-');
        }
        let mut buffer = [0; MAX_TEXT];
        let start = write_unsigned(whole, &mut buffer);
        out.extend_from_slice(&buffer[start..]);
        if units == 0 {
            return;
        }
        // A one in front keeps the leading zeros.
        let start = write_unsigned(units + UNITS, &mut buffer);
        let digits = buffer.iter().rposition(|&b| b != b'0').unwrap_or(start);
        buffer[start] = b'.';
        out.extend_from_slice(&buffer[start..=digits]);
    }

    /// What stands before the point and, in 10^-17 and rounded, behind it, of a number whose exponent is not positive.
    #[inline]
    fn split(self) -> (u64, u64) {
        let places = self.exponent.unsigned_abs();
        let (whole, fraction) = match places {
            0 => return (self.mantissa, 0),
            1..64 => (self.mantissa >> places, self.mantissa << (64 - places)),
            _ => (0, self.mantissa),
        };
        // 64 bits times 57 bits.
        let product = u128::from(fraction) * u128::from(UNITS);
        let units =
            Binary { mantissa: product, exponent: -i64::from(places.max(64)), sticky: false };
        match units.to_integer() as u64 {
            UNITS => (whole + 1, 0),
            units => (whole, units),
        }
    }

    #[cfg_attr(redstart_small, optimize(speed))]
    fn rounded(binary: Binary) -> Option<Self> {
        let (mantissa, exponent) = binary.round(64, LEAST);
        if mantissa == 0 {
            return None;
        }
        let shift = mantissa.leading_zeros();
        let exponent = exponent - i64::from(shift);
        if exponent + 64 > LIMIT {
            return None;
        }
        Some(Self { negative: false, mantissa: mantissa << shift, exponent: exponent as i32 })
    }
}

impl Extended {
    /// Which of two is larger; the zeros are equal.
    pub fn order(self, other: Self) -> Ordering {
        let sign = |value: Self| match (value.mantissa, value.negative) {
            (0, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        let magnitudes = (self.exponent, self.mantissa).cmp(&(other.exponent, other.mantissa));
        sign(self).cmp(&sign(other)).then(match sign(self) {
            0 => Ordering::Equal,
            1 => magnitudes,
            _ => magnitudes.reverse(),
        })
    }
}

impl core::ops::Neg for Extended {
    type Output = Self;

    fn neg(self) -> Self {
        Self { negative: !self.negative, ..self }
    }
}

impl From<f64> for Extended {
    fn from(value: f64) -> Self {
        let negative = value.is_sign_negative();
        if !value.is_finite() {
            return Self { negative, ..Self::INFINITE };
        }
        let bits = value.to_bits();
        let biased = (bits >> 52 & 0x7FF) as i64;
        let fraction = bits & ((1 << 52) - 1);
        let mantissa = if biased == 0 { fraction } else { fraction | 1 << 52 };
        let binary =
            Binary { mantissa: mantissa.into(), exponent: biased.max(1) - 1075, sticky: false };
        // Every finite double but zero is a long double.
        Self { negative, ..Self::rounded(binary).unwrap_or(Self::ZERO) }
    }
}

impl core::ops::Add for Extended {
    type Output = Self;

    #[cfg_attr(redstart_small, optimize(speed))]
    fn add(self, other: Self) -> Self {
        if !self.is_finite() {
            return self;
        }
        if !other.is_finite() || self.mantissa == 0 {
            let negative = other.negative && (self.negative || other.mantissa != 0);
            return Self { negative, ..other };
        }
        if other.mantissa == 0 {
            return self;
        }
        let (large, small) = if (self.exponent, self.mantissa) >= (other.exponent, other.mantissa) {
            (self, other)
        } else {
            (other, self)
        };
        // The large one's last bit is bit 62: room for a carry, and for guard bits.
        let distance = (large.exponent - small.exponent) as u32;
        let a = u128::from(large.mantissa) << 62;
        let b = u128::from(small.mantissa) << 62;
        let shifted = b.checked_shr(distance).unwrap_or(0);
        let sticky = shifted.checked_shl(distance) != Some(b);
        let mantissa = if large.negative == small.negative {
            a + shifted
        } else {
            // What was cut off is taken away too; `sticky` then adds a part of one back.
            a - shifted - u128::from(sticky)
        };
        if mantissa == 0 {
            return Self::ZERO;
        }
        let binary = Binary { mantissa, exponent: i64::from(large.exponent) - 62, sticky };
        let sum = Self::rounded(binary).unwrap_or(Self::INFINITE);
        Self { negative: large.negative, ..sum }
    }
}

/// `mantissa * 2^exponent`, plus less than one in the last place if `sticky`.
///
/// A sticky number has a mantissa of at least two bits more than it is rounded to.
#[derive(Clone, Copy)]
pub(super) struct Binary {
    pub(super) mantissa: u128,
    pub(super) exponent: i64,
    pub(super) sticky: bool,
}

impl Binary {
    /// Rounds to `bits` bits, none of them below 2 to the power of `least`.
    #[cfg_attr(redstart_small, optimize(speed))]
    pub(super) fn round(self, bits: u32, least: i64) -> (u64, i64) {
        let width = i64::from(128 - self.mantissa.leading_zeros());
        let drop = (width - i64::from(bits)).max(least - self.exponent);
        if drop <= 0 {
            return (self.mantissa as u64, self.exponent);
        }
        let rounded = self.shift_right(drop);
        let exponent = self.exponent + drop;
        if rounded >> bits != 0 {
            ((rounded >> 1) as u64, exponent + 1)
        } else {
            (rounded as u64, exponent)
        }
    }

    /// Rounds to a whole number, which the caller knows to fit.
    #[cfg_attr(redstart_small, optimize(speed))]
    fn to_integer(self) -> u128 {
        if self.exponent >= 0 {
            return self.mantissa << self.exponent;
        }
        self.shift_right(-self.exponent)
    }

    /// Drops the last bits, to nearest, ties to even.
    #[inline]
    #[cfg_attr(redstart_small, optimize(speed))]
    fn shift_right(self, drop: i64) -> u128 {
        if drop > 128 {
            return 0;
        }
        const HALF: u128 = 1 << 127;
        let drop = drop as u32;
        let kept = self.mantissa.checked_shr(drop).unwrap_or(0);
        let rest = self.mantissa << (128 - drop);
        let up = rest > HALF || (rest == HALF && (self.sticky || kept & 1 == 1));
        kept + u128::from(up)
    }
}

/// Reads what follows `0x`. Inside: none for zero.
pub(super) fn hexadecimal(text: &[u8]) -> Option<Option<Binary>> {
    let mut binary = Binary { mantissa: 0, exponent: 0, sticky: false };
    let (mut digits, mut point) = (0, false);
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        if *byte == b'.' && !point {
            point = true;
        } else if let Some(digit) = char::from(*byte).to_digit(16) {
            digits += 1;
            if binary.mantissa >> 120 == 0 {
                binary.mantissa = binary.mantissa << 4 | u128::from(digit);
            } else {
                binary.sticky |= digit != 0;
                binary.exponent += 4;
            }
            if point {
                binary.exponent -= 4;
            }
        } else {
            break;
        }
        rest = tail;
    }
    if digits == 0 {
        return None;
    }
    binary.exponent += match rest {
        [] => 0,
        [b'p' | b'P', tail @ ..] => exponent(tail)?,
        _ => return None,
    };
    Some((binary.mantissa != 0).then_some(binary))
}

/// Reads a decimal number without its sign. Inside: none for zero.
fn decimal(text: &[u8]) -> Option<Option<Binary>> {
    if let Some((whole, power)) = short(text) {
        return Some((whole != 0).then(|| scale_short(whole, power)));
    }
    let (digits, power) = digits(text)?;
    if digits.is_empty() {
        return Some(None);
    }
    // Far outside the range there is no need to calculate.
    let magnitude = power + digits.len() as i64;
    if !(-4970..=4940).contains(&magnitude) {
        return None;
    }
    Some(Some(scale(&digits, power)))
}

/// Up to 19 digits, of which up to 18 may stand behind a point: a whole number, and the power of ten that it is to be
/// taken times. What is anything else is for [`digits`].
#[cfg_attr(redstart_small, optimize(speed))]
fn short(text: &[u8]) -> Option<(u64, i64)> {
    let (mut whole, mut digits, mut point) = (0, 0, None);
    for byte in text {
        match byte {
            b'0'..=b'9' if digits < 19 => {
                whole = whole * 10 + u64::from(byte - b'0');
                digits += 1;
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => return None,
        }
    }
    let power = point.unwrap_or(digits) - digits;
    (digits > 0 && power >= -18).then_some((whole, power))
}

/// The digits of a decimal number without its sign, neither the first nor the last of them 0, and the power of
/// ten that they are to be taken times; no digits for zero.
#[cfg_attr(redstart_small, optimize(speed))]
pub(super) fn digits(text: &[u8]) -> Option<(Vec<u8>, i64)> {
    let mut digits = Vec::new();
    let mut power = 0;
    let mut point = false;
    let mut any = false;
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'.' if !point => point = true,
            b'0'..=b'9' => {
                any = true;
                if *byte != b'0' || !digits.is_empty() {
                    digits.push(byte - b'0');
                }
                if point {
                    power -= 1;
                }
            }
            _ => break,
        }
        rest = tail;
    }
    if !any {
        return None;
    }
    power += match rest {
        [] => 0,
        [b'e' | b'E', tail @ ..] => exponent(tail)?,
        _ => return None,
    };
    while digits.pop_if(|digit| *digit == 0).is_some() {
        power += 1;
    }
    Some((digits, power))
}

/// The optional sign and the digits of an exponent, to the end; huge ones are cut.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut exponent = 0i64;
    for byte in digits {
        let digit = char::from(*byte).to_digit(10)?;
        exponent = (exponent * 10 + i64::from(digit)).min(1_000_000_000);
    }
    Some(if negative { -exponent } else { exponent })
}

/// `whole * 10^power`, with at least 68 bits if it is not exact; the power is 18 at most, either way.
#[cfg_attr(redstart_small, optimize(speed))]
fn scale_short(whole: u64, power: i64) -> Binary {
    let ten = 10u64.pow(power.unsigned_abs() as u32);
    if power >= 0 {
        return Binary {
            mantissa: u128::from(whole) * u128::from(ten),
            exponent: 0,
            sticky: false,
        };
    }
    // Halves, quarters and the like are exact in a word.
    let fives = ten >> -power;
    if whole.is_multiple_of(fives) {
        return Binary { mantissa: u128::from(whole / fives), exponent: power, sticky: false };
    }
    let shift = u128::from(whole).leading_zeros();
    // Ten to the 18th has 60 bits, so the quotient has 68 or more.
    let (mantissa, rest) = divide(u128::from(whole) << shift, ten);
    Binary { mantissa, exponent: -i64::from(shift), sticky: rest != 0 }
}

/// The quotient and the rest: by numbers of 32 bits in four steps, since a division of the whole width takes a call and
/// many steps.
#[cfg_attr(redstart_small, optimize(speed))]
fn divide(numerator: u128, by: u64) -> (u128, u64) {
    if u32::try_from(by).is_err() {
        let quotient = numerator / u128::from(by);
        return (quotient, (numerator - quotient * u128::from(by)) as u64);
    }
    let (high, low) = ((numerator >> 64) as u64, numerator as u64);
    let (mut quotients, mut rest) = ([0; 4], 0);
    for (quotient, digits) in quotients.iter_mut().zip([high >> 32, high, low >> 32, low]) {
        let part = rest << 32 | u64::from(digits as u32);
        *quotient = part / by;
        rest = part - *quotient * by;
    }
    let [a, b, c, d] = quotients;
    (u128::from(a << 32 | b) << 64 | u128::from(c << 32 | d), rest)
}

/// `digits * 10^power`, with at least 66 bits if it is not exact.
#[cfg_attr(redstart_small, optimize(speed))]
pub(super) fn scale(digits: &[u8], power: i64) -> Binary {
    if digits.len() <= 19 && (-18..=18).contains(&power) {
        let whole = digits.iter().fold(0u64, |whole, digit| whole * 10 + u64::from(*digit));
        return scale_short(whole, power);
    }
    let mut numerator = Big::from_digits(digits);
    let (mantissa, exponent, sticky) = if power >= 0 {
        numerator.multiply_by_power_of_ten(power as usize);
        numerator.leading_bits()
    } else {
        let mut denominator = Big::from(1u128);
        denominator.multiply_by_power_of_ten(power.unsigned_abs() as usize);
        Big::divide(numerator, denominator)
    };
    Binary { mantissa, exponent, sticky }
}

#[cfg(test)]
mod tests;
