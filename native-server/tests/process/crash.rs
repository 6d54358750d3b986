//! The server as a process that is killed in the middle of everything, again and again: what it has acknowledged is
//! there when it is started again, all of it with `appendfsync always`, and all but the last second's otherwise.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Instant;

use super::common::{Dir, Server};

const WRITERS: usize = 4;
/// Elements that a writer appends before it waits for the replies.
const PIPELINE: u64 = 8;

struct Client {
    input: BufReader<TcpStream>,
    output: TcpStream,
}

impl Client {
    fn of(server: &Server) -> Self {
        let output = server.dial();
        let input = BufReader::new(output.try_clone().expect("a second handle"));
        Self { input, output }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let len = self.input.read_line(&mut line).ok()?;
        (len > 0 && line.ends_with('\n')).then(|| line.trim_end().to_string())
    }

    /// The reply's last line.
    fn ask(&mut self, command: &str) -> String {
        self.output.write_all(format!("{command}\r\n").as_bytes()).expect("it listens");
        let first = self.line().expect("a reply");
        if first.starts_with('$') { self.line().expect("a string") } else { first }
    }
}

/// How many elements of its list a writer knows to be there.
#[derive(Default)]
struct Known {
    acknowledged: AtomicU64,
    /// The same, a second before the kill or earlier.
    old: AtomicU64,
}

/// Appends to a list until the server is gone.
fn write(mut client: Client, key: String, known: Arc<Known>) -> JoinHandle<()> {
    spawn(move || {
        let mut next = known.acknowledged.load(Ordering::Relaxed);
        let mut history: Vec<(Instant, u64)> = Vec::new();
        loop {
            let batch: String =
                (next..next + PIPELINE).map(|number| format!("RPUSH {key} {number}\r\n")).collect();
            if client.output.write_all(batch.as_bytes()).is_err() {
                break;
            }
            let mut replies = 0;
            while replies < PIPELINE && client.line().is_some() {
                replies += 1;
                known.acknowledged.store(next + replies, Ordering::Relaxed);
            }
            next += replies;
            history.push((Instant::now(), next));
            if replies < PIPELINE {
                break;
            }
        }
        let end = Instant::now();
        let old = history.iter().rev().find(|(at, _)| end - *at > Duration::from_secs(1));
        if let Some((_, count)) = old {
            known.old.store(*count, Ordering::Relaxed);
        }
    })
}

fn kill_again_and_again(policy: &str, rounds: u64) {
    let dir = Dir::new(policy);
    let known: Vec<Arc<Known>> = (0..WRITERS).map(|_| Arc::default()).collect();
    for round in 0..=rounds {
        let args = ["--save", "", "--appendonly", "yes", "--appendfsync", policy];
        let mut server = Server::start(&dir, &args);
        let mut client = Client::of(&server);
        for (writer, known) in known.iter().enumerate() {
            let len: u64 = client
                .ask(&format!("LLEN list{writer}"))
                .trim_start_matches(':')
                .parse()
                .expect("a number");
            let promised = match policy {
                "always" => &known.acknowledged,
                _ => &known.old,
            };
            let promised = promised.load(Ordering::Relaxed);
            assert!(len >= promised, "round {round}: {len} of {promised} in list {writer}");
            if len > 0 {
                let last = client.ask(&format!("LINDEX list{writer} -1"));
                assert_eq!(last, (len - 1).to_string(), "round {round}: nothing is there twice");
            }
            known.acknowledged.store(len, Ordering::Relaxed);
            known.old.store(len, Ordering::Relaxed);
        }
        if round == rounds {
            server.kill();
            break;
        }
        let writers: Vec<_> = known
            .iter()
            .enumerate()
            .map(|(at, known)| write(Client::of(&server), format!("list{at}"), Arc::clone(known)))
            .collect();
        sleep(Duration::from_millis(20 + round * 37 % 130));
        if round % 3 == 0 {
            client.ask("BGREWRITEAOF");
            sleep(Duration::from_millis(round * 7 % 40));
        }
        server.kill();
        for writer in writers {
            writer.join().expect("it ends with the server");
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_with_always() {
    kill_again_and_again("always", 25);
}

#[test]
fn at_most_a_second_is_lost_with_everysec() {
    kill_again_and_again("everysec", 25);
}
