//! One value as DUMP gives and RESTORE takes it.
//!
//! ```text
//! [ type u8 │ value │ version u16 LE │ CRC-64 of all before u64 LE ]
//! ```

use super::crc64::Crc64;
use super::load::Source;
use super::lzf::Lzf;
use super::save::Format;
use super::{Fault, Reader, Writer, is_known};
use crate::store::Entry;
use crate::value::Tuning;
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
    to.bytes(&(format.version as u16).to_le_bytes());
    let crc = Crc64::of(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// The entry of a key with the value of a payload.
pub fn read(payload: &[u8], key: &[u8], tuning: &Tuning) -> Result<Entry, Refusal> {
    let (summed, crc) = payload.split_last_chunk::<8>().ok_or(Refusal::Footer)?;
    let (value, version) = summed.split_last_chunk::<2>().ok_or(Refusal::Footer)?;
    let version = u16::from_le_bytes(*version).into();
    if !is_known(version) || u64::from_le_bytes(*crc) != Crc64::of(summed) {
        return Err(Refusal::Footer);
    }
    let mut from = Reader::new(value);
    let code = from.byte().map_err(Refusal::Value)?;
    Source { version, tuning }.read(&mut from, code, key).map_err(Refusal::Value)
}
