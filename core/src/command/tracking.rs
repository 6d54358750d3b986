//! Client-side caching around a command: what it read is remembered, what it made stale is told.
//!
//! All of this runs only while somebody tracks. A client hears of what its own command made stale after
//! the reply; of what was given up or evicted to make room for the command, before it. What is
//! broadcast waits for the end of the input.

use super::{Args, Command, Ctx, Flags};
use crate::client::tracking::{Push, Tracker};
use crate::client::{Client, ReplyMode};
use crate::resp::Reply;
use crate::server::Server;
use crate::store::Store;
use crate::store::tracking::{Broadcast, Stale};
use alloc::vec::Vec;
use core::mem::take;

/// A command is about to run, be queued or be held back.
#[cold]
pub fn before(ctx: &mut Ctx<'_>) {
    keep_limit(ctx.db);
    if !ctx.db.tracking.news.is_empty() {
        spread(ctx.db, ctx.server, 0);
        if ctx.client.reply_mode == ReplyMode::On {
            ctx.server.clients.deliver_stray(ctx.client, ctx.reply);
        }
    }
    ctx.db.tracking.author = ctx.client.id;
}

/// A command ran.
#[cold]
pub fn after(ctx: &mut Ctx<'_>, command: &Command, args: Args<'_>) {
    let id = ctx.client.id;
    if !ctx.db.tracking.news.is_empty() {
        spread(ctx.db, ctx.server, id);
    }
    let Some(tracker) = ctx.server.clients.trackers.get_mut(&id) else { return };
    // What a script reads is noted with the commands that read it; what runs one is shown by itself.
    let reads =
        command.flags.contains(Flags::READONLY) && !command.flags.contains(Flags::SKIP_MONITOR);
    if reads && tracker.remembers() {
        let mut places = Vec::new();
        for spec in command.keys {
            // Places that only the command's own code could tell are left out, as in Redis.
            spec.places(args, &mut places);
        }
        for place in places {
            ctx.db.tracking.remember(&args[place], id);
        }
    }
    // CLIENT CACHING is about the next command, or the next transaction.
    if tracker.caching
        && !ctx.nested
        && ctx.client.transaction.is_none()
        && ctx.client.last_command.0 != "client"
    {
        tracker.caching = false;
    }
}

/// Gives up what is over `tracking-table-max-keys`.
pub fn keep_limit(store: &mut Store) {
    if store.tracking.has_work() {
        let Store { tracking, rng, .. } = store;
        tracking.keep_limit(|| rng.next_u64());
    }
}

/// Tells what is stale. `current` is the client whose command made it so; 0: none did.
#[cold]
pub fn spread(store: &mut Store, server: &mut Server, current: u64) {
    for stale in take(&mut store.tracking.news) {
        match stale {
            Stale::Key(key, readers) => {
                let mut keys = Reply::default();
                keys.array(1);
                keys.bulk(&key);
                for id in readers {
                    let tracker = server.clients.trackers.get(&id);
                    let wants = |it: &Tracker| !it.bcast && (!it.noloop || id != current);
                    if tracker.is_some_and(wants) {
                        send(server, id, &keys.out);
                    }
                }
            }
            Stale::Everything => {
                let trackers = server.clients.trackers.iter();
                let ids: Vec<_> = trackers.map(|(&id, tracker)| (id, tracker.resp3)).collect();
                for (id, resp3) in ids {
                    let null: &[u8] = if resp3 { b"_\r\n" } else { b"$-1\r\n" };
                    send(server, id, null);
                }
            }
        }
    }
    // The last keys of clients that are gone may be gone by now.
    store.tracking.set_on(!server.clients.trackers.is_empty());
}

/// Tells those who broadcast concerns.
#[cold]
pub fn broadcast(store: &mut Store, server: &mut Server) {
    for Broadcast { keys, clients } in store.tracking.take_broadcasts() {
        let all = list(keys.keys().map(|key| &**key));
        for id in clients {
            if server.clients.trackers.get(&id).is_none_or(|tracker| !tracker.noloop) {
                send(server, id, &all);
                continue;
            }
            let foreign = keys.iter().filter(|(_, author)| **author != id);
            if foreign.clone().next().is_some() {
                send(server, id, &list(foreign.map(|(key, _)| &**key)));
            }
        }
    }
}

fn list<'k>(keys: impl Iterator<Item = &'k [u8]> + Clone) -> Vec<u8> {
    let mut reply = Reply::default();
    reply.array(keys.clone().count());
    keys.for_each(|key| reply.bulk(key));
    reply.out
}

/// Sends `keys`, an array of them or null, to client `id` or to whom it redirects them.
fn send(server: &mut Server, id: u64, keys: &[u8]) {
    let clients = &mut server.clients;
    let Some(tracker) = clients.trackers.get(&id) else { return };
    let (own, redirect) = (tracker.conn, tracker.redirect);
    let to = if redirect == 0 { Some(own) } else { clients.conn(redirect) };
    match to {
        Some(conn) => {
            clients.push(conn, Push::Stale { redirected: redirect > 0, keys: keys.into() });
        }
        None => {
            if let Some(tracker) = clients.trackers.get_mut(&id) {
                tracker.broken = true;
            }
            clients.push(own, Push::broken(redirect));
        }
    }
}

/// Client `id` tracks as `tracker` says from now on; prefixes are added to those it has.
pub fn begin(store: &mut Store, server: &mut Server, id: u64, tracker: Tracker) {
    for prefix in &tracker.prefixes {
        store.tracking.listen(prefix, id);
    }
    let known = server.clients.trackers.or_insert_with(id, Tracker::default);
    let mut prefixes = take(&mut known.prefixes);
    *known = tracker;
    prefixes.extend(take(&mut known.prefixes));
    known.prefixes = prefixes;
    store.tracking.set_on(true);
}

/// `client` tracks nothing any more. What it has read is forgotten as it changes.
pub fn end(store: &mut Store, server: &mut Server, client: &Client) {
    let Some(tracker) = server.clients.trackers.remove(&client.id) else { return };
    for prefix in &tracker.prefixes {
        store.tracking.stop_listening(prefix, client.id);
    }
    store.tracking.set_on(!server.clients.trackers.is_empty());
}
