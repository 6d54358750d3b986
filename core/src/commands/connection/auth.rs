//! AUTH: the password of the default user, the only one there is.

use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::Error;

/// AUTH \[username\] password: opens the connection to commands.
pub const AUTH: Command = Command::new("auth", -2, auth)
    .allow_busy()
    .fast()
    .loading()
    .no_auth()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .docs(
        "[username] password",
        "Authenticates the connection.",
        "O(N) where N is the number of passwords defined for the user",
    );

fn auth(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    match args.len() {
        2 => {
            if ctx.server.config.requirepass.is_empty() {
                return Err(Error::Text(
                    "ERR AUTH <password> called without any password configured for the default \
                     user. Are you sure your configuration is correct?",
                ));
            }
            authenticate(ctx, b"default", &args[1])?;
        }
        3 => authenticate(ctx, &args[1], &args[2])?,
        _ => return Err(Error::Syntax),
    }
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// Lets the connection in as `user`, or says that name or password are wrong.
pub(super) fn authenticate(ctx: &mut Ctx<'_>, user: &[u8], password: &[u8]) -> Result<(), Error> {
    let wanted = &ctx.server.config.requirepass;
    if user != b"default" || !(wanted.is_empty() || same(wanted, password)) {
        return Err(Error::Text("WRONGPASS invalid username-password pair or user is disabled."));
    }
    ctx.client.authenticated = true;
    ctx.client.user = "default".into();
    Ok(())
}

/// Compares in a time that tells nothing of where the difference is.
fn same(wanted: &[u8], given: &[u8]) -> bool {
    let mut difference = wanted.len() ^ given.len();
    for (i, &byte) in given.iter().enumerate() {
        difference |= usize::from(byte ^ wanted[i % wanted.len()]);
    }
    difference == 0
}
