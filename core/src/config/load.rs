//! Reading redis.conf.
//!
//! A line is a directive and its words, quoted as redis-cli quotes; `#` starts a comment line. The host
//! helps through [`Loader`] with what only it can do: reading included files and finding directories.

use super::setting::{Origin, Reason};
use super::table::{self, FORGOTTEN};
use super::{Config, SETTINGS};
use crate::resp::parse::split_words;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The number and the text of the line at fault, where one line is.
    pub line: Option<(usize, String)>,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for ConfigError {
    /// As redis-server prints it below its headline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((number, text)) = &self.line {
            writeln!(f, "Reading the configuration file, at line {number}\n>>> '{text}'")?;
        }
        f.write_str(&self.reason)
    }
}

/// What a host does while its redis.conf is read.
pub trait Loader {
    /// The text of the file or files that `include pattern` names.
    fn include(&mut self, pattern: &str) -> Result<Vec<u8>, String> {
        Err(format!("can't open config file '{pattern}'"))
    }

    /// `dir path`: goes to that directory, if it is there.
    fn dir(&mut self, _path: &str) -> Result<(), String> {
        Ok(())
    }
}

/// A host that does nothing.
impl Loader for () {}

/// A `rename-command` line. That the command exists is for `Engine::check_config` to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The command's own name.
    pub from: Vec<u8>,
    /// The name it shall have; empty: none.
    pub to: Vec<u8>,
    /// The number and the text of the line.
    pub line: (usize, String),
}

/// A `user` line. That its rules are right is for `Engine::check_config` to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLine {
    /// The name and the rules.
    pub words: Vec<Vec<u8>>,
    /// The number and the text of the line.
    pub line: (usize, String),
}

/// Includes may include; a file that includes itself ends here.
const DEPTH_MAX: usize = 32;

impl Config {
    /// The settings that a redis.conf gives, without a host to help.
    pub fn parse_text(text: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        Self::parse_with(text, &mut ())
    }

    /// The settings that a redis.conf gives.
    pub fn parse_with(
        text: impl AsRef<[u8]>,
        loader: &mut dyn Loader,
    ) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        config.load(text.as_ref(), loader, 0)?;
        config.refresh();
        if config.is_on("cluster-enabled") && !config.text("replicaof").is_empty() {
            let reason = "replicaof directive not allowed in cluster mode".into();
            return Err(ConfigError { line: None, reason });
        }
        Ok(config)
    }

    fn load(
        &mut self,
        text: &[u8],
        loader: &mut dyn Loader,
        depth: usize,
    ) -> Result<(), ConfigError> {
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = trim(line);
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            let place = || (index + 1, String::from_utf8_lossy(line).into_owned());
            let words = split_words(line).ok_or_else(|| ConfigError {
                line: Some(place()),
                reason: "Unbalanced quotes in configuration line".into(),
            })?;
            let Some((name, words)) = words.split_first() else { continue };
            let name = name.to_ascii_lowercase();
            if name == b"include" && words.len() == 1 {
                let pattern = String::from_utf8_lossy(&words[0]);
                let included = if depth < DEPTH_MAX {
                    loader.include(&pattern)
                } else {
                    Err("includes are nested too deeply".into())
                };
                let included =
                    included.map_err(|reason| ConfigError { line: Some(place()), reason })?;
                self.load(&included, loader, depth + 1)?;
                continue;
            }
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            self.directive(&name, &words, loader, place).map_err(|reason| ConfigError {
                line: Some(place()),
                reason: reason.into_owned(),
            })?;
        }
        Ok(())
    }

    fn directive(
        &mut self,
        name: &[u8],
        words: &[&[u8]],
        loader: &mut dyn Loader,
        line: impl Fn() -> (usize, String),
    ) -> Result<(), Reason> {
        let owned = || words.iter().map(|word| word.to_vec()).collect();
        if words.len() == 1 && FORGOTTEN.iter().any(|old| old.as_bytes() == name) {
            return Ok(());
        }
        if let Some(place) = table::find(name) {
            return self.setting(place, words, loader);
        }
        match (name, words) {
            (b"rename-command", &[from, to]) => {
                let (from, to) = (from.to_vec(), to.to_vec());
                self.renames.push(Rename { from, to, line: line() });
            }
            (b"user", [user, ..]) => {
                if self.users.iter().any(|other| other.words[0] == *user) {
                    return Err(Reason::Owned(format!(
                        "Error in user declaration '{}': Duplicate user found. A user can only be \
                         defined once in config files",
                        String::from_utf8_lossy(user)
                    )));
                }
                self.users.push(UserLine { words: owned(), line: line() });
            }
            (b"loadmodule", [_, ..]) => self.modules.push(owned()),
            (b"sentinel", _) => {
                return Err("sentinel directive while not in sentinel mode".into());
            }
            _ => return Err("Bad directive or wrong number of arguments".into()),
        }
        Ok(())
    }

    fn setting(
        &mut self,
        place: usize,
        words: &[&[u8]],
        loader: &mut dyn Loader,
    ) -> Result<(), Reason> {
        let origin =
            if self.named.contains(&place) { Origin::LaterLine } else { Origin::FirstLine };
        let setting = &SETTINGS[place];
        // Several values may stand in one pair of quotes: `shutdown-on-sigterm "nosave force"`.
        let apart = match words {
            [all] if setting.is_multi_word() && !all.is_empty() => split_words(all),
            _ => None,
        };
        match &apart {
            Some(apart) => {
                let words: Vec<&[u8]> = apart.iter().map(Vec::as_slice).collect();
                self.set_words(place, &words, origin)?;
            }
            None => self.set_words(place, words, origin)?,
        }
        if setting.name == "dir" {
            loader.dir(&self.string("dir")).map_err(Reason::Owned)?;
        }
        if origin == Origin::FirstLine {
            self.named.push(place);
        }
        Ok(())
    }
}

fn trim(mut line: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    while let [first, rest @ ..] = line
        && is_space(first)
    {
        line = rest;
    }
    while let [rest @ .., last] = line
        && is_space(last)
    {
        line = rest;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn refusal(text: &str) -> String {
        Config::parse_text(text).expect_err("the text is wrong").to_string()
    }

    #[test]
    fn a_file_of_directives_is_read() {
        let config = Config::parse_text(
            "# comment\n\nport 7000\n  PORT 7001  \r\nlogfile ''\nsave 900 1\nsave 100 2\n\
             slave-priority 5\nshutdown-on-sigterm \"nosave force\"\nrequirepass \"a b\\x00\"\n\
             rename-command GET \"\"\nuser alice on +@all\nlua-replicate-commands yes",
        )
        .expect("all of it is right");
        assert_eq!(config.port(), 7001);
        assert_eq!(config.text("save"), b"900 1 100 2");
        assert_eq!(config.number("replica-priority"), 5);
        assert_eq!(config.text("shutdown-on-sigterm"), b"nosave force");
        assert_eq!(config.requirepass, b"a b\0");
        assert_eq!(config.renames[0].from, b"GET");
        assert_eq!(config.users[0].words.len(), 3);
    }

    #[test]
    fn a_name_with_nothing_behind_it_is_an_empty_list() {
        assert_eq!(Config::parse_text("save ").expect("no points").text("save"), b"");
        assert_eq!(Config::parse_text("save 9 9\nsave ''").expect("none").text("save"), b"");
        assert_eq!(Config::parse_text("bind").expect("nowhere").bind().len(), 0);
    }

    #[test]
    fn a_wrong_line_is_named_with_its_reason() {
        let at_line = |n: usize, line: &str, reason: &str| {
            format!("Reading the configuration file, at line {n}\n>>> '{line}'\n{reason}")
        };
        for (line, reason) in [
            ("port abc", "argument couldn't be parsed into an integer"),
            ("port", "wrong number of arguments"),
            ("\"port\" \"6379\" \"6380\"", "wrong number of arguments"),
            ("foo bar \"x y\"", "Bad directive or wrong number of arguments"),
            ("save 1", "Invalid save parameters"),
            ("daemonize maybe", "argument must be 'yes' or 'no'"),
            ("slaveof a 70000", "Invalid master port"),
            ("port \"1", "Unbalanced quotes in configuration line"),
            ("sentinel monitor a", "sentinel directive while not in sentinel mode"),
            ("unixsocketperm 888", "argument couldn't be parsed as an octal number"),
            ("unixsocketperm 7777", "argument must be between 0 and 777 inclusive"),
            ("databases 0", "argument must be between 1 and 2147483647 inclusive"),
            ("appendfilename \"\"", "appendfilename can't be empty"),
        ] {
            let text = format!("timeout 1\n  {line} \n");
            assert_eq!(refusal(&text), at_line(2, line, reason));
        }
    }

    #[test]
    fn a_replica_is_no_cluster_node() {
        assert_eq!(
            refusal("cluster-enabled yes\nreplicaof host 1"),
            "replicaof directive not allowed in cluster mode"
        );
    }

    #[test]
    fn the_host_reads_included_files_and_finds_directories() {
        struct Host(Vec<String>);
        impl Loader for Host {
            fn include(&mut self, pattern: &str) -> Result<Vec<u8>, String> {
                self.0.push(pattern.into());
                Ok(b"port 1".to_vec())
            }
            fn dir(&mut self, path: &str) -> Result<(), String> {
                if path == "/here" { Ok(()) } else { Err("No such file or directory".into()) }
            }
        }
        let mut host = Host(Vec::new());
        let config = Config::parse_with("include a.conf\ndir /here", &mut host);
        assert_eq!(config.expect("both work").port(), 1);
        assert_eq!(host.0, ["a.conf"]);
        assert!(Config::parse_with("dir /there", &mut host).is_err());
    }

    #[test]
    fn settings_that_nobody_heeds_yet_are_listed() {
        let config = Config::parse_text("masteruser me\nport 1\nappendfsync everysec")
            .expect("all of it is right");
        let unheeded: Vec<_> = config.unheeded().collect();
        assert_eq!(unheeded, [("masteruser", "replication")]);
    }
}
