//! How functions written in Rust take part: the convention for libraries and hosts.
//!
//! A native is a plain `fn(&mut Call) -> Result<Flow, Raised>`. [`Call`] is its view of the
//! machine while it runs. It has a frame like a Lua function; its arguments are the *slots* 1, 2, …
//! of that frame, and it may push more. The frame's slots live on the Lua stack, so what is in
//! them is safe from the collector. Values in Rust variables are safe, too, as long as the native
//! runs, since nothing is collected meanwhile; they are lost when it waits (below).
//!
//! ```ignore
//! fn len(call: &mut Call<'_>) -> Result<Flow, Raised> {
//!     let text = call.check_str(1)?;
//!     let len = call.bytes(text).len();
//!     call.give(len as f64)                 // one result
//! }
//! ```
//!
//! # Results
//!
//! `call.give(value)` returns one value; `call.give_nothing()` none; `call.give_last(n)` the last
//! `n` slots, pushed with [`Call::push`] before.
//!
//! # Calling Lua, or anything else
//!
//! Natives never recurse. To call a function, push it and its arguments, and return
//! `call.call(arguments, Results::Exactly(1), STATE)`. When the callee is done its results stand
//! where the function stood, the native runs again from its start, and [`Call::state`] says
//! `STATE` (it is 0 the first time). So a native with callbacks is a state machine:
//!
//! ```ignore
//! match call.state() {
//!     0 => { call.push(f); call.push(x); Ok(call.call(1, Results::Exactly(1), 1)) }
//!     _ => { let answer = call.last(); … }
//! }
//! ```
//!
//! What it must remember goes into slots (values; numbers fit) or into a payload
//! ([`Call::keep`], [`Call::kept`]), any Rust type; payloads must not hold [`Value`]s of objects.
//! An error in the callee ends the native, unless it called [`Call::protect`] before: then it runs
//! again with the state [`FAILED`] and the error as its last slot.
//!
//! Operations with metamethods are calls that may not be needed: [`Call::index`] and
//! [`Call::less`] say whether the answer is known or which function to call for it.
//!
//! # Time and memory
//!
//! Work that grows with the input is paid for: [`Call::pay`] with about the number of bytes or
//! slots touched divided by eight or so (an instruction counts one). It may not stop the native: the debt is
//! noticed when it returns. A native that can run for long checks `pay`'s answer, and when the
//! budget is used up it saves where it is
//! (not without having made some way since it was last run) and returns `Ok(Flow::Pause(STATE))`, to be run again
//! with that state in the next slice.
//!
//! Before it builds something big it asks [`Call::reserve`], which raises "not enough memory".
//! [`Call::string`] does so itself.
//!
//! # Errors
//!
//! `Err(call.error("text"))` raises with the position of the Lua code that called, as
//! `luaL_error`; `call.arg_error(n, "text")` is "bad argument #n to 'name' (text)"; the `check_`
//! functions raise what PUC's do. [`Call::raise`] raises any value as it is.

use super::heap::{Code, Heap};
use super::number::{parse_number, write_number};
use super::table::Refused;
use super::thread::{Frame, Want};
use super::value::{FunctionId, Str, TableId, Value, to_integer};
use super::{Lua, meta::Event};
use alloc::{boxed::Box, vec::Vec};
use core::any::Any;

/// A function written in Rust.
pub type NativeFn = fn(&mut Call<'_>) -> Result<Flow, Raised>;

/// An error is on its way; its value is with the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised(pub(super) ());

/// The state of a native whose protected callee failed.
pub const FAILED: u32 = u32::MAX;

/// How many results a native wants of what it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Results {
    /// As many as this, filled with `nil`.
    Exactly(u16),
    /// As many as there are.
    All,
}

/// What the machine is to do when a native returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Return the last so many slots to the caller.
    Return(u32),
    /// Call what stands below the last so many slots, then run the native again in the state.
    Call(u32, Results, u32),
    /// Run the native again, in the state, when there is budget again.
    Pause(u32),
    /// Hand the last so many slots to the host; what it answers is pushed, and the native runs
    /// again in the state.
    Host(u32, u32),
    /// Suspend the coroutine and hand over the last so many slots. What it is resumed with
    /// is what the native returns.
    Yield(u32),
    /// Resume the coroutine in the first slot with the last so many slots. The native
    /// runs again: its last slots are the results, or in the state [`FAILED`] the error.
    Resume(u32, u32),
}

/// An answer that may need a call first.
#[derive(Debug, Clone, Copy)]
pub enum Answer<T> {
    /// Here it is.
    Known(T),
    /// Call this with the two operands for it.
    Call(Value, Value, Value),
}

/// A native's view of the machine.
pub struct Call<'a> {
    pub(super) lua: &'a mut Lua,
    pub(super) base: usize,
    pub(super) state: u32,
}

impl Call<'_> {
    /// Zero at first, then what the native gave when it last waited.
    #[inline]
    #[must_use]
    pub fn state(&self) -> u32 {
        self.state
    }

    /// Makes the native run in another state, without waiting.
    pub fn set_state(&mut self, state: u32) {
        self.state = state;
    }

    /// How many slots there are; at first, how many arguments.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.lua.thread.top - self.base
    }

    /// Whether there are no slots.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value in a slot, counted from 1; `nil` past the last.
    #[inline]
    #[must_use]
    pub fn arg(&self, n: usize) -> Value {
        let at = self.base + n - 1;
        if at < self.lua.thread.top { self.lua.thread.stack[at] } else { Value::Nil }
    }

    /// The value in the last slot.
    #[must_use]
    pub fn last(&self) -> Value {
        self.arg(self.len().max(1))
    }

    /// Whether there is no such slot.
    #[inline]
    #[must_use]
    pub fn is_none(&self, n: usize) -> bool {
        n > self.len()
    }

    /// Whether there is no such slot, or it holds `nil`.
    #[inline]
    #[must_use]
    pub fn is_none_or_nil(&self, n: usize) -> bool {
        self.arg(n).is_nil()
    }

    /// Changes a slot, or adds it and those before it.
    pub fn set(&mut self, n: usize, value: Value) {
        if n > self.len() {
            self.set_len(n);
        }
        self.lua.thread.stack[self.base + n - 1] = value;
    }

    /// Adds slots with `nil`, or drops the last.
    #[inline(never)]
    pub fn set_len(&mut self, len: usize) {
        let (old, new) = (self.lua.thread.top, self.base + len);
        if new > old {
            self.lua.ensure(len - (old - self.base));
            self.lua.thread.stack[old..new].fill(Value::Nil);
        }
        self.lua.thread.top = new;
    }

    /// Adds a slot at the end.
    #[inline]
    pub fn push(&mut self, value: impl Into<Value>) {
        self.push_value(value.into());
    }

    #[inline(never)]
    fn push_value(&mut self, value: Value) {
        let top = self.lua.thread.top;
        if top >= self.lua.thread.stack.len() {
            self.lua.ensure(1);
        }
        self.lua.thread.stack[top] = value;
        self.lua.thread.top = top + 1;
    }

    /// Takes the last slot away.
    pub fn pop(&mut self) -> Value {
        if self.is_empty() {
            return Value::Nil;
        }
        self.lua.thread.top -= 1;
        self.lua.thread.stack[self.lua.thread.top]
    }

    /// Whether so many more values may be pushed: PUC's limit of 8000 for a C function.
    #[must_use]
    pub fn has_room_for(&self, count: usize) -> bool {
        self.len() + count <= 8000
    }

    /// Returns one value.
    #[inline]
    pub fn give(&mut self, value: impl Into<Value>) -> Result<Flow, Raised> {
        self.push(value);
        Ok(Flow::Return(1))
    }

    /// Returns no value.
    #[inline]
    pub fn give_nothing(&mut self) -> Result<Flow, Raised> {
        Ok(Flow::Return(0))
    }

    /// Returns the last `count` slots.
    #[inline]
    pub fn give_last(&mut self, count: usize) -> Result<Flow, Raised> {
        Ok(Flow::Return(count as u32))
    }

    /// Calls what stands below the last `arguments` slots; see the module's head.
    #[inline]
    #[must_use]
    pub fn call(&mut self, arguments: usize, results: Results, state: u32) -> Flow {
        Flow::Call(arguments as u32, results, state)
    }

    /// From now on this native receives the errors of what it calls, in the state [`FAILED`].
    pub fn protect(&mut self) {
        self.frame().catches = true;
    }

    /// Keeps something until the native is done, in place of what it kept before.
    pub fn keep(&mut self, payload: impl Any + Send) {
        let boxed: Box<dyn Any + Send> = Box::new(payload);
        if core::mem::replace(&mut self.frame().payload, true) {
            self.lua.thread.payloads.pop();
        }
        self.lua.thread.payloads.push(boxed);
    }

    /// What was kept.
    pub fn kept<T: Any>(&mut self) -> Option<&mut T> {
        if !self.frame().payload {
            return None;
        }
        self.lua.thread.payloads.last_mut()?.downcast_mut()
    }

    /// Takes what was kept out, to be kept again if need be. This leaves `call` free for use.
    pub fn take_kept<T: Any>(&mut self) -> Option<Box<T>> {
        if !core::mem::replace(&mut self.frame().payload, false) {
            return None;
        }
        self.lua.thread.payloads.pop()?.downcast().ok()
    }

    /// Keeps what [`take_kept`](Self::take_kept) took, without allocating again.
    pub fn keep_boxed<T: Any + Send>(&mut self, payload: Box<T>) {
        if core::mem::replace(&mut self.frame().payload, true) {
            self.lua.thread.payloads.pop();
        }
        self.lua.thread.payloads.push(payload);
    }

    fn frame(&mut self) -> &mut Frame {
        self.lua.thread.frames.last_mut().expect("a native that runs has a frame")
    }

    /// The function that runs.
    #[must_use]
    pub fn function(&self) -> FunctionId {
        self.lua.thread.frames.last().map_or(FunctionId(0), |frame| frame.function)
    }

    /// Whether a function is written in Lua.
    #[must_use]
    pub fn is_lua(&self, function: FunctionId) -> bool {
        matches!(self.lua.heap.functions[function.0].code, Code::Lua(_))
    }

    /// A value of the native's own, counted from 1, given when it was made.
    #[must_use]
    pub fn upvalue(&self, n: usize) -> Value {
        let function = &self.lua.heap.functions[self.function().0];
        function.values.get(n - 1).copied().unwrap_or(Value::Nil)
    }

    /// Changes a value of the native's own.
    pub fn set_upvalue(&mut self, n: usize, value: Value) {
        let id = self.function();
        self.lua.heap.forward(value);
        if let Some(slot) = self.lua.heap.functions[id.0].values.get_mut(n - 1) {
            *slot = value;
        }
    }

    // Objects.

    /// All objects.
    #[must_use]
    pub fn heap(&self) -> &Heap {
        &self.lua.heap
    }

    /// All objects, to make new ones.
    pub fn heap_mut(&mut self) -> &mut Heap {
        &mut self.lua.heap
    }

    /// The machine itself, for hosts.
    pub fn lua(&mut self) -> &mut Lua {
        self.lua
    }

    /// The settings of `cjson`.
    pub(super) fn json(&mut self) -> &mut super::lib::cjson::Config {
        &mut self.lua.json
    }

    /// The bytes of a string.
    #[inline]
    #[must_use]
    pub fn bytes(&self, string: Str) -> &[u8] {
        self.lua.heap.bytes(string)
    }

    /// A string of these bytes.
    #[inline(never)]
    pub fn string(&mut self, bytes: &[u8]) -> Result<Str, Raised> {
        if bytes.len() >= 1024 {
            self.reserve(bytes.len())?;
        }
        self.lua.budget -= (bytes.len() / 8) as i64;
        Ok(self.lua.heap.string(bytes))
    }

    /// A part of a string.
    pub fn substring(&mut self, string: Str, start: usize, end: usize) -> Result<Str, Raised> {
        self.reserve(end - start)?;
        self.lua.budget -= ((end - start) / 8) as i64;
        Ok(self.lua.heap.substring(string, start, end))
    }

    /// A buffer to build a string in, empty, to be handed back with
    /// [`return_buffer`](Self::return_buffer).
    #[must_use]
    pub fn take_buffer(&mut self) -> Vec<u8> {
        let mut buffer = core::mem::take(&mut self.lua.buffer);
        buffer.clear();
        buffer
    }

    /// Keeps the buffer for the next use, unless it has grown big.
    pub fn return_buffer(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= 1 << 16 {
            self.lua.buffer = buffer;
        }
    }

    /// Makes sure that `size` more bytes may be taken, or raises "not enough memory".
    pub fn reserve(&mut self, size: usize) -> Result<(), Raised> {
        if size > self.lua.heap.room() { Err(self.lua.out_of_memory()) } else { Ok(()) }
    }

    /// Sets `table[key]` without metamethods; raises if the key is `nil` or NaN.
    #[inline]
    pub fn raw_set(
        &mut self,
        table: TableId,
        key: impl Into<Value>,
        value: impl Into<Value>,
    ) -> Result<(), Raised> {
        self.raw_set_value(table, key.into(), value.into())
    }

    #[inline(never)]
    fn raw_set_value(&mut self, table: TableId, key: Value, value: Value) -> Result<(), Raised> {
        match self.lua.heap.set(table, key, value) {
            Ok(()) => Ok(()),
            Err(Refused::Memory) => Err(self.lua.out_of_memory()),
            Err(Refused::NilKey) => Err(self.error("table index is nil")),
            Err(Refused::NanKey) => Err(self.error("table index is NaN")),
        }
    }

    /// `table[key]` without metamethods.
    #[must_use]
    pub fn raw_get(&self, table: TableId, key: impl Into<Value>) -> Value {
        self.lua.heap.get(table, key.into())
    }

    /// `object[key]` with metamethods.
    pub fn index(&mut self, object: Value, key: Value) -> Result<Answer<Value>, Raised> {
        self.lua.index(object, key)
    }

    /// `a < b` with metamethods. The truth of what a call returns is the answer.
    pub fn less(&mut self, a: Value, b: Value) -> Result<Answer<bool>, Raised> {
        self.lua.less(a, b)
    }

    /// A field of the metatable of a value, such as `__tostring`.
    #[must_use]
    pub fn meta_field(&mut self, value: Value, name: &[u8]) -> Value {
        let Some(meta) = self.lua.metatable(value) else { return Value::Nil };
        let name = self.lua.heap.string(name);
        self.lua.heap.tables[meta.0].get_str(name)
    }

    /// Pays for work; false when the budget of this slice is used up.
    #[inline]
    pub fn pay(&mut self, cost: usize) -> bool {
        self.lua.budget -= cost as i64;
        self.lua.budget > 0
    }

    /// What is left of the slice; some, even when it is overdrawn, so that work that can pause makes some way.
    #[must_use]
    pub fn budget(&self) -> u64 {
        u64::try_from(self.lua.budget).unwrap_or(0).max(1000)
    }

    // Arguments.

    /// A number, or a string that stands for one.
    #[inline(never)]
    pub fn check_number(&mut self, n: usize) -> Result<f64, Raised> {
        match self.arg(n) {
            Value::Num(number) => Ok(number),
            Value::Str(text) => match parse_number(self.bytes(text)) {
                Some(number) => Ok(number),
                None => Err(self.type_error(n, "number")),
            },
            _ => Err(self.type_error(n, "number")),
        }
    }

    /// A number cut to an integer as C does.
    #[inline(never)]
    pub fn check_integer(&mut self, n: usize) -> Result<i64, Raised> {
        Ok(to_integer(self.check_number(n)?))
    }

    /// As [`check_integer`](Self::check_integer), with a value for none and `nil`.
    #[inline(never)]
    pub fn opt_integer(&mut self, n: usize, default: i64) -> Result<i64, Raised> {
        if self.is_none_or_nil(n) { Ok(default) } else { self.check_integer(n) }
    }

    /// As [`check_number`](Self::check_number), with a value for none and `nil`.
    #[inline(never)]
    pub fn opt_number(&mut self, n: usize, default: f64) -> Result<f64, Raised> {
        if self.is_none_or_nil(n) { Ok(default) } else { self.check_number(n) }
    }

    /// A string, or a number as text.
    #[inline(never)]
    pub fn check_str(&mut self, n: usize) -> Result<Str, Raised> {
        match self.arg(n) {
            Value::Str(text) => Ok(text),
            Value::Num(number) => {
                let text = self.number_text(number);
                self.set(n, Value::Str(text));
                Ok(text)
            }
            _ => Err(self.type_error(n, "string")),
        }
    }

    /// As [`check_str`](Self::check_str), none for none and `nil`.
    #[inline(never)]
    pub fn opt_str(&mut self, n: usize) -> Result<Option<Str>, Raised> {
        if self.is_none_or_nil(n) { Ok(None) } else { self.check_str(n).map(Some) }
    }

    /// The text of a number as `tostring` makes it.
    #[inline(never)]
    pub fn number_text(&mut self, number: f64) -> Str {
        let mut buffer = self.take_buffer();
        write_number(number, &mut buffer);
        let text = self.lua.heap.string(&buffer);
        self.return_buffer(buffer);
        text
    }

    /// A table.
    #[inline(never)]
    pub fn check_table(&mut self, n: usize) -> Result<TableId, Raised> {
        match self.arg(n) {
            Value::Table(table) => Ok(table),
            _ => Err(self.type_error(n, "table")),
        }
    }

    /// A function.
    #[inline(never)]
    pub fn check_function(&mut self, n: usize) -> Result<FunctionId, Raised> {
        match self.arg(n) {
            Value::Function(function) => Ok(function),
            _ => Err(self.type_error(n, "function")),
        }
    }

    /// Any value, `nil` too, but not none.
    #[inline(never)]
    pub fn check_any(&mut self, n: usize) -> Result<Value, Raised> {
        if self.is_none(n) { Err(self.arg_error(n, "value expected")) } else { Ok(self.arg(n)) }
    }

    // Errors.

    /// Raises this value as it is.
    pub fn raise(&mut self, value: impl Into<Value>) -> Raised {
        self.lua.raise(value.into())
    }

    /// An error with the position of the caller in front.
    #[cold]
    #[inline(never)]
    pub fn error(&mut self, text: &str) -> Raised {
        self.error_parts(&[text.as_bytes()])
    }

    /// As [`error`](Self::error), of several parts.
    #[cold]
    #[inline(never)]
    pub fn error_parts(&mut self, parts: &[&[u8]]) -> Raised {
        let mut message = self.lua.position(1);
        for part in parts {
            message.extend_from_slice(part);
        }
        let text = self.lua.heap.string(&message);
        self.lua.raise(Value::Str(text))
    }

    /// "bad argument #n to 'name' (text)"
    #[cold]
    #[inline(never)]
    pub fn arg_error(&mut self, n: usize, text: &str) -> Raised {
        self.arg_error_parts(n, &[text.as_bytes()])
    }

    /// As [`arg_error`](Self::arg_error), of several parts.
    #[cold]
    #[inline(never)]
    pub fn arg_error_parts(&mut self, n: usize, parts: &[&[u8]]) -> Raised {
        let text = parts.concat();
        let mut n = n;
        let name = match self.lua.native_name() {
            Some((name, method)) => {
                let name = self.bytes(name).to_vec();
                if method {
                    n -= 1;
                    if n == 0 {
                        return self.error_parts(&[
                            b"calling '",
                            &name,
                            b"' on bad self (",
                            &text,
                            b")",
                        ]);
                    }
                }
                name
            }
            None => b"?".to_vec(),
        };
        let mut number = Vec::new();
        write_number(n as f64, &mut number);
        self.error_parts(&[b"bad argument #", &number, b" to '", &name, b"' (", &text, b")"])
    }

    /// "bad argument #n to 'name' (expected expected, got what)"
    #[cold]
    #[inline(never)]
    pub fn type_error(&mut self, n: usize, expected: &str) -> Raised {
        let got = if self.is_none(n) { "no value" } else { self.arg(n).type_name() };
        self.arg_error_parts(n, &[expected.as_bytes(), b" expected, got ", got.as_bytes()])
    }
}

impl Results {
    pub(super) const fn want(self) -> Want {
        match self {
            Self::Exactly(count) => Want::Exactly(count),
            Self::All => Want::All,
        }
    }
}

impl Lua {
    /// `object[key]`, as far as it is known without a call.
    pub(super) fn index(&mut self, object: Value, key: Value) -> Result<Answer<Value>, Raised> {
        let mut object = object;
        for _ in 0..100 {
            let handler = if let Value::Table(id) = object {
                let value = self.heap.get(id, key);
                if !value.is_nil() {
                    return Ok(Answer::Known(value));
                }
                match self.heap.tables[id.0].meta {
                    None => return Ok(Answer::Known(Value::Nil)),
                    Some(meta) => match self.fast_event(meta, Event::Index) {
                        Value::Nil => return Ok(Answer::Known(Value::Nil)),
                        handler => handler,
                    },
                }
            } else {
                match self.event(object, Event::Index) {
                    Value::Nil => return Err(self.type_error(object, "index")),
                    handler => handler,
                }
            };
            if let Value::Function(_) = handler {
                return Ok(Answer::Call(handler, object, key));
            }
            object = handler;
        }
        Err(self.runtime_error(b"loop in gettable"))
    }
}

impl Lua {
    /// `a < b`, as far as it is known without a call.
    pub(super) fn less(&mut self, a: Value, b: Value) -> Result<Answer<bool>, Raised> {
        match (a, b) {
            (Value::Num(a), Value::Num(b)) => Ok(Answer::Known(a < b)),
            (Value::Str(a), Value::Str(b)) => {
                Ok(Answer::Known(compare_text(self.heap.bytes(a), self.heap.bytes(b)).is_lt()))
            }
            _ => match self.order_event(a, b, Event::Lt) {
                Some(handler) => Ok(Answer::Call(handler, a, b)),
                None => Err(self.order_error(a, b)),
            },
        }
    }

    /// The handler of an order that both operands share, as 5.1 demands.
    pub(super) fn order_event(&self, a: Value, b: Value, event: Event) -> Option<Value> {
        let handler = self.event(a, event);
        (!handler.is_nil() && handler.raw_equals(self.event(b, event))).then_some(handler)
    }

    /// "attempt to compare …"
    pub(super) fn order_error(&mut self, a: Value, b: Value) -> Raised {
        let (a, b) = (a.type_name().as_bytes(), b.type_name().as_bytes());
        // PUC Lua tells types apart by the third letter of their names: a thread and a string are alike.
        let message = if a.get(2) == b.get(2) {
            [b"attempt to compare two ".as_slice(), a, b" values"].concat()
        } else {
            [b"attempt to compare ".as_slice(), a, b" with ", b].concat()
        };
        self.runtime_error(&message)
    }
}

/// The order of strings: that of their bytes, which is `strcoll`'s in the C locale.
pub(super) fn compare_text(a: &[u8], b: &[u8]) -> core::cmp::Ordering {
    a.cmp(b)
}
