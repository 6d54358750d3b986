//! A server as a process: started in a directory, asked, waited for, and gone with the test that started it.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Instant;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_redstart-server");
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A directory of a test, gone at its end.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("redstart-{name}-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir_all(&dir).expect("a directory for temporary files");
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).expect("it is there")
    }

    /// What all servers in it have logged.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.file("out")).unwrap_or_default()).into_owned()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // A temporary directory may stay.
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a bound socket").port()
}

/// Waits until `is_so`; `what` is said of it when that takes too long.
pub(crate) fn wait_until(mut is_so: impl FnMut() -> bool, what: impl Fn() -> String) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{}", what());
        sleep(Duration::from_millis(5));
    }
}

/// A server that listens at `port`, to be started in `dir`; of our own binary or another.
pub(crate) fn command(binary: &str, dir: &Dir, port: u16) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(dir.path()).stdin(Stdio::null());
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    command
}

/// A process that ends with this.
pub(crate) struct Server {
    pub(crate) process: Child,
    pub(crate) port: u16,
    /// Where it logs to, and how much was there before.
    out: PathBuf,
    out_before: usize,
}

impl Server {
    pub(crate) fn start(dir: &Dir, args: &[&str]) -> Self {
        let port = free_port();
        let mut command = command(BINARY, dir, port);
        command.args(args);
        Self::spawn(command, dir, port)
    }

    /// Starts it, and waits until it can be asked.
    pub(crate) fn spawn(command: Command, dir: &Dir, port: u16) -> Self {
        let server = Self::spawn_only(command, dir, port);
        server.wait_for_log("Ready to accept connections");
        server
    }

    pub(crate) fn spawn_only(mut command: Command, dir: &Dir, port: u16) -> Self {
        let out = dir.file("out");
        let log = fs::File::options().append(true).create(true).open(&out).expect("a log");
        let out_before = log.metadata().expect("a file").len() as usize;
        let process = command.stdout(log).spawn().expect("the binary runs");
        Self { process, port, out, out_before }
    }

    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(&self.out).unwrap_or_default();
        String::from_utf8_lossy(&bytes[self.out_before..]).into_owned()
    }

    pub(crate) fn wait_for_log(&self, text: &str) {
        wait_until(|| self.log().contains(text), || format!("no {text:?} in {}", self.log()));
    }

    pub(crate) fn wait_for_info(&self, section: &str, line: &str) {
        let info = || self.ask(&format!("INFO {section}"));
        wait_until(|| info().contains(line), || format!("no {line} in {}", info()));
    }

    pub(crate) fn dial(&self) -> TcpStream {
        dial(self.port)
    }

    /// The first bytes of the reply, on a connection of its own.
    pub(crate) fn ask(&self, command: &str) -> String {
        ask(&mut self.dial(), command)
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(name).arg(self.process.id().to_string()).status();
        assert!(status.expect("kill runs").success());
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it has ended");
    }

    /// The exit code, once it has ended.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        let mut status = None;
        let (process, out) = (&mut self.process, &self.out);
        wait_until(
            || {
                status = process.try_wait().expect("a child of ours");
                status.is_some()
            },
            || format!("still there: {}", fs::read_to_string(out).unwrap_or_default()),
        );
        status?.code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn dial(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
    stream
}

/// The first bytes of the reply.
pub(crate) fn ask(stream: &mut TcpStream, command: &str) -> String {
    let request = format!("{command}\r\n");
    stream.write_all(request.as_bytes()).expect("a connection that takes requests");
    let mut reply = [0; 4096];
    let len = stream.read(&mut reply).expect("a reply");
    String::from_utf8_lossy(&reply[..len]).into_owned()
}
