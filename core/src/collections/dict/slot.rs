//! A filled slot of a table, for changing what is there.

use super::raw::Place;
use super::{Dict, as_item, erased, from_word};

/// A filled slot, found by [`Dict::find_slot`] or made by [`Dict::insert_unique`].
pub struct SlotMut<'a, T> {
    pub(super) dict: &'a mut Dict<T>,
    pub(super) place: Place,
}

impl<'a, T> SlotMut<'a, T> {
    fn item(&self) -> *mut T {
        // SAFETY: the place is that of an entry.
        unsafe { self.place.node.word(self.place.slot) }.cast()
    }

    /// The element.
    #[inline]
    #[must_use]
    pub fn get(&self) -> &T {
        // SAFETY: the slot is filled, and borrowed with `self`.
        unsafe { as_item(self.item().cast()) }
    }

    /// The element, to change in ways that leave its hash alone.
    #[inline]
    #[must_use]
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: the slot is filled, and borrowed with `self` alone.
        unsafe { &mut *self.item() }
    }

    /// The element for as long as the table is borrowed.
    #[inline]
    #[must_use]
    pub fn into_mut(self) -> &'a mut T {
        // SAFETY: the slot is filled, and the table borrowed for `'a`.
        unsafe { &mut *self.item() }
    }

    /// Puts another element with the same hash here; returns the one that was. The mark stays.
    #[inline]
    pub fn replace(&mut self, value: T) -> T {
        core::mem::replace(self.get_mut(), value)
    }

    /// Whether the element is marked.
    #[inline]
    #[must_use]
    pub fn mark(&self) -> bool {
        // SAFETY: the node is alive.
        unsafe { self.place.node.tags() }.mark(self.place.slot)
    }

    /// Marks the element or takes the mark off.
    #[inline]
    pub fn set_mark(&mut self, mark: bool) {
        let (node, slot) = (self.place.node, self.place.slot);
        // SAFETY: the node is alive; the entry keeps its tag.
        unsafe {
            let tags = node.tags();
            let marked = &mut self.dict.raw.marked;
            *marked = *marked - usize::from(tags.mark(slot)) + usize::from(mark);
            node.set_tags(tags.put(slot, tags.tag(slot), mark));
        }
    }

    /// Takes the element out of the table.
    #[inline]
    pub fn remove(self, hasher: impl Fn(&T) -> u64) -> T {
        // SAFETY: the place is that of an entry; its word is taken once, for `self` is consumed.
        let value = unsafe { from_word(self.dict.raw.take(self.place)) };
        self.dict.raw.tidy(&mut erased(hasher));
        value
    }
}
