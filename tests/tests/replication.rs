//! The data set through a connection: snapshots for those who ask with SYNC or PSYNC, and what changes behind them.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use redstart_core::server::hooks::Spool;
use redstart_core::{Config, ConnId, Effect, Engine, Hooks, Now, Peer};
use redstart_tests::script::BIRTH;

#[derive(Debug, Default)]
struct Memory(Mutex<Vec<u8>>);

thread_local! {
    /// The disk stands still: all that it was given waits.
    static STILL: Cell<bool> = const { Cell::new(false) };
    /// It is full.
    static FULL: Cell<bool> = const { Cell::new(false) };
}

impl Memory {
    fn len(&self) -> usize {
        self.0.lock().expect("nobody panicked").len()
    }
}

impl Spool for Memory {
    fn write(&self, bytes: Vec<u8>) -> Result<(), String> {
        if FULL.get() {
            return Err("no space left".into());
        }
        self.0.lock().expect("nobody panicked").extend_from_slice(&bytes);
        Ok(())
    }

    fn waiting(&self) -> usize {
        if STILL.get() { self.len() } else { 0 }
    }

    fn read(&self, at: u64, len: usize, out: &mut Vec<u8>) -> Result<(), String> {
        let at = at as usize;
        out.extend_from_slice(&self.0.lock().expect("nobody panicked")[at..at + len]);
        Ok(())
    }
}

struct Host {
    engine: Engine,
    now: Now,
    client: ConnId,
    log: Vec<String>,
    closed: Vec<ConnId>,
}

fn host(config: &str) -> Host {
    let spool: redstart_core::server::hooks::NewSpool = |_| Ok(Arc::new(Memory::default()));
    let hooks = Hooks { save: Some(|_, _| Ok(())), spool: Some(spool), ..Hooks::default() };
    let config = Config::parse_text(config).expect("the settings are right");
    let mut engine = Engine::new(config, [7; 32], BIRTH, hooks);
    let client = engine.connect(BIRTH, Peer::default());
    Host { engine, now: BIRTH, client, log: Vec::new(), closed: Vec::new() }
}

impl Host {
    fn replica(&mut self, words: &[&str]) -> ConnId {
        let conn = self
            .engine
            .connect(self.now, Peer { addr: "10.0.0.9:99".into(), local: true, ..Peer::default() });
        for words in words {
            self.engine.receive(self.now, conn, format!("{words}\r\n").as_bytes());
            if !words.contains("SYNC") {
                assert_eq!(self.take(conn, usize::MAX), b"+OK\r\n");
            }
        }
        conn
    }

    fn ask(&mut self, command: &str) -> String {
        self.engine.receive(self.now, self.client, format!("{command}\r\n").as_bytes());
        String::from_utf8_lossy(&self.take(self.client, usize::MAX)).into_owned()
    }

    fn effects(&mut self) {
        while let Some(effect) = self.engine.poll() {
            match effect {
                Effect::Log(_, line) => self.log.push(line),
                Effect::Close(conn) => {
                    self.engine.disconnect(self.now, conn);
                    self.closed.push(conn);
                }
                _ => {}
            }
        }
    }

    /// Lets a connection send so many bytes of what there is.
    fn take(&mut self, conn: ConnId, most: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.engine.outgoing(conn).flatten().copied().collect();
        bytes.truncate(most);
        self.engine.sent(self.now, conn, bytes.len());
        self.effects();
        bytes
    }

    /// Does all that can be done now, while nobody sends.
    fn work(&mut self) -> usize {
        let mut steps = 0;
        assert_eq!(self.engine.has_deadline(), self.engine.deadline().is_some());
        while self.engine.deadline().is_some_and(|at_us| at_us <= self.now.mono_us) {
            self.engine.timeout(self.now);
            self.effects();
            steps += 1;
            assert!(steps < 100_000, "it comes to an end");
        }
        steps
    }

    /// All that a connection gets until there is nothing more for it.
    fn all(&mut self, conn: ConnId) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            self.work();
            match self.take(conn, usize::MAX) {
                bytes if bytes.is_empty() => return all,
                bytes => all.extend_from_slice(&bytes),
            }
        }
    }

    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now.mono_us += 1_000_000;
            self.now.unix_us += 1_000_000;
            self.engine.timeout(self.now);
            self.effects();
        }
    }

    fn fill(&mut self, keys: usize) {
        for i in 0..keys {
            self.ask(&format!("SET key:{i} {}", "v".repeat(1000)));
        }
    }
}

/// The file of the form with a mark, and what stands behind it.
fn unmarked(bytes: &[u8]) -> (&[u8], &[u8]) {
    let rest = bytes.strip_prefix(b"$EOF:").expect("the form with a mark");
    let (mark, rest) = rest.split_at(40);
    let rest = rest.strip_prefix(b"\r\n").expect("a line");
    let at = rest.windows(40).position(|part| part == mark).expect("the mark at the end");
    (&rest[..at], &rest[at + 40..])
}

/// The keys of a file.
fn keys(file: &[u8]) -> String {
    let mut other = host("");
    other.engine.load_rdb(BIRTH, file).expect("a sound file");
    other.ask("DBSIZE")
}

#[test]
fn the_snapshot_is_of_one_moment_and_what_follows_comes_behind_it() {
    for (capa, diskless) in [(true, "yes"), (true, "no"), (false, "yes")] {
        let mut host = host(&format!("repl-diskless-sync {diskless}"));
        host.fill(500);
        let words = ["REPLCONF listening-port 6380", "REPLCONF capa eof", "PSYNC ? -1"];
        let words = if capa { &words[..] } else { &["REPLCONF listening-port 6380", "PSYNC ? -1"] };
        let replica = host.replica(words);
        host.engine.timeout(host.now);
        assert!(
            host.ask("INFO replication").contains("slave0:ip=10.0.0.9,port=6380,state=send_bulk")
        );
        assert!(host.ask("CLIENT LIST TYPE replica").contains("flags=S"));
        host.ask("SET later 1");
        host.ask("DEL key:1");
        host.ask("FLUSHDB");
        let all = host.all(replica);
        let text = String::from_utf8_lossy(&all[..80]).into_owned();
        let head = text.strip_prefix("+FULLRESYNC ").and_then(|rest| rest.split_once("\r\n"));
        assert_eq!(
            head.expect("which history it is").0.split_once(' ').map(|(_, at)| at),
            Some("0")
        );
        let start = text.find('$').expect("a file");
        let (file, behind) = if capa && diskless == "yes" {
            unmarked(&all[start..])
        } else {
            let (len, _) = text[start + 1..].split_once("\r\n").expect("a length");
            let (from, len) = (start + len.len() + 3, len.parse::<usize>().expect("a number"));
            all[from..].split_at(len)
        };
        assert_eq!(keys(file), ":500\r\n");
        let behind = String::from_utf8_lossy(behind).replace("\r\n", " ");
        assert_eq!(
            behind,
            "*2 $6 SELECT $1 0 *3 $3 SET $5 later $1 1 *2 $3 DEL $5 key:1 *1 $7 FLUSHDB "
        );
        host.ask("SET k v");
        assert_eq!(host.take(replica, usize::MAX), b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n");
        host.engine.receive(host.now, replica, b"REPLCONF ACK 120\r\n");
        assert!(host.take(replica, usize::MAX).is_empty());
        let role = host.ask("ROLE").replace("\r\n", " ");
        assert!(role.ends_with("*1 *3 $8 10.0.0.9 $4 6380 $3 120 "), "{role}");
        host.engine.disconnect(host.now, replica);
        assert!(host.ask("ROLE").ends_with("*0\r\n"));
        host.work();
        assert_eq!(host.ask("SET k w"), "+OK\r\n");
    }
}

#[test]
fn who_wants_the_snapshot_alone_is_left_then() {
    let mut host = host("");
    host.fill(300);
    let want = ["REPLCONF capa eof", "REPLCONF rdb-only 1", "SYNC"];
    let (first, second) = (host.replica(&want), host.replica(&want));
    let functions = host.replica(&[want[0], want[1], "REPLCONF rdb-filter-only functions", "SYNC"]);
    host.engine.timeout(host.now);
    host.ask("SET later 1");
    // It is too late for the first snapshot.
    let third = host.replica(&want);
    let (mut a, mut b) = (host.all(first), host.all(second));
    a.extend(host.all(first));
    b.extend(host.all(second));
    assert_eq!(a, b, "they share one");
    assert_eq!(keys(unmarked(&a).0), ":300\r\n");
    assert_eq!(keys(unmarked(&host.all(functions)).0), ":0\r\n");
    assert_eq!(keys(unmarked(&host.all(third)).0), ":301\r\n");
    for conn in [first, second, functions, third] {
        assert!(host.closed.contains(&conn));
    }
    assert!(host.ask("INFO replication").contains("connected_slaves:0"));
    assert!(host.ask("INFO persistence").contains("rdb_bgsave_in_progress:0"));
}

#[test]
fn one_that_reads_slowly_has_no_more_made_than_it_takes() {
    let mut host = host("repl-timeout 5\nrdbcompression no");
    host.fill(2000);
    let replica = host.replica(&["REPLCONF capa eof", "SYNC"]);
    host.work();
    let waiting = |host: &Host| host.engine.outgoing(replica).map(<[u8]>::len).sum::<usize>();
    let full = waiting(&host);
    assert!((256 << 10..300 << 10).contains(&full), "{full} bytes wait");
    assert_eq!(host.work(), 0, "nothing is done until it reads");
    assert_eq!(host.ask("BGSAVE"), "-ERR Background save already in progress\r\n");
    host.take(replica, 10_000);
    host.pass(4);
    assert!(host.closed.is_empty());
    host.take(replica, 1);
    host.pass(4);
    assert!(host.closed.is_empty(), "it does read");
    host.pass(6);
    assert_eq!(host.closed, [replica], "it does not");
    host.work();
    assert_eq!(host.ask("BGSAVE"), "+Background saving started\r\n");
}

#[test]
fn what_is_kept_for_one_that_reads_slowly_has_a_limit() {
    let limit = "client-output-buffer-limit replica 1mb 0 0";
    let mut slow = host(limit);
    slow.fill(4000);
    let reader = slow.replica(&["REPLCONF capa eof", "REPLCONF rdb-only 1", "SYNC"]);
    slow.work();
    for i in 0..4000 {
        slow.ask(&format!("APPEND key:{i} more"));
    }
    slow.take(reader, usize::MAX);
    slow.work();
    assert_eq!(slow.closed, [reader]);
    // A stream that is not read counts as well.
    let mut slow = host(limit);
    let replica = slow.replica(&["REPLCONF capa eof", "SYNC"]);
    slow.all(replica);
    slow.fill(2000);
    slow.work();
    assert_eq!(slow.closed, [replica]);
    assert_eq!(slow.ask("DBSIZE"), ":2000\r\n");
}

#[test]
fn those_who_wait_hear_that_they_are_not_forgotten() {
    let mut host = host("repl-ping-replica-period 3");
    host.ask("SET a 1");
    assert_eq!(host.ask("BGSAVE"), "+Background saving started\r\n");
    let replica = host.replica(&["REPLCONF capa eof", "SYNC"]);
    assert!(host.ask("INFO replication").contains("state=wait_bgsave"));
    host.pass(1);
    assert_eq!(host.take(replica, usize::MAX), b"\n");
    host.pass(1);
    assert_eq!(host.take(replica, usize::MAX), b"\n");
    // It ends all snapshots, and theirs begins then.
    host.ask("FLUSHALL");
    assert_eq!(keys(unmarked(&host.all(replica)).0), ":0\r\n");
    host.pass(3);
    assert_eq!(host.take(replica, usize::MAX), b"*1\r\n$4\r\nPING\r\n");
    // It has said nothing for long, but it cannot be asked: it came with SYNC.
    host.pass(100);
    assert!(host.closed.is_empty());
}

#[test]
fn flushall_ends_a_snapshot_on_its_way() {
    let mut host = host("");
    host.fill(2000);
    let replica = host.replica(&["REPLCONF capa eof", "SYNC"]);
    host.engine.timeout(host.now);
    host.ask("FLUSHALL");
    host.work();
    assert_eq!(host.closed, [replica]);
    assert!(host.ask("INFO persistence").contains("rdb_bgsave_in_progress:0"));
}

#[test]
fn what_cannot_be_given_is_refused_before_anything_is_sent() {
    let mut engine = Engine::new(Config::default(), [7; 32], BIRTH, Hooks::default());
    let conn = engine.connect(BIRTH, Peer::default());
    let mut ask = |text: &str| {
        engine.receive(BIRTH, conn, text.as_bytes());
        let bytes: Vec<u8> = engine.outgoing(conn).flatten().copied().collect();
        engine.sent(BIRTH, conn, bytes.len());
        while engine.poll().is_some() {}
        String::from_utf8_lossy(&bytes).into_owned()
    };
    assert!(ask("SYNC\r\n").starts_with("-ERR this server has no disk to find the length"));
    ask("REPLCONF rdb-filter-only functions\r\n");
    assert_eq!(ask("SYNC\r\n"), "-ERR Filtered replica requires EOF capability\r\n");
    let pending = "+PONG\r\n-ERR SYNC and PSYNC are invalid with pending output\r\n";
    assert_eq!(ask("REPLCONF capa eof\r\n"), "+OK\r\n");
    assert_eq!(ask("PING\r\nSYNC\r\n"), pending);
}

#[test]
fn what_is_not_in_the_spool_yet_is_waited_for() {
    let mut host = host("repl-diskless-sync no\nrdbcompression no");
    host.fill(6000);
    STILL.set(true);
    let replica = host.replica(&["SYNC"]);
    host.work();
    // Three of the six megabytes are made, and a little.
    assert!(host.ask("INFO persistence").contains("rdb_bgsave_in_progress:1"));
    let made = host.ask("INFO persistence");
    host.work();
    assert_eq!(host.ask("INFO persistence"), made, "it waits for the disk");
    assert_eq!(host.take(replica, usize::MAX), b"\n", "it only hears that it is not forgotten");
    STILL.set(false);
    let all = host.all(replica);
    let text = String::from_utf8_lossy(&all[..20]).into_owned();
    let len: usize = text[1..].split('\r').next().expect("a line").parse().expect("a length");
    assert!(text.starts_with('$') && len > 6_000_000, "{text}");
    assert_eq!(keys(&all[all.len() - len..]), ":6000\r\n");
}

#[test]
fn the_last_piece_is_waited_for_too_and_may_fail() {
    for fails in [false, true] {
        let mut host = host("repl-diskless-sync no");
        host.fill(100);
        STILL.set(true);
        let replica = host.replica(&["SYNC"]);
        host.work();
        // All is made, and nothing is kept.
        assert_eq!(host.take(replica, usize::MAX), b"\n");
        STILL.set(false);
        FULL.set(fails);
        let all = host.all(replica);
        FULL.set(false);
        assert_eq!(all.starts_with(b"$"), !fails);
        assert_eq!(host.closed == [replica], fails, "{:?}", host.log);
    }
}
