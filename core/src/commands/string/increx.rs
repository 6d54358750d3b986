//! INCREX: counting within bounds, with an expiry.

use super::expiry::When;
use crate::collections::decimal::{self, Extended};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::{Class, Expiry};
use alloc::format;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// INCREX key …: adds to a number unless the sum is out of bounds, and may set the key's expiry.
pub const INCREX: Command = Command::new("increx", -2, increx)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("8.8.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))])
    .docs(
        "key [BYFLOAT float:double|BYINT integer:integer] [LBOUND lowerbound] [UBOUND upperbound] [SATURATE] [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|PERSIST] [ENX]",
        "Adds to the number at a key unless the sum is out of bounds, and may set the expiry of the key.",
        "O(1)",
    );

/// The options; numbers are where they are among the arguments.
#[derive(Debug, Default)]
struct Options<'a> {
    by_int: Option<usize>,
    by_float: Option<usize>,
    lower: Option<usize>,
    upper: Option<usize>,
    saturate: bool,
    when: Option<When<'a>>,
    persist: bool,
    /// ENX: an expiry that is there stays.
    only_new_expiry: bool,
}

impl<'a> Options<'a> {
    /// Reads the arguments behind the key. Nothing may come twice.
    fn parse(args: Args<'a>) -> Result<Self, Error> {
        let mut options = Self::default();
        let mut at = 2;
        while at < args.len() {
            let has_by = options.by_int.is_some() || options.by_float.is_some();
            let is_flag = if args.is(at, "saturate") && !options.saturate {
                options.saturate = true;
                true
            } else if args.is(at, "persist")
                && !options.persist
                && options.when.is_none()
                && !options.only_new_expiry
            {
                options.persist = true;
                true
            } else if args.is(at, "enx") && !options.only_new_expiry && !options.persist {
                options.only_new_expiry = true;
                true
            } else {
                false
            };
            if is_flag {
                at += 1;
                continue;
            }
            let number = args.get(at + 1).ok_or(Error::Syntax)?;
            if args.is(at, "byint") && !has_by {
                options.by_int = Some(at + 1);
            } else if args.is(at, "byfloat") && !has_by {
                options.by_float = Some(at + 1);
            } else if args.is(at, "lbound") && options.lower.is_none() {
                options.lower = Some(at + 1);
            } else if args.is(at, "ubound") && options.upper.is_none() {
                options.upper = Some(at + 1);
            } else if options.when.is_none() && !options.persist {
                options.when = Some(When::parse(args, at, number).ok_or(Error::Syntax)?);
            } else {
                return Err(Error::Syntax);
            }
            at += 2;
        }
        if options.only_new_expiry && options.when.is_none() {
            return Err(Error::Text("ERR ENX flag requires an expiration"));
        }
        Ok(options)
    }
}

/// What becomes of the value.
#[derive(Debug)]
struct Change {
    /// The new value and what was added to it, as text.
    value: Vec<u8>,
    added: Vec<u8>,
    /// The new value, where it is stored as an integer.
    int: Option<i64>,
    /// It is out of bounds: nothing happens.
    refused: bool,
}

fn increx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let options = Options::parse(args)?;
    let is_float = options.by_float.is_some();
    let key = &args[1];
    let change = if is_float { floats(ctx, args, &options)? } else { ints(ctx, args, &options)? };
    if !change.refused {
        apply(ctx, key, &options, &change)?;
    }
    ctx.reply.array(2);
    for text in [&change.value, &change.added] {
        match decimal::parse(text) {
            Some(number) if !is_float => ctx.reply.int(number),
            _ => ctx.reply.double_text(text),
        }
    }
    Ok(Flow::Done)
}

fn ints(ctx: &mut Ctx<'_>, args: Args<'_>, options: &Options<'_>) -> Result<Change, Error> {
    let number = |place: Option<usize>, name: &str, otherwise: i64| match place {
        None => Ok(otherwise),
        Some(place) => args
            .int(place)
            .map_err(|_| Error::Owned(format!("ERR {name} is not an integer or out of range"))),
    };
    let increment = number(options.by_int, "Increment", 1)?;
    let lower = number(options.lower, "LBOUND", i64::MIN)?;
    let upper = number(options.upper, "UBOUND", i64::MAX)?;
    check_bounds(lower.cmp(&upper))?;
    check_expiry(ctx, options)?;
    let old = match ctx.db.string_mut(&args[1])?.and_then(|entry| entry.as_str()) {
        None => 0,
        Some(value) => {
            decimal::parse(value.text(&mut itoa::Buffer::new())).ok_or(Error::NotInteger)?
        }
    };
    let sum = i128::from(old) + i128::from(increment);
    let new = sum.clamp(lower.into(), upper.into());
    let refused = new != sum && !options.saturate;
    let new = if refused { old } else { new as i64 };
    let added = new.checked_sub(old).ok_or(Error::Text("ERR applied increment would overflow"))?;
    let text = |value: i64| itoa::Buffer::new().format(value).as_bytes().to_vec();
    Ok(Change { value: text(new), added: text(added), int: Some(new), refused })
}

fn floats(ctx: &mut Ctx<'_>, args: Args<'_>, options: &Options<'_>) -> Result<Change, Error> {
    let number = |place: Option<usize>, name: &str, otherwise: Extended| match place {
        None => Ok(otherwise),
        Some(place) => Extended::parse(&args[place])
            .ok_or_else(|| Error::Owned(format!("ERR {name} is not a valid float"))),
    };
    let increment = number(options.by_float, "Increment", Extended::MAX)?;
    if !increment.is_finite() {
        return Err(Error::Text("ERR BYFLOAT increment cannot be Infinity"));
    }
    let lower = number(options.lower, "LBOUND", -Extended::MAX)?;
    let upper = number(options.upper, "UBOUND", Extended::MAX)?;
    check_bounds(lower.order(upper))?;
    check_expiry(ctx, options)?;
    let mut buffer = itoa::Buffer::new();
    let text = match ctx.db.string_mut(&args[1])? {
        Some(entry) => entry.as_str().map_or(&b"0"[..], |value| value.text(&mut buffer)),
        None => b"0",
    };
    let old = Extended::parse(text).ok_or(Error::NotFloat)?;
    if !old.is_finite() {
        return Err(Error::Text("ERR value cannot be Infinity"));
    }
    let sum = old + increment;
    let bound = match (sum.order(lower), sum.order(upper)) {
        (Ordering::Less, _) => Some(lower),
        (_, Ordering::Greater) => Some(upper),
        _ => None,
    };
    let (new, added, refused) = match bound {
        None => (sum, increment, false),
        Some(bound) if options.saturate => (bound, bound + -old, false),
        Some(_) => (old, old + -old, true),
    };
    if !added.is_finite() || !new.is_finite() {
        return Err(Error::Text("ERR applied increment would produce Infinity"));
    }
    let text = |value: Extended| {
        let mut text = Vec::new();
        value.write(&mut text);
        text
    };
    Ok(Change { value: text(new), added: text(added), int: None, refused })
}

fn check_bounds(order: Ordering) -> Result<(), Error> {
    if order.is_gt() {
        return Err(Error::Text("ERR LBOUND can't be greater than UBOUND"));
    }
    Ok(())
}

/// Reads the expiry before the key is looked at.
fn check_expiry(ctx: &Ctx<'_>, options: &Options<'_>) -> Result<(), Error> {
    options.when.map_or(Ok(()), |when| when.unix_ms(ctx).map(drop))
}

fn apply(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    options: &Options<'_>,
    change: &Change,
) -> Result<(), Error> {
    let (exists, expires) = match ctx.db.write(key) {
        Some(entry) => (true, entry.expiry_ms().is_some()),
        None => (false, false),
    };
    let keeps = options.only_new_expiry && expires;
    let expiry = match options.when {
        Some(when) if !keeps => {
            let at_ms = when.unix_ms(ctx)?;
            if when.is_absolute() && at_ms <= ctx.due_ms() {
                // Its time is up already: there is nothing to store.
                if exists {
                    ctx.db.remove(key);
                    ctx.db.changed(Class::GENERIC, "del", key);
                    ctx.replicate(&[b"DEL", key]);
                }
                return Ok(());
            }
            Expiry::At(at_ms)
        }
        None if options.persist => Expiry::Clear,
        _ => Expiry::Keep,
    };
    ctx.db.store_string(key, &change.value, change.int, expiry);
    let event = if change.int.is_some() { "incrby" } else { "incrbyfloat" };
    ctx.db.changed(Class::STRING, event, key);
    match expiry {
        Expiry::At(_) => ctx.db.event(Class::GENERIC, "expire", key),
        Expiry::Clear if expires => ctx.db.event(Class::GENERIC, "persist", key),
        _ => {}
    }
    match expiry {
        Expiry::At(at_ms) => {
            ctx.db.replicate_number(&[b"SET", key, &change.value, b"PXAT"], at_ms);
        }
        Expiry::Clear => ctx.replicate(&[b"SET", key, &change.value]),
        Expiry::Keep => ctx.replicate(&[b"SET", key, &change.value, b"KEEPTTL"]),
    }
    Ok(())
}
