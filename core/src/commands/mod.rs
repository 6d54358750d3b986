//! Every command, by family: its declaration and its function side by side. [`table`] lists them.

pub mod connection;
pub mod pubsub;
pub mod string;
pub mod table;
