//! Where a command's keys stand among its arguments: Redis's key specs.
//!
//! Cluster routing, client tracking, ACL checks and the prefetch across a pipeline all ask here.

use super::Args;
use alloc::vec::Vec;
use bitflags::bitflags;

bitflags! {
    /// What a command does with the keys of a spec.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct KeyFlags: u16 {
        /// Reads the value.
        const RO = 1;
        /// Changes the value with regard to what it was.
        const RW = 1 << 1;
        /// Overwrites the value whatever it was.
        const OW = 1 << 2;
        /// Removes the key.
        const RM = 1 << 3;
        /// Returns or uses the user's data in the value.
        const ACCESS = 1 << 4;
        /// Changes the user's data in the value.
        const UPDATE = 1 << 5;
        /// Adds data and neither changes nor removes any.
        const INSERT = 1 << 6;
        /// Removes data.
        const DELETE = 1 << 7;
        /// Is routed like a key and is none.
        const NOT_KEY = 1 << 8;
        /// May miss keys.
        const INCOMPLETE = 1 << 9;
        /// The other flags depend on the arguments.
        const VARIABLE_FLAGS = 1 << 10;
    }
}

/// Where the search for keys begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At this argument (the name is 0).
    Index(i16),
    /// After this word, looked for from this argument on (negative: from the end backwards).
    Keyword(&'static str, i16),
    /// Only the command's own code can tell.
    Unknown,
}

/// Which arguments from there on are keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Find {
    /// Up to `last` (relative to the first; negative: from the end), every `step`th; a `limit` of n over 1
    /// takes the first nth of what is left.
    #[allow(missing_docs)]
    Range { last: i16, step: i16, limit: i16 },
    /// As many as the number in argument `number` (relative) says, from `first` (relative) on, every `step`th.
    #[allow(missing_docs)]
    KeyNum { number: i16, first: i16, step: i16 },
    /// Only the command's own code can tell.
    Unknown,
}

/// One way in which a command names keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpec {
    /// What happens to the keys.
    pub flags: KeyFlags,
    /// Where the search begins.
    pub begin: Begin,
    /// Which arguments are keys.
    pub find: Find,
}

impl KeySpec {
    /// One key, at argument `index`.
    pub const fn one(index: i16, flags: KeyFlags) -> Self {
        Self::range(index, 0, 1, flags)
    }

    /// The keys from argument `index` to `last` (relative to `index`, or negative: from the end), every `step`th.
    pub const fn range(index: i16, last: i16, step: i16, flags: KeyFlags) -> Self {
        Self { flags, begin: Begin::Index(index), find: Find::Range { last, step, limit: 0 } }
    }

    /// As many keys as the number at argument `index` says, right after it.
    pub const fn counted(index: i16, flags: KeyFlags) -> Self {
        Self {
            flags,
            begin: Begin::Index(index),
            find: Find::KeyNum { number: 0, first: 1, step: 1 },
        }
    }

    /// A spec of any shape.
    pub const fn custom(flags: KeyFlags, begin: Begin, find: Find) -> Self {
        Self { flags, begin, find }
    }

    /// Appends the places of this spec's keys among `args` to `places`. `false` when the arguments do not
    /// fit the spec or only the command's own code can tell.
    pub fn places(&self, args: Args<'_>, places: &mut Vec<usize>) -> bool {
        let count = args.len();
        let first = match self.begin {
            Begin::Index(index) => index as usize,
            Begin::Keyword(word, from) => match keyword_place(args, word, from) {
                Some(place) => place + 1,
                None => return true,
            },
            Begin::Unknown => return false,
        };
        if first >= count {
            return false;
        }
        match self.find {
            Find::Unknown => false,
            Find::Range { last, step, limit } => {
                let end = if last >= 0 {
                    first + last as usize
                } else if limit <= 1 {
                    let back = last.unsigned_abs() as usize;
                    if back > count {
                        return false;
                    }
                    count - back
                } else {
                    first + (count - first) / limit as usize - 1
                };
                if end >= count || end < first {
                    return false;
                }
                places.extend((first..=end).step_by(step as usize));
                true
            }
            Find::KeyNum { number, first: skip, step } => {
                let Some(wanted) = args
                    .get(first + number as usize)
                    .and_then(|n| core::str::from_utf8(n).ok()?.parse::<usize>().ok())
                else {
                    return false;
                };
                let start = first + skip as usize;
                if wanted == 0 || wanted > count || start + (wanted - 1) * step as usize >= count {
                    return false;
                }
                places.extend((0..wanted).map(|i| start + i * step as usize));
                true
            }
        }
    }
}

fn keyword_place(args: Args<'_>, word: &str, from: i16) -> Option<usize> {
    let is_word = |&i: &usize| args[i].eq_ignore_ascii_case(word.as_bytes());
    if from >= 0 {
        (from as usize..args.len()).find(is_word)
    } else {
        let start = args.len().checked_sub(from.unsigned_abs() as usize)?;
        (1..=start).rev().find(is_word)
    }
}
