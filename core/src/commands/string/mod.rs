//! Commands on strings.

mod compare;
mod expiry;
mod get_set;
mod incr;
mod increx;
mod lcs;
mod multi;
mod range;

pub use compare::{DELEX, DELIFEQ, DIGEST};
pub use get_set::{GET, GETDEL, GETEX, GETSET, PSETEX, SET, SETEX, SETNX};
pub use incr::{DECR, DECRBY, INCR, INCRBY, INCRBYFLOAT};
pub use increx::INCREX;
pub use lcs::LCS;
pub use multi::{MGET, MSET, MSETEX, MSETNX};
pub use range::{APPEND, GETRANGE, SETRANGE, STRLEN, SUBSTR};
