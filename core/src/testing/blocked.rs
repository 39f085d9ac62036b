//! Waiting until nobody else can go on.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::vec::Vec;

use crate::gate::{poll_gate, poll_waits};
use crate::raw::foreign;

/// One future that waits, by its number.
struct Waiter {
    number: u64,
    waker: Waker,
}

std::thread_local! {
    /// Without a destructor, so that it is there in those of other thread-locals. Empty, it has no memory to free.
    static WAITERS: ManuallyDrop<RefCell<Vec<Waiter>>> = const { ManuallyDrop::new(RefCell::new(Vec::new())) };
    static NEXT: Cell<u64> = const { Cell::new(1) };
    /// How many loops of this thread look at the list.
    static LOOPS: Cell<usize> = const { Cell::new(0) };
}

/// While this lives, a loop of this thread calls [`release`](Loop::release) whenever all tasks wait.
#[derive(Debug)]
pub(super) struct Loop(());

impl Loop {
    pub(super) fn new() -> Self {
        LOOPS.set(LOOPS.get() + 1);
        Loop(())
    }

    /// All tasks wait: wakes those that waited for that. Were there any?
    pub(super) fn release(&self) -> bool {
        let waiters = WAITERS.with(|waiters| waiters.take());
        let any = !waiters.is_empty();
        foreign::wake_all(waiters.into_iter().map(|waiter| waiter.waker));
        any
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        LOOPS.set(LOOPS.get() - 1);
    }
}

/// What [`wait_all_blocked`] returns.
#[derive(Debug)]
#[must_use = "it waits only when it is awaited"]
pub struct WaitAllBlocked {
    /// 0 before the first poll.
    number: u64,
}

impl Future for WaitAllBlocked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(poll_gate(cx));
        assert!(
            LOOPS.get() > 0,
            "giambio: `wait_all_blocked` outside of a test in virtual time, where nobody says that all tasks wait: \
             run it by `testing::run`, `testing::Simulation` or `testing::Autojump`"
        );
        if self.number == 0 {
            self.number = NEXT.replace(NEXT.get() + 1);
            let waiter = Waiter { number: self.number, waker: cx.waker().clone() };
            WAITERS.with(|waiters| waiters.borrow_mut().push(waiter));
            return poll_waits();
        }
        // Cloned, and the old one dropped, with nothing borrowed: another library's waker may do anything.
        let mut waker = cx.waker().clone();
        let waits = WAITERS.with(|waiters| {
            let mut waiters = waiters.borrow_mut();
            let waiter = waiters.iter_mut().find(|waiter| waiter.number == self.number);
            waiter.map(|waiter| core::mem::swap(&mut waiter.waker, &mut waker)).is_some()
        });
        if waits { poll_waits() } else { Poll::Ready(()) }
    }
}

impl Drop for WaitAllBlocked {
    fn drop(&mut self) {
        let gone = WAITERS.with(|waiters| {
            let mut waiters = waiters.borrow_mut();
            let at = waiters.iter().position(|waiter| waiter.number == self.number)?;
            let gone = waiters.remove(at);
            if waiters.is_empty() {
                *waiters = Vec::new();
            }
            Some(gone.waker)
        });
        foreign::discard(gone);
    }
}

/// Waits until every other task waits: for time, for another task, for something outside.
///
/// For tests that have to act in the middle of something: start a task, let it come as far as it
/// can, and look. The clock stands still meanwhile. If several tasks wait for this, they go on
/// together. The idea and its limits are those of trio's `wait_all_tasks_blocked`: it says that
/// nobody can go on *now*, not that nobody ever will.
///
/// # Cancellation
/// **Restartable.** It has no effect of its own.
///
/// # Panics
/// Outside of this module's loops, since it would wait for ever there.
///
/// ```
/// use core::time::Duration;
/// use giambio_core::{cancel_scope, clock, nursery, sleep, testing};
///
/// testing::run(async {
///     let steps = core::cell::Cell::new(0);
///     nursery(async |n| {
///         let child = n.spawn(async {
///             steps.set(1);
///             sleep(Duration::from_secs(60)).await;
///             steps.set(2);
///             Ok::<_, ()>(())
///         });
///         testing::wait_all_blocked().await;
///         assert_eq!((steps.get(), clock().as_nanos()), (1, 0)); // it sleeps, and no time has passed
///         child.cancel();
///         Ok(())
///     })
///     .await
/// })
/// .unwrap();
/// ```
pub fn wait_all_blocked() -> WaitAllBlocked {
    WaitAllBlocked { number: 0 }
}
