//! The error of a datagram that is too long.

use std::fmt;
use std::io;

/// A datagram is longer than can be sent. Nothing was: send it in pieces, as the protocol provides for, or by a stream.
///
/// It comes inside an [`io::Error`] of kind [`InvalidInput`](io::ErrorKind::InvalidInput):
///
/// ```
/// use giambio::net::{TooLong, UdpSocket};
///
/// giambio::run(async {
///     let socket = UdpSocket::bind("127.0.0.1:0").await?;
///     let error = socket.send_to(&[0; 70_000], socket.local_addr()?).await.unwrap_err();
///     assert_eq!(TooLong::of(&error).unwrap().length, 70_000);
///     println!("{error}"); // a datagram of 70000 bytes is too long: here 65507 are the most
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooLong {
    /// How many bytes it has.
    pub length: usize,
    /// How many a datagram of this socket may have, as far as that is known: what the protocol and the system's buffer for
    /// sending have room for. One that is no longer is too long for the network, and the socket may not divide it.
    pub longest: Option<usize>,
}

impl TooLong {
    /// The one inside an error, if it is one.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&TooLong> {
        error.get_ref()?.downcast_ref()
    }

    pub(super) fn error(length: usize, longest: Option<usize>) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, TooLong { length, longest })
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a datagram of {} bytes is too long", self.length)?;
        match self.longest {
            Some(longest) if longest < self.length => write!(f, ": here {longest} are the most"),
            _ => f.write_str(" for the way to the receiver"),
        }
    }
}

impl std::error::Error for TooLong {}
