//! Conditions on the value that is there, and the commands that are about them: DELEX, DELIFEQ, DIGEST.

use crate::collections::xxh3::xxh3;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::{Class, Entry};
use crate::value::Str;

/// What is asked of a value before it is overwritten or removed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Test<'a> {
    /// IFEQ: it is this.
    Equals(&'a [u8]),
    /// IFNE: it is not this, or there is none.
    Differs(&'a [u8]),
    /// IFDEQ: this is its digest.
    DigestIs(&'a [u8]),
    /// IFDNE: this is not its digest, or there is none.
    DigestDiffers(&'a [u8]),
}

impl<'a> Test<'a> {
    /// The condition whose word is at `index` and whose operand follows it.
    pub(super) fn parse(args: Args<'a>, index: usize) -> Option<Self> {
        let operand = args.get(index + 1)?;
        Some(match () {
            () if args.is(index, "ifeq") => Self::Equals(operand),
            () if args.is(index, "ifne") => Self::Differs(operand),
            () if args.is(index, "ifdeq") => Self::DigestIs(operand),
            () if args.is(index, "ifdne") => Self::DigestDiffers(operand),
            () => return None,
        })
    }

    /// Whether a value, or that there is none, will do.
    pub(super) fn holds(self, value: Option<Str<'_>>) -> Result<bool, Error> {
        let Some(value) = value else {
            return Ok(matches!(self, Self::Differs(_) | Self::DigestDiffers(_)));
        };
        let mut buffer = itoa::Buffer::new();
        let text = value.text(&mut buffer);
        Ok(match self {
            Self::Equals(operand) => text == operand,
            Self::Differs(operand) => text != operand,
            Self::DigestIs(digest) => xxh3(text) == number(digest)?,
            Self::DigestDiffers(digest) => xxh3(text) != number(digest)?,
        })
    }
}

/// The digest that 16 hexadecimal digits in any case spell.
fn number(digest: &[u8]) -> Result<u64, Error> {
    let well_formed = digest.len() == DIGITS && digest.iter().all(u8::is_ascii_hexdigit);
    let text = core::str::from_utf8(digest).ok().filter(|_| well_formed);
    text.and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or(Error::Text("ERR must be exactly 16 hexadecimal characters"))
}

const DIGITS: usize = 16;

/// DIGEST key: the digest of a string as 16 hexadecimal digits.
pub const DIGEST: Command = Command::new("digest", 2, digest)
    .fast()
    .readonly()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("8.4.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .docs(
        "key",
        "Returns the XXH3 digest of a string value in hexadecimal digits.",
        "O(N) with N the length of the string",
    );

fn digest(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let Some(value) = ctx.db.string(&args[1])? else {
        ctx.reply.null();
        return Ok(Flow::Done);
    };
    let digest = xxh3(value.text(&mut itoa::Buffer::new()));
    let mut text = [0; DIGITS];
    for (place, digit) in text.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(digest >> (60 - 4 * place)) as usize & 15];
    }
    ctx.reply.bulk(&text);
    Ok(Flow::Done)
}

/// DELEX key \[condition\]: removes a key if its value is as expected.
pub const DELEX: Command = Command::new("delex", -2, delex)
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("8.4.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .docs(
        "key [IFEQ ifeq-value|IFNE ifne-value|IFDEQ ifdeq-digest|IFDNE ifdne-digest]",
        "Removes a key if its value or the digest of it is, or is not, as given.",
        "O(1) for IFEQ and IFNE, O(N) for IFDEQ and IFDNE with N the length of the string",
    );

fn delex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    if args.len() == 2 {
        let removed = ctx.db.exists(key);
        remove_if(ctx, key, removed);
        return Ok(Flow::Done);
    }
    // A key that does not exist is never compared with anything, not even with nonsense.
    let Some(entry) = ctx.db.write(key) else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    if args.len() != 4 {
        return Err(Error::Arity(ctx.command.name));
    }
    let value = entry
        .as_str()
        .ok_or(Error::Text("ERR Key should be of string type if conditions are specified"))?;
    let test = Test::parse(args, 2)
        .ok_or(Error::Text("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"))?;
    let holds = test.holds(Some(value))?;
    remove_if(ctx, key, holds);
    Ok(Flow::Done)
}

/// DELIFEQ key value: removes a key if its value is as expected.
pub const DELIFEQ: Command = Command::new("delifeq", 3, delifeq)
    .fast()
    .write()
    .acl(Acl::STRING)
    .group(Group::String)
    .since("9.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RM.union(KeyFlags::DELETE))])
    .docs("key value", "Removes a key if its string value is the given one.", "O(1)");

fn delifeq(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let value = ctx.db.string_mut(&args[1])?.and_then(|entry| Entry::as_str(entry));
    let holds = Test::Equals(&args[2]).holds(value)?;
    remove_if(ctx, &args[1], holds);
    Ok(Flow::Done)
}

/// Removes a key that is there, and replies whether it was to be.
fn remove_if(ctx: &mut Ctx<'_>, key: &[u8], holds: bool) {
    if holds {
        ctx.db.remove(key);
        ctx.db.changed(Class::GENERIC, "del", key);
        ctx.replicate(&[b"DEL", key]);
    }
    ctx.reply.int(i64::from(holds));
}
