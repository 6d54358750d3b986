//! Redstart's native server: a thin host of [`redstart_core::Engine`], drop-in for redis-server.
//!
//! One thread runs the engine and its event loop. The order of a start: arguments and configuration, the
//! log, listening sockets, the engine, the loop.

mod clock;
mod host;
mod log;
mod net;
mod settings;
mod signals;

use std::process::ExitCode;

use crate::host::Host;
use crate::log::{Log, Role};
use crate::net::listen::{self, Listener};
use crate::settings::{IoEngine, Settings};
use redstart_core::{Hooks, Level};

/// The server, from its arguments (without the program's name) to its exit code.
pub fn main(args: &[String]) -> ExitCode {
    let settings = Settings::from_args(args);
    if let Some(dir) = &settings.dir
        && let Err(error) = std::env::set_current_dir(dir)
    {
        eprintln!("Can't chdir to '{}': {error}", dir.display());
        return ExitCode::FAILURE;
    }
    let log = Log { level: Level::Notice, file: settings.logfile.clone(), role: Role::Child };
    log.warning("Redstart is starting");
    let mut host = match Host::new(settings, log.clone(), Hooks::default()) {
        Ok(host) => host,
        Err(error) => {
            log.warning(format_args!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    if !listen_everywhere(&mut host) {
        return ExitCode::FAILURE;
    }
    host.log.raw(&format!(
        "\n Redstart {}\n PID: {}\n\n",
        env!("CARGO_PKG_VERSION"),
        std::process::id()
    ));
    host.log.warning("Server initialized");
    host.log.notice("Ready to accept connections");
    if let Err(error) = serve(&mut host) {
        host.log.warning(format_args!("the event loop failed: {error}"));
        return ExitCode::FAILURE;
    }
    host.log.warning("Redstart is now ready to exit, bye bye...");
    ExitCode::from(host.exit_code)
}

fn serve(host: &mut Host) -> std::io::Result<()> {
    match host.settings.io_engine {
        IoEngine::Uring => {
            let ring = net::uring::Ring::new()?;
            net::uring::run(host, ring)
        }
        IoEngine::Auto | IoEngine::Epoll => net::epoll::run(host),
    }
}

/// Opens every listening socket; `false`: one that has to be there could not be opened.
fn listen_everywhere(host: &mut Host) -> bool {
    let settings = &host.settings;
    if settings.port != 0 {
        for word in &settings.bind {
            let (word, optional) =
                word.strip_prefix('-').map_or((word.as_str(), false), |w| (w, true));
            let opened = listen::bind_address(word)
                .ok_or_else(|| std::io::Error::other("Name or service not known"))
                .and_then(|ip| Listener::tcp(ip, settings.port, settings.tcp_backlog));
            match opened {
                Ok(listener) => host.listeners.push(listener),
                Err(_) if optional => {}
                Err(error) => {
                    let port = settings.port;
                    host.log.warning(format_args!(
                        "Could not create server TCP listening socket {word}:{port}: bind: {error}"
                    ));
                    host.log
                        .warning(format_args!("Failed listening on port {port} (TCP), aborting."));
                    return false;
                }
            }
        }
    }
    if let Some(path) = &settings.unixsocket {
        match Listener::unix(path, settings.unixsocketperm, settings.tcp_backlog) {
            Ok(listener) => host.listeners.push(listener),
            Err(error) => {
                host.log.warning(format_args!("Failed opening Unix socket: bind: {error}"));
                return false;
            }
        }
    }
    true
}
