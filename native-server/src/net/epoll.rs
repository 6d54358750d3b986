//! The event loop over epoll: one `recv` for a connection that has something, one `send` for a
//! connection that is to get something, one `epoll_wait` for all of them.
//!
//! Sockets are registered once, edge-triggered, for both directions: nothing is re-armed, and the kernel
//! does not look again at a socket it has told about. So a connection is read until a read leaves room in
//! the buffer, one read per turn so that nobody waits for a busy neighbour; those that filled it are in
//! `unread` for the next turn.
//!
//! A turn that few of many connections had something for is followed by a pause of [`GATHER`], in which
//! more of them will: falling asleep and waking up cost as much as half a request, and a request of one
//! of many clients waits for the others' anyway. With 50 clients at pipeline 1 this took server CPU per
//! operation from 1.03 to 0.75 of Valkey's in one run, with more requests per second and the same p99.
//! A few clients never wait (see [`Traffic`]).
//!
//! A send that falls short goes on when the socket says it is writable.

use core::num::NonZeroU64;
use core::time::Duration;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use redstart_core::{ConnId, Effect, Now};
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, recv, send};

use super::listen::Listener;
use super::{Conn, Conns, Held, READ_BYTES};
use crate::host::{Host, Turn};
use crate::lent;

/// Tags of what is not a connection: `LISTENER` and up are listeners by descriptor, the last two are not.
/// A connection's tag is its index and, above that, its generation, which does not get so far.
const LISTENER: u64 = 0xffff_ffff_0000_0000;
const SIGNALS: u64 = u64::MAX;
/// The disk has something to say.
const REPORTS: u64 = u64::MAX - 1;

const EVENTS: usize = 512;
/// How long to gather requests before the next turn.
const GATHER: Duration = Duration::from_micros(15);
/// A turn for fewer connections than this is not followed by a pause, nor any while fewer than
/// [`ACTIVE_FROM`] are active.
const GATHER_FROM: usize = 3;
const ACTIVE_FROM: usize = 16;
/// Over how long active connections are counted, in microseconds.
const STRETCH_US: u64 = 1000;
/// Connections taken from one listener in a turn.
const ACCEPTS: usize = 1000;

/// How many connections have something to say, counted anew every millisecond.
#[derive(Debug, Default)]
struct Traffic {
    /// The number of the running stretch of time, and when it ends.
    stretch: u32,
    ends_us: u64,
    /// Connections heard in it.
    heard: usize,
    /// Connections heard in the one before.
    active: usize,
    /// Events of the last turn.
    turn: usize,
}

impl Traffic {
    /// A turn with this many events begins.
    fn turn(&mut self, now: Now, events: usize) {
        self.turn = events;
        if now.mono_us >= self.ends_us {
            self.stretch = self.stretch.wrapping_add(1);
            self.ends_us = now.mono_us + STRETCH_US;
            self.active = core::mem::take(&mut self.heard);
        }
    }

    /// Whether waiting a little for more requests costs less than it delays: several connections had
    /// something in the last turn, and most of the active ones had nothing yet.
    fn is_worth_gathering(&self) -> bool {
        let active = self.active.max(self.heard);
        self.turn >= GATHER_FROM && active >= ACTIVE_FROM && self.turn * 2 < active
    }
}

/// Further reads in a row of a long argument, before others are heard: a megabyte.
const READS_OF_ARGUMENT: usize = 16;

struct Loop {
    epoll: OwnedFd,
    conns: Conns,
    traffic: Traffic,
    /// Connections that have more to read: their last read filled the buffer, or their end is in sight.
    unread: Vec<ConnId>,
    held: Held,
    buffer: Box<[u8]>,
}

/// Serves until the host has enough.
pub(crate) fn run(host: &mut Host) -> io::Result<()> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    lent::each_listener(|listener| watch(&epoll, listener))?;
    epoll::add(&epoll, host.signals.fd(), EventData::new_u64(SIGNALS), EventFlags::IN)?;
    epoll::add(&epoll, host.persist.fd(), EventData::new_u64(REPORTS), EventFlags::IN)?;
    let mut this = Loop {
        epoll,
        conns: Conns::default(),
        traffic: Traffic::default(),
        unread: Vec::new(),
        held: Held::default(),
        buffer: vec![0; READ_BYTES].into_boxed_slice(),
    };
    let nothing = Event { flags: EventFlags::empty(), data: EventData::new_u64(0) };
    let mut events = vec![nothing; EVENTS];
    // Timers are otherwise late by 50 microseconds, so as to fire together.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
    loop {
        if this.unread.is_empty() && this.traffic.is_worth_gathering() {
            std::thread::sleep(GATHER);
        }
        let patience = if this.unread.is_empty() { host.patience() } else { Some(Duration::ZERO) };
        let patience = patience.map(|wait| Timespec {
            tv_sec: wait.as_secs() as i64,
            tv_nsec: i64::from(wait.subsec_nanos()),
        });
        let count = match epoll::wait(&this.epoll, &mut events[..], patience.as_ref()) {
            Ok(count) => count,
            Err(Errno::INTR) => 0,
            Err(error) => return Err(error.into()),
        };
        let now = host.begin_turn();
        this.traffic.turn(now, count);
        let heard = count + this.unread.len();
        for id in core::mem::take(&mut this.unread) {
            this.read(host, now, id);
        }
        for event in &events[..count] {
            // A packed field: copied, not borrowed.
            let Event { flags, data } = *event;
            this.happened(host, now, flags, data.u64());
        }
        this.drain(host, now);
        let turn = host.end_turn(now, heard);
        this.drain(host, now);
        for id in this.held.released(host, &mut this.conns) {
            this.send(host, now, id);
        }
        if let Turn::Leave = turn {
            // The connections end behind the listeners: who sees the end of one finds nobody to connect to.
            host.leave();
            return Ok(());
        }
        if host.settle() {
            lent::each_listener(|listener| match listener.path() {
                None => watch(&this.epoll, listener),
                Some(_) => Ok(()),
            })?;
        }
    }
}

fn watch(epoll: &OwnedFd, listener: &Listener) -> io::Result<()> {
    let tag = LISTENER | listener.as_fd().as_raw_fd() as u64;
    Ok(epoll::add(epoll, listener, EventData::new_u64(tag), EventFlags::IN)?)
}

impl Loop {
    #[inline]
    fn happened(&mut self, host: &mut Host, now: Now, flags: EventFlags, tag: u64) {
        if tag >= LISTENER {
            match tag {
                SIGNALS => host.take_signals(now),
                REPORTS => host.take_reports(now),
                _ => self.accept(host, now, tag as u32 as RawFd),
            }
            return;
        }
        let id = ConnId { index: tag as u32, generation: (tag >> 32) as u32 };
        // Writable is what a socket nearly always is: it says so with every event.
        if flags.contains(EventFlags::OUT) && self.conns.get(id).is_some_and(|conn| conn.short) {
            self.send(host, now, id);
        }
        let ending = EventFlags::HUP | EventFlags::ERR | EventFlags::RDHUP;
        if flags.intersects(ending)
            && let Some(conn) = self.conns.get_mut(id)
        {
            conn.ending = true;
        }
        if flags.intersects(EventFlags::IN | ending) {
            self.read(host, now, id);
        }
    }

    fn accept(&mut self, host: &mut Host, now: Now, listener: RawFd) {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        for _ in 0..ACCEPTS {
            let Some((fd, id)) = host.accept(now, listener, flags) else { return };
            let Some(id) = id else { continue };
            let tag = u64::from(id.index) | u64::from(id.generation) << 32;
            let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
            match epoll::add(&self.epoll, &fd, EventData::new_u64(tag), flags) {
                Ok(()) => {
                    self.conns.insert(Conn::new(fd, id));
                }
                Err(_) => host.engine.disconnect(now, id),
            }
        }
    }

    /// Reads once; of a long argument, more.
    #[inline]
    fn read(&mut self, host: &mut Host, now: Now, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.heard_in != self.traffic.stretch {
            conn.heard_in = self.traffic.stretch;
            self.traffic.heard += 1;
        }
        let mut more = READS_OF_ARGUMENT;
        loop {
            match recv(&conn.fd, &mut self.buffer[..], RecvFlags::empty()) {
                // What it asked for before goes out first.
                Ok((_, 0)) if conn.is_held() => return self.unread.push(id),
                Ok((_, 0)) => return self.close(host, now, id),
                Ok((_, len)) => {
                    let filled = len == self.buffer.len();
                    host.engine.receive(now, id, &self.buffer[..len]);
                    if more > 0 && host.engine.is_amid_argument(id) {
                        more -= 1;
                        continue;
                    }
                    // The end is not told again: read on until it comes.
                    if filled || conn.ending {
                        self.unread.push(id);
                    }
                    return;
                }
                Err(Errno::AGAIN | Errno::INTR) => return,
                Err(_) => return self.close(host, now, id),
            }
        }
    }

    /// Carries out what the engine asks for.
    #[inline]
    fn drain(&mut self, host: &mut Host, now: Now) {
        while let Some(effect) = host.engine.poll() {
            match effect {
                Effect::Send(id) => self.send(host, now, id),
                Effect::Close(id) => self.close(host, now, id),
                other => host.perform(now, other),
            }
        }
    }

    #[inline]
    fn send(&mut self, host: &mut Host, now: Now, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        loop {
            if !self.held.lets(host, conn) {
                return;
            }
            let (sent, wanted, last) = {
                let mut slices = host.engine.outgoing(id);
                let Some(bytes) = slices.next() else { return };
                let all = bytes.len();
                let bytes = &bytes[..all.min(conn.allowed)];
                let sent = send(&conn.fd, bytes, SendFlags::NOSIGNAL);
                (sent, bytes.len(), bytes.len() == all && slices.next().is_none())
            };
            match sent {
                Ok(len) => {
                    conn.short = len < wanted;
                    conn.sent(len);
                    host.engine.sent(now, id, len);
                    if last || conn.short {
                        return;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    conn.short = true;
                    return;
                }
                Err(_) => return self.close(host, now, id),
            }
        }
    }

    fn close(&mut self, host: &mut Host, now: Now, id: ConnId) {
        // Closing the descriptor takes it out of the epoll set.
        if self.conns.remove(id).is_some() {
            host.engine.disconnect(now, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns of `events` events each, 100 microseconds apart, in which `clients` are heard a millisecond.
    fn after(clients: usize, events: usize) -> Traffic {
        let mut traffic = Traffic::default();
        for turn in 0..50 {
            traffic.turn(Now { unix_us: 0, mono_us: 5_000 + turn * 100 }, events);
            traffic.heard = (traffic.heard + events).min(clients);
        }
        traffic
    }

    #[test]
    fn a_few_of_many_active_connections_are_worth_gathering() {
        assert!(after(50, 6).is_worth_gathering());
    }

    #[test]
    fn a_few_clients_never_wait() {
        assert!(!after(1, 1).is_worth_gathering());
        assert!(!after(8, 3).is_worth_gathering());
        assert!(!after(50, 2).is_worth_gathering());
    }

    #[test]
    fn a_turn_for_most_of_them_is_large_enough() {
        assert!(!after(50, 40).is_worth_gathering());
    }
}
