//! A digest of values, for DEBUG DIGEST: equal data sets have equal ones, whatever the order and the encoding.
//!
//! What has an order is chained; what has none is summed. Only equality means anything: Redis's digests differ.

use crate::collections::hash::{HashSeed, hash};
use crate::collections::listpack::Element;
use crate::store::Entry;
use crate::value::stream::Id;
use crate::value::{Hash, List, Set, SortedSet, Stream};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// 192 bits, of which 160 are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Digest([u64; 3]);

impl Digest {
    /// The digest of some parts in their order.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        // The same for every engine, so that two of them can be compared.
        Self([1, 2, 3].map(|n| hash(&HashSeed::new([n, n << 20, n << 40, !n]), &bytes)))
    }

    /// Adds something that has no place among the rest.
    pub(super) fn add(&mut self, other: Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum = sum.wrapping_add(more);
        }
    }

    fn chain(&mut self, part: &[u8]) {
        *self = Self::of(&[self.text().as_bytes(), part]);
    }

    /// The digest of the value of an entry and of its having an expiry.
    pub(super) fn of_value(entry: &Entry) -> Self {
        let mut digest = Self::default();
        if let Some(text) = entry.as_str() {
            digest = Self::of(&[b"string", &text.to_vec()]);
        } else if let Some(list) = entry.as_object::<List>() {
            list.iter().for_each(|item| digest.chain(&bytes(item)));
        } else if let Some(set) = entry.as_object::<Set>() {
            set.iter().for_each(|member| digest.add(Self::of(&[&bytes(member)])));
        } else if let Some(hash) = entry.as_object::<Hash>() {
            hash.iter().for_each(|(f, v)| digest.add(Self::of(&[&bytes(f), &bytes(v)])));
            hash.times().for_each(|(f, _)| digest.add(Self::of(&[b"expires", &bytes(f)])));
        } else if let Some(zset) = entry.as_object::<SortedSet>() {
            zset.iter().for_each(|(member, score)| {
                digest.add(Self::of(&[&bytes(member), &score.to_bits().to_le_bytes()]));
            });
        } else if let Some(stream) = entry.as_object::<Stream>() {
            digest.chain_stream(stream);
        }
        if entry.expiry_ms().is_some() {
            digest.chain(b"expires");
        }
        digest
    }

    fn chain_stream(&mut self, stream: &Stream) {
        let mut cursor = stream.log().range(Id::MIN, Id::MAX);
        while let Some((id, _)) = cursor.next() {
            self.chain(&id.to_be_bytes());
            while let Some((name, value)) = cursor.pair() {
                self.chain(&bytes(name));
                self.chain(&bytes(value));
            }
        }
        self.chain(&stream.log().last_id.to_be_bytes());
        for (name, group) in stream.groups().iter() {
            self.chain(name);
            self.chain(&group.last_id.to_be_bytes());
            for (_, consumer) in group.consumers() {
                self.chain(&consumer.name);
                consumer.pending_from(Id::MIN).for_each(|id| self.chain(&id.to_be_bytes()));
            }
        }
    }

    /// 40 hexadecimal digits.
    pub(super) fn text(self) -> String {
        let mut text = String::new();
        for word in self.0 {
            // Writing to a string does not fail.
            let _ = write!(text, "{word:016x}");
        }
        text.truncate(40);
        text
    }
}

fn bytes(element: Element<'_>) -> Vec<u8> {
    match element {
        Element::Int(value) => itoa::Buffer::new().format(value).as_bytes().to_vec(),
        Element::Str(text) => text.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(Digest::of(&[b"ab", b"c"]), Digest::of(&[b"a", b"bc"]));
        assert_eq!(Digest::default().text(), "0".repeat(40));
    }

    #[test]
    fn the_encoding_of_a_string_does_not_count() {
        let (int, mut text) = (Entry::int(b"k", 12), Entry::string(b"k", b"1"));
        text.set_string(b"12");
        assert_eq!(Digest::of_value(&int), Digest::of_value(&text));
    }
}
