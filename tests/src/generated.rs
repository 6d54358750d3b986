//! Committed files that are computed from the engine: `cargo bless` writes them, a test fails when one is stale.

use redstart_core::command::Command;
use redstart_core::commands::table::TABLE;

/// A file and what computes it.
#[derive(Clone, Copy, Debug)]
pub struct Generated {
    /// Path below the repository's root.
    pub path: &'static str,
    /// The text it must have.
    pub text: fn() -> String,
}

/// All of them. A generator is a function in this crate; its file is a row here.
pub const FILES: &[Generated] = &[Generated { path: "npm/commands.json", text: commands_json }];

/// Commands that turn a connection into a replica's: they are no methods of the package.
const OF_REPLICAS: &[&str] = &["psync", "replconf", "sync"];

/// The command table for the npm package: a line per command, subcommands as `container|name`.
fn commands_json() -> String {
    let mut lines = Vec::new();
    let mut table = TABLE.to_vec();
    table.retain(|command| !OF_REPLICAS.contains(&command.name));
    table.sort_by_key(|command| command.name);
    for command in table {
        lines.push(command_json(command.name, command));
        for sub in command.subcommands {
            lines.push(command_json(&format!("{}|{}", command.name, sub.name), sub));
        }
    }
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn command_json(name: &str, command: &Command) -> String {
    let mut flags: Vec<_> =
        command.flags.iter_names().map(|(name, _)| name.to_lowercase()).collect();
    if command.deprecated.is_some() {
        flags.push("deprecated".into());
    }
    format!(
        "  {{\"name\": {}, \"arity\": {}, \"group\": {}, \"since\": {}, \"syntax\": {}, \"summary\": {}, \"complexity\": {}, \"flags\": {}}}",
        json(name),
        command.arity,
        json(command.group.name()),
        json(command.since),
        json(command.syntax),
        json(command.summary),
        json(command.complexity),
        json(&flags.join(" ")),
    )
}

fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
