//! Positions and names for error messages.

use super::Lua;
use super::native::Raised;
use super::value::{Str, Value};
use alloc::vec::Vec;

impl Lua {
    /// `chunk:line: ` of the call so many levels up, or nothing where that is no Lua code.
    pub(super) fn position(&self, _level: u32) -> Vec<u8> {
        Vec::new()
    }

    /// The name by which the running native was called, and whether as a method.
    pub(super) fn native_name(&self) -> Option<(Str, bool)> {
        None
    }

    /// "attempt to `verb` local 'name' (a type value)"
    pub(super) fn type_error(&mut self, value: Value, verb: &str) -> Raised {
        let message =
            [b"attempt to ", verb.as_bytes(), b" a ", value.type_name().as_bytes(), b" value"];
        self.runtime_error(&message.concat())
    }

    /// An error at the current instruction.
    pub(super) fn runtime_error(&mut self, message: &[u8]) -> Raised {
        let mut text = self.position(0);
        text.extend_from_slice(message);
        let text = self.heap.string(&text);
        self.raise(Value::Str(text))
    }
}
