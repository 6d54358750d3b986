//! Libraries of functions: what FUNCTION LOAD brings and FCALL calls.
//!
//! All libraries share one Lua, apart from that of EVAL. While a library loads, its globals are `redis` alone, and
//! in that little more than `register_function`; once it is loaded they are what functions have. So a library
//! registers and does nothing else.
//!
//! Loading and joining are two steps: what fails to load, or collides with what is there, changes nothing.

use super::convert::text_of;
use super::flags::{self, Flags};
use super::lua::value::{TableId, Value};
use super::lua::{Lua, Step};
use super::machine::Machine;
use super::sandbox::{self, Ask, error_table};
use crate::collections::ordered;
use crate::error::printable;
use crate::resp::parse::split_words;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Instructions that a library may take to load.
const LOAD_MAX: u64 = 20_000_000;

/// The field of the registry with the callbacks of the library that loads.
const LOADING: &[u8] = b"loading";

/// A function of a library.
#[derive(Debug)]
pub struct Function {
    /// Its name, as it was registered.
    pub name: Box<[u8]>,
    /// What it said of itself.
    pub description: Option<Box<[u8]>>,
    /// What it promises.
    pub flags: Flags,
    /// What runs.
    pub callback: Value,
}

/// A library.
#[derive(Debug)]
pub struct Library {
    /// Its name.
    pub name: Box<[u8]>,
    /// Its text, with the first line.
    pub code: Box<[u8]>,
    /// What it registered.
    pub functions: Vec<Function>,
    /// The callbacks again, for the collector.
    callbacks: TableId,
}

/// A library's name, and which of its functions.
type Place = (Box<[u8]>, usize);

/// All libraries.
#[derive(Debug, Default)]
pub struct Libraries {
    all: ordered::Map<Box<[u8]>, Library>,
    /// Library and place of a function, by its name in small letters.
    functions: ordered::Map<Box<[u8]>, Place>,
    /// Bytes of names and texts.
    memory: usize,
}

/// What a script wants in the log: a level from 0 (debug) to 3 (warning), and the line.
pub type LogLine = (u8, String);

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

const NAME_RULE: &str = "Library names can only contain letters, numbers, or underscores(_) and must be at \
                         least one character long";

/// Name and start of the code of a library, from its first line. Errors are without a code.
pub fn head(code: &[u8]) -> Result<(Vec<u8>, usize), String> {
    let Some(after) = code.strip_prefix(b"#!") else {
        return Err("Missing library metadata".to_owned());
    };
    let end = after.iter().position(|b| *b == b'\n').ok_or("Invalid library metadata")?;
    let words = split_words(&code[..end + 2]).ok_or("Invalid library metadata")?;
    let engine = words.first().and_then(|word| word.get(2..)).unwrap_or_default();
    let mut name = None;
    for word in words.iter().skip(1) {
        match word.split_at_checked(5) {
            Some((key, value)) if key.eq_ignore_ascii_case(b"name=") => {
                if name.replace(value).is_some() {
                    let text = "Invalid metadata value, name argument was given multiple times";
                    return Err(text.to_owned());
                }
            }
            _ => {
                let word = printable(word, 128);
                return Err(format!("Invalid metadata value given: {word}"));
            }
        }
    }
    let name = name.ok_or("Library name was not given")?;
    if !is_name(name) {
        return Err(NAME_RULE.to_owned());
    }
    if !engine.eq_ignore_ascii_case(b"lua") {
        return Err(format!("Engine '{}' not found", printable(engine, 128)));
    }
    Ok((name.to_vec(), end + 2))
}

/// Compiles a library and lets it register. What it logs is added to `log`. Errors are without a code.
pub fn load(machine: &mut Machine, code: &[u8], log: &mut Vec<LogLine>) -> Result<Library, String> {
    let (name, start) = head(code)?;
    let lua = &mut machine.lua;
    let function = lua.load(b"@user_function", &code[start..]).map_err(|error| {
        let error = text_of(lua, error);
        format!("Error compiling function: {}", String::from_utf8_lossy(&error))
    })?;
    let callbacks = lua.heap_mut().table();
    let registry = lua.registry();
    lua.heap_mut().set_field(registry, LOADING, Value::Table(callbacks));
    sandbox::enter_loading(lua);
    let mut functions = Vec::new();
    let result = register_all(lua, function, &mut functions, callbacks, log);
    lua.reset();
    sandbox::leave_loading(lua);
    lua.heap_mut().set_field(registry, LOADING, Value::Nil);
    result.map_err(|error| format!("Error registering functions: {error}"))?;
    if functions.is_empty() {
        return Err("No functions registered".to_owned());
    }
    Ok(Library { name: name.into(), code: code.into(), functions, callbacks })
}

fn register_all(
    lua: &mut Lua,
    function: Value,
    functions: &mut Vec<Function>,
    callbacks: TableId,
    log: &mut Vec<LogLine>,
) -> Result<(), String> {
    lua.start(function, &[]);
    let mut step = lua.run(LOAD_MAX);
    loop {
        step = match step {
            Step::Done(_) => return Ok(()),
            Step::Suspended => return Err("ERR FUNCTION LOAD timeout".to_owned()),
            Step::Error(error) => return Err(error_text(lua, error)),
            Step::Host(values) => {
                let args = &values[..values.len().saturating_sub(1)];
                let result = match Ask::of(values.last()) {
                    Some(Ask::Register) => register(lua, args, functions).map(|function| {
                        let place = functions.len() + 1;
                        lua.heap_mut().set_index(callbacks, place, function.callback);
                        functions.push(function);
                    }),
                    Some(Ask::Log) => log_line(lua, args).map(|line| log.push(line)),
                    _ => Err("not while a library loads".to_owned()),
                };
                let answer = match result {
                    Ok(()) => [Value::Bool(false), Value::Nil],
                    Err(text) => {
                        let error = error_table(lua, format!("ERR {text}").as_bytes());
                        [Value::Bool(true), Value::Table(error)]
                    }
                };
                let left = u64::try_from(lua.budget_left()).unwrap_or(0);
                lua.answer(&answer, left)
            }
        };
    }
}

fn error_text(lua: &mut Lua, error: Value) -> String {
    let text = match error {
        Value::Table(table) => {
            let name = lua.heap_mut().string(b"err");
            match lua.heap().get(table, Value::Str(name)) {
                Value::Str(text) => lua.heap().bytes(text).to_vec(),
                _ => b"ERR unknown error".to_vec(),
            }
        }
        other => [b"ERR ".as_slice(), &text_of(lua, other)].concat(),
    };
    String::from_utf8_lossy(&text).into_owned()
}

/// What `redis.log(level, message…)` was called with.
pub fn log_line(lua: &Lua, args: &[Value]) -> Result<LogLine, String> {
    if args.len() < 2 {
        return Err("redis.log() requires two arguments or more.".to_owned());
    }
    let Value::Num(level) = args[0] else {
        return Err("First argument must be a number (log level).".to_owned());
    };
    let level = level as i64;
    if !(0..=3).contains(&level) {
        return Err("Invalid debug level.".to_owned());
    }
    let mut line = String::new();
    for arg in &args[1..] {
        if let Value::Str(_) | Value::Num(_) = arg {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&String::from_utf8_lossy(&text_of(lua, *arg)));
        }
    }
    Ok((level as u8, line))
}

/// Text of a string or number.
fn text(lua: &Lua, value: Value) -> Option<Vec<u8>> {
    matches!(value, Value::Str(_) | Value::Num(_)).then(|| text_of(lua, value))
}

/// Reads the arguments of `redis.register_function`.
fn register(lua: &Lua, args: &[Value], others: &[Function]) -> Result<Function, String> {
    let (name, description, flags, callback) = match args {
        [Value::Table(named)] => by_names(lua, *named)?,
        [_] => {
            return Err("calling redis.register_function with a single argument is only applicable to Lua table \
                        (representing named arguments)."
                .to_owned());
        }
        [name, callback] => {
            let name = text(lua, *name)
                .ok_or("first argument to redis.register_function must be a string")?;
            if !matches!(callback, Value::Function(_)) {
                return Err("second argument to redis.register_function must be a function".into());
            }
            (name, None, Flags::empty(), *callback)
        }
        _ => return Err("wrong number of arguments to redis.register_function".to_owned()),
    };
    if !is_name(&name) {
        return Err(NAME_RULE.to_owned());
    }
    if others.iter().any(|other| *other.name == *name) {
        return Err("Function already exists in the library".to_owned());
    }
    Ok(Function {
        name: name.into(),
        description: description.map(Vec::into_boxed_slice),
        flags,
        callback,
    })
}

type Named = (Vec<u8>, Option<Vec<u8>>, Flags, Value);

fn by_names(lua: &Lua, table: TableId) -> Result<Named, String> {
    let (mut name, mut description, mut flags, mut callback) = (None, None, Flags::empty(), None);
    let must = |what: &str, kind: &str| {
        format!("{what} argument given to redis.register_function must be a {kind}")
    };
    let mut key = Value::Nil;
    while let Some((next, value)) = lua.heap().next(table, key) {
        key = next;
        let key = text(lua, key)
            .ok_or("named argument key given to redis.register_function is not a string")?;
        if key.eq_ignore_ascii_case(b"function_name") {
            name = Some(text(lua, value).ok_or_else(|| must("function_name", "string"))?);
        } else if key.eq_ignore_ascii_case(b"description") {
            description = Some(text(lua, value).ok_or_else(|| must("description", "string"))?);
        } else if key.eq_ignore_ascii_case(b"callback") {
            if !matches!(value, Value::Function(_)) {
                return Err(must("callback", "function"));
            }
            callback = Some(value);
        } else if key.eq_ignore_ascii_case(b"flags") {
            let Value::Table(list) = value else {
                return Err(
                    "flags argument to redis.register_function must be a table representing \
                            function flags"
                        .to_owned(),
                );
            };
            flags = flags_of(lua, list)?;
        } else {
            return Err("unknown argument given to redis.register_function".to_owned());
        }
    }
    let name = name.ok_or("redis.register_function must get a function name argument")?;
    let callback = callback.ok_or("redis.register_function must get a callback argument")?;
    Ok((name, description, flags, callback))
}

fn flags_of(lua: &Lua, list: TableId) -> Result<Flags, String> {
    let mut all = Flags::empty();
    for index in 1.. {
        all |= match lua.heap().get(list, Value::Num(f64::from(index))) {
            Value::Nil => break,
            Value::Str(name) => flags::by_name(&lua.heap().bytes(name).to_ascii_lowercase())
                .ok_or("unknown flag given")?,
            _ => return Err("unknown flag given".to_owned()),
        };
    }
    Ok(all)
}

impl Libraries {
    /// The library of this name.
    pub fn get(&self, name: &[u8]) -> Option<&Library> {
        self.all.get(name)
    }

    /// All libraries by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Library> {
        self.all.values()
    }

    /// How many libraries there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many functions there are.
    pub fn functions(&self) -> usize {
        self.functions.len()
    }

    /// The function of this name, in any case of its letters.
    pub fn function(&self, name: &[u8]) -> Option<&Function> {
        let mut short = [0; 64];
        let (library, place) = match short.get_mut(..name.len()) {
            Some(lower) => {
                lower.copy_from_slice(name);
                lower.make_ascii_lowercase();
                self.functions.get(&*lower)
            }
            None => self.functions.get(&*name.to_ascii_lowercase()),
        }?;
        self.all.get(library)?.functions.get(*place)
    }

    /// Bytes of names and texts.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// The texts of all libraries.
    pub fn codes(&self) -> Vec<Box<[u8]>> {
        self.iter().map(|library| library.code.clone()).collect()
    }

    /// Adds libraries, all or none. `replace`: they take the place of those of their names.
    pub fn join(
        &mut self,
        machine: &mut Machine,
        libraries: Vec<Library>,
        replace: bool,
    ) -> Result<(), String> {
        let mut replaced = Vec::new();
        for library in &libraries {
            if let Some(old) = self.all.get(&library.name) {
                if !replace {
                    return Err(already("Library", &library.name));
                }
                replaced.push(old.name.clone());
            }
        }
        let mut new = ordered::Map::new();
        for library in &libraries {
            for function in &library.functions {
                let lower = function.name.to_ascii_lowercase();
                let taken = self.functions.get(&*lower);
                if taken.is_some_and(|(of, _)| !replaced.contains(of))
                    || new.insert(lower, ()).is_some()
                {
                    return Err(already("Function", &function.name));
                }
            }
        }
        for name in replaced {
            self.remove(machine, &name);
        }
        for library in libraries {
            for (place, function) in library.functions.iter().enumerate() {
                let lower = function.name.to_ascii_lowercase();
                self.functions.insert(lower.into(), (library.name.clone(), place));
            }
            self.memory += library.size();
            let registry = machine.lua.registry();
            let heap = machine.lua.heap_mut();
            heap.set_field(registry, &registered(&library.name), Value::Table(library.callbacks));
            self.all.insert(library.name.clone(), library);
        }
        Ok(())
    }

    /// Forgets a library; whether it was there.
    pub fn remove(&mut self, machine: &mut Machine, name: &[u8]) -> bool {
        let Some(library) = self.all.remove(name) else { return false };
        self.memory -= library.size();
        for function in &library.functions {
            self.functions.remove(&*function.name.to_ascii_lowercase());
        }
        let registry = machine.lua.registry();
        machine.lua.heap_mut().set_field(registry, &registered(name), Value::Nil);
        true
    }
}

fn already(what: &str, name: &[u8]) -> String {
    format!("{what} {} already exists", printable(name, 128))
}

/// The field of the registry that keeps a library's callbacks.
fn registered(name: &[u8]) -> Vec<u8> {
    [b"library ", name].concat()
}

impl Library {
    fn size(&self) -> usize {
        let of = |function: &Function| {
            function.name.len() + function.description.as_ref().map_or(0, |text| text.len())
        };
        self.name.len()
            + self.code.len()
            + self.functions.iter().map(|f| of(f) + size_of::<Function>()).sum::<usize>()
            + size_of::<Self>()
    }
}
