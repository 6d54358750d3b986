//! The data set as an RDB file, for hosts that keep one.

use super::{Engine, Now};
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
        data_set::save(&self.store, options, self.server.origin(false))
    }

    /// Adds the keys of a file that Redis or Valkey wrote, whatever the version.
    /// A key that is there already is an error; what was added before an error stays.
    pub fn load_rdb(&mut self, now: Now, bytes: &[u8]) -> Result<Loaded, LoadError> {
        self.set_now(now);
        data_set::load(&mut self.store, bytes, Conflict::Refuse)
    }

    /// Writes the data set and reads it back, as DEBUG RELOAD does.
    pub fn reload(&mut self, now: Now) -> Result<Loaded, LoadError> {
        self.set_now(now);
        let options = self.server.reload_options(&self.store.tuning);
        let origin = self.server.origin(false);
        data_set::reload(&mut self.store, options, origin, true, Conflict::Refuse)
    }
}
