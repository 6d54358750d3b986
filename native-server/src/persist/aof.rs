//! The append-only file: appending, syncing, and changing over to a new base.
//!
//! ```text
//! manifest ─▶ base ─▶ incr ─▶ … ─▶ incr   ◀─ appended here
//! ```
//!
//! A rewrite begins with a new increment, so that the old base with all increments stays whole until the new base is
//! on disk. When it is, the manifest is replaced, which is the moment at which the change happens; what it no longer
//! names is removed. If the rewrite fails, there is one increment more and nothing else has changed.
//!
//! When the file is turned on there is no base yet. What is appended goes to a temporary increment then, which
//! becomes part of the file together with the first base.
//!
//! Order is what makes a crash harmless: bytes are synced before a name refers to them, names before the manifest
//! does, and an increment before the next one is begun, so that what survives is always a beginning.

use std::io;
use std::path::Path;

use redstart_core::Level;

use super::disk::{Disk, dir_of};
use super::manifest::{Manifest, Part, Place};
use crate::settings::reason;

/// A line for the log.
pub type Line = (Level, String);

/// The append-only file.
#[derive(Debug)]
pub struct Aof<D: Disk> {
    /// Lines for the log, until somebody takes them.
    pub log: Vec<Line>,
    disk: D,
    place: Place,
    manifest: Manifest,
    /// Where changes go; `None`: they are not kept.
    open: Option<Open<D::File>>,
    /// What could not be written yet.
    pending: Vec<u8>,
}

/// The increment that is written.
#[derive(Debug)]
struct Open<F> {
    file: F,
    name: String,
    /// How much of it was written, in bytes.
    len: u64,
    /// Something was written that is not synced.
    dirty: bool,
    /// It stands in no manifest yet: there is no base that it goes with.
    temporary: bool,
}

/// How large the files are, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// The base.
    pub base: u64,
    /// All of them.
    pub all: u64,
}

impl<D: Disk> Aof<D> {
    /// The file that a manifest describes, not open yet.
    pub fn new(disk: D, place: Place, manifest: Manifest) -> Self {
        Self { log: Vec::new(), disk, place, manifest, open: None, pending: Vec::new() }
    }

    /// What it consists of.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Opens it for appending when the server starts. If there is nothing, `empty` becomes the base: an RDB file
    /// without keys, or nothing for a base of commands.
    pub fn start(&mut self, empty: &[u8]) -> io::Result<()> {
        self.disk.create_dir(&self.place.dir)?;
        let mut manifest = self.manifest.clone();
        if manifest.base.is_none() && manifest.incrs.is_empty() {
            let base = self.place.base(manifest.next_base(), !empty.is_empty());
            self.say(format!("Creating AOF base file {} on server start", base.name));
            let mut file = self.disk.create(&self.place.path(&base.name))?;
            self.disk.write_all(&mut file, empty).map_err(|(_, error)| error)?;
            self.disk.sync(&mut file)?;
            manifest.replace_base(base);
        }
        let is_new = manifest.incrs.is_empty();
        if is_new {
            manifest.incrs.push(self.place.incr(manifest.next_incr()));
        }
        let name = manifest.incrs.last().map(|part| part.name.clone()).unwrap_or_default();
        let doing = if is_new { "Creating" } else { "Opening" };
        self.say(format!("{doing} AOF incr file {name} on server start"));
        let file = self.disk.append(&self.place.path(&name))?;
        let len = self.disk.len(&self.place.path(&name))?;
        self.disk.sync_dir(&self.place.dir)?;
        if manifest != self.manifest {
            manifest.store(&self.disk, &self.place.manifest())?;
        }
        self.manifest = manifest;
        self.open = Some(Open { file, name, len, dirty: false, temporary: false });
        if !self.manifest.history.is_empty() {
            self.clean()?;
        }
        Ok(())
    }

    /// Writes these bytes behind all others. On an error they are kept, and written with the next ones or by
    /// [`Aof::retry`].
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.pending.is_empty() {
            let Err((written, error)) = self.write(bytes) else { return Ok(()) };
            self.pending.extend_from_slice(&bytes[written..]);
            return Err(error);
        }
        self.pending.extend_from_slice(bytes);
        self.retry()
    }

    /// Writes what could not be written before.
    pub fn retry(&mut self) -> io::Result<()> {
        let pending = core::mem::take(&mut self.pending);
        let Err((written, error)) = self.write(&pending) else { return Ok(()) };
        self.pending.extend_from_slice(&pending[written..]);
        Err(error)
    }

    /// Whether something waits to be written.
    pub fn is_behind(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Writes bytes; on an error, how many of them are in the file. A part of a command is cut off again.
    fn write(&mut self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if bytes.is_empty() {
            return Ok(());
        }
        open.dirty = true;
        let Err((written, error)) = self.disk.write_all(&mut open.file, bytes) else {
            open.len += bytes.len() as u64;
            return Ok(());
        };
        if written == 0 {
            return Err((0, error));
        }
        let line = format!(
            "Short write while writing to the AOF file: (nwritten={written}, expected={})",
            bytes.len()
        );
        self.log.push((Level::Warning, line));
        if let Err(error) = self.disk.truncate(&mut open.file, open.len) {
            let line = format!(
                "Could not remove short write from the append-only file.  Redis may refuse to load the \
                 AOF the next time it starts.  ftruncate: {}",
                reason(&error)
            );
            self.log.push((Level::Warning, line));
            open.len += written as u64;
            return Err((written, error));
        }
        Err((0, error))
    }

    /// Waits until all that was written is on disk.
    pub fn sync(&mut self) -> io::Result<()> {
        let Some(open) = self.open.as_mut().filter(|open| open.dirty) else { return Ok(()) };
        self.disk.sync(&mut open.file)?;
        open.dirty = false;
        Ok(())
    }

    /// A rewrite begins: what comes from now on goes to a new increment. If the file is off, there is none.
    pub fn begin_rewrite(&mut self, is_on: bool) -> io::Result<()> {
        self.disk.create_dir(&self.place.dir)?;
        if !is_on {
            return Ok(());
        }
        let Some(old) = self.open.as_ref().filter(|open| !open.temporary) else {
            let name = self.place.first_incr();
            self.creating(&name);
            let file = self.disk.create(&self.place.path(&name))?;
            self.open = Some(Open { file, name, len: 0, dirty: false, temporary: true });
            self.pending.clear();
            return Ok(());
        };
        debug_assert!(!old.temporary, "it stands in the manifest");
        if self.is_behind() {
            self.retry()?;
        }
        self.sync()?;
        let part = self.place.incr(self.manifest.next_incr());
        self.creating(&part.name);
        let path = self.place.path(&part.name);
        let mut manifest = self.manifest.clone();
        let opened = self.disk.create(&path).and_then(|file| {
            self.disk.sync_dir(&self.place.dir)?;
            manifest.incrs.push(part.clone());
            manifest.store(&self.disk, &self.place.manifest())?;
            Ok(file)
        });
        let file = opened.inspect_err(|_| _ = self.disk.remove(&path))?;
        self.manifest = manifest;
        self.open = Some(Open { file, name: part.name, len: 0, dirty: false, temporary: false });
        Ok(())
    }

    fn creating(&mut self, name: &str) {
        self.say(format!("Creating AOF incr file {name} on background rewrite"));
    }

    /// The file at `temporary`, synced, is the new base.
    pub fn end_rewrite(
        &mut self,
        temporary: &Path,
        is_rdb: bool,
        keep_history: bool,
    ) -> io::Result<()> {
        let mut manifest = self.manifest.clone();
        let base = self.place.base(manifest.next_base(), is_rdb);
        let path = self.place.path(&base.name);
        self.disk.rename(temporary, &path)?;
        let from = temporary.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.say(format!(
            "Successfully renamed the temporary AOF base file {from} into {}",
            base.name
        ));
        manifest.replace_base(base);
        let renamed = self.adopt_first(&mut manifest);
        let stored = renamed.and_then(|()| {
            manifest.retire_incrs(usize::from(self.open.is_some()));
            self.disk.sync_dir(&self.place.dir)?;
            manifest.store(&self.disk, &self.place.manifest())
        });
        if let Err(error) = stored {
            // Nothing refers to it.
            let _ = self.disk.remove(&path);
            return Err(error);
        }
        self.manifest = manifest;
        if let Some(open) = &mut self.open
            && open.temporary
        {
            open.temporary = false;
            open.name =
                self.manifest.incrs.last().map(|part| part.name.clone()).unwrap_or_default();
        }
        if keep_history { Ok(()) } else { self.clean() }
    }

    /// Gives the temporary increment, if there is one, a name and a place in the manifest.
    fn adopt_first(&mut self, manifest: &mut Manifest) -> io::Result<()> {
        let Some(open) = self.open.as_mut().filter(|open| open.temporary) else { return Ok(()) };
        let part = self.place.incr(manifest.next_incr());
        self.disk.sync(&mut open.file)?;
        open.dirty = false;
        self.disk.rename(&self.place.path(&open.name), &self.place.path(&part.name))?;
        let line = format!(
            "Successfully renamed the temporary AOF incr file {} into {}",
            open.name, part.name
        );
        open.name.clone_from(&part.name);
        manifest.incrs.push(part);
        self.say(line);
        Ok(())
    }

    /// The rewrite has failed, or is not wanted any more.
    pub fn fail_rewrite(&mut self) {
        if let Some(open) = self.open.take_if(|open| open.temporary) {
            self.say(format!("Removing the temp incr aof file {} in the background", open.name));
            self.remove(&open.name);
            self.pending.clear();
        }
    }

    /// Changes are no longer kept. What was written is on disk when this returns.
    pub fn close(&mut self) -> io::Result<()> {
        let result = self.retry().and_then(|()| self.sync());
        self.fail_rewrite();
        self.open = None;
        self.pending.clear();
        result
    }

    /// Removes what is no longer needed.
    pub fn clean(&mut self) -> io::Result<()> {
        let history = core::mem::take(&mut self.manifest.history);
        for Part { name, .. } in &history {
            self.say(format!("Removing the history file {name} in the background"));
            self.remove(name);
        }
        if history.is_empty() {
            return Ok(());
        }
        self.manifest.store(&self.disk, &self.place.manifest())
    }

    fn remove(&mut self, name: &str) {
        // One that is left behind does no harm.
        let _ = self.disk.remove(&self.place.path(name));
    }

    /// How large it is.
    pub fn sizes(&self) -> Sizes {
        let len = |part: &Part| self.disk.len(&self.place.path(&part.name)).unwrap_or(0);
        let base = self.manifest.base.as_ref().map_or(0, len);
        let incrs: u64 = self.manifest.incrs.iter().map(len).sum();
        Sizes { base, all: base + incrs }
    }

    fn say(&mut self, line: String) {
        self.log.push((Level::Notice, line));
    }
}

/// The file that versions before 7 kept becomes the base of one that has a manifest.
pub fn adopt_old_file<D: Disk>(disk: &D, place: &Place) -> io::Result<Manifest> {
    let old = place.old_file();
    let mut manifest = Manifest::default();
    manifest.replace_base(Part { name: place.stem.clone(), ..place.base(1, false) });
    disk.create_dir(&place.dir)?;
    manifest.store(disk, &place.manifest())?;
    disk.rename(&old, &place.path(&place.stem))?;
    disk.sync_dir(&place.dir)?;
    disk.sync_dir(dir_of(&old))?;
    Ok(manifest)
}
