//! The disk as everything else here sees it: few operations, each of which can fail.
//!
//! [`Files`] is the real one. Tests have another, which forgets what was not synced.

use core::ops::Range;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::path::Path;

/// A disk. What was written is there for readers at once, and after a loss of power if it was synced: bytes by
/// [`Disk::sync`], names by [`Disk::sync_dir`].
pub trait Disk: Clone + Send + core::fmt::Debug + 'static {
    /// A file open for writing.
    type File: Send + core::fmt::Debug;
    /// A file open for reading.
    type Source: Read + core::fmt::Debug;

    /// A new file, in the place of one that may be there.
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// A file to be written at its end; it is made if it is not there.
    fn append(&self, path: &Path) -> io::Result<Self::File>;
    /// Writes some of the bytes; how many.
    fn write(&self, file: &mut Self::File, bytes: &[u8]) -> io::Result<usize>;
    /// Waits until all that was written is on disk.
    fn sync(&self, file: &mut Self::File) -> io::Result<()>;
    /// Has these bytes, which were written last, brought to the disk, and waits for most of those before: the next
    /// [`Disk::sync`] has little left to do.
    fn push(&self, file: &mut Self::File, _bytes: Range<u64>) -> io::Result<()> {
        self.sync(file)
    }
    /// Cuts a file off at `len` bytes.
    fn truncate(&self, file: &mut Self::File, len: u64) -> io::Result<()>;
    /// Opens a file to be read from its start.
    fn open(&self, path: &Path) -> io::Result<Self::Source>;
    /// The length of a file.
    fn len(&self, path: &Path) -> io::Result<u64>;
    /// Gives a file another name, in the place of a file that has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory unless it is there.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Waits until the names in a directory are on disk.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Writes all bytes; on an error, how many were written.
    fn write_all(&self, file: &mut Self::File, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut written = 0;
        while written < bytes.len() {
            match self.write(file, &bytes[written..]) {
                Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
                Ok(len) => written += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err((written, error)),
            }
        }
        Ok(())
    }

    /// All of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Whether there is such a file.
    fn is_there(&self, path: &Path) -> bool {
        self.len(path).is_ok()
    }
}

/// The directory that a file is in.
pub fn dir_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The machine's disk.
#[derive(Debug, Clone, Copy)]
pub struct Files;

impl Disk for Files {
    type File = File;
    type Source = File;

    fn create(&self, path: &Path) -> io::Result<File> {
        File::create(path)
    }

    fn append(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).open(path)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn sync(&self, file: &mut File) -> io::Result<()> {
        file.sync_data()
    }

    /// Alone, without what the file system knows about them: that goes through its journal, and would have this
    /// written as often.
    #[cfg(target_os = "linux")]
    fn push(&self, file: &mut File, bytes: Range<u64>) -> io::Result<()> {
        let ask = |bytes: Range<u64>, flags| {
            let (from, len) = (bytes.start as i64, (bytes.end - bytes.start) as i64);
            // SAFETY: the descriptor is open, and the call takes no pointers.
            match unsafe { libc::sync_file_range(file.as_raw_fd(), from, len, flags) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        };
        let write = libc::SYNC_FILE_RANGE_WRITE;
        let wait = libc::SYNC_FILE_RANGE_WAIT_BEFORE | libc::SYNC_FILE_RANGE_WAIT_AFTER;
        let before = bytes.start.saturating_sub(2 * (bytes.end - bytes.start))..bytes.start;
        let asked = ask(bytes, write).and_then(|()| match before.is_empty() {
            true => Ok(()),
            false => ask(before, write | wait),
        });
        match asked {
            // A sandbox may know no such call.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                self.sync(file)
            }
            asked => asked,
        }
    }

    fn truncate(&self, file: &mut File, len: u64) -> io::Result<()> {
        file.set_len(len)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        File::open(path)
    }

    fn len(&self, path: &Path) -> io::Result<u64> {
        fs::metadata(path).map(|metadata| metadata.len())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            result => result,
        }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}
