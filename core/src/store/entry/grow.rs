//! Strings that grow in place: SETRANGE, SETBIT and BITFIELD write behind their end.

use super::{Entry, SETTLED_BYTES_MAX};
use crate::value::Kind;
use alloc::vec;
use alloc::vec::Vec;

impl Entry {
    /// Writes bytes into a string from `offset` on, with zeros before them where it was shorter; the new
    /// length, or `None` when it is no string.
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Option<usize> {
        let len = self.as_str()?.len();
        let end = offset + bytes.len();
        if end <= len && self.kind() == Kind::Inline {
            self.bytes_mut()?[offset..end].copy_from_slice(bytes);
            return Some(len);
        }
        let vector = self.vector_mut()?;
        if end > len {
            grow(vector, end - len);
            vector.resize(end, 0);
        }
        vector[offset..end].copy_from_slice(bytes);
        self.settle();
        Some(len.max(end))
    }

    /// A string of zero bytes, `raw` for OBJECT ENCODING.
    pub fn zeros(key: &[u8], len: usize) -> Self {
        let mut entry = Self::vector(key, vec![0; len]);
        entry.settle();
        entry
    }

    /// The bytes of a string, to be changed in place, with zeros behind them up to `len`; `None` when it is no
    /// string. Where nothing has to grow nothing is copied.
    #[inline]
    pub fn bytes_to(&mut self, len: usize) -> Option<&mut [u8]> {
        let more = len.saturating_sub(self.as_str()?.len());
        if more > 0 || self.kind() == Kind::Int {
            self.grow_by(more)?;
        }
        self.bytes_mut()
    }

    /// Replaces the `old` bytes of a string from `at` on, which are there, by others; `None` when it is no string.
    pub fn splice(&mut self, at: usize, old: usize, new: &[u8]) -> Option<()> {
        let len = self.as_str()?.len();
        let (from, to) = (at + old, at + new.len());
        let bytes = self.bytes_to(len + new.len().saturating_sub(old))?;
        bytes.copy_within(from..len, to);
        bytes[at..to].copy_from_slice(new);
        if new.len() < old {
            self.replace_tail(len - (old - new.len()), b"")?;
        }
        Some(())
    }

    fn grow_by(&mut self, more: usize) -> Option<()> {
        const ZEROS: [u8; SETTLED_BYTES_MAX] = [0; SETTLED_BYTES_MAX];
        let len = self.as_str()?.len() + more;
        if len <= SETTLED_BYTES_MAX {
            self.append(&ZEROS[..more])?;
        } else {
            let vector = self.vector_mut()?;
            grow(vector, more);
            vector.resize(len, 0);
        }
        Some(())
    }
}

/// Makes room for `more` bytes: long strings double, very long ones take a quarter more.
pub(super) fn grow(vector: &mut Vec<u8>, more: usize) {
    let wanted = vector.len() + more;
    if wanted > vector.capacity() {
        let spare = if wanted < 1 << 20 { wanted } else { wanted / 4 };
        vector.reserve_exact(more + spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Str;

    #[test]
    fn bytes_in_the_middle_are_replaced_by_more_or_fewer() {
        for len in [20, 250, 254, 256, 300, 4096, 5000] {
            for (old, new) in [(0, "abc"), (2, "xy"), (1, "abcd"), (4, "z"), (10, "")] {
                for at in [0, 3, len - old] {
                    let mut model: Vec<u8> = (0..len).map(|i| i as u8).collect();
                    let mut entry = Entry::string(b"key", &model);
                    entry.set_expiry_ms(Some(5));
                    model.splice(at..at + old, new.bytes());
                    assert_eq!(entry.splice(at, old, new.as_bytes()), Some(()));
                    assert_eq!(entry.as_str(), Some(Str::Bytes(&model)), "{len} {at} {old} {new}");
                    assert_eq!(entry.expiry_ms(), Some(5));
                }
            }
        }
    }

    #[test]
    fn bytes_that_are_there_are_changed_where_they_are() {
        for len in [1, 44, 255, 256, 4096, 5000] {
            let mut entry = Entry::string(b"key", &vec![b'x'; len]);
            let before = entry.bytes_to(0).map(|bytes| bytes.as_ptr());
            assert_eq!(entry.bytes_to(len).map(|bytes| bytes.as_ptr()), before);
            assert_eq!(entry.string_encoding(), Some("raw"));
            let grown = entry.bytes_to(len + 3).map(|bytes| bytes.to_vec()).unwrap_or_default();
            assert_eq!((&grown[..len], &grown[len..]), (&vec![b'x'; len][..], &[0; 3][..]));
        }
        assert_eq!(Entry::int(b"k", 12).bytes_to(0), Some(&mut b"12".to_vec()[..]));
        assert_eq!(Entry::zeros(b"k", 300).as_str(), Some(Str::Bytes(&[0; 300])));
    }
}
