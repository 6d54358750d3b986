//! Elements of several collections, each once and in the order in which they came, found by their text.
//!
//! Commands that look at several small collections at once would else compare every element with every other.
//! The elements are borrowed; with each goes a number, which is a score or nothing in particular.

use crate::collections::hash::{HashSeed, hash};
use crate::collections::listpack::Element;
use alloc::vec;
use alloc::vec::Vec;

/// An element, its number, and the half of its hash that tells most others apart.
#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    element: Element<'a>,
    number: f64,
    hash: u32,
}

/// What was gathered. Integers and their canonical texts are the same element.
#[derive(Debug)]
pub struct Gathered<'a> {
    entries: Vec<Entry<'a>>,
    /// Open addressing with linear probing, at most half full: one more than a place in `entries`, or 0. Their number is
    /// a power of two.
    slots: Vec<u32>,
    seed: &'a HashSeed,
}

/// Room for more is made when they come.
const ROOM_MAX: u64 = 1024;

impl<'a> Gathered<'a> {
    /// Nothing yet, and room for about so many.
    pub fn new(expected: u64, seed: &'a HashSeed) -> Self {
        // They may be the same again and again.
        let expected = expected.min(ROOM_MAX) as usize;
        let slots = vec![0; (expected * 2).next_power_of_two()];
        Self { entries: Vec::with_capacity(expected), slots, seed }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds an element, unless it is there; `join` then makes one number of the old one and the new one.
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn add(&mut self, element: Element<'a>, number: f64, join: impl Fn(f64, f64) -> f64) {
        if self.entries.len() * 2 + 1 >= self.slots.len() {
            self.grow();
        }
        let element = element.canonical();
        let hash = self.hash(element);
        match self.probe(element, hash) {
            Ok(place) => {
                let entry = &mut self.entries[place];
                entry.number = join(entry.number, number);
            }
            Err(slot) => {
                self.entries.push(Entry { element, number, hash });
                self.slots[slot] = self.entries.len() as u32;
            }
        }
    }

    /// The number of an element, if it is there.
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn number(&self, element: Element<'_>) -> Option<f64> {
        let element = element.canonical();
        let place = self.probe(element, self.hash(element)).ok()?;
        Some(self.entries[place].number)
    }

    /// The elements with their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Element<'a>, f64)> + Clone + '_ {
        self.entries.iter().map(|entry| (entry.element, entry.number))
    }

    #[inline]
    fn hash(&self, element: Element<'_>) -> u32 {
        (match element {
            Element::Int(value) => hash(self.seed, &value.to_le_bytes()),
            Element::Str(text) => hash(self.seed, text),
        }) as u32
    }

    /// Where the element is, or the slot that it would have.
    #[inline]
    fn probe(&self, element: Element<'_>, hash: u32) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let Some(place) = (self.slots[slot] as usize).checked_sub(1) else {
                return Err(slot);
            };
            let entry = &self.entries[place];
            if entry.hash == hash && entry.element == element {
                return Ok(place);
            }
            slot = (slot + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let count = self.slots.len() * 4;
        self.slots.clear();
        self.slots.resize(count, 0);
        for (place, entry) in self.entries.iter().enumerate() {
            let mut slot = entry.hash as usize & (count - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (count - 1);
            }
            self.slots[slot] = place as u32 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::format;
    use alloc::string::String;

    const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);

    #[test]
    fn each_element_is_there_once_with_its_numbers_joined() {
        let texts: Vec<String> = (0..3000).map(|n| format!("m{}", n * 7919 % 1000)).collect();
        let mut gathered = Gathered::new(0, &SEED);
        let mut model: BTreeMap<&[u8], f64> = BTreeMap::new();
        for text in &texts {
            gathered.add(Element::Str(text.as_bytes()), 1.0, |a, b| a + b);
            *model.entry(text.as_bytes()).or_default() += 1.0;
        }
        assert_eq!(gathered.len(), model.len());
        let first: Vec<Element<'_>> = gathered.iter().map(|(element, _)| element).collect();
        assert!(first.iter().zip(&texts).take(1000).all(|(e, t)| e.eq_bytes(t.as_bytes())));
        for (text, number) in model {
            assert_eq!(gathered.number(Element::Str(text)), Some(number));
        }
        assert_eq!(gathered.number(Element::Str(b"none")), None);
    }

    #[test]
    fn an_integer_is_its_text() {
        let mut gathered = Gathered::new(0, &SEED);
        assert!(gathered.is_empty());
        assert_eq!(gathered.number(Element::Int(7)), None);
        gathered.add(Element::Str(b"7"), 1.0, f64::max);
        gathered.add(Element::Int(7), 2.0, f64::max);
        gathered.add(Element::Str(b"07"), 3.0, f64::max);
        assert_eq!(gathered.len(), 2);
        assert_eq!(gathered.number(Element::Int(7)), Some(2.0));
        assert_eq!(gathered.number(Element::Str(b"07")), Some(3.0));
    }
}
