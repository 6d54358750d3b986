//! What `Dict` costs, next to `hashbrown::HashTable`: memory per key over a doubling, the worst single
//! insertion, and time per operation.
//!
//! `cargo run --release -p redstart-core --example dict_bench [keys, in millions; 10 if not given]`

use core::{hint::black_box, time::Duration};
use redstart_core::collections::{
    dict::Dict,
    hash::{HashSeed, hash},
};
use std::time::Instant;

/// As large as a key of 16 bytes with a value of 16.
struct Item {
    key: [u8; 16],
    value: [u8; 24],
}

type Handle = Box<Item>;

const SEED: HashSeed = HashSeed::new([11, 22, 33, 44]);

fn key(i: u64) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut digits = i;
    for place in key[4..].iter_mut().rev() {
        *place = b'0' + (digits % 10) as u8;
        digits /= 10;
    }
    key
}

fn item(i: u64) -> Handle {
    Box::new(Item { key: key(i), value: [1; 24] })
}

#[allow(clippy::borrowed_box)] // What the tables pass to a hasher.
fn hash_of(item: &Handle) -> u64 {
    hash(&SEED, &item.key)
}

/// A permutation of 0..n that the prefetcher does not foresee.
fn shuffled(n: u64) -> impl Iterator<Item = u64> {
    let mask = n.next_power_of_two() - 1;
    let mut x = 12345;
    core::iter::repeat_with(move || {
        x = (x * 0x5851_f42d_4c95_7f2d + 0x1405_7b7e_f767_814f) & mask;
        x ^ x >> (mask.count_ones() / 2)
    })
    .filter(move |&i| i < n)
    .take(n as usize)
}

fn per(what: &str, count: u64, time: Duration) {
    println!("  {what:<36} {:7.1} ns", time.as_nanos() as f64 / count as f64);
}

fn memory_over_a_doubling() {
    println!("bytes per key of buckets and directories");
    for start in [100u64, 1000, 10_000, 1_000_000] {
        let mut dict = Dict::new();
        let (mut sum, mut most, mut samples) = (0.0, 0.0f64, 0);
        for i in 0..start * 2 {
            let item = item(i);
            dict.insert_unique(hash_of(&item), item, hash_of);
            if i >= start && i % (start / 50) == 0 {
                // Evenly over the logarithm of the size.
                let each = dict.memory() as f64 / dict.len() as f64;
                let weight = start as f64 / i as f64;
                sum += each * weight;
                most = most.max(each);
                samples += 1;
            }
        }
        let weights: f64 = (0..50).map(|i| 50.0 / f64::from(50 + i)).sum();
        assert_eq!(samples, 50);
        let (halves, wholes, slots) = dict.shape();
        println!(
            "  {start:>8} to {:>8}: mean {:5.2}  worst {most:5.2}  ({} buckets of {slots}, overflow {halves} + {wholes})",
            start * 2,
            sum / weights,
            dict.bucket_count(),
        );
    }
}

/// Insertions that took long in each of three runs: what the table does, not what the machine does.
fn worst_insertion(n: u64) {
    let mut slow: Option<Vec<(u64, Duration)>> = None;
    for _ in 0..3 {
        let mut dict = Dict::new();
        let mut now = Vec::new();
        for i in 0..n {
            let item = item(i);
            let hash = hash_of(&item);
            let start = Instant::now();
            dict.insert_unique(hash, item, hash_of);
            let time = start.elapsed();
            if time > Duration::from_micros(5) {
                now.push((i, time));
            }
        }
        slow = Some(match slow {
            None => now,
            Some(before) => {
                let now: std::collections::HashMap<u64, Duration> = now.into_iter().collect();
                before.into_iter().filter_map(|(i, t)| Some((i, t.min(*now.get(&i)?)))).collect()
            }
        });
    }
    let mut slow = slow.unwrap_or_default();
    slow.sort_by_key(|&(_, time)| core::cmp::Reverse(time));
    println!(
        "worst insertions up to {n}, the best of three runs each: {:?}",
        &slow[..slow.len().min(4)]
    );
}

/// The best of five rounds over so many of the keys: other work on the machine comes and goes.
fn best(what: &str, keys: &[[u8; 16]], mut round: impl FnMut(&[[u8; 16]])) {
    let chunks = keys.chunks(keys.len().div_ceil(5));
    let time = chunks.map(|keys| {
        let start = Instant::now();
        round(keys);
        start.elapsed().as_nanos() as f64 / keys.len() as f64
    });
    println!("  {what:<36} {:7.1} ns", time.fold(f64::MAX, f64::min));
}

fn times(n: u64) {
    println!("{n} keys of 16 bytes");
    let lookups = n.min(1_000_000) as usize;
    let here: Vec<_> = shuffled(n).take(lookups).map(key).collect();
    let absent: Vec<_> = shuffled(n).take(lookups).map(|i| key(i + n)).collect();
    let fresh: Vec<_> = (n..n + n / 2).map(key).collect();
    let boxed = |&key: &[u8; 16]| Box::new(Item { key, value: [1; 24] });
    {
        let mut dict = Dict::new();
        for i in 0..n {
            let item = item(i);
            dict.insert_unique(hash_of(&item), item, hash_of);
        }
        best("dict: hit", &here, |keys| {
            for key in keys {
                let found = dict.find(hash(&SEED, key), |item| item.key == *key);
                assert!(black_box(found).is_some());
            }
        });
        best("dict: hit, one after the other", &here, |keys| {
            let mut before = 0;
            for key in keys {
                let mut key = *key;
                key[0] ^= before;
                let found = dict.find(hash(&SEED, &key), |item| item.key == key);
                before = found.expect("it is there").value[0] - 1;
            }
        });
        best("dict: hit, 16 at a time, prefetched", &here, |keys| {
            for batch in keys.chunks_exact(16) {
                let hashes: [u64; 16] = core::array::from_fn(|i| hash(&SEED, &batch[i]));
                hashes.iter().for_each(|&hash| dict.prefetch_bucket(hash));
                hashes.iter().for_each(|&hash| dict.prefetch_entry(hash));
                hashes.iter().for_each(|&hash| dict.prefetch_overflow(hash));
                for (key, &hash) in batch.iter().zip(&hashes) {
                    assert!(black_box(dict.find(hash, |item| item.key == *key)).is_some());
                }
            }
        });
        best("dict: miss", &absent, |keys| {
            for key in keys {
                assert!(dict.find(hash(&SEED, key), |item| item.key == *key).is_none());
            }
        });
        best("dict: insert, with the allocation", &fresh, |keys| {
            for item in keys.iter().map(boxed) {
                dict.insert_unique(hash_of(&item), item, hash_of);
            }
        });
        best("dict: remove, with the deallocation", &here, |keys| {
            for key in keys {
                drop(dict.remove(hash(&SEED, key), |item| item.key == *key, hash_of));
            }
        });
        let count = dict.len() as f64;
        let start = Instant::now();
        drop(dict);
        println!("  {:<36} {:7.1} ns", "dict: drop", start.elapsed().as_nanos() as f64 / count);
    }
    let mut table: hashbrown::HashTable<Handle> = hashbrown::HashTable::new();
    for i in 0..n {
        let item = item(i);
        table.insert_unique(hash_of(&item), item, hash_of);
    }
    best("hashbrown: hit", &here, |keys| {
        for key in keys {
            let found = table.find(hash(&SEED, key), |item| item.key == *key);
            assert!(black_box(found).is_some());
        }
    });
    best("hashbrown: hit, one after the other", &here, |keys| {
        let mut before = 0;
        for key in keys {
            let mut key = *key;
            key[0] ^= before;
            let found = table.find(hash(&SEED, &key), |item| item.key == key);
            before = found.expect("it is there").value[0] - 1;
        }
    });
    best("hashbrown: miss", &absent, |keys| {
        for key in keys {
            assert!(table.find(hash(&SEED, key), |item| item.key == *key).is_none());
        }
    });
    best("hashbrown: insert", &fresh, |keys| {
        for item in keys.iter().map(boxed) {
            table.insert_unique(hash_of(&item), item, hash_of);
        }
    });
    best("hashbrown: remove", &here, |keys| {
        for key in keys {
            if let Ok(entry) = table.find_entry(hash(&SEED, key), |item| item.key == *key) {
                drop(entry.remove());
            }
        }
    });
    let (count, start) = (table.len() as f64, Instant::now());
    drop(table);
    println!("  {:<36} {:7.1} ns", "hashbrown: drop", start.elapsed().as_nanos() as f64 / count);
}

fn hashes() {
    println!("hash");
    let text: Vec<u8> = (0..255).cycle().take(4096).collect();
    for len in [4usize, 8, 16, 24, 32, 64, 1024] {
        let (rounds, mut sum) = (4_000_000 / (1 + len as u64 / 64), 0);
        let start = Instant::now();
        for i in 0..rounds {
            let at = (i % 1000) as usize;
            sum ^= hash(&SEED, black_box(&text[at..at + len]));
        }
        black_box(sum);
        per(&format!("{len} bytes"), rounds, start.elapsed());
    }
}

fn main() {
    let millions: f64 = std::env::args().nth(1).map_or(10.0, |arg| arg.parse().expect("a number"));
    let keys = (millions * 1e6) as u64;
    hashes();
    memory_over_a_doubling();
    times(100_000);
    times(1_000_000);
    if keys > 1_000_000 {
        times(keys);
    }
    worst_insertion(keys);
}
