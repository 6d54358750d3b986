//! Reading a listpack that lies in borrowed bytes.

use core::iter::FusedIterator;

use super::entry;
use super::{Element, HEADER, Pos, UNKNOWN_LEN};
use crate::collections::block::MAX_LEN;
use crate::collections::corrupt::Corrupt;
use crate::collections::decimal;

/// A listpack to read, in bytes that were checked or that this module wrote.
#[derive(Clone, Copy)]
pub struct View<'a> {
    bytes: &'a [u8],
}

impl<'a> View<'a> {
    /// Takes `bytes` for a listpack after a look at every entry.
    ///
    /// # Errors
    /// Says what is wrong with `bytes` when they are not one whole, sound listpack.
    pub fn check(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let [a, b, c, d, low, high, _, ..] = *bytes else {
            return Err(Corrupt("listpack shorter than its header"));
        };
        if bytes.len() > MAX_LEN || u32::from_le_bytes([a, b, c, d]) as usize != bytes.len() {
            return Err(Corrupt("listpack size differs from its header"));
        }
        let end = bytes.len() - 1;
        if bytes[end] != entry::END {
            return Err(Corrupt("listpack without its end"));
        }
        let (mut at, mut count) = (HEADER, 0u32);
        while at < end {
            at += entry::check(bytes, at, end).ok_or(Corrupt("listpack entry is not sound"))?;
            count += 1;
        }
        let stated = u16::from_le_bytes([low, high]);
        if stated != UNKNOWN_LEN && u32::from(stated) != count {
            return Err(Corrupt("listpack count differs from its header"));
        }
        Ok(Self { bytes })
    }

    /// Bytes that are known to be a listpack.
    #[inline]
    pub(super) fn trusted(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len() > HEADER && bytes[bytes.len() - 1] == entry::END);
        Self { bytes }
    }

    /// The listpack in Redis's byte format.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Where the end mark is.
    #[inline]
    pub(super) fn end(self) -> usize {
        self.bytes.len() - 1
    }

    /// The count in the header; 65535 says that it must be counted.
    #[inline]
    pub(super) fn stated_len(self) -> u16 {
        u16::from_le_bytes([self.bytes[4], self.bytes[5]])
    }

    /// How many elements there are: a look at the header, or a walk from 65535 elements on.
    #[must_use]
    pub fn len(self) -> u32 {
        match self.stated_len() {
            UNKNOWN_LEN => self.count(),
            stated => u32::from(stated),
        }
    }

    /// Counts the elements one by one.
    fn count(self) -> u32 {
        let (mut at, mut count) = (HEADER, 0);
        while at < self.end() {
            let Some(size) = entry::size(self.bytes, at) else { break };
            at += size;
            count += 1;
        }
        count
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.end() == HEADER
    }

    /// The place of the first element.
    #[must_use]
    pub fn first(self) -> Option<Pos> {
        self.pos(HEADER)
    }

    /// The place of the last element.
    #[must_use]
    pub fn last(self) -> Option<Pos> {
        self.pos(entry::start_before(self.bytes, self.end())?)
    }

    /// The place after `pos`.
    #[inline]
    #[must_use]
    pub fn next(self, pos: Pos) -> Option<Pos> {
        self.pos(pos.at() + entry::size(self.bytes, pos.at())?)
    }

    /// The place before `pos`.
    #[inline]
    #[must_use]
    pub fn prev(self, pos: Pos) -> Option<Pos> {
        if pos.at() <= HEADER {
            return None;
        }
        self.pos(entry::start_before(self.bytes, pos.at())?)
    }

    #[inline]
    fn pos(self, at: usize) -> Option<Pos> {
        (HEADER..self.end()).contains(&at).then_some(Pos(at as u32))
    }

    /// The element at `pos`.
    #[inline]
    #[must_use]
    pub fn at(self, pos: Pos) -> Option<Element<'a>> {
        Some(entry::decode(self.bytes, pos.at())?.0)
    }

    /// Bytes of the entry at `pos`.
    #[inline]
    pub(super) fn size_at(self, pos: Pos) -> Option<usize> {
        entry::size(self.bytes, pos.at())
    }

    /// The place of the element with this index; negative ones count from the last, which is -1.
    #[must_use]
    pub fn seek(self, index: i64) -> Option<Pos> {
        let stated = self.stated_len();
        let len = i64::from(stated);
        if stated == UNKNOWN_LEN {
            return if index < 0 { self.seek_back(!index) } else { self.seek_front(index) };
        }
        let index = if index < 0 { len + index } else { index };
        if !(0..len).contains(&index) {
            None
        } else if index <= len / 2 {
            self.seek_front(index)
        } else {
            self.seek_back(len - 1 - index)
        }
    }

    #[cfg_attr(redstart_small, optimize(speed))]
    fn seek_front(self, steps: i64) -> Option<Pos> {
        let (mut at, end) = (HEADER, self.end());
        for _ in 0..steps {
            if at >= end {
                return None;
            }
            at += entry::size(self.bytes, at)?;
        }
        self.pos(at)
    }

    fn seek_back(self, steps: i64) -> Option<Pos> {
        let mut pos = self.last()?;
        for _ in 0..steps {
            pos = self.prev(pos)?;
        }
        Some(pos)
    }

    /// The element with this index; negative ones count from the last, which is -1.
    #[must_use]
    pub fn get(self, index: i64) -> Option<Element<'a>> {
        self.at(self.seek(index)?)
    }

    /// The elements, from either end.
    #[inline]
    #[must_use]
    pub fn iter(self) -> Iter<'a> {
        Iter { bytes: self.bytes, front: HEADER, back: self.end() }
    }

    /// The elements from `pos` to the last.
    #[inline]
    #[must_use]
    pub fn iter_from(self, pos: Pos) -> Iter<'a> {
        Iter { bytes: self.bytes, front: pos.at().clamp(HEADER, self.end()), back: self.end() }
    }

    /// The elements from the first to `pos`, that one included.
    #[must_use]
    pub fn iter_to(self, pos: Pos) -> Iter<'a> {
        let back = pos.at() + self.size_at(pos).unwrap_or(0);
        Iter { bytes: self.bytes, front: HEADER, back: back.clamp(HEADER, self.end()) }
    }

    /// The elements with their places, from either end.
    #[must_use]
    pub fn entries(self) -> Entries<'a> {
        Entries(self.iter())
    }

    /// The first element that is `needle`, with `skip` elements passed over between two looks:
    /// 1 looks at the fields of a hash and not at its values.
    #[must_use]
    pub fn find(self, needle: &[u8], skip: u32) -> Option<Pos> {
        self.find_from(self.first()?, needle, skip)
    }

    /// Like `find`, starting at `pos`.
    #[must_use]
    pub fn find_from(self, pos: Pos, needle: &[u8], skip: u32) -> Option<Pos> {
        let int = decimal::parse(needle);
        let (mut at, end, mut wait) = (pos.at(), self.end(), 0);
        while at < end {
            // Short texts, at once: built for size, what follows is some calls for each element.
            if cfg!(target_arch = "wasm32")
                && let head = *self.bytes.get(at)?
                && head >> 6 == 0b10
            {
                let text = at + 1..at + 1 + usize::from(head & 0x3f);
                let next = text.end + 1;
                if wait > 0 {
                    wait -= 1;
                } else if text.len() == needle.len() && self.bytes.get(text)? == needle {
                    return self.pos(at);
                } else {
                    wait = skip;
                }
                at = next;
                continue;
            }
            if wait > 0 {
                wait -= 1;
                at += entry::size(self.bytes, at)?;
                continue;
            }
            wait = skip;
            let (element, size) = entry::decode(self.bytes, at)?;
            let same = match element {
                Element::Str(text) => text == needle,
                Element::Int(value) => int == Some(value),
            };
            if same {
                return self.pos(at);
            }
            at += size;
        }
        None
    }
}

/// Elements of a listpack, from either end.
#[derive(Clone, Default)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    front: usize,
    back: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    #[cfg_attr(redstart_small, optimize(speed))]
    fn next(&mut self) -> Option<Element<'a>> {
        if self.front >= self.back {
            return None;
        }
        let (element, size) = entry::decode(self.bytes, self.front)?;
        self.front += size;
        Some(element)
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        self.back = entry::start_before(self.bytes, self.back)?;
        Some(entry::decode(self.bytes, self.back)?.0)
    }
}

impl FusedIterator for Iter<'_> {}

/// Elements of a listpack with their places, from either end.
#[derive(Clone)]
pub struct Entries<'a>(Iter<'a>);

impl<'a> Iterator for Entries<'a> {
    type Item = (Pos, Element<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let pos = Pos(self.0.front as u32);
        Some((pos, self.0.next()?))
    }
}

impl DoubleEndedIterator for Entries<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let element = self.0.next_back()?;
        Some((Pos(self.0.back as u32), element))
    }
}

impl FusedIterator for Entries<'_> {}
