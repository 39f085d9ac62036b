//! One way to a thread and back.

use std::io;

use giambio_core::__fault as fault;

use crate::blocking::CALLS;
use crate::call::Awaited;

/// Has a thread read something. Given up, it goes on for nobody.
pub(super) async fn reading<T: Send + 'static>(job: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    Awaited::start(&CALLS, job)?.outcome().await
}

/// Has a thread change something. A cancellation waits for it, once it has begun.
pub(super) async fn writing<T: Send + 'static>(job: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let call = Awaited::start(&CALLS, job)?;
    if fault!("writes-outlive-their-scope") {
        return call.outcome().await;
    }
    call.outcome_or_end().await
}
