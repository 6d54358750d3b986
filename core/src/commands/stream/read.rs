//! XREAD and XREADGROUP: what came after an ID, of several streams, and waiting for it.
//!
//! A command that waits runs again when one of its streams gets an entry, with the IDs it had at first: `$` is
//! written out. As in Redis 7.0 it is then served from that one stream.

use super::{Delivered, replicate_deliveries, replicate_last_id};
use super::{consumer, gather_entry, note, strict_id, write_entries, write_entry, write_id};
use crate::client::OnTimeout;
use crate::command::keys::{Begin, Find};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::{Error, printable};
use crate::resp::{Bulks, Reply, Request};
use crate::value::stream::{self, ConsumerId, ID_TEXT_MAX, Id, Log};
use crate::value::{Kind, Stream};
use alloc::format;
use alloc::vec::Vec;

/// XREAD STREAMS key [key ...] id [id ...]: the entries behind an ID of each stream.
pub const XREAD: Command = Command::new("xread", -4, xread)
    .blocking()
    .readonly()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::custom(
        KeyFlags::RO.union(KeyFlags::ACCESS),
        Begin::Keyword("STREAMS", 1),
        Find::Range { last: -1, step: 1, limit: 2 },
    )])
    .docs(
        "[COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]",
        "Returns the entries of several streams behind an ID of each; waits while there are none.",
        "O(N) with N entries returned, for each stream",
    );

fn xread(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let options = Options::parse(args, false)?;
    options.waits_in_script(ctx, args)?;
    let mut wanted = Vec::with_capacity(options.count_of_keys);
    for at in 0..options.count_of_keys {
        let (key, text) = options.stream(args, at);
        let stream = ctx.db.object::<Stream>(key)?;
        wanted.push(match text {
            b"$" => stream.map_or(Id::MIN, |stream| stream.log().last_id),
            // The last entry there is, and then what comes.
            b"+" => stream.map_or(Id::MIN, |stream| {
                stream.log().last_entry_id().prev().unwrap_or(stream.log().last_id)
            }),
            b">" => {
                return Err(Error::Text(
                    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
                ));
            }
            text => strict_id(text, 0)?,
        });
    }
    if let Some(woken_by) = ctx.woken_by {
        let place = (0..wanted.len()).find(|&at| options.stream(args, at).0 == woken_by);
        if let Some(place) = place
            && let Some(stream) = ctx.db.object::<Stream>(woken_by)?
            && stream.log().last_id > wanted[place]
        {
            begin(ctx.reply, 1);
            write_stream(ctx.reply, woken_by, stream.log(), wanted[place], options.count);
            return Ok(Flow::Done);
        }
        return wait(ctx, args, &options, &wanted);
    }
    let place = ctx.reply.deferred();
    let mut served = 0;
    for (at, &after) in wanted.iter().enumerate() {
        let (key, _) = options.stream(args, at);
        // The look-ups above counted and checked the type.
        if let Some(stream) = ctx.db.shared::<Stream>(key)
            && after < stream.log().last_id
            && !stream.log().is_empty()
            && stream.log().last_entry_id() > after
        {
            if !ctx.reply.is_resp3() {
                ctx.reply.array(2);
            }
            write_stream(ctx.reply, key, stream.log(), after, options.count);
            served += 1;
        }
    }
    if served > 0 {
        finish(ctx.reply, place, served);
        return Ok(Flow::Done);
    }
    wait(ctx, args, &options, &wanted)
}

/// The reply's frame: a map of streams in RESP3, an array of pairs in RESP2.
fn begin(reply: &mut Reply, streams: usize) {
    if reply.is_resp3() {
        reply.map(streams);
    } else {
        reply.array(streams);
        reply.array(2);
    }
}

fn finish(reply: &mut Reply, place: crate::resp::reply::Deferred, streams: usize) {
    if reply.is_resp3() {
        reply.finish_map(place, streams);
    } else {
        reply.finish_array(place, streams);
    }
}

fn write_stream(reply: &mut Reply, key: &[u8], log: &Log, after: Id, count: u64) {
    reply.bulk(key);
    match after.next() {
        Some(start) => write_entries(reply, log.range(start, Id::MAX), count),
        None => reply.array(0),
    }
}

/// Waits for an entry of any stream, if the client wants to wait.
fn wait(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    options: &Options<'_>,
    wanted: &[Id],
) -> Result<Flow, Error> {
    let Some(timeout_us) = options.timeout_us else {
        ctx.reply.null_array();
        return Ok(Flow::Done);
    };
    let keys = (0..options.count_of_keys).map(|at| options.stream(args, at).0);
    let mut flow = ctx.block(keys, Kind::Stream, timeout_us, OnTimeout::NullArray)?;
    if let Flow::Block(wait) = &mut flow {
        wait.for_key = options.group.is_some();
        if options.group.is_none() {
            let mut request = Request::default();
            let ids_at = args.len() - options.count_of_keys;
            args.iter_from(0).take(ids_at).for_each(|arg| request.push(arg));
            for &id in wanted {
                let mut buffer = [0; ID_TEXT_MAX];
                let start = id.write(&mut buffer);
                request.push(&buffer[start..]);
            }
            wait.request = Some(request);
        }
    }
    Ok(flow)
}

/// What both commands take.
struct Options<'a> {
    /// 0 is no limit, which is the greatest number here.
    count: u64,
    /// `None`: the client does not wait. 0: for ever.
    timeout_us: Option<u64>,
    /// The group and the consumer.
    group: Option<(&'a [u8], &'a [u8])>,
    no_ack: bool,
    /// Where the keys are; as many IDs follow.
    keys_at: usize,
    count_of_keys: usize,
}

impl<'a> Options<'a> {
    /// A script cannot ask to wait.
    fn waits_in_script(&self, ctx: &Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
        if self.timeout_us.is_some() && ctx.server.scripting.calling {
            let name = printable(&args[0], 128);
            return Err(Error::Owned(alloc::format!(
                "ERR {name} command is not allowed with BLOCK option from scripts"
            )));
        }
        Ok(())
    }

    fn parse(args: Args<'a>, in_group: bool) -> Result<Self, Error> {
        let mut options = Self {
            count: u64::MAX,
            timeout_us: None,
            group: None,
            no_ack: false,
            keys_at: 0,
            count_of_keys: 0,
        };
        let mut at = 1;
        while at < args.len() {
            let more = args.len() - at - 1;
            if more > 0 && args.is(at, "BLOCK") {
                at += 1;
                options.timeout_us = Some(timeout_us(args, at)?);
            } else if more > 0 && args.is(at, "COUNT") {
                at += 1;
                options.count = match args.int(at)? {
                    ..=0 => u64::MAX,
                    count => count as u64,
                };
            } else if more > 0 && args.is(at, "STREAMS") {
                if !more.is_multiple_of(2) {
                    return Err(Error::Text(
                        "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.",
                    ));
                }
                (options.keys_at, options.count_of_keys) = (at + 1, more / 2);
                break;
            } else if more >= 2 && args.is(at, "GROUP") {
                if !in_group {
                    return Err(Error::Text(
                        "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
                    ));
                }
                options.group = Some((args.at(at + 1), args.at(at + 2)));
                at += 2;
            } else if args.is(at, "NOACK") {
                if !in_group {
                    return Err(Error::Text(
                        "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
                    ));
                }
                options.no_ack = true;
            } else {
                return Err(Error::Syntax);
            }
            at += 1;
        }
        if options.keys_at == 0 {
            return Err(Error::Syntax);
        }
        if in_group && options.group.is_none() {
            return Err(Error::Text("ERR Missing GROUP option for XREADGROUP"));
        }
        Ok(options)
    }

    /// The key and the text of the ID of a stream.
    fn stream(&self, args: Args<'a>, at: usize) -> (&'a [u8], &'a [u8]) {
        (args.at(self.keys_at + at), args.at(self.keys_at + self.count_of_keys + at))
    }
}

/// The milliseconds at `at` in microseconds.
fn timeout_us(args: Args<'_>, at: usize) -> Result<u64, Error> {
    let ms =
        args.int(at).map_err(|_| Error::Text("ERR timeout is not an integer or out of range"))?;
    match u64::try_from(ms) {
        Ok(ms) => Ok(ms.saturating_mul(1000)),
        Err(_) => Err(Error::Text("ERR timeout is negative")),
    }
}

/// XREADGROUP GROUP group consumer STREAMS key [key ...] id [id ...]: what the group has not read, or what the
/// consumer has not acknowledged.
pub const XREADGROUP: Command = Command::new("xreadgroup", -7, xreadgroup)
    .blocking()
    .write()
    .acl(Acl::STREAM)
    .group(Group::Stream)
    .since("5.0.0")
    .keys(&[KeySpec::custom(
        KeyFlags::RO.union(KeyFlags::ACCESS),
        Begin::Keyword("STREAMS", 4),
        Find::Range { last: -1, step: 1, limit: 2 },
    )])
    .docs(
        "GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]",
        "Returns entries that a group has not read, or that the consumer has not acknowledged; waits while there are none.",
        "O(N) with N entries returned, for each stream",
    );

/// What a consumer asks of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// `>`: what the group has not read.
    New,
    /// What the consumer has not acknowledged, behind this ID.
    History(Id),
}

fn xreadgroup(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let options = Options::parse(args, true)?;
    options.waits_in_script(ctx, args)?;
    let Some((group, _)) = options.group else { return Err(Error::Syntax) };
    if let Some(woken_by) = ctx.woken_by {
        return woken(ctx, args, &options, woken_by);
    }
    let mut asks = Vec::with_capacity(options.count_of_keys);
    for at in 0..options.count_of_keys {
        let (key, text) = options.stream(args, at);
        let has_group = ctx
            .db
            .object::<Stream>(key)?
            .is_some_and(|stream| stream.groups().get(group).is_some());
        if !has_group {
            return Err(Error::Owned(format!(
                "NOGROUP No such key '{}' or consumer group '{}' in XREADGROUP with GROUP option",
                printable(key, usize::MAX),
                printable(group, usize::MAX)
            )));
        }
        asks.push(match text {
            b">" => Ask::New,
            b"$" => {
                return Err(Error::Text(
                    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
                ));
            }
            text => match strict_id(text, 0)? {
                Id::MAX => Ask::New,
                id => Ask::History(id),
            },
        });
    }
    let place = ctx.reply.deferred();
    let mut served = 0;
    for (at, &ask) in asks.iter().enumerate() {
        let (key, _) = options.stream(args, at);
        let has_some = match ask {
            Ask::History(_) => true,
            Ask::New => ctx.db.shared::<Stream>(key).is_some_and(|stream| {
                let log = stream.log();
                let read = stream.groups().get(group).map_or(Id::MAX, |group| group.last_id);
                !log.is_empty() && log.last_id > read && log.last_entry_id() > read
            }),
        };
        if has_some {
            if !ctx.reply.is_resp3() {
                ctx.reply.array(2);
            }
            serve(ctx, &options, key, ask)?;
            served += 1;
        }
    }
    if served > 0 {
        ctx.db.dirty += 1;
        finish(ctx.reply, place, served);
        return Ok(Flow::Done);
    }
    wait(ctx, args, &options, &[])
}

/// A stream that a client waits for changed.
fn woken(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    options: &Options<'_>,
    key: &[u8],
) -> Result<Flow, Error> {
    let Some((group, _)) = options.group else { return Err(Error::Syntax) };
    let Ok(Some(stream)) = ctx.db.object_mut::<Stream>(key) else {
        return Err(Error::Text("UNBLOCKED the stream key no longer exists"));
    };
    let Some(found) = stream.groups().get(group) else {
        return Err(Error::Text(
            "NOGROUP the consumer group this client was blocked on no longer exists",
        ));
    };
    if stream.log().last_id > found.last_id {
        begin(ctx.reply, 1);
        serve(ctx, options, key, Ask::New)?;
        ctx.db.dirty += 1;
        return Ok(Flow::Done);
    }
    wait(ctx, args, options, &[])
}

/// Writes what the consumer gets of one stream, and notes that it got it.
fn serve(ctx: &mut Ctx<'_>, options: &Options<'_>, key: &[u8], ask: Ask) -> Result<(), Error> {
    let Some((group_name, name)) = options.group else { return Ok(()) };
    let now_ms = ctx.now_ms();
    ctx.db.replicate_nothing();
    let journaled = ctx.db.is_journaled();
    let Some(stream) = ctx.db.object_mut::<Stream>(key)? else { return Ok(()) };
    let (log, groups) = stream.parts_mut();
    let Some(group) = groups.get_mut(group_name) else { return Ok(()) };
    let before = group.last_id;
    let (reader, new) = consumer(group, name, now_ms);
    let reply = &mut *ctx.reply;
    reply.bulk(key);
    let delivered = Vec::new();
    let mut delivery =
        Delivery { log, group, reader, now_ms, count: options.count, journaled, delivered };
    match ask {
        Ask::New => delivery.write_new(reply, options.no_ack),
        Ask::History(after) => delivery.write_history(reply, after),
    }
    let delivered = core::mem::take(&mut delivery.delivered);
    let (last_id, entries_read) = (delivery.group.last_id, delivery.group.entries_read);
    if new {
        note(ctx, "xgroup-createconsumer", key);
    }
    if journaled {
        if options.no_ack && new {
            ctx.replicate(&[b"XGROUP", b"CREATECONSUMER", key, group_name, name]);
        }
        replicate_deliveries(ctx, (key, group_name, name), &delivered);
        if options.no_ack && last_id != before {
            replicate_last_id(ctx, key, group_name, last_id, entries_read);
        }
    }
    Ok(())
}

/// Entries on their way to a consumer.
struct Delivery<'a> {
    log: &'a Log,
    group: &'a mut stream::Group,
    reader: ConsumerId,
    now_ms: i64,
    count: u64,
    /// What the consumer got, if it is written to the journal.
    journaled: bool,
    delivered: Vec<Delivered>,
}

impl Delivery<'_> {
    /// What the group has not read; with `no_ack` nobody has to acknowledge it.
    fn write_new(&mut self, reply: &mut Reply, no_ack: bool) {
        let place = reply.deferred();
        let len = reply.bulks(|bulks| self.gather_new(bulks, no_ack));
        if len > 0
            && let Some(reader) = self.group.consumer_mut(self.reader)
        {
            reader.active_ms = self.now_ms;
        }
        reply.finish_array(place, len);
    }

    /// Its entries; how many there are.
    fn gather_new(&mut self, bulks: &mut Bulks<'_>, no_ack: bool) -> usize {
        let mut len = 0;
        let Some(start) = self.group.last_id.next() else { return len };
        let mut cursor = self.log.range(start, Id::MAX);
        while (len as u64) < self.count
            && let Some((id, fields)) = cursor.next()
        {
            self.group.advance(id, self.log);
            gather_entry(bulks, &mut cursor, id, fields);
            if !no_ack {
                self.group.deliver(id, self.reader, self.now_ms);
                if self.journaled {
                    let at_ms = self.now_ms;
                    self.delivered.push(Delivered { id, from: None, at_ms, count: 1, last_id: id });
                }
            }
            len += 1;
        }
        len
    }

    /// What the consumer has not acknowledged behind `after`; of what was removed since, the ID alone.
    fn write_history(&mut self, reply: &mut Reply, after: Id) {
        let place = reply.deferred();
        let mut len = 0;
        let mut following = after.next();
        while (len as u64) < self.count
            && let Some(from) = following
            && let Some(id) = self.group.next_pending(self.reader, from)
        {
            let mut cursor = self.log.range(id, id);
            match cursor.next() {
                Some((_, fields)) => {
                    write_entry(reply, &mut cursor, id, fields);
                    self.group.deliver_again(id, self.now_ms);
                }
                None => {
                    reply.array(2);
                    write_id(reply, id);
                    reply.null_array();
                }
            }
            len += 1;
            following = id.next();
        }
        reply.finish_array(place, len);
    }
}
