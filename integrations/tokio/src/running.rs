//! A guest that has begun: a runtime, and what wakes it.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use giambio::RunError;
use giambio_core::{Debugger, Next, Runtime, Until, claim_thread, in_runtime};
use tokio::runtime::{Handle, Id};
use tokio::task::yield_now;

use crate::alarm::Alarm;
use crate::clock::TokioClock;
use crate::system::System;

type Program<F, D> = Runtime<Pin<Box<F>>, TokioClock, D>;

/// What drives it is dropped last: the code in it may use that to the end.
pub(crate) struct Running<F: Future, D: Debugger> {
    runtime: Pin<Box<Program<F, D>>>,
    alarm: Alarm,
    system: System,
    host: Id,
}

impl<F: Future, D: Debugger> Running<F, D> {
    pub(crate) fn begin(main: Pin<Box<F>>, debugger: D) -> Result<Self, RunError> {
        if in_runtime() {
            return Err(RunError::Nested);
        }
        let host = Handle::current().id();
        claim_thread().map_err(RunError::Threads)?;
        let clock = TokioClock::new();
        let system = System::new(clock).map_err(RunError::Reactor)?;
        let runtime = Runtime::new(clock, main).with_debugger(debugger).with_notify(system.waker());
        Ok(Running { runtime: Box::pin(runtime), alarm: Alarm::new(clock), system, host })
    }

    /// One turn. Whatever makes another one necessary wakes `cx`:
    /// * a socket, another thread, a signal handler: the system's descriptor;
    /// * code of the host's, on this thread: `turn_in`;
    /// * a deadline: the alarm;
    /// * what is ready still: this does so itself, so that the host goes first.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.stay_with_host();
        let (system, mut has_more) = (&mut self.system, false);
        let until = match self.runtime.as_mut().look_and_turn_in(cx, |cx| has_more = system.look(cx)) {
            Next::Finished(value) => return Poll::Ready(value),
            Next::Wait(until) => until,
        };
        let rests = !has_more && self.system.may_rest(until);
        let rests = rests && if let Until::At(tick) = until { self.alarm.poll(tick, cx).is_pending() } else { true };
        if !rests {
            // As one of tokio's own tasks: not before the others had their turn, and I/O and timers were looked at.
            let _ = pin!(yield_now()).poll(cx);
        }
        Poll::Pending
    }

    /// A guest may outlive its host, and go on in another one.
    fn stay_with_host(&mut self) {
        let host = Handle::current().id();
        if host == self.host {
            return;
        }
        if let Err(error) = self.system.move_here() {
            panic!("giambio-tokio: the guest can't move to another runtime: {error}");
        }
        self.alarm = Alarm::new(*self.runtime.clock());
        self.host = host;
    }
}
