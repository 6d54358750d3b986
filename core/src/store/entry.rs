//! A key and its value in one allocation.
//!
//! ```text
//!  meta u32            lengths                    expiry       key          value
//! ┌───────────────────┬──────────────────────────┬────────────┬────────────┬──────────────────────────┐
//! │ access 24 │ kind 8│ key u8, value u8 (narrow) │ i64, if any│ key bytes  │ string bytes, an i64, or │
//! │           │       │ key u32, value u32 (wide) │            │            │ an object, as one word   │
//! └───────────────────┴──────────────────────────┴────────────┴────────────┴──────────────────────────┘
//! ```
//!
//! An object of one word, which is most of them, lies in the entry itself, any other in a box; the word ends
//! where the allocation ends and is aligned, unlike all other parts. A string of up to [`INLINE_BYTES_MAX`] lies in the entry; a longer one is a `Vec<u8>` of its own, so
//! that it can grow in place. A 16-byte key with a 16-byte value takes 38 bytes, rounded up to 40: the
//! allocators of the hosts have size classes in steps of 8.
//!
//! This is an island of `unsafe`: a raw allocation whose layout the header describes. What makes it
//! sound: only [`Entry::build`] writes headers; every access derives its place from the header through
//! [`Shape`]; an entry owns its allocation and its object and frees both once.

mod change;
mod grow;

use crate::collections::hash::HashSeed;
use crate::value::{Kind, Object, Str, Type, with_object};
use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};
use grow::grow;

/// Longer strings live in an allocation of their own, in bytes.
pub const INLINE_BYTES_MAX: usize = 4096;
/// Strings up to this length are called `embstr` by OBJECT ENCODING, as in Redis.
const EMBSTR_BYTES_MAX: usize = 44;

/// Strings that were changed in place go back into their entry up to this length; longer ones keep their
/// vector, so that they can grow on.
const SETTLED_BYTES_MAX: usize = 255;

const KIND_MASK: u8 = 0x0f;
const HAS_EXPIRY: u8 = 0x10;
const WIDE: u8 = 0x20;
/// The string was changed in place once, so OBJECT ENCODING calls it `raw`.
const MODIFIED: u8 = 0x40;
const ACCESS_MASK: u32 = 0x00ff_ffff;
/// Tells whether a snapshot has the entry: see [`cut`](super::cut).
pub const EPOCH: u32 = 0x8000_0000;
/// What stays with an entry whatever becomes of its value.
const KEPT_MASK: u32 = ACCESS_MASK | EPOCH;

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

    /// Where an object or the pointer to one is: the allocation is aligned to 8 and ends with it.
    #[inline]
    const fn word_at(self) -> usize {
        self.allocated() - WORD
    }

    #[inline]
    const fn allocated(self) -> usize {
        (self.value_at() + self.value_len + 7) & !7
    }

    /// Whether an entry of this shape can be turned into one of the `new` shape with the same key by
    /// writing over it.
    #[inline]
    const fn can_become(self, new: Self) -> bool {
        matches!(kind_of(self.bits), Kind::Inline | Kind::Int)
            && (new.bits ^ self.bits) & (WIDE | HAS_EXPIRY) == 0
            && new.allocated() == self.allocated()
    }

    fn layout(self) -> Layout {
        Layout::from_size_align(self.allocated(), 8).expect("two 32-bit lengths fit a layout")
    }
}

const fn kind_of(bits: u8) -> Kind {
    Kind::from_bits(bits & KIND_MASK)
}

/// What is written as the value of a new entry.
#[derive(Clone, Copy)]
enum Payload<'a> {
    Bytes(&'a [u8]),
    /// Two pieces, one behind the other.
    Pieces(&'a [u8], &'a [u8]),
    Int(i64),
    Word(Word),
}

/// An object that is a word, or the pointer to its box. Moved as it is, whatever it is.
type Word = MaybeUninit<*mut ()>;

/// The bytes of a [`Word`].
const WORD: usize = size_of::<Word>();

/// Whether a T is a word in the entry, and not in a box.
const fn is_word<T>() -> bool {
    size_of::<T>() <= WORD && align_of::<T>() <= align_of::<Word>()
}

impl Payload<'_> {
    /// Writes the value.
    ///
    /// # Safety
    /// `at` has room for `len` bytes, which is the length of this payload, and no piece of it lies there.
    /// It is aligned for a word.
    #[inline]
    unsafe fn write(self, at: *mut u8, len: usize) {
        // SAFETY: by contract.
        unsafe {
            match self {
                Payload::Bytes(bytes) => {
                    debug_assert_eq!(bytes.len(), len);
                    ptr::copy_nonoverlapping(bytes.as_ptr(), at, len);
                }
                Payload::Pieces(head, tail) => {
                    debug_assert_eq!(head.len() + tail.len(), len);
                    ptr::copy_nonoverlapping(head.as_ptr(), at, head.len());
                    ptr::copy_nonoverlapping(tail.as_ptr(), at.add(head.len()), tail.len());
                }
                Payload::Int(value) => at.cast::<i64>().write_unaligned(value),
                Payload::Word(word) => at.cast::<Word>().write(word),
            }
        }
    }
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
        const { assert!(!is_word::<Vec<u8>>()) };
        Self::of_value(Kind::Vector, key, value)
    }

    /// A string that is the decimal text of `value`.
    #[inline]
    pub fn int(key: &[u8], value: i64) -> Self {
        let shape = Shape::new(Kind::Int, false, false, key.len(), 8);
        Self::build(shape, 0, None, key, &Payload::Int(value))
    }

    /// A list, set, hash, sorted set or stream.
    pub fn object<T: Object>(key: &[u8], value: T) -> Self {
        Self::of_value(T::KIND, key, value)
    }

    fn of_value<T>(kind: Kind, key: &[u8], value: T) -> Self {
        let mut word = Word::new(ptr::null_mut());
        if is_word::<T>() {
            // SAFETY: a T has room in a word and is aligned there.
            unsafe { word.as_mut_ptr().cast::<T>().write(value) };
        } else {
            word.write(Box::into_raw(Box::new(value)).cast());
        }
        let shape = Shape::new(kind, false, false, key.len(), WORD);
        Self::build(shape, 0, None, key, &Payload::Word(word))
    }

    fn build(
        shape: Shape,
        kept: u32,
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
            at.cast::<u32>().write((kept & KEPT_MASK) | (u32::from(shape.bits) << 24));
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
            let value_at = match payload {
                Payload::Word(_) => shape.word_at(),
                _ => shape.value_at(),
            };
            payload.write(at.add(value_at), shape.value_len);
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

    /// Whether this is the entry of `key`.
    #[inline]
    pub fn has_key(&self, key: &[u8]) -> bool {
        let own = self.key();
        if own.len() != key.len() {
            return false;
        }
        // Most keys are a few words long; comparing those is quicker than asking for it.
        match (own.first_chunk::<8>(), key.first_chunk::<8>()) {
            (Some(a), Some(b)) if own.len() <= 16 => {
                a == b && own.last_chunk::<8>() == key.last_chunk::<8>()
            }
            _ => own == key,
        }
    }

    /// Where the word is.
    #[inline]
    fn word(&self) -> NonNull<Word> {
        debug_assert!(!matches!(self.kind(), Kind::Inline | Kind::Int));
        // SAFETY: callers have seen a kind whose value is a word, which is at the end of the allocation.
        unsafe { self.at.add(self.shape().word_at()).cast() }
    }

    /// The value, which is a T or a pointer to one.
    ///
    /// # Safety
    /// The kind is one whose values are of type T.
    #[inline]
    unsafe fn value<T>(&self) -> NonNull<T> {
        let word = self.word();
        if is_word::<T>() {
            return word.cast();
        }
        // SAFETY: `of_value` wrote the pointer of a box there.
        unsafe { NonNull::new_unchecked(word.as_ref().assume_init()).cast() }
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
            Kind::Vector => Some(Str::Bytes(unsafe { self.value::<Vec<u8>>().as_ref() })),
            _ => None,
        }
    }

    /// The object, if it is of this type.
    #[inline]
    pub fn as_object<T: Object>(&self) -> Option<&T> {
        // SAFETY: the kind is T's alone, and the entry owns the T.
        (self.kind() == T::KIND).then(|| unsafe { self.value::<T>().as_ref() })
    }

    /// The object, if it is of this type.
    #[inline]
    pub fn as_object_mut<T: Object>(&mut self) -> Option<&mut T> {
        // SAFETY: as in `as_object`, and `&mut self` is the only reference.
        (self.kind() == T::KIND).then(|| unsafe { self.value::<T>().as_mut() })
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

    /// Whether it has an expiry that is over.
    #[inline]
    pub fn is_due(&self, now_ms: i64) -> bool {
        self.expiry_ms().is_some_and(|at_ms| at_ms <= now_ms)
    }

    /// Whether it is a string. Strings are freed at once whatever their length.
    #[inline]
    pub fn is_string(&self) -> bool {
        matches!(self.kind(), Kind::Inline | Kind::Int | Kind::Vector)
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

    /// An entry with another key and expiry that takes the value over; `self` is then only good to be dropped.
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
            // SAFETY: what is no inline string and no integer is a word.
            _ => Payload::Word(unsafe { self.word().read() }),
        };
        let moved = Self::build(new, self.meta(), expiry_ms, key, &payload);
        // The object now belongs to the new entry: make the old one a string of the same
        // shape, whose bytes nobody reads: they may be what lies before the word.
        if !matches!(kind, Kind::Inline | Kind::Int) {
            let meta = self.meta();
            self.set_meta(meta & !(u32::from(KIND_MASK) << 24));
        }
        moved
    }

    /// A copy of value and expiry under another key, as COPY makes it.
    #[must_use]
    pub fn duplicate(&self, key: &[u8], seed: &HashSeed) -> Self {
        let old = self.shape();
        let kind = kind_of(old.bits);
        let mut copy = match (self.as_str(), kind) {
            (Some(Str::Int(value)), _) => Self::int(key, value),
            (Some(Str::Bytes(bytes)), Kind::Vector) => Self::vector(key, bytes.to_vec()),
            (Some(Str::Bytes(bytes)), _) => {
                let modified = old.bits & MODIFIED != 0;
                let shape = Shape::new(Kind::Inline, modified, false, key.len(), bytes.len());
                Self::build(shape, 0, None, key, &Payload::Bytes(bytes))
            }
            (None, _) => self.duplicate_object(key, seed),
        };
        copy.set_expiry_ms(self.expiry_ms());
        copy
    }

    fn duplicate_object(&self, key: &[u8], seed: &HashSeed) -> Self {
        fn of<T: Object>(entry: &Entry, key: &[u8], seed: &HashSeed) -> Entry {
            Entry::object(key, entry.as_object::<T>().expect("the kind is T's").duplicate(seed))
        }
        match self.kind() {
            Kind::Inline | Kind::Int | Kind::Vector => unreachable!("strings are no objects"),
            Kind::List => of::<crate::value::List>(self, key, seed),
            Kind::Set => of::<crate::value::Set>(self, key, seed),
            Kind::Hash => of::<crate::value::Hash>(self, key, seed),
            Kind::SortedSet => of::<crate::value::SortedSet>(self, key, seed),
            Kind::Stream => of::<crate::value::Stream>(self, key, seed),
        }
    }

    /// The same value and expiry under another key.
    #[must_use]
    pub fn with_key(mut self, key: &[u8]) -> Self {
        let expiry_ms = self.expiry_ms();
        self.moved(key, expiry_ms)
    }

    /// The name of the encoding as OBJECT ENCODING gives it.
    pub fn encoding(&self) -> &'static str {
        self.string_encoding()
            .or_else(|| with_object!(self.as_object, encoding()))
            .unwrap_or("unknown")
    }

    /// The bytes of the entry with its value; of a large value an estimate.
    pub fn memory(&self) -> usize {
        let value = match (self.as_str(), self.kind()) {
            (Some(_), Kind::Vector) => {
                // SAFETY: a Vector's payload points to a boxed `Vec<u8>` that the entry owns.
                let vector = unsafe { self.value::<Vec<u8>>().as_ref() };
                size_of::<Vec<u8>>() + vector.capacity()
            }
            (Some(_), _) => 0,
            (None, _) => with_object!(self.as_object, memory()).unwrap_or(0),
        };
        self.allocated() + value
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

    /// The epoch of which it is, 0 or [`EPOCH`].
    #[inline]
    pub fn epoch(&self) -> u32 {
        self.meta() & EPOCH
    }

    /// Puts it into an epoch.
    #[inline]
    pub fn set_epoch(&mut self, epoch: u32) {
        self.set_meta((self.meta() & !EPOCH) | epoch);
    }

    /// Sets the access clock and the epoch of an entry that is new.
    #[inline]
    pub fn begin(&mut self, access: u32, epoch: u32) {
        self.set_meta((self.meta() & !KEPT_MASK) | (access & ACCESS_MASK) | epoch);
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
            drop_value(kind, self.word());
        }
        // SAFETY: `build` allocated it with the layout of this shape; every change in place keeps the size.
        unsafe { dealloc(self.at.as_ptr(), shape.layout()) }
    }
}

/// Drops the value of an entry of this kind, which is this word.
fn drop_value(kind: Kind, word: NonNull<Word>) {
    fn free<T>(word: NonNull<Word>) {
        // SAFETY: the entry's kind is T's, it owned the T or its box, and it is being dropped.
        unsafe {
            if is_word::<T>() {
                word.cast::<T>().drop_in_place();
            } else {
                drop(Box::from_raw(word.read().assume_init().cast::<T>()));
            }
        }
    }
    match kind {
        Kind::Inline | Kind::Int => {}
        Kind::Vector => free::<Vec<u8>>(word),
        Kind::List => free::<crate::value::List>(word),
        Kind::Set => free::<crate::value::Set>(word),
        Kind::Hash => free::<crate::value::Hash>(word),
        Kind::SortedSet => free::<crate::value::SortedSet>(word),
        Kind::Stream => free::<crate::value::Stream>(word),
    }
}

#[cfg(test)]
mod tests;
