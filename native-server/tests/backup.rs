//! A backup as an operator makes one: `redis-cli --rdb` while clients write, read back by both servers.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Instant;

const BINARY: &str = env!("CARGO_BIN_EXE_redstart-server");
const PATIENCE: Duration = Duration::from_secs(60);

struct Server(Child, u16);

impl Server {
    fn start(binary: &str, dir: &Path, args: &[&str]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound socket").port();
        drop(listener);
        let child = Command::new(binary)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(dir)
            .args(["--enable-debug-command", "yes"])
            .args(args)
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary runs");
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

    fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.1)).expect("somebody listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        stream
    }

    /// The first bytes of the reply.
    fn ask(&self, command: &str) -> String {
        ask(&mut self.dial(), command)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(stream: &mut TcpStream, command: &str) -> String {
    stream
        .write_all(format!("{command}\r\n").as_bytes())
        .expect("a connection that takes requests");
    let mut reply = [0; 4096];
    let len = stream.read(&mut reply).expect("a reply");
    String::from_utf8_lossy(&reply[..len]).into_owned()
}

fn find(name: &str) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.is_file());
    Some(found?.to_string_lossy().into_owned())
}

/// What is read by `read` until the connection ends.
fn backup(server: &Server, capa: bool) -> Vec<u8> {
    let mut stream = server.dial();
    if capa {
        assert_eq!(ask(&mut stream, "REPLCONF capa eof"), "+OK\r\n");
    }
    assert_eq!(ask(&mut stream, "REPLCONF rdb-only 1"), "+OK\r\n");
    stream.write_all(b"SYNC\r\n").expect("a connection that takes requests");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("a connection that ends");
    let start = all.iter().position(|byte| *byte != b'\n').expect("more than newlines");
    let line = start + all[start..].iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    let head = String::from_utf8_lossy(&all[start..line]).into_owned();
    let mut file = all.split_off(line);
    match head.strip_prefix("$EOF:") {
        Some(mark) => {
            let rest = file.split_off(file.len() - 40);
            assert_eq!(rest, mark.trim_end().as_bytes());
        }
        None => assert_eq!(format!("${}\r\n", file.len()), head),
    }
    file
}

#[test]
fn a_backup_under_load_is_of_one_moment_for_both_servers() {
    let dir = std::env::temp_dir().join(format!("redstart-backup-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory for temporary files");
    for (engine, capa) in [("epoll", true), ("io_uring", true), ("epoll", false)] {
        let server = Server::start(BINARY, &dir, &["--io-engine", engine]);
        assert_eq!(server.ask("DEBUG POPULATE 20000 key 200"), "+OK\r\n");
        assert_eq!(server.ask("RPUSH list a b c"), ":3\r\n");
        let is_over = Arc::new(AtomicBool::new(false));
        let writer = {
            let (mut stream, is_over) = (server.dial(), Arc::clone(&is_over));
            std::thread::spawn(move || {
                let mut count = 0;
                while !is_over.load(Ordering::Relaxed) {
                    count += 1;
                    // Both or none; and what was there at the cut changes all the time.
                    let key = count % 20_000;
                    let unit = format!(
                        "MULTI\r\nSET a {count}\r\nSET key:{key} x\r\nSET b {count}\r\nEXEC"
                    );
                    assert!(!ask(&mut stream, &unit).starts_with('-'));
                }
            })
        };
        let file = backup(&server, capa);
        is_over.store(true, Ordering::Relaxed);
        writer.join().expect("it writes to the end");
        fs::write(dir.join("backup.rdb"), &file).expect("a new file");
        let check = Command::new(BINARY).arg("--check-rdb").arg(dir.join("backup.rdb")).output();
        assert!(check.expect("the binary runs").status.success());
        let digest = |binary: &str| {
            let reader = Server::start(binary, &dir, &["--dbfilename", "backup.rdb"]);
            assert_eq!(reader.ask("GET a"), reader.ask("GET b"));
            assert_eq!(reader.ask("LLEN list"), ":3\r\n");
            // What Redis has read it writes again: each has a digest of its own kind.
            if binary != BINARY {
                assert_eq!(reader.ask("SAVE"), "+OK\r\n");
            }
            reader.ask("DEBUG DIGEST")
        };
        let ours = digest(BINARY);
        if let Some(redis) = find("redis-server") {
            digest(&redis);
            assert_eq!(digest(BINARY), ours);
        }
    }
    redis_cli(&dir);
    // A temporary directory may stay.
    let _ = fs::remove_dir_all(&dir);
}

/// The tool itself, where there is one.
fn redis_cli(dir: &Path) {
    let Some(tool) = find("redis-cli") else { return };
    let server = Server::start(BINARY, dir, &[]);
    server.ask("SET k v");
    for (option, keys) in [("--rdb", 1), ("--functions-rdb", 0)] {
        let file: PathBuf = dir.join("cli.rdb");
        let port = server.1.to_string();
        let output = Command::new(&tool).args(["-p", &port, option]).arg(&file).output();
        let output = output.expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("Transfer finished with success"), "{said}");
        let check = Command::new(BINARY).arg("--check-rdb").arg(&file).output();
        let said = String::from_utf8_lossy(&check.expect("the binary runs").stdout).into_owned();
        assert!(said.contains(&format!("{keys} keys read")), "{said}");
    }
}
