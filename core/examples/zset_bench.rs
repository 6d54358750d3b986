//! What a sorted set of 100 000 members costs: `cargo run --release --example zset_bench`.

use core::hint::black_box;
use redstart_core::collections::hash::HashSeed;
use redstart_core::collections::ranked_tree::Direction;
use redstart_core::collections::sorted_set::SortedSet;
use std::time::Instant;

const MEMBERS: u64 = 100_000;
const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);

fn main() {
    let mut state = 1u64;
    let mut below = move |limit: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % limit
    };
    let members: Vec<String> = (0..MEMBERS).map(|i| format!("{i:010}")).collect();
    let scores: Vec<f64> = (0..MEMBERS).map(|_| below(1 << 30) as f64).collect();
    let order: Vec<usize> = (0..MEMBERS).map(|_| below(MEMBERS) as usize).collect();

    let mut set = SortedSet::new();
    measure("insert in order", || {
        for (i, member) in members.iter().enumerate() {
            set.insert(&SEED, member.as_bytes(), i as f64);
        }
    });
    println!("{:<24}{:>8.1} bytes", "memory in order", set.memory() as f64 / MEMBERS as f64);
    set = SortedSet::new();
    measure("insert", || {
        for (member, score) in members.iter().zip(&scores) {
            set.insert(&SEED, member.as_bytes(), *score);
        }
    });
    println!("{:<24}{:>8.1} bytes", "memory", set.memory() as f64 / MEMBERS as f64);
    measure("score", || {
        for &i in &order {
            black_box(set.score(&SEED, members[i].as_bytes()));
        }
    });
    measure("rank", || {
        for &i in &order {
            black_box(set.rank(&SEED, members[i].as_bytes(), Direction::Up));
        }
    });
    for direction in [Direction::Up, Direction::Down] {
        measure(&format!("range of 10 {direction:?}"), || {
            for &i in &order {
                for entry in set.iter_from(i as u64, direction).take(10) {
                    black_box((entry.score(), entry.member()));
                }
            }
        });
    }
    measure("lower bound", || {
        for &score in &scores {
            black_box(set.lower_bound(|entry| entry.score() < score));
        }
    });
    measure("update by 1", || {
        for &i in &order {
            set.update(&SEED, members[i].as_bytes(), |old| old.map(|old| old + 1.0));
        }
    });
    measure("update to anywhere", || {
        for (&i, &score) in order.iter().zip(&scores) {
            set.insert(&SEED, members[i].as_bytes(), score);
        }
    });
    measure("remove", || {
        for member in &members {
            black_box(set.remove(&SEED, member.as_bytes()));
        }
    });
}

fn measure(name: &str, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    println!("{name:<24}{:>8.1} ns", start.elapsed().as_nanos() as f64 / MEMBERS as f64);
}
