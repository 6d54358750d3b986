//! The journal on its way to the host, and what the host says of it.

use super::Engine;
use crate::client::OnTimeout;
use crate::command::ctx::write_timeout;
use crate::command::wait;
use crate::resp::Reply;
use crate::server::{Effect, Now};
use alloc::string::ToString;
use alloc::vec::Vec;

impl Engine {
    /// What is to be appended to the append-only file: whole units, one behind the other.
    pub fn journal(&self) -> &[u8] {
        self.store.journal.waiting()
    }

    /// The host has taken over the first `count` bytes of [`Engine::journal`]. It need not have written them.
    pub fn journal_written(&mut self, count: usize) {
        self.store.journal.take(count);
    }

    /// Where the journal ends, in bytes since the engine began, whoever has taken them.
    pub fn journal_end(&self) -> u64 {
        self.store.journal.end()
    }

    /// All of the journal up to `offset`, in bytes since the engine began, is on disk.
    pub fn journal_synced(&mut self, now: Now, offset: u64) {
        self.set_now(now);
        let journal = &mut self.store.journal;
        journal.synced = journal.synced.max(offset);
        if !self.server.disk_waiters.is_empty() {
            self.serve_disk_waiters();
        }
        self.after_input();
    }

    /// Tells those who wait for the disk that it has what they wrote.
    fn serve_disk_waiters(&mut self) {
        let synced = self.store.journal.synced;
        let (done, waiting) = core::mem::take(&mut self.server.disk_waiters)
            .into_iter()
            .partition(|&(_, offset, _)| offset <= synced);
        self.server.disk_waiters = waiting;
        let done: Vec<(u64, u64, bool)> = done;
        for (id, _, wants_replicas) in done {
            let Some(conn) = self.server.clients.conn(id) else { continue };
            let Some(mut client) = self.server.clients.take(conn) else { continue };
            // It may have given up, and wait for something else by now.
            if let Some(blocked) = &mut client.blocked
                && let OnTimeout::Pair(local, _) = &mut blocked.wait.on_timeout
            {
                *local = 1;
                if !wants_replicas {
                    let mut reply = Reply::new(client.reply.protocol);
                    write_timeout(&mut reply, blocked.wait.on_timeout);
                    wait::give_up(&mut self.store, &mut self.server, &mut client, &reply);
                }
            }
            self.finish(client);
        }
    }

    /// The journal cannot be written, for this reason: writes are refused until it can be (`None`).
    pub fn journal_failed(&mut self, now: Now, reason: Option<&str>) {
        self.set_now(now);
        self.store.journal.failure = reason.map(ToString::to_string);
    }

    /// A unit is over: what it wrote is the host's to append.
    #[inline]
    pub(super) fn end_unit(&mut self) {
        if self.store.journal.has_news && !self.is_busy() {
            self.end_open_unit();
        }
    }

    #[cold]
    #[inline(never)]
    fn end_open_unit(&mut self) {
        self.store.journal.end_unit();
        self.store.journal.has_news = false;
        if self.store.journal.fed {
            self.feed_replicas();
        }
        self.announce_journal();
    }

    /// Tells the host that there is something to append, if it does not know. It stands before all other
    /// effects, since a reply that promises it may be among them.
    pub(super) fn announce_journal(&mut self) {
        let journal = &mut self.store.journal;
        if !journal.announced && !journal.waiting().is_empty() {
            journal.announced = true;
            self.server.effects.push_front(Effect::AppendJournal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, ConnId, Hooks, Peer};
    use alloc::string::String;

    const BIRTH: Now = Now { unix_us: 1_700_000_000_000_000, mono_us: 1 };

    fn engine() -> Engine {
        let config = Config::parse_text("appendonly yes").expect("the text is right");
        Engine::new(config, [7; 32], BIRTH, Hooks::default())
    }

    /// What the engine asks for, with the bytes it has for clients.
    fn effects(engine: &mut Engine) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(effect) = engine.poll() {
            all.push(match effect {
                Effect::Send(conn) => {
                    let bytes: Vec<u8> = engine.outgoing(conn).flatten().copied().collect();
                    engine.sent(BIRTH, conn, bytes.len());
                    String::from_utf8_lossy(&bytes).replace("\r\n", " ")
                }
                Effect::AppendJournal => {
                    let bytes = String::from_utf8_lossy(engine.journal()).replace("\r\n", " ");
                    engine.journal_written(engine.journal().len());
                    bytes
                }
                _ => continue,
            });
        }
        all
    }

    fn say(engine: &mut Engine, conn: ConnId, text: &str) -> Vec<String> {
        engine.receive(BIRTH, conn, text.as_bytes());
        effects(engine)
    }

    #[test]
    fn what_is_promised_is_appended_first() {
        let mut engine = engine();
        let conn = engine.connect(BIRTH, Peer::default());
        engine.receive(BIRTH, conn, b"GET k\r\n");
        // The reply to the GET has not been sent when the SET comes, and takes that one's along.
        let done = say(&mut engine, conn, "SET k v\r\n");
        let appended = "*2 $6 SELECT $1 0 *3 $3 SET $1 k $1 v ";
        assert_eq!(done, [appended, "$-1 +OK "]);
        assert_eq!(say(&mut engine, conn, "GET k\r\n"), ["$1 v "]);
    }

    #[test]
    fn waitaof_waits_for_the_disk() {
        let mut engine = engine();
        let conn = engine.connect(BIRTH, Peer::default());
        assert_eq!(say(&mut engine, conn, "WAITAOF 1 0 0\r\n"), ["*2 :1 :0 "]);
        say(&mut engine, conn, "SET k v\r\n");
        let end = engine.journal_end();
        assert!(say(&mut engine, conn, "WAITAOF 1 0 0\r\n").is_empty());
        engine.journal_synced(BIRTH, end - 1);
        assert!(effects(&mut engine).is_empty(), "a part of it is not enough");
        engine.journal_synced(BIRTH, end);
        assert_eq!(effects(&mut engine), ["*2 :1 :0 "]);
    }

    #[test]
    fn waitaof_for_replicas_tells_of_the_disk_in_the_end() {
        let mut engine = engine();
        let conn = engine.connect(BIRTH, Peer::default());
        say(&mut engine, conn, "SET k v\r\n");
        assert!(say(&mut engine, conn, "WAITAOF 1 1 10\r\n").is_empty());
        engine.journal_synced(BIRTH, engine.journal_end());
        assert!(effects(&mut engine).is_empty());
        engine.timeout(Now { mono_us: BIRTH.mono_us + 10_000, ..BIRTH });
        assert_eq!(effects(&mut engine), ["*2 :1 :0 "]);
    }
}
