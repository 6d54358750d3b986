//! CLIENT TRACKING and its kin: clients that cache what they read, and want to hear when it is stale.

use crate::client::tracking::Tracker;
use crate::collections::ordered;
use crate::command::{Acl, Args, Command, Ctx, Flow, Group, tracking};
use crate::error::{Error, printable};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// CLIENT TRACKING ON|OFF \[option …\]: whether and how this connection hears of stale keys.
pub(super) const CLIENT_TRACKING: Command = Command::new("tracking", -3, client_tracking)
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("6.0.0")
    .docs(
        "ON|OFF [REDIRECT client-id:int] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
        "Says whether this connection hears when keys it has read are changed.",
        "O(1); with prefixes O(N) where N is their number",
    );

fn client_tracking(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let wanted = options(ctx, args)?;
    if args.is(2, "ON") {
        check(ctx, &wanted)?;
        let Options { redirect, bcast, optin, optout, noloop, prefixes } = wanted;
        let mut prefixes: ordered::Set<Box<[u8]>> = prefixes.into_iter().map(Box::from).collect();
        if bcast && prefixes.is_empty() {
            prefixes.insert(Box::default());
        }
        let known = ctx.server.clients.trackers.get(&ctx.client.id);
        let tracker = Tracker {
            conn: ctx.client.conn,
            redirect,
            broken: false,
            bcast,
            optin,
            optout,
            noloop,
            caching: known.is_some_and(|known| known.caching),
            resp3: ctx.reply.is_resp3(),
            prefixes,
        };
        tracking::begin(ctx.db, ctx.server, ctx.client.id, tracker);
    } else if args.is(2, "OFF") {
        tracking::end(ctx.db, ctx.server, ctx.client);
    } else {
        return Err(Error::Syntax);
    }
    ctx.reply.ok();
    Ok(Flow::Done)
}

#[derive(Debug, Default)]
struct Options<'a> {
    redirect: u64,
    bcast: bool,
    optin: bool,
    optout: bool,
    noloop: bool,
    prefixes: Vec<&'a [u8]>,
}

fn options<'a>(ctx: &Ctx<'_>, args: Args<'a>) -> Result<Options<'a>, Error> {
    let mut wanted = Options::default();
    let mut at = 3;
    while at < args.len() {
        let has_value = at + 1 < args.len();
        if args.is(at, "REDIRECT") && has_value {
            at += 1;
            if wanted.redirect != 0 {
                return Err(Error::Text("ERR A client can only redirect to a single other client"));
            }
            // It has to be there now. If it goes away later, the client is told.
            let id = u64::try_from(args.int(at)?).ok();
            let there = id.filter(|&id| ctx.server.clients.conn(id).is_some());
            wanted.redirect = there
                .ok_or(Error::Text("ERR The client ID you want redirect to does not exist"))?;
        } else if args.is(at, "BCAST") {
            wanted.bcast = true;
        } else if args.is(at, "OPTIN") {
            wanted.optin = true;
        } else if args.is(at, "OPTOUT") {
            wanted.optout = true;
        } else if args.is(at, "NOLOOP") {
            wanted.noloop = true;
        } else if args.is(at, "PREFIX") && has_value {
            at += 1;
            wanted.prefixes.push(args.at(at));
        } else {
            return Err(Error::Syntax);
        }
        at += 1;
    }
    Ok(wanted)
}

/// Whether the options go together, and with what the client has chosen before.
fn check(ctx: &Ctx<'_>, wanted: &Options<'_>) -> Result<(), Error> {
    let known = ctx.server.clients.trackers.get(&ctx.client.id);
    let Options { bcast, optin, optout, .. } = *wanted;
    if !bcast && !wanted.prefixes.is_empty() {
        return Err(Error::Text("ERR PREFIX option requires BCAST mode to be enabled"));
    }
    if known.is_some_and(|known| known.bcast != bcast) {
        return Err(Error::Text(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and \
             then re-enabling it with a different mode.",
        ));
    }
    if bcast && (optin || optout) {
        return Err(Error::Text("ERR OPTIN and OPTOUT are not compatible with BCAST"));
    }
    if optin && optout {
        return Err(Error::Text("ERR You can't specify both OPTIN mode and OPTOUT mode"));
    }
    if known.is_some_and(|known| (optin && known.optout) || (optout && known.optin)) {
        return Err(Error::Text(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and \
             then re-enabling it with a different mode.",
        ));
    }
    for (place, prefix) in wanted.prefixes.iter().enumerate() {
        let mut old = known.into_iter().flat_map(|known| &known.prefixes);
        if let Some(other) = old.find(|other| overlap(prefix, other)) {
            return Err(overlaps(prefix, "an existing", other));
        }
        let mut later = wanted.prefixes[place + 1..].iter();
        if let Some(other) = later.find(|other| overlap(prefix, other)) {
            return Err(overlaps(prefix, "another provided", other));
        }
    }
    Ok(())
}

/// Whether one is the beginning of the other.
fn overlap(a: &[u8], b: &[u8]) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

fn overlaps(prefix: &[u8], which: &str, other: &[u8]) -> Error {
    let (prefix, other) = (printable(prefix, usize::MAX), printable(other, usize::MAX));
    Error::Owned(format!(
        "ERR Prefix '{prefix}' overlaps with {which} prefix '{other}'. Prefixes for a single client must not overlap."
    ))
}

/// CLIENT CACHING YES|NO: whether what the next command reads is remembered.
pub(super) const CLIENT_CACHING: Command = Command::new("caching", 3, client_caching)
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("6.0.0")
    .docs("YES|NO", "Says whether this connection caches what its next command reads.", "O(1)");

fn client_caching(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let Some(tracker) = ctx.server.clients.trackers.get_mut(&ctx.client.id) else {
        return Err(Error::Text(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN \
             or OPTOUT mode enabled",
        ));
    };
    if args.is(2, "YES") {
        if !tracker.optin {
            return Err(Error::Text(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
            ));
        }
    } else if args.is(2, "NO") {
        if !tracker.optout {
            return Err(Error::Text(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
            ));
        }
    } else {
        return Err(Error::Syntax);
    }
    tracker.caching = true;
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// CLIENT GETREDIR: where invalidation messages go; 0: to this connection, -1: nowhere.
pub(super) const CLIENT_GETREDIR: Command = Command::new("getredir", 2, client_getredir)
    .loading()
    .noscript()
    .sentinel()
    .stale()
    .acl(Acl::CONNECTION)
    .group(Group::Connection)
    .since("6.0.0")
    .docs("", "Returns the connection that invalidation messages are redirected to.", "O(1)");

fn client_getredir(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let tracker = ctx.server.clients.trackers.get(&ctx.client.id);
    ctx.reply.int(tracker.map_or(-1, |tracker| tracker.redirect as i64));
    Ok(Flow::Done)
}

/// CLIENT TRACKINGINFO: how this connection tracks.
pub(super) const CLIENT_TRACKINGINFO: Command =
    Command::new("trackinginfo", 2, client_trackinginfo)
        .loading()
        .noscript()
        .sentinel()
        .stale()
        .acl(Acl::CONNECTION)
        .group(Group::Connection)
        .since("6.2.0")
        .docs("", "Says how this connection hears of stale keys.", "O(1)");

fn client_trackinginfo(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    let tracker = ctx.server.clients.trackers.get(&ctx.client.id);
    let none = Tracker::default();
    let it = tracker.unwrap_or(&none);
    let flags = [
        (tracker.is_none(), "off"),
        (tracker.is_some(), "on"),
        (it.bcast, "bcast"),
        (it.optin, "optin"),
        (it.optin && it.caching, "caching-yes"),
        (it.optout, "optout"),
        (it.optout && it.caching, "caching-no"),
        (it.noloop, "noloop"),
        (it.broken, "broken_redirect"),
    ];
    let reply = &mut *ctx.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(flags.iter().filter(|(is, _)| *is).count());
    for (_, flag) in flags.iter().filter(|(is, _)| *is) {
        reply.bulk(flag.as_bytes());
    }
    reply.bulk(b"redirect");
    reply.int(tracker.map_or(-1, |tracker| tracker.redirect as i64));
    reply.bulk(b"prefixes");
    reply.array(it.prefixes.len());
    it.prefixes.iter().for_each(|prefix| reply.bulk(prefix));
    Ok(Flow::Done)
}
