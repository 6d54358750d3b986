//! Snapshots at set times: each is kept under a name of its own, and the oldest go.

use core::time::Duration;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Instant;

const BINARY: &str = env!("CARGO_BIN_EXE_redstart-server");
const PATIENCE: Duration = Duration::from_secs(60);

/// A process and its directory, both gone at the end.
struct Server(Child, PathBuf);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
        // A temporary directory may stay.
        let _ = fs::remove_dir_all(&self.1);
    }
}

fn directory(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("redstart-{name}-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory for temporary files");
    dir
}

fn command(dir: &Path, schedule: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(dir).args(["--port", "0", "--unixsocket", "socket", "--save", ""]);
    command.args(["--snapshot-schedule", schedule, "--snapshot-keep", "2"]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
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
    let dir = directory("schedule");
    // With a sixth field before the usual five, for seconds.
    let child = command(&dir, "* * * * * *").spawn().expect("the binary runs");
    let mut server = Server(child, dir);
    let (start, mut seen) = (Instant::now(), BTreeSet::new());
    while seen.len() < 4 {
        assert!(start.elapsed() < PATIENCE, "only {seen:?}");
        seen.extend(kept(&server.1));
        sleep(Duration::from_millis(20));
    }
    // One is there before the oldest goes.
    while kept(&server.1).len() > 2 {
        assert!(start.elapsed() < PATIENCE, "still {:?}", kept(&server.1));
        sleep(Duration::from_millis(5));
    }
    server.0.kill().expect("it runs");
    server.0.wait().expect("it ends");
    let kept = kept(&server.1);
    assert!(!kept.is_empty());
    for name in kept {
        let mut check = Command::new(BINARY);
        check.current_dir(&server.1).args(["--check-rdb", &name]);
        let output = check.output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_schedule_that_is_none_ends_the_start() {
    let dir = directory("no-schedule");
    let output = command(&dir, "at three").stdout(Stdio::piped()).output();
    let output = output.expect("the binary runs");
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Invalid snapshot-schedule 'at three': "), "{said}");
    fs::remove_dir_all(&dir).expect("it is ours");
}
