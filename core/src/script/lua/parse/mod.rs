//! The compiler: source text to a function, in one pass.
//!
//! Statements ([`statement`]) and expressions ([`expression`]) are parsed by descent and emit their
//! instructions at once ([`code`]). The descent is bounded as in PUC Lua: 200 levels of blocks and
//! subexpressions.

mod code;
mod constant;
mod expression;
mod statement;

use super::heap::Heap;
use super::lex::{Lexer, Mistake, Token};
use super::number::write_number;
use super::opcode;
use super::proto::{Capture, Local, Proto};
use super::table::Table;
use super::value::{ProtoId, Str, Value};
use alloc::boxed::Box;
use alloc::vec::Vec;
use code::{Expr, Kind, NO_JUMP};

const MAX_LOCALS: usize = 200;
const MAX_UPVALUES: usize = 60;
/// Levels of syntax that PUC Lua's C stack has room for.
const MAX_LEVELS: u32 = 200;

type Done<T> = Result<T, Box<Mistake>>;

/// A block whose end closes variables or collects `break`s.
struct Block {
    breaks: i32,
    /// How many locals there were before it.
    locals: usize,
    /// A closure captures a variable of it.
    captured: bool,
    is_loop: bool,
}

/// A function that is being compiled.
struct Func {
    code: Vec<u32>,
    lines: Vec<u32>,
    constants: Vec<Value>,
    /// Where each constant is.
    constant_index: Table,
    nil_constant: Option<u32>,
    protos: Vec<ProtoId>,
    locals: Vec<Local>,
    /// The locals in scope, one for each register from 0 on.
    active: Vec<u32>,
    upvalues: Vec<(Str, Capture)>,
    blocks: Vec<Block>,
    /// The first free register.
    free: usize,
    registers: u8,
    parameters: u8,
    variadic: bool,
    wants_arg: bool,
    line: u32,
    /// Jumps to the next instruction.
    waiting: i32,
    /// The last position that is a target.
    last_target: i32,
}

impl Func {
    /// Boxed, because functions are nested on the native stack.
    #[inline(never)]
    fn new(line: u32) -> Box<Self> {
        Box::new(Self {
            code: Vec::new(),
            lines: Vec::new(),
            constants: Vec::new(),
            constant_index: Table::default(),
            nil_constant: None,
            protos: Vec::new(),
            locals: Vec::new(),
            active: Vec::new(),
            upvalues: Vec::new(),
            blocks: Vec::new(),
            free: 0,
            registers: 2,
            parameters: 0,
            variadic: false,
            wants_arg: false,
            line,
            waiting: NO_JUMP,
            last_target: NO_JUMP,
        })
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    heap: &'a mut Heap,
    token: Token,
    /// The line of the token, and that of the one before it.
    line: u32,
    last_line: u32,
    /// The value of the token, when it is a name, string or number.
    string: Str,
    number: f64,
    ahead: Option<(Token, Str, f64)>,
    func: Box<Func>,
    /// The functions around it.
    #[expect(clippy::vec_box, reason = "they move in and out of `func`, which nests natively")]
    outer: Vec<Box<Func>>,
    source: Str,
    levels: u32,
}

/// Compiles a chunk. The name is PUC's: `@file`, `=text`, or the source.
///
/// `levels` is how much of PUC's C stack is in use already.
pub(super) fn compile(
    heap: &mut Heap,
    source: &[u8],
    name: Str,
    levels: u32,
) -> Result<ProtoId, Box<Mistake>> {
    let empty = heap.string(b"");
    let mut parser = Parser {
        lexer: Lexer::new(source, empty),
        heap,
        token: Token::Eof,
        line: 1,
        last_line: 1,
        string: empty,
        number: 0.0,
        ahead: None,
        func: Func::new(0),
        outer: Vec::new(),
        source: name,
        levels,
    };
    parser.func.variadic = true;
    parser.advance()?;
    parser.chunk()?;
    if parser.token != Token::Eof {
        return Err(parser.expected(Token::Eof));
    }
    let func = core::mem::replace(&mut parser.func, Func::new(0));
    parser.finish(func)
}

impl Parser<'_> {
    // Tokens.

    #[inline(never)]
    fn advance(&mut self) -> Done<()> {
        self.last_line = self.lexer.line;
        if let Some((token, string, number)) = self.ahead.take() {
            (self.token, self.string, self.number) = (token, string, number);
        } else {
            self.token = self.lexer.next(self.heap)?;
            (self.string, self.number) = (self.lexer.string, self.lexer.number);
        }
        self.line = self.lexer.line;
        Ok(())
    }

    fn look_ahead(&mut self) -> Done<Token> {
        let token = self.lexer.next(self.heap)?;
        self.ahead = Some((token, self.lexer.string, self.lexer.number));
        Ok(token)
    }

    fn accept(&mut self, token: Token) -> Done<bool> {
        let found = self.token == token;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    #[inline(never)]
    fn expect(&mut self, token: Token) -> Done<()> {
        if self.token != token {
            return Err(self.expected(token));
        }
        self.advance()
    }

    /// The token that closes what `opening` at a line began.
    #[inline(never)]
    fn expect_match(&mut self, token: Token, opening: Token, line: u32) -> Done<()> {
        if self.accept(token)? {
            return Ok(());
        }
        if line == self.lexer.line {
            return Err(self.expected(token));
        }
        let mut number = Vec::new();
        write_number(f64::from(line), &mut number);
        let message = [
            b"'".as_slice(),
            &token.text(),
            b"' expected (to close '",
            &opening.text(),
            b"' at line ",
            &number,
            b")",
        ];
        Err(self.near(&message.concat()))
    }

    #[inline(never)]
    fn name(&mut self) -> Done<Str> {
        if self.token != Token::Name {
            return Err(self.expected(Token::Name));
        }
        let name = self.string;
        self.advance()?;
        Ok(name)
    }

    // Errors.

    #[cold]
    #[inline(never)]
    fn near(&self, message: &[u8]) -> Box<Mistake> {
        if self.token == Token::Char(0) {
            // The number of this token means none in PUC Lua.
            return Box::new(Mistake { line: self.lexer.line, text: message.to_vec() });
        }
        let token = self.lexer.token_text(self.token);
        let token = token.split(|b| *b == 0).next().unwrap_or(&token);
        let text = [message, b" near '", token, b"'"].concat();
        Box::new(Mistake { line: self.lexer.line, text })
    }

    #[cold]
    #[inline(never)]
    fn syntax_error(&self, message: &str) -> Box<Mistake> {
        self.near(message.as_bytes())
    }

    #[cold]
    #[inline(never)]
    fn expected(&self, token: Token) -> Box<Mistake> {
        self.near(&[b"'", token.text().as_slice(), b"' expected"].concat())
    }

    /// "function at line n has more than `limit` things"
    #[cold]
    #[inline(never)]
    fn over_limit(&self, limit: usize, things: &str) -> Box<Mistake> {
        let mut text = Vec::new();
        if self.func.line == 0 {
            text.extend_from_slice(b"main function has more than ");
        } else {
            text.extend_from_slice(b"function at line ");
            write_number(f64::from(self.func.line), &mut text);
            text.extend_from_slice(b" has more than ");
        }
        write_number(limit as f64, &mut text);
        text.push(b' ');
        text.extend_from_slice(things.as_bytes());
        Box::new(Mistake { line: self.lexer.line, text })
    }

    #[inline(never)]
    fn enter_level(&mut self) -> Done<()> {
        self.levels += 1;
        if self.levels > MAX_LEVELS {
            let text = b"chunk has too many syntax levels".to_vec();
            return Err(Box::new(Mistake { line: self.lexer.line, text }));
        }
        Ok(())
    }

    fn leave_level(&mut self) {
        self.levels -= 1;
    }

    // Variables.

    /// A new local, in scope when [`activate`](Self::activate) says so. `more` come with it.
    fn new_local(&mut self, name: Str, index: usize) -> Done<()> {
        if self.func.active.len() + index + 1 > MAX_LOCALS {
            return Err(self.over_limit(MAX_LOCALS, "local variables"));
        }
        self.func.locals.push(Local { name, start: 0, end: 0 });
        Ok(())
    }

    fn new_hidden_local(&mut self, name: &str, index: usize) -> Done<()> {
        let name = self.heap.string(name.as_bytes());
        self.new_local(name, index)
    }

    /// The last `count` locals come into scope.
    #[inline(never)]
    fn activate(&mut self, count: usize) {
        let first = self.func.locals.len() - count;
        let pc = self.func.code.len() as u32;
        for index in first..self.func.locals.len() {
            self.func.locals[index].start = pc;
            self.func.active.push(index as u32);
        }
    }

    fn remove_locals(&mut self, to: usize) {
        let pc = self.func.code.len() as u32;
        while self.func.active.len() > to {
            if let Some(index) = self.func.active.pop() {
                self.func.locals[index as usize].end = pc;
            }
        }
    }

    /// What a name means here.
    fn variable(&mut self, name: Str) -> Done<Expr> {
        if let Some(register) = find_local(&self.func, name) {
            return Ok(Expr::new(Kind::Local(register)));
        }
        if let Some(index) = find_upvalue(&self.func, name) {
            return Ok(Expr::new(Kind::Upvalue(index)));
        }
        // The innermost function around that has it; then it is handed inwards.
        let mut found = None;
        for (depth, func) in self.outer.iter_mut().enumerate().rev() {
            if let Some(register) = find_local(func, name) {
                let block =
                    func.blocks.iter_mut().rev().find(|b| b.locals <= usize::from(register));
                if let Some(block) = block {
                    block.captured = true;
                }
                found = Some((depth, Capture::Register(register)));
                break;
            }
            if let Some(index) = find_upvalue(func, name) {
                found = Some((depth, Capture::Upvalue(index)));
                break;
            }
        }
        let Some((depth, mut capture)) = found else {
            return Ok(Expr::new(Kind::Global(self.string_constant(name)?)));
        };
        for depth in depth + 1..=self.outer.len() {
            let func =
                if depth == self.outer.len() { &mut self.func } else { &mut self.outer[depth] };
            if func.upvalues.len() >= MAX_UPVALUES {
                // The message is about the function that has too many.
                let line = func.line;
                let own = core::mem::replace(&mut self.func.line, line);
                let mistake = self.over_limit(MAX_UPVALUES, "upvalues");
                self.func.line = own;
                return Err(mistake);
            }
            func.upvalues.push((name, capture));
            capture = Capture::Upvalue(func.upvalues.len() as u8 - 1);
        }
        Ok(Expr::new(Kind::Upvalue(self.func.upvalues.len() as u8 - 1)))
    }

    // Blocks and functions.

    fn enter_block(&mut self, is_loop: bool) {
        let locals = self.func.active.len();
        self.func.blocks.push(Block { breaks: NO_JUMP, locals, captured: false, is_loop });
    }

    #[inline(never)]
    fn leave_block(&mut self) -> Done<()> {
        let Some(block) = self.func.blocks.pop() else { return Ok(()) };
        self.remove_locals(block.locals);
        if block.captured {
            self.emit_abc(opcode::CLOSE, block.locals as u8, 0, 0)?;
        }
        self.func.free = self.func.active.len();
        self.patch_to_here(block.breaks)
    }

    #[inline(never)]
    fn block(&mut self) -> Done<()> {
        self.enter_block(false);
        self.chunk()?;
        self.leave_block()
    }

    /// `(parameters) block end`
    fn body(&mut self, method: bool, line: u32) -> Done<Expr> {
        let outer = core::mem::replace(&mut self.func, Func::new(line));
        self.outer.push(outer);
        self.expect(Token::Char(b'('))?;
        if method {
            self.new_hidden_local("self", 0)?;
            self.activate(1);
        }
        self.parameters()?;
        self.expect(Token::Char(b')'))?;
        self.chunk()?;
        self.expect_match(Token::End, Token::Function, line)?;
        let outer = self.outer.pop().unwrap_or_else(|| Func::new(0));
        let func = core::mem::replace(&mut self.func, outer);
        let proto = self.finish(func)?;
        let Ok(index) = u16::try_from(self.func.protos.len()) else {
            return Err(self.syntax_error("constant table overflow"));
        };
        self.func.protos.push(proto);
        let pc = self.emit(opcode::abx(opcode::CLOSURE, 0, index))?;
        Ok(Expr::new(Kind::Relocatable(pc)))
    }

    fn parameters(&mut self) -> Done<()> {
        let mut count = 0;
        if self.token != Token::Char(b')') {
            loop {
                match self.token {
                    Token::Name => {
                        let name = self.name()?;
                        self.new_local(name, count)?;
                        count += 1;
                    }
                    Token::Dots => {
                        self.advance()?;
                        self.new_hidden_local("arg", count)?;
                        count += 1;
                        self.func.variadic = true;
                        self.func.wants_arg = true;
                        break;
                    }
                    _ => return Err(self.syntax_error("<name> or '...' expected")),
                }
                if !self.accept(Token::Char(b','))? {
                    break;
                }
            }
        }
        self.activate(count);
        let active = self.func.active.len();
        self.func.parameters = (active - usize::from(self.func.variadic)) as u8;
        self.reserve(active)
    }

    /// Ends a function: the `return` that may be missing, and what is kept of it.
    #[inline(never)]
    fn finish(&mut self, mut func: Box<Func>) -> Done<ProtoId> {
        core::mem::swap(&mut self.func, &mut func);
        self.remove_locals(0);
        let ended = self.emit_abc(opcode::RETURN0, 0, 1, 0);
        core::mem::swap(&mut self.func, &mut func);
        ended?;
        let func = *func;
        let (upvalue_names, captures): (Vec<_>, Vec<_>) = func.upvalues.into_iter().unzip();
        let proto = Proto {
            code: func.code.into(),
            constants: func.constants.into(),
            protos: func.protos,
            captures: captures.into(),
            lines: func.lines.into(),
            locals: func.locals.into(),
            upvalue_names: upvalue_names.into(),
            source: Some(self.source),
            parameters: func.parameters,
            registers: func.registers,
            variadic: func.variadic,
            wants_arg: func.wants_arg,
            ..Proto::default()
        };
        Ok(self.heap.proto(proto))
    }
}

fn find_local(func: &Func, name: Str) -> Option<u8> {
    let at = func.active.iter().rposition(|index| func.locals[*index as usize].name == name)?;
    Some(at as u8)
}

fn find_upvalue(func: &Func, name: Str) -> Option<u8> {
    let at = func.upvalues.iter().position(|(found, _)| *found == name)?;
    Some(at as u8)
}
