//! Source text to tokens.
//!
//! Errors are those of PUC Lua: what is wrong, then `near` the text of the token.

use super::heap::Heap;
use super::number::{parse_number, write_number};
use super::value::Str;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What a token is. Single characters stand for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    And,
    Break,
    Do,
    Else,
    Elseif,
    End,
    False,
    For,
    Function,
    If,
    In,
    Local,
    Nil,
    Not,
    Or,
    Repeat,
    Return,
    Then,
    True,
    Until,
    While,
    Concat,
    Dots,
    Eq,
    Ge,
    Le,
    Ne,
    Number,
    Name,
    String,
    Eof,
    Char(u8),
}

const RESERVED: [(&[u8], Token); 21] = [
    (b"and", Token::And),
    (b"break", Token::Break),
    (b"do", Token::Do),
    (b"else", Token::Else),
    (b"elseif", Token::Elseif),
    (b"end", Token::End),
    (b"false", Token::False),
    (b"for", Token::For),
    (b"function", Token::Function),
    (b"if", Token::If),
    (b"in", Token::In),
    (b"local", Token::Local),
    (b"nil", Token::Nil),
    (b"not", Token::Not),
    (b"or", Token::Or),
    (b"repeat", Token::Repeat),
    (b"return", Token::Return),
    (b"then", Token::Then),
    (b"true", Token::True),
    (b"until", Token::Until),
    (b"while", Token::While),
];

/// Where each first letter's words are in [`RESERVED`].
const FIRST: [(u8, u8); 26] = {
    let mut first = [(0, 0); 26];
    let mut at = 0;
    while at < RESERVED.len() {
        let letter = (RESERVED[at].0[0] - b'a') as usize;
        if first[letter].1 == 0 {
            first[letter].0 = at as u8;
        }
        first[letter].1 = at as u8 + 1;
        at += 1;
    }
    first
};

fn reserved(word: &[u8]) -> Option<Token> {
    let letter = word[0].wrapping_sub(b'a');
    let (start, end) = *FIRST.get(letter as usize)?;
    if word.len() > 8 {
        return None;
    }
    RESERVED[start as usize..end as usize]
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, token)| *token)
}

impl Token {
    /// How an error message shows the kind of token.
    pub(super) fn text(self) -> Vec<u8> {
        let text: &[u8] = match self {
            Self::Concat => b"..",
            Self::Dots => b"...",
            Self::Eq => b"==",
            Self::Ge => b">=",
            Self::Le => b"<=",
            Self::Ne => b"~=",
            Self::Number => b"<number>",
            Self::Name => b"<name>",
            Self::String => b"<string>",
            Self::Eof => b"<eof>",
            Self::Char(byte) if byte < 32 || byte == 127 => {
                let mut text = b"char(".to_vec();
                write_number(f64::from(byte), &mut text);
                text.push(b')');
                return text;
            }
            Self::Char(byte) => return [byte].to_vec(),
            word => RESERVED.iter().find(|(_, token)| *token == word).map_or(b"", |(name, _)| name),
        };
        text.to_vec()
    }
}

/// The text of an error without its position, and the line; boxed, so that results stay small.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) line: u32,
    pub(super) text: Vec<u8>,
}

pub(super) struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
    pub(super) line: u32,
    /// Where the token began, whose text an error shows.
    start: usize,
    /// The bytes of a string that is being read, with its quote.
    buffer: Vec<u8>,
    /// The name or string of the last token.
    pub(super) string: Str,
    /// The number of the last token.
    pub(super) number: f64,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a [u8], empty: Str) -> Self {
        Self { source, at: 0, line: 1, start: 0, buffer: Vec::new(), string: empty, number: 0.0 }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// The text of what was read for this token, as errors show it.
    pub(super) fn token_text(&self, token: Token) -> Vec<u8> {
        match token {
            Token::String => self.buffer.clone(),
            Token::Name | Token::Number => self.source[self.start..self.at].to_vec(),
            other => other.text(),
        }
    }

    /// An error near a token.
    #[cold]
    #[inline(never)]
    fn error(&self, text: &str, near: &[u8]) -> Box<Mistake> {
        let near = near.split(|b| *b == 0).next().unwrap_or(near);
        let text = [text.as_bytes(), b" near '", near, b"'"].concat();
        Box::new(Mistake { line: self.line, text })
    }

    /// Goes past the end of a line, of one or two characters.
    fn new_line(&mut self) {
        let first = self.peek();
        self.at += 1;
        if let Some(byte @ (b'\n' | b'\r')) = self.peek()
            && Some(byte) != first
        {
            self.at += 1;
        }
        self.line += 1;
    }

    pub(super) fn next(&mut self, heap: &mut Heap) -> Result<Token, Box<Mistake>> {
        loop {
            let Some(byte) = self.peek() else { return Ok(Token::Eof) };
            self.start = self.at;
            match byte {
                b'\n' | b'\r' => {
                    self.new_line();
                    continue;
                }
                b' ' | b'\t' | 0x0b | 0x0c => {
                    self.at += 1;
                    continue;
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                    let rest = &self.source[self.at..];
                    let len = rest
                        .iter()
                        .position(|b| !b.is_ascii_alphanumeric() && *b != b'_')
                        .unwrap_or(rest.len());
                    let word = &rest[..len];
                    self.at += len;
                    return Ok(reserved(word).unwrap_or_else(|| {
                        self.string = heap.string(word);
                        Token::Name
                    }));
                }
                b'0'..=b'9' => return self.numeral(),
                _ => {}
            }
            self.at += 1;
            return Ok(match byte {
                b'-' => {
                    if !self.accept(b'-') {
                        return Ok(Token::Char(b'-'));
                    }
                    self.comment()?;
                    continue;
                }
                b'[' => {
                    self.at -= 1;
                    match self.long_bracket() {
                        Ok(level) => {
                            self.long_string(level, false)?;
                            let end = self.buffer.len() - level - 2;
                            self.string = heap.string(&self.buffer[level + 2..end]);
                            Token::String
                        }
                        Err(0) => {
                            self.at = self.start + 1;
                            Token::Char(b'[')
                        }
                        Err(_) => {
                            let near = self.source[self.start..self.at].to_vec();
                            return Err(self.error("invalid long string delimiter", &near));
                        }
                    }
                }
                b'=' if self.accept(b'=') => Token::Eq,
                b'<' if self.accept(b'=') => Token::Le,
                b'>' if self.accept(b'=') => Token::Ge,
                b'~' if self.accept(b'=') => Token::Ne,
                b'"' | b'\'' => {
                    self.quoted(byte)?;
                    let end = self.buffer.len() - 1;
                    self.string = heap.string(&self.buffer[1..end]);
                    Token::String
                }
                b'.' => {
                    if self.accept(b'.') {
                        if self.accept(b'.') { Token::Dots } else { Token::Concat }
                    } else if self.peek().is_some_and(|b| b.is_ascii_digit()) {
                        return self.numeral();
                    } else {
                        Token::Char(b'.')
                    }
                }
                other => Token::Char(other),
            });
        }
    }

    fn numeral(&mut self) -> Result<Token, Box<Mistake>> {
        while self.peek().is_some_and(|b| b.is_ascii_digit() || b == b'.') {
            self.at += 1;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
        }
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
            self.at += 1;
        }
        let text = &self.source[self.start..self.at];
        match parse_number(text) {
            Some(number) => {
                self.number = number;
                Ok(Token::Number)
            }
            None => Err(self.error("malformed number", text)),
        }
    }

    /// Goes past `--` and what follows.
    fn comment(&mut self) -> Result<(), Box<Mistake>> {
        if self.peek() == Some(b'[') {
            self.start = self.at;
            if let Ok(level) = self.long_bracket() {
                return self.long_string(level, true);
            }
        }
        while self.peek().is_some_and(|b| b != b'\n' && b != b'\r') {
            self.at += 1;
        }
        Ok(())
    }

    /// Goes past `[==[`, or `]==]`, and says how many `=` there are; else how many there were.
    fn long_bracket(&mut self) -> Result<usize, usize> {
        let bracket = self.peek();
        self.at += 1;
        let start = self.at;
        while self.peek() == Some(b'=') {
            self.at += 1;
        }
        let level = self.at - start;
        if self.peek() == bracket {
            self.at += 1;
            Ok(level)
        } else {
            Err(level)
        }
    }

    /// Reads to the closing bracket. The buffer gets the text with its brackets.
    fn long_string(&mut self, level: usize, comment: bool) -> Result<(), Box<Mistake>> {
        self.buffer.clear();
        self.buffer.extend_from_slice(&self.source[self.start..self.at]);
        if matches!(self.peek(), Some(b'\n' | b'\r')) {
            self.new_line();
        }
        loop {
            match self.peek() {
                None => {
                    let what =
                        if comment { "unfinished long comment" } else { "unfinished long string" };
                    return Err(self.error(what, b"<eof>"));
                }
                Some(b'[') => {
                    let start = self.at;
                    let found = self.long_bracket();
                    if found == Ok(level) && level == 0 {
                        return Err(self.error("nesting of [[...]] is deprecated", b"["));
                    }
                    self.at -= usize::from(found.is_ok() && found != Ok(level));
                    self.buffer.extend_from_slice(&self.source[start..self.at]);
                }
                Some(b']') => {
                    let start = self.at;
                    let found = self.long_bracket();
                    // The second bracket of another level may be the first of the one that closes.
                    self.at -= usize::from(found.is_ok() && found != Ok(level));
                    self.buffer.extend_from_slice(&self.source[start..self.at]);
                    if found == Ok(level) {
                        return Ok(());
                    }
                }
                Some(b'\n' | b'\r') => {
                    self.buffer.push(b'\n');
                    self.new_line();
                }
                Some(_) => {
                    let rest = &self.source[self.at..];
                    let len = rest
                        .iter()
                        .position(|b| matches!(b, b'[' | b']' | b'\n' | b'\r'))
                        .unwrap_or(rest.len());
                    if !comment {
                        self.buffer.extend_from_slice(&rest[..len]);
                    }
                    self.at += len;
                }
            }
        }
    }

    /// Reads a string in quotes. The buffer gets it with its quotes.
    fn quoted(&mut self, quote: u8) -> Result<(), Box<Mistake>> {
        self.buffer.clear();
        self.buffer.push(quote);
        loop {
            let rest = &self.source[self.at..];
            let len = rest
                .iter()
                .position(|b| matches!(b, b'\\' | b'\n' | b'\r') || *b == quote)
                .unwrap_or(rest.len());
            self.buffer.extend_from_slice(&rest[..len]);
            self.at += len;
            match self.peek() {
                None => return Err(self.error("unfinished string", b"<eof>")),
                Some(b'\n' | b'\r') => return Err(self.error("unfinished string", &self.buffer)),
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                Some(_) => {
                    self.buffer.push(quote);
                    self.at += 1;
                    return Ok(());
                }
            }
        }
    }

    fn escape(&mut self) -> Result<(), Box<Mistake>> {
        let Some(byte) = self.peek() else { return Ok(()) };
        self.at += 1;
        let meant = match byte {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\n' | b'\r' => {
                self.at -= 1;
                self.new_line();
                b'\n'
            }
            b'0'..=b'9' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'9') = self.peek() else { break };
                    code = code * 10 + u32::from(digit - b'0');
                    self.at += 1;
                }
                match u8::try_from(code) {
                    Ok(code) => code,
                    Err(_) => return Err(self.error("escape sequence too large", &self.buffer)),
                }
            }
            other => other,
        };
        self.buffer.push(meant);
        Ok(())
    }
}
