//! One value as DUMP gives and RESTORE takes it.
//!
//! ```text
//! [ type u8 │ value │ version u16 LE │ CRC-64 of all before u64 LE ]
//! ```

use super::crc64::Crc64;
use super::load::Source;
use super::lzf::Lzf;
use super::save::Format;
use super::{Fault, Reader, Writer, is_known, opcode};
use crate::store::Entry;
use crate::value::Tuning;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Why a payload is not restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Its version is unknown or its checksum another.
    Footer,
    /// What it holds is no value.
    Value(Fault),
}

/// Appends the value of an entry as a payload.
pub fn write(out: &mut Vec<u8>, entry: &Entry, format: &Format, compress: bool) {
    let start = out.len();
    let mut lzf = Lzf::default();
    let mut to = Writer { out, lzf: compress.then_some(&mut lzf) };
    format.write(&mut to, entry, false);
    to.bytes(&(format.version_for(entry) as u16).to_le_bytes());
    let crc = Crc64::of(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// The entry of a key with the value of a payload. Tests may ask for its checksum to be passed over.
pub fn read(
    payload: &[u8],
    key: &[u8],
    tuning: &Tuning,
    skip_checksum: bool,
) -> Result<Entry, Refusal> {
    let (value, version) = checked(payload, skip_checksum).ok_or(Refusal::Footer)?;
    let mut from = Reader::new(value);
    let code = from.byte().map_err(Refusal::Value)?;
    Source { version, tuning }.read(&mut from, code, key).map_err(Refusal::Value)
}

/// What is before the footer, and the version, if it is known and the checksum right.
fn checked(payload: &[u8], skip_checksum: bool) -> Option<(&[u8], u32)> {
    let (summed, crc) = payload.split_last_chunk::<8>()?;
    let (value, version) = summed.split_last_chunk::<2>()?;
    let version = u16::from_le_bytes(*version).into();
    let sound = skip_checksum || u64::from_le_bytes(*crc) == Crc64::of(summed);
    (is_known(version) && sound).then_some((value, version))
}

/// Why a payload of FUNCTION RESTORE is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionRefusal {
    /// Its version is unknown or its checksum another.
    Footer,
    /// There is something else than functions in it.
    Type,
    /// A library's text cannot be read.
    Code,
}

/// Libraries of functions as one payload, from their texts.
pub fn write_functions<'c>(
    codes: impl Iterator<Item = &'c [u8]>,
    version: u32,
    compress: bool,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut lzf = Lzf::default();
    let mut to = Writer { out: &mut out, lzf: compress.then_some(&mut lzf) };
    for code in codes {
        to.byte(opcode::FUNCTION);
        to.string(code);
    }
    to.bytes(&(version as u16).to_le_bytes());
    let crc = Crc64::of(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

/// The texts of the libraries of a payload.
pub fn read_functions(
    payload: &[u8],
    skip_checksum: bool,
) -> Result<Vec<Box<[u8]>>, FunctionRefusal> {
    let (value, _) = checked(payload, skip_checksum).ok_or(FunctionRefusal::Footer)?;
    let mut from = Reader::new(value);
    let mut codes = Vec::new();
    while from.at() < value.len() {
        if from.byte() != Ok(opcode::FUNCTION) {
            return Err(FunctionRefusal::Type);
        }
        codes.push(from.string().map_err(|_| FunctionRefusal::Code)?.into());
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::hash::HashSeed;
    use crate::value::{FieldTime, Hash};
    use alloc::format;

    const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);

    fn payload(value: &[u8], version: u16) -> Vec<u8> {
        let mut bytes = value.to_vec();
        bytes.extend_from_slice(&version.to_le_bytes());
        let crc = Crc64::of(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    #[test]
    fn fields_come_back_with_their_times() {
        for entries in [0, 512] {
            let mut tuning = Tuning::new(SEED);
            tuning.hash_listpack_entries = entries;
            let mut hash = Hash::default();
            for i in 0..100 {
                let name = format!("field:{i}");
                hash.insert(name.as_bytes(), format!("{i}").as_bytes(), &tuning);
                let at_ms = (i % 3 > 0).then_some(70_000_000_000_000 - i * i * 1000);
                hash.set_time(name.as_bytes(), at_ms, &SEED);
            }
            let times = |hash: &Hash| -> Vec<_> {
                (0..101).map(|i| hash.time(format!("field:{i}").as_bytes(), &SEED)).collect()
            };
            let (before, encoding) = (times(&hash), hash_encoding(&hash));
            let entry = Entry::object(b"key", hash);
            for compress in [false, true] {
                let mut bytes = Vec::new();
                write(&mut bytes, &entry, &Format::new(&tuning), compress);
                let copy = read(&bytes, b"key", &tuning, false).expect("it was just written");
                let copy = copy.as_object::<Hash>().expect("it was a hash");
                assert_eq!((times(copy), hash_encoding(copy)), (before.clone(), encoding));
                assert!(copy.get(b"field:42", &SEED, 0).is_some_and(|value| value.eq_bytes(b"42")));
            }
        }
    }

    fn hash_encoding(hash: &Hash) -> &'static str {
        crate::value::Object::encoding(hash)
    }

    #[test]
    fn fields_that_valkey_wrote_have_their_times() {
        let value =
            b"\x16\x02\x01a\xc0\x01{`\"%\xaa?\x00\x00\x01b\x03two\xff\xff\xff\xff\xff\xff\xff\xff";
        let tuning = Tuning::new(SEED);
        let entry = read(&payload(value, 80), b"key", &tuning, false).expect("it is sound");
        let hash = entry.as_object::<Hash>().expect("it is a hash");
        assert_eq!(hash.time(b"a", &SEED), FieldTime::At(70_000_000_000_123));
        assert_eq!(hash.time(b"b", &SEED), FieldTime::Never);
    }

    #[test]
    fn fields_in_the_wrong_order_or_without_a_time_are_refused() {
        let tuning = Tuning::new(SEED);
        let of_pack = |texts: &[&[u8]]| {
            let pack: crate::collections::listpack::Listpack = texts.iter().copied().collect();
            let mut value = b"\x19\0\0\0\0\0\0\0\0".to_vec();
            value.push(pack.as_bytes().len() as u8);
            value.extend_from_slice(pack.as_bytes());
            read(&payload(&value, 12), b"key", &tuning, false).is_ok()
        };
        assert!(of_pack(&[b"a", b"1", b"5", b"b", b"2", b"6", b"c", b"3", b"0"]));
        assert!(!of_pack(&[b"a", b"1", b"6", b"b", b"2", b"5"]));
        assert!(!of_pack(&[b"a", b"1", b"0", b"b", b"2", b"5"]));
        assert!(!of_pack(&[b"a", b"1", b"5", b"a", b"2", b"6"]));
        assert!(!of_pack(&[b"a", b"1", b"5", b"b", b"2"]));
        assert!(!of_pack(&[b"a", b"1", b"-5"]));
        assert!(!of_pack(&[b"a", b"1", b"soon"]));
        assert!(!of_pack(&[b"a", b"1", b"70368744177664"]));
        assert!(!of_pack(&[]));
        let table = b"\x18\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x05\x01a\x01b";
        assert!(read(&payload(table, 12), b"key", &tuning, false).is_err());
    }
}
