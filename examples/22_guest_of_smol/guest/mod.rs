//! On Unix there is a descriptor to wait for.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::main;
#[cfg(windows)]
pub(crate) use windows::main;
