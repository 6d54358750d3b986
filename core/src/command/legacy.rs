//! What clients from before key specs are told: first key, last key, step, and whether that is not all.

use super::keys::{Begin, Find, KeyFlags, KeySpec};

/// The keys as one range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyRange {
    /// The place of the first key; 0: there are none.
    pub first: i64,
    /// The place of the last; negative: from the end.
    pub last: i64,
    /// From one to the next.
    pub step: i64,
    /// There may be keys elsewhere (`movablekeys`).
    pub movable: bool,
}

impl KeyRange {
    /// The range that comes closest to `specs`.
    pub fn of(specs: &[KeySpec]) -> Self {
        if let [only] = specs
            && let (Begin::Index(first), Find::Range { last, step, .. }) = (only.begin, only.find)
        {
            let (first, step) = (i64::from(first), i64::from(step));
            let last = absolute(first, last);
            return Self { first, last, step, movable: is_incomplete(only) };
        }
        let mut range = Self::default();
        for spec in specs {
            let (Begin::Index(first), Find::Range { last, step: 1, .. }) = (spec.begin, spec.find)
            else {
                range.movable = true;
                continue;
            };
            let first = i64::from(first);
            // Only ranges that follow each other make one.
            if range.first != 0 && range.last != first - 1 {
                range.movable = true;
                continue;
            }
            range.movable |= is_incomplete(spec);
            range.first = if range.first == 0 { first } else { range.first.min(first) };
            range.last = absolute(first, last);
            range.step = 1;
        }
        range
    }
}

fn absolute(first: i64, last: i16) -> i64 {
    if last >= 0 { first + i64::from(last) } else { i64::from(last) }
}

fn is_incomplete(spec: &KeySpec) -> bool {
    spec.flags.contains(KeyFlags::INCOMPLETE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_told_as_it_is() {
        let of = |specs: &[KeySpec]| {
            let range = KeyRange::of(specs);
            (range.first, range.last, range.step, range.movable)
        };
        assert_eq!(of(&[]), (0, 0, 0, false));
        assert_eq!(of(&[KeySpec::one(2, KeyFlags::RO)]), (2, 2, 1, false));
        assert_eq!(of(&[KeySpec::range(1, -1, 2, KeyFlags::OW)]), (1, -1, 2, false));
        assert_eq!(of(&[KeySpec::counted(1, KeyFlags::RO)]), (0, 0, 0, true));
    }

    #[test]
    fn ranges_side_by_side_are_one() {
        let (one, two) = (KeySpec::one(1, KeyFlags::RO), KeySpec::one(2, KeyFlags::OW));
        let range = KeyRange::of(&[one, two]);
        assert_eq!((range.first, range.last, range.movable), (1, 2, false));
        let range = KeyRange::of(&[one, KeySpec::counted(2, KeyFlags::RO)]);
        assert_eq!((range.first, range.last, range.movable), (1, 1, true));
    }
}
