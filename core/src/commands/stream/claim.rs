//! XCLAIM and XAUTOCLAIM: taking over what another consumer does not acknowledge.

use super::{Delivered, End, replicate_deliveries, replicate_last_id};
use super::{bound, consumer, note, stream_with_group, strict_id, write_entry, write_id};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::{Error, printable};
use crate::resp::Reply;
use crate::value::stream::{self, ConsumerId, Id, IdText, Log, Pending};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// XCLAIM key group consumer min-idle-time id [id ...]: changes who has to acknowledge entries.
pub const XCLAIM: Command = Command::new("xclaim", -6, xclaim)
    .fast()
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key group consumer min-idle-time id [id ...] [IDLE milliseconds] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]",
        "Delivers entries that another consumer did not acknowledge in time, as if for the first time, and returns them.",
        "O(log N) with N entries that are not acknowledged, for each ID",
    );

/// How entries are taken over.
#[derive(Debug, Clone, Copy, Default)]
struct Claim {
    min_idle_ms: i64,
    /// When they count as delivered.
    delivered_ms: i64,
    /// How often they count as delivered; `None`: once more than before.
    count: Option<u64>,
    /// Entries that nobody got are delivered too.
    force: bool,
    /// Only IDs are replied, and the count stays.
    just_id: bool,
}

fn min_idle_ms(args: Args<'_>, otherwise: &'static str) -> Result<i64, Error> {
    Ok(args.int_in(4, i64::MIN..=i64::MAX, otherwise)?.max(0))
}

fn xclaim(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.now_ms();
    let (key, name) = (&args[1], &args[2]);
    // The order in which Redis looks: the group, the idle time, the IDs, the options.
    stream_with_group(ctx, key, name)?;
    let mut claim = Claim {
        min_idle_ms: min_idle_ms(args, "ERR Invalid min-idle-time argument for XCLAIM")?,
        ..Claim::default()
    };
    let ids: Vec<Id> = args
        .iter_from(5)
        .map_while(|text| match IdText::parse(text)? {
            IdText::Full(id) => Some(id),
            IdText::Ms(ms) => Some(Id::new(ms, 0)),
            IdText::AnySeq(_) => None,
        })
        .collect();
    let last_id = claim.parse_options(args, 5 + ids.len(), now_ms)?;
    let (stream, reply) = stream_with_group(ctx, key, name)?;
    let (log, groups) = stream.parts_mut();
    let Some(group) = groups.get_mut(name) else { return Ok(Flow::Done) };
    let mut changes = 0;
    let moved = last_id > group.last_id;
    if moved {
        group.last_id = last_id;
        changes += 1;
    }
    let mut run = Run {
        log,
        group,
        name: &args[3],
        now_ms,
        claim,
        consumer: None,
        new: false,
        delivered: Vec::new(),
    };
    let place = reply.deferred();
    let mut claimed = 0;
    for &id in &ids {
        match run.take(reply, id) {
            Taken::Claimed => claimed += 1,
            Taken::Gone => changes += 1,
            Taken::No => {}
        }
    }
    reply.finish_array(place, claimed);
    let (new, delivered) = (run.new, core::mem::take(&mut run.delivered));
    let (last_id, entries_read) = (run.group.last_id, run.group.entries_read);
    ctx.db.replicate_nothing();
    replicate_deliveries(ctx, (key, name, &args[3]), &delivered);
    if moved && delivered.is_empty() {
        replicate_last_id(ctx, key, name, last_id, entries_read);
    }
    if new {
        note(ctx, "xgroup-createconsumer", key);
    }
    ctx.db.dirty += (changes + claimed) as u64;
    Ok(Flow::Done)
}

impl Claim {
    /// Reads the options from `at` on; the ID that LASTID gives.
    fn parse_options(&mut self, args: Args<'_>, mut at: usize, now_ms: i64) -> Result<Id, Error> {
        let any = i64::MIN..=i64::MAX;
        let mut last_id = Id::MIN;
        let mut delivered_ms = -1;
        while at < args.len() {
            let more = at + 1 < args.len();
            if args.is(at, "FORCE") {
                self.force = true;
            } else if args.is(at, "JUSTID") {
                self.just_id = true;
            } else if more && args.is(at, "IDLE") {
                at += 1;
                let text = "ERR Invalid IDLE option argument for XCLAIM";
                delivered_ms = now_ms.wrapping_sub(args.int_in(at, any.clone(), text)?);
            } else if more && args.is(at, "TIME") {
                at += 1;
                let text = "ERR Invalid TIME option argument for XCLAIM";
                delivered_ms = args.int_in(at, any.clone(), text)?;
            } else if more && args.is(at, "RETRYCOUNT") {
                at += 1;
                let text = "ERR Invalid RETRYCOUNT option argument for XCLAIM";
                self.count = u64::try_from(args.int_in(at, any.clone(), text)?).ok();
            } else if more && args.is(at, "LASTID") {
                at += 1;
                last_id = strict_id(args.at(at), 0)?;
            } else {
                return Err(Error::Owned(format!(
                    "ERR Unrecognized XCLAIM option '{}'",
                    printable(args.at(at), usize::MAX)
                )));
            }
            at += 1;
        }
        // A time that cannot be is none: clients work it out from clocks of their own.
        self.delivered_ms =
            if (0..=now_ms).contains(&delivered_ms) { delivered_ms } else { now_ms };
        Ok(last_id)
    }
}

/// What came of an ID.
enum Taken {
    /// It has another consumer now and is in the reply.
    Claimed,
    /// The entry had been removed, and now nobody has to acknowledge it any more.
    Gone,
    /// Nothing.
    No,
}

/// One command that takes entries over.
struct Run<'a> {
    log: &'a Log,
    group: &'a mut stream::Group,
    /// The consumer's name.
    name: &'a [u8],
    now_ms: i64,
    claim: Claim,
    /// The consumer, once there is something for it.
    consumer: Option<ConsumerId>,
    /// It was made.
    new: bool,
    /// What the journal says of it.
    delivered: Vec<Delivered>,
}

impl Run<'_> {
    fn take(&mut self, reply: &mut Reply, id: Id) -> Taken {
        let claim = self.claim;
        let mut cursor = self.log.range(id, id);
        let old = self.group.pending(id).copied();
        let last_id = self.group.last_id;
        let Some((_, fields)) = cursor.next() else {
            let Some(old) = old else { return Taken::No };
            let (at_ms, count) = (old.delivered_ms, old.count);
            let from = self.group.consumer(old.consumer).map(|from| Box::from(&*from.name));
            self.delivered.push(Delivered { id, from, at_ms, count, last_id });
            return if self.group.acknowledge(id) { Taken::Gone } else { Taken::No };
        };
        let before = match old {
            None if !claim.force => return Taken::No,
            None => 1,
            Some(old) => {
                let idle_ms = self.now_ms.wrapping_sub(old.delivered_ms);
                if claim.min_idle_ms > 0 && idle_ms < claim.min_idle_ms {
                    return Taken::No;
                }
                old.count
            }
        };
        let to = match self.consumer {
            Some(to) => to,
            None => {
                let (to, new) = consumer(self.group, self.name, self.now_ms);
                (self.consumer, self.new) = (Some(to), new);
                if let Some(consumer) = self.group.consumer_mut(to) {
                    consumer.active_ms = self.now_ms;
                }
                to
            }
        };
        let count =
            claim.count.unwrap_or(if claim.just_id { before } else { before.saturating_add(1) });
        let delivered_ms = claim.delivered_ms;
        self.group.give(Pending { id, delivered_ms, count, consumer: to });
        self.delivered.push(Delivered { id, from: None, at_ms: delivered_ms, count, last_id });
        if claim.just_id {
            write_id(reply, id);
        } else {
            write_entry(reply, &mut cursor, id, fields);
        }
        Taken::Claimed
    }
}

/// XAUTOCLAIM key group consumer min-idle-time start: takes over what is not acknowledged, from an ID on.
pub const XAUTOCLAIM: Command = Command::new("xautoclaim", -6, xautoclaim)
    .fast()
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("6.2.0")
    .keys(&[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key group consumer min-idle-time start:id [COUNT count] [JUSTID]",
        "Delivers the entries of a range that other consumers did not acknowledge in time, and returns where to go on.",
        "O(N) with N entries returned",
    );

/// For each entry that is asked for, so many deliveries are looked at.
const LOOKS_PER_ENTRY: i64 = 10;

fn xautoclaim(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let now_ms = ctx.now_ms();
    let min_idle_ms = min_idle_ms(args, "ERR Invalid min-idle-time argument for XAUTOCLAIM")?;
    let start = bound(args.at(5), End::Start)?;
    let (mut count, mut just_id) = (100, false);
    let mut at = 6;
    while at < args.len() {
        if at + 1 < args.len() && args.is(at, "COUNT") {
            at += 1;
            count = args.int_in(at, 1..=i64::MAX / 16, "ERR COUNT must be > 0")?;
        } else if args.is(at, "JUSTID") {
            just_id = true;
        } else {
            return Err(Error::Syntax);
        }
        at += 1;
    }
    let (key, name) = (&args[1], &args[2]);
    let (stream, reply) = stream_with_group(ctx, key, name)?;
    let (log, groups) = stream.parts_mut();
    let Some(group) = groups.get_mut(name) else { return Ok(Flow::Done) };
    let claim = Claim { min_idle_ms, delivered_ms: now_ms, count: None, force: false, just_id };
    let mut run = Run {
        log,
        group,
        name: &args[3],
        now_ms,
        claim,
        consumer: None,
        new: false,
        delivered: Vec::new(),
    };
    // The cursor stands before the entries and is known after them.
    let mut entries = Reply::new(reply.protocol);
    let (mut claimed, mut gone) = (0, Vec::new());
    let mut looks = count * LOOKS_PER_ENTRY;
    let mut following = run.group.pending_from(start).next().map(|pending| pending.id);
    while looks > 0
        && count > 0
        && let Some(id) = following
    {
        looks -= 1;
        match run.take(&mut entries, id) {
            Taken::Claimed => {
                claimed += 1;
                count -= 1;
            }
            Taken::Gone => {
                gone.push(id);
                count -= 1;
            }
            Taken::No => {}
        }
        following =
            id.next().and_then(|id| run.group.pending_from(id).next()).map(|pending| pending.id);
    }
    reply.array(3);
    write_id(reply, following.unwrap_or(Id::MIN));
    reply.array(claimed);
    reply.out.extend_from_slice(&entries.out);
    reply.array(gone.len());
    gone.iter().for_each(|&id| write_id(reply, id));
    let (new, delivered) = (run.new, core::mem::take(&mut run.delivered));
    ctx.db.replicate_nothing();
    replicate_deliveries(ctx, (key, name, &args[3]), &delivered);
    if new {
        note(ctx, "xgroup-createconsumer", key);
    }
    ctx.db.dirty += (claimed + gone.len()) as u64;
    Ok(Flow::Done)
}
