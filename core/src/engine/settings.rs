//! Settings on their way to those who keep a copy, and what only the engine can check of them.

use super::Engine;
use crate::acl::rules::{is_user_name, merge_selectors};
use crate::acl::{Access, Rules, User, Users};
use crate::client::Limits;
use crate::commands::server::persistence::abort;
use crate::commands::{acl, table};
use crate::config::{Config, ConfigError, UserLine};
use crate::error::printable;
use crate::server::{Effect, Level, SnapshotKind};
use crate::store::evict::Policy;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Engine {
    /// Checks what reading redis.conf could not: the commands that `rename-command` and `user` name.
    pub fn check_config(config: &Config) -> Result<(), ConfigError> {
        check_users(config)?;
        let mut taken: Vec<Vec<u8>> = Vec::new();
        let mut gone: Vec<Vec<u8>> = Vec::new();
        for rename in &config.renames {
            let (from, to) = (rename.from.to_ascii_lowercase(), rename.to.to_ascii_lowercase());
            let is_there = |name: &Vec<u8>| {
                taken.contains(name) || (table::find(name).is_some() && !gone.contains(name))
            };
            let refuse = |reason: &str| {
                Err(ConfigError { line: Some(rename.line.clone()), reason: reason.to_string() })
            };
            if !is_there(&from) {
                return refuse("No such command in rename-command");
            }
            if from != to && is_there(&to) {
                return refuse("Target command name already exists");
            }
            taken.retain(|name| *name != from);
            gone.push(from);
            if !to.is_empty() {
                gone.retain(|name| *name != to);
                taken.push(to);
            }
        }
        Ok(())
    }

    /// Gives commands the names that `rename-command` says.
    pub(super) fn apply_renames(&mut self) {
        let names = &mut self.server.names;
        for rename in &self.server.config.renames {
            if let Some((place, _)) = table::find_named(names, &rename.from) {
                names.rename(&rename.from, &rename.to, place);
            }
        }
    }

    /// Makes the users that redis.conf declares, and the default user's password.
    pub(super) fn make_users(&mut self) {
        if !self.server.config.requirepass.is_empty() {
            acl::set_default_password(&mut self.server);
        }
        let rules = acl::rules(&self.server.config);
        for line in self.server.config.users.clone() {
            let Ok(user) = declared_user(&rules, &self.server.acl.users, &line) else { continue };
            if !user.enabled {
                self.server.effects.push_back(Effect::Log(
                    Level::Notice,
                    format!(
                        "The user '{}' is disabled (there is no 'on' modifier in the user \
                         description). Make sure this is not a configuration error.",
                        printable(&user.name, 128)
                    ),
                ));
            }
            self.server.acl.users.insert(Arc::new(user));
        }
    }

    /// Makes the users of the file that `aclfile` names, if it names one. A host calls it once, before
    /// the first connection; when it fails, the server should not start.
    pub fn load_acl_file(&mut self) -> Result<(), String> {
        acl::read_file(&self.server).map(|users| {
            if let Some(users) = users {
                self.server.acl.users = users;
            }
        })
    }

    /// Hands the settings on to those who keep a copy.
    pub(super) fn apply_config(&mut self) {
        if !core::mem::take(&mut self.server.config_changed) {
            return;
        }
        let (config, store) = (&self.server.config, &mut self.store);
        store.notify = config.notify_keyspace_events;
        self.server.clients.limits = Limits::new(config.output_limits);
        self.server.clients.set_memory_max(config.maxmemory_clients);
        let number = |name| config.number(name) as u64;
        store.tracking.keys_max =
            usize::try_from(number("tracking-table-max-keys")).unwrap_or(usize::MAX);
        let tuning = &mut store.tuning;
        tuning.hash_listpack_entries = number("hash-max-listpack-entries");
        tuning.hash_listpack_value = config.bytes("hash-max-listpack-value");
        tuning.list_listpack_size = config.number("list-max-listpack-size") as i32;
        tuning.list_compress_depth = config.number("list-compress-depth") as i32;
        tuning.set_intset_entries = number("set-max-intset-entries");
        tuning.set_listpack_entries = number("set-max-listpack-entries");
        tuning.set_listpack_value = config.bytes("set-max-listpack-value");
        tuning.zset_listpack_entries = number("zset-max-listpack-entries");
        tuning.zset_listpack_value = config.bytes("zset-max-listpack-value");
        tuning.stream_node_bytes = config.bytes("stream-node-max-bytes");
        tuning.stream_node_entries = number("stream-node-max-entries");
        tuning.hll_sparse_bytes = config.bytes("hll-sparse-max-bytes");
        // What is over a new limit goes soon, though nobody says anything.
        store.eviction.unfinished =
            config.maxmemory > 0 && (self.server.hooks.used_memory)() as u64 > config.maxmemory;
        store.eviction.set_policy(Policy::of_name(config.text("maxmemory-policy")));
        store.eviction.samples = config.maxmemory_samples;
        store.eviction.tenacity = config.number("maxmemory-eviction-tenacity") as u32;
        store.access.lfu = store.eviction.policy.is_lfu();
        store.access.log_factor = config.number("lfu-log-factor") as u32;
        store.access.decay_minutes = config.number("lfu-decay-time") as u32;
        store.access.set_now(self.server.now.unix_ms());
        store.lazy_expire = config.is_on("lazyfree-lazy-expire");
        store.lazy_eviction = config.is_on("lazyfree-lazy-eviction");
        let state = &mut self.server.persistence;
        state.set_points(config.text("save"));
        state.stop_writes = config.is_on("stop-writes-on-bgsave-error");
        state.auto_rewrite =
            (number("auto-aof-rewrite-percentage"), config.bytes("auto-aof-rewrite-min-size"));
        state.key_delay = config.number("rdb-key-save-delay");
        store.journal.timestamps = config.is_on("aof-timestamp-enabled");
        let on = config.is_on("appendonly");
        if on && !store.journal.aof {
            store.journal.start();
            self.begin_append_only();
        } else if !on && store.journal.aof {
            store.journal.stop();
            self.server.persistence.needs_base = false;
            self.server.persistence.rewrite_scheduled = false;
            abort(&mut self.store, &mut self.server, SnapshotKind::AofBase);
        }
    }
}

impl Engine {
    /// The append-only file was turned on: it begins with all there is.
    fn begin_append_only(&mut self) {
        if self.server.hooks.save.is_none() {
            return;
        }
        let state = &mut self.server.persistence;
        state.needs_base = true;
        state.rewrite_scheduled = true;
        if state.is_busy() {
            let line = "AOF was enabled but there is already another background operation. An AOF \
                        background was scheduled to start when possible.";
            self.server.effects.push_back(Effect::Log(Level::Notice, line.into()));
        }
        self.begin_saving();
    }
}

/// The user that a line declares: the default one is made anew, others are new.
fn declared_user(rules: &Rules<'_>, users: &Users, line: &UserLine) -> Result<User, String> {
    let Some((name, words)) = line.words.split_first() else { return Err(String::new()) };
    let mut user = rules.new_user(name);
    if users.find(name).is_some() {
        // Everybody finds "reset" right.
        let _ = rules.apply(&mut user, b"reset");
    }
    let refuse = |word: &[u8], reason: &str| {
        format!("Error in user declaration '{}': {reason}", printable(word, 128))
    };
    if !is_user_name(name) {
        return Err(refuse(name, "Spaces not allowed in ACL usernames"));
    }
    let merged = merge_selectors(words.iter().map(Vec::as_slice))
        .map_err(|place| refuse(&words[place], "Unmatched parenthesis in selector definition."))?;
    for word in &merged {
        rules.apply(&mut user, word).map_err(|error| refuse(word, error.text()))?;
    }
    Ok(user)
}

fn check_users(config: &Config) -> Result<(), ConfigError> {
    let rules = acl::rules(config);
    let users = Access::new([0; 32], rules.catalog).users;
    for line in &config.users {
        declared_user(&rules, &users, line)
            .map_err(|reason| ConfigError { line: Some(line.line.clone()), reason })?;
    }
    if !config.users.is_empty() && !config.text("aclfile").is_empty() {
        let reason = "Configuring Redis with users defined in redis.conf and at the same setting an ACL \
                      file path is invalid. This setup is very likely to lead to configuration errors \
                      and security holes, please define either an ACL file or declare users directly in \
                      your redis.conf, but not both.";
        return Err(ConfigError { line: None, reason: reason.into() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), ConfigError> {
        Engine::check_config(&Config::parse_text(text).expect("the text is right"))
    }

    #[test]
    fn a_renamed_command_exists_and_its_new_name_does_not() {
        assert!(check("rename-command GET fetch\nrename-command SET GET").is_ok());
        assert!(check("rename-command GET \"\"").is_ok());
        let refused = check("rename-command nosuch x").expect_err("there is no such command");
        assert_eq!(refused.reason, "No such command in rename-command");
        let refused = check("timeout 1\nrename-command GET SET").expect_err("SET is taken");
        assert_eq!(refused.reason, "Target command name already exists");
        assert_eq!(refused.line.map(|line| line.0), Some(2));
        assert!(check("rename-command GET a\nrename-command GET b").is_err());
    }
}
