//! Replies: what a command says, in RESP2 or RESP3.
//!
//! A handler writes straight into the connection's outbox through [`Reply`]; the two protocols differ
//! here and nowhere else. Aggregates are announced by their length first; where that is known only
//! afterwards, [`Reply::deferred`] keeps the place.

use crate::collections::decimal::{self, MAX_TEXT};
use crate::collections::decimal::{DOUBLE_LEN, format_double};
use crate::collections::listpack::Element;
use crate::error::Error;
use alloc::vec::Vec;

/// The protocol a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// RESP2, what every connection starts with.
    #[default]
    Resp2,
    /// RESP3, after `HELLO 3`.
    Resp3,
}

/// The outbox of one connection while a command runs.
#[derive(Debug, Default)]
pub struct Reply {
    /// The bytes to be sent.
    pub out: Vec<u8>,
    /// The protocol to write in.
    pub protocol: Protocol,
}

/// The place of an aggregate whose length is not known yet.
#[derive(Debug)]
#[must_use = "an aggregate without its length breaks the connection"]
pub struct Deferred {
    at: usize,
}

impl Reply {
    /// An empty outbox in `protocol`.
    pub const fn new(protocol: Protocol) -> Self {
        Self { out: Vec::new(), protocol }
    }

    /// Whether the connection speaks RESP3.
    #[inline]
    pub fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// A simple string, which has no line break in it.
    pub fn simple(&mut self, text: &str) {
        self.out.push(b'+');
        append(&mut self.out, text.as_bytes());
        append(&mut self.out, b"\r\n");
    }

    /// An error line. Line breaks in the text become spaces.
    pub fn error(&mut self, error: &Error) {
        self.out.push(b'-');
        let text = error.text();
        self.out.extend(text.bytes().map(|b| if b == b'\r' || b == b'\n' { b' ' } else { b }));
        self.out.extend_from_slice(b"\r\n");
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        self.header(b':', value);
    }

    /// A length, which is never over `i64::MAX`.
    #[inline]
    pub fn len(&mut self, value: usize) {
        self.int(value as i64);
    }

    /// A bulk string.
    #[inline]
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn bulk(&mut self, bytes: &[u8]) {
        let len = bytes.len();
        self.out.reserve(len + 24);
        if (10..100).contains(&len) {
            let (tens, ones) = (b'0' + (len / 10) as u8, b'0' + (len % 10) as u8);
            self.out.extend_from_slice(&[b'$', tens, ones, b'\r', b'\n']);
        } else {
            self.header(b'$', len as i64);
        }
        append(&mut self.out, bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// An integer written as a bulk string.
    #[inline]
    pub fn bulk_int(&mut self, value: i64) {
        let mut buffer = itoa::Buffer::new();
        self.bulk(buffer.format(value).as_bytes());
    }

    /// An element of a collection, as a bulk string.
    #[inline]
    pub fn element(&mut self, element: Element<'_>) {
        match element {
            Element::Str(bytes) => self.bulk(bytes),
            Element::Int(value) => self.bulk_int(value),
        }
    }

    /// Many bulk strings one after the other: `write` gets what gathers them, and they are all in the
    /// reply when it returns. The array's header is the caller's.
    #[inline]
    pub fn bulks<R>(&mut self, write: impl FnOnce(&mut Bulks<'_>) -> R) -> R {
        let mut bulks = Bulks { reply: self, block: [0; BLOCK], len: 0 };
        let result = write(&mut bulks);
        bulks.flush();
        result
    }

    /// `bytes`, or null.
    #[inline]
    pub fn bulk_or_null(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    /// The null bulk string (RESP2) or null (RESP3).
    #[inline]
    pub fn null(&mut self) {
        self.out.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"$-1\r\n" });
    }

    /// The null array (RESP2) or null (RESP3).
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"*-1\r\n" });
    }

    /// An array of `len` elements, which follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.header(b'*', len as i64);
    }

    /// A map of `pairs` keys and values, which follow; in RESP2 an array of twice that.
    pub fn map(&mut self, pairs: usize) {
        if self.is_resp3() {
            self.header(b'%', pairs as i64);
        } else {
            self.header(b'*', pairs as i64 * 2);
        }
    }

    /// A set of `len` elements, which follow; in RESP2 an array.
    pub fn set(&mut self, len: usize) {
        self.header(if self.is_resp3() { b'~' } else { b'*' }, len as i64);
    }

    /// A push of `len` elements, which follow; in RESP2 an array.
    pub fn push(&mut self, len: usize) {
        self.header(if self.is_resp3() { b'>' } else { b'*' }, len as i64);
    }

    /// A double as Redis prints it: RESP3's own type, or a bulk string.
    #[inline]
    pub fn double(&mut self, value: f64) {
        self.double_text(format_double(value, &mut [0; DOUBLE_LEN]));
    }

    /// A push that was made for RESP2 (the two protocols differ in its first byte), or a line of MONITOR.
    #[inline]
    pub fn frame(&mut self, frame: &[u8]) {
        let at = self.out.len();
        self.out.extend_from_slice(frame);
        if self.is_resp3()
            && let Some(kind @ b'*') = self.out.get_mut(at)
        {
            *kind = b'>';
        }
    }

    /// A double: RESP3's own type, or a bulk string. `text` is the number as Redis prints it.
    pub fn double_text(&mut self, text: &[u8]) {
        if self.is_resp3() {
            self.out.push(b',');
            self.out.extend_from_slice(text);
            self.out.extend_from_slice(b"\r\n");
        } else {
            self.bulk(text);
        }
    }

    /// A boolean; in RESP2 the integer 1 or 0.
    pub fn bool(&mut self, value: bool) {
        let bytes: &[u8] = match (self.protocol, value) {
            (Protocol::Resp3, true) => b"#t\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp2, false) => b":0\r\n",
        };
        self.out.extend_from_slice(bytes);
    }

    /// Text for people to read: RESP3's verbatim string of the three-letter `format`, or a bulk string.
    pub fn verbatim(&mut self, format: &[u8; 3], text: &[u8]) {
        if self.is_resp3() {
            self.header(b'=', text.len() as i64 + 4);
            self.out.extend_from_slice(format);
            self.out.push(b':');
            self.out.extend_from_slice(text);
            self.out.extend_from_slice(b"\r\n");
        } else {
            self.bulk(text);
        }
    }

    /// A big number: RESP3's own type, or a bulk string.
    pub fn big_number(&mut self, digits: &[u8]) {
        if self.is_resp3() {
            self.out.push(b'(');
            self.out.extend_from_slice(digits);
            self.out.extend_from_slice(b"\r\n");
        } else {
            self.bulk(digits);
        }
    }

    /// Keeps the place of an aggregate whose elements follow now and whose length comes later.
    pub fn deferred(&mut self) -> Deferred {
        Deferred { at: self.out.len() }
    }

    /// Makes the deferred aggregate an array of `len` elements.
    pub fn finish_array(&mut self, place: Deferred, len: usize) {
        self.finish(place, b'*', len);
    }

    /// Makes the deferred aggregate a map of `pairs`; in RESP2 an array of twice that.
    pub fn finish_map(&mut self, place: Deferred, pairs: usize) {
        if self.is_resp3() {
            self.finish(place, b'%', pairs);
        } else {
            self.finish(place, b'*', pairs * 2);
        }
    }

    /// Makes the deferred aggregate a set of `len` elements; in RESP2 an array.
    pub fn finish_set(&mut self, place: Deferred, len: usize) {
        let kind = if self.is_resp3() { b'~' } else { b'*' };
        self.finish(place, kind, len);
    }

    /// Makes of what was deferred the reply of a scan: the cursor as text, then an array of `len` elements.
    pub fn finish_scan(&mut self, place: Deferred, cursor: u64, len: usize) {
        let mut buffer = itoa::Buffer::new();
        self.put_before(place, |reply| {
            reply.array(2);
            reply.bulk(buffer.format(cursor).as_bytes());
            reply.array(len);
        });
    }

    fn finish(&mut self, place: Deferred, kind: u8, len: usize) {
        self.put_before(place, |reply| reply.header(kind, len as i64));
    }

    /// Puts what `write` says before what has been said since a place was kept.
    fn put_before(&mut self, Deferred { at }: Deferred, write: impl FnOnce(&mut Self)) {
        let end = self.out.len();
        write(self);
        self.out[at..].rotate_left(end - at);
    }

    #[inline]
    fn header(&mut self, kind: u8, value: i64) {
        // Nearly every header has one digit or two.
        if (0..10).contains(&value) {
            self.out.extend_from_slice(&[kind, b'0' + value as u8, b'\r', b'\n']);
            return;
        }
        if (10..100).contains(&value) {
            let (tens, ones) = (b'0' + value as u8 / 10, b'0' + value as u8 % 10);
            self.out.extend_from_slice(&[kind, tens, ones, b'\r', b'\n']);
            return;
        }
        self.long_header(kind, value);
    }

    #[inline(never)]
    fn long_header(&mut self, kind: u8, value: i64) {
        // kind │ digits, at the end of their twenty bytes │ line break
        let mut line = [0; 1 + MAX_TEXT + 2];
        if let Some(digits) = line[1..].first_chunk_mut() {
            let start = decimal::write(value, digits);
            line[start] = kind;
            line[1 + MAX_TEXT..].copy_from_slice(b"\r\n");
            self.out.extend_from_slice(&line[start..]);
        }
    }
}

/// Bytes that [`Bulks`] gathers before they join the reply.
const BLOCK: usize = 512;
/// The longest bulk string that is gathered.
const GATHERED: usize = 63;
/// Such a bulk string with its header and its line breaks.
const GATHERED_WHOLE: usize = GATHERED + 7;

/// Gathers short bulk strings, and the headers of arrays of them, in a block on the stack: a string costs one copy and
/// no look at the reply's capacity, which is what most of the time goes to where elements are a few bytes long.
#[derive(Debug)]
pub struct Bulks<'a> {
    reply: &'a mut Reply,
    block: [u8; BLOCK],
    len: usize,
}

impl Bulks<'_> {
    /// Adds a bulk string.
    #[inline]
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn bulk(&mut self, bytes: &[u8]) {
        let len = bytes.len();
        if len > GATHERED {
            self.flush();
            return self.reply.bulk(bytes);
        }
        if self.len > BLOCK - GATHERED_WHOLE {
            self.flush();
        }
        let Some(place) = self.block[self.len..].first_chunk_mut::<GATHERED_WHOLE>() else {
            return;
        };
        let (tens, ones) = (b'0' + (len / 10) as u8, b'0' + (len % 10) as u8);
        let start = if len < 10 {
            place[..4].copy_from_slice(&[b'$', ones, b'\r', b'\n']);
            4
        } else {
            place[..5].copy_from_slice(&[b'$', tens, ones, b'\r', b'\n']);
            5
        };
        copy_short(&mut place[start..start + len], bytes);
        place[start + len..start + len + 2].copy_from_slice(b"\r\n");
        self.len += start + len + 2;
    }

    /// Adds an array of `len` elements, which follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        match self.block[self.len..].first_chunk_mut() {
            Some(header) if len < 10 => {
                *header = [b'*', b'0' + len as u8, b'\r', b'\n'];
                self.len += header.len();
            }
            _ => {
                self.flush();
                self.reply.array(len);
            }
        }
    }

    /// Adds an element of a collection.
    #[inline]
    pub fn element(&mut self, element: Element<'_>) {
        match element {
            Element::Str(bytes) => self.bulk(bytes),
            Element::Int(value) => self.bulk(itoa::Buffer::new().format(value).as_bytes()),
        }
    }

    fn flush(&mut self) {
        self.reply.out.extend_from_slice(&self.block[..self.len]);
        self.len = 0;
    }
}

/// Copies a few bytes to where as many have room. In WebAssembly a copy of unknown length leaves the module, which
/// takes longer than two words that overlap.
#[inline]
fn copy_short(to: &mut [u8], from: &[u8]) {
    match from.len() {
        _ if !cfg!(target_arch = "wasm32") => to.copy_from_slice(from),
        len @ 1..4 => [0, len / 2, len - 1].into_iter().for_each(|at| to[at] = from[at]),
        8..=16 => copy_ends::<8>(to, from),
        4..8 => copy_ends::<4>(to, from),
        17..=32 => copy_ends::<16>(to, from),
        _ => to.copy_from_slice(from),
    }
}

/// Appends bytes of which there are few, most often.
#[inline]
fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    if cfg!(target_arch = "wasm32") {
        append_words(out, bytes);
    } else {
        out.extend_from_slice(bytes);
    }
}

/// The same in words, as [`copy_short`] copies them.
#[cfg_attr(redstart_small, optimize(speed))]
fn append_words(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        0..4 => bytes.iter().for_each(|byte| out.push(*byte)),
        4..8 => append_ends::<4>(out, bytes),
        8..=16 => append_ends::<8>(out, bytes),
        17..=32 => append_ends::<16>(out, bytes),
        _ => out.extend_from_slice(bytes),
    }
}

/// Appends the first `N` bytes, and the last over what they have in common.
#[inline]
fn append_ends<const N: usize>(out: &mut Vec<u8>, bytes: &[u8]) {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<N>(), bytes.last_chunk::<N>()) {
        let start = out.len();
        out.extend_from_slice(first);
        out.truncate(start + bytes.len() - N);
        out.extend_from_slice(last);
    }
}

/// Copies the first `N` bytes and the last.
#[inline]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk()) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathered_arrays_may_be_of_any_length() {
        let mut reply = Reply::default();
        reply.bulks(|bulks| [2, 9, 10, 99, 210, 1000].into_iter().for_each(|len| bulks.array(len)));
        assert_eq!(reply.out, b"*2\r\n*9\r\n*10\r\n*99\r\n*210\r\n*1000\r\n");
    }

    #[test]
    fn words_that_overlap_are_all_the_bytes() {
        for len in 0..80u8 {
            let bytes: Vec<u8> = (0..len).collect();
            let mut out = b"before".to_vec();
            append_words(&mut out, &bytes);
            assert_eq!(out, [b"before", &bytes[..]].concat());
        }
    }

    #[test]
    fn a_deferred_length_stands_before_its_elements() {
        let mut reply = Reply::new(Protocol::Resp2);
        let place = reply.deferred();
        for i in 0..12 {
            reply.int(i);
        }
        reply.finish_array(place, 12);
        assert!(reply.out.starts_with(b"*12\r\n:0\r\n:1\r\n"));
        assert!(reply.out.ends_with(b":10\r\n:11\r\n"));
    }

    #[test]
    fn gathered_bulk_strings_are_those_written_one_by_one() {
        let (mut one, mut many) = (Reply::default(), Reply::default());
        let text = [b'x'; 200];
        let lens = || (0..200).chain([0, 9, 10, 63, 64, 199]).chain((0..100).map(|i| i % 11));
        lens().for_each(|len| one.bulk(&text[..len]));
        many.bulks(|bulks| lens().for_each(|len| bulks.bulk(&text[..len])));
        assert_eq!(one.out, many.out);
    }

    #[test]
    fn null_and_maps_depend_on_the_protocol() {
        let mut two = Reply::new(Protocol::Resp2);
        two.map(1);
        two.null();
        assert_eq!(two.out, b"*2\r\n$-1\r\n");
        let mut three = Reply::new(Protocol::Resp3);
        three.map(1);
        three.null();
        assert_eq!(three.out, b"%1\r\n_\r\n");
    }

    #[test]
    fn an_error_is_one_line() {
        let mut reply = Reply::default();
        reply.error(&Error::Text("ERR a\r\nb"));
        assert_eq!(reply.out, b"-ERR a  b\r\n");
    }
}
