//! A file that is written whole or not at all: under a temporary name, synced, then given its own.

use std::io;
use std::path::{Path, PathBuf};

use super::disk::{Disk, dir_of};
use super::seal::{Key, Sealer};

/// So much is written before it goes on its way to the disk: a single sync of a large file would hold up those of
/// others.
const PUSHED_BYTES: u64 = 1 << 20;

/// A file being written.
#[derive(Debug)]
pub struct NewFile<D: Disk> {
    disk: D,
    file: D::File,
    path: PathBuf,
    /// How much was written, and how much of it is on its way to the disk.
    written: u64,
    pushed: u64,
    /// Whether it is synced as it grows: `rdb-save-incremental-fsync`.
    pub in_steps: bool,
    /// Seals what is written, if it is to be sealed.
    sealer: Option<Sealer>,
    /// What was sealed and not written yet.
    sealed: Vec<u8>,
}

impl<D: Disk> NewFile<D> {
    /// An empty one under a temporary name.
    pub fn create(disk: D, path: PathBuf) -> io::Result<Self> {
        let file = disk.create(&path)?;
        let (sealer, sealed) = (None, Vec::new());
        Ok(Self { disk, file, path, written: 0, pushed: 0, in_steps: true, sealer, sealed })
    }

    /// Has all of it sealed; nothing was written yet.
    pub fn seal(&mut self, key: &Key) -> io::Result<()> {
        self.sealer = Some(Sealer::new(key, &mut self.sealed)?);
        Ok(())
    }

    /// Its temporary name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes more of it.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(sealer) = &mut self.sealer else { return self.put(bytes) };
        sealer.push(bytes, &mut self.sealed)?;
        self.put_sealed()
    }

    fn put_sealed(&mut self) -> io::Result<()> {
        let mut sealed = core::mem::take(&mut self.sealed);
        let result = self.put(&sealed);
        sealed.clear();
        self.sealed = sealed;
        result
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.write_all(&mut self.file, bytes).map_err(|(_, error)| error)?;
        self.written += bytes.len() as u64;
        if self.in_steps && self.written - self.pushed >= PUSHED_BYTES {
            self.disk.push(&mut self.file, self.pushed..self.written)?;
            self.pushed = self.written;
        }
        Ok(())
    }

    /// All was written: waits until it is on disk.
    pub fn sync(&mut self) -> io::Result<()> {
        if let Some(sealer) = self.sealer.take() {
            sealer.finish(&mut self.sealed)?;
            self.put_sealed()?;
        }
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
