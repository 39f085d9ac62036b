//! What the system is asked about: a descriptor of our own, of what the program's has, too.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::{Lends, Twin, Urgent, look};
#[cfg(windows)]
pub(super) use windows::{Lends, Twin, Urgent, look};
