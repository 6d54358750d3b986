//! THE table: every command there is, one row each, and finding one by its name.
//!
//! Whatever knows the set of commands is computed from here.

use super::{connection, string};
use crate::command::{Args, Command};
use crate::error::{Error, printable};
use alloc::format;
use alloc::string::String;

/// Every top-level command. A command's place is its number in the statistics.
pub static TABLE: &[&Command] = &[
    // connection
    &connection::ECHO,
    &connection::PING,
    &connection::QUIT,
    // string
    &string::GET,
    &string::SET,
];

const SLOTS: usize = 2048;
const NAME_BYTES_MAX: usize = 32;

/// The places of the commands by the hash of their names, plus one; 0: none. Open addressing.
static LOOKUP: [u16; SLOTS] = build();

const fn name_hash(name: &[u8]) -> usize {
    // FNV-1a over the lower-case bytes: names are short, and there are few of them.
    let mut hash: u32 = 0x811c_9dc5;
    let mut i = 0;
    while i < name.len() {
        hash = (hash ^ (name[i] | 0x20) as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    (hash ^ (hash >> 15)) as usize % SLOTS
}

const fn build() -> [u16; SLOTS] {
    let mut slots = [0; SLOTS];
    let mut place = 0;
    while place < TABLE.len() {
        let mut at = name_hash(TABLE[place].name.as_bytes());
        while slots[at] != 0 {
            at = (at + 1) % SLOTS;
        }
        slots[at] = place as u16 + 1;
        place += 1;
    }
    slots
}

/// The place and the command of this name, in any case.
#[inline]
pub fn find(name: &[u8]) -> Option<(usize, &'static Command)> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let mut at = name_hash(name);
    loop {
        let place = LOOKUP[at].checked_sub(1)? as usize;
        let command = TABLE[place];
        if command.name.as_bytes().eq_ignore_ascii_case(name) {
            return Some((place, command));
        }
        at = (at + 1) % SLOTS;
    }
}

/// The command that `args` call, or why there is none: unknown name, unknown subcommand, arity.
/// The place is the container's where the command is a subcommand.
#[inline]
pub fn resolve(args: Args<'_>) -> Result<(usize, &'static Command), Error> {
    let Some((place, command)) = find(&args[0]) else { return Err(unknown(args)) };
    if !command.subcommands.is_empty()
        && let Some(name) = args.get(1)
    {
        let Some(&sub) =
            command.subcommands.iter().find(|c| c.name.as_bytes().eq_ignore_ascii_case(name))
        else {
            return Err(Error::unknown_subcommand(name, command.name));
        };
        return if sub.takes(args.len()) {
            Ok((place, sub))
        } else {
            Err(Error::Owned(format!(
                "ERR wrong number of arguments for '{}|{}' command",
                command.name, sub.name
            )))
        };
    }
    if command.takes(args.len()) { Ok((place, command)) } else { Err(Error::Arity(command.name)) }
}

#[cold]
fn unknown(args: Args<'_>) -> Error {
    let mut words = String::new();
    for arg in args.iter_from(1) {
        if words.len() >= 128 {
            break;
        }
        words.push_str(&format!("'{}' ", printable(arg, 128 - words.len())));
    }
    Error::Owned(format!(
        "ERR unknown command '{}', with args beginning with: {words}",
        printable(&args[0], 128)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_in_any_case() {
        for (place, command) in TABLE.iter().enumerate() {
            assert_eq!(find(command.name.as_bytes()).map(|f| f.0), Some(place));
            let upper = command.name.to_ascii_uppercase();
            assert_eq!(find(upper.as_bytes()).map(|f| f.0), Some(place));
            assert!(command.name.len() <= NAME_BYTES_MAX);
        }
        assert!(find(b"nosuchcommand").is_none());
    }
}
