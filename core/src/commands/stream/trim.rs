//! XTRIM, and the options that XADD shares with it.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Class;
use crate::value::Stream;
use crate::value::stream::{Id, Keep, Refs, Trim};
use alloc::vec::Vec;

use super::{id_text, strict_id};

/// XTRIM key MAXLEN|MINID threshold: removes the oldest entries.
pub const XTRIM: Command = Command::new("xtrim", -4, xtrim)
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key MAXLEN|MINID [=|~] threshold [LIMIT count] [KEEPREF|DELREF|ACKED]",
        "Removes the oldest entries of a stream, up to a length or an ID.",
        "O(N) with N entries removed",
    );

fn xtrim(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let mut options = Options::default();
    let mut at = 2;
    while at < args.len() {
        at = options.take(args, at)?.ok_or(Error::Syntax)?;
    }
    if options.keep.is_none() {
        return Err(Error::Syntax);
    }
    let node_entries = ctx.db.tuning.stream_node_entries;
    let trim = options.finish(node_entries, ctx.db.loading)?;
    let key = &args[1];
    let (removed, left) = match ctx.db.object_mut::<Stream>(key)? {
        Some(stream) => {
            let removed = trim.map_or(0, |trim| stream.trim(&trim, options.refs));
            (removed, options.exactly(stream))
        }
        None => (0, None),
    };
    if removed > 0 {
        ctx.db.changed(Class::STREAM, "xtrim", key);
        ctx.db.dirty += removed - 1;
        if let Some(left) = left.filter(|_| ctx.db.is_journaled()) {
            let mut words: Vec<&[u8]> = args.iter_from(0).collect();
            left.put(&mut words);
            ctx.replicate(&words);
        }
    }
    ctx.reply.int(removed as i64);
    Ok(Flow::Done)
}

/// How to trim, as it is read.
#[derive(Debug, Default)]
pub(super) struct Options {
    keep: Option<Keep>,
    approx: bool,
    limit: Option<u64>,
    /// Where the threshold stands.
    value_at: usize,
    /// What becomes of references to what is removed.
    pub refs: Refs,
    refs_given: bool,
}

impl Options {
    /// Takes the option at `at`, if it is one of these: where the next one is.
    pub(super) fn take(&mut self, args: Args<'_>, at: usize) -> Result<Option<usize>, Error> {
        let more = args.len() - 1 - at;
        if more > 0 && (args.is(at, "MAXLEN") || args.is(at, "MINID")) {
            return self.take_keep(args, at).map(Some);
        }
        if more > 0 && args.is(at, "LIMIT") {
            let limit = args.int(at + 1)?;
            if limit < 0 {
                return Err(Error::Text("ERR The LIMIT argument must be >= 0."));
            }
            self.limit = Some(limit as u64);
            return Ok(Some(at + 2));
        }
        let Some(refs) = refs(args, at) else { return Ok(None) };
        if self.refs_given {
            return Err(Error::Syntax);
        }
        (self.refs, self.refs_given) = (refs, true);
        Ok(Some(at + 1))
    }

    fn take_keep(&mut self, args: Args<'_>, at: usize) -> Result<usize, Error> {
        if self.keep.is_some() {
            return Err(Error::Text(
                "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ));
        }
        let mut value_at = at + 1;
        self.approx = false;
        if value_at + 1 < args.len() && matches!(&args[value_at], b"~" | b"=") {
            self.approx = &args[value_at] == b"~";
            value_at += 1;
        }
        self.value_at = value_at;
        self.keep = Some(if args.is(at, "MAXLEN") {
            let len = args.int(value_at)?;
            if len < 0 {
                return Err(Error::Text("ERR The MAXLEN argument must be >= 0."));
            }
            Keep::Newest(len as u64)
        } else {
            Keep::From(strict_id(args.at(value_at), 0)?)
        });
        Ok(value_at + 1)
    }

    /// What the options come to. Without a limit of its own, trimming to whole nodes stops after a hundred of them.
    /// What the journal says is what came of it: a limit there means nothing.
    pub(super) fn finish(&self, node_entries: u64, loading: bool) -> Result<Option<Trim>, Error> {
        let Some(keep) = self.keep else {
            return if self.limit.is_some_and(|limit| limit > 0) {
                Err(Error::Text(
                    "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
                ))
            } else {
                Ok(None)
            };
        };
        let limit = match self.limit {
            _ if loading => 0,
            Some(_) if !self.approx => {
                return Err(Error::Text(
                    "ERR syntax error, LIMIT cannot be used without the special ~ option",
                ));
            }
            Some(limit) => limit,
            None if !self.approx => 0,
            None if node_entries == 0 => 10_000,
            None => node_entries.saturating_mul(100).min(1_000_000),
        };
        Ok(Some(Trim { keep, approx: self.approx, limit }))
    }
}

/// What stands in the journal for `~` and the threshold behind it.
pub(super) struct Exactly {
    value_at: usize,
    threshold: Vec<u8>,
}

impl Options {
    /// What a trim to whole nodes has left of `stream`, which is to be left again.
    pub(super) fn exactly(&self, stream: &Stream) -> Option<Exactly> {
        if !self.approx {
            return None;
        }
        let log = stream.log();
        let threshold = match self.keep? {
            Keep::Newest(_) => itoa::Buffer::new().format(log.len()).as_bytes().to_vec(),
            Keep::From(_) => id_text(if log.is_empty() { Id::MAX } else { log.first_id() }),
        };
        Some(Exactly { value_at: self.value_at, threshold })
    }
}

impl Exactly {
    /// Puts it among the words of the command.
    pub(super) fn put<'w>(&'w self, words: &mut [&'w [u8]]) {
        words[self.value_at - 1] = b"=";
        words[self.value_at] = &self.threshold;
    }
}

/// KEEPREF, DELREF or ACKED.
pub(super) fn refs(args: Args<'_>, at: usize) -> Option<Refs> {
    if args.is(at, "KEEPREF") {
        Some(Refs::Keep)
    } else if args.is(at, "DELREF") {
        Some(Refs::Delete)
    } else if args.is(at, "ACKED") {
        Some(Refs::Acked)
    } else {
        None
    }
}
