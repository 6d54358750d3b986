//! Redis as one value without I/O.
#![no_std]

extern crate alloc;

pub mod collections;
