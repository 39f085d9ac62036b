//! The turn of a runtime in a loop of somebody else's.

use core::pin::Pin;
use core::task::Context;

use super::Runtime;
use crate::debugger::Debugger;
use crate::kernel::foreign;
use crate::panics;
use crate::time::Clock;
use crate::wait::{Next, Until};

impl<F: Future, C: Clock, D: Debugger> Runtime<F, C, D> {
    /// As [`turn`](Runtime::turn), for a runtime that is a guest in a loop of somebody else's, an executor's or a window
    /// system's: until its next turn, `cx`'s waker is woken when a task of it is woken on this thread, by what else that loop
    /// runs.
    ///
    /// A loop over [`turn`](Runtime::turn) knows when its own code has woken a task; a host does not, and would let it sleep.
    /// Two more things end a guest's sleep: another thread's wake, by [`with_notify`](Runtime::with_notify), and the moment
    /// in [`Until::At`], for which the host has timers. With [`Until::Now`] nobody is told: the host has to come back.
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use std::pin::pin;
    /// use std::task::{Context, Poll, Waker};
    /// use giambio_core::sync::Event;
    /// use giambio_core::{Next, Runtime, Until, VirtualClock};
    ///
    /// let (clock, event): (VirtualClock, _) = (VirtualClock::new(), Event::new());
    /// let mut runtime = pin!(Runtime::new(&clock, event.wait()));
    /// // A future for any executor. `giambio-tokio` is one, with timers and sockets.
    /// let mut guest = pin!(poll_fn(|cx| match runtime.as_mut().turn_in(cx) {
    ///     Next::Finished(()) => Poll::Ready(()),
    ///     Next::Wait(Until::Now) => {
    ///         cx.waker().wake_by_ref();
    ///         Poll::Pending
    ///     }
    ///     Next::Wait(_) => Poll::Pending,
    /// }));
    /// # let mut cx = Context::from_waker(Waker::noop());
    /// assert!(guest.as_mut().poll(&mut cx).is_pending());
    /// event.set(); // wakes the task in the guest, and `cx`'s waker
    /// assert!(guest.as_mut().poll(&mut cx).is_ready());
    /// ```
    ///
    /// # Panics
    /// As [`turn`](Runtime::turn).
    pub fn turn_in(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Next<F::Output> {
        self.look_and_turn_in(cx, |_| ())
    }

    /// The same after `look`, which takes what else there is for the tasks: what the system has to say, most often. What that
    /// wakes, the turn sees; done before [`turn_in`](Runtime::turn_in), it would have the host told, and the guest polled
    /// twice.
    ///
    /// ```
    /// # use std::pin::pin;
    /// # use std::task::{Context, Waker};
    /// # use giambio_core::sync::Event;
    /// # use giambio_core::{Next, Runtime, Until, VirtualClock};
    /// # let (clock, event): (VirtualClock, _) = (VirtualClock::new(), Event::new());
    /// # let mut runtime = pin!(Runtime::new(&clock, event.wait()));
    /// # let mut cx = Context::from_waker(Waker::noop());
    /// # let look = || event.set(); // `Idle::look`, say
    /// let next = runtime.as_mut().look_and_turn_in(&mut cx, |_cx| look());
    /// assert_eq!(next, Next::Finished(()));
    /// ```
    ///
    /// # Panics
    /// As `look`, and as [`turn`](Runtime::turn).
    pub fn look_and_turn_in(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        look: impl FnOnce(&mut Context<'_>),
    ) -> Next<F::Output> {
        // What is woken from here on, the turn sees.
        foreign::discard(self.root.take_host());
        if let Err(panic) = panics::catch(|| look(cx)) {
            // There is no turn that would see what it has woken.
            self.root.set_host(cx.waker().clone());
            if self.root.is_ready() {
                foreign::wake(self.root.take_host());
            }
            panics::resume(panic);
        }
        let next = self.as_mut().turn();
        if matches!(next, Next::Wait(_)) {
            let host = cx.waker().clone();
            self.root.set_host(host);
            // Cloning it was somebody else's code.
            if self.root.is_ready() {
                return Next::Wait(Until::Now);
            }
        }
        next
    }
}
