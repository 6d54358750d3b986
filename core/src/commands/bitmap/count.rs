//! Counting and finding bits: BITCOUNT, BITPOS.

use crate::collections::bits;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;

/// BITCOUNT key [start end [BYTE|BIT]]: how many bits are set.
pub const BITCOUNT: Command = Command::new("bitcount", -2, bitcount)
    .readonly()
    .acl(Acl::BITMAP)
    .group(Group::Bitmap)
    .since("2.6.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key [start end [BYTE|BIT]]",
        "Counts the bits that are set in a string or in a part of it.",
        "O(n) with n the length of the part",
    );

fn bitcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut buffer = itoa::Buffer::new();
    // Redis looks for the key before it reads the range: without one, any range will do.
    let Some(value) = ctx.db.string(&args[1])? else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    let bytes = value.text(&mut buffer);
    let range = match args.len() {
        2 => Range::whole(bytes),
        4 | 5 => {
            let (start, end) = (args.int(2)?, args.int(3)?);
            if start < 0 && end < 0 && start > end {
                ctx.reply.int(0);
                return Ok(Flow::Done);
            }
            Range::of(bytes, start, end, Unit::read(args, 4)?)
        }
        _ => return Err(Error::Syntax),
    };
    ctx.reply.int(range.count(bytes) as i64);
    Ok(Flow::Done)
}

/// BITPOS key bit [start [end [BYTE|BIT]]]: the place of the first bit that is set, or that is clear.
pub const BITPOS: Command = Command::new("bitpos", -3, bitpos)
    .readonly()
    .acl(Acl::BITMAP)
    .group(Group::Bitmap)
    .since("2.8.7")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key bit:integer [start [end [BYTE|BIT]]]",
        "Finds the first bit that is set, or the first that is clear, in a string or in a part of it.",
        "O(n) with n the length of the part",
    );

fn bitpos(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let bit = match args.int(2)? {
        0 => false,
        1 => true,
        _ => return Err(Error::Text("ERR The bit argument must be 1 or 0.")),
    };
    let mut buffer = itoa::Buffer::new();
    let Some(value) = ctx.db.string(&args[1])? else {
        // As if there were an endless string of zeros.
        ctx.reply.int(if bit { -1 } else { 0 });
        return Ok(Flow::Done);
    };
    let bytes = value.text(&mut buffer);
    let range = match args.len() {
        3 => Range::whole(bytes),
        4..=6 => {
            let start = args.int(3)?;
            let unit = Unit::read(args, 5)?;
            let end = if args.len() > 4 { args.int(4)? } else { -1 };
            Range::of(bytes, start, end, unit)
        }
        _ => return Err(Error::Syntax),
    };
    let place = if range.is_empty() {
        -1
    } else {
        match range.find(bytes, bit) {
            Some(place) => place as i64,
            // Without an end the string goes on with zeros behind its own.
            None if !bit && args.len() < 5 => bytes.len() as i64 * 8,
            None => -1,
        }
    };
    ctx.reply.int(place);
    Ok(Flow::Done)
}

/// What the ends of a range count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

impl Unit {
    /// The unit that the argument at `index` names, bytes if there is none.
    fn read(args: Args<'_>, index: usize) -> Result<Self, Error> {
        match args.get(index) {
            None => Ok(Self::Byte),
            Some(_) if args.is(index, "byte") => Ok(Self::Byte),
            Some(_) if args.is(index, "bit") => Ok(Self::Bit),
            Some(_) => Err(Error::Syntax),
        }
    }
}

/// The bits from `start` on that come before `end`, all of them in the string.
struct Range {
    start: u64,
    end: u64,
}

impl Range {
    const fn whole(bytes: &[u8]) -> Self {
        Self { start: 0, end: bytes.len() as u64 * 8 }
    }

    /// From `start` to `end`, both included; negative ones count from the end.
    fn of(bytes: &[u8], start: i64, end: i64, unit: Unit) -> Self {
        let bits_per = if unit == Unit::Byte { 8 } else { 1 };
        let len = bytes.len() as i64 * 8 / bits_per;
        let place = |at: i64| if at < 0 { (at + len).max(0) } else { at };
        let (start, end) = (place(start), place(end).min(len - 1));
        if start > end {
            return Self { start: 0, end: 0 };
        }
        Self { start: (start * bits_per) as u64, end: ((end + 1) * bits_per) as u64 }
    }

    const fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// How many bits of it are set.
    fn count(&self, bytes: &[u8]) -> u64 {
        if self.is_empty() {
            return 0;
        }
        let touched = &bytes[(self.start / 8) as usize..self.end.div_ceil(8) as usize];
        let before = (self.start % 8) as u32;
        let after = (self.end.next_multiple_of(8) - self.end) as u32;
        let outside_first = touched.first().map_or(0, |byte| u64::from(*byte) >> (8 - before));
        let outside_last = touched.last().map_or(0, |byte| u64::from(*byte) & ((1 << after) - 1));
        bits::count_ones(touched)
            - u64::from(outside_first.count_ones())
            - u64::from(outside_last.count_ones())
    }

    /// The place of the first bit of this value in it.
    fn find(&self, bytes: &[u8], bit: bool) -> Option<u64> {
        let first = (self.start / 8) as usize;
        let last = ((self.end - 1) / 8) as usize;
        let before = (self.start % 8) as u32;
        // The first byte by itself, with the bits before the range made such that nobody looks for them.
        let skipped = if bit { 0x00 } else { 0xff };
        let hidden = !(0xff_u8 >> before);
        let head = (bytes[first] & !hidden) | (skipped & hidden);
        let place = match bits::find(&[head], bit) {
            Some(place) => first as u64 * 8 + place,
            None if first == last => return None,
            None => {
                let rest = &bytes[first + 1..=last];
                (first as u64 + 1) * 8 + bits::find(rest, bit)?
            }
        };
        (place < self.end).then_some(place)
    }
}
