//! `string`, but for what searches, which is [`search`](super::search).

use super::format::{self, Spec};
use super::search;
use crate::script::lua::Lua;
use crate::script::lua::native::{Call, Flow, Raised};
use crate::script::lua::value::Value;
use alloc::vec::Vec;

/// Makes `string` a global, and the metatable of all strings refer to it.
pub fn open(lua: &mut Lua) {
    let library = lua.library(
        "string",
        &[
            ("byte", byte),
            ("char", char_),
            ("dump", dump),
            ("find", search::find),
            ("format", format_),
            ("gfind", search::gmatch),
            ("gmatch", search::gmatch),
            ("gsub", search::gsub),
            ("len", len),
            ("lower", lower),
            ("match", search::match_),
            ("rep", rep),
            ("reverse", reverse),
            ("sub", sub),
            ("upper", upper),
        ],
    );
    let meta = lua.heap_mut().table();
    lua.heap_mut().set_field(meta, b"__index", Value::Table(library));
    lua.set_string_meta(meta);
}

/// A position as scripts give it, where negative ones count from the end: from 1, or 0 for before the start.
pub(super) fn position(at: i64, len: usize) -> i64 {
    if at >= 0 { at } else { (at.saturating_add(len as i64 + 1)).max(0) }
}

fn len(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let text = call.check_str(1)?;
    let len = call.bytes(text).len();
    call.give(len as f64)
}

fn sub(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let text = call.check_str(1)?;
    let len = call.bytes(text).len();
    let start = position(call.check_integer(2)?, len).max(1);
    let end = position(call.opt_integer(3, -1)?, len).min(len as i64);
    if start > end {
        let empty = call.string(b"")?;
        return call.give(empty);
    }
    if start == 1 && end == len as i64 {
        return call.give(text);
    }
    let part = call.substring(text, start as usize - 1, end as usize)?;
    call.give(part)
}

/// Returns the string that was built in a buffer, and the buffer.
fn give_buffer(call: &mut Call<'_>, buffer: Vec<u8>) -> Result<Flow, Raised> {
    let text = call.string(&buffer);
    call.return_buffer(buffer);
    call.give(text?)
}

/// Returns the first argument's bytes changed in place.
fn changed(call: &mut Call<'_>, change: fn(&mut [u8])) -> Result<Flow, Raised> {
    let text = call.check_str(1)?;
    let len = call.bytes(text).len();
    call.reserve(len)?;
    call.pay(len / 8);
    let mut buffer = call.take_buffer();
    buffer.extend_from_slice(call.bytes(text));
    change(&mut buffer);
    give_buffer(call, buffer)
}

fn lower(call: &mut Call<'_>) -> Result<Flow, Raised> {
    changed(call, <[u8]>::make_ascii_lowercase)
}

fn upper(call: &mut Call<'_>) -> Result<Flow, Raised> {
    changed(call, <[u8]>::make_ascii_uppercase)
}

fn reverse(call: &mut Call<'_>) -> Result<Flow, Raised> {
    changed(call, <[u8]>::reverse)
}

fn rep(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let text = call.check_str(1)?;
    // C's int.
    let count = call.check_integer(2)? as i32;
    let len = call.bytes(text).len();
    let Ok(count) = usize::try_from(count) else {
        let empty = call.string(b"")?;
        return call.give(empty);
    };
    let size = len.saturating_mul(count);
    call.reserve(size.saturating_mul(2))?;
    call.pay(size / 8);
    let mut buffer = call.take_buffer();
    buffer.reserve(size);
    match call.bytes(text) {
        [] => {}
        [byte] => buffer.resize(count, *byte),
        bytes => (0..count).for_each(|_| buffer.extend_from_slice(bytes)),
    }
    give_buffer(call, buffer)
}

fn byte(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let text = call.check_str(1)?;
    let len = call.bytes(text).len();
    let start = position(call.opt_integer(2, 1)?, len);
    let end = position(call.opt_integer(3, start)?, len).min(len as i64);
    let start = start.max(1);
    if start > end {
        return call.give_nothing();
    }
    let count = (end - start + 1) as usize;
    if !call.has_room_for(count) {
        return Err(call.error("stack overflow (string slice too long)"));
    }
    for at in start as usize - 1..end as usize {
        let byte = call.bytes(text)[at];
        call.push(f64::from(byte));
    }
    call.give_last(count)
}

fn char_(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let count = call.len();
    let mut buffer = call.take_buffer();
    for n in 1..=count {
        let code = call.check_integer(n)? as i32;
        let Ok(byte) = u8::try_from(code) else { return Err(call.arg_error(n, "invalid value")) };
        buffer.push(byte);
    }
    give_buffer(call, buffer)
}

/// No bytecode leaves the machine: of a function in Lua there is only what says that it is bytecode, which is
/// all that `load` looks at before it refuses it.
fn dump(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let function = call.check_function(1)?;
    if !call.is_lua(function) {
        return Err(call.error("unable to dump given function"));
    }
    let head = call.string(b"\x1bLuaQ\0\x01\x04\x08\x04\x08\0")?;
    call.give(head)
}

fn format_(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let directives = call.check_str(1)?;
    let directives = call.bytes(directives).to_vec();
    let mut out = call.take_buffer();
    let mut rest = directives.as_slice();
    let mut n = 1;
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.first() == Some(&b'%') {
            out.push(b'%');
            rest = &rest[1..];
            continue;
        }
        n += 1;
        if n > call.len() {
            return Err(call.arg_error(n, "no value"));
        }
        let (spec, length) = match Spec::parse(rest) {
            Ok(parsed) => parsed,
            Err(text) => return Err(call.error(text)),
        };
        let letter = rest.get(length).copied().unwrap_or(0);
        one(call, &spec, letter, n, &mut out)?;
        rest = &rest[(length + 1).min(rest.len())..];
        if out.len() > 1 << 16 {
            call.reserve(out.len())?;
        }
    }
    out.extend_from_slice(rest);
    call.pay(out.len() / 8);
    give_buffer(call, out)
}

/// Writes one directive.
fn one(
    call: &mut Call<'_>,
    spec: &Spec,
    letter: u8,
    n: usize,
    out: &mut Vec<u8>,
) -> Result<(), Raised> {
    let start = out.len();
    match letter {
        // What is no int becomes the least one, whose low byte is zero.
        b'c' => {
            let number = libm::trunc(call.check_number(n)?);
            let fits = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number);
            spec.byte(if fits { number as i32 as u8 } else { 0 }, out);
        }
        b'd' | b'i' => spec.signed(format::to_long(call.check_number(n)?), out),
        b'o' | b'u' | b'x' | b'X' => {
            spec.unsigned(format::to_unsigned_long(call.check_number(n)?), letter, out);
        }
        b'e' | b'E' | b'f' | b'g' | b'G' => spec.float(call.check_number(n)?, letter, out),
        b'q' => {
            let text = call.check_str(n)?;
            call.reserve(call.bytes(text).len() * 2)?;
            format::quote(call.bytes(text), out);
            return Ok(());
        }
        b's' => {
            let text = call.check_str(n)?;
            let bytes = call.bytes(text);
            if !spec.has_precision() && bytes.len() >= 100 {
                // Long ones are taken whole, whatever the width.
                let len = bytes.len();
                call.reserve(out.len() + len)?;
                out.extend_from_slice(call.bytes(text));
                return Ok(());
            }
            let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
            spec.bytes(&bytes[..end], out);
        }
        _ => {
            // C's text ends where the letter is a zero byte.
            let letter = if letter == 0 { &[][..] } else { &[letter] };
            return Err(call.error_parts(&[b"invalid option '%", letter, b"' to 'format'"]));
        }
    }
    // What C's `sprintf` wrote counts up to the first zero byte.
    if let Some(end) = out[start..].iter().position(|b| *b == 0) {
        out.truncate(start + end);
    }
    Ok(())
}
