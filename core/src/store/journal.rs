//! The journal: what changes the data set, as commands in the protocol's own form, for the append-only file.
//!
//! It is kept here because keys expire and are evicted here. Three rules make it the same as Redis's:
//!
//! - A command that changed something is written as it came, unless its handler wrote something else in its place
//!   ([`Store::replicate`]): whatever depends on the time, on chance or on having waited.
//! - What one *unit* wrote belongs together: a command with all that expired on its way, EXEC, a script. More
//!   than one command of a unit stand between MULTI and EXEC.
//! - SELECT goes before a command for another database than the last one's.
//!
//! ```text
//! out:  ├── whole units, for the host ──┤├── the unit that runs ──┤
//!       0                           whole                     out.len()
//! ```
//!
//! A unit is written at the end of what waits for the host; when it turns out to have several commands, MULTI is put
//! before them. While the journal is off, a command pays one test.

use super::Store;
use crate::collections::decimal;
use alloc::string::String;
use alloc::vec::Vec;

/// More room than this is given back when the host has taken what was in it.
const ROOM_KEPT: usize = 1 << 20;

/// How an annotation begins that says what time it was, in Unix seconds.
pub const STAMP: &[u8] = b"#TS:";

/// Commands on their way to the append-only file.
#[derive(Debug, Default)]
pub struct Journal {
    /// Whether changes are written down, for the append-only file or for replicas.
    pub on: bool,
    /// Whether they are for the append-only file.
    pub aof: bool,
    /// Whether they are for replicas, as they happen.
    pub fed: bool,
    /// The running command is not to be written as it came: what stands for it is written already.
    pub replaced: bool,
    /// `redis.set_repl`: a script does not want what its commands do to be written down.
    pub muted: bool,
    /// `aof-timestamp-enabled`.
    pub timestamps: bool,
    /// Why the host cannot write it, while it cannot.
    pub failure: Option<String>,
    /// Something was written that the engine has yet to see.
    pub has_news: bool,
    /// The host has been told that there is something.
    pub announced: bool,
    /// How much of it is on disk, in bytes since the engine began.
    pub synced: u64,
    /// What the host has not taken yet.
    out: Vec<u8>,
    /// How much of that is of units that have ended.
    whole: usize,
    /// Commands of the running unit.
    commands: u32,
    /// The running unit met keys that had expired by chance: they do not belong together.
    loose: bool,
    /// The bytes that the host has taken.
    taken: u64,
    /// How much was given to replicas, in bytes since the engine began.
    fed_to: u64,
    /// The database of the last command.
    db: Option<usize>,
    /// Where another file begins, in bytes since the engine began, while the host does not know of it.
    cut: Option<u64>,
    /// The second of the last annotation.
    stamped_s: i64,
}

impl Journal {
    /// Begins to write changes down for the append-only file.
    pub fn start(&mut self) {
        self.aof = true;
        self.on = true;
        self.db = None;
    }

    /// Changes are no longer written down for the append-only file.
    pub fn stop(&mut self) {
        self.aof = false;
        self.on = self.fed;
        self.failure = None;
    }

    /// Begins to write changes down for one more replica, which has to hear which database they are of.
    pub fn feed(&mut self) {
        if !self.fed {
            self.fed_to = self.end();
        }
        self.fed = true;
        self.on = true;
        self.db = None;
    }

    /// No replica is left.
    pub fn stop_feeding(&mut self) {
        self.fed = false;
        self.on = self.aof;
    }

    /// What replicas are to get of the units that have ended since they were last given some. Annotations are
    /// not for them.
    pub fn feedable(&self) -> &[u8] {
        let from = self.fed_to.saturating_sub(self.taken) as usize;
        let mut unit = &self.out[from.min(self.whole)..self.whole];
        while unit.first() == Some(&b'#') {
            let line = unit.iter().position(|&byte| byte == b'\n').map_or(unit.len(), |at| at + 1);
            unit = &unit[line..];
        }
        unit
    }

    /// Replicas were given all of [`Journal::feedable`].
    pub fn pass_fed(&mut self) {
        self.fed_to = self.end();
        if !self.aof {
            // Nobody else wants it.
            self.take(self.whole);
        }
    }

    /// What follows is for another file, which says for itself which database it means. The host gets it once
    /// it knows of the file.
    pub fn cut(&mut self) {
        self.db = None;
        self.cut = Some(self.end());
    }

    /// The host knows of the new file.
    pub fn pass_cut(&mut self) {
        self.cut = None;
    }

    /// The units that the host has not taken yet.
    pub fn waiting(&self) -> &[u8] {
        let len = match self.cut {
            None => self.whole,
            Some(cut) => self.whole.min(cut.saturating_sub(self.taken) as usize),
        };
        &self.out[..len]
    }

    /// Where the journal ends, in bytes since the engine began.
    pub fn end(&self) -> u64 {
        self.taken + self.whole as u64
    }

    /// The host has taken `count` bytes of [`Journal::waiting`].
    pub fn take(&mut self, count: usize) {
        debug_assert!(count <= self.whole, "the host takes what it was given");
        let count = count.min(self.whole);
        self.taken += count as u64;
        self.whole -= count;
        if count == self.out.len() && self.out.capacity() > ROOM_KEPT {
            self.out = Vec::new();
        } else {
            self.out.drain(..count);
        }
        if self.waiting().is_empty() {
            self.announced = false;
        }
    }

    /// Writes a command of the running unit, for database `db`.
    pub fn write<'a>(
        &mut self,
        db: usize,
        now_ms: i64,
        words: impl ExactSizeIterator<Item = &'a [u8]>,
    ) {
        self.begin(db, now_ms);
        push_line(&mut self.out, b"*", words.len() as u64);
        for word in words {
            push_word(&mut self.out, word);
        }
    }

    /// Writes a command that is in the protocol's form already.
    pub fn copy(&mut self, db: usize, now_ms: i64, command: &[u8]) {
        self.begin(db, now_ms);
        self.out.extend_from_slice(command);
    }

    /// What stands before a command.
    fn begin(&mut self, db: usize, now_ms: i64) {
        let unix_s = now_ms / 1000;
        if self.commands == 0 && self.timestamps && unix_s > self.stamped_s {
            self.stamped_s = unix_s;
            push_line(&mut self.out, STAMP, unix_s.unsigned_abs());
            // It is not part of the transaction that may follow.
            self.whole = self.out.len();
        }
        if self.db != Some(db) {
            self.db = Some(db);
            let mut text = [0; decimal::MAX_TEXT];
            let start = decimal::write_unsigned(db as u64, &mut text);
            self.out.extend_from_slice(b"*2\r\n$6\r\nSELECT\r\n");
            push_word(&mut self.out, &text[start..]);
            if self.commands == 0 {
                self.whole = self.out.len();
            }
        }
        self.commands += 1;
        self.has_news = true;
    }

    /// What expired during the running unit did so by chance, and is no part of a transaction.
    pub fn loosen(&mut self) {
        self.loose = true;
    }

    /// Ends the running unit, if there is one.
    pub fn end_unit(&mut self) {
        if self.commands > 1 && !self.loose {
            let multi = b"*1\r\n$5\r\nMULTI\r\n".iter().copied();
            self.out.splice(self.whole..self.whole, multi);
            self.out.extend_from_slice(b"*1\r\n$4\r\nEXEC\r\n");
        }
        self.commands = 0;
        self.loose = false;
        self.whole = self.out.len();
    }
}

/// Appends a word of a command.
pub fn push_word(out: &mut Vec<u8>, word: &[u8]) {
    push_line(out, b"$", word.len() as u64);
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

/// Appends a line that is a number: how many words follow, how long one is, what time it is.
pub fn push_line(out: &mut Vec<u8>, begin: &[u8], value: u64) {
    let mut text = [0; decimal::MAX_TEXT];
    let start = decimal::write_unsigned(value, &mut text);
    out.extend_from_slice(begin);
    out.extend_from_slice(&text[start..]);
    out.extend_from_slice(b"\r\n");
}

impl Store {
    /// Writes a command that stands for the running one, or for a part of it. Nothing stands for it if
    /// [`Store::replicate_nothing`] says so.
    pub fn replicate(&mut self, words: &[&[u8]]) {
        self.replicate_words(words.iter().copied());
    }

    /// As [`Store::replicate`], with a number behind the words.
    pub fn replicate_number(&mut self, words: &[&[u8]], number: i64) {
        if self.is_journaled() {
            let mut text = [0; decimal::MAX_TEXT];
            let start = decimal::write(number, &mut text);
            let mut all = words.to_vec();
            all.push(&text[start..]);
            self.replicate(&all);
        }
    }

    /// As [`Store::replicate`], of words from anywhere.
    pub fn replicate_words<'a>(&mut self, words: impl ExactSizeIterator<Item = &'a [u8]>) {
        self.journal.replaced = true;
        if self.is_journaled() {
            self.journal.write(self.current, self.now_ms, words);
        }
    }

    /// Whether what the running command does is written down. Whoever replaces a command need not work out
    /// the words otherwise.
    #[inline]
    pub fn is_journaled(&self) -> bool {
        self.journal.on && !self.journal.muted
    }

    /// The running command is not written as it came.
    #[inline]
    pub fn replicate_nothing(&mut self) {
        self.journal.replaced = true;
    }

    /// `key` of the current database is gone though nobody asked for that.
    pub(super) fn journal_removal(&mut self, key: &[u8], lazily: bool) {
        if self.journal.on {
            let (db, now_ms) = (self.current, self.now_ms);
            self.journal.removal(db, now_ms, key, lazily);
        }
    }
}

impl Journal {
    /// A key of database `db` is gone though nobody asked for that.
    pub(super) fn removal(&mut self, db: usize, now_ms: i64, key: &[u8], lazily: bool) {
        if self.on {
            let name: &[u8] = if lazily { b"UNLINK" } else { b"DEL" };
            self.write(db, now_ms, [name, key].into_iter());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Journal {
        Journal { on: true, ..Journal::default() }
    }

    fn write(journal: &mut Journal, db: usize, line: &str) {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        journal.write(db, 5_000, words.into_iter());
    }

    #[test]
    fn a_unit_of_several_commands_is_a_transaction() {
        let mut journal = journal();
        write(&mut journal, 0, "DEL a");
        journal.end_unit();
        write(&mut journal, 1, "DEL b");
        let first = journal.waiting().len();
        assert!(journal.waiting().ends_with(b"SELECT\r\n$1\r\n1\r\n"));
        write(&mut journal, 1, "DEL c");
        assert_eq!(journal.waiting().len(), first, "the host sees whole units alone");
        journal.end_unit();
        let text = String::from_utf8_lossy(&journal.waiting()[first..]).replace("\r\n", " ");
        let expected = "*1 $5 MULTI *2 $3 DEL $1 b *2 $3 DEL $1 c *1 $4 EXEC ";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_loose_unit_is_none() {
        let mut journal = journal();
        write(&mut journal, 0, "DEL a");
        write(&mut journal, 0, "DEL b");
        journal.loosen();
        journal.end_unit();
        assert!(!journal.waiting().windows(5).any(|bytes| bytes == b"MULTI"));
    }

    #[test]
    fn a_second_is_annotated_once_and_outside_of_transactions() {
        let mut journal = Journal { timestamps: true, ..journal() };
        for _ in 0..2 {
            write(&mut journal, 0, "DEL a");
            write(&mut journal, 0, "DEL b");
            journal.end_unit();
        }
        let text = String::from_utf8_lossy(journal.waiting()).into_owned();
        assert!(
            text.starts_with("#TS:5\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$5\r\nMULTI"),
            "{text}"
        );
        assert_eq!(text.matches("#TS").count(), 1);
    }

    #[test]
    fn the_end_counts_what_was_taken() {
        let mut journal = journal();
        write(&mut journal, 0, "DEL a");
        journal.end_unit();
        let len = journal.waiting().len();
        journal.take(len);
        assert!(journal.waiting().is_empty());
        write(&mut journal, 0, "DEL a");
        journal.end_unit();
        assert!(journal.end() > len as u64);
        let len = journal.waiting().len();
        journal.cut();
        write(&mut journal, 0, "DEL a");
        journal.end_unit();
        assert_eq!(journal.waiting().len(), len, "the host does not know of the new file");
        journal.take(len);
        journal.pass_cut();
        assert_eq!(String::from_utf8_lossy(journal.waiting()).matches("SELECT").count(), 1);
    }
}
