//! Redstart's native server: a thin host of [`redstart_core::Engine`], drop-in for redis-server.
//!
//! One thread runs the engine and its event loop. The order of a start: arguments ([`args`]), settings
//! ([`settings`]), the process ([`process`]), listening sockets and the engine ([`host`]), the loop ([`net`]).

mod args;
mod clock;
mod crash;
mod host;
mod lent;
mod log;
pub mod memory;
mod net;
pub mod persist;
mod process;
mod settings;
mod signals;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::args::{Request, Sources};
use crate::host::Host;
use crate::log::{Log, Role};
use crate::persist::seal::Key;
use crate::process::Title;
use crate::settings::{IoEngine, Refusal, Settings, reason};

/// This program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The version of Redis whose behaviour is followed.
const REDIS_VERSION: &str = "7.0.15";

/// The server, from its arguments (the program's name first) to its exit code.
pub fn main(args: &[OsString]) -> ExitCode {
    memory::this_thread_runs_the_engine();
    let (program, args) = match args.split_first() {
        Some((program, args)) => (program.clone(), args),
        None => ("redstart-server".into(), args),
    };
    match args::read(&program, args) {
        Request::Version => {
            println!(
                "Redstart server v={VERSION} redis={REDIS_VERSION} malloc={} bits={}",
                memory::NAME,
                usize::BITS
            );
            ExitCode::SUCCESS
        }
        Request::Help => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Request::CheckRdb(args) => persist::check::rdb(&args),
        Request::CheckAof(args) => persist::check::aof(&args),
        Request::Serve(sources) => serve(&program, args, sources),
    }
}

const HELP: &str = "\
Usage: redstart-server [/path/to/redis.conf] [--name value ...] [-]
       redstart-server -                  (reads the configuration from standard input)
       redstart-server -v or --version
       redstart-server -h or --help
       redstart-server --check-rdb <dump.rdb>
       redstart-server --check-aof [--fix|--truncate-to-timestamp <time>] <file.manifest|file.aof>

Every directive of redis.conf is an option, and options come after the file:
       redstart-server --port 7777
       redstart-server /etc/redis/6379.conf --loglevel verbose --save 900 1
       redstart-server --maxmemory 1gb -  < my.conf";

fn serve(program: &OsString, args: &[OsString], mut sources: Sources) -> ExitCode {
    // Before `dir` leads elsewhere.
    let start_dir = std::env::current_dir().unwrap_or_default();
    sources.file = sources.file.map(|path| start_dir.join(path));
    let mut log = Log::to_standard_output();
    let key = match Key::from_environment() {
        Ok(key) => key,
        Err(error) => {
            log.warning(format_args!("Can't have the key of snapshots: {}", reason(&error)));
            return ExitCode::FAILURE;
        }
    };
    let input = settings::read_standard_input(&sources);
    let config = match settings::load(&sources, &input) {
        Ok(config) => config,
        Err(Refusal::File(path, error)) => {
            let path = path.display();
            log.warning(format_args!(
                "Fatal error, can't open config file '{path}': {}",
                reason(&error)
            ));
            return ExitCode::FAILURE;
        }
        Err(Refusal::Config(error)) => {
            eprintln!(
                "\n*** FATAL CONFIG FILE ERROR (Redstart {VERSION}, Redis {REDIS_VERSION}) ***\n{error}"
            );
            return ExitCode::FAILURE;
        }
    };
    let settings = Settings::new(&config);
    log.file.clone_from(&settings.logfile);
    log.level = settings.loglevel;
    let in_background = process::is_in_background();
    if settings.daemonize && !in_background {
        return match process::start_in_background(program, args, &start_dir, &input) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                log.warning(format_args!("Can't go to the background: {}", reason(&error)));
                ExitCode::FAILURE
            }
        };
    }
    let pid = std::process::id();
    log.warning("oO0OoO0OoO0Oo Redstart is starting oO0OoO0OoO0Oo");
    log.warning(format_args!(
        "Redstart version={VERSION}, Redis version={REDIS_VERSION}, bits={}, pid={pid}, just started",
        usize::BITS
    ));
    if args.is_empty() {
        log.warning(
            "Warning: no config file specified, using the default config. In order to specify a \
             config file use redstart-server /path/to/redis.conf",
        );
    } else {
        log.warning("Configuration loaded");
    }
    log.role = Role::Master;
    let facts = format!(
        "redis_version:{REDIS_VERSION}\nredstart_version:{VERSION}\nos:{}\narch:{}\narch_bits:{}\n\
         mem_allocator:{}\nprocess_id:{pid}\ntcp_port:{}\nexecutable:{}\nconfig_file:{}\n",
        std::env::consts::OS,
        std::env::consts::ARCH,
        usize::BITS,
        memory::NAME,
        settings.port,
        std::env::current_exe().unwrap_or_default().display(),
        sources.file.clone().unwrap_or_default().display(),
    );
    crash::install(&log, facts, config.is_on("crash-log-enabled"));
    let title = Title {
        program: program.to_string_lossy().into_owned(),
        config_file: sources
            .file
            .as_ref()
            .map(|path| path.display().to_string())
            .unwrap_or_default(),
    };
    let mut host = match Host::start(config, settings, log.clone(), title, sources.file, key) {
        Ok(Some(host)) => host,
        Ok(None) => return ExitCode::FAILURE,
        Err(error) => {
            log.warning(format_args!("Can't start: {}", reason(&error)));
            return ExitCode::FAILURE;
        }
    };
    host.introduce(in_background);
    if !host.begin_load() {
        return ExitCode::FAILURE;
    }
    if let Err(error) = run(&mut host) {
        host.log.warning(format_args!("The event loop failed: {}", reason(&error)));
        return ExitCode::FAILURE;
    }
    ExitCode::from(if host.failed { 1 } else { host.exit_code })
}

/// The event loop of the settings' choice.
fn run(host: &mut Host) -> std::io::Result<()> {
    if host.settings.io_engine == IoEngine::Uring {
        match net::uring::Ring::new() {
            Ok(ring) => {
                host.log.verbose("Sockets are waited for with io_uring");
                lent::set_io_engine("io_uring");
                return net::uring::run(host, ring);
            }
            Err(error) => {
                let reason = reason(&error);
                host.log
                    .warning(format_args!("There is no io_uring here ({reason}): epoll instead"));
            }
        }
    }
    host.log.verbose("Sockets are waited for with epoll");
    net::epoll::run(host)
}
