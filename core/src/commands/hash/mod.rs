//! Commands on hashes.

mod expire;
mod extended;
mod fields;
mod get;
mod incr;
mod random;
mod set;

pub use expire::{
    HEXPIRE, HEXPIREAT, HEXPIRETIME, HPERSIST, HPEXPIRE, HPEXPIREAT, HPEXPIRETIME, HPTTL, HTTL,
};
pub use extended::{HGETDEL, HGETEX, HSETEX};
pub use get::{HEXISTS, HGET, HGETALL, HKEYS, HLEN, HMGET, HSTRLEN, HVALS};
pub use incr::{HINCRBY, HINCRBYFLOAT};
pub use random::{HRANDFIELD, HSCAN};
pub use set::{HDEL, HMSET, HSET, HSETNX};
