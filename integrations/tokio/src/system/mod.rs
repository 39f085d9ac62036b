//! What the operating system tells a guest: on Unix by the reactor's descriptor, which tokio waits for.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::System;
#[cfg(windows)]
pub(crate) use windows::System;
