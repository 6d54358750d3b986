//! The options of SET and GETEX: conditions, and when the key expires.

use crate::collections::decimal;
use crate::command::{Args, Ctx};
use crate::error::Error;

/// A time as a client gives it, not read yet.
#[derive(Debug, Clone, Copy)]
pub(super) enum When<'a> {
    /// EX: in so many seconds.
    Seconds(&'a [u8]),
    /// PX: in so many milliseconds.
    Millis(&'a [u8]),
    /// EXAT: at this Unix time in seconds.
    AtSeconds(&'a [u8]),
    /// PXAT: at this Unix time in milliseconds.
    AtMillis(&'a [u8]),
}

impl When<'_> {
    /// The Unix time in milliseconds; only times after the epoch will do, and spans over zero.
    pub(super) fn unix_ms(self, ctx: &Ctx<'_>) -> Result<i64, Error> {
        let (text, unit, base) = match self {
            Self::Seconds(text) => (text, 1000, ctx.now_ms()),
            Self::Millis(text) => (text, 1, ctx.now_ms()),
            Self::AtSeconds(text) => (text, 1000, 0),
            Self::AtMillis(text) => (text, 1, 0),
        };
        let number = decimal::parse(text).ok_or(Error::NotInteger)?;
        Some(number)
            .filter(|&number| number > 0)
            .and_then(|number| number.checked_mul(unit)?.checked_add(base))
            .ok_or_else(|| Error::invalid_expire(ctx.command.name))
    }

    /// Whether it names a moment and not a span from now on.
    pub(super) const fn is_absolute(self) -> bool {
        matches!(self, Self::AtSeconds(_) | Self::AtMillis(_))
    }
}

/// Which command's options are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    Set,
    GetEx,
}

/// The options of SET or GETEX.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    pub(super) nx: bool,
    pub(super) xx: bool,
    pub(super) get: bool,
    pub(super) keep_ttl: bool,
    pub(super) persist: bool,
    pub(super) when: Option<When<'a>>,
}

impl<'a> Options<'a> {
    /// Reads the arguments from `first` on. The same option twice is fine, as in Redis, unless it is a time.
    pub(super) fn parse(args: Args<'a>, first: usize, allowed: Allowed) -> Result<Self, Error> {
        let mut options = Self::default();
        let set = allowed == Allowed::Set;
        let mut at = first;
        while at < args.len() {
            let timeless = options.when.is_none() && !options.keep_ttl && !options.persist;
            if set && args.is(at, "NX") && !options.xx {
                options.nx = true;
            } else if set && args.is(at, "XX") && !options.nx {
                options.xx = true;
            } else if set && args.is(at, "GET") {
                options.get = true;
            } else if set && args.is(at, "KEEPTTL") && options.when.is_none() {
                options.keep_ttl = true;
            } else if !set && args.is(at, "PERSIST") && options.when.is_none() {
                options.persist = true;
            } else if timeless && let Some(number) = args.get(at + 1) {
                options.when = Some(if args.is(at, "EX") {
                    When::Seconds(number)
                } else if args.is(at, "PX") {
                    When::Millis(number)
                } else if args.is(at, "EXAT") {
                    When::AtSeconds(number)
                } else if args.is(at, "PXAT") {
                    When::AtMillis(number)
                } else {
                    return Err(Error::Syntax);
                });
                at += 1;
            } else {
                return Err(Error::Syntax);
            }
            at += 1;
        }
        Ok(options)
    }
}
