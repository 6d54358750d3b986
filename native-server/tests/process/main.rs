//! The binary as a process: as users, operators and accidents meet it.

mod backup;
mod common;
mod crash;
mod schedule;
mod sealed;
mod server;
