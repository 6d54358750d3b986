//! The binary as its users meet it: started with arguments and files, talked to over sockets, stopped by
//! signals; with each of the two event loops.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Instant;

const BINARY: &str = env!("CARGO_BIN_EXE_redstart-server");
const ENGINES: [&str; 2] = ["epoll", "io_uring"];
const PATIENCE: Duration = Duration::from_secs(20);

/// A server of one test, in a directory of its own.
struct Server {
    process: Child,
    port: u16,
    dir: PathBuf,
}

fn fresh_dir() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("redstart-server-{}-{number}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory for temporary files");
    dir
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a bound socket").port()
}

impl Server {
    fn start(engine: &str, args: &[&str]) -> Self {
        let (dir, port) = (fresh_dir(), free_port());
        let log = fs::File::create(dir.join("out")).expect("a new file");
        let process = Command::new(BINARY)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"])
            .arg(&dir)
            .args(["--io-engine", engine])
            .args(args)
            .stdin(Stdio::null())
            .stdout(log)
            .spawn()
            .expect("the binary runs");
        let server = Self { process, port, dir };
        server.wait_for_log("Ready to accept connections");
        server
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("out")).unwrap_or_default()
    }

    fn wait_for_log(&self, text: &str) {
        let start = Instant::now();
        while !self.log().contains(text) {
            assert!(start.elapsed() < PATIENCE, "no {text:?} in {}", self.log());
            sleep(Duration::from_millis(5));
        }
    }

    fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("somebody listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        stream
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(name).arg(self.process.id().to_string()).status();
        assert!(status.expect("kill runs").success());
    }

    /// The exit code, once it has ended.
    fn exit_code(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a child of ours") {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "still there: {}", self.log());
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Sends `request` and reads as many bytes as `reply` has, which they must be.
fn expect(stream: &mut (impl Read + Write), request: &[u8], reply: &[u8]) {
    stream.write_all(request).expect("a connection that takes requests");
    let mut got = vec![0; reply.len()];
    stream.read_exact(&mut got).expect("a reply");
    assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(reply));
}

/// A run that ends by itself.
fn run(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(BINARY)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("it was piped");
    stdin.write_all(input.as_bytes()).expect("it is read");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

#[test]
fn requests_are_answered_over_tcp_and_unix_sockets() {
    for engine in ENGINES {
        let server = Server::start(engine, &["--unixsocket", "socket", "--unixsocketperm", "700"]);
        expect(
            &mut server.dial(),
            b"SET k v\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
            b"+OK\r\n$1\r\nv\r\n",
        );
        let mut unix = UnixStream::connect(server.dir.join("socket")).expect("somebody listens");
        expect(&mut unix, b"GET k\r\n", b"$1\r\nv\r\n");
    }
}

#[test]
fn a_request_may_come_in_pieces() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        let mut stream = server.dial();
        for byte in b"*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n" {
            stream.write_all(&[*byte]).expect("a connection that takes requests");
        }
        expect(&mut stream, b"", b"$2\r\nhi\r\n");
    }
}

#[test]
fn values_larger_than_every_buffer_pass_through() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        let mut stream = server.dial();
        let value = vec![b'x'; 8 << 20];
        let mut request =
            format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n", value.len()).into_bytes();
        request.extend_from_slice(&value);
        request.extend_from_slice(b"\r\n");
        expect(&mut stream, &request, b"+OK\r\n");
        let mut reply = format!("${}\r\n", value.len()).into_bytes();
        reply.extend_from_slice(&value);
        reply.extend_from_slice(b"\r\n");
        // Two at once, which the socket does not take in one go.
        expect(&mut stream, b"GET k\r\nGET k\r\n", &[&reply[..], &reply[..]].concat());
    }
}

#[test]
fn one_that_does_not_read_holds_up_nobody() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        let mut silent = server.dial();
        let value = "x".repeat(1 << 20);
        let set = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n{value}\r\n", value.len());
        expect(&mut silent, set.as_bytes(), b"+OK\r\n");
        silent.write_all(&b"GET k\r\n".repeat(50)).expect("a connection that takes requests");
        expect(&mut server.dial(), b"PING\r\n", b"+PONG\r\n");
        let reply = format!("${}\r\n{value}\r\n", value.len()).repeat(50);
        expect(&mut silent, b"", reply.as_bytes());
    }
}

#[test]
fn what_was_sent_before_the_end_is_still_answered() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        let mut stream = server.dial();
        stream.write_all(&b"PING\r\n".repeat(3000)).expect("a connection that takes requests");
        stream.shutdown(std::net::Shutdown::Write).expect("an open connection");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).expect("replies and then the end");
        assert_eq!(reply.len(), b"+PONG\r\n".len() * 3000, "{engine}");
    }
}

#[test]
fn a_malformed_request_is_refused_and_the_connection_closed() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        let mut stream = server.dial();
        stream.write_all(b"*1\r\nx\r\n").expect("a connection that takes requests");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("an error and then the end");
        assert_eq!(reply, "-ERR Protocol error: expected '$', got 'x'\r\n");
    }
}

#[test]
fn more_than_maxclients_are_sent_away() {
    for engine in ENGINES {
        let server = Server::start(engine, &["--maxclients", "3"]);
        let mut streams: Vec<TcpStream> = (0..3).map(|_| server.dial()).collect();
        for stream in &mut streams {
            expect(stream, b"PING\r\n", b"+PONG\r\n");
        }
        let mut reply = String::new();
        server.dial().read_to_string(&mut reply).expect("an error and then the end");
        assert_eq!(reply, "-ERR max number of clients reached\r\n");
        streams.pop();
        let start = Instant::now();
        // The place is free when the server has seen the end of the third.
        while server.dial().write_all(b"PING\r\n").is_err() && start.elapsed() < PATIENCE {}
    }
}

#[test]
fn thousands_of_idle_connections_are_held() {
    for engine in ENGINES {
        let server = Server::start(engine, &[]);
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        // Half for this process and other tests in it.
        let count = (limit.unwrap_or(20_000) / 2).min(10_000) as usize - 64;
        let mut streams: Vec<TcpStream> = (0..count).map(|_| server.dial()).collect();
        for stream in streams.iter_mut().step_by(97) {
            expect(stream, b"PING\r\n", b"+PONG\r\n");
        }
        expect(streams.last_mut().expect("many"), b"PING\r\n", b"+PONG\r\n");
    }
}

#[test]
fn signals_end_it_in_order() {
    for engine in ENGINES {
        for signal in ["-TERM", "-INT"] {
            let mut server = Server::start(engine, &["--pidfile", "pid", "--unixsocket", "socket"]);
            let pid = fs::read_to_string(server.dir.join("pid")).expect("a pid file");
            assert_eq!(pid.trim(), server.process.id().to_string());
            let _open = server.dial();
            server.signal("-HUP");
            expect(&mut server.dial(), b"PING\r\n", b"+PONG\r\n");
            server.signal(signal);
            assert_eq!(server.exit_code(), Some(0));
            let log = server.log();
            assert!(log.contains(&format!("Received SIG{} scheduling shutdown...", &signal[1..])));
            assert!(log.ends_with("ready to exit, bye bye...\n"), "{log}");
            assert!(!server.dir.join("pid").exists() && !server.dir.join("socket").exists());
        }
    }
}

#[test]
fn a_base_may_be_commands() {
    let appending = ["--appendonly", "yes", "--aof-use-rdb-preamble", "no"];
    let mut server = Server::start(ENGINES[0], &appending);
    let mut client = server.dial();
    expect(&mut client, b"SET a 1\r\nRPUSH b x y\r\n", b"+OK\r\n:2\r\n");
    let started = b"+Background append only file rewriting started\r\n";
    expect(&mut client, b"BGREWRITEAOF\r\n", started);
    server.wait_for_log("Background AOF rewrite finished successfully");
    let base = server.dir.join("appendonlydir/appendonly.aof.2.base.aof");
    let base = fs::read(base).expect("the new base");
    assert!(base.starts_with(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*"));
    expect(&mut client, b"SET a 2\r\n", b"+OK\r\n");
    server.signal("-TERM");
    assert_eq!(server.exit_code(), Some(0));
    let kept = fresh_dir();
    fs::rename(server.dir.join("appendonlydir"), kept.join("appendonlydir")).expect("a free name");
    let dir = kept.to_str().expect("a name of our own");
    let server = Server::start(ENGINES[0], &[&appending[..], &["--dir", dir]].concat());
    let reply = b"$1\r\n2\r\n*2\r\n$1\r\nx\r\n$1\r\ny\r\n";
    expect(&mut server.dial(), b"GET a\r\nLRANGE b 0 -1\r\n", reply);
    drop(server);
    fs::remove_dir_all(kept).expect("it is there");
}

#[test]
fn a_crash_is_reported_in_the_log() {
    for (how, text) in [
        ("DEBUG SEGFAULT", "crashed by signal: 11"),
        ("DEBUG PANIC", "Guru Meditation: "),
        ("DEBUG ASSERT", "1 == 2"),
        ("-ABRT", "crashed by signal: 6"),
    ] {
        let mut server = Server::start(ENGINES[0], &["--enable-debug-command", "yes"]);
        if how.starts_with('-') {
            server.signal(how);
        } else {
            let mut client = server.dial();
            client.write_all(format!("{how}\r\n").as_bytes()).expect("somebody listens");
        }
        assert_ne!(server.exit_code(), Some(0), "{how}");
        let log = server.log();
        let report =
            log.split("=== REDIS BUG REPORT START").nth(1).unwrap_or_else(|| panic!("{log}"));
        assert!(report.contains(text) && report.contains("STACK TRACE"), "{report}");
        assert!(
            report.contains("redis_version:7.0.15") && report.contains("REPORT END"),
            "{report}"
        );
    }
    let mut server = Server::start(ENGINES[0], &["--crash-log-enabled", "no"]);
    server.signal("-SEGV");
    assert_eq!(server.exit_code(), None, "the signal ends it all the same");
    assert!(!server.log().contains("BUG REPORT"));
}

#[test]
fn a_file_is_read_and_shown_in_the_title() {
    let dir = fresh_dir();
    let port = free_port();
    let file = dir.join("a.conf");
    let text = format!(
        "port {port}\nbind 127.0.0.1\ndir {}\nlogfile 'log'\nalways-show-logo yes\nsave \n\
         proc-title-template \"{{title}} at {{listen-addr}} with {{config-file}}, which is long enough\"\n",
        dir.display()
    );
    fs::write(&file, text).expect("a new file");
    let process = Command::new(BINARY).arg("a.conf").current_dir(&dir).spawn().expect("it runs");
    let server = Server { process, port, dir: dir.clone() };
    let start = Instant::now();
    let log = || fs::read_to_string(dir.join("log")).unwrap_or_default();
    while !log().contains("Ready to accept") {
        assert!(start.elapsed() < PATIENCE, "{}", log());
    }
    assert!(log().contains(&format!(" PID: {}", server.process.id())), "{}", log());
    let title = fs::read_to_string(format!("/proc/{}/cmdline", server.process.id()));
    let expected =
        format!("{BINARY} at 127.0.0.1:{port} with {}, which is long enough", file.display());
    assert_eq!(title.expect("it runs").trim_end_matches('\0'), expected);
}

#[test]
fn settings_may_come_from_standard_input() {
    let output = run(&["-", "--port", "0"], "unixsocket /nonexistent/x\n");
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(log.contains("Failed opening Unix socket: bind: No such file or directory"), "{log}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_wrong_setting_is_named_on_standard_error() {
    let output = run(&["--port", "6379", "6380"], "");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("FATAL CONFIG FILE ERROR"), "{text}");
    assert!(
        text.contains("at line 2\n>>> 'port \"6379\" \"6380\"'\nwrong number of arguments"),
        "{text}"
    );
    for args in [&["--nosuch", "1"][..], &["--maxclients", "x"], &["--slaveof", "a", "70000"]] {
        assert_eq!(run(args, "").status.code(), Some(1), "{args:?}");
    }
    let output = run(&["/nonexistent.conf"], "");
    assert!(String::from_utf8_lossy(&output.stdout).contains("can't open config file"));
}

#[test]
fn a_port_in_use_ends_the_start() {
    let server = Server::start("epoll", &[]);
    let output = run(&["--port", &server.port.to_string(), "--bind", "127.0.0.1"], "");
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(log.contains("Failed listening on port"), "{log}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn addresses_change_while_it_runs() {
    for engine in ENGINES {
        let server = Server::start(engine, &["--unixsocket", "socket"]);
        let mut unix = UnixStream::connect(server.dir.join("socket")).expect("somebody listens");
        unix.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        let port = free_port();
        expect(&mut unix, format!("CONFIG SET port {port}\r\n").as_bytes(), b"+OK\r\n");
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens there now");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        expect(&mut stream, b"PING\r\n", b"+PONG\r\n");
        assert!(TcpStream::connect(("127.0.0.1", server.port)).is_err());
        let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let taken = taken.local_addr().map(|addr| (addr.port(), taken)).expect("a bound socket");
        let request = format!("CONFIG SET port {}\r\n", taken.0);
        expect(&mut unix, request.as_bytes(), b"-ERR CONFIG SET failed");
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it still listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        expect(&mut stream, b"PING\r\n", b"+PONG\r\n");
    }
}

#[test]
fn version_and_help_are_printed() {
    let version = run(&["--version"], "");
    assert!(version.stdout.starts_with(b"Redstart server v="));
    assert!(run(&["-h"], "").stdout.starts_with(b"Usage: redstart-server"));
}

#[test]
fn daemonize_leaves_the_terminal() {
    let dir = fresh_dir();
    let port = free_port().to_string();
    let path = dir.display().to_string();
    let args = ["--daemonize", "yes", "--port", &port, "--pidfile", "pid", "--dir", &path];
    let output = run(&args, "");
    assert_eq!(output.status.code(), Some(0));
    let start = Instant::now();
    let pid = loop {
        let pid = fs::read_to_string(dir.join("pid")).unwrap_or_default();
        if !pid.is_empty() && TcpStream::connect(format!("127.0.0.1:{port}")).is_ok() {
            break pid;
        }
        assert!(start.elapsed() < PATIENCE, "it does not listen");
        sleep(Duration::from_millis(5));
    };
    assert!(Command::new("kill").arg(pid.trim()).status().expect("kill runs").success());
    while dir.join("pid").exists() {
        assert!(start.elapsed() < PATIENCE, "it does not end");
        sleep(Duration::from_millis(5));
    }
    fs::remove_dir_all(dir).expect("our own directory");
}
