//! Quicklists against a model and against the nodes that Redis 7.0 made.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::collections::listpack::tests::Dice;

fn texts(list: &Quicklist) -> Vec<Vec<u8>> {
    list.iter().map(Element::to_vec).collect()
}

/// Bytes and elements of every node.
fn shape(list: &Quicklist) -> Vec<(usize, u32)> {
    list.nodes()
        .map(|node| match node {
            NodeView::Packed(pack) => (pack.as_bytes().len(), pack.len()),
            NodeView::Plain(text) => (text.len(), 1),
        })
        .collect()
}

fn numbered(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|i| alloc::format!("element:{i:06}").into_bytes()).collect()
}

#[test]
fn nodes_fill_up_as_those_of_redis() {
    let fill = |fill| Limits { fill, packed_threshold: 1 << 30 };
    let mut list = Quicklist::new();
    for text in numbered(if cfg!(miri) { 0 } else { 2000 }) {
        list.push_back(&text, fill(-2));
    }
    if !cfg!(miri) {
        assert_eq!(shape(&list), [(8183, 511), (8183, 511), (8183, 511), (7479, 467)]);
    }

    let mut list = Quicklist::new();
    for text in numbered(1000) {
        list.push_front(&text, fill(-1));
    }
    assert_eq!(shape(&list), [(3767, 235), (4087, 255), (4087, 255), (4087, 255)]);

    let mut list = Quicklist::new();
    for i in 0..12 {
        list.push_back(alloc::format!("e{i}").as_bytes(), fill(5));
    }
    assert_eq!(shape(&list), [(27, 5), (27, 5), (17, 2)]);

    let mut list = Quicklist::new();
    for _ in 0..200 {
        list.push_back(&[b'x'; 100], fill(128));
    }
    assert_eq!(shape(&list), [(8144, 79), (8144, 79), (4333, 42)]);

    let mut list = Quicklist::new();
    for i in 0..30 {
        list.push_back(&vec![b'x'; i * 37 % 3000], fill(-2));
    }
    assert_eq!(shape(&list), [(7855, 21), (7291, 8), (1084, 1)]);
}

#[test]
fn large_elements_stand_alone() {
    let mut list = Quicklist::new();
    for text in [vec![b'a'], vec![b'x'; 9000], vec![b'b'], vec![b'y'; 8180], vec![b'c']] {
        list.push_back(&text, Limits::default());
    }
    assert_eq!(shape(&list), [(10, 1), (9000, 1), (10, 1), (8194, 1), (10, 1)]);
    assert!(list.set(1, b"small", Limits::default()));
    assert!(list.set(0, &[b'z'; 10_000], Limits::default()));
    assert_eq!(shape(&list), [(10_000, 1), (14, 1), (10, 1), (8194, 1), (10, 1)]);
    list.check();
}

#[test]
fn a_list_agrees_with_a_vec() {
    for (seed, limits) in [
        Limits { fill: -1, packed_threshold: 0 },
        Limits { fill: 4, packed_threshold: 0 },
        Limits { fill: 0, packed_threshold: 0 },
        Limits { fill: -2, packed_threshold: 30 },
        Limits { fill: -1, packed_threshold: 1 },
    ]
    .into_iter()
    .enumerate()
    {
        agrees_with_a_vec(limits, seed as u64 + 1);
    }
}

fn agrees_with_a_vec(limits: Limits, seed: u64) {
    let mut dice = Dice::new(seed);
    let mut list = Quicklist::new();
    let mut model: Vec<Vec<u8>> = Vec::new();
    for round in 0..if cfg!(miri) { 60 } else { 4000 } {
        let text = dice.text(if round % 20 == 0 { 6000 } else { 60 });
        let index = dice.below(model.len().max(1));
        let growing = round / 500 % 2 == 0;
        match dice.below(if growing { 9 } else { 18 }) {
            0..=2 => {
                list.push_back(&text, limits);
                model.push(text);
            }
            3 | 4 => {
                list.push_front(&text, limits);
                model.insert(0, text);
            }
            5..=7 => {
                let index = dice.below(model.len() + 1);
                list.insert(index as u64, &text, limits);
                model.insert(index, text);
            }
            8 => {
                assert_eq!(list.set(index as u64, &text, limits), index < model.len());
                if let Some(old) = model.get_mut(index) {
                    *old = text;
                }
            }
            9..=11 => {
                let popped = list.pop_front(|element| element.text().to_vec());
                assert_eq!(popped, (!model.is_empty()).then(|| model.remove(0)));
            }
            12 | 13 => assert_eq!(list.pop_back(|element| element.text().to_vec()), model.pop()),
            14 => {
                let end = (index + dice.below(12)).min(model.len());
                assert_eq!(list.remove(index as u64, (end - index) as u64), (end - index) as u64);
                model.drain(index..end);
            }
            15 if dice.below(20) == 0 => {
                let count = dice.below(model.len() + 5);
                list.keep(index as u64, count as u64);
                model.drain(..index);
                model.truncate(count);
            }
            16 | 17 => {
                let text = model.get(index).unwrap_or(&text).clone();
                let most = dice.below(4) as u64;
                let from = if dice.below(2) == 0 { Side::Before } else { Side::After };
                let mut places: Vec<usize> =
                    (0..model.len()).filter(|&at| model[at] == text).collect();
                if from == Side::After {
                    places.reverse();
                }
                places.truncate(most as usize);
                places.sort_unstable();
                assert_eq!(list.remove_text(&text, most, from), places.len() as u64);
                places.iter().rev().for_each(|&at| _ = model.remove(at));
            }
            _ => {}
        }
        list.check();
        assert_eq!(list.len(), model.len() as u64);
        if round % 8 == 0 || cfg!(miri) {
            assert_eq!(texts(&list), model);
        }
        let index = dice.below(model.len() + 1);
        let towards_last: Vec<_> =
            list.iter_from(index as u64).take(9).map(Element::to_vec).collect();
        assert_eq!(towards_last, model[index..(index + 9).min(model.len())]);
        let towards_first: Vec<_> =
            list.iter_back_from(index as u64).take(9).map(Element::to_vec).collect();
        let expected = model.iter().take(index + 1).rev().take(9);
        assert!(index == model.len() || towards_first.iter().eq(expected));
        let got = list.get(index as u64).map(Element::to_vec);
        assert_eq!(got.as_ref(), model.get(index));
        let position = got.as_ref().and_then(|text| list.position(text));
        let expected = got.and_then(|text| model.iter().position(|other| *other == text));
        assert_eq!(position, expected.map(|at| at as u64));
    }
}

#[test]
fn a_saved_list_comes_back() {
    let mut list = Quicklist::new();
    for text in numbered(300) {
        list.push_front(&text, Limits { fill: -1, packed_threshold: 0 });
    }
    list.push_back(&[b'x'; 5000], Limits { fill: -1, packed_threshold: 0 });
    let mut copy = Quicklist::new();
    for node in list.nodes() {
        match node {
            NodeView::Packed(pack) => {
                copy.push_packed_node(View::check(pack.as_bytes()).expect("sound"));
            }
            NodeView::Plain(text) => copy.push_plain_node(text),
        }
    }
    copy.push_packed_node(Listpack::new().view());
    copy.check();
    assert_eq!(texts(&copy), texts(&list));
    copy.push_plain_node(b"");
    copy.check();
}

#[test]
fn a_list_of_one_listpack_converts_both_ways() {
    let pack: Listpack = [&b"a"[..], b"7", b"c"].into_iter().collect();
    let mut list = Quicklist::from_listpack(&pack);
    assert_eq!(list.lone_listpack().map(View::as_bytes), Some(pack.as_bytes()));
    list.push_back(&[b'x'; 9000], Limits::default());
    assert!(list.to_listpack().is_none());
    list.pop_back(|_| ());
    assert_eq!(list.to_listpack().expect("one node").as_bytes(), pack.as_bytes());
    assert!(Quicklist::new().to_listpack().is_some_and(|pack| pack.is_empty()));
}

#[test]
fn long_lists_of_small_elements_stay_near_the_bytes_of_their_entries() {
    for front in [true, false] {
        let mut list = Quicklist::new();
        for text in numbered(if cfg!(miri) { 600 } else { 20_000 }) {
            if front {
                list.push_front(&text, Limits::default());
            } else {
                list.push_back(&text, Limits::default());
            }
        }
        let entries: usize = shape(&list).iter().map(|node| node.0).sum();
        assert!(
            list.heap_bytes() < entries + entries / 50 + 9000,
            "{} for {entries}",
            list.heap_bytes()
        );
    }
}
