//! Data structures that know nothing of Redis's commands, keys or clients.

pub mod bits;
pub(crate) mod block;
pub mod corrupt;
pub mod decimal;
pub mod dict;
pub mod either;
pub mod field;
pub mod gathered;
pub mod glob;
pub mod hash;
pub mod intset;
pub mod listpack;
pub mod ordered;
pub mod quicklist;
pub mod rank;
pub mod ranked_tree;
pub mod scored;
pub mod sorted_set;
pub mod thin;
pub mod xxh3;
