//! Reading an append-only file: its commands run one after the other, as if a client that may do everything sent
//! them and nobody saw the replies.
//!
//! Nothing expires meanwhile: a key that was made to live on later must not be lost to a time that has passed
//! since. Nothing is evicted, journaled, counted or told to anybody. A transaction runs when its EXEC has come,
//! so that half of one changes nothing.

use super::Engine;
use crate::client::Client;
use crate::command::{Args, Ctx, Flags};
use crate::commands::table;
use crate::resp::{Limits, Parser, Reply, Request, Span, Step};
use crate::server::{Names, Now};
use crate::store::Class;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// How far the reading of one file has come.
#[derive(Debug)]
pub struct Replay {
    client: Box<Client>,
    reply: Reply,
    parser: Parser,
    spans: Vec<Span>,
    /// The commands since MULTI.
    queued: Option<Vec<Request>>,
    /// Bytes that were read.
    pub offset: u64,
    /// The end of the last command outside of a transaction: the file is good up to here.
    pub whole: u64,
    /// Commands that ran.
    pub commands: u64,
    /// The time of the last annotation, in Unix seconds; 0: there was none.
    pub stamp_s: i64,
}

/// Why the reading of a file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayError {
    /// Where the command begins that is wrong.
    pub offset: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a command of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is none.
    Format,
    /// There is no command of this name, or it takes other arguments.
    Unknown(String),
}

impl Default for Replay {
    fn default() -> Self {
        Self::new()
    }
}

impl Replay {
    /// The beginning of a file.
    pub fn new() -> Self {
        let mut client = Box::<Client>::default();
        client.authenticated = true;
        client.unrestricted = true;
        client.peer.local = true;
        // Scripts run to their end.
        client.peer.synchronous = true;
        Self {
            client,
            reply: Reply::default(),
            parser: Parser::new(),
            spans: Vec::new(),
            queued: None,
            offset: 0,
            whole: 0,
            commands: 0,
            stamp_s: 0,
        }
    }

    /// Whether the file has come to an end within a transaction, if it ends here.
    pub fn is_in_transaction(&self) -> bool {
        self.queued.is_some()
    }
}

impl Engine {
    /// Runs the whole commands in `bytes`, which follow in the file on those that ran before; how many bytes they
    /// took. The rest is given again with more behind it; at the end of the file, a rest is a command that was
    /// not written whole.
    pub fn replay(
        &mut self,
        now: Now,
        replay: &mut Replay,
        bytes: &[u8],
    ) -> Result<usize, ReplayError> {
        self.set_now(now);
        let on = core::mem::take(&mut self.store.journal.on);
        let notify = core::mem::replace(&mut self.store.notify, Class::empty());
        let dirty = self.store.dirty;
        self.store.loading = true;
        let result = self.replay_commands(replay, bytes);
        self.store.loading = false;
        self.store.dirty = dirty;
        self.store.notify = notify;
        self.store.journal.on = on;
        self.after_input();
        result
    }

    fn replay_commands(&mut self, replay: &mut Replay, bytes: &[u8]) -> Result<usize, ReplayError> {
        let limits = Limits { bulk_bytes: u64::MAX, authenticated: true };
        let mut at = 0;
        while let Some(&first) = bytes.get(at) {
            let rest = &bytes[at..];
            let fail = |fault| Err(ReplayError { offset: replay.offset, fault });
            if first == b'#' {
                let Some(end) = rest.iter().position(|&byte| byte == b'\n') else { break };
                if let Some(stamp) = rest[..end].strip_prefix(b"#TS:") {
                    let digits = stamp.strip_suffix(b"\r").unwrap_or(stamp);
                    replay.stamp_s = crate::collections::decimal::parse(digits).unwrap_or(0);
                }
                at += end + 1;
                replay.advance(end + 1);
                continue;
            }
            if first != b'*' {
                return fail(Fault::Format);
            }
            let mut spans = core::mem::take(&mut replay.spans);
            match replay.parser.advance(rest, &limits, &mut spans) {
                Step::Incomplete => {
                    replay.spans = spans;
                    break;
                }
                // What a file was made longer by, and never got, is zeros.
                Step::Request(_)
                    if spans.iter().any(|span| {
                        let end = (span.start + span.len) as usize;
                        rest.get(end..end + 2) != Some(b"\r\n")
                    }) =>
                {
                    return fail(Fault::Format);
                }
                Step::Request(len) if !spans.is_empty() => {
                    self.replay_one(replay, Args::new(&rest[..len], &spans))
                        .map_err(|fault| ReplayError { offset: replay.offset, fault })?;
                    spans.clear();
                    replay.spans = spans;
                    at += len;
                    replay.advance(len);
                }
                Step::Request(_) | Step::Invalid(_) => return fail(Fault::Format),
            }
        }
        Ok(at)
    }

    fn replay_one(&mut self, replay: &mut Replay, args: Args<'_>) -> Result<(), Fault> {
        let names = &self.server.names;
        // Redis writes down a command by the name it has now; other servers may have called it otherwise.
        let found =
            table::resolve(names, args).or_else(|_| table::resolve(&Names::default(), args));
        let Ok((_, command)) = found else {
            return Err(Fault::Unknown(String::from_utf8_lossy(&args[0]).into_owned()));
        };
        match (command.name, &mut replay.queued) {
            ("multi", _) => replay.queued = Some(Vec::new()),
            ("exec", queued) => {
                for request in queued.take().unwrap_or_default() {
                    self.run_replayed(replay, request.args());
                }
            }
            (_, Some(queued)) => queued.push(args.to_request()),
            _ => self.run_replayed(replay, args),
        }
        Ok(())
    }

    fn run_replayed(&mut self, replay: &mut Replay, args: Args<'_>) {
        let names = &self.server.names;
        let found =
            table::resolve(names, args).or_else(|_| table::resolve(&Names::default(), args));
        let Ok((id, command)) = found else { return };
        // What changes nothing is not there for its effect.
        let runs = command.flags.intersects(Flags::WRITE.union(Flags::MAY_REPLICATE))
            || command.name == "select"
            || table::container(id) == "script";
        if !runs {
            return;
        }
        replay.commands += 1;
        self.store.select(replay.client.db);
        let mut ctx = Ctx {
            db: &mut self.store,
            reply: &mut replay.reply,
            client: &mut replay.client,
            server: &mut self.server,
            command,
            nested: true,
            woken_by: None,
        };
        // Redis does not look at what came of it either.
        let _ = (command.run)(&mut ctx, args);
        replay.reply.out.clear();
        self.store.events.clear();
    }
}

impl Replay {
    fn advance(&mut self, bytes: usize) {
        self.offset += bytes as u64;
        if self.queued.is_none() {
            self.whole = self.offset;
        }
    }
}
