//! Windows: sockets, which `polling` knows; and handles that the system signals, whose waits are ours: of each the completion
//! port gets a packet, when it is signalled.

use std::io;
use std::os::windows::io::{AsSocket, BorrowedSocket};
use std::sync::Arc;

use polling::os::iocp::{CompletionPacket, PollerIocpExt};
use polling::{Event, PollMode, Poller};

use crate::reactor::descriptor;
use crate::sys::waitable::Waitable;

/// What can be waited for.
pub trait AsSource {
    #[doc(hidden)]
    fn kind(&self) -> Kind<'_>;
}

/// What the system is to be asked about.
#[derive(Debug)]
pub enum Kind<'a> {
    Socket(BorrowedSocket<'a>),
    #[cfg_attr(not(feature = "process"), allow(dead_code, reason = "programs have them"))]
    Handle(&'a Waitable),
}

impl<S: AsSocket> AsSource for S {
    fn kind(&self) -> Kind<'_> {
        Kind::Socket(self.as_socket())
    }
}

pub(super) fn add(poller: &Arc<Poller>, source: &impl AsSource, interest: Event, mode: PollMode) -> io::Result<()> {
    match source.kind() {
        Kind::Socket(socket) => descriptor::watch(poller, &socket, interest, mode),
        Kind::Handle(_) => Ok(()), // each wait is its own
    }
}

pub(super) fn modify(poller: &Arc<Poller>, source: &impl AsSource, interest: Event, mode: PollMode) -> io::Result<()> {
    match source.kind() {
        Kind::Socket(socket) => poller.modify_with_mode(socket, interest, mode),
        Kind::Handle(handle) => {
            let poller = poller.clone();
            handle.tell(move || {
                // A port that refuses it is beyond use, and then the wait itself reports it.
                let _ = poller.post(CompletionPacket::new(Event::all(interest.key)));
            })
        }
    }
}

pub(super) fn delete(poller: &Arc<Poller>, source: &impl AsSource) -> io::Result<()> {
    match source.kind() {
        Kind::Socket(socket) => poller.delete(socket),
        Kind::Handle(handle) => {
            handle.forget();
            Ok(())
        }
    }
}
