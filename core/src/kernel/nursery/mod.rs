//! Nurseries: their children, who polls them, and the end.

mod cancelled;
pub(crate) mod cell;
pub(crate) mod children;
pub(crate) mod drive;
#[cfg(not(feature = "std"))]
pub(crate) mod outermost;
pub(crate) mod shuffle;
pub(crate) mod teardown;
