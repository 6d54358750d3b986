//! Snapshots that are sealed, as an operator meets them: written and read with a key, refused without it.

use core::time::Duration;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Instant;

const BINARY: &str = env!("CARGO_BIN_EXE_redstart-server");
const PATIENCE: Duration = Duration::from_secs(60);
/// The variable of the key, and two keys.
const KEY: &str = "REDSTART_RDB_KEY";
const OURS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER: &str = "CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo=";
const NONE: &[(&str, &str)] = &[];

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("redstart-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a directory for temporary files");
        Self(dir)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).expect("it is there")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // A temporary directory may stay.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program, in this environment.
fn program(dir: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(dir).env_remove(KEY).env_remove("REDSTART_RDB_KEY_FILE");
    command.envs(variables.iter().copied());
    command
}

fn server(dir: &Dir, variables: &[(&str, &str)], port: u16, args: &[&str]) -> Command {
    let mut command = program(&dir.0, variables);
    command.args(["--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "yes"]);
    command.args(["--port", &port.to_string()]).args(args);
    command
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a bound socket").port()
}

struct Server(Child, u16);

impl Server {
    fn start(dir: &Dir, variables: &[(&str, &str)], args: &[&str]) -> Self {
        let port = free_port();
        let log = fs::File::options().append(true).create(true).open(dir.0.join("log"));
        let mut command = server(dir, variables, port, args);
        let child = command.stdout(log.expect("a log")).spawn().expect("the binary runs");
        let server = Self(child, port);
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err()
            || !server.ask("PING").starts_with("+PONG")
        {
            assert!(start.elapsed() < PATIENCE, "it does not begin");
            sleep(Duration::from_millis(10));
        }
        server
    }

    /// The first bytes of the reply.
    fn ask(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.1)).expect("somebody listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        stream.write_all(format!("{command}\r\n").as_bytes()).expect("it takes requests");
        let mut reply = [0; 4096];
        let len = stream.read(&mut reply).expect("a reply");
        String::from_utf8_lossy(&reply[..len]).into_owned()
    }

    fn wait_for(&self, section: &str, line: &str) {
        let start = Instant::now();
        while !self.ask(&format!("INFO {section}")).contains(line) {
            assert!(start.elapsed() < PATIENCE, "no {line}");
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// The server does not start, and says this; the file stays as it is.
fn refuses(dir: &Dir, variables: &[(&str, &str)], args: &[&str], file: &str, why: &str) {
    let before = dir.read(file);
    let mut command = server(dir, variables, free_port(), args);
    let output = command.stdin(Stdio::null()).output().expect("the binary runs");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(why), "{said}");
    assert!(!said.contains(OURS) && !said.contains(OTHER), "{said}");
    assert!(dir.read(file) == before);
}

fn check(dir: &Dir, variables: &[(&str, &str)], option: &str, file: &str) -> (Option<i32>, String) {
    let output = program(&dir.0, variables).args([option, file]).output();
    let output = output.expect("the binary runs");
    (output.status.code(), said(&output))
}

#[test]
fn a_snapshot_is_sealed_and_opens_with_its_key_alone() {
    let dir = Dir::new("sealed");
    fs::write(dir.0.join("key"), format!("{OURS}\n")).expect("a new file");
    let server = Server::start(&dir, &[("REDSTART_RDB_KEY_FILE", "key")], &[]);
    assert_eq!(server.ask("DEBUG POPULATE 20000 key 16"), "+OK\r\n");
    assert_eq!(server.ask("SET secret a-well-known-word"), "+OK\r\n");
    let digest = server.ask("DEBUG DIGEST");
    assert_eq!(server.ask("SAVE"), "+OK\r\n");
    let saved = dir.read("dump.rdb");
    assert!(saved.starts_with(b"REDSEAL\x01") && saved.len() > 200_000);
    assert!(!saved.windows(17).any(|bytes| bytes == b"a-well-known-word"));
    assert_eq!(server.ask("DEBUG RELOAD"), "+OK\r\n");
    assert_eq!(server.ask("DEBUG DIGEST"), digest);
    assert!(server.ask("BGSAVE").starts_with("+Background"));
    server.wait_for("persistence", "rdb_bgsave_in_progress:0");
    assert!(server.ask("INFO persistence").contains("rdb_last_bgsave_status:ok"));
    let in_background = dir.read("dump.rdb");
    assert!(in_background.starts_with(b"REDSEAL\x01") && in_background[8..40] != saved[8..40]);
    drop(server);

    let server = Server::start(&dir, &[(KEY, OURS)], &[]);
    assert_eq!(server.ask("DEBUG DIGEST"), digest);
    drop(server);
    let (code, said) = check(&dir, &[(KEY, OURS)], "--check-rdb", "dump.rdb");
    assert!(code == Some(0) && said.contains("20001 keys read"), "{said}");

    refuses(&dir, NONE, &[], "dump.rdb", "there is no key: REDSTART_RDB_KEY");
    refuses(
        &dir,
        &[(KEY, OTHER)],
        &[],
        "dump.rdb",
        "at byte 40, does not open: the key is another",
    );
    refuses(&dir, &[(KEY, "")], &[], "dump.rdb", "REDSTART_RDB_KEY: a key is 64");
    for (variables, why) in [(NONE, "there is no key"), (&[(KEY, OTHER)], "the key is another")] {
        let (code, said) = check(&dir, variables, "--check-rdb", "dump.rdb");
        assert!(code == Some(1) && said.contains(why), "{said}");
    }

    let mut damaged = in_background;
    let second = 40 + 65_536 + 16;
    damaged[second + 1000] ^= 4;
    fs::write(dir.0.join("damaged.rdb"), &damaged).expect("a new file");
    let (args, why) =
        (["--dbfilename", "damaged.rdb"], format!("chunk at byte {second} is damaged"));
    refuses(&dir, &[(KEY, OURS)], &args, "damaged.rdb", &why);
    let (code, said) = check(&dir, &[(KEY, OURS)], "--check-rdb", "damaged.rdb");
    assert!(code == Some(1) && said.contains(&why), "{said}");
    damaged[second + 1000] ^= 4;
    // Between two chunks.
    damaged.truncate(second);
    fs::write(dir.0.join("damaged.rdb"), &damaged).expect("a new file");
    refuses(&dir, &[(KEY, OURS)], &args, "damaged.rdb", "at byte 40");
}

#[test]
fn a_plain_snapshot_is_read_and_sealed_with_the_next() {
    let dir = Dir::new("sealing");
    let server = Server::start(&dir, NONE, &[]);
    assert_eq!(server.ask("SET a 1"), "+OK\r\n");
    assert_eq!(server.ask("SAVE"), "+OK\r\n");
    assert!(dir.read("dump.rdb").starts_with(b"REDIS"));
    drop(server);
    let mut server = Server::start(&dir, &[(KEY, OURS)], &[]);
    assert_eq!(server.ask("GET a"), "$1\r\n1\r\n");
    let mut stream = TcpStream::connect(("127.0.0.1", server.1)).expect("somebody listens");
    stream.write_all(b"SHUTDOWN SAVE\r\n").expect("it takes requests");
    server.0.wait().expect("it ends");
    assert!(dir.read("dump.rdb").starts_with(b"REDSEAL\x01"));
    let log = String::from_utf8_lossy(&dir.read("log")).into_owned();
    assert!(log.contains("dump.rdb is not encrypted, though there is a key"), "{log}");
    assert!(!log.contains(OURS), "{log}");
}

#[test]
fn the_base_of_an_append_only_file_is_sealed_and_its_commands_are_not() {
    let dir = Dir::new("sealed-base");
    let args = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = Server::start(&dir, &[(KEY, OURS)], &args);
    assert_eq!(server.ask("SET a in-the-base"), "+OK\r\n");
    assert!(server.ask("BGREWRITEAOF").starts_with("+Background"));
    server.wait_for("persistence", "aof_rewrite_in_progress:0");
    assert!(server.ask("INFO persistence").contains("aof_last_bgrewrite_status:ok"));
    assert_eq!(server.ask("SET b behind-it"), "+OK\r\n");
    drop(server);
    let base = "appendonlydir/appendonly.aof.2.base.rdb";
    assert!(dir.read(base).starts_with(b"REDSEAL\x01"));
    let commands = dir.read("appendonlydir/appendonly.aof.2.incr.aof");
    assert!(String::from_utf8_lossy(&commands).contains("behind-it"));
    let log = String::from_utf8_lossy(&dir.read("log")).into_owned();
    assert!(log.contains("its RDB base is, the commands behind it are not"), "{log}");

    let manifest = "appendonlydir/appendonly.aof.manifest";
    let (code, said) = check(&dir, &[(KEY, OURS)], "--check-aof", manifest);
    assert!(code == Some(0) && said.contains("(RDB format)"), "{said}");
    for (variables, why) in [(NONE, "there is no key"), (&[(KEY, OTHER)], "the key is another")] {
        let (code, said) = check(&dir, variables, "--check-aof", manifest);
        assert!(code == Some(1) && said.contains(why), "{said}");
        refuses(&dir, variables, &args, base, why);
    }
    let server = Server::start(&dir, &[(KEY, OURS)], &args);
    assert_eq!(server.ask("GET a"), "$11\r\nin-the-base\r\n");
    assert_eq!(server.ask("GET b"), "$9\r\nbehind-it\r\n");
    assert_eq!(server.ask("DEBUG LOADAOF"), "+OK\r\n");
    assert_eq!(server.ask("GET a"), "$11\r\nin-the-base\r\n");
}
