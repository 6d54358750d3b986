//! The arguments of a command: spans into the buffer they came in.

use super::Span;
use crate::collections::decimal::{Extended, parse_double, text_len};
use crate::error::Error;
use alloc::vec::Vec;
use core::ops::Index;

/// The arguments of a command, its name first. A copy is two words.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a> {
    buf: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// The arguments at `spans`, which lie within `buf`.
    #[inline]
    pub const fn new(buf: &'a [u8], spans: &'a [Span]) -> Self {
        Self { buf, spans }
    }

    /// How many there are, the name included.
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "a command has a name")]
    pub const fn len(&self) -> usize {
        self.spans.len()
    }

    /// How many bytes they came in, more or less: of a command that was put by, only what its arguments have.
    #[inline]
    pub const fn bytes(&self) -> usize {
        self.buf.len()
    }

    /// The bytes of the whole command as clients are to send it, if it was sent so: an array of strings, with no
    /// byte that means nothing.
    pub fn as_sent(&self) -> Option<&'a [u8]> {
        let digits = |count: usize| text_len(count as i64);
        let mut at = 1 + digits(self.len());
        if self.buf.first() != Some(&b'*') || self.buf.get(at..at + 2) != Some(b"\r\n") {
            return None;
        }
        for span in self.spans {
            let (start, len) = (span.start as usize, span.len as usize);
            at += 2 + 1 + digits(len);
            let end = start + len;
            if start != at + 2
                || self.buf.get(at..start) != Some(b"\r\n")
                || self.buf.get(end..end + 2) != Some(b"\r\n")
            {
                return None;
            }
            at = end;
        }
        (at + 2 == self.buf.len()).then_some(self.buf)
    }

    /// The argument at `index` (the name is 0), if there is one.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        let span = self.spans.get(index)?;
        self.buf.get(span.start as usize..span.start as usize + span.len as usize)
    }

    /// The argument at `index`, which the arity guarantees or the caller has checked.
    #[inline]
    pub fn at(&self, index: usize) -> &'a [u8] {
        self.get(index).expect("an argument within the arity")
    }

    /// The arguments from `index` on.
    pub fn iter_from(
        &self,
        index: usize,
    ) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let buf = self.buf;
        self.spans
            .get(index..)
            .unwrap_or_default()
            .iter()
            .map(move |s| &buf[s.start as usize..s.start as usize + s.len as usize])
    }

    /// The same arguments without the first `count`.
    pub fn skip(&self, count: usize) -> Self {
        Self { buf: self.buf, spans: self.spans.get(count..).unwrap_or_default() }
    }

    /// Whether the argument at `index` is this word, in any case.
    pub fn is(&self, index: usize, word: &str) -> bool {
        self.get(index).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The argument at `index` as a 64-bit integer; [`Error::NotInteger`] otherwise.
    #[inline]
    pub fn int(&self, index: usize) -> Result<i64, Error> {
        self.get(index).and_then(crate::collections::decimal::parse).ok_or(Error::NotInteger)
    }

    /// The argument at `index` as an integer within a range; the error has its own text.
    pub fn int_in(
        &self,
        index: usize,
        range: core::ops::RangeInclusive<i64>,
        otherwise: &'static str,
    ) -> Result<i64, Error> {
        match self.int(index) {
            Ok(value) if range.contains(&value) => Ok(value),
            _ => Err(Error::Text(otherwise)),
        }
    }

    /// The argument at `index` as a count whose sign means something, so that it can be negated.
    pub fn signed_count(&self, index: usize) -> Result<i64, Error> {
        match self.int(index)? {
            i64::MIN => Err(Error::CountOutOfRange),
            count => Ok(count),
        }
    }

    /// The argument at `index` as the timeout of a blocking command, given in seconds: microseconds,
    /// rounded up to whole milliseconds; 0 is for ever.
    pub fn timeout_us(&self, index: usize) -> Result<u64, Error> {
        let text = self.at(index);
        let seconds = match parse_double(text) {
            Some(seconds) => seconds,
            // A number all the same, if only for a wider float than this: it is too large.
            None if Extended::parse(text).is_some() => f64::INFINITY,
            None => return Err(Error::Text("ERR timeout is not a float or out of range")),
        };
        let ms = seconds * 1000.0;
        // What does not fit 64 bits comes out negative in Redis, and the text says so.
        if ms <= -1.0 || ms > i64::MAX as f64 {
            return Err(Error::Text("ERR timeout is negative"));
        }
        let whole = ms as u64;
        Ok((whole + u64::from((whole as f64) < ms)).saturating_mul(1000))
    }

    /// A copy that outlives the buffer.
    pub fn to_request(&self) -> Request {
        let mut request = Request::default();
        for arg in self.iter_from(0) {
            request.push(arg);
        }
        request
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    #[inline]
    fn index(&self, index: usize) -> &[u8] {
        self.at(index)
    }
}

/// Arguments that own their bytes: a command queued by MULTI, a blocked one, one that is rewritten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    buf: Vec<u8>,
    spans: Vec<Span>,
}

impl Request {
    /// A request of these arguments, the name first.
    pub fn of(args: &[&[u8]]) -> Self {
        let mut request = Self::default();
        for arg in args {
            request.push(arg);
        }
        request
    }

    /// Appends an argument.
    pub fn push(&mut self, arg: &[u8]) {
        self.spans.push(Span { start: self.buf.len() as u32, len: arg.len() as u32 });
        self.buf.extend_from_slice(arg);
    }

    /// Forgets the arguments; the memory stays for others.
    pub fn clear(&mut self) {
        self.buf.clear();
        self.spans.clear();
    }

    /// The arguments.
    #[inline]
    pub fn args(&self) -> Args<'_> {
        Args::new(&self.buf, &self.spans)
    }

    /// The bytes it holds on the heap.
    pub fn memory(&self) -> usize {
        self.buf.capacity() + self.spans.capacity() * size_of::<Span>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, Parser, Step};
    use super::*;

    fn as_sent(bytes: &[u8]) -> bool {
        let limits = Limits { bulk_bytes: 1 << 29, authenticated: true };
        let mut spans = Vec::new();
        match Parser::new().advance(bytes, &limits, &mut spans) {
            Step::Request(len) => Args::new(&bytes[..len], &spans).as_sent().is_some(),
            _ => false,
        }
    }

    #[test]
    fn what_was_sent_as_it_should_be_can_be_copied() {
        assert!(as_sent(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"));
        assert!(as_sent(b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n"));
        assert!(as_sent(b"*2\r\n$4\r\nECHO\r\n$11\r\n$1\r\n*1\r\nabc\r\n"));
    }

    #[test]
    fn what_was_sent_in_another_form_cannot() {
        assert!(!as_sent(b"GET k\r\n"));
        for odd in [
            &b"*02\r\n$3\r\nGET\r\n$1\r\nk\r\n"[..],
            b"*2\r\n$03\r\nGET\r\n$1\r\nk\r\n",
            b"*2\r?$3\r\nGET\r\n$1\r\nk\r\n",
            b"*2\r\n$3\r?GET\r\n$1\r\nk\r\n",
            b"*2\r\n$3\r\nGET??$1\r\nk\r\n",
            b"*2\r\n$3\r\nGET\r\n$1\r\nk??",
        ] {
            assert!(!as_sent(odd), "{odd:?}");
        }
        let request = Request::of(&[b"GET", b"k"]);
        assert!(request.args().as_sent().is_none());
    }
}
