//! The data set as an RDB file, for hosts that keep one.

use super::{Engine, Now};
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
