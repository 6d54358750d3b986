//! The journal on its way to the host, and what the host says of it.

use super::Engine;
use crate::server::{Effect, Now};
use alloc::string::ToString;

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
        self.after_input();
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
