//! Constants of a function, and instructions that name one.

use super::super::opcode::{self, abx};
use super::super::value::{Str, Value};
use super::{Done, Parser};

impl Parser<'_> {
    #[inline(never)]
    pub(super) fn constant(&mut self, value: Value) -> Done<u32> {
        if let Value::Num(index) = self.func.constant_index.get(value) {
            return Ok(index as u32);
        }
        let index = self.func.constants.len() as u32;
        if index >= 1 << 24 {
            return Err(self.syntax_error("constant table overflow"));
        }
        // NaN is no key; constant folding makes none.
        let _ = self.func.constant_index.set(value, Value::Num(f64::from(index)), usize::MAX / 4);
        self.func.constants.push(value);
        Ok(index)
    }

    pub(super) fn string_constant(&mut self, string: Str) -> Done<u32> {
        self.constant(Value::Str(string))
    }

    pub(super) fn nil_constant(&mut self) -> u32 {
        if let Some(index) = self.func.nil_constant {
            return index;
        }
        let index = self.func.constants.len() as u32;
        self.func.constants.push(Value::Nil);
        self.func.nil_constant = Some(index);
        index
    }

    #[inline(never)]
    pub(super) fn load_constant(&mut self, register: u8, index: u32) -> Done<i32> {
        if let Ok(index) = u16::try_from(index) {
            return self.emit(abx(opcode::LOADK, register, index));
        }
        let pc = self.emit(abx(opcode::LOADKX, register, 0))?;
        self.emit(index << 8)?;
        Ok(pc)
    }

    pub(super) fn global(&mut self, op: u8, register: u8, index: u32) -> Done<i32> {
        if let Ok(index) = u16::try_from(index) {
            return self.emit(abx(op, register, index));
        }
        let set = u8::from(op == opcode::SETGLOBAL);
        let pc = self.emit_abc(opcode::GLOBALX, register, set, 0)?;
        self.emit(index << 8)?;
        Ok(pc)
    }
}
