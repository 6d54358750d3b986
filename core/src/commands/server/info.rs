//! INFO: everything there is to know about the server, as text.

use super::memory::Usage;
use crate::client::replica::Stage;
use crate::collections::decimal;
use crate::command::Acl;
use crate::command::{Args, Command, Ctx, Flow, Group};
use crate::commands::table;
use crate::config::words::{percentile_text, split};
use crate::error::Error;
use crate::script::Machine;
use crate::server::{Server, SnapshotKind};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{Display, Write};

/// INFO \[section …\]: facts and counters.
pub const INFO: Command = Command::new("info", -1, info)
    .loading()
    .sentinel()
    .stale()
    .acl(Acl::DANGEROUS)
    .group(Group::Server)
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
    .docs("[section [section ...]]", "Returns facts and counters about the server.", "O(1)");

type Section = fn(&mut Text<'_, '_>);

/// The sections in their order, and whether INFO without arguments shows them.
const SECTIONS: [(&str, &str, bool, Section); 13] = [
    ("server", "Server", true, server),
    ("clients", "Clients", true, clients),
    ("memory", "Memory", true, memory),
    ("persistence", "Persistence", true, persistence),
    ("stats", "Stats", true, stats),
    ("replication", "Replication", true, replication),
    ("cpu", "CPU", true, cpu),
    ("modules", "Modules", true, |_| {}),
    ("commandstats", "Commandstats", false, command_stats),
    ("errorstats", "Errorstats", true, error_stats),
    ("latencystats", "Latencystats", false, latency_stats),
    ("cluster", "Cluster", true, |text| text.line("cluster_enabled", 0)),
    ("keyspace", "Keyspace", true, keyspace),
];

fn info(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<Flow, Error> {
    let wants = |word: &str| (1..args.len()).any(|index| args.is(index, word));
    let everything = wants("everything");
    let all = everything || wants("all");
    let default = args.len() == 1 || wants("default");
    let mut text = Text { ctx, out: String::new() };
    for (name, title, is_default, section) in SECTIONS {
        // `all` leaves out what modules add.
        if (all && (everything || name != "modules")) || (default && is_default) || wants(name) {
            text.title(title);
            section(&mut text);
        }
    }
    let out = text.out;
    ctx.reply.verbatim(b"txt", out.as_bytes());
    Ok(Flow::Done)
}

struct Text<'a, 'c> {
    ctx: &'a mut Ctx<'c>,
    out: String,
}

impl Text<'_, '_> {
    fn title(&mut self, title: &str) {
        if !self.out.is_empty() {
            self.out.push_str("\r\n");
        }
        let _ = write!(self.out, "# {title}\r\n");
    }

    fn line(&mut self, name: impl Display, value: impl Display) {
        // Writing to a string does not fail.
        let _ = write!(self.out, "{name}:{value}\r\n");
    }

    fn lines(&mut self, lines: &[(&str, u64)]) {
        for (name, value) in lines {
            self.line(name, value);
        }
    }

    /// A field that the host knows about, or what stands in for it.
    fn host(&mut self, name: &str, otherwise: impl Display) {
        match (self.ctx.server.hooks.info)(name) {
            Some(value) => self.line(name, value),
            None => self.line(name, otherwise),
        }
    }

    fn host_number(&self, name: &str) -> Option<u64> {
        (self.ctx.server.hooks.info)(name)?.parse().ok()
    }

    fn bytes(&mut self, name: &str, bytes: u64) {
        self.line(name, bytes);
        self.line(format!("{name}_human"), human(bytes));
    }
}

/// Bytes as people read them: `1.50M`.
pub(super) fn human(bytes: u64) -> String {
    let (shift, unit) = match bytes {
        0..1024 => return format!("{bytes}B"),
        _ if bytes < 1 << 20 => (10, 'K'),
        _ if bytes < 1 << 30 => (20, 'M'),
        _ if bytes < 1 << 40 => (30, 'G'),
        _ => (40, 'T'),
    };
    format!("{:.2}{unit}", bytes as f64 / (1u64 << shift) as f64)
}

fn server(text: &mut Text<'_, '_>) {
    let server = &text.ctx.server;
    let (now, run_id) = (server.now, server.run_id.clone());
    let uptime = now.mono_us.saturating_sub(server.born.mono_us) / 1_000_000;
    let (hz, port) = (server.config.hz, server.config.port());
    text.line("redis_version", super::REDIS_VERSION);
    text.line("redis_git_sha1", "00000000");
    text.line("redis_git_dirty", 0);
    text.line("redis_build_id", "0");
    text.line("redstart_version", env!("CARGO_PKG_VERSION"));
    text.line("redis_mode", "standalone");
    text.host("os", "none");
    text.line("arch_bits", usize::BITS);
    text.host("monotonic_clock", "host");
    text.host("multiplexing_api", "none");
    text.host("atomicvar_api", "none");
    text.host("gcc_version", "0.0.0");
    text.host("process_id", 0);
    text.host("process_supervised", "no");
    text.line("run_id", run_id);
    text.host("tcp_port", port);
    text.line("server_time_usec", now.unix_us);
    text.line("uptime_in_seconds", uptime);
    text.line("uptime_in_days", uptime / 86400);
    text.line("hz", hz);
    text.line("configured_hz", hz);
    text.line("lru_clock", (now.unix_us / 1_000_000) & 0x00ff_ffff);
    text.host("executable", "");
    text.host("config_file", "");
    text.host("io_threads_active", 0);
}

fn clients(text: &mut Text<'_, '_>) {
    let server = &text.ctx.server;
    let others = server.clients.iter();
    let (input, output) = others.fold((0, 0), |(input, output), client| {
        (client.query.capacity().max(input), client.reply.out.capacity().max(output))
    });
    let lines = [
        ("connected_clients", (server.clients.len() - server.replication.replicas.len()) as u64),
        ("cluster_connections", 0),
        ("maxclients", u64::from(server.config.maxclients())),
        ("client_recent_max_input_buffer", input as u64),
        ("client_recent_max_output_buffer", output as u64),
        ("blocked_clients", server.blocked_clients as u64),
        ("tracking_clients", server.clients.trackers.len() as u64),
        ("clients_in_timeout_table", server.deadlines.len() as u64),
    ];
    text.lines(&lines);
}

fn scripts(text: &mut Text<'_, '_>) {
    let scripting = &text.ctx.server.scripting;
    let of = |machine: &Option<Box<Machine>>| machine.as_ref().map_or(0, |m| m.memory() as u64);
    let (eval, functions) = (of(&scripting.machine), of(&scripting.function_machine));
    let machine = scripting.machine.as_ref();
    let texts = machine.map_or(0, |machine| machine.script_memory() as u64);
    let cached = machine.map_or(0, |machine| machine.len() as u64);
    let libraries = &scripting.libraries;
    let (library_texts, library_count) = (libraries.memory() as u64, libraries.len() as u64);
    let function_count = libraries.functions() as u64;
    text.lines(&[("used_memory_lua", eval), ("used_memory_vm_eval", eval)]);
    text.line("used_memory_lua_human", human(eval));
    text.lines(&[
        ("used_memory_scripts_eval", texts),
        ("number_of_cached_scripts", cached),
        ("number_of_functions", function_count),
        ("number_of_libraries", library_count),
        ("used_memory_vm_functions", functions),
    ]);
    text.bytes("used_memory_vm_total", eval + functions);
    text.line("used_memory_functions", library_texts);
    text.bytes("used_memory_scripts", texts + library_texts);
}

fn memory(text: &mut Text<'_, '_>) {
    let Usage { used, peak, rss, startup, clients, overhead, dataset, .. } = Usage::of(text.ctx);
    let server = &*text.ctx.server;
    let maxmemory = server.config.maxmemory;
    let policy = server.config.string("maxmemory-policy");
    let system = text.host_number("total_system_memory").unwrap_or(0);
    let store = &text.ctx.db;
    let (lazy_pending, lazy_freed) = (store.garbage.len() as u64, store.stats.lazyfreed);
    let percent = |part: u64, all: u64| format!("{:.2}%", part as f64 / all.max(1) as f64 * 100.0);
    text.bytes("used_memory", used);
    text.bytes("used_memory_rss", rss);
    text.bytes("used_memory_peak", peak);
    text.line("used_memory_peak_perc", percent(used, peak));
    text.line("used_memory_overhead", overhead);
    text.line("used_memory_startup", startup);
    text.line("used_memory_dataset", dataset);
    let dataset = percent(dataset, used.saturating_sub(startup));
    text.line("used_memory_dataset_perc", dataset);
    text.lines(&[("allocator_allocated", used), ("allocator_active", rss)]);
    text.line("allocator_resident", rss);
    text.bytes("total_system_memory", system);
    scripts(text);
    text.bytes("maxmemory", maxmemory);
    text.line("maxmemory_policy", policy);
    let ratio = rss as f64 / used.max(1) as f64;
    text.line("allocator_frag_ratio", format!("{ratio:.2}"));
    text.line("allocator_frag_bytes", rss.saturating_sub(used));
    text.line("allocator_rss_ratio", "1.00");
    text.line("allocator_rss_bytes", 0);
    text.line("rss_overhead_ratio", "1.00");
    text.line("rss_overhead_bytes", 0);
    text.line("mem_fragmentation_ratio", format!("{ratio:.2}"));
    text.line("mem_fragmentation_bytes", rss as i64 - used as i64);
    text.lines(&[
        ("mem_not_counted_for_evict", 0),
        ("mem_replication_backlog", 0),
        ("mem_total_replication_buffers", 0),
        ("mem_clients_slaves", 0),
        ("mem_clients_normal", clients),
        ("mem_cluster_links", 0),
        ("mem_aof_buffer", 0),
    ]);
    text.host("mem_allocator", "host");
    text.lines(&[
        ("active_defrag_running", 0),
        ("lazyfree_pending_objects", lazy_pending),
        ("lazyfreed_objects", lazy_freed),
    ]);
}

fn persistence(text: &mut Text<'_, '_>) {
    let state = &text.ctx.server.persistence;
    let changes = state.unsaved(text.ctx.db.dirty);
    let extent = text.ctx.db.cut.extent();
    let is_written = text.ctx.db.cut.is_written();
    let (done, all) = if is_written { (extent.done, extent.all) } else { (0, 0) };
    let preserved = if is_written { extent.preserved } else { 0 };
    let (cow_save, cow_rewrite) = state.preserved;
    let (save, rewrite) = (state.save, state.rewrite);
    let is_running = |kind| u64::from(state.is_running(kind));
    let (saving, rewriting) = (is_running(SnapshotKind::Rdb), is_running(SnapshotKind::AofBase));
    let since = state.since().map(|since| since.mono_us);
    let elapsed = |yes| match since {
        Some(since_us) if yes == 1 => {
            (text.ctx.server.now.mono_us.saturating_sub(since_us) / 1_000_000) as i64
        }
        _ => -1,
    };
    let (save_elapsed, rewrite_elapsed) = (elapsed(saving), elapsed(rewriting));
    let (last_save, saves) = (state.last_save_unix_s, state.saves);
    let (rewrites, failed_rewrites) = (state.rewrites, state.failed_rewrites);
    let scheduled = u64::from(state.rewrite_scheduled);
    let status = |ok| if ok { "ok" } else { "err" };
    let loading = state.loading;
    let (loaded, expired) = state.loaded;
    let is_aof = text.ctx.server.config.is_on("appendonly");
    let (aof, end) = (state.aof, text.ctx.db.journal.end());
    let waiting = text.ctx.db.journal.waiting().len() as u64;
    let write = status(text.ctx.db.journal.failure.is_none());
    text.lines(&[
        ("loading", loading.is_some().into()),
        ("async_loading", 0),
        ("current_cow_peak", preserved),
        ("current_cow_size", preserved),
        ("current_cow_size_age", 0),
    ]);
    let percent = done as f64 / all.max(1) as f64 * 100.0;
    text.line("current_fork_perc", format!("{percent:.2}"));
    text.lines(&[
        ("current_save_keys_processed", done),
        ("current_save_keys_total", all),
        ("rdb_changes_since_last_save", changes),
        ("rdb_bgsave_in_progress", saving),
    ]);
    text.line("rdb_last_save_time", last_save);
    text.line("rdb_last_bgsave_status", status(save.ok));
    text.line("rdb_last_bgsave_time_sec", save.seconds);
    text.line("rdb_current_bgsave_time_sec", save_elapsed);
    text.lines(&[
        ("rdb_saves", saves),
        ("rdb_last_cow_size", cow_save),
        ("rdb_last_load_keys_expired", expired),
        ("rdb_last_load_keys_loaded", loaded),
        ("aof_enabled", is_aof.into()),
        ("aof_rewrite_in_progress", rewriting),
        ("aof_rewrite_scheduled", scheduled),
    ]);
    text.line("aof_last_rewrite_time_sec", rewrite.seconds);
    text.line("aof_current_rewrite_time_sec", rewrite_elapsed);
    text.line("aof_last_bgrewrite_status", status(rewrite.ok));
    text.lines(&[
        ("aof_rewrites", rewrites),
        ("aof_rewrites_consecutive_failures", failed_rewrites),
    ]);
    text.line("aof_last_write_status", write);
    text.lines(&[
        ("aof_last_cow_size", cow_rewrite),
        ("module_fork_in_progress", 0),
        ("module_fork_last_cow_size", 0),
    ]);
    if is_aof {
        text.lines(&[
            ("aof_current_size", aof.all + end.saturating_sub(aof.offset)),
            ("aof_base_size", aof.rewritten),
            ("aof_pending_rewrite", 0),
            ("aof_buffer_length", waiting),
        ]);
        text.host("aof_pending_bio_fsync", 0);
        text.host("aof_delayed_fsync", 0);
    }
    if let Some(loading) = loading {
        let elapsed_s =
            text.ctx.server.now.mono_us.saturating_sub(loading.since.mono_us) / 1_000_000;
        let left = loading.bytes.saturating_sub(loading.done);
        let eta_s = (elapsed_s * left).checked_div(loading.done).unwrap_or(1);
        text.line("loading_start_time", loading.since.unix_ms() / 1000);
        text.line("loading_total_bytes", loading.bytes);
        text.line("loading_rdb_used_mem", 0);
        text.line("loading_loaded_bytes", loading.done);
        let percent = loading.done as f64 / loading.bytes.max(1) as f64 * 100.0;
        text.line("loading_loaded_perc", format!("{percent:.2}"));
        text.line("loading_eta_seconds", eta_s);
    }
}

fn stats(text: &mut Text<'_, '_>) {
    let server = &text.ctx.server;
    let snapshots = server.persistence.saves + server.persistence.rewrites;
    let (stats, keys) = (server.stats.clone(), text.ctx.db.stats.clone());
    let [ops, bytes_in, bytes_out] = server.rates.per_second(server.now.mono_us, &stats);
    let (pubsub, tracking) = (&server.pubsub, &text.ctx.db.tracking);
    let evicted_scripts = server.scripting.machine.as_ref().map_or(0, |machine| machine.evicted);
    let tracked = (tracking.keys() as u64, tracking.items(), tracking.prefixes() as u64);
    let (channels, patterns, shard_channels) =
        (pubsub.channels.len(), pubsub.patterns.len(), pubsub.shard_channels.len());
    text.lines(&[
        ("total_connections_received", stats.connections),
        ("total_commands_processed", stats.commands),
        ("instantaneous_ops_per_sec", ops),
        ("total_net_input_bytes", stats.bytes_in),
        ("total_net_output_bytes", stats.bytes_out),
        ("total_net_repl_input_bytes", 0),
        ("total_net_repl_output_bytes", 0),
    ]);
    text.line("instantaneous_input_kbps", format!("{:.2}", bytes_in as f64 / 1024.0));
    text.line("instantaneous_output_kbps", format!("{:.2}", bytes_out as f64 / 1024.0));
    text.line("instantaneous_input_repl_kbps", "0.00");
    text.line("instantaneous_output_repl_kbps", "0.00");
    text.lines(&[
        ("rejected_connections", stats.rejected_connections),
        ("sync_full", 0),
        ("sync_partial_ok", 0),
        ("sync_partial_err", 0),
        ("expired_subkeys", keys.expired_fields),
        ("expired_keys", keys.expired),
    ]);
    text.line("expired_stale_perc", "0.00");
    text.lines(&[
        ("expired_time_cap_reached_count", 0),
        ("expire_cycle_cpu_milliseconds", stats.expire_nanos / 1_000_000),
        ("evicted_keys", keys.evicted),
        ("evicted_clients", stats.evicted_clients),
        ("evicted_scripts", evicted_scripts),
        ("total_eviction_exceeded_time", 0),
        ("current_eviction_exceeded_time", 0),
        ("keyspace_hits", keys.hits),
        ("keyspace_misses", keys.misses),
        ("pubsub_channels", channels as u64),
        ("pubsub_patterns", patterns as u64),
        ("pubsubshard_channels", shard_channels as u64),
        ("latest_fork_usec", 0),
        // A snapshot stands for one.
        ("total_forks", snapshots),
        ("migrate_cached_sockets", 0),
        ("slave_expires_tracked_keys", 0),
        ("active_defrag_hits", 0),
        ("active_defrag_misses", 0),
        ("active_defrag_key_hits", 0),
        ("active_defrag_key_misses", 0),
        ("total_active_defrag_time", 0),
        ("current_active_defrag_time", 0),
        ("tracking_total_keys", tracked.0),
        ("tracking_total_items", tracked.1),
        ("tracking_total_prefixes", tracked.2),
        ("unexpected_error_replies", 0),
        ("total_error_replies", stats.error_replies),
        ("dump_payload_sanitizations", 0),
        ("total_reads_processed", stats.reads),
        ("total_writes_processed", stats.writes),
        ("io_threaded_reads_processed", 0),
        ("io_threaded_writes_processed", 0),
        ("reply_buffer_shrinks", 0),
        ("reply_buffer_expands", 0),
    ]);
}

/// What is known of each replica.
fn replica_lines(server: &Server) -> Vec<String> {
    let mut replicas = Vec::new();
    for conn in &server.replication.replicas {
        let Some(client) = server.clients.get(*conn) else { continue };
        let Some(replica) = &client.replica else { continue };
        let state = match replica.stage {
            Stage::None | Stage::Waiting => "wait_bgsave",
            Stage::Receiving | Stage::Reading => "send_bulk",
            Stage::Online => "online",
        };
        let lag_s = (server.now.unix_ms() - replica.acked_ms).max(0) / 1000;
        replicas.push(format!(
            "ip={},port={},state={state},offset={},lag={}",
            String::from_utf8_lossy(client.replica_ip()),
            replica.port,
            replica.acked,
            if replica.stage == Stage::Online { lag_s } else { 0 },
        ));
    }
    replicas
}

fn replication(text: &mut Text<'_, '_>) {
    let server = &text.ctx.server;
    let (id, backlog) = (server.replication_id.clone(), server.config.bytes("repl-backlog-size"));
    let replicas = replica_lines(server);
    let offset = server.replication.offset;
    text.line("role", "master");
    text.line("connected_slaves", replicas.len());
    for (index, line) in replicas.into_iter().enumerate() {
        text.line(format!("slave{index}"), line);
    }
    text.line("master_failover_state", "no-failover");
    text.line("master_replid", id);
    text.line("master_replid2", "0".repeat(40));
    text.line("master_repl_offset", offset);
    text.line("second_repl_offset", -1);
    text.lines(&[
        ("repl_backlog_active", 0),
        ("repl_backlog_size", backlog),
        ("repl_backlog_first_byte_offset", 0),
        ("repl_backlog_histlen", 0),
    ]);
}

fn cpu(text: &mut Text<'_, '_>) {
    for name in [
        "used_cpu_sys",
        "used_cpu_user",
        "used_cpu_sys_children",
        "used_cpu_user_children",
        "used_cpu_sys_main_thread",
        "used_cpu_user_main_thread",
    ] {
        text.host(name, "0.000000");
    }
}

/// Every command and subcommand that was called, with its full name.
fn used(text: &Text<'_, '_>) -> Vec<table::Numbered> {
    table::commands()
        .flat_map(|command| core::iter::once(command).chain(command.subcommands()))
        .filter(|command| text.ctx.server.command_stats[command.id].is_used())
        .collect()
}

fn command_stats(text: &mut Text<'_, '_>) {
    for command in used(text) {
        let stats = &text.ctx.server.command_stats[command.id];
        let micros = stats.nanos / 1000;
        let each = if stats.calls == 0 { 0.0 } else { micros as f64 / stats.calls as f64 };
        let line = format!(
            "calls={},usec={micros},usec_per_call={each:.2},rejected_calls={},failed_calls={}",
            stats.calls, stats.rejected, stats.failed
        );
        text.line(format!("cmdstat_{}", command.full_name()), line);
    }
}

fn error_stats(text: &mut Text<'_, '_>) {
    for (code, count) in text.ctx.server.stats.errors.clone() {
        text.line(format!("errorstat_{code}"), format!("count={count}"));
    }
}

fn latency_stats(text: &mut Text<'_, '_>) {
    let percents: Vec<f64> =
        split(text.ctx.server.config.text("latency-tracking-info-percentiles"))
            .filter_map(decimal::parse_double)
            .collect();
    for command in used(text) {
        let Some(latency) = &text.ctx.server.command_stats[command.id].latency else { continue };
        let parts: Vec<String> = percents
            .iter()
            .map(|&percent| {
                let micros = latency.percentile(percent) as f64 / 1000.0;
                format!("p{}={micros:.3}", percentile_text(percent))
            })
            .collect();
        text.line(format!("latency_percentiles_usec_{}", command.full_name()), parts.join(","));
    }
}

fn keyspace(text: &mut Text<'_, '_>) {
    for index in 0..text.ctx.db.count() {
        let db = text.ctx.db.db_at(index);
        let (keys, expires) = (db.len(), db.volatile());
        if keys > 0 {
            text.line(format!("db{index}"), format!("keys={keys},expires={expires},avg_ttl=0"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_with_two_digits() {
        assert_eq!(human(200), "200B");
        assert_eq!(human(966_224), "943.58K");
        assert_eq!(human(2_130_352), "2.03M");
        assert_eq!(human(25_276_510_208), "23.54G");
    }
}
