//! AUTH: who the client is.

use crate::acl::Reason;
use crate::acl::user::DEFAULT;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, permission};
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
            if ctx.server.acl.users.default_user().nopass {
                return Err(Error::Text(
                    "ERR AUTH <password> called without any password configured for the default \
                     user. Are you sure your configuration is correct?",
                ));
            }
            authenticate(ctx, args, DEFAULT, &args[1])?;
        }
        3 => authenticate(ctx, args, &args[1], &args[2])?,
        _ => return Err(Error::Syntax),
    }
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// Lets the connection in as the user `name`, or says that name or password are wrong.
pub(super) fn authenticate(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    name: &[u8],
    password: &[u8],
) -> Result<(), Error> {
    let found = ctx.server.acl.users.find(name).filter(|user| user.accepts(password));
    if let Some(user) = found {
        ctx.client.set_user(user, true);
        return Ok(());
    }
    let context = permission::context(ctx);
    permission::note(ctx, args, Reason::Auth, context, args[0].to_vec(), name.to_vec());
    Err(Error::Text("WRONGPASS invalid username-password pair or user is disabled."))
}
