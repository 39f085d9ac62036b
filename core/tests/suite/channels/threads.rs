//! Values between threads.

use std::pin::pin;
use std::task::{Poll, Waker};
use std::thread;

use super::{block_on, poll};
use giambio_core::channel::Closed;

/// Three threads send, each `each` of the numbers from 0 on; three receive until the channel is closed, and give up at times.
/// Nothing is lost or doubled.
pub(super) fn meet<S: Send, R: Future<Output = Result<u32, Closed>>>(
    each: u32,
    receive: impl Fn() -> R + Sync,
    senders: [S; 3],
    send: impl Fn(&S, u32) + Sync,
) {
    let (receive, send) = (&receive, &send);
    let mut got: Vec<u32> = thread::scope(|threads| {
        let receivers = [(); 3].map(|()| {
            threads.spawn(|| {
                let mut got = Vec::new();
                loop {
                    if got.len() % 3 == 0 {
                        // Gives up, perhaps with a value promised to it.
                        match poll(pin!(receive()), Waker::noop()) {
                            Poll::Ready(Ok(value)) => got.push(value),
                            Poll::Ready(Err(Closed)) => return got,
                            Poll::Pending => thread::yield_now(),
                        }
                    }
                    match block_on(receive()) {
                        Ok(value) => got.push(value),
                        Err(Closed) => return got,
                    }
                }
            })
        });
        for (first, sender) in (0..).zip(senders) {
            threads.spawn(move || (first..3 * each).step_by(3).for_each(|number| send(&sender, number)));
        }
        receivers.into_iter().flat_map(|receiver| receiver.join().unwrap()).collect()
    });
    got.sort_unstable();
    assert!(got.into_iter().eq(0..3 * each));
}
