//! What a handler gets: the keyspace, its client, the reply, the server.

use super::Command;
use crate::client::{Client, OnTimeout, Wait};
use crate::error::Error;
use crate::resp::Reply;
use crate::server::Server;
use crate::store::Store;
use crate::value::Kind;
use alloc::boxed::Box;

/// How a handler ended.
#[derive(Debug)]
pub enum Flow {
    /// The reply is written.
    Done,
    /// Nothing was changed or written: run the command again when a key is ready, or give up in time.
    Block(Wait),
    /// A script is not done: the engine goes on with it, and its client waits.
    Busy,
}

/// What a running command works with.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// The keyspace.
    pub db: &'a mut Store,
    /// Where the reply goes.
    pub reply: &'a mut Reply,
    /// The connection that asked.
    pub client: &'a mut Client,
    /// Everything else.
    pub server: &'a mut Server,
    /// The command (of a container, the subcommand) that runs.
    pub command: &'static Command,
    /// Whether it runs within EXEC or a script: then it may not block.
    pub nested: bool,
    /// The key because of which a command that waited runs again.
    pub woken_by: Option<&'a [u8]>,
}

impl Ctx<'_> {
    /// The wall clock, in Unix milliseconds.
    #[inline]
    pub fn now_ms(&self) -> i64 {
        self.db.now_ms
    }

    /// What expires at this time or before is gone, in Unix milliseconds: never, while a file is read.
    #[inline]
    pub fn due_ms(&self) -> i64 {
        self.db.due_ms()
    }

    /// Has this command written to the journal in the place of the running one, or beside another that stands
    /// for it: see [`crate::store::journal`].
    pub fn replicate(&mut self, words: &[&[u8]]) {
        self.db.replicate(words);
    }

    /// Waits for any of `keys` to get a value of `kind`, for `timeout_us` microseconds (0: for ever).
    /// In a transaction or a script, or if its host is synchronous, the client gets what it would get when time is up.
    pub fn block<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]>,
        kind: Kind,
        timeout_us: u64,
        on_timeout: OnTimeout,
    ) -> Result<Flow, Error> {
        if self.nested || self.client.peer.synchronous {
            self.write_timeout(on_timeout);
            return Ok(Flow::Done);
        }
        let deadline_us =
            (timeout_us > 0).then(|| self.server.now.mono_us.saturating_add(timeout_us));
        Ok(Flow::Block(Wait {
            keys: keys.map(Box::from).collect(),
            kind,
            deadline_us,
            on_timeout,
            for_key: false,
            request: None,
        }))
    }

    /// How long the client's output may get: a command that repeats itself at its word stops there.
    pub fn output_bytes_max(&self) -> usize {
        let hard = self.server.clients.limits.classes[self.client.class() as usize].hard;
        // What a script is told is not sent to anybody.
        let in_script = self.nested && self.server.scripting.machine.is_none();
        match usize::try_from(hard) {
            Ok(hard) if hard > 0 && !in_script => {
                hard.saturating_add(self.client.sent).min(OUTPUT_BYTES_MAX)
            }
            _ => OUTPUT_BYTES_MAX,
        }
    }

    fn write_timeout(&mut self, on_timeout: OnTimeout) {
        write_timeout(self.reply, on_timeout);
    }
}

/// No output may grow past this, in bytes.
const OUTPUT_BYTES_MAX: usize = 1 << 30;

/// Writes what a client gets whose wait is over in vain.
pub fn write_timeout(reply: &mut Reply, on_timeout: OnTimeout) {
    match on_timeout {
        OnTimeout::Null => reply.null(),
        OnTimeout::NullArray => reply.null_array(),
        OnTimeout::Int(value) => reply.int(value),
        OnTimeout::Pair(first, second) => {
            reply.array(2);
            reply.int(first);
            reply.int(second);
        }
    }
}
