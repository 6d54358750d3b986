//! A key and its value in one allocation.
//!
//! ```text
//!  meta u32            lengths                    expiry       key          value
//! ┌───────────────────┬──────────────────────────┬────────────┬────────────┬──────────────────────────┐
//! │ access 24 │ kind 8│ key u8, value u8 (narrow) │ i64, if any│ key bytes  │ string bytes, an i64, or │
//! │           │       │ key u32, value u32 (wide) │            │            │ a pointer to the object  │
//! └───────────────────┴──────────────────────────┴────────────┴────────────┴──────────────────────────┘
//! ```
//!
//! A string of up to [`INLINE_BYTES_MAX`] lies in the entry; a longer one is a `Vec<u8>` of its own, so
//! that it can grow in place. A 16-byte key with a 16-byte value takes 38 bytes, rounded up to 40: the
//! allocators of the hosts have size classes in steps of 8.
//!
//! This is an island of `unsafe`: a raw allocation whose layout the header describes. What makes it
//! sound: only [`Entry::build`] writes headers; every access derives its place from the header through
//! [`Shape`]; an entry owns its allocation and its object and frees both once.

use crate::value::{Kind, Object, Str, Type};
use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

/// Longer strings live in an allocation of their own, in bytes.
pub const INLINE_BYTES_MAX: usize = 4096;
/// Strings up to this length are called `embstr` by OBJECT ENCODING, as in Redis.
const EMBSTR_BYTES_MAX: usize = 44;

const KIND_MASK: u8 = 0x0f;
const HAS_EXPIRY: u8 = 0x10;
const WIDE: u8 = 0x20;
/// The string was changed in place once, so OBJECT ENCODING calls it `raw`.
const MODIFIED: u8 = 0x40;
const ACCESS_MASK: u32 = 0x00ff_ffff;

/// Where the parts of an entry are.
#[derive(Clone, Copy)]
struct Shape {
    bits: u8,
    key_len: usize,
    value_len: usize,
}

impl Shape {
    fn new(kind: Kind, modified: bool, expires: bool, key_len: usize, value_len: usize) -> Self {
        let mut bits = kind as u8;
        if expires {
            bits |= HAS_EXPIRY;
        }
        if modified {
            bits |= MODIFIED;
        }
        if key_len > 255 || value_len > 255 {
            bits |= WIDE;
        }
        Self { bits, key_len, value_len }
    }

    #[inline]
    const fn lengths_end(self) -> usize {
        if self.bits & WIDE == 0 { 6 } else { 12 }
    }

    #[inline]
    const fn key_at(self) -> usize {
        self.lengths_end() + if self.bits & HAS_EXPIRY == 0 { 0 } else { 8 }
    }

    #[inline]
    const fn value_at(self) -> usize {
        self.key_at() + self.key_len
    }

    #[inline]
    const fn allocated(self) -> usize {
        (self.value_at() + self.value_len + 7) & !7
    }

    fn layout(self) -> Layout {
        Layout::from_size_align(self.allocated(), 8).expect("two 32-bit lengths fit a layout")
    }
}

const fn kind_of(bits: u8) -> Kind {
    Kind::from_bits(bits & KIND_MASK)
}

/// What is written as the value of a new entry.
enum Payload<'a> {
    Bytes(&'a [u8]),
    Int(i64),
    Pointer(*mut ()),
}

/// An owned key with its value.
pub struct Entry {
    at: NonNull<u8>,
    owns: PhantomData<Box<[u8]>>,
}

// SAFETY: an entry owns everything it points to, and objects are `Send` (asserted in `value`).
unsafe impl Send for Entry {}

impl core::fmt::Debug for Entry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Entry").field("key", &self.key()).field("kind", &self.kind()).finish()
    }
}

impl Entry {
    /// A string of these bytes. Not looked at for being an integer: see [`Entry::int`].
    #[inline]
    pub fn string(key: &[u8], value: &[u8]) -> Self {
        if value.len() <= INLINE_BYTES_MAX {
            let shape = Shape::new(Kind::Inline, false, false, key.len(), value.len());
            Self::build(shape, 0, None, key, &Payload::Bytes(value))
        } else {
            Self::vector(key, value.to_vec())
        }
    }

    /// A string in a vector of its own.
    pub fn vector(key: &[u8], value: Vec<u8>) -> Self {
        let pointer = Box::into_raw(Box::new(value)).cast();
        Self::boxed(Kind::Vector, key, pointer)
    }

    /// A string that is the decimal text of `value`.
    #[inline]
    pub fn int(key: &[u8], value: i64) -> Self {
        let shape = Shape::new(Kind::Int, false, false, key.len(), 8);
        Self::build(shape, 0, None, key, &Payload::Int(value))
    }

    /// A list, set, hash, sorted set or stream.
    pub fn object<T: Object>(key: &[u8], value: T) -> Self {
        Self::boxed(T::KIND, key, Box::into_raw(Box::new(value)).cast())
    }

    fn boxed(kind: Kind, key: &[u8], pointer: *mut ()) -> Self {
        let shape = Shape::new(kind, false, false, key.len(), size_of::<*mut ()>());
        Self::build(shape, 0, None, key, &Payload::Pointer(pointer))
    }

    fn build(
        shape: Shape,
        access: u32,
        expiry_ms: Option<i64>,
        key: &[u8],
        payload: &Payload<'_>,
    ) -> Self {
        debug_assert_eq!(shape.key_len, key.len());
        debug_assert_eq!(shape.bits & HAS_EXPIRY != 0, expiry_ms.is_some());
        let layout = shape.layout();
        // SAFETY: the layout is never empty: the header alone takes six bytes. Every write below stays
        // within it, since `allocated` is the end of the value rounded up.
        unsafe {
            let at = alloc(layout);
            if at.is_null() {
                handle_alloc_error(layout);
            }
            at.cast::<u32>().write((access & ACCESS_MASK) | (u32::from(shape.bits) << 24));
            if shape.bits & WIDE == 0 {
                at.add(4).write(shape.key_len as u8);
                at.add(5).write(shape.value_len as u8);
            } else {
                at.add(4).cast::<u32>().write(shape.key_len as u32);
                at.add(8).cast::<u32>().write(shape.value_len as u32);
            }
            if let Some(expiry_ms) = expiry_ms {
                at.add(shape.lengths_end()).cast::<i64>().write_unaligned(expiry_ms);
            }
            ptr::copy_nonoverlapping(key.as_ptr(), at.add(shape.key_at()), key.len());
            let value_at = at.add(shape.value_at());
            match *payload {
                Payload::Bytes(bytes) => {
                    debug_assert_eq!(bytes.len(), shape.value_len);
                    ptr::copy_nonoverlapping(bytes.as_ptr(), value_at, bytes.len());
                }
                Payload::Int(value) => value_at.cast::<i64>().write_unaligned(value),
                Payload::Pointer(pointer) => value_at.cast::<*mut ()>().write_unaligned(pointer),
            }
            Self { at: NonNull::new_unchecked(at), owns: PhantomData }
        }
    }

    #[inline]
    fn meta(&self) -> u32 {
        // SAFETY: every entry starts with its meta word, aligned to 8.
        unsafe { self.at.cast::<u32>().read() }
    }

    fn set_meta(&mut self, meta: u32) {
        // SAFETY: as in `meta`; `&mut self` is the only reference.
        unsafe { self.at.cast::<u32>().write(meta) }
    }

    #[inline]
    fn shape(&self) -> Shape {
        let bits = (self.meta() >> 24) as u8;
        // SAFETY: the WIDE bit says which of the two forms of lengths `build` wrote.
        unsafe {
            if bits & WIDE == 0 {
                Shape {
                    bits,
                    key_len: self.at.add(4).read() as usize,
                    value_len: self.at.add(5).read() as usize,
                }
            } else {
                Shape {
                    bits,
                    key_len: self.at.add(4).cast::<u32>().read() as usize,
                    value_len: self.at.add(8).cast::<u32>().read() as usize,
                }
            }
        }
    }

    /// What it holds.
    #[inline]
    pub fn kind(&self) -> Kind {
        kind_of((self.meta() >> 24) as u8)
    }

    /// The type that clients see.
    pub fn type_(&self) -> Type {
        self.kind().type_()
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &[u8] {
        let shape = self.shape();
        // SAFETY: `build` wrote `key_len` bytes there, and they live as long as the entry.
        unsafe { core::slice::from_raw_parts(self.at.add(shape.key_at()).as_ptr(), shape.key_len) }
    }

    #[inline]
    fn pointer(&self) -> *mut () {
        let shape = self.shape();
        debug_assert!(!matches!(self.kind(), Kind::Inline | Kind::Int));
        // SAFETY: callers have seen a kind whose payload is a pointer.
        unsafe { self.at.add(shape.value_at()).cast::<*mut ()>().read_unaligned() }
    }

    /// The string, if it is one.
    #[inline]
    pub fn as_str(&self) -> Option<Str<'_>> {
        let shape = self.shape();
        match kind_of(shape.bits) {
            // SAFETY: `build` or `set_string` wrote `value_len` bytes there.
            Kind::Inline => Some(Str::Bytes(unsafe {
                core::slice::from_raw_parts(self.at.add(shape.value_at()).as_ptr(), shape.value_len)
            })),
            // SAFETY: an Int's payload is an i64.
            Kind::Int => Some(Str::Int(unsafe {
                self.at.add(shape.value_at()).cast::<i64>().read_unaligned()
            })),
            // SAFETY: a Vector's payload points to a boxed `Vec<u8>` that the entry owns.
            Kind::Vector => Some(Str::Bytes(unsafe { &*self.pointer().cast::<Vec<u8>>() })),
            _ => None,
        }
    }

    /// The object, if it is of this type.
    #[inline]
    pub fn as_object<T: Object>(&self) -> Option<&T> {
        // SAFETY: the kind is T's alone, so the payload points to a boxed T that the entry owns.
        (self.kind() == T::KIND).then(|| unsafe { &*self.pointer().cast::<T>() })
    }

    /// The object, if it is of this type.
    #[inline]
    pub fn as_object_mut<T: Object>(&mut self) -> Option<&mut T> {
        // SAFETY: as in `as_object`, and `&mut self` is the only reference.
        (self.kind() == T::KIND).then(|| unsafe { &mut *self.pointer().cast::<T>() })
    }

    /// When the key expires, in Unix milliseconds.
    #[inline]
    pub fn expiry_ms(&self) -> Option<i64> {
        let shape = self.shape();
        (shape.bits & HAS_EXPIRY != 0).then(|| {
            // SAFETY: the bit says that `build` wrote an expiry there.
            unsafe { self.at.add(shape.lengths_end()).cast::<i64>().read_unaligned() }
        })
    }

    /// Sets or removes the expiry, in Unix milliseconds.
    pub fn set_expiry_ms(&mut self, expiry_ms: Option<i64>) {
        let shape = self.shape();
        match expiry_ms {
            Some(at_ms) if shape.bits & HAS_EXPIRY != 0 => {
                // SAFETY: the bit says that an expiry is stored there.
                unsafe {
                    self.at.add(shape.lengths_end()).cast::<i64>().write_unaligned(at_ms);
                }
            }
            None if shape.bits & HAS_EXPIRY == 0 => {}
            _ => self.rebuild(expiry_ms),
        }
    }

    /// Moves everything into an entry that has room for an expiry, or none.
    fn rebuild(&mut self, expiry_ms: Option<i64>) {
        let key: *const [u8] = self.key();
        // SAFETY: the key lives in the old allocation, which is freed after the copy.
        let moved = self.moved(unsafe { &*key }, expiry_ms);
        *self = moved;
    }

    /// An entry with another key and expiry that takes the value over; `self` keeps an empty string.
    fn moved(&mut self, key: &[u8], expiry_ms: Option<i64>) -> Self {
        let shape = self.shape();
        let kind = kind_of(shape.bits);
        let new = Shape::new(
            kind,
            shape.bits & MODIFIED != 0,
            expiry_ms.is_some(),
            key.len(),
            shape.value_len,
        );
        let payload = match self.as_str() {
            Some(Str::Bytes(bytes)) if kind == Kind::Inline => Payload::Bytes(bytes),
            Some(Str::Int(value)) => Payload::Int(value),
            _ => Payload::Pointer(self.pointer()),
        };
        let moved = Self::build(new, self.access(), expiry_ms, key, &payload);
        // The object now belongs to the new entry: make the old one a plain string of the same shape.
        if !matches!(kind, Kind::Inline | Kind::Int) {
            let meta = self.meta();
            self.set_meta(meta & !(u32::from(KIND_MASK) << 24));
        }
        moved
    }

    /// The same value and expiry under another key.
    #[must_use]
    pub fn with_key(mut self, key: &[u8]) -> Self {
        let expiry_ms = self.expiry_ms();
        self.moved(key, expiry_ms)
    }

    /// Replaces the value by these bytes; key and expiry stay. Allocates nothing when the size class stays.
    pub fn set_string(&mut self, value: &[u8]) {
        let shape = self.shape();
        if value.len() > INLINE_BYTES_MAX {
            self.replace_with(Self::vector(self.key(), value.to_vec()));
            return;
        }
        let new = Shape::new(
            Kind::Inline,
            false,
            shape.bits & HAS_EXPIRY != 0,
            shape.key_len,
            value.len(),
        );
        let fits = matches!(kind_of(shape.bits), Kind::Inline | Kind::Int)
            && (new.bits ^ shape.bits) & WIDE == 0
            && new.allocated() == shape.allocated();
        if !fits {
            let expiry_ms = self.expiry_ms();
            let access = self.access();
            *self = Self::build(new, access, expiry_ms, self.key(), &Payload::Bytes(value));
            return;
        }
        self.set_meta((self.meta() & ACCESS_MASK) | (u32::from(new.bits) << 24));
        // SAFETY: same allocation size and same place of the lengths, key and value.
        unsafe {
            if new.bits & WIDE == 0 {
                self.at.add(5).write(value.len() as u8);
            } else {
                self.at.add(8).cast::<u32>().write(value.len() as u32);
            }
            let value_at = self.at.add(new.value_at()).as_ptr();
            ptr::copy_nonoverlapping(value.as_ptr(), value_at, value.len());
        }
    }

    /// Replaces the value by an integer; key and expiry stay.
    pub fn set_int(&mut self, value: i64) {
        let shape = self.shape();
        if kind_of(shape.bits) == Kind::Int {
            // SAFETY: an Int's payload is an i64.
            unsafe {
                self.at.add(shape.value_at()).cast::<i64>().write_unaligned(value);
            }
        } else {
            self.replace_with(Self::int(self.key(), value));
        }
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
        other.set_access(self.access());
        *self = other;
    }

    /// The string as a vector to be changed in place; `None` when it is no string.
    /// From then on OBJECT ENCODING calls it `raw`.
    pub fn vector_mut(&mut self) -> Option<&mut Vec<u8>> {
        if self.kind() != Kind::Vector {
            let bytes = self.as_str()?.to_vec();
            self.replace_with(Self::vector(self.key(), bytes));
        }
        // SAFETY: the kind is Vector, so the payload points to a boxed `Vec<u8>` that the entry owns.
        Some(unsafe { &mut *self.pointer().cast::<Vec<u8>>() })
    }

    /// Gives a short vector's bytes back to the entry, once a change in place is over.
    pub fn settle(&mut self) {
        if self.kind() != Kind::Vector {
            return;
        }
        let Some(Str::Bytes(bytes)) = self.as_str() else { return };
        if bytes.len() <= EMBSTR_BYTES_MAX * 4 {
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

    /// The name of a string's encoding as OBJECT ENCODING gives it; `None` when it is no string.
    pub fn string_encoding(&self) -> Option<&'static str> {
        let shape = self.shape();
        match kind_of(shape.bits) {
            Kind::Int => Some("int"),
            Kind::Inline if shape.bits & MODIFIED == 0 && shape.value_len <= EMBSTR_BYTES_MAX => {
                Some("embstr")
            }
            Kind::Inline | Kind::Vector => Some("raw"),
            _ => None,
        }
    }

    /// The access clock: 24 bits of LRU or LFU data.
    #[inline]
    pub fn access(&self) -> u32 {
        self.meta() & ACCESS_MASK
    }

    /// Sets the access clock.
    #[inline]
    pub fn set_access(&mut self, access: u32) {
        let meta = self.meta();
        if (meta ^ access) & ACCESS_MASK != 0 {
            self.set_meta((meta & !ACCESS_MASK) | (access & ACCESS_MASK));
        }
    }

    /// The bytes of its own allocation, without the object's.
    pub fn allocated(&self) -> usize {
        self.shape().allocated()
    }

    /// The address that a prefetch brings into the cache.
    #[inline]
    pub fn address(&self) -> *const u8 {
        self.at.as_ptr()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let shape = self.shape();
        let kind = kind_of(shape.bits);
        if !matches!(kind, Kind::Inline | Kind::Int) {
            drop_payload(kind, self.pointer());
        }
        // SAFETY: `build` allocated it with the layout of this shape; every change in place keeps the size.
        unsafe { dealloc(self.at.as_ptr(), shape.layout()) }
    }
}

/// Frees what the payload of an entry of this kind points to.
fn drop_payload(kind: Kind, pointer: *mut ()) {
    fn free<T>(pointer: *mut ()) {
        // SAFETY: the entry's kind is T's, it owned the box, and it is being dropped.
        drop(unsafe { Box::from_raw(pointer.cast::<T>()) });
    }
    match kind {
        Kind::Inline | Kind::Int => {}
        Kind::Vector => free::<Vec<u8>>(pointer),
        Kind::List => free::<crate::value::List>(pointer),
        Kind::Set => free::<crate::value::Set>(pointer),
        Kind::Hash => free::<crate::value::Hash>(pointer),
        Kind::SortedSet => free::<crate::value::SortedSet>(pointer),
        Kind::Stream => free::<crate::value::Stream>(pointer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_small_string_takes_its_bytes_and_six_more() {
        let entry = Entry::string(b"0123456789abcdef", b"0123456789abcdef");
        assert_eq!(entry.allocated(), 40);
        assert_eq!(entry.key(), b"0123456789abcdef");
        assert_eq!(entry.as_str(), Some(Str::Bytes(b"0123456789abcdef")));
    }

    #[test]
    fn a_value_is_replaced_whatever_its_length() {
        for from in [0, 1, 12, 255, 256, 4096, 4097, 9000] {
            for to in [0, 1, 12, 255, 256, 4096, 4097, 9000] {
                let mut entry = Entry::string(b"key", &vec![b'a'; from]);
                entry.set_expiry_ms(Some(77));
                entry.set_access(5);
                entry.set_string(&vec![b'b'; to]);
                assert_eq!(entry.as_str(), Some(Str::Bytes(&vec![b'b'; to])));
                assert_eq!(entry.key(), b"key");
                assert_eq!(entry.expiry_ms(), Some(77));
                assert_eq!(entry.access(), 5);
            }
        }
    }

    #[test]
    fn an_expiry_comes_and_goes() {
        let mut entry = Entry::int(b"k", 42);
        entry.set_expiry_ms(Some(1));
        entry.set_expiry_ms(Some(2));
        assert_eq!(entry.expiry_ms(), Some(2));
        entry.set_expiry_ms(None);
        assert_eq!(entry.expiry_ms(), None);
        assert_eq!(entry.as_str(), Some(Str::Int(42)));
    }

    #[test]
    fn a_renamed_vector_moves_its_bytes() {
        let entry = Entry::vector(b"old", vec![7; 10_000]).with_key(b"a much longer new name");
        assert_eq!(entry.key(), b"a much longer new name");
        assert_eq!(entry.as_str().map(Str::len), Some(10_000));
    }

    #[test]
    fn a_change_in_place_makes_a_string_raw() {
        let mut entry = Entry::string(b"k", b"abc");
        assert_eq!(entry.string_encoding(), Some("embstr"));
        entry.vector_mut().expect("a string").extend_from_slice(b"def");
        entry.settle();
        assert_eq!(entry.string_encoding(), Some("raw"));
        assert_eq!(entry.as_str(), Some(Str::Bytes(b"abcdef")));
    }

    #[test]
    fn keys_longer_than_255_bytes_are_wide() {
        let key = vec![b'k'; 300];
        let mut entry = Entry::string(&key, b"v");
        entry.set_string(b"w");
        entry.set_expiry_ms(Some(9));
        assert_eq!(entry.key(), &key[..]);
        assert_eq!(entry.as_str(), Some(Str::Bytes(b"w")));
    }
}
