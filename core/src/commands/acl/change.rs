//! Changing users while clients are theirs: every client has its user as it is now, and those that lost a
//! right which they are using, or their user, are closed.

use crate::acl::user::DEFAULT;
use crate::acl::{User, selector};
use crate::client::{Client, ConnId};
use crate::command::Ctx;
use crate::commands::connection::kill_now;
use crate::server::Server;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Makes `requirepass` the one password of the default user, or takes its passwords away.
pub fn set_default_password(server: &mut Server) {
    let rules = super::rules(&server.config);
    let mut user = User::clone(server.acl.users.default_user());
    let password = [b">", &*server.config.requirepass].concat();
    let rule = if server.config.requirepass.is_empty() { b"nopass" } else { &*password };
    for rule in [b"resetpass", rule] {
        // Both are right.
        let _ = rules.apply(&mut user, rule);
    }
    server.acl.users.insert(Arc::new(user));
}

/// Hands a user that has changed to its clients.
pub fn hand_out(ctx: &mut Ctx<'_>, name: &[u8]) {
    let Some(user) = ctx.server.acl.users.find(name).cloned() else { return };
    let clients = ctx.server.clients.iter_mut().chain([&mut *ctx.client]);
    for client in clients.filter(|client| *client.user.name == *name) {
        client.set_user(&user, client.authenticated);
    }
}

/// Puts a user in the place of the one of its name, if there is one.
pub(super) fn replace(ctx: &mut Ctx<'_>, user: User) {
    if let Some(old) = ctx.server.acl.users.find(&user.name).cloned() {
        close_subscribers(ctx, &old, &user);
    }
    let name = user.name.clone();
    ctx.server.acl.users.insert(Arc::new(user));
    hand_out(ctx, &name);
}

/// Closes the clients of these users, which are gone.
pub(super) fn close_clients(ctx: &mut Ctx<'_>, of: impl Fn(&[u8]) -> bool) {
    close(ctx, |client| of(&client.user.name));
    if of(&ctx.client.user.name) {
        // It still gets the reply; what follows in its transaction may do nothing.
        let nobody = User { name: Box::from(DEFAULT), ..User::default() };
        ctx.client.set_user(&Arc::new(nobody), false);
        ctx.client.closing = true;
    }
}

/// Closes the clients of a user that listen to what its new rules do not allow any more.
fn close_subscribers(ctx: &mut Ctx<'_>, old: &User, new: &User) {
    if new.selectors.iter().any(|selector| selector.all_channels) {
        return;
    }
    let left: Vec<Box<[u8]>> =
        new.selectors.iter().flat_map(|selector| selector.channels.iter().cloned()).collect();
    let lost = old.selectors.iter().any(|selector| {
        selector.all_channels || selector.channels.iter().any(|channel| !left.contains(channel))
    });
    if !lost {
        return;
    }
    let listens = |client: &Client| {
        *client.user.name == *old.name
            && (client.patterns.iter().any(|name| !selector::in_list(&left, name, true))
                || client
                    .channels
                    .iter()
                    .chain(&client.shard_channels)
                    .any(|name| !selector::in_list(&left, name, false)))
    };
    close(ctx, listens);
    if listens(ctx.client) {
        ctx.client.closing = true;
    }
}

fn close(ctx: &mut Ctx<'_>, which: impl Fn(&Client) -> bool) {
    let victims: Vec<(u64, ConnId)> =
        ctx.server.clients.iter().filter(|c| which(c)).map(|c| (c.id, c.conn)).collect();
    for (id, conn) in victims {
        kill_now(ctx.db, ctx.server, id, conn);
    }
}

/// Whether a name is the default user's.
pub(super) fn is_default(name: &[u8]) -> bool {
    name == DEFAULT
}
