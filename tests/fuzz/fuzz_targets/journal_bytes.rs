//! `cargo +nightly fuzz run journal_bytes` in tests/fuzz's parent; the target itself is in tests/src/fuzz.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| redstart_tests::fuzz::journal_bytes(data));
