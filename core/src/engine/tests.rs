//! The engine with a tiny host: a virtual clock, and clients that read everything unless told not to.

mod access;
mod scripts;

use super::*;
use alloc::format;
use alloc::string::String;
use alloc::vec;

struct Host {
    engine: Engine,
    now: Now,
    /// What each connection was sent; `None` after it was closed.
    seen: Vec<(ConnId, Vec<u8>, bool)>,
    /// This one does not read.
    deaf: Option<ConnId>,
    log: Vec<String>,
}

impl Host {
    fn new(settings: &[(&str, &str)]) -> Self {
        Self::with(Config::default(), settings, Hooks::default())
    }

    fn with(mut config: Config, settings: &[(&str, &str)], hooks: Hooks) -> Self {
        for (name, value) in settings {
            config.set(name, value.as_bytes()).expect("a setting");
        }
        let now = Now { unix_us: 1_700_000_000_000_000, mono_us: 1 };
        let engine = Engine::new(config, [3; 32], now, hooks);
        Self { engine, now, seen: Vec::new(), deaf: None, log: Vec::new() }
    }

    fn client(&mut self) -> ConnId {
        self.client_from(Peer { addr: "127.0.0.1:5".into(), local: true, ..Peer::default() })
    }

    fn client_from(&mut self, peer: Peer) -> ConnId {
        let conn = self.engine.connect(self.now, peer);
        self.seen.push((conn, Vec::new(), false));
        self.drain();
        conn
    }

    fn drain(&mut self) {
        while let Some(effect) = self.engine.poll() {
            match effect {
                Effect::Send(conn) if self.deaf != Some(conn) => {
                    let bytes: Vec<u8> = self.engine.outgoing(conn).flatten().copied().collect();
                    if let Some(seen) = self.seen.iter_mut().find(|seen| seen.0 == conn) {
                        seen.1.extend_from_slice(&bytes);
                    }
                    self.engine.sent(self.now, conn, bytes.len());
                }
                Effect::Close(conn) => {
                    if let Some(seen) = self.seen.iter_mut().find(|seen| seen.0 == conn) {
                        seen.2 = true;
                    }
                    self.engine.disconnect(self.now, conn);
                }
                Effect::Log(_, line) => self.log.push(line),
                _ => {}
            }
        }
    }

    /// Sends lines; what came back.
    fn say(&mut self, conn: ConnId, lines: &str) -> String {
        self.engine.receive(self.now, conn, lines.replace('\n', "\r\n").as_bytes());
        self.drain();
        self.hear(conn)
    }

    /// What came since the last time; `|` for ends of lines.
    fn hear(&mut self, conn: ConnId) -> String {
        let seen = self.seen.iter_mut().find(|seen| seen.0 == conn).expect("a client of ours");
        let text = String::from_utf8_lossy(&core::mem::take(&mut seen.1)).replace("\r\n", "|");
        if seen.2 { format!("{text}(closed)") } else { text }
    }

    fn pass(&mut self, ms: u64) {
        self.now.unix_us += ms * 1000;
        self.now.mono_us += ms * 1000;
        self.engine.timeout(self.now);
        self.drain();
    }
}

#[test]
fn who_waits_is_served_before_the_next_command_of_a_pipeline() {
    let mut host = Host::new(&[]);
    let (a, b) = (host.client(), host.client());
    assert_eq!(host.say(b, "BLPOP q 0\n"), "");
    assert_eq!(host.say(a, "RPUSH q x\nLLEN q\n"), ":1|:0|");
    assert_eq!(host.hear(b), "*2|$1|q|$1|x|");
}

#[test]
fn those_who_wait_are_served_in_the_order_they_came() {
    let mut host = Host::new(&[]);
    let clients: Vec<_> = (0..4).map(|_| host.client()).collect();
    for &client in &clients[1..] {
        host.say(client, "BLPOP p q 0\n");
    }
    host.engine.disconnect(host.now, clients[1]);
    host.say(clients[0], "RPUSH q 1 2 3\n");
    assert_eq!(host.hear(clients[2]), "*2|$1|q|$1|1|");
    assert_eq!(host.hear(clients[3]), "*2|$1|q|$1|2|");
    assert_eq!(host.say(clients[0], "LRANGE q 0 -1\n"), "*1|$1|3|");
}

#[test]
fn moves_go_on_from_list_to_list() {
    let mut host = Host::new(&[]);
    let clients: Vec<_> = (0..3).map(|_| host.client()).collect();
    host.say(clients[1], "BLMOVE b c LEFT RIGHT 0\n");
    host.say(clients[2], "BLMOVE a b LEFT RIGHT 0\n");
    assert_eq!(host.say(clients[0], "RPUSH a x\nLRANGE c 0 -1\n"), ":1|*1|$1|x|");
    assert_eq!(host.hear(clients[1]), "$1|x|");
    assert_eq!(host.hear(clients[2]), "$1|x|");
}

#[test]
fn what_arrives_while_a_client_waits_runs_after() {
    let mut host = Host::new(&[]);
    let (a, b) = (host.client(), host.client());
    assert_eq!(host.say(b, "BLPOP q 0\nPING\nBLPOP r 0.1\nPI"), "");
    assert_eq!(host.say(b, "NG\n"), "");
    host.say(a, "RPUSH q x\n");
    assert_eq!(host.hear(b), "*2|$1|q|$1|x|+PONG|");
    host.pass(200);
    assert_eq!(host.hear(b), "*-1|+PONG|");
}

#[test]
fn a_watched_key_is_touched_by_whoever_was_served() {
    let mut host = Host::new(&[]);
    let (a, b) = (host.client(), host.client());
    host.say(b, "BLMOVE src dst LEFT RIGHT 0\n");
    assert_eq!(
        host.say(a, "WATCH dst\nRPUSH src x\nMULTI\nPING\nEXEC\n"),
        "+OK|:1|+OK|+QUEUED|*-1|"
    );
}

#[test]
fn a_key_that_active_expiry_deletes_fails_the_transaction() {
    let mut host = Host::new(&[]);
    let a = host.client();
    host.say(a, "SET k v PX 50\nWATCH k\n");
    host.pass(60);
    host.pass(200);
    assert_eq!(host.say(a, "MULTI\nPING\nEXEC\n"), "+OK|+QUEUED|*-1|");
}

#[test]
fn pause_holds_commands_back_and_releases_them_in_order() {
    let mut host = Host::new(&[]);
    let (a, b, c) = (host.client(), host.client(), host.client());
    host.say(a, "CLIENT PAUSE 100 WRITE\n");
    assert_eq!(host.say(b, "APPEND k b\nGET k\n"), "");
    assert_eq!(host.say(c, "APPEND k c\n"), "");
    assert_eq!(host.say(a, "GET k\n"), "$-1|");
    assert_eq!(host.engine.deadline(), Some(100_001));
    host.pass(100);
    assert_eq!(host.hear(b), ":1|$1|b|");
    assert_eq!(host.hear(c), ":2|");
}

#[test]
fn unpause_lets_commands_run_and_expired_keys_go() {
    let mut host = Host::new(&[]);
    let (a, b) = (host.client(), host.client());
    host.say(a, "SET k v PX 10\nCLIENT PAUSE 100000 WRITE\n");
    host.pass(20);
    assert_eq!(host.say(a, "GET k\nDBSIZE\n"), "$-1|:1|");
    assert_eq!(host.say(b, "MULTI\nPING\nSET a b\n"), "+OK|+QUEUED|");
    assert_eq!(host.say(a, "CLIENT UNPAUSE\n"), "+OK|");
    assert_eq!(host.hear(b), "+QUEUED|");
    assert_eq!(host.say(b, "EXEC\n"), "*2|+PONG|+OK|");
    assert_eq!(host.say(a, "GET k\nDBSIZE\n"), "$-1|:1|");
}

#[test]
fn a_client_that_goes_while_it_is_held_is_forgotten() {
    let mut host = Host::new(&[]);
    let (a, b) = (host.client(), host.client());
    host.say(a, "CLIENT PAUSE 100 ALL\n");
    host.say(b, "SET k v\n");
    host.engine.disconnect(host.now, b);
    host.pass(100);
    assert_eq!(host.say(a, "EXISTS k\n"), ":0|");
    assert_eq!(host.engine.server.blocked_clients, 0);
}

#[test]
fn replies_are_left_out_where_they_are_not_wanted_even_late_ones() {
    let mut host = Host::new(&[]);
    let (a, b) = (host.client(), host.client());
    host.say(b, "CLIENT REPLY SKIP\nBLPOP q 0\nPING\n");
    host.say(a, "RPUSH q x\n");
    assert_eq!(host.hear(b), "+PONG|");
    assert_eq!(host.say(b, "CLIENT REPLY OFF\nPING\nSUBSCRIBE c\n"), "*3|$9|subscribe|$1|c|:1|");
    host.say(a, "PUBLISH c m\n");
    assert_eq!(host.hear(b), "*3|$7|message|$1|c|$1|m|");
    host.say(a, "HELLO 3\nSUBSCRIBE d\nCLIENT REPLY OFF\n");
    assert_eq!(host.say(a, "PUBLISH d m\n"), ">3|$7|message|$1|d|$1|m|");
}

#[test]
fn messages_to_oneself_come_after_the_reply_of_exec() {
    let mut host = Host::new(&[]);
    let a = host.client();
    host.say(a, "HELLO 3\nSUBSCRIBE c\n");
    assert_eq!(
        host.say(a, "MULTI\nPUBLISH c m\nPING\nEXEC\nPING\n"),
        "+OK|+QUEUED|+QUEUED|*2|:1|+PONG|>3|$7|message|$1|c|$1|m|+PONG|"
    );
}

#[test]
fn a_subscriber_that_does_not_read_is_cut_off() {
    let mut host =
        Host::new(&[("client-output-buffer-limit", "pubsub 1000 100 1 normal 5000 0 0")]);
    let (a, b, c) = (host.client(), host.client(), host.client());
    host.say(b, "SUBSCRIBE x\n");
    host.deaf = Some(b);
    host.say(c, "SUBSCRIBE x\n");
    let message = "m".repeat(400);
    assert_eq!(host.say(a, &format!("PUBLISH x {message}\n")), ":2|");
    assert!(!host.seen[1].2);
    host.say(a, &format!("PUBLISH x {message}\nPUBLISH x {message}\n"));
    assert!(host.seen[1].2, "the hard limit");
    assert!(host.log[0].contains("scheduled to be closed ASAP for overcoming of output buffer"));
    host.deaf = Some(c);
    host.say(a, &format!("PUBLISH x {message}\n"));
    host.pass(1500);
    assert!(!host.seen[2].2);
    host.pass(1500);
    assert!(host.seen[2].2, "the soft limit lasts");
    assert_eq!(host.say(a, &format!("SET k {}\n", "v".repeat(3000))), "+OK|");
    host.deaf = Some(a);
    host.say(a, "GET k\nGET k\nGET k\nSET late 1\n");
    assert!(host.seen[0].2);
    let d = host.client();
    assert_eq!(host.say(d, "EXISTS late\n"), ":0|");
}

#[test]
fn idle_connections_are_closed() {
    let mut host = Host::new(&[("timeout", "2")]);
    let (a, b, c) = (host.client(), host.client(), host.client());
    host.say(b, "SUBSCRIBE x\n");
    host.say(c, "BLPOP q 0\n");
    for _ in 0..4 {
        host.pass(1000);
    }
    assert_eq!(host.hear(a), "(closed)");
    assert!(!host.seen[1].2 && !host.seen[2].2);
}

#[test]
fn what_makes_room_for_a_command_is_told_before_its_reply() {
    let mut host = Host::new(&[("tracking-table-max-keys", "2")]);
    let reader = host.client();
    host.say(reader, "HELLO 3\nCLIENT TRACKING ON\nMGET a b\n");
    assert_eq!(host.say(reader, "CONFIG SET tracking-table-max-keys 1\n"), "+OK|");
    let heard = host.say(reader, "MULTI\n");
    assert!(heard.starts_with(">2|$10|invalidate|*1|$1|"), "{heard}");
    assert!(heard.ends_with("|+OK|"), "{heard}");
}

#[test]
fn a_table_of_tracked_keys_over_its_limit_shrinks_though_nobody_says_anything() {
    let mut host = Host::new(&[]);
    let reader = host.client();
    host.say(reader, "HELLO 3\nCLIENT TRACKING ON\nMGET a b\n");
    host.say(reader, "CONFIG SET tracking-table-max-keys 1\n");
    assert!(host.engine.deadline().is_some());
    host.pass(100);
    assert!(host.hear(reader).starts_with(">2|$10|invalidate|*1|$1|"));
    assert_eq!(host.engine.deadline(), None);
}

#[test]
fn who_was_served_hears_of_what_that_changed_after_the_reply() {
    let mut host = Host::new(&[]);
    let (reader, other) = (host.client(), host.client());
    host.say(reader, "HELLO 3\nCLIENT TRACKING ON\nLRANGE to 0 -1\n");
    host.say(reader, "BLMOVE from to LEFT LEFT 0\n");
    host.say(other, "RPUSH from x\n");
    let stale = ">2|$10|invalidate|*1|$2|to|";
    assert_eq!(host.hear(reader), format!("$1|x|{stale}"));
}

#[test]
fn a_client_that_tracks_and_goes_leaves_nothing_that_is_told() {
    let mut host = Host::new(&[]);
    let (reader, writer) = (host.client(), host.client());
    host.say(reader, "HELLO 3\nCLIENT TRACKING ON\nGET a\n");
    host.engine.disconnect(host.now, reader);
    assert!(host.engine.store.tracking.is_on());
    assert_eq!(host.say(writer, "SET a 1\n"), "+OK|");
    assert!(!host.engine.store.tracking.is_on());
}

#[test]
fn clients_that_take_most_are_closed_first() {
    let mut host = Host::new(&[("maxmemory-clients", "300kb")]);
    let (small, large, kept) = (host.client(), host.client(), host.client());
    host.say(kept, "CLIENT NO-EVICT ON\n");
    host.say(small, &format!("*1\n$500000\n{}", "x".repeat(50_000)));
    host.say(large, &format!("*1\n$500000\n{}", "x".repeat(100_000)));
    assert_eq!(host.hear(large), "");
    // This one is over the limit alone, and may stay.
    host.say(kept, &format!("*1\n$500000\n{}", "x".repeat(200_000)));
    assert_eq!(host.hear(large), "(closed)");
    assert_eq!(host.hear(small), "");
    let last = host.client();
    assert!(host.say(last, "INFO stats\n").contains("|evicted_clients:1|"));
    host.say(last, "CONFIG SET maxmemory-clients 0\n");
    assert_eq!(host.engine.server.clients.memory, 0);
    host.say(last, "CONFIG SET maxmemory-clients 1kb\n");
    assert_eq!(host.hear(small), "(closed)");
    assert_eq!(host.hear(last), "(closed)");
    assert_eq!(host.hear(kept), "");
}

#[test]
fn protected_mode_keeps_strangers_out() {
    let mut host = Host::new(&[]);
    let stranger = Peer { addr: "10.0.0.1:5".into(), ..Peer::default() };
    let conn = host.client_from(stranger.clone());
    let heard = host.hear(conn);
    assert!(heard.starts_with("-DENIED Redis is running in protected mode"), "{heard}");
    assert!(heard.ends_with("|(closed)"));
    let mut host = Host::new(&[("requirepass", "secret")]);
    let conn = host.client_from(stranger);
    assert_eq!(
        host.say(conn, "PING\nAUTH secret\nPING\n"),
        "-NOAUTH Authentication required.|+OK|+PONG|"
    );
}

#[test]
fn empty_lines_between_requests_do_not_lose_the_next_one() {
    let mut host = Host::new(&[]);
    let a = host.client();
    assert_eq!(host.say(a, "PING\n\n\n*1\n$4\nPI"), "+PONG|");
    assert_eq!(host.say(a, "NG\n"), "+PONG|");
}

#[test]
fn a_killed_client_is_gone_at_once() {
    let mut host = Host::new(&[]);
    let (a, b) = (host.client(), host.client());
    host.say(b, "BLPOP q 0\n");
    assert_eq!(host.say(a, "CLIENT KILL ID 2\nRPUSH q x\nLLEN q\n"), ":1|:1|:1|");
    assert!(host.seen[1].2);
    assert_eq!(host.engine.connections(), 1);
}

#[test]
fn unblocking_looks_like_a_timeout_or_an_error() {
    let mut host = Host::new(&[]);
    let (a, b) = (host.client(), host.client());
    host.say(b, "BLPOP q 0\n");
    assert_eq!(host.say(a, "CLIENT UNBLOCK 2\nCLIENT UNBLOCK 2\n"), ":1|:0|");
    assert_eq!(host.hear(b), "*-1|");
    host.say(b, "BLMOVE a b LEFT LEFT 0\nPING\n");
    assert_eq!(host.say(a, "CLIENT UNBLOCK 2 ERROR\n"), ":1|");
    assert_eq!(host.hear(b), "-UNBLOCKED client unblocked via CLIENT UNBLOCK|+PONG|");
}

#[test]
fn monitors_see_what_runs() {
    let mut host = Host::new(&[]);
    let (a, b) = (host.client(), host.client());
    host.say(b, "MONITOR\n");
    host.hear(b);
    host.say(a, "MULTI\nSET k \"a\\n\"\nEXEC\nAUTH default x\nCLIENT LIST\n");
    let lines = host.hear(b);
    let commands: Vec<_> =
        lines.split_terminator('|').filter_map(|l| l.split("] ").nth(1)).collect();
    assert_eq!(
        commands,
        [
            "\"MULTI\"",
            "\"SET\" \"k\" \"a\\n\"",
            "\"EXEC\"",
            "\"AUTH\" \"(redacted)\" \"(redacted)\""
        ]
    );
}

#[test]
fn monitors_see_a_script_and_then_what_it_calls() {
    let mut host = Host::new(&[]);
    let (a, b) = (host.client(), host.client());
    host.say(b, "MONITOR\n");
    host.hear(b);
    host.say(a, "EVAL \"return redis.call('set', KEYS[1], 'v')\" 1 k\nEVALSHA x 0\n");
    let lines = host.hear(b);
    let commands: Vec<_> =
        lines.split_terminator('|').filter_map(|l| l.split_once(" [")).map(|(_, l)| l).collect();
    assert_eq!(
        commands,
        [
            "0 127.0.0.1:5] \"EVAL\" \"return redis.call('set', KEYS[1], 'v')\" \"1\" \"k\"",
            "0 lua] \"set\" \"k\" \"v\"",
            "0 127.0.0.1:5] \"EVALSHA\" \"x\" \"0\"",
        ]
    );
}

#[test]
fn of_a_script_that_only_reads_what_it_reads_is_tracked() {
    let mut host = Host::new(&[]);
    let (a, b) = (host.client(), host.client());
    host.say(a, "HELLO 3\nCLIENT TRACKING ON\n");
    host.say(a, "EVAL_RO \"return redis.call('ping')\" 1 k\n");
    host.say(b, "SET k v\n");
    assert_eq!(host.hear(a), "");
    host.say(a, "EVAL_RO \"return redis.call('get', KEYS[1])\" 1 k\n");
    host.say(b, "SET k v\n");
    assert_eq!(host.hear(a), ">2|$10|invalidate|*1|$1|k|");
}

#[test]
fn a_script_that_promises_to_write_nothing_runs_while_writes_are_paused() {
    let mut host = Host::new(&[]);
    let (a, b) = (host.client(), host.client());
    let reads = "EVAL \"#!lua flags=no-writes\\nreturn 1\" 0\n";
    let sha = host.say(a, "SCRIPT LOAD \"#!lua flags=no-writes\\nreturn 2\"\n");
    let sha = sha.split('|').nth(1).expect("a name");
    let library = "#!lua name=l\\nredis.register_function{function_name='f', flags={'no-writes'}, \
                   callback=function() return 4 end}";
    host.say(a, &format!("FUNCTION LOAD \"{library}\"\n"));
    host.say(b, "CLIENT PAUSE 1000 WRITE\n");
    assert_eq!(host.say(a, reads), ":1|");
    assert_eq!(host.say(a, "FCALL f 0\n"), ":4|");
    assert_eq!(host.say(a, &format!("EVALSHA {sha} 0\n")), ":2|");
    assert_eq!(host.say(a, &format!("MULTI\n{reads}EXEC\n")), "+OK|+QUEUED|*1|:1|");
    assert_eq!(host.say(a, "EVAL \"return 3\" 0\n"), "");
    assert_eq!(host.say(b, "CLIENT UNPAUSE\n"), "+OK|");
    assert_eq!(host.hear(a), ":3|");
    let publish = "EVAL_RO \"return redis.call('publish', 'c', 'm')\" 0\n";
    let refused = "-ERR Write commands are not allowed from read-only scripts.";
    assert!(host.say(a, publish).starts_with(refused));
}

#[test]
fn a_reply_that_may_not_be_sent_is_not_made_at_length() {
    let limit = [("client-output-buffer-limit", "normal 10000 0 0")];
    for (made, asked) in [
        ("HSET k f v", "HRANDFIELD k -999999999"),
        ("SADD k m", "SRANDMEMBER k -999999999"),
        ("ZADD k 1 m", "ZRANDMEMBER k -999999999"),
    ] {
        let mut host = Host::new(&limit);
        let (a, b) = (host.client(), host.client());
        host.say(a, &format!("{made}\n"));
        assert_eq!(host.say(a, &format!("{asked}\n")), "(closed)", "{asked}");
        assert_eq!(host.say(b, "EXISTS k\n"), ":1|");
    }
}

#[test]
fn any_sequence_of_calls_is_safe() {
    let words = [
        "MULTI",
        "EXEC",
        "DISCARD",
        "WATCH k",
        "BLPOP k q 0.01",
        "RPUSH k 1 2",
        "DEL k",
        "SET k v PX 5",
        "SUBSCRIBE c",
        "UNSUBSCRIBE",
        "PSUBSCRIBE *",
        "PUBLISH c m",
        "CLIENT PAUSE 5 WRITE",
        "RESET",
        "CLIENT UNPAUSE",
        "CLIENT REPLY SKIP",
        "CLIENT REPLY ON",
        "HELLO 3",
        "CLIENT KILL TYPE normal",
        "CLIENT UNBLOCK 3",
        "BLMOVE k q LEFT LEFT 0",
        "MONITOR",
        "SWAPDB 0 1",
        "SELECT 1",
        "FLUSHALL",
        "CLIENT LIST",
        "QUIT",
        "SPUBLISH c m",
        "SSUBSCRIBE c",
        "GET k",
        "\n\n",
        "\"a",
        "*1",
    ];
    let mut rng = Rng::new(11);
    let mut host = Host::new(&[
        ("notify-keyspace-events", "KEA"),
        ("timeout", "1"),
        ("client-output-buffer-limit", "normal 2000 1000 1 pubsub 2000 1000 1"),
    ]);
    let mut conns = vec![host.client()];
    for _ in 0..20_000 {
        let place = rng.below(conns.len() as u64) as usize;
        if host.engine.server.clients.get(conns[place]).is_none() {
            host.seen.retain(|seen| seen.0 != conns[place]);
            conns[place] = host.client();
        }
        let conn = conns[place];
        match rng.below(40) {
            0 => conns.push(host.client()),
            1 => {
                let gone = conns[rng.below(conns.len() as u64) as usize];
                host.engine.disconnect(host.now, gone);
            }
            2 => host.pass(rng.below(30)),
            3 => host.pass(1100),
            4 => host.deaf = Some(conn),
            5 => host.engine.sent(host.now, conn, rng.below(1000) as usize),
            6 => {
                let _ = host.engine.outgoing(ConnId { index: 99, generation: 7 }).count();
                host.engine.receive(host.now, ConnId { index: 99, generation: 7 }, b"PING\r\n");
            }
            _ => {
                let mut lines = String::new();
                for _ in 0..=rng.below(3) {
                    lines += words[rng.below(words.len() as u64) as usize];
                    lines += "\n";
                }
                let cut = rng.below(lines.len() as u64 + 1) as usize;
                host.engine.receive(host.now, conn, lines[..cut].replace('\n', "\r\n").as_bytes());
                if rng.below(2) == 0 {
                    host.drain();
                }
                host.engine.receive(host.now, conn, lines[cut..].replace('\n', "\r\n").as_bytes());
                host.drain();
            }
        }
        if conns.len() > 8 {
            let oldest = conns.remove(0);
            host.engine.disconnect(host.now, oldest);
            host.seen.retain(|seen| seen.0 != oldest);
        }
    }
    for conn in conns {
        host.engine.disconnect(host.now, conn);
    }
    let server = &host.engine.server;
    assert_eq!((server.blocked_clients, server.deadlines.len(), server.held.len()), (0, 0, 0));
    assert!(server.pubsub.channels.is_empty() && server.pubsub.patterns.is_empty());
    assert!(server.pubsub.shard_channels.is_empty() && server.monitors.is_empty());
    assert!(host.engine.store.dbs().iter().all(|db| db.watch.is_empty() && db.wait.is_empty()));
    assert!(server.clients.is_empty());
}

#[test]
fn a_request_of_thousands_of_arguments_may_come_in_parts() {
    let mut host = Host::new(&[]);
    let client = host.client();
    let keys = 3000;
    let mut request = format!("*{}\r\n$4\r\nMSET\r\n", keys * 2 + 1);
    for n in 0..keys {
        request.push_str(&format!("$4\r\n{n:04}\r\n$1\r\nv\r\n"));
    }
    request.push_str("DBSIZE\r\n");
    for part in request.as_bytes().chunks(701) {
        host.engine.receive(host.now, client, part);
        host.drain();
    }
    assert_eq!(host.hear(client), "+OK|:3000|");
}
