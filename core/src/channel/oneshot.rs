//! One value, once.

use core::cell::Cell;
use core::convert::Infallible;
use core::fmt;
use core::mem::ManuallyDrop;

use super::errors::{Closed, SendError, TryReceiveError};
use crate::budgeted::{Named, leaf};
use crate::call_site::CallSite;
use crate::fault::fault;
use crate::kernel::wait_queue::{Access, Line, Local, Shared, Turn, WaitQueue, Waiting};

/// One value that somebody sends and somebody receives, once: an answer, a result.
///
/// Sending never waits. Any number of tasks may wait to receive; the first that looks gets the value, and the others are told
/// [`Closed`]. It is of kind [`Shared`] in a `static`, where interrupt handlers or other threads use it; they may call `send`
/// and `try_receive`.
///
/// ```
/// use giambio_core::{channel::OneShot, nursery, testing};
///
/// let answer = testing::run(nursery(async |n| {
///     let answer = OneShot::new();
///     nursery(async |n| {
///         let sender = answer.sender(); // if it is dropped, who waits for the answer is told
///         n.spawn(async move {
///             sender.send(42).unwrap();
///             Ok::<(), ()>(())
///         });
///         Ok(answer.receive().await)
///     })
///     .await
/// }));
/// assert_eq!(answer, Ok(Ok(42)));
/// ```
pub struct OneShot<T, K: Access = Local> {
    queue: WaitQueue<Cell<State<T>>, Infallible, K>,
}

/// Who is to send the value of a [`OneShot`], by [`OneShot::sender`]. Dropped before, it closes it.
#[must_use = "dropped, it closes the channel"]
pub struct OneShotSender<'a, T, K: Access = Local>(&'a OneShot<T, K>);

enum State<T> {
    Empty,
    Full(T),
    Over,
}

impl<T> OneShot<T> {
    /// One for the tasks of one runtime.
    pub const fn new() -> Self {
        OneShot { queue: WaitQueue::new(Cell::new(State::Empty)) }
    }
}

impl<T> OneShot<T, Shared> {
    /// One for tasks, interrupts and threads.
    pub const fn shared() -> Self {
        OneShot { queue: WaitQueue::new(Cell::new(State::Empty)) }
    }
}

impl<T, K: Access> OneShot<T, K> {
    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.queue.set_name(name);
        self
    }

    /// Sends the value. Never waits.
    ///
    /// # Errors
    /// One was sent already, or it is closed; the value is handed back.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.queue.tell_if(|state| match state.replace(State::Over) {
            State::Empty => {
                state.set(State::Full(value));
                (Ok(()), true)
            }
            other => {
                state.set(other);
                (Err(SendError(value)), false)
            }
        })
    }

    /// Takes the value, if it is there. Never waits.
    ///
    /// ```
    /// use giambio_core::channel::{OneShot, TryReceiveError};
    ///
    /// let answer = OneShot::new();
    /// assert_eq!(answer.try_receive(), Err(TryReceiveError::Empty));
    /// answer.send(42).unwrap();
    /// assert_eq!(answer.try_receive(), Ok(42));
    /// assert_eq!(answer.try_receive(), Err(TryReceiveError::Closed)); // there was one, and somebody has it
    /// ```
    ///
    /// # Errors
    /// It is not there yet, or was taken, or will never come.
    pub fn try_receive(&self) -> Result<T, TryReceiveError> {
        match self.queue.with(|state, _| take(state)) {
            Some(taken) => taken.map_err(|Closed| TryReceiveError::Closed),
            None => Err(TryReceiveError::Empty),
        }
    }

    /// Receives the value, as soon as it is there.
    ///
    /// # Errors
    /// Another one has taken it, or it will never come.
    ///
    /// # Cancellation
    /// [**Restartable.**](crate#cancellation) The value is taken in the poll that ends, and else is there for the next who
    /// looks.
    #[track_caller]
    pub fn receive(&self) -> impl Future<Output = Result<T, Closed>> {
        let look = |state: &Cell<State<T>>, _: &Line<Infallible>, _: Turn<Infallible>| take(state);
        leaf::<AValue, _>(Waiting::new(&self.queue, look), CallSite::here())
    }

    /// No value will be sent: all who wait for it are told. One that was sent before is still there.
    ///
    /// ```
    /// use giambio_core::channel::{Closed, OneShot};
    /// use giambio_core::testing;
    ///
    /// let answer = OneShot::<u32>::new();
    /// answer.close();
    /// assert_eq!(testing::run(answer.receive()), Err(Closed));
    /// assert!(answer.send(42).is_err());
    /// ```
    pub fn close(&self) {
        self.queue.tell_if(|state| match state.replace(State::Over) {
            State::Full(value) => (state.set(State::Full(value)), false),
            State::Empty => ((), !fault!("a-lost-promise-is-silent")),
            State::Over => ((), false),
        });
    }

    /// Who is to send the value: dropped before, it [closes](OneShot::close) this, so that nobody waits for what will not come.
    pub const fn sender(&self) -> OneShotSender<'_, T, K> {
        OneShotSender(self)
    }
}

struct AValue;

impl Named for AValue {
    const NAME: &'static str = "value of oneshot";
}

/// The value, or that there is none any more.
fn take<T>(state: &Cell<State<T>>) -> Option<Result<T, Closed>> {
    match state.replace(State::Over) {
        State::Full(value) => Some(Ok(value)),
        State::Over => Some(Err(Closed)),
        State::Empty => {
            state.set(State::Empty);
            None
        }
    }
}

impl<T, K: Access> OneShotSender<'_, T, K> {
    /// Sends the value. Never waits.
    ///
    /// # Errors
    /// One was sent already, or it is closed; the value is handed back.
    pub fn send(self, value: T) -> Result<(), SendError<T>> {
        ManuallyDrop::new(self).0.send(value)
    }
}

impl<T, K: Access> Drop for OneShotSender<'_, T, K> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T, K: Access> Default for OneShot<T, K> {
    fn default() -> Self {
        OneShot { queue: WaitQueue::new(Cell::new(State::Empty)) }
    }
}

impl<T, K: Access> fmt::Debug for OneShot<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.queue.with(|state, _| {
            let now = state.replace(State::Over);
            let name = match now {
                State::Empty => "empty",
                State::Full(_) => "full",
                State::Over => "over",
            };
            state.set(now);
            name
        });
        write!(f, "OneShot({state})")
    }
}

impl<T, K: Access> fmt::Debug for OneShotSender<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OneShotSender").field(self.0).finish()
    }
}
