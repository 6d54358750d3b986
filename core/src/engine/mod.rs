//! The engine: inputs in, effects out. The only part that knows the order in which things happen to a
//! connection: bytes, requests, the gate, the command, and what follows from it.

mod blocking;
mod cron;
mod direct;
mod journal;
mod loading;
mod output;
mod persistence;
mod receive;
pub mod replay;
mod replication;
mod saving;
mod scripts;
mod settings;
#[cfg(test)]
mod tests;

pub use crate::client::{ConnId, Peer};
pub use crate::server::{Effect, Hooks, Level, Now, Progress, SnapshotKind, Ticket};
pub use replay::{Fault, Replay, ReplayError};

use crate::acl::{Access, password};
use crate::client::{Client, Clients, PubSub};
use crate::collections::hash::HashSeed;
use crate::collections::ordered;
use crate::command::wait;
use crate::commands::connection::release;
use crate::commands::table::{self, AllCommands};
use crate::config::Config;
use crate::resp::Span;
use crate::rng::Rng;
use crate::script::Scripting;
use crate::server::{
    CommandStats, Latency, Names, Persistence, Rates, Replication, Server, SlowLog, Stats,
};
use crate::store::Store;
use crate::value::Tuning;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// A whole Redis, without I/O. See the crate's documentation for the contract with its host.
#[derive(Debug)]
pub struct Engine {
    store: Store,
    server: Server,
    scratch: Scratch,
    /// The client whose script runs and which is gone.
    orphan: Option<Box<Client>>,
    /// When background work is to be done next, on the monotonic clock.
    next_cron_us: u64,
    /// When connections are to be looked at next: those that are idle or do not read.
    next_sweep_us: u64,
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
        let hash_seed = HashSeed::new(words);
        let run_id = rng.hex_id();
        let replication_id = rng.hex_id();
        let store_rng = Rng::new(rng.next_u64());
        // Whoever knows it can tell nothing of what else the seed is used for.
        let secret = password::hash(&seed);
        let store = Store::new(config.databases, Tuning::new(hash_seed), store_rng);
        let mut engine = Self {
            store,
            server: Server {
                config,
                config_changed: true,
                now,
                born: now,
                acl: Access::new(secret, &AllCommands),
                names: Names::default(),
                clients: Clients::default(),
                pubsub: PubSub::new(hash_seed),
                stats: Stats::default(),
                command_stats: alloc::vec![CommandStats::default(); table::count()],
                scripting: Scripting::default(),
                slow_log: SlowLog::default(),
                large_requests: SlowLog::default(),
                large_replies: SlowLog::default(),
                latency: Latency::default(),
                hot_keys: None,
                rates: Rates::default(),
                peak_memory: 0,
                hooks,
                run_id,
                replication_id,
                deadlines: ordered::Set::new(),
                blocked_clients: 0,
                unblocked: VecDeque::new(),
                persistence: Persistence::new(now),
                replication: Replication::default(),
                disk_waiters: Vec::new(),
                pause: None,
                held: VecDeque::new(),
                monitors: Vec::new(),
                tick: 0,
                active_expire: true,
                skip_checksum: false,
                scripts_may_all: false,
                cron_paused: false,
                effects: VecDeque::new(),
            },
            scratch: Scratch::default(),
            orphan: None,
            next_cron_us: 0,
            next_sweep_us: 0,
        };
        engine.set_now(now);
        if engine.server.config.is_on("appendonly") {
            // Its files are read first: what they hold needs no new base.
            engine.store.journal.start();
        }
        engine.apply_config();
        engine.apply_renames();
        engine.make_users();
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

    /// Counts a connection that the host did not let in, since there are `maxclients` already.
    pub fn turned_away(&mut self) {
        self.server.stats.rejected_connections += 1;
    }

    /// A new connection. One that protected mode keeps out is told so and closed.
    pub fn connect(&mut self, now: Now, peer: Peer) -> ConnId {
        self.set_now(now);
        let default = self.server.acl.users.default_user().clone();
        let open = default.nopass;
        // A host without a network gives no address.
        let from_outside = !peer.local && !peer.unix && !peer.addr.is_empty();
        let denied = from_outside && open && self.server.config.is_on("protected-mode");
        let client = self.server.clients.add(peer, now.unix_ms());
        client.set_user(&default, default.is_open());
        let conn = client.conn;
        if denied {
            client.reply.out.extend_from_slice(DENIED);
            client.closing = true;
            self.server.stats.rejected_connections += 1;
            self.queue_output(conn);
        } else {
            self.server.stats.connections += 1;
        }
        conn
    }

    /// The connection is gone: whatever it held, waited for or was subscribed to is let go.
    pub fn disconnect(&mut self, now: Now, conn: ConnId) {
        self.set_now(now);
        let Some(mut client) = self.server.clients.remove(conn) else { return };
        release(&mut self.store, &mut self.server, &mut client);
        if client.scripting {
            // Its script goes on, though nobody waits for it.
            self.orphan = Some(client);
        }
    }

    #[cfg_attr(redstart_small, optimize(speed))]
    fn set_now(&mut self, now: Now) {
        debug_assert!(
            now.mono_us >= self.server.now.mono_us,
            "the monotonic clock never goes back"
        );
        if self.server.scripting.run.is_some() {
            // For a script time stands still; those who wait for it feel it pass.
            self.server.now.mono_us = now.mono_us;
            return;
        }
        if now != self.server.now || self.store.now_ms == 0 {
            self.server.now = now;
            self.server.clients.now_ms = now.unix_ms();
            self.store.now_ms = now.unix_ms();
            self.store.access.set_now(now.unix_ms());
            self.server.rates.sample(now.mono_us, &self.server.stats);
            if self.server.pause.is_some_and(|pause| pause.until_us <= now.mono_us) {
                wait::end_pause(&mut self.store, &mut self.server);
            }
        }
    }
}

/// What a connection from outside hears that protected mode keeps out.
const DENIED: &[u8] = b"-DENIED Redis is running in protected mode because protected mode is enabled and \
no password is set for the default user. In this mode connections are only accepted from the loopback \
interface. If you want to connect from external computers to Redis you may adopt one of the following \
solutions: 1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the \
loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE \
Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change \
permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration \
file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started \
the server manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an \
authentication password for the default user. NOTE: You only need to do one of the above things in order \
for the server to start accepting connections from the outside.\r\n";
