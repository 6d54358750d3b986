//! The data set as an RDB file, for hosts that keep one.

use super::{Engine, Now, Progress, Ticket};
use crate::commands::script;
use crate::persist::rdb::data_set::{self, Conflict, Loaded};
use crate::persist::rdb::loader::LoadError;
use crate::persist::rdb::save::Format;

impl Engine {
    /// The data set as a file that Redis 7.0 and all later versions load; of fields that expire only those
    /// know that have them.
    pub fn dump_rdb(&mut self, now: Now) -> alloc::vec::Vec<u8> {
        self.set_now(now);
        let access = self.store.eviction.policy.uses_access_clock();
        let options = self.server.rdb_options(Format::of_store(&self.store), access);
        let libraries = self.server.scripting.libraries.codes();
        data_set::save(&self.store, options, self.server.origin(false), libraries)
    }

    /// Adds the keys of a file that Redis or Valkey wrote, whatever the version.
    /// A key that is there already is an error; what was added before an error stays.
    pub fn load_rdb(&mut self, now: Now, bytes: &[u8]) -> Result<Loaded, LoadError> {
        self.set_now(now);
        let loaded = data_set::load(&mut self.store, bytes, Conflict::Refuse)?;
        self.load_functions(&loaded, false)?;
        Ok(loaded)
    }

    /// Appends the next bytes of a snapshot, about `budget` of them, or none if it is not wanted any more.
    pub fn snapshot(
        &mut self,
        now: Now,
        ticket: Ticket,
        out: &mut alloc::vec::Vec<u8>,
        budget: usize,
    ) -> Progress {
        self.set_now(now);
        let Some(running) = &self.server.persistence.running else { return Progress::Done };
        if running.ticket != ticket {
            return Progress::Done;
        }
        if self.store.write_cut(out, budget, u64::MAX) { Progress::Done } else { Progress::More }
    }

    /// A snapshot is on disk under its name, or could not be written.
    pub fn complete(&mut self, now: Now, ticket: Ticket, outcome: Result<(), &str>) {
        self.set_now(now);
        let running = &mut self.server.persistence.running;
        if running.as_ref().is_some_and(|running| running.ticket == ticket)
            && let Some(running) = running.take()
        {
            debug_assert!(outcome.is_err() || !self.store.cut.is_written(), "it is written whole");
            self.store.abandon_cut();
            let saved = self.server.complete_snapshot(&running, outcome);
            self.store.dirty = self.store.dirty.saturating_sub(saved);
        }
        self.after_input();
    }

    /// Writes the data set and reads it back, as DEBUG RELOAD does.
    pub fn reload(&mut self, now: Now) -> Result<Loaded, LoadError> {
        self.set_now(now);
        let options = self.server.reload_options(&self.store.tuning);
        let origin = self.server.origin(false);
        let libraries = self.server.scripting.libraries.codes();
        let loaded =
            data_set::reload(&mut self.store, options, origin, libraries, true, Conflict::Refuse)?;
        self.load_functions(&loaded, true)?;
        Ok(loaded)
    }

    fn load_functions(&mut self, loaded: &Loaded, flush: bool) -> Result<(), LoadError> {
        let seed = self.store.tuning.seed;
        script::load_all(&mut self.server, seed, &loaded.functions, false, flush)
            .map_err(|reason| LoadError { offset: 0, reason })
    }
}
