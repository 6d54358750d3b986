//! BITFIELD: a string as numbers of any width at any bit.

use super::{bit_offset, change_bits};
use crate::collections::{bits, decimal};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::resp::Reply;
use crate::store::Class;

/// BITFIELD key [GET encoding offset | …]: reads and changes numbers within the string at `key`.
pub const BITFIELD: Command = Command::new("bitfield", -2, bitfield)
    .denyoom()
    .write()
    .acl(Acl::BITMAP)
    .group(Group::Bitmap)
    .since("3.2.0")
    .keys(&[KeySpec::one(
        1,
        KeyFlags::RW.union(KeyFlags::UPDATE).union(KeyFlags::ACCESS).union(KeyFlags::VARIABLE_FLAGS),
    )])
    .docs(
        "key [(GET encoding offset|[OVERFLOW (WRAP|SAT|FAIL)] (SET encoding offset value:integer|INCRBY encoding offset increment:integer)) ...]",
        "Reads, sets and increments numbers of any width at any bit of a string.",
        "O(1) for each number",
    );

fn bitfield(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let (key, steps) = (&args[1], Steps::of(ctx, args));
    let plan = Plan::of(&steps)?;
    let Some(last) = plan.last_written else { return read(ctx, key, &steps, plan.count) };
    ctx.reply.array(plan.count);
    let reply = &mut *ctx.reply;
    let changes = change_bits(ctx.db, key, last, |bytes, grows| {
        let mut changes = 0;
        for step in steps.flatten() {
            changes += u64::from(step.run(bytes, reply, grows));
        }
        changes
    })?;
    if changes > 0 {
        ctx.db.changed(Class::STRING, "setbit", key);
        ctx.db.dirty += changes - 1;
    }
    Ok(Flow::Done)
}

/// BITFIELD_RO key [GET encoding offset …]: reads numbers within the string at `key`.
pub const BITFIELD_RO: Command = Command::new("bitfield_ro", -2, bitfield_ro)
    .fast()
    .readonly()
    .acl(Acl::BITMAP)
    .group(Group::Bitmap)
    .since("6.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key [GET encoding offset [GET encoding offset ...]]",
        "Reads numbers of any width at any bit of a string.",
        "O(1) for each number",
    );

fn bitfield_ro(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let steps = Steps::of(ctx, args);
    let plan = Plan::of(&steps)?;
    if plan.last_written.is_some() {
        return Err(Error::Text("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read(ctx, &args[1], &steps, plan.count)
}

fn read(ctx: &mut Ctx<'_>, key: &[u8], steps: &Steps<'_>, count: usize) -> Result<Flow, Error> {
    let mut buffer = itoa::Buffer::new();
    let bytes = ctx.db.string(key)?.map_or(&b""[..], |value| value.text(&mut buffer));
    ctx.reply.array(count);
    for step in steps.clone().flatten() {
        ctx.reply.int(step.field.get(bytes));
    }
    Ok(Flow::Done)
}

/// What all steps together come to.
#[derive(Default)]
struct Plan {
    count: usize,
    /// The last bit that may be written to, if any.
    last_written: Option<u64>,
}

impl Plan {
    fn of(steps: &Steps<'_>) -> Result<Self, Error> {
        let mut plan = Self::default();
        for step in steps.clone() {
            let step = step?;
            plan.count += 1;
            if !matches!(step.action, Action::Get) {
                let last = step.field.at + u64::from(step.field.width) - 1;
                plan.last_written = plan.last_written.max(Some(last));
            }
        }
        Ok(plan)
    }
}

/// The steps of a request, read one by one; after an error there are no more. They are read twice, first to
/// see what is asked and then to do it, which is quicker than keeping them.
#[derive(Clone)]
struct Steps<'a> {
    args: Args<'a>,
    at: usize,
    overflow: Overflow,
    bytes_max: u64,
}

impl<'a> Steps<'a> {
    fn of(ctx: &Ctx<'_>, args: Args<'a>) -> Self {
        let bytes_max = ctx.server.config.proto_max_bulk_len;
        Self { args, at: 2, overflow: Overflow::Wrap, bytes_max }
    }

    fn read(&mut self) -> Result<Option<Step>, Error> {
        while let (Some(_), more) = (self.args.get(self.at), self.args.len()) {
            let (at, more) = (self.at, more - self.at - 1);
            let is = |word, operands| more >= operands && self.args.is(at, word);
            let (operands, action): (usize, fn(i64) -> Action) = if is("get", 2) {
                (2, |_| Action::Get)
            } else if is("set", 3) {
                (3, Action::Set)
            } else if is("incrby", 3) {
                (3, Action::Add)
            } else if is("overflow", 1) {
                self.overflow = Overflow::read(self.args, at + 1)?;
                self.at += 2;
                continue;
            } else {
                return Err(Error::Syntax);
            };
            let field = Field::read(&self.args[at + 1], &self.args[at + 2], self.bytes_max)?;
            let operand = if operands == 3 { self.args.int(at + 3)? } else { 0 };
            self.at += 1 + operands;
            return Ok(Some(Step { field, action: action(operand), overflow: self.overflow }));
        }
        Ok(None)
    }
}

impl Iterator for Steps<'_> {
    type Item = Result<Step, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.read().transpose();
        if matches!(step, Some(Err(_))) {
            self.at = self.args.len();
        }
        step
    }
}

/// One thing to do.
struct Step {
    field: Field,
    action: Action,
    overflow: Overflow,
}

enum Action {
    Get,
    Set(i64),
    Add(i64),
}

impl Step {
    /// Does it, with a reply; whether the string is another one now.
    fn run(&self, bytes: &mut [u8], reply: &mut Reply, grows: bool) -> bool {
        let old = self.field.get(bytes);
        let sum = match self.action {
            Action::Get => {
                reply.int(old);
                return false;
            }
            Action::Set(value) => self.field.sum(value, 0, self.overflow),
            Action::Add(increment) => self.field.sum(old, increment, self.overflow),
        };
        let Some(new) = sum else {
            reply.null();
            return false;
        };
        bits::set_number(bytes, self.field.at, self.field.width, new as u64);
        reply.int(if matches!(self.action, Action::Set(_)) { old } else { new });
        grows || old != new
    }
}

/// What happens to a result that does not fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overflow {
    /// Its upper bits are lost.
    Wrap,
    /// It becomes the next number that fits.
    Saturate,
    /// Nothing is done.
    Fail,
}

impl Overflow {
    fn read(args: Args<'_>, index: usize) -> Result<Self, Error> {
        if args.is(index, "wrap") {
            Ok(Self::Wrap)
        } else if args.is(index, "sat") {
            Ok(Self::Saturate)
        } else if args.is(index, "fail") {
            Ok(Self::Fail)
        } else {
            Err(Error::Text("ERR Invalid OVERFLOW type specified"))
        }
    }
}

/// Where a number is and how wide.
#[derive(Clone, Copy)]
struct Field {
    at: u64,
    width: u32,
    signed: bool,
}

impl Field {
    fn read(encoding: &[u8], offset: &[u8], bytes_max: u64) -> Result<Self, Error> {
        let (width, signed) = width(encoding).ok_or(Error::Text(
            "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
        ))?;
        Ok(Self { at: bit_offset(offset, Some(width), bytes_max)?, width, signed })
    }

    /// Its value. An unsigned one has 63 bits at most and fits as well.
    fn get(self, bytes: &[u8]) -> i64 {
        let number = bits::number(bytes, self.at, self.width);
        if self.signed { self.sign_extended(number) } else { number as i64 }
    }

    fn sign_extended(self, number: u64) -> i64 {
        let unused = 64 - self.width;
        ((number << unused) as i64) >> unused
    }

    /// `value + increment` as it is stored; `None` if it does not fit and so must not be.
    fn sum(self, value: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        let (min, max) = if self.signed {
            let max = i64::MAX >> (64 - self.width);
            (-max - 1, max)
        } else {
            (0, (u64::MAX >> (64 - self.width)) as i64)
        };
        let sum = value.wrapping_add(increment);
        let limit = match self.side(value, increment, min, max) {
            Side::Within => return Some(sum),
            Side::Above => max,
            Side::Below => min,
        };
        match overflow {
            Overflow::Wrap if self.signed => Some(self.sign_extended(sum as u64)),
            Overflow::Wrap => Some(sum & max),
            Overflow::Saturate => Some(limit),
            Overflow::Fail => None,
        }
    }

    /// On which side of the limits the sum lies.
    fn side(self, value: i64, increment: i64, min: i64, max: i64) -> Side {
        // Differences wrap around as in Redis, where far too small a number counts as too large for that.
        let (up, down) = (max.wrapping_sub(value), min.wrapping_sub(value));
        if !self.signed {
            // A negative number is a huge one here.
            if value as u64 > max as u64 || (increment > 0 && increment > up) {
                return Side::Above;
            }
            return if increment < 0 && increment < down { Side::Below } else { Side::Within };
        }
        let narrow = self.width < 64;
        if value > max
            || (narrow && increment > up)
            || (value >= 0 && increment > 0 && increment > up)
        {
            return Side::Above;
        }
        if value < min
            || (narrow && increment < down)
            || (value < 0 && increment < 0 && increment < down)
        {
            return Side::Below;
        }
        Side::Within
    }
}

enum Side {
    Within,
    Above,
    Below,
}

/// The width and whether it is signed: `i1` to `i64`, `u1` to `u63`.
fn width(encoding: &[u8]) -> Option<(u32, bool)> {
    let (signed, digits) = match encoding {
        [b'i', digits @ ..] => (true, digits),
        [b'u', digits @ ..] => (false, digits),
        _ => return None,
    };
    let width = u32::try_from(decimal::parse(digits)?).ok()?;
    let max = if signed { 64 } else { 63 };
    (1..=max).contains(&width).then_some((width, signed))
}
