//! RDB: Redis's format of data sets and of single values.
//!
//! ```text
//! write, read    words: lengths, strings, doubles; lzf, crc64
//! save           an entry's value in the encodings of a version, as one of types.rs
//! load           a value of any type that any version wrote, checked through and through
//! old            ziplists and zipmaps, of which there are only those that versions before 7 wrote
//! dump           DUMP and RESTORE: one value with a version and a checksum
//! snapshot       writes a whole file in steps; loader reads one that comes in pieces
//! background     writes one while the keyspace changes; parts: large values, piece by piece
//! data_set       both, of a whole keyspace at once
//! ```
//!
//! What is read comes from outside and is a claim: a length is believed as far as there are bytes, a packed
//! structure is looked at entry by entry, and no member comes twice.

pub mod background;
pub mod crc64;
pub mod data_set;
pub mod dump;
pub mod load;
pub mod loader;
pub mod lzf;
mod old;
mod opcode;
mod parts;
pub mod read;
pub mod save;
pub mod snapshot;
mod stream;
mod types;
pub mod write;

pub(super) use parts::is_large;
pub use read::{Fault, Reader};
pub use types::name as name_of_type;
pub use write::Writer;

/// The version that is written: Redis 7.0's, which all that came after it read.
pub const VERSION: u32 = 10;

/// The newest version of Redis's that is read.
pub const VERSION_MAX: u32 = 12;

/// Fields of hashes have expiries from here on.
pub const TIMED_FIELDS_VERSION: u32 = 12;

/// Valkey's own versions start here; types 22 and up mean something else there.
pub const VALKEY_VERSION: u32 = 80;

/// Whether there may be values of this version.
pub const fn is_known(version: u32) -> bool {
    matches!(version, 1..=VERSION_MAX | VALKEY_VERSION)
}
