//! A field of a hash: its name and value in one allocation behind one pointer.
//!
//! ```text
//! [name length][name ...][value length][value ...]
//! ```
//!
//! Lengths take 1 byte up to 254 and 5 bytes above, as in [`thin`](super::thin).
//! The value comes last, so a new value of about the same size is written over the old one.

use super::thin::{allocate, prefixed_size, read_prefixed, release, rounded, write_prefixed};
use core::fmt;
use core::ptr::NonNull;

/// One field of a hash with its value.
pub struct Field {
    block: NonNull<u8>,
}

// SAFETY: the block is owned by this value alone and holds plain bytes.
unsafe impl Send for Field {}
// SAFETY: a shared reference only reads the block.
unsafe impl Sync for Field {}

impl Field {
    /// Copies both parts into a new allocation.
    pub fn new(name: &[u8], value: &[u8]) -> Self {
        let block = allocate(prefixed_size(name.len()) + prefixed_size(value.len()), 1);
        // SAFETY: the block is as large as both parts with their prefixes, and not shared yet.
        unsafe {
            let used = write_prefixed(block.as_ptr(), name);
            write_prefixed(block.as_ptr().add(used), value);
        }
        Self { block }
    }

    /// The field's name.
    pub fn name(&self) -> &[u8] {
        // SAFETY: a block starts with a prefixed name and changes only through `&mut self`.
        unsafe { read_prefixed(self.block.as_ptr()) }
    }

    /// The field's value.
    pub fn value(&self) -> &[u8] {
        let offset = prefixed_size(self.name().len());
        // SAFETY: the prefixed value follows the name and changes only through `&mut self`.
        unsafe { read_prefixed(self.block.as_ptr().add(offset)) }
    }

    /// Replaces the value: in place if the allocation's size stays the same, else in a new one.
    pub fn set_value(&mut self, value: &[u8]) {
        let offset = prefixed_size(self.name().len());
        if rounded(offset + prefixed_size(value.len())) == rounded(self.size()) {
            // SAFETY: the block has room for the name, which stays, and the prefixed value;
            // `value` cannot lie in it while `self` is borrowed mutably.
            unsafe { write_prefixed(self.block.as_ptr().add(offset), value) };
        } else {
            *self = Self::new(self.name(), value);
        }
    }

    /// How many bytes of memory the allocation takes.
    pub fn memory(&self) -> usize {
        rounded(self.size())
    }

    fn size(&self) -> usize {
        prefixed_size(self.name().len()) + prefixed_size(self.value().len())
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        let size = self.size();
        // SAFETY: the block came from `allocate` with a size that rounds to the same, and align 1.
        unsafe { release(self.block, size, 1) };
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field").field("name", &self.name()).field("value", &self.value()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn keeps_name_and_value_of_every_prefix_length() {
        for name in [0, 3, 254, 255, 1000] {
            for value in [0, 3, 254, 255, 1000] {
                let (name, value) = (vec![b'n'; name], vec![b'v'; value]);
                let field = Field::new(&name, &value);
                assert_eq!((field.name(), field.value()), (&name[..], &value[..]));
            }
        }
    }

    #[test]
    fn a_value_of_the_same_rounded_size_stays_in_place() {
        let mut field = Field::new(b"name", b"12");
        let before = field.block;
        field.set_value(b"1");
        assert_eq!((field.block, field.value()), (before, &b"1"[..]));
        field.set_value(b"0123456789");
        assert_eq!((field.memory(), field.value()), (16, &b"0123456789"[..]));
    }

    #[test]
    fn set_value_matches_a_new_field_for_all_sizes() {
        let mut field = Field::new(b"f", b"");
        for len in [0, 1, 5, 6, 300, 254, 255, 250, 251, 249, 12, 0, 90_000, 89_999, 3] {
            let value = vec![len as u8; len];
            field.set_value(&value);
            assert_eq!((field.name(), field.value()), (&b"f"[..], &value[..]));
            assert_eq!(field.memory(), Field::new(b"f", &value).memory());
        }
    }
}
