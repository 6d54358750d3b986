//! The journal's thread: the only one that writes the append-only file.
//!
//! The engine's thread leaves bytes and orders in a mailbox and goes on. Bytes that come while the disk is busy are
//! written together, and with `appendfsync always` synced together: the more clients wait, the more share a sync.
//! When too much waits for the disk, the engine's thread waits too.

use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use redstart_core::{Level, Ticket};

use super::aof::Aof;
use super::disk::Disk;
use super::reports::{Report, Reports};
use crate::settings::reason;

/// When more bytes than this wait for the disk, the engine waits.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// What `appendfsync everysec` means, and how soon a failure is tried again.
const SECOND: Duration = Duration::from_secs(1);
/// A failure that lasts is told again after so long.
const TOLD_AGAIN: Duration = Duration::from_secs(30);

/// `appendfsync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Always,
    EverySecond,
    /// The system decides.
    No,
}

/// What the thread is to do, besides writing.
#[derive(Debug)]
pub(crate) enum Order {
    Append(Vec<u8>),
    Policy(Policy),
    /// `no-appendfsync-on-rewrite`: nothing is synced until this is taken back.
    Hold(bool),
    /// `aof-disable-auto-gc`.
    KeepHistory(bool),
    /// DEBUG AOF-FLUSH-SLEEP, in microseconds.
    Sleep(u64),
    /// What follows belongs to a new increment, if the file is on.
    BeginRewrite(Ticket, bool),
    /// The snapshot of this name is the new base: an RDB file or not.
    EndRewrite(Ticket, PathBuf, bool),
    FailRewrite,
    /// Waits for all before this to be written.
    Flush(SyncSender<()>),
    /// Syncs all and closes the file.
    Close(SyncSender<io::Result<()>>),
}

#[derive(Debug, Default)]
struct Post {
    orders: VecDeque<Order>,
    /// Bytes in `orders`.
    bytes: usize,
    /// The thread sleeps.
    idle: bool,
    /// A buffer to be used again.
    spare: Vec<u8>,
}

#[derive(Debug, Default)]
struct Mailbox {
    post: Mutex<Post>,
    arrived: Condvar,
    taken: Condvar,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Post> {
        self.post.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine's end of it.
#[derive(Debug)]
pub(crate) struct Journal {
    mailbox: Arc<Mailbox>,
    _thread: JoinHandle<()>,
}

impl Journal {
    /// Starts the thread; the journal is at `offset` by now.
    pub(crate) fn start<D: Disk>(
        aof: Aof<D>,
        policy: Policy,
        keep_history: bool,
        offset: u64,
        reports: Arc<Reports>,
    ) -> io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let theirs = Arc::clone(&mailbox);
        let mut writer = Writer {
            aof,
            reports,
            policy,
            keep_history,
            hold: false,
            sleep_us: 0,
            offset,
            synced: offset,
            synced_at: Instant::now(),
            failure: None,
        };
        let _thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run(&theirs))?;
        Ok(Self { mailbox, _thread })
    }

    /// Hands bytes over; whether it had to wait for the disk.
    pub(crate) fn append(&self, bytes: &[u8]) -> bool {
        let mut post = self.mailbox.lock();
        let waits = post.bytes > WAITING_BYTES_MAX;
        while post.bytes > WAITING_BYTES_MAX {
            post = self.mailbox.taken.wait(post).unwrap_or_else(PoisonError::into_inner);
        }
        post.bytes += bytes.len();
        if let Some(Order::Append(last)) = post.orders.back_mut() {
            last.extend_from_slice(bytes);
        } else {
            let mut fresh = core::mem::take(&mut post.spare);
            fresh.extend_from_slice(bytes);
            post.orders.push_back(Order::Append(fresh));
        }
        self.wake(post);
        waits
    }

    pub(crate) fn send(&self, order: Order) {
        let mut post = self.mailbox.lock();
        post.orders.push_back(order);
        self.wake(post);
    }

    fn wake(&self, mut post: MutexGuard<'_, Post>) {
        let idle = core::mem::take(&mut post.idle);
        drop(post);
        if idle {
            self.mailbox.arrived.notify_one();
        }
    }

    /// Waits until all that was handed over is written.
    pub(crate) fn flush(&self) {
        let (answer, answered) = sync_channel(1);
        self.send(Order::Flush(answer));
        // A thread that has ended writes nothing more.
        let _ = answered.recv();
    }

    /// Everything is on disk, and nothing more is written.
    pub(crate) fn close(&self) -> io::Result<()> {
        let (answer, answered) = sync_channel(1);
        self.send(Order::Close(answer));
        answered.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }
}

/// The thread's end of it.
struct Writer<D: Disk> {
    aof: Aof<D>,
    reports: Arc<Reports>,
    policy: Policy,
    keep_history: bool,
    hold: bool,
    sleep_us: u64,
    /// The end of what was handed over, in bytes since the engine began.
    offset: u64,
    /// The end of what is known to be on disk.
    synced: u64,
    synced_at: Instant,
    /// What is wrong, and when it was told and tried.
    failure: Option<Failure>,
}

struct Failure {
    told_at: Instant,
    tried_at: Instant,
}

impl<D: Disk> Writer<D> {
    fn run(&mut self, mailbox: &Mailbox) {
        let mut orders = VecDeque::new();
        loop {
            self.wait(mailbox, &mut orders);
            for order in orders.drain(..) {
                if let Some(buffer) = self.perform(order) {
                    mailbox.lock().spare = buffer;
                }
            }
            self.look_at_the_clock();
            for line in self.aof.log.drain(..) {
                self.reports.send(Report::Log(line));
            }
        }
    }

    /// Waits for orders, but not longer than something is due.
    fn wait(&self, mailbox: &Mailbox, orders: &mut VecDeque<Order>) {
        let mut post = mailbox.lock();
        if post.orders.is_empty() {
            post.idle = true;
            let wait = self.due_in();
            post = match wait {
                Some(wait) => {
                    let waited = mailbox.arrived.wait_timeout(post, wait);
                    waited.map_or_else(|poisoned| poisoned.into_inner().0, |(post, _)| post)
                }
                None => mailbox.arrived.wait(post).unwrap_or_else(PoisonError::into_inner),
            };
            post.idle = false;
        }
        core::mem::swap(&mut post.orders, orders);
        if core::mem::take(&mut post.bytes) > WAITING_BYTES_MAX {
            mailbox.taken.notify_all();
        }
    }

    /// How long until something is to be done without an order.
    fn due_in(&self) -> Option<Duration> {
        let since = match &self.failure {
            Some(failure) => failure.tried_at,
            None if self.wants_sync() => self.synced_at,
            None => return None,
        };
        Some(SECOND.saturating_sub(since.elapsed()))
    }

    fn wants_sync(&self) -> bool {
        self.synced < self.offset && self.policy == Policy::EverySecond && !self.hold
    }

    /// Carries an order out; a buffer to be used again may be left.
    fn perform(&mut self, order: Order) -> Option<Vec<u8>> {
        match order {
            Order::Append(mut bytes) => {
                if self.sleep_us > 0 {
                    std::thread::sleep(Duration::from_micros(self.sleep_us));
                }
                self.offset += bytes.len() as u64;
                let result = self.aof.append(&bytes);
                self.written(result);
                if self.policy == Policy::Always && self.failure.is_none() {
                    self.sync();
                }
                bytes.clear();
                return (bytes.capacity() <= 1 << 20).then_some(bytes);
            }
            Order::Policy(policy) => {
                self.policy = policy;
                if policy == Policy::Always {
                    self.sync();
                }
            }
            Order::Hold(hold) => self.hold = hold,
            Order::KeepHistory(keep) => {
                self.keep_history = keep;
                if !keep && let Err(error) = self.aof.clean() {
                    self.say(format!("Can't write the AOF manifest: {}", reason(&error)));
                }
            }
            Order::Sleep(us) => self.sleep_us = us,
            Order::BeginRewrite(ticket, is_on) => match self.aof.begin_rewrite(is_on) {
                // The increment before this one was synced.
                Ok(()) => self.all_is_synced(),
                Err(error) => self.reports.send(Report::Rewritten(ticket, Err(error))),
            },
            Order::EndRewrite(ticket, path, is_rdb) => {
                let result = self.aof.end_rewrite(&path, is_rdb, self.keep_history);
                if result.is_err() {
                    self.aof.fail_rewrite();
                }
                for line in self.aof.log.drain(..) {
                    self.reports.send(Report::Log(line));
                }
                let result = result.map(|()| (self.aof.sizes(), self.offset));
                self.reports.send(Report::Rewritten(ticket, result));
            }
            Order::FailRewrite => self.aof.fail_rewrite(),
            // Whoever asked may be gone.
            Order::Flush(answer) => _ = answer.send(()),
            Order::Close(answer) => {
                let result = self.aof.close();
                if result.is_ok() {
                    self.failure = None;
                    self.all_is_synced();
                }
                for line in self.aof.log.drain(..) {
                    self.reports.send(Report::Log(line));
                }
                _ = answer.send(result);
            }
        }
        None
    }

    /// What is due by now.
    fn look_at_the_clock(&mut self) {
        if self.due_in() != Some(Duration::ZERO) {
            return;
        }
        if let Some(failure) = &mut self.failure {
            failure.tried_at = Instant::now();
            let result = self.aof.retry().and_then(|()| self.aof.sync());
            self.written(result);
            if self.failure.is_none() {
                self.all_is_synced();
            }
        } else if self.wants_sync() {
            self.sync();
        }
    }

    fn sync(&mut self) {
        self.synced_at = Instant::now();
        match self.aof.sync() {
            Ok(()) => self.all_is_synced(),
            Err(error) if self.policy == Policy::Always => self.reports.send(Report::Fatal(format!(
                "Can't persist AOF for fsync error when the AOF fsync policy is 'always': {}. Exiting...",
                reason(&error)
            ))),
            Err(error) => {
                self.fail(format!("Fail to fsync the AOF file: {}", reason(&error)), &error);
            }
        }
    }

    fn all_is_synced(&mut self) {
        self.synced_at = Instant::now();
        if self.synced != self.offset {
            self.synced = self.offset;
            self.reports.send(Report::Synced(self.offset));
        }
    }

    /// A write has succeeded or not.
    fn written(&mut self, result: io::Result<()>) {
        match result {
            Ok(()) => {
                if self.failure.take().is_some() {
                    self.say("AOF write error looks solved, Redis can write again.".into());
                    self.reports.send(Report::Failed(None));
                }
            }
            Err(error) if self.policy == Policy::Always => self.reports.send(Report::Fatal(format!(
                "Can't recover from AOF write error when the AOF fsync policy is 'always' ({}). Exiting...",
                reason(&error)
            ))),
            Err(error) => {
                self.fail(format!("Error writing to the AOF file: {}", reason(&error)), &error);
            }
        }
    }

    fn fail(&mut self, line: String, error: &io::Error) {
        let now = Instant::now();
        let told = match &mut self.failure {
            Some(failure) if failure.told_at.elapsed() < TOLD_AGAIN => false,
            Some(failure) => {
                failure.told_at = now;
                true
            }
            None => {
                self.failure = Some(Failure { told_at: now, tried_at: now });
                self.reports.send(Report::Failed(Some(reason(error))));
                true
            }
        };
        if told {
            self.say(line);
        }
    }

    fn say(&mut self, line: String) {
        self.reports.send(Report::Log((Level::Warning, line)));
    }
}
