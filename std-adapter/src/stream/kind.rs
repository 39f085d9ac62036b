//! What a byte stream needs to know of the descriptor that it is over.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;

use crate::reactor::{Descriptor, Done, Lends, Source};

/// What bytes can be received from: a [`ByteStream`](super::ByteStream) over it has [`receive`](super::ByteStream::receive) and
/// what belongs to it.
///
/// It is a bound for code that is for all kinds of streams; none can be added from outside.
pub trait Receives: Descriptor {
    /// Moves bytes to `buffer`, which is not empty, without waiting.
    #[doc(hidden)]
    fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Done<usize>>;

    /// The same for several buffers, which have room for so many bytes.
    #[doc(hidden)]
    fn receive_vectored_now(&self, buffers: &mut [IoSliceMut<'_>], room: usize) -> io::Result<Done<usize>>;
}

/// What bytes can be sent to: a [`ByteStream`](super::ByteStream) over it has [`send`](super::ByteStream::send) and what
/// belongs to it.
///
/// It is a bound for code that is for all kinds of streams; none can be added from outside.
pub trait Sends: Descriptor {
    /// Sends the beginning of `data`, which is not empty, without waiting and without a signal if nobody receives.
    #[doc(hidden)]
    fn send_now(&self, data: &[u8]) -> io::Result<Done<usize>>;

    /// The same for several pieces, which have so many bytes.
    #[doc(hidden)]
    fn send_vectored_now(&self, data: &[IoSlice<'_>], length: usize) -> io::Result<Done<usize>>;

    /// Tells who receives that nothing will follow.
    #[doc(hidden)]
    fn finish(source: &Source<Self>) -> io::Result<()>;
}

/// What goes both ways, has an address at each end, and can be ended one way.
///
/// It is a bound for code that is for all kinds of sockets; none can be added from outside.
pub trait Connection: Receives + Sends + Lends {
    /// Where an end is.
    type Address;

    /// As `receive_now`, but the bytes stay.
    #[doc(hidden)]
    fn peek_now(&self, buffer: &mut [u8]) -> io::Result<usize>;

    #[doc(hidden)]
    fn shutdown_now(&self, how: Shutdown) -> io::Result<()>;

    #[doc(hidden)]
    fn local_address(&self) -> io::Result<Self::Address>;

    #[doc(hidden)]
    fn peer_address(&self) -> io::Result<Self::Address>;

    #[doc(hidden)]
    fn pending_error(&self) -> io::Result<Option<io::Error>>;
}
