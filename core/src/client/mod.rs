//! A connection's state, and the table of all of them.

pub mod describe;
pub mod pubsub;
pub mod replica;
pub mod table;
pub mod tracking;

pub use pubsub::PubSub;
pub use table::Clients;

use crate::acl::User;
use crate::collections::ordered;
use crate::config::OutputLimit;
use crate::resp::{Parser, Reply, Request, Span};
use crate::value::Kind;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The handle of a connection: a place in the table, and which connection in that place it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId {
    /// The place in the table; small, and used again after the connection is gone.
    pub index: u32,
    /// Which connection in that place.
    pub generation: u32,
}

/// Where a connection comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    /// The client's address as `ip:port`, or the path of a Unix socket with `:0`.
    pub addr: String,
    /// The server's address on this connection.
    pub laddr: String,
    /// A descriptor number to show in CLIENT LIST; -1 if there is none.
    pub fd: i32,
    /// Whether it came through a Unix socket.
    pub unix: bool,
    /// Whether it comes from this very machine (protected mode lets it in, as `enable-debug-command local` does).
    pub local: bool,
    /// Whether its host waits for the reply of each request: it never blocks, and gets at once what it
    /// would get when time is up. CLIENT PAUSE does not hold it.
    pub synchronous: bool,
}

/// What CLIENT REPLY says about replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplyMode {
    /// Send them.
    #[default]
    On,
    /// Send none.
    Off,
    /// Send none for the next command.
    SkipNext,
    /// Send none for this command.
    Skip,
}

/// What a connection is used for, as CLIENT LIST TYPE and `client-output-buffer-limit` tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Commands and replies, and what MONITOR sees.
    Normal,
    /// Replication.
    Replica,
    /// It is subscribed to something.
    PubSub,
}

/// How much may wait to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// By class.
    pub classes: [OutputLimit; 3],
    /// The lowest of them all, so that most outputs need no second look.
    pub lowest: u64,
}

impl Limits {
    /// The limits of these classes.
    pub fn new(classes: [OutputLimit; 3]) -> Self {
        let all = classes.iter().flat_map(|limit| [limit.hard, limit.soft]);
        Self { classes, lowest: all.filter(|&bytes| bytes > 0).min().unwrap_or(u64::MAX) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new([OutputLimit::default(); 3])
    }
}

/// The commands queued since MULTI.
#[derive(Debug, Default)]
pub struct Transaction {
    /// What EXEC runs.
    pub queued: Vec<Request>,
    /// A command was refused when it was to be queued: EXEC gives EXECABORT.
    pub aborted: bool,
    /// The flags of all of them together, as `command::Flags` has them.
    pub flags: u32,
    /// The bytes of their arguments.
    pub bytes: usize,
    /// How many EXEC is running, which are no longer queued.
    pub running: usize,
    /// What EXEC has still to run when a script in it is done.
    pub rest: Vec<Request>,
}

/// What a blocked client gets when its time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTimeout {
    /// Null, as a bulk string.
    Null,
    /// Null, as an array.
    NullArray,
    /// A number, as WAIT does.
    Int(i64),
    /// Two numbers, as WAITAOF does.
    Pair(i64, i64),
}

/// What a client waits for.
#[derive(Debug)]
pub struct Wait {
    /// The keys, in the current database.
    pub keys: Vec<Box<[u8]>>,
    /// The kind of value that ends the wait.
    pub kind: Kind,
    /// When to give up, on the monotonic clock in microseconds.
    pub deadline_us: Option<u64>,
    /// What the client gets then.
    pub on_timeout: OnTimeout,
    /// The wait ends too when a key no longer holds such a value: XREADGROUP's does, with an error.
    pub for_key: bool,
    /// What runs instead of the command as it came, where that depends on when it came.
    pub request: Option<Request>,
}

/// A command that waits, to be run again when one of its keys is ready.
#[derive(Debug)]
pub struct Blocked {
    /// The command with its arguments.
    pub request: Request,
    /// Its number in the table of commands.
    pub command: usize,
    /// What it waits for.
    pub wait: Wait,
}

/// A connection.
#[derive(Debug, Default)]
pub struct Client {
    /// The number that CLIENT ID gives.
    pub id: u64,
    /// Its handle.
    pub conn: ConnId,
    /// Where it comes from.
    pub peer: Peer,
    /// CLIENT SETNAME.
    pub name: Vec<u8>,
    /// CLIENT SETINFO LIB-NAME.
    pub lib_name: Vec<u8>,
    /// CLIENT SETINFO LIB-VER.
    pub lib_ver: Vec<u8>,
    /// When it came, in Unix milliseconds.
    pub created_ms: i64,
    /// When it last said something, in Unix milliseconds.
    pub active_ms: i64,
    /// The selected database.
    pub db: usize,
    /// Whether it has said who it is, or need not have.
    pub authenticated: bool,
    /// Whether it may run any command with any argument, as nearly all may: the one test before each.
    pub unrestricted: bool,
    /// Its user, as it is now.
    pub user: Arc<User>,
    /// The commands since MULTI.
    pub transaction: Option<Transaction>,
    /// WATCHed keys with their database.
    pub watched: Vec<(usize, Box<[u8]>)>,
    /// A watched key was touched.
    pub watch_touched: bool,
    /// Subscribed channels.
    pub channels: ordered::Set<Box<[u8]>>,
    /// Subscribed patterns.
    pub patterns: ordered::Set<Box<[u8]>>,
    /// Subscribed shard channels.
    pub shard_channels: ordered::Set<Box<[u8]>>,
    /// The command that waits.
    pub blocked: Option<Blocked>,
    /// CLIENT REPLY.
    pub reply_mode: ReplyMode,
    /// CLIENT NO-EVICT.
    pub no_evict: bool,
    /// CLIENT NO-TOUCH.
    pub no_touch: bool,
    /// CLIENT CAPA REDIRECT: it can follow a redirection to another node.
    pub capa_redirect: bool,
    /// MONITOR.
    pub monitor: bool,
    /// CLIENT PAUSE holds its commands back: the next one is in `query`, and runs when the pause is over.
    pub held: bool,
    /// Its script is not done: what it sends meanwhile waits.
    pub scripting: bool,
    /// To be closed once what it was told is sent; nothing more is read.
    pub closing: bool,
    /// To be closed at once, with what it was not sent yet.
    pub killed: bool,
    /// A `Send` waits among the effects.
    pub send_queued: bool,
    /// A `Close` has been given to the host.
    pub close_queued: bool,
    /// It is among those that were told something.
    pub told: bool,
    /// The last command's name, for CLIENT LIST, after that of its container, if it has one.
    pub last_command: (&'static str, &'static str),
    /// The bytes of arguments of the running command, while it describes its client.
    pub argument_bytes: usize,
    /// The bytes that have arrived and whose last command has not ended.
    pub query_bytes: usize,
    /// Commands so far.
    pub commands: u64,
    /// Where the journal ended when it last wrote to it, in bytes since the engine began.
    pub journal_end: u64,
    /// Bytes received so far.
    pub bytes_in: u64,
    /// Bytes sent so far.
    pub bytes_out: u64,
    /// Its memory as it was counted last among that of all, and in which count that was.
    pub memory_counted: (u32, usize),
    /// What it is as a replica, if it has said anything of that.
    pub replica: Option<Box<replica::Replica>>,
    /// Since when the output is over its soft limit, in Unix milliseconds.
    pub over_soft_since_ms: Option<i64>,
    /// Bytes of a request that is not whole, or that wait behind a blocked command.
    pub query: Vec<u8>,
    /// How far the request that is not whole has been read.
    pub parser: Parser,
    /// Its arguments so far.
    pub spans: Vec<Span>,
    /// What is to be sent. While the client's command runs, the engine has it.
    pub reply: Reply,
    /// How much of that has been sent.
    pub sent: usize,
}

impl Default for ConnId {
    fn default() -> Self {
        Self { index: u32::MAX, generation: u32::MAX }
    }
}

impl Client {
    /// It is this user's from now on, or the user has changed.
    pub fn set_user(&mut self, user: &Arc<User>, authenticated: bool) {
        self.authenticated = authenticated;
        self.unrestricted = authenticated && user.is_unrestricted();
        self.user = user.clone();
    }

    /// Whether its next command has to wait: for keys, for a pause to end, or for its script.
    #[inline]
    pub fn is_waiting(&self) -> bool {
        self.blocked.is_some() || self.held || self.scripting
    }

    /// How many channels and patterns it is subscribed to; shard channels are counted by themselves.
    pub fn subscriptions(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    /// Whether it is in RESP2's subscriber mode, or RESP3 with subscriptions.
    pub fn is_subscriber(&self) -> bool {
        self.subscriptions() + self.shard_channels.len() > 0
    }

    /// The class that CLIENT LIST TYPE and the output limits put it in.
    pub fn class(&self) -> Class {
        match self.is_subscriber() {
            _ if self.is_replica() => Class::Replica,
            true => Class::PubSub,
            false => Class::Normal,
        }
    }

    /// The address at which it says that it is, as a replica.
    pub fn replica_ip(&self) -> &[u8] {
        match &self.replica {
            Some(replica) if !replica.ip.is_empty() => &replica.ip,
            _ => self.peer.addr.rsplit_once(':').map_or(&[], |(ip, _)| ip.as_bytes()),
        }
    }

    /// Whether it has asked for the data set.
    pub fn is_replica(&self) -> bool {
        self.replica.as_ref().is_some_and(|replica| replica.stage > replica::Stage::None)
    }

    /// Whether more waits to be sent than its class may have; notes since when the soft limit is passed.
    #[inline]
    pub fn exceeds(&mut self, limits: &Limits, now_ms: i64) -> bool {
        let bytes = self.output_bytes() as u64;
        // Nearly every time: there is little to be sent.
        if bytes < limits.lowest && self.over_soft_since_ms.is_none() {
            return false;
        }
        self.exceeds_its_class(bytes, limits, now_ms)
    }

    #[cold]
    fn exceeds_its_class(&mut self, bytes: u64, limits: &Limits, now_ms: i64) -> bool {
        let OutputLimit { hard, soft, soft_seconds } = limits.classes[self.class() as usize];
        if hard > 0 && bytes >= hard {
            return true;
        }
        if soft == 0 || bytes < soft {
            self.over_soft_since_ms = None;
            return false;
        }
        let since_ms = *self.over_soft_since_ms.get_or_insert(now_ms);
        // Redis counts the seconds of the wall clock that began meanwhile.
        (now_ms.div_euclid(1000) - since_ms.div_euclid(1000)).max(0) as u64 > soft_seconds
    }

    /// Appends a reply that was waited for, unless CLIENT REPLY wants none.
    pub fn answer_late(&mut self, reply: &[u8]) {
        match self.reply_mode {
            ReplyMode::On | ReplyMode::SkipNext => self.reply.out.extend_from_slice(reply),
            ReplyMode::Off => {}
            ReplyMode::Skip => self.reply_mode = ReplyMode::On,
        }
    }

    /// Bytes that wait to be sent.
    pub fn output_bytes(&self) -> usize {
        self.reply.out.len() - self.sent
    }
}
