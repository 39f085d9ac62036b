//! What errors of calls mean, which each system has in numbers of its own.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{after_accept, is_in_progress, is_not_ours, is_receiver_full, is_too_long};
#[cfg(windows)]
pub(crate) use windows::{after_accept, is_in_progress, is_not_ours, is_of_another, is_too_long, send_error};

/// What to do after `accept` failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterAccept {
    /// Only that connection is gone: take the next one.
    TakeNext,
    /// Descriptors or memory have run out: try again later.
    TryLater,
    /// The listener itself is broken.
    GiveUp,
}
