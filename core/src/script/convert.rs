//! Replies to Lua values, and Lua values to replies.

use super::lua::Lua;
use super::lua::number::write_number;
use super::lua::value::{TableId, Value, to_integer};
use crate::collections::decimal::parse_double;
use crate::resp::Reply;
use alloc::vec::Vec;

/// Reads the reply at the front of `bytes`, which an engine of ours has written; what is left of them.
///
/// RESP2 and RESP3 as Redis gives them to scripts: null is `false` (in RESP3 `nil`), a status is `{ok=…}`, an
/// error `{err=…}`, and what RESP3 adds are tables with `map`, `set`, `double`, `big_number`, `verbatim_string`.
pub fn to_lua<'b>(lua: &mut Lua, bytes: &'b [u8]) -> (Value, &'b [u8]) {
    let line_end = bytes.iter().position(|b| *b == b'\r').unwrap_or(bytes.len());
    let line = bytes.get(1..line_end).unwrap_or_default();
    let rest = bytes.get(line_end + 2..).unwrap_or_default();
    match bytes.first() {
        Some(b':') => (Value::Num(int(line) as f64), rest),
        Some(b'$') => match usize::try_from(int(line)) {
            Ok(len) => {
                let text = lua.heap_mut().string(rest.get(..len).unwrap_or_default());
                (Value::Str(text), rest.get(len + 2..).unwrap_or_default())
            }
            Err(_) => (Value::Bool(false), rest),
        },
        Some(b'+') => (Value::Table(field(lua, b"ok", line)), rest),
        Some(b'-') => {
            let table = field(lua, b"err", line);
            // Its command has counted it.
            lua.heap_mut().set_field(table, IGNORE, Value::Bool(true));
            (Value::Table(table), rest)
        }
        Some(b'*' | b'>') => match usize::try_from(int(line)) {
            Ok(len) => {
                let table = lua.heap_mut().table_with(len, 0);
                let mut rest = rest;
                for index in 1..=len {
                    let (item, after) = to_lua(lua, rest);
                    lua.heap_mut().set_index(table, index, item);
                    rest = after;
                }
                (Value::Table(table), rest)
            }
            Err(_) => (Value::Bool(false), rest),
        },
        Some(b'_') => (Value::Nil, rest),
        Some(b'#') => (Value::Bool(line == b"t"), rest),
        Some(b',') => {
            let number = match line {
                b"inf" => f64::INFINITY,
                b"-inf" => f64::NEG_INFINITY,
                _ => parse_double(line).unwrap_or(f64::NAN),
            };
            let table = lua.heap_mut().table();
            lua.heap_mut().set_field(table, b"double", Value::Num(number));
            (Value::Table(table), rest)
        }
        Some(b'(') => (Value::Table(field(lua, b"big_number", line)), rest),
        Some(b'=') => {
            let len = usize::try_from(int(line)).unwrap_or(0);
            let text = rest.get(..len).unwrap_or_default();
            let inner = field(lua, b"string", text.get(4..).unwrap_or_default());
            let format = lua.heap_mut().string(text.get(..3).unwrap_or_default());
            lua.heap_mut().set_field(inner, b"format", Value::Str(format));
            let table = lua.heap_mut().table();
            lua.heap_mut().set_field(table, b"verbatim_string", Value::Table(inner));
            (Value::Table(table), rest.get(len + 2..).unwrap_or_default())
        }
        Some(b'%') => {
            let inner = lua.heap_mut().table();
            let mut rest = rest;
            for _ in 0..int(line) {
                let (key, after) = to_lua(lua, rest);
                let (value, after) = to_lua(lua, after);
                lua.heap_mut().set_value(inner, key, value);
                rest = after;
            }
            let table = lua.heap_mut().table();
            lua.heap_mut().set_field(table, b"map", Value::Table(inner));
            (Value::Table(table), rest)
        }
        Some(b'|') => {
            // Attributes are not for scripts; what they are about stands behind them.
            let mut rest = rest;
            for _ in 0..int(line).saturating_mul(2) {
                rest = to_lua(lua, rest).1;
            }
            to_lua(lua, rest)
        }
        Some(b'~') => {
            let inner = lua.heap_mut().table();
            let mut rest = rest;
            for _ in 0..int(line) {
                let (item, after) = to_lua(lua, rest);
                lua.heap_mut().set_value(inner, item, Value::Bool(true));
                rest = after;
            }
            let table = lua.heap_mut().table();
            lua.heap_mut().set_field(table, b"set", Value::Table(inner));
            (Value::Table(table), rest)
        }
        _ => (Value::Nil, &[]),
    }
}

/// The field that marks errors which are counted already.
pub const IGNORE: &[u8] = b"ignore_error_stats_update";

fn int(line: &[u8]) -> i64 {
    crate::collections::decimal::parse(line).unwrap_or(0)
}

fn field(lua: &mut Lua, name: &[u8], text: &[u8]) -> TableId {
    let table = lua.heap_mut().table();
    let text = lua.heap_mut().string(text);
    lua.heap_mut().set_field(table, name, Value::Str(text));
    table
}

/// Something of a table that is still to be written.
enum Open {
    List { table: TableId, next: usize, len: usize },
    Map { table: TableId, key: Value },
    Set { table: TableId, key: Value },
}

/// Tables inside tables that a reply may have: what fits PUC's stack of 8000 in Redis.
const NESTING: usize = 1990;

/// Writes a script's result. `resp3`: the script has said `redis.setresp(3)`. Errors among the values are
/// handed to `failed` with whether they are counted already.
pub fn to_reply(
    lua: &mut Lua,
    value: Value,
    resp3: bool,
    reply: &mut Reply,
    mut failed: impl FnMut(&[u8], bool),
) {
    let mut open: Vec<Open> = Vec::new();
    let mut next = Some(value);
    loop {
        if let Some(value) = next.take() {
            match value {
                Value::Str(text) => reply.bulk(lua.heap().bytes(text)),
                Value::Num(number) => reply.int(to_integer(number)),
                Value::Bool(truth) if resp3 => reply.bool(truth),
                Value::Bool(true) => reply.int(1),
                Value::Table(_) if open.len() >= NESTING => {
                    let text = b"ERR reached lua stack limit";
                    failed(text, false);
                    line(reply, b'-', text);
                }
                Value::Table(table) => {
                    open.extend(begin(lua, table, reply, &mut failed));
                }
                _ => reply.null(),
            }
        }
        next = match open.last_mut() {
            None => return,
            Some(Open::List { table, next, len }) => {
                *next += 1;
                (*next <= *len).then(|| lua.heap().get(*table, Value::Num(*next as f64)))
            }
            Some(Open::Map { table, key }) => {
                lua.heap().next(*table, *key).map(|(following, value)| {
                    *key = following;
                    // A key is no table that could fail to be written whole.
                    scalar(lua, following, resp3, reply);
                    value
                })
            }
            Some(Open::Set { table, key }) => {
                lua.heap().next(*table, *key).map(|(following, _)| {
                    *key = following;
                    following
                })
            }
        };
        if next.is_none() {
            open.pop();
        }
    }
}

fn scalar(lua: &Lua, value: Value, resp3: bool, reply: &mut Reply) {
    match value {
        Value::Str(text) => reply.bulk(lua.heap().bytes(text)),
        Value::Num(number) => reply.int(to_integer(number)),
        Value::Bool(truth) if resp3 => reply.bool(truth),
        Value::Bool(true) => reply.int(1),
        _ => reply.null(),
    }
}

/// Writes what a table stands for, or its head.
fn begin(
    lua: &mut Lua,
    table: TableId,
    reply: &mut Reply,
    failed: &mut impl FnMut(&[u8], bool),
) -> Option<Open> {
    let mut named = |name: &[u8]| {
        let name = lua.heap_mut().string(name);
        lua.heap().get(table, Value::Str(name))
    };
    if let Value::Str(text) = named(b"err") {
        let counted = named(IGNORE).is_true();
        failed(lua.heap().bytes(text), counted);
        line(reply, b'-', lua.heap().bytes(text));
        return None;
    }
    if let Value::Str(text) = named(b"ok") {
        line(reply, b'+', lua.heap().bytes(text));
        return None;
    }
    if let Value::Num(number) = named(b"double") {
        reply.double(number);
        return None;
    }
    if let Value::Table(inner) = named(b"map") {
        reply.map(lua.heap().count(inner));
        return Some(Open::Map { table: inner, key: Value::Nil });
    }
    if let Value::Table(inner) = named(b"set") {
        reply.set(lua.heap().count(inner));
        return Some(Open::Set { table: inner, key: Value::Nil });
    }
    if let Value::Str(digits) = named(b"big_number") {
        let digits: Vec<u8> = lua
            .heap()
            .bytes(digits)
            .iter()
            .map(|b| if matches!(b, b'\r' | b'\n') { b' ' } else { *b })
            .collect();
        reply.big_number(&digits);
        return None;
    }
    if let Value::Table(inner) = named(b"verbatim_string") {
        let (text, format) = (lua.heap_mut().string(b"string"), lua.heap_mut().string(b"format"));
        let heap = lua.heap();
        if let (Value::Str(text), Value::Str(format)) =
            (heap.get(inner, Value::Str(text)), heap.get(inner, Value::Str(format)))
        {
            let mut name = [b' '; 3];
            for (to, from) in name.iter_mut().zip(heap.bytes(format)) {
                *to = *from;
            }
            reply.verbatim(&name, heap.bytes(text));
            return None;
        }
    }
    // A list ends before its first nil.
    let heap = lua.heap();
    let len =
        (1..).take_while(|index| !heap.get(table, Value::Num(f64::from(*index))).is_nil()).count();
    reply.array(len);
    Some(Open::List { table, next: 0, len })
}

/// Writes a line, in which there can be no line ends.
pub fn line(reply: &mut Reply, kind: u8, text: &[u8]) {
    let end = text.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |at| at + 1);
    reply.out.push(kind);
    reply
        .out
        .extend(text[..end].iter().map(|b| if matches!(b, b'\r' | b'\n') { b' ' } else { *b }));
    reply.out.extend_from_slice(b"\r\n");
}

/// What a script's value is as text, for an error of its own: what `tostring` makes of strings, numbers, …
pub fn text_of(lua: &Lua, value: Value) -> Vec<u8> {
    match value {
        Value::Str(text) => lua.heap().bytes(text).to_vec(),
        Value::Num(number) => {
            let mut text = Vec::new();
            write_number(number, &mut text);
            text
        }
        Value::Bool(truth) => {
            if truth {
                b"true".to_vec()
            } else {
                b"false".to_vec()
            }
        }
        other => other.type_name().as_bytes().to_vec(),
    }
}
