//! What the engine may ask of its host in the middle of a command: opening the addresses that CONFIG SET
//! names, reading and writing redis.conf, facts about the process.
//!
//! These are plain functions (see [`Hooks`]), so what they work on belongs to the thread that runs the
//! engine.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use redstart_core::server::hooks::{Pull, Push, Spool};
use redstart_core::{Config, Hooks};

use crate::log::Log;
use crate::net::listen::{self, Listener};
use crate::persist::disk::Files;
use crate::persist::rdb::NewFile;
use crate::persist::seal::{Key, Opened};
use crate::persist::{Reports, SpoolFile, Tap};
use crate::settings::{Settings, reason};
use crate::{clock, memory, process};

/// What the functions work on.
#[derive(Debug)]
struct Lent {
    listeners: Vec<Listener>,
    /// The settings that the listeners are made from.
    settings: Settings,
    log: Log,
    config_file: Option<PathBuf>,
    executable: PathBuf,
    io_engine: &'static str,
    memory_at_start: usize,
    tap: Option<Rc<Tap>>,
    reports: Option<Arc<Reports>>,
    key: Option<Key>,
}

thread_local! {
    static LENT: RefCell<Option<Lent>> = const { RefCell::new(None) };
    /// There are TCP listeners that the event loop does not watch yet.
    static FRESH: Cell<bool> = const { Cell::new(false) };
}

fn with<R>(look: impl FnOnce(&mut Lent) -> R) -> Option<R> {
    LENT.with_borrow_mut(|lent| lent.as_mut().map(look))
}

/// Opens every listening socket. `false`: one that has to be there could not be opened.
pub(crate) fn open(settings: &Settings, log: &Log, config_file: Option<PathBuf>) -> bool {
    let Some(mut listeners) = open_tcp(settings, log) else { return false };
    if let Some(path) = &settings.unixsocket {
        match Listener::unix(path, settings.unixsocketperm, settings.tcp_backlog) {
            Ok(listener) => listeners.push(listener),
            Err(error) => {
                log.warning(format_args!("Failed opening Unix socket: bind: {}", reason(&error)));
                return false;
            }
        }
    }
    if listeners.is_empty() {
        log.warning("Configured to not listen anywhere, exiting.");
        return false;
    }
    let lent = Lent {
        listeners,
        settings: settings.clone(),
        log: log.clone(),
        config_file,
        executable: std::env::current_exe().unwrap_or_default(),
        io_engine: "epoll",
        memory_at_start: memory::used(),
        tap: None,
        reports: None,
        key: None,
    };
    LENT.replace(Some(lent));
    true
}

/// The functions, for the engine of this thread.
pub(crate) fn hooks() -> Hooks {
    Hooks {
        stopwatch: clock::stopwatch(),
        used_memory: memory::used,
        try_configure,
        read_config_file,
        write_config_file,
        read_acl_file: |path| fs::read(path).map_err(|error| reason(&error)),
        write_acl_file: |path, text| replace_file(Path::new(path), text),
        info,
        save: Some(save),
        spool: Some(new_spool),
        load: Some(load),
        base_of_commands: Some(redstart_core::persist::aof::scribe),
        slow_journal: |us| _ = with(|lent| lent.tap.as_ref().map(|tap| tap.slow_down(us))),
        crash,
        sleep: |us| std::thread::sleep(Duration::from_micros(us)),
    }
}

/// DEBUG SEGFAULT, PANIC, ASSERT.
fn crash(how: &[u8]) {
    match &how.to_ascii_lowercase()[..] {
        b"segfault" => _ = signal_hook::low_level::raise(signal_hook::consts::SIGSEGV),
        b"assert" => panic!("DEBUG ASSERT asked for this: 1 == 2 is not true"),
        _ => panic!("DEBUG PANIC asked for this"),
    }
}

/// Notes which event loop it is.
pub(crate) fn set_io_engine(name: &'static str) {
    with(|lent| lent.io_engine = name);
}

/// Closes all listeners and removes the Unix socket; whether there was one.
pub(crate) fn close() -> bool {
    let unix = with(|lent| lent.listeners.iter().find_map(|l| l.path().map(Path::to_owned)));
    LENT.replace(None);
    // Somebody else may have done it.
    unix.flatten().is_some_and(|path| fs::remove_file(path).is_ok())
}

/// Shows every listener to `look`.
pub(crate) fn each_listener<E>(mut look: impl FnMut(&Listener) -> Result<(), E>) -> Result<(), E> {
    with(|lent| lent.listeners.iter().try_for_each(&mut look)).unwrap_or(Ok(()))
}

/// Shows the listener with this descriptor to `look`.
pub(crate) fn listener<R>(fd: RawFd, look: impl FnOnce(&Listener) -> R) -> Option<R> {
    with(|lent| lent.listeners.iter().find(|l| l.as_fd().as_raw_fd() == fd).map(look)).flatten()
}

/// Whether TCP listeners are new since the last call.
#[inline]
pub(crate) fn take_fresh() -> bool {
    FRESH.get() && FRESH.take()
}

fn try_configure(name: &'static str, config: &Config) -> Result<(), String> {
    match name {
        "port" | "bind" => with(|lent| lent.listen(name, &Settings::new(config))).unwrap_or(Ok(())),
        "dir" => std::env::set_current_dir(config.string("dir")).map_err(|error| reason(&error)),
        "maxclients" => {
            let wanted = config.maxclients() as usize;
            let able = with(|lent| process::raise_open_files(wanted, &lent.log)).flatten();
            match able {
                Some(able) if able < wanted => Err(format!(
                    "The operating system is not able to handle the specified number of clients, try \
                     with {able}"
                )),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

impl Lent {
    /// Listens as `settings` say, or as before if that cannot be.
    fn listen(&mut self, name: &str, settings: &Settings) -> Result<(), String> {
        if (settings.port, &settings.bind) == (self.settings.port, &self.settings.bind) {
            return Ok(());
        }
        // The old ones go first: an address is listened on once.
        self.listeners.retain(|listener| listener.path().is_some());
        FRESH.set(true);
        if let Some(listeners) = open_tcp(settings, &self.log) {
            self.listeners.extend(listeners);
            self.settings = settings.clone();
            return Ok(());
        }
        match open_tcp(&self.settings, &self.log) {
            Some(listeners) => self.listeners.extend(listeners),
            None => self.log.warning("No TCP address is left to listen on"),
        }
        Err(if name == "port" {
            "Unable to listen on this port. Check server logs.".into()
        } else {
            "Failed to bind to specified addresses.".into()
        })
    }
}

fn read_config_file() -> Option<Vec<u8>> {
    let path = with(|lent| lent.config_file.clone()).flatten()?;
    Some(fs::read(path).unwrap_or_default())
}

fn write_config_file(text: &[u8]) -> Result<(), String> {
    let path = with(|lent| lent.config_file.clone()).flatten().ok_or("there is no file")?;
    replace_file(&path, text)
}

/// Writes a file beside it first, so that there is a whole one at any moment.
fn replace_file(path: &Path, text: &[u8]) -> Result<(), String> {
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}-tmp", std::process::id()));
    let replace = || {
        fs::write(&new, text)?;
        fs::File::open(&new)?.sync_all()?;
        if let Ok(old) = fs::metadata(path) {
            fs::set_permissions(&new, old.permissions())?;
        }
        fs::rename(&new, path)
    };
    replace().map_err(|error: io::Error| reason(&error))
}

/// Writes the file that `dbfilename` names.
fn save(config: &Config, pull: Pull<'_>) -> Result<(), String> {
    let name = PathBuf::from(config.string("dbfilename"));
    let temporary = PathBuf::from(format!("temp-{}.rdb", std::process::id()));
    let mut file = NewFile::create(Files, temporary).map_err(|error| reason(&error))?;
    file.in_steps = config.is_on("rdb-save-incremental-fsync");
    if let Some(key) = key()
        && let Err(error) = file.seal(&key)
    {
        file.remove();
        return Err(reason(&error));
    }
    let mut piece = Vec::new();
    let mut is_last = false;
    while !is_last {
        is_last = pull(&mut piece);
        if let Err(error) = file.write(&piece) {
            file.remove();
            return Err(reason(&error));
        }
        piece.clear();
    }
    file.finish(&name).map_err(|error| reason(&error))
}

/// Where a snapshot is kept for replicas that want to know its length first.
fn new_spool(_config: &Config) -> Result<Arc<dyn Spool>, String> {
    let reports = with(|lent| lent.reports.clone()).flatten().ok_or("there are no files")?;
    let spool = SpoolFile::create(reports).map_err(|error| reason(&error))?;
    Ok(Arc::new(spool))
}

/// Reads the file that `dbfilename` names.
fn load(config: &Config, push: Push<'_>) -> Result<(), String> {
    let file = fs::File::open(config.string("dbfilename")).map_err(|error| reason(&error))?;
    let mut file = Opened::new(file, key().as_ref()).map_err(|error| reason(&error))?;
    let mut piece = vec![0; 256 << 10];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(len) if push(&piece[..len]) => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(reason(&error)),
        }
    }
}

/// Lends the key that RDB files are sealed with.
pub(crate) fn lend_key(key: Option<Key>) {
    with(|lent| lent.key = key);
}

/// The key that RDB files are sealed with.
pub(crate) fn key() -> Option<Key> {
    with(|lent| lent.key.clone()).flatten()
}

/// Lends the way to tell what the disk's threads have done.
pub(crate) fn lend_reports(reports: Arc<Reports>) {
    with(|lent| lent.reports = Some(reports));
}

/// Lends the way into the journal.
pub(crate) fn lend_tap(tap: Rc<Tap>) {
    with(|lent| lent.tap = Some(tap));
}

/// A field of INFO about the process.
fn info(name: &str) -> Option<String> {
    let path = |path: &Path| path.display().to_string();
    Some(match name {
        "os" => {
            let name = rustix::system::uname();
            let word = |word: &core::ffi::CStr| word.to_string_lossy().into_owned();
            format!("{} {} {}", word(name.sysname()), word(name.release()), word(name.machine()))
        }
        "monotonic_clock" => "POSIX clock_gettime".into(),
        "multiplexing_api" => with(|lent| lent.io_engine)?.into(),
        "process_id" => std::process::id().to_string(),
        "executable" => with(|lent| path(&lent.executable))?,
        "config_file" => with(|lent| lent.config_file.as_deref().map(path))?.unwrap_or_default(),
        "aof_delayed_fsync" => {
            with(|lent| lent.tap.as_ref().map(|tap| tap.delayed()))??.to_string()
        }
        "mem_allocator" => memory::NAME.into(),
        "used_memory_rss" => {
            let pages = fs::read_to_string("/proc/self/statm").ok()?;
            let pages: usize = pages.split(' ').nth(1)?.parse().ok()?;
            (pages * rustix::param::page_size()).to_string()
        }
        "used_memory_startup" => with(|lent| lent.memory_at_start)?.to_string(),
        "total_system_memory" => {
            let system = rustix::system::sysinfo();
            (system.totalram * u64::from(system.mem_unit)).to_string()
        }
        "used_cpu_sys"
        | "used_cpu_user"
        | "used_cpu_sys_main_thread"
        | "used_cpu_user_main_thread" => cpu_seconds(name)?,
        _ => return None,
    })
}

/// Time in the kernel or out of it, of the process or of this thread, in seconds.
fn cpu_seconds(name: &str) -> Option<String> {
    let file = if name.ends_with("thread") { "/proc/thread-self/stat" } else { "/proc/self/stat" };
    let stat = fs::read_to_string(file).ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    let place = if name.starts_with("used_cpu_user") { 11 } else { 12 };
    let ticks: u64 = fields.nth(place)?.parse().ok()?;
    let per_second = rustix::param::clock_ticks_per_second();
    Some(format!("{}.{:06}", ticks / per_second, ticks % per_second * 1_000_000 / per_second))
}

/// Opens the TCP sockets; `None`: one that has to be there could not be opened.
fn open_tcp(settings: &Settings, log: &Log) -> Option<Vec<Listener>> {
    let mut listeners = Vec::new();
    let port = settings.port;
    if port == 0 {
        return Some(listeners);
    }
    for word in &settings.bind {
        // An address with a dash may be missing on this machine.
        let (word, optional) = word.strip_prefix('-').map_or((word.as_str(), false), |w| (w, true));
        let opened = listen::bind_address(word)
            .ok_or_else(|| io::Error::other("Name or service not known"))
            .and_then(|ip| Listener::tcp(ip, port, settings.tcp_backlog));
        match opened {
            Ok(listener) => listeners.push(listener),
            Err(error) => {
                use io::ErrorKind::{AddrNotAvailable, Unsupported};
                let missing = matches!(error.kind(), AddrNotAvailable | Unsupported)
                    || error.raw_os_error() == Some(libc::EAFNOSUPPORT);
                log.warning(format_args!(
                    "Could not create server TCP listening socket {word}:{port}: bind: {}",
                    reason(&error)
                ));
                if !(optional && missing) {
                    log.warning(format_args!("Failed listening on port {port} (TCP), aborting."));
                    return None;
                }
            }
        }
    }
    if listeners.is_empty() && !settings.bind.is_empty() {
        log.warning(format_args!("Failed listening on port {port} (TCP), aborting."));
        return None;
    }
    Some(listeners)
}
