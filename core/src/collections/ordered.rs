//! An ordered map and set for what the engine keeps beside the data: names, clients, watched keys.
//!
//! Entries stand sorted in runs of a few hundred. A look-up is a binary search among the runs and one within;
//! an insert moves part of one run. The standard library's B-trees do the same a little faster, and cost
//! thirty times the code for every pair of types, which a browser has to download.
//!
//! ```text
//! runs:  [ a b f ]  [ g h k m ]  [ p q ]      no run is empty, none is longer than RUN_MAX
//! ```

use alloc::vec::{self, Vec};
use core::borrow::Borrow;
use core::iter::Flatten;
use core::slice;

/// A run that would become longer is split in two.
const RUN_MAX: usize = 256;

/// A map in the order of its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map<K, V> {
    runs: Vec<Vec<(K, V)>>,
    len: usize,
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// A place: which run, and where in it.
type Place = (usize, usize);

/// Where an entry is, for those who go through a map in steps: it is right for as long as no key comes or goes.
/// The default is the place of the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark(Place);

impl<K, V> Map<K, V> {
    /// An empty one.
    pub const fn new() -> Self {
        Self { runs: Vec::new(), len: 0 }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The entries in order.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter { entries: self.runs.iter().flatten(), left: self.len }
    }

    /// The keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &K> + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// The values in the order of their keys, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.runs.iter_mut().flatten().map(|(_, value)| value)
    }

    /// The entries in order, their values to be changed.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&K, &mut V)> {
        self.runs.iter_mut().flatten().map(|(key, value)| (&*key, value))
    }

    /// The entry at a mark, and the mark of the next.
    pub fn at(&self, mark: Mark) -> Option<(&K, &V, Mark)> {
        #[cfg(test)]
        steps::count();
        let Mark((run, at)) = mark;
        let entries = self.runs.get(run)?;
        let (key, value) = entries.get(at)?;
        let next = if at + 1 < entries.len() { (run, at + 1) } else { (run + 1, 0) };
        Some((key, value, Mark(next)))
    }

    /// The first entry.
    pub fn first(&self) -> Option<(&K, &V)> {
        self.iter().next()
    }

    /// The value of the first entry, to be changed.
    pub fn first_mut(&mut self) -> Option<&mut V> {
        self.values_mut().next()
    }

    /// Takes the first entry out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        if self.len == 0 { None } else { Some(self.take((0, 0))) }
    }

    fn take(&mut self, (run, at): Place) -> (K, V) {
        self.len -= 1;
        let entries = &mut self.runs[run];
        let entry = entries.remove(at);
        if entries.is_empty() {
            self.runs.remove(run);
        }
        entry
    }

    fn put(&mut self, (run, at): Place, entry: (K, V)) -> &mut V {
        self.len += 1;
        let Some(entries) = self.runs.get_mut(run) else {
            self.runs.push(alloc::vec![entry]);
            return &mut self.runs[run][0].1;
        };
        let (mut run, mut at) = (run, at);
        if entries.len() == RUN_MAX {
            // Keys that come in order fill their runs.
            let middle = if at == RUN_MAX { RUN_MAX - 1 } else { RUN_MAX / 2 };
            let back = entries.split_off(middle);
            if at > middle {
                run += 1;
                at -= middle;
                self.runs.insert(run, back);
            } else {
                self.runs.insert(run + 1, back);
            }
        }
        self.runs[run].insert(at, entry);
        &mut self.runs[run][at].1
    }
}

impl<K: Ord, V> Map<K, V> {
    /// Where a key is, or where it would be.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<Place, Place>
    where
        K: Borrow<Q>,
    {
        // The first run that begins behind the key: it is in the one before, if anywhere.
        let run = self.runs.partition_point(|run| run[0].0.borrow() <= key).saturating_sub(1);
        let Some(entries) = self.runs.get(run) else { return Err((run, 0)) };
        match entries.binary_search_by(|(own, _)| own.borrow().cmp(key)) {
            Ok(at) => Ok((run, at)),
            Err(at) => Err((run, at)),
        }
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let (run, at) = self.find(key).ok()?;
        Some(&self.runs[run][at].1)
    }

    /// The value of a key, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let (run, at) = self.find(key).ok()?;
        Some(&mut self.runs[run][at].1)
    }

    /// Whether a key is there.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Gives a key a value; returns the one it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok((run, at)) => Some(core::mem::replace(&mut self.runs[run][at].1, value)),
            Err(place) => {
                self.put(place, (key, value));
                None
            }
        }
    }

    /// The value of a key, which is made if it is not there.
    pub fn or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        match self.find(&key) {
            Ok((run, at)) => &mut self.runs[run][at].1,
            Err(place) => self.put(place, (key, value())),
        }
    }

    /// Removes a key; returns the value it had.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let place = self.find(key).ok()?;
        Some(self.take(place).1)
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K: Ord, V> Extend<(K, V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Ord + Borrow<Q>, Q: Ord + ?Sized, V> core::ops::Index<&Q> for Map<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("the key is there")
    }
}

/// The entries of a [`Map`] in order.
#[derive(Debug)]
pub struct Iter<'a, K, V> {
    entries: Flatten<slice::Iter<'a, Vec<(K, V)>>>,
    left: usize,
}

// Not derived, which would ask the entries to be.
impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone(), left: self.left }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        #[cfg(test)]
        steps::count();
        let (key, value) = self.entries.next()?;
        self.left -= 1;
        Some((key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<K, V> ExactSizeIterator for Iter<'_, K, V> {}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = Flatten<vec::IntoIter<Vec<(K, V)>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.runs.into_iter().flatten()
    }
}

/// A set in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set<T>(Map<T, ()>);

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Set<T> {
    /// An empty one.
    pub const fn new() -> Self {
        Self(Map::new())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// All in order.
    pub fn iter(&self) -> Members<'_, T> {
        Members(self.0.iter())
    }

    /// The first.
    pub fn first(&self) -> Option<&T> {
        self.iter().next()
    }

    /// Takes the first out.
    pub fn pop_first(&mut self) -> Option<T> {
        self.0.pop_first().map(|(item, ())| item)
    }
}

impl<T: Ord> Set<T> {
    /// Adds one; whether it is new.
    pub fn insert(&mut self, item: T) -> bool {
        self.0.insert(item, ()).is_none()
    }

    /// Whether it is there.
    pub fn contains<Q: Ord + ?Sized>(&self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.contains_key(item)
    }

    /// Removes one; whether it was there.
    pub fn remove<Q: Ord + ?Sized>(&mut self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.remove(item).is_some()
    }
}

impl<T: Ord> Extend<T> for Set<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.0.extend(items.into_iter().map(|item| (item, ())));
    }
}

impl<T: Ord> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().map(|item| (item, ())).collect())
    }
}

/// The members of a [`Set`] in order.
#[derive(Debug)]
pub struct Members<'a, T>(Iter<'a, T, ()>);

impl<'a, T> Iterator for Members<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        self.0.next().map(|(item, ())| item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T> ExactSizeIterator for Members<'_, T> {}

impl<'a, T> IntoIterator for &'a Set<T> {
    type Item = &'a T;
    type IntoIter = Members<'a, T>;

    fn into_iter(self) -> Members<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Set<T> {
    type Item = T;
    type IntoIter = core::iter::Map<Flatten<vec::IntoIter<Vec<(T, ())>>>, fn((T, ())) -> T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().map(|(item, ())| item)
    }
}

/// How many entries were looked at by those who go through maps: tests hold budgets to it.
#[cfg(test)]
pub(crate) mod steps {
    extern crate std;
    use core::cell::Cell;

    std::thread_local! {
        static TAKEN: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        TAKEN.set(TAKEN.get() + 1);
    }

    /// How many there were on this thread.
    pub(crate) fn taken() -> u64 {
        TAKEN.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use alloc::collections::BTreeMap;

    #[test]
    fn it_does_what_a_btree_does() {
        let mut rng = Rng::new(5);
        for span in [8, 600, 5000] {
            let (mut map, mut model) = (Map::new(), BTreeMap::new());
            for i in 0..20_000 {
                let key = rng.below(span);
                match rng.below(8) {
                    0..4 => assert_eq!(map.insert(key, i), model.insert(key, i)),
                    4 => assert_eq!(*map.or_insert_with(key, || i), *model.entry(key).or_insert(i)),
                    5 if i % 5 == 0 => assert_eq!(map.pop_first(), model.pop_first()),
                    _ => assert_eq!(map.remove(&key), model.remove(&key)),
                }
                assert_eq!(map.len(), model.len());
                assert_eq!(map.get(&key), model.get(&key));
                assert_eq!(map.contains_key(&i), model.contains_key(&i));
            }
            assert!(map.runs.iter().all(|run| (1..=RUN_MAX).contains(&run.len())));
            assert!(map.iter().eq(model.iter()));
            let mut mark = Mark::default();
            for expected in &model {
                let (key, value, next) = map.at(mark).expect("one for each");
                assert_eq!((key, value), expected);
                mark = next;
            }
            assert_eq!(map.at(mark), None);
            assert!(map.into_iter().eq(model));
        }
    }

    #[test]
    fn keys_in_order_fill_their_runs() {
        let set: Set<u32> = (0..10_000).collect();
        assert!(set.0.runs.len() <= 10_000 / (RUN_MAX - 1) + 1);
        assert!(set.iter().copied().eq(0..10_000));
        assert_eq!(set.first(), Some(&0));
    }
}
