//! The cases, by the area of the conformance tables in `docs/testing.md` that they are from.

mod cancel;
mod hardware;
mod nursery;
mod sync;
mod time;
mod wakes;

/// A case gets the board's own clock; most live in a virtual world instead.
pub(crate) type Case = (&'static str, fn(board::Clock));

pub(crate) const ALL: &[(&str, &[Case])] = &[
    ("nursery", nursery::CASES),
    ("cancel", cancel::CASES),
    ("time", time::CASES),
    ("wakes", wakes::CASES),
    ("sync", sync::CASES),
    ("hardware", hardware::CASES),
];

/// Lists functions as cases.
macro_rules! cases {
    ($($name:ident,)*) => {
        pub(super) const CASES: &[super::Case] = &[$((stringify!($name), |_| $name())),*];
    };
}
pub(crate) use cases;
