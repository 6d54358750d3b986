//! The checksum at the end of RDB files and DUMP payloads: CRC-64 with Jones's polynomial, reflected, with
//! neither start value nor final complement.
//!
//! One table of 2 KB is part of the program; the fifteen more that take sixteen bytes at a time are made when
//! there is enough to sum up for them to pay, and are gone with the sum. Sixteen are twice as fast as eight: what
//! the later half adds does not wait for the sum before.

use alloc::boxed::Box;

/// Jones's polynomial, its bits in reverse.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

type Table = [u64; 256];

static TABLE: Table = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// From so many bytes on, the tables are worth making.
const TABLES_FROM: usize = 8192;
/// How many bytes they take at a time.
const WIDTH: usize = 16;

/// A checksum of bytes that come in pieces.
#[derive(Debug, Clone, Default)]
pub struct Crc64 {
    crc: u64,
    /// How many bytes came without the tables.
    slow: usize,
    /// What a byte adds that has so many bytes behind it.
    tables: Option<Box<[Table; WIDTH]>>,
}

impl Crc64 {
    /// The checksum of these bytes.
    pub fn of(bytes: &[u8]) -> u64 {
        let mut crc = Self::default();
        crc.update(bytes);
        crc.value()
    }

    /// The checksum of all bytes so far.
    pub fn value(&self) -> u64 {
        self.crc
    }

    /// Adds bytes behind the others.
    pub fn update(&mut self, bytes: &[u8]) {
        if self.tables.is_none() {
            self.slow = self.slow.saturating_add(bytes.len());
            if self.slow >= TABLES_FROM {
                self.tables = Some(tables());
            }
        }
        let mut rest = bytes;
        if let Some(tables) = &self.tables {
            let (near, far) = tables.split_at(WIDTH / 2);
            let (pairs, tail) = bytes.as_chunks::<WIDTH>();
            for pair in pairs {
                let [first, second] = [0, 8].map(|at| {
                    let mut word = [0; 8];
                    word.copy_from_slice(&pair[at..at + 8]);
                    u64::from_le_bytes(word)
                });
                self.crc = look_up(far, self.crc ^ first) ^ look_up(near, second);
            }
            rest = tail;
        }
        for &byte in rest {
            self.crc = TABLE[usize::from(self.crc as u8 ^ byte)] ^ (self.crc >> 8);
        }
    }
}

/// What eight bytes add that have the last table's number of bytes behind the first.
#[inline]
fn look_up(tables: &[Table], bytes: u64) -> u64 {
    let bytes = bytes.to_le_bytes();
    bytes
        .iter()
        .zip(tables.iter().rev())
        .fold(0, |sum, (&byte, table)| sum ^ table[usize::from(byte)])
}

#[cold]
fn tables() -> Box<[Table; WIDTH]> {
    let mut tables = Box::new([TABLE; WIDTH]);
    for number in 1..WIDTH {
        for byte in 0..256 {
            let before = tables[number - 1][byte];
            tables[number][byte] = TABLE[usize::from(before as u8)] ^ (before >> 8);
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_check_value_is_that_of_jones() {
        assert_eq!(Crc64::of(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(Crc64::of(b""), 0);
    }

    #[test]
    fn pieces_and_tables_make_no_difference() {
        let bytes: Vec<u8> =
            (0..20_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let slow =
            bytes.iter().fold(0, |crc, &byte| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8));
        let mut mixed = Crc64::default();
        mixed.update(&bytes[..3]);
        assert!(mixed.tables.is_none());
        mixed.update(&bytes[3..9000]);
        mixed.update(&bytes[9000..]);
        let mut small = Crc64::default();
        bytes.chunks(100).for_each(|piece| small.update(piece));
        assert!(small.tables.is_some());
        assert_eq!([small.value(), mixed.value(), Crc64::of(&bytes)], [slow; 3]);
    }
}
