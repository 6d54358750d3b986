//! The manifest of an append-only file: which files it consists of, one line for each.
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b       all there was at some moment
//! file appendonly.aof.1.incr.aof seq 1 type h       no longer needed: about to be removed
//! file appendonly.aof.2.incr.aof seq 2 type i       what changed since, in the order of these lines
//! ```

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

use redstart_core::resp::parse::split_words;

use super::disk::{Disk, dir_of};

/// Lines are no longer than this.
const LINE_BYTES_MAX: usize = 1024;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The data set at some moment.
    Base,
    /// What changed since.
    Incr,
    /// No longer needed.
    History,
}

/// One of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name, without a directory.
    pub name: String,
    /// Its number among those of its kind.
    pub seq: u64,
    /// What it is.
    pub kind: Kind,
}

/// The files that an append-only file consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The data set at some moment.
    pub base: Option<Part>,
    /// No longer needed, those that became so last first.
    pub history: Vec<Part>,
    /// What changed since the base, in this order.
    pub incrs: Vec<Part>,
}

/// Why there is no manifest in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1 on, and what it says.
    pub line: Option<(usize, String)>,
    /// What is wrong.
    pub reason: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)
    }
}

impl Manifest {
    /// Reads the lines of a manifest.
    pub fn parse(text: &[u8]) -> Result<Self, Fault> {
        let fail = |reason| Err(Fault { line: None, reason });
        if text.is_empty() {
            return fail("Found an empty AOF manifest");
        }
        let mut manifest = Self::default();
        let mut seq_max = 0;
        for (at, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let Some(line) = line.strip_suffix(b"\n").filter(|l| l.len() < LINE_BYTES_MAX - 1)
            else {
                return fail("The AOF manifest file contains too long line");
            };
            if line.first() == Some(&b'#') {
                continue;
            }
            manifest.line(line, &mut seq_max).map_err(|reason| {
                let line = String::from_utf8_lossy(line).into_owned();
                Fault { line: Some((at + 1, line)), reason }
            })?;
        }
        Ok(manifest)
    }

    fn line(&mut self, line: &[u8], incr_seq: &mut u64) -> Result<(), &'static str> {
        const FORMAT: &str = "Invalid AOF manifest file format";
        let words = split_words(line.trim_ascii()).unwrap_or_default();
        if words.len() < 6 || !words.len().is_multiple_of(2) {
            return Err(FORMAT);
        }
        let (mut name, mut seq, mut kind) = (None, 0, None);
        for pair in words.chunks(2) {
            let value = String::from_utf8_lossy(&pair[1]);
            match &pair[0].to_ascii_lowercase()[..] {
                b"file" if value.contains('/') => {
                    return Err("File can't be a path, just a filename");
                }
                b"file" => name = Some(value.into_owned()),
                b"seq" => seq = value.parse().unwrap_or(0),
                b"type" => kind = pair[1].first().copied(),
                // What later versions may add.
                _ => {}
            }
        }
        let (Some(name), 1.., Some(kind)) = (name, seq, kind) else { return Err(FORMAT) };
        match kind {
            b'b' if self.base.is_some() => return Err("Found duplicate base file information"),
            b'b' => self.base = Some(Part { name, seq, kind: Kind::Base }),
            b'h' => self.history.push(Part { name, seq, kind: Kind::History }),
            b'i' if seq <= *incr_seq => return Err("Found a non-monotonic sequence number"),
            b'i' => {
                *incr_seq = seq;
                self.incrs.push(Part { name, seq, kind: Kind::Incr });
            }
            _ => return Err("Unknown AOF file type"),
        }
        Ok(())
    }

    /// The lines, as they stand in the file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for part in self.base.iter().chain(&self.history).chain(&self.incrs) {
            let kind = match part.kind {
                Kind::Base => 'b',
                Kind::History => 'h',
                Kind::Incr => 'i',
            };
            text += &format!("file {} seq {} type {kind}\n", quoted(&part.name), part.seq);
        }
        text
    }

    /// Replaces the manifest at `path` by this, so that there is a whole one at any moment.
    pub fn store<D: Disk>(&self, disk: &D, path: &Path) -> io::Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = dir_of(path).join(format!("temp-{name}"));
        let write = || {
            let mut file = disk.create(&temporary)?;
            disk.write_all(&mut file, self.text().as_bytes()).map_err(|(_, error)| error)?;
            disk.sync(&mut file)?;
            disk.rename(&temporary, path)?;
            disk.sync_dir(dir_of(path))
        };
        let result = write();
        if result.is_err() {
            // It may not even be there.
            let _ = disk.remove(&temporary);
        }
        result
    }

    /// The number of the next base.
    pub fn next_base(&self) -> u64 {
        self.base.as_ref().map_or(0, |part| part.seq) + 1
    }

    /// The number of the next increment, whose file must not be there yet.
    pub fn next_incr(&self) -> u64 {
        let old = self.history.iter().filter(|part| part.name.ends_with(".incr.aof"));
        old.chain(&self.incrs).map(|part| part.seq).max().unwrap_or(0) + 1
    }

    /// Puts a base in the place of the one there is, which becomes history.
    pub fn replace_base(&mut self, base: Part) {
        if let Some(old) = self.base.replace(base) {
            self.history.insert(0, Part { kind: Kind::History, ..old });
        }
    }

    /// All increments but the last `keep` become history.
    pub fn retire_incrs(&mut self, keep: usize) {
        let count = self.incrs.len().saturating_sub(keep);
        for old in self.incrs.drain(..count).rev() {
            self.history.insert(0, Part { kind: Kind::History, ..old });
        }
    }
}

/// A name as a word of a line: in quotes if it is not plain.
fn quoted(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if name.bytes().all(plain) {
        return name.to_string();
    }
    let mut out = String::from("\"");
    for byte in name.bytes() {
        match byte {
            b'\\' | b'"' => out.extend(['\\', byte.into()]),
            b'\n' => out += "\\n",
            b'\r' => out += "\\r",
            b'\t' => out += "\\t",
            0x07 => out += "\\a",
            0x08 => out += "\\b",
            b' '..=b'~' => out.push(byte.into()),
            _ => out += &format!("\\x{byte:02x}"),
        }
    }
    out.push('"');
    out
}

/// Where an append-only file is, and what its files are called: `appenddirname` and `appendfilename`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The directory of the files, seen from the server's.
    pub dir: PathBuf,
    /// What their names begin with.
    pub stem: String,
}

impl Place {
    /// The path of one of the files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The path of the manifest.
    pub fn manifest(&self) -> PathBuf {
        self.dir.join(format!("{}.manifest", self.stem))
    }

    /// The file that versions before 7 kept, with everything in it.
    pub fn old_file(&self) -> PathBuf {
        self.stem.clone().into()
    }

    /// A base with this number: an RDB file, or commands.
    pub fn base(&self, seq: u64, is_rdb: bool) -> Part {
        let ending = if is_rdb { "rdb" } else { "aof" };
        Part { name: format!("{}.{seq}.base.{ending}", self.stem), seq, kind: Kind::Base }
    }

    /// An increment with this number.
    pub fn incr(&self, seq: u64) -> Part {
        Part { name: format!("{}.{seq}.incr.aof", self.stem), seq, kind: Kind::Incr }
    }

    /// The increment that is written until there is a first base.
    pub fn first_incr(&self) -> String {
        format!("temp-{}.incr", self.stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> &'static str {
        Manifest::parse(text.as_bytes()).expect_err(text).reason
    }

    #[test]
    fn what_is_written_is_read_back() {
        let place = Place { dir: "d".into(), stem: " a\n\u{1}\"b".into() };
        let mut manifest = Manifest::default();
        for seq in 1..4 {
            manifest.replace_base(place.base(seq, seq % 2 == 0));
            manifest.incrs.push(place.incr(seq * 2));
            manifest.incrs.push(place.incr(seq * 2 + 1));
            manifest.retire_incrs(1);
        }
        assert_eq!(Manifest::parse(manifest.text().as_bytes()), Ok(manifest.clone()));
        assert_eq!((manifest.next_base(), manifest.next_incr()), (4, 8));
        let names: Vec<u64> = manifest.history.iter().map(|part| part.seq).collect();
        assert_eq!(names, [5, 6, 2, 3, 4, 1, 2]);
    }

    #[test]
    fn lines_look_as_redis_writes_them() {
        let place = Place { dir: "d".into(), stem: "appendonly.aof".into() };
        let manifest = Manifest {
            base: Some(place.base(2, true)),
            history: vec![Part { kind: Kind::History, ..place.incr(1) }],
            incrs: vec![place.incr(2)],
        };
        let text = "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.1.incr.aof seq 1 \
                    type h\nfile appendonly.aof.2.incr.aof seq 2 type i\n";
        assert_eq!(manifest.text(), text);
        let more = "# a comment\nfile a seq 1 type b later addition\nFILE ' b' SEQ 7 TYPE i\n";
        let manifest = Manifest::parse(more.as_bytes()).expect("all that Redis takes");
        assert_eq!(manifest.text(), "file a seq 1 type b\nfile \" b\" seq 7 type i\n");
    }

    #[test]
    fn each_mistake_is_called_what_redis_calls_it() {
        assert_eq!(fault(""), "Found an empty AOF manifest");
        assert_eq!(fault("file a seq 1 type i"), "The AOF manifest file contains too long line");
        let long = format!("file {} seq 1 type i\n", "a".repeat(1100));
        assert_eq!(fault(&long), "The AOF manifest file contains too long line");
        for line in [
            "",
            "filx a seq 1 type i",
            "file a type i",
            "file a seq 1 type i k",
            "file a seq 0 type i",
        ] {
            assert_eq!(fault(&format!("{line}\n")), "Invalid AOF manifest file format", "{line}");
        }
        assert_eq!(fault("file a/b seq 1 type i\n"), "File can't be a path, just a filename");
        assert_eq!(fault("file a seq 1 type x\n"), "Unknown AOF file type");
        let twice = "file a seq 1 type b\nfile b seq 2 type b\n";
        assert_eq!(fault(twice), "Found duplicate base file information");
        let back = "file a seq 2 type i\nfile b seq 1 type i\n";
        assert_eq!(fault(back), "Found a non-monotonic sequence number");
        let second = Manifest::parse(back.as_bytes()).expect_err("it goes back");
        assert_eq!(second.line, Some((2, "file b seq 1 type i".into())));
    }
}
