//! RDB's words: lengths, strings, doubles, appended to a vector.
//!
//! ```text
//! length  00LLLLLL                  0 to 63
//!         01LLLLLL L                up to 16383, the high bits first
//!         10000000 L L L L          32 bits, big-endian
//!         10000001 L × 8            64 bits, big-endian
//! string  length bytes
//!         11000000 i8, 11000001 i16 LE, 11000010 i32 LE    its decimal text
//!         11000011 length length bytes                     compressed length, length, LZF
//! ```

use super::lzf::Lzf;
use crate::collections::decimal;
use crate::collections::listpack::Element;
use alloc::vec::Vec;

pub(super) const INT_8: u8 = 0xc0;
pub(super) const INT_16: u8 = 0xc1;
pub(super) const INT_32: u8 = 0xc2;
pub(super) const LZF: u8 = 0xc3;
pub(super) const LEN_32: u8 = 0x80;
pub(super) const LEN_64: u8 = 0x81;

/// Shorter strings are not worth compressing.
const COMPRESSED_FROM: usize = 21;

/// Longer texts are no integers of 32 bits.
const INT_TEXT_MAX: usize = 11;

/// Where the words of a value go.
#[derive(Debug)]
pub struct Writer<'a> {
    /// The bytes so far.
    pub out: &'a mut Vec<u8>,
    /// What compresses strings (`rdbcompression`), if they are to be.
    pub lzf: Option<&'a mut Lzf>,
}

impl Writer<'_> {
    /// One byte.
    pub fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// A length.
    pub fn length(&mut self, len: u64) {
        match len {
            0..=63 => self.byte(len as u8),
            64..=16_383 => self.bytes(&(len as u16 | 0x4000).to_be_bytes()),
            16_384..=0xffff_ffff => {
                self.byte(LEN_32);
                self.bytes(&(len as u32).to_be_bytes());
            }
            _ => {
                self.byte(LEN_64);
                self.bytes(&len.to_be_bytes());
            }
        }
    }

    /// A string, as short as it gets.
    pub fn string(&mut self, text: &[u8]) {
        if text.len() <= INT_TEXT_MAX
            && let Some(value) = decimal::parse(text)
            && self.short_int(value)
        {
            return;
        }
        if text.len() < COMPRESSED_FROM || !self.compressed(text) {
            self.plain(text);
        }
    }

    /// The decimal text of an integer.
    pub fn int(&mut self, value: i64) {
        if !self.short_int(value) {
            self.plain(itoa::Buffer::new().format(value).as_bytes());
        }
    }

    /// The text of an element.
    pub fn element(&mut self, element: Element<'_>) {
        match element {
            Element::Int(value) => self.int(value),
            Element::Str(text) => self.string(text),
        }
    }

    /// A double in its eight bytes.
    pub fn double(&mut self, value: f64) {
        self.bytes(&value.to_le_bytes());
    }

    /// A time in milliseconds.
    pub fn time_ms(&mut self, time_ms: i64) {
        self.bytes(&time_ms.to_le_bytes());
    }

    fn plain(&mut self, text: &[u8]) {
        self.length(text.len() as u64);
        self.bytes(text);
    }

    /// An integer as such, if it has 32 bits at most.
    fn short_int(&mut self, value: i64) -> bool {
        let (tag, width) = if i8::try_from(value).is_ok() {
            (INT_8, 1)
        } else if i16::try_from(value).is_ok() {
            (INT_16, 2)
        } else if i32::try_from(value).is_ok() {
            (INT_32, 4)
        } else {
            return false;
        };
        self.byte(tag);
        self.bytes(&value.to_le_bytes()[..width]);
        true
    }

    /// The string compressed, if that makes it shorter.
    fn compressed(&mut self, text: &[u8]) -> bool {
        let Some(lzf) = &mut self.lzf else { return false };
        let mut packed = Vec::new();
        if !lzf.compress(text, text.len() - 4, &mut packed) {
            return false;
        }
        self.byte(LZF);
        self.length(packed.len() as u64);
        self.length(text.len() as u64);
        self.bytes(&packed);
        true
    }
}
