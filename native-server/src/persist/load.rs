//! Loading at the start: the append-only file if it is on, otherwise the snapshot. Step by step, so that clients can
//! be told meanwhile that it is not done.
//!
//! Files are read in pieces. What cannot be read ends the server before anything on disk has changed, except that
//! the end of an append-only file that was not written whole is cut off (`aof-load-truncated`).

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Instant;

use redstart_core::engine::replay::Fault;
use redstart_core::persist::rdb::data_set::{Load, Loaded};
use redstart_core::persist::rdb::loader::LoadError;
use redstart_core::{Engine, Level, Now, Replay};

use super::aof::{Line, adopt_old_file};
use super::disk::Disk;
use super::manifest::{Manifest, Place};
use super::seal::{Key, Opened};
use crate::settings::reason;

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 256 << 10;
/// How an RDB file begins, whoever wrote it.
const MAGICS: [&[u8]; 2] = [b"REDIS", b"VALKEY"];

/// What is to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A snapshot of this name.
    Snapshot(PathBuf),
    /// The append-only file.
    Aof(Place),
}

/// Why the server cannot start: the last lines of its log.
#[derive(Debug)]
pub struct Refusal(pub Vec<Line>);

impl Refusal {
    fn new(line: String) -> Self {
        Self(vec![(Level::Warning, line)])
    }
}

/// The files on their way into the engine.
#[derive(Debug)]
pub struct Loading<D: Disk> {
    /// Lines for the log, until somebody takes them.
    pub log: Vec<Line>,
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes that were read.
    pub done: u64,
    /// Something was there to be loaded.
    pub found: bool,
    /// Bytes that are read at a time.
    pub piece_bytes: usize,
    /// What opens RDB files that are sealed.
    pub key: Option<Key>,
    /// The append-only file's parts, if that is loaded.
    pub manifest: Option<Manifest>,
    /// What the RDB files held.
    pub loaded: Loaded,
    disk: D,
    place: Option<Place>,
    truncated_is_fine: bool,
    began: Instant,
    files: VecDeque<Source>,
    open: Option<Open<D>>,
}

#[derive(Debug)]
struct Source {
    path: PathBuf,
    name: String,
    kind: Sort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Snapshot,
    Base,
    Incr,
}

/// The file that is read.
#[derive(Debug)]
struct Open<D: Disk> {
    source: Source,
    input: Opened<D::Source>,
    began: Instant,
    /// What was read and not understood yet.
    rest: Vec<u8>,
    /// Bytes that were read.
    read: u64,
    /// Bytes before those of commands: an RDB file in front of them.
    front: u64,
    how: How,
}

#[derive(Debug)]
enum How {
    /// Nothing has come yet.
    Unknown,
    Rdb(Box<Load>),
    Commands(Box<Replay>),
}

impl<D: Disk> Loading<D> {
    /// Looks for the files.
    pub fn begin(disk: D, what: What, truncated_is_fine: bool) -> Result<Self, Refusal> {
        let mut this = Self {
            log: Vec::new(),
            bytes: 0,
            done: 0,
            found: false,
            piece_bytes: PIECE_BYTES,
            key: None,
            manifest: None,
            loaded: Loaded::default(),
            disk,
            place: None,
            truncated_is_fine,
            began: Instant::now(),
            files: VecDeque::new(),
            open: None,
        };
        match what {
            What::Snapshot(path) => {
                // One that is not there is none; one that cannot be read is told of when it is opened.
                if this.disk.is_there(&path) || this.disk.open(&path).is_ok() {
                    this.bytes = this.disk.len(&path).unwrap_or(0);
                    let name = path.display().to_string();
                    this.files.push_back(Source { path, name, kind: Sort::Snapshot });
                }
            }
            What::Aof(place) => this.find_aof(place)?,
        }
        this.found = !this.files.is_empty();
        Ok(this)
    }

    fn find_aof(&mut self, place: Place) -> Result<(), Refusal> {
        let manifest = self.read_manifest(&place)?;
        let parts = manifest.base.iter().map(|part| (part, Sort::Base));
        let parts = parts.chain(manifest.incrs.iter().map(|part| (part, Sort::Incr)));
        for (part, kind) in parts {
            let path = place.path(&part.name);
            match self.disk.len(&path) {
                Ok(len) => self.bytes += len,
                Err(error) => {
                    let name = &part.name;
                    return Err(Refusal::new(format!(
                        "Unable to obtain the AOF file {name} length. stat: {}",
                        reason(&error)
                    )));
                }
            }
            self.files.push_back(Source { path, name: part.name.clone(), kind });
        }
        self.place = Some(place);
        self.manifest = Some(manifest);
        Ok(())
    }

    /// The manifest, or one for the file that an earlier version has kept.
    fn read_manifest(&mut self, place: &Place) -> Result<Manifest, Refusal> {
        let path = place.manifest();
        let old = place.old_file();
        let text = match self.disk.read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !self.disk.is_there(&old) {
                    return Ok(Manifest::default());
                }
                return self.adopt(place);
            }
            Err(error) => {
                return Err(Refusal::new(format!(
                    "Fatal error: can't open the AOF manifest file {} for reading: {}",
                    path.display(),
                    reason(&error)
                )));
            }
        };
        let manifest = Manifest::parse(&text).map_err(|fault| {
            let mut lines = vec!["\n*** FATAL AOF MANIFEST FILE ERROR ***\n".to_string()];
            if let Some((number, line)) = &fault.line {
                lines.push(format!("Reading the manifest file, at line {number}\n"));
                lines.push(format!(">>> '{line}'\n"));
            }
            lines.push(fault.to_string());
            Refusal(lines.into_iter().map(|line| (Level::Warning, line)).collect())
        })?;
        // An adoption that was cut short before the file was moved.
        let alone = manifest.incrs.is_empty() && manifest.history.is_empty();
        let is_old = manifest.base.as_ref().is_some_and(|base| base.name == place.stem);
        if alone
            && is_old
            && !self.disk.is_there(&place.path(&place.stem))
            && self.disk.is_there(&old)
        {
            return self.adopt(place);
        }
        Ok(manifest)
    }

    fn adopt(&mut self, place: &Place) -> Result<Manifest, Refusal> {
        let (old, dir) = (place.old_file(), place.dir.display());
        let manifest = adopt_old_file(&self.disk, place).map_err(|error| {
            Refusal::new(format!(
                "Error trying to move the old AOF file {} into dir {dir}: {}",
                old.display(),
                reason(&error)
            ))
        })?;
        self.log.push((
            Level::Notice,
            format!(
                "Successfully migrated an old-style AOF configuration ({}) into the AOF directory ({dir}).",
                old.display()
            ),
        ));
        Ok(manifest)
    }

    /// Loads a piece; whether that was all.
    pub fn step(&mut self, engine: &mut Engine, now: Now) -> Result<bool, Refusal> {
        let Some(mut open) = self.open.take() else {
            let Some(source) = self.files.pop_front() else {
                self.finish();
                return Ok(true);
            };
            let input =
                self.disk.open(&source.path).map_err(|error| cannot_open(&source, &error))?;
            let input = match source.kind {
                Sort::Snapshot | Sort::Base => Opened::new(input, self.key.as_ref())
                    .map_err(|error| cannot_read(&source, &error))?,
                Sort::Incr => Opened::plain(input),
            };
            if self.key.is_some() && source.kind != Sort::Incr && !input.is_sealed() {
                let name = &source.name;
                self.notice(&format!("{name} is not encrypted, though there is a key"));
            }
            self.open = Some(Open {
                source,
                input,
                began: Instant::now(),
                rest: Vec::new(),
                read: 0,
                front: 0,
                how: How::Unknown,
            });
            return Ok(false);
        };
        let start = open.rest.len();
        open.rest.resize(start + self.piece_bytes, 0);
        let len = loop {
            match open.input.read(&mut open.rest[start..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(cannot_read(&open.source, &error)),
                Ok(len) => break len,
            }
        };
        open.rest.truncate(start + len);
        self.done += len as u64;
        open.read += len as u64;
        if !self.feed(&mut open, engine, now, len == 0)? {
            self.open = Some(open);
        }
        Ok(false)
    }

    /// Gives the engine what was read; whether the file is done.
    fn feed(
        &mut self,
        open: &mut Open<D>,
        engine: &mut Engine,
        now: Now,
        is_end: bool,
    ) -> Result<bool, Refusal> {
        if let How::Unknown = open.how {
            if open.rest.len() < MAGICS[1].len() && !is_end {
                return Ok(false);
            }
            let is_rdb = MAGICS.iter().any(|magic| open.rest.starts_with(magic));
            open.how = if is_rdb || open.source.kind == Sort::Snapshot {
                match open.source.kind {
                    Sort::Base if open.source.name.ends_with(".rdb") => {
                        self.notice("Reading RDB base file on AOF loading...");
                    }
                    Sort::Base | Sort::Incr => {
                        self.notice("Reading RDB preamble from AOF file...");
                    }
                    Sort::Snapshot => {}
                }
                How::Rdb(Box::new(engine.begin_load(now)))
            } else {
                How::Commands(Box::default())
            };
        }
        if let How::Rdb(load) = &mut open.how {
            let piece = core::mem::take(&mut open.rest);
            let is_done = engine
                .load_piece(load, &piece)
                .map_err(|error| bad_rdb(&self.log_of(load), &open.source, &error))?;
            if !is_done && !is_end {
                return Ok(false);
            }
            let How::Rdb(load) = core::mem::replace(&mut open.how, How::Commands(Box::default()))
            else {
                return Ok(false);
            };
            let lines = self.log_of(&load);
            let (loaded, rest) =
                engine.end_load(*load).map_err(|error| bad_rdb(&lines, &open.source, &error))?;
            self.log.extend(lines);
            for key in &loaded.empty_keys {
                let key = String::from_utf8_lossy(key);
                self.notice(&format!("rdbLoadObject: skipping empty key: {key}"));
            }
            let empty = match loaded.empty {
                0 => String::new(),
                count => format!(", empty keys skipped: {count}"),
            };
            self.notice(&format!(
                "Done loading RDB, keys loaded: {}, keys expired: {}{empty}.",
                loaded.keys, loaded.expired
            ));
            open.front = open.read - rest.len() as u64;
            self.loaded.keys += loaded.keys;
            self.loaded.expired += loaded.expired;
            open.rest = rest;
            if open.source.kind == Sort::Snapshot {
                // What stands behind a snapshot is nobody's.
                open.rest.clear();
            } else if !open.rest.is_empty() {
                self.notice("Reading the remaining AOF tail...");
            }
        }
        if let How::Commands(replay) = &mut open.how {
            let before = replay.offset;
            match engine.replay(now, replay, &open.rest) {
                Ok(used) => _ = open.rest.drain(..used),
                Err(error) => {
                    open.rest.drain(..(error.offset - before) as usize);
                    if self.ends_in_zeros(open, engine, now) {
                        return self.end_of_file(open).map(|()| true);
                    }
                    return Err(bad_command(&open.source, &error.fault));
                }
            }
            if is_end {
                return self.end_of_file(open).map(|()| true);
            }
        }
        Ok(is_end)
    }

    /// Whether what is left of the last file, from a command on that is none, is one that was not written whole and
    /// then zeros: a file may be longer after a loss of power than what was written to it.
    fn ends_in_zeros(&mut self, open: &mut Open<D>, engine: &mut Engine, now: Now) -> bool {
        // What is wrong in a sealed file was so before it was sealed.
        if !self.files.is_empty()
            || open.input.is_sealed()
            || open.input.read_to_end(&mut open.rest).is_err()
        {
            return false;
        }
        let len = open.rest.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1);
        let begun = &open.rest[..len];
        len < open.rest.len() && engine.replay(now, &mut Replay::new(), begun) == Ok(0)
    }

    /// The end of a file of commands.
    fn end_of_file(&mut self, open: &mut Open<D>) -> Result<(), Refusal> {
        let How::Commands(replay) = &open.how else { return Ok(()) };
        let name = &open.source.name;
        let in_transaction = replay.is_in_transaction();
        if in_transaction {
            let line = format!("Revert incomplete MULTI/EXEC transaction in AOF file {name}");
            self.log.push((Level::Warning, line));
        }
        if in_transaction || !open.rest.is_empty() {
            let is_last = self.files.is_empty();
            // Where a sealed file would have to be cut off is not where what was read ends.
            if !self.truncated_is_fine || !is_last || open.input.is_sealed() {
                return Err(Refusal::new(format!(
                    "Unexpected end of file reading the append only file {name}. You can: 1) Make a backup \
                     of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. 2) \
                     Alternatively you can set the 'aof-load-truncated' configuration option to yes and \
                     restart the server."
                )));
            }
            let end = open.front + replay.whole;
            self.warning(&format!("!!! Warning: short read while loading the AOF file {name}!!!"));
            self.warning(&format!("!!! Truncating the AOF {name} at offset {end} !!!"));
            let cut = self.disk.append(&open.source.path).and_then(|mut file| {
                self.disk.truncate(&mut file, end)?;
                self.disk.sync(&mut file)
            });
            if let Err(error) = cut {
                let line = format!("Error truncating the AOF file {name}: {}", reason(&error));
                return Err(Refusal::new(line));
            }
            self.warning(&format!(
                "AOF {name} loaded anyway because aof-load-truncated is enabled"
            ));
        }
        let seconds = open.began.elapsed().as_secs_f64();
        match open.source.kind {
            Sort::Snapshot => {}
            Sort::Base => {
                self.notice(&format!("DB loaded from base file {name}: {seconds:.3} seconds"));
            }
            Sort::Incr => {
                self.notice(&format!("DB loaded from incr file {name}: {seconds:.3} seconds"));
            }
        }
        Ok(())
    }

    /// All was loaded.
    fn finish(&mut self) {
        if !self.found {
            return;
        }
        let seconds = self.began.elapsed().as_secs_f64();
        let from = if self.place.is_some() { "append only file" } else { "disk" };
        self.notice(&format!("DB loaded from {from}: {seconds:.3} seconds"));
    }

    /// What a file says of its writer, as Redis says it.
    fn log_of(&self, load: &Load) -> Vec<Line> {
        let mut lines = Vec::new();
        for (name, text) in &load.loaded.facts {
            let text = String::from_utf8_lossy(text);
            let number = || text.parse::<f64>().unwrap_or(0.0);
            let line = match &name[..] {
                b"redis-ver" => format!("Loading RDB produced by version {text}"),
                b"ctime" => {
                    let now = std::time::SystemTime::now()
                        .duration_since(std::time::UNIX_EPOCH)
                        .unwrap_or_default();
                    format!("RDB age {} seconds", (now.as_secs_f64() - number()).max(0.0) as u64)
                }
                b"used-mem" => {
                    format!("RDB memory usage when created {:.2} Mb", number() / 1024.0 / 1024.0)
                }
                b"aof-base" if &*text == "1" => "RDB is base AOF".into(),
                _ => continue,
            };
            lines.push((Level::Notice, line));
        }
        lines
    }

    fn notice(&mut self, line: &str) {
        self.log.push((Level::Notice, line.into()));
    }

    fn warning(&mut self, line: &str) {
        self.log.push((Level::Warning, line.into()));
    }
}

fn cannot_open(source: &Source, error: &io::Error) -> Refusal {
    Refusal::new(match source.kind {
        Sort::Snapshot => {
            format!("Fatal error loading the DB, check server logs. Exiting: {}", reason(error))
        }
        Sort::Base | Sort::Incr => format!(
            "Fatal error: can't open the append log file {} for reading: {}",
            source.name,
            reason(error)
        ),
    })
}

fn cannot_read(source: &Source, error: &io::Error) -> Refusal {
    Refusal::new(match source.kind {
        Sort::Snapshot => format!("Fatal error loading the DB: {}. Exiting.", reason(error)),
        Sort::Base | Sort::Incr => format!(
            "Unrecoverable error reading the append only file {}: {}",
            source.name,
            reason(error)
        ),
    })
}

fn bad_rdb(lines: &[Line], source: &Source, error: &LoadError) -> Refusal {
    let mut lines = lines.to_vec();
    let mut warn = |line: String| lines.push((Level::Warning, line));
    let reason = &error.reason;
    match &reason[..] {
        "wrong checksum" => warn("Wrong RDB checksum. Aborting now. (RDB CRC error)".into()),
        "unexpected end of file" => {
            warn("Short read or OOM loading DB. Unrecoverable error, aborting now.".into());
        }
        _ => warn(reason.clone()),
    }
    warn(format!(
        "Internal error in RDB reading offset {} of {}: {reason}",
        error.offset, source.name
    ));
    warn("Terminating server after rdb file reading failure.".into());
    Refusal(lines)
}

fn bad_command(source: &Source, fault: &Fault) -> Refusal {
    let name = &source.name;
    Refusal::new(match fault {
        Fault::Format => format!(
            "Bad file format reading the append only file {name}: make a backup of your AOF file, then use \
             ./redis-check-aof --fix <filename.manifest>"
        ),
        Fault::Unknown(command) => {
            format!("Unknown command '{command}' reading the append only file {name}")
        }
    })
}
