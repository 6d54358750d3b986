//! Snapshots that are sealed, as an operator meets them: written and read with a key, refused without it.

use std::fs;
use std::io::Write;
use std::process::{Command, Output};

use super::common::{self, BINARY, Dir, Server, free_port};

/// The variable of the key, and two keys.
const KEY: &str = "REDSTART_RDB_KEY";
const OURS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER: &str = "CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo=";
const NONE: &[(&str, &str)] = &[];

/// Nothing of the key but what `variables` say.
fn with<'c>(command: &'c mut Command, variables: &[(&str, &str)]) -> &'c mut Command {
    command.env_remove(KEY).env_remove("REDSTART_RDB_KEY_FILE").envs(variables.iter().copied())
}

fn server(dir: &Dir, variables: &[(&str, &str)], port: u16, args: &[&str]) -> Command {
    let mut command = common::command(BINARY, dir, port);
    with(&mut command, variables).args(["--save", "", "--enable-debug-command", "yes"]).args(args);
    command
}

fn start(dir: &Dir, variables: &[(&str, &str)], args: &[&str]) -> Server {
    let port = free_port();
    Server::spawn(server(dir, variables, port, args), dir, port)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// The server does not start, and says this; the file stays as it is.
fn refuses(dir: &Dir, variables: &[(&str, &str)], args: &[&str], file: &str, why: &str) {
    let before = dir.read(file);
    let mut command = server(dir, variables, free_port(), args);
    let output = command.output().expect("the binary runs");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(why), "{said}");
    assert!(!said.contains(OURS) && !said.contains(OTHER), "{said}");
    assert!(dir.read(file) == before);
}

fn check(dir: &Dir, variables: &[(&str, &str)], option: &str, file: &str) -> (Option<i32>, String) {
    let mut command = Command::new(BINARY);
    let output =
        with(&mut command, variables).current_dir(dir.path()).args([option, file]).output();
    let output = output.expect("the binary runs");
    (output.status.code(), said(&output))
}

#[test]
fn a_snapshot_is_sealed_and_opens_with_its_key_alone() {
    let dir = Dir::new("sealed");
    fs::write(dir.file("key"), format!("{OURS}\n")).expect("a new file");
    let server = start(&dir, &[("REDSTART_RDB_KEY_FILE", "key")], &[]);
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
    server.wait_for_info("persistence", "rdb_bgsave_in_progress:0");
    assert!(server.ask("INFO persistence").contains("rdb_last_bgsave_status:ok"));
    let in_background = dir.read("dump.rdb");
    assert!(in_background.starts_with(b"REDSEAL\x01") && in_background[8..40] != saved[8..40]);
    drop(server);

    let server = start(&dir, &[(KEY, OURS)], &[]);
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
    fs::write(dir.file("damaged.rdb"), &damaged).expect("a new file");
    let (args, why) =
        (["--dbfilename", "damaged.rdb"], format!("chunk at byte {second} is damaged"));
    refuses(&dir, &[(KEY, OURS)], &args, "damaged.rdb", &why);
    let (code, said) = check(&dir, &[(KEY, OURS)], "--check-rdb", "damaged.rdb");
    assert!(code == Some(1) && said.contains(&why), "{said}");
    damaged[second + 1000] ^= 4;
    // Between two chunks.
    damaged.truncate(second);
    fs::write(dir.file("damaged.rdb"), &damaged).expect("a new file");
    refuses(&dir, &[(KEY, OURS)], &args, "damaged.rdb", "at byte 40");
}

#[test]
fn a_plain_snapshot_is_read_and_sealed_with_the_next() {
    let dir = Dir::new("sealing");
    let server = start(&dir, NONE, &[]);
    assert_eq!(server.ask("SET a 1"), "+OK\r\n");
    assert_eq!(server.ask("SAVE"), "+OK\r\n");
    assert!(dir.read("dump.rdb").starts_with(b"REDIS"));
    drop(server);
    let mut server = start(&dir, &[(KEY, OURS)], &[]);
    assert_eq!(server.ask("GET a"), "$1\r\n1\r\n");
    server.dial().write_all(b"SHUTDOWN SAVE\r\n").expect("it takes requests");
    assert_eq!(server.exit_code(), Some(0));
    assert!(dir.read("dump.rdb").starts_with(b"REDSEAL\x01"));
    let log = dir.log();
    assert!(log.contains("dump.rdb is not encrypted, though there is a key"), "{log}");
    assert!(!log.contains(OURS), "{log}");
}

#[test]
fn the_base_of_an_append_only_file_is_sealed_and_its_commands_are_not() {
    let dir = Dir::new("sealed-base");
    let args = ["--appendonly", "yes", "--appendfsync", "always"];
    let server = start(&dir, &[(KEY, OURS)], &args);
    assert_eq!(server.ask("SET a in-the-base"), "+OK\r\n");
    assert!(server.ask("BGREWRITEAOF").starts_with("+Background"));
    server.wait_for_info("persistence", "aof_rewrite_in_progress:0");
    assert!(server.ask("INFO persistence").contains("aof_last_bgrewrite_status:ok"));
    assert_eq!(server.ask("SET b behind-it"), "+OK\r\n");
    drop(server);
    let base = "appendonlydir/appendonly.aof.2.base.rdb";
    assert!(dir.read(base).starts_with(b"REDSEAL\x01"));
    let commands = dir.read("appendonlydir/appendonly.aof.2.incr.aof");
    assert!(String::from_utf8_lossy(&commands).contains("behind-it"));
    let log = dir.log();
    assert!(log.contains("its RDB base is, the commands behind it are not"), "{log}");

    let manifest = "appendonlydir/appendonly.aof.manifest";
    let (code, said) = check(&dir, &[(KEY, OURS)], "--check-aof", manifest);
    assert!(code == Some(0) && said.contains("(RDB format)"), "{said}");
    for (variables, why) in [(NONE, "there is no key"), (&[(KEY, OTHER)], "the key is another")] {
        let (code, said) = check(&dir, variables, "--check-aof", manifest);
        assert!(code == Some(1) && said.contains(why), "{said}");
        refuses(&dir, variables, &args, base, why);
    }
    let server = start(&dir, &[(KEY, OURS)], &args);
    assert_eq!(server.ask("GET a"), "$11\r\nin-the-base\r\n");
    assert_eq!(server.ask("GET b"), "$9\r\nbehind-it\r\n");
    assert_eq!(server.ask("DEBUG LOADAOF"), "+OK\r\n");
    assert_eq!(server.ask("GET a"), "$11\r\nin-the-base\r\n");
}
