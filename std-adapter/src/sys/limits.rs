//! Limits that differ from system to system; what is beyond becomes an error, or something else.

#[cfg(feature = "net")]
use std::time::Duration;

/// How many slices every call takes. On Windows there is no limit but memory.
pub(crate) const MOST_SLICES: usize = if cfg!(any(target_os = "solaris", target_os = "illumos")) { 16 } else { 1024 };

/// For how long closing may go on with delivering: the system keeps it in 16 bits, Apple's in hundredths of a second.
#[cfg(feature = "net")]
pub(crate) const LONGEST_LINGER: Duration =
    Duration::from_secs(if cfg!(target_vendor = "apple") { 327 } else { 32_767 });

/// How many bytes a path may have that is the address of a socket.
#[cfg(all(unix, feature = "net"))]
pub(crate) const LONGEST_PATH: usize =
    if cfg!(any(target_os = "linux", target_os = "android", target_os = "illumos", target_os = "solaris")) {
        107
    } else {
        103
    };
