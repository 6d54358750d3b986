//! The table against a model, and the promises its page makes.

extern crate std;
use super::*;
use alloc::{boxed::Box, rc::Rc, vec::Vec};
use core::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

const SMALL: bool = cfg!(miri);

/// A reproducible stream of numbers.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

fn mix(x: u64) -> u64 {
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Hashes from good to hopeless: equal tags, equal buckets, all equal.
const HASHES: [fn(u64) -> u64; 4] = [mix, |key| mix(key) >> 8, |key| mix(key) << 40, |_| 77];

type Number = Box<u64>;
type Pair = Box<(u64, u64)>;
type Numbers = Dict<Number>;

fn insert(dict: &mut Numbers, key: u64) {
    dict.insert_unique(mix(key), Box::new(key), |key| mix(**key));
}

fn remove(dict: &mut Numbers, key: u64) -> bool {
    dict.remove(mix(key), |item| **item == key, |key| mix(**key)).is_some()
}

fn with(keys: core::ops::Range<u64>) -> Numbers {
    let mut dict = Dict::new();
    keys.for_each(|key| insert(&mut dict, key));
    dict
}

fn contents(dict: &Numbers) -> BTreeSet<u64> {
    let all: Vec<u64> = dict.iter().map(|key| **key).collect();
    assert_eq!(all.len(), dict.len());
    all.into_iter().collect()
}

#[test]
fn it_does_what_a_map_does() {
    for (round, hash) in HASHES.into_iter().enumerate() {
        let hasher = |item: &Pair| hash(item.0);
        let mut rng = Rng(round as u64);
        let mut dict: Dict<Pair> = Dict::new();
        let mut model = BTreeMap::new();
        let steps = if SMALL {
            420
        } else if round == 0 {
            60_000
        } else {
            8_000
        };
        for step in 0..steps {
            // Waves: mostly insertions, then mostly removals.
            let growing = step / (steps / 6) % 2 == 0;
            let key = rng.below(steps / 4);
            let found = dict.find_slot(hash(key), |item| item.0 == key);
            assert_eq!(
                found.as_ref().map(|slot| (slot.get().1, slot.mark())),
                model.get(&key).copied(),
                "{step}"
            );
            match rng.below(8) {
                0..2 => {
                    if let Some(mut slot) = found {
                        let mark = step % 3 == 0;
                        assert_eq!(slot.replace(Box::new((key, step))).0, key);
                        slot.set_mark(mark);
                        model.insert(key, (step, mark));
                    }
                }
                n if growing ^ (n == 2) => {
                    if found.is_none() {
                        let mut slot = dict.insert_unique(hash(key), Box::new((key, step)), hasher);
                        assert_eq!((slot.get().0, slot.mark()), (key, false));
                        slot.set_mark(step % 2 == 0);
                        slot.get_mut().1 += 1;
                        model.insert(key, (step + 1, step % 2 == 0));
                    }
                }
                _ => {
                    let taken = found.map(|slot| slot.remove(hasher).1);
                    assert_eq!(taken, model.remove(&key).map(|(value, _)| value));
                }
            }
            assert_eq!(dict.len(), model.len());
            if step % (steps / 30) == 0 {
                dict.check(hasher);
                let mut all: Vec<(u64, u64)> = dict.iter().map(|item| **item).collect();
                all.sort_unstable();
                assert!(all.into_iter().eq(model.iter().map(|(&k, &(v, _))| (k, v))));
                assert_eq!(dict.marked(), model.values().filter(|(_, mark)| *mark).count());
                assert!(dict.shrink(3) || dict.bucket_count() > 1);
                dict.check(hasher);
            }
        }
    }
}

#[test]
fn an_empty_table_allocates_nothing_and_is_five_words() {
    static EMPTY: Numbers = Dict::new();
    assert!(size_of::<Numbers>() <= 5 * size_of::<u64>());
    assert_eq!((EMPTY.memory(), EMPTY.bucket_count()), (0, 0));
    assert!(EMPTY.find(1, |_| true).is_none());
    assert_eq!(EMPTY.scan(0, |_| panic!()), 0);
    assert!(EMPTY.random(|| 1).is_none());
    EMPTY.sample(5, 10, |_| panic!());
    EMPTY.prefetch_bucket(1);
    EMPTY.prefetch_entry(1);
    assert!(Numbers::new().pop().is_none());
    let mut dict = with(0..1);
    assert_eq!(dict.memory(), 64);
    assert!(remove(&mut dict, 0));
    dict.check(|_| 0);
}

#[test]
fn removing_everything_frees_everything() {
    let keys = if SMALL { 300 } else { 20_000 };
    let mut dict = with(0..keys);
    let full = dict.memory();
    for key in 0..keys - 20 {
        assert!(remove(&mut dict, key));
        if key % (keys / 10) == 0 {
            dict.check(|key| mix(**key));
            assert!(dict.memory() <= dict.len() * 32 + 1024, "{} {}", dict.memory(), dict.len());
        }
    }
    assert!(dict.memory() < full / if SMALL { 3 } else { 10 });
    for key in keys - 20..keys {
        assert!(remove(&mut dict, key));
    }
    dict.check(|_| 0);
}

#[test]
fn an_insertion_looks_at_few_elements() {
    let calls = Cell::new(0u32);
    let hasher = |item: &Number| {
        calls.set(calls.get() + 1);
        mix(**item)
    };
    let mut dict = Dict::new();
    let keys = if SMALL { 500 } else { 200_000 };
    let mut most = 0;
    for key in 0..keys {
        calls.set(0);
        dict.insert_unique(mix(key), Box::new(key), hasher);
        most = most.max(calls.get());
    }
    assert!(most < 48, "{most}");
    most = 0;
    for key in 0..keys {
        calls.set(0);
        assert!(dict.remove(mix(key), |item| **item == key, hasher).is_some());
        most = most.max(calls.get());
    }
    assert!(most <= 2, "{most}");
}

#[test]
fn a_scan_sees_all_that_stays() {
    for round in 0..if SMALL { 3 } else { 40 } {
        let mut rng = Rng(round);
        let stay = 20 + rng.below(if SMALL { 60 } else { 600 });
        let mut dict = with(0..stay);
        let mut guests = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut cursor = 0;
        let mut calls = 0;
        loop {
            cursor = dict.scan(cursor, |key| {
                seen.insert(**key);
            });
            calls += 1;
            if cursor == 0 {
                break;
            }
            // Bursts of guests grow the table, their leaving shrinks it.
            let burst = rng.below(if calls < 200 { 8 * stay / 10 } else { 3 });
            if rng.below(2) == 0 {
                for _ in 0..burst {
                    let guest = 1_000_000 + rng.next() % 1_000_000;
                    if guests.insert(guest) {
                        insert(&mut dict, guest);
                    }
                }
            } else {
                for _ in 0..burst * 2 {
                    let Some(guest) = guests.pop_first() else { break };
                    assert!(remove(&mut dict, guest));
                }
            }
        }
        assert!((0..stay).all(|key| seen.contains(&key)), "round {round}");
    }
}

#[test]
fn a_scan_of_a_table_at_rest_sees_each_element_once() {
    for len in [1, 6, 7, 8, 25, 100, if SMALL { 130 } else { 5000 }] {
        let dict = with(0..len);
        let (mut seen, mut cursor, mut calls) = (Vec::new(), 0, 0);
        loop {
            cursor = dict.scan(cursor, |key| seen.push(**key));
            calls += 1;
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(calls, dict.bucket_count());
        assert_eq!(seen.len() as u64, len);
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), contents(&dict));
    }
}

/// From any cursor ever given out, and with any number of buckets, a scan moves on to an end.
#[test]
fn cursors_from_elsewhere_do_no_harm() {
    let dict = with(0..100);
    for start in [1, 2, 77, 1 << 20, u64::MAX, u64::MAX / 3] {
        let mut cursor = start;
        let mut calls = 0;
        while calls == 0 || cursor != 0 {
            cursor = dict.scan(cursor, |_| {});
            calls += 1;
            assert!(calls <= dict.bucket_count());
        }
    }
}

#[test]
fn marks_stay_with_their_elements() {
    let keys = if SMALL { 200 } else { 5000 };
    let mut dict = Dict::new();
    let marked = |key: u64| key.is_multiple_of(5);
    for key in 0..keys {
        let mut slot = dict.insert_unique(mix(key), Box::new(key), |key| mix(**key));
        slot.set_mark(marked(key));
    }
    let all_marked = |dict: &Numbers| {
        let mut seen = BTreeSet::new();
        let mut cursor = dict.scan_marked(0, |key| assert!(seen.insert(**key)));
        while cursor != 0 {
            cursor = dict.scan_marked(cursor, |key| assert!(seen.insert(**key)));
        }
        assert_eq!(seen.len(), dict.marked());
        seen
    };
    assert!(all_marked(&dict).into_iter().eq((0..keys).filter(|&key| marked(key))));
    for key in (0..keys).filter(|key| key % 8 != 0) {
        remove(&mut dict, key);
    }
    assert!(all_marked(&dict).into_iter().eq((0..keys).step_by(8).filter(|&key| marked(key))));
    dict.check(|key| mix(**key));
}

#[test]
fn each_element_is_dropped_once() {
    struct Counted(Rc<Cell<usize>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    type Item = Box<Counted>;
    let count = if SMALL { 150 } else { 3000 };
    let ways: [fn(Dict<Item>); 5] = [
        drop,
        |mut dict| dict.clear(),
        |dict| assert!(dict.into_iter().nth(50).is_some()),
        |mut dict| {
            let mut left = dict.len();
            while !dict.pop_some(7, |_| left -= 1) {
                assert_eq!(left, dict.len());
            }
            assert_eq!((left, dict.memory()), (0, 0));
        },
        |dict| assert_eq!(dict.iter().count(), dict.len()),
    ];
    for way in ways {
        let drops = Rc::new(Cell::new(0));
        let mut dict = Dict::new();
        for key in 0..count {
            // The address serves as a key.
            let item = Box::new(Counted(drops.clone()));
            let hash = |item: &Item| mix(&raw const **item as usize as u64);
            let slot = dict.insert_unique(hash(&item), item, hash);
            if key % 3 == 0 {
                slot.remove(hash);
            }
        }
        assert_eq!(drops.get(), count / 3);
        way(dict);
        assert_eq!(drops.get(), count);
    }
}

#[test]
fn what_pop_leaves_can_be_found() {
    let mut dict = with(0..500);
    let mut rest = contents(&dict);
    while let Some(key) = dict.pop() {
        assert!(rest.remove(&key));
        if rest.len().is_multiple_of(50) {
            dict.check(|key| mix(**key));
            assert!(rest.iter().all(|&key| dict.find(mix(key), |item| **item == key).is_some()));
        }
    }
    assert!(rest.is_empty());
}

#[test]
fn random_is_fair() {
    let mut rng = Rng(9);
    for len in [1u64, 5, 9, 60, 300] {
        let mut dict = with(0..len * 2);
        (len..len * 2).for_each(|key| assert!(remove(&mut dict, key)));
        let draws = len * if SMALL { 10 } else { 500 };
        let mut counts = alloc::vec![0u32; len as usize];
        for _ in 0..draws {
            counts[**dict.random(|| rng.next()).expect("not empty") as usize] += 1;
        }
        let expected = draws as f64 / len as f64;
        let chi: f64 = counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
        let freedom = (len - 1) as f64;
        // Five standard deviations of the chi-square distribution.
        assert!((chi - freedom).abs() <= 5.0 * (2.0 * freedom).sqrt(), "{len}: {chi}");
    }
}

#[test]
fn random_ends_with_a_generator_that_is_stuck() {
    let mut dict = with(0..100);
    while dict.len() > 1 {
        dict.pop();
        assert!(dict.random(|| 0).is_some());
        assert!(dict.random(|| u64::MAX).is_some());
    }
}

#[test]
fn a_sample_is_of_neighbours_and_ends() {
    let mut dict = with(0..200);
    let mut rng = Rng(4);
    for _ in 0..50 {
        let mut seen = BTreeSet::new();
        dict.sample(rng.next(), 16, |key| assert!(seen.insert(**key)));
        assert!((16..40).contains(&seen.len()), "{}", seen.len());
    }
    let mut all = 0;
    dict.sample(rng.next(), 1000, |_| all += 1);
    assert_eq!(all, 200);
    for key in [3, 50, 150] {
        dict.find_slot(mix(key), |item| **item == key).expect("it is there").set_mark(true);
    }
    let mut seen = BTreeSet::new();
    dict.sample_marked(rng.next(), 10, usize::MAX, |key| assert!(seen.insert(**key)));
    assert_eq!(seen, BTreeSet::from([3, 50, 150]));
    let mut visited = 0;
    dict.sample_marked(rng.next(), 10, 2, |_| visited += 1);
    assert!(visited <= 3);
}

#[test]
fn integers_can_be_elements() {
    let mut dict: Dict<usize> = Dict::new();
    let hasher = |&item: &usize| mix(item as u64);
    for item in 0..100 {
        dict.prefetch_bucket(mix(item as u64));
        dict.insert_unique(mix(item as u64), item, hasher);
        dict.prefetch_entry(mix(item as u64));
        dict.prefetch_overflow(mix(item as u64));
    }
    dict.check(hasher);
    assert!((0..100).all(|item| dict.find(mix(item as u64), |&other| other == item).is_some()));
}

#[test]
fn a_hasher_that_panics_breaks_nothing() {
    let mut dict = with(0..100);
    for key in 100..140 {
        let mut calls = 0;
        let counter = Cell::from_mut(&mut calls);
        let attempt = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
            dict.insert_unique(mix(key), Box::new(key), |key| {
                counter.set(counter.get() + 1);
                assert!(counter.get() < 3, "on purpose");
                mix(**key)
            });
        }));
        if attempt.is_err() {
            dict.check(|key| mix(**key));
            insert(&mut dict, key);
        }
    }
    dict.check(|key| mix(**key));
    assert_eq!(dict.len(), 140);
}

#[test]
fn a_table_can_be_sent_to_another_thread() {
    let dict = with(0..100);
    let len = std::thread::spawn(move || dict.iter().count()).join();
    assert_eq!(len.expect("no panic"), 100);
}
