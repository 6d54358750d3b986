//! Which Redis the engine says it is.

/// The version that HELLO and INFO name: clients choose what they use by it.
pub const VERSION: &str = "7.0.15";
