//! Expressions.

use super::code::{Expr, Key, Kind, fold};
use super::{Done, Parser};
use crate::script::lua::lex::Token;
use crate::script::lua::opcode::{self, FIELDS_PER_FLUSH, float_byte};
use crate::script::lua::value::Value;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Binary {
    /// The operation on two registers.
    Arithmetic(u8),
    Concat,
    Equality(bool),
    /// Whether equal counts, and whether the operands are swapped.
    Order(bool, bool),
    And,
    Or,
}

/// How strongly the unary operators bind.
const UNARY: u8 = 8;

/// An operator, and how strongly it binds to its left and to its right.
const fn binary(token: Token) -> Option<(Binary, u8, u8)> {
    Some(match token {
        Token::Char(b'+') => (Binary::Arithmetic(opcode::ADD), 6, 6),
        Token::Char(b'-') => (Binary::Arithmetic(opcode::SUB), 6, 6),
        Token::Char(b'*') => (Binary::Arithmetic(opcode::MUL), 7, 7),
        Token::Char(b'/') => (Binary::Arithmetic(opcode::DIV), 7, 7),
        Token::Char(b'%') => (Binary::Arithmetic(opcode::MOD), 7, 7),
        Token::Char(b'^') => (Binary::Arithmetic(opcode::POW), 10, 9),
        Token::Concat => (Binary::Concat, 5, 4),
        Token::Eq => (Binary::Equality(true), 3, 3),
        Token::Ne => (Binary::Equality(false), 3, 3),
        Token::Char(b'<') => (Binary::Order(false, false), 3, 3),
        Token::Le => (Binary::Order(true, false), 3, 3),
        Token::Char(b'>') => (Binary::Order(false, true), 3, 3),
        Token::Ge => (Binary::Order(true, true), 3, 3),
        Token::And => (Binary::And, 2, 2),
        Token::Or => (Binary::Or, 1, 1),
        _ => return None,
    })
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Done<Expr> {
        self.subexpression(0)
    }

    /// An expression whose operators bind more strongly than `limit`.
    fn subexpression(&mut self, limit: u8) -> Done<Expr> {
        self.enter_level()?;
        let mut left = match self.token {
            Token::Not | Token::Char(b'-' | b'#') => {
                let operator = self.token;
                self.advance()?;
                let operand = self.subexpression(UNARY)?;
                self.prefix(operator, operand)?
            }
            _ => self.simple()?,
        };
        while let Some((operator, bind_left, bind_right)) = binary(self.token) {
            if bind_left <= limit {
                break;
            }
            self.advance()?;
            self.infix(operator, &mut left)?;
            let mut right = self.subexpression(bind_right)?;
            self.postfix(operator, &mut left, &mut right)?;
        }
        self.leave_level();
        Ok(left)
    }

    fn prefix(&mut self, operator: Token, operand: Expr) -> Done<Expr> {
        let mut operand = operand;
        match operator {
            Token::Not => self.not(&mut operand)?,
            Token::Char(b'-') => match operand.numeral() {
                Some(number) if !number.is_nan() => operand.kind = Kind::Number(-number),
                _ => self.unary(opcode::UNM, &mut operand)?,
            },
            _ => self.unary(opcode::LEN, &mut operand)?,
        }
        Ok(operand)
    }

    /// What must happen to the left operand before the right one is read.
    fn infix(&mut self, operator: Binary, left: &mut Expr) -> Done<()> {
        if let (Binary::Order(..) | Binary::Equality(_), Some(number)) = (operator, left.numeral())
        {
            // 0 and -0 share a constant in 5.1: it is the one that comes first.
            self.constant(Value::Num(number))?;
        }
        match operator {
            Binary::And => self.go_if_true(left),
            Binary::Or => self.go_if_false(left),
            Binary::Concat => self.put_in_next(left),
            Binary::Arithmetic(_) | Binary::Order(..) => {
                if left.numeral().is_some() {
                    Ok(())
                } else {
                    self.put_in_any(left).map(drop)
                }
            }
            Binary::Equality(_) => {
                let constant = matches!(
                    left.kind,
                    Kind::Nil | Kind::True | Kind::False | Kind::Constant(_) | Kind::Number(_)
                );
                if constant && !left.has_jumps() { Ok(()) } else { self.put_in_any(left).map(drop) }
            }
        }
    }

    fn postfix(&mut self, operator: Binary, left: &mut Expr, right: &mut Expr) -> Done<()> {
        match operator {
            Binary::And => {
                self.discharge(right)?;
                self.concat(&mut right.when_false, left.when_false)?;
                *left = *right;
                Ok(())
            }
            Binary::Or => {
                self.discharge(right)?;
                self.concat(&mut right.when_true, left.when_true)?;
                *left = *right;
                Ok(())
            }
            Binary::Concat => self.concatenate(left, right),
            Binary::Equality(equal) => self.equality(equal, left, right),
            Binary::Order(or_equal, swapped) => self.order(or_equal, swapped, left, right),
            Binary::Arithmetic(op) => {
                if let (Some(a), Some(b)) = (left.numeral(), right.numeral())
                    && let Some(result) = fold(op, a, b)
                {
                    left.kind = Kind::Number(result);
                    return Ok(());
                }
                self.arithmetic(op, left, right)
            }
        }
    }

    fn simple(&mut self) -> Done<Expr> {
        let kind = match self.token {
            Token::Number => Kind::Number(self.number),
            Token::String => Kind::Constant(self.string_constant(self.string)?),
            Token::Nil => Kind::Nil,
            Token::True => Kind::True,
            Token::False => Kind::False,
            Token::Dots => {
                if !self.func.variadic {
                    return Err(self.syntax_error("cannot use '...' outside a vararg function"));
                }
                self.func.wants_arg = false;
                Kind::Vararg(self.emit_abc(opcode::VARARG, 0, 1, 0)?)
            }
            Token::Char(b'{') => return self.constructor(),
            Token::Function => {
                self.advance()?;
                return self.body(false, self.lexer.line);
            }
            _ => return self.primary(),
        };
        self.advance()?;
        Ok(Expr::new(kind))
    }

    /// A variable or something in parentheses, with indexes and calls behind it.
    pub(super) fn primary(&mut self) -> Done<Expr> {
        let mut expr = match self.token {
            Token::Char(b'(') => {
                let line = self.lexer.line;
                self.advance()?;
                let mut inner = self.expression()?;
                self.expect_match(Token::Char(b')'), Token::Char(b'('), line)?;
                self.discharge(&mut inner)?;
                inner
            }
            Token::Name => {
                let name = self.name()?;
                self.variable(name)?
            }
            _ => return Err(self.syntax_error("unexpected symbol")),
        };
        loop {
            match self.token {
                Token::Char(b'.') => self.field(&mut expr)?,
                Token::Char(b'[') => {
                    let table = self.put_in_any(&mut expr)?;
                    let key = self.index()?;
                    expr = Expr::new(Kind::Indexed(table, key));
                }
                Token::Char(b':') => {
                    self.advance()?;
                    let name = self.name()?;
                    let name = self.string_constant(name)?;
                    self.method(&mut expr, name)?;
                    expr = self.call(&expr)?;
                }
                Token::Char(b'(' | b'{') | Token::String => {
                    self.put_in_next(&mut expr)?;
                    expr = self.call(&expr)?;
                }
                _ => return Ok(expr),
            }
        }
    }

    /// `.name`
    pub(super) fn field(&mut self, expr: &mut Expr) -> Done<()> {
        let table = self.put_in_any(expr)?;
        self.advance()?;
        let name = self.name()?;
        let mut key = Expr::new(Kind::Constant(self.string_constant(name)?));
        let key = self.key_of(&mut key)?;
        *expr = Expr::new(Kind::Indexed(table, key));
        Ok(())
    }

    /// `[key]`
    fn index(&mut self) -> Done<Key> {
        self.advance()?;
        let mut key = self.expression()?;
        self.make_value(&mut key)?;
        self.expect(Token::Char(b']'))?;
        self.key_of(&mut key)
    }

    /// The arguments of a call and the call.
    fn call(&mut self, function: &Expr) -> Done<Expr> {
        let line = self.lexer.line;
        let mut last = match self.token {
            Token::Char(b'(') => {
                if line != self.last_line {
                    return Err(
                        self.syntax_error("ambiguous syntax (function call x new statement)")
                    );
                }
                self.advance()?;
                let arguments = if self.token == Token::Char(b')') {
                    Expr::new(Kind::Void)
                } else {
                    let (_, last) = self.expression_list()?;
                    self.set_returns(&last, -1)?;
                    last
                };
                self.expect_match(Token::Char(b')'), Token::Char(b'('), line)?;
                arguments
            }
            Token::Char(b'{') => self.constructor()?,
            Token::String => {
                let constant = self.string_constant(self.string)?;
                self.advance()?;
                Expr::new(Kind::Constant(constant))
            }
            _ => return Err(self.syntax_error("function arguments expected")),
        };
        let Kind::Register(base) = function.kind else {
            return Err(self.syntax_error("function arguments expected"));
        };
        let count = if matches!(last.kind, Kind::Call(_) | Kind::Vararg(_)) {
            0
        } else {
            if !matches!(last.kind, Kind::Void) {
                self.put_in_next(&mut last)?;
            }
            (self.func.free - usize::from(base)) as u8
        };
        let pc = self.emit_abc(opcode::CALL, base, count, 2)?;
        self.fix_line(line);
        // The call takes the function and the arguments away and leaves one value.
        self.func.free = usize::from(base) + 1;
        Ok(Expr::new(Kind::Call(pc)))
    }

    /// One or more expressions: how many, and the last; the others are in registers.
    pub(super) fn expression_list(&mut self) -> Done<(usize, Expr)> {
        let mut count = 1;
        let mut last = self.expression()?;
        while self.accept(Token::Char(b','))? {
            self.put_in_next(&mut last)?;
            last = self.expression()?;
            count += 1;
        }
        Ok((count, last))
    }

    /// `{ ... }`
    fn constructor(&mut self) -> Done<Expr> {
        let line = self.lexer.line;
        let pc = self.emit_abc(opcode::NEWTABLE, 0, 0, 0)?;
        let mut table = Expr::new(Kind::Relocatable(pc));
        self.put_in_next(&mut table)?;
        let Kind::Register(register) = table.kind else { return Ok(table) };
        self.expect(Token::Char(b'{'))?;
        let (mut list, mut fields, mut pending) = (0u32, 0u32, 0u32);
        let mut item = Expr::new(Kind::Void);
        while self.token != Token::Char(b'}') {
            if !matches!(item.kind, Kind::Void) {
                self.put_in_next(&mut item)?;
                item = Expr::new(Kind::Void);
                if pending == FIELDS_PER_FLUSH {
                    self.set_list(register, list, pending as u8)?;
                    pending = 0;
                }
            }
            let named = match self.token {
                Token::Name => self.look_ahead()? == Token::Char(b'='),
                Token::Char(b'[') => true,
                _ => false,
            };
            if named {
                fields += 1;
                self.constructor_field(register)?;
            } else {
                item = self.expression()?;
                list += 1;
                pending += 1;
            }
            if !self.accept(Token::Char(b','))? && !self.accept(Token::Char(b';'))? {
                break;
            }
        }
        self.expect_match(Token::Char(b'}'), Token::Char(b'{'), line)?;
        if pending > 0 {
            if matches!(item.kind, Kind::Call(_) | Kind::Vararg(_)) {
                self.set_returns(&item, -1)?;
                self.set_list(register, list, 0)?;
                list -= 1;
            } else {
                if !matches!(item.kind, Kind::Void) {
                    self.put_in_next(&mut item)?;
                }
                self.set_list(register, list, pending as u8)?;
            }
        }
        self.set_b(pc, float_byte(list));
        self.set_c(pc, float_byte(fields));
        Ok(table)
    }

    /// `name = value` or `[key] = value`
    fn constructor_field(&mut self, table: u8) -> Done<()> {
        let free = self.func.free;
        let key = if self.token == Token::Name {
            let name = self.name()?;
            let mut key = Expr::new(Kind::Constant(self.string_constant(name)?));
            self.key_of(&mut key)?
        } else {
            self.index()?
        };
        self.expect(Token::Char(b'='))?;
        let mut value = self.expression()?;
        let value = self.put_in_any(&mut value)?;
        self.store_indexed(table, key, value)?;
        self.func.free = free;
        Ok(())
    }

    /// Stores the pending items, the last of which has the number `list`; 0 for up to the top.
    fn set_list(&mut self, table: u8, list: u32, pending: u8) -> Done<()> {
        let batch = (list - 1) / FIELDS_PER_FLUSH + 1;
        match u8::try_from(batch) {
            Ok(batch) => drop(self.emit_abc(opcode::SETLIST, table, pending, batch)?),
            Err(_) => {
                if batch >= 1 << 24 {
                    return Err(self.syntax_error("constant table overflow"));
                }
                self.emit_abc(opcode::SETLIST, table, pending, 0)?;
                self.emit(batch << 8)?;
            }
        }
        self.func.free = usize::from(table) + 1;
        Ok(())
    }
}
