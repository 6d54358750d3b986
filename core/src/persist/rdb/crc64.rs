//! The checksum at the end of RDB files and DUMP payloads: CRC-64 with Jones's polynomial, reflected, with
//! neither start value nor final complement.
//!
//! One table of 2 KB is part of the program; the seven more that take eight bytes at a time are made when
//! there is enough to sum up for them to pay, and are gone with the sum.

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
const TABLES_FROM: usize = 4096;

/// A checksum of bytes that come in pieces.
#[derive(Debug, Clone, Default)]
pub struct Crc64 {
    crc: u64,
    /// What a byte adds that has so many bytes behind it.
    tables: Option<Box<[Table; 8]>>,
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
        if self.tables.is_none() && bytes.len() >= TABLES_FROM {
            self.tables = Some(tables());
        }
        let mut rest = bytes;
        if let Some(tables) = &self.tables {
            let (words, tail) = bytes.as_chunks::<8>();
            for word in words {
                let mixed = (self.crc ^ u64::from_le_bytes(*word)).to_le_bytes();
                self.crc = mixed
                    .iter()
                    .zip(tables.iter().rev())
                    .fold(0, |crc, (&byte, table)| crc ^ table[usize::from(byte)]);
            }
            rest = tail;
        }
        for &byte in rest {
            self.crc = TABLE[usize::from(self.crc as u8 ^ byte)] ^ (self.crc >> 8);
        }
    }
}

#[cold]
fn tables() -> Box<[Table; 8]> {
    let mut tables = Box::new([TABLE; 8]);
    for number in 1..8 {
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
        let mut slow = Crc64::default();
        bytes.chunks(100).for_each(|piece| slow.update(piece));
        assert!(slow.tables.is_none());
        let mut mixed = Crc64::default();
        mixed.update(&bytes[..3]);
        mixed.update(&bytes[3..9000]);
        mixed.update(&bytes[9000..]);
        assert!(mixed.tables.is_some());
        assert_eq!([slow.value(), mixed.value()], [Crc64::of(&bytes); 2]);
    }
}
