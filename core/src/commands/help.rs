//! HELP of container commands, from their declarations.

use crate::command::{Command, Ctx, Flow};
use crate::error::Error;
use alloc::format;
use alloc::vec::Vec;

/// Replies the subcommands of `container` with their arguments and what they do.
pub fn reply(ctx: &mut Ctx<'_>, container: &'static Command) -> Result<Flow, Error> {
    let name = container.name.to_ascii_uppercase();
    let place = ctx.reply.deferred();
    let mut lines = 1;
    ctx.reply.simple(&format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    let (help, others): (Vec<&Command>, Vec<&Command>) =
        container.subcommands.iter().partition(|sub| sub.name == "help");
    for sub in others.into_iter().chain(help) {
        let line = format!("{} {}", sub.name.to_ascii_uppercase(), sub.syntax);
        ctx.reply.simple(line.trim_end());
        ctx.reply.simple(&format!("    {}", sub.summary));
        lines += 2;
    }
    ctx.reply.finish_array(place, lines);
    Ok(Flow::Done)
}
