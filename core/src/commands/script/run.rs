//! Running a script: slices of its machine, and the commands it calls in between.
//!
//! A script that is not done after a slice is put aside, so that the engine can hear others: they wait, and
//! after `busy-reply-threshold` they are told that the server is busy. Time stands still for the script.

use crate::acl::Context;
use crate::collections::hash::HashSeed;
use crate::command::call::call;
use crate::command::gate::disk_error;
use crate::command::{Args, Command, Ctx, Flags as CommandFlags, Flow, Group, permission};
use crate::commands::{connection, pubsub, table};
use crate::error::Error;
use crate::resp::Protocol;
use crate::script::convert::{self, IGNORE};
use crate::script::library::{self, LogLine};
use crate::script::lua::Step;
use crate::script::lua::value::Value;
use crate::script::machine::Run;
use crate::script::sandbox::{Ask, Version, error_table};
use crate::script::sha1::Sha;
use crate::script::{Flags, Machine};
use crate::server::{Effect, Level, Server, version};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A compiled script that is to run.
#[derive(Clone, Copy)]
pub(super) struct Start {
    pub(super) function: Value,
    pub(super) flags: Flags,
    pub(super) sha: Sha,
}

/// Instructions of a slice: some milliseconds.
const SLICE: u64 = 1_000_000;
/// What a command costs a script, in instructions.
const COMMAND: u64 = 50;
/// Instructions after which a script ends whose host waits for its reply: nobody could kill it.
const SYNCHRONOUS_MAX: u64 = 500_000_000;

/// The machine, to be put back after use; made now if no script has come before.
pub(super) fn machine(ctx: &mut Ctx<'_>) -> Box<Machine> {
    let made = ctx.server.scripting.machine.take();
    made.unwrap_or_else(|| Box::new(Machine::new(&version_of(ctx.server), ctx.db.tuning.seed)))
}

/// The machine of functions, to be put back after use; made now if there was none.
pub(super) fn function_machine(server: &mut Server, seed: HashSeed) -> Box<Machine> {
    let made = server.scripting.function_machine.take();
    made.unwrap_or_else(|| Box::new(Machine::for_functions(&version_of(server), seed)))
}

/// Puts back what was taken.
fn put_back(server: &mut Server, machine: Box<Machine>, is_function: bool) {
    let scripting = &mut server.scripting;
    let place = if is_function { &mut scripting.function_machine } else { &mut scripting.machine };
    *place = Some(machine);
}

/// The version that scripts are told.
fn version_of(server: &Server) -> Version {
    let deprecated = server.config.is_on("lua-enable-deprecated-api");
    Version { text: version::VERSION, number: version::NUMBER, deprecated }
}

/// What is known of a script before it begins, or why it may not.
pub(super) fn prepare(ctx: &mut Ctx<'_>, flags: Flags, read_only: bool) -> Result<Run, Error> {
    let limit = ctx.server.config.maxmemory;
    let oom = limit > 0 && (ctx.server.hooks.used_memory)() as u64 > limit;
    if !flags.contains(Flags::OLD_STYLE) {
        if read_only && !flags.contains(Flags::NO_WRITES) {
            return Err(Error::Text(
                "ERR Can not execute a script with write flag using *_ro command.",
            ));
        }
        if !flags.contains(Flags::NO_WRITES)
            && let Some(error) = disk_error(ctx.server, &ctx.db.journal)
        {
            return Err(error);
        }
        if oom && !flags.intersects(Flags::ALLOW_OOM.union(Flags::NO_WRITES)) {
            return Err(Error::Text(
                "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
            ));
        }
    }
    Ok(Run {
        name: Vec::new(),
        called_by: ctx.command.name,
        is_function: false,
        flags,
        read_only,
        wrote: false,
        muted: false,
        oom,
        resp3: false,
        db: ctx.db.current(),
        client: ctx.client.id,
        since_us: ctx.server.now.mono_us,
        spent: 0,
        command: crate::resp::Request::default(),
    })
}

/// Runs what the machine was made ready for.
pub(super) fn begin(
    ctx: &mut Ctx<'_>,
    mut machine: Box<Machine>,
    args: Args<'_>,
    run: Run,
) -> Result<Flow, Error> {
    let step = machine.lua.run(SLICE);
    let flow = drive(ctx, machine, Box::new(run), step);
    if let Some(run) = &mut ctx.server.scripting.run {
        run.command = args.to_request();
    }
    flow
}

/// Whether the script that was put aside is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It has replied.
    Done,
    /// It goes on in the next slice.
    Busy,
}

/// Goes on with the script that was put aside. `ctx` is that of its client.
pub fn resume(ctx: &mut Ctx<'_>) -> Outcome {
    let scripting = &mut ctx.server.scripting;
    let Some(run) = scripting.run.take() else { return Outcome::Done };
    let machine =
        if run.is_function { &mut scripting.function_machine } else { &mut scripting.machine };
    let Some(mut machine) = machine.take() else { return Outcome::Done };
    if core::mem::take(&mut scripting.killed) {
        machine.lua.reset();
        let what = if run.is_function { "FUNCTION" } else { "SCRIPT" };
        finish(ctx, machine, &run);
        let text = format!(
            "ERR Error running script: Script killed by user with {what} KILL... script: {}",
            String::from_utf8_lossy(&run.name)
        );
        fail(ctx, run.called_by, text.as_bytes(), false);
        return Outcome::Done;
    }
    let called_by = run.called_by;
    let step = machine.lua.run(SLICE);
    match drive(ctx, machine, run, step) {
        Ok(Flow::Busy) => Outcome::Busy,
        Ok(_) => Outcome::Done,
        Err(error) => {
            fail(ctx, called_by, error.text().as_bytes(), false);
            Outcome::Done
        }
    }
}

fn fail(ctx: &mut Ctx<'_>, called_by: &str, text: &[u8], counted: bool) {
    if !counted {
        ctx.server.stats.count_error(&String::from_utf8_lossy(text));
    }
    convert::line(ctx.reply, b'-', text);
    count_failed(ctx, called_by);
}

/// An error is in the reply of a script, whoever counted it.
#[cold]
fn count_failed(ctx: &mut Ctx<'_>, called_by: &str) {
    if let Some((id, _)) = table::find(called_by.as_bytes()) {
        ctx.server.command_stats[id].failed += 1;
    }
}

/// What others hear while a script runs that is no function.
pub(super) const BUSY_SCRIPT: Error = Error::Text(
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
);

/// SCRIPT KILL and FUNCTION KILL.
pub(super) fn kill(ctx: &mut Ctx<'_>, function: bool) -> Result<Flow, Error> {
    let scripting = &mut ctx.server.scripting;
    let Some(run) = &scripting.run else {
        return Err(Error::Text("NOTBUSY No scripts in execution right now."));
    };
    if run.is_function && !function {
        return Err(Error::Text(
            "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
        ));
    }
    if function && !run.is_function {
        return Err(BUSY_SCRIPT);
    }
    if run.wrote {
        return Err(Error::Text(
            "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either \
             wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.",
        ));
    }
    scripting.killed = true;
    ctx.reply.ok();
    Ok(Flow::Done)
}

fn drive(
    ctx: &mut Ctx<'_>,
    mut machine: Box<Machine>,
    mut run: Box<Run>,
    first: Step,
) -> Result<Flow, Error> {
    let mut step = first;
    loop {
        step = match step {
            Step::Host(values) => {
                let answer = answer(ctx, &mut machine, &mut run, &values);
                let left = u64::try_from(machine.lua.budget_left()).unwrap_or(0);
                machine.lua.answer(&answer, left.saturating_sub(COMMAND))
            }
            Step::Suspended => {
                run.spent += SLICE;
                if !ctx.client.peer.synchronous {
                    put_back(ctx.server, machine, run.is_function);
                    ctx.server.scripting.run = Some(run);
                    return Ok(Flow::Busy);
                }
                if run.spent > SYNCHRONOUS_MAX {
                    machine.lua.reset();
                    finish(ctx, machine, &run);
                    return Err(Error::Text(
                        "ERR the script took too many instructions and was ended",
                    ));
                }
                machine.lua.run(SLICE)
            }
            Step::Done(values) => {
                let value = values.first().copied().unwrap_or(Value::Nil);
                let stats = &mut ctx.server.stats;
                let mut failed = false;
                convert::to_reply(
                    &mut machine.lua,
                    value,
                    run.resp3,
                    ctx.reply,
                    |text, counted| {
                        failed = true;
                        if !counted {
                            stats.count_error(&String::from_utf8_lossy(text));
                        }
                    },
                );
                if failed {
                    count_failed(ctx, run.called_by);
                }
                finish(ctx, machine, &run);
                return Ok(Flow::Done);
            }
            Step::Error(value) => {
                let (text, counted) = error_text(&mut machine, value, &run.name);
                finish(ctx, machine, &run);
                if counted {
                    fail(ctx, run.called_by, &text, true);
                    return Ok(Flow::Done);
                }
                return Err(Error::Owned(String::from_utf8_lossy(&text).into_owned()));
            }
        };
    }
}

/// The script is over: what it selected is forgotten, and the machine is back.
fn finish(ctx: &mut Ctx<'_>, machine: Box<Machine>, run: &Run) {
    ctx.client.db = run.db;
    ctx.db.select(run.db);
    put_back(ctx.server, machine, run.is_function);
}

/// What a client hears of an error that nobody caught, and whether it is counted already.
fn error_text(machine: &mut Machine, value: Value, name: &[u8]) -> (Vec<u8>, bool) {
    let place = machine.lua.take_error_place();
    let lua = &mut machine.lua;
    let mut named = |table, name: &[u8]| {
        let name = lua.heap_mut().string(name);
        lua.heap().get(table, Value::Str(name))
    };
    let (mut text, counted) = match value {
        Value::Table(table) => {
            let counted = named(table, IGNORE).is_true();
            match named(table, b"err") {
                Value::Str(text) => (lua.heap().bytes(text).to_vec(), counted),
                _ => (b"ERR unknown error".to_vec(), counted),
            }
        }
        other => ([b"ERR ".as_slice(), &convert::text_of(lua, other)].concat(), false),
    };
    if let Some((source, line)) = place {
        text.extend_from_slice(b" script: ");
        text.extend_from_slice(name);
        text.extend_from_slice(b", on ");
        text.extend_from_slice(&source);
        text.extend_from_slice(format!(":{line}.").as_bytes());
    }
    (text, counted)
}

/// Answers a native: whether the value is raised, and the value.
fn answer(ctx: &mut Ctx<'_>, machine: &mut Machine, run: &mut Run, values: &[Value]) -> [Value; 2] {
    let ask = Ask::of(values.last());
    let args = &values[..values.len().saturating_sub(1)];
    let result = match ask {
        Some(Ask::Call | Ask::Pcall) => call_command(ctx, machine, run, args),
        Some(Ask::Log) => log(ctx, machine, args),
        Some(Ask::SetResp) => set_resp(run, args),
        Some(Ask::AclCheck) => acl_check(ctx, machine, args),
        Some(Ask::SetRepl) => Ok(set_repl(run, args)),
        Some(Ask::Register) | None => {
            Err("redis.register_function can only be called on FUNCTION LOAD command".into())
        }
    };
    match result {
        // Errors of commands are tables that the reply has given.
        Ok((value, is_error)) => [Value::Bool(is_error && ask == Some(Ask::Call)), value],
        Err(text) => {
            let has_code = text.starts_with("OOM ") || text.starts_with("MISCONF ");
            let text = if has_code { text } else { format!("ERR {text}") };
            ctx.server.stats.count_error(&text);
            let table = error_table(&mut machine.lua, text.as_bytes());
            machine.lua.heap_mut().set_field(table, IGNORE, Value::Bool(true));
            [Value::Bool(ask != Some(Ask::Pcall)), Value::Table(table)]
        }
    }
}

type Answer = Result<(Value, bool), String>;

/// Writes arguments into the machine's request.
fn write_request(machine: &mut Machine, args: &[Value]) -> Result<(), String> {
    if args.is_empty() {
        return Err("Please specify at least one argument for this redis lib call".into());
    }
    machine.request.clear();
    let mut buffer = [0; crate::collections::decimal::DOUBLE_LEN];
    for arg in args {
        match *arg {
            Value::Str(text) => machine.request.push(machine.lua.heap().bytes(text)),
            Value::Num(number) => {
                let text = crate::collections::decimal::format_double_17g(number, &mut buffer);
                machine.request.push(text);
            }
            _ => {
                return Err("Lua redis lib command arguments must be strings or integers".into());
            }
        }
    }
    Ok(())
}

/// `redis.call` and `redis.pcall`.
fn call_command(ctx: &mut Ctx<'_>, machine: &mut Machine, run: &mut Run, args: &[Value]) -> Answer {
    write_request(machine, args)?;
    let request = core::mem::take(&mut machine.request);
    let mut reply = core::mem::take(&mut machine.reply);
    reply.out.clear();
    reply.protocol = if run.resp3 { Protocol::Resp3 } else { Protocol::Resp2 };
    let result = {
        let mut inner = Ctx {
            db: ctx.db,
            reply: &mut reply,
            client: ctx.client,
            server: ctx.server,
            command: ctx.command,
            nested: true,
            woken_by: None,
        };
        run_command(&mut inner, run, request.args())
    };
    machine.request = request;
    let answer = result.map(|()| {
        let is_error = reply.out.first() == Some(&b'-');
        (convert::to_lua(&mut machine.lua, &reply.out).0, is_error)
    });
    if reply.out.capacity() > 1 << 20 {
        reply.out = Vec::new();
    }
    machine.reply = reply;
    answer
}

/// Checks and runs a command of a script, in the order in which Redis does.
fn run_command(ctx: &mut Ctx<'_>, run: &mut Run, args: Args<'_>) -> Result<(), String> {
    let (place, command) = match table::resolve_or_whose(&ctx.server.names, args) {
        Ok(found) => found,
        Err((Some(id), _)) => {
            count_rejected(ctx, id);
            return Err("Wrong number of args calling Redis command from script".into());
        }
        Err((None, _)) => return Err("Unknown Redis command called from script".into()),
    };
    admit(ctx, run, place, command, args).inspect_err(|_| count_rejected(ctx, place))?;
    // Errors are in the reply, and what blocks does not.
    ctx.server.scripting.calling = true;
    ctx.db.journal.muted = run.muted;
    let _ = call(ctx, place, command, args);
    ctx.db.journal.muted = false;
    ctx.server.scripting.calling = false;
    after(ctx, command, args);
    Ok(())
}

#[cold]
fn count_rejected(ctx: &mut Ctx<'_>, id: usize) {
    ctx.server.command_stats[id].rejected += 1;
}

/// Whether a script may call the command now, else why not.
fn admit(
    ctx: &mut Ctx<'_>,
    run: &mut Run,
    place: usize,
    command: &'static Command,
    args: Args<'_>,
) -> Result<(), String> {
    if command.flags.contains(CommandFlags::NOSCRIPT) && !may_all(ctx, place, command) {
        return Err("This Redis command is not allowed from script".into());
    }
    if !ctx.client.unrestricted {
        let container = table::container(place);
        permission::check(ctx, place, command, container, args, Context::Lua)
            .map_err(|denied| String::from(denied.in_script()))?;
    }
    // What a pause of writes holds back does not come in through a script that needs not wait for its end.
    if run.read_only
        && command.flags.intersects(CommandFlags::WRITE.union(CommandFlags::MAY_REPLICATE))
    {
        return Err("Write commands are not allowed from read-only scripts.".into());
    }
    if command.flags.contains(CommandFlags::WRITE) {
        if run.oom
            && !run.wrote
            && !run.flags.contains(Flags::ALLOW_OOM)
            && command.flags.contains(CommandFlags::DENYOOM)
        {
            return Err(Error::Oom.text().into_owned());
        }
        if let Some(error) = disk_error(ctx.server, &ctx.db.journal) {
            return Err(error.text().into_owned());
        }
        run.wrote = true;
    }
    Ok(())
}

/// DEBUG SET-DISABLE-DENY-SCRIPTS, for what does not meddle with the script itself.
#[cold]
fn may_all(ctx: &Ctx<'_>, place: usize, command: &Command) -> bool {
    ctx.server.scripts_may_all
        && (command.group == Group::Server || table::container(place) == "client")
}

/// What follows a command at once, as in a transaction.
fn after(ctx: &mut Ctx<'_>, command: &'static Command, args: Args<'_>) {
    let hidden = CommandFlags::ADMIN.union(CommandFlags::SKIP_MONITOR);
    if !ctx.server.monitors.is_empty() && !command.flags.intersects(hidden) {
        connection::show(ctx, command, args, true);
    }
    if !ctx.db.events.is_empty() {
        pubsub::publish_events(ctx.db, ctx.server);
    }
}

/// `redis.log(level, message…)`
fn log(ctx: &mut Ctx<'_>, machine: &Machine, args: &[Value]) -> Answer {
    write_log(ctx.server, library::log_line(&machine.lua, args)?);
    Ok((Value::Nil, false))
}

/// Hands the host a line for its log.
pub(super) fn write_log(server: &mut Server, (level, line): LogLine) {
    let level = match level {
        0 => Level::Debug,
        1 => Level::Verbose,
        2 => Level::Notice,
        _ => Level::Warning,
    };
    server.effects.push_back(Effect::Log(level, line));
}

/// `redis.setresp(version)`
fn set_resp(run: &mut Run, args: &[Value]) -> Answer {
    match args {
        [Value::Num(version)] if *version == 2.0 || *version == 3.0 => {
            run.resp3 = *version == 3.0;
            Ok((Value::Nil, false))
        }
        [_] => Err("RESP version must be 2 or 3.".into()),
        _ => Err("redis.setresp() requires one argument.".into()),
    }
}

/// `redis.set_repl(flags)`: whether the commands that follow are written to the journal.
fn set_repl(run: &mut Run, args: &[Value]) -> (Value, bool) {
    const REPL_AOF: i64 = 1;
    if let [Value::Num(flags)] = args {
        run.muted = *flags as i64 & REPL_AOF == 0;
    }
    (Value::Nil, false)
}

/// `redis.acl_check_cmd(command, …)`
fn acl_check(ctx: &mut Ctx<'_>, machine: &mut Machine, args: &[Value]) -> Answer {
    write_request(machine, args)?;
    let args = machine.request.args();
    let Ok((place, command)) = table::resolve(&ctx.server.names, args) else {
        return Err("Invalid command passed to redis.acl_check_cmd()".into());
    };
    let may = permission::may(&ctx.client.user, place, command, args).is_ok();
    Ok((Value::Bool(may), false))
}
