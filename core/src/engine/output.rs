//! What goes out: effects, the bytes of a connection, its limits; and the news that a command leaves
//! behind for other clients.

use super::Engine;
use crate::client::{Client, ConnId};
use crate::server::{Effect, Now};

impl Engine {
    /// What the host is to do now, in this order; `None`: wait for input or for [`Engine::deadline`].
    #[inline]
    pub fn poll(&mut self) -> Option<Effect> {
        self.server.effects.pop_front()
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
        } else if client.sent > 1 << 20 {
            client.reply.out.drain(..client.sent);
            client.sent = 0;
        }
    }

    /// Asks the host to send or close, if there is something to.
    pub(super) fn queue_output(&mut self, conn: ConnId) {
        let Some(client) = self.server.clients.get_mut(conn) else { return };
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
        !self.store.events.is_empty() || !self.store.touched.is_empty()
    }

    /// Marks failed transactions and publishes key events. `client` is the one whose command ran.
    #[cold]
    pub(super) fn spread_news(&mut self, client: &mut Client) {
        for id in core::mem::take(&mut self.store.touched) {
            if id == client.id {
                client.watch_touched = true;
            } else if let Some(other) = self.server.clients.by_id_mut(id) {
                other.watch_touched = true;
            }
        }
        for event in core::mem::take(&mut self.store.events) {
            crate::commands::pubsub::publish_event(&mut self.server, client, &event);
        }
    }

    /// What every input ends with: serve those who wait, queue what there is to send.
    pub(super) fn after_input(&mut self) {
        while !self.store.ready.is_empty() || !self.server.unblocked.is_empty() {
            self.serve_ready();
            self.resume_unblocked();
        }
        for conn in core::mem::take(&mut self.server.outgoing) {
            self.queue_output(conn);
        }
    }
}
