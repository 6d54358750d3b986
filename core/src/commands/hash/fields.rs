//! What the commands on expiries of fields have in common: how times and fields are given, and what
//! follows a change.

use crate::command::{Args, Ctx};
use crate::error::Error;
use crate::store::Class;
use crate::value::Hash;
use crate::value::hash::FIELD_TIME_MAX_MS;
use alloc::vec::Vec;

/// The count of fields is no positive integer, to most commands.
pub(super) const NOT_POSITIVE: &str = "ERR Number of fields must be a positive integer";

/// How the time of a field is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldUnit {
    /// In so many seconds.
    Seconds,
    /// In so many milliseconds.
    Millis,
    /// At this Unix time in seconds.
    AtSeconds,
    /// At this Unix time in milliseconds.
    AtMillis,
}

impl FieldUnit {
    /// The option at `at`: EX, PX, EXAT or PXAT.
    pub(super) fn parse(args: Args<'_>, at: usize) -> Option<Self> {
        let words = [
            ("EX", Self::Seconds),
            ("PX", Self::Millis),
            ("EXAT", Self::AtSeconds),
            ("PXAT", Self::AtMillis),
        ];
        words.into_iter().find(|(word, _)| args.is(at, word)).map(|(_, unit)| unit)
    }

    /// The argument at `at` as a Unix time in milliseconds, no later than a field can have.
    pub(super) fn unix_ms(self, ctx: &Ctx<'_>, args: Args<'_>, at: usize) -> Result<i64, Error> {
        let (unit, base) = match self {
            Self::Seconds => (1000, ctx.now_ms()),
            Self::Millis => (1, ctx.now_ms()),
            Self::AtSeconds => (1000, 0),
            Self::AtMillis => (1, 0),
        };
        let number = args.int(at)?;
        if number < 0 {
            return Err(Error::Text("ERR invalid expire time, must be >= 0"));
        }
        number
            .checked_mul(unit)
            .and_then(|span| span.checked_add(base))
            .filter(|&at_ms| at_ms <= FIELD_TIME_MAX_MS)
            .ok_or_else(|| Error::invalid_expire(ctx.command.name))
    }
}

/// `FIELDS numfields field …` at `at` and to the end: where the fields begin.
pub(super) fn parse_fields(
    args: Args<'_>,
    at: usize,
    not_positive: &'static str,
) -> Result<usize, Error> {
    if !args.is(at, "FIELDS") {
        return Err(Error::Text(
            "ERR Mandatory argument FIELDS is missing or not at the right position",
        ));
    }
    let count = args.int_in(at + 1, 1..=i64::MAX, not_positive)?;
    let first = at + 2;
    if count != args.len() as i64 - first as i64 {
        return Err(Error::Text(
            "ERR The `numfields` parameter must match the number of arguments",
        ));
    }
    Ok(first)
}

/// `count` fields of the hash at `key` were removed or got another expiry: counts them, keeps the index of
/// expiries, notes the event, and removes the key with the last field.
pub(super) fn finish(ctx: &mut Ctx<'_>, key: &[u8], event: &'static str, count: u64) {
    if count == 0 {
        return;
    }
    ctx.db.index_fields(key);
    ctx.db.changed(Class::HASH, event, key);
    ctx.db.dirty += count - 1;
    remove_if_empty(ctx, key);
}

/// In the journal, fields were removed (`None`), or expire at this moment.
pub(super) fn replicate_times(ctx: &mut Ctx<'_>, key: &[u8], at_ms: Option<i64>, fields: &[&[u8]]) {
    if fields.is_empty() || !ctx.db.is_journaled() {
        return;
    }
    let (mut moment, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let mut words: Vec<&[u8]> = Vec::with_capacity(fields.len() + 5);
    match at_ms {
        None => words.extend([&b"HDEL"[..], key]),
        Some(at_ms) => {
            words.extend([&b"HPEXPIREAT"[..], key, moment.format(at_ms).as_bytes()]);
            words.extend([&b"FIELDS"[..], count.format(fields.len()).as_bytes()]);
        }
    }
    words.extend(fields);
    ctx.replicate(&words);
}

/// Removes the key if its last field was removed.
pub(super) fn remove_if_empty(ctx: &mut Ctx<'_>, key: &[u8]) {
    if matches!(ctx.db.object_mut::<Hash>(key), Ok(Some(hash)) if hash.is_empty()) {
        ctx.db.remove(key);
        ctx.db.event(Class::GENERIC, "del", key);
    }
}
