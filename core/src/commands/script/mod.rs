//! Scripts: EVAL and its kin, the cache of scripts, and what runs them.

mod cache;
mod eval;
mod run;

pub use cache::SCRIPT;
pub use eval::{EVAL, EVAL_RO, EVALSHA, EVALSHA_RO};
pub use run::{Outcome, resume};
