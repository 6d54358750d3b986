//! The simulator: one engine, several clients, a virtual clock, and a seed that decides everything.
//!
//! Clients speak RESP3, so that pushes can be told from replies. Behind every command a client sends an ECHO
//! with a number of its own; the replies must be one per command, each followed by its echo: none lost, none
//! doubled, none out of order, whatever blocks, is cut into pieces or is sent back in pieces.

use std::collections::VecDeque;

use redstart_core::command::Flags;
use redstart_core::commands::table;
use redstart_core::{Config, ConnId, Effect, Engine, Hooks, Now, Peer};

use crate::chance::Chance;
use crate::grammar::{self, Rule};
use crate::resp::{self, Value};
use crate::script::BIRTH;

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// A hash of everything that the engine said, in order, with the time it said it.
    pub trace: u64,
    /// Commands sent.
    pub commands: u64,
    /// Replies checked.
    pub replies: u64,
}

/// Runs `steps` steps from `seed`; an error says what broke, and the seed finds it again.
pub fn run(seed: u64, steps: usize) -> Result<Outcome, String> {
    let mut world = World::new(seed);
    for _ in 0..3 {
        world.connect()?;
    }
    for step in 0..steps {
        world.step().map_err(|e| format!("seed {seed}, step {step}: {e}"))?;
    }
    world.finish().map_err(|e| format!("seed {seed}, at the end: {e}"))?;
    Ok(Outcome { trace: world.trace, commands: world.commands, replies: world.replies })
}

struct World {
    chance: Chance,
    engine: Engine,
    now: Now,
    rules: Vec<Rule>,
    clients: Vec<Client>,
    trace: u64,
    commands: u64,
    replies: u64,
}

struct Client {
    id: ConnId,
    /// Bytes that wait to reach the engine.
    outbound: VecDeque<u8>,
    /// Bytes that came and are not yet a whole reply.
    inbound: Vec<u8>,
    /// What is still to come, in order.
    expected: VecDeque<Expected>,
    echoes: u64,
    /// The latest command that had its reply.
    last: String,
}

#[derive(Debug)]
enum Expected {
    /// The reply of this command.
    Reply(String),
    /// The number that ECHO gives back.
    Echo(u64),
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut key = [0; 32];
        key.fill_with(|| chance.bits() as u8);
        let engine = Engine::new(Config::default(), key, BIRTH, Hooks::default());
        let rules = grammar::rules().into_iter().filter(may_run).collect();
        Self {
            chance,
            engine,
            now: BIRTH,
            rules,
            clients: Vec::new(),
            trace: 0,
            commands: 0,
            replies: 0,
        }
    }

    fn step(&mut self) -> Result<(), String> {
        match self.chance.below(100) {
            0..55 => self.say(),
            55..88 => self.deliver()?,
            88..96 => self.pass_time()?,
            96..98 if self.clients.len() < 8 => self.connect()?,
            _ if self.clients.len() > 2 => self.hang_up()?,
            _ => {}
        }
        Ok(())
    }

    fn connect(&mut self) -> Result<(), String> {
        let peer = Peer {
            addr: format!("127.0.0.1:{}", 40_000 + self.clients.len()),
            laddr: "127.0.0.1:6379".into(),
            fd: -1,
            local: true,
            ..Peer::default()
        };
        let id = self.engine.connect(self.now, peer);
        let mut client = Client {
            id,
            outbound: VecDeque::new(),
            inbound: Vec::new(),
            expected: VecDeque::new(),
            echoes: 0,
            last: String::new(),
        };
        client.say(&[b"HELLO".to_vec(), b"3".to_vec()]);
        if table::find(b"psubscribe").is_some() && self.chance.percent(30) {
            client.outbound.extend(resp::command(&["PSUBSCRIBE", "*"]));
        }
        self.clients.push(client);
        self.settle()
    }

    /// A client writes a command, which does not reach the engine yet.
    fn say(&mut self) {
        let rule = &self.rules[self.chance.below(self.rules.len())];
        let args = grammar::draw(rule, &mut self.chance);
        let at = self.chance.below(self.clients.len());
        self.clients[at].say(&args);
        self.commands += 1;
    }

    /// Some bytes of a client reach the engine, cut wherever chance cuts.
    fn deliver(&mut self) -> Result<(), String> {
        let at = self.chance.below(self.clients.len());
        let all = self.clients[at].outbound.len();
        if all == 0 {
            return Ok(());
        }
        let len = if self.chance.percent(50) { all } else { 1 + self.chance.below(all) };
        let bytes: Vec<u8> = self.clients[at].outbound.drain(..len).collect();
        self.engine.receive(self.now, self.clients[at].id, &bytes);
        self.settle()
    }

    fn pass_time(&mut self) -> Result<(), String> {
        let us = [1, 1_000, 50_000, 2_000_000][self.chance.below(4)];
        self.now.mono_us += us;
        self.now.unix_us += us;
        self.engine.timeout(self.now);
        self.settle()
    }

    fn hang_up(&mut self) -> Result<(), String> {
        let at = self.chance.below(self.clients.len());
        let client = self.clients.swap_remove(at);
        self.engine.disconnect(self.now, client.id);
        self.settle()
    }

    fn settle(&mut self) -> Result<(), String> {
        while let Some(effect) = self.engine.poll() {
            match effect {
                Effect::Send(id) => self.send(id)?,
                Effect::Close(id) => {
                    return Err(format!("the engine closes {id:?}, which did nothing wrong"));
                }
                Effect::Shutdown => return Err("the engine shuts down".into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes what there is to send, in one or several bites.
    fn send(&mut self, id: ConnId) -> Result<(), String> {
        loop {
            let bytes: Vec<u8> = self.engine.outgoing(id).flatten().copied().collect();
            if bytes.is_empty() {
                return Ok(());
            }
            let len = if self.chance.percent(70) {
                bytes.len()
            } else {
                1 + self.chance.below(bytes.len())
            };
            self.engine.sent(self.now, id, len);
            for &byte in &bytes[..len] {
                self.trace = (self.trace ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            self.trace ^= self.now.mono_us;
            let Some(client) = self.clients.iter_mut().find(|client| client.id == id) else {
                continue;
            };
            client.inbound.extend_from_slice(&bytes[..len]);
            self.replies += client.check()?;
        }
    }

    /// Everything that was said is delivered, and everybody who does not wait has all replies.
    fn finish(&mut self) -> Result<(), String> {
        for at in 0..self.clients.len() {
            let bytes: Vec<u8> = self.clients[at].outbound.drain(..).collect();
            self.engine.receive(self.now, self.clients[at].id, &bytes);
            self.settle()?;
        }
        // Ever longer steps, to years: they end every wait that ends at all.
        let mut step_us = 100_000;
        for _ in 0..600 {
            self.now.mono_us += step_us;
            self.now.unix_us += step_us;
            step_us = (step_us + step_us / 16).min(1 << 45);
            self.engine.timeout(self.now);
            self.settle()?;
            if self.clients.iter().all(|client| client.expected.is_empty()) {
                break;
            }
        }
        for client in &self.clients {
            match client.expected.front() {
                // Waiting for ever is what a timeout of 0 asks for.
                Some(Expected::Reply(command))
                    if command.starts_with('B')
                        || command.contains(r#""BLOCK" "0""#)
                        || command.starts_with("WAITAOF") => {}
                Some(other) => return Err(format!("never came: {other:?}")),
                None if client.inbound.is_empty() => {}
                None => return Err("bytes that are no whole reply".into()),
            }
        }
        Ok(())
    }
}

impl Client {
    fn say(&mut self, args: &[Vec<u8>]) {
        self.outbound.extend(resp::command(args));
        let name = String::from_utf8_lossy(&args[0]).to_uppercase();
        let text = args.iter().map(|arg| crate::quote::repr(arg)).collect::<Vec<_>>().join(" ");
        self.expected.push_back(Expected::Reply(format!("{name}: {text}")));
        self.echoes += 1;
        self.outbound.extend(resp::command(&["ECHO".to_string(), format!("echo {}", self.echoes)]));
        self.expected.push_back(Expected::Echo(self.echoes));
    }

    /// Compares what came with what was to come.
    fn check(&mut self) -> Result<u64, String> {
        let mut checked = 0;
        while let Some((value, used)) = resp::decode(&self.inbound)? {
            self.inbound.drain(..used);
            if matches!(value, Value::Push(_)) {
                continue;
            }
            checked += 1;
            match (self.expected.pop_front(), value) {
                (None, value) => return Err(format!("nobody asked for {}", value.compact())),
                (Some(Expected::Reply(command)), value) if !is_echo(&value) => {
                    self.last = format!("{command} got {}", value.compact());
                }
                // In a transaction echoes come as QUEUED, and again in EXEC's reply.
                (Some(Expected::Echo(_)), Value::Status(text)) if text == b"QUEUED" => {}
                (Some(Expected::Echo(number)), Value::Bulk(text))
                    if text == format!("echo {number}").as_bytes() => {}
                (Some(expected), value) => {
                    return Err(format!(
                        "{expected:?} got {}, after {}",
                        value.compact(),
                        self.last
                    ));
                }
            }
        }
        Ok(checked)
    }
}

fn is_echo(value: &Value) -> bool {
    matches!(value, Value::Bulk(text) if text.starts_with(b"echo "))
}

/// Commands that change how replies come, end connections, or answer differently by mere nature.
fn may_run(rule: &Rule) -> bool {
    let name = rule.words[0].as_str();
    let out = [
        "QUIT", "RESET", "HELLO", "AUTH", "MONITOR", "SHUTDOWN", "CONFIG", "CLIENT", "SYNC",
        "PSYNC",
    ];
    // Subscriptions are answered by pushes alone; clients subscribe when they connect.
    let subscribes = name.ends_with("SUBSCRIBE");
    !out.contains(&name) && !subscribes && !rule.command.flags.contains(Flags::PROTECTED)
}
