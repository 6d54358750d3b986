//! Commands on strings.

mod expiry;
mod get_set;
mod incr;
mod lcs;
mod multi;
mod range;

pub use get_set::{GET, GETDEL, GETEX, GETSET, PSETEX, SET, SETEX, SETNX};
pub use incr::{DECR, DECRBY, INCR, INCRBY, INCRBYFLOAT};
pub use lcs::LCS;
pub use multi::{MGET, MSET, MSETNX};
pub use range::{APPEND, GETRANGE, SETRANGE, STRLEN, SUBSTR};
