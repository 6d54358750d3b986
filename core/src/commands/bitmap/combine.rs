//! BITOP: strings combined bit by bit.

use crate::collections::bits;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::{Class, Entry};
use alloc::format;
use alloc::vec::Vec;

/// BITOP operation destkey key [key …]: stores the combination of strings.
pub const BITOP: Command = Command::new("bitop", -4, bitop)
    .denyoom()
    .write()
    .acl(Acl::BITMAP)
    .group(Group::Bitmap)
    .since("2.6.0")
    .keys(&[
        KeySpec::one(2, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::range(3, -1, 1, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ])
    .docs(
        "AND|OR|XOR|NOT|DIFF|DIFF1|ANDOR|ONE destkey:key key [key ...]",
        "Combines strings bit by bit and stores the result; shorter ones count as if zeros followed.",
        "O(n) with n the bytes of all strings",
    );

/// What is done to the bits that stand at the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    And,
    Or,
    Xor,
    Not,
    /// In the first, and in no other.
    Diff,
    /// In another, and not in the first.
    Diff1,
    /// In the first and in another.
    AndOr,
    /// In exactly one.
    One,
}

impl Operation {
    const NAMES: [(&'static str, Self); 8] = [
        ("AND", Self::And),
        ("OR", Self::Or),
        ("XOR", Self::Xor),
        ("NOT", Self::Not),
        ("DIFF", Self::Diff),
        ("DIFF1", Self::Diff1),
        ("ANDOR", Self::AndOr),
        ("ONE", Self::One),
    ];

    /// The operation of this name, if it takes so many strings.
    fn read(args: Args<'_>) -> Result<Self, Error> {
        let named = Self::NAMES.iter().find(|(name, _)| args.is(1, name));
        let &(name, operation) = named.ok_or(Error::Syntax)?;
        match (operation, args.len() - 3) {
            (Self::Not, 2..) => {
                Err(Error::Text("ERR BITOP NOT must be called with a single source key."))
            }
            (Self::Diff | Self::Diff1 | Self::AndOr, 1) => Err(Error::Owned(format!(
                "ERR BITOP {name} must be called with at least two source keys."
            ))),
            _ => Ok(operation),
        }
    }
}

fn bitop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let operation = Operation::read(args)?;
    let destination = &args[2];
    let mut mixer = Mixer { operation, result: Vec::new(), again: Vec::new() };
    for (index, key) in args.iter_from(3).enumerate() {
        let mut buffer = itoa::Buffer::new();
        let bytes = ctx.db.string(key)?.map_or(&b""[..], |value| value.text(&mut buffer));
        mixer.add(bytes, index == 0);
    }
    let mut buffer = itoa::Buffer::new();
    let first = ctx.db.peek(&args[3]).and_then(Entry::as_str);
    let result = mixer.finish(first.map_or(&b""[..], |value| value.text(&mut buffer)));
    let len = result.len();
    if len == 0 {
        if ctx.db.remove(destination) {
            ctx.db.changed(Class::GENERIC, "del", destination);
        }
    } else {
        ctx.db.remove_live(destination);
        let mut entry = Entry::vector(destination, result);
        entry.settle();
        ctx.db.insert(entry);
        ctx.db.changed(Class::STRING, "set", destination);
    }
    ctx.reply.len(len);
    Ok(Flow::Done)
}

/// Combines strings one after the other, so that only one has to be at hand.
struct Mixer {
    operation: Operation,
    result: Vec<u8>,
    /// The bits that came more than once (ONE).
    again: Vec<u8>,
}

impl Mixer {
    fn add(&mut self, bytes: &[u8], is_first: bool) {
        let result = &mut self.result;
        if is_first {
            result.extend_from_slice(bytes);
            match self.operation {
                Operation::Not => result.iter_mut().for_each(|byte| *byte = !*byte),
                // Gathers the others: the first comes in at the end.
                Operation::Diff1 | Operation::AndOr => result.fill(0),
                _ => {}
            }
            return;
        }
        if result.len() < bytes.len() {
            result.resize(bytes.len(), 0);
        }
        match self.operation {
            Operation::And => {
                bits::combine(result, bytes, |a, b| a & b);
                result[bytes.len()..].fill(0);
            }
            Operation::Xor => bits::combine(result, bytes, |a, b| a ^ b),
            Operation::Diff => bits::combine(result, bytes, |a, b| a & !b),
            Operation::Or | Operation::Diff1 | Operation::AndOr => {
                bits::combine(result, bytes, |a, b| a | b);
            }
            Operation::One => {
                self.again.resize(result.len(), 0);
                let seen = result.iter_mut().zip(bytes);
                for (again, (once, byte)) in self.again.iter_mut().zip(seen) {
                    *again |= *once & byte;
                    *once |= byte;
                }
            }
            Operation::Not => unreachable!("NOT takes one string"),
        }
    }

    fn finish(self, first: &[u8]) -> Vec<u8> {
        let mut result = self.result;
        match self.operation {
            Operation::Diff1 => bits::combine(&mut result, first, |a, b| a & !b),
            Operation::AndOr => {
                bits::combine(&mut result, first, |a, b| a & b);
                result[first.len()..].fill(0);
            }
            Operation::One => bits::combine(&mut result, &self.again, |a, b| a & !b),
            _ => {}
        }
        result
    }
}
