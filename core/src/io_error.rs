//! This crate's errors as [`io::Error`], so that `?` works in programs whose functions all return `io::Result`.
//!
//! The error is kept inside, whole: [`io::Error::downcast`] and [`io::Error::get_ref`] give it back.
//!
//! A timeout is of the kind [`TimedOut`](ErrorKind::TimedOut). A cancellation is of the kind [`Other`](ErrorKind::Other):
//! the one with the right name, [`Interrupted`](ErrorKind::Interrupted), means "try again" to everybody who reads and
//! writes by the traits of `std` and `futures-io`, and `read_exact`, `io::copy` and their like would ask again for ever.

use std::io::{self, ErrorKind};

use crate::channel::{BroadcastError, Closed, EndedEarly};
use crate::errors::ErrorGroup;
use crate::reason::{Cancelled, TimedOut};
use crate::sync::AcquireError;

/// Of the kind [`TimedOut`](ErrorKind::TimedOut), with the error kept inside.
///
/// ```
/// use core::time::Duration;
/// use giambio_core::{TimedOut, fail_after, sleep, testing};
/// use std::io;
///
/// async fn ask() -> io::Result<u8> {
///     sleep(Duration::from_secs(9)).await; // or a socket's operation
///     Ok(7)
/// }
///
/// async fn ask_in_time() -> io::Result<u8> {
///     fail_after(Duration::from_secs(1), ask()).await?
/// }
///
/// let error = testing::run(ask_in_time()).unwrap_err();
/// assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::TimedOut, "timed out after 1s".into()));
/// assert_eq!(error.downcast::<TimedOut>().unwrap().given, Duration::from_secs(1));
/// ```
impl From<TimedOut> for io::Error {
    fn from(error: TimedOut) -> Self {
        io::Error::new(ErrorKind::TimedOut, error)
    }
}

/// Of the kind [`Other`](ErrorKind::Other), with the error kept inside. Not `Interrupted`: who reads or writes in a loop
/// takes that for "try again".
///
/// ```
/// use giambio_core::{Cancelled, nursery, testing};
/// use std::io;
///
/// async fn leave_early() -> io::Result<()> {
///     nursery(async |n| {
///         let child = n.spawn(core::future::pending());
///         child.cancel();
///         child.await?; // a handle's error
///         Ok(())
///     })
///     .await
/// }
///
/// let error = testing::run(leave_early()).unwrap_err();
/// assert!(error.downcast::<Cancelled>().is_ok());
/// ```
impl From<Cancelled> for io::Error {
    fn from(error: Cancelled) -> Self {
        io::Error::other(error)
    }
}

/// Of the first error's kind, with all of them kept inside.
impl From<ErrorGroup<io::Error>> for io::Error {
    fn from(errors: ErrorGroup<io::Error>) -> Self {
        io::Error::new(errors.first().kind(), errors)
    }
}

/// Of the kind [`Other`](ErrorKind::Other), with the error kept inside.
///
/// ```
/// use giambio_core::sync::{AcquireError, Semaphore};
/// use giambio_core::testing;
/// use std::io;
///
/// async fn write(disks: &Semaphore, count: usize) -> io::Result<()> {
///     let _disks = disks.acquire(count).await?;
///     Ok(()) // writes to so many at once
/// }
///
/// let error = testing::run(write(&Semaphore::new(2), 3)).unwrap_err();
/// assert_eq!(error.downcast::<AcquireError>().unwrap(), AcquireError::TooMany { asked: 3, total: 2 });
/// ```
impl From<AcquireError> for io::Error {
    fn from(error: AcquireError) -> Self {
        io::Error::other(error)
    }
}

/// Of the kind [`BrokenPipe`](ErrorKind::BrokenPipe), with the error kept inside: for who can't go on without what the
/// channel was to bring. (Who could not send has its value back, and says what becomes of it.)
///
/// ```
/// use giambio_core::channel::OneShot;
/// use giambio_core::testing;
/// use std::io;
///
/// async fn answer(from: &OneShot<u8>) -> io::Result<u8> {
///     Ok(from.receive().await?)
/// }
///
/// let never = OneShot::new();
/// never.close();
/// assert_eq!(testing::run(answer(&never)).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
/// ```
impl From<Closed> for io::Error {
    fn from(error: Closed) -> Self {
        io::Error::new(ErrorKind::BrokenPipe, error)
    }
}

/// Of the kind [`BrokenPipe`](ErrorKind::BrokenPipe) if the broadcast is closed, else [`Other`](ErrorKind::Other), with the
/// error kept inside.
impl From<BroadcastError> for io::Error {
    fn from(error: BroadcastError) -> Self {
        match error {
            BroadcastError::Closed => io::Error::new(ErrorKind::BrokenPipe, error),
            BroadcastError::Lagged(_) => io::Error::other(error),
        }
    }
}

/// Of the kind [`UnexpectedEof`](ErrorKind::UnexpectedEof), with the error kept inside.
impl From<EndedEarly> for io::Error {
    fn from(error: EndedEarly) -> Self {
        io::Error::new(ErrorKind::UnexpectedEof, error)
    }
}
