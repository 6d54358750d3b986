//! THE table of settings: every parameter of Redis 7.0's redis.conf, one row each, and a few newer ones.
//!
//! The order is the one in which CONFIG GET and CONFIG REWRITE go through them.

use super::setting::{Kind, Setting, anything};
use super::words::{self, Words};

const INT: i64 = i32::MAX as i64;
const PORT: i64 = 65535;
const LONG: u64 = i64::MAX as u64;

const fn switch(name: &'static str, default: &'static str) -> Setting {
    Setting::new(name, Kind::Bool, default)
}

const fn int(name: &'static str, min: i64, max: i64, default: &'static str) -> Setting {
    Setting::new(name, Kind::Integer { min, max }, default)
}

const fn memory(name: &'static str, min: u64, max: u64, default: &'static str) -> Setting {
    Setting::new(name, Kind::Memory { min, max }, default)
}

const fn one_of(
    name: &'static str,
    names: &'static [&'static str],
    default: &'static str,
) -> Setting {
    Setting::new(name, Kind::Enum(names), default)
}

const fn text(name: &'static str, default: &'static str) -> Setting {
    Setting::new(name, Kind::Text(anything), default)
}

const GATE: &[&str] = &["no", "yes", "local"];
const SHUTDOWN: &[&str] = &["default", "save", "nosave", "now", "force"];

const REPLICATION: &str = "replication";
const CLUSTER: &str = "cluster mode";
const TLS: &str = "TLS";
const DEFRAG: &str = "the allocator is not jemalloc with defragmentation";
const NO_FORK: &str = "a snapshot is no fork: there is no need to gather those who want one";
const IN_STEPS: &str = "large values are always freed in small steps";

/// Every setting.
pub static SETTINGS: &[Setting] = &[
    // Network.
    Setting::new("bind", Kind::Words(Words::of(words::bind)), "* -::*").host(),
    text("bind-source-addr", "").later(REPLICATION),
    int("port", 0, PORT, "6379").host(),
    switch("protected-mode", "yes").host(),
    int("tcp-backlog", 0, INT, "511").immutable().host(),
    text("unixsocket", "").immutable().host(),
    Setting::new("unixsocketperm", Kind::Octal { max: 0o777 }, "0").immutable().host(),
    int("timeout", 0, INT, "0"),
    int("tcp-keepalive", 0, INT, "300").host(),
    int("socket-mark-id", 0, u32::MAX as i64, "0").immutable().host(),
    int("maxclients", 1, u32::MAX as i64, "10000").host(),
    int("io-threads", 1, 128, "1").immutable().host(),
    switch("io-threads-do-reads", "no").immutable().host(),
    one_of("io-engine", &["auto", "io_uring", "epoll"], "auto").hidden().immutable().host(),
    // Process and log.
    switch("daemonize", "no").immutable().host(),
    one_of("supervised", &["upstart", "systemd", "auto", "no"], "no").immutable().host(),
    text("pidfile", "").immutable().host(),
    one_of("loglevel", &["debug", "verbose", "notice", "warning"], "notice").host(),
    text("logfile", "").immutable().host(),
    switch("syslog-enabled", "no").immutable().host(),
    text("syslog-ident", "redis").immutable().host(),
    one_of(
        "syslog-facility",
        &["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
        "local0",
    )
    .immutable()
    .host(),
    switch("crash-log-enabled", "yes").host(),
    switch("crash-memcheck-enabled", "yes").host(),
    switch("use-exit-on-panic", "no").hidden().host(),
    int("watchdog-period", 0, INT, "0").hidden().host(),
    switch("always-show-logo", "no").immutable().host(),
    switch("set-proc-title", "yes").immutable().host(),
    Setting::new(
        "proc-title-template",
        Kind::Text(words::title_template),
        "{title} {listen-addr} {server-mode}",
    )
    .host(),
    text("server_cpulist", "").immutable().host(),
    text("bio_cpulist", "").immutable().host(),
    text("aof_rewrite_cpulist", "").immutable().host(),
    text("bgsave_cpulist", "").immutable().host(),
    text("ignore-warnings", "").host(),
    one_of("oom-score-adj", &["no", "yes", "relative", "absolute"], "no").host(),
    Setting::new("oom-score-adj-values", Kind::Words(Words::of(words::oom_scores)), "0 200 800")
        .host(),
    switch("disable-thp", "yes").immutable().host(),
    Setting::new("shutdown-on-sigint", Kind::Flags(SHUTDOWN), "default").host(),
    Setting::new("shutdown-on-sigterm", Kind::Flags(SHUTDOWN), "default").host(),
    int("shutdown-timeout", 0, INT, "10").later(REPLICATION),
    text("dir", "").protected().deny_loading().host(),
    // Who may do what.
    text("requirepass", "").sensitive(),
    one_of("enable-protected-configs", GATE, "no").immutable(),
    one_of("enable-debug-command", GATE, "no").immutable(),
    one_of("enable-module-command", GATE, "no").immutable(),
    text("aclfile", "").immutable(),
    one_of("acl-pubsub-default", &["allchannels", "resetchannels"], "resetchannels"),
    int("acllog-max-len", 0, i64::MAX, "128"),
    // The engine.
    int("databases", 1, INT, "16").immutable(),
    int("hz", 0, INT, "10"),
    switch("dynamic-hz", "yes").moot("background work is measured out per step, not per client"),
    switch("activerehashing", "yes").moot("tables grow by one bucket with each insert"),
    int("active-expire-effort", 1, 10, "1"),
    memory("maxmemory", 0, u64::MAX, "0"),
    one_of(
        "maxmemory-policy",
        &[
            "volatile-lru",
            "volatile-lfu",
            "volatile-random",
            "volatile-ttl",
            "allkeys-lru",
            "allkeys-lfu",
            "allkeys-random",
            "noeviction",
        ],
        "noeviction",
    ),
    int("maxmemory-samples", 1, INT, "5"),
    int("maxmemory-eviction-tenacity", 0, 100, "10"),
    Setting::new("maxmemory-clients", Kind::MemoryOrPercent, "0"),
    int("lfu-log-factor", 0, INT, "10"),
    int("lfu-decay-time", 0, INT, "1"),
    switch("lazyfree-lazy-eviction", "no").moot(IN_STEPS),
    switch("lazyfree-lazy-expire", "no").moot(IN_STEPS),
    switch("lazyfree-lazy-server-del", "no").moot(IN_STEPS),
    switch("lazyfree-lazy-user-del", "no").moot(IN_STEPS),
    switch("lazyfree-lazy-user-flush", "no").moot(IN_STEPS),
    memory("proto-max-bulk-len", 1 << 20, LONG, "536870912"),
    memory("client-query-buffer-limit", 1 << 20, LONG, "1073741824"),
    Setting::new(
        "client-output-buffer-limit",
        Kind::Words(Words::of(words::output_limits)),
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
    ),
    Setting::new(
        "notify-keyspace-events",
        Kind::Words(Words { read: words::events, split: false }),
        "",
    ),
    int("tracking-table-max-keys", 0, i64::MAX, "1000000"),
    // How values are encoded.
    int("hash-max-listpack-entries", 0, i64::MAX, "512").alias("hash-max-ziplist-entries"),
    memory("hash-max-listpack-value", 0, LONG, "64").alias("hash-max-ziplist-value"),
    int("list-max-listpack-size", i32::MIN as i64, INT, "-2").alias("list-max-ziplist-size"),
    int("list-compress-depth", 0, INT, "0")
        .moot("lists are kept in their compact form without compression"),
    int("set-max-intset-entries", 0, i64::MAX, "512"),
    int("set-max-listpack-entries", 0, i64::MAX, "128").newer(),
    memory("set-max-listpack-value", 0, LONG, "64").newer(),
    int("zset-max-listpack-entries", 0, i64::MAX, "128").alias("zset-max-ziplist-entries"),
    memory("zset-max-listpack-value", 0, LONG, "64").alias("zset-max-ziplist-value"),
    memory("stream-node-max-bytes", 0, LONG, "4096"),
    int("stream-node-max-entries", 0, i64::MAX, "100"),
    memory("hll-sparse-max-bytes", 0, LONG, "3000"),
    switch("activedefrag", "no").defrag(),
    memory("active-defrag-ignore-bytes", 1, LONG, "104857600").moot(DEFRAG),
    int("active-defrag-threshold-lower", 0, 1000, "10").moot(DEFRAG),
    int("active-defrag-threshold-upper", 0, 1000, "100").moot(DEFRAG),
    int("active-defrag-cycle-min", 1, 99, "1").moot(DEFRAG),
    int("active-defrag-cycle-max", 1, 99, "25").moot(DEFRAG),
    int("active-defrag-max-scan-fields", 1, i64::MAX, "1000").moot(DEFRAG),
    switch("jemalloc-bg-thread", "yes").moot("the allocator is not jemalloc"),
    // Observing.
    int("slowlog-log-slower-than", -1, i64::MAX, "10000").alias("commandlog-execution-slower-than"),
    int("slowlog-max-len", 0, i64::MAX, "128").alias("commandlog-slow-execution-max-len"),
    int("commandlog-request-larger-than", -1, i64::MAX, "1048576").newer(),
    int("commandlog-large-request-max-len", 0, i64::MAX, "128").newer(),
    int("commandlog-reply-larger-than", -1, i64::MAX, "1048576").newer(),
    int("commandlog-large-reply-max-len", 0, i64::MAX, "128").newer(),
    int("latency-monitor-threshold", 0, i64::MAX, "0"),
    switch("latency-tracking", "yes"),
    Setting::new(
        "latency-tracking-info-percentiles",
        Kind::Words(Words::of(words::percentiles)),
        "50 99 99.9",
    ),
    // Scripts.
    int("busy-reply-threshold", 0, i64::MAX, "5000").alias("lua-time-limit"),
    switch("lua-enable-deprecated-api", "no").hidden().immutable(),
    // Snapshots.
    Setting::new("save", Kind::Words(Words::of(words::save)), "3600 1 300 100 60 10000"),
    text("snapshot-schedule", "").hidden().immutable().host(),
    int("snapshot-keep", 0, INT, "7").hidden().immutable().host(),
    Setting::new("dbfilename", Kind::Text(words::dump_name), "dump.rdb").protected().host(),
    switch("stop-writes-on-bgsave-error", "yes"),
    switch("rdbcompression", "yes"),
    switch("rdbchecksum", "yes").immutable(),
    switch("rdb-del-sync-files", "no").later(REPLICATION),
    switch("rdb-save-incremental-fsync", "yes").host(),
    one_of("sanitize-dump-payload", &["no", "yes", "clients"], "no")
        .moot("what comes from outside is always looked at whole"),
    int("rdb-key-save-delay", i32::MIN as i64, INT, "0").hidden(),
    int("key-load-delay", i32::MIN as i64, INT, "0").hidden().host(),
    int("loading-process-events-interval-bytes", 1024, INT, "2097152").hidden().host(),
    // The append-only file.
    switch("appendonly", "no").deny_loading().host(),
    Setting::new("appendfilename", Kind::Text(words::append_name), "appendonly.aof")
        .immutable()
        .host(),
    Setting::new("appenddirname", Kind::Text(words::append_dir), "appendonlydir")
        .immutable()
        .host(),
    one_of("appendfsync", &["everysec", "always", "no"], "everysec").host(),
    switch("no-appendfsync-on-rewrite", "no").host(),
    int("auto-aof-rewrite-percentage", 0, INT, "100"),
    memory("auto-aof-rewrite-min-size", 0, LONG, "67108864"),
    switch("aof-load-truncated", "yes").host(),
    switch("aof-use-rdb-preamble", "yes").host(),
    switch("aof-timestamp-enabled", "no"),
    switch("aof-rewrite-incremental-fsync", "yes").host(),
    switch("aof-disable-auto-gc", "no").host(),
    // Replication.
    Setting::new("replicaof", Kind::Words(Words::of(words::primary)), "")
        .alias("slaveof")
        .immutable()
        .later(REPLICATION),
    text("masteruser", "").sensitive().later(REPLICATION),
    text("masterauth", "").sensitive().later(REPLICATION),
    switch("replica-serve-stale-data", "yes").alias("slave-serve-stale-data").later(REPLICATION),
    switch("replica-read-only", "yes").alias("slave-read-only").later(REPLICATION),
    switch("replica-ignore-maxmemory", "yes").alias("slave-ignore-maxmemory").later(REPLICATION),
    switch("replica-lazy-flush", "no").alias("slave-lazy-flush").moot(IN_STEPS),
    int("replica-priority", 0, INT, "100").alias("slave-priority").later(REPLICATION),
    switch("replica-announced", "yes").later(REPLICATION),
    text("replica-announce-ip", "").alias("slave-announce-ip").later(REPLICATION),
    int("replica-announce-port", 0, PORT, "0").alias("slave-announce-port").later(REPLICATION),
    switch("replica-ignore-disk-write-errors", "no").later(REPLICATION),
    switch("repl-disable-tcp-nodelay", "no").later(REPLICATION),
    switch("repl-diskless-sync", "yes"),
    int("repl-diskless-sync-delay", 0, INT, "5").moot(NO_FORK),
    int("repl-diskless-sync-max-replicas", 0, INT, "0").later(REPLICATION),
    one_of("repl-diskless-load", &["disabled", "on-empty-db", "swapdb"], "disabled")
        .deny_loading()
        .later(REPLICATION),
    int("repl-ping-replica-period", 1, INT, "10").alias("repl-ping-slave-period"),
    int("repl-timeout", 1, INT, "60"),
    memory("repl-backlog-size", 1, LONG, "1048576").later(REPLICATION),
    int("repl-backlog-ttl", 0, i64::MAX, "3600").later(REPLICATION),
    int("min-replicas-to-write", 0, INT, "0").alias("min-slaves-to-write").later(REPLICATION),
    int("min-replicas-max-lag", 0, INT, "10").alias("min-slaves-max-lag").later(REPLICATION),
    one_of("propagation-error-behavior", &["ignore", "panic", "panic-on-replicas"], "ignore")
        .later(REPLICATION),
    // Cluster.
    switch("cluster-enabled", "no").immutable().later(CLUSTER),
    text("cluster-config-file", "nodes.conf").immutable().later(CLUSTER),
    int("cluster-node-timeout", 0, i64::MAX, "15000").later(CLUSTER),
    int("cluster-port", 0, PORT, "0").immutable().later(CLUSTER),
    text("cluster-announce-ip", "").later(CLUSTER),
    Setting::new("cluster-announce-hostname", Kind::Text(words::hostname), "").later(CLUSTER),
    int("cluster-announce-port", 0, PORT, "0").later(CLUSTER),
    int("cluster-announce-tls-port", 0, PORT, "0").later(CLUSTER),
    int("cluster-announce-bus-port", 0, PORT, "0").later(CLUSTER),
    one_of("cluster-preferred-endpoint-type", &["ip", "hostname", "unknown-endpoint"], "ip")
        .later(CLUSTER),
    int("cluster-replica-validity-factor", 0, INT, "10")
        .alias("cluster-slave-validity-factor")
        .later(CLUSTER),
    switch("cluster-replica-no-failover", "no").alias("cluster-slave-no-failover").later(CLUSTER),
    int("cluster-migration-barrier", 0, INT, "1").later(CLUSTER),
    switch("cluster-allow-replica-migration", "yes").later(CLUSTER),
    switch("cluster-require-full-coverage", "yes").later(CLUSTER),
    switch("cluster-allow-reads-when-down", "no").later(CLUSTER),
    switch("cluster-allow-pubsubshard-when-down", "yes").later(CLUSTER),
    memory("cluster-link-sendbuf-limit", 0, u64::MAX, "0").later(CLUSTER),
    // TLS.
    int("tls-port", 0, PORT, "0").later(TLS),
    switch("tls-cluster", "no").later(TLS),
    switch("tls-replication", "no").later(TLS),
    one_of("tls-auth-clients", &["no", "yes", "optional"], "yes").later(TLS),
    switch("tls-prefer-server-ciphers", "no").later(TLS),
    switch("tls-session-caching", "yes").later(TLS),
    int("tls-session-cache-size", 0, INT, "20480").later(TLS),
    int("tls-session-cache-timeout", 0, INT, "300").later(TLS),
    text("tls-cert-file", "").later(TLS),
    text("tls-key-file", "").later(TLS),
    text("tls-key-file-pass", "").sensitive().later(TLS),
    text("tls-client-cert-file", "").later(TLS),
    text("tls-client-key-file", "").later(TLS),
    text("tls-client-key-file-pass", "").sensitive().later(TLS),
    text("tls-dh-params-file", "").later(TLS),
    text("tls-ca-cert-file", "").later(TLS),
    text("tls-ca-cert-dir", "").later(TLS),
    text("tls-protocols", "").later(TLS),
    text("tls-ciphers", "").later(TLS),
    text("tls-ciphersuites", "").later(TLS),
];

impl Setting {
    /// A switch that refuses to be switched on.
    const fn defrag(mut self) -> Self {
        self.kind = Kind::Words(Words { read: words::active_defrag, split: false });
        self.moot(DEFRAG)
    }
}

/// The place of the setting of this name or alias, in any case.
pub fn find(name: &[u8]) -> Option<usize> {
    SETTINGS.iter().position(|setting| setting.is_called(name))
}

/// Directives of older versions that are still allowed in redis.conf and mean nothing.
pub(super) const FORGOTTEN: [&str; 3] =
    ["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"];

#[cfg(test)]
mod tests {
    use super::super::setting::Origin;
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    #[test]
    fn no_two_settings_share_a_name() {
        let names: Vec<&str> = SETTINGS
            .iter()
            .flat_map(|setting| core::iter::once(setting.name).chain(setting.alias))
            .collect();
        assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
        assert!(names.iter().all(|name| *name == name.to_ascii_lowercase()));
    }

    #[test]
    fn every_default_is_a_value_in_its_canonical_form() {
        for setting in SETTINGS {
            let words: Vec<&[u8]> = if setting.is_multi_word() {
                words::split(setting.default.as_bytes()).collect()
            } else {
                [setting.default.as_bytes()].into()
            };
            if setting.name == "replicaof" {
                continue; // Nobody is not a host and a port.
            }
            let value = setting.kind.read(&words, setting.default.as_bytes(), Origin::Command);
            let value = value.unwrap_or_else(|reason| panic!("{}: {reason}", setting.name));
            assert_eq!(value.as_ref(), setting.default.as_bytes(), "{}", setting.name);
        }
    }
}
