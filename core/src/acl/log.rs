//! ACL LOG: what was refused lately.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Why it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The command is not allowed.
    Command,
    /// A key is not.
    Key,
    /// A channel is not.
    Channel,
    /// Name or password were wrong.
    Auth,
}

impl Reason {
    /// The word in ACL LOG.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Key => "key",
            Self::Channel => "channel",
            Self::Auth => "auth",
        }
    }
}

/// Where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// The client itself asked.
    Toplevel,
    /// When it was queued by MULTI or run by EXEC.
    Multi,
    /// A script asked.
    Lua,
}

impl Context {
    /// The word in ACL LOG.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Toplevel => "toplevel",
            Self::Multi => "multi",
            Self::Lua => "lua",
        }
    }
}

/// Something that was refused, once or more often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// How often.
    pub count: u64,
    /// Why.
    pub reason: Reason,
    /// Where.
    pub context: Context,
    /// The command, the key, or the channel.
    pub object: Vec<u8>,
    /// The name of the user.
    pub username: Vec<u8>,
    /// When the last time was, in Unix milliseconds.
    pub unix_ms: i64,
    /// The client, as CLIENT INFO shows it.
    pub client: Vec<u8>,
}

/// So long may lie between two refusals that are one entry, in milliseconds.
const GROUPING_MS: i64 = 60_000;
/// So many of the last entries may be the same as a new one.
const GROUPED_AMONG: usize = 10;

/// What was refused lately, newest first.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// The entries, newest first.
    pub entries: VecDeque<LogEntry>,
}

impl Log {
    /// Notes a refusal. At most `limit` entries are kept.
    pub fn push(&mut self, mut entry: LogEntry, limit: usize) {
        let same = self.entries.iter().take(GROUPED_AMONG).position(|old| {
            (old.reason, old.context) == (entry.reason, entry.context)
                && (entry.unix_ms - old.unix_ms).abs() <= GROUPING_MS
                && old.object == entry.object
                && old.username == entry.username
        });
        if let Some(old) = same.and_then(|place| self.entries.remove(place)) {
            entry.count += old.count;
        }
        self.entries.push_front(entry);
        self.entries.truncate(limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(object: &[u8], unix_ms: i64) -> LogEntry {
        LogEntry {
            count: 1,
            reason: Reason::Key,
            context: Context::Toplevel,
            object: object.to_vec(),
            username: b"me".to_vec(),
            unix_ms,
            client: Vec::new(),
        }
    }

    #[test]
    fn the_same_within_a_minute_is_one_entry_and_comes_first() {
        let mut log = Log::default();
        for (object, at) in [(b"a", 0), (b"b", 1), (b"a", 60_000), (b"b", 60_002)] {
            log.push(entry(object, at), 10);
        }
        let seen: Vec<_> = log.entries.iter().map(|e| (&e.object[..], e.count)).collect();
        assert_eq!(seen, [(&b"b"[..], 1), (b"a", 2), (b"b", 1)]);
    }

    #[test]
    fn the_oldest_entries_go() {
        let mut log = Log::default();
        for object in [b"a", b"b", b"c"] {
            log.push(entry(object, 0), 2);
        }
        assert_eq!(log.entries.back().map(|e| &*e.object), Some(&b"b"[..]));
        log.push(entry(b"d", 0), 0);
        assert!(log.entries.is_empty());
    }
}
