//! The machine: frames, calls and returns, errors and coroutines.
//!
//! [`execute`] interprets the frame on top as long as it is Lua; here is what happens
//! between frames. Nothing recurses: a native that calls, a metamethod, a coroutine that is resumed,
//! all push frames and come back to the loop.

mod execute;
mod slow;
mod support;

use super::Lua;
use super::debug::write_position;
use super::heap::Code;
use super::meta::Event;
use super::native::{Call, FAILED, Flow, NativeFn, Raised};
use super::opcode;
use super::thread::{Frame, Status, Thread, WINDOW, Want};
use super::value::{FunctionId, ThreadId, Value};
use alloc::vec::Vec;

/// Frames that a coroutine can have: PUC Lua's array of calls doubles up to here.
const MAX_FRAMES: usize = 16_383;
/// Room past that for a handler of the error.
const SPARE_FRAMES: usize = 512;
/// Levels of C's stack in PUC Lua: natives and metamethods that wait for others.
pub(super) const MAX_DEPTH: u32 = 199;

/// Why the machine stopped.
#[derive(Debug)]
pub enum Step {
    /// The function returned these values.
    Done(Vec<Value>),
    /// The function failed with this value.
    Error(Value),
    /// The budget is used up; [`Lua::run`] goes on.
    Suspended,
    /// A native asks the host; [`Lua::answer`] goes on. These are what it handed over.
    Host(Vec<Value>),
}

/// What a call led to.
pub(super) enum Entered {
    /// There is another frame on top, or another thread.
    Frame,
    /// It was a native, and it is done.
    Done,
    /// The machine stops.
    Stop(Pause),
}

/// Why the loop was left.
#[derive(Clone, Copy)]
pub(super) enum Pause {
    Budget,
    Host(u32),
    Finished,
    Failed,
}

impl From<Pause> for Entered {
    fn from(pause: Pause) -> Self {
        Self::Stop(pause)
    }
}

impl Lua {
    /// Compiles a chunk to a function. The error is a message.
    ///
    /// The name is PUC's: `@file`, `=text`, or the source itself. Compiled code is none of Lua's
    /// source and refused as that, as in Redis.
    pub fn load(&mut self, name: &[u8], source: &[u8]) -> Result<Value, Value> {
        self.load_at(name, source, 3)
    }

    /// Compiles with so many levels of C's stack in use.
    pub(super) fn load_at(
        &mut self,
        name: &[u8],
        source: &[u8],
        levels: u32,
    ) -> Result<Value, Value> {
        self.budget -= (source.len() / 2) as i64;
        if source.len().saturating_mul(16) > self.heap.room() {
            let text = self.heap.string(b"not enough memory");
            return Err(Value::Str(text));
        }
        let name_string = self.heap.string(name);
        match super::parse::compile(&mut self.heap, source, name_string, levels) {
            Ok(proto) => {
                let env = self.globals;
                Ok(Value::Function(self.heap.closure(proto, env, [].into())))
            }
            Err(mistake) => {
                let mut text = Vec::new();
                write_position(name, mistake.line, &mut text);
                text.extend_from_slice(&mistake.text);
                Err(Value::Str(self.heap.string(&text)))
            }
        }
    }

    /// Makes ready to run a function; whatever ran before is forgotten.
    pub fn start(&mut self, function: Value, arguments: &[Value]) {
        self.reset();
        self.thread.stack[0] = function;
        self.thread.top = 1;
        self.ensure(arguments.len());
        self.thread.stack[1..=arguments.len()].copy_from_slice(arguments);
        self.thread.top = 1 + arguments.len();
        self.pending = Some(arguments.len() as u32);
    }

    /// Forgets what runs.
    pub fn reset(&mut self) {
        if self.current != self.main {
            let current = core::mem::take(&mut self.thread);
            self.heap.threads[self.current.0] = current;
            self.heap.threads[self.current.0].status = Status::Dead;
            self.thread = core::mem::take(&mut self.heap.threads[self.main.0]);
            self.current = self.main;
        }
        self.close(0);
        self.thread.frames.clear();
        self.thread.payloads.clear();
        self.thread.depth = 0;
        self.thread.top = 0;
        self.thread.status = Status::Running;
        self.thread.resumer = None;
        self.nesting = 0;
        if self.thread.stack.len() > 4 * WINDOW {
            self.thread.stack.truncate(2 * WINDOW);
            self.thread.stack.shrink_to_fit();
        }
        self.thread.stack.fill(Value::Nil);
        self.memory_exceeded = false;
        self.thrown = Value::Nil;
    }

    /// Runs until the function returns or fails, or the budget is used up.
    ///
    /// An instruction costs about one.
    pub fn run(&mut self, budget: u64) -> Step {
        // What the last slice overdrew is paid first.
        let debt = self.budget.min(0);
        self.budget = i64::try_from(budget).unwrap_or(i64::MAX) + debt;
        if self.budget <= 0 {
            return Step::Suspended;
        }
        if let Some(arguments) = self.pending.take() {
            match self.precall(0, arguments as usize, Want::All, false) {
                Ok(Entered::Stop(pause)) => return self.stopped(pause),
                Ok(Entered::Frame | Entered::Done) => {}
                Err(Raised(())) => return Step::Error(self.thrown),
            }
        }
        let pause = self.drive();
        self.stopped(pause)
    }

    /// Runs on with the host's answer to [`Step::Host`], which the native that asked receives.
    pub fn answer(&mut self, values: &[Value], budget: u64) -> Step {
        self.ensure(values.len());
        let top = self.thread.top;
        self.thread.stack[top..top + values.len()].copy_from_slice(values);
        self.thread.top = top + values.len();
        self.run(budget)
    }

    /// What is left of the budget; less than nothing if a native overdrew it.
    #[must_use]
    pub fn budget_left(&self) -> i64 {
        self.budget
    }

    fn stopped(&mut self, pause: Pause) -> Step {
        match pause {
            Pause::Budget => Step::Suspended,
            Pause::Failed => {
                let error = self.thrown;
                Step::Error(error)
            }
            Pause::Finished => {
                let results = self.thread.stack[..self.thread.top].to_vec();
                Step::Done(results)
            }
            Pause::Host(count) => {
                let top = self.thread.top;
                let from = top - count as usize;
                let values = self.thread.stack[from..top].to_vec();
                self.thread.top = from;
                Step::Host(values)
            }
        }
    }

    /// Runs frames until something stops the machine.
    fn drive(&mut self) -> Pause {
        loop {
            let step = match self.thread.frames.last() {
                None => self.finish_thread(),
                Some(frame) if frame.lua => self.execute(),
                Some(_) => self.run_native(),
            };
            match step {
                Ok(Entered::Stop(pause)) => return pause,
                Ok(Entered::Frame | Entered::Done) => {}
                Err(Raised(())) => {
                    if let Err(pause) = self.unwind() {
                        return pause;
                    }
                }
            }
        }
    }

    // Calls.

    /// Calls what stands at `func` with the `count` values after it, which end at the top.
    pub(super) fn precall(
        &mut self,
        func: usize,
        count: usize,
        want: Want,
        counted: bool,
    ) -> Result<Entered, Raised> {
        let mut count = count;
        let function = match self.thread.stack[func] {
            Value::Function(id) => id,
            other => {
                let Value::Function(id) = self.event(other, Event::Call) else {
                    return Err(self.call_error(other, func));
                };
                // The object becomes the first argument.
                self.thread.top = func + 1 + count;
                self.ensure(1);
                let top = self.thread.top;
                self.thread.stack.copy_within(func..top, func + 1);
                self.thread.stack[func] = Value::Function(id);
                count += 1;
                self.thread.top = top + 1;
                id
            }
        };
        if counted {
            self.thread.depth += 1;
            if self.thread.depth >= MAX_DEPTH {
                return Err(self.too_deep());
            }
        }
        match self.heap.functions[function.0].code {
            Code::Lua(_) => {
                self.enter(function, func, count, want, counted)?;
                Ok(Entered::Frame)
            }
            Code::Native(native) => {
                self.thread.top = func + 1 + count;
                self.push_native(function, func, want, counted)?;
                self.call_native(native)
            }
            Code::Free => Err(self.runtime_error(b"attempt to call a freed function")),
        }
    }

    #[cold]
    #[inline(never)]
    fn too_deep(&mut self) -> Raised {
        self.thread.depth -= 1;
        self.runtime_error(b"C stack overflow")
    }

    #[cold]
    #[inline(never)]
    fn call_error(&mut self, value: Value, func: usize) -> Raised {
        let register = self.thread.frames.last().and_then(|frame| {
            let proto = self.proto_of(frame)?;
            let word = *proto.code.get(frame.pc.checked_sub(1)? as usize)?;
            let by_call = matches!(opcode::op(word), opcode::CALL | opcode::TAILCALL);
            let register = u8::try_from(func.checked_sub(frame.base as usize)?).ok()?;
            by_call.then_some(register)
        });
        self.type_error_in(value, "call", register)
    }

    #[cold]
    #[inline(never)]
    fn frame_overflow(&mut self) -> Raised {
        if self.thread.frames.len() >= MAX_FRAMES + SPARE_FRAMES {
            let text = self.heap.string(b"error in error handling");
            return self.raise(Value::Str(text));
        }
        self.runtime_error(b"stack overflow")
    }

    /// Whether there may be one more frame. The one that is refused is at the limit; past it the
    /// handlers of that error have some.
    #[inline]
    fn frames_full(&self) -> bool {
        self.thread.frames.len() >= MAX_FRAMES
    }

    /// Pushes the frame of a Lua function.
    pub(super) fn enter(
        &mut self,
        function: FunctionId,
        func: usize,
        count: usize,
        want: Want,
        counted: bool,
    ) -> Result<(), Raised> {
        if self.frames_full() {
            self.thread.depth -= u32::from(counted);
            return Err(self.frame_overflow());
        }
        let Code::Lua(proto) = self.heap.functions[function.0].code else { return Ok(()) };
        let proto = &self.heap.protos[proto.0];
        let (parameters, registers) = (usize::from(proto.parameters), usize::from(proto.registers));
        let (variadic, wants_arg) = (proto.variadic, proto.wants_arg);
        let first = func + 1;
        let base = if variadic { first + count.max(parameters) } else { first };
        let need = base + WINDOW + 8;
        if let Err(raised) = self.reserve_stack(need) {
            self.thread.depth -= u32::from(counted);
            return Err(raised);
        }
        if variadic {
            let stack = &mut self.thread.stack;
            if count < parameters {
                stack[first + count..first + parameters].fill(Value::Nil);
            }
            // The fixed ones move behind the others.
            for index in 0..parameters {
                stack[base + index] = core::mem::replace(&mut stack[first + index], Value::Nil);
            }
            stack[base + parameters..base + registers].fill(Value::Nil);
            if wants_arg {
                let extra = count.saturating_sub(parameters);
                let table = self.arg_table(first + parameters, extra)?;
                self.thread.stack[base + parameters] = table;
            }
        } else {
            let given = count.min(parameters);
            self.thread.stack[base + given..base + registers].fill(Value::Nil);
        }
        self.thread.frames.push(Frame {
            function,
            func: func as u32,
            base: base as u32,
            pc: 0,
            want,
            lua: true,
            catches: false,
            payload: false,
            counted,
            left: 0,
            tail_calls: 0,
        });
        Ok(())
    }

    /// Makes the stack at least so long.
    #[inline]
    pub(super) fn reserve_stack(&mut self, need: usize) -> Result<(), Raised> {
        if self.thread.stack.len() < need { self.grow_stack(need) } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn grow_stack(&mut self, need: usize) -> Result<(), Raised> {
        let before = self.thread.size();
        let len = need.max(self.thread.stack.len() * 2);
        if (len - self.thread.stack.len()).saturating_mul(size_of::<Value>()) > self.heap.room() {
            return Err(self.out_of_memory());
        }
        self.thread.stack.resize(len, Value::Nil);
        self.heap.gc.account(before, self.thread.size());
        Ok(())
    }

    /// The `arg` of functions that do not say `...`.
    #[cold]
    #[inline(never)]
    fn arg_table(&mut self, from: usize, count: usize) -> Result<Value, Raised> {
        if count.saturating_mul(32) > self.heap.room() {
            return Err(self.out_of_memory());
        }
        let table = self.heap.table_with(count, 1);
        for index in 0..count {
            let value = self.thread.stack[from + index];
            let _ = self.heap.set(table, Value::Num((index + 1) as f64), value);
        }
        self.heap.set_field(table, b"n", Value::Num(count as f64));
        Ok(Value::Table(table))
    }

    pub(super) fn push_native(
        &mut self,
        function: FunctionId,
        func: usize,
        want: Want,
        counted: bool,
    ) -> Result<(), Raised> {
        if self.frames_full() {
            self.thread.depth -= u32::from(counted);
            return Err(self.frame_overflow());
        }
        let need = self.thread.top + WINDOW;
        if let Err(raised) = self.reserve_stack(need) {
            self.thread.depth -= u32::from(counted);
            return Err(raised);
        }
        self.thread.frames.push(Frame {
            function,
            func: func as u32,
            base: func as u32 + 1,
            pc: 0,
            want,
            lua: false,
            catches: false,
            payload: false,
            counted,
            left: 0,
            tail_calls: 0,
        });
        Ok(())
    }

    /// Runs the native on top.
    fn run_native(&mut self) -> Result<Entered, Raised> {
        let Some(frame) = self.thread.frames.last() else { return Ok(Entered::Frame) };
        match self.heap.functions[frame.function.0].code {
            Code::Native(native) => self.call_native(native),
            _ => Err(self.runtime_error(b"attempt to call a freed function")),
        }
    }

    /// Runs the native on top, and does what it says.
    #[inline]
    pub(super) fn call_native(&mut self, native: NativeFn) -> Result<Entered, Raised> {
        let frame = *self.thread.frames.last().expect("the native's frame was pushed");
        let mut call = Call { base: frame.base as usize, state: frame.pc, lua: self };
        match native(&mut call) {
            Ok(Flow::Return(count)) => {
                let from = self.thread.top - count as usize;
                self.return_native(from, count as usize)
            }
            Ok(flow) => self.wait(flow),
            Err(raised) => {
                // A native does not catch what it raises itself.
                if let Some(frame) = self.thread.frames.last_mut() {
                    frame.catches = false;
                }
                Err(raised)
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn wait(&mut self, flow: Flow) -> Result<Entered, Raised> {
        let last = self.thread.frames.len() - 1;
        let frame = &mut self.thread.frames[last];
        match flow {
            Flow::Return(_) => Ok(Entered::Frame),
            Flow::Call(count, results, state) => {
                frame.pc = state;
                let func = self.thread.top - count as usize - 1;
                let entered = self.precall(func, count as usize, results.want(), true);
                if entered.is_err() && self.thread.frames.len() == last + 1 {
                    // No frame of the callee: its place is told to `unwind` by the top.
                    self.thread.top = func;
                }
                entered
            }
            Flow::Pause(state) => {
                frame.pc = state;
                if self.budget > 0 { Ok(Entered::Frame) } else { Ok(Pause::Budget.into()) }
            }
            Flow::Host(count, state) => {
                frame.pc = state;
                Ok(Pause::Host(count).into())
            }
            Flow::Yield(count) => self.yield_thread(count as usize),
            Flow::Resume(count, state) => {
                frame.pc = state;
                self.resume_thread(count as usize)
            }
        }
    }

    // Returns.

    /// Ends the native on top, whose results stand at `from`.
    pub(super) fn return_native(&mut self, from: usize, count: usize) -> Result<Entered, Raised> {
        let Some(frame) = self.thread.frames.pop() else { return Ok(Entered::Frame) };
        if frame.payload {
            self.thread.payloads.pop();
        }
        self.deliver(&frame, from, count)?;
        if self.memory_exceeded {
            return Err(self.memory_error());
        }
        Ok(Entered::Done)
    }

    /// Hands results that stand at `from` to the frame below the one that was popped.
    pub(super) fn deliver(
        &mut self,
        frame: &Frame,
        from: usize,
        count: usize,
    ) -> Result<(), Raised> {
        self.thread.depth -= u32::from(frame.counted);
        let func = frame.func as usize;
        let stack = &mut self.thread.stack;
        match frame.want {
            Want::Exactly(wanted) => {
                let wanted = usize::from(wanted);
                let given = count.min(wanted);
                stack.copy_within(from..from + given, func);
                if given < wanted {
                    stack[func + given..func + wanted].fill(Value::Nil);
                }
                self.thread.top = func + wanted;
                Ok(())
            }
            Want::All => {
                stack.copy_within(from..from + count, func);
                self.thread.top = func + count;
                Ok(())
            }
            Want::Loop(wanted) => {
                let wanted = usize::from(wanted);
                let given = count.min(wanted);
                stack.copy_within(from..from + given, func);
                stack[func + given..func + wanted].fill(Value::Nil);
                self.thread.top = func + wanted;
                self.finish_loop(func);
                Ok(())
            }
            Want::Meta | Want::MetaNot => {
                let value = if count > 0 { stack[from] } else { Value::Nil };
                self.finish_instruction(value, frame.want == Want::MetaNot)
            }
        }
    }

    /// The generator of a loop has returned: on with the loop if it gave something.
    fn finish_loop(&mut self, func: usize) {
        let Some(frame) = self.thread.frames.last() else { return };
        let pc = frame.pc as usize;
        let Some(proto) = self.proto_of(frame) else { return };
        let key = self.thread.stack[func];
        let offset = if key.is_nil() { 0 } else { opcode::sj(proto.code[pc]) };
        if !key.is_nil() {
            self.thread.stack[func - 1] = key;
        }
        self.budget += i64::from(offset.min(0));
        if let Some(frame) = self.thread.frames.last_mut() {
            frame.pc = (pc as i32 + 1 + offset) as u32;
        }
    }

    // Errors.

    #[cold]
    #[inline(never)]
    pub(super) fn memory_error(&mut self) -> Raised {
        self.memory_exceeded = false;
        self.out_of_memory()
    }

    /// Takes frames away down to one that catches; else the thread, or all, has failed.
    #[cold]
    #[inline(never)]
    fn unwind(&mut self) -> Result<(), Pause> {
        loop {
            if !self.thread.frames.iter().any(|frame| frame.catches) {
                self.place = self.place_of_error();
            }
            while let Some(frame) = self.thread.frames.last() {
                if frame.catches {
                    let error = self.thrown;
                    let top = self.thread.top;
                    self.close(top);
                    self.thread.stack[top] = error;
                    self.thread.top = top + 1;
                    if let Some(frame) = self.thread.frames.last_mut() {
                        frame.pc = FAILED;
                        frame.catches = false;
                    }
                    return Ok(());
                }
                let frame = *frame;
                self.thread.frames.pop();
                if frame.payload {
                    self.thread.payloads.pop();
                }
                self.thread.depth -= u32::from(frame.counted);
                self.thread.top = frame.func as usize;
            }
            self.close(0);
            let Some(resumer) = self.thread.resumer.take() else { return Err(Pause::Failed) };
            self.thread.status = Status::Dead;
            self.thread.stack = Vec::new();
            self.nesting = self.nesting.saturating_sub(1);
            self.switch(resumer);
            // The native that resumed gets the error as if it had called.
            if let Some(frame) = self.thread.frames.last_mut() {
                let error = self.thrown;
                frame.pc = FAILED;
                let top = self.thread.top;
                self.thread.stack[top] = error;
                self.thread.top = top + 1;
                return Ok(());
            }
        }
    }

    // Coroutines.

    /// Makes another thread the one that runs.
    fn switch(&mut self, to: ThreadId) {
        let next = core::mem::take(&mut self.heap.threads[to.0]);
        let mark = next.mark;
        let mut old = core::mem::replace(&mut self.thread, next);
        // A thread that runs is marked with the roots; its place in the heap keeps its colour.
        self.heap.threads[to.0].mark = mark;
        old.mark = self.heap.threads[self.current.0].mark;
        self.heap.threads[self.current.0] = old;
        self.heap.gc.touch(self.current);
        self.current = to;
        self.thread.status = Status::Running;
    }

    /// Runs the coroutine in the first slot of the native on top.
    fn resume_thread(&mut self, count: usize) -> Result<Entered, Raised> {
        let frame = *self.thread.frames.last().expect("the native that resumes has a frame");
        let Value::Thread(id) = self.thread.stack[frame.base as usize] else {
            return Err(self.runtime_error(b"coroutine expected"));
        };
        let message: &[u8] = match self.thread_status(id) {
            Status::Suspended if self.nesting >= MAX_DEPTH => b"C stack overflow",
            Status::Suspended => b"",
            Status::Running => b"cannot resume running coroutine",
            Status::Normal => b"cannot resume normal coroutine",
            Status::Dead => b"cannot resume dead coroutine",
        };
        let from = self.thread.top - count;
        if !message.is_empty() {
            let text = self.heap.string(message);
            self.thread.top = from;
            self.thread.stack[from] = Value::Str(text);
            self.thread.top = from + 1;
            if let Some(frame) = self.thread.frames.last_mut() {
                frame.pc = FAILED;
            }
            return Ok(Entered::Frame);
        }
        let values: Vec<Value> = self.thread.stack[from..from + count].to_vec();
        self.thread.top = from;
        self.thread.status = Status::Normal;
        let resumer = self.current;
        self.nesting += 1;
        self.switch(id);
        self.thread.resumer = Some(resumer);
        let before = self.thread.size();
        let top = self.thread.top;
        self.thread
            .stack
            .resize((top + count + 2 * WINDOW).max(self.thread.stack.len()), Value::Nil);
        self.heap.gc.account(before, self.thread.size());
        self.thread.stack[top..top + count].copy_from_slice(&values);
        self.thread.top = top + count;
        match self.thread.frames.last() {
            // It starts: the function is in the first slot.
            None => self.precall(0, count, Want::All, false),
            // It is inside `yield`, which returns the values.
            Some(_) => self.return_native(top, count),
        }
    }

    /// Suspends the running coroutine, whose `yield` is on top.
    fn yield_thread(&mut self, count: usize) -> Result<Entered, Raised> {
        let Some(resumer) = self.thread.resumer else {
            return Err(self.yield_error());
        };
        if self.thread.depth > 0 {
            return Err(self.yield_error());
        }
        let from = self.thread.top - count;
        let values: Vec<Value> = self.thread.stack[from..].iter().take(count).copied().collect();
        self.thread.top = from;
        self.thread.status = Status::Suspended;
        self.thread.resumer = None;
        // Most coroutines use little of their window.
        let used = self.stack_end();
        let before = self.thread.size();
        self.thread.stack.truncate(used);
        self.thread.stack.shrink_to_fit();
        self.heap.gc.account(before, self.thread.size());
        self.hand_over(resumer, &values)
    }

    fn yield_error(&mut self) -> Raised {
        let text = self.heap.string(b"attempt to yield across metamethod/C-call boundary");
        self.raise(Value::Str(text))
    }

    /// One past the last slot that the thread's frames use.
    fn stack_end(&self) -> usize {
        let mut end = self.thread.top;
        for frame in self.thread.frames.iter().rev().take(2) {
            if let Some(proto) = self.proto_of(frame) {
                end = end.max(frame.base as usize + usize::from(proto.registers));
            }
        }
        end
    }

    /// Goes on in the thread that resumed, with these values for the native that did.
    fn hand_over(&mut self, resumer: ThreadId, values: &[Value]) -> Result<Entered, Raised> {
        self.nesting = self.nesting.saturating_sub(1);
        self.switch(resumer);
        self.ensure(values.len());
        let top = self.thread.top;
        self.thread.stack[top..top + values.len()].copy_from_slice(values);
        self.thread.top = top + values.len();
        Ok(Entered::Frame)
    }

    /// The last frame of a thread is gone.
    fn finish_thread(&mut self) -> Result<Entered, Raised> {
        let Some(resumer) = self.thread.resumer.take() else { return Ok(Pause::Finished.into()) };
        let values: Vec<Value> = self.thread.stack[..self.thread.top].to_vec();
        self.thread.status = Status::Dead;
        self.thread.top = 0;
        self.thread.stack = Vec::new();
        self.hand_over(resumer, &values)
    }

    pub(super) fn thread_status(&self, id: ThreadId) -> Status {
        if id == self.current { Status::Running } else { self.heap.threads[id.0].status }
    }

    /// A coroutine that is going to run a function.
    pub(super) fn new_thread(&mut self, function: FunctionId) -> ThreadId {
        let thread =
            Thread { stack: alloc::vec![Value::Function(function)], top: 1, ..Thread::default() };
        self.heap.thread(thread)
    }
}

pub(super) use slow::{arith, to_number};
