//! `--check-aof`: reads an append-only file through, cuts off its end where that is not whole (`--fix`) or too new
//! (`--truncate-to-timestamp`), as redis-check-aof does.
//!
//! ```text
//! [ #TS:seconds \r\n ]…  *count \r\n  ( $length \r\n  bytes \r\n )…
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use super::check_rdb;
use super::manifest::Manifest;
use super::seal::{self, Key, Opened};
use crate::settings::reason;

/// What is to be done besides reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repair {
    None,
    /// What is not whole is cut off, if whoever sits there says so.
    Fix,
    /// What is newer than this is cut off.
    Until(i64),
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Sound,
    Empty,
    /// Its end is cut off.
    Cut,
    CutToTime,
}

/// Why there is no outcome.
enum Stop {
    /// It was said.
    Said,
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Checks the file or the manifest at `path`; whether it is sound by now.
pub(crate) fn check(
    path: &Path,
    repair: Repair,
    ask: &mut dyn BufRead,
    out: &mut dyn Write,
) -> bool {
    let mut check = Check { repair, ask, out };
    let is_manifest = path.to_string_lossy().ends_with(".manifest");
    let result = if is_manifest { check.parts(path) } else { check.old_style(path) };
    match result {
        Ok(()) => true,
        Err(Stop::Said) => false,
        Err(Stop::Io(error)) => {
            // There is nobody left to tell.
            let _ = writeln!(check.out, "Cannot open file {}: {}", path.display(), reason(&error));
            false
        }
    }
}

struct Check<'a> {
    repair: Repair,
    ask: &'a mut dyn BufRead,
    out: &'a mut dyn Write,
}

impl Check<'_> {
    fn old_style(&mut self, path: &Path) -> Result<(), Stop> {
        let file = File::open(path)?;
        writeln!(self.out, "Start checking Old-Style AOF")?;
        let name = path.display().to_string();
        let outcome = match self.sealed_base(path, &name)? {
            Some(outcome) => outcome,
            None => self.file(path, &name, file, true)?,
        };
        self.tell("AOF", &name, outcome)
    }

    fn parts(&mut self, path: &Path) -> Result<(), Stop> {
        let text = std::fs::read(path)?;
        let manifest = Manifest::parse(&text).map_err(|fault| {
            // There is nobody left to tell.
            let _ = writeln!(self.out, "Cannot load the AOF manifest: {fault}");
            Stop::Said
        })?;
        writeln!(self.out, "Start checking Multi Part AOF")?;
        let dir = path.parent().unwrap_or(Path::new(""));
        if let Some(base) = &manifest.base {
            let path = dir.join(&base.name);
            let mut file = File::open(&path)?;
            let format = match is_rdb(&mut file)? || is_sealed(&path)? {
                true => "RDB",
                false => "RESP",
            };
            writeln!(self.out, "Start to check BASE AOF ({format} format).")?;
            let is_last = manifest.incrs.is_empty();
            let outcome = match self.sealed_base(&path, &base.name)? {
                Some(outcome) => outcome,
                None => self.file(&path, &base.name, File::open(&path)?, is_last)?,
            };
            self.tell("BASE AOF", &base.name, outcome)?;
            if outcome == Outcome::CutToTime {
                return Ok(());
            }
        }
        if !manifest.incrs.is_empty() {
            writeln!(self.out, "Start to check INCR files.")?;
            for (at, part) in manifest.incrs.iter().enumerate() {
                let path = dir.join(&part.name);
                let is_last = at + 1 == manifest.incrs.len();
                let outcome = self.file(&path, &part.name, File::open(&path)?, is_last)?;
                self.tell("INCR AOF", &part.name, outcome)?;
                if outcome == Outcome::CutToTime {
                    return Ok(());
                }
            }
        }
        writeln!(self.out, "All AOF files and manifest are valid")?;
        Ok(())
    }

    fn tell(&mut self, what: &str, name: &str, outcome: Outcome) -> Result<(), Stop> {
        match outcome {
            Outcome::Sound => {
                if let Repair::Until(time) = self.repair {
                    writeln!(self.out, "Truncate nothing in {what} {name} to timestamp {time}")?;
                }
                writeln!(self.out, "{what} {name} is valid")?;
            }
            Outcome::Empty => writeln!(self.out, "{what} {name} is empty")?,
            Outcome::Cut => writeln!(self.out, "Successfully truncated AOF {name}")?,
            Outcome::CutToTime => {
                if let Repair::Until(time) = self.repair {
                    writeln!(self.out, "Successfully truncated AOF {name} to timestamp {time}")?;
                }
            }
        }
        Ok(())
    }

    /// Reads an encrypted base through; `None`: it is none. There are no commands in it, and nothing is cut off.
    fn sealed_base(&mut self, path: &Path, name: &str) -> Result<Option<Outcome>, Stop> {
        if !is_sealed(path)? {
            return Ok(None);
        }
        let mut rdb = Opened::new(File::open(path)?, Key::from_environment()?.as_ref())?;
        let rest = check_rdb::check(name, &mut rdb, self.out)?;
        let ends_there = match rest {
            Some(rest) => rest.bytes.is_empty() && rdb.read(&mut [0])? == 0,
            None => false,
        };
        if !ends_there {
            writeln!(self.out, "RDB preamble of AOF file is not sane, aborting.")?;
            return Err(Stop::Said);
        }
        Ok(Some(Outcome::Sound))
    }

    fn file(
        &mut self,
        path: &Path,
        name: &str,
        mut file: File,
        is_last: bool,
    ) -> Result<Outcome, Stop> {
        let size = file.metadata()?.len();
        if size == 0 {
            return Ok(Outcome::Empty);
        }
        let mut start = 0;
        if is_rdb(&mut file)? {
            let mut rdb = File::open(path)?;
            let Some(rest) = check_rdb::check(name, &mut rdb, self.out)? else {
                writeln!(self.out, "RDB preamble of AOF file is not sane, aborting.")?;
                return Err(Stop::Said);
            };
            writeln!(self.out, "RDB preamble is OK, proceeding with AOF tail...")?;
            start = rest.offset;
            let rest_of_file = rdb;
            let input = BufReader::new(io::Cursor::new(rest.bytes).chain(rest_of_file));
            return self.commands(Commands::new(input, start), path, name, size, is_last);
        }
        let input = BufReader::new(File::open(path)?);
        self.commands(Commands::new(input, start), path, name, size, is_last)
    }

    fn commands<R: BufRead>(
        &mut self,
        mut commands: Commands<R>,
        path: &Path,
        name: &str,
        size: u64,
        is_last: bool,
    ) -> Result<Outcome, Stop> {
        let (mut whole, mut in_transaction) = (commands.at, false);
        let fault = loop {
            if !in_transaction {
                whole = commands.at;
            }
            match commands.next()? {
                Next::Stamp(time) => {
                    if let Repair::Until(until) = self.repair
                        && time > until
                    {
                        return self.cut_to_time(path, name, whole, until, is_last);
                    }
                }
                Next::Command(word) if word == b"multi" && in_transaction => {
                    break Some(format!("Unexpected MULTI in AOF {name}"));
                }
                Next::Command(word) if word == b"multi" => in_transaction = true,
                Next::Command(word) if word == b"exec" && !in_transaction => {
                    break Some(format!("Unexpected EXEC in AOF {name}"));
                }
                Next::Command(word) if word == b"exec" => in_transaction = false,
                Next::Command(_) => {}
                Next::End if in_transaction => {
                    break Some("Reached EOF before reading EXEC for MULTI".into());
                }
                Next::End => break None,
                Next::Wrong(None) => {
                    writeln!(self.out, "AOF {name} format error")?;
                    break None;
                }
                Next::Wrong(Some(fault)) => break Some(fault),
            }
        };
        if let Some(fault) = fault {
            writeln!(self.out, "0x{:16x}: {fault}", commands.looked_at)?;
        }
        let surplus = size - whole;
        if surplus == 0 && matches!(self.repair, Repair::Until(_)) {
            return Ok(Outcome::Sound);
        }
        writeln!(
            self.out,
            "AOF analyzed: filename={name}, size={size}, ok_up_to={whole}, ok_up_to_line={}, diff={surplus}",
            commands.line
        )?;
        if surplus == 0 {
            return Ok(Outcome::Sound);
        }
        if self.repair != Repair::Fix {
            writeln!(self.out, "AOF {name} is not valid. Use the --fix option to try fixing it.")?;
            return Err(Stop::Said);
        }
        if !is_last {
            writeln!(self.out, "Failed to truncate AOF {name} because it is not the last file")?;
            return Err(Stop::Said);
        }
        writeln!(
            self.out,
            "This will shrink the AOF {name} from {size} bytes, with {surplus} bytes, to {whole} bytes"
        )?;
        write!(self.out, "Continue? [y/N]: ")?;
        self.out.flush()?;
        let mut answer = String::new();
        self.ask.read_line(&mut answer)?;
        if !answer.to_ascii_lowercase().starts_with('y') {
            writeln!(self.out, "Aborting...")?;
            return Err(Stop::Said);
        }
        cut(path, whole)?;
        Ok(Outcome::Cut)
    }

    fn cut_to_time(
        &mut self,
        path: &Path,
        name: &str,
        at: u64,
        until: i64,
        is_last: bool,
    ) -> Result<Outcome, Stop> {
        if at == 0 {
            writeln!(self.out, "AOF {name} has nothing before timestamp {until}, aborting...")?;
            return Err(Stop::Said);
        }
        if !is_last {
            writeln!(
                self.out,
                "Failed to truncate AOF {name} to timestamp {until} to offset {at} because it is not the last file.\n\
                 If you insist, please delete all files after this file according to the manifest file and \
                 delete the corresponding records in manifest file manually. Then re-run redis-check-aof."
            )?;
            return Err(Stop::Said);
        }
        cut(path, at)?;
        Ok(Outcome::CutToTime)
    }
}

fn cut(path: &Path, len: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(len)?;
    file.sync_all()
}

fn is_sealed(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(seal::NAME.len() as u64).read_to_end(&mut start)?;
    Ok(start == seal::NAME)
}

fn is_rdb(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    Read::by_ref(file).take(6).read_to_end(&mut start)?;
    Ok(start.starts_with(b"REDIS") || start.starts_with(b"VALKEY"))
}

/// What comes next in a file.
enum Next {
    /// The commands that follow are of this second.
    Stamp(i64),
    /// A command: its first word, in small letters.
    Command(Vec<u8>),
    End,
    /// No command, and why not.
    Wrong(Option<String>),
}

/// The commands of a file.
struct Commands<R> {
    input: R,
    /// Where the reading is.
    at: u64,
    /// Where the piece begins that was read last.
    looked_at: u64,
    line: u64,
}

impl<R: BufRead> Commands<R> {
    fn new(input: R, at: u64) -> Self {
        Self { input, at, looked_at: at, line: 1 }
    }

    fn next(&mut self) -> io::Result<Next> {
        let Some(&first) = self.input.fill_buf()?.first() else { return Ok(Next::End) };
        if first == b'#' {
            let line = self.text_line()?;
            if !line.ends_with(b"\n") {
                return Ok(Next::Wrong(None));
            }
            let stamp = line.strip_prefix(b"#TS:").unwrap_or_default().trim_ascii();
            let time = core::str::from_utf8(stamp).ok().and_then(|digits| digits.parse().ok());
            return Ok(Next::Stamp(time.unwrap_or(0)));
        }
        if first != b'*' {
            return Ok(Next::Wrong(None));
        }
        let count = match self.number(b'*')? {
            Ok(count) => count,
            Err(fault) => return Ok(fault),
        };
        let mut name = Vec::new();
        for at in 0..count {
            let len = match self.number(b'$')? {
                Ok(len) => len,
                Err(fault) => return Ok(fault),
            };
            self.looked_at = self.at;
            let word = match self.word(len, at == 0)? {
                Ok(word) => word,
                Err(fault) => return Ok(fault),
            };
            if at == 0 {
                name = word.to_ascii_lowercase();
            }
        }
        Ok(Next::Command(name))
    }

    fn text_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.looked_at = self.at;
        self.input.read_until(b'\n', &mut line)?;
        self.at += line.len() as u64;
        self.line += u64::from(line.ends_with(b"\n"));
        Ok(line)
    }

    /// A line of a prefix and a number.
    fn number(&mut self, prefix: u8) -> io::Result<Result<u64, Next>> {
        let line = self.text_line()?;
        let wrong = |fault: String| Ok(Err(Next::Wrong(Some(fault))));
        let Some((&first, digits)) = line.split_first() else { return Ok(Err(Next::End)) };
        if first != prefix {
            let (prefix, first) = (prefix as char, first as char);
            return wrong(format!("Expected prefix '{prefix}', got: '{first}'"));
        }
        let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let end =
            [digits.get(len).copied().unwrap_or(0), digits.get(len + 1).copied().unwrap_or(0)];
        if end != *b"\r\n" {
            return wrong(format!("Expected \\r\\n, got: {:02x}{:02x}", end[0], end[1]));
        }
        let number =
            core::str::from_utf8(&digits[..len]).ok().and_then(|digits| digits.parse().ok());
        Ok(number.ok_or(Next::Wrong(None)))
    }

    /// So many bytes and the end of their line; they are returned if `keep`.
    fn word(&mut self, len: u64, keep: bool) -> io::Result<Result<Vec<u8>, Next>> {
        let mut word = Vec::new();
        let mut part = self.input.by_ref().take(len);
        let got = if keep {
            io::copy(&mut part, &mut word)?
        } else {
            io::copy(&mut part, &mut io::sink())?
        };
        self.at += got;
        if got < len {
            let fault = format!("Expected to read {len} bytes, got {got} bytes");
            return Ok(Err(Next::Wrong(Some(fault))));
        }
        let mut end = Vec::new();
        self.input.by_ref().take(2).read_to_end(&mut end)?;
        self.at += end.len() as u64;
        if end != b"\r\n" {
            end.resize(2, 0);
            let fault = format!("Expected \\r\\n, got: {:02x}{:02x}", end[0], end[1]);
            return Ok(Err(Next::Wrong(Some(fault))));
        }
        self.line += 1;
        Ok(Ok(word))
    }
}
