//! Which Redis the engine says it is.

/// The version that HELLO and INFO name: clients choose what they use by it.
pub const VERSION: &str = "7.0.15";

/// The same as a number, two digits each: what `redis.REDIS_VERSION_NUM` is.
pub const NUMBER: u32 = 0x0007_000f;
