//! One word that is one of several one-word handles.
//!
//! A small value is a handle of one pointer to its bytes, a large one a box. An enum of the two takes a
//! second word to say which it is, and with it every key that holds a list, set or hash. The blocks are
//! aligned, so there is place in the pointer itself: each type of handle points another number of bytes
//! into its block, and the low two bits of the word tell which handle it is.
//!
//! ```text
//! low bits   0 Listpack   1 Large<T>, a box   2 Intset   3 Large<T, 3>, another box
//! ```
//!
//! The word is never taken apart: it is borrowed as the very handle that was put in. An [`Either`] is
//! itself a handle, so that `Either<Either<Listpack, Intset>, Large<T>>` is one of three in one word.

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

/// Which values the low two bits of a handle can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LowBits(u8);

impl LowBits {
    /// Just this value, below 4.
    #[must_use]
    pub const fn of(value: usize) -> Self {
        assert!(value < 4, "blocks may be aligned to no more than 4 bytes");
        Self(1 << value)
    }

    const fn or(self, other: Self) -> Self {
        assert!(self.0 & other.0 == 0, "handles with the same low bits cannot share a word");
        Self(self.0 | other.0)
    }

    #[inline]
    fn match_word(self, word: NonNull<u8>) -> bool {
        self.0 >> (word.addr().get() & 3) & 1 != 0
    }
}

/// An owner that is one pointer.
///
/// # Safety
/// The type has the layout and validity of `NonNull<u8>` and stays valid when it is moved as one. The low
/// two bits of the pointer's address are always one of the values of `LOW`.
pub unsafe trait Handle {
    /// What the low two bits of the address can be.
    const LOW: LowBits;
}

/// A box as a handle, whose low bits are `LOW`.
#[repr(transparent)]
pub struct Large<T, const LOW: usize = 1> {
    // Invariant: `LOW` bytes into a T from `Box::into_raw`, which this value owns.
    at: NonNull<u8>,
    owns: PhantomData<Box<T>>,
}

// SAFETY: the type is one pointer, `LOW` bytes behind a T, which is aligned to 4 or more (see `new`).
unsafe impl<T, const LOW: usize> Handle for Large<T, LOW> {
    const LOW: LowBits = LowBits::of(LOW);
}

// SAFETY: it is a `Box<T>`.
unsafe impl<T: Send, const LOW: usize> Send for Large<T, LOW> {}
// SAFETY: it is a `Box<T>`.
unsafe impl<T: Sync, const LOW: usize> Sync for Large<T, LOW> {}

impl<T, const LOW: usize> Large<T, LOW> {
    /// Moves `value` to the heap.
    #[must_use]
    pub fn new(value: T) -> Self {
        const { assert!(align_of::<T>() >= 4 && size_of::<T>() >= 4 && LOW < 4) };
        let value = NonNull::from(Box::leak(Box::new(value)));
        // SAFETY: a T has more than `LOW` bytes.
        Self { at: unsafe { value.cast::<u8>().add(LOW) }, owns: PhantomData }
    }

    #[inline]
    fn pointer(&self) -> NonNull<T> {
        // SAFETY: by the invariant the T starts so many bytes before.
        unsafe { self.at.sub(LOW).cast() }
    }
}

impl<T, const LOW: usize> Deref for Large<T, LOW> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: by the invariant there is a T, and it is borrowed as `self` is.
        unsafe { self.pointer().as_ref() }
    }
}

impl<T, const LOW: usize> DerefMut for Large<T, LOW> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and `&mut self` is the only reference.
        unsafe { self.pointer().as_mut() }
    }
}

impl<T, const LOW: usize> Drop for Large<T, LOW> {
    fn drop(&mut self) {
        // SAFETY: by the invariant the T came from a box that this value owns; it is not used again.
        drop(unsafe { Box::from_raw(self.pointer().as_ptr()) });
    }
}

impl<T: fmt::Debug, const LOW: usize> fmt::Debug for Large<T, LOW> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// An `A` or a `B` in one word.
#[repr(transparent)]
pub struct Either<A: Handle, B: Handle> {
    // Invariant: the bits of a valid A or B that this value owns; the low ones tell which.
    word: NonNull<u8>,
    owns: PhantomData<(A, B)>,
}

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<A, B> {
    /// It is an `A`.
    A(A),
    /// It is a `B`.
    B(B),
}

// SAFETY: it is one pointer, whose low bits are those of an A or of a B.
unsafe impl<A: Handle, B: Handle> Handle for Either<A, B> {
    const LOW: LowBits = A::LOW.or(B::LOW);
}

// SAFETY: it owns an A or a B and nothing else.
unsafe impl<A: Handle + Send, B: Handle + Send> Send for Either<A, B> {}
// SAFETY: it owns an A or a B and nothing else.
unsafe impl<A: Handle + Sync, B: Handle + Sync> Sync for Either<A, B> {}

impl<A: Handle, B: Handle> Either<A, B> {
    /// The word that is an `A`.
    #[must_use]
    pub fn a(handle: A) -> Self {
        Self::of(handle)
    }

    /// The word that is a `B`.
    #[must_use]
    pub fn b(handle: B) -> Self {
        Self::of(handle)
    }

    /// The word of a handle, which is an A or a B.
    #[inline]
    fn of<H: Handle>(handle: H) -> Self {
        const { assert!(size_of::<H>() == size_of::<NonNull<u8>>()) };
        const { assert!(H::LOW.0 & !<Self as Handle>::LOW.0 == 0) };
        let handle = ManuallyDrop::new(handle);
        // SAFETY: by the contract of `Handle` the type is a pointer, and the original is forgotten.
        let word = unsafe { (&raw const handle).cast::<NonNull<u8>>().read() };
        Self { word, owns: PhantomData }
    }

    #[inline]
    fn is_a(&self) -> bool {
        A::LOW.match_word(self.word)
    }

    /// The handle to read.
    #[inline]
    #[must_use]
    pub fn get(&self) -> Which<&A, &B> {
        let word = &raw const self.word;
        // SAFETY: the low bits tell that the word is a valid A, or B; it is borrowed as `self` is.
        unsafe {
            if self.is_a() { Which::A(&*word.cast::<A>()) } else { Which::B(&*word.cast::<B>()) }
        }
    }

    /// The handle to change.
    #[inline]
    #[must_use]
    pub fn get_mut(&mut self) -> Which<&mut A, &mut B> {
        let is_a = self.is_a();
        let word = &raw mut self.word;
        // SAFETY: as in `get`, and `&mut self` is the only reference. Whatever is written there is a valid
        // handle of the same type, so the low bits keep telling the truth.
        unsafe {
            if is_a { Which::A(&mut *word.cast::<A>()) } else { Which::B(&mut *word.cast::<B>()) }
        }
    }
}

impl<A: Handle, B: Handle> Drop for Either<A, B> {
    fn drop(&mut self) {
        match self.get_mut() {
            // SAFETY: this value owns the handle, and nobody uses it after.
            Which::A(a) => unsafe { core::ptr::drop_in_place(a) },
            // SAFETY: as above.
            Which::B(b) => unsafe { core::ptr::drop_in_place(b) },
        }
    }
}

impl<A: Handle + fmt::Debug, B: Handle + fmt::Debug> fmt::Debug for Either<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Which::A(a) => a.fmt(f),
            Which::B(b) => b.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::intset::Intset;
    use crate::collections::listpack::Listpack;
    use alloc::string::String;
    use alloc::vec;
    use alloc::vec::Vec;

    type Three = Either<Either<Listpack, Intset>, Large<Vec<String>>>;

    #[test]
    fn three_handles_take_one_word() {
        assert_eq!(size_of::<Option<Three>>(), size_of::<usize>());
    }

    #[test]
    fn a_word_is_the_handle_that_was_put_in_and_grows_as_one() {
        let mut pack = Three::a(Either::a(Listpack::new()));
        let mut ints = Three::a(Either::b(Intset::new()));
        let mut strings = Three::b(Large::new(vec![]));
        for i in 0..200 {
            let Which::A(small) = pack.get_mut() else { panic!("a listpack") };
            let Which::A(pack) = small.get_mut() else { panic!("a listpack") };
            pack.push_back_int(i);
            let Which::A(small) = ints.get_mut() else { panic!("an intset") };
            let Which::B(ints) = small.get_mut() else { panic!("an intset") };
            ints.insert(i);
            let Which::B(strings) = strings.get_mut() else { panic!("a vector") };
            strings.push(String::from("text"));
        }
        assert!(matches!(pack.get(), Which::A(small)
            if matches!(small.get(), Which::A(pack) if pack.len() == 200)));
        assert!(matches!(ints.get(), Which::A(small)
            if matches!(small.get(), Which::B(ints) if ints.len() == 200)));
        assert!(matches!(strings.get(), Which::B(strings) if strings.len() == 200));
    }

    #[test]
    fn two_boxes_of_different_types_share_a_word() {
        type Boxes = Either<Large<Vec<u8>>, Large<Vec<String>, 3>>;
        assert_eq!(size_of::<Option<Boxes>>(), size_of::<usize>());
        let bytes = Boxes::a(Large::new(vec![1, 2, 3]));
        let mut strings = Boxes::b(Large::new(vec![]));
        if let Which::B(strings) = strings.get_mut() {
            strings.push(String::from("text"));
        }
        assert!(matches!(bytes.get(), Which::A(bytes) if bytes.len() == 3));
        assert!(matches!(strings.get(), Which::B(strings) if strings.len() == 1));
    }

    #[test]
    fn a_word_can_be_replaced_by_another_handle() {
        let mut word = Three::b(Large::new(vec![String::from("old")]));
        assert!(matches!(word.get(), Which::B(strings) if strings.len() == 1));
        word = Three::a(Either::b(Intset::new()));
        assert!(matches!(word.get(), Which::A(_)));
        word = Three::b(Large::new(vec![]));
        assert!(matches!(word.get(), Which::B(strings) if strings.is_empty()));
    }
}
