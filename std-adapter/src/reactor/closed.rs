//! The error of a socket that this program closed itself.

use std::fmt;
use std::io;

/// The socket was closed by this program, with `close`. Who waited for it was woken by this error.
///
/// It comes inside an [`io::Error`] of kind [`NotConnected`](io::ErrorKind::NotConnected), which tells it from what
/// the peer or the network did:
///
/// ```
/// use giambio::net::{Closed, TcpListener};
///
/// giambio::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     listener.close();
///     let error = listener.accept().await.unwrap_err();
///     assert!(Closed::is_cause_of(&error));
///     # Ok::<(), std::io::Error>(())
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl Closed {
    /// Is this the error of a socket that was closed by this program?
    #[must_use]
    pub fn is_cause_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Closed>())
    }

    pub(crate) fn error() -> io::Error {
        io::Error::new(io::ErrorKind::NotConnected, Closed)
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this program closed the socket")
    }
}

impl std::error::Error for Closed {}
