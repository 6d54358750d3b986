//! The options of SET, GETEX and MSETEX: conditions, and when the key expires.

use super::compare::Test;
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

impl<'a> When<'a> {
    /// The time that the word at `index` gives `number`.
    pub(super) fn parse(args: Args<'_>, index: usize, number: &'a [u8]) -> Option<Self> {
        Some(match () {
            () if args.is(index, "EX") => Self::Seconds(number),
            () if args.is(index, "PX") => Self::Millis(number),
            () if args.is(index, "EXAT") => Self::AtSeconds(number),
            () if args.is(index, "PXAT") => Self::AtMillis(number),
            () => return None,
        })
    }

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
    MSetEx,
}

/// The options of SET, GETEX or MSETEX.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    pub(super) nx: bool,
    pub(super) xx: bool,
    pub(super) get: bool,
    pub(super) keep_ttl: bool,
    pub(super) persist: bool,
    pub(super) when: Option<When<'a>>,
    pub(super) test: Option<Test<'a>>,
}

impl<'a> Options<'a> {
    /// Reads the arguments from `first` on. The same option twice is fine, as in Redis, unless it is a time.
    pub(super) fn parse(args: Args<'a>, first: usize, allowed: Allowed) -> Result<Self, Error> {
        let mut options = Self::default();
        let set = allowed == Allowed::Set;
        let sets = allowed != Allowed::GetEx;
        let mut at = first;
        while at < args.len() {
            let timeless = options.when.is_none() && !options.keep_ttl && !options.persist;
            if sets && args.is(at, "NX") && !options.xx && options.test.is_none() {
                options.nx = true;
            } else if sets && args.is(at, "XX") && !options.nx && options.test.is_none() {
                options.xx = true;
            } else if set && args.is(at, "GET") {
                options.get = true;
            } else if sets && args.is(at, "KEEPTTL") && options.when.is_none() {
                options.keep_ttl = true;
            } else if !sets && args.is(at, "PERSIST") && options.when.is_none() {
                options.persist = true;
            } else if set
                && !options.nx
                && !options.xx
                && options.test.is_none()
                && let Some(test) = Test::parse(args, at)
            {
                options.test = Some(test);
                at += 1;
            } else if timeless && let Some(number) = args.get(at + 1) {
                options.when = Some(When::parse(args, at, number).ok_or(Error::Syntax)?);
                at += 1;
            } else {
                return Err(Error::Syntax);
            }
            at += 1;
        }
        Ok(options)
    }
}
