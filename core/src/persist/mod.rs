//! The data set as bytes, to be kept or carried elsewhere. Bytes in, bytes out: hosts do the rest.

pub mod aof;
pub mod rdb;
mod spool;

#[cfg(test)]
mod tests;
