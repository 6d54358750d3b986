//! Commands about the connection itself.

mod auth;
mod client;
mod filter;
mod hello;
mod kill;
mod list;
mod monitor;
mod pause;
mod ping;
mod reset;
mod tracking;

pub use auth::AUTH;
pub use client::CLIENT;
pub use hello::HELLO;
pub use kill::kill_now;
pub use monitor::{MONITOR, feed, show};
pub use ping::{ECHO, PING, QUIT};
pub use reset::{RESET, SELECT, release};
