//! What a server does about its own process: how many descriptors it may open, its title, its pid file,
//! leaving the terminal.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::log::Log;
use crate::settings::{Settings, reason};

/// Descriptors that are not clients: listeners, files, the event loop's.
const RESERVED: u64 = 32;

/// Raises the limit of open files to what `maxclients` needs; how many clients there may be then.
/// `None`: not even one.
pub(crate) fn raise_open_files(maxclients: usize, log: &Log) -> Option<usize> {
    let wanted = maxclients as u64 + RESERVED;
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    if current >= wanted {
        return Some(maxclients);
    }
    let raise = |to: u64| {
        let maximum = limit.maximum.map(|maximum| maximum.max(to));
        setrlimit(Resource::Nofile, Rlimit { current: Some(to), maximum })
    };
    let Err(error) = raise(wanted) else {
        log.notice(format_args!(
            "Increased maximum number of open files to {wanted} (it was originally set to {current})."
        ));
        return Some(maxclients);
    };
    // As far as the hard limit lets us.
    let best = limit.maximum.unwrap_or(u64::MAX).clamp(current, wanted);
    let best = if raise(best).is_ok() { best } else { current };
    if best <= RESERVED {
        log.warning(format_args!(
            "Your current 'ulimit -n' of {current} is not enough for the server to start. Please \
             increase your open file limit to at least {wanted}. Exiting."
        ));
        return None;
    }
    let clients = (best - RESERVED) as usize;
    log.warning(format_args!(
        "You requested maxclients of {maxclients} requiring at least {wanted} max file descriptors."
    ));
    log.warning(format_args!(
        "Server can't set maximum open files to {wanted} because of OS error: {}.",
        reason(&error.into())
    ));
    log.warning(format_args!(
        "Current maximum open files is {best}. maxclients has been reduced to {clients} to compensate \
         for low ulimit. If you need higher maxclients increase 'ulimit -n'."
    ));
    Some(clients)
}

/// Writes the process's number to `path`.
pub(crate) fn write_pid_file(path: &Path, log: &Log) {
    if let Err(error) = fs::write(path, format!("{}\n", std::process::id())) {
        log.verbose(format_args!("Failed to write PID file: {}", reason(&error)));
    }
}

/// In the environment of a process that was started to go on in the background.
const MARK: &str = "REDSTART_IN_BACKGROUND";

/// Whether this process is the one in the background. Leaves the terminal if so.
pub(crate) fn is_in_background() -> bool {
    let marked = std::env::var_os(MARK).is_some();
    if marked {
        // Fails for the leader of a session, which has none to leave.
        let _ = rustix::process::setsid();
    }
    marked
}

/// Starts this program again in the background, with its arguments as they were, `input` for its standard
/// input, and `dir` to start in. A process with threads cannot simply be split in two.
pub(crate) fn start_in_background(
    program: &OsString,
    args: &[OsString],
    dir: &Path,
    input: &[u8],
) -> io::Result<()> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg0(program)
        .args(args)
        .current_dir(dir)
        .env(MARK, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read has its reason, which its log tells.
        let _ = stdin.write_all(input);
    }
    Ok(())
}

/// What the process's title is made from, besides settings.
#[derive(Debug, Clone)]
pub(crate) struct Title {
    /// The program's name as it was started.
    pub(crate) program: String,
    pub(crate) config_file: String,
}

impl Title {
    /// Sets the title that `ps` shows.
    pub(crate) fn show(&self, settings: &Settings) {
        if let Some(template) = &settings.title {
            // Without it nothing is amiss.
            let _ = write_title(self.text(template, settings).as_bytes());
        }
    }

    fn text(&self, template: &str, settings: &Settings) -> String {
        let path = settings.unixsocket.as_ref();
        let unixsocket = path.map_or_else(String::new, |path| path.display().to_string());
        let address = if settings.port == 0 && path.is_some() {
            unixsocket.clone()
        } else {
            let first = settings.bind.first().map_or("*", String::as_str);
            format!("{first}:{}", settings.port)
        };
        template
            .replace("{title}", &self.program)
            .replace("{listen-addr}", &address)
            .replace("{server-mode}", "")
            .replace("{port}", &settings.port.to_string())
            .replace("{tls-port}", "0")
            .replace("{unixsocket}", &unixsocket)
            .replace("{config-file}", &self.config_file)
            .trim_end()
            .to_string()
    }
}

/// Puts a title over the arguments that the kernel shows, and over the environment behind them if it is
/// longer: both have been read by now. The memory belongs to nothing in this program, so it is written the
/// way a debugger would.
fn write_title(title: &[u8]) -> io::Result<()> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The program's name, in parentheses, may hold anything; numbers follow it.
    let numbers: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|word| word.parse().unwrap_or(0))
        .collect();
    let &[args, args_end, environment, environment_end] =
        numbers.get(45..49).unwrap_or(&[]).first_chunk().ok_or(io::ErrorKind::Unsupported)?;
    let end = if environment == args_end { environment_end } else { args_end };
    if args == 0 || end <= args {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // One byte is left for the zero at the end.
    let mut bytes = title[..title.len().min((end - args) as usize - 1)].to_vec();
    if title.len() as u64 >= args_end - args {
        bytes.push(0);
    } else {
        bytes.resize((args_end - args) as usize, 0);
    }
    OpenOptions::new().write(true).open("/proc/self/mem")?.write_all_at(&bytes, args)
}

#[cfg(test)]
mod tests {
    use super::*;
    use redstart_core::Config;

    #[test]
    fn a_title_names_what_its_template_asks_for() {
        let mut config = Config::default();
        config.set("bind", b"127.0.0.1 ::1").expect("two addresses");
        config.set("port", b"7000").expect("a port");
        let title = Title { program: "redis-server".into(), config_file: "/a.conf".into() };
        let text = |template| title.text(template, &Settings::new(&config));
        assert_eq!(text("{title} {listen-addr} {server-mode}"), "redis-server 127.0.0.1:7000");
        assert_eq!(text("TEST {port} {tls-port} {config-file}"), "TEST 7000 0 /a.conf");
    }
}
