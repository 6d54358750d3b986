//! A real `redis-server`, started on a free loopback port for one test and stopped after it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server process that belongs to this value.
#[derive(Debug)]
pub struct Server {
    process: Child,
    port: u16,
    dir: PathBuf,
}

impl Server {
    /// Starts the machine's own Redis, the oracle; `None` when there is none.
    ///
    /// `REDSTART_ORACLE` names another binary, such as a newer Redis.
    /// With `REDSTART_REQUIRE_ORACLE` set (as `cargo verify` does) a missing Redis is an error: tests are not
    /// left out in silence.
    pub fn oracle() -> Result<Option<Self>, String> {
        Self::oracle_with(&[])
    }

    /// As [`Server::oracle`], with these arguments.
    pub fn oracle_with(args: &[&str]) -> Result<Option<Self>, String> {
        let named = std::env::var_os("REDSTART_ORACLE").map(PathBuf::from);
        match named.or_else(|| find("redis-server")) {
            Some(binary) => Self::start(&binary, args).map(Some),
            None if std::env::var_os("REDSTART_REQUIRE_ORACLE").is_some() => {
                Err("redis-server is missing; on Debian: apt-get install redis-tools redis-server"
                    .into())
            }
            None => Ok(None),
        }
    }

    /// Starts `binary` without persistence in a directory of its own.
    pub fn start(binary: &Path, args: &[&str]) -> Result<Self, String> {
        let mut last = String::new();
        // Another process may take the port between our asking for a free one and the server's binding it.
        for _ in 0..5 {
            match Self::try_start(binary, args) {
                Ok(server) => return Ok(server),
                Err(e) => last = e,
            }
        }
        Err(format!("{}: {last}", binary.display()))
    }

    fn try_start(binary: &Path, args: &[&str]) -> Result<Self, String> {
        let text = |e: std::io::Error| e.to_string();
        let port = free_port().map_err(text)?;
        let dir = std::env::temp_dir().join(format!("redstart-live-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&dir).map_err(text)?;
        let process = Command::new(binary)
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .args(["--enable-debug-command", "yes", "--logfile", "server.log", "--dir"])
            .arg(&dir)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(text)?;
        let mut server = Self { process, port, dir };
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            if let Ok(Some(status)) = server.process.try_wait() {
                return Err(format!("ended at once with {status}"));
            }
            if server.answers() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err("did not answer PING within 10 s".into())
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = self.dial() else { return false };
        let mut reply = [0; 5];
        stream.write_all(b"PING\r\n").is_ok()
            && stream.read_exact(&mut reply).is_ok()
            && &reply == b"+PONG"
    }

    /// A new connection to it.
    pub fn dial(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(stream)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder that is its own.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may be gone already; there is nobody to tell.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Where `cargo verify` keeps the tools it installs, for every checkout of the project.
pub fn tools_dir() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty());
    cache.map_or_else(home, PathBuf::from).join("redstart/tools")
}

/// The folders with programs: the project's own tools, the path, and where cargo installs by default.
pub fn program_dirs() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    std::iter::once(tools_dir().join("bin"))
        .chain(std::env::split_paths(&path))
        .chain(cargo.map(|dir| dir.join("bin")))
        .collect()
}

/// A program among the project's tools or on the path.
pub fn find(program: &str) -> Option<PathBuf> {
    program_dirs().into_iter().map(|dir| dir.join(program)).find(|p| p.is_file())
}

/// A loopback port that nobody listens on just now.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
