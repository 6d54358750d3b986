//! Blocked clients: waking them when their keys are ready, or when their time is up.

use super::Engine;
use crate::acl::Context;
use crate::client::Client;
use crate::command::call::call;
use crate::command::ctx::write_timeout;
use crate::command::{Args, Ctx, Flow, permission, wait};
use crate::commands::table;
use crate::resp::Reply;
use crate::store::Entry;
use alloc::boxed::Box;
use core::mem::take;

impl Engine {
    /// Runs the commands of those who wait for keys that are ready, first come first served, until no
    /// key is left that got something.
    pub(super) fn serve_ready(&mut self) {
        // A script is one command: they come after it.
        if self.is_busy() {
            return;
        }
        while !self.store.ready.is_empty() {
            for (db, key) in take(&mut self.store.ready) {
                // One that is served is no longer among those who wait; one that is not, is passed over.
                let mut place = 0;
                while let Some(id) = self.store.db_at(db).wait.waiter(&key, place) {
                    match self.serve(db, &key, id) {
                        Served::Yes => {}
                        Served::No => place += 1,
                        Served::NothingLeft => break,
                    }
                }
            }
        }
    }

    /// Runs the command of client `id`, which waits for `key`, again.
    fn serve(&mut self, db: usize, key: &[u8], id: u64) -> Served {
        self.store.select(db);
        let kind = self.store.peek(key).map(Entry::kind);
        if kind.is_none() && self.store.db().wait.for_keys == 0 {
            return Served::NothingLeft;
        }
        let clients = &mut self.server.clients;
        let Some(conn) = clients.conn(id) else { return Served::No };
        let Some(mut client) = clients.take(conn) else { return Served::No };
        let wants =
            client.blocked.as_ref().is_some_and(|b| b.wait.for_key || Some(b.wait.kind) == kind);
        if !wants || client.killed {
            clients.put_back(client);
            return Served::No;
        }
        // What is told of the key is no part of the command.
        self.end_unit();
        let served = self.run_again(&mut client, key);
        self.end_unit();
        if self.store_has_news() {
            self.spread_news();
        }
        self.finish(client);
        if served { Served::Yes } else { Served::No }
    }

    /// Runs the command that waits for `key`; whether its wait is over.
    fn run_again(&mut self, client: &mut Client, key: &[u8]) -> bool {
        let Some(blocked) = client.blocked.take() else { return false };
        self.server.tick = (self.server.hooks.stopwatch)();
        self.store.no_touch = client.no_touch;
        self.store.tracking.author = client.id;
        let mut reply = Reply::new(client.reply.protocol);
        let args = blocked.request.args();
        let waits_on = match table::resolve(&self.server.names, args) {
            Ok((place, command)) => {
                let mut ctx = Ctx {
                    db: &mut self.store,
                    reply: &mut reply,
                    client,
                    server: &mut self.server,
                    command,
                    nested: false,
                    woken_by: Some(key),
                };
                // What it was allowed when it began to wait may not be allowed any more.
                let allowed = ctx.client.unrestricted || still_allowed(&mut ctx, place, args);
                allowed && matches!(call(&mut ctx, place, command, args), Ok(Flow::Block(_)))
            }
            Err(_) => true,
        };
        client.blocked = Some(blocked);
        if !waits_on {
            client.answer_late(&reply.out);
            wait::end(&mut self.store, &mut self.server, client);
        }
        !waits_on
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
                let mut reply = Reply::new(client.reply.protocol);
                write_timeout(&mut reply, blocked.wait.on_timeout);
                wait::give_up(&mut self.store, &mut self.server, &mut client, &reply);
            }
            self.finish(client);
        }
    }

    /// Runs what has arrived meanwhile from clients that are no longer blocked or held back.
    pub(super) fn resume_unblocked(&mut self) {
        while let Some(id) = self.server.unblocked.pop_front() {
            let Some(conn) = self.server.clients.conn(id) else { continue };
            let Some(mut client): Option<Box<Client>> = self.server.clients.take(conn) else {
                continue;
            };
            self.run_queued(&mut client);
            self.finish(client);
        }
    }
}

/// Whether the client may still run the command it waits with; it hears why not.
#[cold]
fn still_allowed(ctx: &mut Ctx<'_>, id: usize, args: Args<'_>) -> bool {
    let (command, container) = (ctx.command, table::container(id));
    let checked = permission::check(ctx, id, command, container, args, Context::Toplevel);
    if let Err(denied) = checked {
        let error = denied.error(&command.full_name(container));
        ctx.server.stats.count_error(&error.text());
        ctx.server.command_stats[id].rejected += 1;
        ctx.reply.error(&error);
    }
    checked.is_ok()
}

/// What came of a client's turn.
enum Served {
    /// Its wait is over.
    Yes,
    /// It waits on.
    No,
    /// The key is gone: there is nothing for those behind it either.
    NothingLeft,
}
