//! XXH3 of 64 bits without a seed: the digest of a string that DIGEST tells and IFDEQ compares.
//!
//! Short texts are mixed whole, in one of five ways by their length. Long ones go through eight
//! accumulators, 64 bytes at a time, which are stirred after each KiB.

const PRIME32_1: u64 = 0x9e37_79b1;
const PRIME32_2: u64 = 0x85eb_ca77;
const PRIME32_3: u64 = 0xc2b2_ae3d;
const PRIME64_1: u64 = 0x9e37_79b1_85eb_ca87;
const PRIME64_2: u64 = 0xc2b2_ae3d_27d4_eb4f;
const PRIME64_3: u64 = 0x1656_67b1_9e37_79f9;
const PRIME64_4: u64 = 0x85eb_ca77_c2b2_ae63;
const PRIME64_5: u64 = 0x27d4_eb2f_1656_67c5;
const MIX_1: u64 = 0x1656_6791_9e37_79f9;
const MIX_2: u64 = 0x9fb2_1c65_1e98_df25;

/// What texts are mixed with.
const SECRET: &[u8; SECRET_LEN] = &[
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
    0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
    0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
    0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
    0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
    0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
    0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
    0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
    0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
    0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
    0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
    0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
];

/// The digest of `text`.
#[must_use]
pub fn xxh3(text: &[u8]) -> u64 {
    let len = text.len();
    match len {
        0 => avalanche_64(secret(56) ^ secret(64)),
        1..=3 => {
            let (first, middle, last) = (text[0], text[len / 2], text[len - 1]);
            let combined = u32::from_le_bytes([last, len as u8, first, middle]);
            let flip = secret(0) as u32 ^ (secret(0) >> 32) as u32;
            avalanche_64(u64::from(combined) ^ u64::from(flip))
        }
        4..=8 => {
            let joined = word32(text, len - 4) + (word32(text, 0) << 32);
            let mut hash = joined ^ secret(8) ^ secret(16);
            hash ^= hash.rotate_left(49) ^ hash.rotate_left(24);
            hash = hash.wrapping_mul(MIX_2);
            hash ^= (hash >> 35).wrapping_add(len as u64);
            hash = hash.wrapping_mul(MIX_2);
            hash ^ hash >> 28
        }
        9..=16 => {
            let low = word(text, 0) ^ secret(24) ^ secret(32);
            let high = word(text, len - 8) ^ secret(40) ^ secret(48);
            let sum = (len as u64).wrapping_add(low.swap_bytes()).wrapping_add(high);
            avalanche(sum.wrapping_add(fold(low, high)))
        }
        17..=128 => {
            // Pairs of 16 bytes from both ends inwards.
            let pairs = (len - 1) / 32;
            let sum = (0..=pairs).fold(seeded(len), |sum, pair| {
                sum.wrapping_add(mix(text, pair * 16, pair * 32)).wrapping_add(mix(
                    text,
                    len - 16 - pair * 16,
                    pair * 32 + 16,
                ))
            });
            avalanche(sum)
        }
        129..=240 => {
            let part = |sum: u64, at: usize, key: usize| sum.wrapping_add(mix(text, at, key));
            let sum = (0..8).fold(seeded(len), |sum, i| part(sum, i * 16, i * 16));
            let sum =
                (8..len / 16).fold(avalanche(sum), |sum, i| part(sum, i * 16, (i - 8) * 16 + 3));
            avalanche(part(sum, len - 16, 136 - 17))
        }
        _ => long(text),
    }
}

const STRIPE: usize = 64;
const STRIPES_PER_BLOCK: usize = (SECRET_LEN - STRIPE) / 8;
const SECRET_LEN: usize = 192;

fn long(text: &[u8]) -> u64 {
    let mut sums =
        [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1];
    // The last stripe is read from the end and may overlap the one before.
    let whole = (text.len() - 1) / STRIPE;
    for stripe in 0..whole {
        let key = stripe % STRIPES_PER_BLOCK;
        accumulate(&mut sums, &text[stripe * STRIPE..], key * 8);
        if key == STRIPES_PER_BLOCK - 1 {
            for (i, sum) in sums.iter_mut().enumerate() {
                let mixed = *sum ^ *sum >> 47 ^ secret(SECRET_LEN - STRIPE + i * 8);
                *sum = mixed.wrapping_mul(PRIME32_1);
            }
        }
    }
    accumulate(&mut sums, &text[text.len() - STRIPE..], SECRET_LEN - STRIPE - 7);
    let merged = (0..4).fold(seeded(text.len()), |hash, i| {
        hash.wrapping_add(fold(
            sums[2 * i] ^ secret(11 + 16 * i),
            sums[2 * i + 1] ^ secret(19 + 16 * i),
        ))
    });
    avalanche(merged)
}

#[inline]
fn accumulate(sums: &mut [u64; 8], stripe: &[u8], key: usize) {
    for i in 0..8 {
        let value = word(stripe, i * 8);
        let mixed = value ^ secret(key + i * 8);
        sums[i ^ 1] = sums[i ^ 1].wrapping_add(value);
        sums[i] = sums[i].wrapping_add((mixed & 0xffff_ffff).wrapping_mul(mixed >> 32));
    }
}

fn seeded(len: usize) -> u64 {
    (len as u64).wrapping_mul(PRIME64_1)
}

fn mix(text: &[u8], at: usize, key: usize) -> u64 {
    fold(word(text, at) ^ secret(key), word(text, at + 8) ^ secret(key + 8))
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

fn avalanche(mut hash: u64) -> u64 {
    hash ^= hash >> 37;
    hash = hash.wrapping_mul(MIX_1);
    hash ^ hash >> 32
}

fn avalanche_64(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(PRIME64_2);
    hash ^= hash >> 29;
    hash = hash.wrapping_mul(PRIME64_3);
    hash ^ hash >> 32
}

#[inline]
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

fn word32(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |word| u64::from(u32::from_le_bytes(*word)))
}

#[inline]
fn secret(at: usize) -> u64 {
    word(SECRET, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Digests of the digits 0 to 9 again and again, as the reference library has them.
    #[test]
    fn digests_of_every_way_of_mixing_are_those_of_the_reference() {
        let text: Vec<u8> = b"0123456789".iter().cycle().take(3000).copied().collect();
        for (len, digest) in EXPECTED {
            assert_eq!(xxh3(&text[..len]), digest, "{len}");
        }
        assert_eq!(xxh3(b"Hello world"), 0xb6ac_b9d8_4a38_ff74);
    }

    const EXPECTED: [(usize, u64); 12] = [
        (0, 0x2d06_8005_38d3_94c2),
        (1, 0x1982_e3a7_bb24_1055),
        (3, 0x8ed2_b2f3_6096_5d90),
        (4, 0x8aa9_2da1_8edb_594b),
        (8, 0x1808_e40d_6723_f646),
        (9, 0x3b52_93ce_9b5b_d7d7),
        (16, 0x84ab_df53_e8a0_3697),
        (17, 0x33c1_2b72_1fdb_9f24),
        (128, 0x2f83_c954_0ee3_2c9c),
        (129, 0x629d_0d76_0a7c_a820),
        (240, 0x7369_7f08_9085_eabd),
        (3000, 0x4f71_a4f4_98fa_41a2),
    ];
}
