//! Counting bits with the instructions that not every x86-64 has.
//!
//! Binaries are made for the oldest x86-64, which has no POPCNT and vectors of 16 bytes. Where there is AVX2 the
//! compiler counts a vector's bits by looking up its half bytes, which takes a third of the time; this file asks
//! the processor whether it may. The answer is kept: on a virtual machine CPUID takes a microsecond.
//!
//! The answer is a fact about the machine, not about an engine, and what is counted does not depend on it: a
//! global may hold it.

use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use core::sync::atomic::{AtomicU8, Ordering};

/// Shorter strings are not worth a call that cannot be inlined.
pub(super) const BYTES_MIN: usize = 256;

const UNKNOWN: u8 = 0;
const NO: u8 = 1;
const YES: u8 = 2;

static KNOWN: AtomicU8 = AtomicU8::new(UNKNOWN);

/// How many bits are set, if the processor has what it takes.
#[inline]
pub(super) fn count_ones(bytes: &[u8]) -> Option<u64> {
    // SAFETY: the processor has AVX2 and POPCNT, and the system keeps the registers.
    is_there().then(|| unsafe { count_with_avx2(bytes) })
}

#[target_feature(enable = "avx2,popcnt")]
fn count_with_avx2(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks();
    // As plain as can be: this is what the compiler makes vectors of.
    let ones = words.iter().map(|word| u64::from(u64::from_le_bytes(*word).count_ones()));
    ones.sum::<u64>() + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

#[inline]
fn is_there() -> bool {
    match KNOWN.load(Ordering::Relaxed) {
        UNKNOWN => {
            // Whoever asks at the same time hears the same.
            let found = find_out();
            KNOWN.store(if found { YES } else { NO }, Ordering::Relaxed);
            found
        }
        known => known == YES,
    }
}

#[cold]
fn find_out() -> bool {
    const POPCNT: u32 = 1 << 23;
    const OSXSAVE: u32 = 1 << 27;
    const AVX: u32 = 1 << 28;
    const AVX2: u32 = 1 << 5;
    const LEAF_OF_AVX2: u32 = 7;
    let wanted = POPCNT | OSXSAVE | AVX;
    if __cpuid(0).eax < LEAF_OF_AVX2 || __cpuid(1).ecx & wanted != wanted {
        return false;
    }
    // SAFETY: OSXSAVE says that the system has switched XGETBV on.
    let kept_registers = unsafe { kept_registers() };
    const SSE_AND_AVX: u64 = 0b110;
    kept_registers & SSE_AND_AVX == SSE_AND_AVX && __cpuid_count(LEAF_OF_AVX2, 0).ebx & AVX2 != 0
}

/// Which registers the system saves when it switches between threads.
#[target_feature(enable = "xsave")]
fn kept_registers() -> u64 {
    // SAFETY: register 0 is there wherever the instruction is.
    unsafe { _xgetbv(0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use alloc::vec::Vec;

    #[test]
    fn both_ways_count_the_same() {
        let mut rng = Rng::new(9);
        for len in [0, 1, 31, 32, 255, 256, 511, 512, 513, 1024, 5000, 70_001] {
            let bytes: Vec<u8> = (0..len).map(|_| rng.next_u64() as u8).collect();
            let plain = super::super::count_in_blocks(&bytes);
            assert!(count_ones(&bytes).is_none_or(|count| count == plain), "{len} bytes");
        }
    }
}
