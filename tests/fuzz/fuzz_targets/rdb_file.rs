//! `cargo +nightly fuzz run rdb_file` in tests/fuzz's parent; the target itself is in tests/src/fuzz/rdb.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| redstart_tests::fuzz::target("rdb_file")(data));
