//! Statements.
//!
//! Each kind is kept out of the function that all nest through, whose frames would else have room
//! for all of them: sources nest 200 deep.

use super::code::{Expr, Key, Kind, NO_JUMP};
use super::{Done, MAX_LEVELS, Parser};
use crate::script::lua::lex::Token;
use crate::script::lua::opcode::{self, BIAS, abx};
use alloc::vec::Vec;

impl Parser<'_> {
    /// Statements up to the end of the block.
    pub(super) fn chunk(&mut self) -> Done<()> {
        self.enter_level()?;
        let mut last = false;
        while !last && !self.at_block_end() {
            last = self.statement()?;
            self.accept(Token::Char(b';'))?;
            self.func.free = self.func.active.len();
        }
        self.leave_level();
        Ok(())
    }

    fn at_block_end(&self) -> bool {
        matches!(self.token, Token::Else | Token::Elseif | Token::End | Token::Eof | Token::Until)
    }

    /// True if no statement may follow.
    fn statement(&mut self) -> Done<bool> {
        let line = self.lexer.line;
        match self.token {
            Token::If => self.if_statement(line)?,
            Token::While => self.while_statement(line)?,
            Token::Do => {
                self.advance()?;
                self.block()?;
                self.expect_match(Token::End, Token::Do, line)?;
            }
            Token::For => self.for_statement(line)?,
            Token::Repeat => self.repeat_statement(line)?,
            Token::Function => self.function_statement(line)?,
            Token::Local => {
                self.advance()?;
                if self.accept(Token::Function)? {
                    self.local_function()?;
                } else {
                    self.local_statement()?;
                }
            }
            Token::Return => {
                self.return_statement()?;
                return Ok(true);
            }
            Token::Break => {
                self.advance()?;
                self.break_statement()?;
                return Ok(true);
            }
            _ => self.expression_statement()?,
        }
        Ok(false)
    }

    /// A condition; the jumps that leave if it is false.
    fn condition(&mut self) -> Done<i32> {
        let mut expr = self.expression()?;
        if matches!(expr.kind, Kind::Nil) {
            expr.kind = Kind::False;
        }
        self.go_if_true(&mut expr)?;
        Ok(expr.when_false)
    }

    #[inline(never)]
    fn if_statement(&mut self, line: u32) -> Done<()> {
        let mut escapes = NO_JUMP;
        let mut otherwise = self.test_then()?;
        loop {
            match self.token {
                Token::Elseif => {
                    let jump = self.jump()?;
                    self.concat(&mut escapes, jump)?;
                    self.patch_to_here(otherwise)?;
                    otherwise = self.test_then()?;
                }
                Token::Else => {
                    let jump = self.jump()?;
                    self.concat(&mut escapes, jump)?;
                    self.patch_to_here(otherwise)?;
                    self.advance()?;
                    self.block()?;
                    break;
                }
                _ => {
                    self.concat(&mut escapes, otherwise)?;
                    break;
                }
            }
        }
        self.patch_to_here(escapes)?;
        self.expect_match(Token::End, Token::If, line)
    }

    fn test_then(&mut self) -> Done<i32> {
        self.advance()?;
        let otherwise = self.condition()?;
        self.expect(Token::Then)?;
        self.block()?;
        Ok(otherwise)
    }

    #[inline(never)]
    fn while_statement(&mut self, line: u32) -> Done<()> {
        self.advance()?;
        let start = self.label();
        let exit = self.condition()?;
        self.enter_block(true);
        self.expect(Token::Do)?;
        self.block()?;
        let back = self.jump()?;
        self.patch_list(back, start)?;
        self.expect_match(Token::End, Token::While, line)?;
        self.leave_block()?;
        self.patch_to_here(exit)
    }

    #[inline(never)]
    fn repeat_statement(&mut self, line: u32) -> Done<()> {
        let start = self.label();
        self.enter_block(true);
        self.enter_block(false);
        self.advance()?;
        self.chunk()?;
        self.expect_match(Token::Until, Token::Repeat, line)?;
        // The condition still sees the block's locals.
        let exit = self.condition()?;
        if self.func.blocks.last().is_some_and(|block| block.captured) {
            // They must be closed both when going on and when leaving.
            self.break_statement()?;
            self.patch_to_here(exit)?;
            self.leave_block()?;
            let back = self.jump()?;
            self.patch_list(back, start)?;
        } else {
            self.leave_block()?;
            self.patch_list(exit, start)?;
        }
        self.leave_block()
    }

    fn break_statement(&mut self) -> Done<()> {
        let mut captured = false;
        let mut found = None;
        for (index, block) in self.func.blocks.iter().enumerate().rev() {
            if block.is_loop {
                found = Some(index);
                break;
            }
            captured |= block.captured;
        }
        let Some(index) = found else { return Err(self.syntax_error("no loop to break")) };
        if captured {
            let locals = self.func.blocks[index].locals as u8;
            self.emit_abc(opcode::CLOSE, locals, 0, 0)?;
        }
        let jump = self.jump()?;
        let mut breaks = self.func.blocks[index].breaks;
        self.concat(&mut breaks, jump)?;
        self.func.blocks[index].breaks = breaks;
        Ok(())
    }

    #[inline(never)]
    fn for_statement(&mut self, line: u32) -> Done<()> {
        self.enter_block(true);
        self.advance()?;
        let name = self.name()?;
        match self.token {
            Token::Char(b'=') => {
                let base = self.func.free as u8;
                self.new_hidden_local("(for index)", 0)?;
                self.new_hidden_local("(for limit)", 1)?;
                self.new_hidden_local("(for step)", 2)?;
                self.new_local(name, 3)?;
                self.advance()?;
                self.expression_to_next()?;
                self.expect(Token::Char(b','))?;
                self.expression_to_next()?;
                if self.accept(Token::Char(b','))? {
                    self.expression_to_next()?;
                } else {
                    let mut one = Expr::new(Kind::Number(1.0));
                    self.put_in_next(&mut one)?;
                }
                self.for_body(base, line, 1, true)?;
            }
            Token::Char(b',') | Token::In => {
                let base = self.func.free as u8;
                self.new_hidden_local("(for generator)", 0)?;
                self.new_hidden_local("(for state)", 1)?;
                self.new_hidden_local("(for control)", 2)?;
                self.new_local(name, 3)?;
                let mut count = 1;
                while self.accept(Token::Char(b','))? {
                    let name = self.name()?;
                    self.new_local(name, 3 + count)?;
                    count += 1;
                }
                self.expect(Token::In)?;
                let line = self.lexer.line;
                let (values, mut last) = self.expression_list()?;
                self.adjust(3, values, &mut last)?;
                self.check_stack(3)?;
                self.for_body(base, line, count, false)?;
            }
            _ => return Err(self.syntax_error("'=' or 'in' expected")),
        }
        self.expect_match(Token::End, Token::For, line)?;
        self.leave_block()
    }

    fn expression_to_next(&mut self) -> Done<()> {
        let mut expr = self.expression()?;
        self.put_in_next(&mut expr)
    }

    /// The loop around the body; the three hidden variables are in registers.
    #[inline(never)]
    fn for_body(&mut self, base: u8, line: u32, variables: usize, numeric: bool) -> Done<()> {
        // The hidden ones come into scope now, the loop's own in the block.
        let first = self.func.locals.len() - 3 - variables;
        let pc = self.func.code.len() as u32;
        for index in first..first + 3 {
            self.func.locals[index].start = pc;
            self.func.active.push(index as u32);
        }
        self.expect(Token::Do)?;
        let prepare = if numeric {
            self.emit(abx(opcode::FORPREP, base, (BIAS - 1) as u16))?
        } else {
            self.jump()?
        };
        self.enter_block(false);
        self.activate(variables);
        self.reserve(variables)?;
        self.block()?;
        self.leave_block()?;
        if numeric {
            let here = self.label();
            self.fix_loop(prepare, here)?;
            let end = self.emit(abx(opcode::FORLOOP, base, 0))?;
            self.fix_line(line);
            self.fix_loop(end, prepare + 1)
        } else {
            self.patch_to_here(prepare)?;
            self.emit_abc(opcode::TFORLOOP, base, 0, variables as u8)?;
            self.fix_line(line);
            let back = self.jump()?;
            self.patch_list(back, prepare + 1)
        }
    }

    /// `function a.b:c() ... end`
    #[inline(never)]
    fn function_statement(&mut self, line: u32) -> Done<()> {
        self.advance()?;
        let name = self.name()?;
        let mut variable = self.variable(name)?;
        while self.token == Token::Char(b'.') {
            self.field(&mut variable)?;
        }
        let method = self.token == Token::Char(b':');
        if method {
            self.field(&mut variable)?;
        }
        let mut body = self.body(method, line)?;
        self.store(&variable, &mut body)?;
        self.fix_line(line);
        Ok(())
    }

    #[inline(never)]
    fn local_function(&mut self) -> Done<()> {
        let name = self.name()?;
        self.new_local(name, 0)?;
        let register = self.func.free as u8;
        self.reserve(1)?;
        // In scope before its body, so that it can call itself.
        self.activate(1);
        let line = self.lexer.line;
        let mut body = self.body(false, line)?;
        self.store(&Expr::new(Kind::Local(register)), &mut body)?;
        // Debuggers must not see it before it has its value.
        let pc = self.func.code.len() as u32;
        if let Some(&index) = self.func.active.last() {
            self.func.locals[index as usize].start = pc;
        }
        Ok(())
    }

    #[inline(never)]
    fn local_statement(&mut self) -> Done<()> {
        let mut names = 0;
        loop {
            let name = self.name()?;
            self.new_local(name, names)?;
            names += 1;
            if !self.accept(Token::Char(b','))? {
                break;
            }
        }
        if self.accept(Token::Char(b'='))? {
            let (values, mut last) = self.expression_list()?;
            self.adjust(names, values, &mut last)?;
        } else {
            self.adjust(names, 0, &mut Expr::new(Kind::Void))?;
        }
        self.activate(names);
        Ok(())
    }

    /// Makes as many values as there are names, all in registers.
    fn adjust(&mut self, names: usize, values: usize, last: &mut Expr) -> Done<()> {
        let extra = names as i32 - values as i32;
        if matches!(last.kind, Kind::Call(_) | Kind::Vararg(_)) {
            let wanted = (extra + 1).max(0);
            self.set_returns(last, wanted)?;
            if wanted > 1 {
                self.reserve(wanted as usize - 1)?;
            }
            return Ok(());
        }
        if !matches!(last.kind, Kind::Void) {
            self.put_in_next(last)?;
        }
        if extra > 0 {
            let register = self.func.free as u8;
            self.reserve(extra as usize)?;
            self.load_nil(register, extra as usize)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn return_statement(&mut self) -> Done<()> {
        self.advance()?;
        if self.at_block_end() || self.token == Token::Char(b';') {
            return self.emit_abc(opcode::RETURN0, 0, 1, 0).map(drop);
        }
        let (count, mut last) = self.expression_list()?;
        let active = self.func.active.len();
        if let Kind::Call(pc) | Kind::Vararg(pc) = last.kind {
            self.set_returns(&last, -1)?;
            if matches!(last.kind, Kind::Call(_)) && count == 1 {
                let word = &mut self.func.code[pc as usize];
                *word = *word & !0xff | u32::from(opcode::TAILCALL);
            }
            self.emit_abc(opcode::RETURN, active as u8, 0, 0)?;
        } else if count == 1 {
            let register = self.put_in_any(&mut last)?;
            self.emit_abc(opcode::RETURN1, register, 2, 0)?;
        } else {
            self.put_in_next(&mut last)?;
            self.emit_abc(opcode::RETURN, active as u8, count as u8 + 1, 0)?;
        }
        Ok(())
    }

    /// A call, or an assignment.
    #[inline(never)]
    fn expression_statement(&mut self) -> Done<()> {
        let first = self.primary()?;
        if let Kind::Call(pc) = first.kind {
            // A statement uses no results.
            self.set_c(pc, 1);
            return Ok(());
        }
        let mut targets: Vec<Expr> = Vec::new();
        let mut target = first;
        loop {
            let assignable = matches!(
                target.kind,
                Kind::Local(_) | Kind::Upvalue(_) | Kind::Global(_) | Kind::Indexed(..)
            );
            if !assignable || target.has_jumps() {
                return Err(self.syntax_error("syntax error"));
            }
            targets.push(target);
            if !self.accept(Token::Char(b','))? {
                break;
            }
            target = self.primary()?;
            if let Kind::Local(register) = target.kind {
                self.resolve_conflict(&mut targets, register)?;
            }
            let limit = MAX_LEVELS.saturating_sub(self.levels) as usize;
            if targets.len() > limit {
                return Err(self.over_limit(limit, "variables in assignment"));
            }
        }
        self.expect(Token::Char(b'='))?;
        let (values, mut last) = self.expression_list()?;
        if values == targets.len() {
            // The last value goes to its variable directly.
            if let Kind::Call(_) | Kind::Vararg(_) = last.kind {
                self.discharge(&mut last)?;
            }
            if let Some(target) = targets.pop() {
                self.store(&target, &mut last)?;
            }
        } else {
            self.adjust(targets.len(), values, &mut last)?;
            if values > targets.len() {
                self.func.free -= values - targets.len();
            }
        }
        while let Some(target) = targets.pop() {
            let mut value = Expr::new(Kind::Register(self.func.free as u8 - 1));
            self.store(&target, &mut value)?;
        }
        Ok(())
    }

    /// A local that is assigned to and used as a table or key by an earlier target is copied first.
    fn resolve_conflict(&mut self, targets: &mut [Expr], local: u8) -> Done<()> {
        let extra = self.func.free as u8;
        let mut conflict = false;
        for target in targets {
            let Kind::Indexed(table, key) = &mut target.kind else { continue };
            if *table == local {
                conflict = true;
                *table = extra;
            }
            if let Key::Register(key) = key
                && *key == local
            {
                conflict = true;
                *key = extra;
            }
        }
        if conflict {
            self.emit_abc(opcode::MOVE, extra, local, 0)?;
            self.reserve(1)?;
        }
        Ok(())
    }
}
