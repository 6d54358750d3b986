//! A stack of values with the calls that use it: a coroutine, or the main program.
//!
//! ```text
//! stack:  f a1 a2 | registers ...        f x | registers ...
//!         ^func     ^base                ^     ^base of the next frame      ^top
//! ```
//!
//! The stack always reaches at least a window of 256 slots past the base of a Lua frame, so that an
//! instruction's operands of eight bits need no check of their own.

use super::heap::Mark;
use super::value::{FunctionId, ThreadId, UpvalueId, Value};
use alloc::{boxed::Box, vec::Vec};
use core::any::Any;

/// Slots kept past every base.
pub(super) const WINDOW: usize = 256;

/// How a frame gives back what it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// This many values, filled with `nil`.
    Exactly(u16),
    /// All of them; the top says how many.
    All,
    /// As many as a `for` has variables; then the loop goes on or ends.
    Loop(u8),
    /// The instruction of the caller that made the call without being a call: a metamethod.
    Meta,
    /// The same, and the truth of the result is turned round: `a <= b` asked as `not (b < a)`.
    MetaNot,
}

/// A call in progress.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) function: FunctionId,
    /// Where the function is on the stack, and where its results go.
    pub(super) func: u32,
    /// The first register or argument.
    pub(super) base: u32,
    /// Lua: the next instruction. Native: its state.
    pub(super) pc: u32,
    pub(super) want: Want,
    pub(super) lua: bool,
    /// A native that receives the errors of what it called.
    pub(super) catches: bool,
    /// The last entry of [`Thread::payloads`] belongs to this native.
    pub(super) payload: bool,
    /// Called by a native or in place of a metamethod: it counts as a level of C's stack.
    pub(super) counted: bool,
    /// How many operands of a concatenation are left, when a metamethod interrupted it.
    pub(super) left: u8,
    /// Calls that a tail call has replaced, which levels in error positions count.
    pub(super) tail_calls: u32,
}

/// What a coroutine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Status {
    /// Not started, or inside `yield`.
    #[default]
    Suspended,
    Running,
    /// Waits for one that it resumed.
    Normal,
    /// Returned or failed.
    Dead,
}

/// A coroutine.
#[derive(Default)]
pub(super) struct Thread {
    pub(super) stack: Vec<Value>,
    pub(super) frames: Vec<Frame>,
    /// One past the last value in use while a native runs or results are passed.
    pub(super) top: usize,
    /// Captured variables that are still in registers, by index, the highest last.
    pub(super) open: Vec<(u32, UpvalueId)>,
    /// What waiting natives keep besides values.
    pub(super) payloads: Vec<Box<dyn Any + Send>>,
    /// Natives and metamethods in progress, which PUC Lua limits because they use C's stack.
    pub(super) depth: u32,
    pub(super) status: Status,
    /// The one that resumed this one.
    pub(super) resumer: Option<ThreadId>,
    pub(super) mark: Mark,
}

impl Thread {
    pub(super) fn new() -> Self {
        Self { stack: alloc::vec![Value::Nil; WINDOW + 64], ..Self::default() }
    }

    pub(super) fn size(&self) -> usize {
        self.stack.capacity() * size_of::<Value>() + self.frames.capacity() * size_of::<Frame>()
    }
}
