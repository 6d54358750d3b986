//! A disk that loses power: what was not synced is gone, there, or there in part, as chance has it.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use redstart_server::persist::disk::Disk;

/// A source of chance.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound.max(1)
    }

    pub(crate) fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

#[derive(Debug, Clone, Default)]
struct Inode {
    /// What readers see.
    bytes: Vec<u8>,
    /// What is on the platter.
    durable: Vec<u8>,
}

/// A name that was given or taken away.
#[derive(Debug, Clone)]
struct Change {
    path: PathBuf,
    inode: Option<usize>,
    /// The name that it had before.
    from: Option<PathBuf>,
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// Changes of names since their directories were synced.
    changes: Vec<Change>,
    /// Operations until the power goes.
    fuse: Option<u64>,
    dead: bool,
    /// Writes fail from time to time: one in so many.
    write_faults: u64,
    chance: Option<Chance>,
}

/// The disk; clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fragile(Arc<Mutex<State>>);

impl Fragile {
    pub(crate) fn new(seed: u64, write_faults: u64) -> Self {
        let this = Self::default();
        this.state().chance = Some(Chance::new(seed));
        this.state().write_faults = write_faults;
        this
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds it")
    }

    /// The power goes after so many operations.
    pub(crate) fn light_fuse(&self, operations: u64) {
        self.state().fuse = Some(operations);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// The power has gone and is back.
    pub(crate) fn restart(&self) {
        let mut state = self.state();
        let state = &mut *state;
        let chance = state.chance.as_mut().expect("it was made with a seed");
        for change in core::mem::take(&mut state.changes) {
            if chance.one_in(2) {
                if let Some(from) = &change.from {
                    state.durable_names.remove(from);
                }
                match change.inode {
                    Some(inode) => _ = state.durable_names.insert(change.path, inode),
                    None => _ = state.durable_names.remove(&change.path),
                }
            }
        }
        state.names = state.durable_names.clone();
        for inode in &mut state.inodes {
            let (old, new) = (inode.durable.len(), inode.bytes.len());
            let kept = match chance.below(4) {
                0 => old.min(new),
                1 => new,
                _ => old.min(new) + chance.below(new.saturating_sub(old) as u64 + 1) as usize,
            };
            let mut bytes = inode.bytes[..kept].to_vec();
            // A file that was cut may still have its old end.
            if new < old && chance.one_in(2) {
                bytes.clone_from(&inode.durable);
            }
            // The length may be there before what it stands for.
            if new > kept && chance.one_in(4) {
                bytes.resize(kept + 1 + chance.below((new - kept) as u64) as usize, 0);
            }
            inode.durable.clone_from(&bytes);
            inode.bytes = bytes;
        }
        state.fuse = None;
        state.dead = false;
    }

    /// Counts an operation.
    fn operate(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        if let Some(fuse) = &mut state.fuse {
            if *fuse == 0 {
                state.dead = true;
            } else {
                *fuse -= 1;
            }
        }
        if state.dead { Err(io::Error::other("no power")) } else { Ok(state) }
    }

    /// The names there are, for a message.
    pub(crate) fn listing(&self) -> HashMap<PathBuf, usize> {
        let state = self.state();
        state.names.iter().map(|(path, &at)| (path.clone(), state.inodes[at].bytes.len())).collect()
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for Fragile {
    type File = usize;
    type Source = Cursor<Vec<u8>>;

    fn create(&self, path: &Path) -> io::Result<usize> {
        let mut state = self.operate()?;
        state.inodes.push(Inode::default());
        let inode = state.inodes.len() - 1;
        state.names.insert(path.into(), inode);
        state.changes.push(Change { path: path.into(), inode: Some(inode), from: None });
        Ok(inode)
    }

    fn append(&self, path: &Path) -> io::Result<usize> {
        let found = self.operate()?.names.get(path).copied();
        match found {
            Some(inode) => Ok(inode),
            None => self.create(path),
        }
    }

    fn write(&self, file: &mut usize, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.operate()?;
        let faults = state.write_faults;
        let chance = state.chance.as_mut().expect("it was made with a seed");
        let mut len = bytes.len();
        if faults > 0 && chance.one_in(faults) {
            len = chance.below(bytes.len() as u64) as usize;
            if len == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        state.inodes[*file].bytes.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn sync(&self, file: &mut usize) -> io::Result<()> {
        let mut state = self.operate()?;
        let inode = &mut state.inodes[*file];
        inode.durable.clone_from(&inode.bytes);
        Ok(())
    }

    fn truncate(&self, file: &mut usize, len: u64) -> io::Result<()> {
        self.operate()?.inodes[*file].bytes.resize(len as usize, 0);
        Ok(())
    }

    fn open(&self, path: &Path) -> io::Result<Cursor<Vec<u8>>> {
        let state = self.operate()?;
        let inode = state.names.get(path).ok_or_else(missing)?;
        Ok(Cursor::new(state.inodes[*inode].bytes.clone()))
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        let state = self.operate()?;
        let inode = state.names.get(path).ok_or_else(missing)?;
        Ok(state.inodes[*inode].bytes.len() as u64)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.operate()?;
        let inode = state.names.remove(from).ok_or_else(missing)?;
        state.names.insert(to.into(), inode);
        state.changes.push(Change { path: to.into(), inode: Some(inode), from: Some(from.into()) });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.operate()?;
        state.names.remove(path).ok_or_else(missing)?;
        state.changes.push(Change { path: path.into(), inode: None, from: None });
        Ok(())
    }

    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        self.operate().map(|_| ())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.operate()?;
        let state = &mut *state;
        let (mut synced, mut rest) = (Vec::new(), Vec::new());
        for change in core::mem::take(&mut state.changes) {
            let here = change.path.parent().unwrap_or(Path::new("")) == path
                || (path == Path::new(".") && change.path.parent() == Some(Path::new("")));
            if here { synced.push(change) } else { rest.push(change) }
        }
        state.changes = rest;
        for change in synced {
            if let Some(from) = &change.from {
                state.durable_names.remove(from);
            }
            match change.inode {
                Some(inode) => _ = state.durable_names.insert(change.path, inode),
                None => _ = state.durable_names.remove(&change.path),
            }
        }
        Ok(())
    }
}
