//! Descriptors are passed on Unix.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::main;
#[cfg(windows)]
pub(crate) use windows::main;
