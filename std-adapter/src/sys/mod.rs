//! The ground: what systems do differently below everything else. What is about one thing alone lies with it, in a
//! `unix.rs` and a `windows.rs` beside its other files.

#[allow(unsafe_code)]
pub(crate) mod callbacks;
#[cfg(all(unix, feature = "process"))]
pub(crate) mod children;
#[cfg(feature = "net")]
pub(crate) mod errno;
#[cfg(all(unix, feature = "process"))]
#[allow(unsafe_code)]
pub(crate) mod exit;
#[cfg(all(windows, feature = "process"))]
#[allow(unsafe_code)]
pub(crate) mod job;
#[cfg(feature = "stream")]
pub(crate) mod limits;
pub(crate) mod process;
pub(crate) mod signals;
#[cfg(all(windows, feature = "process"))]
#[allow(unsafe_code)]
pub(crate) mod transfer;
#[cfg(windows)]
#[allow(unsafe_code)]
#[cfg_attr(not(feature = "process"), allow(dead_code, reason = "programs have them"))]
pub(crate) mod waitable;

#[cfg(not(any(unix, windows)))]
compile_error!(
    "giambio does not know this operating system: add a file beside std-adapter/src/sys/errno/unix.rs that offers the \
     same names, and so wherever else a `unix.rs` stands beside a `windows.rs`"
);
