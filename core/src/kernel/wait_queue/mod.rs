//! Something that is waited for, with the line of those who wait: what events, locks, channels and arenas are made of.
//!
//! First come, first served, any number of them, without a heap. There are two ways to go on:
//! * a **grant** is for one: a permit, a place, a value. It is handed to the first in line, and is that one's from then on:
//!   who comes later finds nothing, and who leaves without having come for it hands it on. Requests may differ: one says what
//!   it asks for, and whoever hands out looks at what the first in line asks. If that is too much it waits, and so do those
//!   behind it, who look again when it leaves;
//! * **news** is for all who wait when it begins, and for nobody who comes later. They are woken one at a time.
//!
//! A task that has put one future aside, and waits for the same by another one, is woken for what the first is granted, and
//! may never poll it: the second takes it over, when a poll has passed in which the first did not come (law NO-FUTURELOCK).
//! A set of futures polls only those that are woken: with `std` one of them is woken too, by an allocation.
//!
//! Two tasks are another matter: what a future has that is put aside, a lock as well as a place or a grant, it keeps until it
//! is polled or dropped. To pass a grant on to another task, somebody would have to come to the queue when the first task's
//! poll ends, and nothing may lead there from a task: a future that was forgotten stays in line, and its queue may have moved
//! or be gone.
//!
//! Whatever changes is whole before a waker is called, for a waker may be foreign code: it may come back here, and it may
//! panic, which keeps nobody from being told.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `access` | [`Local`] and [`Shared`]: what keeps others out |
//! | `line` | [`Line`]: who came first, and what was handed to whom |
//! | `line/inner` | those who wait in a set of futures (with `std`) |
//! | `waiting` | [`Waiting`]: the future of one who waits; [`Place`]: the same for futures that do more |
//! | `sides` | [`Sides`]: what has two lines, of those who send and of those who receive |

mod access;
mod line;
#[cfg(any(feature = "heapless", feature = "alloc"))]
mod sides;
#[cfg(all(test, feature = "std"))]
mod tests;
mod waiting;

use core::panic::{RefUnwindSafe, UnwindSafe};
use core::task::Waker;

pub(super) use access::Crosses;
pub use access::{Access, Local, Shared};
pub(crate) use line::{Line, Turn};
#[cfg(any(feature = "heapless", feature = "alloc"))]
pub(crate) use sides::Side;
#[cfg(any(feature = "heapless", feature = "alloc"))]
pub(crate) use sides::{Between, End, Inside, Sides};
use waiting::Lead;
pub(crate) use waiting::{Awaits, Held, Place, Waiting};

use crate::name::GivenName;
use crate::panics::First;
use crate::task_info::TaskId;

/// What is waited for, and who waits. `G` is what is handed to one of them.
pub(crate) struct WaitQueue<S, G, K: Access> {
    guard: K::Guard,
    state: S,
    line: Line<G>,
}

// SAFETY: it moves only while nobody who waits borrows it. One who was forgotten stays in line, and is touched from here alone.
unsafe impl<S: Send, G: Send, K: Access> Send for WaitQueue<S, G, K> {}

// SAFETY: state, line and those in it are touched only inside `with`, which is a lock for these kinds.
unsafe impl<S: Send, G: Send, K: Crosses> Sync for WaitQueue<S, G, K> {}

// Nothing panics half-way.
impl<S, G, K: Access> UnwindSafe for WaitQueue<S, G, K> {}
impl<S, G, K: Access> RefUnwindSafe for WaitQueue<S, G, K> {}

impl<S, G: Copy, K: Access> WaitQueue<S, G, K> {
    pub(crate) const fn new(state: S) -> Self {
        WaitQueue { guard: K::OPEN, state, line: Line::new() }
    }

    /// Gives it a name, for those who look on.
    pub(crate) const fn set_name(&mut self, name: &'static str) {
        self.line.name = GivenName::new(name);
    }

    /// Looks at the state, or changes it. It must be short, and call nobody.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&S, &Line<G>) -> R) -> R {
        K::alone(&self.guard, || f(&self.state, &self.line))
    }

    /// The same for who calls code of the program in there, as that of a value: then all go this way.
    pub(crate) const fn calling(&self) -> Calling<'_, S, G, K> {
        Calling(self)
    }

    /// Changes the state, and wakes whom that lets go on, one at a time: `next` is asked until it says nobody.
    pub(crate) fn serve(&self, mut next: impl FnMut(&S, &Line<G>) -> Option<Waker>) {
        let Some(waker) = self.with(&mut next) else { return };
        let mut first = First::new();
        first.catch(|| waker.wake());
        while let Some(waker) = self.with(&mut next) {
            first.catch(|| waker.wake());
        }
        first.resume();
    }

    /// Wakes all who wait, to whom nothing was handed; they keep their places.
    pub(crate) fn wake_waiting(&self) {
        let mut first = First::new();
        self.each_waker(|waker| first.catch(|| waker.wake()));
        first.resume();
    }

    /// Once through the line, for it may be long. Who comes later looks by itself.
    #[cfg(feature = "alloc")]
    fn each_waker(&self, wake: impl FnMut(Waker)) {
        let mut wakers = alloc::vec::Vec::with_capacity(self.with(|_, line| line.count_waiting()));
        self.with(|_, line| line.take_wakers(&mut wakers));
        wakers.into_iter().for_each(wake);
    }

    /// Backwards: who leaves meanwhile moves up only those that were woken.
    #[cfg(not(feature = "alloc"))]
    fn each_waker(&self, mut wake: impl FnMut(Waker)) {
        for n in (0..self.with(|_, line| line.count_waiting())).rev() {
            self.with(|_, line| line.take_waker(n)).into_iter().for_each(&mut wake);
        }
    }

    /// Changes the state, and tells all who wait at that moment; did anyone?
    pub(crate) fn tell_all(&self, change: impl FnOnce(&S)) -> bool {
        Lead::tell_all(&self, change)
    }

    /// Changes the state, and tells all who wait at that moment, if `change` says so; returns what it does.
    pub(crate) fn tell_if<R>(&self, change: impl FnOnce(&S) -> (R, bool)) -> R {
        Lead::tell_if(&self, change).0
    }
}

impl<S: Held, G: Copy, K: Access> Awaits for WaitQueue<S, G, K> {
    fn awaits(&self) -> (Option<&'static str>, Option<TaskId>) {
        self.with(|state, line| (line.name.get(), state.holder()))
    }
}

/// Leads to what is waited for, for who calls code of the program under the access: that may come back to it.
pub(crate) struct Calling<'a, S, G, K: Access>(&'a WaitQueue<S, G, K>);

impl<S, G: Copy, K: Access> Calling<'_, S, G, K> {
    /// As [`WaitQueue::with`].
    pub(crate) fn with<R>(&self, f: impl FnOnce(&S) -> R) -> R {
        Lead::with(self, |state, _| f(state))
    }

    /// As [`WaitQueue::tell_if`].
    pub(crate) fn tell_if<R>(&self, change: impl FnOnce(&S) -> (R, bool)) -> R {
        Lead::tell_if(self, change).0
    }
}

// SAFETY: as below. Who comes back is on the same thread, and finds each change whole, for code is called between two.
unsafe impl<S, G: Copy, K: Access> Lead for Calling<'_, S, G, K> {
    type State = S;
    type Grant = G;

    fn with<R>(&self, f: impl FnOnce(&S, &Line<G>) -> R) -> R {
        K::alone_calling(&self.0.guard, || f(&self.0.state, &self.0.line))
    }
}

// SAFETY: it is borrowed, so it stays where it is; and `with` excludes others, or there are none.
unsafe impl<S, G: Copy, K: Access> Lead for &WaitQueue<S, G, K> {
    type State = S;
    type Grant = G;

    fn with<R>(&self, f: impl FnOnce(&S, &Line<G>) -> R) -> R {
        WaitQueue::with(self, f)
    }
}

// SAFETY: a thread has one value of a key, where it stays until the thread ends; who waits stays on its thread.
#[cfg(feature = "std")]
unsafe impl<S, G: Copy> Lead for &'static std::thread::LocalKey<WaitQueue<S, G, Local>> {
    type State = S;
    type Grant = G;

    fn with<R>(&self, f: impl FnOnce(&S, &Line<G>) -> R) -> R {
        std::thread::LocalKey::with(self, |queue| queue.with(f))
    }
}
