//! The rules of ACL SETUSER, of `user` lines and of ACL files, one word each.

use super::user::User;
use super::{Catalog, Category, KeyAccess, Selector, password, selector};
use crate::resp::parse::split_words;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What is wrong with a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleError {
    /// It names no command or category.
    Unknown,
    /// It is none.
    Syntax,
    /// A pattern of keys where all are allowed already.
    KeysAfterAll,
    /// A pattern of channels where all are allowed already.
    ChannelsAfterAll,
    /// The password to be removed is not there.
    NoSuchPassword,
    /// No hash.
    Hash,
    /// A first argument of a subcommand.
    FirstArgOfSubcommand,
}

impl RuleError {
    /// Redis's words for it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown command or category name in ACL",
            Self::Syntax => "Syntax error",
            Self::KeysAfterAll => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not \
                 have any effect. Try 'resetkeys' to start with an empty list of patterns"
            }
            Self::ChannelsAfterAll => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does \
                 not have any effect. Try 'resetchannels' to start with an empty list of channels"
            }
            Self::NoSuchPassword => {
                "The password you are trying to remove from the user does not exist"
            }
            Self::Hash => {
                "The password hash must be exactly 64 characters and contain only lowercase hexadecimal \
                 characters"
            }
            Self::FirstArgOfSubcommand => "Allowing first-arg of a subcommand is not supported",
        }
    }
}

/// Whether a name can be one of a user: spaces and zero bytes end words.
pub fn is_user_name(name: &[u8]) -> bool {
    !has_spaces(name)
}

fn has_spaces(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b' ' | b'\t'..=b'\r' | 0))
}

/// Joins the words of selectors, which may hold spaces: `(+get`, `~a)` is one rule. `Err`: the place of a
/// parenthesis that nothing closes.
pub fn merge_selectors<'a>(
    words: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Vec<u8>>, usize> {
    let mut merged: Vec<Vec<u8>> = Vec::new();
    let mut open: Option<(usize, Vec<u8>)> = None;
    for (place, word) in words.into_iter().enumerate() {
        match &mut open {
            Some((_, selector)) => {
                selector.push(b' ');
                selector.extend_from_slice(word);
                if word.last() == Some(&b')') {
                    merged.extend(open.take().map(|(_, selector)| selector));
                }
            }
            None if word.first() == Some(&b'(') && word.last() != Some(&b')') => {
                open = Some((place, word.to_vec()));
            }
            None => merged.push(word.to_vec()),
        }
    }
    match open {
        Some((place, _)) => Err(place),
        None => Ok(merged),
    }
}

/// What applying rules depends on.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The commands.
    pub catalog: &'a dyn Catalog,
    /// `acl-pubsub-default`: new selectors are allowed all channels.
    pub all_channels: bool,
}

impl core::fmt::Debug for Rules<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Rules").field("all_channels", &self.all_channels).finish_non_exhaustive()
    }
}

impl Rules<'_> {
    /// A new user.
    pub fn new_user(&self, name: &[u8]) -> User {
        User::new(name, self.catalog, self.all_channels)
    }

    /// Applies one rule. On an error the user is as before.
    pub fn apply(&self, user: &mut User, rule: &[u8]) -> Result<(), RuleError> {
        match &*rule.to_ascii_lowercase() {
            b"" => {}
            b"on" => user.enabled = true,
            b"off" => user.enabled = false,
            b"nopass" => {
                user.nopass = true;
                user.passwords.clear();
            }
            b"skip-sanitize-payload" => (user.skip_sanitize, user.sanitize) = (true, false),
            b"sanitize-payload" => (user.skip_sanitize, user.sanitize) = (false, true),
            b"resetpass" => {
                user.nopass = false;
                user.passwords.clear();
            }
            b"clearselectors" => user.selectors.truncate(1),
            b"reset" => {
                let name = core::mem::take(&mut user.name);
                *user = User { sanitize: true, ..self.new_user(&name) };
            }
            _ => return self.apply_word(user, rule),
        }
        Ok(())
    }

    /// A rule that is more than a name.
    fn apply_word(&self, user: &mut User, rule: &[u8]) -> Result<(), RuleError> {
        match rule {
            [sign @ (b'>' | b'#' | b'<' | b'!'), secret @ ..] => {
                let hash = match sign {
                    b'>' | b'<' => password::hash(secret),
                    _ => password::from_hex(secret).ok_or(RuleError::Hash)?,
                };
                let place = user.passwords.iter().position(|own| *own == hash);
                match (sign, place) {
                    (b'>' | b'#', found) => {
                        if found.is_none() {
                            user.passwords.push(hash);
                        }
                        user.nopass = false;
                    }
                    (_, Some(place)) => {
                        user.passwords.remove(place);
                    }
                    (_, None) => return Err(RuleError::NoSuchPassword),
                }
            }
            [b'(', inner @ .., b')'] => {
                let mut selector = Selector::new(self.catalog, self.all_channels);
                // As in Redis, words in quotes that do not match are no words.
                for word in split_words(inner).unwrap_or_default() {
                    self.apply_to_selector(&mut selector, &word)?;
                }
                if user.selectors.is_empty() {
                    user.selectors.push(Selector::new(self.catalog, self.all_channels));
                }
                user.selectors.push(selector);
            }
            _ => {
                if user.selectors.is_empty() {
                    user.selectors.push(Selector::new(self.catalog, self.all_channels));
                }
                self.apply_to_selector(&mut user.selectors[0], rule)?;
            }
        }
        Ok(())
    }

    fn apply_to_selector(&self, selector: &mut Selector, rule: &[u8]) -> Result<(), RuleError> {
        match &*rule.to_ascii_lowercase() {
            b"allkeys" | b"~*" => {
                selector.all_keys = true;
                selector.keys.clear();
            }
            b"resetkeys" => {
                selector.all_keys = false;
                selector.keys.clear();
            }
            b"allchannels" | b"&*" => {
                selector.all_channels = true;
                selector.channels.clear();
            }
            b"resetchannels" => {
                selector.all_channels = false;
                selector.channels.clear();
            }
            b"allcommands" | b"+@all" => selector.commands.set_all(true),
            b"nocommands" | b"-@all" => selector.commands.set_all(false),
            _ => match rule {
                [b'~', pattern @ ..] => add_keys(selector, pattern, KeyAccess::all())?,
                [b'%', rest @ ..] => {
                    if selector.all_keys {
                        return Err(RuleError::KeysAfterAll);
                    }
                    let (access, pattern) = key_access(rest)?;
                    add_keys(selector, pattern, access)?;
                }
                [b'&', channel @ ..] => {
                    if selector.all_channels {
                        return Err(RuleError::ChannelsAfterAll);
                    }
                    if has_spaces(channel) {
                        return Err(RuleError::Syntax);
                    }
                    if !selector.channels.iter().any(|own| **own == *channel) {
                        selector.channels.push(Box::from(channel));
                    }
                }
                [sign @ (b'+' | b'-'), b'@', name @ ..] => {
                    let category = Category::of_name(name).ok_or(RuleError::Unknown)?;
                    selector.commands.set_category(self.catalog, category, *sign == b'+');
                }
                [b'+', name @ ..] => self.allow(selector, name)?,
                [b'-', name @ ..] => {
                    let found = self.catalog.find(name).ok_or(RuleError::Unknown)?;
                    selector.commands.set(self.catalog, found.id, false);
                }
                _ => return Err(RuleError::Syntax),
            },
        }
        Ok(())
    }

    /// `+command`, `+container|subcommand`, `+command|first-argument`.
    fn allow(&self, selector: &mut Selector, name: &[u8]) -> Result<(), RuleError> {
        let Some(bar) = name.iter().rposition(|&byte| byte == b'|') else {
            let found = self.catalog.find(name).ok_or(RuleError::Unknown)?;
            selector.commands.set(self.catalog, found.id, true);
            return Ok(());
        };
        let (command, word) = (&name[..bar], &name[bar + 1..]);
        let found = self.catalog.find(command).ok_or(RuleError::Unknown)?;
        if found.is_sub {
            return Err(RuleError::FirstArgOfSubcommand);
        }
        if word.is_empty() {
            return Err(RuleError::Syntax);
        }
        if found.has_subs {
            let sub = self.catalog.find(name).ok_or(RuleError::Unknown)?;
            selector.commands.set(self.catalog, sub.id, true);
        } else {
            selector.commands.add_first_arg(found.id, word);
        }
        Ok(())
    }
}

/// The letters between `%` and `~`, each at most once, and what follows.
fn key_access(rest: &[u8]) -> Result<(KeyAccess, &[u8]), RuleError> {
    let mut access = KeyAccess::empty();
    for (place, byte) in rest.iter().enumerate() {
        let letter = match byte.to_ascii_uppercase() {
            b'R' => KeyAccess::READ,
            b'W' => KeyAccess::WRITE,
            b'~' if !access.is_empty() => return Ok((access, &rest[place + 1..])),
            _ => return Err(RuleError::Syntax),
        };
        if access.contains(letter) {
            return Err(RuleError::Syntax);
        }
        access |= letter;
    }
    // Redis takes `%R` for `%R~`, a pattern that only the empty key matches.
    if access.is_empty() { Err(RuleError::Syntax) } else { Ok((access, b"")) }
}

fn add_keys(selector: &mut Selector, pattern: &[u8], access: KeyAccess) -> Result<(), RuleError> {
    if selector.all_keys {
        return Err(RuleError::KeysAfterAll);
    }
    if has_spaces(pattern) {
        return Err(RuleError::Syntax);
    }
    match selector.keys.iter_mut().find(|own| *own.pattern == *pattern) {
        Some(own) => own.access |= access,
        None => selector.keys.push(selector::KeyPattern { pattern: Box::from(pattern), access }),
    }
    Ok(())
}
