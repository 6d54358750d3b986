//! Instructions that do more than fits into the loop, and are rare or slow by themselves.

use super::super::Lua;
use super::super::heap::{Code, Mark};
use super::super::native::Raised;
use super::super::table::Refused;
use super::super::thread::{WINDOW, Want};
use super::super::value::Value;
use super::slow::to_number;
use super::{Entered, Pause};

impl Lua {
    pub(super) fn skip_word(&mut self, pc: usize) {
        self.skip_to(pc + 1);
    }

    pub(super) fn skip_to(&mut self, pc: usize) {
        if let Some(frame) = self.thread.frames.last_mut() {
            frame.pc = pc as u32;
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn refused(&mut self, refused: Refused) -> Raised {
        match refused {
            Refused::NilKey => self.runtime_error(b"table index is nil"),
            Refused::NanKey => self.runtime_error(b"table index is NaN"),
            Refused::Memory => self.out_of_memory(),
        }
    }

    /// Calls what stands at `func` in place of the Lua function on top.
    pub(super) fn tail_call(&mut self, func: usize, count: usize) -> Result<Entered, Raised> {
        let callee = match self.thread.stack[func] {
            Value::Function(id) if matches!(self.heap.functions[id.0].code, Code::Lua(_)) => id,
            // Natives are called; the `RETURN` that follows hands their results on.
            _ => return self.precall(func, count, Want::All, false),
        };
        let Some(frame) = self.thread.frames.pop() else { return Ok(Entered::Frame) };
        if !self.thread.open.is_empty() {
            self.close(frame.base as usize);
        }
        let to = frame.func as usize;
        self.thread.stack.copy_within(func..func + 1 + count, to);
        self.thread.top = to + 1 + count;
        // The instructions before it are paid for as at a return.
        self.budget -= i64::from(frame.pc);
        self.enter(callee, to, count, frame.want, frame.counted)?;
        if let Some(new) = self.thread.frames.last_mut() {
            new.tail_calls = frame.tail_calls.saturating_add(1);
        }
        if self.budget <= 0 { Ok(Pause::Budget.into()) } else { Ok(Entered::Frame) }
    }

    /// The values of a numeric `for` that are not all numbers: strings may be.
    #[cold]
    #[inline(never)]
    pub(super) fn prepare_for(&mut self, index: usize) -> Result<(), Raised> {
        let mut numbers = [0.0; 3];
        let texts: [&[u8]; 3] = [
            b"'for' initial value must be a number",
            b"'for' limit must be a number",
            b"'for' step must be a number",
        ];
        for (at, number) in numbers.iter_mut().enumerate() {
            match to_number(self, self.thread.stack[index + at]) {
                Some(value) => *number = value,
                None => return Err(self.runtime_error(texts[at])),
            }
        }
        let [start, limit, step] = numbers;
        self.thread.stack[index] = Value::Num(start - step);
        self.thread.stack[index + 1] = Value::Num(limit);
        self.thread.stack[index + 2] = Value::Num(step);
        Ok(())
    }

    /// Stores values from the stack into the table before them.
    pub(super) fn set_list(
        &mut self,
        from: usize,
        count: usize,
        offset: usize,
    ) -> Result<(), Raised> {
        let Value::Table(id) = self.thread.stack[from - 1] else { return Ok(()) };
        let room = self.heap.room();
        let table = &mut self.heap.tables[id.0];
        if table.mark == Mark::Black {
            self.heap.gc.back(id, &mut table.mark);
        }
        let before = table.parts_size();
        let reserved = table.reserve_array(offset + count, room);
        self.heap.gc.account(before, table.parts_size());
        if reserved.is_err() {
            return Err(self.out_of_memory());
        }
        let values = &self.thread.stack[from..from + count];
        table.array[offset..offset + count].copy_from_slice(values);
        self.budget -= (count / 4) as i64;
        self.check_gc();
        Ok(())
    }

    /// `...` into registers from `first` on: `wanted - 1` values, 0 for all.
    pub(super) fn varargs(&mut self, first: u8, wanted: u8) -> Result<(), Raised> {
        let Some(frame) = self.thread.frames.last() else { return Ok(()) };
        let parameters = self.proto_of(frame).map_or(0, |proto| usize::from(proto.parameters));
        let (func, base) = (frame.func as usize, frame.base as usize);
        let from = func + 1 + parameters;
        let count = base.saturating_sub(from);
        let to = base + usize::from(first);
        let taken = if wanted == 0 { count } else { count.min(usize::from(wanted) - 1) };
        if wanted == 0 {
            self.reserve_stack(to + count + WINDOW)?;
            self.thread.top = to + count;
        }
        self.thread.stack.copy_within(from..from + taken, to);
        if wanted != 0 {
            self.thread.stack[to + taken..to + usize::from(wanted) - 1].fill(Value::Nil);
        }
        self.budget -= (taken / 8) as i64;
        Ok(())
    }
}
