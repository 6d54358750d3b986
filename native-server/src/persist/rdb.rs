//! A file that is written whole or not at all: under a temporary name, synced, then given its own.

use std::io;
use std::path::{Path, PathBuf};

use super::disk::{Disk, dir_of};

/// So much is written before it is synced: a single sync of a large file would hold up those of others.
const UNSYNCED_BYTES_MAX: u64 = 4 << 20;

/// A file being written.
#[derive(Debug)]
pub struct NewFile<D: Disk> {
    disk: D,
    file: D::File,
    path: PathBuf,
    unsynced: u64,
    /// Whether it is synced as it grows: `rdb-save-incremental-fsync`.
    pub in_steps: bool,
}

impl<D: Disk> NewFile<D> {
    /// An empty one under a temporary name.
    pub fn create(disk: D, path: PathBuf) -> io::Result<Self> {
        let file = disk.create(&path)?;
        Ok(Self { disk, file, path, unsynced: 0, in_steps: true })
    }

    /// Its temporary name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes more of it.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.write_all(&mut self.file, bytes).map_err(|(_, error)| error)?;
        self.unsynced += bytes.len() as u64;
        if self.in_steps && self.unsynced >= UNSYNCED_BYTES_MAX {
            self.unsynced = 0;
            self.disk.sync(&mut self.file)?;
        }
        Ok(())
    }

    /// All was written: waits until it is on disk.
    pub fn sync(&mut self) -> io::Result<()> {
        self.disk.sync(&mut self.file)
    }

    /// Syncs it and gives it its name, in the place of a file that has it.
    pub fn finish(mut self, name: &Path) -> io::Result<()> {
        let result = self.sync().and_then(|()| {
            self.disk.rename(&self.path, name)?;
            self.disk.sync_dir(dir_of(name))
        });
        if result.is_err() {
            self.remove();
        }
        result
    }

    /// It is not wanted.
    pub fn remove(self) {
        // It may be gone already.
        let _ = self.disk.remove(&self.path);
    }
}
