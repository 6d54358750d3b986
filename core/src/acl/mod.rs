//! Access control: users, their passwords, and what they may run, read, write and listen to.
//!
//! ```text
//! "+get ~cache:*" ─▶ rules ─▶ User { selectors: [Selector { commands, keys, channels }, …] } ─▶ describe
//! ```
//!
//! A user is a list of selectors; a command may run if one of them allows all of it: the command, each of
//! its keys, each of its channels. Commands are bits by their number. What the numbers mean is for
//! [`Catalog`] to say, so that this module knows no command; checking a request is the part of
//! `command::permission`.
//!
//! Users are shared, never changed in place: each client holds its own, and a change replaces it everywhere.

pub mod catalog;
pub mod category;
pub mod commands;
pub mod file;
pub mod log;
pub mod password;
pub mod rules;
pub mod selector;
#[cfg(test)]
mod tests;
pub mod user;

pub use catalog::{Catalog, Found};
pub use category::Category;
pub use commands::CommandSet;
pub use log::{Context, Log, LogEntry, Reason};
pub use rules::{RuleError, Rules};
pub use selector::{KeyAccess, Selector};
pub use user::{User, Users};

use alloc::string::String;
use alloc::sync::Arc;

/// Everything about access that an engine keeps.
#[derive(Debug)]
pub struct Access {
    /// The users.
    pub users: Users,
    /// What was refused lately.
    pub log: Log,
    secret: [u8; 32],
    generated: u64,
}

impl Access {
    /// The default user alone. What ACL GENPASS gives follows from `secret`, and does not tell it.
    pub fn new(secret: [u8; 32], catalog: &dyn Catalog) -> Self {
        let mut users = Users::default();
        users.insert(Arc::new(User::default_user(catalog)));
        Self { users, log: Log::default(), secret, generated: 0 }
    }

    /// A new password of so many hexadecimal digits.
    pub fn generate_password(&mut self, digits: usize) -> String {
        let mut text = String::new();
        while text.len() < digits {
            let mut block = [0; 40];
            block[..32].copy_from_slice(&self.secret);
            block[32..].copy_from_slice(&self.generated.to_le_bytes());
            self.generated += 1;
            text.push_str(&password::hex(&password::hash(&block)));
        }
        text.truncate(digits);
        text
    }
}
