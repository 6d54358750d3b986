//! Stream IDs: milliseconds and a sequence number, ordered as one number of 128 bits.

use crate::collections::decimal::{self, MAX_TEXT};

/// The ID of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Id {
    /// Milliseconds since 1970, mostly.
    pub ms: u64,
    /// The number among those of the same millisecond.
    pub seq: u64,
}

/// The longest text of an ID.
pub const ID_TEXT_MAX: usize = 2 * MAX_TEXT + 1;

impl Id {
    /// The least ID, which no entry has.
    pub const MIN: Self = Self { ms: 0, seq: 0 };
    /// The greatest ID.
    pub const MAX: Self = Self { ms: u64::MAX, seq: u64::MAX };

    /// An ID of its two numbers.
    #[must_use]
    pub const fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    /// The next ID, if there is one.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match (self.ms, self.seq) {
            (u64::MAX, u64::MAX) => None,
            (ms, u64::MAX) => Some(Self::new(ms + 1, 0)),
            (ms, seq) => Some(Self::new(ms, seq + 1)),
        }
    }

    /// The ID before, if there is one.
    #[must_use]
    pub const fn prev(self) -> Option<Self> {
        match (self.ms, self.seq) {
            (0, 0) => None,
            (ms, 0) => Some(Self::new(ms - 1, u64::MAX)),
            (ms, seq) => Some(Self::new(ms, seq - 1)),
        }
    }

    /// The ID as bytes whose order is the order of IDs, as Redis stores it.
    #[must_use]
    pub fn to_be_bytes(self) -> [u8; 16] {
        (u128::from(self.ms) << 64 | u128::from(self.seq)).to_be_bytes()
    }

    /// The ID of such bytes.
    #[must_use]
    pub fn from_be_bytes(bytes: [u8; 16]) -> Self {
        let bits = u128::from_be_bytes(bytes);
        Self::new((bits >> 64) as u64, bits as u64)
    }

    /// Writes `ms-seq` to the end of `buffer` and says where it starts.
    #[inline]
    pub fn write(self, buffer: &mut [u8; ID_TEXT_MAX]) -> usize {
        let mut start = ID_TEXT_MAX;
        for number in [self.seq, self.ms] {
            if start < ID_TEXT_MAX {
                start -= 1;
                buffer[start] = b'-';
            }
            // What is before the end has room for both.
            if let Some(digits) = buffer[..start].last_chunk_mut() {
                start -= MAX_TEXT - decimal::write_unsigned(number, digits);
            }
        }
        start
    }
}

/// An ID as a client wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdText {
    /// Both numbers.
    Full(Id),
    /// The milliseconds alone: `1526919030474`.
    Ms(u64),
    /// The sequence number is left to the stream: `1526919030474-*`.
    AnySeq(u64),
}

impl IdText {
    /// Reads `ms`, `ms-seq` or `ms-*`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        // Redis reads it as a C string in a buffer of this size.
        if text.len() > 127 {
            return None;
        }
        let text = text.split(|&b| b == 0).next().unwrap_or_default();
        let Some(dash) = text.iter().position(|&b| b == b'-') else {
            return number(text).map(Self::Ms);
        };
        let (ms, seq) = (number(&text[..dash])?, &text[dash + 1..]);
        if seq == b"*" {
            return Some(Self::AnySeq(ms));
        }
        Some(Self::Full(Id::new(ms, number(seq)?)))
    }
}

/// An unsigned number as Redis reads it: canonical, or anything that C's `strtoull` takes whole.
fn number(text: &[u8]) -> Option<u64> {
    if let Some(value) = decimal::parse(text) {
        return u64::try_from(value).ok();
    }
    let blank = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|b| !blank(b))?;
    let (negative, digits) = match &text[start..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0u64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(if negative { value.wrapping_neg() } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: Id) -> alloc::vec::Vec<u8> {
        let mut buffer = [0; ID_TEXT_MAX];
        let start = id.write(&mut buffer);
        buffer[start..].to_vec()
    }

    #[test]
    fn text_and_id_round_trip() {
        for id in [Id::MIN, Id::MAX, Id::new(1, 0), Id::new(0, 7), Id::new(1_526_919_030_474, 55)] {
            assert_eq!(IdText::parse(&text(id)), Some(IdText::Full(id)));
            assert_eq!(Id::from_be_bytes(id.to_be_bytes()), id);
        }
        assert_eq!(text(Id::MAX), b"18446744073709551615-18446744073709551615");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for bad in ["", "-", "+", "1-", "-1", "x", "1-x", "1-1-1", "18446744073709551616", "1-*-1"]
        {
            assert_eq!(IdText::parse(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(IdText::parse(&[b'1'; 128]), None);
        assert_eq!(IdText::parse(b"5"), Some(IdText::Ms(5)));
        assert_eq!(IdText::parse(b"5-*"), Some(IdText::AnySeq(5)));
        assert_eq!(IdText::parse(b" 05-+7"), Some(IdText::Full(Id::new(5, 7))));
    }

    #[test]
    fn neighbours_carry_into_the_milliseconds() {
        assert_eq!(Id::new(1, u64::MAX).next(), Some(Id::new(2, 0)));
        assert_eq!(Id::new(2, 0).prev(), Some(Id::new(1, u64::MAX)));
        assert_eq!((Id::MAX.next(), Id::MIN.prev()), (None, None));
    }
}
