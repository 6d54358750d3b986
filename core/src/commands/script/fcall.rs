//! FCALL and FCALL_RO: calling a function of a library.

use super::eval::{COMPLEXITY, READS, READS_AND_WRITES, key_count, show};
use super::run;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::Error;
use crate::script::Flags;
use crate::script::machine::Run;

/// FCALL function numkeys \[key …\] \[arg …\]: calls a function.
pub const FCALL: Command = Command::new("fcall", -3, fcall)
    .may_replicate()
    .no_mandatory_keys()
    .noscript()
    .skip_monitor()
    .stale()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .keys(READS_AND_WRITES)
    .docs("function numkeys [key ...] [arg ...]", "Calls a function.", COMPLEXITY);

fn fcall(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    begin(ctx, args, false)
}

/// FCALL_RO function numkeys \[key …\] \[arg …\]: calls a function that may not write.
pub const FCALL_RO: Command = Command::new("fcall_ro", -3, fcall_ro)
    .no_mandatory_keys()
    .noscript()
    .readonly()
    .skip_monitor()
    .stale()
    .acl(Acl::SCRIPTING)
    .group(Group::Scripting)
    .since("7.0.0")
    .keys(READS)
    .docs("function numkeys [key ...] [arg ...]", "Calls a function that only reads.", COMPLEXITY);

fn fcall_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    begin(ctx, args, true)
}

fn begin(ctx: &mut Ctx<'_>, args: Args<'_>, read_only: bool) -> Result<Flow, Error> {
    show(ctx, args);
    let function = ctx.server.scripting.libraries.function(&args[1]);
    let function = function.ok_or(Error::Text("ERR Function not found"))?;
    let (callback, flags, name) = (function.callback, function.flags, function.name.to_vec());
    let keys = key_count(args, Error::Text("ERR Bad number of keys provided"))?;
    let run = run::prepare(ctx, flags, read_only)?;
    let mut machine = run::function_machine(ctx.server, ctx.db.tuning.seed);
    machine.start_function(callback, args.iter_from(3).take(keys), args.iter_from(3 + keys));
    let read_only = read_only || flags.contains(Flags::NO_WRITES);
    run::begin(ctx, machine, args, Run { is_function: true, read_only, name, ..run })
}
