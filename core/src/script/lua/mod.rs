//! Lua 5.1, in safe Rust, without I/O.
//!
//! The same results, error texts and orders as PUC Lua 5.1.5, and the same on every target.
//!
//! ```text
//! source -> lex -> parse/code -> Proto -> vm (frames, registers) <-> natives (lib, host)
//!                                          |
//!                                        heap: strings, tables, functions, ... <- gc
//! ```
//!
//! The machine has its own stack of frames and never recurses natively, whatever a script does. It
//! runs for a budget and can go on where it stopped; natives that a host adds can hand control to
//! the host in the middle of a script.
//!
//! * [`value`]: what a variable holds; [`heap`]: where objects are; `gc`: how they go
//! * [`native`]: functions written in Rust, the file to read to write a library
//! * [`lib`]: the libraries

pub mod heap;
pub mod lib;
pub mod native;
pub mod number;
pub mod value;

mod debug;
mod gc;
mod lex;
mod meta;
mod opcode;
mod parse;
mod proto;
mod strings;
mod table;
mod thread;
mod vm;

#[cfg(test)]
mod tests;

pub use table::Table;
pub use vm::Step;

use alloc::vec::Vec;
use heap::Heap;
use native::{NativeFn, Raised};
use thread::{Thread, WINDOW};
use value::{FunctionId, Str, TableId, ThreadId, Value};

/// A Lua state.
pub struct Lua {
    pub(self) heap: Heap,
    /// The stack that runs. Its slot in the heap is empty meanwhile.
    thread: Thread,
    current: ThreadId,
    main: ThreadId,
    /// Coroutines that wait for others.
    nesting: u32,
    /// The number of arguments of a function that is to be called first.
    pending: Option<u32>,
    /// The function `next`, which loops do without calling it.
    next: Option<FunctionId>,
    globals: TableId,
    /// Values that the host keeps, out of reach for scripts.
    registry: TableId,
    string_meta: Option<TableId>,
    /// The names of events, in their order.
    names: Vec<Str>,
    /// The error on its way.
    thrown: Value,
    /// Where the error was raised that nobody caught: the chunk's name and the line.
    place: Option<(Vec<u8>, u32)>,
    /// What a host makes of errors that `pcall` has caught.
    caught: Option<fn(&mut Self, Value) -> Value>,
    /// What is left of the slice; natives may overdraw it.
    budget: i64,
    memory_exceeded: bool,
    /// Settings of `cjson`.
    json: lib::cjson::Config,
    /// What `print` wrote.
    printed: Vec<u8>,
    /// Kept for building strings.
    buffer: Vec<u8>,
    /// More that the collector must not take.
    roots: Vec<Value>,
}

impl Lua {
    /// A state without libraries, whose scripts may use so much memory.
    #[must_use]
    pub fn new(memory_cap: usize) -> Self {
        let mut heap = Heap::new(memory_cap);
        let names: Vec<Str> = meta::NAMES.iter().map(|name| heap.string(name)).collect();
        heap.gc.mode = Some(names[meta::Event::Mode as usize]);
        let globals = heap.table();
        let registry = heap.table();
        let current = heap.thread(Thread::default());
        Self {
            heap,
            thread: Thread::new(),
            current,
            main: current,
            nesting: 0,
            pending: None,
            next: None,
            globals,
            registry,
            string_meta: None,
            names,
            thrown: Value::Nil,
            place: None,
            caught: None,
            budget: 0,
            memory_exceeded: false,
            json: lib::cjson::Config::default(),
            printed: Vec::new(),
            buffer: Vec::new(),
            roots: Vec::new(),
        }
    }

    /// All objects.
    #[must_use]
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// All objects, to make new ones.
    pub fn heap_mut(&mut self) -> &mut Heap {
        &mut self.heap
    }

    /// The table of globals.
    #[must_use]
    pub fn globals(&self) -> TableId {
        self.globals
    }

    /// A table out of reach for scripts.
    #[must_use]
    pub fn registry(&self) -> TableId {
        self.registry
    }

    /// Where the error was raised that ended what ran: the chunk's name as it was given, and the line.
    pub fn take_error_place(&mut self) -> Option<(Vec<u8>, u32)> {
        self.place.take()
    }

    /// Gives scripts what this makes of each error that `pcall` has caught.
    pub fn on_caught(&mut self, change: fn(&mut Self, Value) -> Value) {
        self.caught = Some(change);
    }

    /// What `print` has written since this was last asked.
    pub fn take_printed(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.printed)
    }

    /// Has the collector do about so many bytes of work. Only while nothing runs or between slices.
    pub fn collect_some(&mut self, work: usize) {
        self.step(work);
    }

    /// Sets the metatable that all strings share.
    pub fn set_string_meta(&mut self, meta: TableId) {
        self.string_meta = Some(meta);
    }

    /// Sets the metatable of a table.
    pub fn set_metatable(&mut self, table: TableId, meta: Option<TableId>) {
        if let Some(meta) = meta {
            self.heap.forward(Value::Table(meta));
        }
        self.heap.tables[table.0].meta = meta;
    }

    /// Makes functions the fields of a table.
    pub fn register(&mut self, table: TableId, functions: &[(&str, NativeFn)]) {
        for (name, function) in functions {
            let function = self.heap.native(*function, self.globals, &[]);
            self.heap.set_field(table, name.as_bytes(), Value::Function(function));
        }
    }

    /// A new table of these functions, as a global of this name.
    pub fn library(&mut self, name: &str, functions: &[(&str, NativeFn)]) -> TableId {
        let table = self.heap.table_with(0, functions.len());
        self.register(table, functions);
        self.heap.set_field(self.globals, name.as_bytes(), Value::Table(table));
        table
    }

    /// Makes room for so many values past the top, and a window past them.
    pub(self) fn ensure(&mut self, count: usize) {
        let need = self.thread.top + count + WINDOW;
        if self.thread.stack.len() < need {
            let before = self.thread.size();
            let len = need.max(self.thread.stack.len() * 2);
            self.thread.stack.resize(len, Value::Nil);
            self.heap.gc.account(before, self.thread.size());
        }
    }

    pub(self) fn raise(&mut self, value: Value) -> Raised {
        self.thrown = value;
        Raised(())
    }

    #[cold]
    #[inline(never)]
    pub(self) fn out_of_memory(&mut self) -> Raised {
        let text = self.heap.string(b"not enough memory");
        self.raise(Value::Str(text))
    }
}
