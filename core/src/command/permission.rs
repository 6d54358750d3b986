//! Whether a user may run a command with its arguments, and what happens when it may not.
//!
//! [`may`] is the question, without consequences: the gate asks it, EXEC and blocked commands ask again,
//! ACL DRYRUN and scripts as well. Keys are those that the key specs tell, as everywhere.

use super::getkeys::keys;
use super::keys::{Begin, Find};
use super::{Args, Command, Ctx, Flags, KeyFlags};
use crate::acl::{Context, KeyAccess, LogEntry, Reason, Selector, User};
use crate::error::Error;
use alloc::format;
use alloc::vec::Vec;

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// No selector allows the command.
    Command,
    /// The key at this place among the arguments.
    Key(usize),
    /// The channel at this place.
    Channel(usize),
}

impl Denied {
    /// Of several reasons, the one with the highest rank is told.
    fn rank(self) -> (u8, usize) {
        match self {
            Self::Command => (0, 0),
            Self::Key(place) => (1, place),
            Self::Channel(place) => (2, place),
        }
    }

    /// What a client hears whose command has this full name.
    pub fn error(self, full_name: &str) -> Error {
        match self {
            Self::Command => Error::Owned(format!(
                "NOPERM this user has no permissions to run the '{full_name}' command"
            )),
            Self::Key(_) => Error::Text(
                "NOPERM this user has no permissions to access one of the keys used as arguments",
            ),
            Self::Channel(_) => Error::Text(
                "NOPERM this user has no permissions to access one of the channels used as arguments",
            ),
        }
    }

    /// What EXEC says of a command that was allowed when it was queued.
    pub fn since_queued(self) -> Error {
        Error::Owned(format!(
            "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC \
             call. This command is no longer allowed for the following reason: {}",
            match self {
                Self::Command => "no permission to execute the command or subcommand",
                Self::Key(_) => "no permission to touch the specified keys",
                Self::Channel(_) => {
                    "no permission to access one of the channels used as arguments"
                }
            }
        ))
    }

    /// What a script hears, without the code.
    pub const fn in_script(self) -> &'static str {
        match self {
            Self::Command => "The user executing the script can't run this command or subcommand",
            Self::Key(_) => {
                "The user executing the script can't access at least one of the keys mentioned in the \
                 command arguments"
            }
            Self::Channel(_) => {
                "The user executing the script can't publish to the channel mentioned in the command"
            }
        }
    }

    /// What ACL DRYRUN says.
    pub fn dry_run(self, full_name: &str, args: Args<'_>) -> Vec<u8> {
        let (what, object, kind): (_, &[u8], _) = match self {
            Self::Command => ("run", full_name.as_bytes(), "command"),
            Self::Key(place) => ("access", args.get(place).unwrap_or_default(), "key"),
            Self::Channel(place) => ("access", args.get(place).unwrap_or_default(), "channel"),
        };
        [format!("This user has no permissions to {what} the '").as_bytes(), object]
            .into_iter()
            .chain([format!("' {kind}").as_bytes()])
            .collect::<Vec<_>>()
            .concat()
    }
}

/// Whether `user` may run the command of this number with `args`.
pub fn may(user: &User, id: usize, command: &Command, args: Args<'_>) -> Result<(), Denied> {
    let mut keys = None;
    let mut denied = Denied::Command;
    for selector in &user.selectors {
        match selector_allows(selector, id, command, args, &mut keys) {
            Ok(()) => return Ok(()),
            Err(reason) if reason.rank() > denied.rank() => denied = reason,
            Err(_) => {}
        }
    }
    Err(denied)
}

/// Whether `user` may run the command with `args` and read every key there is: what SORT asks before it
/// follows patterns.
pub fn may_and_reads_all_keys(user: &User, id: usize, command: &Command, args: Args<'_>) -> bool {
    user.selectors.iter().any(|selector| {
        let all_keys = selector.all_keys
            || selector
                .keys
                .iter()
                .any(|own| &*own.pattern == b"*" && own.access.contains(KeyAccess::READ));
        all_keys && selector_allows(selector, id, command, args, &mut None).is_ok()
    })
}

type Keys = Vec<(usize, KeyFlags)>;

fn selector_allows(
    selector: &Selector,
    id: usize,
    command: &Command,
    args: Args<'_>,
    keys: &mut Option<Keys>,
) -> Result<(), Denied> {
    let is_free = command.flags.contains(Flags::NO_AUTH);
    if !is_free && !selector.commands.is_all() && !selector.commands.allows(id, args.get(1)) {
        return Err(Denied::Command);
    }
    if !selector.all_keys && !command.keys.is_empty() {
        for &(place, flags) in &*keys.get_or_insert_with(|| keys_of(command, args)) {
            let key = args.get(place).unwrap_or_default();
            if !selector.allows_key(key, access(flags)) {
                return Err(Denied::Key(place));
            }
        }
    }
    if !selector.all_channels
        && command.flags.contains(Flags::PUBSUB)
        && let Some((places, is_pattern)) = channels(command, args)
    {
        for place in places {
            let channel = args.get(place).unwrap_or_default();
            if !selector.allows_channel(channel, is_pattern) {
                return Err(Denied::Channel(place));
            }
        }
    }
    Ok(())
}

/// The keys among `args`; none where they do not fit the command, which then refuses them itself.
fn keys_of(command: &Command, args: Args<'_>) -> Keys {
    let mut found = keys(command, args).unwrap_or_default();
    // `STORE a STORE b` stores to the last one, and the spec finds the first. Redis lets it pass.
    for spec in command.keys {
        if let (Begin::Keyword(word, from @ 0..), Find::Range { last: 0, .. }) =
            (spec.begin, spec.find)
        {
            let behind = (from as usize + 1..args.len()).filter(|&at| args.is(at - 1, word));
            found.extend(behind.map(|at| (at, spec.flags)));
        }
    }
    found.retain(|(_, flags)| !flags.contains(KeyFlags::NOT_KEY));
    found
}

/// What has to be allowed to a key with these flags. A command that only asks whether there is one needs
/// nothing but a pattern that matches.
fn access(flags: KeyFlags) -> KeyAccess {
    let mut access = KeyAccess::empty();
    access.set(KeyAccess::READ, flags.contains(KeyFlags::ACCESS));
    let writes = KeyFlags::INSERT.union(KeyFlags::DELETE).union(KeyFlags::UPDATE);
    access.set(KeyAccess::WRITE, flags.intersects(writes));
    access
}

/// The channels that a command listens or sends to, and whether they are patterns.
fn channels(command: &Command, args: Args<'_>) -> Option<(core::ops::Range<usize>, bool)> {
    Some(match command.name {
        "subscribe" | "ssubscribe" => (1..args.len(), false),
        "psubscribe" => (1..args.len(), true),
        "publish" | "spublish" => (1..2, false),
        _ => return None,
    })
}

/// Lets the client's command through, or notes in ACL LOG why not. Nobody asks this of a client without
/// restrictions.
#[cold]
pub fn check(
    ctx: &mut Ctx<'_>,
    id: usize,
    command: &Command,
    container: &str,
    args: Args<'_>,
    context: Context,
) -> Result<(), Denied> {
    may(&ctx.client.user, id, command, args).inspect_err(|&denied| {
        let (reason, object) = match denied {
            Denied::Command => (Reason::Command, command.full_name(container).into_bytes()),
            Denied::Key(place) => (Reason::Key, args.get(place).unwrap_or_default().to_vec()),
            Denied::Channel(place) => {
                (Reason::Channel, args.get(place).unwrap_or_default().to_vec())
            }
        };
        let username = ctx.client.user.name.to_vec();
        note(ctx, args, reason, context, object, username);
    })
}

/// Notes a refusal in ACL LOG.
#[cold]
pub fn note(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    reason: Reason,
    context: Context,
    object: Vec<u8>,
    username: Vec<u8>,
) {
    let unix_ms = ctx.server.now.unix_ms();
    ctx.client.argument_bytes = args.iter_from(0).map(<[u8]>::len).sum();
    let client = ctx.client.describe(ctx.reply, &ctx.server.clients);
    ctx.client.argument_bytes = 0;
    let entry = LogEntry { count: 1, reason, context, object, username, unix_ms, client };
    let limit = usize::try_from(ctx.server.config.number("acllog-max-len")).unwrap_or(usize::MAX);
    ctx.server.acl.log.push(entry, limit);
}

/// Where a client's own command runs: alone, or in a transaction.
pub fn context(ctx: &Ctx<'_>) -> Context {
    if ctx.client.transaction.is_some() { Context::Multi } else { Context::Toplevel }
}
