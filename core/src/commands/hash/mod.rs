//! Commands on hashes.

mod get;
mod incr;
mod random;
mod set;

pub use get::{HEXISTS, HGET, HGETALL, HKEYS, HLEN, HMGET, HSTRLEN, HVALS};
pub use incr::{HINCRBY, HINCRBYFLOAT};
pub use random::{HRANDFIELD, HSCAN};
pub use set::{HDEL, HMSET, HSET, HSETNX};
