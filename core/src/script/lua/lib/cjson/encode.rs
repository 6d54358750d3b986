//! `cjson.encode`: a value as JSON, with a stack of the tables that it is in.

use super::{Config, Invalid};
use crate::script::lua::lib::format::Spec;
use crate::script::lua::native::{Call, Flow, Raised};
use crate::script::lua::number::write_number;
use crate::script::lua::value::{TableId, Value};
use alloc::vec::Vec;

/// A table that is being written.
enum Open {
    List { table: TableId, at: usize, len: usize },
    Object { table: TableId, key: Value, first: bool },
}

/// `cjson.encode(value)`
pub(super) fn encode(call: &mut Call<'_>) -> Result<Flow, Raised> {
    if call.len() != 1 {
        return Err(call.arg_error(1, "expected 1 argument"));
    }
    let value = call.arg(1);
    let mut out = call.take_buffer();
    write(call, value, &mut out)?;
    let text = call.string(&out);
    call.return_buffer(out);
    call.give(text?)
}

fn write(call: &mut Call<'_>, value: Value, out: &mut Vec<u8>) -> Result<(), Raised> {
    let config = call.json().clone();
    let mut open: Vec<Open> = Vec::new();
    let mut next = Some(value);
    loop {
        if let Some(value) = next.take() {
            call.pay(1);
            if out.len() > 1 << 16 {
                call.reserve(out.len())?;
            }
            match value {
                Value::Table(table) => {
                    if open.len() as i32 >= config.encode_depth {
                        let mut depth = Vec::new();
                        write_number((open.len() + 1) as f64, &mut depth);
                        let text = b"Cannot serialise, excessive nesting (";
                        return Err(call.error_parts(&[text, &depth, b")"]));
                    }
                    open.push(begin(call, &config, table)?);
                    let is_list = matches!(open.last(), Some(Open::List { .. }));
                    out.push(if is_list { b'[' } else { b'{' });
                }
                Value::Str(text) => write_text(call.bytes(text), out),
                Value::Num(number) => number_to(call, &config, number, out)?,
                Value::Bool(true) => out.extend_from_slice(b"true"),
                Value::Bool(false) => out.extend_from_slice(b"false"),
                Value::Nil | Value::Light(0) => out.extend_from_slice(b"null"),
                _ => return Err(refuse(call, value, b"type not supported")),
            }
        }
        match open.last_mut() {
            None => return Ok(()),
            Some(Open::List { table, at, len }) => {
                if at == len {
                    out.push(b']');
                    open.pop();
                    continue;
                }
                if *at > 0 {
                    out.push(b',');
                }
                *at += 1;
                next = Some(call.heap().get(*table, Value::Num(*at as f64)));
            }
            Some(Open::Object { table, key, first }) => {
                let Ok(Some((following, value))) = call.heap().table_at(*table).next(*key) else {
                    out.push(b'}');
                    open.pop();
                    continue;
                };
                *key = following;
                if !core::mem::take(first) {
                    out.push(b',');
                }
                match following {
                    Value::Str(text) => write_text(call.bytes(text), out),
                    Value::Num(number) => {
                        out.push(b'"');
                        number_to(call, &config, number, out)?;
                        out.push(b'"');
                    }
                    _ => {
                        let reason = b"table key must be a number or string";
                        return Err(refuse(call, following, reason));
                    }
                }
                out.push(b':');
                next = Some(value);
            }
        }
    }
}

fn refuse(call: &mut Call<'_>, value: Value, reason: &[u8]) -> Raised {
    let name = value.type_name().as_bytes();
    call.error_parts(&[b"Cannot serialise ", name, b": ", reason])
}

/// A table with positive whole numbers for keys is a list, if few enough are missing between them.
fn begin(call: &mut Call<'_>, config: &Config, table: TableId) -> Result<Open, Raised> {
    let object = Open::Object { table, key: Value::Nil, first: true };
    let (mut most, mut items) = (0i32, 0usize);
    let mut key = Value::Nil;
    while let Ok(Some((following, _))) = call.heap().table_at(table).next(key) {
        key = following;
        match key {
            Value::Num(number) if number >= 1.0 && number == libm::floor(number) => {
                // C's int: what is too big for one becomes the least, and the next key is bigger.
                if number > f64::from(most) {
                    most = if number > f64::from(i32::MAX) { i32::MIN } else { number as i32 };
                }
                items += 1;
            }
            _ => return Ok(object),
        }
    }
    call.pay(items);
    let (ratio, safe) = (i64::from(config.sparse_ratio), config.sparse_safe);
    if ratio > 0 && i64::from(most) > items as i64 * ratio && most > safe {
        if !config.sparse_convert {
            return Err(refuse(call, Value::Table(table), b"excessively sparse array"));
        }
        return Ok(object);
    }
    match usize::try_from(most) {
        Ok(len @ 1..) => Ok(Open::List { table, at: 0, len }),
        _ => Ok(object),
    }
}

fn number_to(
    call: &mut Call<'_>,
    config: &Config,
    number: f64,
    out: &mut Vec<u8>,
) -> Result<(), Raised> {
    if !number.is_finite() {
        match config.encode_invalid {
            Invalid::Refuse => {
                return Err(refuse(call, Value::Num(number), b"must not be NaN or Inf"));
            }
            Invalid::Null => out.extend_from_slice(b"null"),
            Invalid::Write if number.is_nan() => out.extend_from_slice(b"nan"),
            Invalid::Write => write_number(number, out),
        }
        return Ok(());
    }
    if config.precision == 14 {
        write_number(number, out);
    } else {
        let digits = config.precision as u8;
        let text = [b'.', b'0' + digits / 10, b'0' + digits % 10];
        Spec::parse(&text).unwrap_or_default().0.float(number, b'g', out);
    }
    Ok(())
}

fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) =
        rest.iter().position(|b| *b < 0x20 || matches!(b, b'"' | b'\\' | b'/' | 0x7f))
    {
        out.extend_from_slice(&rest[..at]);
        let byte = rest[at];
        match byte {
            b'"' | b'\\' | b'/' => out.extend_from_slice(&[b'\\', byte]),
            8 => out.extend_from_slice(b"\\b"),
            9 => out.extend_from_slice(b"\\t"),
            10 => out.extend_from_slice(b"\\n"),
            12 => out.extend_from_slice(b"\\f"),
            13 => out.extend_from_slice(b"\\r"),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(DIGITS[usize::from(byte >> 4)]);
                out.push(DIGITS[usize::from(byte & 15)]);
            }
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_the_library_does() {
        let mut out = Vec::new();
        write_text(b"a/\"\\\x7f\x01\n\xff", &mut out);
        assert_eq!(out, b"\"a\\/\\\"\\\\\\u007f\\u0001\\n\xff\"");
    }
}
