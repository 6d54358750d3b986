//! WATCH, UNWATCH: transactions that run only if some keys have not changed.
//!
//! The store notes who watches a key that was touched; the engine hands that on as
//! `Client::watch_touched`. A key that had already expired when it was watched is deleted then, so that
//! nothing about it changes later.

use crate::client::Client;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::store::Store;
use alloc::boxed::Box;
use core::mem::take;

/// WATCH key [key ...]: the next EXEC runs only if these keys have not changed by then.
pub const WATCH: Command = Command::new("watch", -2, watch)
    .allow_busy()
    .fast()
    .loading()
    .noscript()
    .stale()
    .acl(Acl::TRANSACTION)
    .group(Group::Transactions)
    .since("2.2.0")
    .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RO)])
    .docs(
        "key [key ...]",
        "Watches keys: a transaction runs only if they have not changed.",
        "O(1) for every key",
    );

fn watch(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if ctx.client.transaction.is_some() {
        return Err(Error::Text("ERR WATCH inside MULTI is not allowed"));
    }
    // It is too late to watch anything: EXEC will fail.
    if !ctx.client.watch_touched {
        for key in args.iter_from(1) {
            // Watching deletes nothing: what has expired stays until it is read or its turn comes.
            let expired = ctx.db.has_expired(key);
            if ctx.db.db_mut().watch.add(key, ctx.client.id, expired) {
                ctx.client.watched.push((ctx.db.current(), Box::from(key)));
            }
        }
    }
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// UNWATCH: watches no key any more.
pub const UNWATCH: Command = Command::new("unwatch", 1, unwatch)
    .allow_busy()
    .fast()
    .loading()
    .noscript()
    .stale()
    .acl(Acl::TRANSACTION)
    .group(Group::Transactions)
    .since("2.2.0")
    .docs("", "Forgets all watched keys.", "O(1)");

fn unwatch(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    unwatch_all(ctx.db, ctx.client);
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// Lets go of every watched key, and of what happened to them.
pub fn unwatch_all(store: &mut Store, client: &mut Client) {
    client.watch_touched = false;
    if client.watched.is_empty() {
        return;
    }
    // Touches that were not handed on yet are of no matter either.
    store.touched.retain(|&id| id != client.id);
    let current = store.current();
    for (db, key) in take(&mut client.watched) {
        store.select(db);
        store.db_mut().watch.remove(&key, client.id);
    }
    store.select(current);
}

/// Whether a watched key has expired since it was watched.
pub(super) fn watched_expired(store: &mut Store, client: &Client) -> bool {
    let current = store.current();
    let expired = client.watched.iter().any(|(db, key)| {
        store.select(*db);
        store.has_expired(key)
            && store.db().watch.watchers_of_live(key).any(|watcher| watcher == client.id)
    });
    store.select(current);
    expired
}
