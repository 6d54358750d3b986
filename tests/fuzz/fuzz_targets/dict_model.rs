//! `cargo +nightly fuzz run dict_model` in tests/fuzz's parent; the target itself is in tests/src/fuzz.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| redstart_tests::fuzz::dict_model(data));
