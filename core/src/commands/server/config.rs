//! CONFIG: asking for and changing settings while the server runs.

use crate::acl::user::DEFAULT;
use crate::collections::glob::{self, Case};
use crate::command::{Args, Command, Ctx, Flow, Group, gate};
use crate::commands::table::AllCommands;
use crate::commands::{acl, help};
use crate::config::{Applies, Config, Gate, Reason, SETTINGS, SettingFlags, table};
use crate::error::{Error, printable};
use crate::server::{CommandStats, Effect};
use alloc::format;
use alloc::vec::Vec;

/// CONFIG: a container for commands about settings.
pub const CONFIG: Command = Command::new("config", -2, config_help)
    .group(Group::Server)
    .since("2.0.0")
    .subcommands(&[&CONFIG_GET, &CONFIG_SET, &CONFIG_RESETSTAT, &CONFIG_REWRITE, &CONFIG_HELP])
    .docs("", "A container for commands about settings.", "Depends on the subcommand.");

/// CONFIG GET pattern …: the settings whose names match.
const CONFIG_GET: Command = Command::new("get", -3, config_get)
    .admin()
    .loading()
    .noscript()
    .stale()
    .group(Group::Server)
    .since("2.0.0")
    .docs(
        "pattern [pattern ...]",
        "Returns the settings whose names match glob patterns, with their values.",
        "O(n) with n the number of patterns",
    );

fn config_get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    // A setting is shown once, under the name by which it was asked for.
    let mut shown: Vec<(Vec<u8>, usize)> = Vec::new();
    let mut show = |name: &[u8], place| {
        if !shown.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            shown.push((name.to_vec(), place));
        }
    };
    for pattern in args.iter_from(2) {
        if glob::is_literal(pattern) {
            if let Some(place) = table::find(pattern) {
                show(pattern, place);
            }
            continue;
        }
        for (place, setting) in SETTINGS.iter().enumerate() {
            if setting.flags.contains(SettingFlags::HIDDEN) {
                continue;
            }
            for name in core::iter::once(setting.name).chain(setting.alias) {
                if glob::matches_in(pattern, name.as_bytes(), Case::Ignored) {
                    show(name.as_bytes(), place);
                }
            }
        }
    }
    ctx.reply.map(shown.len());
    for (name, place) in shown {
        ctx.reply.bulk(&name);
        ctx.reply.bulk(ctx.server.config.value(place));
    }
    Ok(Flow::Done)
}

/// CONFIG SET name value …: changes settings, all of them or none.
const CONFIG_SET: Command = Command::new("set", -4, config_set)
    .admin()
    .loading()
    .noscript()
    .stale()
    .group(Group::Server)
    .since("2.0.0")
    .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
    .docs(
        "parameter value [parameter value ...]",
        "Changes settings, all of them or none.",
        "O(n) with n the number of settings",
    );

fn config_set(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    if !args.len().is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    let places = settable(ctx, args)?;
    let mut config = ctx.server.config.clone();
    for (index, &place) in places.iter().enumerate() {
        let value = &args[index * 2 + 3];
        config.set_one(place, value).map_err(|reason| refusal(place, &reason))?;
    }
    config.refresh();
    let try_configure = ctx.server.hooks.try_configure;
    let of_host = |place: &&usize| SETTINGS[**place].applies == Applies::Host;
    for (done, &place) in places.iter().filter(of_host).enumerate() {
        if let Err(reason) = try_configure(SETTINGS[place].name, &config) {
            for &place in places.iter().filter(of_host).take(done) {
                // What worked a moment ago works again, or nothing can be done about it.
                let _ = try_configure(SETTINGS[place].name, &ctx.server.config);
            }
            return Err(refusal(place, &reason.into()));
        }
    }
    ctx.server.config = config;
    ctx.server.config_changed = true;
    if places.iter().any(|&place| SETTINGS[place].name == "requirepass") {
        acl::set_default_password(ctx.server);
        acl::hand_out(ctx, DEFAULT);
    }
    let changed = places.iter().map(|&place| Effect::Configure(SETTINGS[place].name));
    ctx.server.effects.extend(changed);
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// The settings to be changed; the first that may not be is the error.
fn settable(ctx: &Ctx<'_>, args: Args<'_>) -> Result<Vec<usize>, Error> {
    let mut names: Vec<&[u8]> = Vec::new();
    let mut places = Vec::new();
    for index in (2..args.len()).step_by(2) {
        let name = &args[index];
        let Some(place) = table::find(name) else {
            return Err(Error::Owned(format!(
                "ERR Unknown option or number of arguments for CONFIG SET - '{}'",
                printable(name, 128)
            )));
        };
        let flags = SETTINGS[place].flags;
        if flags.contains(SettingFlags::IMMUTABLE) {
            return Err(refusal(place, &"can't set immutable config".into()));
        }
        if flags.contains(SettingFlags::PROTECTED)
            && !is_let_through(ctx, ctx.server.config.protected_configs)
        {
            return Err(refusal(place, &"can't set protected config".into()));
        }
        if flags.contains(SettingFlags::DENY_LOADING) && ctx.server.persistence.loading.is_some() {
            return Err(gate::LOADING);
        }
        // A setting and its alias do not count as the same; the later value stays.
        if names.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(refusal(place, &"duplicate parameter".into()));
        }
        names.push(args.at(index));
        places.push(place);
    }
    Ok(places)
}

/// Whether a gate lets the client through.
pub(super) fn is_let_through(ctx: &Ctx<'_>, gate: Gate) -> bool {
    match gate {
        Gate::Yes => true,
        Gate::No => false,
        Gate::Local => ctx.client.peer.local || ctx.client.peer.unix,
    }
}

fn refusal(place: usize, reason: &Reason) -> Error {
    Error::Owned(format!(
        "ERR CONFIG SET failed (possibly related to argument '{}') - {reason}",
        SETTINGS[place].name
    ))
}

/// CONFIG RESETSTAT: sets the counters of INFO to zero.
const CONFIG_RESETSTAT: Command = Command::new("resetstat", 2, config_resetstat)
    .admin()
    .loading()
    .noscript()
    .stale()
    .group(Group::Server)
    .since("2.0.0")
    .docs("", "Sets the counters that INFO shows to zero.", "O(1)");

fn config_resetstat(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    ctx.server.command_stats.fill(CommandStats::default());
    ctx.server.stats = Default::default();
    ctx.server.rates = Default::default();
    ctx.server.peak_memory = 0;
    ctx.db.stats = Default::default();
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// CONFIG REWRITE: writes the settings into redis.conf.
const CONFIG_REWRITE: Command = Command::new("rewrite", 2, config_rewrite)
    .admin()
    .loading()
    .noscript()
    .stale()
    .group(Group::Server)
    .since("2.8.0")
    .docs("", "Writes the present settings into the configuration file.", "O(1)");

fn config_rewrite(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    rewrite(ctx, false)
}

/// Writes the settings into redis.conf; with `all`, also those that are the default.
pub(super) fn rewrite(ctx: &mut Ctx<'_>, all: bool) -> Result<Flow, Error> {
    let hooks = ctx.server.hooks;
    let Some(old) = (hooks.read_config_file)() else {
        return Err(Error::Text("ERR The server is running without a config file"));
    };
    let config: &Config = &ctx.server.config;
    // With an ACL file, redis.conf has no users.
    let users: Vec<Vec<u8>> = if config.text("aclfile").is_empty() {
        ctx.server.acl.users.iter().map(|user| user.line(&AllCommands)).collect()
    } else {
        Vec::new()
    };
    (hooks.write_config_file)(&config.rewrite(&old, all, &users))
        .map_err(|reason| Error::Owned(format!("ERR Rewriting config file: {reason}")))?;
    ctx.reply.ok();
    Ok(Flow::Done)
}

/// CONFIG HELP: what the subcommands are.
const CONFIG_HELP: Command = Command::new("help", 2, config_help)
    .loading()
    .stale()
    .group(Group::Server)
    .since("5.0.0")
    .docs("", "Prints this help.", "O(1)");

fn config_help(ctx: &mut Ctx<'_>, _args: Args<'_>) -> Result<Flow, Error> {
    help::reply(ctx, &CONFIG)
}
