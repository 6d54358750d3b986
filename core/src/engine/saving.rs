//! When the data set is saved by itself, and how it is at the end.

use super::{Effect, Engine, Level, Now, SnapshotKind};
use crate::commands::server::persistence::start;
use crate::commands::server::shutdown::{self, Wish};
use alloc::boxed::Box;
use alloc::format;

impl Engine {
    /// Ends the server as the setting says, `shutdown-on-sigterm` or `shutdown-on-sigint`. When
    /// [`Effect::Shutdown`](super::Effect::Shutdown) follows, all is saved that is to be; when it does not, the
    /// log says why.
    pub fn shut_down(&mut self, now: Now, setting: &str) {
        self.set_now(now);
        self.server.persistence.end = Some(Box::from(self.server.config.text(setting)));
        self.end_if_asked();
    }

    /// Saves in the background as soon as nothing else is being saved, for a host with a schedule of its own.
    pub fn save_soon(&mut self, now: Now) {
        self.set_now(now);
        self.server.persistence.save_scheduled = true;
        self.begin_saving();
    }

    /// Ends the server if a signal asked for it, unless the cron is paused.
    fn end_if_asked(&mut self) {
        if !self.server.cron_paused
            && let Some(words) = self.server.persistence.end.take()
        {
            shutdown::shut_down(&mut self.store, &mut self.server, Wish::of_words(&words));
        }
    }

    /// When a snapshot whose keys take time goes on, or one begins by itself.
    pub(super) fn saving_deadline(&self) -> Option<u64> {
        let (state, now) = (&self.server.persistence, self.server.now);
        if state.end.is_some() && !self.server.cron_paused {
            return Some(now.mono_us);
        }
        if let Some(running) = &state.running {
            let delay = u64::try_from(state.key_delay).ok().filter(|delay| *delay > 0)?;
            let next = self.store.cut.extent().done.saturating_add(1).saturating_mul(delay);
            let is_later = self.store.cut.is_written();
            return is_later.then(|| running.since.mono_us.saturating_add(next));
        }
        if state.feeding.is_some() || !self.saves() {
            return None;
        }
        let now_s = now.unix_ms() / 1000;
        let wants_rewrite = state.rewrite_scheduled || self.growth().is_some();
        let rewrite = wants_rewrite.then_some(state.rewrite_retry_s.max(now_s));
        let save = state.save_scheduled.then(|| state.retry_s());
        let point = state.next_save_s(self.store.dirty).map(|(at_s, _)| at_s);
        let at_s = [rewrite, save, point].into_iter().flatten().min()?;
        let left_us = at_s.saturating_mul(1_000_000).saturating_sub(now.unix_us as i64);
        Some(now.mono_us.saturating_add(left_us.max(0) as u64))
    }

    /// Begins what is scheduled, or due by `save`; or ends.
    pub(super) fn begin_saving(&mut self) {
        self.end_if_asked();
        let state = &self.server.persistence;
        if state.is_busy() || !self.saves() {
            return;
        }
        let now_s = self.server.now.unix_ms() / 1000;
        let kind = if state.rewrite_scheduled && state.rewrite_retry_s <= now_s {
            SnapshotKind::AofBase
        } else if let Some((_, (seconds, changes))) =
            state.next_save_s(self.store.dirty).filter(|(at_s, _)| *at_s <= now_s)
        {
            let line = format!("{changes} changes in {seconds} seconds. Saving...");
            self.server.effects.push_back(Effect::Log(Level::Notice, line));
            SnapshotKind::Rdb
        } else if let Some(percent) = self.growth().filter(|_| state.rewrite_retry_s <= now_s) {
            let line = format!("Starting automatic rewriting of AOF on {percent}% growth");
            self.server.effects.push_back(Effect::Log(Level::Notice, line));
            SnapshotKind::AofBase
        } else if state.save_scheduled && state.retry_s() <= now_s {
            SnapshotKind::Rdb
        } else {
            return;
        };
        start(&mut self.store, &mut self.server, kind);
    }

    /// How much the append-only file has grown, if that is to have it rewritten.
    fn growth(&self) -> Option<u64> {
        let journal = &self.store.journal;
        journal.aof.then(|| self.server.persistence.growth(journal.end()))?
    }

    /// Whether there is a disk, and all that is on it has been read.
    fn saves(&self) -> bool {
        let server = &self.server;
        server.hooks.save.is_some() && !server.cron_paused && server.persistence.loading.is_none()
    }
}
