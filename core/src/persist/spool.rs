//! Bytes of a file that is written faster than it is handed out.
//!
//! ```text
//! out:  ├── handed out ──┤── ready ──┤     behind:  ├── what waits for a value that is half written ──┤
//! ```

use alloc::vec::Vec;
use core::mem::take;

/// So much room is kept for the next bytes.
const ROOM_KEPT: usize = 64 * 1024;

/// Once so much was handed out, and it is more than what was not, its room is used again.
const COMPACT_FROM: usize = 1 << 20;

/// What is written of a file.
#[derive(Debug, Default)]
pub(super) struct Spool {
    /// What comes next in the file.
    pub(super) out: Vec<u8>,
    /// What comes behind the value that is half written.
    pub(super) behind: Vec<u8>,
    /// How much of `out` was handed out.
    handed_out: usize,
    /// Bytes that are no longer in `out`.
    gone: u64,
}

impl Spool {
    /// No value is half written any more.
    pub(super) fn join(&mut self) {
        self.out.append(&mut self.behind);
    }

    /// How many bytes were written in all.
    pub(super) fn written(&self) -> u64 {
        self.gone + (self.out.len() + self.behind.len()) as u64
    }

    /// How many bytes can be handed out.
    pub(super) fn ready(&self) -> usize {
        self.out.len() - self.handed_out
    }

    /// Hands out the next bytes, no more than `most`.
    pub(super) fn hand_out(&mut self, to: &mut Vec<u8>, most: usize) {
        let end = self.out.len().min(self.handed_out.saturating_add(most));
        to.extend_from_slice(&self.out[self.handed_out..end]);
        self.handed_out = end;
        if end == self.out.len() {
            self.gone += take(&mut self.handed_out) as u64;
            self.out.clear();
            self.out.shrink_to(ROOM_KEPT);
        } else if end > COMPACT_FROM.max(self.out.len() / 2) {
            self.out.drain(..end);
            self.gone += take(&mut self.handed_out) as u64;
        }
    }
}
