//! The bytes that stand in a file where a type could.

/// Valkey: a slot is being imported.
pub(super) const SLOT_IMPORT: u8 = 243;
/// How large a slot is.
pub(super) const SLOT_SIZES: u8 = 244;
pub(super) const FUNCTION: u8 = 245;
/// As release candidates of Redis 7.0 wrote it.
pub(super) const FUNCTION_OLD: u8 = 246;
/// What a module keeps besides its values.
pub(super) const MODULE_DATA: u8 = 247;
pub(super) const IDLE: u8 = 248;
pub(super) const FREQUENCY: u8 = 249;
/// A name and a text about the file.
pub(super) const FACT: u8 = 250;
pub(super) const SIZES: u8 = 251;
pub(super) const EXPIRY_MS: u8 = 252;
pub(super) const EXPIRY_S: u8 = 253;
pub(super) const DATABASE: u8 = 254;
pub(super) const END: u8 = 255;
