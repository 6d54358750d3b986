//! The engine: inputs in, effects out. The only part that knows the order in which things happen to a
//! connection: bytes, requests, the gate, the command, and what follows from it.

mod blocking;
mod cron;
mod output;
mod receive;
mod settings;

pub use crate::client::{ConnId, Peer};
pub use crate::server::{Effect, Hooks, Level, Now, Ticket};

use crate::client::{Client, Clients, PubSub};
use crate::collections::hash::HashSeed;
use crate::command::Request;
use crate::commands::table;
use crate::config::Config;
use crate::resp::Span;
use crate::rng::Rng;
use crate::server::{CommandStats, Rates, Server, SlowLog, Stats};
use crate::store::Store;
use crate::value::Tuning;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

/// A whole Redis, without I/O. See the crate's documentation for the contract with its host.
#[derive(Debug)]
pub struct Engine {
    store: Store,
    server: Server,
    scratch: Scratch,
    /// When background work is to be done next, on the monotonic clock.
    next_cron_us: u64,
}

/// Buffers that are used again for every batch of requests.
#[derive(Debug, Default)]
struct Scratch {
    spans: Vec<Span>,
    batch: Vec<receive::Item>,
}

impl Engine {
    /// An empty engine. `seed` comes from the host's entropy: hash seeds, run id and chance derive from it.
    pub fn new(config: Config, seed: [u8; 32], now: Now, hooks: Hooks) -> Self {
        let mut words = [0u64; 4];
        for (word, bytes) in words.iter_mut().zip(seed.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        let mut rng =
            Rng::new(words[0] ^ words[1].rotate_left(17) ^ words[2].rotate_left(34) ^ words[3]);
        let mut run_id = String::new();
        for _ in 0..40 {
            run_id.push(char::from(b"0123456789abcdef"[rng.below(16) as usize]));
        }
        let store_rng = Rng::new(rng.next());
        let store = Store::new(config.databases, Tuning::new(HashSeed::new(words)), store_rng);
        let mut engine = Self {
            store,
            server: Server {
                config,
                config_changed: true,
                now,
                born: now,
                clients: Clients::default(),
                pubsub: PubSub::default(),
                stats: Stats::default(),
                command_stats: alloc::vec![CommandStats::default(); table::count()],
                slow_log: SlowLog::default(),
                rates: Rates::default(),
                peak_memory: 0,
                hooks,
                run_id,
                deadlines: BTreeSet::new(),
                blocked_clients: 0,
                unblocked: Vec::new(),
                tick: 0,
                outgoing: Vec::new(),
                active_expire: true,
                effects: VecDeque::new(),
            },
            scratch: Scratch::default(),
            next_cron_us: 0,
        };
        engine.set_now(now);
        engine.apply_config();
        engine
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.server.config
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.server.clients.len()
    }

    /// A new connection.
    pub fn connect(&mut self, now: Now, peer: Peer) -> ConnId {
        self.set_now(now);
        self.server.stats.connections += 1;
        let authenticated = self.server.config.requirepass.is_empty();
        let client = self.server.clients.add(peer, now.unix_ms());
        client.authenticated = authenticated;
        client.user = "default".into();
        client.conn
    }

    /// The connection is gone: whatever it held, waited for or was subscribed to is let go.
    pub fn disconnect(&mut self, now: Now, conn: ConnId) {
        self.set_now(now);
        let Some(mut client) = self.server.clients.remove(conn) else { return };
        self.unblock(&mut client);
        self.let_go(&mut client);
    }

    /// Ends subscriptions, watches and the transaction of a client.
    fn let_go(&mut self, client: &mut Client) {
        crate::commands::connection::reset_state(&mut self.store, &mut self.server, client);
    }

    fn set_now(&mut self, now: Now) {
        debug_assert!(
            now.mono_us >= self.server.now.mono_us,
            "the monotonic clock never goes back"
        );
        if now != self.server.now || self.store.now_ms == 0 {
            self.server.now = now;
            self.store.now_ms = now.unix_ms();
            self.store.access.set_now(now.unix_ms());
            self.server.rates.sample(now.mono_us, &self.server.stats);
        }
    }
}

/// A command to be run again, with its client's reply.
type Waiting = (u64, Request);
