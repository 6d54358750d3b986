//! MONITOR: every command that runs, as a line to whoever wants to see.

use crate::command::{Args, Command, Ctx, Flags, Flow, Group};
use crate::error::Error;
use alloc::format;
use alloc::vec::Vec;

/// MONITOR: shows every command that runs from now on.
pub const MONITOR: Command = Command::new("monitor", 1, monitor)
    .admin()
    .loading()
    .noscript()
    .stale()
    .group(Group::Server)
    .docs("", "Shows every command as it runs.", "");

fn monitor(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    if ctx.nested || ctx.client.peer.synchronous {
        return Err(Error::Text("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    if !ctx.client.monitor {
        ctx.client.monitor = true;
        ctx.server.monitors.push(ctx.client.conn);
        ctx.reply.ok();
    }
    Ok(Flow::Done)
}

/// Shows a command that ran to those who monitor, unless it is one for administrators.
#[cold]
pub fn feed(ctx: &mut Ctx<'_>, command: &Command, args: Args<'_>) {
    if !command.flags.intersects(Flags::ADMIN.union(Flags::SKIP_MONITOR)) {
        show(ctx, command, args, false);
    }
}

/// Shows a command to those who monitor: one that a script called, or one that is no longer to be kept from them.
#[cold]
pub fn show(ctx: &mut Ctx<'_>, command: &Command, args: Args<'_>, by_script: bool) {
    let now_us = ctx.server.now.unix_us;
    let (seconds, micros) = (now_us / 1_000_000, now_us % 1_000_000);
    let from = match (&*ctx.client.peer.addr, ctx.client.peer.unix) {
        _ if by_script => "lua",
        (addr, false) => addr,
        (addr, true) => &format!("unix:{}", addr.strip_suffix(":0").unwrap_or(addr)),
    };
    let mut line = format!("+{seconds}.{micros:06} [{} {from}]", ctx.client.db).into_bytes();
    let secret = match command.name {
        "auth" => 1..args.len(),
        "hello" => match (2..args.len()).find(|&i| args.is(i, "AUTH")) {
            Some(auth) => auth + 1..auth + 3,
            None => 0..0,
        },
        _ => 0..0,
    };
    for (i, arg) in args.iter_from(0).enumerate() {
        line.push(b' ');
        if secret.contains(&i) {
            line.extend_from_slice(b"\"(redacted)\"");
        } else {
            quote(&mut line, arg);
        }
    }
    line.extend_from_slice(b"\r\n");
    for conn in ctx.server.monitors.clone() {
        ctx.server.clients.tell_line(conn, &line);
    }
}

/// Appends `bytes` in quotes, with escapes for what is no printable character.
fn quote(line: &mut Vec<u8>, bytes: &[u8]) {
    line.push(b'"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => line.extend_from_slice(&[b'\\', byte]),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\t' => line.extend_from_slice(b"\\t"),
            0x07 => line.extend_from_slice(b"\\a"),
            0x08 => line.extend_from_slice(b"\\b"),
            b' '..=b'~' => line.push(byte),
            other => line.extend_from_slice(format!("\\x{other:02x}").as_bytes()),
        }
    }
    line.push(b'"');
}
