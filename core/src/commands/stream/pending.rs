//! XPENDING: what was delivered and not acknowledged.

use super::{End, bound, stream_with_group, write_id};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::resp::Reply;
use crate::value::stream::{self, Id, Pending};

/// XPENDING key group: a summary, or the deliveries one by one.
pub const XPENDING: Command = Command::new("xpending", -3, xpending)
    .readonly()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))])
    .tips(&["nondeterministic_output"])
    .docs(
        "key group [[IDLE min-idle-time] start:id end:id count [consumer]]",
        "Returns what was delivered to a group and not acknowledged: a summary, or each entry of a range.",
        "O(N) with N entries returned; a summary O(N) with N consumers",
    );

/// Which deliveries are asked for.
struct Wanted<'a> {
    min_idle_ms: i64,
    start: Id,
    end: Id,
    count: u64,
    consumer: Option<&'a [u8]>,
}

impl<'a> Wanted<'a> {
    /// `None`: a summary.
    fn parse(args: Args<'a>) -> Result<Option<Self>, Error> {
        let len = args.len();
        if len == 3 {
            return Ok(None);
        }
        if !(6..=9).contains(&len) {
            return Err(Error::Syntax);
        }
        let (mut at, mut min_idle_ms) = (3, 0);
        if args.is(3, "IDLE") {
            min_idle_ms = args.int(4)?;
            if len < 8 {
                return Err(Error::Syntax);
            }
            at = 5;
        }
        let count = args.int(at + 2)?.max(0) as u64;
        let start = bound(args.at(at), End::Start)?;
        let end = bound(args.at(at + 1), End::End)?;
        Ok(Some(Self { min_idle_ms, start, end, count, consumer: args.get(at + 3) }))
    }
}

fn xpending(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let wanted = Wanted::parse(args)?;
    let now_ms = ctx.now_ms();
    // Redis counts no hit here that others do not count.
    let (stream, reply) = stream_with_group(ctx, &args[1], &args[2])?;
    let Some(group) = stream.groups().get(&args[2]) else { return Ok(Flow::Done) };
    match wanted {
        None => write_summary(reply, group),
        Some(wanted) => write_pending(reply, group, &wanted, now_ms),
    }
    Ok(Flow::Done)
}

fn write_summary(reply: &mut Reply, group: &stream::Group) {
    reply.array(4);
    reply.len(group.pending_len());
    let Some((first, last)) = group.pending_ends() else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    write_id(reply, first);
    write_id(reply, last);
    let place = reply.deferred();
    let mut len = 0;
    for (_, consumer) in group.consumers().filter(|(_, consumer)| consumer.pending_len() > 0) {
        reply.array(2);
        reply.bulk(&consumer.name);
        reply.bulk_int(consumer.pending_len() as i64);
        len += 1;
    }
    reply.finish_array(place, len);
}

fn write_pending(reply: &mut Reply, group: &stream::Group, wanted: &Wanted<'_>, now_ms: i64) {
    let idle_ms = |pending: &Pending| now_ms.wrapping_sub(pending.delivered_ms);
    let fits =
        |pending: &&Pending| wanted.min_idle_ms == 0 || idle_ms(pending) >= wanted.min_idle_ms;
    let count = usize::try_from(wanted.count).unwrap_or(usize::MAX);
    let place = reply.deferred();
    let mut len = 0;
    let mut write = |pending: &Pending| {
        reply.array(4);
        write_id(reply, pending.id);
        reply.bulk(group.consumer(pending.consumer).map_or(b"", |consumer| &consumer.name));
        reply.int(idle_ms(pending).max(0));
        reply.int(pending.count as i64);
        len += 1;
    };
    match wanted.consumer {
        None => group
            .pending_from(wanted.start)
            .take_while(|pending| pending.id <= wanted.end)
            .filter(fits)
            .take(count)
            .for_each(&mut write),
        Some(name) => {
            if let Some(consumer) = group.find_consumer(name).and_then(|id| group.consumer(id)) {
                consumer
                    .pending_from(wanted.start)
                    .take_while(|&id| id <= wanted.end)
                    .filter_map(|id| group.pending(id))
                    .filter(fits)
                    .take(count)
                    .for_each(&mut write);
            }
        }
    }
    reply.finish_array(place, len);
}
