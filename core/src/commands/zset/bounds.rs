//! Bounds of ranges: scores (`(1.5`, `+inf`), names (`[a`, `(b`, `-`, `+`) and places (`-1`), and the
//! ranks that lie between two of them.

use crate::collections::decimal::parse_double;
use crate::command::Args;
use crate::error::Error;
use crate::value::SortedSet;
use core::ops::Range;

/// A range of a sorted set, low end first.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bounds<'a> {
    Places(i64, i64),
    Scores(ScoreBound, ScoreBound),
    Names(NameBound<'a>, NameBound<'a>),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ScoreBound {
    score: f64,
    excluded: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum NameBound<'a> {
    /// `-`: before every name.
    First,
    /// `+`: after every name.
    Last,
    /// `[name`: with the name itself.
    Included(&'a [u8]),
    /// `(name`: without it.
    Excluded(&'a [u8]),
}

impl<'a> Bounds<'a> {
    /// The scores at `low` and `high` among the arguments.
    pub(super) fn scores(args: Args<'a>, low: usize, high: usize) -> Result<Self, Error> {
        Ok(Self::Scores(score_bound(args.at(low))?, score_bound(args.at(high))?))
    }

    /// The names at `low` and `high` among the arguments.
    pub(super) fn names(args: Args<'a>, low: usize, high: usize) -> Result<Self, Error> {
        Ok(Self::Names(name_bound(args.at(low))?, name_bound(args.at(high))?))
    }

    /// The places at `first` and `last` among the arguments.
    pub(super) fn places(args: Args<'a>, first: usize, last: usize) -> Result<Self, Error> {
        Ok(Self::Places(args.int(first)?, args.int(last)?))
    }

    /// The ranks of what lies within, counted from the lowest score; of places, from the end they are
    /// counted from.
    pub(super) fn ranks(self, set: &SortedSet) -> Range<u64> {
        let range = match self {
            Self::Places(first, last) => places(first, last, set.len()),
            Self::Scores(min, max) => {
                let start =
                    set.lower_bound(|_, s| s < min.score || (min.excluded && s == min.score));
                let end =
                    set.lower_bound(|_, s| s < max.score || (!max.excluded && s == max.score));
                start..end
            }
            Self::Names(min, max) => {
                let start = set.lower_bound(|name, _| match min {
                    NameBound::First => false,
                    NameBound::Last => true,
                    NameBound::Included(bound) => *name.text() < *bound,
                    NameBound::Excluded(bound) => *name.text() <= *bound,
                });
                let end = set.lower_bound(|name, _| match max {
                    NameBound::First => false,
                    NameBound::Last => true,
                    NameBound::Included(bound) => *name.text() <= *bound,
                    NameBound::Excluded(bound) => *name.text() < *bound,
                });
                start..end
            }
        };
        if range.start < range.end { range } else { 0..0 }
    }
}

/// Places from `first` to `last` inclusive, negative ones counted from the end, of `len`.
fn places(first: i64, last: i64, len: u64) -> Range<u64> {
    let absolute = |place: i64| if place < 0 { place.saturating_add(len as i64) } else { place };
    let first = absolute(first).max(0) as u64;
    let last = absolute(last);
    if last < 0 {
        return 0..0;
    }
    first..(last as u64).saturating_add(1).min(len)
}

/// Redis reads a bound as a C string: it ends at a zero byte, may start with space, and is 0 when empty.
fn score_bound(text: &[u8]) -> Result<ScoreBound, Error> {
    let (excluded, number) = match text {
        [b'(', number @ ..] => (true, number),
        number => (false, number),
    };
    let number = number.split(|byte| *byte == 0).next().unwrap_or_default();
    if number.is_empty() {
        return Ok(ScoreBound { score: 0.0, excluded });
    }
    let score = parse_double(number.trim_ascii_start());
    let score = score.ok_or(Error::Text("ERR min or max is not a float"))?;
    Ok(ScoreBound { score, excluded })
}

fn name_bound(text: &[u8]) -> Result<NameBound<'_>, Error> {
    match text {
        [b'-'] => Ok(NameBound::First),
        [b'+'] => Ok(NameBound::Last),
        [b'[', name @ ..] => Ok(NameBound::Included(name)),
        [b'(', name @ ..] => Ok(NameBound::Excluded(name)),
        _ => Err(Error::Text("ERR min or max not valid string range item")),
    }
}
