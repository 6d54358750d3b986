//! Changing the value of an entry that is there: in place where it fits, in a new allocation otherwise.
//! Key and access clock stay, and whether it was written into a snapshot.

use super::{
    Entry, INLINE_BYTES_MAX, KEPT_MASK, MODIFIED, Payload, SETTLED_BYTES_MAX, Shape, WIDE, grow,
    kind_of,
};
use crate::value::{Kind, Object, Str};
use alloc::vec::Vec;
use core::ptr;

impl Entry {
    /// Replaces the value by these bytes; key and expiry stay. Allocates nothing when the size class stays.
    pub fn set_string(&mut self, value: &[u8]) {
        self.overwrite(value, None, self.expiry_ms());
    }

    /// Replaces the value by an integer; key and expiry stay.
    #[inline]
    pub fn set_int(&mut self, value: i64) {
        let shape = self.shape();
        if kind_of(shape.bits) == Kind::Int {
            // SAFETY: an Int's payload is an i64.
            unsafe {
                self.at.add(shape.value_at()).cast::<i64>().write_unaligned(value);
            }
        } else {
            self.overwrite(b"", Some(value), self.expiry_ms());
        }
    }

    /// Replaces everything but the key and the access clock: by the integer, if there is one, or else by the bytes.
    /// Allocates nothing when the size class stays and an expiry neither comes nor goes.
    #[inline]
    pub fn overwrite(&mut self, value: &[u8], int: Option<i64>, expiry_ms: Option<i64>) {
        let (kind, payload, len) = match int {
            Some(int) => (Kind::Int, Payload::Int(int), 8),
            None if value.len() > INLINE_BYTES_MAX => {
                return self.overwrite_large(value, expiry_ms);
            }
            None => (Kind::Inline, Payload::Bytes(value), value.len()),
        };
        let old = self.shape();
        let new = Shape::new(kind, false, expiry_ms.is_some(), old.key_len, len);
        if !old.can_become(new) {
            *self = Self::build(new, self.meta(), expiry_ms, self.key(), &payload);
            return;
        }
        self.set_meta((self.meta() & KEPT_MASK) | (u32::from(new.bits) << 24));
        // SAFETY: `can_become` says that the allocation has the same size and expiry and key the same
        // place; the value comes from outside, since `self` is borrowed mutably.
        unsafe {
            self.write_value_len(new);
            if let Some(at_ms) = expiry_ms {
                self.at.add(new.lengths_end()).cast::<i64>().write_unaligned(at_ms);
            }
            payload.write(self.at.add(new.value_at()).as_ptr(), len);
        }
    }

    #[cold]
    fn overwrite_large(&mut self, value: &[u8], expiry_ms: Option<i64>) {
        if self.kind() == Kind::Vector {
            let vector = self.vector_mut().expect("a vector is a string");
            // Bytes are copied into what is there, unless that would keep far too much.
            if vector.capacity() >= value.len() && vector.capacity() / 2 <= value.len() {
                vector.clear();
                vector.extend_from_slice(value);
            } else {
                *vector = value.to_vec();
            }
        } else {
            let kept = self.meta();
            *self = Self::vector(self.key(), value.to_vec());
            self.keep(kept);
        }
        self.set_expiry_ms(expiry_ms);
    }

    /// # Safety
    /// The allocation has the form of lengths that `shape` says.
    unsafe fn write_value_len(&mut self, shape: Shape) {
        // SAFETY: by contract.
        unsafe {
            if shape.bits & WIDE == 0 {
                self.at.add(5).write(shape.value_len as u8);
            } else {
                self.at.add(8).cast::<u32>().write(shape.value_len as u32);
            }
        }
    }

    /// Appends bytes to a string; the new length, or `None` when it is no string. Growth is amortised:
    /// long strings double, short ones are copied into the next size class.
    pub fn append(&mut self, tail: &[u8]) -> Option<usize> {
        self.replace_tail(usize::MAX, tail)
    }

    /// Cuts a string off after `kept` bytes, if it is longer, and appends others; the new length, or `None`
    /// when it is no string.
    pub fn replace_tail(&mut self, kept: usize, tail: &[u8]) -> Option<usize> {
        let old = self.shape();
        let mut buffer = itoa::Buffer::new();
        let value = self.as_str()?;
        let text = value.text(&mut buffer);
        let head = &text[..kept.min(text.len())];
        let kept = head.len();
        let total = kept + tail.len();
        if total > SETTLED_BYTES_MAX {
            let vector = self.vector_mut()?;
            vector.truncate(kept);
            grow(vector, tail.len());
            vector.extend_from_slice(tail);
            return Some(total);
        }
        let expiry_ms = self.expiry_ms();
        let new = Shape::new(Kind::Inline, true, expiry_ms.is_some(), old.key_len, total);
        if kind_of(old.bits) == Kind::Inline && old.can_become(new) {
            // SAFETY: the allocation has room for the new length, and the kept bytes keep their place.
            unsafe {
                let end = self.at.add(new.value_at() + kept).as_ptr();
                ptr::copy_nonoverlapping(tail.as_ptr(), end, tail.len());
                self.write_value_len(new);
            }
            self.set_meta((self.meta() & KEPT_MASK) | (u32::from(new.bits) << 24));
        } else {
            let payload = Payload::Pieces(head, tail);
            *self = Self::build(new, self.meta(), expiry_ms, self.key(), &payload);
        }
        Some(total)
    }

    /// Replaces the value by an object; key and expiry stay.
    pub fn set_object<T: Object>(&mut self, value: T) {
        self.replace_with(Self::object(self.key(), value));
    }

    /// Takes the value of `other`, which has the same key, and keeps the expiry and the access clock.
    fn replace_with(&mut self, mut other: Self) {
        if let Some(expiry_ms) = self.expiry_ms() {
            other.set_expiry_ms(Some(expiry_ms));
        }
        other.keep(self.meta());
        *self = other;
    }

    /// Takes over what stays with an entry from the meta word that it had.
    fn keep(&mut self, meta: u32) {
        self.set_meta((self.meta() & !KEPT_MASK) | (meta & KEPT_MASK));
    }

    /// The string as a vector to be changed in place; `None` when it is no string.
    /// From then on OBJECT ENCODING calls it `raw`.
    pub fn vector_mut(&mut self) -> Option<&mut Vec<u8>> {
        if self.kind() != Kind::Vector {
            let bytes = self.as_str()?.to_vec();
            self.replace_with(Self::vector(self.key(), bytes));
        }
        // SAFETY: the kind is Vector, so the payload points to a boxed `Vec<u8>` that the entry owns.
        Some(unsafe { self.value::<Vec<u8>>().as_mut() })
    }

    /// Gives a short vector's bytes back to the entry, once a change in place is over.
    pub fn settle(&mut self) {
        if self.kind() != Kind::Vector {
            return;
        }
        let Some(Str::Bytes(bytes)) = self.as_str() else { return };
        if bytes.len() <= SETTLED_BYTES_MAX {
            let mut inline = Self::string(self.key(), bytes);
            inline.set_meta(inline.meta() | (u32::from(MODIFIED) << 24));
            self.replace_with(inline);
        }
    }

    /// The inline bytes, to be changed without changing their number.
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        let shape = self.shape();
        match kind_of(shape.bits) {
            Kind::Inline => {
                self.set_meta(self.meta() | (u32::from(MODIFIED) << 24));
                // SAFETY: `value_len` bytes are there, and `&mut self` is the only reference.
                Some(unsafe {
                    core::slice::from_raw_parts_mut(
                        self.at.add(shape.value_at()).as_ptr(),
                        shape.value_len,
                    )
                })
            }
            Kind::Int => None,
            _ => self.vector_mut().map(Vec::as_mut_slice),
        }
    }
}
