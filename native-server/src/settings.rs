//! Settings: from the file, standard input and the command line to a [`Config`], and what the host itself
//! takes from it.

use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use redstart_core::config::{ConfigError, Loader};
use redstart_core::{Config, Engine, Level};

use crate::args::Sources;
use crate::persist::Schedule;

/// Why there are no settings.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// What they say is wrong.
    Config(ConfigError),
    /// The file cannot be read.
    File(PathBuf, io::Error),
}

/// What reading redis.conf needs of the system.
struct Files;

impl Loader for Files {
    fn include(&mut self, pattern: &str) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        for path in matching(pattern) {
            let read = fs::read(&path).map_err(|error| {
                format!(
                    "Fatal error, can't open config file '{}': {}",
                    path.display(),
                    reason(&error)
                )
            })?;
            text.extend(read);
            text.push(b'\n');
        }
        Ok(text)
    }

    fn dir(&mut self, path: &str) -> Result<(), String> {
        std::env::set_current_dir(path).map_err(|error| reason(&error))
    }
}

/// The files that a pattern with `*` and `?` in its last part stands for, by name; a path without them
/// stands for itself.
fn matching(pattern: &str) -> Vec<PathBuf> {
    let path = Path::new(pattern);
    let Some(name) =
        path.file_name().filter(|name| name.as_bytes().iter().any(|b| b"*?[".contains(b)))
    else {
        return vec![path.into()];
    };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name().is_some_and(|own| {
                let own = own.as_bytes();
                !own.starts_with(b".")
                    && redstart_core::collections::glob::matches(name.as_bytes(), own)
            })
        })
        .collect();
    found.sort();
    found
}

/// What the system says about an error, without the number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_string()
}

/// What standard input gives, if it is one of the sources.
pub(crate) fn read_standard_input(sources: &Sources) -> Vec<u8> {
    let mut text = Vec::new();
    if sources.stdin {
        // What cannot be read is not there.
        let _ = io::stdin().lock().read_to_end(&mut text);
    }
    text
}

/// Reads all sources. Relative paths in them are seen from the directory that `dir` has led to so far.
pub(crate) fn load(sources: &Sources, input: &[u8]) -> Result<Config, Refusal> {
    let mut text = Vec::new();
    if let Some(path) = &sources.file {
        let read = fs::read(path).map_err(|error| Refusal::File(path.clone(), error))?;
        text.extend(read);
        text.push(b'\n');
    }
    text.extend(input);
    text.push(b'\n');
    text.extend(&sources.lines);
    let config = Config::parse_with(&text, &mut Files).map_err(Refusal::Config)?;
    Engine::check_config(&config).map_err(Refusal::Config)?;
    Schedule::new(&config).map_err(|reason| Refusal::Config(ConfigError { line: None, reason }))?;
    let host = Settings::new(&config);
    if let Some(path) = &host.logfile
        && let Err(error) = fs::OpenOptions::new().append(true).create(true).open(path)
    {
        let reason = format!("Can't open the log file: {}", reason(&error));
        return Err(Refusal::Config(ConfigError { line: None, reason }));
    }
    Ok(config)
}

/// How to wait for sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IoEngine {
    /// The one that costs less.
    Auto,
    Uring,
    Epoll,
}

/// What the host takes from the settings. Made anew when one of them changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) bind: Vec<String>,
    pub(crate) unixsocket: Option<PathBuf>,
    pub(crate) unixsocketperm: u32,
    pub(crate) tcp_backlog: i32,
    pub(crate) tcp_keepalive: u32,
    pub(crate) maxclients: usize,
    pub(crate) loglevel: Level,
    pub(crate) logfile: Option<PathBuf>,
    pub(crate) pidfile: Option<PathBuf>,
    pub(crate) daemonize: bool,
    pub(crate) show_logo: bool,
    pub(crate) title: Option<String>,
    pub(crate) io_engine: IoEngine,
}

impl Settings {
    pub(crate) fn new(config: &Config) -> Self {
        let path = |name| Some(config.string(name)).filter(|path| !path.is_empty()).map(Into::into);
        Self {
            port: config.port(),
            bind: config.bind(),
            unixsocket: path("unixsocket"),
            unixsocketperm: config.unix_socket_mode(),
            tcp_backlog: i32::try_from(config.number("tcp-backlog")).unwrap_or(i32::MAX),
            tcp_keepalive: u32::try_from(config.number("tcp-keepalive")).unwrap_or(u32::MAX),
            maxclients: config.maxclients() as usize,
            loglevel: match config.text("loglevel") {
                b"debug" => Level::Debug,
                b"verbose" => Level::Verbose,
                b"warning" => Level::Warning,
                _ => Level::Notice,
            },
            logfile: path("logfile"),
            pidfile: path("pidfile"),
            daemonize: config.is_on("daemonize"),
            show_logo: config.is_on("always-show-logo"),
            title: config.is_on("set-proc-title").then(|| config.string("proc-title-template")),
            io_engine: match config.text("io-engine") {
                b"io_uring" => IoEngine::Uring,
                b"epoll" => IoEngine::Epoll,
                _ => IoEngine::Auto,
            },
        }
    }
}
