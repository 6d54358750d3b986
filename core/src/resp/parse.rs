//! Requests: slices in, spans out.
//!
//! A [`Parser`] is fed the bytes from the first byte of a request on and remembers how far it came,
//! so that a request cut anywhere is never read twice. It copies nothing: what it found are spans
//! into the caller's buffer. It reserves nothing on a client's word either: a header that promises
//! a gigabyte costs eight bytes until the gigabyte comes.

use alloc::{format, string::String, vec::Vec};

/// The place of one argument, relative to the first byte of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// How many bytes.
    pub len: u32,
}

/// What a client may ask for before its request is refused.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// `proto-max-bulk-len`, in bytes.
    pub bulk_bytes: u64,
    /// Whether the client has authenticated; those that have not get 10 arguments of 16 KB.
    pub authenticated: bool,
}

/// From so many bytes on, an argument that has not come whole is what CLIENT LIST calls the query buffer.
const LONG_BULK: usize = 32 * 1024;
/// An inline request or a header line may not be longer than this, in bytes (Redis's PROTO_INLINE_MAX_SIZE).
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Spans are 32-bit, so no request may be longer than this, in bytes.
pub const REQUEST_BYTES_MAX: usize = u32::MAX as usize;

/// How a stretch of bytes ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A request of this many bytes; its spans were appended. No spans: an empty request, to be skipped.
    Request(usize),
    /// The bytes end within a request.
    Incomplete,
    /// The bytes are not RESP: the connection gets this error and is closed.
    Invalid(ProtocolError),
}

/// What is wrong with a request, in Redis's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtocolError(pub String);

impl ProtocolError {
    fn new(text: &str) -> Self {
        Self(text.into())
    }
}

/// The state of a request that is being read. A new one stands at the first byte of a request.
#[derive(Debug, Default, Clone)]
pub struct Parser {
    at: usize,
    arguments_left: u32,
    bulk_len: Option<u32>,
    started: bool,
}

impl Parser {
    /// A parser at the first byte of a request.
    pub const fn new() -> Self {
        Self { at: 0, arguments_left: 0, bulk_len: None, started: false }
    }

    /// Reads on in `buf`, which starts at the request's first byte and has only grown since the last
    /// call, and appends the arguments found to `spans`. After `Request` or `Invalid` the parser
    /// stands at the start of a new request.
    pub fn advance(&mut self, buf: &[u8], limits: &Limits, spans: &mut Vec<Span>) -> Step {
        let step = self.read(buf, limits, spans);
        if step != Step::Incomplete {
            *self = Self::new();
        }
        step
    }

    /// Reads one request that is whole and of the usual form: at most 99 arguments, each with a length of
    /// at most four digits. Anything else is `None` with nothing read, and for [`Parser::advance`] to say.
    #[inline]
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn whole(&self, buf: &[u8], spans: &mut Vec<Span>) -> Option<usize> {
        if self.started {
            return None;
        }
        let (count, mut at) = match *buf {
            [b'*', a @ b'1'..=b'9', b'\r', b'\n', ..] => (usize::from(a - b'0'), 4),
            [b'*', a @ b'1'..=b'9', b @ b'0'..=b'9', b'\r', b'\n', ..] => {
                (usize::from(a - b'0') * 10 + usize::from(b - b'0'), 5)
            }
            _ => return None,
        };
        let first = spans.len();
        for _ in 0..count {
            let rest = buf.get(at..).unwrap_or_default();
            let (len, header) = match *rest {
                [b'$', a @ b'0'..=b'9', b'\r', b'\n', ..] => (u32::from(a - b'0'), 4),
                [b'$', a @ b'1'..=b'9', b @ b'0'..=b'9', b'\r', b'\n', ..] => {
                    (u32::from(a - b'0') * 10 + u32::from(b - b'0'), 5)
                }
                [b'$', a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ref tail @ ..] => {
                    let hundreds =
                        u32::from(a - b'0') * 100 + u32::from(b - b'0') * 10 + u32::from(c - b'0');
                    match *tail {
                        [b'\r', b'\n', ..] => (hundreds, 6),
                        [d @ b'0'..=b'9', b'\r', b'\n', ..] => {
                            (hundreds * 10 + u32::from(d - b'0'), 7)
                        }
                        _ => break,
                    }
                }
                _ => break,
            };
            if rest.len() < header + len as usize + 2 {
                break;
            }
            spans.push(Span { start: (at + header) as u32, len });
            at += header + len as usize + 2;
        }
        if spans.len() - first < count {
            spans.truncate(first);
            return None;
        }
        Some(at)
    }

    /// Whether part of a request has been read.
    pub fn is_midway(&self) -> bool {
        self.started
    }

    /// The bytes the request needs in all before the next argument is whole, where that is known.
    pub fn bytes_wanted(&self) -> Option<usize> {
        self.bulk_len.map(|len| self.at + len as usize + 2)
    }

    /// Where the next argument begins, if it is a long one that has not come whole.
    pub fn long_bulk_at(&self) -> Option<usize> {
        self.bulk_len.filter(|&len| len as usize >= LONG_BULK).map(|_| self.at)
    }

    #[inline]
    fn read(&mut self, buf: &[u8], limits: &Limits, spans: &mut Vec<Span>) -> Step {
        if !self.started {
            let Some(&first) = buf.first() else { return Step::Incomplete };
            if first != b'*' {
                return inline(buf, spans);
            }
            let (count, next) = match header(buf, 1) {
                Header::Number(count, next) => (count, next),
                Header::Incomplete => return Step::Incomplete,
                Header::TooLong => return invalid("too big mbulk count string"),
                Header::NotANumber => return invalid("invalid multibulk length"),
            };
            if count > i64::from(i32::MAX) {
                return invalid("invalid multibulk length");
            }
            if count > 10 && !limits.authenticated {
                return invalid("unauthenticated multibulk length");
            }
            if count <= 0 {
                return Step::Request(next);
            }
            self.started = true;
            self.at = next;
            self.arguments_left = count as u32;
        }
        while self.arguments_left > 0 {
            let len = match self.bulk_len {
                Some(len) => len as usize,
                None => {
                    match buf.get(self.at) {
                        None => return Step::Incomplete,
                        Some(b'$') => {}
                        Some(&other) => {
                            return Step::Invalid(ProtocolError(format!(
                                "expected '$', got '{}'",
                                other as char
                            )));
                        }
                    }
                    let (len, next) = match header(buf, self.at + 1) {
                        Header::Number(len, next) => (len, next),
                        Header::Incomplete => return Step::Incomplete,
                        Header::TooLong => return invalid("too big bulk count string"),
                        Header::NotANumber => return invalid("invalid bulk length"),
                    };
                    if len < 0 || len as u64 > limits.bulk_bytes {
                        return invalid("invalid bulk length");
                    }
                    if len > 16_384 && !limits.authenticated {
                        return invalid("unauthenticated bulk length");
                    }
                    if next as u64 + len as u64 + 2 > REQUEST_BYTES_MAX as u64 {
                        return invalid("invalid bulk length");
                    }
                    self.at = next;
                    self.bulk_len = Some(len as u32);
                    len as usize
                }
            };
            // Like Redis, take the two bytes after a bulk as its end without looking at them.
            if buf.len() < self.at + len + 2 {
                return Step::Incomplete;
            }
            spans.push(Span { start: self.at as u32, len: len as u32 });
            self.at += len + 2;
            self.bulk_len = None;
            self.arguments_left -= 1;
        }
        Step::Request(self.at)
    }
}

fn invalid(text: &str) -> Step {
    Step::Invalid(ProtocolError::new(text))
}

enum Header {
    /// The number and the place after its line.
    Number(i64, usize),
    Incomplete,
    TooLong,
    NotANumber,
}

/// A decimal number up to `\r\n`, from `from` on.
#[inline]
fn header(buf: &[u8], from: usize) -> Header {
    // One or two digits, as in nearly every request.
    if let Some(&[a, b'\r', _]) = buf.get(from..from + 3)
        && a.is_ascii_digit()
    {
        return Header::Number(i64::from(a - b'0'), from + 3);
    }
    if let Some(&[a, b, b'\r', _]) = buf.get(from..from + 4)
        && a.is_ascii_digit()
        && b.is_ascii_digit()
        && a != b'0'
    {
        return Header::Number(i64::from(a - b'0') * 10 + i64::from(b - b'0'), from + 4);
    }
    let rest = &buf[from.min(buf.len())..];
    let window = &rest[..rest.len().min(LINE_BYTES_MAX)];
    let Some(end) = window.iter().position(|&b| b == b'\r') else {
        return if rest.len() > LINE_BYTES_MAX { Header::TooLong } else { Header::Incomplete };
    };
    if rest.len() < end + 2 {
        return Header::Incomplete;
    }
    match crate::collections::decimal::parse(&rest[..end]) {
        Some(number) => Header::Number(number, from + end + 2),
        None => Header::NotANumber,
    }
}

/// A line of words, as a person types it: quotes as in redis-cli.
///
/// Spans can only point into the buffer, and a quoted word may differ from its bytes there: a line
/// with quotes is handed over whole (see [`QUOTED_LINE`]).
fn inline(buf: &[u8], spans: &mut Vec<Span>) -> Step {
    let window = &buf[..buf.len().min(LINE_BYTES_MAX + 1)];
    let Some(newline) = window.iter().position(|&b| b == b'\n') else {
        return if buf.len() > LINE_BYTES_MAX {
            invalid("too big inline request")
        } else {
            Step::Incomplete
        };
    };
    let end = if newline > 0 && buf[newline - 1] == b'\r' { newline - 1 } else { newline };
    let line = &buf[..end];
    if line.iter().any(|&b| b == b'"' || b == b'\'') {
        if split_words(line).is_none() {
            return invalid("unbalanced quotes in request");
        }
        // The one span of a quoted line is the whole line, marked by a length no argument has.
        spans.push(Span { start: 0, len: QUOTED_LINE });
        spans.push(Span { start: 0, len: end as u32 });
        return Step::Request(newline + 1);
    }
    let mut at = 0;
    while at < line.len() {
        if is_space(line[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < line.len() && !is_space(line[at]) && line[at] != 0 {
            at += 1;
        }
        if at == start {
            break; // A NUL ends the line, as in C.
        }
        spans.push(Span { start: start as u32, len: (at - start) as u32 });
    }
    Step::Request(newline + 1)
}

/// The length in the first of the two spans of an inline request that has quotes: the second span is
/// then the whole line, and [`split_words`] gives its words.
pub const QUOTED_LINE: u32 = u32::MAX;

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// The words of a line with redis-cli's quoting: `"a\x00b\n"` with escapes, `'it\'s'` without.
/// `None` when a quote does not end or has no space after it.
pub fn split_words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        while at < line.len() && is_space(line[at]) {
            at += 1;
        }
        if at >= line.len() || line[at] == 0 {
            return Some(words);
        }
        let mut word = Vec::new();
        while at < line.len() && line[at] != 0 && !is_space(line[at]) {
            match line[at] {
                b'"' => {
                    at = double_quoted(line, at + 1, &mut word)?;
                    break;
                }
                b'\'' => {
                    at = single_quoted(line, at + 1, &mut word)?;
                    break;
                }
                byte => {
                    word.push(byte);
                    at += 1;
                }
            }
        }
        words.push(word);
    }
}

/// Reads up to the closing `"`, which a space or the end must follow; the place after it.
fn double_quoted(line: &[u8], mut at: usize, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        match *line.get(at)? {
            b'\\'
                if line.get(at + 1) == Some(&b'x')
                    && line.get(at + 2).is_some_and(u8::is_ascii_hexdigit)
                    && line.get(at + 3).is_some_and(u8::is_ascii_hexdigit) =>
            {
                word.push(hex(line[at + 2]) * 16 + hex(line[at + 3]));
                at += 4;
            }
            b'\\' if at + 1 < line.len() => {
                word.push(match line[at + 1] {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => other,
                });
                at += 2;
            }
            b'"' => return ends_word(line, at + 1),
            0 => return None,
            byte => {
                word.push(byte);
                at += 1;
            }
        }
    }
}

fn single_quoted(line: &[u8], mut at: usize, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        match *line.get(at)? {
            b'\\' if line.get(at + 1) == Some(&b'\'') => {
                word.push(b'\'');
                at += 2;
            }
            b'\'' => return ends_word(line, at + 1),
            0 => return None,
            byte => {
                word.push(byte);
                at += 1;
            }
        }
    }
}

fn ends_word(line: &[u8], at: usize) -> Option<usize> {
    match line.get(at) {
        None => Some(at),
        Some(&byte) if is_space(byte) => Some(at),
        Some(_) => None,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const OPEN: Limits = Limits { bulk_bytes: 512 << 20, authenticated: true };

    fn parse(bytes: &[u8]) -> (Step, Vec<Vec<u8>>) {
        let mut spans = Vec::new();
        let step = Parser::new().advance(bytes, &OPEN, &mut spans);
        let words =
            spans.iter().map(|s| bytes[s.start as usize..][..s.len as usize].to_vec()).collect();
        (step, words)
    }

    #[test]
    fn a_request_is_its_bulks() {
        let bytes = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n+more";
        assert_eq!(parse(bytes), (Step::Request(20), vec![b"GET".to_vec(), b"k".to_vec()]));
    }

    #[test]
    fn a_request_cut_anywhere_is_read_once() {
        let bytes = b"*3\r\n$3\r\nSET\r\n$10\r\n0123456789\r\n$0\r\n\r\n";
        let mut parser = Parser::new();
        let mut spans = Vec::new();
        for end in 0..bytes.len() {
            assert_eq!(parser.advance(&bytes[..end], &OPEN, &mut spans), Step::Incomplete);
        }
        assert_eq!(parser.advance(bytes, &OPEN, &mut spans), Step::Request(bytes.len()));
        assert_eq!(spans.len(), 3);
    }

    #[test]
    fn a_header_alone_reserves_nothing() {
        let mut spans = Vec::new();
        let mut parser = Parser::new();
        let step = parser.advance(b"*2147483647\r\n$536870912\r\n", &OPEN, &mut spans);
        assert_eq!(step, Step::Incomplete);
        assert_eq!(spans.capacity(), 0);
    }

    #[test]
    fn errors_have_redis_words() {
        let text = |bytes: &[u8]| match parse(bytes).0 {
            Step::Invalid(error) => error.0,
            other => panic!("{other:?}"),
        };
        assert_eq!(text(b"*3\r\n$3\r\nSET\r\n#1\r\n"), "expected '$', got '#'");
        assert_eq!(text(b"*x\r\n"), "invalid multibulk length");
        assert_eq!(text(b"*1\r\n$-1\r\n"), "invalid bulk length");
        assert_eq!(text(b"*1\r\n$2000000000\r\n"), "invalid bulk length");
        assert_eq!(text(b"set \"a\r\n"), "unbalanced quotes in request");
    }

    #[test]
    fn words_are_quoted_as_in_redis_cli() {
        assert_eq!(
            split_words(br#"set  "a\x41\n" 'it\'s' b"#),
            Some(vec![b"set".to_vec(), b"aA\n".to_vec(), b"it's".to_vec(), b"b".to_vec()])
        );
        assert_eq!(split_words(br#""a"b"#), None);
        assert_eq!(split_words(b"'a"), None);
        assert_eq!(split_words(br#""""#), Some(vec![vec![]]));
    }
}
