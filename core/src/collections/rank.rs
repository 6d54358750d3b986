//! Putting things into an order that others define: all of them, or only those of a window.
//!
//! What is sorted are small records: a number and the place of the thing itself. One copy of the code
//! serves all commands, because the comparison comes as a reference.
//!
//! A window is sorted by the quicksort of Bentley and McIlroy, which leaves out the parts that lie outside.
//! Its order among equals is arbitrary and yet seen by clients: this follows Redis, which chooses
//! its pivots in the same way. Sorting everything keeps equals in their order.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// What is put in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// What most comparisons need.
    pub key: f64,
    /// Which thing it is.
    pub place: u32,
}

/// Says how two of them compare.
pub type Compare<'a> = &'a mut dyn FnMut(Ranked, Ranked) -> Ordering;

/// Sorts everything; equals keep their order.
pub fn sort(items: &mut [Ranked], compare: Compare<'_>) {
    items.sort_by(|a, b| compare(*a, *b));
}

/// Puts things in the order of their numbers; equals keep their order. For things that are moved at no cost.
pub fn sort_by_number<T: Copy>(items: &mut [T], number: impl Fn(&T) -> u64) {
    if items.len() <= 16 {
        for end in 1..items.len() {
            let mut at = end;
            while at > 0 && number(&items[at - 1]) > number(&items[at]) {
                items.swap(at - 1, at);
                at -= 1;
            }
        }
        return;
    }
    let mut order: Vec<Ranked> = items
        .iter()
        .zip(0..)
        .map(|(item, place)| Ranked { key: number(item) as f64, place })
        .collect();
    sort(&mut order, &mut |a, b| a.key.total_cmp(&b.key));
    let old = items.to_vec();
    for (item, ranked) in items.iter_mut().zip(order) {
        *item = old[ranked.place as usize];
    }
}

/// Sorts so that the places from `first` to `last`, that one included, hold what belongs there. The rest
/// is in some order before and behind.
pub fn sort_window(items: &mut [Ranked], first: usize, last: usize, compare: Compare<'_>) {
    if first < items.len() {
        quick(items, 0, first, last, compare);
    }
}

/// Sorts `items`, of which the first is at `offset` of the whole.
fn quick(
    mut items: &mut [Ranked],
    mut offset: usize,
    first: usize,
    last: usize,
    compare: Compare<'_>,
) {
    loop {
        let len = items.len();
        if len < 7 {
            return insertion(items, compare);
        }
        let pivot = choose_pivot(items, compare);
        items.swap(0, pivot);
        // equal │ less │ not seen yet │ greater │ equal
        let (mut left, mut low) = (1, 1);
        let (mut high, mut right) = (len - 1, len - 1);
        loop {
            while low <= high {
                match compare(items[low], items[0]) {
                    Ordering::Greater => break,
                    Ordering::Equal => {
                        items.swap(left, low);
                        left += 1;
                    }
                    Ordering::Less => {}
                }
                low += 1;
            }
            while low <= high {
                match compare(items[high], items[0]) {
                    Ordering::Less => break,
                    Ordering::Equal => {
                        items.swap(high, right);
                        right -= 1;
                    }
                    Ordering::Greater => {}
                }
                high -= 1;
            }
            if low > high {
                break;
            }
            items.swap(low, high);
            low += 1;
            high -= 1;
        }
        let (less, greater) = (low - left, right - high);
        swap_ranges(items, 0, low - left.min(less), left.min(less));
        let back = greater.min(len - 1 - right);
        swap_ranges(items, low, len - back, back);
        let outside = |from: usize, count: usize| last < from || first >= from + count;
        if less > 1 && !outside(offset, less) {
            quick(&mut items[..less], offset, first, last, compare);
        }
        if greater <= 1 || outside(offset + len - greater, greater) {
            return;
        }
        offset += len - greater;
        items = &mut items[len - greater..];
    }
}

fn insertion(items: &mut [Ranked], compare: Compare<'_>) {
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && compare(items[at - 1], items[at]).is_gt() {
            items.swap(at, at - 1);
            at -= 1;
        }
    }
}

fn choose_pivot(items: &[Ranked], compare: Compare<'_>) -> usize {
    let len = items.len();
    let middle = len / 2;
    if len == 7 {
        return middle;
    }
    let (mut low, mut mid, mut high) = (0, middle, len - 1);
    if len > 40 {
        let step = len / 8;
        low = median(items, low, low + step, low + 2 * step, compare);
        mid = median(items, mid - step, mid, mid + step, compare);
        high = median(items, high - 2 * step, high - step, high, compare);
    }
    median(items, low, mid, high, compare)
}

fn median(items: &[Ranked], a: usize, b: usize, c: usize, compare: Compare<'_>) -> usize {
    if compare(items[a], items[b]).is_lt() {
        if compare(items[b], items[c]).is_lt() {
            b
        } else if compare(items[a], items[c]).is_lt() {
            c
        } else {
            a
        }
    } else if compare(items[b], items[c]).is_gt() {
        b
    } else if compare(items[a], items[c]).is_lt() {
        a
    } else {
        c
    }
}

fn swap_ranges(items: &mut [Ranked], a: usize, b: usize, count: usize) {
    for step in 0..count {
        items.swap(a + step, b + step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn by_number_is_stable_however_many_there_are() {
        let mut rng = crate::rng::Rng::new(3);
        for len in (0..20).chain([500]) {
            let mut items: Vec<(u64, u32)> = (0..len).map(|i| (rng.below(6), i)).collect();
            sort_by_number(&mut items, |item| item.0);
            assert!(items.windows(2).all(|w| w[0] < w[1]));
        }
    }

    #[test]
    fn a_window_holds_what_belongs_there() {
        let mut rng = crate::rng::Rng::new(1);
        for round in 0..2000 {
            let len = rng.below(if round % 10 == 0 { 600 } else { 50 }) as usize;
            let spread = 1 + rng.below(60);
            let mut items: Vec<_> = (0..len)
                .map(|place| Ranked { key: rng.below(spread) as f64, place: place as u32 })
                .collect();
            let mut sorted = items.clone();
            sort(&mut sorted, &mut |a, b| a.key.total_cmp(&b.key));
            assert!(sorted.windows(2).all(|w| (w[0].key, w[0].place) < (w[1].key, w[1].place)));
            let first = rng.below(len as u64 + 1) as usize;
            let last = (first + rng.below(len as u64 + 1) as usize).min(len.max(1) - 1);
            sort_window(&mut items, first, last, &mut |a, b| a.key.total_cmp(&b.key));
            for at in first..len.min(last + 1) {
                assert_eq!(items[at].key, sorted[at].key);
            }
            let mut places: Vec<_> = items.iter().map(|item| item.place).collect();
            places.sort_unstable();
            assert!(places.into_iter().eq(0..len as u32));
        }
    }
}
