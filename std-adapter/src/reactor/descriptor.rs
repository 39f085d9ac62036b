//! Descriptors of which others know the number.

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use rustix::io::{FdFlags, dup2, fcntl_setfd};

/// Has the number of `old` mean what `new` does. What it meant before is closed, as far as this process has it.
pub(super) fn replace(old: &impl AsFd, new: &impl AsFd) -> io::Result<()> {
    // SAFETY: it is not closed here, by `ManuallyDrop`, and its owner finds it open: `dup2` gives a number a new meaning
    // in one step.
    let mut place = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(old.as_fd().as_raw_fd()) });
    dup2(new, &mut place)?;
    Ok(fcntl_setfd(&*place, FdFlags::CLOEXEC)?)
}
