//! Every command, by family: its declaration and its function side by side. [`table`] lists them.

pub mod acl;
pub mod bitmap;
pub mod cluster;
pub mod connection;
pub mod geo;
pub mod hash;
pub mod help;
pub mod hyperloglog;
pub mod keyspace;
pub mod list;
pub mod pubsub;
pub mod replication;
pub mod script;
pub mod server;
pub mod set;
pub mod stream;
pub mod string;
pub mod table;
pub mod transaction;
pub mod zset;
