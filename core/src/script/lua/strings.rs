//! All strings, each once.
//!
//! A hash table with chains, as in PUC Lua; the hash is PUC's too, because the order in which
//! `pairs` shows string keys follows from it.

use super::heap::Mark;
use super::value::Str;
use alloc::{boxed::Box, vec, vec::Vec};

const NONE: u32 = u32::MAX;

/// What a string costs besides its bytes.
pub(super) const OVERHEAD: usize = 40;

struct Slot {
    bytes: Box<[u8]>,
    /// The hash by which the string is found here.
    place: u32,
    /// The next in the bucket, or the next free slot.
    next: u32,
    mark: Mark,
}

pub(super) struct Strings {
    slots: Vec<Slot>,
    buckets: Vec<u32>,
    free: u32,
    count: usize,
}

/// PUC's hash: of a long string it takes at most 32 bytes, from the end on.
#[inline]
fn hash_of(bytes: &[u8]) -> u32 {
    let mut hash = bytes.len() as u32;
    let step = (bytes.len() >> 5) + 1;
    if step == 1 {
        for &byte in bytes.iter().rev() {
            hash ^= (hash << 5).wrapping_add(hash >> 2).wrapping_add(u32::from(byte));
        }
        return hash;
    }
    let mut at = bytes.len();
    while at >= step {
        hash ^= (hash << 5).wrapping_add(hash >> 2).wrapping_add(u32::from(bytes[at - 1]));
        at -= step;
    }
    hash
}

/// The hash for the buckets here. PUC's looks at few bytes of a long string, so a script could make
/// it the same for as many as it wants; this looks at all.
#[inline]
fn place_of(bytes: &[u8], hash: u32) -> u32 {
    if bytes.len() < 32 { hash } else { place_of_long(bytes, hash) }
}

fn place_of_long(bytes: &[u8], hash: u32) -> u32 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = u64::from(hash);
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        state = (state ^ u64::from_le_bytes(*chunk)).wrapping_mul(FACTOR);
        state ^= state >> 29;
    }
    for &byte in rest {
        state = (state ^ u64::from(byte)).wrapping_mul(FACTOR);
    }
    (state >> 32) as u32
}

impl Strings {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), buckets: vec![NONE; 256], free: NONE, count: 0 }
    }

    #[inline]
    pub(super) fn bytes(&self, id: u32) -> &[u8] {
        &self.slots[id as usize].bytes
    }

    /// The string of these bytes and how much memory was taken for it, none if it was there.
    ///
    /// `dead` is the mark of what the running sweep is going to free: such a string is revived.
    pub(super) fn intern(&mut self, bytes: &[u8], fresh: Mark, dead: Mark) -> (Str, usize) {
        let hash = hash_of(bytes);
        let place = place_of(bytes, hash);
        match self.find(bytes, place) {
            Some(id) => (self.revive(id, hash, fresh, dead), 0),
            None => (self.insert(bytes.into(), hash, place, fresh), bytes.len() + OVERHEAD),
        }
    }

    /// The same for a part of a string that is there.
    pub(super) fn intern_part(
        &mut self,
        id: u32,
        start: usize,
        end: usize,
        fresh: Mark,
        dead: Mark,
    ) -> (Str, usize) {
        let bytes = &self.slots[id as usize].bytes[start..end];
        let hash = hash_of(bytes);
        let place = place_of(bytes, hash);
        match self.find(bytes, place) {
            Some(id) => (self.revive(id, hash, fresh, dead), 0),
            None => (self.insert(bytes.into(), hash, place, fresh), end - start + OVERHEAD),
        }
    }

    #[inline]
    fn find(&self, bytes: &[u8], place: u32) -> Option<u32> {
        let mut id = self.buckets[place as usize & (self.buckets.len() - 1)];
        while id != NONE {
            let slot = &self.slots[id as usize];
            if slot.place == place && *slot.bytes == *bytes {
                return Some(id);
            }
            id = slot.next;
        }
        None
    }

    #[inline]
    fn revive(&mut self, id: u32, hash: u32, fresh: Mark, dead: Mark) -> Str {
        let slot = &mut self.slots[id as usize];
        if slot.mark == dead {
            slot.mark = fresh;
        }
        Str { id, hash }
    }

    fn insert(&mut self, bytes: Box<[u8]>, hash: u32, place: u32, mark: Mark) -> Str {
        if self.count >= self.buckets.len() {
            self.grow();
        }
        let bucket = place as usize & (self.buckets.len() - 1);
        let slot = Slot { bytes, place, next: self.buckets[bucket], mark };
        let id = if self.free == NONE {
            self.slots.push(slot);
            self.slots.len() as u32 - 1
        } else {
            let id = self.free;
            self.free = self.slots[id as usize].next;
            self.slots[id as usize] = slot;
            id
        };
        self.buckets[bucket] = id;
        self.count += 1;
        Str { id, hash }
    }

    /// Twice the buckets; every chain is hung anew.
    fn grow(&mut self) {
        let size = self.buckets.len() * 2;
        let old = core::mem::replace(&mut self.buckets, vec![NONE; size]);
        for mut id in old {
            while id != NONE {
                let slot = &mut self.slots[id as usize];
                let next = slot.next;
                let bucket = &mut self.buckets[slot.place as usize & (size - 1)];
                slot.next = *bucket;
                *bucket = id;
                id = next;
            }
        }
    }

    #[inline]
    pub(super) fn set_mark(&mut self, id: u32, mark: Mark) {
        self.slots[id as usize].mark = mark;
    }

    /// How many slots a sweep has to visit.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Frees the string in this slot if it is `dead`, or gives it the mark `alive`.
    pub(super) fn sweep(&mut self, index: usize, dead: Mark, alive: Mark) -> usize {
        let slot = &mut self.slots[index];
        if slot.mark != dead {
            if slot.mark != Mark::Free {
                slot.mark = alive;
            }
            return 0;
        }
        let freed = slot.bytes.len() + OVERHEAD;
        slot.bytes = Box::default();
        slot.mark = Mark::Free;
        let next = core::mem::replace(&mut slot.next, self.free);
        self.free = index as u32;
        let bucket = slot.place as usize & (self.buckets.len() - 1);
        self.count -= 1;
        let mut id = self.buckets[bucket];
        if id as usize == index {
            self.buckets[bucket] = next;
            return freed;
        }
        while id != NONE {
            let slot = &mut self.slots[id as usize];
            if slot.next as usize == index {
                slot.next = next;
                return freed;
            }
            id = slot.next;
        }
        freed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_are_one() {
        let mut strings = Strings::new();
        let (a, cost) = strings.intern(b"key", Mark::White0, Mark::White1);
        assert_eq!(cost, 3 + OVERHEAD);
        assert_eq!(strings.intern(b"key", Mark::White0, Mark::White1), (a, 0));
        assert_ne!(strings.intern(b"Key", Mark::White0, Mark::White1).0, a);
    }

    #[test]
    fn freed_slots_are_used_again_and_chains_hold() {
        let mut strings = Strings::new();
        for i in 0u32..2000 {
            strings.intern(&i.to_le_bytes(), Mark::White0, Mark::White1);
        }
        for id in (0..2000).step_by(3) {
            strings.set_mark(id, Mark::White1);
        }
        for index in 0..strings.slots() {
            strings.sweep(index, Mark::White1, Mark::White0);
        }
        for i in 0u32..2000 {
            let (found, cost) = strings.intern(&i.to_le_bytes(), Mark::White0, Mark::White1);
            assert_eq!(cost > 0, i % 3 == 0);
            assert_eq!(strings.bytes(found.id), i.to_le_bytes());
        }
        assert_eq!(strings.slots(), 2000);
    }
}
