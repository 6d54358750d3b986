//! Redis's listpack: a short sequence of strings and integers in one run of bytes.
//!
//! ```text
//! [ total u32 LE │ count u16 LE │ entry │ entry │ … │ 0xFF ]
//! ```
//!
//! The bytes are exactly those of Redis 7, so that RDB files and DUMP payloads are copies.
//! A count of 65535 says "count them". The entries are described in `entry.rs`.
//!
//! [`Pack`] is a listpack over one of two storages: [`Listpack`] is tight and one pointer wide, for
//! values of keys; [`RoomyListpack`] keeps room at both ends, for the nodes of long lists.
//! [`View`] reads a listpack wherever its bytes lie, and a pack derefs to what a view can do.
//!
//! A [`Pos`] is the place of an element. It stays good until the listpack changes before it;
//! a stale one finds another element or none, and never panics on reads.

mod element;
pub(crate) mod entry;
mod storage;
mod view;

#[cfg(test)]
pub(crate) mod tests;

use core::fmt;

pub use element::{Element, ElementText};
pub use storage::{Roomy, Storage, Thin};
pub use view::{Entries, Iter, View};

use crate::collections::corrupt::Corrupt;
use crate::collections::either::{Handle, LowBits};
use entry::{END, Encoded};

/// Bytes before the first entry.
const HEADER: usize = 6;

/// What the header's count says when it does not know.
const UNKNOWN_LEN: u16 = u16::MAX;

/// The listpack without elements.
const EMPTY: [u8; HEADER + 1] = [HEADER as u8 + 1, 0, 0, 0, 0, 0, END];

/// Redis lets no listpack grow past this.
pub const SAFE_LEN: usize = 1 << 30;

/// A listpack in a tight heap block; the handle is one pointer.
pub type Listpack = Pack<Thin>;

/// A listpack with room at both ends.
pub type RoomyListpack = Pack<Roomy>;

/// The place of an element in a listpack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pos(u32);

impl Pos {
    #[inline]
    fn at(self) -> usize {
        self.0 as usize
    }
}

/// On which side of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Nearer to the first element.
    Before,
    /// Nearer to the last element.
    After,
}

/// A listpack that owns its bytes.
#[derive(Clone)]
#[repr(transparent)]
pub struct Pack<S: Storage> {
    storage: S,
}

// SAFETY: a pack is its storage.
unsafe impl<S: Storage + Handle> Handle for Pack<S> {
    const LOW: LowBits = S::LOW;
}

impl<S: Storage> Pack<S> {
    /// A listpack without elements.
    #[must_use]
    pub fn new() -> Self {
        Self { storage: S::copy_of(&EMPTY) }
    }

    /// A copy of a listpack that came from outside, after a look at every entry.
    ///
    /// # Errors
    /// Says what is wrong with `bytes` when they are not one whole, sound listpack.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Corrupt> {
        View::check(bytes).map(Self::from_view)
    }

    /// A copy of a listpack.
    #[must_use]
    pub fn from_view(view: View<'_>) -> Self {
        Self { storage: S::copy_of(view.as_bytes()) }
    }

    /// The listpack to read, for as long as the pack is borrowed.
    #[inline]
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::trusted(self.storage.bytes())
    }

    /// The listpack in Redis's byte format.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.storage.bytes()
    }

    /// The length in bytes, header and end included.
    #[inline]
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        self.storage.bytes().len()
    }

    /// What the allocator was asked for.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.storage.heap_bytes()
    }

    /// How many elements there are. Takes a walk only from 65535 elements on.
    #[inline]
    #[must_use]
    pub fn len(&self) -> u32 {
        self.storage.known_count().unwrap_or_else(|| self.view().len())
    }

    /// Whether there is no element.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    /// Whether elements of `more` bytes together may be added. Callers that let clients add ask first.
    #[inline]
    #[must_use]
    pub fn fits(&self, more: usize) -> bool {
        more <= SAFE_LEN && self.bytes_len() + more <= SAFE_LEN
    }

    /// The place of the first element.
    #[must_use]
    pub fn first(&self) -> Option<Pos> {
        self.view().first()
    }

    /// The place of the last element.
    #[must_use]
    pub fn last(&self) -> Option<Pos> {
        self.view().last()
    }

    /// The place after `pos`.
    #[inline]
    #[must_use]
    pub fn next(&self, pos: Pos) -> Option<Pos> {
        self.view().next(pos)
    }

    /// The place before `pos`.
    #[inline]
    #[must_use]
    pub fn prev(&self, pos: Pos) -> Option<Pos> {
        self.view().prev(pos)
    }

    /// The element at `pos`.
    #[inline]
    #[must_use]
    pub fn at(&self, pos: Pos) -> Option<Element<'_>> {
        self.view().at(pos)
    }

    /// The place of the element with this index; negative ones count from the last, which is -1.
    #[must_use]
    pub fn seek(&self, index: i64) -> Option<Pos> {
        self.view().seek(index)
    }

    /// The element with this index; negative ones count from the last, which is -1.
    #[must_use]
    pub fn get(&self, index: i64) -> Option<Element<'_>> {
        self.view().get(index)
    }

    /// The elements, from either end.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        self.view().iter()
    }

    /// The elements from `pos` to the last.
    #[must_use]
    pub fn iter_from(&self, pos: Pos) -> Iter<'_> {
        self.view().iter_from(pos)
    }

    /// The elements with their places, from either end.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        self.view().entries()
    }

    /// The first element that is `needle`, with `skip` elements passed over between two looks:
    /// 1 looks at the fields of a hash and not at its values.
    #[inline]
    #[must_use]
    pub fn find(&self, needle: &[u8], skip: u32) -> Option<Pos> {
        self.view().find(needle, skip)
    }

    /// Adds an element after the last.
    #[inline]
    pub fn push_back(&mut self, text: &[u8]) {
        let encoded = Encoded::text(text);
        encoded.write(self.storage.open_back(encoded.size()));
    }

    /// Adds an integer after the last element.
    #[inline]
    pub fn push_back_int(&mut self, value: i64) {
        self.push_back_element(Element::Int(value));
    }

    /// Adds an element of another listpack after the last.
    #[inline]
    pub fn push_back_element(&mut self, element: Element<'_>) {
        self.put(self.view().end(), 0, &Encoded::element(element));
        self.storage.add_count(1);
    }

    /// Adds an element before the first.
    #[inline]
    pub fn push_front(&mut self, text: &[u8]) {
        let encoded = Encoded::text(text);
        encoded.write(self.storage.open_front(encoded.size()));
    }

    /// Adds elements after the last, growing once.
    pub fn extend<'a>(&mut self, texts: impl Iterator<Item = &'a [u8]> + Clone) {
        self.extend_encoded(texts.map(Encoded::text));
    }

    /// Adds elements of other collections after the last, growing once.
    pub fn extend_elements<'a>(&mut self, elements: impl Iterator<Item = Element<'a>> + Clone) {
        self.extend_encoded(elements.map(Encoded::element));
    }

    fn extend_encoded<'a>(&mut self, entries: impl Iterator<Item = Encoded<'a>> + Clone) {
        let (size, count) = entries
            .clone()
            .fold((0, 0), |(size, count), encoded| (size + encoded.size(), count + 1));
        let mut gap = self.storage.splice(self.view().end(), 0, size);
        for encoded in entries {
            let (entry, rest) = gap.split_at_mut(encoded.size());
            encoded.write(entry);
            gap = rest;
        }
        self.storage.add_count(count);
    }

    /// Adds every element of `other` after the last.
    pub fn concat(&mut self, other: View<'_>) {
        let (len, end) = (other.len(), other.end());
        let entries = &other.as_bytes()[HEADER..end];
        self.storage.splice(self.view().end(), 0, entries.len()).copy_from_slice(entries);
        self.storage.add_count(i64::from(len));
    }

    /// Adds an element next to the one at `pos` and says where it is.
    pub fn insert(&mut self, pos: Pos, text: &[u8], side: Side) -> Pos {
        let at = match side {
            Side::Before => pos.at(),
            Side::After => pos.at() + self.view().size_at(pos).unwrap_or(0),
        };
        self.put(at, 0, &Encoded::text(text));
        self.storage.add_count(1);
        Pos(at as u32)
    }

    /// Puts another element where one is. Its place stays `pos`.
    #[inline]
    pub fn replace(&mut self, pos: Pos, text: &[u8]) {
        self.overwrite(pos, &Encoded::text(text));
    }

    /// Puts an integer where an element is. Its place stays `pos`.
    #[inline]
    pub fn replace_int(&mut self, pos: Pos, value: i64) {
        self.overwrite(pos, &Encoded::int(value));
    }

    fn overwrite(&mut self, pos: Pos, encoded: &Encoded<'_>) {
        if let Some(old) = self.view().size_at(pos) {
            self.put(pos.at(), old, encoded);
        }
    }

    /// Removes the element at `pos` and says where the next one is now.
    pub fn remove(&mut self, pos: Pos) -> Option<Pos> {
        self.remove_at(pos, 1)
    }

    /// Removes up to `count` elements from `pos` on (2 for a field and its value) and says where the
    /// next one is now.
    pub fn remove_at(&mut self, pos: Pos, count: u32) -> Option<Pos> {
        let view = self.view();
        let (mut at, mut removed) = (pos.at(), 0);
        while removed < count && at < view.end() {
            at += view.size_at(Pos(at as u32))?;
            removed += 1;
        }
        let more = at < view.end();
        self.storage.splice(pos.at(), at - pos.at(), 0);
        self.storage.add_count(-i64::from(removed));
        more.then_some(pos)
    }

    /// Removes up to `count` elements from this index on; a negative one counts from the last.
    /// Says how many there were.
    pub fn remove_range(&mut self, index: i64, count: u32) -> u32 {
        let Some(pos) = self.seek(index) else { return 0 };
        let before = self.len();
        self.remove_at(pos, count);
        before - self.len()
    }

    /// Removes up to `most` elements that are `text`, searching from the first (`Before`) or from the
    /// last (`After`), and says how many there were.
    pub fn remove_text(&mut self, text: &[u8], most: u64, from: Side) -> u64 {
        let mut removed = 0;
        match from {
            Side::Before => {
                let mut at = self.first();
                while removed < most
                    && let Some(found) = at.and_then(|at| self.view().find_from(at, text, 0))
                {
                    at = self.remove(found);
                    removed += 1;
                }
            }
            Side::After => {
                let mut at = self.last();
                while removed < most
                    && let Some(found) = self.find_back(at, text)
                {
                    at = self.prev(found);
                    self.remove(found);
                    removed += 1;
                }
            }
        }
        removed
    }

    /// The place of the last element that is `text`, from `at` towards the first.
    fn find_back(&self, mut at: Option<Pos>, text: &[u8]) -> Option<Pos> {
        while let Some(pos) = at {
            if self.at(pos)?.eq_bytes(text) {
                return Some(pos);
            }
            at = self.prev(pos);
        }
        None
    }

    /// Keeps the first `index` elements and returns the others.
    #[must_use]
    pub fn split_off(&mut self, index: u32) -> Self {
        let mut tail = Self::new();
        if let Some(pos) = self.seek(i64::from(index)) {
            let moved = self.len() - index;
            let entries = &self.as_bytes()[pos.at()..self.view().end()];
            tail.storage.splice(HEADER, 0, entries.len()).copy_from_slice(entries);
            tail.storage.add_count(i64::from(moved));
            self.storage.splice(pos.at(), self.view().end() - pos.at(), 0);
            self.storage.add_count(-i64::from(moved));
        }
        tail
    }

    /// Panics when the listpack is not sound. For tests.
    pub fn check(&self) {
        let view = View::check(self.as_bytes()).expect("a listpack stays sound");
        assert_eq!(self.len() as usize, view.iter().count(), "a listpack knows its count");
    }

    #[inline]
    fn put(&mut self, at: usize, old: usize, encoded: &Encoded<'_>) {
        encoded.write(self.storage.splice(at, old, encoded.size()));
    }
}

impl RoomyListpack {
    /// A listpack without elements and with this much room before and after it.
    #[must_use]
    pub fn with_room(front: usize, back: usize) -> Self {
        Self { storage: Roomy::with_room(front, back) }
    }

    /// Gives all room back.
    pub fn tighten(&mut self) {
        self.storage.tighten();
    }
}

impl<S: Storage> Default for Pack<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Storage> fmt::Debug for Pack<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self
            .iter()
            .map(|element| alloc::string::String::from_utf8_lossy(&element.text()).into_owned());
        f.debug_list().entries(texts).finish()
    }
}

impl<'a, S: Storage> IntoIterator for &'a Pack<S> {
    type Item = Element<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> FromIterator<&'a [u8]> for Listpack {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(texts: I) -> Self {
        let mut pack = Self::new();
        for text in texts {
            pack.push_back(text);
        }
        pack
    }
}
