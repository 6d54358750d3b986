//! What a script says of itself in its first line: `#!lua name=… flags=…`.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use bitflags::bitflags;

bitflags! {
    /// What a script or function promises and asks for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Flags: u8 {
        /// It writes nothing.
        const NO_WRITES = 1;
        /// It may write where memory is over its limit.
        const ALLOW_OOM = 1 << 1;
        /// It may run on a replica that has lost its primary.
        const ALLOW_STALE = 1 << 2;
        /// It may not run in a cluster.
        const NO_CLUSTER = 1 << 3;
        /// Its keys may be in several slots.
        const ALLOW_CROSS_SLOT = 1 << 4;
        /// It has no first line of this kind: the rules of old apply, command by command.
        const OLD_STYLE = 1 << 5;
    }
}

/// The flags by name, in the order in which FUNCTION LIST shows them. Upstash's scripts have the last, which means nothing here.
pub const NAMES: &[(&str, Flags)] = &[
    ("no-writes", Flags::NO_WRITES),
    ("allow-oom", Flags::ALLOW_OOM),
    ("allow-stale", Flags::ALLOW_STALE),
    ("no-cluster", Flags::NO_CLUSTER),
    ("allow-cross-slot-keys", Flags::ALLOW_CROSS_SLOT),
    ("allow-key-locking", Flags::empty()),
];

/// The flag of this name.
pub fn by_name(name: &[u8]) -> Option<Flags> {
    NAMES.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, flag)| *flag)
}

/// Reads the first line of EVAL's script: its flags, and where the code begins (the end of the line stays, so
/// that lines keep their numbers).
pub fn of_script(source: &[u8]) -> Result<(Flags, usize), String> {
    if !source.starts_with(b"#!") {
        return Ok((Flags::OLD_STYLE, 0));
    }
    let Some(end) = source.iter().position(|b| *b == b'\n') else {
        return Err("ERR Invalid script shebang".to_owned());
    };
    let mut words = source[..end].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let engine = words.next().unwrap_or_default();
    if engine != b"#!lua" {
        let engine = crate::error::printable(engine, 128);
        return Err(format!("ERR Unexpected engine in script shebang: {engine}"));
    }
    let mut flags = Flags::empty();
    for word in words {
        let Some(list) = word.strip_prefix(b"flags=") else {
            let word = crate::error::printable(word, 128);
            return Err(format!("ERR Unknown lua shebang option: {word}"));
        };
        for name in list.split(|b| *b == b',').filter(|name| !name.is_empty()) {
            let Some(flag) = by_name(name) else {
                let name = crate::error::printable(name, 128);
                return Err(format!("ERR Unexpected flag in script shebang: {name}"));
            };
            flags |= flag;
        }
    }
    Ok((flags, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_tells_flags() {
        assert_eq!(of_script(b"return 1"), Ok((Flags::OLD_STYLE, 0)));
        assert_eq!(of_script(b"#!lua\nreturn 1"), Ok((Flags::empty(), 5)));
        let both = Flags::NO_WRITES | Flags::ALLOW_OOM;
        assert_eq!(of_script(b"#!lua flags=no-writes,allow-oom\n"), Ok((both, 31)));
        for (source, error) in [
            ("#!lua", "ERR Invalid script shebang"),
            ("#!nope\n", "ERR Unexpected engine in script shebang: #!nope"),
            ("#!lua name=x\n", "ERR Unknown lua shebang option: name=x"),
            ("#!lua flags=x\n", "ERR Unexpected flag in script shebang: x"),
        ] {
            assert_eq!(of_script(source.as_bytes()), Err(error.to_owned()));
        }
    }
}
