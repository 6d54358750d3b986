//! Which connections CLIENT KILL and CLIENT LIST mean: Redis 7.0's filters, and those that Valkey 9 added.

use crate::client::{Class, Client, Clients};
use crate::command::{Args, Ctx};
use crate::error::{Error, printable};
use alloc::format;
use alloc::vec::Vec;

/// Letters that CLIENT LIST may show as flags.
const FLAGS: &[u8] = b"AbBcdeEiIMNOPrRStTuUx";

/// One property of a connection.
#[derive(Debug)]
enum Property<'a> {
    /// As they were asked for, and sorted: there may be many of both, numbers and connections.
    Ids(Vec<u64>, Vec<u64>),
    Addr(&'a [u8]),
    Laddr(&'a [u8]),
    Ip(&'a [u8]),
    /// `None`: a class that no connection is of yet.
    Class(Option<Class>),
    User(&'a [u8]),
    Name(&'a [u8]),
    LibName(&'a [u8]),
    LibVer(&'a [u8]),
    Flags(&'a [u8]),
    Db(usize),
    /// CLIENT CAPA's letters.
    Capa(&'a [u8]),
    /// In seconds.
    MaxAge(i64),
    /// In seconds.
    Idle(i64),
}

/// What a connection must be, and must not be.
#[derive(Debug, Default)]
pub(super) struct Filter<'a> {
    wanted: Vec<(bool, Property<'a>)>,
    /// SKIPME: whether the connection that asks is left out.
    pub(super) skip_me: Option<bool>,
}

impl<'a> Filter<'a> {
    /// The old form: the one address.
    pub(super) fn of_addr(addr: &'a [u8]) -> Self {
        Self { wanted: [(true, Property::Addr(addr))].into(), skip_me: Some(false) }
    }

    /// Reads the filters from the argument at 2 on. Redis 7.0's KILL wants numbers that a connection can
    /// have, and its LIST any.
    pub(super) fn read(ctx: &Ctx<'_>, args: Args<'a>, to_kill: bool) -> Result<Self, Error> {
        let mut at = 2;
        let mut filter = Self::default();
        while at < args.len() {
            let Some(value) = args.get(at + 1) else { return Err(Error::Syntax) };
            if args.is(at, "SKIPME") {
                filter.skip_me = Some(match (args.is(at + 1, "YES"), args.is(at + 1, "NO")) {
                    (true, _) => true,
                    (_, true) => false,
                    _ => return Err(Error::Syntax),
                });
                at += 2;
                continue;
            }
            let name = args.at(at).to_ascii_uppercase();
            let (wanted, name) = match name.strip_prefix(b"NOT-") {
                // There is no NOT-MAXAGE and no NOT-IDLE.
                Some(b"MAXAGE" | b"IDLE") => return Err(Error::Syntax),
                Some(name) => (false, name),
                None => (true, &*name),
            };
            let mut used = 1;
            let property = match name {
                b"ID" => {
                    let mut ids = Vec::new();
                    while let Some(id) = args.get(at + 1 + ids.len()) {
                        match args.int(at + 1 + ids.len()) {
                            Ok(id) if id > 0 || !to_kill => ids.push(id as u64),
                            // Words are the next filter, but something must stand here.
                            Err(_) if !ids.is_empty() && !id.is_empty() => break,
                            _ if !to_kill => return Err(Error::Text("ERR Invalid client ID")),
                            _ => {
                                return Err(Error::Text("ERR client-id should be greater than 0"));
                            }
                        }
                    }
                    used = ids.len();
                    let mut sorted = ids.clone();
                    sorted.sort_unstable();
                    Property::Ids(ids, sorted)
                }
                b"TYPE" => Property::Class(class(value)?),
                b"ADDR" => Property::Addr(value),
                b"LADDR" => Property::Laddr(value),
                b"IP" => Property::Ip(value),
                b"USER" => {
                    if ctx.server.acl.users.find(value).is_none() {
                        let name = printable(value, 128);
                        return Err(Error::Owned(format!("ERR No such user '{name}'")));
                    }
                    Property::User(value)
                }
                b"NAME" => Property::Name(value),
                b"LIB-NAME" => Property::LibName(value),
                b"LIB-VER" => Property::LibVer(value),
                b"FLAGS" => Property::Flags(letters(value, FLAGS, "flags", wanted)?),
                b"CAPA" => Property::Capa(letters(value, b"r", "capa", wanted)?),
                b"DB" => Property::Db(db(ctx, args, at + 1)?),
                b"MAXAGE" => Property::MaxAge(seconds(args, at + 1, "maxage")?),
                b"IDLE" => Property::Idle(seconds(args, at + 1, "idle")?),
                _ => return Err(Error::Syntax),
            };
            filter.wanted.push((wanted, property));
            at += 1 + used;
        }
        Ok(filter)
    }

    /// The numbers, if they are all that is asked for: then they also say the order.
    pub(super) fn only_ids(&self) -> Option<&[u64]> {
        match &*self.wanted {
            [(true, Property::Ids(ids, _))] if self.skip_me.is_none() => Some(ids),
            _ => None,
        }
    }

    /// Whether a connection passes every filter.
    pub(super) fn passes(&self, client: &Client, clients: &Clients) -> bool {
        self.wanted.iter().all(|(wanted, property)| property.is_of(client, clients) == *wanted)
    }
}

impl Property<'_> {
    fn is_of(&self, client: &Client, clients: &Clients) -> bool {
        let past = |since_ms: i64, seconds: i64| (clients.now_ms - since_ms) / 1000 >= seconds;
        match *self {
            Property::Ids(_, ref sorted) => sorted.binary_search(&client.id).is_ok(),
            Property::Addr(addr) => client.peer.addr.as_bytes() == addr,
            Property::Laddr(addr) => client.peer.laddr.as_bytes() == addr,
            Property::Ip(ip) => {
                client.peer.addr.rsplit_once(':').is_some_and(|(host, _)| host.as_bytes() == ip)
            }
            Property::Class(class) => class == Some(client.class()),
            Property::User(name) => *client.user.name == *name,
            Property::Name(name) => client.name == name,
            Property::LibName(name) => client.lib_name == name,
            Property::LibVer(version) => client.lib_ver == version,
            Property::Flags(letters) => {
                let flags = client.flags(clients.trackers.get(&client.id));
                letters.iter().all(|letter| flags.as_bytes().contains(letter))
            }
            Property::Db(db) => client.db == db,
            Property::Capa(letters) => letters.is_empty() || client.capa_redirect,
            Property::MaxAge(seconds) => past(client.created_ms, seconds),
            Property::Idle(seconds) => past(client.active_ms, seconds),
        }
    }
}

fn letters<'a>(value: &'a [u8], known: &[u8], what: &str, wanted: bool) -> Result<&'a [u8], Error> {
    if value.iter().all(|letter| known.contains(letter)) {
        return Ok(value);
    }
    let filter =
        if wanted { "provided".into() } else { format!("NOT-{}", what.to_ascii_uppercase()) };
    let value = printable(value, 128);
    Err(Error::Owned(format!("ERR Unknown {what} found in the {filter} filter: {value}")))
}

fn db(ctx: &Ctx<'_>, args: Args<'_>, at: usize) -> Result<usize, Error> {
    let db = args.int(at).map_err(|_| Error::Text("ERR DB is not an integer or out of range"))?;
    let count = ctx.db.count();
    usize::try_from(db)
        .ok()
        .filter(|db| *db < count)
        .ok_or_else(|| Error::Owned(format!("ERR DB number should be between 0 and {}", count - 1)))
}

fn seconds(args: Args<'_>, at: usize, what: &str) -> Result<i64, Error> {
    match args.int(at) {
        Ok(seconds) if seconds > 0 => Ok(seconds),
        Ok(_) => Err(Error::Owned(format!("ERR {what} should be greater than 0"))),
        Err(_) => Err(Error::Owned(format!("ERR {what} is not an integer or out of range"))),
    }
}

/// The class of this name. `None`: one that no connection is of yet.
fn class(name: &[u8]) -> Result<Option<Class>, Error> {
    Ok(match &*name.to_ascii_lowercase() {
        b"normal" => Some(Class::Normal),
        b"slave" | b"replica" => Some(Class::Replica),
        b"pubsub" => Some(Class::PubSub),
        b"master" | b"primary" => None,
        _ => {
            let name = printable(name, 128);
            return Err(Error::Owned(format!("ERR Unknown client type '{name}'")));
        }
    })
}
