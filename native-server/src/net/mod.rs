//! Sockets: listening, and the two ways of waiting for many of them at once.

pub(crate) mod epoll;
pub(crate) mod listen;
pub(crate) mod uring;

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use redstart_core::ConnId;

use crate::host::Host;

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
    /// How many bytes of what the engine has for it may be sent.
    pub(crate) allowed: usize,
    /// When the journal is on disk up to this offset, so many bytes may be.
    mark: Option<(u64, usize)>,
}

impl Conn {
    pub(crate) fn new(fd: OwnedFd, id: ConnId) -> Self {
        Self { fd, id, heard_in: 0, short: false, ending: false, allowed: usize::MAX, mark: None }
    }

    /// Whether replies wait for the disk.
    pub(crate) fn is_held(&self) -> bool {
        self.mark.is_some()
    }

    /// `len` bytes were sent.
    #[inline]
    pub(crate) fn sent(&mut self, len: usize) {
        if self.allowed != usize::MAX {
            self.allowed -= len;
            if let Some((_, marked)) = &mut self.mark {
                *marked -= len;
            }
        }
    }
}

/// Connections whose replies wait for the disk (`appendfsync always`), in the order of what they wait for.
#[derive(Debug, Default)]
pub(crate) struct Held(VecDeque<ConnId>);

impl Held {
    /// Before a connection's replies are sent: whether they may be, all or a part of them.
    #[inline]
    pub(crate) fn lets(&mut self, host: &Host, conn: &mut Conn) -> bool {
        if conn.allowed == usize::MAX && host.persist.end() <= host.persist.promised() {
            return true;
        }
        self.weigh(host, conn)
    }

    #[cold]
    fn weigh(&mut self, host: &Host, conn: &mut Conn) -> bool {
        if conn.allowed == usize::MAX {
            conn.allowed = 0;
        }
        if conn.allowed > 0 {
            return true;
        }
        if conn.mark.is_none() {
            if host.persist.end() <= host.persist.promised() {
                conn.allowed = usize::MAX;
                return true;
            }
            let len = host.engine.outgoing(conn.id).map(<[u8]>::len).sum();
            conn.mark = Some((host.persist.end(), len));
            self.0.push_back(conn.id);
        }
        false
    }

    /// Connections that may have got leave to send since the last call.
    #[inline]
    pub(crate) fn released(&mut self, host: &Host, conns: &mut Conns) -> Vec<ConnId> {
        if self.0.is_empty() { Vec::new() } else { self.release(host, conns) }
    }

    #[cold]
    fn release(&mut self, host: &Host, conns: &mut Conns) -> Vec<ConnId> {
        let promised = host.persist.promised();
        let mut released = Vec::new();
        while let Some(&id) = self.0.front() {
            if let Some(conn) = conns.get_mut(id)
                && let Some((offset, len)) = conn.mark
            {
                if offset > promised {
                    break;
                }
                conn.mark = None;
                // What has come since waits for more of the journal.
                conn.allowed = if host.persist.end() <= promised { usize::MAX } else { len };
                released.push(id);
            }
            self.0.pop_front();
        }
        released
    }
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
