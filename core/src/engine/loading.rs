//! Reading files: what is refused meanwhile, what INFO says of it, and DEBUG LOADAOF.

use super::{Engine, Now};
use crate::error::Error;
use crate::resp::Reply;
use crate::server::persistence::{AofSizes, Loading};
use crate::server::{Effect, Level};
use alloc::format;
use alloc::string::String;

const FAILED: Error = Error::Text("ERR Error trying to load the AOF files, check server logs.");

/// Reads the append-only file into the engine, which is empty.
pub(super) type LoadAof = fn(&mut Engine, Now) -> Result<(), String>;

impl Engine {
    /// Files are being read, `done` of `bytes` so far: most commands are refused, and nothing expires. Without
    /// numbers that is over.
    pub fn set_loading(&mut self, now: Now, progress: Option<(u64, u64)>) {
        self.set_now(now);
        let state = &mut self.server.persistence;
        let since = state.loading.map_or(now, |loading| loading.since);
        state.loading = progress.map(|(done, bytes)| Loading { since, bytes, done });
    }

    /// What the files held that were loaded: keys that are there, and keys whose time was up.
    pub fn set_loaded(&mut self, keys: u64, expired: u64) {
        self.server.persistence.loaded = (keys, expired);
    }

    /// What was loaded is no change, and stands in files.
    pub fn forget_changes(&mut self) {
        self.server.persistence.clean = self.store.dirty;
    }

    /// The append-only file's base has `base` bytes, and all of it `all` bytes, before the journal's byte at
    /// `offset`.
    pub fn set_aof_sizes(&mut self, base: u64, all: u64, offset: u64) {
        self.server.persistence.aof = AofSizes { base, all, offset, rewritten: all };
    }

    /// Lends the engine a way to read the append-only file again (DEBUG LOADAOF).
    pub fn lend_load_aof(&mut self, load: LoadAof) {
        self.load_aof = Some(load);
    }

    /// DEBUG LOADAOF, whose command is over.
    #[cold]
    pub(super) fn reload_aof(&mut self, reply: &mut Reply) {
        let now = self.server.now;
        for index in 0..self.store.count() {
            self.store.flush(index);
        }
        let result = match self.load_aof {
            Some(load) => self.load_functions_anew().and_then(|()| load(self, now)),
            None => Err("there is no append-only file".into()),
        };
        self.forget_changes();
        match result {
            Ok(()) => {
                let line = "Append Only File loaded by DEBUG LOADAOF";
                self.server.effects.push_back(Effect::Log(Level::Warning, line.into()));
                reply.ok();
            }
            Err(reason) => {
                let line = format!("DEBUG LOADAOF: {reason}");
                self.server.effects.push_back(Effect::Log(Level::Warning, line));
                reply.error(&FAILED);
            }
        }
    }
}
