//! Commands about the server: settings, the command table, statistics, debugging.

mod command;
mod command_log;
mod config;
mod debug;
mod digest;
mod hot_keys;
mod info;
mod latency;
mod memory;
mod module;
pub mod persistence;
pub mod shutdown;
mod slowlog;
mod small;
mod waitaof;

pub use command::COMMAND;
pub use command_log::COMMANDLOG;
pub use config::CONFIG;
pub use debug::DEBUG;
pub use hot_keys::HOTKEYS;
pub use info::INFO;
pub use latency::LATENCY;
pub use memory::MEMORY;
pub use module::MODULE;
pub use persistence::{BGREWRITEAOF, BGSAVE, LASTSAVE, SAVE};
pub use shutdown::SHUTDOWN;
pub use slowlog::SLOWLOG;
pub use small::{LOLWUT, ROLE, TIME};
pub use waitaof::WAITAOF;

/// The version of Redis that clients may take us for: what it does, we do the same way.
pub const REDIS_VERSION: &str = "7.0.15";
