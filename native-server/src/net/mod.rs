//! Sockets: listening, and the two ways of waiting for many of them at once.

pub(crate) mod epoll;
pub(crate) mod listen;
pub(crate) mod uring;

use std::os::fd::OwnedFd;

use redstart_core::ConnId;

/// Bytes that one read takes at most.
pub(crate) const READ_BYTES: usize = 64 * 1024;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) fd: OwnedFd,
    pub(crate) id: ConnId,
    /// The stretch of time in which it last had something to say, by the loop's count.
    pub(crate) heard_in: u32,
    /// The last send fell short: the rest goes when the socket is writable.
    pub(crate) short: bool,
    /// The other side has closed: what it sent before is read on to the end.
    pub(crate) ending: bool,
}

/// Open connections by their handle.
#[derive(Debug, Default)]
pub(crate) struct Conns {
    slots: Vec<Option<Conn>>,
}

impl Conns {
    pub(crate) fn insert(&mut self, conn: Conn) {
        let index = conn.id.index as usize;
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, || None);
        }
        self.slots[index] = Some(conn);
    }

    #[inline]
    pub(crate) fn get(&self, id: ConnId) -> Option<&Conn> {
        self.slots.get(id.index as usize)?.as_ref().filter(|conn| conn.id == id)
    }

    /// The handle of the connection at `index`, if the lower bits of its generation are these: some of
    /// them are all that a tag has room for.
    #[inline]
    pub(crate) fn current(&self, index: u32, generation: u32) -> Option<ConnId> {
        let id = self.slots.get(index as usize)?.as_ref()?.id;
        ((id.generation ^ generation) & 0x0fff_ffff == 0).then_some(id)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.slots.get_mut(id.index as usize)?.as_mut().filter(|conn| conn.id == id)
    }

    pub(crate) fn remove(&mut self, id: ConnId) -> Option<Conn> {
        self.get(id)?;
        self.slots[id.index as usize].take()
    }
}
