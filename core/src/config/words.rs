//! Settings made of several words, each with rules of its own: save points, addresses, limits.

use super::setting::{Origin, Reason};
use super::units;
use crate::collections::decimal;
use crate::store::Class;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Makes the canonical text of the words; the old text is there for what adds to it.
pub type ReadWords = fn(&[&[u8]], &[u8], Origin) -> Result<Vec<u8>, Reason>;

/// How the words of such a setting are read.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// Reads them.
    pub read: ReadWords,
    /// CONFIG SET's one argument is split at its spaces.
    pub split: bool,
}

impl Words {
    pub(super) const fn of(read: ReadWords) -> Self {
        Self { read, split: true }
    }
}

/// The words of a canonical text.
pub fn split(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b' ').filter(|word| !word.is_empty())
}

fn join<'a>(words: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    words.collect::<Vec<_>>().join(&b' ')
}

/// `save seconds changes …`; a further line in redis.conf adds a point, `save ""` drops all.
pub(super) fn save(words: &[&[u8]], old: &[u8], origin: Origin) -> Result<Vec<u8>, Reason> {
    if let [word] = words
        && word.is_empty()
    {
        return Ok(Vec::new());
    }
    let positive = |word: &&[u8], min: i64| {
        decimal::parse(word).is_some_and(|n| n >= min && n <= i64::from(i32::MAX))
    };
    let right = words.len().is_multiple_of(2)
        && words.chunks(2).all(|pair| positive(&pair[0], 1) && positive(&pair[1], 0));
    if !right {
        return Err("Invalid save parameters".into());
    }
    let kept = if origin == Origin::LaterLine { old } else { b"" };
    Ok(join(split(kept).chain(words.iter().copied())))
}

/// `bind address …`; one empty word binds to nothing.
pub(super) fn bind(words: &[&[u8]], _: &[u8], _: Origin) -> Result<Vec<u8>, Reason> {
    const ADDRESSES_MAX: usize = 16;
    if words.len() > ADDRESSES_MAX {
        return Err("Too many bind addresses specified.".into());
    }
    Ok(join(words.iter().copied().filter(|word| !word.is_empty())))
}

/// The classes of clients that have output limits, as CONFIG GET names them.
pub const CLIENT_CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

/// `client-output-buffer-limit class hard soft seconds …`; other classes keep their limits.
pub(super) fn output_limits(words: &[&[u8]], old: &[u8], _: Origin) -> Result<Vec<u8>, Reason> {
    if !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    let mut limits: Vec<Vec<u8>> = split(old).map(<[u8]>::to_vec).collect();
    for group in words.chunks(4) {
        let class = if group[0].eq_ignore_ascii_case(b"replica") { b"slave" } else { group[0] };
        let place = CLIENT_CLASSES
            .iter()
            .position(|name| name.as_bytes().eq_ignore_ascii_case(class))
            .ok_or(Reason::Borrowed(
                "Invalid client class specified in buffer limit configuration.",
            ))?;
        let seconds = decimal::parse(group[3]).filter(|seconds| *seconds >= 0);
        let (Some(hard), Some(soft), Some(seconds)) =
            (units::memory(group[1]), units::memory(group[2]), seconds)
        else {
            return Err(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.".into(),
            );
        };
        for (offset, number) in [(1, hard), (2, soft), (3, seconds as u64)] {
            if let Some(word) = limits.get_mut(place * 4 + offset) {
                *word = number.to_string().into_bytes();
            }
        }
    }
    Ok(limits.join(&b' '))
}

/// `oom-score-adj-values primary replica child`.
pub(super) fn oom_scores(words: &[&[u8]], _: &[u8], _: Origin) -> Result<Vec<u8>, Reason> {
    if words.len() != 3 {
        return Err("wrong number of arguments".into());
    }
    if !words.iter().all(|w| decimal::parse(w).is_some_and(|n| (-2000..=2000).contains(&n))) {
        return Err("Invalid oom-score-adj-values, elements must be between -2000 and 2000.".into());
    }
    Ok(join(words.iter().copied()))
}

/// `latency-tracking-info-percentiles p …`.
pub(super) fn percentiles(words: &[&[u8]], _: &[u8], _: Origin) -> Result<Vec<u8>, Reason> {
    if let [word] = words
        && word.is_empty()
    {
        return Ok(Vec::new());
    }
    let mut texts = Vec::new();
    for word in words {
        let value = decimal::parse_double(word)
            .ok_or(Reason::Borrowed("Invalid latency-tracking-info-percentiles parameters"))?;
        if !(0.0..=100.0).contains(&value) {
            return Err(
                "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
                    .into(),
            );
        }
        texts.push(percentile_text(value));
    }
    Ok(texts.join(" ").into_bytes())
}

/// Six digits behind the point, without the zeros at the end.
pub fn percentile_text(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// `replicaof host port`; `no one` is nobody.
pub(super) fn primary(words: &[&[u8]], _: &[u8], _: Origin) -> Result<Vec<u8>, Reason> {
    let &[host, port] = words else { return Err("wrong number of arguments".into()) };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        return Ok(Vec::new());
    }
    if !decimal::parse(port).is_some_and(|port| (0..=65535).contains(&port)) {
        return Err("Invalid master port".into());
    }
    Ok(join([host, port].into_iter()))
}

/// Letters of `notify-keyspace-events` in the order in which CONFIG GET shows them.
const CLASSES: [(u8, Class); 15] = [
    (b'A', Class::ALL),
    (b'g', Class::GENERIC),
    (b'$', Class::STRING),
    (b'l', Class::LIST),
    (b's', Class::SET),
    (b'h', Class::HASH),
    (b'z', Class::ZSET),
    (b'x', Class::EXPIRED),
    (b'e', Class::EVICTED),
    (b't', Class::STREAM),
    (b'd', Class::MODULE),
    (b'n', Class::NEW),
    (b'K', Class::KEYSPACE),
    (b'E', Class::KEYEVENT),
    (b'm', Class::MISS),
];

/// The classes that letters stand for; `None` where a letter stands for none.
pub fn classes(letters: &[u8]) -> Option<Class> {
    letters.iter().try_fold(Class::empty(), |classes, letter| {
        let (_, class) = CLASSES.iter().find(|(own, _)| own == letter)?;
        Some(classes | *class)
    })
}

/// `notify-keyspace-events letters`.
pub(super) fn events(words: &[&[u8]], _: &[u8], _: Origin) -> Result<Vec<u8>, Reason> {
    let &[letters] = words else { return Err("wrong number of arguments".into()) };
    let wanted = classes(letters)
        .ok_or(Reason::Borrowed("Invalid event class character. Use 'Ag$lshzxeKEtmdn'."))?;
    let all = wanted.contains(Class::ALL);
    // As Redis shows it: with `A`, the letters of single classes, even `n`, are left out.
    let shown = |letter: u8| matches!(letter, b'A' | b'K' | b'E' | b'm') || !all;
    Ok(CLASSES
        .iter()
        .filter(|(letter, class)| wanted.contains(*class) && shown(*letter))
        .map(|(letter, _)| *letter)
        .collect())
}

/// A name without a path, which is not empty.
fn plain_name(
    name: &[u8],
    empty: Option<&'static str>,
    path: &'static str,
) -> Result<(), &'static str> {
    match empty {
        Some(reason) if name.is_empty() => Err(reason),
        _ if name.contains(&b'/') => Err(path),
        _ => Ok(()),
    }
}

pub(super) fn dump_name(name: &[u8]) -> Result<(), &'static str> {
    plain_name(name, None, "dbfilename can't be a path, just a filename")
}

pub(super) fn append_name(name: &[u8]) -> Result<(), &'static str> {
    plain_name(
        name,
        Some("appendfilename can't be empty"),
        "appendfilename can't be a path, just a filename",
    )
}

pub(super) fn append_dir(name: &[u8]) -> Result<(), &'static str> {
    plain_name(
        name,
        Some("appenddirname can't be empty"),
        "appenddirname can't be a path, just a dirname",
    )
}

pub(super) fn hostname(name: &[u8]) -> Result<(), &'static str> {
    if name.len() >= 256 {
        return Err("Hostnames must be less than 256 characters");
    }
    if !name.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.')) {
        return Err("Hostnames may only contain alphanumeric characters, hyphens or dots");
    }
    Ok(())
}

/// The names that stand in braces in `proc-title-template`.
const TITLE_PARTS: [&str; 7] =
    ["title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"];

pub(super) fn title_template(template: &[u8]) -> Result<(), &'static str> {
    const WRONG: &str = "template format is invalid or contains unknown variables";
    let mut rest = core::str::from_utf8(template).map_err(|_| WRONG)?;
    if rest.trim().is_empty() {
        return Err(WRONG);
    }
    while let Some(at) = rest.find('{') {
        let end = rest[at..].find('}').ok_or(WRONG)?;
        if !TITLE_PARTS.contains(&&rest[at + 1..at + end]) {
            return Err(WRONG);
        }
        rest = &rest[at + end + 1..];
    }
    Ok(())
}

pub(super) fn active_defrag(words: &[&[u8]], _: &[u8], _: Origin) -> Result<Vec<u8>, Reason> {
    match words {
        [word] if word.eq_ignore_ascii_case(b"no") => Ok(b"no".to_vec()),
        [word] if word.eq_ignore_ascii_case(b"yes") => {
            Err("Active defragmentation cannot be enabled: it requires a Redis server compiled \
                 with a modified Jemalloc like the one shipped by default with the Redis source \
                 distribution"
                .into())
        }
        [_] => Err("argument must be 'yes' or 'no'".into()),
        _ => Err("wrong number of arguments".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_save_line_adds_a_point() {
        let first = save(&[b"900", b"1"], b"3600 1", Origin::FirstLine).expect("a pair");
        assert_eq!(first, b"900 1");
        let both = save(&[b"100", b"2"], &first, Origin::LaterLine).expect("a pair");
        assert_eq!(both, b"900 1 100 2");
        assert_eq!(save(&[b""], &both, Origin::LaterLine).expect("the empty word"), b"");
        assert!(save(&[b"1"], b"", Origin::Command).is_err());
        assert!(save(&[b"0", b"1"], b"", Origin::Command).is_err());
    }

    #[test]
    fn limits_of_classes_that_are_not_named_stay() {
        let old = b"normal 0 0 0 slave 9 9 9 pubsub 8 8 8";
        let new = output_limits(&[b"replica", b"1k", b"2", b"3"], old, Origin::Command);
        assert_eq!(new.expect("a group of four"), b"normal 0 0 0 slave 1000 2 3 pubsub 8 8 8");
        assert!(output_limits(&[b"normal", b"1", b"2"], old, Origin::Command).is_err());
        assert!(output_limits(&[b"master", b"1", b"2", b"3"], old, Origin::Command).is_err());
    }

    #[test]
    fn event_letters_come_back_in_their_order() {
        let read = |letters: &[u8]| events(&[letters], b"", Origin::Command);
        assert_eq!(read(b"KEA").expect("letters"), b"AKE");
        assert_eq!(read(b"KEg$lshzxetdmn").expect("letters"), b"AKEm");
        assert_eq!(read(b"tedxKEmn").expect("letters"), b"xetdnKEm");
        assert!(read(b"q").is_err());
    }

    #[test]
    fn percentiles_have_six_digits_at_most() {
        let text = percentiles(&[b"33.3333333333", b"1e1", b"99.9"], b"", Origin::Command);
        assert_eq!(text.expect("in range"), b"33.333333 10 99.9");
        assert!(percentiles(&[b"100.1"], b"", Origin::Command).is_err());
    }

    #[test]
    fn a_title_has_no_unknown_parts() {
        assert!(title_template(b"{title} {listen-addr} x").is_ok());
        assert!(title_template(b"--my--title--template").is_ok());
        assert!([&b"{foo}"[..], b"", b"{title"].iter().all(|t| title_template(t).is_err()));
    }
}
