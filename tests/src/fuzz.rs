//! Fuzz targets: functions of bytes that panic when something is wrong.
//!
//! `tests/fuzz` runs them under libFuzzer; `tests/tests/fuzz.rs` runs them on bytes from a seed, for a bounded
//! time, where there is no nightly compiler.

mod journal;
mod rdb;

use std::collections::{BTreeMap, BTreeSet};

use redstart_core::collections::dict::Dict;
use redstart_core::collections::listpack::{Listpack, Side};
use redstart_core::script::lua::{Lua, Step, lib};
use redstart_core::{Config, Effect, Engine, Hooks, Now, Peer};

use crate::chance::Chance;
use crate::grammar;
use crate::resp;
use crate::script::BIRTH;

/// A target and its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("resp_bytes", resp_bytes),
    ("resp_session", resp_session),
    ("listpack_bytes", listpack_bytes),
    ("listpack_edits", listpack_edits),
    ("dict_model", dict_model),
    ("rdb_payload", rdb::payload),
    ("rdb_file", rdb::file),
    ("lua_source", lua_source),
    ("journal_bytes", journal::bytes),
    ("journal_commands", journal::commands),
];

/// The target of this name, which there is.
pub fn target(name: &str) -> fn(&[u8]) {
    TARGETS.iter().find(|(own, _)| *own == name).expect("a target of that name").1
}

/// Any bytes at all reach a connection, in two pieces: what comes back must be replies.
pub fn resp_bytes(data: &[u8]) {
    let Some((&cut, bytes)) = data.split_first() else { return };
    let (head, tail) = bytes.split_at(usize::from(cut).min(bytes.len()));
    let mut session = Session::new();
    session.receive(head);
    session.receive(tail);
    session.end();
}

/// Commands from the grammar, drawn by the bytes, with a mistake in the bytes here and there.
pub fn resp_session(data: &[u8]) {
    let rules = grammar::rules();
    let mut session = Session::new();
    for choice in data.chunks(8).take(64) {
        let mut word = [0; 8];
        word[..choice.len()].copy_from_slice(choice);
        let mut chance = Chance::new(u64::from_le_bytes(word));
        let rule = &rules[chance.below(rules.len())];
        if rule.words[0] == "SHUTDOWN" || rule.words[0] == "DEBUG" {
            continue;
        }
        let mut bytes = resp::command(&grammar::draw(rule, &mut chance));
        if chance.percent(2) {
            let at = chance.below(bytes.len());
            bytes[at] = chance.bits() as u8;
        }
        let (head, tail) = bytes.split_at(chance.below(bytes.len() + 1));
        session.receive(head);
        if chance.percent(20) {
            session.pass(chance.bits() % 3_000_000);
        }
        session.receive(tail);
    }
    session.end();
}

/// Bytes that say they are a listpack: refused, or sound in every way of reading them.
pub fn listpack_bytes(data: &[u8]) {
    let Ok(pack) = Listpack::from_bytes(data) else { return };
    pack.check();
    let forward: Vec<_> =
        pack.iter().map(redstart_core::collections::listpack::Element::to_vec).collect();
    assert_eq!(forward.len(), pack.len() as usize);
    let mut backward = Vec::new();
    let mut at = pack.last();
    while let Some(pos) = at {
        backward.push(pack.at(pos).expect("a position has an element").to_vec());
        at = pack.prev(pos);
    }
    backward.reverse();
    assert_eq!(forward, backward, "both directions see the same");
    let mut copy = Listpack::new();
    for text in &forward {
        copy.push_back(text);
    }
    assert_eq!(
        copy.iter().map(redstart_core::collections::listpack::Element::to_vec).collect::<Vec<_>>(),
        forward
    );
}

/// Edits of a listpack, next to a vector that is edited the same way.
pub fn listpack_edits(data: &[u8]) {
    let mut pack = Listpack::new();
    let mut model: Vec<Vec<u8>> = Vec::new();
    let mut bytes = Bytes(data);
    while let Some(op) = bytes.next() {
        let text = bytes.text();
        let index = i64::from(bytes.next().unwrap_or_default() as i8);
        let at = if index < 0 { index + model.len() as i64 } else { index };
        let at = usize::try_from(at).ok().filter(|at| *at < model.len());
        assert_eq!(pack.seek(index).is_some(), at.is_some(), "index {index} of {}", model.len());
        match (op % 8, pack.seek(index).zip(at)) {
            (0, _) => {
                pack.push_front(&text);
                model.insert(0, text);
            }
            (1, Some((pos, at))) => {
                pack.insert(pos, &text, Side::Before);
                model.insert(at, text);
            }
            (2, Some((pos, at))) => {
                pack.insert(pos, &text, Side::After);
                model.insert(at + 1, text);
            }
            (3, Some((pos, at))) => {
                pack.replace(pos, &text);
                model[at] = text;
            }
            (4, Some((pos, at))) => {
                let next = pack.remove(pos);
                model.remove(at);
                let next = next
                    .and_then(|pos| pack.at(pos))
                    .map(redstart_core::collections::listpack::Element::to_vec);
                assert_eq!(next.as_ref(), model.get(at), "what follows the removed one");
            }
            (5, Some((_, at))) => {
                let count = u32::from(op >> 4);
                let removed = pack.remove_range(index, count);
                let end = model.len().min(at + count as usize);
                assert_eq!(removed as usize, model.drain(at..end).count());
            }
            (6, Some((_, at))) => {
                let tail = pack.split_off(at as u32);
                let moved = model.split_off(at);
                tail.check();
                assert_eq!(
                    tail.iter()
                        .map(redstart_core::collections::listpack::Element::to_vec)
                        .collect::<Vec<_>>(),
                    moved
                );
                pack.concat(tail.view());
                model.extend(moved);
            }
            _ => {
                pack.push_back(&text);
                model.push(text);
            }
        }
        pack.check();
    }
    assert_eq!(
        pack.iter().map(redstart_core::collections::listpack::Element::to_vec).collect::<Vec<_>>(),
        model
    );
    for text in &model {
        let found = pack
            .find(text, 0)
            .and_then(|pos| pack.at(pos))
            .map(redstart_core::collections::listpack::Element::to_vec);
        assert_eq!(found.as_ref(), Some(text));
    }
    assert_eq!(
        Listpack::from_bytes(pack.as_bytes()).expect("its own bytes are sound").as_bytes(),
        pack.as_bytes()
    );
}

/// Insertions, removals and scans of a dict, next to a map; hashes are poor, so that chains grow.
pub fn dict_model(data: &[u8]) {
    type Entry = Box<(u16, u32)>;
    let poor = data.first().is_some_and(|byte| byte & 1 == 1);
    let hash_of = move |key: u16| {
        let key = u64::from(if poor { key % 7 } else { key });
        key.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    };
    let hasher = move |entry: &Entry| hash_of(entry.0);
    let mut dict: Dict<Entry> = Dict::new();
    let mut model: BTreeMap<u16, u32> = BTreeMap::new();
    // Keys that were there since the scan began, which the scan must see.
    let mut cursor = 0;
    let mut steady: BTreeSet<u16> = BTreeSet::new();
    let mut seen: BTreeSet<u16> = BTreeSet::new();
    let mut bytes = Bytes(data);
    let mut count = 0;
    while let Some(op) = bytes.next() {
        count += 1;
        let key = u16::from_le_bytes([
            bytes.next().unwrap_or_default(),
            bytes.next().unwrap_or_default(),
        ]);
        let hash = hash_of(key);
        match op % 4 {
            0 | 1 => {
                let (mut slot, new) = dict.find_or_insert(
                    hash,
                    |entry| entry.0 == key,
                    || Box::new((key, 0)),
                    hasher,
                );
                slot.get_mut().1 = count;
                assert_eq!(new, model.insert(key, count).is_none());
            }
            2 => {
                let removed = dict.remove(hash, |entry| entry.0 == key, hasher);
                assert_eq!(removed.map(|entry| entry.1), model.remove(&key));
                steady.remove(&key);
            }
            _ => {
                if cursor == 0 {
                    steady = model.keys().copied().collect();
                    seen.clear();
                }
                cursor = dict.scan(cursor, |entry| {
                    assert!(model.contains_key(&entry.0), "a scan sees what is there");
                    seen.insert(entry.0);
                });
                assert!(cursor != 0 || steady.is_subset(&seen), "a whole scan sees what stayed");
            }
        }
        assert_eq!(dict.len(), model.len());
        assert_eq!(
            dict.find(hash, |entry| entry.0 == key).map(|entry| entry.1),
            model.get(&key).copied()
        );
    }
    dict.check(hasher);
    let all: BTreeMap<u16, u32> = dict.iter().map(|entry| **entry).collect();
    assert_eq!(all, model);
}

/// An engine with one connection, of which every byte that comes back is kept.
struct Session {
    engine: Engine,
    now: Now,
    conn: redstart_core::ConnId,
    replies: Vec<u8>,
    closed: bool,
}

impl Session {
    fn new() -> Self {
        let mut engine = Engine::new(Config::default(), [3; 32], BIRTH, Hooks::default());
        let peer = Peer {
            addr: "127.0.0.1:1".into(),
            laddr: "127.0.0.1:2".into(),
            fd: -1,
            local: true,
            ..Peer::default()
        };
        let conn = engine.connect(BIRTH, peer);
        Self { engine, now: BIRTH, conn, replies: Vec::new(), closed: false }
    }

    fn receive(&mut self, bytes: &[u8]) {
        if !self.closed {
            self.engine.receive(self.now, self.conn, bytes);
            self.settle();
        }
    }

    fn pass(&mut self, us: u64) {
        self.now.unix_us += us;
        self.now.mono_us += us;
        self.engine.timeout(self.now);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(effect) = self.engine.poll() {
            match effect {
                Effect::Send(conn) => {
                    let before = self.replies.len();
                    self.replies.extend(self.engine.outgoing(conn).flatten());
                    self.engine.sent(self.now, conn, self.replies.len() - before);
                }
                Effect::Close(conn) => {
                    self.closed = true;
                    self.engine.disconnect(self.now, conn);
                }
                _ => {}
            }
        }
    }

    fn end(mut self) {
        self.pass(1_000);
        if let Err(e) = resp::decode_all(&self.replies) {
            panic!("the replies are no RESP: {e}");
        }
    }
}

/// Takes values off the front of bytes.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// A text of a kind that listpacks store in a way of its own: short, long, or a number.
    fn text(&mut self) -> Vec<u8> {
        let kind = self.next().unwrap_or_default();
        let value = i64::from(self.next().unwrap_or_default());
        match kind % 8 {
            0 => value.to_string().into_bytes(),
            1 => (value - 128).to_string().into_bytes(),
            2 => (value << (kind >> 2)).to_string().into_bytes(),
            3 => (i64::MIN + value).to_string().into_bytes(),
            4 => vec![kind; value as usize],
            5 => vec![kind; value as usize * 40],
            6 => format!("0{value}").into_bytes(),
            _ => vec![kind, value as u8],
        }
    }
}

/// Any bytes are a Lua program, as they are or as the numbers of words, run in small slices with
/// little memory and the collector at work in between: it prints, fails or is stopped.
pub fn lua_source(data: &[u8]) {
    let Some((&slice, bytes)) = data.split_first() else { return };
    let source = if slice % 2 == 0 { bytes.to_vec() } else { lua_words(bytes) };
    let mut lua = Lua::new(1 << 22);
    lib::open_all(&mut lua);
    lib::base::open_print(&mut lua);
    let Ok(function) = lua.load(b"=fuzz", &source) else { return };
    lua.start(function, &[]);
    for _ in 0..200 {
        match lua.run(1 + u64::from(slice) * 4) {
            Step::Suspended => lua.collect_some(1 + usize::from(slice) * 64),
            _ => return,
        }
    }
}

/// Each byte as a word of the language.
fn lua_words(bytes: &[u8]) -> Vec<u8> {
    const WORDS: &str = "and break do else elseif end false for function if in local nil not or \
        repeat return then true until while + - * / % ^ # == ~= <= >= < > = ( ) { } [ ] ; : , . .. \
        ... a b t x f _G 0 1 2.5 1e308 -1 's' \"%d\" '.' '(.-)' pcall print pairs next select \
        setmetatable getmetatable string table coroutine math yield wrap create resume sort concat \
        insert remove error unpack tostring tonumber loadstring getfenv setfenv gsub gmatch find rep \
        format byte char __index __newindex __call __concat __lt __eq __mode self collectgarbage";
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut source = Vec::new();
    for byte in bytes {
        source.extend_from_slice(words[usize::from(*byte) % words.len()].as_bytes());
        source.push(b' ');
    }
    source
}
