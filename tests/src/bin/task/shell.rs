//! Running programs: every call says what failed and how.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A program to run in the repository's root, with the project's tools on its path.
pub(crate) struct Run(Command, String);

impl Run {
    /// `words` separated by spaces; arguments with spaces are added with [`Run::arg`].
    pub(crate) fn new(words: &str) -> Self {
        let mut words_left = words.split(' ');
        let mut command = Command::new(words_left.next().unwrap_or_default());
        command
            .args(words_left)
            .current_dir(redstart_tests::root())
            .env("PATH", path())
            .stdin(Stdio::null());
        // Cargo tells its children which toolchain and manifest it runs for; a cargo below it has its own.
        for name in [
            "CARGO",
            "CARGO_MANIFEST_DIR",
            "CARGO_PKG_NAME",
            "RUSTUP_TOOLCHAIN",
            "RUST_RECURSION_COUNT",
        ] {
            command.env_remove(name);
        }
        Self(command, words.to_string())
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.arg(arg);
        self
    }

    pub(crate) fn args<I: IntoIterator<Item = S>, S: AsRef<std::ffi::OsStr>>(
        mut self,
        args: I,
    ) -> Self {
        self.0.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn envs(mut self, all: &[(String, String)]) -> Self {
        self.0.envs(all.iter().map(|(name, value)| (name, value)));
        self
    }

    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.0.current_dir(redstart_tests::root().join(dir));
        self
    }

    /// Runs it with its output shown.
    pub(crate) fn ok(mut self) -> Result<(), String> {
        println!("$ {}", self.1);
        let status = self.0.status().map_err(|e| format!("{}: {e}", self.1))?;
        if status.success() { Ok(()) } else { Err(format!("{}: {status}", self.1)) }
    }

    /// Starts it, its output shown, and leaves it running.
    pub(crate) fn start(mut self) -> Result<Child, String> {
        println!("$ {}", self.1);
        self.0.spawn().map_err(|e| format!("{}: {e}", self.1))
    }

    /// Runs it for its standard output.
    pub(crate) fn output(mut self) -> Result<String, String> {
        let output =
            self.0.stderr(Stdio::piped()).output().map_err(|e| format!("{}: {e}", self.1))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        let tail: Vec<_> = errors.lines().rev().take(15).collect();
        let tail: Vec<_> = tail.into_iter().rev().collect();
        Err(format!("{}: {}\n{}", self.1, output.status, tail.join("\n")))
    }
}

fn path() -> std::ffi::OsString {
    let dirs = std::env::join_paths(redstart_tests::live::program_dirs());
    dirs.unwrap_or_else(|_| std::env::var_os("PATH").unwrap_or_default())
}

/// Whether `program` is on the path or among the project's tools.
pub(crate) fn has(program: &str) -> bool {
    redstart_tests::live::find(program).is_some()
}

/// Whether a path exists below the repository's root.
pub(crate) fn exists(path: &str) -> bool {
    redstart_tests::root().join(path).exists()
}
