//! The interpreter: one function, one `match`.
//!
//! The registers of the running function are a window of 256 slots, so the operands, which have
//! eight bits, index it without checks. What the loop needs is in local variables, which are taken
//! anew (`continue 'frame`) after anything that may have moved them: calls, metamethods, collection.
//!
//! Time is counted where it passes: jumps back and returns pay for the distance in instructions.

use super::super::Lua;
use super::super::heap::{Code, Mark, Variable, alloc_table, set_table};
use super::super::native::Raised;
use super::super::number::negated;
use super::super::opcode::{self as o, a, b, bx, c, from_float_byte, op, sbx, sj};
use super::super::thread::{Frame, WINDOW, Want};
use super::super::value::{FunctionId, Value};
use super::slow::{modulo, power};
use super::{Entered, MAX_FRAMES, Pause};
use alloc::boxed::Box;

type Window = [Value; WINDOW];

#[inline(always)]
fn window(stack: &mut [Value], base: usize) -> &mut Window {
    stack[base..].first_chunk_mut().expect("the stack reaches a window past every base")
}

impl Lua {
    /// Interprets the Lua function on top until another kind of frame is there or the machine
    /// stops.
    pub(super) fn execute(&mut self) -> Result<Entered, Raised> {
        'frame: loop {
            if self.memory_exceeded {
                return Err(self.memory_error());
            }
            // Field by field: a copy of the whole would wait for the last store into it.
            let (base, mut pc, running) = match self.thread.frames.last() {
                Some(frame) if frame.lua => {
                    (frame.base as usize, frame.pc as usize, frame.function)
                }
                _ => return Ok(Entered::Frame),
            };
            let function = &self.heap.functions[running.0];
            let Code::Lua(proto) = function.code else { return Ok(Entered::Frame) };
            let env = function.env;
            let upvalues = &*function.upvalues;
            let proto = &self.heap.protos[proto.0];
            let code = &*proto.code;
            let constants = &*proto.constants;
            let mut regs = window(&mut self.thread.stack, base);

            macro_rules! save {
                () => {
                    if let Some(frame) = self.thread.frames.last_mut() {
                        frame.pc = pc as u32;
                    }
                };
            }
            // Leaves the short way: what is called may change anything.
            macro_rules! slow {
                ($call:expr) => {{
                    save!();
                    match $call? {
                        Entered::Done => continue 'frame,
                        other => return Ok(other),
                    }
                }};
            }
            macro_rules! reg {
                ($index:expr) => {
                    regs[usize::from($index)]
                };
            }
            macro_rules! konst {
                ($index:expr) => {
                    constants[$index as usize]
                };
            }
            // Jumps back are what time is counted by.
            macro_rules! jump {
                ($offset:expr) => {{
                    let offset = $offset;
                    pc = pc.wrapping_add_signed(offset as isize);
                    if offset < 0 {
                        self.budget += i64::from(offset);
                        if self.budget <= 0 {
                            save!();
                            return Ok(Pause::Budget.into());
                        }
                    }
                }};
            }
            // After a comparison there is always a jump.
            macro_rules! branch {
                ($truth:expr, $wanted:expr) => {
                    if $truth == ($wanted != 0) {
                        let word = code[pc];
                        pc += 1;
                        jump!(sj(word));
                    } else {
                        pc += 1;
                    }
                };
            }
            // Values are looked at in place; only numbers are copied.
            macro_rules! arith {
                ($word:ident, $op:expr, $left:expr, $right:expr, $names:expr, $calculate:expr) => {{
                    if let (Value::Num(left), Value::Num(right)) = (&$left, &$right) {
                        let calculate: fn(f64, f64) -> f64 = $calculate;
                        let result = calculate(*left, *right);
                        reg!(a($word)) = Value::Num(result);
                    } else {
                        let (left, right) = ($left, $right);
                        slow!(self.arith_slow($op, a($word), left, right, $names));
                    }
                }};
            }
            macro_rules! arith_rr {
                ($word:ident, $op:expr, $calculate:expr) => {{
                    let names = (Some(b($word)), Some(c($word)));
                    arith!($word, $op, reg!(b($word)), reg!(c($word)), names, $calculate)
                }};
            }
            macro_rules! arith_rk {
                ($word:ident, $op:expr, $calculate:expr) => {{
                    let names = (Some(b($word)), None);
                    arith!($word, $op, reg!(b($word)), konst!(c($word)), names, $calculate)
                }};
            }
            macro_rules! arith_kr {
                ($word:ident, $op:expr, $calculate:expr) => {{
                    let names = (None, Some(c($word)));
                    arith!($word, $op, konst!(b($word)), reg!(c($word)), names, $calculate)
                }};
            }
            macro_rules! order {
                ($word:ident, $left:expr, $right:expr, $or_equal:expr, $compare:expr) => {{
                    if let (Value::Num(left), Value::Num(right)) = (&$left, &$right) {
                        let compare: fn(&f64, &f64) -> bool = $compare;
                        branch!(compare(left, right), a($word));
                    } else {
                        let (left, right) = ($left, $right);
                        slow!(self.order_slow($or_equal, left, right));
                    }
                }};
            }
            // A field whose value is known or certainly nil, else the long way.
            macro_rules! found {
                ($word:ident, $value:expr, $meta:expr, $object:expr, $key:expr, $register:expr) => {{
                    let value: &Value = $value;
                    if value.is_nil() && $meta.is_some() {
                        let (object, key) = ($object, $key);
                        slow!(self.get_slow(a($word), object, key, $register));
                    }
                    reg!(a($word)) = *value;
                }};
            }
            // Stores into a table that has no metatable, or a value there already.
            macro_rules! store {
                ($object:expr, $table:ident => $slot:expr, $key:expr, $value:expr, $register:expr) => {{
                    let Value::Table(id) = $object else {
                        let (object, key, value) = ($object, $key, $value);
                        slow!(self.set_slow(object, key, value, $register));
                    };
                    let $table = &mut self.heap.tables[id.0];
                    if $table.read_only {
                        let (object, key, value) = (Value::Table(id), $key, $value);
                        slow!(self.set_slow(object, key, value, $register));
                    }
                    if $table.mark == Mark::Black {
                        self.heap.gc.back(id, &mut $table.mark);
                    }
                    $table.absent = 0;
                    let plain = $table.meta.is_none();
                    match $slot {
                        Some(slot) if plain || !slot.is_nil() => *slot = $value,
                        _ if !plain => {
                            let (object, key, value) = (Value::Table(id), $key, $value);
                            slow!(self.set_slow(object, key, value, $register));
                        }
                        _ => {
                            let value = $value;
                            let (tables, gc) = (&mut self.heap.tables, &mut self.heap.gc);
                            if let Err(refused) = set_table(tables, gc, id, $key, value) {
                                save!();
                                return Err(self.refused(refused));
                            }
                            if gc.used >= gc.threshold {
                                save!();
                                self.check_gc();
                                continue 'frame;
                            }
                        }
                    }
                }};
            }

            loop {
                let word = code[pc];
                pc += 1;
                match op(word) {
                    o::MOVE => reg!(a(word)) = reg!(b(word)),
                    o::LOADK => reg!(a(word)) = constants[bx(word)],
                    o::LOADKX => {
                        reg!(a(word)) = constants[(code[pc] >> 8) as usize];
                        pc += 1;
                    }
                    o::LOADBOOL => {
                        reg!(a(word)) = Value::Bool(b(word) != 0);
                        pc += usize::from(c(word) != 0);
                    }
                    o::LOADNIL => {
                        for index in a(word)..=b(word) {
                            reg!(index) = Value::Nil;
                        }
                    }
                    o::GETUPVAL => {
                        let id = upvalues[usize::from(b(word))];
                        let value = match self.heap.upvalues[id.0].variable {
                            Variable::Closed(value) => value,
                            Variable::Open { thread, index } if thread == self.current => {
                                let value = self.thread.stack[index as usize];
                                regs = window(&mut self.thread.stack, base);
                                value
                            }
                            Variable::Open { .. } => {
                                let value = self.upvalue_elsewhere(id);
                                regs = window(&mut self.thread.stack, base);
                                value
                            }
                        };
                        reg!(a(word)) = value;
                    }
                    o::SETUPVAL => {
                        let id = upvalues[usize::from(b(word))];
                        let value = reg!(a(word));
                        let upvalue = &mut self.heap.upvalues[id.0];
                        match &mut upvalue.variable {
                            Variable::Closed(place) if upvalue.mark != Mark::Black => {
                                *place = value;
                            }
                            Variable::Open { thread, index } if *thread == self.current => {
                                let index = *index as usize;
                                self.thread.stack[index] = value;
                                regs = window(&mut self.thread.stack, base);
                            }
                            _ => {
                                save!();
                                self.set_upvalue_elsewhere(id, value);
                                continue 'frame;
                            }
                        }
                    }
                    o::GETGLOBAL => {
                        let Value::Str(name) = konst!(bx(word)) else { continue };
                        let key = Value::Str(name);
                        let table = &self.heap.tables[env.0];
                        found!(word, table.at_str(name), table.meta, Value::Table(env), key, None);
                    }
                    o::SETGLOBAL => {
                        let Value::Str(name) = konst!(bx(word)) else { continue };
                        let key = Value::Str(name);
                        store!(Value::Table(env), t => t.slot_str(name), key, reg!(a(word)), None);
                    }
                    o::GLOBALX => {
                        let key = konst!(code[pc] >> 8);
                        let value = reg!(a(word));
                        let object = Value::Table(env);
                        save!();
                        let entered = if b(word) == 0 {
                            self.get_slow(a(word), object, key, None)?
                        } else {
                            self.set_slow(object, key, value, None)?
                        };
                        let Entered::Done = entered else { return Ok(entered) };
                        // Only now: the end of a metamethod goes past the second word itself.
                        self.skip_word(pc);
                        continue 'frame;
                    }
                    o::GETTABLE => {
                        if let Value::Table(id) = reg!(b(word)) {
                            let table = &self.heap.tables[id.0];
                            let value = match reg!(c(word)) {
                                Value::Num(number) => table.at_number(number),
                                Value::Str(name) => table.at_str(name),
                                key => table.at(key),
                            };
                            let object = Value::Table(id);
                            found!(word, value, table.meta, object, reg!(c(word)), Some(b(word)));
                        } else {
                            let (object, key) = (reg!(b(word)), reg!(c(word)));
                            slow!(self.get_slow(a(word), object, key, Some(b(word))));
                        }
                    }
                    o::GETFIELD => {
                        if let (Value::Table(id), Value::Str(name)) =
                            (&reg!(b(word)), &konst!(c(word)))
                        {
                            let table = &self.heap.tables[id.0];
                            let value = table.at_str(*name);
                            let (object, key) = (Value::Table(*id), Value::Str(*name));
                            found!(word, value, table.meta, object, key, Some(b(word)));
                        } else {
                            let (object, key) = (reg!(b(word)), konst!(c(word)));
                            slow!(self.get_slow(a(word), object, key, Some(b(word))));
                        }
                    }
                    o::GETINT => {
                        let int = i32::from(c(word));
                        let key = Value::Num(f64::from(int));
                        if let Value::Table(id) = reg!(b(word)) {
                            let table = &self.heap.tables[id.0];
                            let value = table.at_int(int);
                            let object = Value::Table(id);
                            found!(word, value, table.meta, object, key, Some(b(word)));
                        } else {
                            let object = reg!(b(word));
                            slow!(self.get_slow(a(word), object, key, Some(b(word))));
                        }
                    }
                    o::SETTABLE => {
                        store!(
                            reg!(a(word)),
                            t => match reg!(b(word)) {
                                Value::Num(number) => t.slot_number(number),
                                Value::Str(name) => t.slot_str(name),
                                key => t.slot(key),
                            },
                            reg!(b(word)),
                            reg!(c(word)),
                            Some(a(word))
                        );
                    }
                    o::SETFIELD => {
                        let Value::Str(name) = konst!(b(word)) else { continue };
                        let key = Value::Str(name);
                        store!(
                            reg!(a(word)),
                            t => t.slot_str(name),
                            key,
                            reg!(c(word)),
                            Some(a(word))
                        );
                    }
                    o::SETINT => {
                        let number = f64::from(b(word));
                        let key = Value::Num(number);
                        store!(
                            reg!(a(word)),
                            t => t.slot_number(number),
                            key,
                            reg!(c(word)),
                            Some(a(word))
                        );
                    }
                    o::NEWTABLE => {
                        let list = from_float_byte(b(word));
                        let fields = from_float_byte(c(word));
                        let (tables, gc) = (&mut self.heap.tables, &mut self.heap.gc);
                        let id = alloc_table(tables, gc, list, fields);
                        reg!(a(word)) = Value::Table(id);
                        if gc.used >= gc.threshold {
                            save!();
                            self.check_gc();
                            continue 'frame;
                        }
                    }
                    o::SELF | o::SELFR => {
                        let object = reg!(b(word));
                        let key = if op(word) == o::SELF { konst!(c(word)) } else { reg!(c(word)) };
                        reg!(a(word).wrapping_add(1)) = object;
                        if let (Value::Table(id), Value::Str(name)) = (object, key) {
                            let table = &self.heap.tables[id.0];
                            let mut value = table.at_str(name);
                            // Objects keep their methods in the table behind `__index`.
                            if value.is_nil()
                                && let Some(meta) = table.meta
                                && let index = self.heap.tables[meta.0].at_str(self.names[0])
                                && let Value::Table(class) = index
                            {
                                value = self.heap.tables[class.0].at_str(name);
                            }
                            found!(word, value, table.meta, object, key, Some(b(word)));
                        } else {
                            slow!(self.get_slow(a(word), object, key, Some(b(word))));
                        }
                    }
                    o::ADD => arith_rr!(word, o::ADD, |x, y| x + y),
                    o::SUB => arith_rr!(word, o::SUB, |x, y| x - y),
                    o::MUL => arith_rr!(word, o::MUL, |x, y| x * y),
                    o::DIV => arith_rr!(word, o::DIV, |x, y| x / y),
                    o::MOD => arith_rr!(word, o::MOD, modulo),
                    o::POW => arith_rr!(word, o::POW, power),
                    o::ADDK => arith_rk!(word, o::ADD, |x, y| x + y),
                    o::SUBK => arith_rk!(word, o::SUB, |x, y| x - y),
                    o::MULK => arith_rk!(word, o::MUL, |x, y| x * y),
                    o::DIVK => arith_rk!(word, o::DIV, |x, y| x / y),
                    o::MODK => arith_rk!(word, o::MOD, modulo),
                    o::POWK => arith_rk!(word, o::POW, power),
                    o::KADD => arith_kr!(word, o::ADD, |x, y| x + y),
                    o::KSUB => arith_kr!(word, o::SUB, |x, y| x - y),
                    o::KMUL => arith_kr!(word, o::MUL, |x, y| x * y),
                    o::KDIV => arith_kr!(word, o::DIV, |x, y| x / y),
                    o::KMOD => arith_kr!(word, o::MOD, modulo),
                    o::KPOW => arith_kr!(word, o::POW, power),
                    o::UNM => {
                        let names = (Some(b(word)), Some(b(word)));
                        arith!(word, o::UNM, reg!(b(word)), reg!(b(word)), names, |x, _| negated(
                            x
                        ));
                    }
                    o::NOT => reg!(a(word)) = Value::Bool(!reg!(b(word)).is_true()),
                    o::LEN => {
                        let len = match reg!(b(word)) {
                            Value::Table(id) => self.heap.tables[id.0].border(),
                            Value::Str(text) => self.heap.strings.bytes(text.id).len(),
                            value => slow!(self.len_slow(value, b(word))),
                        };
                        reg!(a(word)) = Value::Num(len as f64);
                    }
                    o::CONCAT => {
                        save!();
                        match self.concat(word)? {
                            Entered::Done => {
                                self.check_gc();
                                continue 'frame;
                            }
                            other => return Ok(other),
                        }
                    }
                    o::JMP => jump!(sj(word)),
                    o::EQ => {
                        let equal = reg!(b(word)).same(&reg!(c(word)));
                        if !equal && matches!(reg!(b(word)), Value::Table(_) | Value::User(_)) {
                            let (left, right) = (reg!(b(word)), reg!(c(word)));
                            save!();
                            if let Some(handler) = self.equal_event(left, right) {
                                slow!(self.call_meta(handler, &[left, right], Want::Meta));
                            }
                            self.finish_instruction(Value::Bool(false), false)?;
                            continue 'frame;
                        }
                        branch!(equal, a(word));
                    }
                    o::EQK => branch!(reg!(b(word)).same(&konst!(c(word))), a(word)),
                    o::LT => order!(word, reg!(b(word)), reg!(c(word)), false, f64::lt),
                    o::LE => order!(word, reg!(b(word)), reg!(c(word)), true, f64::le),
                    o::LTK => order!(word, reg!(b(word)), konst!(c(word)), false, f64::lt),
                    o::LEK => order!(word, reg!(b(word)), konst!(c(word)), true, f64::le),
                    o::GTK => order!(word, konst!(c(word)), reg!(b(word)), false, f64::lt),
                    o::GEK => order!(word, konst!(c(word)), reg!(b(word)), true, f64::le),
                    o::TEST => branch!(reg!(b(word)).is_true(), c(word)),
                    o::TESTSET => {
                        if reg!(b(word)).is_true() == (c(word) != 0) {
                            reg!(a(word)) = reg!(b(word));
                            let word = code[pc];
                            pc += 1;
                            jump!(sj(word));
                        } else {
                            pc += 1;
                        }
                    }
                    o::CALL => {
                        save!();
                        let func = base + usize::from(a(word));
                        let count = match b(word) {
                            0 => self.thread.top - func - 1,
                            count => usize::from(count) - 1,
                        };
                        let want = match c(word) {
                            0 => Want::All,
                            count => Want::Exactly(u16::from(count) - 1),
                        };
                        self.thread.top = func + 1 + count;
                        if let Value::Function(id) = self.thread.stack[func]
                            && let Code::Lua(_) = self.heap.functions[id.0].code
                        {
                            if !self.enter_plain(id, func, count, want) {
                                self.enter(id, func, count, want, false)?;
                            }
                            continue 'frame;
                        }
                        match self.precall(func, count, want, false)? {
                            Entered::Done => {
                                self.check_gc();
                                if self.budget <= 0 {
                                    return Ok(Pause::Budget.into());
                                }
                                continue 'frame;
                            }
                            Entered::Frame => continue 'frame,
                            stop => return Ok(stop),
                        }
                    }
                    o::TAILCALL => {
                        save!();
                        let func = base + usize::from(a(word));
                        let count = match b(word) {
                            0 => self.thread.top - func - 1,
                            count => usize::from(count) - 1,
                        };
                        self.thread.top = func + 1 + count;
                        match self.tail_call(func, count)? {
                            Entered::Done | Entered::Frame => {
                                self.check_gc();
                                continue 'frame;
                            }
                            stop => return Ok(stop),
                        }
                    }
                    o::RETURN | o::RETURN0 | o::RETURN1 => {
                        let from = base + usize::from(a(word));
                        let count = match b(word) {
                            0 => self.thread.top - from,
                            count => usize::from(count) - 1,
                        };
                        if let Some((index, _)) = self.thread.open.last()
                            && *index as usize >= base
                        {
                            self.close(base);
                        }
                        self.budget -= pc as i64;
                        let Some(frame) = self.thread.frames.last() else {
                            return Ok(Entered::Frame);
                        };
                        if let (Want::Exactly(1), true) = (frame.want, count > 0) {
                            // The usual: one value is returned where one is wanted.
                            let func = frame.func as usize;
                            self.thread.depth -= u32::from(frame.counted);
                            match self.thread.stack[from] {
                                Value::Num(number) => {
                                    self.thread.stack[func] = Value::Num(number);
                                }
                                value => self.thread.stack[func] = value,
                            }
                            self.thread.top = func + 1;
                            self.thread.frames.pop();
                        } else {
                            let frame = *frame;
                            self.thread.frames.pop();
                            self.deliver(&frame, from, count)?;
                        }
                        if self.budget <= 0 {
                            return Ok(Pause::Budget.into());
                        }
                        continue 'frame;
                    }
                    o::FORPREP => {
                        let index = a(word);
                        let start = pc.wrapping_add_signed(sbx(word) as isize);
                        if let (Value::Num(from), Value::Num(_), Value::Num(step)) = (
                            &reg!(index),
                            &reg!(index.wrapping_add(1)),
                            &reg!(index.wrapping_add(2)),
                        ) {
                            let from = from - step;
                            reg!(index) = Value::Num(from);
                            pc = start;
                        } else {
                            save!();
                            self.prepare_for(base + usize::from(index))?;
                            self.skip_to(start);
                            continue 'frame;
                        }
                    }
                    o::FORLOOP => {
                        let index = a(word);
                        let (Value::Num(at), Value::Num(limit), Value::Num(step)) = (
                            &reg!(index),
                            &reg!(index.wrapping_add(1)),
                            &reg!(index.wrapping_add(2)),
                        ) else {
                            continue;
                        };
                        let at = at + step;
                        if if *step > 0.0 { at <= *limit } else { *limit <= at } {
                            reg!(index) = Value::Num(at);
                            reg!(index.wrapping_add(3)) = Value::Num(at);
                            jump!(sbx(word));
                        }
                    }
                    o::TFORLOOP => {
                        let index = a(word);
                        let call = index.wrapping_add(3);
                        // `pairs`, the usual: no call at all.
                        let generator = reg!(index);
                        if let (Value::Function(id), Value::Table(table)) =
                            (generator, reg!(index.wrapping_add(1)))
                            && Some(id) == self.next
                        {
                            let control = reg!(index.wrapping_add(2));
                            if let Ok(next) = self.heap.tables[table.0].next(control) {
                                let (key, value) = next.unwrap_or((Value::Nil, Value::Nil));
                                for extra in 2..c(word) {
                                    reg!(call.wrapping_add(extra)) = Value::Nil;
                                }
                                if c(word) > 1 {
                                    reg!(call.wrapping_add(1)) = value;
                                }
                                reg!(call) = key;
                                if key.is_nil() {
                                    pc += 1;
                                } else {
                                    reg!(index.wrapping_add(2)) = key;
                                    let word = code[pc];
                                    pc += 1;
                                    jump!(sj(word));
                                }
                                continue;
                            }
                        }
                        reg!(call) = generator;
                        reg!(call.wrapping_add(1)) = reg!(index.wrapping_add(1));
                        reg!(call.wrapping_add(2)) = reg!(index.wrapping_add(2));
                        save!();
                        let want = Want::Loop(c(word));
                        let func = base + usize::from(call);
                        self.thread.top = func + 3;
                        match self.precall(func, 2, want, false)? {
                            Entered::Done => {
                                self.check_gc();
                                if self.budget <= 0 {
                                    return Ok(Pause::Budget.into());
                                }
                                continue 'frame;
                            }
                            Entered::Frame => continue 'frame,
                            stop => return Ok(stop),
                        }
                    }
                    o::SETLIST => {
                        let batch = match c(word) {
                            0 => {
                                pc += 1;
                                (code[pc - 1] >> 8) as usize
                            }
                            batch => usize::from(batch),
                        };
                        let from = base + usize::from(a(word)) + 1;
                        let count = match b(word) {
                            0 => self.thread.top - from,
                            count => usize::from(count),
                        };
                        save!();
                        self.set_list(from, count, (batch - 1) * o::FIELDS_PER_FLUSH as usize)?;
                        continue 'frame;
                    }
                    o::CLOSE => {
                        let from = base + usize::from(a(word));
                        save!();
                        self.close(from);
                        continue 'frame;
                    }
                    o::CLOSURE => {
                        save!();
                        let id = proto.protos[bx(word)];
                        let parent = running;
                        let captures = &self.heap.protos[id.0].captures;
                        let mut captured = alloc::vec::Vec::with_capacity(captures.len());
                        for index in 0..captures.len() {
                            captured.push(match self.heap.protos[id.0].captures[index] {
                                super::super::proto::Capture::Register(register) => {
                                    self.capture(base + usize::from(register))
                                }
                                super::super::proto::Capture::Upvalue(index) => {
                                    self.heap.functions[parent.0].upvalues[usize::from(index)]
                                }
                            });
                        }
                        let captured: Box<[_]> = captured.into();
                        let function = self.heap.closure(id, env, captured);
                        self.thread.stack[base + usize::from(a(word))] = Value::Function(function);
                        self.check_gc();
                        continue 'frame;
                    }
                    o::VARARG => {
                        save!();
                        self.varargs(a(word), b(word))?;
                        continue 'frame;
                    }
                    _ => {}
                }
            }
        }
    }

    /// Pushes the frame of a Lua function if nothing about it is special; else does nothing.
    #[inline(always)]
    fn enter_plain(&mut self, id: FunctionId, func: usize, count: usize, want: Want) -> bool {
        let Code::Lua(proto) = self.heap.functions[id.0].code else { return false };
        let proto = &self.heap.protos[proto.0];
        let base = func + 1;
        let frames = &mut self.thread.frames;
        if proto.variadic || frames.len() >= MAX_FRAMES || frames.len() == frames.capacity() {
            return false;
        }
        let given = count.min(usize::from(proto.parameters));
        let Some(window) = self.thread.stack.get_mut(base..base + WINDOW + 8) else { return false };
        for slot in &mut window[given..usize::from(proto.registers)] {
            *slot = Value::Nil;
        }
        frames.push(Frame {
            function: id,
            func: func as u32,
            base: base as u32,
            pc: 0,
            want,
            lua: true,
            catches: false,
            payload: false,
            counted: false,
            left: 0,
            tail_calls: 0,
        });
        true
    }
}
