//! Bytes as strings of bits, the most significant bit of the first byte being bit 0: counting, finding,
//! combining them and reading numbers of any width out of them.
//!
//! The loops go by blocks of words of 64 bits without a branch inside, so that the compiler makes vector
//! instructions of them.

/// The bytes of a word.
const WORD: usize = 8;
/// The words that [`count_ones`] sums up at once.
const GROUP: usize = 16;
/// Independent sums, side by side in a vector.
const LANES: usize = 4;

type Lanes = [u64; LANES];

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod wide;

/// How many bits are set.
#[must_use]
pub fn count_ones(bytes: &[u8]) -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if bytes.len() >= wide::BYTES_MIN
        && let Some(count) = wide::count_ones(bytes)
    {
        return count;
    }
    if cfg!(target_arch = "wasm32") {
        // It has an instruction for that.
        return count_by_words(bytes);
    }
    count_in_blocks(bytes)
}

/// Harley and Seal's way: a tree of adders turns sixteen words into one whose bits count sixteen each, and
/// few words are left whose bits are counted one by one.
fn count_in_blocks(bytes: &[u8]) -> u64 {
    let mut blocks = bytes.chunks_exact(GROUP * LANES * WORD);
    let (mut ones, mut twos, mut fours, mut eights) =
        ([0; LANES], [0; LANES], [0; LANES], [0; LANES]);
    let mut sixteens = 0;
    for block in &mut blocks {
        let at = |index: usize| lanes(block, index * LANES * WORD);
        let mut fold = |from: usize| {
            let (twos_a, sum) = add(ones, at(from), at(from + 1));
            let (twos_b, sum) = add(sum, at(from + 2), at(from + 3));
            let (fours_a, sum_two) = add(twos, twos_a, twos_b);
            let (twos_a, sum) = add(sum, at(from + 4), at(from + 5));
            let (twos_b, sum) = add(sum, at(from + 6), at(from + 7));
            let (fours_b, sum_two) = add(sum_two, twos_a, twos_b);
            (ones, twos) = (sum, sum_two);
            let (eights, sum) = add(fours, fours_a, fours_b);
            fours = sum;
            eights
        };
        let (eights_a, eights_b) = (fold(0), fold(8));
        let (carry, sum) = add(eights, eights_a, eights_b);
        eights = sum;
        sixteens += ones_of(carry);
    }
    count_by_words(blocks.remainder())
        + 16 * sixteens
        + 8 * ones_of(eights)
        + 4 * ones_of(fours)
        + 2 * ones_of(twos)
        + ones_of(ones)
}

fn count_by_words(bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(WORD);
    let mut count: u64 = (&mut words).map(|word| u64::from(word_at(word, 0).count_ones())).sum();
    count += words.remainder().iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>();
    count
}

/// Adds three bits everywhere: the carries and the sums.
#[inline]
fn add(a: Lanes, b: Lanes, c: Lanes) -> (Lanes, Lanes) {
    let (mut carry, mut sum) = ([0; LANES], [0; LANES]);
    for lane in 0..LANES {
        let half = a[lane] ^ b[lane];
        carry[lane] = (a[lane] & b[lane]) | (half & c[lane]);
        sum[lane] = half ^ c[lane];
    }
    (carry, sum)
}

#[inline]
fn ones_of(lanes: Lanes) -> u64 {
    lanes.iter().map(|word| u64::from(word.count_ones())).sum()
}

#[inline]
fn lanes(bytes: &[u8], at: usize) -> Lanes {
    core::array::from_fn(|lane| word_at(bytes, at + lane * WORD))
}

/// The word at a place, little-endian; 0 past the end.
#[inline]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + WORD)
        .and_then(|word| word.first_chunk())
        .map_or(0, |w| u64::from_le_bytes(*w))
}

/// The place of the first bit of this value.
#[must_use]
pub fn find(bytes: &[u8], bit: bool) -> Option<u64> {
    const BLOCK: usize = 64;
    // A byte that differs from `skipped` has the bit.
    let skipped = if bit { 0x00 } else { 0xff };
    let skips = |block: &[u8]| block.iter().fold(0, |seen, byte| seen | (byte ^ skipped)) == 0;
    let blocks =
        bytes.chunks(BLOCK).take_while(|block| block.len() == BLOCK && skips(block)).count();
    let start = blocks * BLOCK;
    let index = bytes[start..].iter().position(|&byte| byte != skipped)?;
    let byte = bytes[start + index] ^ skipped;
    Some((start + index) as u64 * 8 + u64::from(byte.leading_zeros()))
}

/// Whether the bit at `at` is set; past the end none is.
#[inline]
#[must_use]
pub fn bit(bytes: &[u8], at: u64) -> bool {
    let byte = usize::try_from(at / 8).ok().and_then(|index| bytes.get(index));
    byte.is_some_and(|byte| byte & mask(at) != 0)
}

/// Sets or clears the bit at `at`, which is there; the value it had.
#[inline]
pub fn set_bit(bytes: &mut [u8], at: u64, value: bool) -> bool {
    let byte = &mut bytes[(at / 8) as usize];
    let old = *byte & mask(at) != 0;
    *byte = if value { *byte | mask(at) } else { *byte & !mask(at) };
    old
}

#[inline]
const fn mask(at: u64) -> u8 {
    0x80 >> (at % 8)
}

/// The unsigned number of `width` bits (1 to 64) at bit `at`; bits past the end are 0.
#[must_use]
pub fn number(bytes: &[u8], at: u64, width: u32) -> u64 {
    let window = usize::try_from(at / 8).ok().and_then(|start| bytes.get(start..));
    (wide(window.unwrap_or_default()) >> shift(at, width)) as u64 & low_bits(width)
}

/// Writes the low `width` bits (1 to 64) of `value` at bit `at`. The bits are there.
pub fn set_number(bytes: &mut [u8], at: u64, width: u32, value: u64) {
    let window = &mut bytes[(at / 8) as usize..];
    let shift = shift(at, width);
    let cleared = wide(window) & !(u128::from(low_bits(width)) << shift);
    let bytes = (cleared | u128::from(value & low_bits(width)) << shift).to_be_bytes();
    let len = window.len().min(bytes.len());
    window[..len].copy_from_slice(&bytes[..len]);
}

/// The first sixteen bytes, zeros where there are fewer. A number of 64 bits spans nine at most.
#[inline]
fn wide(window: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    let len = window.len().min(bytes.len());
    bytes[..len].copy_from_slice(&window[..len]);
    u128::from_be_bytes(bytes)
}

#[inline]
const fn shift(at: u64, width: u32) -> u32 {
    128 - (at % 8) as u32 - width
}

#[inline]
const fn low_bits(width: u32) -> u64 {
    u64::MAX >> (64 - width)
}

/// Replaces every byte of `into` by what `combine` makes of it and of the one of `from`.
#[inline]
pub fn combine(into: &mut [u8], from: &[u8], combine: impl Fn(u8, u8) -> u8) {
    for (into, from) in into.iter_mut().zip(from) {
        *into = combine(*into, *from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use alloc::vec::Vec;

    fn random(len: usize, rng: &mut Rng) -> Vec<u8> {
        (0..len).map(|_| rng.next_u64() as u8).collect()
    }

    #[test]
    fn bits_are_counted_in_strings_of_every_length() {
        let mut rng = Rng::new(3);
        for len in (0..600).chain([1023, 1024, 1537, 5000]) {
            let bytes = random(len, &mut rng);
            let expected: u64 = bytes.iter().map(|byte| u64::from(byte.count_ones())).sum();
            assert_eq!(count_ones(&bytes), expected, "{len} bytes");
            let full = alloc::vec![0xff; len];
            assert_eq!(count_ones(&full), len as u64 * 8);
        }
    }

    #[test]
    fn the_first_bit_is_found_wherever_it_is() {
        for len in [1, 8, 63, 64, 65, 200] {
            assert_eq!(find(&alloc::vec![0; len], true), None);
            assert_eq!(find(&alloc::vec![0xff; len], false), None);
            for at in 0..len as u64 * 8 {
                let mut bytes = alloc::vec![0; len];
                assert!(!set_bit(&mut bytes, at, true));
                assert_eq!(find(&bytes, true), Some(at));
                bytes.iter_mut().for_each(|byte| *byte = !*byte);
                assert_eq!(find(&bytes, false), Some(at));
            }
        }
        assert_eq!(find(b"", true), None);
    }

    #[test]
    fn numbers_of_every_width_come_back_and_leave_their_neighbours_alone() {
        let mut rng = Rng::new(4);
        for _ in 0..2000 {
            let mut bytes = random(24, &mut rng);
            let width = rng.below(64) as u32 + 1;
            let at = rng.below(24 * 8 - u64::from(width) + 1);
            let value = rng.next_u64() & low_bits(width);
            let before = bytes.clone();
            set_number(&mut bytes, at, width, value);
            assert_eq!(number(&bytes, at, width), value);
            let inside = at..at + u64::from(width);
            for place in (0..24 * 8).filter(|place| !inside.contains(place)) {
                assert_eq!(bit(&bytes, place), bit(&before, place));
            }
        }
    }

    #[test]
    fn a_number_past_the_end_has_zeros_there() {
        assert_eq!(number(b"\xff", 4, 8), 0xf0);
        assert_eq!(number(b"\xff", 8, 64), 0);
        assert_eq!(number(b"", u64::MAX, 64), 0);
    }
}
