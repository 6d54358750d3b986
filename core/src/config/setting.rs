//! What a setting is: its name, its kind of value, its default, and what may be done with it.
//!
//! A value is kept as text in one canonical form, the one that CONFIG GET shows; [`Kind`] says how an
//! argument becomes that text, or why it does not.

use super::units;
use super::words::Words;
use crate::collections::decimal;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use bitflags::bitflags;

/// Why a value was refused, in Redis's words.
pub type Reason = Cow<'static, str>;

bitflags! {
    /// What is special about a setting.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct SettingFlags: u8 {
        /// CONFIG SET may not change it.
        const IMMUTABLE = 1;
        /// CONFIG GET shows it only when its very name is given.
        const HIDDEN = 1 << 1;
        /// It holds a secret, which no log may show.
        const SENSITIVE = 1 << 2;
        /// CONFIG SET changes it only where `enable-protected-configs` lets it.
        const PROTECTED = 1 << 3;
        /// CONFIG SET may not change it while a data set is loaded.
        const DENY_LOADING = 1 << 4;
        /// It is new in a version of Redis after 7.0.
        const NEWER = 1 << 5;
    }
}

/// What a value must look like.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `yes` or `no`.
    Bool,
    /// An integer in a range.
    #[allow(missing_docs)]
    Integer { min: i64, max: i64 },
    /// An octal number up to a largest one.
    #[allow(missing_docs)]
    Octal { max: i64 },
    /// Bytes, with a unit.
    #[allow(missing_docs)]
    Memory { min: u64, max: u64 },
    /// Bytes with a unit, or a part of `maxmemory` such as `5%`.
    MemoryOrPercent,
    /// One of these words.
    Enum(&'static [&'static str]),
    /// Any of these words; the first stands for none.
    Flags(&'static [&'static str]),
    /// Any bytes that pass a check.
    Text(fn(&[u8]) -> Result<(), &'static str>),
    /// Several words with rules of their own.
    Words(Words),
}

/// Who does what the setting says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// The engine.
    Engine,
    /// The host: it is asked before CONFIG SET succeeds, and told afterwards.
    Host,
    /// Nobody, for a reason that lasts: what it tunes does not exist here.
    Moot(&'static str),
    /// Nobody yet: it needs this part, which is missing.
    Later(&'static str),
}

/// A setting.
#[derive(Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// Another name for it, from before something was renamed.
    pub alias: Option<&'static str>,
    /// What a value looks like.
    pub kind: Kind,
    /// Its value when nobody says anything, as CONFIG GET shows it.
    pub default: &'static str,
    /// What is special about it.
    pub flags: SettingFlags,
    /// Who does what it says.
    pub applies: Applies,
}

macro_rules! flag_setters {
    ($($(#[$doc:meta])* $method:ident = $flag:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub(super) const fn $method(mut self) -> Self {
            self.flags = self.flags.union(SettingFlags::$flag);
            self
        }
    )*};
}

impl Setting {
    /// A setting that the engine heeds.
    pub(super) const fn new(name: &'static str, kind: Kind, default: &'static str) -> Self {
        Self {
            name,
            alias: None,
            kind,
            default,
            flags: SettingFlags::empty(),
            applies: Applies::Engine,
        }
    }

    pub(super) const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    const fn applies(mut self, applies: Applies) -> Self {
        self.applies = applies;
        self
    }

    pub(super) const fn host(self) -> Self {
        self.applies(Applies::Host)
    }

    pub(super) const fn moot(self, reason: &'static str) -> Self {
        self.applies(Applies::Moot(reason))
    }

    pub(super) const fn later(self, part: &'static str) -> Self {
        self.applies(Applies::Later(part))
    }

    flag_setters! {
        immutable = IMMUTABLE;
        hidden = HIDDEN;
        sensitive = SENSITIVE;
        protected = PROTECTED;
        deny_loading = DENY_LOADING;
        newer = NEWER;
    }

    /// Whether a name, in any case, is this setting's.
    pub fn is_called(&self, name: &[u8]) -> bool {
        self.name.as_bytes().eq_ignore_ascii_case(name)
            || self.alias.is_some_and(|alias| alias.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether its value is made of several words.
    pub fn is_multi_word(&self) -> bool {
        match self.kind {
            Kind::Flags(_) => true,
            Kind::Words(words) => words.split,
            _ => false,
        }
    }
}

impl Kind {
    /// The canonical text of a value given as `words`; `old` is the present one.
    pub fn read(
        &self,
        words: &[&[u8]],
        old: &[u8],
        origin: Origin,
    ) -> Result<Cow<'static, [u8]>, Reason> {
        if let Self::Words(kind) = self {
            return (kind.read)(words, old, origin).map(Cow::Owned);
        }
        if let Self::Flags(names) = self {
            return flags(names, words).map(Cow::Owned);
        }
        let &[word] = words else { return Err(Reason::Borrowed("wrong number of arguments")) };
        self.read_word(word)
    }

    fn read_word(&self, word: &[u8]) -> Result<Cow<'static, [u8]>, Reason> {
        let number = |value: i64| Cow::Owned(value.to_string().into_bytes());
        match *self {
            Self::Bool => {
                let value = if word.eq_ignore_ascii_case(b"yes") {
                    "yes"
                } else if word.eq_ignore_ascii_case(b"no") {
                    "no"
                } else {
                    return Err("argument must be 'yes' or 'no'".into());
                };
                Ok(Cow::Borrowed(value.as_bytes()))
            }
            Self::Integer { min, max } => {
                let value = decimal::parse(word)
                    .ok_or(Reason::Borrowed("argument couldn't be parsed into an integer"))?;
                if value < min || value > max {
                    return Err(
                        format!("argument must be between {min} and {max} inclusive").into()
                    );
                }
                Ok(number(value))
            }
            Self::Octal { max } => {
                let value = units::octal(word)
                    .ok_or(Reason::Borrowed("argument couldn't be parsed as an octal number"))?;
                if value < 0 || value > max {
                    return Err(format!("argument must be between 0 and {max:o} inclusive").into());
                }
                Ok(Cow::Owned(format!("{value:o}").into_bytes()))
            }
            Self::Memory { min, max } => {
                let value = units::memory(word)
                    .ok_or(Reason::Borrowed("argument must be a memory value"))?;
                if value < min || value > max {
                    return Err(
                        format!("argument must be between {min} and {max} inclusive").into()
                    );
                }
                Ok(Cow::Owned(value.to_string().into_bytes()))
            }
            Self::MemoryOrPercent => memory_or_percent(word),
            Self::Enum(names) => names
                .iter()
                .find(|name| name.as_bytes().eq_ignore_ascii_case(word))
                .map(|name| Cow::Borrowed(name.as_bytes()))
                .ok_or_else(|| one_of(names)),
            Self::Text(check) => {
                check(word).map_err(Reason::Borrowed)?;
                Ok(Cow::Owned(word.to_vec()))
            }
            Self::Flags(_) | Self::Words(_) => Err("wrong number of arguments".into()),
        }
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// CONFIG SET: the value replaces the old one.
    Command,
    /// The first line of redis.conf that names the setting.
    FirstLine,
    /// A later line about the same setting, which may add to what was said.
    LaterLine,
}

fn memory_or_percent(word: &[u8]) -> Result<Cow<'static, [u8]>, Reason> {
    if let Some(percent) = word.strip_suffix(b"%").and_then(decimal::parse)
        && percent >= 0
    {
        if percent > 100 {
            return Err("percentage argument must be less or equal to 100".into());
        }
        // No percent of anything is no limit.
        let unit = if percent == 0 { "" } else { "%" };
        return Ok(Cow::Owned(format!("{percent}{unit}").into_bytes()));
    }
    let value = units::memory(word)
        .ok_or(Reason::Borrowed("argument must be a memory or percent value"))?;
    if value > i64::MAX as u64 {
        return Err(format!("argument must be between -100 and {} inclusive", i64::MAX).into());
    }
    Ok(Cow::Owned(value.to_string().into_bytes()))
}

fn flags(names: &[&'static str], words: &[&[u8]]) -> Result<Vec<u8>, Reason> {
    let place = |word: &&[u8]| names.iter().position(|n| n.as_bytes().eq_ignore_ascii_case(word));
    let places: Option<Vec<usize>> = words.iter().map(place).collect();
    let Some(places) = places.filter(|places| !places.is_empty()) else {
        return Err(one_of(names));
    };
    let chosen = |name: &str| places.iter().any(|&place| names[place] == name);
    if chosen("save") && chosen("nosave") {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    let set: Vec<&str> = names[1..].iter().copied().filter(|name| chosen(name)).collect();
    Ok(if set.is_empty() { names[0].into() } else { set.join(" ").into_bytes() })
}

#[cold]
fn one_of(names: &[&str]) -> Reason {
    format!("argument(s) must be one of the following: {}", names.join(", ")).into()
}

/// Any text will do.
pub(super) fn anything(_: &[u8]) -> Result<(), &'static str> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, word: &str) -> Result<Vec<u8>, Reason> {
        kind.read(&[word.as_bytes()], b"", Origin::Command).map(Cow::into_owned)
    }

    #[test]
    fn a_percentage_stays_one_and_zero_is_none() {
        assert_eq!(read(Kind::MemoryOrPercent, "50%").expect("in range"), b"50%");
        assert_eq!(read(Kind::MemoryOrPercent, "0%").expect("in range"), b"0");
        assert_eq!(read(Kind::MemoryOrPercent, "1kb").expect("in range"), b"1024");
        assert!(read(Kind::MemoryOrPercent, "101%").is_err());
        assert!(read(Kind::MemoryOrPercent, "-5%").is_err());
    }

    #[test]
    fn an_enum_is_kept_as_the_table_spells_it() {
        let kind = Kind::Enum(&["allkeys-lru", "noeviction"]);
        assert_eq!(read(kind, "AllKeys-LRU").expect("it is one"), b"allkeys-lru");
        assert_eq!(
            read(kind, "x").expect_err("it is none"),
            "argument(s) must be one of the following: allkeys-lru, noeviction"
        );
    }

    #[test]
    fn flags_are_kept_in_the_order_of_the_table() {
        let kind = Kind::Flags(&["default", "save", "nosave", "now"]);
        let read = |words: &[&[u8]]| kind.read(words, b"", Origin::Command);
        assert_eq!(read(&[b"now", b"save"]).expect("both are there").as_ref(), b"save now");
        assert_eq!(read(&[b"default"]).expect("it is there").as_ref(), b"default");
        assert!(read(&[]).is_err());
        assert!(read(&[b"save", b"nosave"]).is_err());
    }
}
