//! HyperLogLogs: strings that count distinct elements.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::{Error, printable};
use crate::store::{Class, Entry};
use crate::value::Str;
use crate::value::hyperloglog::{self as hll, Corrupt, Encoding, Registers, sparse};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// PFADD key [element …]: adds elements; replies whether a register was raised.
pub const PFADD: Command = Command::new("pfadd", -2, pfadd)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::HYPERLOGLOG)
    .group(Group::HyperLogLog)
    .since("2.8.9")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))])
    .docs(
        "key [element [element ...]]",
        "Adds elements to a HyperLogLog; returns whether its estimate may have changed.",
        "O(1) for each element",
    );

fn pfadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    let sparse_max = ctx.db.tuning.hll_sparse_bytes;
    let raised = if let Some(entry) = ctx.db.string_mut(key)? {
        add(entry, args, sparse_max)?
    } else {
        let mut entry = Entry::string(key, &hll::EMPTY);
        let raised = add(&mut entry, args, sparse_max)?;
        if raised == 0 {
            hll::invalidate(entry.bytes_mut().ok_or(INVALID)?);
        }
        ctx.db.insert(entry);
        // That there is a key now is a change as well.
        raised + 1
    };
    if raised > 0 {
        ctx.db.changed(Class::STRING, "pfadd", key);
        ctx.db.dirty += raised - 1;
    }
    ctx.reply.int(i64::from(raised > 0));
    Ok(Flow::Done)
}

/// Adds the elements to a value; how many registers were raised. What came before a corrupt run stays, as
/// in Redis.
fn add(entry: &mut Entry, args: Args<'_>, sparse_max: u64) -> Result<u64, Error> {
    let mut raised = 0;
    let mut elements = args.iter_from(2);
    let mut encoding = encoding(entry)?;
    while encoding == Encoding::Sparse {
        let Some(element) = elements.next() else { break };
        let (index, to) = hll::place(element);
        let bytes = bytes(entry);
        match sparse::raise(bytes, index, to, sparse_max)? {
            sparse::Edit::Nothing => continue,
            sparse::Edit::Splice { at, old, new } => {
                entry.splice(at, old, new.as_slice()).ok_or(INVALID)?;
            }
            sparse::Edit::Promote => {
                let mut dense = hll::to_dense(bytes)?;
                hll::raise_dense(&mut dense, index, to);
                *entry.vector_mut().ok_or(INVALID)? = dense;
                encoding = Encoding::Dense;
            }
        }
        raised += 1;
    }
    if encoding == Encoding::Dense || raised > 0 {
        let bytes = entry.bytes_mut().ok_or(INVALID)?;
        for element in elements {
            let (index, to) = hll::place(element);
            raised += u64::from(hll::raise_dense(bytes, index, to));
        }
        if raised > 0 {
            hll::invalidate(bytes);
        }
    }
    Ok(raised)
}

/// PFCOUNT key...: the estimated number of distinct elements in all of them together.
pub const PFCOUNT: Command = Command::new("pfcount", -2, pfcount)
    .may_replicate()
    .readonly()
    .acl(Acl::HYPERLOGLOG)
    .group(Group::HyperLogLog)
    .since("2.8.9")
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RW.union(KeyFlags::ACCESS))])
    .docs(
        "key [key ...]",
        "Returns the estimated number of distinct elements in HyperLogLogs together.",
        "O(1) for each key, with a large constant where there are several or one was changed",
    );

fn pfcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let key = &args[1];
    if args.len() > 2 {
        let mut registers = Registers::new();
        for key in args.iter_from(1) {
            if let Some(value) = ctx.db.string(key)? {
                registers.merge(checked(value)?.1)?;
            }
        }
        ctx.reply.int(registers.count() as i64);
        return Ok(Flow::Done);
    }
    let Some(value) = ctx.db.string(key)? else {
        ctx.reply.int(0);
        return Ok(Flow::Done);
    };
    let (_, bytes) = checked(value)?;
    let count = match hll::cached_count(bytes) {
        Some(count) => count,
        None => {
            let count = hll::count(bytes)?;
            if let Some(entry) = ctx.db.string_mut(key)? {
                hll::cache_count(entry.bytes_mut().ok_or(INVALID)?, count);
            }
            // The value has changed, although nothing that is told of as an event.
            ctx.db.touch_watchers(key);
            ctx.db.dirty += 1;
            count
        }
    };
    ctx.reply.int(count as i64);
    Ok(Flow::Done)
}

/// PFMERGE destkey [sourcekey …]: adds what is in others to a HyperLogLog.
pub const PFMERGE: Command = Command::new("pfmerge", -2, pfmerge)
    .denyoom()
    .write()
    .acl(Acl::HYPERLOGLOG)
    .group(Group::HyperLogLog)
    .since("2.8.9")
    .keys(&[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::INSERT)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ])
    .docs(
        "destkey:key [sourcekey:key [sourcekey:key ...]]",
        "Adds the elements of HyperLogLogs to another one.",
        "O(1) for each key, with a large constant",
    );

fn pfmerge(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let destination = &args[1];
    let sparse_max = ctx.db.tuning.hll_sparse_bytes;
    let mut registers = Registers::new();
    let mut any_dense = false;
    for key in args.iter_from(1) {
        if let Some(value) = ctx.db.string(key)? {
            let (encoding, bytes) = checked(value)?;
            any_dense |= encoding == Encoding::Dense;
            registers.merge(bytes)?;
        }
    }
    let entry = ctx.db.string_mut(destination)?;
    let mut value = entry.as_ref().map_or(&hll::EMPTY[..], |entry| bytes(entry)).to_vec();
    if any_dense {
        value.resize(hll::DENSE_BYTES, 0);
        registers.write_dense(&mut value);
    } else {
        let raised = registers.values().iter().enumerate().filter(|(_, to)| **to > 0);
        for (index, &to) in raised {
            hll::raise(&mut value, index, to, sparse_max)?;
        }
    }
    hll::invalidate(&mut value);
    match entry {
        Some(entry) => {
            *entry.vector_mut().ok_or(INVALID)? = value;
            entry.settle();
        }
        None => {
            let mut entry = Entry::vector(destination, value);
            entry.settle();
            ctx.db.insert(entry);
        }
    }
    ctx.db.changed(Class::STRING, "pfadd", destination);
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// PFDEBUG GETREG|DECODE|ENCODING|TODENSE key: what a HyperLogLog is made of.
pub const PFDEBUG: Command = Command::new("pfdebug", 3, pfdebug)
    .admin()
    .denyoom()
    .write()
    .acl(Acl::HYPERLOGLOG)
    .group(Group::HyperLogLog)
    .since("2.8.9")
    .keys(&[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::ACCESS))])
    .docs(
        "GETREG|DECODE|ENCODING|TODENSE key",
        "Shows the registers, the runs or the encoding of a HyperLogLog, or makes it dense.",
        "O(n) with n the registers",
    );

fn pfdebug(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let missing = Error::Text("ERR The specified key does not exist");
    let entry = ctx.db.string_mut(&args[2])?.ok_or(missing)?;
    let encoding = encoding(entry)?;
    if args.is(1, "encoding") {
        ctx.reply.simple(if encoding == Encoding::Dense { "dense" } else { "sparse" });
    } else if args.is(1, "decode") {
        if encoding == Encoding::Dense {
            return Err(Error::Text("ERR HLL encoding is not sparse"));
        }
        ctx.reply.bulk(decode(bytes(entry)).as_bytes());
    } else if args.is(1, "getreg") || args.is(1, "todense") {
        let converts = encoding == Encoding::Sparse;
        if converts {
            *entry.vector_mut().ok_or(INVALID)? = hll::to_dense(bytes(entry))?;
        }
        if args.is(1, "todense") {
            ctx.reply.int(converts.into());
        } else {
            let mut registers = Registers::new();
            registers.merge(bytes(entry))?;
            ctx.reply.array(hll::REGISTERS);
            registers.values().iter().for_each(|&value| ctx.reply.int(value.into()));
        }
        ctx.db.dirty += u64::from(converts);
    } else {
        let name = printable(&args[1], 128);
        return Err(Error::Owned(format!("ERR Unknown PFDEBUG subcommand '{name}'")));
    }
    Ok(Flow::Done)
}

/// The runs in words: `z` and `Z` zeros in one and in two bytes, `v` a value and how often.
fn decode(bytes: &[u8]) -> String {
    let bytes = bytes.get(hll::HEADER..).unwrap_or_default();
    let word = |run| match run {
        Ok(sparse::Run { value: 0, len, wide }) => {
            format!("{}:{len}", if wide { 'Z' } else { 'z' })
        }
        Ok(sparse::Run { value, len, .. }) => format!("v:{value},{len}"),
        // Only a run of zeros can be cut off. Redis reads the zero byte behind the string.
        Err(Corrupt) => {
            let high = bytes.last().map_or(0, |byte| u32::from(byte & 0x3f));
            format!("Z:{}", (high << 8) + 1)
        }
    };
    sparse::runs(bytes).map(word).collect::<Vec<_>>().join(" ")
}

/// PFSELFTEST: whether registers and estimates are what they should be.
pub const PFSELFTEST: Command = Command::new("pfselftest", 1, pfselftest)
    .admin()
    .acl(Acl::HYPERLOGLOG)
    .group(Group::HyperLogLog)
    .since("2.8.9")
    .docs("", "Checks the registers and the estimates of HyperLogLogs.", "N/A");

fn pfselftest(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    const ELEMENTS: u64 = 100_000;
    let sparse_max = ctx.db.tuning.hll_sparse_bytes;
    let (mut value, mut registers) = (hll::EMPTY.to_vec(), Registers::new());
    for element in 1..=ELEMENTS {
        let (index, to) = hll::place(&element.to_le_bytes());
        hll::raise(&mut value, index, to, sparse_max)?;
        if element.is_power_of_two() || element == ELEMENTS {
            registers.merge(&value)?;
            let count = hll::count(&value)?;
            if registers.count() != count {
                return Err(Error::Text("TESTFAILED The encodings differ"));
            }
            // Six times the standard error of 1.04 / sqrt(16384), and one for small numbers.
            let error = count.abs_diff(element);
            if error * 1000 > element * 49 + 1000 {
                let text = format!("TESTFAILED Too big error. card:{element} abserr:{error}");
                return Err(Error::Owned(text));
            }
        }
    }
    ctx.reply.ok();
    Ok(Flow::Done)
}

const INVALID: Error = Error::Text("WRONGTYPE Key is not a valid HyperLogLog string value.");

impl From<Corrupt> for Error {
    fn from(_: Corrupt) -> Self {
        Self::Text("INVALIDOBJ Corrupted HLL object detected")
    }
}

/// The bytes of a value, with their encoding, if they are a HyperLogLog by their header.
fn checked(value: Str<'_>) -> Result<(Encoding, &[u8]), Error> {
    match value {
        Str::Bytes(bytes) => Ok((hll::encoding(bytes).ok_or(INVALID)?, bytes)),
        Str::Int(_) => Err(INVALID),
    }
}

fn encoding(entry: &Entry) -> Result<Encoding, Error> {
    Ok(checked(entry.as_str().ok_or(INVALID)?)?.0)
}

/// The bytes of a value that [`encoding`] accepts.
fn bytes(entry: &Entry) -> &[u8] {
    match entry.as_str() {
        Some(Str::Bytes(bytes)) => bytes,
        _ => b"",
    }
}
