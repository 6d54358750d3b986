//! `string.find`, `match`, `gmatch` and `gsub`: what stands on [patterns](super::pattern).

use super::pattern::{Capture, Match, Matcher, PatternError};
use super::string::position;
use crate::script::lua::native::{Answer, Call, Flow, Raised, Results};
use crate::script::lua::value::{Str, Value};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The bytes that mean something in a pattern.
const SPECIALS: &[u8] = b"^$*+?.([%-";

/// A native that stopped in the middle of a search.
const SEARCHING: u32 = 1;
/// `gsub` that waits for what its function or table gives.
const REPLACED: u32 = 2;

/// Whether the pattern begins with `^`, and where the rest of it begins.
fn anchor(call: &Call<'_>, pattern: Str) -> bool {
    call.bytes(pattern).first() == Some(&b'^')
}

/// The budget is used up; the search goes on in the next slice.
struct Pause;

/// What a search came to, if it is at its end.
type Outcome = Result<Option<Match>, Pause>;

/// Goes on with a search.
fn look(
    call: &mut Call<'_>,
    matcher: &mut Matcher,
    text: Str,
    pattern: Str,
    anchored: bool,
) -> Result<Outcome, Raised> {
    let before = call.budget();
    let mut budget = before;
    let rest = &call.bytes(pattern)[usize::from(anchored)..];
    let found = matcher.find(call.bytes(text), rest, &mut budget);
    call.pay(usize::try_from(before - budget).unwrap_or(usize::MAX));
    match found {
        Ok(found) => Ok(Ok(found)),
        Err(PatternError::Budget) => Ok(Err(Pause)),
        Err(PatternError::Malformed(text)) => Err(call.error(text)),
    }
}

/// Pushes all that a match caught; `whole`: the match itself where there are no captures. How many that is.
fn push_captures(
    call: &mut Call<'_>,
    text: Str,
    found: &Match,
    whole: bool,
) -> Result<usize, Raised> {
    let count = if whole { found.count() } else { found.captures() };
    for index in 0..count {
        let caught = captured(call, text, found, index)?;
        call.push(caught);
    }
    Ok(count)
}

fn captured(call: &mut Call<'_>, text: Str, found: &Match, index: usize) -> Result<Value, Raised> {
    match found.capture(index) {
        Ok(Capture::Position(at)) => Ok(Value::Num((at + 1) as f64)),
        Ok(Capture::Span(start, end)) => Ok(Value::Str(call.substring(text, start, end)?)),
        Err(PatternError::Malformed(text)) => Err(call.error(text)),
        Err(PatternError::Budget) => Ok(Value::Nil),
    }
}

pub(super) fn find(call: &mut Call<'_>) -> Result<Flow, Raised> {
    search(call, true)
}

pub(super) fn match_(call: &mut Call<'_>) -> Result<Flow, Raised> {
    search(call, false)
}

fn search(call: &mut Call<'_>, find: bool) -> Result<Flow, Raised> {
    let (text, pattern) = (call.check_str(1)?, call.check_str(2)?);
    let anchored = anchor(call, pattern);
    let mut kept = call.take_kept::<Matcher>();
    let mut fresh;
    let matcher = if let Some(kept) = &mut kept {
        &mut **kept
    } else {
        let len = call.bytes(text).len();
        let from = position(call.opt_integer(3, 1)?, len) - 1;
        let from = usize::try_from(from).unwrap_or(0).min(len);
        if find && (call.arg(4).is_true() || is_plain(call.bytes(pattern))) {
            return find_plain(call, text, pattern, from);
        }
        fresh = Matcher::new(from, anchored);
        &mut fresh
    };
    match look(call, matcher, text, pattern, anchored)? {
        Ok(None) => call.give(Value::Nil),
        Ok(Some(found)) => {
            if find {
                call.push((found.start + 1) as f64);
                call.push(found.end as f64);
            }
            let count = push_captures(call, text, &found, !find)?;
            call.give_last(count + if find { 2 } else { 0 })
        }
        Err(Pause) => {
            let stopped = core::mem::replace(matcher, Matcher::new(0, anchored));
            call.keep(stopped);
            Ok(Flow::Pause(SEARCHING))
        }
    }
}

/// Whether a pattern means itself.
fn is_plain(pattern: &[u8]) -> bool {
    let end = pattern.iter().position(|b| *b == 0).unwrap_or(pattern.len());
    !pattern[..end].iter().any(|b| SPECIALS.contains(b))
}

fn find_plain(call: &mut Call<'_>, text: Str, needle: Str, from: usize) -> Result<Flow, Raised> {
    let (bytes, wanted) = (&call.bytes(text)[from..], call.bytes(needle));
    let (len, wanted_len) = (bytes.len(), wanted.len());
    let (at, cost) = find_bytes(bytes, wanted);
    call.pay(cost / 8);
    let Some(at) = at else {
        call.pay(len / 16);
        return call.give(Value::Nil);
    };
    call.push((from + at + 1) as f64);
    call.push((from + at + wanted_len) as f64);
    call.give_last(2)
}

/// The first place of `needle`, and how many bytes were looked at.
fn find_bytes(text: &[u8], needle: &[u8]) -> (Option<usize>, usize) {
    let Some((&first, rest)) = needle.split_first() else { return (Some(0), 0) };
    let mut from = 0;
    let mut cost = 0;
    while from + needle.len() <= text.len() {
        let last = text.len() - rest.len();
        let Some(skip) = text[from..last].iter().position(|b| *b == first) else { break };
        from += skip;
        let same = text[from + 1..].iter().zip(rest).take_while(|(a, b)| a == b).count();
        cost += skip + same + 1;
        if same == rest.len() {
            return (Some(from), cost);
        }
        from += 1;
    }
    (None, cost)
}

/// `for word in s:gmatch(pattern)`: a function that finds the next match each time.
pub(super) fn gmatch(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let (text, pattern) = (call.check_str(1)?, call.check_str(2)?);
    let globals = call.lua().globals();
    let values = [Value::Str(text), Value::Str(pattern), Value::Num(0.0)];
    let next = call.heap_mut().native(gmatch_next, globals, &values);
    call.give(next)
}

fn gmatch_next(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let (Value::Str(text), Value::Str(pattern), Value::Num(from)) =
        (call.upvalue(1), call.upvalue(2), call.upvalue(3))
    else {
        return call.give_nothing();
    };
    let mut matcher = match call.take_kept::<Matcher>() {
        Some(kept) => *kept,
        // A `^` means itself here.
        None => Matcher::new(from as usize, false),
    };
    match look(call, &mut matcher, text, pattern, false)? {
        Ok(None) => call.give_nothing(),
        Ok(Some(found)) => {
            let next = found.end + usize::from(found.end == found.start);
            call.set_upvalue(3, Value::Num(next as f64));
            let count = push_captures(call, text, &found, true)?;
            call.give_last(count)
        }
        Err(Pause) => {
            call.keep(matcher);
            Ok(Flow::Pause(SEARCHING))
        }
    }
}

/// A substitution in progress.
struct Substitution {
    matcher: Matcher,
    out: Vec<u8>,
    /// Up to where the text is taken over.
    at: usize,
    done: i32,
    most: i32,
    /// The match whose replacement is asked for.
    start: usize,
    end: usize,
}

/// How many slots the arguments take; what is pushed comes behind them.
const ARGUMENTS: usize = 4;

pub(super) fn gsub(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let (text, pattern) = (call.check_str(1)?, call.check_str(2)?);
    let anchored = anchor(call, pattern);
    let mut work = match call.take_kept::<Substitution>() {
        Some(kept) => kept,
        None => Box::new(begin(call, text, anchored)?),
    };
    match substitute(call, &mut work, text, pattern, anchored)? {
        Some(flow) => {
            call.keep_boxed(work);
            Ok(flow)
        }
        None => {
            let rest = &call.bytes(text)[work.at..];
            work.out.extend_from_slice(rest);
            let replaced = call.string(&work.out)?;
            call.return_buffer(work.out);
            call.push(replaced);
            call.push(f64::from(work.done));
            call.give_last(2)
        }
    }
}

fn begin(call: &mut Call<'_>, text: Str, anchored: bool) -> Result<Substitution, Raised> {
    let len = call.bytes(text).len();
    let most = call.opt_integer(4, len as i64 + 1)? as i32;
    match call.arg(3) {
        Value::Num(_) => {
            call.check_str(3)?;
        }
        Value::Str(_) | Value::Function(_) | Value::Table(_) => {}
        _ => return Err(call.arg_error(3, "string/function/table expected")),
    }
    call.pay(len / 16);
    call.set_len(ARGUMENTS);
    let matcher = Matcher::new(0, anchored);
    Ok(Substitution { matcher, out: call.take_buffer(), at: 0, done: 0, most, start: 0, end: 0 })
}

/// Goes on until it has to wait, or to the end.
fn substitute(
    call: &mut Call<'_>,
    work: &mut Substitution,
    text: Str,
    pattern: Str,
    anchored: bool,
) -> Result<Option<Flow>, Raised> {
    if call.state() == REPLACED {
        let value = call.last();
        call.set_len(ARGUMENTS);
        replace(call, work, text, value)?;
        if !work.step(call.bytes(text)) || anchored {
            return Ok(None);
        }
    }
    while work.done < work.most {
        let found = match look(call, &mut work.matcher, text, pattern, anchored)? {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(Pause) => return Ok(Some(Flow::Pause(SEARCHING))),
        };
        call.reserve(work.out.len() + found.end - work.at)?;
        work.out.extend_from_slice(&call.bytes(text)[work.at..found.start]);
        (work.at, work.start, work.end) = (found.start, found.start, found.end);
        work.done += 1;
        match call.arg(3) {
            Value::Str(replacement) => insert(call, work, text, &found, replacement)?,
            function @ Value::Function(_) => {
                call.push(function);
                let count = push_captures(call, text, &found, true)?;
                return Ok(Some(call.call(count, Results::Exactly(1), REPLACED)));
            }
            table => {
                let key = captured(call, text, &found, 0)?;
                match call.index(table, key)? {
                    Answer::Known(value) => replace(call, work, text, value)?,
                    Answer::Call(function, a, b) => {
                        call.push(function);
                        call.push(a);
                        call.push(b);
                        return Ok(Some(call.call(2, Results::Exactly(1), REPLACED)));
                    }
                }
            }
        }
        if !work.step(call.bytes(text)) || anchored {
            break;
        }
        if !call.pay(1) {
            return Ok(Some(Flow::Pause(SEARCHING)));
        }
    }
    Ok(None)
}

impl Substitution {
    /// Goes past the match; whether there is text to go on with.
    fn step(&mut self, text: &[u8]) -> bool {
        if self.end > self.start {
            self.at = self.end;
        } else if let Some(&byte) = text.get(self.at) {
            self.out.push(byte);
            self.at += 1;
        } else {
            return false;
        }
        self.matcher.restart(self.at);
        true
    }
}

/// Puts `value` in place of the match; `false` and `nil` leave it.
fn replace(
    call: &mut Call<'_>,
    work: &mut Substitution,
    text: Str,
    value: Value,
) -> Result<(), Raised> {
    match value {
        Value::Nil | Value::Bool(false) => {
            work.out.extend_from_slice(&call.bytes(text)[work.start..work.end]);
        }
        Value::Str(replacement) => {
            call.reserve(work.out.len() + call.bytes(replacement).len())?;
            work.out.extend_from_slice(call.bytes(replacement));
        }
        Value::Num(number) => crate::script::lua::number::write_number(number, &mut work.out),
        _ => {
            let name = value.type_name().as_bytes();
            return Err(call.error_parts(&[b"invalid replacement value (a ", name, b")"]));
        }
    }
    Ok(())
}

/// Puts a text in place of the match, with captures for `%0` to `%9`.
fn insert(
    call: &mut Call<'_>,
    work: &mut Substitution,
    text: Str,
    found: &Match,
    replacement: Str,
) -> Result<(), Raised> {
    call.reserve(work.out.len() + call.bytes(replacement).len())?;
    let mut at = 0;
    loop {
        let bytes = call.bytes(replacement);
        let Some(&byte) = bytes.get(at) else { return Ok(()) };
        if byte != b'%' {
            let end = bytes[at..].iter().position(|b| *b == b'%').map_or(bytes.len(), |n| at + n);
            work.out.extend_from_slice(&bytes[at..end]);
            at = end;
            continue;
        }
        // A lone `%` at the end is followed by the zero byte that ends texts in C.
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        at += 2;
        match next {
            b'0' => {
                work.out.extend_from_slice(&call.bytes(text)[found.start..found.end]);
            }
            digit @ b'1'..=b'9' => {
                let value = captured(call, text, found, usize::from(digit - b'1'))?;
                replace(call, work, text, value)?;
            }
            other => work.out.push(other),
        }
        call.reserve(work.out.len())?;
    }
}
