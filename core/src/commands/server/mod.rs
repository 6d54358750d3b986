//! Commands about the server: settings, the command table, statistics, debugging.

mod command;
mod config;
mod debug;
mod digest;
mod info;
mod memory;
mod slowlog;
mod small;

pub use command::COMMAND;
pub use config::CONFIG;
pub use debug::DEBUG;
pub use info::INFO;
pub use memory::MEMORY;
pub use slowlog::SLOWLOG;
pub use small::{LOLWUT, SHUTDOWN, TIME};

/// The version of Redis that clients may take us for: what it does, we do the same way.
pub const REDIS_VERSION: &str = "7.0.15";
