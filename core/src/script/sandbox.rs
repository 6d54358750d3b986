//! What scripts find: the libraries, `redis`, and globals that are read-only.
//!
//! Natives that need the engine hand it what they were called with, and behind that one of [`Ask`]; it answers
//! with a truth, whether its second value is to be raised, and that value.

use super::lua::Lua;
use super::lua::lib;
use super::lua::native::{Call, Flow, NativeFn, Raised};
use super::lua::value::{TableId, Value};
use super::sha1::sha1_hex;
use crate::error::printable;
use alloc::format;
use alloc::vec::Vec;

/// What a script asks the engine for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// `redis.call`: errors are raised.
    Call,
    /// `redis.pcall`: errors are values.
    Pcall,
    /// `redis.log`
    Log,
    /// `redis.setresp`
    SetResp,
    /// `redis.acl_check_cmd`
    AclCheck,
    /// `redis.register_function`
    Register,
    /// `redis.set_repl`
    SetRepl,
}

impl Ask {
    const ALL: [Self; 7] = [
        Self::Call,
        Self::Pcall,
        Self::Log,
        Self::SetResp,
        Self::AclCheck,
        Self::Register,
        Self::SetRepl,
    ];

    /// What the last value that a native handed over means.
    pub fn of(value: Option<&Value>) -> Option<Self> {
        match value {
            Some(Value::Num(number)) => Self::ALL.get(*number as usize).copied(),
            _ => None,
        }
    }
}

/// The version that scripts are told, and what of old they have.
pub struct Version {
    /// As text: `7.0.15`.
    pub text: &'static str,
    /// As a number: `0x0007000f`.
    pub number: u32,
    /// `lua-enable-deprecated-api`: they have what Redis took from them, too.
    pub deprecated: bool,
}

/// Opens the libraries and makes the globals what scripts may see. `functions`: for libraries of functions, which
/// register and do not call while they load.
pub fn open(lua: &mut Lua, version: &Version, functions: bool) {
    lib::open_all(lua);
    lua.on_caught(caught);
    lib::bit::open(lua);
    lib::cjson::open(lua);
    lib::cmsgpack::open(lua);
    lib::structs::open(lua);
    let globals = lua.globals();
    // What Redis 7.0 does not let scripts have.
    for name in ["getfenv", "setfenv", "newproxy"] {
        if version.deprecated {
            break;
        }
        lua.heap_mut().set_field(globals, name.as_bytes(), Value::Nil);
    }
    let redis = lua.library("redis", FUNCTIONS);
    if functions {
        for name in ["breakpoint", "debug", "replicate_commands"] {
            lua.heap_mut().set_field(redis, name.as_bytes(), Value::Nil);
        }
    }
    let heap = lua.heap_mut();
    for (name, value) in [
        ("LOG_DEBUG", 0.0),
        ("LOG_VERBOSE", 1.0),
        ("LOG_NOTICE", 2.0),
        ("LOG_WARNING", 3.0),
        ("REPL_NONE", 0.0),
        ("REPL_AOF", 1.0),
        ("REPL_SLAVE", 2.0),
        ("REPL_REPLICA", 2.0),
        ("REPL_ALL", 3.0),
        ("REDIS_VERSION_NUM", f64::from(version.number)),
    ] {
        heap.set_field(redis, name.as_bytes(), Value::Num(value));
    }
    let text = heap.string(version.text.as_bytes());
    heap.set_field(redis, b"REDIS_VERSION", Value::Str(text));
    // Valkey's name for the same.
    heap.set_field(globals, b"server", Value::Table(redis));
}

/// The fields of the registry with all globals, and with the `redis` of libraries that load.
const ALL: &[u8] = b"globals";
const LOAD: &[u8] = b"load";

/// After [`open`] and before [`protect`]: prepares the globals that libraries have while they load.
pub fn open_loading(lua: &mut Lua) {
    let (globals, registry) = (lua.globals(), lua.registry());
    let redis = field(lua, globals, b"redis");
    let load = lua.heap_mut().table();
    if let Value::Table(redis) = redis {
        let mut key = Value::Nil;
        while let Some((next, value)) = lua.heap().next(redis, key) {
            key = next;
            let Value::Str(name) = key else { continue };
            let name = lua.heap().bytes(name);
            if name == b"log" || name.starts_with(b"LOG_") || name.starts_with(b"REDIS_") {
                lua.heap_mut().set_value(load, key, value);
            }
        }
    }
    lua.register(load, &[("register_function", |call| ask(call, Ask::Register))]);
    protect(lua, load);
    let all = lua.heap_mut().table();
    let mut key = Value::Nil;
    while let Some((next, value)) = lua.heap().next(globals, key) {
        key = next;
        lua.heap_mut().set_value(all, key, value);
    }
    lua.heap_mut().set_field(registry, ALL, Value::Table(all));
    lua.heap_mut().set_field(registry, LOAD, Value::Table(load));
}

fn field(lua: &mut Lua, table: TableId, name: &[u8]) -> Value {
    let name = lua.heap_mut().string(name);
    lua.heap().get(table, Value::Str(name))
}

/// The globals are now those of libraries that load: `redis` alone, and in that little but `register_function`.
pub fn enter_loading(lua: &mut Lua) {
    set_globals(lua, |_| Value::Nil);
    let (globals, registry) = (lua.globals(), lua.registry());
    let load = field(lua, registry, LOAD);
    lua.heap_mut().set_field(globals, b"redis", load);
    lua.heap_mut().set_field(globals, b"server", load);
}

/// The globals are again those of functions that run.
pub fn leave_loading(lua: &mut Lua) {
    set_globals(lua, |value| value);
}

fn set_globals(lua: &mut Lua, change: fn(Value) -> Value) {
    let (globals, registry) = (lua.globals(), lua.registry());
    let Value::Table(all) = field(lua, registry, ALL) else { return };
    let mut key = Value::Nil;
    while let Some((next, value)) = lua.heap().next(all, key) {
        key = next;
        lua.heap_mut().set_value(globals, key, change(value));
    }
}

/// Makes a table and all tables in it read-only; reading a global that is not there is an error from then on.
pub fn protect(lua: &mut Lua, globals: TableId) {
    let meta = lua.heap_mut().table();
    let index = lua.heap_mut().native(missing_global, globals, &[]);
    lua.heap_mut().set_field(meta, b"__index", Value::Function(index));
    lua.set_metatable(globals, Some(meta));
    let strings = lua.heap_mut().string(b"");
    let string_meta = lua.metatable(Value::Str(strings));
    let mut open = alloc::vec![globals, meta];
    open.extend(string_meta);
    while let Some(table) = open.pop() {
        if lua.heap().table_at(table).is_read_only() {
            continue;
        }
        lua.heap_mut().set_read_only(table, true);
        let mut key = Value::Nil;
        while let Some((next, value)) = lua.heap().next(table, key) {
            key = next;
            if let Value::Table(inner) = value {
                open.push(inner);
            }
        }
    }
}

/// An error that is a table is its text to those who catch it.
fn caught(lua: &mut Lua, error: Value) -> Value {
    let Value::Table(table) = error else { return error };
    let name = lua.heap_mut().string(b"err");
    match lua.heap().get(table, Value::Str(name)) {
        text @ Value::Str(_) => text,
        _ => error,
    }
}

const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("acl_check_cmd", |call| ask(call, Ask::AclCheck)),
    ("breakpoint", |call| call.give(false)),
    ("call", |call| ask(call, Ask::Call)),
    ("debug", |call| call.give_nothing()),
    ("error_reply", error_reply),
    ("log", |call| ask(call, Ask::Log)),
    ("pcall", |call| ask(call, Ask::Pcall)),
    ("replicate_commands", |call| call.give(true)),
    ("set_repl", set_repl),
    ("setresp", |call| ask(call, Ask::SetResp)),
    ("sha1hex", sha1hex),
    ("status_reply", status_reply),
];

/// The state of a native that the engine has answered.
const ANSWERED: u32 = 1;

fn ask(call: &mut Call<'_>, what: Ask) -> Result<Flow, Raised> {
    if call.state() == ANSWERED {
        let value = call.pop();
        let raises = call.pop().is_true();
        return if raises { Err(call.raise(value)) } else { call.give(value) };
    }
    let count = call.len();
    call.push(f64::from(what as u8));
    Ok(Flow::Host(count as u32 + 1, ANSWERED))
}

/// An error as scripts know it: a table with the field `err`.
pub fn error_table(lua: &mut Lua, text: &[u8]) -> TableId {
    let table = lua.heap_mut().table();
    let text = lua.heap_mut().string(text);
    lua.heap_mut().set_field(table, b"err", Value::Str(text));
    table
}

fn raise(call: &mut Call<'_>, text: &str) -> Raised {
    let table = error_table(call.lua(), format!("ERR {text}").as_bytes());
    call.raise(table)
}

fn missing_global(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let name = match call.arg(2) {
        Value::Str(name) => printable(call.bytes(name), 256),
        Value::Num(number) => {
            let text = call.number_text(number);
            printable(call.bytes(text), 256)
        }
        _ => {
            return Err(
                call.error("Second argument to luaProtectedTableError must be a string or number")
            );
        }
    };
    Err(call.error(&format!("Script attempted to access nonexistent global variable '{name}'")))
}

fn sha1hex(call: &mut Call<'_>) -> Result<Flow, Raised> {
    if call.len() != 1 {
        return Err(raise(call, "wrong number of arguments"));
    }
    let hex = match call.arg(1) {
        Value::Str(_) | Value::Num(_) => {
            let text = call.check_str(1)?;
            call.pay(call.bytes(text).len());
            sha1_hex(call.bytes(text))
        }
        _ => sha1_hex(b""),
    };
    let hex = call.string(&hex)?;
    call.give(hex)
}

fn set_repl(call: &mut Call<'_>) -> Result<Flow, Raised> {
    if call.state() == ANSWERED {
        return ask(call, Ask::SetRepl);
    }
    if call.len() != 1 {
        return Err(raise(call, "redis.set_repl() requires two arguments."));
    }
    let flags = call.check_integer(1)?;
    if flags & !3 != 0 {
        return Err(raise(
            call,
            "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        ));
    }
    ask(call, Ask::SetRepl)
}

/// The one text that a reply is made of; where it is none, the error stands for the reply.
fn text_of_reply(call: &mut Call<'_>) -> Result<Vec<u8>, TableId> {
    match call.arg(1) {
        Value::Str(text) if call.len() == 1 => Ok(call.bytes(text).to_vec()),
        _ => Err(error_table(call.lua(), b"ERR wrong number or type of arguments")),
    }
}

fn error_reply(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let table = match text_of_reply(call) {
        Ok(text) => {
            let text = with_code(text.strip_prefix(b"-").unwrap_or(&text));
            error_table(call.lua(), &text)
        }
        Err(table) => table,
    };
    call.give(table)
}

/// An error's text with a code before it: one word alone is no code.
fn with_code(text: &[u8]) -> Vec<u8> {
    let end = text.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |at| at + 1);
    let text = &text[..end];
    if text.contains(&b' ') { text.to_vec() } else { [b"ERR ", text].concat() }
}

fn status_reply(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let table = match text_of_reply(call) {
        Ok(text) => {
            let table = call.heap_mut().table();
            let text = call.string(&text)?;
            call.heap_mut().set_field(table, b"ok", Value::Str(text));
            table
        }
        Err(table) => table,
    };
    call.give(table)
}
