//! The event loop over io_uring: one system call for all sends of a turn, which also brings what has come
//! meanwhile, and one to wait where nothing has.
//!
//! Every connection has one receive request that stays in force ("multishot") and puts what comes into
//! buffers that all connections share. Sends take the bytes straight from the engine and never wait;
//! one that falls short goes on when the socket says it is writable. A connection is closed by shutting
//! it down, which ends its receive too; completions that come later carry a handle that is out of date.

mod ring;

use core::mem;
use core::time::Duration;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use redstart_core::{ConnId, Effect, Now};
use rustix::io::Errno;
use rustix::net::{Shutdown, SocketFlags, shutdown};

pub(crate) use self::ring::Ring;
use self::ring::{Completion, Send, Wait};
use super::listen::Listener;
use super::{Conn, Conns, Held};
use crate::host::{Host, Turn};
use crate::lent;

// A tag: what it is about in bits 60 to 62, 28 bits of a connection's generation, 32 of its index.
const KIND: u64 = 7 << 60;
const RECEIVE: u64 = 1 << 60;
const WRITABLE: u64 = 2 << 60;
const LISTENER: u64 = 3 << 60;
const SIGNALS: u64 = 4 << 60;
const REPORTS: u64 = 5 << 60;
const GENERATION: u32 = 0x0fff_ffff;

/// Connections taken from one listener in a turn.
const ACCEPTS: usize = 1000;

fn tag(kind: u64, id: ConnId) -> u64 {
    kind | u64::from(id.generation & GENERATION) << 32 | u64::from(id.index)
}

#[derive(Debug, Default)]
struct Loop {
    conns: Conns,
    /// Connections that are to be sent to in the next turn.
    sends: Vec<ConnId>,
    held: Held,
    /// Connections whose other side has closed, and that are closed after the next turn's sends.
    ended: Vec<ConnId>,
    /// Closed in the next turn, when the kernel has taken all requests that name them.
    closed: Vec<OwnedFd>,
}

/// Serves until the host has enough.
pub(crate) fn run(host: &mut Host, mut ring: Ring) -> io::Result<()> {
    lent::each_listener(|listener| watch(&mut ring, listener))?;
    ring.readable(host.signals.fd(), SIGNALS);
    ring.readable(host.persist.fd(), REPORTS);
    let mut this = Loop::default();
    let mut happened: Vec<Completion> = Vec::new();
    let mut sent = Vec::new();
    let mut leaving = false;
    loop {
        let wait = if leaving || !this.ended.is_empty() {
            Wait::AtMost(Duration::ZERO)
        } else {
            host.patience().map_or(Wait::UntilSomethingHappens, Wait::AtMost)
        };
        let sends = this.sends.iter().filter_map(|&id| {
            let bytes = host.engine.outgoing(id).next()?;
            let conn = this.conns.get(id)?;
            let bytes = &bytes[..bytes.len().min(conn.allowed)];
            Some(Send { fd: conn.fd.as_fd(), bytes, tag: tag(0, id) })
        });
        ring.turn(sends, wait, &mut happened, &mut sent)?;
        this.sends.clear();
        this.closed.clear();
        let now = host.begin_turn();
        let heard = happened.len().max(sent.len());
        for (tag, result) in sent.drain(..) {
            this.sent(host, &mut ring, now, tag, result);
        }
        for id in mem::take(&mut this.ended) {
            if this.conns.get(id).is_some_and(Conn::is_held) {
                this.ended.push(id);
            } else {
                this.close(host, now, id);
            }
        }
        for completion in happened.drain(..) {
            this.happened(host, &mut ring, now, completion);
        }
        if leaving && this.sends.is_empty() {
            // The connections end behind the listeners: who sees the end of one finds nobody to connect to.
            host.leave();
            return Ok(());
        }
        this.drain(host, now);
        if let Turn::Leave = host.end_turn(now, heard) {
            leaving = true;
        }
        this.drain(host, now);
        for id in this.held.released(host, &mut this.conns) {
            this.queue(host, id);
        }
        if host.settle() {
            lent::each_listener(|listener| match listener.path() {
                None => watch(&mut ring, listener),
                Some(_) => Ok(()),
            })?;
        }
    }
}

fn watch(ring: &mut Ring, listener: &Listener) -> io::Result<()> {
    ring.readable(listener.as_fd(), LISTENER | listener.as_fd().as_raw_fd() as u64);
    Ok(())
}

impl Loop {
    #[inline]
    fn happened(&mut self, host: &mut Host, ring: &mut Ring, now: Now, completion: Completion) {
        let (tag, goes_on) = completion.open(ring, |news| {
            if news.tag & KIND == RECEIVE
                && let Some(id) = self.current(news.tag)
            {
                match news.result {
                    // What it asked for before goes out first.
                    Ok(0) if host.engine.outgoing(id).next().is_some() => self.ended.push(id),
                    Ok(0) => self.close(host, now, id),
                    Ok(_) => host.engine.receive(now, id, news.bytes),
                    // Every buffer is taken: on with the next turn.
                    Err(Errno::NOBUFS | Errno::INTR | Errno::AGAIN) => {}
                    Err(_) => self.close(host, now, id),
                }
            }
            (news.tag, news.goes_on)
        });
        match tag & KIND {
            RECEIVE if goes_on => {}
            // At the end of the input there is nothing to ask for.
            RECEIVE => {
                if let Some(id) = self.current(tag)
                    && let Some(conn) = self.conns.get(id)
                {
                    ring.receive(conn.fd.as_fd(), tag);
                }
            }
            WRITABLE => {
                if let Some(id) = self.current(tag) {
                    self.queue(host, id);
                }
            }
            REPORTS => {
                host.take_reports(now);
                if !goes_on {
                    ring.readable(host.persist.fd(), REPORTS);
                }
            }
            SIGNALS => {
                host.take_signals(now);
                if !goes_on {
                    ring.readable(host.signals.fd(), SIGNALS);
                }
            }
            _ => {
                let fd = tag as u32 as RawFd;
                self.accept(host, ring, now, fd);
                if !goes_on {
                    // One that is gone is not watched.
                    let _ = lent::listener(fd, |listener| watch(ring, listener));
                }
            }
        }
    }

    /// The connection that a tag is about, if it is still there.
    #[inline]
    fn current(&self, tag: u64) -> Option<ConnId> {
        self.conns.current(tag as u32, (tag >> 32) as u32)
    }

    fn accept(&mut self, host: &mut Host, ring: &mut Ring, now: Now, listener: RawFd) {
        for _ in 0..ACCEPTS {
            // Not non-blocking: the kernel would not wait for input with that.
            let Some((fd, id)) = host.accept(now, listener, SocketFlags::CLOEXEC) else { return };
            let Some(id) = id else { continue };
            ring.receive(fd.as_fd(), tag(RECEIVE, id));
            self.conns.insert(Conn::new(fd, id));
        }
    }

    /// A send is over.
    #[inline]
    fn sent(
        &mut self,
        host: &mut Host,
        ring: &mut Ring,
        now: Now,
        about: u64,
        result: Result<u32, Errno>,
    ) {
        let Some(id) = self.current(about) else { return };
        match result {
            Ok(len) => {
                host.engine.sent(now, id, len as usize);
                if let Some(conn) = self.conns.get_mut(id) {
                    conn.sent(len as usize);
                }
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => return self.close(host, now, id),
        }
        if host.engine.outgoing(id).next().is_some()
            && let Some(conn) = self.conns.get_mut(id)
            && self.held.lets(host, conn)
        {
            ring.writable(conn.fd.as_fd(), tag(WRITABLE, id));
        }
    }

    /// Carries out what the engine asks for; sends are left for the next turn.
    #[inline]
    fn drain(&mut self, host: &mut Host, now: Now) {
        while let Some(effect) = host.engine.poll() {
            match effect {
                Effect::Send(id) => self.queue(host, id),
                Effect::Close(id) => self.close(host, now, id),
                other => host.perform(now, other),
            }
        }
    }

    /// What the engine has for a connection goes out in the next turn, if it may.
    #[inline]
    fn queue(&mut self, host: &Host, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(id)
            && self.held.lets(host, conn)
        {
            self.sends.push(id);
        }
    }

    fn close(&mut self, host: &mut Host, now: Now, id: ConnId) {
        if let Some(conn) = self.conns.remove(id) {
            // The other side may have been faster.
            let _ = shutdown(&conn.fd, Shutdown::Both);
            self.closed.push(conn.fd);
            host.engine.disconnect(now, id);
        }
    }
}
