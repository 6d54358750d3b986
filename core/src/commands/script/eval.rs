//! EVAL, EVALSHA and their read-only forms.

use super::run::{self, Start};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::commands::connection;
use crate::error::Error;
use crate::script::Flags;

pub(super) const READS_AND_WRITES: &[KeySpec] =
    &[KeySpec::counted(2, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))];
pub(super) const READS: &[KeySpec] = &[KeySpec::counted(2, KeyFlags::RO.union(KeyFlags::ACCESS))];
pub(super) const COMPLEXITY: &str = "Depends on the script that is run.";

/// EVAL script numkeys \[key …\] \[arg …\]: runs a script.
pub const EVAL: Command = Command::new("eval", -3, eval)
    .may_replicate()
    .no_mandatory_keys()
    .noscript()
    .skip_monitor()
    .stale()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("2.6.0")
    .keys(READS_AND_WRITES)
    .docs("script numkeys [key ...] [arg ...]", "Runs a Lua script.", COMPLEXITY);

fn eval(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    by_text(ctx, args, false)
}

/// EVAL_RO script numkeys \[key …\] \[arg …\]: runs a script that may not write.
pub const EVAL_RO: Command = Command::new("eval_ro", -3, eval_ro)
    .no_mandatory_keys()
    .noscript()
    .readonly()
    .skip_monitor()
    .stale()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .keys(READS)
    .docs("script numkeys [key ...] [arg ...]", "Runs a Lua script that only reads.", COMPLEXITY);

fn eval_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    by_text(ctx, args, true)
}

/// To those who monitor: before what the script calls.
pub(super) fn show(ctx: &mut Ctx<'_>, args: Args<'_>) {
    if !ctx.server.monitors.is_empty() {
        connection::show(ctx, ctx.command, args, false);
    }
}

fn by_text(ctx: &mut Ctx<'_>, args: Args<'_>, read_only: bool) -> Result<Flow, Error> {
    show(ctx, args);
    let keys = key_count(args, Error::NotInteger)?;
    let mut machine = run::machine(ctx);
    let start = match machine.compile(&args[1], false) {
        Ok(script) => Start { function: script.function, flags: script.flags, sha: script.sha },
        Err(text) => {
            ctx.server.scripting.machine = Some(machine);
            return Err(Error::Owned(text));
        }
    };
    begin(ctx, machine, start, args, keys, read_only)
}

/// EVALSHA sha1 numkeys \[key …\] \[arg …\]: runs a script that is known.
pub const EVALSHA: Command = Command::new("evalsha", -3, evalsha)
    .may_replicate()
    .no_mandatory_keys()
    .noscript()
    .skip_monitor()
    .stale()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("2.6.0")
    .keys(READS_AND_WRITES)
    .docs("sha1 numkeys [key ...] [arg ...]", "Runs a Lua script by its SHA1.", COMPLEXITY);

fn evalsha(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    by_sha(ctx, args, false)
}

/// EVALSHA_RO sha1 numkeys \[key …\] \[arg …\]: runs a script that is known and may not write.
pub const EVALSHA_RO: Command = Command::new("evalsha_ro", -3, evalsha_ro)
    .no_mandatory_keys()
    .noscript()
    .readonly()
    .skip_monitor()
    .stale()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .keys(READS)
    .docs(
        "sha1 numkeys [key ...] [arg ...]",
        "Runs a Lua script that only reads, by its SHA1.",
        COMPLEXITY,
    );

fn evalsha_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    by_sha(ctx, args, true)
}

fn by_sha(ctx: &mut Ctx<'_>, args: Args<'_>, read_only: bool) -> Result<Flow, Error> {
    show(ctx, args);
    let no_script = Error::Text("NOSCRIPT No matching script. Please use EVAL.");
    // Before anything else of the arguments is read.
    if args[1].len() != 40 {
        return Err(no_script);
    }
    let keys = key_count(args, Error::NotInteger)?;
    let mut machine = run::machine(ctx);
    let Some(script) = machine.by_sha(&args[1]) else {
        ctx.server.scripting.machine = Some(machine);
        return Err(no_script);
    };
    let start = Start { function: script.function, flags: script.flags, sha: script.sha };
    begin(ctx, machine, start, args, keys, read_only)
}

/// How many of the arguments are keys; the error says that what stands there is no number.
pub(super) fn key_count(args: Args<'_>, not_a_number: Error) -> Result<usize, Error> {
    let count = args.int(2).map_err(|_| not_a_number)?;
    if count > args.len() as i64 - 3 {
        return Err(Error::Text("ERR Number of keys can't be greater than number of args"));
    }
    usize::try_from(count).map_err(|_| Error::Text("ERR Number of keys can't be negative"))
}

fn begin(
    ctx: &mut Ctx<'_>,
    mut machine: alloc::boxed::Box<crate::script::Machine>,
    start: Start,
    args: Args<'_>,
    keys: usize,
    read_only: bool,
) -> Result<Flow, Error> {
    let run = match run::prepare(ctx, start.flags, read_only) {
        Ok(run) => run,
        Err(error) => {
            ctx.server.scripting.machine = Some(machine);
            return Err(error);
        }
    };
    machine.start(start.function, args.iter_from(3).take(keys), args.iter_from(3 + keys));
    let read_only = run.read_only || start.flags.contains(Flags::NO_WRITES);
    run::begin(
        ctx,
        machine,
        args,
        crate::script::machine::Run { read_only, name: start.sha.to_vec(), ..run },
    )
}
