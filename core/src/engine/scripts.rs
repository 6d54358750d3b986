//! A script that takes long: slice by slice, while others wait or are told that the server is busy.

use super::Engine;
use crate::command::{Ctx, wait};
use crate::commands::script::{self, EVAL, Outcome};
use crate::commands::transaction;
use core::mem::take;

impl Engine {
    /// Whether a script is not done.
    pub(super) fn is_busy(&self) -> bool {
        self.server.scripting.run.is_some()
    }

    /// Runs the next slice of the script that is not done.
    pub(super) fn go_on_with_script(&mut self) {
        let Some(run) = &self.server.scripting.run else { return };
        let (id, since_us) = (run.client, run.since_us);
        let conn = self.server.clients.conn(id);
        let taken = conn.and_then(|conn| self.server.clients.take(conn));
        let is_orphan = taken.is_none();
        let Some(mut client) = taken.or_else(|| self.orphan.take()) else {
            self.server.scripting.run = None;
            return;
        };
        self.server.tick = (self.server.hooks.stopwatch)();
        self.store.select(client.db);
        self.store.no_touch = client.no_touch;
        self.store.tracking.author = client.id;
        let mut reply = take(&mut client.reply);
        let nested = client.transaction.is_some();
        let mut ctx = Ctx {
            db: &mut self.store,
            reply: &mut reply,
            client: &mut client,
            server: &mut self.server,
            command: &EVAL,
            nested,
            woken_by: None,
        };
        let mut outcome = script::resume(&mut ctx);
        if outcome == Outcome::Done && nested {
            outcome = transaction::go_on(&mut ctx);
        }
        client.reply = reply;
        if outcome == Outcome::Busy {
            // Those who were held back hear now what keeps the server.
            if self.server.now.mono_us.saturating_sub(since_us) >= self.server.busy_after_us() {
                wait::release_held(&mut self.server);
            }
        } else {
            client.scripting = false;
            self.server.unblocked.push_back(client.id);
            wait::release_held(&mut self.server);
            if !self.store.ready.is_empty() || self.store_has_news() {
                self.spread_news();
                self.serve_ready();
                self.hand_touches_to(&mut client);
            }
        }
        if !is_orphan {
            self.finish(client);
        } else if outcome == Outcome::Busy {
            self.orphan = Some(client);
        }
    }
}
