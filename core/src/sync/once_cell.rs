//! A value that is made once, when it is needed first.

use core::cell::Cell;
use core::convert::Infallible;
use core::fmt;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::inside::{Inside, KnownTask, is_inside};
use super::{Access, Local, Shared};
use crate::budgeted::{Named, leaf};
use crate::call_site::CallSite;
use crate::kernel::once::{Begun, Once, Right};
use crate::kernel::wait_queue::Held;
use crate::task_info::TaskId;
use crate::then::Then;

/// A value that is made once, by the first who needs it, while the others wait: a connection, a configuration, a calibration.
///
/// If the first is cancelled, panics or fails on the way, the next makes it.
///
/// Tasks of the same runtime use it; of kind [`Shared`], for a `static`, those of other threads too.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock, sleep};
/// use giambio_core::sync::{OnceCell, Shared};
///
/// static OFFSET: OnceCell<i32, Shared> = OnceCell::shared();
///
/// async fn measure() -> i32 {
///     let offset = OFFSET.get_or_init(async || {
///         sleep(Duration::from_secs(1)).await; // it takes a while to calibrate
///         -3
///     });
///     20 + offset.await
/// }
/// # let time: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&time, async {
/// assert_eq!(measure().await + measure().await, 34); // after one second
/// # })).run(&mut |until| if let Until::At(tick) = until { time.advance_to(tick) });
/// ```
pub struct OnceCell<T, K: Access = Local> {
    once: Once<T, Initialiser, K>,
}

/// Of an initialiser, if there is one.
struct Initialiser {
    /// In which runtime its code is being polled, if it is.
    inside: Cell<usize>,
    task: KnownTask,
}

/// Why a value could not be set. It is handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetError<T> {
    /// There is one already: use that.
    IsSet {
        /// The value that was to be set.
        value: T,
    },
    /// Somebody is making one: wait for it, by [`get_or_init`](OnceCell::get_or_init).
    IsBeingMade {
        /// The value that was to be set.
        value: T,
    },
}

/// It would wait for itself.
struct Itself;

impl<T> OnceCell<T> {
    /// Without a value, for the tasks of one runtime.
    pub const fn new() -> Self {
        Self::of()
    }
}

impl<T> OnceCell<T, Shared> {
    /// Without a value, for the tasks of all threads.
    pub const fn shared() -> Self {
        Self::of()
    }
}

impl<T, K: Access> OnceCell<T, K> {
    const fn of() -> Self {
        OnceCell { once: Once::new(Initialiser { inside: Cell::new(0), task: KnownTask::new() }) }
    }

    /// Gives it a name, which those who look on are told: a debugger, a dump, a test that is stuck. It is kept with feature
    /// `introspect`; without that, it costs nothing and does nothing.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.once.set_name(name);
        self
    }

    /// The value, if there is one. Never waits.
    pub fn get(&self) -> Option<&T> {
        self.once.get()
    }

    /// The value; if there is none yet, it is made by `init`, or by whoever is at it already.
    ///
    /// # Cancellation
    /// [**Restartable; loses its place.**](crate#cancellation) Dropped while it makes the value, or after its turn to make it
    /// had come, it leaves that to the next.
    ///
    /// # Panics
    /// If `init` panics. And in code that runs in an initialiser of the same cell, and in children that it waits for: it would
    /// wait for itself.
    #[track_caller]
    pub fn get_or_init<'a>(&'a self, init: impl AsyncFnOnce() -> T + 'a) -> impl Future<Output = &'a T> {
        let value = self.get_or_try_init(async move || Ok::<T, Infallible>(init().await));
        Then::new(value, |value| {
            let Ok(value) = value;
            value
        })
    }

    /// As [`get_or_init`](OnceCell::get_or_init), with an `init` that may fail; then the next makes the value.
    ///
    /// # Errors
    /// The error of `init`, if it was this one's.
    ///
    /// # Cancellation
    /// As [`get_or_init`](OnceCell::get_or_init).
    ///
    /// # Panics
    /// As [`get_or_init`](OnceCell::get_or_init).
    #[track_caller]
    pub fn get_or_try_init<'a, E>(
        &'a self,
        init: impl AsyncFnOnce() -> Result<T, E> + 'a,
    ) -> impl Future<Output = Result<&'a T, E>> {
        let caller = Location::caller();
        let begin = self.once.begin(|maker: &Initialiser| is_inside(maker.inside.get()).then_some(Itself));
        let begin = leaf::<ACell, _>(begin, CallSite::at(caller));
        let begin = Then::new(begin, move |begun| match begun {
            Ok(begun) => begun,
            Err(Itself) => panic!(
                "giambio: the initialiser of a `OnceCell` asks at {caller} for the value that it makes, and would wait for itself \
                 for ever"
            ),
        });
        GetOrInit::Begins { begin, make: Some(|right| self.make(right, init())) }
    }

    async fn make<'a, E>(
        &'a self,
        right: Right<'a, T, Initialiser, K>,
        init: impl Future<Output = Result<T, E>>,
    ) -> Result<&'a T, E> {
        self.once.with_notes(|maker| maker.task.is_current());
        let note = |runtime| self.once.with_notes(|maker| maker.inside.set(runtime));
        Ok(right.set(Inside { future: init, note }.await?))
    }

    /// Sets the value, if there is none, and nobody is making one. Never waits.
    ///
    /// ```
    /// use giambio_core::sync::OnceCell;
    ///
    /// let name = OnceCell::new();
    /// assert_eq!(name.set("one"), Ok(&"one"));
    /// assert_eq!(name.set("two").unwrap_err().into_value(), "two"); // it stays
    /// assert_eq!(name.into_inner(), Some("one"));
    /// ```
    ///
    /// # Errors
    /// There is one, or somebody is making it.
    pub fn set(&self, value: T) -> Result<&T, SetError<T>> {
        match self.once.try_begin() {
            Some(Begun::Mine(right)) => Ok(right.set(value)),
            Some(Begun::Set(_)) => Err(SetError::IsSet { value }),
            None => Err(SetError::IsBeingMade { value }),
        }
    }

    /// The value: who has the cell itself needs no lock.
    ///
    /// ```
    /// use giambio_core::sync::OnceCell;
    ///
    /// let mut count = OnceCell::new();
    /// assert_eq!(count.get_mut(), None);
    /// count.set(1).unwrap();
    /// *count.get_mut().unwrap() += 1;
    /// assert_eq!(count.get(), Some(&2));
    /// ```
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.once.get_mut()
    }

    /// The value.
    pub fn into_inner(self) -> Option<T> {
        self.once.into_inner()
    }
}

pin_project! {
    /// Waits for the right to make the value, and makes it in the same place.
    #[project = GetOrInitProjected]
    enum GetOrInit<B, F, M> {
        Begins { #[pin] begin: B, make: Option<F> },
        Makes { #[pin] making: M },
    }
}

impl<'a, T: 'a, K, E, B, F, M> Future for GetOrInit<B, F, M>
where
    K: Access,
    B: Future<Output = Begun<'a, T, Initialiser, K>>,
    F: FnOnce(Right<'a, T, Initialiser, K>) -> M,
    M: Future<Output = Result<&'a T, E>>,
{
    type Output = M::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<M::Output> {
        if let GetOrInitProjected::Begins { begin, make } = self.as_mut().project() {
            match (ready!(begin.poll(cx)), make.take()) {
                (Begun::Mine(right), Some(make)) => {
                    let making = make(right);
                    self.set(GetOrInit::Makes { making });
                }
                (Begun::Mine(_), None) => {
                    panic!("giambio: the initialiser of a `OnceCell` has panicked, and it is polled again")
                }
                (Begun::Set(value), _) => return Poll::Ready(Ok(value)),
            }
        }
        let GetOrInitProjected::Makes { making } = self.project() else { unreachable!("it makes the value") };
        making.poll(cx)
    }
}

struct ACell;

impl Named for ACell {
    const NAME: &'static str = "once cell";
}

impl Held for Initialiser {
    fn holder(&self) -> Option<TaskId> {
        self.task.get()
    }
}

impl<T> SetError<T> {
    /// The value that was to be set.
    pub fn into_value(self) -> T {
        match self {
            SetError::IsSet { value } | SetError::IsBeingMade { value } => value,
        }
    }
}

impl<T, K: Access> Default for OnceCell<T, K> {
    fn default() -> Self {
        Self::of()
    }
}

impl<T: fmt::Debug, K: Access> fmt::Debug for OnceCell<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Some(value) => f.debug_tuple("OnceCell").field(value).finish(),
            None => f.write_str("OnceCell(<not set>)"),
        }
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetError::IsSet { .. } => "the cell has a value already",
            SetError::IsBeingMade { .. } => "somebody is making the value of the cell",
        })
    }
}

impl<T: fmt::Debug> core::error::Error for SetError<T> {}
