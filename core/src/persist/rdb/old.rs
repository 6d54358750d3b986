//! Ziplists and zipmaps: what small values were packed in before listpacks. Only read.
//!
//! ```text
//! ziplist  [ total u32 │ last entry's place u32 │ count u16 │ entry … │ 0xff ]
//! entry    [ length of the entry before: u8, or 0xfe and u32 │ head │ data ]
//! head     00LLLLLL, 01LLLLLL L, 10000000 L L L L (big-endian): a string of so many bytes
//!          0xc0 i16, 0xd0 i32, 0xe0 i64, 0xf0 i24, 0xfe i8 (little-endian), 0xf1 to 0xfd: 0 to 12
//! zipmap   [ count u8 │ length, name, length, u8, value, as many unused bytes as that says │ … │ 0xff ]
//! length   u8, or 0xfe and u32
//! ```

use super::Fault;
use crate::collections::listpack::{Element, Listpack, SAFE_LEN};

const END: u8 = 0xff;
const WIDE: u8 = 0xfe;
const HEADER: usize = 10;
const BAD_ZIPLIST: Fault = Fault::wrong("ziplist is not sound");
const BAD_ZIPMAP: Fault = Fault::wrong("zipmap is not sound");

/// The elements of a ziplist as a listpack.
pub(super) fn ziplist(bytes: &[u8]) -> Result<Listpack, Fault> {
    read_ziplist(bytes).ok_or(BAD_ZIPLIST)
}

fn read_ziplist(bytes: &[u8]) -> Option<Listpack> {
    let mut cursor = Cursor(bytes);
    let total = cursor.u32()?;
    let tail = cursor.u32()? as usize;
    let stated = u16::from_le_bytes(cursor.array()?);
    if total as usize != bytes.len() {
        return None;
    }
    let mut pack = Listpack::new();
    let (mut count, mut before, mut last) = (0u64, 0, HEADER);
    loop {
        let at = bytes.len() - cursor.0.len();
        let first = cursor.byte()?;
        if first == END {
            break;
        }
        let stated_before = match first {
            WIDE => cursor.u32()? as usize,
            short => short.into(),
        };
        if stated_before != before {
            return None;
        }
        let element = cursor.element()?;
        append(&mut pack, element)?;
        count += 1;
        last = at;
        before = bytes.len() - cursor.0.len() - at;
    }
    let counts = stated == u16::MAX || u64::from(stated) == count;
    (cursor.0.is_empty() && tail == last && counts).then_some(pack)
}

/// The fields and values of a zipmap as a listpack, and whether one is longer than `value_max`.
pub(super) fn zipmap(bytes: &[u8], value_max: u64) -> Result<(Listpack, bool), Fault> {
    read_zipmap(bytes, value_max).ok_or(BAD_ZIPMAP)
}

fn read_zipmap(bytes: &[u8], value_max: u64) -> Option<(Listpack, bool)> {
    let mut cursor = Cursor(bytes);
    let stated = cursor.byte()?;
    let mut pack = Listpack::new();
    let (mut count, mut is_long) = (0u64, false);
    while let Some(len) = cursor.zipmap_len()? {
        let name = cursor.take(len)?;
        let len = cursor.zipmap_len()??;
        let unused = cursor.byte()?;
        let value = cursor.take(len)?;
        cursor.take(unused.into())?;
        append(&mut pack, Element::Str(name))?;
        append(&mut pack, Element::Str(value))?;
        count += 1;
        is_long |= name.len().max(value.len()) as u64 > value_max;
    }
    let counts = stated >= WIDE || u64::from(stated) == count;
    (cursor.0.is_empty() && counts).then_some((pack, is_long))
}

fn append(pack: &mut Listpack, element: Element<'_>) -> Option<()> {
    if !pack.fits(element.len().min(SAFE_LEN) + 16) {
        return None;
    }
    match element {
        Element::Int(value) => pack.push_back_int(value),
        Element::Str(text) => pack.push_back(text),
    }
    Some(())
}

/// Bytes taken off the front.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    fn byte(&mut self) -> Option<u8> {
        let [byte] = self.array()?;
        Some(byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A length of a zipmap; `Some(None)` at its end.
    fn zipmap_len(&mut self) -> Option<Option<usize>> {
        match self.byte()? {
            END => Some(None),
            // What has room in a byte is never written in five.
            WIDE => self.u32().filter(|len| *len >= WIDE.into()).map(|len| Some(len as usize)),
            short => Some(Some(short.into())),
        }
    }

    /// An entry of a ziplist from its head on.
    fn element(&mut self) -> Option<Element<'a>> {
        let head = self.byte()?;
        let len = match head {
            0x00..=0x3f => head.into(),
            0x40..=0x7f => usize::from(head & 0x3f) << 8 | usize::from(self.byte()?),
            0x80 => u32::from_be_bytes(self.array()?) as usize,
            _ => {
                return Some(Element::Int(match head {
                    0xc0 => i16::from_le_bytes(self.array()?).into(),
                    0xd0 => i32::from_le_bytes(self.array()?).into(),
                    0xe0 => i64::from_le_bytes(self.array()?),
                    0xf0 => {
                        let [a, b, c] = self.array()?;
                        (i32::from_le_bytes([0, a, b, c]) >> 8).into()
                    }
                    0xfe => i8::from_le_bytes(self.array()?).into(),
                    0xf1..=0xfd => i64::from(head & 0x0f) - 1,
                    _ => return None,
                }));
            }
        };
        self.take(len).map(Element::Str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn texts(pack: &Listpack) -> Vec<Vec<u8>> {
        pack.iter().map(Element::to_vec).collect()
    }

    /// Redis 6.2's ziplist of "hello", 2, -100, 1000, 70000, 1 << 40.
    const ZIPLIST: &[u8] =
        b"\x2a\x00\x00\x00\x1f\x00\x00\x00\x06\x00\x00\x05hello\x07\xf3\x02\xfe\x9c\x03\
        \xc0\xe8\x03\x04\xf0\x70\x11\x01\x05\xe0\x00\x00\x00\x00\x00\x01\x00\x00\xff";

    #[test]
    fn a_ziplist_has_the_elements_that_were_put_in() {
        let pack = ziplist(ZIPLIST).expect("it is sound");
        let wanted = ["hello", "2", "-100", "1000", "70000", "1099511627776"];
        assert_eq!(texts(&pack), wanted.map(|text| text.as_bytes().to_vec()));
    }

    #[test]
    fn every_byte_that_is_wrong_is_noticed_or_harmless() {
        for at in 0..ZIPLIST.len() {
            assert!(ziplist(&ZIPLIST[..at]).is_err());
            for bit in 0..8 {
                let mut bytes = ZIPLIST.to_vec();
                bytes[at] ^= 1 << bit;
                if let Ok(pack) = ziplist(&bytes) {
                    pack.check();
                    assert!(at >= 11, "byte {at} of the header");
                }
            }
        }
    }

    #[test]
    fn a_zipmap_has_its_fields_and_skips_what_is_unused() {
        let map = b"\x02\x03foo\x03\x00bar\x05hello\x05\x02world??\xff";
        let (pack, is_long) = zipmap(map, 4).expect("it is sound");
        assert_eq!(texts(&pack), [&b"foo"[..], b"bar", b"hello", b"world"].map(<[u8]>::to_vec));
        assert!(is_long);
        for at in 0..map.len() {
            assert!(zipmap(&map[..at], 64).is_err());
        }
        assert!(zipmap(b"\x01\xff", 64).is_err());
        assert!(zipmap(b"\x01\xfe\xff\xff\xff\xff", 64).is_err());
    }
}
