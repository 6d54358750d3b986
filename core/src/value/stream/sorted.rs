//! A sequence sorted by ID in small chunks: what waits to be acknowledged.
//!
//! IDs are delivered in order and mostly acknowledged in order, so appending and removing at the front are
//! the usual cases; anything else moves a part of one chunk.

use super::id::Id;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

const CHUNK: usize = 64;

/// What is sorted by an ID.
pub(super) trait Keyed {
    fn id(&self) -> Id;
}

impl Keyed for Id {
    fn id(&self) -> Id {
        *self
    }
}

/// Items in the order of their IDs, each ID once.
#[derive(Debug, Clone)]
pub(super) struct Sorted<T> {
    // Invariant: no chunk is empty.
    chunks: VecDeque<Vec<T>>,
    len: usize,
}

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self { chunks: VecDeque::new(), len: 0 }
    }
}

impl<T: Keyed> Sorted<T> {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The chunk and the place in it of the first item whose ID is not less than `id`, and whether it is that.
    #[inline]
    fn place(&self, id: Id) -> (usize, usize, bool) {
        let chunk =
            self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| last.id() < id));
        let Some(items) = self.chunks.get(chunk) else { return (chunk, 0, false) };
        let at = items.partition_point(|item| item.id() < id);
        (chunk, at, items.get(at).is_some_and(|item| item.id() == id))
    }

    pub(super) fn get(&self, id: Id) -> Option<&T> {
        match self.place(id) {
            (chunk, at, true) => self.chunks[chunk].get(at),
            _ => None,
        }
    }

    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        match self.place(id) {
            (chunk, at, true) => self.chunks[chunk].get_mut(at),
            _ => None,
        }
    }

    pub(super) fn first(&self) -> Option<&T> {
        self.chunks.front()?.first()
    }

    pub(super) fn last(&self) -> Option<&T> {
        self.chunks.back()?.last()
    }

    /// The items from `id` on.
    pub(super) fn iter_from(&self, id: Id) -> impl Iterator<Item = &T> {
        let (chunk, at, _) = self.place(id);
        let first = self.chunks.get(chunk).map_or(&[][..], |items| &items[at..]);
        first.iter().chain(self.chunks.iter().skip(chunk + 1).flatten())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }

    /// Adds an item; gives it back if there is one of its ID.
    pub(super) fn insert(&mut self, item: T) -> Result<(), T> {
        let id = item.id();
        if self.last().is_none_or(|last| last.id() < id) {
            self.push(item);
            return Ok(());
        }
        let (chunk, at, found) = self.place(id);
        if found {
            return Err(item);
        }
        let items = &mut self.chunks[chunk];
        items.insert(at, item);
        if items.len() > CHUNK {
            let rest = items.split_off(CHUNK / 2);
            self.chunks.insert(chunk + 1, rest);
        }
        self.len += 1;
        Ok(())
    }

    fn push(&mut self, item: T) {
        self.len += 1;
        let chunks = self.chunks.len();
        match self.chunks.back_mut() {
            Some(items) if items.len() < CHUNK => {
                if items.len() == items.capacity() {
                    // Chunks are filled from the second on: they get their whole room at once.
                    let whole = CHUNK - items.len();
                    items.reserve_exact(if chunks > 1 { whole } else { items.len().min(whole) });
                }
                items.push(item);
            }
            _ => {
                let mut items = Vec::new();
                items.reserve_exact(if chunks > 0 { CHUNK } else { 1 });
                items.push(item);
                self.chunks.push_back(items);
            }
        }
    }

    pub(super) fn remove(&mut self, id: Id) -> Option<T> {
        let (chunk, at, true) = self.place(id) else { return None };
        let items = &mut self.chunks[chunk];
        let item = items.remove(at);
        let left = items.len();
        self.len -= 1;
        if left == 0 {
            self.chunks.remove(chunk);
        } else if left < CHUNK / 4 && chunk + 1 < self.chunks.len() {
            let after = self.chunks[chunk + 1].len();
            if left + after <= CHUNK / 2
                && let Some(rest) = self.chunks.remove(chunk + 1)
            {
                self.chunks[chunk].extend(rest);
            }
        }
        Some(item)
    }

    pub(super) fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Frees up to `chunks` chunks; how many.
    pub(super) fn drop_chunks(&mut self, chunks: usize) -> usize {
        let gone = chunks.min(self.chunks.len());
        self.len -= self.chunks.drain(..gone).map(|items| items.len()).sum::<usize>();
        gone
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let items: usize = self.chunks.iter().map(Vec::capacity).sum();
        items * size_of::<T>() + self.chunks.capacity() * size_of::<Vec<T>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn random_changes_do_what_they_do_to_a_set() {
        let mut rng = crate::rng::Rng::new(3);
        let (mut sorted, mut model) = (Sorted::<Id>::default(), BTreeSet::new());
        for round in 0..if cfg!(miri) { 300 } else { 20_000 } {
            let id = Id::new(rng.below(700), rng.below(2));
            // Grows, shrinks, grows again.
            if rng.below(10) < 3 + (round / 4000) % 2 * 4 {
                assert_eq!(sorted.remove(id), model.take(&id));
            } else {
                assert_eq!(sorted.insert(id).is_ok(), model.insert(id));
            }
            assert_eq!((sorted.len(), sorted.get(id)), (model.len(), model.get(&id)));
            assert_eq!((sorted.first(), sorted.last()), (model.first(), model.last()));
        }
        assert!(sorted.iter().eq(model.iter()));
        let from = Id::new(300, 1);
        assert!(sorted.iter_from(from).eq(model.range(from..)));
    }
}
