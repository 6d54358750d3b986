//! The data set of a [`Store`] to a file's bytes and back.

use super::loader::{Item, Keyed, LoadError, Loader, Visit};
use super::snapshot::{Options, Origin, Snapshot};
use crate::store::Store;
use crate::value::Tuning;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What becomes of a key that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// The file is refused.
    Refuse,
    /// The file's replaces it.
    Replace,
}

/// So many keys without members are named.
const EMPTY_KEYS_MAX: usize = 10;

/// What was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Keys that are there now.
    pub keys: u64,
    /// Keys that were not taken since their time is up.
    pub expired: u64,
    /// Keys whose values had no members.
    pub empty: u64,
    /// The first of their names.
    pub empty_keys: Vec<Vec<u8>>,
    /// The code of libraries of functions.
    pub functions: Vec<Vec<u8>>,
    /// What the file says of its writer: names and texts.
    pub facts: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The whole data set as a file, with the texts of all libraries of functions.
pub fn save(store: &Store, options: Options, origin: Origin, libraries: Vec<Box<[u8]>>) -> Vec<u8> {
    let mut out = Vec::new();
    Snapshot::new(options, origin, libraries).finish(store, &mut out);
    out
}

/// Writes the data set, empties the keyspace if wanted, and adds the keys of what was written.
pub fn reload(
    store: &mut Store,
    options: Options,
    origin: Origin,
    libraries: Vec<Box<[u8]>>,
    empty: bool,
    conflict: Conflict,
) -> Result<Loaded, LoadError> {
    let file = save(store, options, origin, libraries);
    if empty {
        for index in 0..store.count() {
            store.flush(index);
        }
    }
    load(store, &file, conflict)
}

/// Adds the keys of a file. What was added before an error stays.
pub fn load(store: &mut Store, bytes: &[u8], conflict: Conflict) -> Result<Loaded, LoadError> {
    let mut load = Load::new(store, conflict);
    load.push(store, bytes)?;
    load.finish(store)?;
    Ok(load.loaded)
}

/// A file whose keys are being added, piece by piece.
#[derive(Debug)]
pub struct Load {
    /// What was loaded so far.
    pub loaded: Loaded,
    loader: Loader,
    tuning: Tuning,
    conflict: Conflict,
    /// The database that the next keys are in.
    index: usize,
}

impl Load {
    /// A file of which nothing has come yet.
    pub fn new(store: &Store, conflict: Conflict) -> Self {
        Self {
            loaded: Loaded::default(),
            loader: Loader::default(),
            tuning: store.tuning.clone(),
            conflict,
            index: 0,
        }
    }

    /// Goes on with the next piece; whether the file has ended in it.
    pub fn push(&mut self, store: &mut Store, piece: &[u8]) -> Result<bool, LoadError> {
        self.with(store, |loader, tuning, visit| loader.push(piece, tuning, visit))
    }

    /// There are no more pieces.
    pub fn finish(&mut self, store: &mut Store) -> Result<(), LoadError> {
        self.with(store, |loader, tuning, visit| loader.finish(tuning, visit))
    }

    /// What came behind the end of the file.
    pub fn into_rest(self) -> Vec<u8> {
        self.loader.into_rest()
    }

    fn with<R>(
        &mut self,
        store: &mut Store,
        read: impl FnOnce(&mut Loader, &Tuning, Visit<'_>) -> R,
    ) -> R {
        let Self { loaded, loader, tuning, conflict, index } = self;
        let mut visit = |item: Item<'_>| {
            match item {
                Item::Fact(name, text) => loaded.facts.push((name.to_vec(), text.to_vec())),
                Item::Database(number) => match usize::try_from(number) {
                    Ok(number) if number < store.count() => *index = number,
                    _ => {
                        return Err(Cow::Borrowed(
                            "a database beyond the configured number of them",
                        ));
                    }
                },
                Item::Function(code) => loaded.functions.push(code.to_vec()),
                Item::Empty(key) => {
                    loaded.empty += 1;
                    if loaded.empty_keys.len() < EMPTY_KEYS_MAX {
                        loaded.empty_keys.push(key.to_vec());
                    }
                }
                Item::Key(key) => return add(store, *index, key, *conflict, loaded),
            }
            Ok(())
        };
        read(loader, tuning, &mut visit)
    }
}

fn add(
    store: &mut Store,
    index: usize,
    key: Keyed,
    conflict: Conflict,
    loaded: &mut Loaded,
) -> Result<(), Cow<'static, str>> {
    let Keyed { mut entry, idle_seconds, frequency } = key;
    if entry.expiry_ms().is_some_and(|at_ms| at_ms < store.now_ms) {
        loaded.expired += 1;
        store.discard(entry);
        return Ok(());
    }
    let access = &store.access;
    entry.set_access(match (frequency, idle_seconds) {
        (Some(frequency), _) if access.lfu => access.of_frequency(frequency.into()),
        (_, Some(seconds)) if !access.lfu => access.of_idle(seconds),
        _ => access.fresh(),
    });
    if !store.load(index, entry, conflict == Conflict::Replace) {
        return Err(Cow::Borrowed("a key comes twice"));
    }
    loaded.keys += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::VERSION_MAX;
    use super::super::crc64::Crc64;
    use super::super::save::Format;
    use super::*;
    use crate::collections::hash::HashSeed;
    use crate::rng::Rng;
    use crate::store::Entry;
    use crate::value::stream::Id;
    use crate::value::{Hash, List, Set, SortedSet, Stream};
    use alloc::format;

    const SEED: HashSeed = HashSeed::new([1, 2, 3, 4]);
    const ORIGIN: Origin =
        Origin { redis_version: "7.0.15", unix_s: 1_700_000_000, used_memory: 1, aof_base: false };

    fn options(version: u32) -> Options {
        let format = Format::of_version(version, &Tuning::new(SEED));
        Options { format, compress: true, checksum: true, access: true }
    }

    fn empty() -> Store {
        Store::new(4, Tuning::new(SEED), Rng::new(1))
    }

    /// A store with a key of every encoding.
    fn filled() -> Store {
        let mut store = empty();
        store.now_ms = 1_700_000_000_000;
        store.access.set_now(store.now_ms);
        let tuning = store.tuning.clone();
        for (number, len) in [0, 1, 20, 100, 5000].into_iter().enumerate() {
            store.set_string(&[number as u8], &alloc::vec![b'v'; len], false);
        }
        store.set_string(b"int", b"-1234567890123", false);
        for count in [1u32, 100, 3000] {
            let (mut list, mut set, mut ints) = (List::default(), Set::default(), Set::default());
            let (mut hash, mut zset) = (Hash::default(), SortedSet::default());
            let mut timed = Hash::default();
            for i in 0..count {
                let text = format!("element-{i}").into_bytes();
                list.push(&text, crate::value::list::Side::After, tuning.list_limits());
                set.insert(&text, &tuning);
                ints.insert(format!("{}", i * 7).as_bytes(), &tuning);
                hash.insert(&text, &text, &tuning);
                timed.insert(&text, &text, &tuning);
                timed.set_time(&text, (i % 3 == 0).then_some(1_900_000_000_000), &SEED);
                zset.insert(&text, f64::from(i) / 3.0, &tuning);
            }
            store.insert(Entry::object(format!("list{count}").as_bytes(), list));
            store.insert(Entry::object(format!("set{count}").as_bytes(), set));
            store.insert(Entry::object(format!("ints{count}").as_bytes(), ints));
            store.insert(Entry::object(format!("hash{count}").as_bytes(), hash));
            store.insert(Entry::object(format!("timed{count}").as_bytes(), timed));
            store.insert(Entry::object(format!("zset{count}").as_bytes(), zset));
        }
        let mut stream = Stream::default();
        for i in 1..500u64 {
            let texts = [&b"name"[..], b"value", b"other", &[i as u8]];
            let len = if i % 7 == 0 { 2 } else { 4 };
            let limits = tuning.stream_limits();
            stream.log_mut().append(Id::new(i / 3, i), texts[..len].iter().copied(), limits);
        }
        for i in [3, 50, 51, 400] {
            assert!(stream.log_mut().delete(Id::new(i / 3, i)));
        }
        stream.log_mut().max_deleted_id = Id::new(133, 400);
        for (name, read) in [("unread", None), ("group", Some(60))] {
            let group = stream.groups_mut().create(name.as_bytes(), Id::new(20, 60), read);
            let group = group.expect("a new name");
            for (consumer, name) in ["bob", "alice", "idle"].iter().enumerate() {
                let id = group.create_consumer(name.as_bytes(), 77).expect("a new name");
                for i in 0..40 * (2 - consumer as u64) {
                    group.deliver(Id::new(i, consumer as u64), id, i as i64);
                }
            }
        }
        store.insert(Entry::object(b"stream", stream));
        store.set_expiry(b"int", Some(1_800_000_000_000));
        store.select(2);
        store.set_string(b"elsewhere", b"1", false);
        store.select(0);
        store
    }

    /// Database, key, expiry and payload.
    type Row = (usize, Vec<u8>, Option<i64>, Vec<u8>);

    /// Every key there is.
    fn contents(store: &Store) -> Vec<Row> {
        let format = Format::of_version(VERSION_MAX, &store.tuning);
        let mut all = Vec::new();
        for index in 0..store.count() {
            for entry in store.db_at(index).entries() {
                let mut payload = Vec::new();
                super::super::dump::write(&mut payload, entry, &format, false);
                // The order in a table is a matter of its history.
                payload.sort_unstable();
                all.push((index, entry.key().to_vec(), entry.expiry_ms(), payload));
            }
        }
        all.sort();
        all
    }

    #[test]
    fn a_file_brings_back_all_there_was_however_it_was_written() {
        let store = filled();
        let file = save(&store, options(VERSION_MAX), ORIGIN, Vec::new());
        let mut steps = Vec::new();
        let mut snapshot = Snapshot::new(options(VERSION_MAX), ORIGIN, Vec::new());
        let mut count = 1;
        while !snapshot.step(&store, &mut steps, 100) {
            count += 1;
        }
        assert!(count > 4 && steps == file);
        let mut back = empty();
        back.now_ms = store.now_ms;
        let loaded = load(&mut back, &file, Conflict::Refuse).expect("its own file");
        assert_eq!(loaded.keys, 26);
        assert_eq!(contents(&back), contents(&store));
        assert!(
            load(&mut back, &file, Conflict::Refuse)
                .is_err_and(|e| e.reason == "a key comes twice")
        );
        assert_eq!(load(&mut back, &file, Conflict::Replace).map(|loaded| loaded.keys), Ok(26));
        assert_eq!(contents(&back), contents(&store));
        assert!(back.db_at(0).has_timed_fields());
    }

    #[test]
    fn a_file_may_come_in_any_pieces_and_have_something_behind_it() {
        let store = filled();
        let mut file = save(&store, options(VERSION_MAX), ORIGIN, Vec::new());
        file.extend_from_slice(b"*1\r\n");
        for size in [1, 2, 7, 1000, 10_000, 1 << 20] {
            let (mut keys, mut rest) = (0, Vec::new());
            let mut loader = Loader::default();
            let mut visit = |item: Item<'_>| {
                keys += u32::from(matches!(item, Item::Key(_)));
                Ok(())
            };
            let mut pieces = file.chunks(size);
            let mut done = false;
            while let Some(piece) = pieces.next() {
                if loader.push(piece, &store.tuning, &mut visit).expect("it is sound") {
                    done = true;
                    rest.extend(pieces.flatten());
                    break;
                }
            }
            if !done {
                loader.finish(&store.tuning, &mut visit).expect("it is whole");
            }
            rest.splice(0..0, loader.into_rest());
            assert_eq!((keys, &rest[..]), (26, &b"*1\r\n"[..]), "pieces of {size}");
        }
    }

    #[test]
    fn keys_whose_time_is_up_are_not_taken() {
        let store = filled();
        let file = save(&store, options(10), ORIGIN, Vec::new());
        let mut back = empty();
        back.now_ms = 1_800_000_000_001;
        let loaded = load(&mut back, &file, Conflict::Refuse).expect("its own file");
        assert_eq!((loaded.keys, loaded.expired), (25, 1));
    }

    #[test]
    fn what_only_others_write_is_skipped_or_refused() {
        let file = |body: &[u8]| {
            let mut file = [b"REDIS0012", body, &[0xff]].concat();
            file.extend_from_slice(&Crc64::of(&file).to_le_bytes());
            load(&mut empty(), &file, Conflict::Refuse)
        };
        // A module's data, with a part of every sort; a slot's sizes; a library.
        let loaded = file(
            b"\xf7\x81\0\0\0\0\0\0\0\x01\x02\x02\x01\x05\x02\x06\x03abcd\x04abcdefgh\x05\x02hi\0\
              \xf4\x01\x02\x03\xf5\x04code\0\x01k\x01v\x02\x01e\0",
        );
        let loaded = loaded.expect("all that is known");
        assert_eq!(
            (loaded.keys, loaded.empty, loaded.functions),
            (1, 1, alloc::vec![b"code".to_vec()])
        );
        for (body, reason, offset) in [
            (
                &b"\x07\x01k\x81\0\0\0\0\0\0\0\x01\0"[..],
                "a value of a module, of which there are none",
                12,
            ),
            (b"\xf6\x01x", "functions as a release candidate wrote them", 10),
            (b"\xfe\x04", "a database beyond the configured number of them", 11),
            (b"\x1f\x01k", "unknown type of a value 31", 12),
            (b"\0\x01k\xc4", "unknown form of a string 196", 13),
        ] {
            let error = file(body).expect_err(reason);
            assert_eq!((&*error.reason, error.offset), (reason, offset));
        }
    }
}
