//! The estimator: from how many registers have which value to the number of distinct elements.
//!
//! Integers and exactly rounded operations on doubles only, so that every target estimates the same.

use super::{RANK_BITS, REGISTERS};

/// How many values six bits can have.
pub const VALUES: usize = 64;

/// How many registers have each value.
#[inline]
pub fn histogram(registers: impl Iterator<Item = u8>) -> [u32; VALUES] {
    let mut counts = [0; VALUES];
    for register in registers {
        counts[usize::from(register) % VALUES] += 1;
    }
    counts
}

/// The number of distinct elements that such registers are likeliest to come from.
#[must_use]
pub fn from_histogram(counts: &[u32; VALUES]) -> u64 {
    const REGISTERS_F: f64 = REGISTERS as f64;
    /// 1 / (2 ln 2).
    const ALPHA: f64 = 0.721_347_520_444_481_7;
    let full = f64::from(counts[RANK_BITS as usize + 1]);
    let mut z = REGISTERS_F * tau((REGISTERS_F - full) / REGISTERS_F);
    for &count in counts[1..=RANK_BITS as usize].iter().rev() {
        z = (z + f64::from(count)) * 0.5;
    }
    z += REGISTERS_F * sigma(f64::from(counts[0]) / REGISTERS_F);
    rounded(ALPHA * REGISTERS_F * REGISTERS_F / z)
}

/// What the registers that are 0 add.
fn sigma(x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut z) = (x, 1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// What the registers that cannot be raised any more add.
fn tau(x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut z) = (x, 1.0, 1.0 - x);
    loop {
        x = square_root(x);
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

/// The square root of a normal number between 0 and 1, rounded to the nearest double: there is none without
/// the standard library.
fn square_root(x: f64) -> f64 {
    const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;
    let bits = x.to_bits();
    let mantissa = u128::from(bits & ((1 << FRACTION) - 1) | 1 << FRACTION);
    // x = mantissa * 2^exponent, shifted so that the root has two bits more than a double and the exponent is even.
    let exponent = (bits >> FRACTION) as i32 - 1023 - FRACTION as i32;
    let shift = 58 + (exponent & 1);
    let square = mantissa << shift;
    let root = square.isqrt();
    // A last bit that says whether anything was cut off decides ties.
    let root = (root << 1 | u128::from(root * root != square)) as u64;
    let extra = (64 - root.leading_zeros()) - f64::MANTISSA_DIGITS;
    let (kept, rest, half) = (root >> extra, root & ((1 << extra) - 1), 1 << (extra - 1));
    let kept = kept + u64::from(rest > half || (rest == half && kept & 1 == 1));
    let power = (exponent - shift) / 2 - 1 + extra as i32;
    kept as f64 * f64::from_bits(((1023 + power) as u64) << FRACTION)
}

/// The nearest integer, halves up. What is too large becomes 2^63, as it does in Redis.
fn rounded(x: f64) -> u64 {
    const LIMIT: f64 = (1_u64 << 63) as f64;
    if (0.0..LIMIT).contains(&x) {
        let whole = x as u64;
        return whole + u64::from(x - whole as f64 >= 0.5);
    }
    1 << 63
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn square_roots_are_those_of_the_machine() {
        let mut rng = crate::rng::Rng::new(1);
        for _ in 0..20_000 {
            let x = (rng.below(REGISTERS as u64 - 1) + 1) as f64 / REGISTERS as f64;
            let mut root = x;
            for _ in 0..20 {
                let expected = std_sqrt(root);
                assert_eq!(square_root(root).to_bits(), expected.to_bits(), "{root}");
                root = expected;
            }
        }
    }

    fn std_sqrt(x: f64) -> f64 {
        extern crate std;
        x.sqrt()
    }

    #[test]
    fn no_histogram_is_too_much() {
        for value in 0..VALUES {
            let mut counts = [0; VALUES];
            counts[value] = REGISTERS as u32;
            let _ = from_histogram(&counts);
            counts[value] -= 1;
            counts[51] += 1;
            let _ = from_histogram(&counts);
        }
        let mut empty = [0; VALUES];
        empty[0] = REGISTERS as u32;
        assert_eq!(from_histogram(&empty), 0);
    }
}
