//! Coroutines.

use super::super::Lua;
use super::super::heap::Code;
use super::super::native::{Call, FAILED, Flow, NativeFn, Raised};
use super::super::thread::Status;
use super::super::value::{ThreadId, Value};

const FUNCTIONS: &[(&str, NativeFn)] = &[
    ("create", create),
    ("resume", resume),
    ("running", running),
    ("status", status),
    ("wrap", wrap),
    ("yield", yield_),
];

/// Puts the library into the globals.
pub fn open(lua: &mut Lua) {
    lua.library("coroutine", FUNCTIONS);
}

fn new(call: &mut Call<'_>) -> Result<ThreadId, Raised> {
    if let Value::Function(id) = call.arg(1)
        && matches!(call.lua.heap.functions[id.0].code, Code::Lua(_))
    {
        return Ok(call.lua.new_thread(id));
    }
    Err(call.arg_error(1, "Lua function expected"))
}

fn create(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let thread = new(call)?;
    call.give(Value::Thread(thread))
}

fn wrap(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let thread = new(call)?;
    let globals = call.lua.globals;
    let function = call.heap_mut().native(wrapped, globals, &[Value::Thread(thread)]);
    call.give(function)
}

/// Slots: the coroutine, then the arguments, later the results.
fn wrapped(call: &mut Call<'_>) -> Result<Flow, Raised> {
    match call.state() {
        0 => {
            let count = call.len();
            let thread = call.upvalue(1);
            call.push(Value::Nil);
            let base = call.base;
            call.lua.thread.stack.copy_within(base..base + count, base + 1);
            call.set(1, thread);
            Ok(Flow::Resume(count as u32, 1))
        }
        FAILED => {
            let error = call.pop();
            match error {
                Value::Str(text) => {
                    let text = call.bytes(text).to_vec();
                    Err(call.error_parts(&[&text]))
                }
                Value::Num(number) => {
                    let text = call.number_text(number);
                    let text = call.bytes(text).to_vec();
                    Err(call.error_parts(&[&text]))
                }
                other => Err(call.raise(other)),
            }
        }
        _ => call.give_last(call.len() - 1),
    }
}

fn check_thread(call: &mut Call<'_>) -> Result<ThreadId, Raised> {
    match call.arg(1) {
        Value::Thread(thread) => Ok(thread),
        _ => Err(call.arg_error(1, "coroutine expected")),
    }
}

/// Slots: the coroutine, then the arguments, later the results.
fn resume(call: &mut Call<'_>) -> Result<Flow, Raised> {
    match call.state() {
        0 => {
            check_thread(call)?;
            Ok(Flow::Resume(call.len() as u32 - 1, 1))
        }
        FAILED => {
            let error = call.pop();
            call.push(false);
            call.push(error);
            call.give_last(2)
        }
        _ => {
            call.set(1, Value::Bool(true));
            call.give_last(call.len())
        }
    }
}

fn yield_(call: &mut Call<'_>) -> Result<Flow, Raised> {
    Ok(Flow::Yield(call.len() as u32))
}

fn running(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let current = call.lua.current;
    let value = if current == call.lua.main { Value::Nil } else { Value::Thread(current) };
    call.give(value)
}

fn status(call: &mut Call<'_>) -> Result<Flow, Raised> {
    let thread = check_thread(call)?;
    let name: &[u8] = match call.lua.thread_status(thread) {
        Status::Suspended => b"suspended",
        Status::Running => b"running",
        Status::Normal => b"normal",
        Status::Dead => b"dead",
    };
    let name = call.string(name)?;
    call.give(name)
}
