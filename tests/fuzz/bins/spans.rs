//! `spans`, driven by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| giambio_fuzz::spans(data));
