//! The settings that concern the host.

use std::path::PathBuf;

/// How to wait for sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IoEngine {
    /// The one that costs less.
    Auto,
    Uring,
    Epoll,
}

/// What the host takes from redis.conf and the command line.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) bind: Vec<String>,
    pub(crate) unixsocket: Option<PathBuf>,
    pub(crate) unixsocketperm: u32,
    pub(crate) tcp_backlog: i32,
    pub(crate) tcp_keepalive: u32,
    pub(crate) maxclients: usize,
    pub(crate) logfile: Option<PathBuf>,
    pub(crate) dir: Option<PathBuf>,
    /// How to wait for sockets.
    pub(crate) io_engine: IoEngine,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 6379,
            bind: vec!["*".into(), "-::*".into()],
            unixsocket: None,
            unixsocketperm: 0,
            tcp_backlog: 511,
            tcp_keepalive: 300,
            maxclients: 10_000,
            logfile: None,
            dir: None,
            io_engine: IoEngine::Auto,
        }
    }
}

impl Settings {
    /// Reads `--name value...` arguments.
    pub(crate) fn from_args(args: &[String]) -> Self {
        let mut this = Self::default();
        let mut at = 0;
        while at < args.len() {
            let name = args[at].trim_start_matches("--").to_ascii_lowercase();
            at += 1;
            let from = at;
            while at < args.len() && !args[at].starts_with("--") {
                at += 1;
            }
            let values = &args[from..at];
            let first = values.first().cloned().unwrap_or_default();
            match name.as_str() {
                "port" => this.port = first.parse().unwrap_or(this.port),
                "bind" => this.bind = values.to_vec(),
                "unixsocket" => this.unixsocket = Some(first.into()),
                "maxclients" => this.maxclients = first.parse().unwrap_or(this.maxclients),
                "logfile" => this.logfile = (!first.is_empty()).then(|| first.into()),
                "dir" => this.dir = Some(first.into()),
                "io-engine" => {
                    this.io_engine = match first.as_str() {
                        "io_uring" => IoEngine::Uring,
                        "epoll" => IoEngine::Epoll,
                        _ => IoEngine::Auto,
                    }
                }
                _ => {}
            }
        }
        this
    }
}
