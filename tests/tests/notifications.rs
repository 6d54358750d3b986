//! Keyspace notifications: while a script runs, a client that listens to all of them hears the same from the
//! engine and from Redis, in the same order.

use std::time::Duration;

use redstart_tests::live::Server;
use redstart_tests::resp::{self, Value};
use redstart_tests::script::{self, Action, EngineHost, Got, Host, Script, ServerHost, Variant};

/// Scripts that sleep longer than this are not run in real time.
const LONGEST: Duration = Duration::from_secs(2);

/// The connection that listens; scripts have no names in capitals.
const LISTENER: &str = "LISTENER";

/// Events that come when their time is up, which is another moment on each side.
const OF_THE_CLOCK: &[&str] = &["expired", "hexpired"];

/// A host with a client more, which listens.
struct Heard<H> {
    host: H,
}

impl<H: Host> Heard<H> {
    fn new(mut host: H) -> Result<Self, String> {
        host.connect(LISTENER)?;
        let mut heard = Self { host };
        heard.ask(&["CONFIG", "SET", "notify-keyspace-events", "EA"])?;
        heard.ask(&["PSUBSCRIBE", "__keyevent@*__:*"])?;
        Ok(heard)
    }

    fn ask(&mut self, words: &[&str]) -> Result<(), String> {
        self.host.send(LISTENER, &resp::command(words))?;
        self.host.receive(LISTENER, true).map(|_| ())
    }

    /// What was heard up to now: `event key`, with the number of the database in front.
    fn events(&mut self) -> Result<Vec<String>, String> {
        self.host.send(LISTENER, &resp::command(&["PING"]))?;
        let mut events = Vec::new();
        loop {
            let Got::Reply(Value::Array(words)) = self.host.receive(LISTENER, true)? else {
                return Err("the listener heard no array".into());
            };
            let text = |at: usize| match words.get(at) {
                Some(Value::Bulk(text)) => String::from_utf8_lossy(text).into_owned(),
                _ => String::new(),
            };
            if text(0) == "pong" {
                return Ok(events);
            }
            let channel = text(2);
            let event = channel.rsplit_once(':').map_or("", |(_, event)| event);
            if !OF_THE_CLOCK.contains(&event) {
                events.push(format!("{channel} {}", text(3)));
            }
        }
    }
}

impl<H: Host> Host for Heard<H> {
    fn connect(&mut self, name: &str) -> Result<(), String> {
        self.host.connect(name)
    }
    fn send(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.host.send(name, bytes)
    }
    fn receive(&mut self, name: &str, patient: bool) -> Result<Got, String> {
        self.host.receive(name, patient)
    }
    fn disconnect(&mut self, name: &str) -> Result<(), String> {
        self.host.disconnect(name)
    }
    fn wait(&mut self, us: u64) -> Result<(), String> {
        self.host.wait(us)
    }
}

/// The events of a script on a host.
fn events(script: &Script, host: impl Host) -> Result<Vec<String>, String> {
    let mut heard = Heard::new(host)?;
    script::run(script, &mut heard, Variant::default())?;
    heard.events()
}

/// Whether what it does to its listener or what Redis 7.0 lacks makes the events of a script another's.
fn is_judged(script: &Script) -> bool {
    let apart = |step: &script::Step| match &step.action {
        Action::Command(_, args) => {
            let words: Vec<_> =
                args.iter().map(|arg| String::from_utf8_lossy(arg).to_lowercase()).collect();
            let line = words.join(" ");
            // The listener is a client too, and its setting a setting.
            step.differs.is_some()
                || line.contains("notify-keyspace-events")
                || line.starts_with("client kill")
                || line.starts_with("client pause")
                || line.starts_with("client no-evict")
                || line.starts_with("acl")
                || line.starts_with("config set maxmemory")
                || line.starts_with("debug")
        }
        _ => false,
    };
    script.differs.is_none()
        && script.wait_us() <= LONGEST.as_micros() as u64
        && !script.steps.iter().any(apart)
}

#[test]
fn whoever_listens_hears_what_redis_says() {
    let scripts = script::load_all().expect("every script parses");
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for script in scripts.iter().filter(|script| is_judged(script)) {
        let Some(server) = Server::oracle().expect("the oracle is there") else { return };
        let ours = events(script, EngineHost::new(7));
        let theirs = events(script, ServerHost::new(&server));
        compared += theirs.as_ref().map_or(0, Vec::len);
        if ours != theirs {
            wrong.push(difference(&script.name, ours, theirs));
        }
    }
    println!("{compared} events compared");
    // Scripts that fail on both sides would be alike, too.
    assert!(compared > 1000, "only {compared} events were heard");
    assert!(wrong.is_empty(), "{} differences\n\n{}", wrong.len(), wrong.join("\n"));
}

fn difference(
    name: &str,
    ours: Result<Vec<String>, String>,
    theirs: Result<Vec<String>, String>,
) -> String {
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (ours, theirs) => return format!("{name}: ours {ours:?}, Redis's {theirs:?}"),
    };
    let at = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let here = |events: &[String]| {
        events.iter().skip(at.saturating_sub(1)).take(4).cloned().collect::<Vec<_>>()
    };
    format!("{name}: after {at} events ours {:?}, Redis's {:?}", here(&ours), here(&theirs))
}
