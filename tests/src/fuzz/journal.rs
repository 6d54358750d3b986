//! Append-only files: any bytes, and whole commands of every kind.

use redstart_core::{Config, Engine, Fault, Hooks, Replay};

use crate::chance::Chance;
use crate::grammar;
use crate::resp;
use crate::script::BIRTH;

fn engine() -> Engine {
    Engine::new(Config::default(), [3; 32], BIRTH, Hooks::default())
}

/// Any bytes, in two pieces: what is read are commands, and what is not is still there.
pub(super) fn bytes(data: &[u8]) {
    let Some((&cut, data)) = data.split_first() else { return };
    let mut engine = engine();
    let mut replay = Replay::new();
    let (head, _) = data.split_at(usize::from(cut).min(data.len()));
    let Ok(first) = engine.replay(BIRTH, &mut replay, head) else { return };
    let result = engine.replay(BIRTH, &mut replay, &data[first..]);
    assert!(replay.whole <= replay.offset && replay.offset <= data.len() as u64);
    if let Ok(second) = result {
        assert_eq!(replay.offset, (first + second) as u64);
        assert!(replay.whole == replay.offset || replay.is_in_transaction());
    }
}

/// Commands from the grammar, drawn by the bytes: each is read, whatever it is, and nothing is journaled.
pub(super) fn commands(data: &[u8]) {
    let rules = grammar::rules();
    let mut file = Vec::new();
    for choice in data.chunks(8).take(64) {
        let mut word = [0; 8];
        word[..choice.len()].copy_from_slice(choice);
        let mut chance = Chance::new(u64::from_le_bytes(word));
        let rule = &rules[chance.below(rules.len())];
        file.extend(resp::command(&grammar::draw(rule, &mut chance)));
    }
    let mut engine = engine();
    let mut replay = Replay::new();
    let mut at = 0;
    loop {
        match engine.replay(BIRTH, &mut replay, &file[at..]) {
            Ok(read) => {
                assert_eq!(at + read, file.len(), "whole commands are read");
                break;
            }
            // The grammar makes mistakes. Behind one, another file begins.
            Err(error) => {
                assert!(matches!(error.fault, Fault::Unknown(_)), "{error:?}");
                at += usize::try_from(error.offset).expect("it is within the file");
                let (_, used) = resp::decode(&file[at..]).expect("a command").expect("all of it");
                at += used;
                replay = Replay::new();
            }
        }
    }
    assert!(engine.journal().is_empty());
}
