//! Reading files: what is refused meanwhile, what INFO says of it, and DEBUG LOADAOF.

use super::{Engine, Now};
use crate::command::wait;
use crate::resp::Reply;
use crate::server::persistence::{AOF_NOT_LOADED, AofSizes, Loading};
use crate::server::{Effect, Level};
use alloc::format;

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

    /// The host reads the append-only file again when DEBUG LOADAOF asks for it ([`Effect::LoadAof`]).
    pub fn offer_to_load_aof(&mut self) {
        self.server.persistence.loads_aof = true;
    }

    /// DEBUG LOADAOF, whose command waits.
    #[cold]
    pub(super) fn begin_aof_load(&mut self) {
        for index in 0..self.store.count() {
            self.store.flush(index);
        }
        if let Err(reason) = self.load_functions_anew() {
            // Nothing is loaded, which cannot fail.
            self.server.log(Level::Warning, reason);
        }
        self.set_loading(self.server.now, Some((0, 0)));
        self.server.effects.push_back(Effect::LoadAof);
    }

    /// The append-only file was read, or could not be, as [`Effect::LoadAof`] has asked: whoever wanted it hears so.
    pub fn aof_loaded(&mut self, now: Now, outcome: Result<(), &str>) {
        self.set_loading(now, None);
        self.forget_changes();
        let line = match outcome {
            Ok(()) => "Append Only File loaded by DEBUG LOADAOF".into(),
            Err(reason) => format!("DEBUG LOADAOF: {reason}"),
        };
        self.server.log(Level::Warning, line);
        let wanted_by = self.server.persistence.aof_wanted_by.take();
        if let Some(conn) = wanted_by.and_then(|id| self.server.clients.conn(id))
            && let Some(mut client) = self.server.clients.take(conn)
        {
            let mut reply = Reply::new(client.reply.protocol);
            match outcome {
                Ok(()) => reply.ok(),
                Err(_) => reply.error(&AOF_NOT_LOADED),
            }
            wait::give_up(&mut self.store, &mut self.server, &mut client, &reply);
            self.finish(client);
        }
        self.after_input();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, ConnId, Hooks, Peer};
    use alloc::string::String;
    use alloc::vec::Vec;

    const BIRTH: Now = Now { unix_us: 1_700_000_000_000_000, mono_us: 1 };

    fn ask(engine: &mut Engine, conn: ConnId, text: &str) -> String {
        engine.receive(BIRTH, conn, text.as_bytes());
        said(engine, conn)
    }

    fn said(engine: &mut Engine, conn: ConnId) -> String {
        let bytes: Vec<u8> = engine.outgoing(conn).flatten().copied().collect();
        engine.sent(BIRTH, conn, bytes.len());
        String::from_utf8_lossy(&bytes).replace("\r\n", "|")
    }

    #[test]
    fn who_wants_the_append_only_file_loaded_waits_and_others_are_told() {
        let config = Config::parse_text("enable-debug-command yes").expect("a setting");
        let mut engine = Engine::new(config, [7; 32], BIRTH, Hooks::default());
        let [a, b] = [(); 2].map(|()| engine.connect(BIRTH, Peer::default()));
        assert_eq!(ask(&mut engine, a, "SET k v\r\n"), "+OK|");
        let refused = "-ERR Error trying to load the AOF files, check server logs.|";
        assert_eq!(ask(&mut engine, a, "DEBUG LOADAOF\r\n"), refused, "the host has none");
        engine.offer_to_load_aof();
        let failed = Err("there is none");
        for (outcome, reply) in [(Ok(()), "+OK|"), (failed, refused)] {
            assert_eq!(ask(&mut engine, a, "DEBUG LOADAOF\r\nDBSIZE\r\n"), "");
            while engine.poll().is_some_and(|effect| effect != Effect::LoadAof) {}
            let loading = "-LOADING Redis is loading the dataset in memory|";
            assert_eq!(ask(&mut engine, b, "GET k\r\nDEBUG LOADAOF\r\n"), loading.repeat(2));
            engine.aof_loaded(BIRTH, outcome);
            assert_eq!(said(&mut engine, a), [reply, ":0|"].concat());
            assert_eq!(ask(&mut engine, b, "GET k\r\n"), "$-1|");
        }
        assert_eq!(ask(&mut engine, a, "DEBUG LOADAOF\r\n"), "");
        engine.disconnect(BIRTH, a);
        engine.aof_loaded(BIRTH, Ok(()));
        assert_eq!(ask(&mut engine, b, "DBSIZE\r\n"), ":0|");
    }
}
