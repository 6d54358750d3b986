//! ACL LOAD and SAVE: users in a file of their own. The host reads and writes it.

use super::{change, of_acl, rules};
use crate::acl::{User, Users, file};
use crate::command::{Args, Command, Ctx, Flow};
use crate::commands::table::AllCommands;
use crate::error::Error;
use crate::server::{Effect, Level, Server};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

const NO_FILE: Error = Error::Text(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via \
     the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration \
     file set) in order to store users in the Redis configuration.",
);

/// ACL LOAD: makes the users anew from the ACL file, all of them or none.
pub(super) const ACL_LOAD: Command = of_acl("load", 2, load).admin().docs(
    "",
    "Makes the users anew from the ACL file.",
    "O(N) with N the number of users",
);

fn load(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let users = read_file(ctx.server)
        .map_err(|reason| Error::Owned(format!("ERR {reason}")))?
        .ok_or(NO_FILE)?;
    let old = core::mem::replace(&mut ctx.server.acl.users, users);
    // The clients of the default user stay. All others have to say again who they are, even if their
    // users are as they were.
    let default = ctx.server.acl.users.default_user().clone();
    change::close_clients(ctx, |name| !change::is_default(name) && old.find(name).is_some());
    change::hand_out(ctx, &default.name);
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// The users in the ACL file; `None` where no file is configured.
pub fn read_file(server: &Server) -> Result<Option<Users>, String> {
    let path = server.config.string("aclfile");
    if path.is_empty() {
        return Ok(None);
    }
    let text = (server.hooks.read_acl_file)(&path)
        .map_err(|reason| format!("Error loading ACLs, opening file '{path}': {reason}"))?;
    let mut users = Users::default();
    // A file that says nothing of the default user lets everybody in.
    users.insert(Arc::new(User::default_user(&AllCommands)));
    for user in file::read(&rules(&server.config), &path, &text)? {
        users.insert(Arc::new(user));
    }
    Ok(Some(users))
}

/// ACL SAVE: writes the users into the ACL file.
pub(super) const ACL_SAVE: Command = of_acl("save", 2, save).admin().docs(
    "",
    "Writes the users into the ACL file.",
    "O(N) with N the number of users",
);

fn save(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let path = ctx.server.config.string("aclfile");
    if path.is_empty() {
        return Err(NO_FILE);
    }
    let text: Vec<u8> = file::write(&ctx.server.acl.users, &AllCommands);
    if let Err(reason) = (ctx.server.hooks.write_acl_file)(&path, &text) {
        let line = format!("Writing ACLs to file '{path}': {reason}");
        ctx.server.effects.push_back(Effect::Log(Level::Warning, line));
        return Err(Error::Text(
            "ERR There was an error trying to save the ACLs. Please check the server logs for more \
             information",
        ));
    }
    ctx.reply.ok();
    Ok(Flow::Done)
}
