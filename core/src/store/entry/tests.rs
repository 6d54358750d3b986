//! What holds of entries, whatever their shape.

use super::*;
use alloc::vec;

#[test]
fn a_small_string_takes_its_bytes_and_six_more() {
    let entry = Entry::string(b"0123456789abcdef", b"0123456789abcdef");
    assert_eq!(entry.allocated(), 40);
    assert_eq!(entry.key(), b"0123456789abcdef");
    assert_eq!(entry.as_str(), Some(Str::Bytes(b"0123456789abcdef")));
}

#[test]
fn objects_move_with_their_entry_whatever_the_length_of_the_key() {
    use crate::value::{Hash, Set, Tuning};
    let tuning = Tuning::new(HashSeed::new([1, 2, 3, 4]));
    for len in (0..20).chain([255, 256, 300]) {
        let key = vec![b'k'; len];
        let mut hash = Hash::default();
        hash.insert(b"field", b"value", &tuning);
        let mut entry = Entry::object(&key, hash);
        // The word takes no more than its bytes, wherever the key ends.
        let header = if len > 255 { 12 } else { 6 };
        assert_eq!(entry.allocated(), (header + len + WORD).next_multiple_of(8));
        entry.set_expiry_ms(Some(77));
        let mut entry = entry.with_key(b"another");
        let hash = entry.as_object_mut::<Hash>().expect("it is a hash");
        for field in 0..20 {
            hash.insert(&[field], &[b'v'; 64], &tuning);
        }
        hash.insert(b"long", &[b'v'; 65], &tuning);
        entry.set_expiry_ms(None);
        let copy = entry.duplicate(&key, &tuning.seed);
        assert!(entry.as_object::<Set>().is_none());
        drop(entry);
        assert_eq!(copy.as_object::<Hash>().map(Hash::len), Some(22));
        assert_eq!(copy.key(), key);
    }
}

#[test]
fn a_value_is_replaced_whatever_its_length() {
    for from in [0, 1, 12, 255, 256, 4096, 4097, 9000] {
        for to in [0, 1, 12, 255, 256, 4096, 4097, 9000] {
            let mut entry = Entry::string(b"key", &vec![b'a'; from]);
            entry.set_expiry_ms(Some(77));
            entry.set_access(5);
            entry.set_string(&vec![b'b'; to]);
            assert_eq!(entry.as_str(), Some(Str::Bytes(&vec![b'b'; to])));
            assert_eq!(entry.key(), b"key");
            assert_eq!(entry.expiry_ms(), Some(77));
            assert_eq!(entry.access(), 5);
        }
    }
}

#[test]
fn an_expiry_comes_and_goes() {
    let mut entry = Entry::int(b"k", 42);
    entry.set_expiry_ms(Some(1));
    entry.set_expiry_ms(Some(2));
    assert_eq!(entry.expiry_ms(), Some(2));
    entry.set_expiry_ms(None);
    assert_eq!(entry.expiry_ms(), None);
    assert_eq!(entry.as_str(), Some(Str::Int(42)));
}

#[test]
fn a_renamed_vector_moves_its_bytes() {
    let entry = Entry::vector(b"old", vec![7; 10_000]).with_key(b"a much longer new name");
    assert_eq!(entry.key(), b"a much longer new name");
    assert_eq!(entry.as_str().map(Str::len), Some(10_000));
}

#[test]
fn a_change_in_place_makes_a_string_raw() {
    let mut entry = Entry::string(b"k", b"abc");
    assert_eq!(entry.string_encoding(), Some("embstr"));
    entry.vector_mut().expect("a string").extend_from_slice(b"def");
    entry.settle();
    assert_eq!(entry.string_encoding(), Some("raw"));
    assert_eq!(entry.as_str(), Some(Str::Bytes(b"abcdef")));
}

#[test]
fn appending_piece_by_piece_gives_the_whole() {
    let mut entry = Entry::int(b"key", 12);
    entry.set_expiry_ms(Some(5));
    let mut whole = b"12".to_vec();
    for round in 0..400usize {
        let tail = vec![b'a' + (round % 26) as u8; round % 5];
        whole.extend_from_slice(&tail);
        assert_eq!(entry.append(&tail), Some(whole.len()));
        assert_eq!(entry.as_str(), Some(Str::Bytes(&whole)));
        assert_eq!(entry.expiry_ms(), Some(5));
        assert_eq!(entry.encoding(), "raw");
    }
}

#[test]
fn writing_behind_the_end_fills_with_zeros() {
    let mut entry = Entry::string(b"k", b"ab");
    assert_eq!(entry.write_at(4, b"cd"), Some(6));
    assert_eq!(entry.as_str(), Some(Str::Bytes(b"ab\0\0cd")));
    assert_eq!(entry.write_at(0, b"xy"), Some(6));
    assert_eq!(entry.write_at(1000, b"z"), Some(1001));
    assert_eq!(entry.as_str().map(Str::len), Some(1001));
    let mut int = Entry::int(b"k", 123);
    assert_eq!(int.write_at(1, b"9"), Some(3));
    assert_eq!(int.as_str(), Some(Str::Bytes(b"193")));
}

#[test]
fn overwriting_sets_value_expiry_and_clock_at_once() {
    let large = vec![b'x'; 6000];
    for before in [None, Some(3)] {
        for after in [None, Some(4)] {
            for value in [&b"short"[..], b"a value of another size class", &large] {
                for old in [&b"12345"[..], &large] {
                    let mut entry = Entry::string(b"key", old);
                    entry.set_expiry_ms(before);
                    entry.set_access(7);
                    entry.overwrite(value, None, after);
                    assert_eq!(entry.as_str(), Some(Str::Bytes(value)));
                    assert_eq!((entry.expiry_ms(), entry.access()), (after, 7));
                    entry.set_access(8);
                    entry.overwrite(b"", Some(-9), before);
                    assert_eq!(entry.as_str(), Some(Str::Int(-9)));
                    assert_eq!((entry.expiry_ms(), entry.access()), (before, 8));
                    assert_eq!(entry.key(), b"key");
                }
            }
        }
    }
}

#[test]
fn a_duplicate_has_value_and_expiry_and_its_own_key() {
    for value in [&b"v"[..], &[7; 5000]] {
        let mut entry = Entry::string(b"k", value);
        entry.set_expiry_ms(Some(1));
        let copy = entry.duplicate(b"other", &HashSeed::new([1; 4]));
        drop(entry);
        assert_eq!(copy.as_str(), Some(Str::Bytes(value)));
        assert_eq!((copy.key(), copy.expiry_ms()), (&b"other"[..], Some(1)));
    }
}

#[test]
fn keys_longer_than_255_bytes_are_wide() {
    let key = vec![b'k'; 300];
    let mut entry = Entry::string(&key, b"v");
    entry.set_string(b"w");
    entry.set_expiry_ms(Some(9));
    assert_eq!(entry.key(), &key[..]);
    assert_eq!(entry.as_str(), Some(Str::Bytes(b"w")));
}
