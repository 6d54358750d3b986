//! What a listpack holds: an integer or a string, and its text.

use alloc::vec::Vec;
use core::ops::Deref;

use crate::collections::decimal;

/// An element as it is stored. Integers stand for their canonical decimal text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element<'a> {
    /// An integer.
    Int(i64),
    /// Anything else.
    Str(&'a [u8]),
}

impl<'a> Element<'a> {
    /// The element that `text` is stored as.
    #[must_use]
    pub fn from_text(text: &'a [u8]) -> Self {
        decimal::parse(text).map_or(Element::Str(text), Element::Int)
    }

    /// The same element whether a listpack held it or a table, which knows only texts.
    #[inline]
    #[must_use]
    pub fn canonical(self) -> Self {
        match self {
            Element::Str(text) => Element::from_text(text),
            int @ Element::Int(_) => int,
        }
    }

    /// Bytes of the text.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Element::Int(value) => decimal::text_len(value),
            Element::Str(text) => text.len(),
        }
    }

    /// Whether the text is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Element::Str(b"")
    }

    /// Whether the text is `other`.
    #[inline]
    #[must_use]
    pub fn eq_bytes(self, other: &[u8]) -> bool {
        match self {
            Element::Int(value) => decimal::parse(other) == Some(value),
            Element::Str(text) => text == other,
        }
    }

    /// The integer, if it is stored as one.
    #[must_use]
    pub fn as_int(self) -> Option<i64> {
        match self {
            Element::Int(value) => Some(value),
            Element::Str(_) => None,
        }
    }

    /// The text, without the heap.
    #[inline]
    #[must_use]
    pub fn text(self) -> ElementText<'a> {
        match self {
            Element::Str(text) => ElementText(Text::Borrowed(text)),
            Element::Int(value) => {
                let mut buffer = [0; decimal::MAX_TEXT];
                let start = decimal::write(value, &mut buffer) as u8;
                ElementText(Text::Written { buffer, start })
            }
        }
    }

    /// The text at the end of `out`.
    pub fn write_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text());
    }

    /// A copy of the text.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        self.text().to_vec()
    }
}

/// The text of an element: borrowed from the listpack, or digits in a small buffer of its own.
pub struct ElementText<'a>(Text<'a>);

enum Text<'a> {
    Borrowed(&'a [u8]),
    Written { buffer: [u8; decimal::MAX_TEXT], start: u8 },
}

impl Deref for ElementText<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Text::Borrowed(text) => text,
            Text::Written { buffer, start } => &buffer[usize::from(*start)..],
        }
    }
}

impl AsRef<[u8]> for ElementText<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self
    }
}
