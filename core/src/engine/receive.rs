//! From bytes to commands: parsing ahead through a pipeline, fetching its keys into the cache, running it.

use super::Engine;
use crate::client::{Blocked, Client, ConnId, ReplyMode, Transaction};
use crate::command::call::call;
use crate::command::gate::{self, Pass};
use crate::command::keys::Begin;
use crate::command::{Args, Ctx, Flow};
use crate::commands::table;
use crate::error::Error;
use crate::resp::parse::{QUOTED_LINE, split_words};
use crate::resp::{Limits, Reply, Request, Step};
use crate::server::{Effect, Now};
use alloc::boxed::Box;
use alloc::format;
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
/// From so many keys on, the table outgrows the cache and fetching ahead pays.
const PREFETCH_FROM_KEYS: usize = 16 * 1024;

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
        if !client.closing && !client.killed {
            if client.query.is_empty() && client.blocked.is_none() && !client.held {
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

    /// Runs the requests that wait in the client's own buffer.
    pub(super) fn run_queued(&mut self, client: &mut Box<Client>) {
        if client.blocked.is_some() || client.held || client.closing || client.query.is_empty() {
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
                let room = (wanted - query.len().min(wanted)).min(query.len().max(16 * 1024));
                query.reserve(room);
            }
        }
        client.query = query;
    }

    fn check_query_limit(&mut self, client: &mut Client) {
        let limit = self.server.config.client_query_buffer_limit;
        if client.query.len() as u64 > limit {
            self.server.effects.push_back(Effect::Log(
                crate::server::Level::Warning,
                format!("Closing client that reached max query buffer length: id={}", client.id),
            ));
            client.killed = true;
        }
    }

    /// Runs the requests in `buf`; how many bytes they took. Nothing is kept of the rest but how far
    /// its first request has been read.
    fn run_requests(&mut self, client: &mut Box<Client>, buf: &[u8]) -> usize {
        let mut reply = take(&mut client.reply);
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
        // What was read of the first request, when it came in parts.
        spans.append(&mut client.spans);
        let limits = Limits {
            bulk_bytes: self.server.config.proto_max_bulk_len,
            authenticated: client.authenticated,
        };
        let batch_max = if client.authenticated { BATCH } else { 1 };
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
                    if batch.is_empty() {
                        *used = end;
                    }
                }
                Step::Incomplete => {
                    client.spans.extend_from_slice(&spans[first..]);
                    ending = Some(None);
                    break;
                }
                Step::Invalid(error) => {
                    ending = Some(Some(error));
                    break;
                }
            }
        }
        if batch.len() > 1 && self.store.db().len() >= PREFETCH_FROM_KEYS {
            self.prefetch(buf, &batch, &spans);
        }
        self.server.tick = (self.server.hooks.stopwatch)();
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
            if client.closing || client.killed {
                stop = Some(Stop::Closing);
            } else if client.blocked.is_some() || client.held {
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
        spans.clear();
        self.scratch.spans = spans;
        self.scratch.batch = batch;
        if stop.is_some() {
            return stop;
        }
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
    fn execute(&mut self, client: &mut Box<Client>, reply: &mut Reply, args: Args<'_>) {
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
        };
        run_one(&mut ctx, args);
        if mode != ReplyMode::On || ctx.client.reply_mode != ReplyMode::On {
            hush(&mut ctx, mode, start);
        }
        if self.server.config_changed {
            self.apply_config();
        }
        if self.store_has_news() {
            let protocol = reply.protocol;
            let own = core::mem::replace(reply, Reply::new(protocol));
            client.reply = own;
            self.spread_news(client);
            *reply = take(&mut client.reply);
        }
    }

    /// The client's command is over: back into the table, with what it was told on its way.
    pub(super) fn finish(&mut self, client: Box<Client>) {
        let conn = client.conn;
        self.server.clients.put_back(client);
        self.queue_output(conn);
    }
}

/// Resolves, gates and runs or queues one request.
fn run_one(ctx: &mut Ctx<'_>, args: Args<'_>) {
    let resolved = table::resolve_or_whose(args);
    let (id, command) = match resolved {
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
    ctx.client.last_command = command.name;
    match gate::pass(ctx, command, args) {
        Err(error) => refuse(ctx, Some(id), &error),
        Ok(Pass::Queue) => {
            let transaction = ctx.client.transaction.get_or_insert_with(Transaction::default);
            transaction.queued.push(args.to_request());
            ctx.reply.simple("QUEUED");
        }
        Ok(Pass::Run) => {
            if let Ok(Flow::Block(wait)) = call(ctx, id, command, args) {
                block(ctx, Blocked { request: args.to_request(), wait });
            }
        }
    }
}

#[cold]
fn refuse(ctx: &mut Ctx<'_>, id: Option<usize>, error: &Error) {
    if let Some(id) = id {
        ctx.server.command_stats[id].rejected += 1;
    }
    ctx.server.stats.count_error(&error.text());
    if let Some(transaction) = &mut ctx.client.transaction {
        transaction.aborted = true;
    }
    ctx.reply.error(error);
}

/// Registers a client's wait.
fn block(ctx: &mut Ctx<'_>, blocked: Blocked) {
    let id = ctx.client.id;
    for key in &blocked.wait.keys {
        ctx.db.db_mut().wait.add(key, id);
    }
    if let Some(deadline_us) = blocked.wait.deadline_us {
        ctx.server.deadlines.insert((deadline_us, id));
    }
    ctx.server.blocked_clients += 1;
    ctx.client.blocked = Some(blocked);
}

/// Drops the reply of a client that wants none (CLIENT REPLY).
#[cold]
fn hush(ctx: &mut Ctx<'_>, before: ReplyMode, start: usize) {
    let now = ctx.client.reply_mode;
    let keep = match (before, now) {
        // CLIENT REPLY ON itself is answered.
        (_, ReplyMode::On) => true,
        _ => false,
    };
    if !keep {
        ctx.reply.out.truncate(start);
    }
    ctx.client.reply_mode = match (before, now) {
        (ReplyMode::Skip, ReplyMode::Skip) => ReplyMode::On,
        (_, ReplyMode::SkipNext) => ReplyMode::Skip,
        (_, other) => other,
    };
}
