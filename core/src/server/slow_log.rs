//! SLOWLOG and COMMANDLOG: the last commands that took long, were large, or had a large reply.

use crate::client::Client;
use crate::resp::Args;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// So many arguments of a command are kept; the last of them then says how many more there were.
const ARGS_MAX: usize = 32;
/// So many bytes of an argument are kept.
const ARG_BYTES_MAX: usize = 128;

/// A command that was worth a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowCommand {
    /// Its number; it never comes again.
    pub id: u64,
    /// When it ran, in Unix seconds.
    pub unix_seconds: i64,
    /// How long it took, in microseconds, or how many bytes there were.
    pub amount: u64,
    /// Its arguments, shortened.
    pub args: Vec<Vec<u8>>,
    /// The address of its client.
    pub addr: String,
    /// The name of its client.
    pub name: Vec<u8>,
}

/// One of the logs.
#[derive(Debug, Clone, Default)]
pub struct SlowLog {
    /// Its entries, newest first.
    pub entries: VecDeque<SlowCommand>,
    next_id: u64,
}

impl SlowLog {
    /// Adds a command; the oldest ones over `limit` are dropped.
    #[cold]
    pub fn push(
        &mut self,
        args: Args<'_>,
        secrets: &Secrets,
        amount: u64,
        unix_seconds: i64,
        client: &Client,
        limit: usize,
    ) {
        self.entries.push_front(SlowCommand {
            id: self.next_id,
            unix_seconds,
            amount,
            args: shortened(args, secrets),
            addr: client.peer.addr.clone(),
            name: client.name.clone(),
        });
        self.next_id += 1;
        self.entries.truncate(limit);
    }
}

fn shortened(args: Args<'_>, secrets: &Secrets) -> Vec<Vec<u8>> {
    let mut kept: Vec<Vec<u8>> = args
        .iter_from(0)
        .take(ARGS_MAX)
        .enumerate()
        .map(|(index, arg)| {
            if secrets.hides(args, index) {
                b"(redacted)".to_vec()
            } else if arg.len() > ARG_BYTES_MAX {
                let more = format!("... ({} more bytes)", arg.len() - ARG_BYTES_MAX);
                [&arg[..ARG_BYTES_MAX], more.as_bytes()].concat()
            } else {
                arg.to_vec()
            }
        })
        .collect();
    if args.len() > ARGS_MAX {
        let more = format!("... ({} more arguments)", args.len() - ARGS_MAX + 1);
        kept[ARGS_MAX - 1] = more.into_bytes();
    }
    kept
}

/// Which arguments of a command are nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// None.
    None,
    /// All from this one on.
    From(usize),
    /// Those behind a word AUTH.
    Auth,
    /// The values of settings that hold secrets.
    Settings,
}

impl Secrets {
    /// Those of the command of this own name, whatever the client called it; of the two called `set`, it
    /// is CONFIG's that is for administrators.
    pub fn of(name: &str, is_admin: bool) -> Self {
        match name {
            "auth" => Self::From(1),
            "setuser" => Self::From(2),
            "hello" | "migrate" => Self::Auth,
            "set" if is_admin => Self::Settings,
            _ => Self::None,
        }
    }

    fn hides(&self, args: Args<'_>, index: usize) -> bool {
        match self {
            Self::None => false,
            Self::From(from) => index >= *from,
            Self::Auth => {
                (2..index.max(1)).any(|at| args.is(at, "auth") && index <= at + 2)
                    || (2..index).any(|at| args.is(at, "auth2") && index <= at + 2)
            }
            Self::Settings => {
                index >= 3 && index % 2 == 1 && crate::config::is_secret(&args[index - 1])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Request;

    fn kept(args: &[&[u8]]) -> Vec<Vec<u8>> {
        shortened(Request::of(args).args(), &Secrets::None)
    }

    fn kept_of(name: &str, args: &[&[u8]]) -> Vec<Vec<u8>> {
        shortened(Request::of(args).args(), &Secrets::of(name, true))
    }

    #[test]
    fn long_arguments_and_many_are_cut() {
        let long = [b'x'; 130];
        let mut expected = long[..128].to_vec();
        expected.extend_from_slice(b"... (2 more bytes)");
        assert_eq!(kept(&[b"set", b"k", &long])[2], expected);
        let many = [&b"a"[..]; 40];
        let kept = kept(&many);
        assert_eq!((kept.len(), kept[31].as_slice()), (32, &b"... (9 more arguments)"[..]));
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(
            kept_of("auth", &[b"renamed", b"me", b"pw"])[1..],
            [b"(redacted)", b"(redacted)"]
        );
        let set = kept_of("set", &[b"config", b"set", b"requirepass", b"pw", b"port", b"1"]);
        assert_eq!(set[2..], [&b"requirepass"[..], b"(redacted)", b"port", b"1"]);
        let hello = kept_of("hello", &[b"hello", b"3", b"auth", b"me", b"pw", b"setname", b"x"]);
        assert_eq!(hello[3..], [&b"(redacted)"[..], b"(redacted)", b"setname", b"x"]);
    }

    #[test]
    fn the_oldest_are_dropped() {
        let mut log = SlowLog::default();
        let request = Request::of(&[b"ping"]);
        for _ in 0..3 {
            log.push(request.args(), &Secrets::None, 5, 1, &Client::default(), 2);
        }
        let ids: Vec<u64> = log.entries.iter().map(|entry| entry.id).collect();
        assert_eq!(ids, [2, 1]);
    }
}
