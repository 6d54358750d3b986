//! Digests of values and of the whole data set, for DEBUG DIGEST and DEBUG DIGEST-VALUE: those of Redis 7.0, and
//! of 8.0 where fields of a hash expire.
//!
//! ```text
//! xor(d, x)   d := d ^ SHA1(x)            for what has no order: members, fields, keys
//! mix(d, x)   d := SHA1(d ^ SHA1(x))      for what has one
//! ```
//!
//! A value is mixed from the number of its type and its elements; that it expires is xored in, and not when. Of a
//! stream only the entries count: not its groups, and not what it remembers of entries that are gone.

use crate::collections::decimal::{DOUBLE_LEN, format_double_17g};
use crate::collections::hash::HashSeed;
use crate::script::sha1::{hex, sha1};
use crate::store::Entry;
use crate::value::stream::Id;
use crate::value::{FieldTime, Hash, List, Set, SortedSet, Stream};
use alloc::format;
use alloc::string::String;

/// What a digest begins with is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Digest([u8; 20]);

impl Digest {
    /// Adds something that has no place among the rest.
    pub(super) fn xor(&mut self, part: &[u8]) {
        for (own, more) in self.0.iter_mut().zip(sha1(part)) {
            *own ^= more;
        }
    }

    /// Adds what comes next.
    pub(super) fn mix(&mut self, part: &[u8]) {
        self.xor(part);
        self.0 = sha1(&self.0);
    }

    /// The digest of parts in their order.
    fn of(parts: &[&[u8]]) -> Self {
        let mut digest = Self::default();
        parts.iter().for_each(|part| digest.mix(part));
        digest
    }

    /// The digest of the value of an entry and of its having an expiry.
    pub(super) fn of_value(entry: &Entry, seed: &HashSeed) -> Self {
        let mut digest = Self::default();
        digest.mix_value(entry, seed);
        digest
    }

    /// Adds a key of a database with its value.
    pub(super) fn add(&mut self, entry: &Entry, seed: &HashSeed) {
        let mut digest = Self::of(&[entry.key()]);
        digest.mix_value(entry, seed);
        self.xor(&digest.0);
    }

    fn mix_value(&mut self, entry: &Entry, seed: &HashSeed) {
        let of_type = |digest: &mut Self, number: u32| digest.mix(&number.to_be_bytes());
        if let Some(text) = entry.as_str() {
            of_type(self, 0);
            self.mix(text.text(&mut itoa::Buffer::new()));
        } else if let Some(list) = entry.as_object::<List>() {
            of_type(self, 1);
            list.iter().for_each(|item| self.mix(&item.text()));
        } else if let Some(set) = entry.as_object::<Set>() {
            of_type(self, 2);
            set.iter().for_each(|member| self.xor(&member.text()));
        } else if let Some(zset) = entry.as_object::<SortedSet>() {
            of_type(self, 3);
            zset.iter().for_each(|(member, score)| {
                let score = format_double_17g(score, &mut [0; DOUBLE_LEN]).to_vec();
                self.xor(&Self::of(&[&member.text(), &score]).0);
            });
        } else if let Some(hash) = entry.as_object::<Hash>() {
            of_type(self, 4);
            let is_timed = hash.next_time().is_some();
            hash.iter().for_each(|(name, value)| {
                let name = name.text();
                let mut field = Self::of(&[&name, &value.text()]);
                if is_timed && let FieldTime::At(_) = hash.time(&name, seed) {
                    field.xor(b"!!hexpire!!");
                }
                self.xor(&field.0);
            });
        } else if let Some(stream) = entry.as_object::<Stream>() {
            of_type(self, 6);
            let mut cursor = stream.log().range(Id::MIN, Id::MAX);
            while let Some((id, _)) = cursor.next() {
                self.mix(format!("{}.{}", id.ms, id.seq).as_bytes());
                while let Some((name, value)) = cursor.pair() {
                    self.mix(&name.text());
                    self.mix(&value.text());
                }
            }
        }
        if entry.expiry_ms().is_some() {
            self.xor(b"!!expire!!");
        }
    }

    /// 40 hexadecimal digits.
    pub(super) fn text(self) -> String {
        hex(&self.0).map(char::from).iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Object, Tuning};

    const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);

    #[test]
    fn the_encoding_of_a_string_does_not_count() {
        let (int, mut text) = (Entry::int(b"k", 12), Entry::string(b"k", b"1"));
        text.set_string(b"12");
        assert_eq!(Digest::of_value(&int, &SEED), Digest::of_value(&text, &SEED));
        assert_eq!(Digest::default().text(), "0".repeat(40));
    }

    #[test]
    fn a_field_that_expires_counts_as_in_redis_8() {
        let tuning = Tuning::new(SEED);
        let mut hash = Hash::default();
        hash.insert(b"f", b"v", &tuning);
        let digest = |hash: &Hash| {
            Digest::of_value(&Entry::object(b"one", hash.duplicate(&SEED)), &SEED).text()
        };
        assert_eq!(digest(&hash), "90c76e9e9f4c62d642a34fc97c7dad503b51f906");
        hash.set_time(b"f", Some(1_900_000_000_000), &SEED);
        assert_eq!(digest(&hash), "74b891d3701022bf67574b56900ce11f3e5270b3");
    }
}
