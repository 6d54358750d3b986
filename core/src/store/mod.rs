//! The keyspace: databases of entries, with everything that follows from a key being read or changed.
//!
//! Handlers go through [`Store`]: a look-up deletes what has expired, so nobody else compares clocks;
//! a change goes through [`Store::changed`], which counts it, marks WATCHed keys, tells those who cache
//! the key, and notes the event.
//! The store knows no clients: watchers and waiters are numbers that the engine gave it.

pub mod access;
pub mod cut;
pub mod db;
pub mod entry;
pub mod events;
pub mod evict;
pub mod expire;
mod expired;
pub mod fields;
pub mod garbage;
pub mod journal;
mod strings;
pub mod tracking;
pub mod watch;
mod whole;

pub use db::Db;
pub use entry::Entry;
pub use events::{Class, KeyEvent};
pub use strings::Expiry;

use crate::collections::dict::SlotMut;
use crate::collections::hash::{HashSeed, hash};
use crate::error::Error;
use crate::rng::Rng;
use crate::value::{Kind, Object, Str, Tuning};
use access::AccessClock;
use alloc::boxed::Box;
use alloc::vec::Vec;
use cut::{Cut, preserve};
use db::hasher;
use evict::Eviction;
use garbage::Garbage;
use journal::Journal;
use tracking::Tracking;
use watch::WaitTable;

// These two are macros because they borrow one database and leave the other fields of the store free: a
// method would hold the whole of it for as long as the slot lives.

/// The slot of a key in the current database, unless it has expired; an expired one is deleted.
macro_rules! live_slot {
    ($store:ident, $hash:expr, $key:expr) => {{
        let Db { entries, watch, wait, field_times, .. } = &mut $store.dbs[$store.current];
        let key: &[u8] = $key;
        match entries.find_slot($hash, |entry| entry.has_key(key)) {
            Some(slot) if slot.mark() && slot.get().is_due($store.now_ms) && !$store.loading => {
                if !$store.keep_expired {
                    let mut entry = slot.remove(hasher(&$store.tuning.seed));
                    preserve!($store, &mut entry);
                    obituary!($store, watch, wait, field_times).publish(entry);
                }
                None
            }
            found => found,
        }
    }};
}

/// The slot of a key in the current database, or of a new entry that a closure makes; whether it is new.
/// The access clock is set either way.
macro_rules! slot_or_insert {
    ($store:ident, $key:expr, $make:expr) => {{
        let key: &[u8] = $key;
        let make = $make;
        let hash = hash(&$store.tuning.seed, key);
        let Db { entries, watch, wait, field_times, .. } = &mut $store.dbs[$store.current];
        let (mut slot, mut new) = entries.find_or_insert(
            hash,
            |entry| entry.has_key(key),
            &make,
            hasher(&$store.tuning.seed),
        );
        if !new {
            preserve!($store, slot.get_mut());
        }
        if !new && slot.mark() && slot.get().is_due($store.now_ms) && !$store.loading {
            let expired = slot.replace(make());
            slot.set_mark(false);
            obituary!($store, watch, wait, field_times).publish(expired);
            new = true;
        }
        if new {
            slot.get_mut().begin($store.access.fresh(), $store.cut.epoch());
            if !wait.is_empty() && is_waited_for(slot.get(), wait) {
                $store.ready.push(($store.current, Box::from(key)));
            }
            if $store.notify.contains(Class::NEW) {
                let (db, key) = ($store.current, Box::from(key));
                $store.events.push(KeyEvent { class: Class::NEW, event: "new", db, key });
            }
        } else if !$store.no_touch {
            $store.access.touch(slot.get_mut(), &mut $store.rng);
        }
        (slot, new)
    }};
}

macro_rules! obituary {
    ($store:ident, $watch:ident, $wait:ident, $field_times:ident) => {
        $crate::store::expired::Obituary {
            db: $store.current,
            seed: &$store.tuning.seed,
            field_times: $field_times,
            notify: $store.notify,
            watch: $watch,
            tracking: &mut $store.tracking,
            wait: $wait,
            ready: &mut $store.ready,
            stats: &mut $store.stats,
            touched: &mut $store.touched,
            events: &mut $store.events,
            garbage: &mut $store.garbage,
            journal: &mut $store.journal,
            now_ms: $store.now_ms,
            lazily: $store.lazy_expire,
        }
    };
}

pub(crate) use {obituary, slot_or_insert};

/// From so many keys on, a database outgrows the cache and fetching ahead pays.
pub const PREFETCH_FROM_KEYS: usize = 16 * 1024;

/// Counters of the keyspace, as INFO stats shows them.
#[derive(Debug, Default, Clone)]
#[allow(missing_docs)]
pub struct StoreStats {
    pub hits: u64,
    pub misses: u64,
    pub expired: u64,
    pub expired_fields: u64,
    pub evicted: u64,
    pub lazyfreed: u64,
    pub expired_stale_percent: f64,
    pub expired_cap_reached: u64,
}

/// Counts a miss and notes its event, through fields that are free while a table is not.
macro_rules! note_miss {
    ($self:ident, $key:ident) => {
        $self.stats.misses += 1;
        if $self.notify.intersects(Class::MISS) {
            let key = Box::from($key);
            let event = KeyEvent { class: Class::MISS, event: "keymiss", db: $self.current, key };
            $self.events.push(event);
        }
    };
}

/// All databases, and what happened to them since the engine last looked.
#[derive(Debug)]
pub struct Store {
    dbs: Vec<Db>,
    current: usize,
    /// Databases from here on were never selected: they are empty.
    reached: usize,
    /// The wall clock of the running command, in Unix milliseconds.
    pub now_ms: i64,
    /// How values are encoded, and the seed of every hash table.
    pub tuning: Tuning,
    /// Counters.
    pub stats: StoreStats,
    /// Changes since the last save.
    pub dirty: u64,
    /// The classes of events that are wanted (`notify-keyspace-events`).
    pub notify: Class,
    /// How the access clocks are kept (`maxmemory-policy`).
    pub access: AccessClock,
    /// Chance: random keys, LFU, SPOP.
    pub rng: Rng,
    /// Look-ups leave the access clock alone (CLIENT NO-TOUCH).
    pub no_touch: bool,
    /// Expired keys are kept until this is cleared (CLIENT PAUSE WRITE keeps the data set as it is).
    pub keep_expired: bool,
    /// A file is being read: nothing is due, however long ago.
    pub loading: bool,
    /// `lazyfree-lazy-expire`.
    pub lazy_expire: bool,
    /// `lazyfree-lazy-eviction`.
    pub lazy_eviction: bool,
    /// What clients cache.
    pub tracking: Tracking,
    /// WATCHers whose keys were touched.
    pub touched: Vec<u64>,
    /// Keys with waiters that got something, with their database, in the order it happened.
    pub ready: Vec<(usize, Box<[u8]>)>,
    /// Events to be published.
    pub events: Vec<KeyEvent>,
    /// What is being freed in small steps.
    pub garbage: Garbage,
    /// What is evicted when memory runs out.
    pub eviction: Eviction,
    /// What is written to the append-only file.
    pub journal: Journal,
    /// The snapshot that is being written.
    pub cut: Cut,
    /// The database where active expiry goes on.
    expire_db: usize,
}

impl Store {
    /// `count` empty databases.
    pub fn new(count: usize, tuning: Tuning, rng: Rng) -> Self {
        Self {
            dbs: (0..count).map(|_| Db::default()).collect(),
            current: 0,
            reached: 1,
            now_ms: 0,
            tracking: Tracking::new(tuning.seed),
            tuning,
            stats: StoreStats::default(),
            dirty: 0,
            notify: Class::empty(),
            access: AccessClock::default(),
            rng,
            no_touch: false,
            keep_expired: false,
            loading: false,
            lazy_expire: false,
            lazy_eviction: false,
            touched: Vec::new(),
            ready: Vec::new(),
            events: Vec::new(),
            garbage: Garbage::default(),
            eviction: Eviction::default(),
            journal: Journal::default(),
            cut: Cut::default(),
            expire_db: 0,
        }
    }

    /// The number of databases.
    pub fn count(&self) -> usize {
        self.dbs.len()
    }

    /// The number of the current database.
    #[inline]
    pub fn current(&self) -> usize {
        self.current
    }

    /// Makes database `index`, which exists, the current one.
    #[inline]
    pub fn select(&mut self, index: usize) {
        debug_assert!(index < self.dbs.len(), "SELECT checks the number");
        self.current = index;
        self.reached = self.reached.max(index + 1);
    }

    /// The number of databases up to the last that was ever selected: the others are empty.
    #[inline]
    pub fn reached(&self) -> usize {
        self.reached
    }

    /// The current database.
    #[inline]
    pub fn db(&self) -> &Db {
        &self.dbs[self.current]
    }

    /// The current database.
    #[inline]
    pub fn db_mut(&mut self) -> &mut Db {
        &mut self.dbs[self.current]
    }

    /// Database `index`.
    pub fn db_at(&self, index: usize) -> &Db {
        &self.dbs[index]
    }

    /// All databases, in order.
    pub fn dbs(&self) -> &[Db] {
        &self.dbs
    }

    /// Whether a key or a field has an expiry.
    #[inline]
    pub fn has_expiries(&self) -> bool {
        self.dbs[..self.reached].iter().any(Db::has_expiries)
    }

    /// The entry of `key`, expired or not. Changes nothing.
    pub fn glance(&self, key: &[u8]) -> Option<&Entry> {
        self.db().find(self.hash(key), key)
    }

    /// Whether `key` is there and its time is up. Deletes nothing.
    pub fn has_expired(&self, key: &[u8]) -> bool {
        let expiry_ms = self.db().find(self.hash(key), key).and_then(Entry::expiry_ms);
        expiry_ms.is_some_and(|at_ms| at_ms <= self.due_ms())
    }

    /// What expires at this time or before is gone, in Unix milliseconds.
    #[inline]
    pub fn due_ms(&self) -> i64 {
        if self.loading { i64::MIN } else { self.now_ms }
    }

    #[inline]
    fn hash(&self, key: &[u8]) -> u64 {
        hash(&self.tuning.seed, key)
    }

    /// Brings the bucket of `key` in the current database into the cache.
    #[inline]
    pub fn prefetch(&self, key: &[u8]) -> u64 {
        let hash = self.hash(key);
        self.db().prefetch_bucket(hash);
        hash
    }

    /// Brings the entries of several keys into the cache, for a command that is going to look at all of them.
    pub fn prefetch_all<'k>(&self, keys: impl Iterator<Item = &'k [u8]> + Clone) {
        // What is small is in the cache, and what comes after too many others is out of it again.
        const KEYS_MAX: usize = 32;
        if self.db().len() < PREFETCH_FROM_KEYS {
            return;
        }
        let mut hashes = [0; KEYS_MAX];
        let mut count = 0;
        for (hash, key) in hashes.iter_mut().zip(keys) {
            *hash = self.prefetch(key);
            count += 1;
        }
        for &hash in &hashes[..count] {
            self.db().prefetch_entry(hash);
        }
    }

    /// The entry of `key`, unless it has expired; an expired one is deleted.
    /// Counts nothing and leaves the access clock alone.
    #[inline]
    pub fn peek(&mut self, key: &[u8]) -> Option<&Entry> {
        let hash = self.hash(key);
        live_slot!(self, hash, key).map(|slot| &*slot.into_mut())
    }

    /// The entry of `key` for reading: counts a hit or a miss and sets the access clock.
    #[inline]
    pub fn read(&mut self, key: &[u8]) -> Option<&Entry> {
        self.read_with(key, !self.no_touch)
    }

    /// The entry of `key` for looking at what it is: counts a hit or a miss and leaves the access clock alone.
    #[inline]
    pub fn inspect(&mut self, key: &[u8]) -> Option<&Entry> {
        self.read_with(key, false)
    }

    #[inline]
    #[cfg_attr(redstart_small, optimize(speed))]
    fn read_with(&mut self, key: &[u8], touch: bool) -> Option<&Entry> {
        let hash = self.hash(key);
        if let Some(slot) = live_slot!(self, hash, key) {
            self.stats.hits += 1;
            let entry = slot.into_mut();
            if touch {
                self.access.touch(entry, &mut self.rng);
            }
            return Some(entry);
        }
        note_miss!(self, key);
        None
    }

    /// The entry of `key` for changing: sets the access clock, counts neither hit nor miss.
    /// Not for its expiry, of which the table keeps a mark: see [`Store::slot`].
    #[inline]
    pub fn write(&mut self, key: &[u8]) -> Option<&mut Entry> {
        self.slot(key).map(EntrySlot::into_mut)
    }

    /// The slot of `key` for changing value and expiry: sets the access clock, counts neither hit nor miss.
    #[inline]
    pub fn slot(&mut self, key: &[u8]) -> Option<EntrySlot<'_>> {
        let hash = self.hash(key);
        let mut slot = live_slot!(self, hash, key)?;
        preserve!(self, slot.get_mut());
        if !self.no_touch {
            self.access.touch(slot.get_mut(), &mut self.rng);
        }
        Some(slot)
    }

    /// Whether `key` exists.
    #[inline]
    pub fn exists(&mut self, key: &[u8]) -> bool {
        self.peek(key).is_some()
    }

    /// The string at `key`, for reading.
    #[inline]
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn string(&mut self, key: &[u8]) -> Result<Option<Str<'_>>, Error> {
        match self.read(key) {
            None => Ok(None),
            Some(entry) => entry.as_str().map(Some).ok_or(Error::WrongType),
        }
    }

    /// The entry of the string at `key`, for changing.
    #[inline]
    pub fn string_mut(&mut self, key: &[u8]) -> Result<Option<&mut Entry>, Error> {
        match self.write(key) {
            None => Ok(None),
            Some(entry) if entry.as_str().is_some() => Ok(Some(entry)),
            Some(_) => Err(Error::WrongType),
        }
    }

    /// The object at `key`, for reading.
    #[inline]
    pub fn object<T: Object>(&mut self, key: &[u8]) -> Result<Option<&T>, Error> {
        match self.read(key) {
            None => Ok(None),
            Some(entry) => entry.as_object().map(Some).ok_or(Error::WrongType),
        }
    }

    /// The object at `key`, for reading, with the seed of its tables and the generator.
    #[inline]
    pub fn object_and_seed<T: Object>(
        &mut self,
        key: &[u8],
    ) -> Result<Option<(&T, &HashSeed, &mut Rng)>, Error> {
        let hash = self.hash(key);
        if let Some(slot) = live_slot!(self, hash, key) {
            self.stats.hits += 1;
            let entry = slot.into_mut();
            if !self.no_touch {
                self.access.touch(entry, &mut self.rng);
            }
            return match entry.as_object() {
                Some(object) => Ok(Some((object, &self.tuning.seed, &mut self.rng))),
                None => Err(Error::WrongType),
            };
        }
        note_miss!(self, key);
        Ok(None)
    }

    /// The object at `key`, for commands that read several keys at once: after [`Store::object`] was asked
    /// for each of them, so that what has expired is gone.
    pub fn shared<T: Object>(&self, key: &[u8]) -> Option<&T> {
        let entry = self.db().find(self.hash(key), key)?;
        if entry.expiry_ms().is_some_and(|at_ms| at_ms <= self.due_ms()) {
            return None;
        }
        entry.as_object()
    }

    /// The object at `key`, for changing. With [`Store::tuning`] needed beside it, see [`Store::object_and_tuning`].
    #[inline]
    pub fn object_mut<T: Object>(&mut self, key: &[u8]) -> Result<Option<&mut T>, Error> {
        match self.write(key) {
            None => Ok(None),
            Some(entry) => entry.as_object_mut().map(Some).ok_or(Error::WrongType),
        }
    }

    /// The object at `key`, for changing, with the tuning and the generator its methods may want.
    #[inline]
    pub fn object_and_tuning<T: Object>(
        &mut self,
        key: &[u8],
    ) -> Result<Option<(&mut T, &Tuning, &mut Rng)>, Error> {
        let hash = self.hash(key);
        let Some(slot) = live_slot!(self, hash, key) else { return Ok(None) };
        let entry = slot.into_mut();
        preserve!(self, entry);
        if !self.no_touch {
            self.access.touch(entry, &mut self.rng);
        }
        match entry.as_object_mut() {
            Some(object) => Ok(Some((object, &self.tuning, &mut self.rng))),
            None => Err(Error::WrongType),
        }
    }

    /// The object at `key`, for changing; a new empty one where there is none. The caller puts something
    /// into it before it returns: Redis has no empty collections.
    #[inline]
    pub fn object_or_insert<T: Object + Default>(
        &mut self,
        key: &[u8],
    ) -> Result<(&mut T, &Tuning, &mut Rng), Error> {
        let (slot, _) = slot_or_insert!(self, key, || Entry::object(key, T::default()));
        match slot.into_mut().as_object_mut() {
            Some(object) => Ok((object, &self.tuning, &mut self.rng)),
            None => Err(Error::WrongType),
        }
    }

    /// Checks that `key` is missing or holds a `T`, without counting or creating anything.
    pub fn check_type<T: Object>(&mut self, key: &[u8]) -> Result<bool, Error> {
        match self.peek(key) {
            None => Ok(false),
            Some(entry) if entry.kind() == T::KIND => Ok(true),
            Some(_) => Err(Error::WrongType),
        }
    }

    /// Inserts an entry whose key does not exist, with its expiry if it has one.
    pub fn insert(&mut self, entry: Entry) {
        let hash = self.hash(entry.key());
        self.insert_hashed(hash, entry);
    }

    fn insert_hashed(&mut self, hash: u64, mut entry: Entry) {
        debug_assert!(self.db().find(hash, entry.key()).is_none(), "the key is new");
        // A renamed or moved entry keeps its clock.
        let access = entry.access();
        entry.begin(if access == 0 { self.access.fresh() } else { access }, self.cut.epoch());
        let Db { entries, wait, field_times, .. } = &mut self.dbs[self.current];
        fields::index(field_times, &self.tuning.seed, &entry);
        let expires = entry.expiry_ms().is_some();
        let mut slot = entries.insert_unique(hash, entry, hasher(&self.tuning.seed));
        slot.set_mark(expires);
        let entry = slot.get();
        if !wait.is_empty() && is_waited_for(entry, wait) {
            self.ready.push((self.current, Box::from(entry.key())));
        }
        if self.notify.contains(Class::NEW) {
            let key = Box::from(entry.key());
            self.events.push(KeyEvent { class: Class::NEW, event: "new", db: self.current, key });
        }
    }

    /// Puts an entry of a file into database `index`, which nobody is told of; whether it is there now. One
    /// that is there already gives way if it is to be replaced.
    pub fn load(&mut self, index: usize, mut entry: Entry, replace: bool) -> bool {
        entry.set_epoch(self.cut.epoch());
        let hash = self.hash(entry.key());
        let expires = entry.expiry_ms().is_some();
        let Db { entries, field_times, .. } = &mut self.dbs[index];
        let seed = &self.tuning.seed;
        match entries.find_slot(hash, |there| there.has_key(entry.key())) {
            Some(_) if !replace => return false,
            Some(mut slot) => {
                if slot.get().epoch() != self.cut.epoch() {
                    self.cut.preserve(index, slot.get_mut(), &self.access);
                }
                fields::unindex(field_times, seed, slot.get());
                fields::index(field_times, seed, &entry);
                let old = slot.replace(entry);
                slot.set_mark(expires);
                self.discard(old);
            }
            None => {
                fields::index(field_times, seed, &entry);
                let mut slot = entries.insert_unique(hash, entry, hasher(seed));
                slot.set_mark(expires);
            }
        }
        true
    }

    /// Inserts an entry under a key that does not exist, into database `index`.
    pub fn insert_into(&mut self, index: usize, entry: Entry) {
        let current = core::mem::replace(&mut self.current, index);
        self.insert(entry);
        self.current = current;
    }

    /// Puts an object under `key` whatever was there, without an expiry.
    pub fn set_object<T: Object>(&mut self, key: &[u8], object: T) {
        self.remove(key);
        self.insert(Entry::object(key, object));
    }

    /// Takes the entry of `key` out, expired or not. Notes nothing.
    pub fn take(&mut self, key: &[u8]) -> Option<Entry> {
        let hash = self.hash(key);
        let Db { entries, field_times, .. } = &mut self.dbs[self.current];
        let slot = entries.find_slot(hash, |entry| entry.has_key(key))?;
        let mut entry = slot.remove(hasher(&self.tuning.seed));
        preserve!(self, &mut entry);
        fields::unindex(field_times, &self.tuning.seed, &entry);
        self.miss(&entry);
        Some(entry)
    }

    /// Takes the entry of `key` out, unless it has expired. Notes nothing.
    pub fn take_live(&mut self, key: &[u8]) -> Option<Entry> {
        let hash = self.hash(key);
        let mut entry = live_slot!(self, hash, key)?.remove(hasher(&self.tuning.seed));
        preserve!(self, &mut entry);
        fields::unindex(&mut self.dbs[self.current].field_times, &self.tuning.seed, &entry);
        self.miss(&entry);
        Some(entry)
    }

    /// Removes `key`, unless it has expired, and frees its value, a large one in steps. Notes nothing;
    /// `false` if there was none.
    pub fn remove_live(&mut self, key: &[u8]) -> bool {
        match self.take_live(key) {
            Some(entry) => {
                self.discard(entry);
                true
            }
            None => false,
        }
    }

    /// Removes `key` and frees its value, a large one in steps. Notes nothing; `false` if there was none.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        match self.take(key) {
            Some(entry) => {
                self.discard(entry);
                true
            }
            None => false,
        }
    }

    /// Frees an entry, a large one in steps.
    pub fn discard(&mut self, entry: Entry) {
        if is_heavy(&entry) {
            self.garbage.push_entry(entry);
        }
    }

    /// Sets or removes the expiry of `key`, in Unix milliseconds; `false` if there is no such key.
    pub fn set_expiry(&mut self, key: &[u8], expiry_ms: Option<i64>) -> bool {
        let hash = self.hash(key);
        let Some(mut slot) = self.dbs[self.current].find_slot(hash, key) else { return false };
        preserve!(self, slot.get_mut());
        slot.set_expiry_ms(expiry_ms);
        true
    }

    /// Removes the expiry of `key`; `false` if it has none or there is no such key.
    pub fn persist(&mut self, key: &[u8]) -> bool {
        match self.slot(key) {
            Some(mut slot) if slot.mark() => {
                slot.set_expiry_ms(None);
                true
            }
            _ => false,
        }
    }

    /// `key` was changed: counts it, touches its watchers, notes the event.
    #[inline]
    pub fn changed(&mut self, class: Class, event: &'static str, key: &[u8]) {
        self.dirty += 1;
        self.touch_watchers(key);
        self.event(class, event, key);
    }

    /// Notes an event without a change, or beside one that [`Store::changed`] counted.
    #[inline]
    pub fn event(&mut self, class: Class, event: &'static str, key: &[u8]) {
        if self.notify.intersects(class) {
            self.note(class, event, Box::from(key));
        }
    }

    #[cold]
    fn note(&mut self, class: Class, event: &'static str, key: Box<[u8]>) {
        self.events.push(KeyEvent { class, event, db: self.current, key });
    }

    /// Marks the transactions of those who WATCH `key` as failed, and tells those who cache it.
    #[inline]
    pub fn touch_watchers(&mut self, key: &[u8]) {
        self.tracking.changed(key, self.tracking.author);
        let db = &self.dbs[self.current];
        if !db.watch.is_empty() {
            self.touched.extend(db.watch.watchers(key));
        }
    }

    /// `key` of the current database changed in a way that those who wait for it want to know of.
    #[inline]
    pub fn signal(&mut self, key: &[u8]) {
        if self.db().is_waited_for(key) {
            self.ready.push((self.current, Box::from(key)));
        }
    }

    /// `entry` of the current database was taken out: tells those who wait for its key to be there.
    #[inline]
    pub(super) fn miss(&mut self, entry: &Entry) {
        if is_missed(entry, &self.dbs[self.current].wait) {
            self.ready.push((self.current, Box::from(entry.key())));
        }
    }

    /// `key` of the current database got something that waiters may want.
    pub fn signal_ready(&mut self, key: Box<[u8]>) {
        if self.db().is_waited_for(&key) {
            self.ready.push((self.current, key));
        }
    }
}

/// Whether somebody waits for the key, and for such a value.
fn is_waited_for(entry: &Entry, wait: &WaitTable) -> bool {
    matches!(entry.kind(), Kind::List | Kind::SortedSet | Kind::Stream)
        && wait.contains(entry.key())
}

/// Whether somebody is to be told that the entry is gone.
#[inline]
fn is_missed(entry: &Entry, wait: &WaitTable) -> bool {
    wait.for_keys > 0 && entry.kind() == Kind::Stream && wait.contains(entry.key())
}

/// Whether freeing the entry at once could take long.
#[inline]
fn is_heavy(entry: &Entry) -> bool {
    !entry.is_string() && garbage::effort(entry) > garbage::EFFORT_AT_ONCE
}

/// The slot of an entry in its table.
pub type EntrySlot<'a> = SlotMut<'a, Entry>;

impl EntrySlot<'_> {
    /// Sets or removes the expiry, in Unix milliseconds, and the slot's mark with it.
    pub fn set_expiry_ms(&mut self, expiry_ms: Option<i64>) {
        self.get_mut().set_expiry_ms(expiry_ms);
        if self.mark() != expiry_ms.is_some() {
            self.set_mark(expiry_ms.is_some());
        }
    }
}
