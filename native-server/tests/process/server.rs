//! The binary as its users meet it: started with arguments and files, talked to over sockets, stopped by
//! signals; with each of the two event loops.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use super::common::{self, BINARY, Dir, PATIENCE, dial, free_port, wait_until};

const ENGINES: [&str; 2] = ["epoll", "io_uring"];

/// A server in a directory of its own.
struct Server {
    // First, so that it ends before its directory.
    process: common::Server,
    dir: Dir,
}

impl Server {
    fn start(engine: &str, args: &[&str]) -> Self {
        let dir = Dir::new("server");
        let args = [&["--io-engine", engine], args].concat();
        Self { process: common::Server::start(&dir, &args), dir }
    }
}

impl core::ops::Deref for Server {
    type Target = common::Server;

    fn deref(&self) -> &common::Server {
        &self.process
    }
}

impl core::ops::DerefMut for Server {
    fn deref_mut(&mut self) -> &mut common::Server {
        &mut self.process
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
        let mut unix = UnixStream::connect(server.dir.file("socket")).expect("somebody listens");
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
            let pid = fs::read_to_string(server.dir.file("pid")).expect("a pid file");
            assert_eq!(pid.trim(), server.process.process.id().to_string());
            let _open = server.dial();
            server.signal("-HUP");
            expect(&mut server.dial(), b"PING\r\n", b"+PONG\r\n");
            server.signal(signal);
            assert_eq!(server.exit_code(), Some(0));
            let log = server.log();
            assert!(log.contains(&format!("Received SIG{} scheduling shutdown...", &signal[1..])));
            assert!(log.ends_with("ready to exit, bye bye...\n"), "{log}");
            assert!(!server.dir.file("pid").exists() && !server.dir.file("socket").exists());
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
    let base = server.dir.file("appendonlydir/appendonly.aof.2.base.aof");
    let base = fs::read(base).expect("the new base");
    assert!(base.starts_with(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*"));
    expect(&mut client, b"SET a 2\r\n", b"+OK\r\n");
    server.signal("-TERM");
    assert_eq!(server.exit_code(), Some(0));
    let kept = Dir::new("kept");
    fs::rename(server.dir.file("appendonlydir"), kept.file("appendonlydir")).expect("a free name");
    let server = common::Server::start(&kept, &appending);
    let reply = b"$1\r\n2\r\n*2\r\n$1\r\nx\r\n$1\r\ny\r\n";
    expect(&mut server.dial(), b"GET a\r\nLRANGE b 0 -1\r\n", reply);
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
    let dir = Dir::new("title");
    let port = free_port();
    let file = dir.file("a.conf");
    let text = format!(
        "port {port}\nbind 127.0.0.1\ndir {}\nlogfile 'log'\nalways-show-logo yes\nsave \n\
         proc-title-template \"{{title}} at {{listen-addr}} with {{config-file}}, which is long enough\"\n",
        dir.path().display()
    );
    fs::write(&file, text).expect("a new file");
    let mut command = Command::new(BINARY);
    command.arg("a.conf").current_dir(dir.path());
    let server = common::Server::spawn_only(command, &dir, port);
    let log = || fs::read_to_string(dir.file("log")).unwrap_or_default();
    wait_until(|| log().contains("Ready to accept"), log);
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
        let mut unix = UnixStream::connect(server.dir.file("socket")).expect("somebody listens");
        unix.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        let port = free_port();
        expect(&mut unix, format!("CONFIG SET port {port}\r\n").as_bytes(), b"+OK\r\n");
        expect(&mut dial(port), b"PING\r\n", b"+PONG\r\n");
        assert!(TcpStream::connect(("127.0.0.1", server.port)).is_err());
        let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let taken = taken.local_addr().map(|addr| (addr.port(), taken)).expect("a bound socket");
        let request = format!("CONFIG SET port {}\r\n", taken.0);
        expect(&mut unix, request.as_bytes(), b"-ERR CONFIG SET failed");
        expect(&mut dial(port), b"PING\r\n", b"+PONG\r\n");
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
    let dir = Dir::new("daemon");
    let port = free_port().to_string();
    let path = dir.path().display().to_string();
    let args = ["--daemonize", "yes", "--port", &port, "--pidfile", "pid", "--dir", &path];
    let output = run(&args, "");
    assert_eq!(output.status.code(), Some(0));
    let pid = || fs::read_to_string(dir.file("pid")).unwrap_or_default();
    let listens = || TcpStream::connect(format!("127.0.0.1:{port}")).is_ok();
    wait_until(|| !pid().is_empty() && listens(), || "it does not listen".into());
    assert!(Command::new("kill").arg(pid().trim()).status().expect("kill runs").success());
    wait_until(|| !dir.file("pid").exists(), || "it does not end".into());
}

#[test]
fn who_sees_the_end_of_a_connection_finds_nobody_to_connect_to() {
    for engine in ENGINES {
        let server =
            Server::start(engine, &["--busy-reply-threshold", "50", "--unixsocket", "socket"]);
        let mut script = server.dial();
        script.write_all(b"EVAL 'while true do end' 0\r\n").expect("it takes requests");
        let mut client = server.dial();
        wait_until(
            || common::ask(&mut client, "PING").starts_with("-BUSY"),
            || "it is not busy".into(),
        );
        client.write_all(b"SHUTDOWN NOSAVE\r\n").expect("it takes requests");
        for stream in [&mut client, &mut script] {
            // It may be reset, since the script's replies are not read.
            let _ = stream.read_to_end(&mut Vec::new());
            assert!(TcpStream::connect(("127.0.0.1", server.port)).is_err(), "{engine}");
            assert!(UnixStream::connect(server.dir.file("socket")).is_err(), "{engine}");
        }
    }
}

#[test]
fn others_hear_that_the_append_only_file_is_loaded() {
    for engine in ENGINES {
        let args = ["--appendonly", "yes", "--enable-debug-command", "yes"];
        let server = Server::start(engine, &args);
        let mut client = server.dial();
        expect(&mut client, b"DEBUG POPULATE 2000 key 100\r\n", b"+OK\r\n");
        let started = b"+Background append only file rewriting started\r\n";
        expect(&mut client, b"BGREWRITEAOF\r\n", started);
        server.wait_for_log("Background AOF rewrite finished successfully");
        // It takes a second.
        expect(&mut client, b"CONFIG SET key-load-delay 500\r\n", b"+OK\r\n");
        let events = b"CONFIG SET loading-process-events-interval-bytes 1024\r\n";
        expect(&mut client, events, b"+OK\r\n");
        expect(&mut client, b"SET behind it\r\n", b"+OK\r\n");
        client.write_all(b"DEBUG LOADAOF\r\nDBSIZE\r\n").expect("it takes requests");
        wait_until(|| server.ask("GET behind").starts_with("-LOADING"), || "nobody is told".into());
        server.wait_for_info("persistence", "loading:1");
        expect(&mut client, b"", b"+OK\r\n:2001\r\n");
        assert_eq!(server.ask("GET behind"), "$2\r\nit\r\n");
        let log = server.log();
        assert!(log.contains("Append Only File loaded by DEBUG LOADAOF"), "{log}");
    }
}
