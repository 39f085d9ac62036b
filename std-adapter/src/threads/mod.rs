//! Threads and runs that know each other: calls that borrow what is outside of a run, and calls from threads into one.

mod portal;
mod scoped;

pub use portal::{OpenPortal, Portal, PortalError};
pub use scoped::{Threads, with_threads};
