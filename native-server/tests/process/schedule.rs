//! Snapshots at set times: each is kept under a name of its own, and the oldest go.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::common::{BINARY, Dir, Server, wait_until};

fn command(dir: &Dir, schedule: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(dir.path()).args(["--port", "0", "--unixsocket", "socket", "--save", ""]);
    command.args(["--snapshot-schedule", schedule, "--snapshot-keep", "2"]);
    command.stdin(Stdio::null());
    command
}

/// The snapshots that were kept.
fn kept(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).expect("it is there");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    names.map(|name| name.expect("ours")).filter(|name| name.starts_with("dump-2")).collect()
}

#[test]
fn a_snapshot_each_second_is_kept_and_the_oldest_go() {
    let dir = Dir::new("schedule");
    // With a sixth field before the usual five, for seconds.
    let mut server = Server::spawn_only(command(&dir, "* * * * * *"), &dir, 0);
    let mut seen = BTreeSet::new();
    wait_until(
        || {
            seen.extend(kept(dir.path()));
            seen.len() >= 4
        },
        || "there are fewer than four".into(),
    );
    // One is there before the oldest goes.
    wait_until(|| kept(dir.path()).len() <= 2, || format!("still {:?}", kept(dir.path())));
    server.kill();
    let kept = kept(dir.path());
    assert!(!kept.is_empty());
    for name in kept {
        let mut check = Command::new(BINARY);
        check.current_dir(dir.path()).args(["--check-rdb", &name]);
        let output = check.output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_schedule_that_is_none_ends_the_start() {
    let dir = Dir::new("no-schedule");
    let output = command(&dir, "at three").stdout(Stdio::piped()).output();
    let output = output.expect("the binary runs");
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Invalid snapshot-schedule 'at three': "), "{said}");
}
