//! Committed files that are computed from the engine: `cargo bless` writes them, a test fails when one is stale.

/// A file and what computes it.
#[derive(Clone, Copy, Debug)]
pub struct Generated {
    /// Path below the repository's root.
    pub path: &'static str,
    /// The text it must have.
    pub text: fn() -> String,
}

/// All of them. A generator is a function in this crate; its file is a row here.
pub const FILES: &[Generated] = &[];
