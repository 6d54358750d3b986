//! The answer to bytes from outside that are not what they claim to be.

use core::fmt;

/// Why a byte sequence was refused as a packed structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt(pub &'static str);

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for Corrupt {}
