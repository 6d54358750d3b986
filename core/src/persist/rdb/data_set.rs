//! The data set of a [`Store`] to a file's bytes and back.

use super::loader::{Item, Keyed, LoadError, Loader};
use super::snapshot::{Options, Origin, Snapshot};
use crate::store::Store;
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// What becomes of a key that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// The file is refused.
    Refuse,
    /// The file's replaces it.
    Replace,
}

/// What was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Keys that are there now.
    pub keys: u64,
    /// Keys that were not taken since their time is up.
    pub expired: u64,
    /// Keys whose values had no members.
    pub empty: u64,
    /// The code of libraries of functions.
    pub functions: Vec<Vec<u8>>,
}

/// The whole data set as a file.
pub fn save(store: &Store, options: Options, origin: Origin) -> Vec<u8> {
    let mut out = Vec::new();
    Snapshot::new(options, origin).finish(store, &mut out);
    out
}

/// Writes the data set, empties the keyspace if wanted, and adds the keys of what was written.
pub fn reload(
    store: &mut Store,
    options: Options,
    origin: Origin,
    empty: bool,
    conflict: Conflict,
) -> Result<Loaded, LoadError> {
    let file = save(store, options, origin);
    if empty {
        for index in 0..store.count() {
            store.flush(index);
        }
    }
    load(store, &file, conflict)
}

/// Adds the keys of a file. What was added before an error stays.
pub fn load(store: &mut Store, bytes: &[u8], conflict: Conflict) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded::default();
    let mut index = 0;
    let tuning = store.tuning.clone();
    let mut visit = |item: Item<'_>| match item {
        Item::Fact(..) => Ok(()),
        Item::Database(number) => match usize::try_from(number) {
            Ok(number) if number < store.count() => {
                index = number;
                Ok(())
            }
            _ => Err(Cow::Borrowed("a database beyond the configured number of them")),
        },
        Item::Function(code) => {
            loaded.functions.push(code.to_vec());
            Ok(())
        }
        Item::Empty => {
            loaded.empty += 1;
            Ok(())
        }
        Item::Key(key) => add(store, index, key, conflict, &mut loaded),
    };
    let mut loader = Loader::default();
    loader.push(bytes, &tuning, &mut visit)?;
    loader.finish(&tuning, &mut visit)?;
    Ok(loaded)
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
