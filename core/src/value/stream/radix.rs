//! The size that Redis's radix tree would have over the same keys: clients see it in XINFO STREAM.
//!
//! Redis finds nodes through a radix tree over the sixteen bytes of their IDs. Its shape follows from the keys:
//! one node for each key, one for each place where keys part, one for each run of bytes between those.

use super::id::Id;
use alloc::vec::Vec;

/// How many keys there are, which come in order, and how many nodes.
pub(super) fn size(keys: impl Iterator<Item = Id>) -> (usize, usize) {
    let (mut count, mut nodes) = (0, 0);
    // The depths at which the keys met so far part from the present one, the outermost first.
    let mut partings: Vec<u32> = Vec::new();
    let mut last: Option<u128> = None;
    // A run of bytes leads to what stands at `depth`, unless its parent is right above.
    let run = |depth: u32, parent: Option<&u32>| match parent {
        Some(&parent) => usize::from(depth > parent + 1),
        None => usize::from(depth > 0),
    };
    for id in keys {
        let key = u128::from_be_bytes(id.to_be_bytes());
        count += 1;
        if let Some(last) = last {
            let shared = (last ^ key).leading_zeros() / 8;
            // The key before is a leaf below the deeper of its two neighbours' partings.
            let mut below = 16;
            while let Some(&deepest) = partings.last()
                && deepest > shared
            {
                nodes += 1 + run(below, Some(&deepest));
                below = deepest;
                partings.pop();
            }
            if partings.last() == Some(&shared) {
                nodes += 1 + run(below, Some(&shared));
            } else {
                nodes += 1 + run(below, Some(&shared));
                partings.push(shared);
            }
        }
        last = Some(key);
    }
    if count == 0 {
        return (0, 1);
    }
    let mut below = 16;
    while let Some(deepest) = partings.pop() {
        nodes += 1 + run(below, Some(&deepest));
        below = deepest;
    }
    (count, nodes + 1 + run(below, None))
}
