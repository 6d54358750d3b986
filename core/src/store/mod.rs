//! The keyspace: databases of entries, with everything that follows from a key being read or changed.
//!
//! Handlers go through [`Store`]: a look-up deletes what has expired, so nobody else compares clocks;
//! a change goes through [`Store::changed`], which counts it, marks WATCHed keys and notes the event.
//! The store knows no clients: watchers and waiters are numbers that the engine gave it.

pub mod db;
pub mod entry;
pub mod events;
pub mod evict;
pub mod expire;
pub mod garbage;
pub mod watch;

pub use db::Db;
pub use entry::Entry;
pub use events::{Class, KeyEvent};

use crate::collections::dict::SlotMut;
use crate::collections::hash::hash;
use crate::error::Error;
use crate::rng::Rng;
use crate::value::{Kind, Object, Str, Tuning};
use alloc::boxed::Box;
use alloc::vec::Vec;
use garbage::Garbage;

/// Counters of the keyspace, as INFO stats shows them.
#[derive(Debug, Default, Clone)]
#[allow(missing_docs)]
pub struct StoreStats {
    pub hits: u64,
    pub misses: u64,
    pub expired: u64,
    pub evicted: u64,
    pub lazyfreed: u64,
}

/// All databases, and what happened to them since the engine last looked.
#[derive(Debug)]
pub struct Store {
    dbs: Vec<Db>,
    current: usize,
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
    pub access: evict::AccessClock,
    /// Chance: random keys, LFU, SPOP.
    pub rng: Rng,
    /// Look-ups leave the access clock alone (CLIENT NO-TOUCH).
    pub no_touch: bool,
    /// Expired keys are kept until this is cleared (CLIENT PAUSE WRITE keeps the data set as it is).
    pub keep_expired: bool,
    /// WATCHers whose keys were touched.
    pub touched: Vec<u64>,
    /// Keys with waiters that got something, with their database, in the order it happened.
    pub ready: Vec<(usize, Box<[u8]>)>,
    /// Events to be published.
    pub events: Vec<KeyEvent>,
    /// What is being freed in small steps.
    pub garbage: Garbage,
}

impl Store {
    /// `count` empty databases.
    pub fn new(count: usize, tuning: Tuning, rng: Rng) -> Self {
        Self {
            dbs: (0..count).map(|_| Db::default()).collect(),
            current: 0,
            now_ms: 0,
            tuning,
            stats: StoreStats::default(),
            dirty: 0,
            notify: Class::empty(),
            access: evict::AccessClock::default(),
            rng,
            no_touch: false,
            keep_expired: false,
            touched: Vec::new(),
            ready: Vec::new(),
            events: Vec::new(),
            garbage: Garbage::default(),
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

    /// Exchanges two databases: keys, watchers and waiters see the other one's keys from now on.
    pub fn swap(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        let (low, high) = (a.min(b), a.max(b));
        let (left, right) = self.dbs.split_at_mut(high);
        left[low].swap_keys(&mut right[0]);
        for (db, other) in [(low, high), (high, low)] {
            for (key, id) in self.dbs[db].watch.all() {
                if self.dbs[low].find(hash(&self.tuning.seed, &key), &key).is_some()
                    || self.dbs[high].find(hash(&self.tuning.seed, &key), &key).is_some()
                {
                    self.touched.push(id);
                }
            }
            let _ = other;
            for key in self.dbs[db].waiting_keys() {
                if self.dbs[db].find(hash(&self.tuning.seed, &key), &key).is_some() {
                    self.ready.push((db, key));
                }
            }
        }
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

    /// The entry of `key`, unless it has expired; an expired one is deleted.
    /// Counts nothing and leaves the access clock alone.
    #[inline]
    pub fn peek(&mut self, key: &[u8]) -> Option<&Entry> {
        let hash = self.hash(key);
        if self.expire_if_due(hash, key) {
            return None;
        }
        self.db().find(hash, key)
    }

    /// The entry of `key` for reading: counts a hit or a miss and sets the access clock.
    #[inline]
    pub fn read(&mut self, key: &[u8]) -> Option<&Entry> {
        let hash = self.hash(key);
        let expired = self.expire_if_due(hash, key);
        match self.dbs[self.current].find_mut(hash, key) {
            Some(entry) if !expired => {
                self.stats.hits += 1;
                if !self.no_touch {
                    self.access.touch(entry, &mut self.rng);
                }
                Some(entry)
            }
            _ => {
                self.stats.misses += 1;
                if self.notify.intersects(Class::MISS) {
                    let key = Box::from(key);
                    self.events.push(KeyEvent {
                        class: Class::MISS,
                        event: "keymiss",
                        db: self.current,
                        key,
                    });
                }
                None
            }
        }
    }

    /// The entry of `key` for changing: sets the access clock, counts neither hit nor miss.
    #[inline]
    pub fn write(&mut self, key: &[u8]) -> Option<&mut Entry> {
        let hash = self.hash(key);
        self.look_up_mut(hash, key)
    }

    /// Whether `key` exists.
    #[inline]
    pub fn exists(&mut self, key: &[u8]) -> bool {
        self.peek(key).is_some()
    }

    /// The string at `key`, for reading.
    #[inline]
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
        self.due_or_touched(hash, key);
        match self.dbs[self.current].find_mut(hash, key) {
            None => Ok(None),
            Some(entry) => match entry.as_object_mut() {
                Some(object) => Ok(Some((object, &self.tuning, &mut self.rng))),
                None => Err(Error::WrongType),
            },
        }
    }

    /// The object at `key`, for changing; a new empty one where there is none. The caller puts something
    /// into it before it returns: Redis has no empty collections.
    #[inline]
    pub fn object_or_insert<T: Object + Default>(
        &mut self,
        key: &[u8],
    ) -> Result<(&mut T, &Tuning, &mut Rng), Error> {
        let hash = self.hash(key);
        self.due_or_touched(hash, key);
        if self.db().find(hash, key).is_none() {
            self.insert_hashed(hash, Entry::object(key, T::default()));
        }
        let entry = self.dbs[self.current].find_mut(hash, key).expect("it was just inserted");
        match entry.as_object_mut() {
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

    /// Stores a string under `key` whatever was there. An existing expiry stays if `keep_expiry`.
    pub fn set_string(&mut self, key: &[u8], value: &[u8], keep_expiry: bool) {
        let hash = self.hash(key);
        let int = crate::collections::decimal::parse(value);
        let clock = self.access.fresh();
        let db = &mut self.dbs[self.current];
        let mut garbage = None;
        match db.find_slot(hash, key) {
            Some(mut slot) => {
                let entry = slot.get_mut();
                if is_heavy(entry) {
                    let fresh = Entry::string(key, b"");
                    let mut old = core::mem::replace(entry, fresh);
                    if keep_expiry && let Some(at_ms) = old.expiry_ms() {
                        entry.set_expiry_ms(Some(at_ms));
                    }
                    old.set_expiry_ms(None);
                    garbage = Some(old);
                }
                match int {
                    Some(int) => entry.set_int(int),
                    None => entry.set_string(value),
                }
                entry.set_access(clock);
                if !keep_expiry && slot.mark() {
                    slot.get_mut().set_expiry_ms(None);
                    slot.set_mark(false);
                }
            }
            None => {
                let mut entry = match int {
                    Some(int) => Entry::int(key, int),
                    None => Entry::string(key, value),
                };
                entry.set_access(clock);
                self.insert_hashed(hash, entry);
            }
        }
        if let Some(old) = garbage {
            self.garbage.push_entry(old);
        }
    }

    /// Inserts an entry whose key does not exist, with its expiry if it has one.
    pub fn insert(&mut self, entry: Entry) {
        let hash = self.hash(entry.key());
        self.insert_hashed(hash, entry);
    }

    fn insert_hashed(&mut self, hash: u64, mut entry: Entry) {
        debug_assert!(self.db().find(hash, entry.key()).is_none(), "the key is new");
        entry.set_access(self.access.fresh());
        if matches!(entry.kind(), Kind::List | Kind::SortedSet | Kind::Stream)
            && self.db().has_waiters()
        {
            let key = Box::from(entry.key());
            self.signal_ready(key);
        }
        if self.notify.contains(Class::NEW) {
            let key = Box::from(entry.key());
            self.note(Class::NEW, "new", key);
        }
        let seed = &self.tuning.seed;
        self.dbs[self.current].insert(hash, entry, seed);
    }

    /// Puts an object under `key` whatever was there, without an expiry.
    pub fn set_object<T: Object>(&mut self, key: &[u8], object: T) {
        self.remove(key);
        self.insert(Entry::object(key, object));
    }

    /// Takes the entry of `key` out, expired or not. Notes nothing.
    pub fn take(&mut self, key: &[u8]) -> Option<Entry> {
        let hash = self.hash(key);
        let seed = &self.tuning.seed;
        self.dbs[self.current].take(hash, key, seed)
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
        let db = &mut self.dbs[self.current];
        let Some(mut slot) = db.find_slot(hash, key) else { return false };
        slot.get_mut().set_expiry_ms(expiry_ms);
        slot.set_mark(expiry_ms.is_some());
        true
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

    /// Marks the transactions of those who WATCH `key` as failed.
    #[inline]
    pub fn touch_watchers(&mut self, key: &[u8]) {
        let db = &self.dbs[self.current];
        if !db.watch.is_empty() {
            self.touched.extend(db.watch.watchers(key));
        }
    }

    /// `key` of the current database got something that waiters may want.
    pub fn signal_ready(&mut self, key: Box<[u8]>) {
        if self.db().is_waited_for(&key) {
            self.ready.push((self.current, key));
        }
    }

    #[inline]
    fn look_up_mut(&mut self, hash: u64, key: &[u8]) -> Option<&mut Entry> {
        let (now_ms, access, no_touch) = (self.now_ms, self.access, self.no_touch);
        let db = &mut self.dbs[self.current];
        if db.volatile() > 0 {
            // A second find only where expiry is in play: the borrow checker cannot see that the first ended.
            if db.find(hash, key)?.expiry_ms().is_some_and(|at_ms| at_ms <= now_ms) {
                self.expire_now(hash, key);
                return None;
            }
        }
        let rng = &mut self.rng;
        let entry = self.dbs[self.current].find_mut(hash, key)?;
        if !no_touch {
            access.touch(entry, rng);
        }
        Some(entry)
    }

    fn due_or_touched(&mut self, hash: u64, key: &[u8]) {
        let _ = self.look_up_mut(hash, key);
    }

    #[inline]
    fn expire_if_due(&mut self, hash: u64, key: &[u8]) -> bool {
        let db = self.db();
        if db.volatile() == 0 {
            return false;
        }
        let now_ms = self.now_ms;
        let due =
            db.find(hash, key).and_then(Entry::expiry_ms).is_some_and(|at_ms| at_ms <= now_ms);
        if due {
            self.expire_now(hash, key);
        }
        due
    }

    #[cold]
    fn expire_now(&mut self, hash: u64, key: &[u8]) {
        if self.keep_expired {
            return;
        }
        let seed = &self.tuning.seed;
        if let Some(entry) = self.dbs[self.current].take(hash, key, seed) {
            self.stats.expired += 1;
            self.discard(entry);
            self.touch_watchers(key);
            self.event(Class::EXPIRED, "expired", key);
        }
    }
}

/// Whether freeing the entry at once could take long.
fn is_heavy(entry: &Entry) -> bool {
    garbage::effort(entry) > garbage::EFFORT_AT_ONCE
}

/// The slot of an entry in its table.
pub type EntrySlot<'a> = SlotMut<'a, Entry>;
