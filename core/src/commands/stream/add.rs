//! XADD.

use super::trim::Options;
use super::{INVALID_ID, id_text, write_id};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::Stream;
use crate::value::stream::{Id, IdText, NODE_BYTES_MAX};
use alloc::vec::Vec;

/// XADD key id field value [field value ...]: appends an entry.
pub const XADD: Command = Command::new("xadd", -5, xadd)
    .denyoom()
    .fast()
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key [NOMKSTREAM] [KEEPREF|DELREF|ACKED] [MAXLEN|MINID [=|~] threshold [LIMIT count]] *|id field value [field value ...]",
        "Appends an entry to a stream and returns its ID; creates the stream if there is none.",
        "O(1); with trimming O(N) with N entries removed",
    );

const TOO_LARGE: Error = Error::Text("ERR Elements are too large to be stored");

/// The ID that a new entry is to have.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// `*`: the clock's.
    Clock,
    /// `ms-*`: the next of this millisecond.
    Ms(u64),
    /// This one.
    This(Id),
}

impl Wanted {
    /// The ID behind `last`, if there can be one.
    #[inline]
    fn after(self, last: Id, now_ms: i64) -> Result<Id, Error> {
        match self {
            Self::Clock if now_ms as u64 > last.ms => Some(Id::new(now_ms as u64, 0)),
            Self::Clock => last.next(),
            // Redis has no words of its own for a millisecond that is full.
            Self::Ms(ms) if ms == last.ms => {
                return last.seq.checked_add(1).map(|seq| Id::new(ms, seq)).ok_or(TOO_LARGE);
            }
            Self::Ms(ms) => (ms > last.ms).then_some(Id::new(ms, 0)),
            Self::This(id) => (id > last).then_some(id),
        }
        .ok_or(Error::Text(
            "ERR The ID specified in XADD is equal or smaller than the target stream top item",
        ))
    }
}

fn xadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut options = Options::default();
    let mut make = true;
    let mut at = 2;
    let wanted = loop {
        match args.get(at) {
            // Redis finds no ID and then no pairs.
            None => return Err(Error::Arity("xadd")),
            Some(b"*") => break Wanted::Clock,
            Some(text) => {
                if args.is(at, "NOMKSTREAM") {
                    make = false;
                    at += 1;
                } else if let Some(next) = options.take(args, at)? {
                    at = next;
                } else {
                    break match IdText::parse(text).ok_or(INVALID_ID)? {
                        IdText::Full(id) => Wanted::This(id),
                        IdText::Ms(ms) => Wanted::This(Id::new(ms, 0)),
                        IdText::AnySeq(ms) => Wanted::Ms(ms),
                    };
                }
            }
        }
    };
    let trim = options.finish(ctx.db.tuning.stream_node_entries, ctx.db.loading)?;
    let texts = args.iter_from(at + 1);
    if texts.len() < 2 || texts.len() % 2 == 1 {
        return Err(Error::Arity("xadd"));
    }
    if matches!(wanted, Wanted::This(Id::MIN)) {
        return Err(Error::Text("ERR The ID specified in XADD must be greater than 0-0"));
    }
    let key = &args[1];
    if !make && !ctx.db.check_type::<Stream>(key)? {
        ctx.reply.null();
        return Ok(Flow::Done);
    }
    // A new stream takes every ID, so what is refused below leaves no empty one behind.
    if texts.clone().map(<[u8]>::len).sum::<usize>() > NODE_BYTES_MAX {
        return Err(TOO_LARGE);
    }
    let now_ms = ctx.now_ms();
    let (stream, tuning, _) = ctx.db.object_or_insert::<Stream>(key)?;
    let last = stream.log().last_id;
    if last == Id::MAX {
        return Err(Error::Text(
            "ERR The stream has exhausted the last possible ID, unable to add more items",
        ));
    }
    let id = wanted.after(last, now_ms)?;
    stream.log_mut().append(id, texts, tuning.stream_limits());
    let trimmed = trim.map_or(0, |trim| stream.trim(&trim, options.refs));
    let left = options.exactly(stream);
    write_id(ctx.reply, id);
    ctx.db.changed(Class::STREAM, "xadd", key);
    let is_complete = matches!(wanted, Wanted::This(_)) && left.is_none();
    if !is_complete && ctx.db.is_journaled() {
        let text = id_text(id);
        let mut words: Vec<&[u8]> = args.iter_from(0).collect();
        words[at] = &text;
        if let Some(left) = &left {
            left.put(&mut words);
        }
        ctx.replicate(&words);
    }
    if trimmed > 0 {
        ctx.db.event(Class::STREAM, "xtrim", key);
    }
    ctx.db.signal(key);
    Ok(Flow::Done)
}
