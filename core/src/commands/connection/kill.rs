//! CLIENT KILL: closing connections.

use super::release;
use crate::client::{Class, ConnId};
use crate::command::{Acl, Args, Command, Ctx, Flow, Group};
use crate::error::{Error, printable};
use crate::server::Server;
use crate::store::Store;
use alloc::format;
use alloc::vec::Vec;

/// CLIENT KILL ip:port | filter value ...: closes connections.
pub(super) const CLIENT_KILL: Command = Command::new("kill", -3, client_kill)
    .admin()
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("2.4.0")
    .docs(
        "ip:port|([ID client-id:int]|[TYPE (NORMAL|MASTER|SLAVE|REPLICA|PUBSUB)]|[USER username]|[ADDR ip:port]|[LADDR ip:port]|[SKIPME (YES|NO)]|[MAXAGE maxage:int] [...])",
        "Closes the connections that pass every filter.",
        "O(N) where N is the number of client connections",
    );

#[derive(Debug, Default)]
struct Filter<'a> {
    id: Option<u64>,
    addr: Option<&'a [u8]>,
    laddr: Option<&'a [u8]>,
    class: Option<Option<Class>>,
    user: Option<&'a [u8]>,
    max_age: Option<i64>,
    keep_me: bool,
}

fn client_kill(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let old_form = args.len() == 3;
    let filter = if old_form {
        Filter { addr: args.get(2), ..Filter::default() }
    } else {
        parse(ctx, args)?
    };
    let now_ms = ctx.server.now.unix_ms();
    let passes = |client: &crate::client::Client| {
        filter.id.is_none_or(|id| id == client.id)
            && filter.addr.is_none_or(|addr| addr == client.peer.addr.as_bytes())
            && filter.laddr.is_none_or(|laddr| laddr == client.peer.laddr.as_bytes())
            && filter.user.is_none_or(|user| *user == *client.user.name)
            && filter.class.is_none_or(|class| class == Some(client.class()))
            && filter.max_age.is_none_or(|age| (now_ms - client.created_ms) / 1000 >= age)
    };
    let mut killed = 0;
    let victims: Vec<_> =
        ctx.server.clients.iter().filter(|c| passes(c)).map(|c| (c.id, c.conn)).collect();
    for (id, conn) in victims {
        if old_form && killed > 0 {
            break;
        }
        kill_now(ctx.db, ctx.server, id, conn);
        killed += 1;
    }
    let done = old_form && killed > 0;
    if !filter.keep_me && !done && passes(ctx.client) {
        // It still gets the reply.
        ctx.client.closing = true;
        killed += 1;
    }
    if !old_form {
        ctx.reply.int(killed);
    } else if killed > 0 {
        ctx.reply.ok();
    } else {
        return Err(Error::Text("ERR No such client"));
    }
    Ok(Flow::Done)
}

/// Closes a connection whose command does not run; what it was not sent yet is lost.
pub fn kill_now(db: &mut Store, server: &mut Server, id: u64, conn: ConnId) {
    let Some(mut client) = server.clients.take(conn) else { return };
    release(db, server, &mut client);
    client.killed = true;
    server.clients.put_back(client);
    server.clients.forget(id);
    server.clients.told.push(conn);
}

fn parse<'a>(ctx: &Ctx<'_>, args: Args<'a>) -> Result<Filter<'a>, Error> {
    let mut filter = Filter { keep_me: true, ..Filter::default() };
    let mut at = 2;
    while at < args.len() {
        let Some(value) = args.get(at + 1) else { return Err(Error::Syntax) };
        if args.is(at, "ID") {
            match args.int(at + 1) {
                Ok(id) if id > 0 => filter.id = Some(id as u64),
                _ => return Err(Error::Text("ERR client-id should be greater than 0")),
            }
        } else if args.is(at, "MAXAGE") {
            match args.int(at + 1) {
                Ok(age) if age > 0 => filter.max_age = Some(age),
                Ok(_) => return Err(Error::Text("ERR maxage should be greater than 0")),
                Err(_) => {
                    return Err(Error::Text("ERR maxage is not an integer or out of range"));
                }
            }
        } else if args.is(at, "TYPE") {
            filter.class = Some(class(value)?);
        } else if args.is(at, "ADDR") {
            filter.addr = Some(value);
        } else if args.is(at, "LADDR") {
            filter.laddr = Some(value);
        } else if args.is(at, "USER") {
            if ctx.server.acl.users.find(value).is_none() {
                return Err(Error::Owned(format!("ERR No such user '{}'", printable(value, 128))));
            }
            filter.user = Some(value);
        } else if args.is(at, "SKIPME") {
            filter.keep_me = if args.is(at + 1, "YES") {
                true
            } else if args.is(at + 1, "NO") {
                false
            } else {
                return Err(Error::Syntax);
            };
        } else {
            return Err(Error::Syntax);
        }
        at += 2;
    }
    Ok(filter)
}

/// The class of this name. `None`: one that no connection is of yet.
pub(super) fn class(name: &[u8]) -> Result<Option<Class>, Error> {
    Ok(match &*name.to_ascii_lowercase() {
        b"normal" => Some(Class::Normal),
        b"slave" | b"replica" => Some(Class::Replica),
        b"pubsub" => Some(Class::PubSub),
        b"master" => None,
        _ => {
            return Err(Error::Owned(format!(
                "ERR Unknown client type '{}'",
                printable(name, 128)
            )));
        }
    })
}
