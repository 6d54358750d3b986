//! Clients that wait for keys: how a wait begins and how it ends. What a wait is for is the engine's to see.

use crate::client::{Blocked, Client};
use crate::resp::Reply;
use crate::server::Server;
use crate::store::Store;

/// Lets `client`, whose database is the current one, wait.
pub fn begin(store: &mut Store, server: &mut Server, client: &mut Client, blocked: Blocked) {
    for key in &blocked.wait.keys {
        store.db_mut().wait.add(key, client.id);
    }
    store.db_mut().wait.for_keys += usize::from(blocked.wait.for_key);
    if let Some(deadline_us) = blocked.wait.deadline_us {
        server.deadlines.insert((deadline_us, client.id));
    }
    server.blocked_clients += 1;
    client.blocked = Some(blocked);
}

/// Ends the wait of `client`, whatever the reason. What it sent meanwhile is run next.
pub fn end(store: &mut Store, server: &mut Server, client: &mut Client) {
    let Some(blocked) = client.blocked.take() else { return };
    let current = store.current();
    store.select(client.db);
    for key in &blocked.wait.keys {
        store.db_mut().wait.remove(key, client.id);
    }
    let wait = &mut store.db_mut().wait;
    wait.for_keys = wait.for_keys.saturating_sub(usize::from(blocked.wait.for_key));
    store.select(current);
    if let Some(deadline_us) = blocked.wait.deadline_us {
        server.deadlines.remove(&(deadline_us, client.id));
    }
    server.blocked_clients = server.blocked_clients.saturating_sub(1);
    server.unblocked.push_back(client.id);
}

/// Ends the wait of `client` in vain: `reply` is what it gets.
pub fn give_up(store: &mut Store, server: &mut Server, client: &mut Client, reply: &Reply) {
    let Some(blocked) = &client.blocked else { return };
    server.stats.commands += 1;
    server.command_stats[blocked.command].calls += 1;
    client.answer_late(&reply.out);
    end(store, server, client);
}

/// Holds back the commands of `client` until CLIENT PAUSE is over.
pub fn hold(server: &mut Server, client: &mut Client) {
    client.held = true;
    server.blocked_clients += 1;
    server.held.push_back(client.id);
}

/// Ends CLIENT PAUSE: what was held back runs next, in the order it came.
pub fn end_pause(store: &mut Store, server: &mut Server) {
    server.pause = None;
    store.keep_expired = false;
    release_held(server);
}

/// Lets those run whose commands were held back, in the order they came; they may be held back again.
pub fn release_held(server: &mut Server) {
    server.blocked_clients = server.blocked_clients.saturating_sub(server.held.len());
    for &id in &server.held {
        if let Some(client) = server.clients.by_id_mut(id) {
            client.held = false;
        }
    }
    server.unblocked.append(&mut server.held);
}
