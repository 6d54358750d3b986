//! As much of a big integer as reading and writing long doubles takes.

use super::super::{MAX_TEXT, write_unsigned};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// A whole number; the lowest 32 bits come first, the last are not zero.
pub(super) struct Big {
    limbs: Vec<u32>,
}

impl From<u128> for Big {
    fn from(value: u128) -> Self {
        let mut this = Self { limbs: (0..4).map(|i| (value >> (32 * i)) as u32).collect() };
        this.trim();
        this
    }
}

impl Big {
    /// Reads decimal digits, each from 0 to 9.
    pub(super) fn from_digits(digits: &[u8]) -> Self {
        let mut this = Self { limbs: Vec::new() };
        for chunk in digits.chunks(9) {
            let value = chunk.iter().fold(0, |value, digit| value * 10 + u32::from(*digit));
            this.multiply_add(10u32.pow(chunk.len() as u32), value);
        }
        this
    }

    pub(super) fn multiply_by_power_of_ten(&mut self, power: usize) {
        for _ in 0..power / 9 {
            self.multiply_add(1_000_000_000, 0);
        }
        self.multiply_add(10u32.pow((power % 9) as u32), 0);
    }

    pub(super) fn shift_left(&mut self, bits: usize) {
        let (limbs, bits) = (bits / 32, bits % 32);
        if bits > 0 {
            let mut carry = 0;
            for limb in &mut self.limbs {
                let wide = u64::from(*limb) << bits | carry;
                *limb = wide as u32;
                carry = wide >> 32;
            }
            self.limbs.push(carry as u32);
            self.trim();
        }
        self.limbs.splice(0..0, core::iter::repeat_n(0, limbs));
    }

    /// The leading 128 bits, their weight, and whether others are set.
    pub(super) fn leading_bits(&self) -> (u128, i64, bool) {
        let from = self.limbs.len().saturating_sub(4);
        let (rest, leading) = self.limbs.split_at(from);
        let mantissa = leading.iter().rev().fold(0, |bits, limb| bits << 32 | u128::from(*limb));
        (mantissa, 32 * from as i64, rest.iter().any(|limb| *limb != 0))
    }

    /// The quotient with 70 bits or more, the weight of its last bit, and whether more would follow.
    pub(super) fn divide(mut numerator: Self, mut denominator: Self) -> (u128, i64, bool) {
        const BITS: i64 = 71;
        // Scale so that the quotient is below 2^BITS and not far from it.
        let shift = denominator.bits() as i64 + BITS - 1 - numerator.bits() as i64;
        if shift >= 0 {
            numerator.shift_left(shift as usize);
        } else {
            denominator.shift_left(shift.unsigned_abs() as usize);
        }
        denominator.shift_left(BITS as usize);
        let mut quotient = 0;
        for _ in 0..=BITS {
            quotient <<= 1;
            if numerator.cmp(&denominator).is_ge() {
                numerator.subtract(&denominator);
                quotient |= 1;
            }
            numerator.shift_left(1);
        }
        (quotient, -shift, !numerator.limbs.is_empty())
    }

    /// Appends the decimal digits of a number that is not zero.
    pub(super) fn write(mut self, out: &mut Vec<u8>) {
        let mut chunks = Vec::new();
        while !self.limbs.is_empty() {
            let mut rest = 0;
            for limb in self.limbs.iter_mut().rev() {
                let wide = rest << 32 | u64::from(*limb);
                *limb = (wide / 1_000_000_000) as u32;
                rest = wide % 1_000_000_000;
            }
            self.trim();
            chunks.push(rest);
        }
        let mut buffer = [0; MAX_TEXT];
        let Some(first) = chunks.pop() else { return };
        let start = write_unsigned(first, &mut buffer);
        out.extend_from_slice(&buffer[start..]);
        for chunk in chunks.iter().rev() {
            // A one in front keeps the leading zeros.
            let start = write_unsigned(chunk + 1_000_000_000, &mut buffer);
            out.extend_from_slice(&buffer[start + 1..]);
        }
    }

    fn multiply_add(&mut self, factor: u32, term: u32) {
        let mut carry = u64::from(term);
        for limb in &mut self.limbs {
            let wide = u64::from(*limb) * u64::from(factor) + carry;
            *limb = wide as u32;
            carry = wide >> 32;
        }
        if carry > 0 {
            self.limbs.push(carry as u32);
        }
    }

    fn bits(&self) -> usize {
        let Some(last) = self.limbs.last() else { return 0 };
        32 * self.limbs.len() - last.leading_zeros() as usize
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let by_len = self.limbs.len().cmp(&other.limbs.len());
        by_len.then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }

    /// Takes away a number that is not larger.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (i, limb) in self.limbs.iter_mut().enumerate() {
            let term = other.limbs.get(i).copied().unwrap_or(0);
            let (difference, first) = limb.overflowing_sub(term);
            let (difference, second) = difference.overflowing_sub(u32::from(borrow));
            *limb = difference;
            borrow = first || second;
        }
        self.trim();
    }

    fn trim(&mut self) {
        while self.limbs.pop_if(|limb| *limb == 0).is_some() {}
    }
}
