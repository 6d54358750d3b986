//! Geohashes: a position as one integer whose prefix names a rectangle that it lies in.
//!
//! ```text
//! bit   51 50 49 48 …  1  0
//!       lon lat lon lat … lon lat      26 halvings of either range, the first on the left
//! ```
//!
//! A cell of `step` halvings is a prefix of 2·step bits; all positions within it are one range of
//! scores. The grid is 360° by the latitudes of the Mercator projection. Knows no keys.

use core::ops::Range;

/// Halvings of a position: what fits the 52 bits that a double holds exactly.
pub(super) const STEPS: u32 = 26;

/// The largest longitude.
pub(super) const LONGITUDE_MAX: f64 = 180.0;
/// The largest latitude: where the Mercator projection is cut to a square.
pub(super) const LATITUDE_MAX: f64 = 85.05112878;

/// The letters of a geohash as people write it.
const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
/// How many of them GEOHASH gives.
pub(super) const LETTERS_LEN: usize = 11;

/// A place on earth, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Position {
    pub(super) longitude: f64,
    pub(super) latitude: f64,
}

impl Position {
    /// The score of a member that is here.
    pub(super) fn score(self) -> f64 {
        Cell::around(self, STEPS).bits() as f64
    }

    /// Where a member of this score is: the middle of its smallest cell.
    #[inline]
    pub(super) fn of_score(score: f64) -> Self {
        let area = Cell::of_bits(bits_of(score), STEPS).area();
        Self {
            longitude: ((area.west + area.east) / 2.0).clamp(-LONGITUDE_MAX, LONGITUDE_MAX),
            latitude: ((area.south + area.north) / 2.0).clamp(-LATITUDE_MAX, LATITUDE_MAX),
        }
    }

    /// The geohash in letters, which counts latitudes from pole to pole.
    pub(super) fn letters(self) -> [u8; LETTERS_LEN] {
        let x = column(self.longitude, LONGITUDE_MAX, STEPS);
        let y = column(self.latitude, 90.0, STEPS);
        let bits = interleave(y, x);
        let mut letters = [LETTERS[0]; LETTERS_LEN];
        // 52 bits fill ten letters; the eleventh is always a zero.
        for (index, letter) in letters[..LETTERS_LEN - 1].iter_mut().enumerate() {
            *letter = LETTERS[(bits >> (47 - index * 5)) as usize % LETTERS.len()];
        }
        letters
    }
}

/// The integer that a score stands for; of scores that are no geohash, what the processor makes of them.
#[inline]
fn bits_of(score: f64) -> u64 {
    const HALF: f64 = (1u64 << 63) as f64;
    // A score that GEOADD did not make can be anything. Conversions that overflow give the least integer.
    let signed = |value: f64| {
        if (-HALF..HALF).contains(&value) { value as i64 as u64 } else { 1 << 63 }
    };
    if score < HALF { signed(score) } else { signed(score - HALF) ^ 1 << 63 }
}

/// A rectangle of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// Columns from the west.
    x: u32,
    /// Rows from the south.
    y: u32,
    /// How often either range was halved.
    pub(super) step: u32,
}

/// The edges of a cell, in degrees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) west: f64,
    pub(super) east: f64,
    pub(super) south: f64,
    pub(super) north: f64,
}

impl Cell {
    /// The cell that `position` lies in.
    pub(super) fn around(position: Position, step: u32) -> Self {
        Self {
            x: column(position.longitude, LONGITUDE_MAX, step),
            y: column(position.latitude, LATITUDE_MAX, step),
            step,
        }
    }

    #[inline]
    fn of_bits(bits: u64, step: u32) -> Self {
        Self { x: squeeze(bits >> 1), y: squeeze(bits), step }
    }

    fn bits(self) -> u64 {
        interleave(self.y, self.x)
    }

    /// The scores of all positions within.
    pub(super) fn scores(self) -> Range<f64> {
        let shift = 2 * (STEPS - self.step);
        let bits = self.bits();
        (bits << shift) as f64..((bits + 1) << shift) as f64
    }

    /// Its edges.
    #[inline]
    pub(super) fn area(self) -> Area {
        let cells = (1u64 << self.step) as f64;
        let edge = |at: u32, limit: f64| -limit + (f64::from(at) / cells) * (2.0 * limit);
        Area {
            west: edge(self.x, LONGITUDE_MAX),
            east: edge(self.x.wrapping_add(1), LONGITUDE_MAX),
            south: edge(self.y, LATITUDE_MAX),
            north: edge(self.y.wrapping_add(1), LATITUDE_MAX),
        }
    }

    /// The cell so many columns and rows away; the grid has no edges.
    pub(super) fn neighbor(self, columns: i32, rows: i32) -> Self {
        let mask = (1u32 << self.step) - 1;
        let moved = |at: u32, by: i32| {
            // A position at the very edge is a column of its own, which stays as it is unless moved.
            if by == 0 { at } else { at.wrapping_add_signed(by) & mask }
        };
        Self { x: moved(self.x, columns), y: moved(self.y, rows), step: self.step }
    }
}

/// Which of 2^step parts of the range from -limit to limit a coordinate is in.
fn column(coordinate: f64, limit: f64, step: u32) -> u32 {
    let part = (coordinate + limit) / (2.0 * limit);
    (part * (1u64 << step) as f64) as u32
}

/// The bits of `even` and `odd` in turn, that of `even` the lowest.
fn interleave(even: u32, odd: u32) -> u64 {
    spread(even) | spread(odd) << 1
}

/// The masks of the steps in which bits move apart or together.
const MASKS: [u64; 5] = [
    0x5555_5555_5555_5555,
    0x3333_3333_3333_3333,
    0x0f0f_0f0f_0f0f_0f0f,
    0x00ff_00ff_00ff_00ff,
    0x0000_ffff_0000_ffff,
];

#[inline]
fn spread(value: u32) -> u64 {
    let mut bits = u64::from(value);
    for (place, mask) in MASKS.iter().enumerate().rev() {
        bits = (bits | bits << (1 << place)) & mask;
    }
    bits
}

#[inline]
fn squeeze(value: u64) -> u32 {
    let mut bits = value & MASKS[0];
    for (place, mask) in MASKS.iter().enumerate().skip(1) {
        bits = (bits | bits >> (1 << (place - 1))) & mask;
    }
    (bits | bits >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALERMO: Position = Position { longitude: 13.361389, latitude: 38.115556 };

    #[test]
    fn bits_are_spread_and_squeezed() {
        for value in [0, 1, 0x8000_0000, 0xffff_ffff, 0x1234_5678] {
            assert_eq!(squeeze(spread(value)), value);
        }
        assert_eq!(interleave(0b11, 0b01), 0b0111);
    }

    #[test]
    fn a_position_survives_its_score() {
        let score = PALERMO.score();
        assert_eq!(score, 3_479_099_956_230_698.0);
        let back = Position::of_score(score);
        assert!((back.longitude - PALERMO.longitude).abs() < 1e-5);
        assert!((back.latitude - PALERMO.latitude).abs() < 1e-5);
        assert_eq!(back.score(), score);
    }

    #[test]
    fn the_letters_are_those_of_geohash_org() {
        let back = Position::of_score(PALERMO.score());
        assert_eq!(&back.letters(), b"sqc8b49rny0");
    }

    #[test]
    fn a_cell_holds_the_scores_of_its_positions() {
        for step in 1..=STEPS {
            assert!(Cell::around(PALERMO, step).scores().contains(&PALERMO.score()));
        }
    }

    #[test]
    fn the_grid_has_no_edges() {
        let corner = Cell { x: 0, y: 3, step: 2 };
        assert_eq!(corner.neighbor(-1, 1), Cell { x: 3, y: 0, step: 2 });
        assert_eq!(corner.neighbor(1, 0), Cell { x: 1, y: 3, step: 2 });
    }

    #[test]
    fn scores_that_are_no_geohash_are_places_all_the_same() {
        for score in [f64::NEG_INFINITY, -1.0, 1e300, f64::INFINITY, 0.0, 1.5] {
            let place = Position::of_score(score);
            assert!(place.longitude.abs() <= 180.0 && place.latitude.abs() < 86.0);
        }
    }
}
