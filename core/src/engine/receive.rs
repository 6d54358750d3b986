//! From bytes to commands: parsing ahead through a pipeline, fetching its keys into the cache, running it.

use super::Engine;
use crate::client::{Blocked, Client, ConnId, ReplyMode, Transaction};
use crate::command::call::call;
use crate::command::gate::{self, Pass};
use crate::command::keys::Begin;
use crate::command::{Args, Command, Ctx, Flags, Flow, wait};
use crate::commands::table::{self, TABLE};
use crate::commands::{connection, transaction};
use crate::error::Error;
use crate::resp::parse::{QUOTED_LINE, split_words};
use crate::resp::{Limits, Reply, Request, Step};
use crate::server::{Effect, Level, Now};
use crate::store::PREFETCH_FROM_KEYS;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::mem::take;

/// One request of a pipeline that was parsed ahead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    /// Where it starts in the buffer.
    at: usize,
    /// Where the next one starts.
    end: usize,
    /// Its arguments among the batch's.
    spans: (u32, u32),
}

/// So many requests are parsed before the first of them runs.
const BATCH: usize = 64;
/// Up to so many arguments of an unfinished request are copied between two parts of it.
const SPANS_COPIED: usize = 1024;

/// Room for more arguments than these is given back when their commands have run.
const SPANS_KEPT: usize = 16 * 1024;

/// Room for less than this is made more of while a large bulk arrives.
const GROW_BELOW: usize = 64 * 1024;

/// So much may wait to be sent to a client that has yet to say who it is.
const LOCKED_OUT_BYTES_MAX: u64 = 17 * 1024;

/// Why reading a client's requests stopped.
enum Stop {
    /// It has none left but a part.
    Starved,
    /// It waits for something: what is left is for later.
    Waiting,
    /// It is to be closed.
    Closing,
}

impl Engine {
    /// Bytes from a connection. Runs every whole request in them.
    pub fn receive(&mut self, now: Now, conn: ConnId, bytes: &[u8]) {
        self.set_now(now);
        let Some(mut client) = self.server.clients.take(conn) else { return };
        client.bytes_in += bytes.len() as u64;
        client.active_ms = now.unix_ms();
        self.server.stats.bytes_in += bytes.len() as u64;
        self.server.stats.reads += 1;
        if !client.closing && !client.killed {
            if client.query.is_empty() && !client.is_waiting() {
                let used = self.run_requests(&mut client, bytes);
                if used < bytes.len() {
                    client.query.extend_from_slice(&bytes[used..]);
                }
            } else {
                client.query.extend_from_slice(bytes);
                self.run_queued(&mut client);
            }
            self.check_query_limit(&mut client);
        }
        self.finish(client);
        self.after_input();
    }

    /// Whether the rest of a long argument is to come from the connection, and nothing else can be done for it.
    pub fn is_amid_argument(&self, conn: ConnId) -> bool {
        let client = self.server.clients.get(conn);
        client.is_some_and(|client| {
            !client.killed && !client.closing && client.parser.long_bulk_at().is_some()
        })
    }

    /// Runs the requests that wait in the client's own buffer.
    pub(super) fn run_queued(&mut self, client: &mut Box<Client>) {
        if client.is_waiting() || client.closing || client.query.is_empty() {
            return;
        }
        let mut query = take(&mut client.query);
        let used = self.run_requests(client, &query);
        if used == query.len() {
            // Keep a small buffer for the next part; give a large one back.
            query.clear();
            if query.capacity() > 64 * 1024 {
                query = alloc::vec::Vec::new();
            }
        } else {
            query.drain(..used);
            if let Some(wanted) = client.parser.bytes_wanted() {
                // A large bulk that has begun to arrive: grow in steps, never on its word alone.
                // In the end it takes what the bulk takes.
                let missing = wanted - query.len().min(wanted);
                if query.capacity() - query.len() < missing.min(GROW_BELOW) {
                    query.reserve_exact(missing.min(query.len().max(GROW_BELOW)));
                }
            }
        }
        client.query = query;
    }

    pub(super) fn check_query_limit(&mut self, client: &mut Client) {
        let limit = self.server.config.client_query_buffer_limit;
        let queued = client.transaction.as_ref().map_or(0, |transaction| transaction.bytes);
        if (client.query.len() + queued) as u64 <= limit {
            return;
        }
        let line = client.describe(&client.reply, &self.server.clients);
        let start = &client.query[..client.query.len().min(64)];
        self.server.effects.push_back(Effect::Log(
            Level::Warning,
            format!(
                "Closing client that reached max query buffer length: {} (qbuf initial bytes: \"{}\")",
                String::from_utf8_lossy(&line),
                crate::error::printable(start, 64),
            ),
        ));
        client.killed = true;
    }

    /// Kills a client that does not read what it asked for.
    #[cold]
    pub(super) fn check_output_limit(&mut self, client: &mut Client, reply: &mut Reply) {
        core::mem::swap(&mut client.reply, reply);
        let was_over = client.over_soft_since_ms.is_some();
        let may_ask = client.authenticated || self.server.acl.users.default_user().is_open();
        let locked_out = !may_ask && client.output_bytes() as u64 >= LOCKED_OUT_BYTES_MAX;
        if locked_out || client.exceeds(&self.server.clients.limits, self.server.now.unix_ms()) {
            client.killed = true;
            self.log_cut(client);
        } else if client.over_soft_since_ms.is_some() && !was_over {
            self.server.clients.over_soft.push(client.conn);
        }
        core::mem::swap(&mut client.reply, reply);
    }

    /// Runs the requests in `buf`; how many bytes they took. Nothing is kept of the rest but how far
    /// its first request has been read.
    fn run_requests(&mut self, client: &mut Box<Client>, buf: &[u8]) -> usize {
        let mut reply = take(&mut client.reply);
        client.query_bytes = buf.len();
        let mut used = 0;
        let stop = loop {
            match self.run_batch(client, &mut reply, buf, &mut used) {
                None => {}
                Some(stop) => break stop,
            }
        };
        if matches!(stop, Stop::Closing) {
            used = buf.len();
        }
        client.reply = reply;
        client.query_bytes = 0;
        used
    }

    /// Parses up to [`BATCH`] requests and runs them.
    fn run_batch(
        &mut self,
        client: &mut Box<Client>,
        reply: &mut Reply,
        buf: &[u8],
        used: &mut usize,
    ) -> Option<Stop> {
        let mut spans = take(&mut self.scratch.spans);
        let mut batch = take(&mut self.scratch.batch);
        spans.clear();
        batch.clear();
        // What was read of the first request, when it came in parts. A long list changes hands and is not
        // copied, or a request of a million arguments would be copied anew with each part of it.
        if client.spans.len() > SPANS_COPIED {
            core::mem::swap(&mut spans, &mut client.spans);
        } else {
            spans.append(&mut client.spans);
        }
        let limits = Limits {
            bulk_bytes: self.server.config.proto_max_bulk_len,
            authenticated: client.authenticated || self.server.acl.users.default_user().is_open(),
        };
        let batch_max = if limits.authenticated { BATCH } else { 1 };
        let mut at = *used;
        let mut first = 0;
        let mut ending = None;
        while batch.len() < batch_max {
            let rest = &buf[at..];
            if limits.authenticated
                && let Some(len) = client.parser.whole(rest, &mut spans)
            {
                let range = (first as u32, spans.len() as u32);
                batch.push(Item { at, end: at + len, spans: range });
                first = spans.len();
                at += len;
                continue;
            }
            match client.parser.advance(rest, &limits, &mut spans) {
                Step::Request(len) => {
                    let end = at + len;
                    if spans.len() > first {
                        let range = (first as u32, spans.len() as u32);
                        batch.push(Item { at, end, spans: range });
                    }
                    first = spans.len();
                    at = end;
                }
                Step::Incomplete => {
                    if first == 0 && spans.len() > SPANS_COPIED {
                        core::mem::swap(&mut spans, &mut client.spans);
                    } else {
                        client.spans.extend_from_slice(&spans[first..]);
                    }
                    ending = Some(None);
                    break;
                }
                Step::Invalid(error) => {
                    ending = Some(Some(error));
                    break;
                }
            }
        }
        self.store.select(client.db);
        if batch.len() > 1 && self.store.db().len() >= PREFETCH_FROM_KEYS {
            self.prefetch(buf, &batch, &spans);
        }
        self.server.tick = (self.server.hooks.stopwatch)();
        let lowest = self.server.clients.limits.lowest;
        let output_max =
            if limits.authenticated { lowest } else { lowest.min(LOCKED_OUT_BYTES_MAX) };
        let mut stop = None;
        for item in &batch {
            *used = item.end;
            let spans = &spans[item.spans.0 as usize..item.spans.1 as usize];
            let request = &buf[item.at..item.end];
            if spans[0].len == QUOTED_LINE {
                let line = &request[..spans[1].len as usize];
                let words = split_words(line).unwrap_or_default();
                let mut quoted = Request::default();
                for word in &words {
                    quoted.push(word);
                }
                if !words.is_empty() {
                    self.execute(client, reply, quoted.args());
                }
            } else {
                self.execute(client, reply, Args::new(request, spans));
            }
            if reply.out.len() as u64 >= output_max {
                self.check_output_limit(client, reply);
            }
            if client.closing || client.killed {
                stop = Some(Stop::Closing);
            } else if client.is_waiting() {
                if client.held {
                    // It did not run: it is parsed again later.
                    *used = item.at;
                }
                stop = Some(Stop::Waiting);
            }
            if stop.is_some() {
                break;
            }
        }
        if let Some(Stop::Waiting) = stop {
            // What was parsed ahead is parsed again when the client's turn comes.
            client.spans.clear();
            client.parser = crate::resp::Parser::new();
        }
        if spans.capacity() > SPANS_KEPT {
            spans = alloc::vec::Vec::new();
        }
        spans.clear();
        self.scratch.spans = spans;
        self.scratch.batch = batch;
        if stop.is_some() {
            return stop;
        }
        // Empty requests may stand behind the last one.
        *used = at;
        match ending {
            None => None,
            Some(None) => Some(Stop::Starved),
            Some(Some(error)) => {
                let error = Error::Owned(format!("ERR Protocol error: {}", error.0));
                reply.error(&error);
                self.server.stats.count_error(&error.text());
                client.closing = true;
                Some(Stop::Closing)
            }
        }
    }

    /// Brings the buckets, then the entries, of the first keys of a batch into the cache.
    fn prefetch(&self, buf: &[u8], batch: &[Item], spans: &[crate::resp::Span]) {
        let mut hashes = [0u64; BATCH];
        let mut count = 0;
        for item in batch {
            let request = &buf[item.at..item.end];
            let args = Args::new(request, &spans[item.spans.0 as usize..item.spans.1 as usize]);
            if let Some(name) = args.get(0)
                && let Some((_, command)) = table::find(name)
                && let Some(spec) = command.keys.first()
                && let Begin::Index(index) = spec.begin
                && let Some(key) = args.get(index as usize)
            {
                hashes[count] = self.store.prefetch(key);
                count += 1;
            }
        }
        for &hash in &hashes[..count] {
            self.store.db().prefetch_entry(hash);
        }
    }

    /// Runs one request, or refuses or queues it.
    #[cfg_attr(redstart_small, optimize(speed))]
    pub(super) fn execute(&mut self, client: &mut Box<Client>, reply: &mut Reply, args: Args<'_>) {
        let start = reply.out.len();
        self.store.select(client.db);
        self.store.no_touch = client.no_touch;
        client.commands += 1;
        let mode = client.reply_mode;
        let mut ctx = Ctx {
            db: &mut self.store,
            reply,
            client,
            server: &mut self.server,
            command: &crate::commands::connection::PING,
            nested: false,
            woken_by: None,
        };
        run_one(&mut ctx, args);
        if mode != ReplyMode::On || ctx.client.reply_mode != ReplyMode::On {
            hush(&mut ctx, mode, start);
        }
        if self.store.journal.has_news {
            self.end_unit();
            client.journal_end = self.store.journal.end();
        }
        if self.server.config_changed {
            if client.is_waiting() && self.server.persistence.aof_wanted_by == Some(client.id) {
                self.begin_aof_load();
            }
            self.apply_config();
        }
        if !self.store.ready.is_empty() || self.store_has_news() {
            self.spread_news();
            // Those who wait are served before the client's next command runs.
            self.serve_ready();
            self.hand_touches_to(client);
        }
        if !self.server.clients.stray.is_empty() {
            self.server.clients.deliver_stray(client, reply);
        }
    }

    /// Marks the transaction of a client whose command ran, if that touched a key it watches.
    pub(super) fn hand_touches_to(&mut self, client: &mut Client) {
        let before = self.store.touched.len();
        self.store.touched.retain(|&id| id != client.id);
        client.watch_touched |= self.store.touched.len() != before;
    }

    /// The client's command is over: back into the table, with what it was told on its way.
    pub(super) fn finish(&mut self, mut client: Box<Client>) {
        let conn = client.conn;
        if !self.server.clients.stray.is_empty() {
            let mut reply = take(&mut client.reply);
            self.server.clients.deliver_stray(&client, &mut reply);
            client.reply = reply;
        }
        self.server.clients.put_back(client);
        self.server.clients.count_memory(conn);
        self.queue_output(conn);
    }
}

/// Resolves, gates and runs, queues or holds back one request.
#[cfg_attr(redstart_small, optimize(speed))]
fn run_one(ctx: &mut Ctx<'_>, args: Args<'_>) {
    let (id, command) = match table::resolve_or_whose(&ctx.server.names, args) {
        Ok(found) => found,
        Err((id, error)) => {
            // HTTP sent to a Redis port by a tricked browser is cut off at once.
            if args[0].eq_ignore_ascii_case(b"post") || args[0].eq_ignore_ascii_case(b"host:") {
                ctx.client.killed = true;
                return;
            }
            return refuse(ctx, id, &error);
        }
    };
    let container = table::container(id);
    ctx.client.last_command = (container, command.name);
    match gate::pass(ctx, id, command, container, args) {
        Err(error) => refuse(ctx, Some(id), &error),
        Ok(Pass::Queue) => queue(ctx, command, args),
        Ok(Pass::Hold) => wait::hold(ctx.server, ctx.client),
        Ok(Pass::Run) => {
            let outcome = call(ctx, id, command, args);
            if !ctx.server.monitors.is_empty() {
                connection::feed(ctx, command, args);
            }
            if let Ok(Flow::Block(mut wait)) = outcome {
                let request = wait.request.take().unwrap_or_else(|| args.to_request());
                let blocked = Blocked { request, command: id, wait };
                wait::begin(ctx.db, ctx.server, ctx.client, blocked);
            } else if let Ok(Flow::Busy) = outcome {
                ctx.client.scripting = true;
            }
        }
    }
}

fn queue(ctx: &mut Ctx<'_>, command: &Command, args: Args<'_>) {
    let touched = ctx.client.watch_touched;
    let mut flags = command.flags;
    if flags.contains(Flags::MAY_REPLICATE) && gate::only_reads(ctx, command, args) {
        flags -= Flags::MAY_REPLICATE;
    }
    let transaction = ctx.client.transaction.get_or_insert_with(Transaction::default);
    // EXEC will not run it: spare the memory.
    if !transaction.aborted && !touched {
        transaction.flags |= flags.bits();
        transaction.bytes += args.iter_from(0).map(<[u8]>::len).sum::<usize>();
        transaction.queued.push(args.to_request());
    }
    ctx.reply.simple("QUEUED");
}

#[cold]
fn refuse(ctx: &mut Ctx<'_>, id: Option<usize>, error: &Error) {
    if let Some(id) = id {
        ctx.server.command_stats[id].rejected += 1;
    }
    if id.and_then(|id| TABLE.get(id)).is_some_and(|command| command.name == "exec") {
        // The client meant the transaction to be over.
        ctx.client.transaction = None;
        transaction::unwatch_all(ctx.db, ctx.client);
        let text = error.text();
        let reason = text.strip_prefix("ERR ").unwrap_or(&text);
        let error = Error::Owned(format!("EXECABORT Transaction discarded because of: {reason}"));
        ctx.server.stats.count_error(&error.text());
        ctx.reply.error(&error);
        return;
    }
    ctx.server.stats.count_error(&error.text());
    if let Some(transaction) = &mut ctx.client.transaction {
        transaction.aborted = true;
    }
    ctx.reply.error(error);
}

/// Drops the reply of a client that wants none (CLIENT REPLY). `before` is what it wanted before the command.
#[cold]
fn hush(ctx: &mut Ctx<'_>, before: ReplyMode, start: usize) {
    if ctx.client.is_waiting() {
        // The command is not over.
        return;
    }
    let now = ctx.client.reply_mode;
    // CLIENT REPLY ON itself is answered, and confirmations of subscriptions are no replies.
    let keeps = now == ReplyMode::On
        || (ctx.command.flags.contains(Flags::PUBSUB) && ctx.command.name.ends_with("subscribe"));
    if !keeps {
        ctx.reply.out.truncate(start);
    }
    ctx.client.reply_mode = match (before, now) {
        (ReplyMode::Skip, ReplyMode::Skip) => ReplyMode::On,
        (_, ReplyMode::SkipNext) => ReplyMode::Skip,
        (_, other) => other,
    };
}
