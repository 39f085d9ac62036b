//! What handlers return, what the hook for their errors returns, and what a server may end with.

use std::convert::Infallible;
use std::io;

/// What a handler may return: `()`, or `Result<(), E>`, whose errors [`on_error`](super::Serve::on_error) is told of.
#[diagnostic::on_unimplemented(
    message = "a handler of a server returns `()` or `Result<(), E>`, not `{Self}`",
    label = "a handler returns `()` or `Result<(), E>`"
)]
pub trait Handled {
    /// A connection's trouble.
    type Error;

    /// What a server ends with as long as no [`on_error`](super::Serve::on_error) says anything else.
    #[doc(hidden)]
    type Unless;

    #[doc(hidden)]
    fn into_result(self) -> Result<(), Self::Error>;
}

impl Handled for () {
    type Error = Infallible;
    type Unless = io::Error;

    fn into_result(self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl<E> Handled for Result<(), E> {
    type Error = E;
    type Unless = Unheard;

    fn into_result(self) -> Result<(), E> {
        self
    }
}

/// Stands where the errors of handlers would be lost: such a server can't be awaited.
#[derive(Debug)]
pub struct Unheard(Infallible);

/// What a hook for errors may return: `()` if the server goes on after each, `Result<(), E>` if some of them are its own.
pub trait Verdict {
    /// The server's error.
    type Error;

    #[doc(hidden)]
    fn into_result(self) -> Result<(), Self::Error>;
}

impl Verdict for () {
    type Error = io::Error;

    fn into_result(self) -> io::Result<()> {
        Ok(())
    }
}

impl<E> Verdict for Result<(), E> {
    type Error = E;

    fn into_result(self) -> Result<(), E> {
        self
    }
}

/// What a server may end with: whatever can be made of the listener's `io::Error`.
#[diagnostic::on_unimplemented(
    message = "a server can't end with `{Self}`",
    label = "the errors of its handlers have nowhere to go, or `{Self}` isn't made of an `io::Error`",
    note = "`.on_error(|peer, error| …)` is told of each error of a handler: the server goes on if it returns `()` or `Ok`, and ends with what is in its `Err`, \
            which must be `From<io::Error>`; a handler that returns `()` has no errors"
)]
pub trait ServerError: From<io::Error> {}

#[diagnostic::do_not_recommend] // or it is about `From` alone
impl<E: From<io::Error>> ServerError for E {}
