//! A compiled function.

use super::heap::{Mark, cost};
use super::value::{ProtoId, Str, Value};
use alloc::{boxed::Box, vec::Vec};

/// Where a closure finds a captured variable when it is made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Capture {
    /// A register of the function around.
    Register(u8),
    /// A captured variable of the function around.
    Upvalue(u8),
}

/// A local variable and the instructions between which it exists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    pub(super) name: Str,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Code, constants, and what error messages need.
#[derive(Default)]
pub(super) struct Proto {
    pub(super) code: Box<[u32]>,
    pub(super) constants: Box<[Value]>,
    pub(super) protos: Vec<ProtoId>,
    pub(super) captures: Box<[Capture]>,
    /// The line of each instruction.
    pub(super) lines: Box<[u32]>,
    pub(super) locals: Box<[Local]>,
    pub(super) upvalue_names: Box<[Str]>,
    /// The chunk's name as given: `@file`, `=text` or the source itself.
    pub(super) source: Option<Str>,
    pub(super) parameters: u8,
    pub(super) registers: u8,
    pub(super) variadic: bool,
    /// Has the parameter `arg`, a table of the extra arguments.
    pub(super) wants_arg: bool,
    pub(super) mark: Mark,
}

impl Proto {
    pub(super) fn size(&self) -> usize {
        cost::PROTO
            + size_of_val(&*self.code)
            + size_of_val(&*self.constants)
            + size_of_val(&*self.protos)
            + size_of_val(&*self.captures)
            + size_of_val(&*self.lines)
            + size_of_val(&*self.locals)
            + size_of_val(&*self.upvalue_names)
    }
}
