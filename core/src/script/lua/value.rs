//! What a Lua variable holds: sixteen bytes, copied freely.
//!
//! Objects live in the arenas of the [`Heap`](super::heap::Heap); a value names them by index. A
//! string's value carries its hash beside the index, so that a table lookup touches the table alone.

/// An interned string: equal strings have equal `Str`s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Str {
    pub(super) id: u32,
    pub(super) hash: u32,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
            pub struct $name(pub(super) u32);
        )*
    };
}

ids! {
    /// A table in the heap.
    TableId,
    /// A function, Lua or native.
    FunctionId,
    /// A coroutine.
    ThreadId,
    /// A full userdata, which `newproxy` makes.
    UserId,
    /// The compiled form of a function, shared by its closures.
    ProtoId,
    /// A captured variable.
    UpvalueId,
}

/// A Lua value.
///
/// The tag has eight bytes, too: with a narrow one, compilers copy values in pieces.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Value {
    /// `nil`
    Nil,
    /// `true` or `false`
    Bool(bool),
    /// Every number is a double.
    Num(f64),
    /// Bytes, interned.
    Str(Str),
    /// A table.
    Table(TableId),
    /// A function.
    Function(FunctionId),
    /// A coroutine.
    Thread(ThreadId),
    /// A userdata.
    User(UserId),
    /// A bare number with the type "userdata", such as `cjson.null`.
    Light(u32),
    /// A key whose object is gone; only a table's nodes hold it, never a variable.
    #[doc(hidden)]
    Dead(u32),
}

const _: () = assert!(size_of::<Value>() == 16);

impl Value {
    /// Everything but `nil` and `false` counts as true.
    #[inline(always)]
    #[must_use]
    pub fn is_true(&self) -> bool {
        !matches!(self, Self::Nil | Self::Bool(false))
    }

    /// Whether this is `nil`.
    #[inline(always)]
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// What `type` says.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Nil | Self::Dead(_) => "nil",
            Self::Bool(_) => "boolean",
            Self::Num(_) => "number",
            Self::Str(_) => "string",
            Self::Table(_) => "table",
            Self::Function(_) => "function",
            Self::Thread(_) => "thread",
            Self::User(_) | Self::Light(_) => "userdata",
        }
    }

    /// Equality without metamethods.
    #[inline(always)]
    #[must_use]
    pub fn raw_equals(self, other: Self) -> bool {
        self.same(&other)
    }

    #[inline(always)]
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Num(a), Self::Num(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a.id == b.id,
            (Self::Table(TableId(a)), Self::Table(TableId(b)))
            | (Self::Function(FunctionId(a)), Self::Function(FunctionId(b)))
            | (Self::Thread(ThreadId(a)), Self::Thread(ThreadId(b)))
            | (Self::User(UserId(a)), Self::User(UserId(b)))
            | (Self::Light(a), Self::Light(b)) => a == b,
            _ => false,
        }
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Num(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Str> for Value {
    fn from(value: Str) -> Self {
        Self::Str(value)
    }
}

impl From<TableId> for Value {
    fn from(value: TableId) -> Self {
        Self::Table(value)
    }
}

impl From<FunctionId> for Value {
    fn from(value: FunctionId) -> Self {
        Self::Function(value)
    }
}

/// The whole number that `number` is, if it fits 32 bits.
///
/// Adding 1.5 * 2^52 leaves the rounded value in the low bits; the comparison rejects what was
/// no whole number or too big. This is shorter than a saturating conversion.
#[inline(always)]
#[must_use]
pub(super) fn exact_i32(number: f64) -> Option<i32> {
    let int = (number + 6_755_399_441_055_744.0).to_bits() as u32 as i32;
    if f64::from(int) == number { Some(int) } else { None }
}

/// A number as C's cast to a 64-bit integer gives it: out of range becomes the smallest.
#[inline]
#[must_use]
pub fn to_integer(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_of_32_bits_are_exact() {
        for int in [0, 1, -1, 255, 65536, i32::MAX, i32::MIN] {
            assert_eq!(exact_i32(f64::from(int)), Some(int));
        }
        for number in [0.5, 1.5, -0.25, 2_147_483_648.0, 4_294_967_297.0, 1e300, 1e15, f64::NAN] {
            assert_eq!(exact_i32(number), None, "{number}");
        }
        assert_eq!(exact_i32(f64::INFINITY), None);
        assert_eq!(exact_i32(-0.0), Some(0));
    }

    #[test]
    fn conversion_to_integer_is_that_of_x86() {
        assert_eq!(to_integer(1.9), 1);
        assert_eq!(to_integer(-1.9), -1);
        assert_eq!(to_integer(f64::NAN), i64::MIN);
        assert_eq!(to_integer(1e300), i64::MIN);
    }
}
