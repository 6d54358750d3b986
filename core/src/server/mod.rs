//! What an engine has besides its keys: settings, connections, subscriptions, counters, and what the
//! host is to do next.

pub mod effect;
pub mod hooks;
pub mod hot_keys;
pub mod latency;
pub mod names;
pub mod persistence;
pub mod replication;
pub mod slow_log;
pub mod stats;
pub mod version;

pub use effect::{Effect, Level, Progress, SnapshotKind, Ticket};
pub use hooks::{Hooks, Pull, Push};
pub use hot_keys::HotKeys;
pub use latency::Latency;
pub use names::Names;
pub use persistence::Persistence;
pub use replication::Replication;
pub use slow_log::SlowLog;
pub use stats::{CommandStats, Histogram, Rates, Stats};

use crate::acl::Access;
use crate::client::{Clients, ConnId, PubSub};
use crate::collections::ordered;
use crate::config::Config;
use crate::persist::rdb::VERSION_MAX;
use crate::persist::rdb::save::Format;
use crate::persist::rdb::snapshot::{Options, Origin};
use crate::script::Scripting;
use crate::value::Tuning;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

/// The time a host gives with each input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// The wall clock, for keys' expiry: microseconds since 1970. It may jump.
    pub unix_us: u64,
    /// A clock that never goes back, for timeouts: microseconds since some moment.
    pub mono_us: u64,
}

impl Now {
    /// The wall clock in milliseconds.
    pub const fn unix_ms(self) -> i64 {
        (self.unix_us / 1000) as i64
    }
}

/// CLIENT PAUSE: until when, on the monotonic clock, and what it holds back.
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    /// The end.
    pub until_us: u64,
    /// Every command, or only what may change the data set.
    pub all: bool,
}

/// Everything of an engine that is not the keyspace.
#[derive(Debug)]
pub struct Server {
    /// Settings.
    pub config: Config,
    /// CONFIG SET changed something: the engine hands it on after the command.
    pub config_changed: bool,
    /// The time of the running input.
    pub now: Now,
    /// When the engine was born.
    pub born: Now,
    /// Users, and what was refused to them.
    pub acl: Access,
    /// `rename-command`.
    pub names: Names,
    /// Connections, but for the one whose command runs.
    pub clients: Clients,
    /// Subscriptions.
    pub pubsub: PubSub,
    /// Counters.
    pub stats: Stats,
    /// Counters by command, by its place in the table.
    pub command_stats: Vec<CommandStats>,
    /// Scripts.
    pub scripting: Scripting,
    /// Commands that took long (SLOWLOG, COMMANDLOG).
    pub slow_log: SlowLog,
    /// Commands that were large (COMMANDLOG).
    pub large_requests: SlowLog,
    /// Commands whose replies were large (COMMANDLOG).
    pub large_replies: SlowLog,
    /// What took long, whatever it was (LATENCY).
    pub latency: Latency,
    /// Who takes the most (HOTKEYS), if anybody asked.
    pub hot_keys: Option<Box<HotKeys>>,
    /// How much happened lately.
    pub rates: Rates,
    /// The most memory that was ever seen in use.
    pub peak_memory: usize,
    /// What the host lends.
    pub hooks: Hooks,
    /// 40 hexadecimal digits that name this run.
    pub run_id: String,
    /// 40 hexadecimal digits that name the history of the data set.
    pub replication_id: String,
    /// Blocked clients with a deadline, by deadline.
    pub deadlines: ordered::Set<(u64, u64)>,
    /// How many clients are blocked.
    pub blocked_clients: usize,
    /// Clients that are no longer blocked, or whose commands are no longer held back: they have requests waiting.
    pub unblocked: VecDeque<u64>,
    /// What is saved, and how that went.
    pub persistence: Persistence,
    /// Who gets the data set through a connection.
    pub replication: Replication,
    /// Those who wait for the journal to be on disk up to where they wrote to it (WAITAOF): their number, the
    /// place in the journal, and whether they wait for replicas as well.
    pub disk_waiters: Vec<(u64, u64, bool)>,
    /// CLIENT PAUSE.
    pub pause: Option<Pause>,
    /// Clients whose commands it holds back, in the order they came.
    pub held: VecDeque<u64>,
    /// Connections that MONITOR.
    pub monitors: Vec<ConnId>,
    /// The stopwatch when the last command ended, in nanoseconds.
    pub tick: u64,
    /// DEBUG SET-ACTIVE-EXPIRE.
    pub active_expire: bool,
    /// DEBUG SET-SKIP-CHECKSUM-VALIDATION.
    pub skip_checksum: bool,
    /// DEBUG SET-DISABLE-DENY-SCRIPTS: scripts may call what is not for them.
    pub scripts_may_all: bool,
    /// DEBUG PAUSE-CRON.
    pub cron_paused: bool,
    /// What the host is to do, in this order.
    pub effects: VecDeque<Effect>,
}

impl Server {
    /// How long a script may run before others hear that the server is busy, in microseconds.
    pub fn busy_after_us(&self) -> u64 {
        let ms = self.config.number("busy-reply-threshold");
        u64::try_from(ms).unwrap_or(0).saturating_mul(1000)
    }

    /// How a file is written that is for this engine alone and keeps all there is.
    pub fn reload_options(&self, tuning: &Tuning) -> Options {
        self.rdb_options(Format::of_version(VERSION_MAX, tuning), true)
    }

    /// How a file is written.
    pub fn rdb_options(&self, format: Format, access: bool) -> Options {
        let compress = self.config.is_on("rdbcompression");
        Options { format, compress, checksum: self.config.is_on("rdbchecksum"), access }
    }

    /// What a file says of its writer.
    pub fn origin(&self, aof_base: bool) -> Origin {
        Origin {
            redis_version: version::VERSION,
            unix_s: self.now.unix_ms() / 1000,
            used_memory: (self.hooks.used_memory)() as u64,
            aof_base,
        }
    }
}
