//! The hash table behind the keyspace, hashes, sets and sorted sets.
//!
//! Linear hashing over cache lines. A bucket is one line (64 bytes on 64-bit targets, 40 on 32-bit ones):
//! a tag byte per slot (a byte of the entry's hash), a mark bit per slot, and the slots, each holding a
//! pointer-sized handle:
//! ```text
//! tag × 7   marks, chain bit   slot × 7
//! ```
//! All tags of a line are compared at once, so a hit usually costs one cache line of the table and one
//! of the element. A bucket that is full goes on in overflow nodes of three or seven slots.
//!
//! There is no rehashing in bulk: an insertion into a table that is full splits one bucket in two, and a
//! removal from one that is rather empty merges two. A split has to look at the entries of its bucket,
//! which are fetched ahead during the insertions before it.
//! An empty table allocates nothing; a small one is a single array of buckets.
//!
//! Measured with `examples/dict_bench.rs` on 64 bits: 13.0 bytes per key averaged over a doubling (13.2 at
//! worst) for a million keys, 13.7 for a thousand; no insertion of ten million took 10 µs in each of three
//! runs. By calculation, 82 % of the entries are in the first line of their bucket.
//! The same insertions and removals give the same order of entries on every target.
//!
//! The caller brings hash and equality, as with `hashbrown::HashTable`. Closures named `hasher` must give
//! the hash that an element was inserted with. Elements are handles whose bits are an address, or at
//! least may be fetched as if they were.

mod arena;
mod chain;
mod iter;
mod lines;
mod node;
mod raw;
mod slot;
mod tags;
#[cfg(test)]
mod tests;

pub use iter::{IntoIter, Iter};
pub use slot::SlotMut;

use core::marker::PhantomData;
use node::{LINE_SLOTS, Node, Word, prefetch};
use raw::{Raw, bucket, bucket_ahead, next_cursor, tag};

/// How many buckets before its turn the line of one is fetched by a scan of the whole table, and how many before
/// what is in it.
const LINES_AHEAD: u64 = 16;
const ENTRIES_AHEAD: u64 = 6;

/// A hash table of pointer-sized handles, which it owns. See the module's page.
pub struct Dict<T> {
    raw: Raw,
    owned: PhantomData<T>,
}

// SAFETY: the table owns its elements and its memory, and shares nothing.
unsafe impl<T: Send> Send for Dict<T> {}
// SAFETY: a shared table gives out shared references only.
unsafe impl<T: Sync> Sync for Dict<T> {}

/// The bits of an element, which from now on are the table's.
fn to_word<T>(value: T) -> Word {
    const { assert!(size_of::<T>() == size_of::<Word>() && align_of::<T>() <= align_of::<Word>()) };
    let value = core::mem::ManuallyDrop::new(value);
    // SAFETY: same size; any bits are a valid `MaybeUninit`.
    unsafe { core::mem::transmute_copy(&value) }
}

/// The element in a word that is no longer the table's.
///
/// # Safety
/// The word was made by [`to_word`] for this type, and nobody else takes the element out of it.
unsafe fn from_word<T>(word: Word) -> T {
    // SAFETY: by contract.
    unsafe { core::mem::transmute_copy(&word) }
}

/// The element in a word of the table.
///
/// # Safety
/// The word was made by [`to_word`] for this type; the reference ends before the word changes.
#[inline]
unsafe fn as_item<'a, T>(word: *const Word) -> &'a T {
    // SAFETY: by contract; size and alignment were checked when it was made.
    unsafe { &*word.cast::<T>() }
}

/// A hasher of elements as one of words.
fn erased<T>(hasher: impl Fn(&T) -> u64) -> impl FnMut(&Word) -> u64 {
    // SAFETY: the table calls it for its own words.
    move |word| hasher(unsafe { as_item(word) })
}

impl<T> Dict<T> {
    /// An empty table, which allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { raw: Raw::new(), owned: PhantomData }
    }

    /// The number of elements.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.raw.len
    }

    /// Whether there are no elements.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.raw.len == 0
    }

    /// The number of elements whose mark is set.
    #[must_use]
    pub const fn marked(&self) -> usize {
        self.raw.marked
    }

    /// The number of buckets: what cursors and sampling steps run over.
    #[must_use]
    pub const fn bucket_count(&self) -> usize {
        self.raw.lines.count() as usize
    }

    /// Bytes allocated for buckets and directories, without the elements.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.raw.memory()
    }

    /// The element with this hash that `eq` accepts.
    #[inline]
    pub fn find(&self, hash: u64, mut eq: impl FnMut(&T) -> bool) -> Option<&T> {
        // SAFETY: the words of the table are of type `T`, and borrowed as long as `self` is.
        unsafe {
            let place = self.raw.find(hash, |word| eq(as_item(word)))?;
            Some(as_item(place.node.word(place.slot)))
        }
    }

    /// The slot of the element with this hash that `eq` accepts.
    #[inline]
    pub fn find_slot(
        &mut self,
        hash: u64,
        mut eq: impl FnMut(&T) -> bool,
    ) -> Option<SlotMut<'_, T>> {
        // SAFETY: the words of the table are of type `T`.
        let place = self.raw.find(hash, |word| eq(unsafe { as_item(word) }))?;
        Some(SlotMut { dict: self, place })
    }

    /// Adds an element. The caller knows that no equal one is there.
    #[inline]
    pub fn insert_unique(
        &mut self,
        hash: u64,
        value: T,
        hasher: impl Fn(&T) -> u64,
    ) -> SlotMut<'_, T> {
        self.raw.make_room(&mut erased(hasher));
        // SAFETY: there is a bucket after `make_room`.
        let place = unsafe {
            let head = self.raw.head(hash);
            self.raw.append(head, to_word(value), tag(hash), false)
        };
        self.raw.len += 1;
        SlotMut { dict: self, place }
    }

    /// The slot of the element with this hash that `eq` accepts, or of the new one that `make` gives;
    /// whether it is new.
    #[inline]
    pub fn find_or_insert(
        &mut self,
        hash: u64,
        mut eq: impl FnMut(&T) -> bool,
        make: impl FnOnce() -> T,
        hasher: impl Fn(&T) -> u64,
    ) -> (SlotMut<'_, T>, bool) {
        // SAFETY: the words of the table are of type `T`.
        match self.raw.find(hash, |word| eq(unsafe { as_item(word) })) {
            Some(place) => (SlotMut { dict: self, place }, false),
            None => (self.insert_unique(hash, make(), hasher), true),
        }
    }

    /// Takes the element with this hash that `eq` accepts out of the table.
    #[inline]
    pub fn remove(
        &mut self,
        hash: u64,
        eq: impl FnMut(&T) -> bool,
        hasher: impl Fn(&T) -> u64,
    ) -> Option<T> {
        Some(self.find_slot(hash, eq)?.remove(hasher))
    }

    /// Starts to fetch the bucket for a hash into the cache.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        if self.raw.lines.count() > 0 {
            // SAFETY: there is a bucket.
            prefetch(unsafe { self.raw.head(hash) }.address().as_ptr());
        }
    }

    /// Starts to fetch the element that a search for this hash will look at first: for use some time
    /// after [`prefetch_bucket`](Self::prefetch_bucket), since it reads the bucket.
    #[inline]
    pub fn prefetch_entry(&self, hash: u64) {
        if self.raw.lines.count() > 0 {
            // SAFETY: there is a bucket; slots that match a tag are filled.
            unsafe {
                let head = self.raw.head(hash);
                let tags = head.tags();
                if let Some(slot) = tags.matching(tag(hash)).next() {
                    let address: *const u8 = head.word(slot).read().assume_init().cast();
                    prefetch(address);
                    // A small element often lies across two lines; a third is the processor's own guess.
                    prefetch(address.wrapping_add(40));
                } else if tags.chained() {
                    prefetch(head.next().address().as_ptr());
                }
            }
        }
    }

    /// Like [`prefetch_entry`](Self::prefetch_entry), some time after it, for those it could not serve:
    /// elements that are not in the first line of their bucket, one in six.
    #[inline]
    pub fn prefetch_overflow(&self, hash: u64) {
        if self.raw.lines.count() > 0 {
            // SAFETY: there is a bucket; slots that match a tag are filled.
            unsafe {
                let head = self.raw.head(hash);
                let tags = head.tags();
                if tags.chained() && tags.matching(tag(hash)).next().is_none() {
                    let node = head.next();
                    if let Some(slot) = node.tags().matching(tag(hash)).next() {
                        prefetch(node.word(slot).read().assume_init().cast());
                    }
                }
            }
        }
    }

    /// Visits the elements of one bucket and returns the cursor of the next; 0 begins and ends.
    ///
    /// The promise is Redis's: whoever goes on until 0 comes back has seen every element that was there
    /// all the time, whatever was inserted and removed between the calls; some perhaps twice.
    pub fn scan(&self, cursor: u64, f: impl FnMut(&T)) -> u64 {
        self.scan_bucket::<false>(cursor, f)
    }

    /// Like [`scan`](Self::scan), but visits marked elements only, and touches no others.
    pub fn scan_marked(&self, cursor: u64, f: impl FnMut(&T)) -> u64 {
        self.scan_bucket::<true>(cursor, f)
    }

    /// Starts to fetch what a scan that stands at `cursor` comes to soon, for one that goes through the whole table
    /// and reads the elements.
    #[inline]
    pub fn prefetch_scan(&self, cursor: u64) {
        let count = self.raw.lines.count();
        if count > 0 {
            let ahead = |steps| bucket_ahead(cursor, count, steps);
            // SAFETY: both buckets are below the count.
            unsafe {
                prefetch(self.raw.lines.line(ahead(LINES_AHEAD)).address().as_ptr());
                raw::prefetch_whole_entries(self.raw.lines.line(ahead(ENTRIES_AHEAD)));
            }
        }
    }

    /// Like [`scan`](Self::scan), for changing the elements in ways that leave their hashes alone.
    pub fn scan_mut(&mut self, cursor: u64, mut f: impl FnMut(&mut T)) -> u64 {
        let count = self.raw.lines.count();
        if count == 0 {
            return 0;
        }
        // SAFETY: `bucket` is below the count; slots below the number of entries are filled, each is visited
        // once, and the table is borrowed mutably.
        unsafe {
            let mut node = self.raw.lines.line(bucket(cursor, count));
            loop {
                let tags = node.tags();
                for slot in 0..tags.len() {
                    f(&mut *node.word(slot).cast::<T>());
                }
                if !tags.chained() {
                    break;
                }
                node = node.next();
            }
        }
        next_cursor(cursor, count)
    }

    #[inline]
    fn scan_bucket<const MARKED: bool>(&self, cursor: u64, mut f: impl FnMut(&T)) -> u64 {
        let count = self.raw.lines.count();
        if count == 0 {
            return 0;
        }
        // SAFETY: `bucket` is below the count.
        let head = unsafe { self.raw.lines.line(bucket(cursor, count)) };
        visit::<T, MARKED>(head, &mut f);
        next_cursor(cursor, count)
    }

    /// Iterates over all elements, in no order worth mentioning.
    #[must_use]
    pub const fn iter(&self) -> Iter<'_, T> {
        Iter::new(self)
    }

    /// An element by chance, each with the same probability, if `rng` gives uniform numbers.
    pub fn random(&self, mut rng: impl FnMut() -> u64) -> Option<&T> {
        if self.is_empty() {
            return None;
        }
        // Any slot of any node, until one is filled: usually two of three are.
        let slots = self.raw.slots();
        for _ in 0..1000 {
            let position = (u128::from(rng()) * u128::from(slots)) >> 64;
            let (node, slot) = self.raw.slot(position as u64);
            // SAFETY: nodes given by position are alive, slots below the number of entries filled.
            unsafe {
                if slot < node.tags().len() {
                    return Some(as_item(node.word(slot)));
                }
            }
        }
        // A table that lost almost everything to `pop_some`, or a generator that is stuck.
        self.iter().next()
    }

    /// Visits elements that are neighbours in the table, starting at the bucket of `at`, until `count`
    /// were visited or the table has been run through.
    /// The last bucket is visited whole, so there may be a few more.
    pub fn sample(&self, at: u64, count: usize, f: impl FnMut(&T)) {
        self.sample_buckets::<false>(at, count, usize::MAX, f);
    }

    /// Like [`sample`](Self::sample) for marked elements, looking at no more than `buckets` buckets.
    pub fn sample_marked(&self, at: u64, count: usize, buckets: usize, f: impl FnMut(&T)) {
        self.sample_buckets::<true>(at, count, buckets, f);
    }

    fn sample_buckets<const MARKED: bool>(
        &self,
        at: u64,
        count: usize,
        limit: usize,
        mut f: impl FnMut(&T),
    ) {
        let buckets = self.raw.lines.count();
        if buckets == 0 {
            return;
        }
        let mut index = bucket(at, buckets);
        let mut visited = 0;
        for _ in 0..limit.min(buckets as usize) {
            if visited >= count {
                return;
            }
            // SAFETY: the index is below the count.
            let head = unsafe { self.raw.lines.line(index) };
            visited += visit::<T, MARKED>(head, &mut f);
            index = if index + 1 == buckets { 0 } else { index + 1 };
        }
    }

    /// Takes up to `budget` elements out and gives them to `f`; true when the table is empty.
    ///
    /// For dropping a large table in steps. Memory is freed on the way. What is left can still be found.
    pub fn pop_some(&mut self, budget: usize, mut f: impl FnMut(T)) -> bool {
        for _ in 0..budget {
            let Some(value) = self.pop() else { break };
            f(value);
        }
        self.is_empty()
    }

    /// Takes some element out.
    pub fn pop(&mut self) -> Option<T> {
        // SAFETY: the word was taken out of the table, so it is ours.
        self.raw.pop().map(|word| unsafe { from_word(word) })
    }

    /// Merges up to `budget` pairs of buckets while the table has more than it would have grown to.
    /// Removals do this by themselves once less than half is used. True when nothing is left to do.
    pub fn shrink(&mut self, budget: usize) -> bool {
        for _ in 0..budget {
            if !self.oversized() {
                return true;
            }
            self.raw.merge();
        }
        !self.oversized()
    }

    const fn oversized(&self) -> bool {
        let buckets = self.raw.lines.count() as usize;
        buckets > 1 && self.raw.len * 8 <= (buckets - 1) * raw::LOAD
    }

    /// Removes and drops all elements and frees the memory.
    pub fn clear(&mut self) {
        drop(core::mem::take(self));
    }

    /// Asserts everything that holds between calls. `hasher` as for an insertion.
    pub fn check(&self, hasher: impl Fn(&T) -> u64) {
        self.raw.check(&mut erased(hasher));
    }

    /// Overflow nodes in use, small and large, and slots per bucket: for reports on the table itself.
    #[must_use]
    pub fn shape(&self) -> (u32, u32, usize) {
        let (halves, wholes) = self.raw.overflow_used();
        (halves, wholes, LINE_SLOTS)
    }
}

/// Visits the elements of a chain, or the marked ones; says how many.
#[inline]
fn visit<T, const MARKED: bool>(head: Node, f: &mut impl FnMut(&T)) -> usize {
    let mut node = head;
    let mut visited = 0;
    // SAFETY: callers hold a reference to the table that the chain is in; slots below the number of
    // entries are filled, and only those have marks.
    unsafe {
        loop {
            let tags = node.tags();
            let mut slots = if MARKED { tags.marks() } else { (1 << tags.len()) - 1 };
            visited += slots.count_ones() as usize;
            while slots != 0 {
                f(as_item(node.word(slots.trailing_zeros() as usize)));
                slots &= slots - 1;
            }
            if !tags.chained() {
                return visited;
            }
            node = node.next();
        }
    }
}

impl<T> Default for Dict<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for Dict<T> {
    fn drop(&mut self) {
        let count = self.raw.lines.count();
        for index in 0..count {
            // SAFETY: below the count; chains are alive; each element is dropped once, for nobody looks
            // at the table afterwards, not even if a drop panics.
            unsafe {
                if index + 1 < count {
                    raw::prefetch_entries(self.raw.lines.line(index + 1));
                }
                let mut node = self.raw.lines.line(index);
                loop {
                    let tags = node.tags();
                    for slot in 0..tags.len() {
                        drop(from_word::<T>(node.word(slot).read()));
                    }
                    if !tags.chained() {
                        break;
                    }
                    node = node.next();
                }
            }
        }
    }
}

impl<T: core::fmt::Debug> core::fmt::Debug for Dict<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
