//! A seeded 64-bit hash of byte strings, for tables whose keys come from strangers.
//!
//! The construction is the folded multiply known from wyhash and rapidhash: words of the input are
//! xored with secrets, multiplied to 128 bits and the two halves xored.
//! All four secrets come from the engine's random bytes, so nobody outside can compute a collision,
//! and words are read little-endian, so every target computes the same value.
//! It is not a cryptographic hash: an attacker must not be shown hash values, and none are.

/// The secrets of [`hash`]: random, drawn once per engine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashSeed([u64; 4]);

impl HashSeed {
    /// A seed made from random bytes.
    #[must_use]
    pub const fn new(random: [u64; 4]) -> Self {
        // An even secret in the role of a multiplier would lose a bit, and equal ones would make
        // swapped halves collide; odd, salted words cost nothing and rule out the all-zero seed.
        Self([
            random[0] ^ 0x9e37_79b9_7f4a_7c15 | 1,
            random[1] ^ 0xd1b5_4a32_d192_ed03 | 1,
            random[2] ^ 0x8bb8_4b93_962e_acc9 | 1,
            random[3] ^ 0x2d35_8dcc_aa6c_78a5 | 1,
        ])
    }
}

impl core::fmt::Debug for HashSeed {
    // A seed in a log is a seed given away.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HashSeed(..)")
    }
}

/// The hash of `bytes` under `seed`.
#[inline]
#[must_use]
#[cfg_attr(redstart_small, optimize(speed))]
pub fn hash(seed: &HashSeed, bytes: &[u8]) -> u64 {
    let [s0, s1, s2, s3] = seed.0;
    let len = bytes.len();
    let (a, b, state);
    if len <= 16 {
        state = s0;
        if len >= 8 {
            a = word(bytes, 0);
            b = word(bytes, len - 8);
        } else if len >= 4 {
            a = half(bytes, 0);
            b = half(bytes, len - 4);
        } else if len > 0 {
            // First, middle and last: all the bytes there are.
            let [first, middle, last] = [bytes[0], bytes[len / 2], bytes[len - 1]];
            a = u64::from(first) << 16 | u64::from(middle) << 8 | u64::from(last);
            b = 0;
        } else {
            a = 0;
            b = 0;
        }
    } else {
        state = if len > 48 { bulk(seed, bytes) } else { short(seed, bytes) };
        a = word(bytes, len - 16);
        b = word(bytes, len - 8);
    }
    let (low, high) = multiply(a ^ s1, b ^ state);
    fold(low ^ s2 ^ len as u64, high ^ s3)
}

/// 17 to 48 bytes: all but the last sixteen, two words at a time.
#[inline]
fn short(seed: &HashSeed, bytes: &[u8]) -> u64 {
    let [s0, _, s2, s3] = seed.0;
    let mut state = fold(word(bytes, 0) ^ s2, word(bytes, 8) ^ s0);
    if bytes.len() > 32 {
        state = fold(word(bytes, 16) ^ s3, word(bytes, 24) ^ state);
    }
    state
}

/// More than 48 bytes: three lanes, so that the multiplications overlap in time.
fn bulk(seed: &HashSeed, bytes: &[u8]) -> u64 {
    let [s0, s1, s2, s3] = seed.0;
    let (mut x, mut y, mut z) = (s0, s0, s0);
    let mut rest = bytes;
    while rest.len() > 48 {
        x = fold(word(rest, 0) ^ s1, word(rest, 8) ^ x);
        y = fold(word(rest, 16) ^ s2, word(rest, 24) ^ y);
        z = fold(word(rest, 32) ^ s3, word(rest, 40) ^ z);
        rest = &rest[48..];
    }
    let mut state = x ^ y ^ z;
    if rest.len() > 16 {
        state = fold(word(rest, 0) ^ s2, word(rest, 8) ^ state);
    }
    if rest.len() > 32 {
        state = fold(word(rest, 16) ^ s3, word(rest, 24) ^ state);
    }
    state
}

#[inline]
fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

#[inline]
fn half(bytes: &[u8], at: usize) -> u64 {
    let mut half = [0; 4];
    half.copy_from_slice(&bytes[at..at + 4]);
    u64::from(u32::from_le_bytes(half))
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let (low, high) = multiply(a, b);
    low ^ high
}

/// The low and high half of the product.
#[inline]
fn multiply(a: u64, b: u64) -> (u64, u64) {
    // 32-bit targets would call a routine of the runtime for the wide product.
    if cfg!(target_pointer_width = "64") {
        let product = u128::from(a) * u128::from(b);
        (product as u64, (product >> 64) as u64)
    } else {
        multiply_by_halves(a, b)
    }
}

#[inline]
fn multiply_by_halves(a: u64, b: u64) -> (u64, u64) {
    const LOW: u64 = 0xffff_ffff;
    let (a0, a1, b0, b1) = (a & LOW, a >> 32, b & LOW, b >> 32);
    let bottom = a0 * b0;
    let left = a1 * b0 + (bottom >> 32);
    let right = a0 * b1 + (left & LOW);
    (right << 32 | bottom & LOW, a1 * b1 + (left >> 32) + (right >> 32))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::{collections::HashSet, vec, vec::Vec};

    const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);

    #[test]
    fn the_value_is_the_same_on_every_target() {
        let text: Vec<u8> = (0..=255).collect();
        let digest = (0..=256).fold(0u64, |sum, len| {
            sum.rotate_left(7) ^ hash(&SEED, &text[..len]).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        assert_eq!(digest, DIGEST, "{digest:#x}");
    }
    const DIGEST: u64 = 0xf86a_3e67_a18e_c41b;

    #[test]
    fn both_ways_to_multiply_agree() {
        let mut x = 0x1234_5678_9abc_def1u64;
        for _ in 0..1000 {
            let y = x.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
            let product = u128::from(x) * u128::from(y);
            assert_eq!(multiply_by_halves(x, y), (product as u64, (product >> 64) as u64));
            x = y ^ x >> 3;
        }
        let most = u128::from(u64::MAX) * u128::from(u64::MAX);
        assert_eq!(multiply_by_halves(u64::MAX, u64::MAX), (most as u64, (most >> 64) as u64));
    }

    #[test]
    fn every_byte_and_the_length_matter() {
        for len in (0..200usize).filter(|len| !cfg!(miri) || len % 17 == 0 || *len < 10) {
            let mut seen = HashSet::new();
            let mut text = vec![7; len];
            seen.insert(hash(&SEED, &text));
            for at in 0..len {
                for bit in 0..8 {
                    text[at] ^= 1 << bit;
                    assert!(seen.insert(hash(&SEED, &text)), "len {len} byte {at} bit {bit}");
                    text[at] ^= 1 << bit;
                }
            }
            text.push(7);
            assert!(seen.insert(hash(&SEED, &text)), "len {len} and one more");
        }
        let zeroes = [0; 100];
        let all: HashSet<u64> = (0..=100).map(|len| hash(&SEED, &zeroes[..len])).collect();
        assert_eq!(all.len(), 101);
    }

    #[test]
    fn the_seed_matters_in_each_word() {
        for len in [0, 1, 5, 12, 16, 17, 40, 48, 49, 100, 1000] {
            let text = vec![b'x'; len];
            let mut seen = HashSet::new();
            assert!(seen.insert(hash(&SEED, &text)));
            for at in 0..4 {
                let mut words = [1, 2, 3, 4];
                words[at] ^= 1 << 40;
                assert!(seen.insert(hash(&HashSeed::new(words), &text)), "len {len} word {at}");
            }
        }
    }

    /// Flipping one bit of a key flips each bit of the hash about half of the time.
    #[test]
    fn one_flipped_bit_changes_half_of_the_hash() {
        let rounds: u32 = if cfg!(miri) { 16 } else { 512 };
        for len in [4usize, 8, 11, 16, 24, 48, 80] {
            let mut flips = [0u32; 64];
            let mut total = 0;
            for round in 0..rounds {
                let mut text: Vec<u8> =
                    (0..len as u32).map(|i| (round * 31 + i * 7).to_le_bytes()[0]).collect();
                text[..4].copy_from_slice(&round.to_le_bytes());
                let before = hash(&SEED, &text);
                let bit = (round as usize * 37) % (len * 8);
                text[bit / 8] ^= 1 << (bit % 8);
                let change = before ^ hash(&SEED, &text);
                for (at, count) in flips.iter_mut().enumerate() {
                    *count += (change >> at & 1) as u32;
                }
                total += change.count_ones();
            }
            let mean = f64::from(total) / f64::from(rounds);
            assert!((29.0..35.0).contains(&mean), "len {len}: {mean}");
            if rounds > 100 {
                assert!(flips.iter().all(|&n| n > rounds / 3 && n < rounds * 2 / 3), "len {len}");
            }
        }
    }

    #[test]
    fn sequential_keys_fill_buckets_like_chance() {
        let (keys, buckets) = if cfg!(miri) { (640u32, 64) } else { (65536, 4096) };
        for shift in [0, 56, 32] {
            let mut counts = vec![0u32; if shift == 56 { 256 } else { buckets }];
            let width = counts.len() as u64;
            for i in 0..keys {
                let key = std::format!("key:{i:010}");
                counts[((hash(&SEED, key.as_bytes()) >> shift) % width) as usize] += 1;
            }
            let expected = f64::from(keys) / width as f64;
            let chi: f64 =
                counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
            let freedom = width as f64 - 1.0;
            // Six standard deviations of the chi-square distribution.
            assert!((chi - freedom).abs() < 6.0 * (2.0 * freedom).sqrt(), "{shift}: {chi}");
        }
    }
}
