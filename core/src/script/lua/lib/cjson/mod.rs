//! `cjson`: JSON, as the library that Redis has, with its settings, limits and error texts.
//!
//! Here are the settings; `encode` writes JSON, and `decode` reads it.

mod decode;
mod encode;

use crate::script::lua::Lua;
use crate::script::lua::native::{Call, Flow, Raised};
use crate::script::lua::number::write_number;
use crate::script::lua::value::{TableId, Value};

/// What scripts can set.
#[derive(Debug, Clone)]
pub struct Config {
    sparse_convert: bool,
    sparse_ratio: i32,
    sparse_safe: i32,
    encode_depth: i32,
    decode_depth: i32,
    precision: i32,
    keep_buffer: bool,
    encode_invalid: Invalid,
    decode_invalid: bool,
}

/// What is written for a number that JSON does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Invalid {
    Refuse,
    Write,
    Null,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_depth: 1000,
            decode_depth: 1000,
            precision: 14,
            keep_buffer: true,
            encode_invalid: Invalid::Refuse,
            decode_invalid: true,
        }
    }
}

/// `cjson.null`.
pub const NULL: Value = Value::Light(0);

/// Makes `cjson` a global.
pub fn open(lua: &mut Lua) {
    let library = lua.library("cjson", FUNCTIONS);
    fields(lua, library);
}

const FUNCTIONS: &[(&str, crate::script::lua::native::NativeFn)] = &[
    ("decode", decode::decode),
    ("decode_invalid_numbers", decode_invalid_numbers),
    ("decode_max_depth", |call| depth(call, |config| &mut config.decode_depth)),
    ("encode", encode::encode),
    ("encode_invalid_numbers", encode_invalid_numbers),
    ("encode_keep_buffer", encode_keep_buffer),
    ("encode_max_depth", |call| depth(call, |config| &mut config.encode_depth)),
    ("encode_number_precision", encode_number_precision),
    ("encode_sparse_array", encode_sparse_array),
    ("new", new),
];

fn fields(lua: &mut Lua, library: TableId) {
    lua.heap_mut().set_field(library, b"null", NULL);
    for (name, text) in [("_NAME", "cjson"), ("_VERSION", "2.1.0")] {
        let text = lua.heap_mut().string(text.as_bytes());
        lua.heap_mut().set_field(library, name.as_bytes(), Value::Str(text));
    }
}

/// Another table of the same functions. Settings are shared: there is one set of them.
fn new(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let lua = call.lua();
    let library = lua.heap_mut().table_with(0, FUNCTIONS.len() + 3);
    lua.register(library, FUNCTIONS);
    fields(lua, library);
    call.give(library)
}

// Settings.

/// Slots for the arguments of a setting, of which there may be so many.
fn arguments(call: &mut Call<'_>, most: usize) -> Result<(), Raised> {
    if call.len() > most {
        return Err(call.arg_error(most + 1, "found too many arguments"));
    }
    call.set_len(most);
    Ok(())
}

fn integer(
    call: &mut Call<'_>,
    n: usize,
    default: i32,
    least: i64,
    most: i64,
) -> Result<i32, Raised> {
    if call.arg(n).is_nil() {
        return Ok(default);
    }
    let value = i64::from(call.check_integer(n)? as i32);
    if (least..=most).contains(&value) {
        return Ok(value as i32);
    }
    let mut text = b"expected integer between ".to_vec();
    write_number(least as f64, &mut text);
    text.extend_from_slice(b" and ");
    write_number(most as f64, &mut text);
    // Whichever argument it is, the library says the first.
    Err(call.arg_error_parts(1, &[&text]))
}

/// `true`, `false`, `"on"`, `"off"`; more words where there are more values.
fn choice(call: &mut Call<'_>, n: usize, default: usize, words: &[&[u8]]) -> Result<usize, Raised> {
    match call.arg(n) {
        Value::Nil => Ok(default),
        Value::Bool(truth) => Ok(usize::from(truth)),
        _ => {
            let word = call.check_str(n)?;
            let found = words.iter().position(|known| *known == call.bytes(word));
            let Some(found) = found else {
                let word = call.bytes(word).to_vec();
                return Err(call.arg_error_parts(n, &[b"invalid option '", &word, b"'"]));
            };
            Ok(found)
        }
    }
}

const SWITCH: &[&[u8]] = &[b"off", b"on"];

fn depth(call: &mut Call<'_>, field: fn(&mut Config) -> &mut i32) -> Result<Flow, Raised> {
    arguments(call, 1)?;
    let now = *field(call.json());
    let depth = integer(call, 1, now, 1, i64::from(i32::MAX))?;
    *field(call.json()) = depth;
    call.give(f64::from(depth))
}

fn encode_number_precision(call: &mut Call<'_>) -> Result<Flow, Raised> {
    arguments(call, 1)?;
    let now = call.json().precision;
    let precision = integer(call, 1, now, 1, 14)?;
    call.json().precision = precision;
    call.give(f64::from(precision))
}

fn encode_keep_buffer(call: &mut Call<'_>) -> Result<Flow, Raised> {
    arguments(call, 1)?;
    let now = usize::from(call.json().keep_buffer);
    let keep = choice(call, 1, now, SWITCH)? == 1;
    call.json().keep_buffer = keep;
    call.give(keep)
}

fn decode_invalid_numbers(call: &mut Call<'_>) -> Result<Flow, Raised> {
    arguments(call, 1)?;
    let now = usize::from(call.json().decode_invalid);
    let allowed = choice(call, 1, now, SWITCH)? == 1;
    call.json().decode_invalid = allowed;
    call.give(allowed)
}

fn encode_invalid_numbers(call: &mut Call<'_>) -> Result<Flow, Raised> {
    arguments(call, 1)?;
    let now = call.json().encode_invalid as usize;
    match choice(call, 1, now, &[b"off", b"on", b"null"])? {
        2 => {
            call.json().encode_invalid = Invalid::Null;
            let text = call.string(b"null")?;
            call.give(text)
        }
        chosen => {
            call.json().encode_invalid = if chosen == 1 { Invalid::Write } else { Invalid::Refuse };
            call.give(chosen == 1)
        }
    }
}

fn encode_sparse_array(call: &mut Call<'_>) -> Result<Flow, Raised> {
    arguments(call, 3)?;
    let now = call.json().clone();
    let convert = choice(call, 1, usize::from(now.sparse_convert), SWITCH)? == 1;
    call.json().sparse_convert = convert;
    let ratio = integer(call, 2, now.sparse_ratio, 0, i64::from(i32::MAX))?;
    call.json().sparse_ratio = ratio;
    let safe = integer(call, 3, now.sparse_safe, 0, i64::from(i32::MAX))?;
    call.json().sparse_safe = safe;
    call.push(convert);
    call.push(f64::from(ratio));
    call.push(f64::from(safe));
    call.give_last(3)
}
