//! Settings: every parameter of redis.conf that the engine knows, with CONFIG GET's and SET's rules.

use crate::store::Class;
use alloc::string::String;

/// The settings of an engine.
#[derive(Debug, Clone)]
pub struct Config {
    /// `databases`.
    pub databases: usize,
    /// `requirepass`; empty: none.
    pub requirepass: String,
    /// `proto-max-bulk-len`, in bytes.
    pub proto_max_bulk_len: u64,
    /// `client-query-buffer-limit`, in bytes.
    pub client_query_buffer_limit: u64,
    /// `maxmemory`, in bytes; 0: none.
    pub maxmemory: u64,
    /// `notify-keyspace-events`.
    pub notify_keyspace_events: Class,
    /// `hz`: background work per second.
    pub hz: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            databases: 16,
            requirepass: String::new(),
            proto_max_bulk_len: 512 << 20,
            client_query_buffer_limit: 1 << 30,
            maxmemory: 0,
            notify_keyspace_events: Class::empty(),
            hz: 10,
        }
    }
}
