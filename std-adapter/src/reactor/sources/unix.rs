//! Unix: every descriptor, as `polling` knows it.

use std::io;
use std::sync::Arc;

pub(crate) use polling::AsSource;
use polling::{Event, PollMode, Poller};

use crate::reactor::descriptor;

pub(super) fn add(poller: &Arc<Poller>, source: &impl AsSource, interest: Event, mode: PollMode) -> io::Result<()> {
    descriptor::watch(poller, &source.source(), interest, mode)
}

pub(super) fn modify(poller: &Arc<Poller>, source: &impl AsSource, interest: Event, mode: PollMode) -> io::Result<()> {
    poller.modify_with_mode(source.source(), interest, mode)
}

pub(super) fn delete(poller: &Arc<Poller>, source: &impl AsSource) -> io::Result<()> {
    poller.delete(source.source())
}
