//! What SCAN, HSCAN, SSCAN and ZSCAN have in common: the cursor, the options, the shape of the reply.

use super::Args;
use crate::collections::glob;
use crate::collections::listpack::Element;
use crate::error::Error;
use crate::resp::Reply;

/// The options of a scan.
#[derive(Debug, Clone, Copy)]
pub struct ScanOptions<'a> {
    /// MATCH; `None` also for `*`.
    pub pattern: Option<&'a [u8]>,
    /// COUNT: about how many elements a call looks at.
    pub count: u64,
    /// TYPE, which SCAN alone takes.
    pub of_type: Option<&'a [u8]>,
    /// NOVALUES, which HSCAN alone takes.
    pub no_values: bool,
}

/// Which options a command takes besides MATCH and COUNT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanKind {
    /// SCAN: TYPE.
    Keys,
    /// HSCAN: NOVALUES.
    Fields,
    /// SSCAN and ZSCAN: none.
    Members,
}

/// The cursor at `index`, as C's strtoul reads it.
pub fn parse_cursor(args: Args<'_>, index: usize) -> Result<u64, Error> {
    const INVALID: Error = Error::Text("ERR invalid cursor");
    let text = args.get(index).ok_or(INVALID)?;
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() && text.is_empty() {
        return Ok(0);
    }
    if !digits.first().is_some_and(u8::is_ascii_digit) {
        return Err(INVALID);
    }
    let value: u64 =
        core::str::from_utf8(digits).ok().and_then(|d| d.parse().ok()).ok_or(INVALID)?;
    Ok(if negative { value.wrapping_neg() } else { value })
}

impl<'a> ScanOptions<'a> {
    /// The options from argument `from` on.
    pub fn parse(args: Args<'a>, from: usize, kind: ScanKind) -> Result<Self, Error> {
        let mut options = Self { pattern: None, count: 10, of_type: None, no_values: false };
        let mut at = from;
        while at < args.len() {
            let value = args.get(at + 1);
            match (args.is(at, "count"), args.is(at, "match"), value) {
                (true, _, Some(_)) => {
                    let count = args.int(at + 1)?;
                    if count < 1 {
                        return Err(Error::Syntax);
                    }
                    options.count = count as u64;
                    at += 2;
                }
                (_, true, Some(pattern)) => {
                    options.pattern = (pattern != b"*").then_some(pattern);
                    at += 2;
                }
                _ if kind == ScanKind::Keys && args.is(at, "type") && value.is_some() => {
                    options.of_type = value;
                    at += 2;
                }
                _ if kind == ScanKind::Fields && args.is(at, "novalues") => {
                    options.no_values = true;
                    at += 1;
                }
                _ => return Err(Error::Syntax),
            }
        }
        Ok(options)
    }

    /// Whether `name` matches the pattern.
    pub fn matches(&self, name: Element<'_>) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, &name.text()))
    }

    /// Goes from `cursor` on until about COUNT elements were seen; the next cursor. `step` takes a cursor and
    /// the count of elements seen, which it adds to, and returns the next cursor.
    pub fn walk(&self, mut cursor: u64, mut step: impl FnMut(u64, &mut u64) -> u64) -> u64 {
        let mut seen = 0;
        for _ in 0..self.buckets_max() {
            cursor = step(cursor, &mut seen);
            if cursor == 0 || seen >= self.count {
                break;
            }
        }
        cursor
    }

    /// How many buckets a call looks at when they turn out empty: ten times COUNT, as in Redis.
    pub fn buckets_max(&self) -> u64 {
        self.count.saturating_mul(10)
    }
}

/// The reply for a key that does not exist.
pub fn write_empty_scan(reply: &mut Reply) {
    let place = reply.deferred();
    reply.finish_scan(place, 0, 0);
}
