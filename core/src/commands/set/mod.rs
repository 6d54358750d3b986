//! Commands on sets.

mod algebra;
mod change;
mod random;
mod read;

pub use algebra::{SDIFF, SDIFFSTORE, SINTER, SINTERCARD, SINTERSTORE, SUNION, SUNIONSTORE};
pub use change::{SADD, SMOVE, SREM};
pub use random::{SPOP, SRANDMEMBER};
pub use read::{SCARD, SISMEMBER, SMEMBERS, SMISMEMBER, SSCAN};
