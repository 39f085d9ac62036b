//! The targets, driven by libFuzzer: `GIAMBIO_FUZZ` says which.
#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("GIAMBIO_FUZZ").unwrap_or_default();
    let target = giambio_fuzz::TARGETS.iter().find(|(target, _)| *target == name);
    let names = giambio_fuzz::TARGETS.map(|(target, _)| target).join(", ");
    target.unwrap_or_else(|| panic!("set GIAMBIO_FUZZ to one of {names}")).1
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
