//! Transactions: commands queued by MULTI and run by EXEC, unless a WATCHed key was touched.

mod multi;
mod watch;

pub use multi::{DISCARD, EXEC, MULTI, go_on};
pub use watch::{UNWATCH, WATCH, unwatch_all};
