//! What goes out: effects, the bytes of a connection, its limits; and the news that a command leaves
//! behind for other clients.

use super::Engine;
use crate::client::{Client, ConnId};
use crate::command::tracking;
use crate::commands::connection::release;
use crate::commands::pubsub::publish_events;
use crate::server::{Effect, Level, Now, SnapshotKind};
use alloc::format;
use alloc::string::String;
use core::mem::take;

impl Engine {
    /// What the host is to do now, in this order; `None`: wait for input or for [`Engine::deadline`].
    #[inline]
    pub fn poll(&mut self) -> Option<Effect> {
        let effect = self.server.effects.pop_front();
        if let Some(Effect::BeginSnapshot(_, SnapshotKind::AofBase)) = effect {
            self.store.journal.pass_cut();
            self.announce_journal();
        }
        effect
    }

    /// The bytes to be sent to a connection, as slices for a `writev`. Empty when there are none.
    #[inline]
    pub fn outgoing(&self, conn: ConnId) -> impl Iterator<Item = &[u8]> {
        self.server
            .clients
            .get(conn)
            .map(|client| &client.reply.out[client.sent..])
            .filter(|bytes| !bytes.is_empty())
            .into_iter()
    }

    /// `n` bytes of [`Engine::outgoing`] were sent.
    pub fn sent(&mut self, _now: Now, conn: ConnId, n: usize) {
        let Some(client) = self.server.clients.get_mut(conn) else { return };
        client.sent = (client.sent + n).min(client.reply.out.len());
        client.bytes_out += n as u64;
        self.server.stats.bytes_out += n as u64;
        self.server.stats.writes += 1;
        if client.sent == client.reply.out.len() {
            client.sent = 0;
            client.reply.out.clear();
            if client.reply.out.capacity() > 64 * 1024 {
                client.reply.out = alloc::vec::Vec::new();
            }
            client.send_queued = false;
            if (client.closing || client.killed) && !client.close_queued {
                client.close_queued = true;
                self.server.effects.push_back(Effect::Close(conn));
            }
        } else if client.sent > (1 << 20).max(client.reply.out.len() / 2) {
            // Half is gone: moving the rest costs no more than it was to append it.
            client.reply.out.drain(..client.sent);
            client.sent = 0;
        }
        self.server.clients.count_memory(conn);
    }

    /// Asks the host to send or close, if there is something to.
    pub(super) fn queue_output(&mut self, conn: ConnId) {
        let Some(client) = self.server.clients.get_mut(conn) else { return };
        client.told = false;
        if client.killed {
            client.reply.out.truncate(client.sent);
        }
        if client.output_bytes() > 0 {
            if !client.send_queued {
                client.send_queued = true;
                self.server.effects.push_back(Effect::Send(conn));
            }
        } else if (client.closing || client.killed) && !client.close_queued {
            client.close_queued = true;
            self.server.effects.push_back(Effect::Close(conn));
        }
    }

    /// Whether a command left something for other clients.
    #[inline]
    pub(super) fn store_has_news(&self) -> bool {
        !self.store.events.is_empty()
            || !self.store.touched.is_empty()
            || !self.store.tracking.news.is_empty()
    }

    /// Marks failed transactions and publishes key events. What concerns a client whose command runs stays:
    /// its touches among the store's, its messages among the strays.
    #[cold]
    pub(super) fn spread_news(&mut self) {
        let clients = &mut self.server.clients;
        self.store.touched.retain(|&id| match clients.by_id_mut(id) {
            Some(client) => {
                client.watch_touched = true;
                false
            }
            None => clients.conn(id).is_some(),
        });
        if !self.store.events.is_empty() {
            publish_events(&mut self.store, &mut self.server);
        }
        if !self.store.tracking.news.is_empty() {
            tracking::spread(&mut self.store, &mut self.server, 0);
        }
    }

    /// What every input ends with: spread the news, serve those who wait, queue what there is to send.
    #[cfg_attr(redstart_small, optimize(speed))]
    pub(super) fn after_input(&mut self) {
        self.end_unit();
        loop {
            if self.store_has_news() {
                self.spread_news();
            }
            // Those who wait for keys are served when the script that fills them is done.
            let ready = !self.store.ready.is_empty() && !self.is_busy();
            if !ready && self.server.unblocked.is_empty() {
                break;
            }
            self.serve_ready();
            self.resume_unblocked();
        }
        if self.store.tracking.has_broadcast() {
            tracking::broadcast(&mut self.store, &mut self.server);
        }
        if !self.server.clients.over.is_empty() {
            self.cut_off();
        }
        if self.server.clients.memory > self.server.clients.memory_max {
            self.evict_clients();
        }
        if !self.server.clients.told.is_empty() {
            let mut told = take(&mut self.server.clients.told);
            for conn in told.drain(..) {
                self.queue_output(conn);
            }
            self.server.clients.told = told;
        }
    }

    /// Closes those that do not read.
    #[cold]
    fn cut_off(&mut self) {
        for conn in take(&mut self.server.clients.over) {
            if let Some(client) = self.server.clients.take(conn) {
                self.log_cut(&client);
                self.server.clients.put_back(client);
                self.queue_output(conn);
            }
        }
    }

    /// Closes those clients that take most, until all together are within `maxmemory-clients`.
    #[cold]
    fn evict_clients(&mut self) {
        while self.server.clients.memory > self.server.clients.memory_max
            && let Some(conn) = self.server.clients.largest()
            && let Some(mut client) = self.server.clients.take(conn)
        {
            let line = client.describe(&client.reply, &self.server.clients);
            let line = format!("Evicting client: {}", String::from_utf8_lossy(&line));
            self.server.effects.push_back(Effect::Log(Level::Notice, line));
            self.server.stats.evicted_clients += 1;
            release(&mut self.store, &mut self.server, &mut client);
            client.killed = true;
            let id = client.id;
            self.server.clients.put_back(client);
            self.server.clients.count_memory(conn);
            self.server.clients.forget(id);
            self.server.clients.told.push(conn);
        }
    }

    /// Logs that a client is closed because it does not read.
    #[cold]
    pub(super) fn log_cut(&mut self, client: &Client) {
        let line = client.describe(&client.reply, &self.server.clients);
        self.server.effects.push_back(Effect::Log(
            Level::Warning,
            format!(
                "Client {} scheduled to be closed ASAP for overcoming of output buffer limits.",
                String::from_utf8_lossy(&line)
            ),
        ));
    }
}
