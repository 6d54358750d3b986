//! The simulator on a few seeds; `cargo sim` runs more.

use redstart_tests::sim;

#[test]
fn no_reply_is_lost_doubled_or_reordered() {
    for seed in 0..40 {
        if let Err(e) = sim::run(seed, 400) {
            panic!("{e}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 2, 3] {
        assert_eq!(sim::run(seed, 300), sim::run(seed, 300), "seed {seed}");
    }
    assert_ne!(sim::run(1, 300), sim::run(2, 300), "seeds differ");
}
