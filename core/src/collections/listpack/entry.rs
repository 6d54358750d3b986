//! The bytes of one listpack entry: encoding, decoding, sizes.
//!
//! ```text
//! entry   = head data backlen
//! head    0xxxxxxx                     integer 0..=127
//!         10LLLLLL                     string of L < 64 bytes
//!         110xxxxx xxxxxxxx            integer of 13 bits, the high ones first
//!         1110LLLL LLLLLLLL            string of L < 4096 bytes, the high bits first
//!         11110000 L L L L             string of L bytes, u32 LE
//!         11110001 .. 11110100         integer of 16, 24, 32 or 64 bits, LE
//!         11111111                     the end of the listpack
//! backlen = bytes of head and data in groups of 7 bits, the high ones first; every byte but the
//!           first has its top bit set, so that a reader that walks backwards knows when to stop
//! ```
//!
//! Every read is bounds-checked and answers `None` outside the slice, so that no bytes can make it panic.

use crate::collections::decimal;
use crate::collections::listpack::Element;
use alloc::vec::Vec;

/// The byte that ends a listpack.
pub(crate) const END: u8 = 0xFF;

const STR_32: u8 = 0xF0;
const INT_16: u8 = 0xF1;
const INT_24: u8 = 0xF2;
const INT_32: u8 = 0xF3;
const INT_64: u8 = 0xF4;

/// An entry about to be written: its head, its data, its backlen.
pub(crate) struct Encoded<'a> {
    head: [u8; 9],
    head_len: u8,
    back_len: u8,
    back: [u8; 5],
    data: &'a [u8],
}

impl<'a> Encoded<'a> {
    /// The entry for `text`: an integer where Redis stores one.
    #[inline]
    pub(crate) fn text(text: &'a [u8]) -> Self {
        match decimal::parse(text) {
            Some(value) => Self::int(value),
            None => Self::string(text),
        }
    }

    /// The entry for an element as it is.
    #[inline]
    pub(super) fn element(element: Element<'a>) -> Self {
        match element {
            Element::Int(value) => Self::int(value),
            Element::Str(text) => Self::string(text),
        }
    }

    pub(crate) fn int(value: i64) -> Self {
        let le = value.to_le_bytes();
        let mut head = [0; 9];
        let head_len = match value {
            0..=127 => {
                head[0] = le[0];
                1
            }
            -4096..=4095 => {
                head[0] = 0xC0 | (le[1] & 0x1F);
                head[1] = le[0];
                2
            }
            _ => {
                let (tag, width) = match value {
                    -0x8000..=0x7FFF => (INT_16, 2),
                    -0x80_0000..=0x7F_FFFF => (INT_24, 3),
                    -0x8000_0000..=0x7FFF_FFFF => (INT_32, 4),
                    _ => (INT_64, 8),
                };
                head[0] = tag;
                head[1..].copy_from_slice(&le);
                1 + width
            }
        };
        Self { head, head_len, back_len: 1, back: [head_len, 0, 0, 0, 0], data: &[] }
    }

    #[inline]
    fn string(text: &'a [u8]) -> Self {
        let len = text.len();
        if len < 64 {
            let mut head = [0; 9];
            head[0] = 0x80 | len as u8;
            Self { head, head_len: 1, back_len: 1, back: [len as u8 + 1, 0, 0, 0, 0], data: text }
        } else {
            Self::long_string(text)
        }
    }

    fn long_string(text: &'a [u8]) -> Self {
        let len = text.len() as u32;
        let mut head = [0; 9];
        let head_len = if len < 4096 {
            head[0] = 0xE0 | (len >> 8) as u8;
            head[1] = len as u8;
            2
        } else {
            head[0] = STR_32;
            head[1..5].copy_from_slice(&len.to_le_bytes());
            5
        };
        let mut back = [0; 5];
        let back_len = write_backlen(u64::from(head_len) + text.len() as u64, &mut back);
        Self { head, head_len, back_len, back, data: text }
    }

    /// Bytes of head and data.
    #[inline]
    pub(crate) fn body_size(&self) -> usize {
        usize::from(self.head_len) + self.data.len()
    }

    /// Appends head and data without the backlen.
    #[inline]
    pub(crate) fn push_body(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head[..usize::from(self.head_len)]);
        out.extend_from_slice(self.data);
    }

    /// Bytes of the whole entry.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        usize::from(self.head_len) + self.data.len() + usize::from(self.back_len)
    }

    /// Writes the entry into `gap`, which is exactly `size()` bytes.
    #[inline]
    pub(crate) fn write(&self, gap: &mut [u8]) {
        let (head_len, back_len) = (usize::from(self.head_len), usize::from(self.back_len));
        if head_len == 1
            && back_len == 1
            && let [head, data @ .., back] = gap
        {
            *head = self.head[0];
            *back = self.back[0];
            data.copy_from_slice(self.data);
            return;
        }
        let (head, rest) = gap.split_at_mut(head_len);
        let (data, back) = rest.split_at_mut(self.data.len());
        head.copy_from_slice(&self.head[..head_len]);
        data.copy_from_slice(self.data);
        back.copy_from_slice(&self.back[..back_len]);
    }
}

/// How many bytes the backlen of an entry of `len` bytes takes.
///
/// The limits lie one below what the bits could hold: Redis draws them so, and the bytes must agree.
#[inline]
fn backlen_width(len: u64) -> u8 {
    match len {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    }
}

/// Bytes of an entry whose head and data are `body` bytes.
#[inline]
pub(crate) fn size_with_backlen(body: usize) -> usize {
    body + usize::from(backlen_width(body as u64))
}

/// Appends the backlen of what is `len` bytes long.
#[inline]
pub(crate) fn push_backlen(len: usize, out: &mut Vec<u8>) {
    if len < 128 {
        out.push(len as u8);
        return;
    }
    let mut back = [0; 5];
    let width = write_backlen(len as u64, &mut back);
    out.extend_from_slice(&back[..usize::from(width)]);
}

fn write_backlen(len: u64, out: &mut [u8; 5]) -> u8 {
    let width = backlen_width(len);
    for (place, byte) in out[..usize::from(width)].iter_mut().rev().enumerate() {
        *byte = (len >> (7 * place)) as u8 & 0x7F | 0x80;
    }
    out[0] &= 0x7F;
    width
}

/// Bytes of head and data of the entry at `at`; `None` outside the slice, at the end, or for a head
/// that does not exist.
#[inline]
fn body_size(bytes: &[u8], at: usize) -> Option<u64> {
    let head = *bytes.get(at)?;
    Some(match head {
        0..=0x7F => 1,
        0x80..=0xBF => 1 + u64::from(head & 0x3F),
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 2 + (u64::from(head & 0x0F) << 8 | u64::from(*bytes.get(at + 1)?)),
        STR_32 => 5 + u64::from(u32::from_le_bytes(array(bytes, at + 1)?)),
        INT_16 => 3,
        INT_24 => 4,
        INT_32 => 5,
        INT_64 => 9,
        _ => return None,
    })
}

/// Bytes of the whole entry at `at`.
#[inline]
#[cfg_attr(redstart_small, optimize(speed))]
pub(crate) fn size(bytes: &[u8], at: usize) -> Option<usize> {
    match *bytes.get(at)? {
        0..=0x7F => Some(2),
        head @ 0x80..=0xBF => Some(2 + usize::from(head & 0x3F)),
        _ => long_size(bytes, at),
    }
}

fn long_size(bytes: &[u8], at: usize) -> Option<usize> {
    let body = body_size(bytes, at)?;
    usize::try_from(body + u64::from(backlen_width(body))).ok()
}

/// Bytes of head and data of the entry at `at`, as `body_size` tells them, for the platform.
#[inline]
pub(crate) fn bare_size(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(body_size(bytes, at)?).ok()
}

/// The element at `at` and the bytes of its whole entry.
#[inline]
#[cfg_attr(redstart_small, optimize(speed))]
pub(crate) fn decode(bytes: &[u8], at: usize) -> Option<(Element<'_>, usize)> {
    let (element, body) = decode_bare(bytes, at)?;
    // The short ones first, which need no comparison of widths.
    let back = if body < 128 { 1 } else { usize::from(backlen_width(body as u64)) };
    Some((element, body + back))
}

/// The element at `at` and the bytes of its head and data.
#[inline]
#[cfg_attr(redstart_small, optimize(speed))]
pub(crate) fn decode_bare(bytes: &[u8], at: usize) -> Option<(Element<'_>, usize)> {
    let head = *bytes.get(at)?;
    match head {
        0..=0x7F => Some((Element::Int(i64::from(head)), 1)),
        0x80..=0xBF => {
            let len = usize::from(head & 0x3F);
            let text = bytes.get(at + 1..at + 1 + len)?;
            Some((Element::Str(text), len + 1))
        }
        _ => decode_long(bytes, at, head),
    }
}

fn decode_long(bytes: &[u8], at: usize, head: u8) -> Option<(Element<'_>, usize)> {
    let body = bare_size(bytes, at)?;
    let end = at.checked_add(body)?;
    let int = match head {
        0xC0..=0xDF => {
            let bits = u16::from(head & 0x1F) << 8 | u16::from(*bytes.get(at + 1)?);
            // The sign is bit 12: put it on top, then draw it down.
            (bits << 3) as i16 >> 3
        }
        .into(),
        0xE0..=0xEF => return Some((Element::Str(bytes.get(at + 2..end)?), body)),
        STR_32 => return Some((Element::Str(bytes.get(at + 5..end)?), body)),
        INT_16 => i16::from_le_bytes(array(bytes, at + 1)?).into(),
        INT_24 => {
            let [a, b, c] = array(bytes, at + 1)?;
            (i32::from_le_bytes([0, a, b, c]) >> 8).into()
        }
        INT_32 => i32::from_le_bytes(array(bytes, at + 1)?).into(),
        _ => i64::from_le_bytes(array(bytes, at + 1)?),
    };
    Some((Element::Int(int), body))
}

/// Where the entry that ends at `end` starts.
#[inline]
pub(crate) fn start_before(bytes: &[u8], end: usize) -> Option<usize> {
    let mut len = 0u64;
    for width in 1..=5usize {
        let byte = *bytes.get(end.checked_sub(width)?)?;
        len |= u64::from(byte & 0x7F) << (7 * (width - 1));
        if byte & 0x80 == 0 {
            return end.checked_sub(width)?.checked_sub(usize::try_from(len).ok()?);
        }
    }
    None
}

/// The size of the entry at `at` if it is whole, lies before `end` and has the backlen it must have.
pub(super) fn check(bytes: &[u8], at: usize, end: usize) -> Option<usize> {
    let body = body_size(bytes, at)?;
    let mut back = [0; 5];
    let width = usize::from(write_backlen(body, &mut back));
    let back_at = at.checked_add(usize::try_from(body).ok()?)?;
    let next = back_at.checked_add(width)?;
    (next <= end && bytes.get(back_at..next)? == &back[..width]).then_some(next - at)
}

#[inline]
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
