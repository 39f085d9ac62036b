//! The first of several futures to be ready, where others have `select!`.

use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::cancel::{Deadline, ScopeState};
use crate::fault::fault;
use crate::kernel::in_place::clear;
use crate::reason::Reason;

/// Runs two to eight futures at once, in this task, until the first is ready: that value comes out, and the others are
/// cancelled.
///
/// Each lies in a cancel scope of its own. So the losers end as cancelled code does, and not by a mere drop: their shields and
/// clean-ups come to their end before this does, and no value that one has in hand is lost if it says so of a cancellation. If
/// several are ready at the same time, the first in the tuple wins, and the others are not polled any more; in a loop, what
/// stands behind waits for as long as what stands before is always ready.
///
/// All have the same type of value: where they differ, each makes its own variant of an enum. A future that shall go on in the
/// next turn of a loop, as one that reads a part of a message, is pinned outside, and lent: `race((work.as_mut(), …))`.
///
/// # Cancellation
/// As the futures: dropping this drops them all, and so does a cancellation around it, when their clean-ups are over. While
/// clean-ups of the losers are waited for it is [**Lossy**](crate#cancellation): the winner's value is dropped with it.
///
/// # Panics
/// As the futures; the others are dropped.
///
/// ```
/// # use core::pin::pin;
/// # use core::time::Duration;
/// # use giambio_core::{Runtime, Until, VirtualClock};
/// use giambio_core::sync::Event;
/// use giambio_core::{nursery, race, sleep};
///
/// #[derive(Debug, PartialEq)]
/// enum Next {
///     Pressed,
///     Idle,
/// }
///
/// # let clock: VirtualClock = VirtualClock::new();
/// # pin!(Runtime::new(&clock, async {
/// let button = Event::new();
/// let next = race((
///     async {
///         button.wait().await;
///         Next::Pressed
///     },
///     async {
///         sleep(Duration::from_secs(10)).await;
///         Next::Idle
///     },
/// ));
/// assert_eq!(next.await, Next::Idle);
/// # })).run(&mut |until| if let Until::At(tick) = until { clock.advance_to(tick) });
/// ```
pub fn race<R: Race>(racers: R) -> impl Future<Output = R::Value> {
    racers.start()
}

/// What [`race`] takes: tuples of two to eight futures with values of one type.
#[diagnostic::on_unimplemented(
    message = "`race` takes a tuple of two to eight futures that have values of one type",
    note = "where their types differ, let each be an `async` block that makes its variant of an enum"
)]
pub trait Race: sealed::Start {}

mod sealed {
    /// Nobody else can implement it, for nobody else can name it.
    pub trait Start {
        type Value;
        fn start(self) -> impl Future<Output = Self::Value>;
    }
}

pin_project! {
    /// One of them, in its scope.
    struct Racer<F> {
        #[pin]
        future: Option<F>,
        #[pin]
        scope: ScopeState,
        state: State,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Running,
    Over,
}

impl<F: Future> Racer<F> {
    fn new(future: F) -> Self {
        Racer { future: Some(future), scope: ScopeState::new(Deadline::None), state: State::New }
    }

    /// Its value, when there is one.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        *this.state = State::Running;
        let outcome = this.scope.as_ref().poll(this.future, cx);
        if outcome.is_ready() {
            *this.state = State::Over;
        }
        match outcome {
            Poll::Ready(Ok(value)) => Poll::Ready(value),
            // A scope that nobody has cancelled does not end so.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }

    /// It has lost, or it is over. Is it gone?
    fn end(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let mut this = self.as_mut().project();
        match this.state {
            State::New => {
                clear(this.future.as_mut());
                *this.state = State::Over;
            }
            State::Running if fault!("losers-dropped-at-once") => clear(this.future.as_mut()),
            State::Running => {
                this.scope.as_ref().cancel(Reason::Requested);
                // The race is decided: a value that comes still was not waited for.
                let _ = self.as_mut().poll(cx);
            }
            State::Over => {}
        }
        self.future.is_none()
    }
}

macro_rules! races {
    ($($name:ident: $($future:ident $field:ident)+;)+) => {$(
        pin_project! {
            struct $name<T, $($future),+> {
                value: Option<T>,
                $(#[pin] $field: Racer<$future>,)+
            }
        }

        impl<T, $($future: Future<Output = T>),+> Future for $name<T, $($future),+> {
            type Output = T;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
                let mut this = self.project();
                $(
                    if this.value.is_none() && let Poll::Ready(value) = this.$field.as_mut().poll(cx) {
                        *this.value = Some(value);
                    }
                )+
                if this.value.is_none() {
                    return Poll::Pending;
                }
                let mut are_gone = true;
                $(are_gone &= this.$field.as_mut().end(cx);)+
                match this.value.take_if(|_| are_gone) {
                    Some(value) => Poll::Ready(value),
                    None => Poll::Pending,
                }
            }
        }

        impl<T, $($future: Future<Output = T>),+> Race for ($($future),+) {}

        impl<T, $($future: Future<Output = T>),+> sealed::Start for ($($future),+) {
            type Value = T;

            fn start(self) -> impl Future<Output = T> {
                let ($($field),+) = self;
                $name { value: None, $($field: Racer::new($field)),+ }
            }
        }
    )+};
}

races! {
    Two: A a B b;
    Three: A a B b C c;
    Four: A a B b C c D d;
    Five: A a B b C c D d E e;
    Six: A a B b C c D d E e F f;
    Seven: A a B b C c D d E e F f G g;
    Eight: A a B b C c D d E e F f G g H h;
}
