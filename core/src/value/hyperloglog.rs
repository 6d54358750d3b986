//! HyperLogLogs: strings that count distinct elements, byte for byte as Redis stores them, so that values
//! move between servers.
//!
//! ```text
//!  "HYLL"   encoding  unused   count, little-endian        registers
//! ┌────────┬─────────┬────────┬───────────────────────────┬──────────────────────────────────────────┐
//! │ 4 bytes│ 1 byte  │ 3 bytes│ 8 bytes; top bit: invalid │ dense (0): 16384 of 6 bits, low bits first│
//! └────────┴─────────┴────────┴───────────────────────────┤ sparse (1): runs                         │
//!                                                         └──────────────────────────────────────────┘
//!  00llllll           ZERO: l + 1 registers of 0
//!  01llllll llllllll  XZERO: the same with fourteen bits
//!  1vvvvvll           VAL: l + 1 registers of v + 1
//! ```
//!
//! An element's hash names a register by its low fourteen bits; the zeros that follow, plus one, are what
//! the register is raised to. The cardinality is estimated from how many registers have which value, with
//! Ertl's improved estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017).
//!
//! Nothing here trusts the bytes: runs that do not add up to all registers are [`Corrupt`].

pub mod estimate;
pub mod sparse;

use alloc::vec;
use alloc::vec::Vec;

/// How many registers there are.
pub const REGISTERS: usize = 1 << INDEX_BITS;
/// The bytes before the registers.
pub const HEADER: usize = 16;
/// The length of a dense value.
pub const DENSE_BYTES: usize = HEADER + REGISTERS * 6 / 8;
/// The largest value of a register.
pub const REGISTER_MAX: u8 = 63;

const INDEX_BITS: u32 = 14;
/// The bits of a hash that are left for the value of a register.
const RANK_BITS: u32 = 64 - INDEX_BITS;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
const ENCODING_AT: usize = 4;
const CACHE_AT: usize = 8;
/// In the last byte of the header: the count there is not the one of the registers.
const INVALID: u8 = 0x80;

/// A sparse value whose runs are not those of 16384 registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt;

/// How the registers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Six bits each.
    Dense,
    /// As runs.
    Sparse,
}

/// An empty value: all registers are 0, in one run.
pub const EMPTY: [u8; HEADER + 2] =
    [b'H', b'Y', b'L', b'L', SPARSE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0xff];

/// The encoding, if these bytes are a HyperLogLog as far as their header says.
#[inline]
#[must_use]
pub fn encoding(bytes: &[u8]) -> Option<Encoding> {
    if bytes.len() < HEADER || !bytes.starts_with(b"HYLL") {
        return None;
    }
    match bytes[ENCODING_AT] {
        DENSE if bytes.len() == DENSE_BYTES => Some(Encoding::Dense),
        SPARSE => Some(Encoding::Sparse),
        _ => None,
    }
}

/// The count that an earlier estimate left in the header, unless the registers have changed since.
#[must_use]
pub fn cached_count(bytes: &[u8]) -> Option<u64> {
    let count = u64::from_le_bytes(*bytes.get(CACHE_AT..HEADER)?.first_chunk()?);
    (count >> 63 == 0).then_some(count)
}

/// Leaves a count in the header.
pub fn cache_count(bytes: &mut [u8], count: u64) {
    if let Some(cache) = bytes.get_mut(CACHE_AT..HEADER) {
        cache.copy_from_slice(&count.to_le_bytes());
    }
}

/// The count in the header is no longer right.
#[inline]
pub fn invalidate(bytes: &mut [u8]) {
    if let Some(last) = bytes.get_mut(HEADER - 1) {
        *last |= INVALID;
    }
}

/// Which register an element belongs to, and what it raises it to.
#[inline]
#[must_use]
pub fn place(element: &[u8]) -> (usize, u8) {
    let hash = murmur_64a(element, 0xadc8_3b19);
    let rank = (hash >> INDEX_BITS) | 1 << RANK_BITS;
    (hash as usize % REGISTERS, rank.trailing_zeros() as u8 + 1)
}

/// Austin Appleby's `MurmurHash64A`, for little-endian words.
#[inline]
fn murmur_64a(bytes: &[u8], seed: u64) -> u64 {
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let mut word = word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        word = word.wrapping_mul(MULTIPLIER);
        word ^= word >> SHIFT;
        hash = (hash ^ word.wrapping_mul(MULTIPLIER)).wrapping_mul(MULTIPLIER);
    }
    let tail = words.remainder();
    if !tail.is_empty() {
        let tail = tail.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        hash = (hash ^ tail).wrapping_mul(MULTIPLIER);
    }
    hash ^= hash >> SHIFT;
    hash = hash.wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}

/// Raises a register of a dense value; whether it was lower.
#[inline]
pub fn raise_dense(bytes: &mut [u8], index: usize, to: u8) -> bool {
    // Four registers are three bytes.
    let group = bytes.get_mut(HEADER + index / 4 * 3..).and_then(<[u8]>::first_chunk_mut);
    let Some([a, b, c]) = group else { return false };
    let shift = index % 4 * 6;
    let packed = u32::from_le_bytes([*a, *b, *c, 0]);
    if (packed >> shift) as u8 & REGISTER_MAX >= to {
        return false;
    }
    let raised = packed & !(u32::from(REGISTER_MAX) << shift) | u32::from(to) << shift;
    [*a, *b, *c, _] = raised.to_le_bytes();
    true
}

/// The dense value of a sparse one, count included.
pub fn to_dense(bytes: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let mut registers = Registers::new();
    registers.merge(bytes)?;
    let mut dense = vec![0; DENSE_BYTES];
    dense[..HEADER].copy_from_slice(&bytes[..HEADER]);
    registers.write_dense(&mut dense);
    Ok(dense)
}

/// Raises a register of a value of either encoding, which becomes dense when its runs would take more than
/// `sparse_max` bytes, the header included; whether the register was lower.
pub fn raise(value: &mut Vec<u8>, index: usize, to: u8, sparse_max: u64) -> Result<bool, Corrupt> {
    if encoding(value) == Some(Encoding::Dense) {
        return Ok(raise_dense(value, index, to));
    }
    match sparse::raise(value, index, to, sparse_max)? {
        sparse::Edit::Nothing => return Ok(false),
        sparse::Edit::Splice { at, old, new } => {
            value.splice(at..at + old, new.as_slice().iter().copied());
        }
        sparse::Edit::Promote => {
            *value = to_dense(value)?;
            raise_dense(value, index, to);
        }
    }
    Ok(true)
}

/// All registers, a byte each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registers([u8; REGISTERS]);

impl Registers {
    /// All are 0.
    #[must_use]
    pub const fn new() -> Self {
        Self([0; REGISTERS])
    }

    /// Each by itself, in order.
    #[must_use]
    pub const fn values(&self) -> &[u8; REGISTERS] {
        &self.0
    }

    /// Raises each to what it is in a value that [`encoding`] accepts.
    pub fn merge(&mut self, bytes: &[u8]) -> Result<(), Corrupt> {
        if encoding(bytes) == Some(Encoding::Dense) {
            let packed = bytes[HEADER..].chunks_exact(6);
            for (registers, packed) in self.0.chunks_exact_mut(8).zip(packed) {
                for (register, value) in registers.iter_mut().zip(spread(packed)) {
                    *register = (*register).max(value);
                }
            }
            return Ok(());
        }
        let mut index = 0;
        for run in sparse::runs(bytes.get(HEADER..).ok_or(Corrupt)?) {
            let run = run?;
            let registers = self.0.get_mut(index..index + run.len).ok_or(Corrupt)?;
            if run.value > 0 {
                registers.iter_mut().for_each(|register| *register = (*register).max(run.value));
            }
            index += run.len;
        }
        if index == REGISTERS { Ok(()) } else { Err(Corrupt) }
    }

    /// Writes them into a value of [`DENSE_BYTES`], and that it is dense into its header.
    pub fn write_dense(&self, dense: &mut [u8]) {
        dense[ENCODING_AT] = DENSE;
        let packed = dense[HEADER..].chunks_exact_mut(6);
        for (registers, packed) in self.0.chunks_exact(8).zip(packed) {
            packed.copy_from_slice(&gather(registers));
        }
    }

    /// The estimated number of distinct elements.
    #[must_use]
    pub fn count(&self) -> u64 {
        estimate::from_histogram(&estimate::histogram(self.0.iter().copied()))
    }
}

impl Default for Registers {
    fn default() -> Self {
        Self::new()
    }
}

/// The estimated number of distinct elements in a value that [`encoding`] accepts.
pub fn count(bytes: &[u8]) -> Result<u64, Corrupt> {
    let mut histogram = [0; estimate::VALUES];
    if encoding(bytes) == Some(Encoding::Dense) {
        histogram = estimate::histogram(bytes[HEADER..].chunks_exact(6).flat_map(spread));
    } else {
        let mut total = 0;
        for run in sparse::runs(bytes.get(HEADER..).ok_or(Corrupt)?) {
            let run = run?;
            total += run.len;
            histogram[usize::from(run.value)] += run.len as u32;
            // Longer values than this may come from outside; their sums must not overflow.
            if total > REGISTERS {
                return Err(Corrupt);
            }
        }
        if total != REGISTERS {
            return Err(Corrupt);
        }
    }
    Ok(estimate::from_histogram(&histogram))
}

/// Eight registers of six bits as a byte each: halves, quarters and eighths move apart.
#[inline]
fn spread(packed: &[u8]) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..6].copy_from_slice(&packed[..6]);
    let x = u64::from_le_bytes(bytes);
    let x = x & 0x0000_0000_00ff_ffff | (x & 0x0000_ffff_ff00_0000) << 8;
    let x = x & 0x0000_0fff_0000_0fff | (x & 0x00ff_f000_00ff_f000) << 4;
    let x = x & 0x003f_003f_003f_003f | (x & 0x0fc0_0fc0_0fc0_0fc0) << 2;
    x.to_le_bytes()
}

/// The other way round.
#[inline]
fn gather(registers: &[u8]) -> [u8; 6] {
    let x = registers.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let x = x & 0x003f_003f_003f_003f | (x & 0x3f00_3f00_3f00_3f00) >> 2;
    let x = x & 0x0000_0fff_0000_0fff | (x & 0x0fff_0000_0fff_0000) >> 4;
    let x = x & 0x0000_0000_00ff_ffff | (x & 0x00ff_ffff_0000_0000) >> 8;
    let bytes = x.to_le_bytes();
    [bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: u64) -> [u8; 8] {
        value.to_le_bytes()
    }

    fn with(elements: impl Iterator<Item = u64>, sparse_max: u64) -> Vec<u8> {
        let mut value = EMPTY.to_vec();
        for element in elements {
            let (index, to) = place(&number(element));
            raise(&mut value, index, to, sparse_max).expect("a sound value");
        }
        value
    }

    #[test]
    fn both_encodings_have_the_same_registers() {
        for elements in [0, 1, 10, 500, 3000] {
            let dense = with(0..elements, 0);
            let sparse = with(0..elements, 1 << 20);
            let mut of_sparse = Registers::new();
            of_sparse.merge(&sparse).expect("a sound value");
            let mut of_dense = Registers::new();
            of_dense.merge(&dense).expect("a sound value");
            assert!(of_dense == of_sparse, "{elements} elements");
            assert_eq!(count(&dense), count(&sparse));
            assert_eq!(count(&dense), Ok(of_dense.count()));
            assert_eq!(encoding(&sparse), Some(Encoding::Sparse));
        }
    }

    #[test]
    fn estimates_are_within_three_percent() {
        for elements in [100, 1_000, 10_000, 100_000] {
            let count = count(&with(0..elements, 3000)).expect("a sound value");
            assert!(count.abs_diff(elements) * 100 < elements * 3, "{count} of {elements}");
        }
    }

    #[test]
    fn a_register_is_raised_and_its_neighbours_stay() {
        let mut dense = to_dense(&EMPTY).expect("a sound value");
        assert_eq!(dense.len(), DENSE_BYTES);
        let mut expected = Registers::new();
        let mut rng = crate::rng::Rng::new(9);
        for round in 0..40_000 {
            let index = match round {
                0 => REGISTERS - 1,
                _ => rng.below(REGISTERS as u64) as usize,
            };
            let to = rng.below(64) as u8;
            assert_eq!(raise_dense(&mut dense, index, to), to > expected.0[index]);
            expected.0[index] = expected.0[index].max(to);
        }
        let mut found = Registers::new();
        found.merge(&dense).expect("a sound value");
        assert!(found == expected);
        let mut again = dense.clone();
        expected.write_dense(&mut again);
        assert_eq!(again, dense);
    }

    #[test]
    fn no_bytes_are_too_wrong() {
        let mut rng = crate::rng::Rng::new(5);
        let sound = [with(0..40, 3000), with(0..400, 3000), with(0..9, 0), EMPTY.to_vec()];
        for round in 0..30_000 {
            let mut value = sound[round % sound.len()].clone();
            for _ in 0..rng.below(4) + 1 {
                match rng.below(4) {
                    0 if value.len() > 1 => value.truncate(rng.below(value.len() as u64) as usize),
                    1 => value.push(rng.next_u64() as u8),
                    _ if value.is_empty() => {}
                    _ => {
                        // Mostly where the header and the first runs are.
                        let at = rng.below(value.len() as u64) as usize % 60;
                        let at = at.min(value.len() - 1);
                        value[at] = rng.next_u64() as u8;
                    }
                }
            }
            if encoding(&value).is_none() {
                continue;
            }
            let _ = (count(&value), cached_count(&value), Registers::new().merge(&value));
            assert_eq!(to_dense(&value).is_ok(), Registers::new().merge(&value).is_ok());
            for _ in 0..3 {
                let (index, to) = (rng.below(REGISTERS as u64) as usize, rng.below(51) as u8 + 1);
                let _ = raise(&mut value, index, to, 100);
            }
        }
    }
}
