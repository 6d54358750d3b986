//! A selector: commands, with the keys and the channels that they may name.

use super::{Catalog, CommandSet};
use crate::collections::glob;
use alloc::boxed::Box;
use alloc::vec::Vec;
use bitflags::bitflags;

bitflags! {
    /// What may be, or is to be, done with a key.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct KeyAccess: u8 {
        /// Its value is read.
        const READ = 1;
        /// Its value is written.
        const WRITE = 1 << 1;
    }
}

/// A pattern of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPattern {
    /// The glob.
    pub pattern: Box<[u8]>,
    /// What may be done with keys that match.
    pub access: KeyAccess,
}

/// Commands, keys and channels that go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// The commands.
    pub commands: CommandSet,
    /// The keys.
    pub keys: Vec<KeyPattern>,
    /// Any key.
    pub all_keys: bool,
    /// The channels.
    pub channels: Vec<Box<[u8]>>,
    /// Any channel.
    pub all_channels: bool,
}

impl Selector {
    /// One that allows nothing but, if `acl-pubsub-default` says so, channels.
    pub fn new(catalog: &dyn Catalog, all_channels: bool) -> Self {
        Self {
            commands: CommandSet::none(catalog),
            keys: Vec::new(),
            all_keys: false,
            channels: Vec::new(),
            all_channels,
        }
    }

    /// Whether it allows everything.
    pub fn is_unrestricted(&self) -> bool {
        self.all_keys && self.all_channels && self.commands.is_all()
    }

    /// Whether all of `access` is allowed to a key: by one pattern, since patterns do not add up.
    pub fn allows_key(&self, key: &[u8], access: KeyAccess) -> bool {
        self.all_keys
            || self
                .keys
                .iter()
                .any(|own| own.access.contains(access) && glob::matches(&own.pattern, key))
    }

    /// Whether a channel is allowed; of a pattern (PSUBSCRIBE), whether the very same one is.
    pub fn allows_channel(&self, channel: &[u8], is_pattern: bool) -> bool {
        self.all_channels || in_list(&self.channels, channel, is_pattern)
    }

    /// The keys as rules.
    pub fn describe_keys(&self) -> Vec<u8> {
        if self.all_keys {
            return b"~*".to_vec();
        }
        let words = self.keys.iter().map(|own| {
            let sign: &[u8] =
                match (own.access.contains(KeyAccess::READ), own.access.contains(KeyAccess::WRITE))
                {
                    (true, false) => b"%R~",
                    (false, true) => b"%W~",
                    _ => b"~",
                };
            [sign, &own.pattern].concat()
        });
        words.collect::<Vec<_>>().join(&b' ')
    }

    /// The channels as rules, without the word that takes all others away.
    pub fn describe_channels(&self) -> Vec<u8> {
        if self.all_channels {
            return b"&*".to_vec();
        }
        let words = self.channels.iter().map(|channel| [b"&", &**channel].concat());
        words.collect::<Vec<_>>().join(&b' ')
    }

    /// All of it as rules.
    pub fn describe(&self, catalog: &dyn Catalog) -> Vec<u8> {
        let mut words = Vec::new();
        words.push(self.describe_keys());
        if !self.all_channels {
            words.push(b"resetchannels".to_vec());
        }
        words.push(self.describe_channels());
        words.push(self.commands.describe(catalog).into_bytes());
        words.retain(|word| !word.is_empty());
        words.join(&b' ')
    }
}

/// Whether a channel is in a list of patterns, or, itself a pattern, stands in it.
pub fn in_list(patterns: &[Box<[u8]>], channel: &[u8], is_pattern: bool) -> bool {
    patterns.iter().any(
        |own| {
            if is_pattern { **own == *channel } else { glob::matches(own, channel) }
        },
    )
}
