//! Blocked clients: waking them when their keys are ready, or when their time is up.

use super::{Engine, Waiting};
use crate::client::{Client, OnTimeout};
use crate::command::call::call;
use crate::command::ctx::write_timeout;
use crate::command::{Ctx, Flow};
use crate::commands::table;
use alloc::boxed::Box;
use core::mem::take;

impl Engine {
    /// Runs the commands of those who wait for keys that are ready, first come first served, until no
    /// key is left that got something.
    pub(super) fn serve_ready(&mut self) {
        while !self.store.ready.is_empty() {
            for (db, key) in take(&mut self.store.ready) {
                for id in self.store.db_at(db).wait.waiters(&key) {
                    if !self.serve(db, &key, id) {
                        break;
                    }
                }
            }
        }
    }

    /// Runs the command of client `id` again; `false` if there is nothing left at `key` for those behind it.
    fn serve(&mut self, db: usize, key: &[u8], id: u64) -> bool {
        let Some(conn) = self.server.clients.conn(id) else { return true };
        let Some(mut client) = self.server.clients.take(conn) else { return true };
        self.store.select(db);
        let Some(kind) = self.store.peek(key).map(crate::store::Entry::kind) else {
            self.finish(client);
            return false;
        };
        let Some(blocked) = client.blocked.take() else {
            self.finish(client);
            return true;
        };
        if blocked.wait.kind != kind {
            client.blocked = Some(blocked);
            self.finish(client);
            return true;
        }
        self.server.tick = (self.server.hooks.stopwatch)();
        let waiting: Waiting = (id, blocked.request.clone());
        let mut reply = take(&mut client.reply);
        let outcome = {
            let args = waiting.1.args();
            match table::resolve(args) {
                Ok((place, command)) => {
                    let mut ctx = Ctx {
                        db: &mut self.store,
                        reply: &mut reply,
                        client: &mut client,
                        server: &mut self.server,
                        command,
                        nested: false,
                    };
                    call(&mut ctx, place, command, args)
                }
                Err(error) => Err(error),
            }
        };
        client.reply = reply;
        client.blocked = Some(blocked);
        if !matches!(outcome, Ok(Flow::Block(_))) {
            self.unblock(&mut client);
        }
        if self.store_has_news() {
            self.spread_news(&mut client);
        }
        self.finish(client);
        true
    }

    /// Ends the wait of a client, whatever the reason.
    pub(super) fn unblock(&mut self, client: &mut Client) {
        let Some(blocked) = client.blocked.take() else { return };
        let current = self.store.current();
        self.store.select(client.db);
        for key in &blocked.wait.keys {
            self.store.db_mut().wait.remove(key, client.id);
        }
        self.store.select(current);
        if let Some(deadline_us) = blocked.wait.deadline_us {
            self.server.deadlines.remove(&(deadline_us, client.id));
        }
        self.server.blocked_clients -= 1;
        self.server.unblocked.push(client.id);
    }

    /// Gives those whose time is up what they get in vain.
    pub(super) fn time_out_blocked(&mut self) {
        while let Some(&(deadline_us, id)) = self.server.deadlines.first() {
            if deadline_us > self.server.now.mono_us {
                break;
            }
            self.server.deadlines.pop_first();
            let Some(conn) = self.server.clients.conn(id) else { continue };
            let Some(mut client) = self.server.clients.take(conn) else { continue };
            if let Some(blocked) = &client.blocked {
                let on_timeout: OnTimeout = blocked.wait.on_timeout;
                write_timeout(&mut client.reply, on_timeout);
                self.unblock(&mut client);
            }
            self.finish(client);
        }
    }

    /// Runs what has arrived meanwhile from clients that are no longer blocked or held back.
    pub(super) fn resume_unblocked(&mut self) {
        while let Some(id) = self.server.unblocked.pop() {
            let Some(conn) = self.server.clients.conn(id) else { continue };
            let Some(mut client): Option<Box<Client>> = self.server.clients.take(conn) else {
                continue;
            };
            self.run_queued(&mut client);
            self.finish(client);
        }
    }
}
