//! The log: `PID:ROLE dd Mon yyyy hh:mm:ss.mmm LEVEL message`, a line at a time, to a file or to standard
//! output.
//!
//! Each line is one `write` in append mode: others (log rotation, a test that writes marks) may write to
//! the same file. The file is opened for each line, so that one moved away is left alone from then on.

use core::fmt::Display;
use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use redstart_core::Level;

/// What a process is, as the letter in its log lines says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// `C`: one that has not taken up its work yet, or a child.
    Child,
    /// `M`: a master.
    Master,
}

/// Where the log goes, and how much of it.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// Lines below this are left out.
    pub(crate) level: Level,
    /// `None`: standard output.
    pub(crate) file: Option<PathBuf>,
    pub(crate) role: Role,
    /// Looked up once: the environment is gone when the process has its title.
    zone: TimeZone,
}

impl Log {
    /// A log as it is before there are settings.
    pub(crate) fn to_standard_output() -> Self {
        Self { level: Level::Notice, file: None, role: Role::Child, zone: TimeZone::system() }
    }

    /// Whether somebody looks on.
    pub(crate) fn is_on_a_terminal(&self) -> bool {
        self.file.is_none() && std::io::stdout().is_terminal()
    }

    pub(crate) fn verbose(&self, message: impl Display) {
        self.line(Level::Verbose, message);
    }

    pub(crate) fn notice(&self, message: impl Display) {
        self.line(Level::Notice, message);
    }

    pub(crate) fn warning(&self, message: impl Display) {
        self.line(Level::Warning, message);
    }

    /// One line of the log.
    pub(crate) fn line(&self, level: Level, message: impl Display) {
        if level < self.level {
            return;
        }
        let role = match self.role {
            Role::Child => 'C',
            Role::Master => 'M',
        };
        let mark = match level {
            Level::Debug => '.',
            Level::Verbose => '-',
            Level::Notice => '*',
            Level::Warning => '#',
        };
        let time = Timestamp::now()
            .to_zoned(self.zone.clone())
            .strftime("%d %b %Y %H:%M:%S%.3f")
            .to_string();
        self.raw(&format!("{}:{role} {time} {mark} {message}\n", std::process::id()));
    }

    /// Text as it is.
    pub(crate) fn raw(&self, text: &str) {
        // There is nobody to tell that the log cannot be written.
        let _ = match &self.file {
            Some(path) => OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .and_then(|mut file| file.write_all(text.as_bytes())),
            None => {
                let mut out = std::io::stdout().lock();
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            }
        };
    }
}
