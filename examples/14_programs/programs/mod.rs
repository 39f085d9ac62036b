//! The programs that are started, by their names on Unix.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{is_one_itself, program};
#[cfg(windows)]
pub(crate) use windows::{is_one_itself, program};
