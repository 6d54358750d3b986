//! When the data set is saved, what is refused when it cannot be, and how the server ends.

use std::cell::{Cell, RefCell};

use redstart_core::{
    Config, ConnId, Effect, Engine, Hooks, Now, Peer, Progress, SnapshotKind, Ticket,
};
use redstart_tests::script::BIRTH;

thread_local! {
    static FILE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static BROKEN: Cell<bool> = const { Cell::new(false) };
}

fn broken() -> Result<(), String> {
    if BROKEN.get() { Err("No space left on device".into()) } else { Ok(()) }
}

struct Host {
    engine: Engine,
    conn: ConnId,
    now: Now,
    begun: Vec<(Ticket, SnapshotKind)>,
    aborted: Vec<Ticket>,
    log: Vec<String>,
    ended: bool,
}

impl Host {
    fn new(config: &str) -> Self {
        BROKEN.set(false);
        let hooks = Hooks {
            save: Some(|_, pull| {
                let mut file = Vec::new();
                while !pull(&mut file) {}
                broken()?;
                FILE.set(file);
                Ok(())
            }),
            load: Some(|_, push| {
                FILE.with_borrow(|file| file.chunks(1000).all(push));
                Ok(())
            }),
            ..Hooks::default()
        };
        let config = Config::parse_text(config).expect("the settings are right");
        let mut engine = Engine::new(config, [7; 32], BIRTH, hooks);
        let conn = engine.connect(BIRTH, Peer { local: true, ..Peer::default() });
        let (begun, aborted, log) = (Vec::new(), Vec::new(), Vec::new());
        Self { engine, conn, now: BIRTH, begun, aborted, log, ended: false }
    }

    fn ask(&mut self, command: &str) -> String {
        self.engine.receive(self.now, self.conn, format!("{command}\r\n").as_bytes());
        self.settle()
    }

    fn pass(&mut self, ms: u64) {
        self.now.mono_us += ms * 1000;
        self.now.unix_us += ms * 1000;
        self.engine.timeout(self.now);
        self.settle();
    }

    fn settle(&mut self) -> String {
        let mut reply = String::new();
        while let Some(effect) = self.engine.poll() {
            match effect {
                Effect::Send(conn) => {
                    let bytes: Vec<u8> = self.engine.outgoing(conn).flatten().copied().collect();
                    self.engine.sent(self.now, conn, bytes.len());
                    reply += &String::from_utf8_lossy(&bytes);
                }
                Effect::BeginSnapshot(ticket, kind) => self.begun.push((ticket, kind)),
                Effect::AbortSnapshot(ticket) => self.aborted.push(ticket),
                Effect::Log(_, line) => self.log.push(line),
                Effect::Shutdown => self.ended = true,
                _ => {}
            }
        }
        reply
    }

    /// The snapshots that began since this was asked.
    fn begun(&mut self) -> Vec<SnapshotKind> {
        let kinds = self.begun.iter().map(|&(_, kind)| kind).collect();
        self.begun.drain(..self.begun.len().saturating_sub(1));
        kinds
    }

    /// Ends the snapshot that began last.
    fn complete(&mut self, outcome: Result<(), &str>) -> Vec<u8> {
        let (ticket, _) = self.begun.pop().expect("one began");
        let mut file = Vec::new();
        if outcome.is_ok() {
            while self.engine.snapshot(self.now, ticket, &mut file, 16_384) != Progress::Done {}
        }
        self.engine.complete(self.now, ticket, outcome);
        self.settle();
        file
    }

    fn info(&mut self, field: &str) -> String {
        let text = self.ask("INFO persistence");
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(name, _)| *name == field);
        found.unwrap_or_else(|| panic!("there is {field}")).1.to_string()
    }
}

const REFUSED: &str = "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to \
                       persist to disk.";

#[test]
fn a_save_point_saves_in_the_background() {
    let mut host = Host::new("save 10 2\nsave 60 1");
    assert_eq!(host.engine.deadline(), None);
    host.ask("SET a 1");
    assert_eq!(host.engine.deadline(), Some(host.now.mono_us + 61_000_000));
    host.ask("SET b 1");
    assert_eq!(host.engine.deadline(), Some(host.now.mono_us + 11_000_000));
    host.pass(10_900);
    assert_eq!(host.begun(), []);
    host.pass(100);
    assert_eq!(host.begun(), [SnapshotKind::Rdb]);
    assert_eq!(host.log, ["2 changes in 10 seconds. Saving...", "Background saving started"]);
    assert_eq!(host.ask("BGSAVE"), "-ERR Background save already in progress\r\n");
    assert_eq!(host.ask("SAVE"), "-ERR Background save already in progress\r\n");
    host.ask("SET c 1");
    assert_eq!(host.info("current_save_keys_total"), "2");
    host.complete(Ok(()));
    assert_eq!(host.info("rdb_changes_since_last_save"), "1");
    assert_eq!(host.info("rdb_saves"), "1");
    let saved_s = host.now.unix_us / 1_000_000;
    assert_eq!(host.ask("LASTSAVE"), format!(":{saved_s}\r\n"));
    assert_eq!(host.engine.deadline(), Some(host.now.mono_us + 61_000_000));
}

#[test]
fn writes_are_refused_while_the_data_set_cannot_be_saved() {
    let mut host = Host::new("save 10 2");
    host.ask("SET a 1");
    assert_eq!(host.ask("BGSAVE"), "+Background saving started\r\n");
    host.complete(Err("No space left on device"));
    assert_eq!(host.info("rdb_last_bgsave_status"), "err");
    for command in ["SET a 2", "PING", "EVAL \"return redis.call('set','a','2')\" 0"] {
        let reply = host.ask(command);
        assert!(reply.starts_with(REFUSED), "{command}: {reply}");
    }
    assert_eq!(host.ask("GET a"), "$1\r\n1\r\n");
    host.ask("MULTI");
    assert!(host.ask("SET a 2").starts_with(REFUSED));
    assert!(host.ask("EXEC").starts_with("-EXECABORT"));
    host.ask("CONFIG SET stop-writes-on-bgsave-error no");
    assert_eq!(host.ask("SET a 3"), "+OK\r\n");
    host.ask("CONFIG SET stop-writes-on-bgsave-error yes");
    assert!(host.ask("SET a 4").starts_with(REFUSED));
    host.ask("CONFIG SET save \"\"");
    assert_eq!(host.ask("SET a 5"), "+OK\r\n");
    host.ask("CONFIG SET save \"1 1\"");
    assert!(host.ask("SET a 6").starts_with(REFUSED));
    host.begun.clear();
    host.pass(5_000);
    assert_eq!(host.begun(), [], "five seconds are to pass before another try");
    host.pass(1_000);
    assert_eq!(host.begun(), [SnapshotKind::Rdb]);
    host.complete(Ok(()));
    assert_eq!(host.ask("SET a 7"), "+OK\r\n");
}

#[test]
fn what_cannot_begin_now_is_scheduled() {
    let mut host = Host::new("save \"\"");
    let scheduled = "+Background saving scheduled\r\n";
    host.ask("MULTI");
    host.ask("BGSAVE");
    host.ask("BGREWRITEAOF");
    host.ask("EXEC");
    assert_eq!(host.begun(), []);
    assert_eq!(host.engine.deadline(), Some(host.now.mono_us));
    host.pass(0);
    assert_eq!(host.begun(), [SnapshotKind::AofBase]);
    let refused = host.ask("BGSAVE");
    assert!(refused.starts_with("-ERR Another child process is active (AOF?)"), "{refused}");
    assert_eq!(host.ask("BGSAVE SCHEDULE"), scheduled);
    assert_eq!(host.ask("BGSAVE x"), "-ERR syntax error\r\n");
    host.complete(Ok(()));
    host.pass(0);
    assert_eq!(host.begun(), [SnapshotKind::Rdb]);
    let reply = host.ask("BGREWRITEAOF");
    assert_eq!(reply, "+Background append only file rewriting scheduled\r\n");
    host.complete(Ok(()));
    host.pass(0);
    assert_eq!(host.begun(), [SnapshotKind::AofBase]);
}

#[test]
fn flushall_gives_a_snapshot_up_and_saves_that_there_is_nothing() {
    let mut host = Host::new("save 1000 1000");
    host.ask("SET a 1");
    host.ask("BGSAVE");
    let (ticket, _) = host.begun[0];
    assert_eq!(host.ask("FLUSHALL"), "+OK\r\n");
    assert_eq!(host.aborted, [ticket]);
    assert_eq!(host.engine.snapshot(host.now, ticket, &mut Vec::new(), 100), Progress::Done);
    assert_eq!(host.info("rdb_bgsave_in_progress"), "0");
    assert_eq!(host.info("rdb_last_bgsave_status"), "ok");
    assert_eq!(host.info("rdb_changes_since_last_save"), "0");
    host.ask("SET b 1");
    assert_eq!(host.ask("DEBUG RELOAD NOSAVE").split(' ').next(), Some("-ERR"));
    let mut other = Host::new("enable-debug-command yes");
    assert_eq!(other.ask("DEBUG RELOAD NOSAVE"), "+OK\r\n");
    assert_eq!(other.ask("DBSIZE"), ":0\r\n");
}

#[test]
fn a_flush_of_one_database_leaves_the_snapshot_alone() {
    let mut host = Host::new("save \"\"\nenable-debug-command yes");
    host.ask("DEBUG POPULATE 5000");
    host.ask("BGSAVE");
    host.ask("FLUSHDB");
    host.ask("SET new 1");
    FILE.set(host.complete(Ok(())));
    assert_eq!(host.ask("DEBUG RELOAD NOSAVE"), "+OK\r\n");
    assert_eq!(host.ask("DBSIZE"), ":5000\r\n");
    assert_eq!(host.ask("EXISTS new"), ":0\r\n");
}

#[test]
fn reload_goes_through_the_file() {
    let mut host = Host::new("enable-debug-command yes");
    host.ask("SET a 1");
    assert_eq!(host.ask("DEBUG RELOAD"), "+OK\r\n");
    host.ask("SET b 1");
    assert_eq!(host.ask("DEBUG RELOAD NOSAVE"), "+OK\r\n");
    assert_eq!(host.ask("EXISTS a b"), ":1\r\n");
    host.ask("SET a 2");
    host.ask("SET c 2");
    assert_eq!(host.ask("DEBUG RELOAD NOSAVE NOFLUSH MERGE"), "+OK\r\n");
    assert_eq!(host.ask("MGET a c"), "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
    BROKEN.set(true);
    assert_eq!(host.ask("DEBUG RELOAD"), "-ERR\r\n");
    assert_eq!(host.ask("GET c"), "$1\r\n2\r\n");
}

#[test]
fn the_server_ends_when_it_has_saved() {
    let mut host = Host::new("save 100 100");
    host.ask("SET a 1");
    BROKEN.set(true);
    let failed = "-ERR Errors trying to SHUTDOWN. Check logs.\r\n";
    assert_eq!(host.ask("SHUTDOWN"), failed);
    host.engine.shut_down(host.now, "shutdown-on-sigterm");
    host.settle();
    assert!(!host.ended);
    assert_eq!(host.ask("SHUTDOWN SAVE NOSAVE"), "-ERR syntax error\r\n");
    assert_eq!(host.ask("SHUTDOWN ABORT"), "-ERR No shutdown in progress.\r\n");
    assert_eq!(host.ask("SHUTDOWN SAVE NOW FORCE"), "");
    assert!(host.ended);

    let mut host = Host::new("save 100 100");
    FILE.set(Vec::new());
    host.ask("SET a 1");
    host.ask("BGSAVE");
    assert_eq!(host.ask("SHUTDOWN NOSAVE"), "");
    assert!(host.ended && FILE.take().is_empty());
    assert_eq!(host.aborted.len(), 1);

    let mut host = Host::new("save 100 100\nshutdown-on-sigterm nosave");
    host.engine.shut_down(host.now, "shutdown-on-sigterm");
    host.settle();
    assert!(host.ended && FILE.take().is_empty());
    host.engine.shut_down(host.now, "shutdown-on-sigint");
    host.settle();
    assert!(FILE.take().starts_with(b"REDIS"));
}

#[test]
fn a_signal_can_be_taken_back_while_the_cron_is_paused() {
    let mut host = Host::new("save \"\"\nenable-debug-command yes");
    host.ask("DEBUG PAUSE-CRON 1");
    host.engine.shut_down(host.now, "shutdown-on-sigterm");
    host.pass(1);
    assert!(!host.ended);
    assert_eq!(host.ask("SHUTDOWN ABORT"), "+OK\r\n");
    assert_eq!(host.ask("SHUTDOWN ABORT"), "-ERR No shutdown in progress.\r\n");
    host.engine.shut_down(host.now, "shutdown-on-sigterm");
    host.ask("DEBUG PAUSE-CRON 0");
    host.pass(1);
    assert!(host.ended);
}

#[test]
fn keys_that_take_time_hold_a_snapshot_up() {
    let mut host = Host::new("save \"\"\nenable-debug-command yes\nrdb-key-save-delay 1000");
    host.ask("DEBUG POPULATE 1000");
    host.ask("BGSAVE");
    let (ticket, _) = host.begun[0];
    let mut file = Vec::new();
    let mut steps = 0;
    loop {
        match host.engine.snapshot(host.now, ticket, &mut file, 16_384) {
            Progress::More => {}
            Progress::Done => break,
            Progress::Later => {
                let deadline = host.engine.deadline().expect("it goes on");
                assert!(deadline > host.now.mono_us);
                host.pass((deadline - host.now.mono_us).div_ceil(1000));
            }
        }
        steps += 1;
        assert!(steps < 5000);
    }
    let took_ms = (host.now.mono_us - BIRTH.mono_us) / 1000;
    assert!((900..1100).contains(&took_ms), "{took_ms}");
}

#[test]
fn turning_the_append_only_file_on_begins_with_all_there_is() {
    let mut host = Host::new("save \"\"");
    host.ask("SET a 1");
    host.ask("CONFIG SET appendonly yes");
    assert_eq!(host.begun(), [SnapshotKind::AofBase]);
    host.complete(Err("No space left on device"));
    assert_eq!(host.info("aof_last_bgrewrite_status"), "err");
    host.pass(6_000);
    assert_eq!(host.begun(), [SnapshotKind::AofBase], "it is tried again");
    host.ask("CONFIG SET appendonly no");
    assert_eq!(host.aborted.len(), 1);
    host.pass(60_000);
    assert_eq!(host.info("aof_rewrite_in_progress"), "0");

    let mut host = Host::new("appendonly yes");
    host.pass(1_000);
    assert_eq!(host.begun(), [], "at the start, the files are there");
}

#[test]
fn a_step_is_bounded_whatever_there_is_to_write() {
    let mut host = Host::new("save \"\"\nenable-debug-command yes");
    host.ask("DEBUG POPULATE 50000 small");
    host.ask("DEBUG POPULATE 3 large 5000000");
    host.ask("BGSAVE");
    // What changes after the cut is written already: the walk over it takes steps although it writes nothing.
    for number in 0..50_000 {
        host.ask(&format!("SET small:{number} 1"));
    }
    let (ticket, _) = host.begun[0];
    let mut steps = 0u64;
    let mut file = Vec::new();
    loop {
        let before = file.len();
        let progress = host.engine.snapshot(host.now, ticket, &mut file, 16_384);
        assert!(file.len() - before <= 2 * 16_384 + 9, "{}", file.len() - before);
        steps += 1;
        if progress == Progress::Done {
            break;
        }
    }
    assert!(steps > 15_000_000 / 32_768 + 50_000 * 8 / 16_384, "{steps}");
    assert!(file.len() > 15_000_000);
}

#[test]
fn the_append_only_file_is_rewritten_when_it_has_grown() {
    let mut host = Host::new(
        "save \"\"\nappendonly yes\nauto-aof-rewrite-min-size 1000\nauto-aof-rewrite-percentage 50",
    );
    host.engine.set_aof_sizes(100, 2000, host.engine.journal_end());
    host.ask(&format!("SET a {}", "x".repeat(800)));
    host.pass(1);
    assert_eq!(host.begun(), []);
    host.ask(&format!("SET a {}", "x".repeat(200)));
    assert_eq!(host.engine.deadline(), Some(host.now.mono_us));
    host.pass(1);
    assert_eq!(host.begun(), [SnapshotKind::AofBase]);
    assert_eq!(host.log[0], "Starting automatic rewriting of AOF on 53% growth");
}
