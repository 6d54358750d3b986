//! A backup as an operator makes one: `redis-cli --rdb` while clients write, read back by both servers.

use core::sync::atomic::{AtomicBool, Ordering};
use std::fs;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::Arc;

use super::common::{BINARY, Dir, Server, ask, command, free_port};

fn start(binary: &str, dir: &Dir, args: &[&str]) -> Server {
    let port = free_port();
    let mut command = command(binary, dir, port);
    command.args(["--save", "", "--enable-debug-command", "yes"]).args(args);
    Server::spawn(command, dir, port)
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
    let dir = Dir::new("backup");
    for (engine, capa) in [("epoll", true), ("io_uring", true), ("epoll", false)] {
        let server = start(BINARY, &dir, &["--io-engine", engine]);
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
        fs::write(dir.file("backup.rdb"), &file).expect("a new file");
        let check = Command::new(BINARY).arg("--check-rdb").arg(dir.file("backup.rdb")).output();
        assert!(check.expect("the binary runs").status.success());
        let digest = |binary: &str| {
            let reader = start(binary, &dir, &["--dbfilename", "backup.rdb"]);
            assert_eq!(reader.ask("GET a"), reader.ask("GET b"));
            assert_eq!(reader.ask("LLEN list"), ":3\r\n");
            reader.ask("DEBUG DIGEST")
        };
        let ours = digest(BINARY);
        if let Some(redis) = find("redis-server") {
            assert_eq!(digest(&redis), ours);
        }
    }
    redis_cli(&dir);
}

/// The tool itself, where there is one.
fn redis_cli(dir: &Dir) {
    let Some(tool) = find("redis-cli") else { return };
    let server = start(BINARY, dir, &[]);
    server.ask("SET k v");
    for (option, keys) in [("--rdb", 1), ("--functions-rdb", 0)] {
        let file = dir.file("cli.rdb");
        let port = server.port.to_string();
        let output = Command::new(&tool).args(["-p", &port, option]).arg(&file).output();
        let output = output.expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("Transfer finished with success"), "{said}");
        let check = Command::new(BINARY).arg("--check-rdb").arg(&file).output();
        let said = String::from_utf8_lossy(&check.expect("the binary runs").stdout).into_owned();
        assert!(said.contains(&format!("{keys} keys read")), "{said}");
    }
}
