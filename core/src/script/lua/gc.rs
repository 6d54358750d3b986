//! The collector: incremental mark and sweep.
//!
//! ```text
//! pause --(enough allocated)--> mark --(nothing gray)--> [atomic] --> sweep --> pause
//! ```
//!
//! A step does a bounded amount of work and is taken when memory has grown by a step's worth. While
//! marking goes on, a black table that is written to turns gray again (`back`); a value stored
//! into anything else black is marked (`forward`). Stacks have no barrier: those that ran since they were
//! marked are marked once more in the atomic part, whose length is bounded by what was touched.
//!
//! Weak tables are cleared in the atomic part.

use super::Lua;
use super::heap::{Code, Heap, Mark, Object, Variable, cost};
use super::proto::Proto;
use super::table::{self, Node, Table};
use super::thread::Thread;
use super::value::{FunctionId, ProtoId, Str, TableId, ThreadId, UpvalueId, UserId, Value};
use alloc::vec::Vec;

/// Work of one step, in bytes looked at.
const STEP_WORK: usize = 32 << 10;
/// Growth between two steps.
const STEP_GROWTH: usize = 12 << 10;
/// No collection begins below this.
const LEAST: usize = 256 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Pause,
    Mark,
    /// Which arena, and which slot of it comes next.
    Sweep(u8, usize),
}

/// An object whose references are still to be marked.
#[derive(Clone, Copy)]
enum Item {
    Table(TableId),
    Function(FunctionId),
    Upvalue(UpvalueId),
    Thread(ThreadId),
    Proto(ProtoId),
    User(UserId),
}

/// What the collector keeps between steps, and the account of memory.
pub(super) struct Gc {
    pub(super) used: usize,
    /// Scripts that use more than this after a full collection fail.
    pub(super) cap: usize,
    /// Nothing may be taken past this at any time.
    pub(super) hard_cap: usize,
    /// The next step is taken when this much is used.
    pub(super) threshold: usize,
    pub(super) white: Mark,
    pub(super) stopped: bool,
    phase: Phase,
    gray: Vec<Item>,
    /// Black tables that were written to.
    again: Vec<TableId>,
    weak: Vec<TableId>,
    /// `__mode`
    pub(super) mode: Option<Str>,
}

impl Gc {
    pub(super) const fn new(cap: usize) -> Self {
        Self {
            used: 0,
            cap,
            hard_cap: cap.saturating_mul(2),
            threshold: LEAST,
            white: Mark::White0,
            stopped: false,
            phase: Phase::Pause,
            gray: Vec::new(),
            again: Vec::new(),
            weak: Vec::new(),
            mode: None,
        }
    }

    /// The mark of what a running sweep frees.
    #[inline]
    pub(super) fn dead(&self) -> Mark {
        other(self.white)
    }

    /// A black table was written to.
    #[cold]
    #[inline(never)]
    pub(super) fn back(&mut self, id: TableId, mark: &mut Mark) {
        if self.phase == Phase::Mark {
            *mark = Mark::Gray;
            self.again.push(id);
        }
    }

    /// A stack that is black runs again, or a variable on it changed.
    pub(super) fn touch(&mut self, thread: ThreadId) {
        if self.phase == Phase::Mark {
            self.gray.push(Item::Thread(thread));
        }
    }

    pub(super) fn account(&mut self, before: usize, after: usize) {
        self.used = (self.used + after).saturating_sub(before);
    }
}

const fn other(white: Mark) -> Mark {
    match white {
        Mark::White0 => Mark::White1,
        _ => Mark::White0,
    }
}

const fn is_white(mark: Mark) -> bool {
    matches!(mark, Mark::White0 | Mark::White1)
}

impl Lua {
    /// Takes a step if memory has grown enough. Only between instructions.
    #[inline(always)]
    pub(super) fn check_gc(&mut self) {
        if self.heap.gc.used >= self.heap.gc.threshold {
            self.gc_step();
        }
    }

    #[cold]
    #[inline(never)]
    fn gc_step(&mut self) {
        let over = self.heap.gc.used > self.heap.gc.cap;
        if over {
            self.collect();
            if self.heap.gc.used > self.heap.gc.cap {
                self.memory_exceeded = true;
            }
            return;
        }
        if self.heap.gc.stopped {
            self.heap.gc.threshold = self.heap.gc.cap;
            return;
        }
        let growth = self.heap.gc.used.saturating_sub(self.heap.gc.threshold);
        let work = STEP_WORK + 3 * growth;
        self.budget -= (work / 64) as i64;
        if !self.step(work) {
            let gc = &mut self.heap.gc;
            gc.threshold = (gc.used + STEP_GROWTH).min(gc.cap);
        }
    }

    /// Does so much work; true when a cycle ended.
    pub(super) fn step(&mut self, work: usize) -> bool {
        let mut left = work as isize;
        while left > 0 {
            match self.heap.gc.phase {
                Phase::Pause => {
                    self.heap.gc.phase = Phase::Mark;
                    self.mark_roots();
                }
                Phase::Mark => match self.heap.gc.gray.pop() {
                    Some(item) => left -= self.heap.visit(item) as isize,
                    None => left -= self.atomic() as isize,
                },
                Phase::Sweep(arena, slot) => match self.heap.sweep(arena, slot, &mut left) {
                    Some((arena, slot)) => self.heap.gc.phase = Phase::Sweep(arena, slot),
                    None => {
                        let gc = &mut self.heap.gc;
                        gc.phase = Phase::Pause;
                        gc.threshold = (gc.used * 2).max(LEAST).min(gc.cap.max(gc.used + 1));
                        return true;
                    }
                },
            }
        }
        false
    }

    /// Collects all that is garbage now.
    pub(super) fn collect(&mut self) {
        self.budget -= (self.heap.gc.used / 64) as i64;
        if self.heap.gc.phase != Phase::Pause {
            // What died since marking began is found only by a cycle that starts now.
            while !self.step(1 << 20) {}
        }
        while !self.step(1 << 20) {}
    }

    fn mark_roots(&mut self) {
        for index in 0..self.names.len() {
            self.heap.mark_string(self.names[index]);
        }
        self.heap.mark(Value::Table(self.globals));
        self.heap.mark(Value::Table(self.registry));
        if let Some(meta) = self.string_meta {
            self.heap.mark(Value::Table(meta));
        }
        self.heap.mark(Value::Thread(self.current));
        self.heap.mark(self.thrown);
        if let Some(name) = self.heap.gc.mode {
            self.heap.mark_string(name);
        }
        let roots = core::mem::take(&mut self.roots);
        for value in &roots {
            self.heap.mark(*value);
        }
        self.roots = roots;
    }

    /// What must not be interrupted: stacks, weak tables, and the change of colours.
    fn atomic(&mut self) -> usize {
        let mut work = 0;
        self.mark_roots();
        // The running thread is not in the arena, its slot there is empty.
        let mut thread = core::mem::take(&mut self.thread);
        work += self.heap.mark_thread(&mut thread);
        self.thread = thread;
        // What is strong in a weak table may have been added behind the collector's back.
        let weak = self.heap.gc.weak.clone();
        self.heap.gc.gray.extend(weak.into_iter().map(Item::Table));
        loop {
            while let Some(item) = self.heap.gc.gray.pop() {
                work += self.heap.visit(item);
            }
            let Some(id) = self.heap.gc.again.pop() else { break };
            work += self.heap.visit(Item::Table(id));
        }
        work += self.heap.clear_weak();
        let gc = &mut self.heap.gc;
        gc.white = other(gc.white);
        gc.phase = Phase::Sweep(0, 0);
        work
    }
}

impl Heap {
    /// A value was stored into something that may be black.
    #[inline]
    pub(super) fn forward(&mut self, value: Value) {
        if self.gc.phase == Phase::Mark {
            self.mark(value);
        }
    }

    #[inline]
    fn mark_string(&mut self, string: Str) {
        self.strings.set_mark(string.id, Mark::Black);
    }

    /// Marks an object; what it refers to is visited later.
    fn mark(&mut self, value: Value) {
        match value {
            Value::Str(string) => self.mark_string(string),
            Value::Table(id) => {
                let mark = &mut self.tables[id.0].mark;
                if is_white(*mark) {
                    *mark = Mark::Gray;
                    self.gc.gray.push(Item::Table(id));
                }
            }
            Value::Function(id) => {
                let mark = &mut self.functions[id.0].mark;
                if is_white(*mark) {
                    *mark = Mark::Gray;
                    self.gc.gray.push(Item::Function(id));
                }
            }
            Value::Thread(id) => {
                let mark = &mut self.threads[id.0].mark;
                if is_white(*mark) {
                    *mark = Mark::Gray;
                    self.gc.gray.push(Item::Thread(id));
                }
            }
            Value::User(id) => {
                let mark = &mut self.users[id.0].mark;
                if is_white(*mark) {
                    *mark = Mark::Gray;
                    self.gc.gray.push(Item::User(id));
                }
            }
            Value::Nil | Value::Bool(_) | Value::Num(_) | Value::Light(_) | Value::Dead(_) => {}
        }
    }

    fn mark_proto(&mut self, id: ProtoId) {
        let mark = &mut self.protos[id.0].mark;
        if is_white(*mark) {
            *mark = Mark::Gray;
            self.gc.gray.push(Item::Proto(id));
        }
    }

    /// Marks what an object refers to, and says how much that was.
    fn visit(&mut self, item: Item) -> usize {
        match item {
            Item::Table(id) => self.visit_table(id),
            Item::Function(id) => {
                let function = &mut self.functions[id.0];
                function.mark = Mark::Black;
                let (code, env) = (function.code, function.env);
                let upvalues = core::mem::take(&mut function.upvalues);
                let values = core::mem::take(&mut function.values);
                self.mark(Value::Table(env));
                if let Code::Lua(proto) = code {
                    self.mark_proto(proto);
                }
                for id in &upvalues {
                    let upvalue = &mut self.upvalues[id.0];
                    if is_white(upvalue.mark) {
                        upvalue.mark = Mark::Gray;
                        self.gc.gray.push(Item::Upvalue(*id));
                    }
                }
                for value in &values {
                    self.mark(*value);
                }
                let function = &mut self.functions[id.0];
                (function.upvalues, function.values) = (upvalues, values);
                64 + 8 * function.upvalues.len()
            }
            Item::Upvalue(id) => {
                let upvalue = &mut self.upvalues[id.0];
                upvalue.mark = Mark::Black;
                match upvalue.variable {
                    // The stack that has it is marked as a whole.
                    Variable::Open { thread, .. } => self.mark(Value::Thread(thread)),
                    Variable::Closed(value) => self.mark(value),
                }
                32
            }
            Item::Thread(id) => {
                let mut thread = core::mem::take(&mut self.threads[id.0]);
                let work = self.mark_thread(&mut thread);
                thread.mark = Mark::Black;
                self.threads[id.0] = thread;
                work
            }
            Item::Proto(id) => self.visit_proto(id),
            Item::User(id) => {
                let user = &mut self.users[id.0];
                user.mark = Mark::Black;
                let (meta, env) = (user.meta, user.env);
                if let Some(meta) = meta {
                    self.mark(Value::Table(meta));
                }
                self.mark(Value::Table(env));
                32
            }
        }
    }

    fn visit_proto(&mut self, id: ProtoId) -> usize {
        let mut proto: Proto = core::mem::take(&mut self.protos[id.0]);
        proto.mark = Mark::Black;
        for value in &proto.constants {
            self.mark(*value);
        }
        for inner in &proto.protos {
            self.mark_proto(*inner);
        }
        for local in &proto.locals {
            self.mark_string(local.name);
        }
        for name in &proto.upvalue_names {
            self.mark_string(*name);
        }
        if let Some(source) = proto.source {
            self.mark_string(source);
        }
        let work = 64 + 16 * (proto.constants.len() + proto.locals.len());
        self.protos[id.0] = proto;
        work
    }

    fn visit_table(&mut self, id: TableId) -> usize {
        let table = &mut self.tables[id.0];
        if table.mark == Mark::Free {
            return 1;
        }
        table.mark = Mark::Black;
        let (weak_keys, weak_values) = self.weakness(id);
        if weak_keys || weak_values {
            // Stays out of the barrier's sight until the atomic part has cleared it.
            self.tables[id.0].mark = Mark::Gray;
            if !self.gc.weak.contains(&id) {
                self.gc.weak.push(id);
            }
        }
        let table: &mut Table = &mut self.tables[id.0];
        if let Some(meta) = table.meta {
            self.mark(Value::Table(meta));
        }
        let table = &mut self.tables[id.0];
        let work = 64 + table.parts_size();
        let array = core::mem::take(&mut table.array);
        let mut nodes = core::mem::take(&mut table.nodes);
        if !weak_values {
            for value in &array {
                self.mark(*value);
            }
        }
        for node in &mut nodes {
            if node.value.is_nil() {
                Table::bury(node);
            } else {
                if !weak_keys {
                    self.mark(node.key);
                }
                if !weak_values {
                    self.mark(node.value);
                }
            }
        }
        let table = &mut self.tables[id.0];
        (table.array, table.nodes) = (array, nodes);
        work
    }

    /// Whether keys and values of a table are weak.
    fn weakness(&self, id: TableId) -> (bool, bool) {
        let (Some(meta), Some(mode)) = (self.tables[id.0].meta, self.gc.mode) else {
            return (false, false);
        };
        let Value::Str(mode) = self.tables[meta.0].get_str(mode) else { return (false, false) };
        let mode = self.bytes(mode);
        (mode.contains(&b'k'), mode.contains(&b'v'))
    }

    /// Marks all that a stack holds, and empties what lies past its end.
    fn mark_thread(&mut self, thread: &mut Thread) -> usize {
        let mut end = thread.top;
        if let Some(frame) = thread.frames.last()
            && frame.lua
            && let Code::Lua(proto) = self.functions[frame.function.0].code
        {
            end = end.max(frame.base as usize + usize::from(self.protos[proto.0].registers));
        }
        let end = end.min(thread.stack.len());
        for value in &thread.stack[..end] {
            self.mark(*value);
        }
        thread.stack[end..].fill(Value::Nil);
        for frame in &thread.frames {
            self.mark(Value::Function(frame.function));
        }
        for (_, id) in &thread.open {
            let upvalue = &mut self.upvalues[id.0];
            if is_white(upvalue.mark) {
                upvalue.mark = Mark::Black;
            }
        }
        if let Some(resumer) = thread.resumer {
            self.mark(Value::Thread(resumer));
        }
        64 + 16 * end + 64 * thread.frames.len()
    }

    /// Takes from weak tables what nothing else refers to.
    fn clear_weak(&mut self) -> usize {
        let mut work = 0;
        while let Some(id) = self.gc.weak.pop() {
            let (_, weak_values) = self.weakness(id);
            let table = &mut self.tables[id.0];
            table.mark = Mark::Black;
            work += table.parts_size();
            let mut array = core::mem::take(&mut table.array);
            let mut nodes = core::mem::take(&mut table.nodes);
            if weak_values {
                for value in &mut array {
                    if self.is_unreachable(*value) {
                        *value = Value::Nil;
                    }
                }
            }
            for Node { key, value, .. } in &mut nodes {
                if !value.is_nil() && (self.is_unreachable(*key) || self.is_unreachable(*value)) {
                    *value = Value::Nil;
                }
            }
            for node in &mut nodes {
                if node.value.is_nil() {
                    Table::bury(node);
                }
            }
            let table = &mut self.tables[id.0];
            (table.array, table.nodes) = (array, nodes);
        }
        work
    }

    /// Whether an object was not reached. Strings count as values and are kept.
    fn is_unreachable(&mut self, value: Value) -> bool {
        match value {
            Value::Str(string) => {
                self.mark_string(string);
                false
            }
            Value::Table(id) => is_white(self.tables[id.0].mark),
            Value::Function(id) => is_white(self.functions[id.0].mark),
            Value::Thread(id) => is_white(self.threads[id.0].mark),
            Value::User(id) => is_white(self.users[id.0].mark),
            _ => false,
        }
    }

    /// Frees the unreached from this slot on until the work is done; says where to go on.
    fn sweep(&mut self, arena: u8, slot: usize, left: &mut isize) -> Option<(u8, usize)> {
        let (dead, alive) = (self.gc.dead(), self.gc.white);
        let mut at = slot;
        macro_rules! sweep {
            ($arena:ident, $size:expr) => {{
                while at < self.$arena.len() && *left > 0 {
                    let object = &mut self.$arena[at as u32];
                    *left -= 16;
                    match object.mark() {
                        Mark::Free => {}
                        mark if mark == dead => {
                            let size: fn(&_) -> usize = $size;
                            let freed = size(&*object);
                            self.gc.used = self.gc.used.saturating_sub(freed);
                            self.$arena.remove(at);
                            *left -= 48;
                        }
                        _ => object.set_mark(alive),
                    }
                    at += 1;
                }
                at < self.$arena.len()
            }};
        }
        let more = match arena {
            0 => {
                while at < self.strings.slots() && *left > 0 {
                    let freed = self.strings.sweep(at, dead, alive);
                    self.gc.used = self.gc.used.saturating_sub(freed);
                    *left -= if freed > 0 { 64 } else { 16 };
                    at += 1;
                }
                at < self.strings.slots()
            }
            1 => sweep!(tables, |t: &Table| t.parts_size() + table::OVERHEAD),
            2 => sweep!(functions, |f: &super::heap::Function| {
                cost::FUNCTION + size_of_val(&*f.upvalues) + size_of_val(&*f.values)
            }),
            3 => sweep!(upvalues, |_: &super::heap::Upvalue| cost::UPVALUE),
            4 => sweep!(protos, |p: &Proto| p.size()),
            5 => sweep!(threads, |t: &Thread| t.size() + cost::THREAD),
            6 => sweep!(users, |_: &super::heap::User| cost::USER),
            _ => return None,
        };
        Some(if more { (arena, at) } else { (arena + 1, 0) })
    }
}
