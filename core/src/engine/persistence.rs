//! The data set as an RDB file, for hosts that keep one.

use super::{Engine, Now, Progress, SnapshotKind, Ticket};
use crate::commands::script;
use crate::commands::server::persistence::start;
use crate::persist::rdb::data_set::{self, Conflict, Load, Loaded};
use crate::persist::rdb::loader::LoadError;
use crate::persist::rdb::save::Format;
use crate::rng::Rng;
use crate::store::Store;
use alloc::string::String;
use alloc::vec::Vec;

impl Engine {
    /// The data set as a file that Redis 7.0 and all later versions load; of fields that expire only those
    /// know that have them.
    pub fn dump_rdb(&mut self, now: Now) -> Vec<u8> {
        self.set_now(now);
        let access = self.store.eviction.policy.uses_access_clock();
        let options = self.server.rdb_options(Format::of_store(&self.store), access);
        let libraries = self.server.scripting.libraries.codes();
        data_set::save(&self.store, options, self.server.origin(false), libraries)
    }

    /// A file without keys, for the base of an append-only file that begins with nothing.
    pub fn empty_base(&mut self, now: Now) -> Vec<u8> {
        self.set_now(now);
        let options = self.server.rdb_options(Format::new(&self.store.tuning), false);
        let empty = Store::new(1, self.store.tuning.clone(), Rng::new(0));
        data_set::save(&empty, options, self.server.origin(true), Vec::new())
    }

    /// Adds the keys of a file that Redis or Valkey wrote, whatever the version.
    /// A key that is there already is an error; what was added before an error stays.
    pub fn load_rdb(&mut self, now: Now, bytes: &[u8]) -> Result<Loaded, LoadError> {
        self.set_now(now);
        let loaded = data_set::load(&mut self.store, bytes, Conflict::Refuse)?;
        self.load_functions(&loaded, false)?;
        Ok(loaded)
    }

    /// Begins the base of an append-only file, for hosts that decide for themselves when; `None` while another
    /// snapshot is being written. What [`Engine::journal`] gives after this belongs behind it, and what it gave
    /// before must have been taken. The ticket is that of the [`Effect::BeginSnapshot`](super::Effect) that follows.
    pub fn begin_base(&mut self, now: Now) -> Option<Ticket> {
        self.set_now(now);
        debug_assert!(self.journal().is_empty(), "the journal was taken");
        if self.server.persistence.running.is_some() {
            return None;
        }
        start(&mut self.store, &mut self.server, SnapshotKind::AofBase);
        self.server.persistence.running.as_ref().map(|running| running.ticket)
    }

    /// How many changes there were since the last snapshot that a host has completed.
    pub fn changes(&self) -> u64 {
        self.store.dirty
    }

    /// Appends the next bytes of a snapshot, about `budget` of them, or none if it is not wanted any more.
    pub fn snapshot(
        &mut self,
        now: Now,
        ticket: Ticket,
        out: &mut Vec<u8>,
        budget: usize,
    ) -> Progress {
        self.set_now(now);
        let state = &self.server.persistence;
        let Some(running) = state.running.as_ref().filter(|running| running.ticket == ticket)
        else {
            return Progress::Done;
        };
        let allowed = state.keys_in(now.mono_us.saturating_sub(running.since.mono_us));
        let keys = allowed.saturating_sub(self.store.cut.extent().done);
        let (before, preserved) = (out.len(), self.store.cut.extent().preserved);
        if self.store.write_cut(out, budget, keys) {
            if let Some(running) = &mut self.server.persistence.running {
                running.preserved = preserved;
            }
            Progress::Done
        } else if keys == 0 && out.len() == before {
            Progress::Later
        } else {
            Progress::More
        }
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
            self.server.complete_snapshot(&running, outcome);
        }
        self.after_input();
    }

    /// Begins to add the keys of a file that comes in pieces.
    pub fn begin_load(&mut self, now: Now) -> Load {
        self.set_now(now);
        Load::new(&self.store, Conflict::Refuse)
    }

    /// Adds the keys of the file's next piece; whether the file has ended in it. What was added before an
    /// error stays.
    pub fn load_piece(&mut self, load: &mut Load, piece: &[u8]) -> Result<bool, LoadError> {
        load.push(&mut self.store, piece)
    }

    /// The file's pieces have all come: what was loaded, and the bytes behind its end.
    pub fn end_load(&mut self, mut load: Load) -> Result<(Loaded, Vec<u8>), LoadError> {
        load.finish(&mut self.store)?;
        let loaded = core::mem::take(&mut load.loaded);
        self.load_functions(&loaded, false)?;
        Ok((loaded, load.into_rest()))
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

    /// No library of functions is left.
    pub(super) fn load_functions_anew(&mut self) -> Result<(), String> {
        let none: [Vec<u8>; 0] = [];
        script::load_all(&mut self.server, self.store.tuning.seed, &none, false, true)
    }

    fn load_functions(&mut self, loaded: &Loaded, flush: bool) -> Result<(), LoadError> {
        let seed = self.store.tuning.seed;
        script::load_all(&mut self.server, seed, &loaded.functions, false, flush)
            .map_err(|reason| LoadError { offset: 0, reason })
    }
}
