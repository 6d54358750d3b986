//! A connection in one line, as CLIENT LIST, CLIENT INFO and the log show it.

use super::tracking::Tracker;
use super::{Client, Clients};
use crate::resp::{Protocol, Reply};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What Redis's reply buffer holds before it needs a list of further ones, in bytes.
const REPLY_BUFFER: usize = 16 * 1024;
/// What Redis's query buffer has room for at first, in bytes.
const QUERY_BUFFER: usize = 20_474;

/// What the name of a channel, a pattern or a prefix takes with all that points to it, in bytes.
const NAME_BYTES: usize = 80;
/// What a watched key takes, in bytes.
const WATCHED_BYTES: usize = 96;

impl Client {
    /// Its letters in `flags=`.
    pub fn flags(&self, tracker: Option<&Tracker>) -> String {
        let letters = [
            (self.is_replica(), 'S'),
            (self.monitor, 'O'),
            (self.is_subscriber(), 'P'),
            (self.transaction.is_some(), 'x'),
            (self.blocked.is_some() || self.held, 'b'),
            (tracker.is_some(), 't'),
            (tracker.is_some_and(|tracker| tracker.broken), 'R'),
            (tracker.is_some_and(|tracker| tracker.bcast), 'B'),
            (self.watch_touched, 'd'),
            (self.closing, 'c'),
            (self.killed, 'A'),
            (self.peer.unix, 'U'),
            (self.no_evict, 'e'),
            (self.no_touch, 'T'),
        ];
        let set: String = letters.iter().filter(|(is, _)| *is).map(|(_, letter)| letter).collect();
        if set.is_empty() { "N".into() } else { set }
    }

    /// The bytes of its requests that wait, and the room beside them, as Redis counts both.
    fn query_buffer(&self) -> (usize, usize) {
        if self.query_bytes > 0 {
            return (self.query_bytes, QUERY_BUFFER.saturating_sub(self.query_bytes));
        }
        // What has been read of a request is no longer in Redis's buffer when a long argument follows.
        let query = self.query.len().saturating_sub(self.parser.long_bulk_at().unwrap_or(0));
        (query, if query > 0 { QUERY_BUFFER.saturating_sub(query) } else { 0 })
    }

    /// The bytes that it takes, as `maxmemory-clients` counts them. `reply` is where its output is.
    pub fn memory(&self, reply: &Reply, clients: &Clients) -> usize {
        let (query, query_free) = self.query_buffer();
        let tracker = clients.trackers.get(&self.id);
        let subscriptions = self.subscriptions() + self.shard_channels.len();
        let names = subscriptions + tracker.map_or(0, |tracker| tracker.prefixes.len());
        size_of::<Self>()
            + self.query.capacity().max(query + query_free)
            + reply.out.capacity().max(1024)
            + self.transaction.as_ref().map_or(0, |transaction| transaction.bytes)
            + self.argument_bytes
            + self.replica.as_ref().map_or(0, |replica| replica.behind.capacity())
            + names * NAME_BYTES
            + self.watched.len() * WATCHED_BYTES
    }

    /// The line without its end. `reply` is where its output is: elsewhere while its command runs.
    /// `clients` is the table of all, which it is in or comes from.
    pub fn describe(&self, reply: &Reply, clients: &Clients) -> Vec<u8> {
        let (now_ms, tracker) = (clients.now_ms, clients.trackers.get(&self.id));
        let pending = reply.out.len().saturating_sub(self.sent);
        let beyond = pending.saturating_sub(REPLY_BUFFER);
        let (query, query_free) = self.query_buffer();
        let queued = self.transaction.as_ref().map_or(0, |t| t.bytes);
        let room = reply.out.capacity().clamp(1024, REPLY_BUFFER);
        let total = self.memory(reply, clients);
        let seconds = |since_ms: i64| (now_ms - since_ms).max(0) / 1000;
        let mut line = format!("id={} addr={} laddr={}", self.id, self.peer.addr, self.peer.laddr)
            .into_bytes();
        line.extend_from_slice(format!(" fd={} name=", self.peer.fd).as_bytes());
        line.extend_from_slice(&self.name);
        let (container, command) = self.last_command;
        let command = match (container, command) {
            ("", "") => "NULL".into(),
            ("", command) => String::from(command),
            (container, command) => format!("{container}|{command}"),
        };
        let rest = format!(
            " age={} idle={} flags={} db={} sub={} psub={} ssub={} multi={} qbuf={query} \
             qbuf-free={query_free} argv-mem={} multi-mem={queued} rbs={room} rbp={} obl={} oll={} \
             omem={beyond} tot-mem={total} events={} cmd={command} user=",
            seconds(self.created_ms),
            seconds(self.active_ms),
            self.flags(tracker),
            self.db,
            self.channels.len(),
            self.patterns.len(),
            self.shard_channels.len(),
            self.transaction.as_ref().map_or(-1, |t| (t.queued.len() + t.running) as i64),
            self.argument_bytes,
            pending.min(room),
            pending.min(REPLY_BUFFER),
            beyond.div_ceil(REPLY_BUFFER),
            if self.send_queued && pending > 0 { "rw" } else { "r" },
        );
        line.extend_from_slice(rest.as_bytes());
        line.extend_from_slice(&self.user.name);
        let protocol = if reply.protocol == Protocol::Resp3 { 3 } else { 2 };
        let redirect = tracker.map_or(-1, |tracker| tracker.redirect as i64);
        line.extend_from_slice(format!(" redir={redirect} resp={protocol} lib-name=").as_bytes());
        line.extend_from_slice(&self.lib_name);
        line.extend_from_slice(b" lib-ver=");
        line.extend_from_slice(&self.lib_ver);
        line
    }
}
