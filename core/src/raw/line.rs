//! A line of futures that wait for their turn at a value under a short lock.
//!
//! First come, first served: somebody's turn is a promise that nobody who comes later can take
//! away. A newcomer is told how many promises are out, and must leave that much of the value. A
//! promise that is dropped before it was kept goes on to the next in line.

use core::cell::Cell;
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use super::foreign;
use super::port::Lock;
use super::waiters::{WaitList, Waiter};
use crate::gate::{poll_gate, poll_waits};

/// A value, and those who wait for something about it.
pub(crate) struct Line<T> {
    inside: Lock<Inside<T>>,
}

struct Inside<T> {
    value: T,
    /// How many have their turn and have not come for it.
    promises: Cell<u32>,
    waiters: WaitList,
}

/// Whose turn a change of the value makes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tell {
    #[cfg(feature = "heapless")]
    Nobody,
    /// The first in line: something is promised to it.
    First,
    /// Everyone in line; nothing is promised.
    All,
}

/// How a future comes to look at the value.
#[derive(Clone, Copy)]
pub(crate) enum Turn {
    /// It was told that its turn has come.
    Told,
    /// By itself; `promised` others were told and have not come yet.
    New {
        #[cfg_attr(not(feature = "heapless"), expect(dead_code, reason = "an event promises nothing"))]
        promised: u32,
    },
}

/// What was handed to a waiter: nothing to keep, or a promise.
const NEWS: u32 = 0;
const PROMISE: u32 = 1;

impl<T> Inside<T> {
    /// Whom to wake, and whether somebody else has to be told as well.
    fn tell(&self, tell: Tell) -> Option<(Waker, bool)> {
        let grant = match tell {
            #[cfg(feature = "heapless")]
            Tell::Nobody => return None,
            Tell::All => NEWS,
            Tell::First => PROMISE,
        };
        let waker = self.waiters.grant(grant).ok()??;
        self.promises.set(self.promises.get() + grant);
        Some((waker, tell == Tell::All && !self.waiters.is_empty()))
    }
}

impl<T> Line<T> {
    pub(crate) const fn new(value: T) -> Self {
        Line { inside: Lock::new(Inside { value, promises: Cell::new(0), waiters: WaitList::new() }) }
    }

    /// Looks at the value as a newcomer does.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&T, Turn) -> R) -> R {
        self.inside.with(|inside| f(&inside.value, Turn::New { promised: inside.promises.get() }))
    }

    /// Changes the value, and tells those whom it concerns.
    pub(crate) fn change<R>(&self, f: impl FnOnce(&T) -> (R, Tell)) -> R {
        let (result, mut told) = self.inside.with(|inside| {
            let (result, tell) = f(&inside.value);
            (result, inside.tell(tell))
        });
        while let Some((waker, more)) = told {
            waker.wake();
            told = if more { self.inside.with(|inside| inside.tell(Tell::All)) } else { None };
        }
        result
    }

    /// Waits until `take` gets something out of the value. It is asked under the lock, so it must
    /// be short and call nobody.
    pub(crate) fn wait<R, F: FnMut(&T, Turn) -> Option<R>>(&self, take: F) -> Waiting<'_, T, F> {
        Waiting { line: self, take, is_in_line: false, waiter: Waiter::new() }
    }
}

pin_project! {
    /// What [`Line::wait`] returns.
    pub(crate) struct Waiting<'a, T, F> {
        line: &'a Line<T>,
        take: F,
        // The waiter is in the list, or something was handed to it.
        is_in_line: bool,
        #[pin]
        waiter: Waiter,
    }

    impl<T, F> PinnedDrop for Waiting<'_, T, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !*this.is_in_line {
                return;
            }
            let next = this.line.inside.with(|inside| {
                inside.waiters.remove(&this.waiter);
                if this.waiter.take_grant() != Some(PROMISE) {
                    return None;
                }
                inside.promises.set(inside.promises.get() - PROMISE);
                inside.tell(Tell::First)
            });
            foreign::wake(next.map(|(waker, _)| waker));
        }
    }
}

impl<T, R, F: FnMut(&T, Turn) -> Option<R>> Future for Waiting<'_, T, F> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        ready!(poll_gate(cx));
        let this = self.project();
        let waiter = this.waiter.into_ref();
        // Cloning and dropping a waker may run foreign code, so both are done outside of the lock.
        let new = cx.waker().clone();
        let (result, _unused) = this.line.inside.with(|inside| {
            let turn = match waiter.take_grant() {
                Some(grant) => {
                    inside.promises.set(inside.promises.get() - grant);
                    Turn::Told
                }
                None => Turn::New { promised: inside.promises.get() },
            };
            if let Some(result) = (this.take)(&inside.value, turn) {
                inside.waiters.remove(&waiter);
                return (Some(result), Some(new));
            }
            let old = waiter.set_waker(new);
            // SAFETY: under the lock, and the destructor removes it.
            unsafe { inside.waiters.push(waiter) };
            (None, old)
        });
        *this.is_in_line = result.is_none();
        result.map_or_else(poll_waits, Poll::Ready)
    }
}
