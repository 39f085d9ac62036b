//! The cases, by the area of the conformance tables in `docs/testing.md` that they are from.

mod cancel;
mod hardware;
mod nursery;
mod sync;
mod time;
mod wakes;

use crate::runner::{Case, cases};

pub(crate) const ALL: &[(&str, &[Case])] = &[
    ("nursery", nursery::CASES),
    ("cancel", cancel::CASES),
    ("time", time::CASES),
    ("wakes", wakes::CASES),
    ("sync", sync::CASES),
    ("hardware", hardware::CASES),
];
