//! A user, and all of them.

use super::password::{self, Hash};
use super::{Catalog, Selector};
use crate::collections::ordered;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The name of the user of connections that have not said who they are.
pub const DEFAULT: &[u8] = b"default";

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// The name.
    pub name: Box<[u8]>,
    /// `on`: new connections may use it.
    pub enabled: bool,
    /// Any password will do.
    pub nopass: bool,
    /// `sanitize-payload` was asked for.
    pub sanitize: bool,
    /// `skip-sanitize-payload` was asked for.
    pub skip_sanitize: bool,
    /// The hashes of its passwords.
    pub passwords: Vec<Hash>,
    /// The first one is made of the rules of the user itself; an empty list allows nothing.
    pub selectors: Vec<Selector>,
}

impl User {
    /// A new user: off, without passwords and without any right but, if `acl-pubsub-default` says so,
    /// to channels.
    pub fn new(name: &[u8], catalog: &dyn Catalog, all_channels: bool) -> Self {
        Self {
            name: Box::from(name),
            selectors: [Selector::new(catalog, all_channels)].into(),
            ..Self::default()
        }
    }

    /// The default user as it is when nobody has said anything about it: everything is allowed.
    pub fn default_user(catalog: &dyn Catalog) -> Self {
        let mut user = Self::new(DEFAULT, catalog, true);
        (user.enabled, user.nopass) = (true, true);
        let root = &mut user.selectors[0];
        root.all_keys = true;
        root.commands.set_all(true);
        user
    }

    /// Whether nothing is forbidden to it.
    pub fn is_unrestricted(&self) -> bool {
        self.selectors.iter().any(Selector::is_unrestricted)
    }

    /// Whether new connections may use it without saying anything.
    pub fn is_open(&self) -> bool {
        self.enabled && self.nopass
    }

    /// Whether this is one of its passwords. It takes the same time whichever it is.
    pub fn accepts(&self, given: &[u8]) -> bool {
        if !self.enabled {
            return false;
        }
        let given = password::hash(given);
        self.nopass
            || self.passwords.iter().fold(false, |found, own| found | password::same(own, &given))
    }

    /// The words of its flags.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> {
        [
            (self.enabled, "on"),
            (!self.enabled, "off"),
            (self.nopass, "nopass"),
            (self.skip_sanitize, "skip-sanitize-payload"),
            (self.sanitize, "sanitize-payload"),
        ]
        .into_iter()
        .filter_map(|(is_set, word)| is_set.then_some(word))
    }

    /// The rules that make it, as ACL LIST and the configuration file have them behind the name.
    pub fn describe(&self, catalog: &dyn Catalog) -> Vec<u8> {
        let mut words: Vec<Vec<u8>> = self.flags().map(|word| word.as_bytes().to_vec()).collect();
        words.extend(
            self.passwords.iter().map(|hash| [b"#", password::hex(hash).as_bytes()].concat()),
        );
        for (place, selector) in self.selectors.iter().enumerate() {
            let text = selector.describe(catalog);
            words.push(if place == 0 { text } else { [b"(", &*text, b")"].concat() });
        }
        words.join(&b' ')
    }

    /// The line that makes it: `user name rules …`.
    pub fn line(&self, catalog: &dyn Catalog) -> Vec<u8> {
        [b"user ", &*self.name, b" ", &self.describe(catalog)].concat()
    }
}

/// All users by name. There always is a default user.
#[derive(Debug, Clone, Default)]
pub struct Users {
    by_name: ordered::Map<Box<[u8]>, Arc<User>>,
    default: Arc<User>,
}

impl Users {
    /// The default user.
    #[inline]
    pub fn default_user(&self) -> &Arc<User> {
        &self.default
    }

    /// The user of this name.
    pub fn find(&self, name: &[u8]) -> Option<&Arc<User>> {
        self.by_name.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<User>> {
        self.by_name.values()
    }

    /// Adds a user, or replaces the one of its name.
    pub fn insert(&mut self, user: Arc<User>) {
        if *user.name == *DEFAULT {
            self.default = user.clone();
        }
        self.by_name.insert(user.name.clone(), user);
    }

    /// Removes a user, unless it is the default one.
    pub fn remove(&mut self, name: &[u8]) -> Option<Arc<User>> {
        if name == DEFAULT { None } else { self.by_name.remove(name) }
    }
}
