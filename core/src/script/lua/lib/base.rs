//! The functions that stand alone: `assert` to `xpcall`. No files, no `print` unless a host asks.

use super::super::Lua;
use super::super::debug::Level;
use super::super::heap::Code;
use super::super::meta::Event;
use super::super::native::{Call, FAILED, Flow, NativeFn, Raised, Results};
use super::super::number::{is_space, write_number};
use super::super::value::{FunctionId, Str, TableId, UserId, Value};
use alloc::vec::Vec;

const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("assert", assert),
    ("collectgarbage", collectgarbage),
    ("error", error),
    ("gcinfo", gcinfo),
    ("getfenv", getfenv),
    ("getmetatable", getmetatable),
    ("load", load),
    ("loadstring", loadstring),
    ("next", next),
    ("pcall", pcall),
    ("rawequal", rawequal),
    ("rawget", rawget),
    ("rawset", rawset),
    ("select", select),
    ("setfenv", setfenv),
    ("setmetatable", setmetatable),
    ("tonumber", tonumber),
    ("tostring", tostring),
    ("type", type_),
    ("unpack", unpack),
    ("xpcall", xpcall),
];

/// Puts the functions into the globals.
pub fn open(lua: &mut Lua) {
    let globals = lua.globals();
    lua.heap.set_field(globals, b"_G", Value::Table(globals));
    let version = lua.heap.string(b"Lua 5.1");
    lua.heap.set_field(globals, b"_VERSION", Value::Str(version));
    lua.register(globals, FUNCTIONS);
    let name = lua.heap.string(b"next");
    let next = lua.heap.get(globals, Value::Str(name));
    if let Value::Function(id) = next {
        lua.next = Some(id);
        lua.roots.push(next);
    }
    let ipairs_step = lua.heap.native(ipairs_step, globals, &[]);
    for (name, function, own) in [
        ("pairs", pairs as NativeFn, next),
        ("ipairs", ipairs, Value::Function(ipairs_step)),
        ("newproxy", newproxy, Value::Nil),
    ] {
        let function = lua.heap.native(function, globals, &[own]);
        lua.heap.set_field(globals, name.as_bytes(), Value::Function(function));
    }
}

/// Adds `print`, which writes into a buffer of the machine: for tests.
pub fn open_print(lua: &mut Lua) {
    let globals = lua.globals();
    lua.register(globals, &[("print", print)]);
}

fn assert(call: &mut Call<'_>) -> Result<Flow, Raised> {
    if call.check_any(1)?.is_true() {
        return call.give_last(call.len());
    }
    match call.opt_str(2)? {
        Some(text) => {
            // C's text ends at its first zero.
            let text = call.bytes(text).split(|byte| *byte == 0).next().unwrap_or_default();
            let text = text.to_vec();
            Err(call.error_parts(&[&text]))
        }
        None => Err(call.error("assertion failed!")),
    }
}

fn collectgarbage(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let option = match call.opt_str(1)? {
        Some(option) => call.bytes(option).to_vec(),
        None => b"collect".to_vec(),
    };
    call.opt_integer(2, 0)?;
    match option.as_slice() {
        b"collect" => {
            // Collected when the native is done; its slots stay alive until then.
            call.lua.collect();
            call.give(0.0)
        }
        b"count" => call.give(call.heap().used() as f64 / 1024.0),
        b"step" => {
            let done = call.lua.step(1 << 16);
            call.give(done)
        }
        b"stop" => {
            call.lua.heap.gc.stopped = true;
            call.give(0.0)
        }
        b"restart" => {
            call.lua.heap.gc.stopped = false;
            call.lua.heap.gc.threshold = 0;
            call.give(0.0)
        }
        b"setpause" | b"setstepmul" => call.give(200.0),
        other => Err(call.arg_error_parts(1, &[b"invalid option '", other, b"'"])),
    }
}

fn gcinfo(call: &mut Call<'_>) -> Result<Flow, Raised> {
    call.give((call.heap().used() / 1024) as f64)
}

fn error(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let level = call.opt_integer(2, 1)?;
    let value = call.arg(1);
    if level > 0 {
        let text = match value {
            Value::Str(text) => Some(text),
            Value::Num(number) => Some(call.number_text(number)),
            _ => None,
        };
        if let Some(text) = text {
            let mut message = call.lua.position(u32::try_from(level).unwrap_or(u32::MAX));
            message.extend_from_slice(call.bytes(text));
            let message = call.string(&message)?;
            return Err(call.raise(message));
        }
    }
    Err(call.raise(value))
}

// Environments.

/// The function that the first argument means: itself, or a level of calls.
fn function_at(call: &mut Call<'_>, optional: bool) -> Result<FunctionId, Raised> {
    if let Value::Function(id) = call.arg(1) {
        return Ok(id);
    }
    let level = if optional { call.opt_integer(1, 1)? } else { call.check_integer(1)? };
    if level < 0 {
        return Err(call.arg_error(1, "level must be non-negative"));
    }
    match call.lua.frame_at(u32::try_from(level).unwrap_or(u32::MAX)) {
        Level::Frame(index) => Ok(call.lua.thread.frames[index].function),
        Level::TailCall => {
            let mut text = Vec::new();
            write_number(level as f64, &mut text);
            Err(call.error_parts(&[b"no function environment for tail call at level ", &text]))
        }
        Level::None => Err(call.arg_error(1, "invalid level")),
    }
}

fn getfenv(call: &mut Call<'_>) -> Result<Flow, Raised> {
    if let Value::Num(0.0) = call.arg(1) {
        let globals = call.lua.globals;
        return call.give(globals);
    }
    let function = function_at(call, true)?;
    let function = &call.lua.heap.functions[function.0];
    let env = match function.code {
        Code::Lua(_) => function.env,
        _ => call.lua.globals,
    };
    call.give(env)
}

fn setfenv(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let env = call.check_table(2)?;
    if let Value::Num(0.0) = call.arg(1) {
        call.lua.heap.forward(Value::Table(env));
        call.lua.globals = env;
        return call.give_nothing();
    }
    let id = function_at(call, false)?;
    let function = &mut call.lua.heap.functions[id.0];
    if !matches!(function.code, Code::Lua(_)) {
        return Err(call.error("'setfenv' cannot change environment of given object"));
    }
    function.env = env;
    call.lua.heap.forward(Value::Table(env));
    call.give(id)
}

// Metatables.

fn getmetatable(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let value = call.check_any(1)?;
    let Some(meta) = call.lua.metatable(value) else { return call.give(Value::Nil) };
    let hidden = call.lua.event(value, Event::Metatable);
    call.give(if hidden.is_nil() { Value::Table(meta) } else { hidden })
}

fn setmetatable(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let meta = call.arg(2);
    let table = call.check_table(1)?;
    let meta = match meta {
        Value::Nil if !call.is_none(2) => None,
        Value::Table(meta) => Some(meta),
        _ => return Err(call.arg_error(2, "nil or table expected")),
    };
    if !call.lua.event(Value::Table(table), Event::Metatable).is_nil() {
        return Err(call.error("cannot change a protected metatable"));
    }
    if call.lua.heap.tables[table.0].read_only {
        return Err(read_only(call));
    }
    call.lua.set_metatable(table, meta);
    call.give(table)
}

/// What is said of a read-only table by functions, which tell no position.
fn read_only(call: &mut Call<'_>) -> Raised {
    match call.string(b"Attempt to modify a readonly table") {
        Ok(text) => call.raise(text),
        Err(raised) => raised,
    }
}

fn rawequal(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let (a, b) = (call.check_any(1)?, call.check_any(2)?);
    call.give(a.raw_equals(b))
}

fn rawget(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let table = call.check_table(1)?;
    let key = call.check_any(2)?;
    let value = call.raw_get(table, key);
    call.give(value)
}

fn rawset(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let table = call.check_table(1)?;
    let (key, value) = (call.check_any(2)?, call.check_any(3)?);
    if call.lua.heap.tables[table.0].read_only {
        return Err(read_only(call));
    }
    if key.is_nil() {
        return Err(bare_error(call, b"table index is nil"));
    }
    if matches!(key, Value::Num(number) if number.is_nan()) {
        return Err(bare_error(call, b"table index is NaN"));
    }
    call.raw_set(table, key, value)?;
    call.give(table)
}

/// An error without position, as the machine raises it inside a native.
fn bare_error(call: &mut Call<'_>, text: &[u8]) -> Raised {
    let text = call.lua.heap.string(text);
    call.raise(text)
}

fn newproxy(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let globals = call.lua.globals;
    let meta = match call.arg(1) {
        Value::Nil | Value::Bool(false) => None,
        Value::Bool(true) => Some(call.heap_mut().table()),
        Value::User(UserId(id)) if call.lua.heap.users[id].meta.is_some() => {
            call.lua.heap.users[id].meta
        }
        _ => return Err(call.arg_error(1, "boolean or proxy expected")),
    };
    let user = call.heap_mut().user(meta, globals);
    call.give(Value::User(user))
}

// Iteration.

fn next(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let table = call.check_table(1)?;
    let key = call.arg(2);
    match call.lua.heap.tables[table.0].next(key) {
        Ok(Some((key, value))) => {
            call.push(key);
            call.push(value);
            call.give_last(2)
        }
        Ok(None) => call.give(Value::Nil),
        Err(_) => Err(bare_error(call, b"invalid key to 'next'")),
    }
}

fn pairs(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let table = call.check_table(1)?;
    let next = call.upvalue(1);
    call.push(next);
    call.push(table);
    call.push(Value::Nil);
    call.give_last(3)
}

fn ipairs(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let table = call.check_table(1)?;
    let step = call.upvalue(1);
    call.push(step);
    call.push(table);
    call.push(0.0);
    call.give_last(3)
}

fn ipairs_step(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let index = call.check_integer(2)?.wrapping_add(1);
    let table = call.check_table(1)?;
    let value = call.raw_get(table, index as f64);
    if value.is_nil() {
        return call.give_nothing();
    }
    call.push(index as f64);
    call.push(value);
    call.give_last(2)
}

fn select(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let count = call.len() as i64;
    if let Value::Str(text) = call.arg(1)
        && call.bytes(text).first() == Some(&b'#')
    {
        return call.give((count - 1) as f64);
    }
    let index = i64::from(call.check_integer(1)? as i32);
    let index = if index < 0 { count + index } else { index.min(count) };
    if index < 1 {
        return Err(call.arg_error(1, "index out of range"));
    }
    call.give_last((count - index) as usize)
}

fn unpack(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let table = call.check_table(1)?;
    let first = call.opt_integer(2, 1)? as i32;
    let last = if call.is_none_or_nil(3) {
        call.lua.heap.tables[table.0].border() as i32
    } else {
        call.check_integer(3)? as i32
    };
    if first > last {
        return call.give_nothing();
    }
    let count = last.wrapping_sub(first).wrapping_add(1);
    if count <= 0 || !call.has_room_for(count as usize) {
        return Err(call.error("too many results to unpack"));
    }
    call.pay(count as usize / 4);
    for index in 0..count {
        let value = call.raw_get(table, f64::from(first + index));
        call.push(value);
    }
    call.give_last(count as usize)
}

// Types.

fn type_(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let name = call.check_any(1)?.type_name();
    let name = call.lua.heap.string(name.as_bytes());
    call.give(name)
}

/// The text of a value that has no `__tostring`.
fn plain_text(lua: &mut Lua, value: Value) -> Str {
    let mut text = Vec::new();
    match value {
        Value::Str(text) => return text,
        Value::Num(number) => write_number(number, &mut text),
        Value::Nil | Value::Dead(_) => text.extend_from_slice(b"nil"),
        Value::Bool(value) => text.extend_from_slice(if value { b"true" } else { b"false" }),
        Value::Table(TableId(id)) | Value::User(UserId(id)) | Value::Light(id) => {
            write_address(value, id, &mut text);
        }
        Value::Function(FunctionId(id)) => write_address(value, id, &mut text),
        Value::Thread(id) => write_address(value, id.0, &mut text),
    }
    lua.heap.string(&text)
}

/// Something that looks like an address and differs between objects.
fn write_address(value: Value, id: u32, out: &mut Vec<u8>) {
    let name = value.type_name();
    let kind = u64::from(name.as_bytes()[0] & 7);
    let address = 0x5500_0000_0000 | kind << 36 | (u64::from(id) + 1) << 5;
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": 0x");
    for digit in (0..12).rev() {
        out.push(b"0123456789abcdef"[(address >> (4 * digit) & 15) as usize]);
    }
}

fn tostring(call: &mut Call<'_>) -> Result<Flow, Raised> {
    if call.state() != 0 {
        return call.give_last(1);
    }
    let value = call.check_any(1)?;
    let handler = call.lua.event(value, Event::ToString);
    if handler.is_nil() {
        let text = plain_text(call.lua, value);
        return call.give(text);
    }
    call.push(handler);
    call.push(value);
    Ok(call.call(1, Results::Exactly(1), 1))
}

fn tonumber(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let base = call.opt_integer(2, 10)? as i32;
    if base == 10 {
        let value = call.check_any(1)?;
        let number = super::super::vm::to_number(call.lua, value);
        return call.give(number.map_or(Value::Nil, Value::Num));
    }
    let text = call.check_str(1)?;
    if !(2..=36).contains(&base) {
        return Err(call.arg_error(2, "base out of range"));
    }
    let number = integer_in_base(call.bytes(text), base as u32);
    call.give(number.map_or(Value::Nil, Value::Num))
}

/// C's `strtoul`, with space behind the number.
fn integer_in_base(text: &[u8], base: u32) -> Option<f64> {
    let text = text.split(|b| *b == 0).next().unwrap_or(text);
    let start = text.iter().position(|b| !is_space(*b))?;
    let (negative, mut digits) = match &text[start..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if let (16, [b'0', b'x' | b'X', rest @ ..]) = (base, digits)
        && rest.first().is_some_and(u8::is_ascii_hexdigit)
    {
        digits = rest;
    }
    let mut value = Some(0u64);
    let mut count = 0;
    for byte in digits {
        let Some(digit) = char::from(*byte).to_digit(base) else { break };
        value = value
            .and_then(|v| v.checked_mul(base.into()))
            .and_then(|v| v.checked_add(digit.into()));
        count += 1;
    }
    if count == 0 || !digits[count..].iter().all(|b| is_space(*b)) {
        return None;
    }
    Some(match value {
        Some(value) if negative => value.wrapping_neg() as f64,
        Some(value) => value as f64,
        None => u64::MAX as f64,
    })
}

// Chunks.

fn loaded(call: &mut Call<'_>, name: &[u8], source: &[u8]) -> Result<Flow, Raised> {
    // What is in progress has its share of the levels of syntax.
    let levels = 3 + call.lua.thread.depth;
    match call.lua.load_at(name, source, levels) {
        Ok(function) => call.give(function),
        Err(message) => {
            call.push(Value::Nil);
            call.push(message);
            call.give_last(2)
        }
    }
}

fn loadstring(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let source = call.check_str(1)?;
    let name = call.opt_str(2)?.unwrap_or(source);
    let source = call.bytes(source).to_vec();
    let name = call.bytes(name).to_vec();
    loaded(call, &name, &source)
}

/// Slots: the reader, the name. The pieces are kept as bytes.
fn load(call: &mut Call<'_>) -> Result<Flow, Raised> {
    match call.state() {
        0 => {
            call.opt_str(2)?;
            call.check_function(1)?;
            call.set_len(2);
            call.keep(Vec::<u8>::new());
        }
        FAILED => {
            let error = call.pop();
            call.push(Value::Nil);
            call.push(error);
            return call.give_last(2);
        }
        _ => {
            let piece = call.pop();
            let piece = match piece {
                Value::Num(number) => Value::Str(call.number_text(number)),
                other => other,
            };
            match piece {
                Value::Str(text) if !call.bytes(text).is_empty() => {
                    let piece = call.bytes(text).to_vec();
                    let size = call.kept::<Vec<u8>>().map_or(0, |source| source.len());
                    call.reserve(size + 2 * piece.len())?;
                    call.pay(piece.len() / 8);
                    if let Some(source) = call.kept::<Vec<u8>>() {
                        source.extend_from_slice(&piece);
                    }
                }
                Value::Nil | Value::Str(_) => {
                    let source = call.take_kept::<Vec<u8>>().unwrap_or_default();
                    let name = match call.arg(2) {
                        Value::Str(name) => call.bytes(name).to_vec(),
                        _ => b"=(load)".to_vec(),
                    };
                    return loaded(call, &name, &source);
                }
                _ => {
                    // As every error while reading, this is an answer.
                    let mut message = call.lua.position(1);
                    message.extend_from_slice(b"reader function must return a string");
                    let message = call.string(&message)?;
                    call.push(Value::Nil);
                    call.push(message);
                    return call.give_last(2);
                }
            }
        }
    }
    call.protect();
    let reader = call.arg(1);
    call.push(reader);
    Ok(call.call(0, Results::Exactly(1), 1))
}

// Protected calls.

fn pcall(call: &mut Call<'_>) -> Result<Flow, Raised> {
    match call.state() {
        0 => {
            call.check_any(1)?;
            call.protect();
            Ok(call.call(call.len() - 1, Results::All, 1))
        }
        FAILED => {
            let error = call.pop();
            let error = call.lua.caught.map_or(error, |change| change(call.lua, error));
            call.push(false);
            call.push(error);
            call.give_last(2)
        }
        // The results stand where the function stood.
        _ => succeeded(call, 1),
    }
}

/// `true` and the values from a slot on.
fn succeeded(call: &mut Call<'_>, from: usize) -> Result<Flow, Raised> {
    let count = call.len() + 1 - from;
    call.push(Value::Nil);
    let base = call.base + from - 1;
    call.lua.thread.stack.copy_within(base..base + count, base + 1);
    call.set(from, Value::Bool(true));
    call.give_last(count + 1)
}

/// Slots: the handler, the function.
fn xpcall(call: &mut Call<'_>) -> Result<Flow, Raised> {
    const CALLED: u32 = 1;
    const HANDLED: u32 = 2;
    match call.state() {
        0 => {
            call.check_any(2)?;
            let (function, handler) = (call.arg(1), call.arg(2));
            call.set_len(2);
            call.set(1, handler);
            call.set(2, function);
            call.protect();
            Ok(call.call(0, Results::All, CALLED))
        }
        CALLED => succeeded(call, 2),
        HANDLED => {
            let answer = call.pop();
            call.push(false);
            call.push(answer);
            call.give_last(2)
        }
        _ => {
            let error = call.pop();
            let handler = call.arg(1);
            // An error in the handler, which is called with the handler still on, ends badly.
            if call.len() == 2 || !matches!(handler, Value::Function(_)) {
                let text = call.lua.heap.string(b"error in error handling");
                call.push(false);
                call.push(text);
                return call.give_last(2);
            }
            call.set_len(1);
            call.push(handler);
            call.set_len(3);
            call.set(3, handler);
            call.push(error);
            call.protect();
            Ok(call.call(1, Results::Exactly(1), HANDLED))
        }
    }
}

// Output.

/// Slots: the arguments, then `tostring`. The number of those done is kept as the state.
fn print(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let done = call.state() as usize;
    let count = if done == 0 {
        let globals = call.lua.globals;
        let name = call.string(b"tostring")?;
        let function = call.raw_get(globals, name);
        call.push(function);
        call.len() - 1
    } else {
        let text = call.pop();
        match text {
            Value::Str(text) => {
                let text = call.bytes(text).to_vec();
                call.lua.printed.extend_from_slice(&text);
            }
            Value::Num(number) => write_number(number, &mut call.lua.printed),
            _ => return Err(call.error("'tostring' must return a string to 'print'")),
        }
        call.len() - 1
    };
    if done > 0 && done < count {
        call.lua.printed.push(b'\t');
    }
    if done == count {
        call.lua.printed.push(b'\n');
        return call.give_nothing();
    }
    let (function, value) = (call.arg(count + 1), call.arg(done + 1));
    call.push(function);
    call.push(value);
    Ok(call.call(1, Results::Exactly(1), done as u32 + 1))
}
