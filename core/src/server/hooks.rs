//! What a host lends the engine: functions that may shape reports and memory limits, never a reply to
//! the same input.

/// Functions of the host. All have a default that works without one.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// A stopwatch in nanoseconds, for SLOWLOG, latency and command statistics alone.
    pub stopwatch: fn() -> u64,
    /// The bytes in use as the host's counting allocator knows them, for `maxmemory` and INFO memory.
    pub used_memory: fn() -> usize,
}

impl core::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Hooks")
    }
}

impl Default for Hooks {
    fn default() -> Self {
        Self { stopwatch: || 0, used_memory: || 0 }
    }
}
