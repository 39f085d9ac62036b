//! What systems do differently beside the reactor, one file each, with the same names:
//!
//! * `CtrlC` and `Again`: watch for Ctrl+C;
//! * `REUSE_ADDRESS`, `set_reuse_port`: what a listener should ask for;
//! * `is_not_ours`: does this error of listening mean that there is no such address here?
//! * `is_in_progress`: does this error of `connect` mean that it goes on in the background?
//! * `bytes`: moves bytes through a connection;
//! * `after_accept`: is this error of `accept` about one connection, about the lack of something, or about the listener?
//! * `Process`: tells a process from those it was forked from;
//! * the standard traits that tell a socket's raw descriptor.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system; // no match: `system.rs`, which says what to add

pub(crate) use system::*;

/// What a second Ctrl+C does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// It is reported like the first.
    Report,
    /// It ends the process, as if no one watched.
    Kill,
}

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
