//! Commands on strings.

mod get_set;

pub use get_set::{GET, SET};
