//! What instructions do when the short way is not open: metamethods, coercions, errors.

use super::super::Lua;
use super::super::heap::{Mark, Variable};
use super::super::meta::Event;
use super::super::native::{Answer, Raised, compare_text};
use super::super::number::{negated, parse_number, write_number};
use super::super::opcode::{self, a, b, c, op, sj};
use super::super::table::Refused;
use super::super::thread::Want;
use super::super::value::{TableId, UpvalueId, Value};
use super::Entered;

/// A number, or a string that stands for one.
pub(crate) fn to_number(lua: &Lua, value: Value) -> Option<f64> {
    match value {
        Value::Num(number) => Some(number),
        Value::Str(text) => parse_number(lua.heap.bytes(text)),
        _ => None,
    }
}

/// What an arithmetic instruction calculates; `op` is that of two registers.
pub(crate) fn arith(op: u8, left: f64, right: f64) -> f64 {
    match op {
        opcode::ADD => left + right,
        opcode::SUB => left - right,
        opcode::MUL => left * right,
        opcode::DIV => left / right,
        opcode::MOD => modulo(left, right),
        opcode::POW => power(left, right),
        _ => negated(left),
    }
}

/// The largest whole number not above.
#[inline]
pub(crate) fn floor(number: f64) -> f64 {
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    if number.abs() < WHOLE {
        let cut = number as i64 as f64;
        let floor = if cut > number { cut - 1.0 } else { cut };
        floor.copysign(number)
    } else {
        number
    }
}

#[inline]
pub(super) fn modulo(left: f64, right: f64) -> f64 {
    left - floor(left / right) * right
}

pub(super) fn power(left: f64, right: f64) -> f64 {
    if right == 2.0 { left * left } else { libm::pow(left, right) }
}

/// The event of an arithmetic instruction.
fn arith_event(op: u8) -> Event {
    match op {
        opcode::ADD => Event::Add,
        opcode::SUB => Event::Sub,
        opcode::MUL => Event::Mul,
        opcode::DIV => Event::Div,
        opcode::MOD => Event::Mod,
        opcode::POW => Event::Pow,
        _ => Event::Unm,
    }
}

impl Lua {
    fn registers(&mut self) -> &mut [Value] {
        let base = self.thread.frames.last().map_or(0, |frame| frame.base as usize);
        &mut self.thread.stack[base..]
    }

    /// Calls a handler; its result completes the instruction.
    pub(super) fn call_meta(
        &mut self,
        handler: Value,
        operands: &[Value],
        want: Want,
    ) -> Result<Entered, Raised> {
        let top = self.free_slot();
        self.thread.top = top;
        self.ensure(4);
        self.thread.stack[top] = handler;
        self.thread.stack[top + 1..=top + operands.len()].copy_from_slice(operands);
        self.thread.top = top + 1 + operands.len();
        self.precall(top, operands.len(), want, true)
    }

    /// The first slot past the registers of the Lua function on top.
    fn free_slot(&self) -> usize {
        let Some(frame) = self.thread.frames.last() else { return 0 };
        let registers = self.proto_of(frame).map_or(0, |proto| usize::from(proto.registers));
        frame.base as usize + registers
    }

    /// A metamethod has returned: does the rest of the instruction that needed it.
    pub(super) fn finish_instruction(&mut self, value: Value, negate: bool) -> Result<(), Raised> {
        let Some(frame) = self.thread.frames.last() else { return Ok(()) };
        let pc = frame.pc as usize;
        let Some(proto) = self.proto_of(frame) else { return Ok(()) };
        let word = proto.code[pc - 1];
        match op(word) {
            opcode::EQ..=opcode::GEK => {
                let truth = value.is_true() != negate;
                let next = if truth == (a(word) != 0) { 1 + sj(proto.code[pc]) } else { 1 };
                if let Some(frame) = self.thread.frames.last_mut() {
                    frame.pc = (frame.pc as i32 + next) as u32;
                }
            }
            opcode::CONCAT => {
                // Goes on with the operands that are left.
                let frame = self.thread.frames.last_mut().expect("a Lua function runs");
                frame.pc -= 1;
                let left = usize::from(frame.left);
                self.registers()[usize::from(b(word)) + left - 1] = value;
            }
            opcode::SETTABLE | opcode::SETFIELD | opcode::SETINT | opcode::SETGLOBAL => {}
            opcode::GLOBALX => {
                if let Some(frame) = self.thread.frames.last_mut() {
                    frame.pc += 1;
                }
                if b(word) == 0 {
                    self.registers()[usize::from(a(word))] = value;
                }
            }
            _ => self.registers()[usize::from(a(word))] = value,
        }
        Ok(())
    }

    /// `R[a] = object[key]`; the object is in a register if one is given.
    #[cold]
    #[inline(never)]
    pub(super) fn get_slow(
        &mut self,
        target: u8,
        object: Value,
        key: Value,
        register: Option<u8>,
    ) -> Result<Entered, Raised> {
        if !matches!(object, Value::Table(_)) && self.event(object, Event::Index).is_nil() {
            return Err(self.type_error_in(object, "index", register));
        }
        match self.index(object, key)? {
            Answer::Known(value) => {
                self.registers()[usize::from(target)] = value;
                Ok(Entered::Done)
            }
            Answer::Call(handler, object, key) => {
                self.call_meta(handler, &[object, key], Want::Meta)
            }
        }
    }

    /// `object[key] = value`
    #[cold]
    #[inline(never)]
    pub(super) fn set_slow(
        &mut self,
        object: Value,
        key: Value,
        value: Value,
        register: Option<u8>,
    ) -> Result<Entered, Raised> {
        let mut object = object;
        let mut register = register;
        for _ in 0..100 {
            let handler = if let Value::Table(id) = object {
                if self.heap.tables[id.0].read_only {
                    return Err(self.read_only_error());
                }
                let handler = match self.heap.tables[id.0].meta {
                    Some(meta) if self.heap.get(id, key).is_nil() => {
                        self.fast_event(meta, Event::NewIndex)
                    }
                    _ => Value::Nil,
                };
                if handler.is_nil() {
                    self.set_raw(id, key, value)?;
                    return Ok(Entered::Done);
                }
                // PUC Lua makes a place for the key before it looks for the handler: borders and orders show it.
                self.set_raw(id, key, Value::Nil)?;
                handler
            } else {
                let handler = self.event(object, Event::NewIndex);
                if handler.is_nil() {
                    return Err(self.type_error_in(object, "index", register));
                }
                handler
            };
            if let Value::Function(_) = handler {
                return self.call_meta(handler, &[object, key, value], Want::Meta);
            }
            object = handler;
            register = None;
        }
        Err(self.runtime_error(b"loop in settable"))
    }

    #[cold]
    #[inline(never)]
    fn read_only_error(&mut self) -> Raised {
        self.runtime_error(b"Attempt to modify a readonly table")
    }

    pub(super) fn set_raw(&mut self, id: TableId, key: Value, value: Value) -> Result<(), Raised> {
        let before = self.heap.used();
        let result = self.heap.set(id, key, value);
        // A rehash visits all that is in the table.
        self.budget -= (self.heap.used().saturating_sub(before) / 32) as i64;
        match result {
            Ok(()) => Ok(()),
            Err(Refused::NilKey) => Err(self.runtime_error(b"table index is nil")),
            Err(Refused::NanKey) => Err(self.runtime_error(b"table index is NaN")),
            Err(Refused::Memory) => Err(self.out_of_memory()),
        }
    }

    /// `R[target] = left op right`, where not both are numbers.
    #[cold]
    #[inline(never)]
    pub(super) fn arith_slow(
        &mut self,
        op: u8,
        target: u8,
        left: Value,
        right: Value,
        (left_register, right_register): (Option<u8>, Option<u8>),
    ) -> Result<Entered, Raised> {
        if let (Some(left), Some(right)) = (to_number(self, left), to_number(self, right)) {
            self.registers()[usize::from(target)] = Value::Num(arith(op, left, right));
            return Ok(Entered::Done);
        }
        let event = arith_event(op);
        let mut handler = self.event(left, event);
        if handler.is_nil() {
            handler = self.event(right, event);
        }
        if handler.is_nil() {
            // The first operand is blamed unless it is a number.
            let (value, register) = if to_number(self, left).is_none() {
                (left, left_register)
            } else {
                (right, right_register)
            };
            return Err(self.type_error_in(value, "perform arithmetic on", register));
        }
        self.call_meta(handler, &[left, right], Want::Meta)
    }

    /// `R[target] = #value`
    #[cold]
    #[inline(never)]
    pub(super) fn len_slow(&mut self, value: Value, register: u8) -> Result<Entered, Raised> {
        let handler = self.event(value, Event::Len);
        if handler.is_nil() {
            return Err(self.type_error_in(value, "get length of", Some(register)));
        }
        self.call_meta(handler, &[value, Value::Nil], Want::Meta)
    }

    /// Whether two values of one type that are not the same are equal, if that is known.
    pub(super) fn equal_event(&mut self, left: Value, right: Value) -> Option<Value> {
        let (left, right) = match (left, right) {
            (Value::Table(left), Value::Table(right)) => {
                (self.heap.tables[left.0].meta?, self.heap.tables[right.0].meta?)
            }
            (Value::User(left), Value::User(right)) => {
                (self.heap.users[left.0].meta?, self.heap.users[right.0].meta?)
            }
            _ => return None,
        };
        let handler = self.fast_event(left, Event::Eq);
        if handler.is_nil() {
            return None;
        }
        (left == right || handler.raw_equals(self.fast_event(right, Event::Eq))).then_some(handler)
    }

    /// `left < right` or `left <= right` where not both are numbers. The jump is decided when the
    /// answer is known.
    #[cold]
    #[inline(never)]
    pub(super) fn order_slow(
        &mut self,
        or_equal: bool,
        left: Value,
        right: Value,
    ) -> Result<Entered, Raised> {
        if let (Value::Str(one), Value::Str(two)) = (left, right) {
            let (one, two) = (self.heap.bytes(one), self.heap.bytes(two));
            let cost = one.len().min(two.len()) / 8;
            let order = compare_text(one, two);
            self.budget -= cost as i64;
            let truth = if or_equal { order.is_le() } else { order.is_lt() };
            self.finish_instruction(Value::Bool(truth), false)?;
            return Ok(Entered::Done);
        }
        if left.type_name() != right.type_name() {
            return Err(self.order_error(left, right));
        }
        if or_equal {
            if let Some(handler) = self.order_event(left, right, Event::Le) {
                return self.call_meta(handler, &[left, right], Want::Meta);
            }
            if let Some(handler) = self.order_event(right, left, Event::Lt) {
                return self.call_meta(handler, &[right, left], Want::MetaNot);
            }
        } else if let Some(handler) = self.order_event(left, right, Event::Lt) {
            return self.call_meta(handler, &[left, right], Want::Meta);
        }
        Err(self.order_error(left, right))
    }

    /// `R[a] = R[b] .. ... .. R[c]`, from the right; goes on where a metamethod interrupted it.
    pub(super) fn concat(&mut self, word: u32) -> Result<Entered, Raised> {
        let first = usize::from(b(word));
        let frame = self.thread.frames.last_mut().expect("a Lua function runs");
        let mut left = usize::from(core::mem::replace(&mut frame.left, 0));
        if left == 0 {
            left = usize::from(c(word)) - first + 1;
        }
        let base = frame.base as usize + first;
        while left > 1 {
            let is_text = |value: Value| matches!(value, Value::Str(_) | Value::Num(_));
            let operands = &self.thread.stack[base..base + left];
            let texts = operands.iter().rev().take_while(|value| is_text(**value)).count();
            if texts < 2 {
                let (one, two) = (operands[left - 2], operands[left - 1]);
                let mut handler = self.event(one, Event::Concat);
                if handler.is_nil() {
                    handler = self.event(two, Event::Concat);
                }
                if handler.is_nil() {
                    let offset = if is_text(one) { left - 1 } else { left - 2 };
                    let blamed = if is_text(one) { two } else { one };
                    let register = Some((first + offset) as u8);
                    return Err(self.type_error_in(blamed, "concatenate", register));
                }
                left -= 1;
                if let Some(frame) = self.thread.frames.last_mut() {
                    frame.left = left as u8;
                }
                return self.call_meta(handler, &[one, two], Want::Meta);
            }
            let from = left - texts;
            self.thread.stack[base + from] = self.join(base + from, texts)?;
            left = from + 1;
        }
        let value = self.thread.stack[base];
        self.registers()[usize::from(a(word))] = value;
        Ok(Entered::Done)
    }

    /// The concatenation of strings and numbers on the stack.
    fn join(&mut self, from: usize, count: usize) -> Result<Value, Raised> {
        let operands = &self.thread.stack[from..from + count];
        let mut buffer = core::mem::take(&mut self.buffer);
        buffer.clear();
        let room = self.heap.room();
        let mut size = 0usize;
        for value in operands {
            if let Value::Str(text) = value {
                size += self.heap.bytes(*text).len();
            }
        }
        if size > room {
            self.buffer = buffer;
            return Err(self.out_of_memory());
        }
        for value in operands {
            match value {
                Value::Str(text) => buffer.extend_from_slice(self.heap.bytes(*text)),
                Value::Num(number) => write_number(*number, &mut buffer),
                _ => {}
            }
        }
        self.budget -= (buffer.len() / 8) as i64;
        let text = self.heap.string(&buffer);
        if buffer.capacity() <= 1 << 16 {
            self.buffer = buffer;
        }
        Ok(Value::Str(text))
    }

    // Captured variables.

    /// The variable of a register, shared by all closures that capture it.
    pub(super) fn capture(&mut self, index: usize) -> UpvalueId {
        let index = index as u32;
        match self.thread.open.binary_search_by_key(&index, |(at, _)| *at) {
            Ok(at) => self.thread.open[at].1,
            Err(at) => {
                let id = self.heap.upvalue(Variable::Open { thread: self.current, index });
                self.thread.open.insert(at, (index, id));
                id
            }
        }
    }

    /// Variables from this slot on get their values for themselves.
    pub(super) fn close(&mut self, from: usize) {
        while let Some(&(index, id)) = self.thread.open.last() {
            if (index as usize) < from {
                break;
            }
            self.thread.open.pop();
            let value = self.thread.stack[index as usize];
            let upvalue = &mut self.heap.upvalues[id.0];
            upvalue.variable = Variable::Closed(value);
            if upvalue.mark == Mark::Black {
                self.heap.forward(value);
            }
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn upvalue_elsewhere(&self, id: UpvalueId) -> Value {
        match self.heap.upvalues[id.0].variable {
            Variable::Closed(value) => value,
            Variable::Open { thread, index } if thread == self.current => {
                self.thread.stack[index as usize]
            }
            Variable::Open { thread, index } => {
                let stack = &self.heap.threads[thread.0].stack;
                stack.get(index as usize).copied().unwrap_or(Value::Nil)
            }
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn set_upvalue_elsewhere(&mut self, id: UpvalueId, value: Value) {
        self.heap.forward(value);
        match &mut self.heap.upvalues[id.0].variable {
            Variable::Closed(place) => *place = value,
            Variable::Open { thread, index } => {
                let (thread, index) = (*thread, *index as usize);
                if thread == self.current {
                    self.thread.stack[index] = value;
                } else if let Some(place) = self.heap.threads[thread.0].stack.get_mut(index) {
                    *place = value;
                }
            }
        }
    }
}
