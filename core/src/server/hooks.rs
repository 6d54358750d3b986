//! What a host lends the engine: functions that may shape reports and memory limits, never a reply to
//! the same input.

pub use crate::client::replica::Spool;

use crate::config::Config;
use crate::persist::aof::Beginning;
use crate::store::cut::Scribe;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Gives the next bytes of a file that is being written; whether that was all.
pub type Pull<'a> = &'a mut dyn FnMut(&mut Vec<u8>) -> bool;

/// Takes the next bytes of a file that is being read; whether there should be more.
pub type Push<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

/// Writes a whole file, or says why it could not.
pub type Save = fn(&Config, Pull<'_>) -> Result<(), String>;

/// Reads a whole file, or says why it could not.
pub type Load = fn(&Config, Push<'_>) -> Result<(), String>;

/// Makes an empty one, or says why it could not.
pub type NewSpool = fn(&Config) -> Result<Arc<dyn Spool>, String>;

/// Begins the base of an append-only file.
pub type BaseOfCommands = fn(&Beginning<'_>) -> Box<dyn Scribe>;

/// Functions of the host. All have a default that works without one.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// A stopwatch in nanoseconds, for SLOWLOG, latency and command statistics alone.
    pub stopwatch: fn() -> u64,
    /// The bytes in use as the host's counting allocator knows them, for `maxmemory` and INFO memory.
    pub used_memory: fn() -> usize,
    /// CONFIG SET of a setting that the host heeds (`config::Applies::Host`): makes ready what can fail
    /// (binds the port, changes the directory), or says why it cannot be. [`Effect::Configure`] follows
    /// when all of the command has succeeded; when it has not, this is called again with the old settings.
    ///
    /// [`Effect::Configure`]: super::Effect::Configure
    pub try_configure: fn(&'static str, &Config) -> Result<(), String>,
    /// The text of redis.conf for CONFIG REWRITE, empty if there is no such file any more; `None` if the
    /// server was started without one.
    pub read_config_file: fn() -> Option<Vec<u8>>,
    /// Replaces redis.conf.
    pub write_config_file: fn(&[u8]) -> Result<(), String>,
    /// The text of the ACL file at this path, or why it cannot be read.
    pub read_acl_file: fn(&str) -> Result<Vec<u8>, String>,
    /// Replaces the ACL file at this path.
    pub write_acl_file: fn(&str, &[u8]) -> Result<(), String>,
    /// What INFO shows of the process in the field of this name, such as `process_id` or `used_cpu_sys`;
    /// `None`: the engine's own guess.
    pub info: fn(&str) -> Option<String>,
    /// Writes the file that `dbfilename` names while everything waits (SAVE, SHUTDOWN, DEBUG RELOAD): pulls
    /// pieces, writes them to a temporary file, syncs it, gives it its name. `None`: the host has no
    /// disk, and there are no background saves either.
    pub save: Option<Save>,
    /// Reads the file that `dbfilename` names (DEBUG RELOAD) and pushes it in pieces.
    pub load: Option<Load>,
    /// Where a snapshot is kept that is sent with its length before it (SYNC of those who know no other form).
    pub spool: Option<NewSpool>,
    /// What writes a base of the append-only file as commands (`aof-use-rdb-preamble no`): `persist::aof::scribe`.
    /// `None`: all bases are RDB files, and a host that wants no others is the smaller for it.
    pub base_of_commands: Option<BaseOfCommands>,
    /// DEBUG AOF-FLUSH-SLEEP: waits so many microseconds each time before the journal is written.
    pub slow_journal: fn(u64),
    /// DEBUG SEGFAULT, PANIC, ASSERT, in letters of any case: crashes in this way.
    pub crash: fn(&[u8]),
    /// DEBUG SLEEP: holds up everything for so many microseconds.
    pub sleep: fn(u64),
}

impl core::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Hooks")
    }
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            stopwatch: || 0,
            used_memory: || 0,
            try_configure: |_, _| Ok(()),
            read_config_file: || None,
            write_config_file: |_| Err("there is no file".into()),
            read_acl_file: |_| Err("No such file or directory".into()),
            write_acl_file: |_, _| Err("there are no files".into()),
            info: |_| None,
            save: None,
            load: None,
            spool: None,
            base_of_commands: None,
            slow_journal: |_| {},
            crash: |_| {},
            sleep: |_| {},
        }
    }
}
