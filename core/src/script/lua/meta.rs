//! Metatables: which events there are, and where a value's handler for one is found.

use super::Lua;
use super::value::{TableId, Value};

macro_rules! events {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// What a metatable can handle.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Event { $($name),* }

        /// The field of each event, in the order of [`Event`].
        pub(super) const NAMES: &[&[u8]] = &[$($text),*];
    };
}

// Those whose absence a table remembers come first. There is no `__gc`: nothing finalizes.
events! {
    Index = b"__index",
    NewIndex = b"__newindex",
    Mode = b"__mode",
    Eq = b"__eq",
    Len = b"__len",
    Call = b"__call",
    Metatable = b"__metatable",
    Add = b"__add",
    Sub = b"__sub",
    Mul = b"__mul",
    Div = b"__div",
    Mod = b"__mod",
    Pow = b"__pow",
    Unm = b"__unm",
    Lt = b"__lt",
    Le = b"__le",
    Concat = b"__concat",
    ToString = b"__tostring",
}

impl Lua {
    /// The metatable of any value.
    #[inline]
    #[must_use]
    pub fn metatable(&self, value: Value) -> Option<TableId> {
        match value {
            Value::Table(id) => self.heap.tables[id.0].meta,
            Value::User(id) => self.heap.users[id.0].meta,
            Value::Str(_) => self.string_meta,
            _ => None,
        }
    }

    /// The handler of an event in a metatable; that there is none is remembered.
    #[inline]
    pub(super) fn fast_event(&mut self, meta: TableId, event: Event) -> Value {
        debug_assert!((event as u8) < 7, "only so many absences are remembered");
        let bit = 1 << event as u8;
        let table = &mut self.heap.tables[meta.0];
        if table.absent & bit != 0 {
            return Value::Nil;
        }
        let handler = table.get_str(self.names[event as usize]);
        if handler.is_nil() {
            table.absent |= bit;
        }
        handler
    }

    /// The handler of an event for any value.
    pub(super) fn event(&self, value: Value, event: Event) -> Value {
        match self.metatable(value) {
            Some(meta) => self.heap.tables[meta.0].get_str(self.names[event as usize]),
            None => Value::Nil,
        }
    }
}
