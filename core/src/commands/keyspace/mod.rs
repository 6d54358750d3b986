//! Commands on keys of any type, and on databases.

mod del;
mod dump;
mod expire;
mod flush;
mod object;
mod rename;
mod scan;
mod sort;

pub use del::{DEL, EXISTS, TOUCH, TYPE, UNLINK};
pub use dump::{DUMP, RESTORE, RESTORE_ASKING};
pub use expire::{
    EXPIRE, EXPIREAT, EXPIRETIME, PERSIST, PEXPIRE, PEXPIREAT, PEXPIRETIME, PTTL, TTL,
};
pub use flush::{FLUSHALL, FLUSHDB};
pub use object::OBJECT;
pub use rename::{COPY, MOVE, RENAME, RENAMENX, SWAPDB};
pub use scan::{DBSIZE, KEYS, RANDOMKEY, SCAN};
pub use sort::{SORT, SORT_RO};
