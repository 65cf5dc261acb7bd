#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| poplib_fuzz::listings::check(input));
