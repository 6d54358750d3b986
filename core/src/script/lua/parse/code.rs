//! Expressions to instructions: registers, constants, and lists of jumps to be patched.
//!
//! An expression is kept as a description ([`Expr`]) until it is known where its value must go.
//! Jumps whose target is not known are linked through their own operands.

use super::super::lex::Mistake;
use super::super::opcode::{self, BIAS, a, abc, b, op, sj};
use super::super::value::{Value, exact_i32};
use super::Parser;
use alloc::boxed::Box;

/// The end of a list of jumps.
pub(super) const NO_JUMP: i32 = -1;
/// A `TESTSET` that does not know its register yet.
const NO_REGISTER: u8 = 255;
/// Registers that a function can have.
const MAX_STACK: usize = 250;

/// How an indexed expression's key is given.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key {
    Register(u8),
    /// A string constant.
    Field(u8),
    /// A small number.
    Int(u8),
}

/// Where the value of an expression is, or how to get it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Void,
    Nil,
    True,
    False,
    /// A string constant.
    Constant(u32),
    Number(f64),
    Local(u8),
    Upvalue(u8),
    Global(u32),
    Indexed(u8, Key),
    /// The truth of it decides whether this jump is taken.
    Jump(i32),
    /// This instruction can put it into any register.
    Relocatable(i32),
    Register(u8),
    Call(i32),
    Vararg(i32),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Expr {
    pub(super) kind: Kind,
    /// Jumps taken when it is true.
    pub(super) when_true: i32,
    /// Jumps taken when it is false.
    pub(super) when_false: i32,
}

impl Expr {
    pub(super) const fn new(kind: Kind) -> Self {
        Self { kind, when_true: NO_JUMP, when_false: NO_JUMP }
    }

    pub(super) const fn has_jumps(&self) -> bool {
        self.when_true != self.when_false
    }

    /// Whether this is a plain number.
    pub(super) const fn numeral(&self) -> Option<f64> {
        match self.kind {
            Kind::Number(number) if self.when_true == NO_JUMP && self.when_false == NO_JUMP => {
                Some(number)
            }
            _ => None,
        }
    }
}

type Done<T> = Result<T, Box<Mistake>>;

impl Parser<'_> {
    pub(super) fn pc(&self) -> i32 {
        self.func.code.len() as i32
    }

    /// Appends an instruction; jumps that wait for "here" come to it.
    #[inline(never)]
    pub(super) fn emit(&mut self, instruction: u32) -> Done<i32> {
        if self.func.waiting != NO_JUMP {
            let pc = self.pc();
            let list = core::mem::replace(&mut self.func.waiting, NO_JUMP);
            self.patch(list, pc, NO_REGISTER, pc)?;
        }
        self.func.code.push(instruction);
        self.func.lines.push(self.last_line);
        Ok(self.pc() - 1)
    }

    #[inline(never)]
    pub(super) fn emit_abc(&mut self, op: u8, a: u8, b: u8, c: u8) -> Done<i32> {
        self.emit(abc(op, a, b, c))
    }

    /// The line that errors of the last instruction name.
    pub(super) fn fix_line(&mut self, line: u32) {
        if let Some(last) = self.func.lines.last_mut() {
            *last = line;
        }
    }

    fn at(&mut self, pc: i32) -> &mut u32 {
        &mut self.func.code[pc as usize]
    }

    fn set_a(&mut self, pc: i32, a: u8) {
        let word = self.at(pc);
        *word = *word & !0xff00 | u32::from(a) << 8;
    }

    pub(super) fn set_b(&mut self, pc: i32, b: u8) {
        let word = self.at(pc);
        *word = *word & !0xff_0000 | u32::from(b) << 16;
    }

    pub(super) fn set_c(&mut self, pc: i32, c: u8) {
        let word = self.at(pc);
        *word = *word & !0xff00_0000 | u32::from(c) << 24;
    }

    // Jumps.

    #[inline(never)]
    pub(super) fn jump(&mut self) -> Done<i32> {
        let waiting = core::mem::replace(&mut self.func.waiting, NO_JUMP);
        let mut jump = self.emit(u32::from(opcode::JMP) | (NO_JUMP << 8) as u32)?;
        self.concat(&mut jump, waiting)?;
        Ok(jump)
    }

    #[inline(never)]
    fn fix_jump(&mut self, pc: i32, target: i32) -> Done<()> {
        let offset = target - (pc + 1);
        if offset.abs() >= 1 << 23 {
            return Err(self.syntax_error("control structure too long"));
        }
        *self.at(pc) = u32::from(opcode::JMP) | (offset << 8) as u32;
        Ok(())
    }

    /// Sets the offset of a `FORPREP` or `FORLOOP`.
    pub(super) fn fix_loop(&mut self, pc: i32, target: i32) -> Done<()> {
        let offset = target - (pc + 1) + BIAS;
        let Ok(offset) = u16::try_from(offset) else {
            return Err(self.syntax_error("control structure too long"));
        };
        let word = self.at(pc);
        *word = *word & 0xffff | u32::from(offset) << 16;
        Ok(())
    }

    /// "Here" as a target: instructions before and after it must not be merged.
    pub(super) fn label(&mut self) -> i32 {
        self.func.last_target = self.pc();
        self.func.last_target
    }

    fn next_jump(&mut self, pc: i32) -> i32 {
        let offset = sj(*self.at(pc));
        if offset == NO_JUMP { NO_JUMP } else { pc + 1 + offset }
    }

    /// The test before a jump, or the jump.
    fn control(&mut self, pc: i32) -> i32 {
        if pc >= 1 && (opcode::EQ..=opcode::TESTSET).contains(&op(*self.at(pc - 1))) {
            pc - 1
        } else {
            pc
        }
    }

    /// Whether some jump of the list does not leave the value that was tested.
    #[inline(never)]
    fn needs_value(&mut self, list: i32) -> bool {
        let mut list = list;
        while list != NO_JUMP {
            let control = self.control(list);
            if op(*self.at(control)) != opcode::TESTSET {
                return true;
            }
            list = self.next_jump(list);
        }
        false
    }

    fn patch_test(&mut self, node: i32, register: u8) -> bool {
        let control = self.control(node);
        let word = *self.at(control);
        if op(word) != opcode::TESTSET {
            return false;
        }
        if register != NO_REGISTER && register != b(word) {
            self.set_a(control, register);
        } else {
            *self.at(control) = abc(opcode::TEST, 0, b(word), opcode::c(word));
        }
        true
    }

    fn remove_values(&mut self, list: i32) {
        let mut list = list;
        while list != NO_JUMP {
            self.patch_test(list, NO_REGISTER);
            list = self.next_jump(list);
        }
    }

    /// Sends the jumps that leave a value to `with_value`, the others to `without`.
    #[inline(never)]
    fn patch(&mut self, list: i32, with_value: i32, register: u8, without: i32) -> Done<()> {
        let mut list = list;
        while list != NO_JUMP {
            let next = self.next_jump(list);
            let target = if self.patch_test(list, register) { with_value } else { without };
            self.fix_jump(list, target)?;
            list = next;
        }
        Ok(())
    }

    #[inline(never)]
    pub(super) fn patch_list(&mut self, list: i32, target: i32) -> Done<()> {
        if target == self.pc() {
            self.patch_to_here(list)
        } else {
            self.patch(list, target, NO_REGISTER, target)
        }
    }

    #[inline(never)]
    pub(super) fn patch_to_here(&mut self, list: i32) -> Done<()> {
        self.label();
        let mut waiting = self.func.waiting;
        self.concat(&mut waiting, list)?;
        self.func.waiting = waiting;
        Ok(())
    }

    /// Joins two lists of jumps. The shorter one is walked through, so that long chains of `and`
    /// or `elseif` take no more than their length; a list of one stays the first.
    #[inline(never)]
    pub(super) fn concat(&mut self, list: &mut i32, other: i32) -> Done<()> {
        if other == NO_JUMP {
            return Ok(());
        }
        if *list == NO_JUMP {
            *list = other;
            return Ok(());
        }
        let (mut last, mut other_last) = (*list, other);
        loop {
            let next = self.next_jump(last);
            if next == NO_JUMP {
                return self.fix_jump(last, other);
            }
            last = next;
            let next = self.next_jump(other_last);
            if next == NO_JUMP {
                let first = core::mem::replace(list, other);
                return self.fix_jump(other_last, first);
            }
            other_last = next;
        }
    }

    // Registers.

    #[inline(never)]
    pub(super) fn check_stack(&mut self, count: usize) -> Done<()> {
        let need = self.func.free + count;
        if need > usize::from(self.func.registers) {
            if need >= MAX_STACK {
                return Err(self.syntax_error("function or expression too complex"));
            }
            self.func.registers = need as u8;
        }
        Ok(())
    }

    #[inline(never)]
    pub(super) fn reserve(&mut self, count: usize) -> Done<()> {
        self.check_stack(count)?;
        self.func.free += count;
        Ok(())
    }

    fn free_register(&mut self, register: u8) {
        if usize::from(register) >= self.func.active.len() {
            self.func.free -= 1;
            debug_assert_eq!(self.func.free, usize::from(register), "registers are a stack");
        }
    }

    #[inline(never)]
    pub(super) fn free(&mut self, expr: &Expr) {
        if let Kind::Register(register) = expr.kind {
            self.free_register(register);
        }
    }

    /// Frees both, the higher register first.
    fn free_two(&mut self, one: &Expr, two: &Expr) {
        match (one.kind, two.kind) {
            (Kind::Register(first), Kind::Register(second)) if first > second => {
                self.free_register(first);
                self.free_register(second);
            }
            _ => {
                self.free(two);
                self.free(one);
            }
        }
    }

    // Values into registers.

    #[inline(never)]
    pub(super) fn load_nil(&mut self, from: u8, count: usize) -> Done<()> {
        let last = from + (count as u8).wrapping_sub(1);
        if self.pc() > self.func.last_target {
            if self.pc() == 0 {
                // Registers are nil when a function starts.
                if usize::from(from) >= self.func.active.len() {
                    return Ok(());
                }
            } else {
                let pc = self.pc() - 1;
                let word = *self.at(pc);
                if op(word) == opcode::LOADNIL && a(word) <= from && from <= b(word) + 1 {
                    if last > b(word) {
                        self.set_b(pc, last);
                    }
                    return Ok(());
                }
            }
        }
        self.emit_abc(opcode::LOADNIL, from, last, 0).map(drop)
    }

    /// Makes a call or `...` give so many values, -1 for all.
    #[inline(never)]
    pub(super) fn set_returns(&mut self, expr: &Expr, count: i32) -> Done<()> {
        match expr.kind {
            Kind::Call(pc) => self.set_c(pc, (count + 1) as u8),
            Kind::Vararg(pc) => {
                self.set_b(pc, (count + 1) as u8);
                self.set_a(pc, self.func.free as u8);
                self.reserve(1)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Makes variables and calls values.
    #[inline(never)]
    pub(super) fn discharge(&mut self, expr: &mut Expr) -> Done<()> {
        expr.kind = match expr.kind {
            Kind::Local(register) => Kind::Register(register),
            Kind::Upvalue(index) => {
                Kind::Relocatable(self.emit_abc(opcode::GETUPVAL, 0, index, 0)?)
            }
            Kind::Global(index) => Kind::Relocatable(self.global(opcode::GETGLOBAL, 0, index)?),
            Kind::Indexed(table, key) => {
                let (op, key) = match key {
                    Key::Register(key) => {
                        self.free_register(key);
                        (opcode::GETTABLE, key)
                    }
                    Key::Field(key) => (opcode::GETFIELD, key),
                    Key::Int(key) => (opcode::GETINT, key),
                };
                self.free_register(table);
                Kind::Relocatable(self.emit_abc(op, 0, table, key)?)
            }
            Kind::Call(pc) => Kind::Register(a(*self.at(pc))),
            Kind::Vararg(pc) => {
                self.set_b(pc, 2);
                Kind::Relocatable(pc)
            }
            other => other,
        };
        Ok(())
    }

    #[inline(never)]
    fn discharge_to(&mut self, expr: &mut Expr, register: u8) -> Done<()> {
        self.discharge(expr)?;
        match expr.kind {
            Kind::Nil => self.load_nil(register, 1)?,
            Kind::True => drop(self.emit_abc(opcode::LOADBOOL, register, 1, 0)?),
            Kind::False => drop(self.emit_abc(opcode::LOADBOOL, register, 0, 0)?),
            Kind::Constant(index) => drop(self.load_constant(register, index)?),
            Kind::Number(number) => {
                let index = self.constant(Value::Num(number))?;
                self.load_constant(register, index)?;
            }
            Kind::Relocatable(pc) => self.set_a(pc, register),
            Kind::Register(from) => {
                if from != register {
                    self.emit_abc(opcode::MOVE, register, from, 0)?;
                }
            }
            _ => return Ok(()),
        }
        expr.kind = Kind::Register(register);
        Ok(())
    }

    #[inline(never)]
    fn discharge_to_any(&mut self, expr: &mut Expr) -> Done<u8> {
        if let Kind::Register(register) = expr.kind {
            return Ok(register);
        }
        self.reserve(1)?;
        let register = self.func.free as u8 - 1;
        self.discharge_to(expr, register)?;
        Ok(register)
    }

    /// Puts the value into this register, the jumps' outcomes too.
    #[inline(never)]
    fn put_in(&mut self, expr: &mut Expr, register: u8) -> Done<()> {
        self.discharge_to(expr, register)?;
        if let Kind::Jump(pc) = expr.kind {
            self.concat(&mut expr.when_true, pc)?;
        }
        if expr.has_jumps() {
            let (mut load_false, mut load_true) = (NO_JUMP, NO_JUMP);
            if self.needs_value(expr.when_true) || self.needs_value(expr.when_false) {
                let over = if matches!(expr.kind, Kind::Jump(_)) { NO_JUMP } else { self.jump()? };
                self.label();
                load_false = self.emit_abc(opcode::LOADBOOL, register, 0, 1)?;
                self.label();
                load_true = self.emit_abc(opcode::LOADBOOL, register, 1, 0)?;
                self.patch_to_here(over)?;
            }
            let end = self.label();
            self.patch(expr.when_false, end, register, load_false)?;
            self.patch(expr.when_true, end, register, load_true)?;
        }
        *expr = Expr::new(Kind::Register(register));
        Ok(())
    }

    #[inline(never)]
    pub(super) fn put_in_next(&mut self, expr: &mut Expr) -> Done<()> {
        self.discharge(expr)?;
        self.free(expr);
        self.reserve(1)?;
        self.put_in(expr, self.func.free as u8 - 1)
    }

    #[inline(never)]
    pub(super) fn put_in_any(&mut self, expr: &mut Expr) -> Done<u8> {
        self.discharge(expr)?;
        if let Kind::Register(register) = expr.kind {
            if !expr.has_jumps() {
                return Ok(register);
            }
            if usize::from(register) >= self.func.active.len() {
                self.put_in(expr, register)?;
                return Ok(register);
            }
        }
        self.put_in_next(expr)?;
        Ok(self.func.free as u8 - 1)
    }

    pub(super) fn make_value(&mut self, expr: &mut Expr) -> Done<()> {
        if expr.has_jumps() { self.put_in_any(expr).map(drop) } else { self.discharge(expr) }
    }

    /// `variable = expr`
    pub(super) fn store(&mut self, variable: &Expr, expr: &mut Expr) -> Done<()> {
        match variable.kind {
            Kind::Local(register) => {
                self.free(expr);
                return self.put_in(expr, register);
            }
            Kind::Upvalue(index) => {
                let register = self.put_in_any(expr)?;
                self.emit_abc(opcode::SETUPVAL, register, index, 0)?;
            }
            Kind::Global(index) => {
                let register = self.put_in_any(expr)?;
                self.global(opcode::SETGLOBAL, register, index)?;
            }
            Kind::Indexed(table, key) => {
                let value = self.put_in_any(expr)?;
                self.store_indexed(table, key, value)?;
            }
            _ => debug_assert!(false, "only variables are assigned to"),
        }
        self.free(expr);
        Ok(())
    }

    pub(super) fn store_indexed(&mut self, table: u8, key: Key, value: u8) -> Done<()> {
        let (op, key) = match key {
            Key::Register(key) => (opcode::SETTABLE, key),
            Key::Field(key) => (opcode::SETFIELD, key),
            Key::Int(key) => (opcode::SETINT, key),
        };
        self.emit_abc(op, table, key, value).map(drop)
    }

    /// `expr:name`: the function and the object in two new registers.
    pub(super) fn method(&mut self, expr: &mut Expr, name: u32) -> Done<()> {
        let object = self.put_in_any(expr)?;
        self.free(expr);
        let function = self.func.free as u8;
        self.reserve(2)?;
        match u8::try_from(name) {
            Ok(name) => drop(self.emit_abc(opcode::SELF, function, object, name)?),
            Err(_) => {
                self.reserve(1)?;
                self.load_constant(function + 2, name)?;
                self.func.free -= 1;
                self.emit_abc(opcode::SELFR, function, object, function + 2)?;
            }
        }
        expr.kind = Kind::Register(function);
        Ok(())
    }

    /// How a key that has been parsed goes into an instruction.
    pub(super) fn key_of(&mut self, key: &mut Expr) -> Done<Key> {
        if !key.has_jumps() {
            match key.kind {
                Kind::Constant(index) if index < 256 => return Ok(Key::Field(index as u8)),
                Kind::Number(number) => {
                    if let Some(int @ 1..=255) = exact_i32(number) {
                        return Ok(Key::Int(int as u8));
                    }
                }
                _ => {}
            }
        }
        Ok(Key::Register(self.put_in_any(key)?))
    }

    // Conditions.

    fn invert(&mut self, pc: i32) {
        let control = self.control(pc);
        *self.at(control) ^= 1 << 8;
    }

    fn conditional_jump(&mut self, test: u32) -> Done<i32> {
        self.emit(test)?;
        self.jump()
    }

    #[inline(never)]
    fn jump_on(&mut self, expr: &mut Expr, condition: bool) -> Done<i32> {
        if let Kind::Relocatable(pc) = expr.kind {
            let word = *self.at(pc);
            if op(word) == opcode::NOT {
                // The NOT goes; it was the last instruction.
                self.func.code.pop();
                self.func.lines.pop();
                return self.conditional_jump(abc(opcode::TEST, 0, b(word), u8::from(!condition)));
            }
        }
        let register = self.discharge_to_any(expr)?;
        self.free(expr);
        self.conditional_jump(abc(opcode::TESTSET, NO_REGISTER, register, u8::from(condition)))
    }

    /// Goes on if true; jumps if false.
    pub(super) fn go_if_true(&mut self, expr: &mut Expr) -> Done<()> {
        self.discharge(expr)?;
        let pc = match expr.kind {
            Kind::Constant(_) | Kind::Number(_) | Kind::True => NO_JUMP,
            Kind::Jump(pc) => {
                self.invert(pc);
                pc
            }
            _ => self.jump_on(expr, false)?,
        };
        self.concat(&mut expr.when_false, pc)?;
        self.patch_to_here(expr.when_true)?;
        expr.when_true = NO_JUMP;
        Ok(())
    }

    /// Goes on if false; jumps if true.
    pub(super) fn go_if_false(&mut self, expr: &mut Expr) -> Done<()> {
        self.discharge(expr)?;
        let pc = match expr.kind {
            Kind::Nil | Kind::False => NO_JUMP,
            Kind::Jump(pc) => pc,
            _ => self.jump_on(expr, true)?,
        };
        self.concat(&mut expr.when_true, pc)?;
        self.patch_to_here(expr.when_false)?;
        expr.when_false = NO_JUMP;
        Ok(())
    }

    pub(super) fn not(&mut self, expr: &mut Expr) -> Done<()> {
        self.discharge(expr)?;
        match expr.kind {
            Kind::Nil | Kind::False => expr.kind = Kind::True,
            Kind::Constant(_) | Kind::Number(_) | Kind::True => expr.kind = Kind::False,
            Kind::Jump(pc) => self.invert(pc),
            Kind::Relocatable(_) | Kind::Register(_) => {
                let register = self.discharge_to_any(expr)?;
                self.free(expr);
                expr.kind = Kind::Relocatable(self.emit_abc(opcode::NOT, 0, register, 0)?);
            }
            _ => debug_assert!(false, "discharged"),
        }
        core::mem::swap(&mut expr.when_true, &mut expr.when_false);
        self.remove_values(expr.when_false);
        self.remove_values(expr.when_true);
        Ok(())
    }

    /// A unary operation that may meet a metamethod.
    pub(super) fn unary(&mut self, op: u8, expr: &mut Expr) -> Done<()> {
        let register = self.put_in_any(expr)?;
        self.free(expr);
        expr.kind = Kind::Relocatable(self.emit_abc(op, 0, register, 0)?);
        Ok(())
    }

    /// A number that fits an operand.
    #[inline(never)]
    fn small_constant(&mut self, expr: &Expr) -> Done<Option<u8>> {
        let Some(number) = expr.numeral() else { return Ok(None) };
        let index = self.constant(Value::Num(number))?;
        Ok(u8::try_from(index).ok())
    }

    /// An arithmetic operation; `op` is that of two registers.
    pub(super) fn arithmetic(&mut self, op: u8, left: &mut Expr, right: &mut Expr) -> Done<()> {
        const TO_RK: u8 = opcode::ADDK - opcode::ADD;
        const TO_KR: u8 = opcode::KADD - opcode::ADD;
        let word = if let Some(constant) = self.small_constant(right)? {
            let register = self.put_in_any(left)?;
            abc(op + TO_RK, 0, register, constant)
        } else {
            let second = self.put_in_any(right)?;
            match self.small_constant(left)? {
                Some(constant) => abc(op + TO_KR, 0, constant, second),
                None => abc(op, 0, self.put_in_any(left)?, second),
            }
        };
        self.free_two(left, right);
        *left = Expr::new(Kind::Relocatable(self.emit(word)?));
        Ok(())
    }

    /// A constant with which equality is tested.
    fn equality_constant(&mut self, expr: &Expr) -> Done<Option<u8>> {
        if expr.has_jumps() {
            return Ok(None);
        }
        let index = match expr.kind {
            Kind::Nil => self.nil_constant(),
            Kind::True => self.constant(Value::Bool(true))?,
            Kind::False => self.constant(Value::Bool(false))?,
            Kind::Constant(index) => index,
            Kind::Number(number) => self.constant(Value::Num(number))?,
            _ => return Ok(None),
        };
        Ok(u8::try_from(index).ok())
    }

    pub(super) fn equality(&mut self, equal: bool, left: &mut Expr, right: &mut Expr) -> Done<()> {
        let wanted = u8::from(equal);
        let word = if let Some(constant) = self.equality_constant(right)? {
            let register = self.put_in_any(left)?;
            abc(opcode::EQK, wanted, register, constant)
        } else {
            let second = self.put_in_any(right)?;
            match self.equality_constant(left)? {
                Some(constant) => abc(opcode::EQK, wanted, second, constant),
                None => abc(opcode::EQ, wanted, self.put_in_any(left)?, second),
            }
        };
        self.compare(word, left, right)
    }

    /// `left < right`, `left <= right`, or with `swapped` the operands the other way round.
    pub(super) fn order(
        &mut self,
        or_equal: bool,
        swapped: bool,
        left: &mut Expr,
        right: &mut Expr,
    ) -> Done<()> {
        let step = u8::from(or_equal);
        let word = if let Some(constant) = self.small_constant(right)? {
            let register = self.put_in_any(left)?;
            let op = if swapped { opcode::GTK } else { opcode::LTK };
            abc(op + step, 1, register, constant)
        } else {
            let second = self.put_in_any(right)?;
            match self.small_constant(left)? {
                Some(constant) => {
                    let op = if swapped { opcode::LTK } else { opcode::GTK };
                    abc(op + step, 1, second, constant)
                }
                None => {
                    let first = self.put_in_any(left)?;
                    let (first, second) = if swapped { (second, first) } else { (first, second) };
                    abc(opcode::LT + step, 1, first, second)
                }
            }
        };
        self.compare(word, left, right)
    }

    fn compare(&mut self, word: u32, left: &mut Expr, right: &Expr) -> Done<()> {
        self.free_two(left, right);
        self.emit(word)?;
        *left = Expr::new(Kind::Jump(self.jump()?));
        Ok(())
    }

    pub(super) fn concatenate(&mut self, left: &mut Expr, right: &mut Expr) -> Done<()> {
        self.make_value(right)?;
        if let Kind::Relocatable(pc) = right.kind
            && op(*self.at(pc)) == opcode::CONCAT
            && let Kind::Register(register) = left.kind
        {
            self.free(left);
            self.set_b(pc, register);
            left.kind = Kind::Relocatable(pc);
            return Ok(());
        }
        self.put_in_next(right)?;
        let (Kind::Register(first), Kind::Register(second)) = (left.kind, right.kind) else {
            debug_assert!(false, "both were put into registers");
            return Ok(());
        };
        self.free_two(left, right);
        let word = abc(opcode::CONCAT, 0, first, second);
        *left = Expr::new(Kind::Relocatable(self.emit(word)?));
        Ok(())
    }
}

/// What an arithmetic operation on two constants gives; nothing where it must wait.
pub(super) fn fold(op: u8, left: f64, right: f64) -> Option<f64> {
    if right == 0.0 && (op == opcode::DIV || op == opcode::MOD) {
        return None;
    }
    let result = super::super::vm::arith(op, left, right);
    (!result.is_nan()).then_some(result)
}
