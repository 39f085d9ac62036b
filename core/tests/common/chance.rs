//! Numbers by chance, and how many programs are made of them.

use std::future::Future;
use std::task::Wake;

use giambio_core::Clock;

/// How many random programs somebody asks for, and with which seed to begin.
pub(crate) const PROGRAMS: &str = "GIAMBIO_PROGRAMS";

pub(crate) const FIRST_PROGRAM: &str = "GIAMBIO_FIRST_PROGRAM";

/// The seeds of random programs to try: a few in every test run, many where somebody asks for them.
pub(crate) fn seeds(few: u64) -> std::ops::Range<u64> {
    let number = |variable| std::env::var(variable).ok().and_then(|text| text.parse().ok());
    let first = number(FIRST_PROGRAM).unwrap_or(0);
    first..first + number(PROGRAMS).unwrap_or(few)
}

/// A million; less where the suite runs once more, with fewer features or for a sanitizer, which is to find other things.
pub(crate) fn a_million() -> u32 {
    if cfg!(all(feature = "std", feature = "hooks", not(giambio_no_spare))) { 1_000_000 } else { 100_000 }
}

/// Numbers from a seed (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}
