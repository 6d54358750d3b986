//! Scripts: EVAL and its kin, the cache of scripts, libraries of functions, and what runs them.

mod cache;
mod eval;
mod fcall;
mod function;
mod run;

pub use cache::SCRIPT;
pub use eval::{EVAL, EVAL_RO, EVALSHA, EVALSHA_RO};
pub use fcall::{FCALL, FCALL_RO};
pub use function::{FUNCTION, load_all};
pub use run::{Outcome, resume};
