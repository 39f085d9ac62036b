//! Waiting until nobody else can go on.

use core::marker::PhantomData;
use std::cell::Cell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;

use crate::budgeted::budgeted;
use crate::kernel::wait_queue::{Local, Turn, WaitQueue, Waiting};

std::thread_local! {
    /// Without a destructor, so that it is there in those of other thread-locals.
    static WAITERS: WaitQueue<(), Infallible, Local> = const { WaitQueue::new(()) };
    /// How many loops of this thread tell those that wait.
    static LOOPS: Cell<usize> = const { Cell::new(0) };
}

/// While this lives, a loop of this thread calls [`release`](Loop::release) whenever all tasks wait.
#[derive(Debug)]
pub(super) struct Loop(PhantomData<*mut ()>); // of this thread

impl Loop {
    pub(super) fn new() -> Self {
        LOOPS.set(LOOPS.get() + 1);
        Loop(PhantomData)
    }

    /// All tasks wait: wakes those that waited for that. Were there any?
    pub(super) fn release(&self) -> bool {
        WAITERS.with(|waiters| waiters.tell_all(|()| ()))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        LOOPS.set(LOOPS.get() - 1);
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
/// [**Restartable.**](crate#cancellation) It has no effect of its own.
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
#[cfg_attr(feature = "hooks", track_caller)]
pub fn wait_all_blocked() -> impl Future<Output = ()> {
    async {
        let is_told = |(): &(), _: &_, turn| (turn == Turn::Told).then_some(());
        let mut told = pin!(Waiting::new(&WAITERS, is_told));
        let wait = poll_fn(|cx| {
            assert!(
                LOOPS.get() > 0,
                "giambio: `wait_all_blocked` outside of a test in virtual time, where nobody says that all tasks wait: \
             run it by `testing::run`, `testing::Simulation` or `testing::Autojump`"
            );
            told.as_mut().poll(cx)
        });
        budgeted(wait).await
    }
}
