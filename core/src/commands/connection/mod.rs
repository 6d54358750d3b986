//! Commands about the connection itself.

mod ping;

pub use ping::{ECHO, PING, QUIT};

use crate::client::Client;
use crate::server::Server;
use crate::store::Store;

/// Ends what a connection has begun: transaction, watched keys, subscriptions.
pub fn reset_state(store: &mut Store, _server: &mut Server, client: &mut Client) {
    client.transaction = None;
    let current = store.current();
    for (db, key, _) in core::mem::take(&mut client.watched) {
        store.select(db);
        store.db_mut().watch.remove(&key, client.id);
    }
    store.select(current);
}
