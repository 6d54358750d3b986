//! Values: what a key can hold. They know nothing of keys, clients or commands.
//!
//! Strings live in their entry (`store::entry`); the others are one type each, with a private
//! representation that changes as the value grows: the encodings that OBJECT ENCODING names.

pub mod hash;
pub mod hyperloglog;
pub mod list;
pub mod lookup;
pub mod set;
pub mod sorted_set;
pub mod stream;
pub mod tuning;

pub use hash::{FieldTime, Hash, Keep};
pub use list::List;
pub use lookup::{Lookup, Source};
pub use set::Set;
pub use sorted_set::SortedSet;
pub use stream::Stream;
pub use tuning::Tuning;

use crate::collections::hash::HashSeed;
use alloc::vec::Vec;

/// What an entry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// String bytes in the entry.
    Inline = 0,
    /// A string that is a canonical integer.
    Int = 1,
    /// A string in a `Vec<u8>`.
    Vector = 2,
    /// A list.
    List = 3,
    /// A set.
    Set = 4,
    /// A hash.
    Hash = 5,
    /// A sorted set.
    SortedSet = 6,
    /// A stream.
    Stream = 7,
}

/// The type of a key as TYPE and SCAN name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Type {
    String,
    List,
    Set,
    Hash,
    SortedSet,
    Stream,
}

impl Type {
    /// The name that TYPE replies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::Hash => "hash",
            Self::SortedSet => "zset",
            Self::Stream => "stream",
        }
    }
}

impl Kind {
    /// The kind of this number; unknown numbers are streams, which no code stores.
    pub const fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Self::Inline,
            1 => Self::Int,
            2 => Self::Vector,
            3 => Self::List,
            4 => Self::Set,
            5 => Self::Hash,
            6 => Self::SortedSet,
            _ => Self::Stream,
        }
    }

    /// The type that clients see.
    pub const fn type_(self) -> Type {
        match self {
            Self::Inline | Self::Int | Self::Vector => Type::String,
            Self::List => Type::List,
            Self::Set => Type::Set,
            Self::Hash => Type::Hash,
            Self::SortedSet => Type::SortedSet,
            Self::Stream => Type::Stream,
        }
    }
}

/// A value that is more than a string: a list, set, hash, sorted set or stream.
pub trait Object: Sized + 'static {
    /// The kind of entries that hold it. No two types share one.
    const KIND: Kind;

    /// An equal value of its own, as COPY makes it; in the same encoding.
    fn duplicate(&self, seed: &HashSeed) -> Self;

    /// The name of the encoding as OBJECT ENCODING gives it.
    fn encoding(&self) -> &'static str;

    /// The bytes it takes on the heap; of a large value an estimate.
    fn memory(&self) -> usize;

    /// How many parts there are to free. Few: the value may be dropped at once.
    fn free_effort(&self) -> usize;

    /// Frees up to about `budget` parts; how many were freed. The value stays one that may be dropped.
    fn free_some(&mut self, budget: usize) -> usize;
}

/// Calls a method of [`Object`] on whatever object is there: `with_object!(entry.as_object, encoding())`, where
/// the first part is a method that gives the object of a type, if it is of that type. `None` for strings.
macro_rules! with_object {
    ($($of:ident).+, $($call:tt)+) => {
        if let Some(list) = $($of).+::<$crate::value::List>() {
            Some(list.$($call)+)
        } else if let Some(set) = $($of).+::<$crate::value::Set>() {
            Some(set.$($call)+)
        } else if let Some(hash) = $($of).+::<$crate::value::Hash>() {
            Some(hash.$($call)+)
        } else if let Some(zset) = $($of).+::<$crate::value::SortedSet>() {
            Some(zset.$($call)+)
        } else if let Some(stream) = $($of).+::<$crate::value::Stream>() {
            Some(stream.$($call)+)
        } else {
            None
        }
    };
}
pub(crate) use with_object;

/// A string value as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Str<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// A canonical integer.
    Int(i64),
}

impl<'a> Str<'a> {
    /// The length of its text in bytes.
    pub fn len(self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Int(value) => itoa::Buffer::new().format(value).len(),
        }
    }

    /// Whether it is the empty string.
    pub fn is_empty(self) -> bool {
        matches!(self, Self::Bytes([]))
    }

    /// Its text; an integer is printed into `buffer`.
    #[inline]
    pub fn text(self, buffer: &'a mut itoa::Buffer) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Int(value) => buffer.format(value).as_bytes(),
        }
    }

    /// Its text in a vector of its own.
    pub fn to_vec(self) -> Vec<u8> {
        self.text(&mut itoa::Buffer::new()).to_vec()
    }
}
