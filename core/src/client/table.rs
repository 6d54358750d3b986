//! All connections, by handle and by number.

use super::{Client, ConnId, Peer};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

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
    by_id: BTreeMap<u64, ConnId>,
    last_id: u64,
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
        self.slots[index].client = Some(client);
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

    /// The numbers of all clients.
    pub fn ids(&self) -> Vec<u64> {
        self.by_id.keys().copied().collect()
    }

    /// Removes a connection, which is in its place.
    pub fn remove(&mut self, conn: ConnId) -> Option<Box<Client>> {
        let client = self.take(conn)?;
        self.slots[conn.index as usize].generation += 1;
        self.free.push(conn.index);
        self.by_id.remove(&client.id);
        Some(client)
    }
}
