//! Publishing and subscribing.

use crate::client::Client;
use crate::server::Server;
use crate::store::KeyEvent;

/// Publishes a key event as a keyspace notification.
pub fn publish_event(_server: &mut Server, _client: &mut Client, _event: &KeyEvent) {}
