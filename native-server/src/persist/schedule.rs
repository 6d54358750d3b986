//! Snapshots at set times, each kept as a file of its own: `snapshot-schedule` and `snapshot-keep`.
//!
//! A thread waits for the time and tells the event loop, which has the engine save in the background. When that
//! snapshot is on disk, the thread gives it a second name with the time in it and removes the oldest of such files.
//!
//! ```text
//! dump.rdb    dump-20261121-030000.rdb    dump-20261122-030000.rdb
//! ```

use core::str::FromStr;
use core::time::Duration;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

use croner::Cron;
use jiff::Zoned;
use redstart_core::{Config, Level, Ticket};

use super::disk::{Disk, Files, dir_of};
use super::reports::{Report, Reports};

/// The clock may be set meanwhile: it is looked at this often.
const LOOK: Duration = Duration::from_secs(30);
/// How the time stands in a name.
const STAMP: &str = "%Y%m%d-%H%M%S";
const STAMP_SHAPE: &[u8] = b"00000000-000000";

/// When snapshots are made, and how many are kept.
#[derive(Debug)]
pub(crate) struct Schedule {
    cron: Cron,
    /// 0: all.
    keep: usize,
}

impl Schedule {
    /// What the settings say; `None`: there is none.
    pub(crate) fn new(config: &Config) -> Result<Option<Self>, String> {
        let pattern = config.string("snapshot-schedule");
        if pattern.is_empty() {
            return Ok(None);
        }
        let keep = usize::try_from(config.number("snapshot-keep")).unwrap_or(0);
        let refused = |error| format!("Invalid snapshot-schedule '{pattern}': {error}");
        let cron = Cron::from_str(&pattern).map_err(refused)?;
        // Some have the form of a time that never comes, such as the 30th of February.
        cron.find_next_occurrence(&Zoned::now(), false).map_err(refused)?;
        Ok(Some(Self { cron, keep }))
    }

    /// Starts the thread.
    pub(super) fn start(self, reports: Arc<Reports>) -> io::Result<Keeper> {
        let (jobs, inbox) = channel();
        std::thread::Builder::new()
            .name("schedule".into())
            .spawn(move || self.run(&inbox, &reports))?;
        Ok(Keeper { jobs, is_due: false, running: None })
    }

    /// Until the event loop has gone.
    fn run(&self, inbox: &Receiver<PathBuf>, reports: &Reports) {
        let after = |time: &Zoned| self.cron.find_next_occurrence(time, false).ok();
        let mut next = after(&Zoned::now());
        loop {
            let left = next.as_ref().map(|next| Zoned::now().duration_until(next));
            // A time that has passed is now.
            let left = left.map(|left| Duration::try_from(left).unwrap_or(Duration::ZERO));
            match inbox.recv_timeout(left.map_or(LOOK, |left| left.min(LOOK))) {
                Ok(dump) => reports.send(Report::Log(self.keep(&dump))),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = Zoned::now();
            if next.as_ref().is_some_and(|next| *next <= now) {
                reports.send(Report::Due);
                next = after(&now);
            }
        }
    }

    /// Keeps the snapshot that is at `dump` now; what is to be said of it.
    fn keep(&self, dump: &Path) -> (Level, String) {
        let kept = keep(dump, &Zoned::now().strftime(STAMP).to_string());
        let kept = kept.and_then(|path| remove_oldest(dump, self.keep).map(|()| path));
        match kept {
            Ok(path) => (Level::Notice, format!("The snapshot is kept as {}", path.display())),
            Err(error) => {
                let error = crate::settings::reason(&error);
                (Level::Warning, format!("The snapshot cannot be kept: {error}"))
            }
        }
    }
}

/// The event loop's side.
#[derive(Debug)]
pub(super) struct Keeper {
    jobs: Sender<PathBuf>,
    /// The next snapshot to begin is to be kept.
    is_due: bool,
    /// The one that is being written is, and will be here.
    running: Option<(Ticket, PathBuf)>,
}

impl Keeper {
    /// It is time for a snapshot.
    pub(super) fn due(&mut self) {
        self.is_due = true;
    }

    /// One has begun, to be at `dump`.
    pub(super) fn begun(&mut self, ticket: Ticket, dump: &Path) {
        if core::mem::take(&mut self.is_due) {
            self.running = Some((ticket, dump.into()));
        }
    }

    /// One is on disk.
    pub(super) fn saved(&mut self, ticket: Ticket) {
        if let Some((_, dump)) = self.running.take_if(|(own, _)| *own == ticket) {
            // The thread is there as long as this is.
            let _ = self.jobs.send(dump);
        }
    }
}

/// What the names of those that are kept of `dump` begin with and end in.
fn frame(dump: &Path) -> (String, String) {
    let stem = dump.file_stem().unwrap_or_default().to_string_lossy();
    let end = dump.extension().map(|end| format!(".{}", end.to_string_lossy()));
    (format!("{stem}-"), end.unwrap_or_default())
}

/// The name that `dump` gets with this stamp.
fn name_of(dump: &Path, stamp: &str) -> PathBuf {
    let (begin, end) = frame(dump);
    dump.with_file_name(format!("{begin}{stamp}{end}"))
}

/// Gives the file at `dump` a second name, under which it stays when another takes its place.
fn keep(dump: &Path, stamp: &str) -> io::Result<PathBuf> {
    let name = name_of(dump, stamp);
    match fs::hard_link(dump, &name) {
        Ok(()) => {}
        // Two in one second.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        // Not every file system has links.
        Err(_) => {
            let temporary = dump.with_file_name(format!("temp-keep-{}.rdb", std::process::id()));
            fs::copy(dump, &temporary)?;
            fs::File::open(&temporary)?.sync_all()?;
            fs::rename(&temporary, &name)?;
        }
    }
    Files.sync_dir(dir_of(&name))?;
    Ok(name)
}

/// Removes the oldest of the snapshots that were kept of `dump`, but for `count` of them.
fn remove_oldest(dump: &Path, count: usize) -> io::Result<()> {
    if count == 0 {
        return Ok(());
    }
    let mut kept = Vec::new();
    for entry in fs::read_dir(dir_of(dump))? {
        let path = entry?.path();
        if is_kept(dump, &path) {
            kept.push(path);
        }
    }
    // By name is by time.
    kept.sort();
    let many = kept.len().saturating_sub(count);
    kept[..many].iter().try_for_each(fs::remove_file)
}

/// Whether this name is one of those that `keep` gives.
fn is_kept(dump: &Path, path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let (begin, end) = frame(dump);
    let stamp = name.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(&end));
    let Some(stamp) = stamp else { return false };
    let shape: Vec<u8> =
        stamp.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte }).collect();
    shape == STAMP_SHAPE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(line: &str) -> Config {
        Config::parse_text(format!("snapshot-schedule '{line}'")).expect("a text")
    }

    #[test]
    fn a_pattern_that_is_none_or_never_comes_is_refused() {
        assert!(Schedule::new(&config("")).expect("none").is_none());
        assert!(Schedule::new(&config("0 3 * * *")).expect("at three").is_some());
        for wrong in ["at three", "0 25 * * *", "0 0 30 2 *"] {
            let error = Schedule::new(&config(wrong)).expect_err(wrong);
            assert!(
                error.starts_with(&format!("Invalid snapshot-schedule '{wrong}': ")),
                "{error}"
            );
        }
    }

    #[test]
    fn only_files_with_a_time_in_their_name_are_of_the_kept() {
        let dump = Path::new("/data/dump.rdb");
        assert_eq!(name_of(dump, "20261121-030000"), Path::new("/data/dump-20261121-030000.rdb"));
        assert!(is_kept(dump, &name_of(dump, "20261121-030000")));
        for other in
            ["dump.rdb", "dump-old.rdb", "dump-20261121.rdb", "dump-20261121-030000.rdb.bak"]
        {
            assert!(!is_kept(dump, &dump.with_file_name(other)), "{other}");
        }
        let bare = Path::new("/data/snapshot");
        assert!(is_kept(bare, &name_of(bare, "20261121-030000")));
    }

    #[test]
    fn the_oldest_go_and_the_newest_stay_what_they_were() {
        let dir = std::env::temp_dir().join(format!("redstart-keep-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a directory for temporary files");
        let dump = dir.join("dump.rdb");
        for day in 1..=4 {
            // As a snapshot does it: another file takes its place.
            fs::write(dir.join("new"), [day]).expect("room");
            fs::rename(dir.join("new"), &dump).expect("the same directory");
            keep(&dump, &format!("2026110{day}-030000")).expect("a second name");
            remove_oldest(&dump, 2).expect("they are ours");
        }
        let read = |name: &str| fs::read(dir.join(name)).ok();
        assert_eq!(read("dump-20261102-030000.rdb"), None);
        assert_eq!(read("dump-20261103-030000.rdb"), Some(vec![3]));
        assert_eq!(read("dump-20261104-030000.rdb"), Some(vec![4]));
        fs::remove_dir_all(&dir).expect("they are ours");
    }
}
