//! Settings: every parameter of redis.conf, with CONFIG GET's and SET's rules.
//!
//! ```text
//! redis.conf ─▶ load ─┐                          ┌─▶ fields that hot paths read
//! CONFIG SET ─────────┴─▶ setting::Kind ─▶ text ─┼─▶ CONFIG GET, typed getters
//!                         (table::SETTINGS)      └─▶ rewrite ─▶ redis.conf
//! ```
//!
//! One value per row of the table, as text in the form that CONFIG GET shows. What a hot path asks for is
//! also kept as a field, made anew from the texts after each change; nothing else writes the fields.

pub mod load;
pub mod rewrite;
pub mod setting;
pub mod table;
pub mod units;
pub mod words;

pub use load::{ConfigError, Loader, Rename, UserLine};
pub use setting::{Applies, Kind, Origin, Reason, Setting, SettingFlags};
pub use table::SETTINGS;

use crate::collections::decimal;
use crate::store::Class;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// A limit on the bytes that wait for a client of some class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutputLimit {
    /// Over this many bytes the connection is closed; 0: no limit.
    pub hard: u64,
    /// Over this many bytes for too long, too; 0: no limit.
    pub soft: u64,
    /// How long is too long.
    pub soft_seconds: u64,
}

/// Who may use something that is behind a gate (`enable-debug-command`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gate {
    /// Nobody.
    #[default]
    No,
    /// Everybody.
    Yes,
    /// Clients on this machine.
    Local,
}

/// The settings of an engine.
#[derive(Debug, Clone)]
pub struct Config {
    values: Vec<Cow<'static, [u8]>>,
    /// What `rename-command` lines say, in their order.
    pub renames: Vec<Rename>,
    /// What `user` lines say.
    pub users: Vec<UserLine>,
    /// The words of `loadmodule` lines behind `loadmodule`.
    pub modules: Vec<Vec<Vec<u8>>>,
    /// Settings that redis.conf named, by their place in the table.
    pub named: Vec<usize>,

    /// `databases`.
    pub databases: usize,
    /// `requirepass`; empty: none.
    pub requirepass: Vec<u8>,
    /// `timeout`: idle clients are closed after so many seconds; 0: never.
    pub timeout: u64,
    /// `proto-max-bulk-len`, in bytes.
    pub proto_max_bulk_len: u64,
    /// `client-query-buffer-limit`, in bytes.
    pub client_query_buffer_limit: u64,
    /// `client-output-buffer-limit` of normal clients, replicas and subscribers.
    pub output_limits: [OutputLimit; 3],
    /// `maxmemory`, in bytes; 0: none.
    pub maxmemory: u64,
    /// `maxmemory-samples`.
    pub maxmemory_samples: usize,
    /// `maxmemory-clients`, in bytes (a percentage is already taken of `maxmemory`); 0: none.
    pub maxmemory_clients: u64,
    /// `notify-keyspace-events`.
    pub notify_keyspace_events: Class,
    /// `hz`: background work per second.
    pub hz: u32,
    /// `active-expire-effort`, 1 to 10.
    pub active_expire_effort: u32,
    /// `latency-tracking`.
    pub latency_tracking: bool,
    /// `slowlog-log-slower-than`, in nanoseconds; the largest number: the slow log is off.
    pub slowlog_slower_ns: u64,
    /// `slowlog-max-len`.
    pub slowlog_len: usize,
    /// `latency-monitor-threshold`, in nanoseconds; the largest number: nobody watches.
    pub latency_ns: u64,
    /// What took so many nanoseconds is worth a look, be it for the slow log or as a spike.
    pub slow_ns: u64,
    /// `commandlog-request-larger-than`, in bytes; the largest number: no log of large requests.
    pub request_bytes_logged: usize,
    /// `commandlog-reply-larger-than`, the same of replies.
    pub reply_bytes_logged: usize,
    /// `enable-debug-command`.
    pub debug_command: Gate,
    /// `enable-module-command`.
    pub module_command: Gate,
    /// `enable-protected-configs`.
    pub protected_configs: Gate,
}

impl Default for Config {
    fn default() -> Self {
        let mut config = Self {
            values: SETTINGS.iter().map(|s| Cow::Borrowed(s.default.as_bytes())).collect(),
            renames: Vec::new(),
            users: Vec::new(),
            modules: Vec::new(),
            named: Vec::new(),
            databases: 0,
            requirepass: Vec::new(),
            timeout: 0,
            proto_max_bulk_len: 0,
            client_query_buffer_limit: 0,
            output_limits: [OutputLimit::default(); 3],
            maxmemory: 0,
            maxmemory_samples: 0,
            maxmemory_clients: 0,
            notify_keyspace_events: Class::empty(),
            hz: 0,
            active_expire_effort: 0,
            latency_tracking: false,
            slowlog_slower_ns: 0,
            slowlog_len: 0,
            latency_ns: 0,
            slow_ns: 0,
            request_bytes_logged: 0,
            reply_bytes_logged: 0,
            debug_command: Gate::No,
            module_command: Gate::No,
            protected_configs: Gate::No,
        };
        config.refresh();
        config
    }
}

impl Config {
    /// The value of the setting at `place` of the table, as CONFIG GET shows it.
    pub fn value(&self, place: usize) -> &[u8] {
        &self.values[place]
    }

    /// The value of the setting of this name, as CONFIG GET shows it; empty if there is none such.
    pub fn text(&self, name: &str) -> &[u8] {
        let place = table::find(name.as_bytes());
        debug_assert!(place.is_some(), "{name} is a setting");
        place.map_or(b"", |place| &self.values[place])
    }

    /// The value as a string for a host to use: what is no UTF-8 is replaced.
    pub fn string(&self, name: &str) -> String {
        String::from_utf8_lossy(self.text(name)).into_owned()
    }

    /// The value as a number; 0 where it is none.
    pub fn number(&self, name: &str) -> i64 {
        decimal::parse(self.text(name)).unwrap_or_default()
    }

    /// The value as a number of bytes; 0 where it is none.
    pub fn bytes(&self, name: &str) -> u64 {
        units::memory(self.text(name)).unwrap_or_default()
    }

    /// Whether the value is `yes`.
    pub fn is_on(&self, name: &str) -> bool {
        self.text(name) == b"yes"
    }

    /// The words of a value that is made of several.
    pub fn words(&self, name: &str) -> Vec<String> {
        words::split(self.text(name)).map(|w| String::from_utf8_lossy(w).into_owned()).collect()
    }

    /// Whether the value is the default.
    pub fn is_default(&self, name: &str) -> bool {
        table::find(name.as_bytes())
            .is_some_and(|place| self.values[place] == SETTINGS[place].default.as_bytes())
    }

    /// Sets a value given as CONFIG SET would, immutable settings too: for hosts and tests.
    pub fn set(&mut self, name: &str, value: &[u8]) -> Result<(), Reason> {
        let place = table::find(name.as_bytes()).ok_or(Reason::Borrowed("no such setting"))?;
        self.set_one(place, value)?;
        self.refresh();
        Ok(())
    }

    /// Sets the value at `place` as CONFIG SET does; [`Config::refresh`] is the caller's to call.
    pub(crate) fn set_one(&mut self, place: usize, value: &[u8]) -> Result<(), Reason> {
        let words: Vec<&[u8]> = match SETTINGS[place].is_multi_word() {
            true if value.is_empty() => Vec::new(),
            true => value.split(|&byte| byte == b' ').collect(),
            false => [value].into(),
        };
        self.set_words(place, &words, Origin::Command)
    }

    fn set_words(&mut self, place: usize, words: &[&[u8]], origin: Origin) -> Result<(), Reason> {
        self.values[place] = SETTINGS[place].kind.read(words, &self.values[place], origin)?;
        Ok(())
    }

    /// Makes the fields anew from the texts.
    pub(crate) fn refresh(&mut self) {
        self.set_clamped("hz", 1, 500);
        self.set_clamped("repl-backlog-size", 16 * 1024, i64::MAX);
        self.databases = self.number("databases") as usize;
        self.requirepass = self.text("requirepass").to_vec();
        self.timeout = self.number("timeout") as u64;
        self.proto_max_bulk_len = self.bytes("proto-max-bulk-len");
        self.client_query_buffer_limit = self.bytes("client-query-buffer-limit");
        self.output_limits = self.read_output_limits();
        self.maxmemory = self.bytes("maxmemory");
        self.maxmemory_samples = self.number("maxmemory-samples") as usize;
        self.maxmemory_clients = match self.text("maxmemory-clients").strip_suffix(b"%") {
            Some(percent) => {
                let percent = decimal::parse(percent).unwrap_or_default() as u128;
                (u128::from(self.maxmemory) * percent / 100) as u64
            }
            None => self.bytes("maxmemory-clients"),
        };
        self.notify_keyspace_events =
            words::classes(self.text("notify-keyspace-events")).unwrap_or(Class::empty());
        self.hz = self.number("hz") as u32;
        self.active_expire_effort = self.number("active-expire-effort") as u32;
        self.latency_tracking = self.is_on("latency-tracking");
        self.slowlog_slower_ns = match self.number("slowlog-log-slower-than") {
            off if off < 0 => u64::MAX,
            us => (us as u64).saturating_mul(1000),
        };
        self.slowlog_len = self.number("slowlog-max-len") as usize;
        self.latency_ns = match self.number("latency-monitor-threshold") {
            off if off <= 0 => u64::MAX,
            ms => (ms as u64).saturating_mul(1_000_000),
        };
        self.slow_ns = self.slowlog_slower_ns.min(self.latency_ns);
        self.request_bytes_logged = self.bytes_logged("commandlog-request-larger-than");
        self.reply_bytes_logged = self.bytes_logged("commandlog-reply-larger-than");
        self.debug_command = self.gate("enable-debug-command");
        self.module_command = self.gate("enable-module-command");
        self.protected_configs = self.gate("enable-protected-configs");
    }

    fn set_clamped(&mut self, name: &str, min: i64, max: i64) {
        let value = self.number(name);
        if let Some(place) = table::find(name.as_bytes())
            && !(min..=max).contains(&value)
        {
            let text = alloc::format!("{}", value.clamp(min, max));
            self.values[place] = Cow::Owned(text.into_bytes());
        }
    }

    fn bytes_logged(&self, name: &str) -> usize {
        // A negative number is none of them.
        usize::try_from(self.number(name)).unwrap_or(usize::MAX)
    }

    fn gate(&self, name: &str) -> Gate {
        match self.text(name) {
            b"yes" => Gate::Yes,
            b"local" => Gate::Local,
            _ => Gate::No,
        }
    }

    fn read_output_limits(&self) -> [OutputLimit; 3] {
        let mut limits = [OutputLimit::default(); 3];
        let numbers: Vec<u64> = words::split(self.text("client-output-buffer-limit"))
            .filter_map(|word| core::str::from_utf8(word).ok()?.parse().ok())
            .collect();
        for (limit, numbers) in limits.iter_mut().zip(numbers.chunks_exact(3)) {
            *limit = OutputLimit { hard: numbers[0], soft: numbers[1], soft_seconds: numbers[2] };
        }
        limits
    }

    /// `port`.
    pub fn port(&self) -> u16 {
        self.number("port") as u16
    }

    /// `bind`: the addresses, `*` and `-` marks as they stand.
    pub fn bind(&self) -> Vec<String> {
        self.words("bind")
    }

    /// `maxclients`.
    pub fn maxclients(&self) -> u32 {
        self.number("maxclients") as u32
    }

    /// `unixsocketperm`: a file mode; 0: leave it.
    pub fn unix_socket_mode(&self) -> u32 {
        units::octal(self.text("unixsocketperm")).unwrap_or_default() as u32
    }

    /// `save`: seconds and changes.
    pub fn save_points(&self) -> Vec<(u64, u64)> {
        let numbers: Vec<u64> = words::split(self.text("save"))
            .filter_map(|word| core::str::from_utf8(word).ok()?.parse().ok())
            .collect();
        numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    }

    /// Settings that redis.conf names and nobody heeds yet, with the part that is missing: worth a warning.
    pub fn unheeded(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.named.iter().filter_map(|&place| match SETTINGS[place].applies {
            Applies::Later(part) if self.values[place] != SETTINGS[place].default.as_bytes() => {
                Some((SETTINGS[place].name, part))
            }
            _ => None,
        })
    }
}

/// Whether the setting of this name holds a secret.
pub fn is_secret(name: &[u8]) -> bool {
    table::find(name).is_some_and(|place| SETTINGS[place].flags.contains(SettingFlags::SENSITIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_follow_the_texts() {
        let mut config = Config::default();
        assert_eq!((config.databases, config.hz, config.maxmemory), (16, 10, 0));
        assert_eq!(config.output_limits[2].soft, 8 << 20);
        config.set("maxmemory", b"1gb").expect("an amount");
        config.set("maxmemory-clients", b"5%").expect("a percentage");
        config.set("hz", b"10000").expect("a number");
        assert_eq!(config.maxmemory, 1 << 30);
        assert_eq!(config.maxmemory_clients, (1 << 30) / 20);
        assert_eq!(config.text("hz"), b"500");
    }

    #[test]
    fn an_alias_is_the_same_setting() {
        let mut config = Config::default();
        config.set("hash-max-ziplist-entries", b"7").expect("a number");
        assert_eq!(config.number("hash-max-listpack-entries"), 7);
    }

    #[test]
    fn typed_getters_read_the_texts() {
        let mut config = Config::default();
        assert_eq!(config.bind(), ["*", "-::*"]);
        assert_eq!(config.save_points(), [(3600, 1), (300, 100), (60, 10000)]);
        config.set("unixsocketperm", b"755").expect("octal");
        assert_eq!(config.unix_socket_mode(), 0o755);
        assert_eq!(config.port(), 6379);
    }
}
