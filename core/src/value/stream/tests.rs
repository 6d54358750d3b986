//! Streams against models, hostile nodes, sizes.

use super::*;
use crate::rng::Rng;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use alloc::{format, vec};

const LIMITS: NodeLimits = NodeLimits { bytes: 4096, entries: 100 };

type Fields = Vec<Vec<u8>>;

fn read(mut cursor: Cursor<'_>) -> Vec<(Id, Fields)> {
    let mut all = Vec::new();
    while let Some((id, fields)) = cursor.next() {
        let mut texts = Vec::new();
        while let Some((name, value)) = cursor.pair() {
            texts.extend([name.to_vec(), value.to_vec()]);
        }
        assert_eq!(texts.len(), fields as usize * 2);
        all.push((id, texts));
    }
    all
}

fn append(stream: &mut Stream, id: Id, texts: &[Vec<u8>], limits: NodeLimits) {
    stream.log_mut().append(id, texts.iter().map(Vec::as_slice), limits);
}

/// A stream whose nodes are copied into a new one, as a codec does.
fn reloaded(stream: &Stream) -> Stream {
    let mut copy = Stream::default();
    for (id, bytes) in stream.log().listpacks() {
        copy.log_mut().push_node(id, &bytes).expect("the nodes of a stream are sound");
    }
    let log = stream.log();
    copy.load_history(log.last_id, log.max_deleted_id, log.added).expect("the last ID is the last");
    copy
}

#[test]
fn every_change_does_what_it_does_to_a_map() {
    let mut rng = Rng::new(11);
    for limits in [
        LIMITS,
        NodeLimits { bytes: 0, entries: 300 },
        NodeLimits { bytes: 60, entries: 0 },
        NodeLimits { bytes: 4096, entries: 3 },
    ] {
        let mut stream = Stream::default();
        let mut model: BTreeMap<Id, Fields> = BTreeMap::new();
        let mut last = Id::MIN;
        let mut gone = 0;
        for round in 0..if cfg!(miri) { 120 } else { 3000 } {
            let known = |rng: &mut Rng| Id::new(rng.below(last.ms + 2), rng.below(3));
            match rng.below(20) {
                0..13 => {
                    let id = match rng.below(3) {
                        0 => Id::new(last.ms + rng.below(4) + 1, rng.below(3)),
                        _ => Id::new(last.ms, last.seq + 1),
                    };
                    let mut texts = vec![b"name".to_vec(), format!("{round}").into_bytes()];
                    match rng.below(10) {
                        0 => texts.extend([b"7".to_vec(), vec![b'x'; rng.below(300) as usize]]),
                        1 => texts[0] = b"other".to_vec(),
                        _ => {}
                    }
                    append(&mut stream, id, &texts, limits);
                    model.insert(id, texts);
                    last = id;
                }
                13..17 => {
                    let id = known(&mut rng);
                    let found = model.remove(&id).is_some();
                    let removal = stream.remove(id, Refs::Keep);
                    assert_eq!(removal == Removal::Done, found, "{id:?}");
                    gone += u64::from(found);
                }
                17 => {
                    let keep = rng.below(model.len() as u64 + 20);
                    let trim = Trim { keep: Keep::Newest(keep), approx: false, limit: 0 };
                    let removed = stream.trim(&trim, Refs::Keep);
                    assert_eq!(removed, (model.len() as u64).saturating_sub(keep));
                    (0..removed).for_each(|_| _ = model.pop_first());
                }
                18 if round % 7 == 0 => {
                    let id = known(&mut rng);
                    let kept = model.split_off(&id);
                    let trim = Trim { keep: Keep::From(id), approx: false, limit: 0 };
                    assert_eq!(stream.trim(&trim, Refs::Keep), model.len() as u64);
                    model = kept;
                }
                _ => {
                    let (start, end) = (known(&mut rng), known(&mut rng));
                    let expected: Vec<_> = if start <= end {
                        model.range(start..=end).map(|(id, texts)| (*id, texts.clone())).collect()
                    } else {
                        Vec::new()
                    };
                    assert_eq!(read(stream.log().range(start, end)), expected);
                    let mut back = read(stream.log().range_back(start, end));
                    back.reverse();
                    assert_eq!(back, expected);
                }
            }
            assert_eq!(stream.log().len(), model.len() as u64);
            let first = model.first_key_value().map_or(Id::MIN, |(id, _)| *id);
            assert_eq!((stream.log().first_id(), stream.log().last_id), (first, last));
        }
        assert!(gone > 0);
        let all: Vec<_> = model.into_iter().collect();
        for copy in [reloaded(&stream), stream.duplicate(&HashSeed::new([1; 4]))] {
            assert_eq!(read(copy.log().range(Id::MIN, Id::MAX)), all);
            assert_eq!(copy.log().first_id(), stream.log().first_id());
        }
    }
}

#[test]
fn a_small_entry_takes_less_than_its_listpack() {
    let mut stream = Stream::default();
    let count = if cfg!(miri) { 500u64 } else { 100_000 };
    for i in 0..count {
        let texts = [b"field".to_vec(), format!("{:016}", i * 7_919).into_bytes()];
        append(&mut stream, Id::new(1_700_000_000_000 + i / 20, i % 20), &texts, LIMITS);
    }
    let listpacks: usize = stream.log().listpacks().map(|(_, bytes)| bytes.len()).sum();
    let memory = stream.memory();
    assert!(cfg!(miri) || memory * 100 < listpacks * 86, "{memory} for {listpacks}");
}

#[test]
fn a_stream_of_a_few_entries_is_small() {
    let mut stream = Stream::default();
    for i in 1..=3 {
        let texts = [b"temperature".to_vec(), b"23.5".to_vec()];
        append(&mut stream, Id::new(1_700_000_000_000 + i, 0), &texts, LIMITS);
    }
    assert!(stream.memory() <= 420, "{}", stream.memory());
}

#[test]
fn no_bytes_from_outside_make_a_node_that_is_not_sound() {
    let mut stream = Stream::default();
    for i in 0..8 {
        let name = if i == 5 { b"other".to_vec() } else { b"name".to_vec() };
        let texts = [name, format!("value {i}").into_bytes()];
        append(&mut stream, Id::new(5, i + 1), &texts, LIMITS);
    }
    stream.remove(Id::new(5, 3), Refs::Keep);
    let (head, bytes) = stream.log().listpacks().next().expect("there are entries");
    let mut rng = Rng::new(5);
    let mut refused = 0;
    for _ in 0..if cfg!(miri) { 100 } else { 20_000 } {
        let mut hostile = bytes.to_vec();
        for _ in 0..=rng.below(2) {
            let at = rng.below(hostile.len() as u64) as usize;
            hostile[at] = rng.below(256) as u8;
        }
        let mut loaded = Stream::default();
        if loaded.log_mut().push_node(head, &hostile).is_err() {
            refused += 1;
            continue;
        }
        // What was taken can be read, changed and read again.
        let all = read(loaded.log().range(Id::MIN, Id::MAX));
        assert_eq!(all.len() as u64, loaded.log().len());
        let mut back = read(loaded.log().range_back(Id::MIN, Id::MAX));
        back.reverse();
        assert_eq!(back, all);
        for (id, _) in all {
            assert_eq!(loaded.remove(id, Refs::Keep), Removal::Done);
        }
        assert!(loaded.log().is_empty());
    }
    assert!(refused > 50, "{refused}");
    for len in 0..bytes.len() {
        assert!(Stream::default().log_mut().push_node(head, &bytes[..len]).is_err());
    }
}

#[test]
fn nodes_out_of_order_are_refused() {
    let mut stream = Stream::default();
    append(&mut stream, Id::new(5, 1), &[b"a".to_vec(), b"1".to_vec()], LIMITS);
    let (head, bytes) = stream.log().listpacks().next().expect("there is an entry");
    let bytes = &*bytes;
    let mut loaded = Stream::default();
    assert!(loaded.log_mut().push_node(head, bytes).is_ok());
    assert!(loaded.log_mut().push_node(head, bytes).is_err());
    assert!(loaded.load_history(Id::new(5, 0), Id::MIN, 1).is_err());
    assert!(loaded.log_mut().push_node(Id::new(6, 0), bytes).is_ok());
}

#[test]
fn groups_keep_their_lists_and_their_consumers_lists_alike() {
    let mut rng = Rng::new(2);
    let mut groups = Groups::default();
    let group = groups.create(b"g", Id::MIN, Some(0)).expect("the first of its name");
    let mut model: BTreeMap<Id, ConsumerId> = BTreeMap::new();
    let mut consumers = Vec::new();
    for i in 0..5 {
        consumers.push(group.create_consumer(format!("c{i}").as_bytes(), 0).expect("a new name"));
    }
    for round in 0..if cfg!(miri) { 200 } else { 5000 } {
        let id = Id::new(rng.below(500), 0);
        let place = rng.below(5) as usize;
        match rng.below(10) {
            0..6 => {
                group.deliver(id, consumers[place], round);
                model.insert(id, consumers[place]);
            }
            6..9 => assert_eq!(group.acknowledge(id), model.remove(&id).is_some()),
            _ if round % 50 == 0 => {
                let own = model.values().filter(|&&c| c == consumers[place]).count();
                assert_eq!(group.remove_consumer(consumers[place]), own);
                model.retain(|_, c| *c != consumers[place]);
                let name = format!("c{place}");
                consumers[place] =
                    group.create_consumer(name.as_bytes(), 0).expect("it was removed");
            }
            _ => {
                let own = model.iter().filter(|(_, c)| **c == consumers[place]).map(|(id, _)| *id);
                let consumer = group.consumer(consumers[place]).expect("it is there");
                assert!(consumer.pending_from(Id::MIN).eq(own));
            }
        }
        assert_eq!(group.pending_len(), model.len());
        assert!(group.is_whole());
    }
}

#[test]
fn a_loaded_delivery_has_one_consumer() {
    let mut groups = Groups::default();
    let group = groups.create(b"g", Id::MIN, None).expect("the first of its name");
    let (a, b) = (Id::new(1, 1), Id::new(2, 2));
    assert!(group.load_pending(a, 5, 1) && group.load_pending(b, 6, 2));
    assert!(!group.load_pending(a, 5, 1));
    let consumer = group.create_consumer(b"c", 0).expect("a new name");
    assert!(group.assign(a, consumer));
    assert!(!group.assign(a, consumer) && !group.assign(Id::MAX, consumer));
    assert!(!group.is_whole());
    assert!(group.assign(b, consumer) && group.is_whole());
}

#[test]
fn a_large_stream_is_freed_in_steps() {
    let mut stream = Stream::default();
    for i in 0..if cfg!(miri) { 300u64 } else { 50_000 } {
        append(&mut stream, Id::new(i + 1, 0), &[b"a".to_vec(), vec![b'x'; 40]], LIMITS);
    }
    let group = stream.groups_mut().create(b"g", Id::MIN, None).expect("the first of its name");
    let consumer = group.create_consumer(b"c", 0).expect("a new name");
    (1..1000).for_each(|i| group.deliver(Id::new(i, 0), consumer, 0));
    let mut steps = 0;
    while stream.free_effort() > 8 {
        assert!(stream.free_some(4) > 0);
        steps += 1;
    }
    assert!(steps > 5, "{steps}");
}

#[test]
fn a_radix_tree_has_a_node_for_each_parting_and_each_run() {
    let size = |ids: &[Id]| radix::size(ids.iter().copied());
    assert_eq!(size(&[]), (0, 1));
    assert_eq!(size(&[Id::new(1, 0)]), (1, 2));
    // Fifteen bytes in common, a parting, two leaves.
    assert_eq!(size(&[Id::new(1, 0), Id::new(1, 1)]), (2, 4));
    // The parting after seven bytes, a run of eight behind each branch.
    assert_eq!(size(&[Id::new(1, 0), Id::new(2, 0)]), (2, 6));
}
