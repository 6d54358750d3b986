//! One request and its reply in one call, for a host that has the engine as a function.
//!
//! What [`Engine::receive`], [`Engine::poll`], [`Engine::outgoing`] and [`Engine::sent`] do for a connection,
//! [`Engine::call`] does for the one case that matters most: a whole request, nothing before it that waits, and a
//! reply that goes out at once. Everything else it leaves to them.

use super::Engine;
use crate::client::ConnId;
use crate::resp::Args;
use crate::server::Now;
use alloc::vec::Vec;
use core::mem::{swap, take};

/// A buffer for replies that is larger than this is not kept.
const KEPT_BYTES: usize = 64 * 1024;

impl Engine {
    /// Runs the one request in `bytes` and puts what the connection is to be sent in place of what is in `out`.
    /// `false`: nothing was done, and it is for [`Engine::receive`]. [`Engine::poll`] may have something to tell
    /// in both cases.
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn call(&mut self, now: Now, conn: ConnId, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        let Some(mut client) = self.server.clients.take(conn) else { return false };
        let waits = client.closing || client.killed || client.is_waiting() || client.sent > 0;
        let mut spans = take(&mut self.scratch.spans);
        spans.clear();
        if waits
            || !client.authenticated
            || !client.query.is_empty()
            || !client.reply.out.is_empty()
            || client.parser.whole(bytes, &mut spans) != Some(bytes.len())
        {
            self.scratch.spans = spans;
            self.server.clients.put_back(client);
            return false;
        }
        self.set_now(now);
        client.bytes_in += bytes.len() as u64;
        client.active_ms = now.unix_ms();
        self.server.stats.bytes_in += bytes.len() as u64;
        self.server.stats.reads += 1;
        client.query_bytes = bytes.len();
        self.server.tick = (self.server.hooks.stopwatch)();
        let mut reply = take(&mut client.reply);
        swap(&mut reply.out, out);
        self.execute(&mut client, &mut reply, Args::new(bytes, &spans));
        self.scratch.spans = spans;
        if reply.out.len() as u64 >= self.server.clients.limits.lowest {
            self.check_output_limit(&mut client, &mut reply);
        }
        client.query_bytes = 0;
        if client.held {
            // It did not run: it is read again later.
            client.query.extend_from_slice(bytes);
        }
        if client.held || client.transaction.is_some() {
            self.check_query_limit(&mut client);
        }
        client.reply = reply;
        if client.closing || client.killed || !self.server.clients.stray.is_empty() {
            self.finish(client);
        } else {
            self.server.clients.put_back(client);
        }
        self.after_input();
        self.hand_over(conn, out);
        true
    }

    /// Puts what is to be sent to `conn` into `out`, as if it was sent.
    #[cfg_attr(redstart_small, optimize(speed))]
    fn hand_over(&mut self, conn: ConnId, out: &mut Vec<u8>) {
        let Some(client) = self.server.clients.get_mut(conn) else { return };
        swap(&mut client.reply.out, out);
        if client.reply.out.capacity() > KEPT_BYTES {
            client.reply.out = Vec::new();
        }
        let bytes = out.len() as u64;
        client.bytes_out += bytes;
        client.send_queued = false;
        self.server.stats.bytes_out += bytes;
        self.server.stats.writes += 1;
        if client.closing || client.killed {
            self.queue_output(conn);
        }
        self.server.clients.count_memory(conn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Effect, Hooks, Peer};
    use alloc::string::ToString;

    const BIRTH: Now = Now { unix_us: 1_700_000_000_000_000, mono_us: 1 };

    fn engine() -> (Engine, ConnId) {
        let mut engine = Engine::new(Config::default(), [7; 32], BIRTH, Hooks::default());
        let peer = Peer { local: true, synchronous: true, ..Peer::default() };
        let conn = engine.connect(BIRTH, peer);
        (engine, conn)
    }

    fn request(words: &[&str]) -> Vec<u8> {
        let mut bytes = alloc::format!("*{}\r\n", words.len());
        for word in words {
            bytes += &alloc::format!("${}\r\n{word}\r\n", word.len());
        }
        bytes.into_bytes()
    }

    /// What `receive` and its kin make of the same bytes.
    fn long_way(engine: &mut Engine, conn: ConnId, bytes: &[u8]) -> Vec<u8> {
        engine.receive(BIRTH, conn, bytes);
        let out: Vec<u8> = engine.outgoing(conn).flatten().copied().collect();
        engine.sent(BIRTH, conn, out.len());
        out
    }

    #[test]
    fn a_call_gives_what_the_long_way_gives() {
        let ((mut direct, a), (mut long, b)) = (engine(), engine());
        for words in [
            &["SET", "k", "1"][..],
            &["INCR", "k"],
            &["NOSUCH"],
            &["MULTI"],
            &["GET", "k"],
            &["EXEC"],
            &["LPUSH", "k", "x"],
            &["SUBSCRIBE", "news"],
            &["PING"],
            &["UNSUBSCRIBE"],
            &["BLPOP", "none", "0"],
            &["CLIENT", "REPLY", "SKIP"],
            &["GET", "k"],
            &["GET", "k"],
            &["INFO", "stats"],
            &["QUIT"],
        ] {
            let (bytes, mut out) = (request(words), Vec::new());
            assert!(direct.call(BIRTH, a, &bytes, &mut out), "{words:?}");
            let expected = long_way(&mut long, b, &bytes);
            assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
        }
        let effects: Vec<Effect> = core::iter::from_fn(|| direct.poll()).collect();
        assert_eq!(effects.last(), Some(&Effect::Close(a)));
    }

    #[test]
    fn what_is_not_one_whole_request_is_left_alone() {
        let (mut engine, conn) = engine();
        let mut out = Vec::new();
        let ping = request(&["PING"]);
        for bytes in [&b""[..], b"PING\r\n", &ping[..ping.len() - 1], &[&ping[..], &ping].concat()]
        {
            assert!(!engine.call(BIRTH, conn, bytes, &mut out));
        }
        assert_eq!(long_way(&mut engine, conn, &ping), b"+PONG\r\n");
        assert!(!engine.call(BIRTH, ConnId::default(), &ping, &mut out));
    }

    #[test]
    fn a_request_that_a_pause_holds_back_runs_when_it_is_over_and_a_synchronous_one_at_once() {
        let (mut engine, synchronous) = engine();
        let conn = engine.connect(BIRTH, Peer { local: true, ..Peer::default() });
        let mut out = Vec::new();
        assert!(engine.call(BIRTH, conn, &request(&["CLIENT", "PAUSE", "10", "WRITE"]), &mut out));
        let set = request(&["SET", "k", "v"]);
        assert!(engine.call(BIRTH, conn, &set, &mut out));
        assert!(out.is_empty());
        assert!(!engine.call(BIRTH, conn, &set, &mut out), "it waits");
        assert!(engine.call(BIRTH, synchronous, &set, &mut out));
        assert_eq!(out, b"+OK\r\n", "its host cannot wait");
        let later = Now { mono_us: BIRTH.mono_us + 11_000, ..BIRTH };
        engine.timeout(later);
        let sent: Vec<u8> = engine.outgoing(conn).flatten().copied().collect();
        assert_eq!(sent, b"+OK\r\n");
    }
}
