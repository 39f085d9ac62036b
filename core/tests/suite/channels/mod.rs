//! Channels, a module a type. What holds of them by chance is in `random_channels`.

#[cfg(feature = "heapless")]
mod bad_input;
#[cfg(feature = "heapless")]
mod bounded;
#[cfg(feature = "heapless")]
mod broadcast;
#[cfg(all(feature = "std", feature = "heapless"))]
mod cancelled;
#[cfg(feature = "alloc")]
mod growable;
mod oneshot;
#[cfg(all(feature = "std", feature = "heapless"))]
mod panicking;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod pipe;
#[cfg(feature = "heapless")]
mod priority;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod rendezvous;
#[cfg(all(feature = "std", any(feature = "heapless", feature = "alloc")))]
mod threads;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Polls once, with a waker that counts.
fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// Polls on this thread, which sleeps meanwhile.
#[cfg(feature = "std")]
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(std::sync::Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(value) = poll(future.as_mut(), &waker) {
            return value;
        }
        std::thread::park();
    }
}
