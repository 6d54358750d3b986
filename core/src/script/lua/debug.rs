//! Positions and names for error messages.
//!
//! A name is found as PUC Lua finds it: the instruction that put the value into its register says
//! where it came from.

use super::Lua;
use super::heap::Code;
use super::native::Raised;
use super::number::write_number;
use super::opcode::{self, a, b, bx, c, op, sj};
use super::proto::Proto;
use super::thread::Frame;
use super::value::{Str, Value};
use alloc::vec::Vec;

/// A kind of variable and its name.
pub(super) type Name = (&'static str, Vec<u8>);

impl Lua {
    /// The code that a frame runs, if it is Lua.
    pub(super) fn proto_of(&self, frame: &Frame) -> Option<&Proto> {
        match self.heap.functions[frame.function.0].code {
            Code::Lua(proto) => Some(&self.heap.protos[proto.0]),
            _ => None,
        }
    }

    /// The frame so many levels up from the running function, as `getinfo` counts them.
    pub(super) fn frame_at(&self, level: u32) -> Level {
        let mut left = i64::from(level);
        for (index, frame) in self.thread.frames.iter().enumerate().rev() {
            if left == 0 {
                return Level::Frame(index);
            }
            left -= 1 + i64::from(frame.tail_calls);
            if left < 0 {
                return Level::TailCall;
            }
        }
        Level::None
    }

    /// `chunk:line: ` of the call so many levels up, or nothing where that is no Lua code.
    pub(super) fn position(&self, level: u32) -> Vec<u8> {
        let mut text = Vec::new();
        if let Level::Frame(index) = self.frame_at(level) {
            let frame = &self.thread.frames[index];
            if let Some(proto) = self.proto_of(frame) {
                let line = current_line(proto, frame);
                if let Some(source) = proto.source {
                    write_position(self.heap.bytes(source), line, &mut text);
                }
            }
        }
        text
    }

    /// The chunk's name and the line of the function that runs, or of the one that called it if that is a native.
    #[cold]
    #[inline(never)]
    pub(super) fn place_of_error(&self) -> Option<(Vec<u8>, u32)> {
        let frame = self.thread.frames.iter().rev().take(2).find(|frame| frame.lua)?;
        let proto = self.proto_of(frame)?;
        let source = self.heap.bytes(proto.source?).to_vec();
        Some((source, current_line(proto, frame)))
    }

    /// The name by which the running native was called, and whether as a method.
    pub(super) fn native_name(&mut self) -> Option<(Str, bool)> {
        let index = self.thread.frames.len().checked_sub(2)?;
        let caller = self.thread.frames[index];
        let proto = self.proto_of(&caller)?;
        let pc = caller.pc.checked_sub(1)? as usize;
        let word = *proto.code.get(pc)?;
        if !matches!(op(word), opcode::CALL | opcode::TAILCALL | opcode::TFORLOOP) {
            return None;
        }
        let (kind, name) = self.name_of(proto, pc, a(word))?;
        let method = kind == "method";
        Some((self.heap.string(&name), method))
    }

    /// What a register held before an instruction was.
    fn name_of(&self, proto: &Proto, pc: usize, register: u8) -> Option<Name> {
        let mut register = register;
        loop {
            if let Some(local) = local_name(proto, register, pc) {
                return Some(("local", self.heap.bytes(local).to_vec()));
            }
            let setter = find_setter(proto, pc, register)?;
            let word = proto.code[setter];
            let constant = |index: usize| match proto.constants.get(index) {
                Some(Value::Str(name)) => self.heap.bytes(*name).to_vec(),
                _ => b"?".to_vec(),
            };
            let unknown = || b"?".to_vec();
            return Some(match op(word) {
                opcode::GETGLOBAL => ("global", constant(bx(word))),
                opcode::GLOBALX => ("global", constant((proto.code[setter + 1] >> 8) as usize)),
                opcode::MOVE if b(word) < a(word) => {
                    register = b(word);
                    continue;
                }
                opcode::GETFIELD => ("field", constant(c(word).into())),
                opcode::GETTABLE | opcode::GETINT => ("field", unknown()),
                opcode::GETUPVAL => {
                    let name = proto.upvalue_names.get(usize::from(b(word)));
                    ("upvalue", name.map_or_else(unknown, |name| self.heap.bytes(*name).to_vec()))
                }
                opcode::SELF => ("method", constant(c(word).into())),
                opcode::SELFR => ("method", unknown()),
                _ => return None,
            });
        }
    }

    /// "attempt to `verb` local 'name' (a type value)", for a value in a register of the
    /// running function if one is given.
    #[cold]
    #[inline(never)]
    pub(super) fn type_error_in(
        &mut self,
        value: Value,
        verb: &str,
        register: Option<u8>,
    ) -> Raised {
        let name = register.and_then(|register| {
            let frame = self.thread.frames.last()?;
            let proto = self.proto_of(frame)?;
            self.name_of(proto, frame.pc.checked_sub(1)? as usize, register)
        });
        let type_name = value.type_name().as_bytes();
        let mut message = [b"attempt to ".as_slice(), verb.as_bytes(), b" "].concat();
        match name {
            Some((kind, name)) => {
                message.extend_from_slice(kind.as_bytes());
                message.extend_from_slice(b" '");
                message.extend_from_slice(name.split(|b| *b == 0).next().unwrap_or(&name));
                message.extend_from_slice(b"' (a ");
                message.extend_from_slice(type_name);
                message.extend_from_slice(b" value)");
            }
            None => {
                message.extend_from_slice(b"a ");
                message.extend_from_slice(type_name);
                message.extend_from_slice(b" value");
            }
        }
        self.runtime_error(&message)
    }

    /// The same without a name.
    #[cold]
    #[inline(never)]
    pub(super) fn type_error(&mut self, value: Value, verb: &str) -> Raised {
        self.type_error_in(value, verb, None)
    }

    /// An error at the current instruction.
    #[cold]
    #[inline(never)]
    pub(super) fn runtime_error(&mut self, message: &[u8]) -> Raised {
        let mut text = self.position(0);
        text.extend_from_slice(message);
        let text = self.heap.string(&text);
        self.raise(Value::Str(text))
    }
}

/// What a level of calls is.
pub(super) enum Level {
    Frame(usize),
    /// A call that a tail call has replaced.
    TailCall,
    None,
}

pub(super) fn current_line(proto: &Proto, frame: &Frame) -> u32 {
    let pc = (frame.pc as usize).saturating_sub(1);
    proto.lines.get(pc).copied().unwrap_or(0)
}

/// Appends `name:line: `.
pub(super) fn write_position(source: &[u8], line: u32, out: &mut Vec<u8>) {
    chunk_name(source, out);
    out.push(b':');
    write_number(f64::from(line), out);
    out.extend_from_slice(b": ");
}

/// Appends how messages name a chunk: at most 59 bytes.
fn chunk_name(source: &[u8], out: &mut Vec<u8>) {
    let source = source.split(|b| *b == 0).next().unwrap_or(source);
    match source {
        [b'=', name @ ..] => out.extend_from_slice(&name[..name.len().min(59)]),
        [b'@', name @ ..] => {
            const ROOM: usize = 52;
            if name.len() > ROOM {
                out.extend_from_slice(b"...");
                out.extend_from_slice(&name[name.len() - ROOM..]);
            } else {
                out.extend_from_slice(name);
            }
        }
        text => {
            const ROOM: usize = 43;
            let line = text.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(text.len());
            let shown = line.min(ROOM);
            out.extend_from_slice(b"[string \"");
            out.extend_from_slice(&text[..shown]);
            if shown < text.len() {
                out.extend_from_slice(b"...");
            }
            out.extend_from_slice(b"\"]");
        }
    }
}

/// The local in a register at an instruction.
fn local_name(proto: &Proto, register: u8, pc: usize) -> Option<Str> {
    let mut left = register;
    for local in &proto.locals {
        if local.start as usize > pc {
            break;
        }
        if pc < local.end as usize {
            if left == 0 {
                return Some(local.name);
            }
            left -= 1;
        }
    }
    None
}

/// The last instruction before `end` that set the register on the way there.
fn find_setter(proto: &Proto, end: usize, register: u8) -> Option<usize> {
    let mut setter = None;
    let mut pc = 0;
    while pc < end {
        let word = proto.code[pc];
        let first = a(word);
        let sets = match op(word) {
            opcode::LOADNIL => (first..=b(word)).contains(&register),
            opcode::TFORLOOP => register >= first.saturating_add(2),
            opcode::CALL | opcode::TAILCALL => register >= first,
            opcode::VARARG => {
                register >= first && (b(word) == 0 || register < first.saturating_add(b(word) - 1))
            }
            opcode::SELF | opcode::SELFR => register == first || register == first.wrapping_add(1),
            opcode::FORLOOP | opcode::FORPREP => {
                register >= first && register <= first.saturating_add(3)
            }
            opcode::JMP => {
                let target = (pc as i64 + 1 + i64::from(sj(word))).max(0) as usize;
                // What lies between is not on the way; a jump past the end is another way.
                if target > pc && target <= end {
                    pc = target;
                    continue;
                }
                false
            }
            opcode::LOADBOOL => {
                let sets = register == first;
                if c(word) != 0 {
                    if sets {
                        setter = Some(pc);
                    }
                    pc += 2;
                    continue;
                }
                sets
            }
            opcode::SETUPVAL
            | opcode::SETGLOBAL
            | opcode::SETTABLE
            | opcode::SETFIELD
            | opcode::SETINT
            | opcode::RETURN
            | opcode::RETURN0
            | opcode::RETURN1
            | opcode::CLOSE
            | opcode::EQ..=opcode::GEK => false,
            opcode::GLOBALX => b(word) == 0 && register == first,
            opcode::SETLIST => false,
            // PUC Lua counts a test as setting: what `and` and `or` choose has no name.
            opcode::TEST => register == b(word),
            _ => register == first,
        };
        if sets {
            setter = Some(pc);
        }
        let data = matches!(op(word), opcode::LOADKX | opcode::GLOBALX)
            || op(word) == opcode::SETLIST && c(word) == 0;
        pc += 1 + usize::from(data);
    }
    setter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> alloc::string::String {
        let mut out = Vec::new();
        chunk_name(source.as_bytes(), &mut out);
        alloc::string::String::from_utf8(out).expect("text")
    }

    #[test]
    fn chunks_are_named_as_in_puc_lua() {
        assert_eq!(shown("=user_script"), "user_script");
        assert_eq!(shown("@file.lua"), "file.lua");
        assert_eq!(shown("return 1"), "[string \"return 1\"]");
        assert_eq!(shown("a\nb"), "[string \"a...\"]");
        let long = "line one of the source is long line one of the source is long ";
        assert_eq!(shown(long), "[string \"line one of the source is long line one of ...\"]");
    }
}
