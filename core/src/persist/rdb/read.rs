//! RDB's words taken off the front of bytes from outside; see `write.rs` for what they look like.

use super::lzf;
use super::write::{INT_8, INT_16, INT_32, LEN_32, LEN_64, LZF};
use crate::collections::corrupt::Corrupt;
use crate::collections::decimal;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

/// Why there is no value in the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// They end too early: at least so many are needed, counted from the first.
    Short(u64),
    /// They are wrong.
    Wrong(Cow<'static, str>),
    /// A collection without members: Redis has none, but old files may.
    Empty,
}

impl Fault {
    pub(super) const fn wrong(reason: &'static str) -> Self {
        Self::Wrong(Cow::Borrowed(reason))
    }

    pub(super) fn unknown(what: &str, code: u8) -> Self {
        Self::Wrong(Cow::Owned(format!("unknown {what} {code}")))
    }

    /// What is wrong, in words.
    pub fn text(&self) -> String {
        match self {
            Self::Short(_) => "unexpected end".into(),
            Self::Wrong(reason) => reason.clone().into_owned(),
            Self::Empty => "empty collection".into(),
        }
    }
}

impl From<Corrupt> for Fault {
    fn from(corrupt: Corrupt) -> Self {
        Self::wrong(corrupt.0)
    }
}

/// What a length's two high bits can say instead.
enum Word {
    Len(u64),
    /// A string in another form.
    Special(u8),
}

/// Bytes to be read.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads these bytes from the first on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were taken.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Takes so many bytes.
    pub fn take(&mut self, len: u64) -> Result<&'a [u8], Fault> {
        let left = self.bytes.len() - self.at;
        match usize::try_from(len) {
            Ok(len) if len <= left => {
                let taken = &self.bytes[self.at..self.at + len];
                self.at += len;
                Ok(taken)
            }
            _ => Err(Fault::Short((self.at as u64).saturating_add(len))),
        }
    }

    /// Takes so many bytes, all of which are there.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let taken = self.take(N as u64)?;
        taken.first_chunk().copied().ok_or(Fault::Short(self.at as u64))
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Fault> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// A number of 64 bits, little-endian.
    pub fn u64(&mut self) -> Result<u64, Fault> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A time in milliseconds.
    pub fn time_ms(&mut self) -> Result<i64, Fault> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// A double in its eight bytes.
    pub fn double(&mut self) -> Result<f64, Fault> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    fn word(&mut self) -> Result<Word, Fault> {
        let first = self.byte()?;
        Ok(Word::Len(match first {
            0..=0x3f => first.into(),
            0x40..=0x7f => u64::from(first & 0x3f) << 8 | u64::from(self.byte()?),
            LEN_32 => u32::from_be_bytes(self.array()?).into(),
            LEN_64 => u64::from_be_bytes(self.array()?),
            0xc0.. => return Ok(Word::Special(first)),
            _ => return Err(Fault::unknown("form of a length", first)),
        }))
    }

    /// A length.
    pub fn length(&mut self) -> Result<u64, Fault> {
        match self.word()? {
            Word::Len(len) => Ok(len),
            Word::Special(_) => Err(Fault::wrong("a string where a length should be")),
        }
    }

    /// A string.
    pub fn string(&mut self) -> Result<Cow<'a, [u8]>, Fault> {
        let special = match self.word()? {
            Word::Len(len) => return self.take(len).map(Cow::Borrowed),
            Word::Special(special) => special,
        };
        let value: i64 = match special {
            INT_8 => i8::from_le_bytes(self.array()?).into(),
            INT_16 => i16::from_le_bytes(self.array()?).into(),
            INT_32 => i32::from_le_bytes(self.array()?).into(),
            LZF => {
                let packed = self.length()?;
                let len = self.length()?;
                let packed = self.take(packed)?;
                let len = usize::try_from(len).ok();
                let whole = len.and_then(|len| lzf::decompress(packed, len));
                return whole.map(Cow::Owned).ok_or(Fault::wrong("compressed string is not sound"));
            }
            _ => return Err(Fault::unknown("form of a string", special)),
        };
        Ok(Cow::Owned(itoa::Buffer::new().format(value).as_bytes().to_vec()))
    }

    /// A double as text, as old versions wrote scores.
    pub fn double_text(&mut self) -> Result<f64, Fault> {
        Ok(match self.byte()? {
            255 => f64::NEG_INFINITY,
            254 => f64::INFINITY,
            253 => f64::NAN,
            len => decimal::parse_double(self.take(len.into())?)
                .ok_or(Fault::wrong("score is no number"))?,
        })
    }
}
