//! Sparse registers: runs of equal ones. See the module above for their bytes.
//!
//! Redis splits and joins runs in its own way, and which runs come out is part of the stored format. So
//! [`raise`] does as Redis does: it splits the run that has the register, then joins equal VALs among the
//! five runs from the one before on. It changes nothing itself: it says which bytes to replace by which.

use super::{Corrupt, HEADER};

/// The highest value that a run can have.
const VALUE_MAX: u8 = 32;
/// The longest run of a value.
const VALUE_RUN_MAX: usize = 4;
/// The longest run of zeros in one byte.
const ZERO_RUN_MAX: usize = 64;
/// Runs that are looked at for joining.
const JOINED: usize = 5;

/// Equal registers, one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The value of each.
    pub value: u8,
    /// How many.
    pub len: usize,
    /// Whether it takes two bytes.
    pub wide: bool,
}

impl Run {
    /// The run at the start of `bytes`, if it is there as a whole.
    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        Some(if first & 0x80 != 0 {
            Self { value: (first >> 2 & 0x1f) + 1, len: usize::from(first & 3) + 1, wide: false }
        } else if first & 0x40 != 0 {
            let len = u16::from_be_bytes([first & 0x3f, *bytes.get(1)?]);
            Self { value: 0, len: usize::from(len) + 1, wide: true }
        } else {
            Self { value: 0, len: usize::from(first) + 1, wide: false }
        })
    }

    #[inline]
    const fn bytes(self) -> usize {
        1 + self.wide as usize
    }
}

/// The runs, one after the other; an error if the last one is cut off.
pub fn runs(bytes: &[u8]) -> impl Iterator<Item = Result<Run, Corrupt>> + '_ {
    let mut rest = bytes;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(run) = Run::read(rest) else {
            rest = &[];
            return Some(Err(Corrupt));
        };
        rest = &rest[run.bytes()..];
        Some(Ok(run))
    })
}

/// What raising a register comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// It is that high already.
    Nothing,
    /// `old` bytes from `at` on are to be replaced by others, and the count is no longer valid.
    Splice {
        /// Where.
        at: usize,
        /// How many bytes go.
        old: usize,
        /// What comes.
        new: Window,
    },
    /// The value has to become dense first.
    Promote,
}

/// A few bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    bytes: [u8; 24],
    len: usize,
}

impl Window {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, bytes: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.len..self.len + bytes.len()) {
            place.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    fn zeros(&mut self, len: usize) {
        if len > ZERO_RUN_MAX {
            self.push(&(0x4000 | (len - 1) as u16).to_be_bytes());
        } else if len > 0 {
            self.push(&[(len - 1) as u8]);
        }
    }

    fn values(&mut self, value: u8, len: usize) {
        if len > 0 {
            self.push(&[0x80 | (value - 1) << 2 | (len - 1) as u8]);
        }
    }

    fn remove(&mut self, at: usize) {
        self.bytes.copy_within(at + 1..self.len, at);
        self.len -= 1;
    }
}

/// Where a register is.
struct Place {
    /// The run that has it.
    run: Run,
    /// Where that one starts.
    at: usize,
    /// Where the one before starts; the first has itself before it.
    before: usize,
    /// Registers of the run before this one.
    skipped: usize,
}

fn find(bytes: &[u8], index: usize) -> Option<Place> {
    let (mut at, mut before, mut first) = (HEADER, HEADER, 0);
    loop {
        let run = Run::read(bytes.get(at..)?)?;
        if index < first + run.len {
            return Some(Place { run, at, before, skipped: index - first });
        }
        before = at;
        at += run.bytes();
        first += run.len;
    }
}

/// How the register at `index` of a sparse value is raised to `to`. The value becomes dense when it would
/// grow beyond `bytes_max`, or when no run can have such a value.
pub fn raise(bytes: &[u8], index: usize, to: u8, bytes_max: u64) -> Result<Edit, Corrupt> {
    if to > VALUE_MAX {
        return Ok(Edit::Promote);
    }
    let Place { run, at, before, skipped } = find(bytes, index).ok_or(Corrupt)?;
    if run.value >= to {
        return Ok(Edit::Nothing);
    }
    let (left, right) = (skipped, run.len - skipped - 1);
    let mut new = Window::default();
    new.push(&bytes[before..at]);
    let split_at = new.len;
    if run.value == 0 {
        new.zeros(left);
        new.values(to, 1);
        new.zeros(right);
    } else {
        new.values(run.value, left);
        new.values(to, 1);
        new.values(run.value, right);
    }
    let split = new.len - split_at;
    if split > run.bytes() && (bytes.len() + split - run.bytes()) as u64 > bytes_max {
        return Ok(Edit::Promote);
    }
    // What follows, as far as it could be joined.
    let rest = &bytes[at + run.bytes()..];
    let (near, far) = rest.split_at(rest.len().min(2 * JOINED));
    new.push(near);
    join(&mut new);
    Ok(Edit::Splice { at: before, old: bytes.len() - far.len() - before, new })
}

/// Joins neighbours of the same value.
fn join(window: &mut Window) {
    let mut at = 0;
    for _ in 0..JOINED {
        let Some(run) = Run::read(&window.bytes[at..window.len]) else { return };
        if run.value > 0
            && let Some(next) = Run::read(&window.bytes[at + 1..window.len])
            && next.value == run.value
            && run.len + next.len <= VALUE_RUN_MAX
        {
            window.remove(at);
            window.bytes[at] = 0x80 | (run.value - 1) << 2 | (run.len + next.len - 1) as u8;
            // Once more from here: the next one may be joined too.
            continue;
        }
        at += run.bytes();
    }
}
