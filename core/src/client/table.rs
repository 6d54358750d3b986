//! All connections, by handle and by number.

use super::tracking::{Push, Tracker};
use super::{Client, ConnId, Limits, Peer};
use crate::collections::ordered;
use crate::resp::Reply;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::{forget, take};

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    client: Option<Box<Client>>,
}

/// The table of connections. The one whose command runs is taken out of it for that time.
#[derive(Debug, Default)]
pub struct Clients {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_id: ordered::Map<u64, ConnId>,
    last_id: u64,
    /// How much may wait to be sent.
    pub limits: Limits,
    /// The time, in Unix milliseconds.
    pub now_ms: i64,
    /// `maxmemory-clients`, in bytes; 0: none, and nothing is counted.
    pub memory_max: u64,
    /// What all of them take, while there is such a limit.
    pub memory: u64,
    /// Which count that is: what was counted in another one is not among it.
    memory_count: u32,
    /// Connections that were written to by others since the engine last looked.
    pub told: Vec<ConnId>,
    /// Pushes to connections whose command runs: they follow its reply.
    pub stray: Vec<(ConnId, Push)>,
    /// Clients that cache what they read, by number.
    pub trackers: ordered::Map<u64, Tracker>,
    /// Connections whose output went over its limit, to be closed.
    pub over: Vec<ConnId>,
    /// Connections whose output went over its soft limit, to be looked at again.
    pub over_soft: Vec<ConnId>,
}

impl Clients {
    /// Adds a connection.
    pub fn add(&mut self, peer: Peer, now_ms: i64) -> &mut Client {
        self.last_id += 1;
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[index as usize];
        let conn = ConnId { index, generation: slot.generation };
        self.by_id.insert(self.last_id, conn);
        slot.client.insert(Box::new(Client {
            id: self.last_id,
            conn,
            peer,
            created_ms: now_ms,
            active_ms: now_ms,
            ..Client::default()
        }))
    }

    /// The number of connections, the one whose command runs included.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Takes a connection out for the time its command runs; [`Clients::put_back`] ends that.
    #[inline]
    pub fn take(&mut self, conn: ConnId) -> Option<Box<Client>> {
        let slot = self.slots.get_mut(conn.index as usize)?;
        if slot.generation == conn.generation { slot.client.take() } else { None }
    }

    /// Puts a connection back.
    #[inline]
    pub fn put_back(&mut self, client: Box<Client>) {
        let index = client.conn.index as usize;
        // Its place is empty: nothing is to be dropped.
        forget(self.slots[index].client.replace(client));
    }

    /// The connection, unless it is gone or its command runs.
    pub fn get(&self, conn: ConnId) -> Option<&Client> {
        let slot = self.slots.get(conn.index as usize)?;
        if slot.generation == conn.generation { slot.client.as_deref() } else { None }
    }

    /// The connection, unless it is gone or its command runs.
    pub fn get_mut(&mut self, conn: ConnId) -> Option<&mut Client> {
        let slot = self.slots.get_mut(conn.index as usize)?;
        if slot.generation == conn.generation { slot.client.as_deref_mut() } else { None }
    }

    /// The handle of the client with this number.
    pub fn conn(&self, id: u64) -> Option<ConnId> {
        self.by_id.get(&id).copied()
    }

    /// The client with this number, unless its command runs.
    pub fn by_id(&self, id: u64) -> Option<&Client> {
        self.get(self.conn(id)?)
    }

    /// The client with this number, unless its command runs.
    pub fn by_id_mut(&mut self, id: u64) -> Option<&mut Client> {
        self.get_mut(self.conn(id)?)
    }

    /// Every client but the one whose command runs, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Client> {
        self.by_id.values().filter_map(|conn| self.get(*conn))
    }

    /// Every client but the one whose command runs, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Client> {
        self.slots.iter_mut().filter_map(|slot| slot.client.as_deref_mut())
    }

    /// The numbers of all clients.
    pub fn ids(&self) -> Vec<u64> {
        self.by_id.keys().copied().collect()
    }

    /// Sends a push to a connection: one frame, made for RESP2. One whose command runs gets it after its reply.
    pub fn tell(&mut self, conn: ConnId, frame: &[u8]) {
        let Some(slot) = self.slots.get_mut(conn.index as usize) else { return };
        if slot.generation != conn.generation {
            return;
        }
        let Some(client) = slot.client.as_deref_mut() else {
            self.stray.push((conn, Push::Frame(frame.to_vec())));
            return;
        };
        if client.killed || client.closing {
            return;
        }
        client.reply.frame(frame);
        self.note(conn);
    }

    /// Sends what is no reply and no frame of RESP2. A connection whose command runs gets it after its reply.
    pub fn push(&mut self, conn: ConnId, push: Push) {
        let Some(slot) = self.slots.get_mut(conn.index as usize) else { return };
        if slot.generation != conn.generation {
            return;
        }
        let Some(client) = slot.client.as_deref_mut() else {
            self.stray.push((conn, push));
            return;
        };
        if client.killed || client.closing {
            return;
        }
        let mut reply = take(&mut client.reply);
        push.write(client, &mut reply);
        client.reply = reply;
        self.note(conn);
    }

    /// Sends a line to a connection that monitors; one whose command runs gets it before its reply.
    pub fn tell_line(&mut self, conn: ConnId, line: &[u8]) {
        let Some(client) = self.get_mut(conn) else {
            self.stray.push((conn, Push::Frame(line.to_vec())));
            return;
        };
        if client.killed || client.closing {
            return;
        }
        client.reply.out.extend_from_slice(line);
        self.note(conn);
    }

    /// Counts what `conn`, which is in its place, takes by now.
    #[inline]
    pub fn count_memory(&mut self, conn: ConnId) {
        if self.memory_max > 0 {
            self.recount(conn);
        }
    }

    fn recount(&mut self, conn: ConnId) {
        let Some(client) = self.get(conn) else { return };
        // One that is about to be closed is as good as gone.
        let gone = client.killed || client.closing;
        let bytes = if gone { 0 } else { client.memory(&client.reply, self) };
        let before = self.counted(client);
        self.memory = (self.memory + bytes as u64).saturating_sub(before as u64);
        let count = self.memory_count;
        if let Some(client) = self.get_mut(conn) {
            client.memory_counted = (count, bytes);
        }
    }

    /// What of the memory of all is this client's.
    const fn counted(&self, client: &Client) -> usize {
        let (count, bytes) = client.memory_counted;
        if count == self.memory_count { bytes } else { 0 }
    }

    /// A new limit for the memory of all. With the first one, counting begins anew.
    pub fn set_memory_max(&mut self, bytes: u64) {
        let begins = self.memory_max == 0 && bytes > 0;
        self.memory_max = bytes;
        if bytes == 0 {
            self.memory = 0;
            self.memory_count = self.memory_count.wrapping_add(1);
        } else if begins {
            for conn in self.iter().map(|client| client.conn).collect::<Vec<_>>() {
                self.recount(conn);
            }
        }
    }

    /// The client that takes most of those that may be evicted.
    pub fn largest(&self) -> Option<ConnId> {
        let may_go = self
            .iter()
            .filter(|client| !client.no_evict && !client.is_replica() && self.counted(client) > 0);
        may_go.max_by_key(|client| self.counted(client)).map(|client| client.conn)
    }

    /// Something was appended to what is sent to `conn`, which is in its place.
    #[inline]
    fn note(&mut self, conn: ConnId) {
        let Some(client) = self.slots[conn.index as usize].client.as_deref_mut() else { return };
        let was_over = client.over_soft_since_ms.is_some();
        if client.exceeds(&self.limits, self.now_ms) {
            client.killed = true;
            self.over.push(conn);
        } else if client.over_soft_since_ms.is_some() && !was_over {
            self.over_soft.push(conn);
        }
        if !client.told && !client.send_queued {
            client.told = true;
            self.told.push(conn);
        }
        self.count_memory(conn);
    }

    /// Hands over the pushes that came for `client` while its command ran.
    #[cold]
    pub fn deliver_stray(&mut self, client: &Client, reply: &mut Reply) {
        self.stray.retain(|(to, push)| {
            if *to == client.conn {
                push.write(client, reply);
            }
            *to != client.conn
        });
    }

    /// No command finds the connection any more; it is still there to be closed.
    pub fn forget(&mut self, id: u64) {
        self.by_id.remove(&id);
    }

    /// Removes a connection, which is in its place.
    pub fn remove(&mut self, conn: ConnId) -> Option<Box<Client>> {
        let client = self.take(conn)?;
        self.memory = self.memory.saturating_sub(self.counted(&client) as u64);
        let slot = &mut self.slots[conn.index as usize];
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(conn.index);
        self.by_id.remove(&client.id);
        Some(client)
    }
}
